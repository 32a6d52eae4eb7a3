"""Lower limits for the tagger's figures on our own labelled samples: a change that spoils a theme fails here."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from monitor.evaluate import Scores, by_language, read, score
from monitor.tag import Tagger, load

if TYPE_CHECKING:
    from monitor.models import Tagging

HERE = Path(__file__).parent
THEMES = HERE.parent / "monitor" / "topic" / "themes.toml"
FLOORS = {
    "leak-protest": 0.81, "unpaid-labour": 0.72, "content-control": 0.90, "compensation": 0.72,
    "company-response": 0.52, "labour-ethics": 0.82, "copyright": 0.86, "tech-creative-relations": 0.77,
    "capabilities": 0.72, "access-release": 0.69, "misuse-safety": 0.77, "human-creativity": 0.82,
}  # fmt: skip
HELD_OUT = {
    "leak-protest": 0.87, "unpaid-labour": 0.87, "content-control": 0.70, "compensation": 0.79,
    "company-response": 0.85, "labour-ethics": 0.77, "copyright": 0.85, "tech-creative-relations": 0.68,
    "capabilities": 0.66, "access-release": 0.88, "misuse-safety": 0.78, "human-creativity": 0.79,
}  # fmt: skip
"""Who wrote the rules had seen the first samples, but not the held-out ones."""


@cache
def measured(file: str = "samples", *, learned: bool = True) -> tuple[Scores, dict[str, Scores]]:
    rules = load(THEMES.read_text(encoding="utf-8"), file=THEMES.name)
    text = (HERE / "data" / "labelled" / f"{file}.jsonl").read_text(encoding="utf-8")
    found = read(text, file=file, now=datetime(2026, 1, 1, tzinfo=UTC))
    tagger = Tagger(replace(rules, learned=learned))
    tagged: list[Tagging] = [tagger.tag(record.entry) for record in found]
    return score(found, tagged, rules), by_language(found, tagged, rules)


@pytest.mark.parametrize("learned", [True, False])
def test_relevance(*, learned: bool) -> None:
    scores, _ = measured(learned=learned)
    assert scores.records >= 150
    # Phrases alone let one more pass since they also look for generators and clones.
    assert scores.relevance.precision >= (0.97 if learned else 0.96)
    assert scores.relevance.recall >= 0.97


def test_themes_on_the_whole() -> None:
    scores, languages = measured()
    assert scores.micro.f1 >= 0.80
    assert scores.macro >= 0.76
    assert languages["de"].micro.f1 >= languages["en"].micro.f1 - 0.03
    assert languages["de"].relevance.f1 >= languages["en"].relevance.f1 - 0.03


@pytest.mark.parametrize(("theme", "floor"), FLOORS.items())
def test_each_theme(theme: str, floor: float) -> None:
    scores, _ = measured()
    assert set(scores.themes) == set(FLOORS), "each theme has its lowest acceptable figure in FLOORS"
    assert scores.themes[theme].f1 >= floor


def test_what_was_held_out() -> None:
    scores, _ = measured("held-out")
    assert scores.relevance.precision >= 0.96
    assert scores.relevance.recall >= 0.93
    assert scores.micro.f1 >= 0.81
    assert scores.macro >= 0.80


@pytest.mark.parametrize(("theme", "floor"), HELD_OUT.items())
def test_each_theme_of_what_was_held_out(theme: str, floor: float) -> None:
    scores, _ = measured("held-out")
    assert scores.themes[theme].f1 >= floor


def test_namesakes_are_distinguished_from_the_model() -> None:
    """Bridges, footballers, rates, programs: other things called Sora, in titles of feeds of unknown kind.

    Two mention the model without being about it. A table that did not know that the gate lets them through
    chose 11 of the 28.
    """
    rules = load(THEMES.read_text(encoding="utf-8"), file=THEMES.name)
    tagger = Tagger(rules)
    chosen: dict[bool, list[bool]] = {True: [], False: []}
    for file in ("samples", "held-out"):
        text = (HERE / "data" / "labelled" / f"{file}.jsonl").read_text(encoding="utf-8")
        for record in read(text, file=file, now=datetime(2026, 1, 1, tzinfo=UTC)):
            if "sora" in record.entry.title.lower():
                chosen[record.relevant].append(bool(tagger.tag(record.entry).beats))
    assert len(chosen[False]) >= 28
    assert sum(chosen[False]) <= 7
    assert sum(chosen[True]) >= len(chosen[True]) - 1
