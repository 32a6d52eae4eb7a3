"""Several processes on one data directory: killed, started twice, and read and copied while they work."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import threading
from contextlib import closing, contextmanager, suppress
from typing import TYPE_CHECKING

import kills
import pytest
from newsroom import START, Desk, at, item, page, serving

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from loopback import Loopback, Reply, Request

FEEDS, ENTRIES = 4, 12
EXPECTED = {f"p{feed}-{number}" for feed in range(FEEDS) for number in range(ENTRIES)}
SECONDS = 60
"""How long a process may take before the test gives up on it."""
KILLED_AFTER = (0.02, 0.2)
"""Seconds until a poll is killed, after it asked for its first feed."""


def paper(feed: int) -> Reply:
    return page(
        *(
            item(f"p{feed}-{number}", f"OpenAI's Sora, report {number} of paper {feed}", published=START)
            for number in range(ENTRIES)
        ),
        title=f"Paper {feed}",
    )


@pytest.fixture
def web() -> Iterator[Loopback]:
    with serving() as server:
        for feed in range(FEEDS):
            server.on(f"/{feed}", paper(feed))
        yield server


@pytest.fixture
def desk(tmp_path: Path, web: Loopback) -> Desk:
    return Desk(tmp_path / "desk", [web.url(f"/{feed}") for feed in range(FEEDS)])


@contextmanager
def started(desk: Desk, *words: str, hour: float = 8) -> Iterator[subprocess.Popen[str]]:
    """Run a command in a process of its own, which is ended when the block ends, whatever happens."""
    moment = ["--now", at(hour).isoformat()]
    process = subprocess.Popen(
        [sys.executable, "-m", "monitor", "--config", str(desk.directory), *moment, *words],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        try:
            yield process
        finally:
            process.kill()


def ended(process: subprocess.Popen[str]) -> str:
    """Wait for a command that must succeed; return what it printed."""
    out, err = process.communicate(timeout=SECONDS)
    assert process.returncode == 0, err
    assert "Traceback" not in err
    return out


def command(desk: Desk, *words: str, hour: float = 8) -> str:
    with started(desk, *words, hour=hour) as process:
        return ended(process)


def stored(desk: Desk, path: Path | None = None) -> list[str]:
    """Return the guids in a database, after checking that SQLite finds it intact."""
    with closing(sqlite3.connect(path or desk.config.database)) as db:
        assert db.execute("pragma integrity_check").fetchall() == [("ok",)]
        assert db.execute("pragma foreign_key_check").fetchall() == []
        return [guid for (guid,) in db.execute("select guid from entries order by guid")]


def assert_whole(desk: Desk) -> None:
    assert stored(desk) == sorted(EXPECTED)
    with closing(sqlite3.connect(desk.config.database)) as db:
        assert db.execute("select count(*) from entries where relevant and story_id is null").fetchone() == (
            0,
        )


def test_two_polls_at_once_store_everything_once(desk: Desk) -> None:
    with started(desk, "poll", "--all") as one, started(desk, "poll", "--all") as other:
        ended(one)
        ended(other)
    assert_whole(desk)


def test_a_killed_poll_loses_nothing_and_blocks_nobody(desk: Desk, web: Loopback) -> None:
    for number, delay in enumerate(KILLED_AFTER):
        asked = threading.Event()

        def answer(_: Request, asked: threading.Event = asked) -> Reply:
            asked.set()
            return paper(0)

        web.on("/0", answer)
        with started(desk, "poll", "--all", hour=8 + number) as process:
            assert asked.wait(SECONDS)
            with suppress(subprocess.TimeoutExpired):
                process.wait(delay)
            process.kill()
        assert set(stored(desk)) <= EXPECTED
    command(desk, "poll", "--all", hour=20)
    assert_whole(desk)


def test_a_reader_and_a_backup_beside_a_poll(desk: Desk, tmp_path: Path) -> None:
    command(desk, "poll", "--all")
    copy = tmp_path / "copy.db"
    with started(desk, "poll", "--all", hour=9) as poll, started(desk, "entries") as reader:
        command(desk, "backup", str(copy))
        ended(reader)
        ended(poll)
    assert stored(desk, copy) == sorted(EXPECTED)


def test_after_kills_in_mid_work_everything_is_there_once(tmp_path: Path) -> None:
    wrong, played = kills.ordeal(tmp_path, kills=5, seed=1)
    assert wrong == [], played


def test_a_damaged_database_is_one_clear_line(desk: Desk) -> None:
    desk.config.database.parent.mkdir(parents=True, exist_ok=True)
    desk.config.database.write_bytes(b"no database " * 1000)
    with started(desk, "poll") as process:
        _, err = process.communicate(timeout=SECONDS)
    assert process.returncode != 0
    assert len(err.strip().splitlines()) == 1
    assert "restore a backup" in err
