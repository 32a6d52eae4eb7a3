"""Choosing at the real rate of news: the figures, and lower limits on our own stream of 3,000 entries."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from newsroom import run

from monitor import encoder
from monitor.evaluate import Figure, Record, StreamScores, read, score_stream
from monitor.models import Tagging
from monitor.tag import Tagger, load

ROOT = Path(__file__).parent.parent
OWN = Path(__file__).parent / "data" / "stream" / "own.jsonl"
NOW = datetime(2026, 1, 2, tzinfo=UTC)


def record(*, relevant: bool = False, doubt: bool = False) -> Record:
    line = {"title": "T", "beats": ["b"] if relevant else [], "doubt": doubt}
    return read(json.dumps(line), file="r", now=NOW)[0]


def answer(certainty: float) -> Tagging:
    shelf: Any = "sure" if certainty >= 0.6 else "perhaps" if certainty >= 0.3 else ""
    return Tagging(
        beats=("b",) if shelf else (),
        certainty=certainty,
        score=certainty / 0.3,
        shelf=shelf,
        near="" if shelf or certainty < 0.2 else "b",
    )


def test_shelves_near_misses_and_reliability_are_counted() -> None:
    records = [
        record(relevant=True),
        record(),
        record(relevant=True),
        record(),
        record(relevant=True, doubt=True),
    ]
    scores = score_stream(records, [answer(0.95), answer(0.92), answer(0.42), answer(0.25), answer(0.9)])
    assert (scores.records, scores.relevant, scores.doubtful) == (4, 2, 1)
    assert (scores.sure, scores.chosen, scores.near) == (Figure(1, 1, 1), Figure(2, 1, 0), Figure(0, 1, 2))
    assert [(b.low, b.entries, b.right) for b in scores.reliability] == [
        (0.2, 1, 0),
        (0.4, 1, 1),
        (0.9, 2, 1),
    ]
    assert scores.reliability[-1].promised == pytest.approx(0.935)
    assert scores.to_dict()["sure"]["precision"] == 0.5


@cache
def measured(*, semantic: bool = False) -> tuple[list[Record], StreamScores]:
    rules = load((ROOT / "monitor" / "topic" / "themes.toml").read_text(encoding="utf-8"), file="themes.toml")
    tagger = Tagger(rules, semantic=semantic)
    found = read(OWN.read_text(encoding="utf-8"), file=OWN.name, now=NOW)
    return found, score_stream(found, [tagger.tag(one.entry, kind=one.kind) for one in found])


def test_our_stream_is_at_the_real_rate_and_in_both_languages() -> None:
    found, scores = measured()
    assert scores.records == 3_000
    assert 0.015 <= scores.relevant / scores.records <= 0.025
    assert min(sum(one.entry.language == language for one in found) for language in ("en", "de")) > 1_200


def test_sure_entries_are_right_and_chosen_ones_are_worth_a_line() -> None:
    """The stream's relevant entries avoid the obvious words on purpose, "AI" among them, which real entries
    do not.

    So recall is lower here than in real feeds.
    """
    _, scores = measured()
    assert scores.sure.precision >= 0.90
    assert scores.sure.recall >= 0.67
    assert scores.chosen.precision >= 0.83
    assert scores.chosen.recall >= 0.71


@pytest.mark.skipif(not encoder.available(), reason="without the extra nothing is looked at twice")
def test_the_second_look_finds_more_and_is_right_as_often() -> None:
    _, scores = measured(semantic=True)
    assert scores.sure.precision >= 0.90
    assert scores.sure.recall >= 0.68
    assert scores.chosen.precision >= 0.80
    assert scores.chosen.recall >= 0.75


def test_certainty_means_what_it_says() -> None:
    """The expected calibration error over the bins, weighted by their numbers of entries."""
    _, scores = measured()
    asked = sum(b.entries for b in scores.reliability)
    assert sum(b.entries * abs(b.share - b.promised) for b in scores.reliability) / asked <= 0.07


def test_a_stream_is_scored_by_the_command(tmp_path: Path) -> None:
    few = tmp_path / "few.jsonl"
    few.write_text("\n".join(OWN.read_text(encoding="utf-8").splitlines()[:200]), encoding="utf-8")
    assert run(tmp_path / "c", "init", tmp_path / "c").code == 0
    found = run(tmp_path / "c", "evaluate", "--stream", few, "--json").json
    assert found["records"] == 200
    assert set(found) >= {"sure", "chosen", "near", "reliability"}
    shown = run(tmp_path / "c", "evaluate", "--stream", few).out
    assert "sure and perhaps" in shown
    assert "promised" in shown
