"""What polls and digests ask of the database takes no longer after years: nothing that grows is read in full."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from monitor import store as storage
from monitor.models import Delivery, Entry, Feed, Join, Sought, Story, Tagging, Window
from monitor.store import entries, stories, upkeep

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from monitor.store import Store

NOW = datetime(2026, 11, 29, 6, tzinfo=UTC)
LONG_AGO = NOW - timedelta(days=540)
DAY = Window(start=NOW - timedelta(days=1), end=NOW)
FEED = Feed(url="https://outlet.example/feed")
SENT = Delivery(edition="digest:2026-11-29", channel="files", recipient="2026-11-29.md", payload=b"",
                message_id="1@outlet.example", state="sent", created_at=NOW)  # fmt: skip
SURE = Tagging(beats=("sora",), shelf="sure")
SOUGHT = Sought(names=frozenset({"@gema"}), stories=frozenset({1}), since=NOW - timedelta(days=30))
GROWING = {"entries", "e", "stories", "polls", "feed_polls", "deliveries", "evidence", "joins"}


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Store]:
    with storage.open(tmp_path / "monitor.db") as opened:
        opened.feeds.sync([FEED], NOW)
        yield opened


def _plans(opened: Store, ask: Callable[[Store], object]) -> list[str]:
    """Return the steps in the query plans of everything that is asked."""
    asked: list[str] = []
    connection = opened._db.conn
    connection.set_trace_callback(asked.append)
    ask(opened)
    connection.set_trace_callback(None)
    return [
        step["detail"]
        for sql in asked
        if sql.lstrip().lower().startswith(("select", "with"))
        for step in opened._db.rows(f"explain query plan {sql}")
    ]


@pytest.mark.parametrize(
    "ask",
    [
        lambda opened: opened.entries.known(FEED.url, guids=["a"], urls=["https://outlet.example/1"]),
        lambda opened: opened.entries.find_by_url("https://outlet.example/1"),
        lambda opened: opened.stories.open(NOW),
        lambda opened: opened.stories.past(NOW, SOUGHT),
        lambda opened: opened.stories.without_kind(10),
        lambda opened: opened.stories.news(DAY),
        lambda opened: opened.terms.uncounted(10),
        lambda opened: opened.overview.begun(DAY.start, DAY.end),
        lambda opened: opened.overview.counts_in(DAY),
        lambda opened: opened.overview.reported_elsewhere([1]),
        lambda opened: opened.polls.count_in(DAY),
        lambda opened: opened.polls.gaps_in(DAY),
        lambda opened: opened.feeds.counts(),
        lambda opened: opened.entries.count(feed=FEED.url),
        lambda opened: opened.deliveries.listing(edition="digest:2026-11-29"),
    ],
)
def test_no_growing_table_is_read_whole(opened: Store, ask: Callable[[Store], object]) -> None:
    plans = _plans(opened, ask)
    assert plans
    scans = [plan for plan in plans if plan.startswith("SCAN") and "USING" not in plan]
    assert not [plan for plan in scans if plan.split()[1] in GROWING], scans


def test_a_guid_under_all_of_its_numbers_is_found_by_itself_and_not_among_all_of_its_feed(
    opened: Store,
) -> None:
    asked = {"feed": 1, "guids": '["a"]', "urls": "[]", "newest": 200}
    plan = [step["detail"] for step in opened._db.rows(f"explain query plan {entries._KNOWN}", asked)]
    assert any("(feed_id=? AND guid>? AND guid<?)" in step for step in plan), plan


def test_texts_that_go_are_found_by_an_index_of_those_that_are_there(opened: Store) -> None:
    (first, *_) = opened._db.rows(f"explain query plan {upkeep._OLD}", [0, "2026"])
    assert "entries_with_text (relevant=? AND first_seen<?)" in first["detail"]


@pytest.mark.parametrize(("reported", "index"), [(False, "entries_unreported"), (True, "entries_untold")])
def test_news_is_found_by_an_index_of_what_was_not_reported_or_of_its_window(
    opened: Store, reported: bool, index: str
) -> None:
    (plan,) = opened._db.rows(
        f"explain query plan select id from entries {stories._NEWS[reported]}", stories._span_of(DAY)
    )
    assert f"{index} (news_at" in plan["detail"]


@pytest.mark.parametrize(
    ("ask", "index"),
    [
        (lambda opened: opened.entries.without_story(10), "entries_loose"),
        (lambda opened: opened.entries.ids_without_story(), "entries_loose"),
        (lambda opened: opened.stories.news(DAY), "entries_unreported"),
        (lambda opened: opened.stories.with_news(DAY), "entries_unreported"),
        (lambda opened: opened.stories.in_doubt(), "joins_doubtful"),
        (lambda opened: opened.stories.without_kind(10), "stories_without_kind"),
        (lambda opened: opened.terms.uncounted(10), "entries_uncounted"),
    ],
)
def test_what_waits_is_found_by_its_index_though_that_was_empty_when_it_was_measured(
    opened: Store, ask: Callable[[Store], object], index: str
) -> None:
    reported = Entry(feed=FEED.url, guid="", title="t", published=NOW, first_seen=NOW, tagging=SURE)
    several = [replace(reported, guid=str(number)) for number in range(300)]
    stored = opened.entries.add(several, lambda one: one.guid)
    joins = tuple(Join(entry=one.id, similarity=1.0, reason="") for one in stored)
    opened.stories.save([Story(entries=stored, joins=joins, lead=stored[0].id, title="t", kind="launch",
                               first_seen=NOW, last_seen=NOW)])  # fmt: skip
    opened._db.change("update entries set reported_in = '2026-11-29', counted = 1")
    opened._db.change("analyze")
    plans = _plans(opened, ask)
    assert any(f"INDEX {index}" in plan for plan in plans), plans


def _lived(path: Path, days: int) -> Store:
    """Make a store with a hundred entries on each day: a story of three, and the rest not relevant."""
    opened = storage.open(path)
    opened.feeds.sync([FEED], NOW)
    with opened.transaction():
        for day in (NOW - timedelta(days=ago) for ago in reversed(range(days))):
            others = [Entry(feed=FEED.url, guid=f"{day} {number}", title="t", published=day, first_seen=day)
                      for number in range(97)]  # fmt: skip
            reports = [replace(one, guid=f"{one.guid}!", tagging=SURE) for one in others[:3]]
            stored = opened.entries.add([*others, *reports], lambda one: one.guid)[-3:]
            joins = tuple(Join(entry=one.id, similarity=1.0, reason="") for one in stored)
            opened.stories.save([Story(entries=stored, joins=joins, lead=stored[0].id, title="t",
                                       kind="launch", first_seen=day, last_seen=day)])  # fmt: skip
            opened.deliveries.add([replace(SENT, edition=f"digest:{day:%Y-%m-%d}")], day)
        opened._db.change("update entries set reported_in = '2026-11-29', counted = 1 where relevant = 1")
    opened._db.change("analyze")
    return opened


def _work(opened: Store, ask: Callable[[Store], object]) -> int:
    """Return how many steps SQLite's virtual machine takes for everything that is asked."""
    taken = []
    opened._db.conn.set_progress_handler(lambda: taken.append(1), 1)
    ask(opened)
    opened._db.conn.set_progress_handler(None, 0)
    return len(taken)


