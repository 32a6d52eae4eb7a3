"""`replay`: recorded documents go through the whole pipeline in the order of their times."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from newsroom import START, THEMES, Desk, at, item, rss, run

from monitor.demo import recorded

if TYPE_CHECKING:
    from pathlib import Path

LEAK = item("leak", "Testers leak OpenAI tool Sora in protest")
PAID = item("paid", "OpenAI offers Sora testers pay", published=at(20))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two feeds: one recorded on two days with hours, one with days only; a third document a year later."""
    folder = tmp_path / "recordings"
    documents = {
        "paper/2024-12-02T0900.xml": rss(LEAK),
        "paper/2024-12-02T21:30:00Z.xml": rss(PAID, LEAK),
        "paper/2025-12-20.xml": rss(item("late", "AI artists win", published=at(0, 380)), PAID, LEAK),
        "gazette/2024-12-02.xml": rss(item("bridge", "River bridge closed"), title="Gazette"),
        "gazette/notes.txt": b"no document", "gazette/2024-13-01.xml": b"no such day",
    }  # fmt: skip
    for name, content in documents.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


def test_days_are_played_and_kept(folder: Path, tmp_path: Path) -> None:
    desk, target = Desk(tmp_path / "desk", []).directory, tmp_path / "replay"
    result = run(desk, "replay", folder, "-o", target)
    assert result.code == 0, result.err
    lines = result.out.splitlines()
    assert lines[0].startswith("2024-12-03  ")
    assert lines[0].endswith("2 new reports of 3 entries"), "two reports and a bridge"
    assert lines[1].startswith("2025-12-21  1 story, 1 new report of")
    assert lines[2:] == ["4 polls, 2 digests"], "a year without documents makes no empty digests"
    found = run(target, "entries", "--json").json
    assert {e["guid"]: e["first_seen"] for e in found}["leak"] == "2024-12-02T09:00:00Z"
    assert (target / "themes.toml").read_text() == THEMES, "the themes are the user's"
    assert run(desk, "entries", "--all").out == "", "and the user's own archive is as it was"


def test_a_replay_may_be_made_anew_but_nothing_else_is_overwritten(folder: Path, tmp_path: Path) -> None:
    target = tmp_path / "replay"
    (folder / "paper" / "2025-12-20.xml").unlink()
    desk = Desk(tmp_path / "desk", []).directory
    first = run(desk, "replay", folder, "-o", target, "--json")
    assert first.json["polls"] == 3
    assert run(desk, "replay", folder, "-o", target, "--json").json == first.json
    assert run(desk, "replay", folder, "-o", folder).code == 2


def test_a_folder_of_documents_is_one_feed(folder: Path) -> None:
    (name,) = recorded.read(folder / "paper")
    assert name == "paper"
    assert [version.at for version in recorded.read(folder / "paper")[name]] == [
        at(9), at(21.5), datetime(2025, 12, 20, 23, 59, 59, tzinfo=UTC),
    ]  # fmt: skip


def test_a_folder_without_recordings_is_reported(tmp_path: Path) -> None:
    result = run(None, "--config", tmp_path, "replay", tmp_path)
    assert (result.code, result.err.count("\n")) == (2, 1)


def test_what_was_not_recorded_yet_is_not_found(folder: Path) -> None:
    with recorded.Recordings(recorded.read(folder), START) as stand:
        assert stand.answer("/1", {}).status == 404
        stand.now = at(10)
        answer = stand.answer("/1", {})
        assert answer.status == 200
        assert stand.answer("/1", {"if-none-match": answer.headers["ETag"]}).status == 304
        assert stand.answer("/nowhere", {}).status == 404
