"""Floors under the tagger's figures on the project's own labelled samples: a change that spoils a theme fails here."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from monitor.tag import Tagger, load, records, scoring

if TYPE_CHECKING:
    from monitor.models import Tagging

HERE = Path(__file__).parent
FLOORS = {
    "leak-protest": 0.88, "unpaid-labour": 0.84, "content-control": 0.82, "compensation": 0.93,
    "company-response": 0.67, "labour-ethics": 0.82, "copyright": 0.85, "tech-creative-relations": 0.75,
    "capabilities": 0.80, "access-release": 0.72, "misuse-safety": 0.79, "human-creativity": 0.84,
}  # fmt: skip


@cache
def measured() -> tuple[scoring.Scores, dict[str, scoring.Scores]]:
    rules = load((HERE.parent / "config" / "themes.toml").read_text(encoding="utf-8"), file="themes.toml")
    files = sorted((HERE / "data" / "labelled").glob("*.jsonl"))
    now = datetime(2026, 1, 1, tzinfo=UTC)
    found = [r for f in files for r in records.read(f.read_text(encoding="utf-8"), file=f.name, now=now)]
    tagger = Tagger(rules)
    tagged: list[Tagging] = [tagger.tag(record.entry) for record in found]
    return scoring.score(found, tagged, rules), scoring.by_language(found, tagged, rules)


def test_relevance() -> None:
    scores, _ = measured()
    assert scores.records >= 150
    assert scores.relevance.precision >= 0.98
    assert scores.relevance.recall >= 0.96


def test_themes_on_the_whole() -> None:
    scores, _ = measured()
    assert scores.micro.f1 >= 0.84
    assert scores.macro >= 0.82


@pytest.mark.parametrize(("theme", "floor"), FLOORS.items())
def test_each_theme(theme: str, floor: float) -> None:
    scores, _ = measured()
    assert set(scores.themes) == set(FLOORS)
    assert scores.themes[theme].f1 >= floor


def test_german_is_no_worse_than_english() -> None:
    _, languages = measured()
    assert languages["de"].micro.f1 >= languages["en"].micro.f1 - 0.03
    assert languages["de"].relevance.f1 >= languages["en"].relevance.f1 - 0.03