def test_queries_of_each_poll_and_digest_take_as_many_steps_after_months(tmp_path: Path) -> None:
    earlier, later = replace(SENT, id=20), replace(SENT, id=10**6)
    asked: dict[str, Callable[[Store], object]] = {
        "what waits to be counted": lambda opened: opened.terms.uncounted(10),
        "what waits for a story": lambda opened: opened.entries.without_story(10),
        "stories without a kind": lambda opened: opened.stories.without_kind(10),
        "news": lambda opened: opened.stories.news(DAY),
        "what new stories may be steps after": lambda opened: opened.stories.past(LONG_AGO, SOUGHT),
        "open stories": lambda opened: opened.stories.open(NOW - timedelta(days=14)),
        "stories of renamed feeds, of which there are none": lambda opened: opened.overview.of_feeds([]),
        "deliveries that a later one makes needless": lambda opened: opened.deliveries.supersede(later, NOW),
        "mails that were given up": lambda opened: opened.deliveries.reopen_failed(
            earlier, NOW, singly=3, unconfirmed=3
        ),
    }
    with _lived(tmp_path / "young.db", 30) as young, _lived(tmp_path / "old.db", 120) as old:
        grown = {what: (_work(young, ask), _work(old, ask)) for what, ask in asked.items()}
    assert not {what: steps for what, steps in grown.items() if steps[1] > 1.3 * steps[0]}


def test_a_feeds_entries_are_counted_as_they_come(opened: Store) -> None:
    def entry(guid: str) -> Entry:
        return Entry(feed=FEED.url, guid=guid, title=guid, published=NOW, first_seen=NOW)

    opened.entries.add([entry("a"), entry("b"), entry("a")], lambda entry: entry.guid)
    opened.entries.add([entry("b"), entry("c")], lambda entry: entry.guid)
    assert opened.feeds.counts() == {FEED.url: 3}
