"""Several processes with one file: none is refused, and nothing is left half-done, whichever is killed."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import sys
from contextlib import ExitStack, closing, contextmanager
from datetime import UTC, datetime

import pytest

from monitor import store
from monitor.errors import StoreError
from monitor.models import Delivery, Entry, Feed

NOW = datetime(2026, 11, 23, 7, 0, tzinfo=UTC)
FEED = Feed(url="https://outlet.example/feed")

PRELUDE = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from monitor import store
from monitor.models import Entry, Feed, FeedState

NOW = datetime(2026, 11, 23, 7, 0, tzinfo=UTC)
FEED = Feed(url="https://outlet.example/feed")
path, name = Path(sys.argv[1]), sys.argv[2]

def entries(*numbers):
    return [Entry(feed=FEED.url, guid=f"{name}-{n}", title=f"{name} {n}", published=NOW, first_seen=NOW) for n in numbers]

def say(word):
    print(word, flush=True)

def wait():
    sys.stdin.readline()
"""


@contextmanager
def child(path, name, code):
    """Run code in another process, with which the test exchanges lines; it is ended afterwards."""
    process = subprocess.Popen(
        [sys.executable, "-c", PRELUDE + code, str(path), name],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        try:
            yield process
        finally:
            process.kill()


def heard(process):
    return process.stdout.readline().strip()


def go(process):
    process.stdin.write("go\n")
    process.stdin.flush()


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "monitor.db"
    with store.open(path) as opened:
        opened.feeds.sync([FEED], NOW)
    return path


WRITER = """
say("ready"); wait()
with store.open(path) as opened:
    opened.feeds.sync([FEED], NOW)
    for n in range(25):
        with opened.transaction():
            polls = opened.feeds.states([FEED])[FEED.url].polls
            opened.entries.add(entries(n), lambda _: "")
            opened.feeds.save_state(FeedState(url=FEED.url, polls=polls + 1))
say("done")
"""


def test_two_writers_from_the_very_first_moment_lose_nothing(tmp_path):
    path = tmp_path / "new.db"
    with ExitStack() as stack:
        children = [stack.enter_context(child(path, name, WRITER)) for name in ("one", "two")]
        assert [heard(process) for process in children] == ["ready", "ready"]
        for process in children:
            go(process)
        assert [heard(process) for process in children] == ["done", "done"]
    with store.open(path) as opened:
        assert opened.feeds.counts() == {FEED.url: 50}
        assert opened.feeds.states([FEED])[FEED.url].polls == 50
        opened.check()


KILLED = """
opened = store.open(path)
opened.entries.add(entries(0), lambda _: "")
with opened.transaction():
    opened.entries.add(entries(*range(1, 400)), lambda _: "")
    opened.feeds.save_state(FeedState(url=FEED.url, etag="new"))
    say("in the middle"); wait()
"""


def test_a_writer_killed_in_the_middle_leaves_nothing_half_and_blocks_nobody(path):
    with child(path, "killed", KILLED) as process:
        assert heard(process) == "in the middle"
        process.send_signal(signal.SIGKILL)
        process.wait()
    with store.open(path) as opened:
        assert [one.title for one in opened.entries.listing(everything=True)] == ["killed 0"]
        assert opened.feeds.states([FEED])[FEED.url].etag == ""
        opened.check()
        assert opened.entries.search("killed")
        opened.feeds.sync([FEED], NOW)


KILLED_UNCLOSED = """
opened = store.open(path)
opened.entries.add(entries(1, 2), lambda _: "")
say("committed"); wait()
"""


def test_what_was_committed_survives_a_kill_before_the_log_is_folded_in(path):
    with child(path, "killed", KILLED_UNCLOSED) as process:
        assert heard(process) == "committed"
        process.kill()
        process.wait()
    with store.open(path, read_only=True) as opened:
        assert len(opened.entries.listing(everything=True)) == 2


def test_a_reader_is_not_kept_waiting_and_sees_only_what_is_whole(path):
    with child(path, "writer", KILLED) as process:
        assert heard(process) == "in the middle"
        for read_only in (True, False):
            with store.open(path, read_only=read_only) as opened:
                assert [one.title for one in opened.entries.listing(everything=True)] == ["writer 0"]
        go(process)
        process.wait()
    with store.open(path, read_only=True) as opened:
        assert len(opened.entries.listing(everything=True)) == 400


def test_a_backup_while_another_writes_is_whole(path, tmp_path):
    copy = tmp_path / "copy.db"
    with child(path, "writer", KILLED) as process:
        assert heard(process) == "in the middle"
        with store.open(path, read_only=True) as opened:
            opened.backup(copy)
        go(process)
        process.wait()
    with store.open(copy) as opened:
        assert [one.title for one in opened.entries.listing(everything=True)] == ["writer 0"]
        assert opened.entries.search("writer")
        opened.check()


CLAIMER = """
with store.open(path) as opened:
    say("ready"); wait()
    say(sum(opened.deliveries.claim(number, NOW) is not None for number in range(1, 101)))
"""


def test_of_two_senders_each_delivery_goes_to_one(path):
    deliveries = [
        Delivery(edition="e", channel="c", recipient=str(number), payload=b"", created_at=NOW)
        for number in range(100)
    ]
    with store.open(path) as opened:
        opened.deliveries.add(deliveries, NOW)
    with ExitStack() as stack:
        children = [stack.enter_context(child(path, name, CLAIMER)) for name in ("one", "two")]
        assert [heard(process) for process in children] == ["ready", "ready"]
        for process in children:
            go(process)
        assert sum(int(heard(process)) for process in children) == 100
    with store.open(path) as opened:
        assert len(opened.deliveries.sending()) == 100


def test_a_writer_that_waits_in_vain_is_reported_so(path, monkeypatch):
    monkeypatch.setattr(store.connection, "_PATIENCE", 0.05)
    with store.open(path) as one, store.open(path) as two, one.transaction():
        assert two.note("readers") == ""
        with pytest.raises(StoreError, match="kept busy by another process"):
            two.set_note("writers", "wait")


def test_a_backup_replaces_a_backup_and_nothing_else(path, tmp_path):
    copy, text = tmp_path / "copy.db", tmp_path / "letter.txt"
    text.write_text("Dear reader")
    with store.open(path) as opened:
        opened.backup(copy)
        opened.set_note("word", "later")
        opened.backup(copy)
        for target, reason in (
            (text, "is not a backup"),
            (tmp_path, "is not a backup"),
            (path, "the database itself"),
        ):
            with pytest.raises(StoreError, match=reason):
                opened.backup(target)
        with pytest.raises(StoreError, match="cannot be written: No such file"):
            opened.backup(tmp_path / "nowhere" / "copy.db")
    assert text.read_text() == "Dear reader"
    assert sorted(found.name for found in tmp_path.iterdir()) == ["copy.db", "letter.txt", "monitor.db"]
    with store.open(copy) as restored:
        assert restored.note("word") == "later"
    with closing(sqlite3.connect(copy)) as db:
        assert db.execute("pragma integrity_check").fetchone() == ("ok",)


def test_a_database_that_does_not_exist_cannot_be_backed_up(tmp_path):
    with (
        store.open(tmp_path / "none.db", read_only=True) as opened,
        pytest.raises(StoreError, match="poll first"),
    ):
        opened.backup(tmp_path / "copy.db")
    assert not list(tmp_path.iterdir())


def test_a_backup_of_a_damaged_file_does_not_replace_a_good_one(path, tmp_path):
    copy = tmp_path / "copy.db"
    with store.open(path) as opened:
        opened.entries.add(
            [
                Entry(feed=FEED.url, guid=str(n), title="T", content="x" * 900, published=NOW, first_seen=NOW)
                for n in range(300)
            ],
            lambda _: "",
        )
        opened.backup(copy)
    good = copy.read_bytes()
    data = bytearray(path.read_bytes())
    data[-4096 * 30 :] = b"\xff" * 4096 * 30
    path.write_bytes(data)
    with store.open(path, read_only=True) as opened, pytest.raises(StoreError, match="damaged"):
        opened.backup(copy)
    assert copy.read_bytes() == good
    assert not list(tmp_path.glob(".copy*"))
