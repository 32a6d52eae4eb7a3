"""`export` keeps to its schema in both formats, and leaks no secrets of feeds."""

from __future__ import annotations

import csv
import io
import json
import shutil
from typing import TYPE_CHECKING

import pytest
from newsroom import Desk, at, item, page, polled, run, serving

from monitor.cli.export import SCHEMA

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = polled(tmp_path_factory.mktemp("desk"))
    assert run(directory, "digest", "--send", now=at(31)).code == 0
    assert (
        run(directory, "mark", 1, "--relevant", "--beat", "sora", "--theme", "leak-protest", now=at(32)).code
        == 0
    )
    return directory


def lines(desk: Path, *arguments: str) -> list[dict[str, object]]:
    return [json.loads(line) for line in run(desk, "export", *arguments).out.splitlines()]


@pytest.mark.parametrize("what", SCHEMA)
def test_both_formats_have_the_columns_of_the_schema(desk: Path, what: str) -> None:
    found = lines(desk, what)
    assert found
    assert all(list(record) == [*SCHEMA[what]] for record in found)
    rows = list(csv.DictReader(io.StringIO(run(desk, "export", what, "--format", "csv").out)))
    assert [list(row) for row in rows] == [[*SCHEMA[what]]] * len(found)
    assert [row["title"] for row in rows] == [record["title"] for record in found]


def test_entries_say_which_digest_reported_them(desk: Path) -> None:
    assert {record["reported_in"] for record in lines(desk, "entries")} == {"2024-12-03"}
    assert len(lines(desk, "entries", "--all")) == 3
    assert len(lines(desk, "entries")) == 2


def test_copies_of_one_text_are_one_report(tmp_path: Path) -> None:
    title, text = (
        "Testers leak OpenAI tool Sora in protest",
        "They call their work on it unpaid research. " * 8,
    )
    with serving() as server:
        pages = [page(item(f"leak-{name}", title, text), title=name) for name in ("one", "two", "three")]
        feeds = [server.on(f"/{number}", each) for number, each in enumerate(pages)]
        directory = Desk(tmp_path / "desk", feeds).directory
        assert run(directory, "poll", now=at(9)).code == 0
    [story] = lines(directory, "stories")
    assert (story["reports"], story["entries"]) == (1, [1, 2, 3])


def test_since_and_emptiness(desk: Path) -> None:
    assert lines(desk, "stories", "--since", "2024-12-03") == []
    empty = run(desk, "export", "marks", "--since", "2025-01-01", "--format", "csv")
    assert empty.out.splitlines() == [",".join(SCHEMA["marks"])]
    assert "no marks" in empty.err


def test_a_file_appears_whole_or_not_at_all(desk: Path, tmp_path: Path) -> None:
    file = tmp_path / "out.csv"
    assert run(desk, "export", "--format", "csv", "-o", file).code == 0
    assert file.read_text().startswith("id,story,feed")
    assert list(tmp_path.iterdir()) == [file]
    assert run(desk, "export", "-o", tmp_path / "no" / "where").code == 1


def test_no_secret_of_a_feed_leaves(desk: Path) -> None:
    assert "hunter2" not in "".join(run(desk, "export", what, "--all").out for what in SCHEMA)


@pytest.mark.parametrize("arguments", [["feeds"], ["--format", "xml"], ["entries", "--since", "soon"]])
def test_what_there_is_not_is_wrong_usage(desk: Path, arguments: list[str]) -> None:
    assert run(desk, "export", *arguments).code == 2


def test_an_empty_archive_exports_nothing(desk: Path, tmp_path: Path) -> None:
    fresh = tmp_path / "fresh"
    shutil.copytree(desk, fresh, ignore=shutil.ignore_patterns("data"))
    assert (run(fresh, "export").code, run(fresh, "export").out) == (0, "")
