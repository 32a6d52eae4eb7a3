"""Opening, migrating and refusing database files, and what is said about them."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from contextlib import closing, suppress
from datetime import UTC, datetime, timedelta

import pytest
from editions import summary
from newsroom import at, polled, run

from monitor import store
from monitor.errors import StoreError
from monitor.models import Entry, Feed, Window, summary_to_json
from monitor.store.connection import connect
from monitor.store.migrations import STEPS, migrate

NOW = datetime(2026, 11, 23, 7, 0, tzinfo=UTC)
FEED = Feed(url="https://outlet.example/feed", title="Outlet")


def add_language_note(db):
    """Stands for a step of a later version."""
    db.table("feeds").add_column("note", str)


def broken_step(db):
    db.execute("create table half (id integer)")
    raise RuntimeError("in the middle")


def entry(number=1, **changes):
    return Entry(
        **{
            "feed": FEED.url,
            "guid": str(number),
            "title": f"Title {number}",
            "published": NOW,
            "first_seen": NOW,
            **changes,
        }
    )


def fill(path, *entries):
    with store.open(path) as opened:
        opened.feeds.sync([FEED], NOW)
        opened.entries.add(entries or [entry()], lambda _: "")


def triggers(path):
    with closing(sqlite3.connect(path)) as db:
        return {row[0] for row in db.execute("select name from sqlite_master where type = 'trigger'")}


@pytest.fixture
def path(tmp_path):
    return tmp_path / "a folder with ? and #" / "monitor.db"


def test_a_new_file_is_durable_strict_and_checked(path):
    with store.open(path) as opened:
        assert opened._db.value("pragma journal_mode") == "wal"
        assert opened._db.value("pragma synchronous") == 2
        assert opened._db.value("pragma foreign_keys") == 1
        assert opened._db.value("pragma busy_timeout") == 30_000
        opened.check()
    assert triggers(path) >= {"search_inserted", "search_updated", "search_deleted"}


def test_the_file_reads_well_without_us(path):
    fill(path, entry(1), entry(2))
    with closing(sqlite3.connect(path)) as db:
        db.execute("update entries set relevant = 1 where id = 2")
        db.execute("insert into entry_beats values (2, 'sora'), (2, 'labour')")
        row = db.execute("select title, feed, beats, first_seen from relevant_entries").fetchall()
        assert row == [("Title 2", "Outlet", "sora, labour", "2026-11-23T07:00:00.000000Z")]
        assert db.execute("select * from story_entries").fetchall() == []


def test_opening_again_changes_nothing(path):
    fill(path)
    before = path.read_bytes()
    with store.open(path) as opened:
        assert opened.entries.get(1).title == "Title 1"
    assert path.read_bytes() == before


def test_an_older_file_is_upgraded_with_its_content_and_its_search(path):
    fill(path)
    with closing(connect(path, read_only=False)) as older:
        migrate(older, (*STEPS, add_language_note))
        assert older.value("select note from feeds") is None
        older.change("update entries set summary = 'later'")
    assert triggers(path) >= {"search_inserted", "search_updated", "search_deleted"}
    with closing(connect(path, read_only=False)) as upgraded:
        assert upgraded.value("select rowid from search_fts where search_fts match 'later'") == 1


def test_an_upgrade_keeps_what_can_be_found_and_each_digest_to_the_byte(path):
    path.parent.mkdir(parents=True)
    before = STEPS[: [step.__name__ for step in STEPS].index("one_copy")]
    with closing(connect(path, read_only=False)) as older:
        migrate(older, before)
        older.change("insert into feeds (id, url, added_at) values (1, 'https://a.example/', '')")
        older.change(
            "insert into entries (feed_id, guid, url, title, summary, content, author, language, outlet,"
            " published, dated, first_seen, news_at, backlog, fingerprint, relevant, score, near, corrected)"
            " values (1, '1', '', 'Straße in München', 'needle', '', '', '', '', ?, '', ?, ?, 0, '', 1, 1, '', 0)",
            ["2026-11-23T07:00:00.000000Z"] * 3,
        )
        older.change("insert into search values (1, 'strasse in muenchen needle')")
        older.change(
            "insert into digests (date, window_start, window_end, made_at, summary, body)"
            " select '2026-11-23', published, published, published, ?, ? from entries",
            [summary_to_json(summary(NOW.date(), NOW)), '{"ä": 1}'],
        )
        older.change(
            "insert into deliveries (edition, channel, recipient, payload, message_id, state, attempts, last_error,"
            " created_at, changed_at) values ('digest:2026-11-23', 'email', 'Ann@x.test', x'', '<1>', 'sent', 1, '', '', '')"
        )
    with store.open(path) as opened:
        assert opened.deliveries.accounted("ann@x.test") == {NOW.date()}
        assert opened.deliveries.uncovered("ann@x.test", or_refused=True) == ()
        for query in ("strasse", "muenchen", "munchen", "straße", "needle"):
            assert [found.id for found in opened.entries.search(query)] == [1], query
        assert opened.digests.get(NOW.date()).body == '{"ä": 1}'


def test_what_version_1_0_did_not_report_is_no_news_after_an_upgrade(path):
    path.parent.mkdir(parents=True)
    with closing(connect(path, read_only=False)) as older:
        migrate(older, STEPS[:1])
        older.change("insert into feeds (id, url, added_at) values (1, 'https://a.example/', '')")
        older.change("insert into digests values ('', '', '2026-11-23T07:00:00.000000Z', '', '{}', '')")
        for number, seen in enumerate(("22T20:00", "23T05:59", "23T06:01", "23T09:00"), start=1):
            older.change(
                "insert into entries (id, feed_id, guid, url, title, summary, content, author, language, outlet,"
                " published, dated, first_seen, news_at, backlog, fingerprint, relevant, score, near, corrected)"
                " values (:n, 1, :n, '', '', '', '', '', '', '', :at, '', :at, :at, 0, '', 1, 1.0, '', 0)",
                {"n": str(number), "at": f"2026-11-{seen}:00.000000Z"},
            )
    with store.open(path) as opened:
        day = Window(start=NOW, end=NOW + timedelta(days=2))
        assert opened.stories.news(day) == {3, 4}


def test_a_step_that_fails_leaves_the_file_as_it_was(path):
    fill(path)
    with closing(connect(path, read_only=False)) as older:
        with pytest.raises(RuntimeError):
            migrate(older, (*STEPS, add_language_note, broken_step))
        assert older.value("select count(*) from sqlite_master where name = 'half'") == 0
        assert older.value("select count(*) from pragma_table_info('feeds') where name = 'note'") == 0
    with store.open(path) as opened:
        assert opened.entries.search("Title")


@pytest.mark.parametrize("read_only", [False, True])
def test_a_file_of_a_newer_version_is_refused(path, read_only):
    fill(path)
    with closing(connect(path, read_only=False)) as newer:
        migrate(newer, (*STEPS, add_language_note))
    with pytest.raises(StoreError, match="newer monitor: upgrade this one"):
        store.open(path, read_only=read_only)


def garble(path):
    path.write_bytes(b"this is no database at all" * 100)


def damage(path):
    fill(path, *(entry(number, content="text " * 200) for number in range(200)))
    data = bytearray(path.read_bytes())
    half = len(data) // 2
    data[half:] = b"\xff" * (len(data) - half)
    path.write_bytes(data)


def foreign(path):
    with closing(sqlite3.connect(path)) as db:
        db.execute("create table recipes (id integer)")


def directory(path):
    path.mkdir()


@pytest.mark.parametrize("read_only", [False, True])
@pytest.mark.parametrize(
    ("spoil", "advice"),
    [
        (garble, "is not a database: move the file away"),
        (foreign, "is not one of monitor's"),
        (directory, "is a directory"),
    ],
)
def test_a_database_that_is_not_ours_is_refused_and_left_alone(path, spoil, advice, read_only):
    path.parent.mkdir()
    spoil(path)
    before = path.read_bytes() if path.is_file() else None
    with pytest.raises(StoreError, match=advice) as raised:
        store.open(path, read_only=read_only)
    assert "\n" not in str(raised.value)
    assert (path.read_bytes() if path.is_file() else None) == before


def test_damage_is_a_clear_stop_with_advice(path):
    damage(path)
    with store.open(path) as opened:
        for look in (opened.check, lambda: opened.entries.listing(everything=True)):
            with pytest.raises(StoreError, match=r"is damaged.*restore a backup") as raised:
                look()
            assert "\n" not in str(raised.value)


def test_a_directory_that_cannot_be_made_is_reported(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match=r"the directory .* cannot be made"):
        store.open(tmp_path / "file" / "data" / "monitor.db")


def test_a_full_disk_is_reported_and_loses_nothing(path):
    fill(path)
    with store.open(path) as opened:
        opened._db.change(f"pragma max_page_count = {opened._db.value('pragma page_count')}")
        with pytest.raises(StoreError, match="the disk is full"):
            opened.entries.add([entry(2, content="x" * 1_000_000)], lambda _: "")
        assert [one.id for one in opened.entries.listing(everything=True)] == [1]
        opened._db.change("pragma max_page_count = 1000000")
        assert opened.entries.add([entry(2)], lambda _: "")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everything")
def test_a_read_only_directory_is_reported(path):
    fill(path)
    path.parent.chmod(0o500)
    path.chmod(0o400)
    try:
        with pytest.raises(StoreError, match="check"):
            store.open(path).feeds.sync([], NOW)
    finally:
        path.parent.chmod(0o700)


def test_a_reader_cannot_write(path):
    fill(path)
    with store.open(path, read_only=True) as opened, pytest.raises(StoreError, match="cannot be written"):
        opened.feeds.sync([], NOW)


def test_a_missing_file_reads_as_an_empty_one_and_is_not_made(path):
    with store.open(path, read_only=True) as opened:
        assert opened.entries.listing() == ()
        assert opened.feeds.states([FEED])[FEED.url].polls == 0
    assert not path.exists()


def test_a_file_that_was_never_set_up_is_set_up_by_its_first_reader(path):
    path.parent.mkdir()
    path.touch()
    with store.open(path, read_only=True) as opened:
        assert opened.digests.last_made() is None


@pytest.fixture
def reader_from_before(path):
    """Return a connection that reads an empty file in the old journal mode, so that it cannot be set up."""
    path.parent.mkdir()
    with closing(sqlite3.connect(path, check_same_thread=False)) as db:
        db.execute("pragma user_version = 1")
        db.execute("begin")
        db.execute("select * from sqlite_master").fetchall()
        yield db


def test_setting_up_is_tried_again_when_another_process_is_in_the_way(path, reader_from_before, monkeypatch):
    with monkeypatch.context() as hasty:
        hasty.setattr(store.connection, "_PATIENCE", 0.01)
        connection = connect(path, read_only=False)
    monkeypatch.setattr(store.connection, "sleep", lambda _: reader_from_before.rollback())
    with closing(connection):
        connection.use_wal()
        assert connection.value("pragma journal_mode") == "wal"


def test_setting_up_does_not_wait_for_ever(path, reader_from_before, monkeypatch):
    monkeypatch.setattr(store.connection, "_PATIENCE", 0.05)
    with pytest.raises(StoreError, match="kept busy by another process"):
        store.open(path)


def test_units_nest_and_undo_only_themselves(path):
    fill(path)
    with store.open(path) as opened:
        with opened.transaction():
            opened.set_note("outer", "kept")
            with suppress(RuntimeError), opened.transaction():
                opened.set_note("inner", "lost")
                raise RuntimeError
        with suppress(RuntimeError), opened.transaction():
            opened.entries.add([entry(2)], lambda _: "")
            opened.set_note("outer", "lost")
            raise RuntimeError
        assert (opened.note("outer"), opened.note("inner")) == ("kept", "")
        assert len(opened.entries.listing(everything=True)) == 1


def test_a_snapshot_sees_one_moment(path):
    fill(path)
    with store.open(path) as writer, store.open(path, read_only=True) as reader:
        with reader.snapshot():
            assert reader.note("word") == ""
            writer.set_note("word", "written")
            with reader.snapshot():
                assert reader.note("word") == ""
        assert reader.note("word") == "written"


def test_the_day_of_installation_is_the_first_one(path):
    with store.open(path) as opened:
        assert opened.installed_at(NOW + timedelta(days=2)) == NOW + timedelta(days=2)
        opened.install(NOW)
        opened.install(NOW + timedelta(days=1))
        assert opened.installed_at(NOW + timedelta(days=2)) == NOW


def test_opening_a_database_that_is_up_to_date_loads_no_heavy_library(path):
    store.open(path).close()
    code = (
        "import sys; from pathlib import Path; from monitor import store; store.open(Path(sys.argv[1])).close();"
        "print('sqlite_utils' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code, path], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_space_that_is_worth_it_is_given_back_and_the_log_folded_in(path):
    with store.open(path) as opened:
        for number in range(2):
            opened.set_note(f"large {number}", "x" * 6_000_000)
        opened._db.change("insert or replace into meta values ('vacuumed_at', 'rubbish')")
        opened.upkeep.tidy(NOW)
        full = path.stat().st_size
        assert path.with_name(f"{path.name}-wal").stat().st_size == 0
        opened.set_note("large 0", "")
        opened.upkeep.tidy(NOW + timedelta(days=1))
        assert path.stat().st_size == full  # six of twelve million: not worth rewriting the file
        opened.upkeep.tidy(NOW + timedelta(days=7))
        assert path.stat().st_size < full * 0.6
        opened.set_note("large 0", "x" * 6_000_000)
        opened.set_note("large 0", "")
        opened.set_note("large 1", "")
        opened.upkeep.tidy(NOW + timedelta(days=8))
        assert path.stat().st_size < full / 10
        opened.check()


@pytest.mark.parametrize(
    "damage",
    [
        "update polls set finished_at = 'soon'",
        "update meta set value = 'x' where key in ('clock', 'installed_at')",
    ],
)
def test_a_value_that_cannot_be_read_is_one_line(tmp_path, damage):
    desk = polled(tmp_path / "desk")
    with closing(sqlite3.connect(desk / "data" / "monitor.db")) as db, db:
        db.execute(damage)
    result = run(desk, "status", now=at(10))
    assert (result.code, result.err.count("\n")) == (1, 1)
    assert "restore a backup" in result.err
