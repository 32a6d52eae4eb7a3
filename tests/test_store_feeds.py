"""Feeds in a real file: subscriptions, state, the log of polls, and no secrets on the disk."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from newsroom import logged

from monitor import store
from monitor.models import Entry, Feed, FeedPoll, FeedState, Hints, Window

NOW = datetime(2026, 11, 23, 7, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
FEED = Feed(
    url="https://outlet.example/feed",
    title="The Outlet",
    language="en",
    tags=("press", "daily"),
    interval=timedelta(minutes=7.5),
    weight=2.5,
    family="Outlets",
    enabled=False,
    private_host="intranet",
)
OTHER = Feed(url="https://other.example/rss")
SECRET = Feed(url="https://user:hunter2@private.example/feed?token=opensesame")
STATE = FeedState(
    url=FEED.url,
    title="Own title",
    location="https://outlet.example/new",
    moving_to="https://outlet.example/newer",
    moving_seen=2,
    etag='W/"tag"',
    last_modified="Mon, 23 Nov 2026 06:00:00 GMT",
    validators_url="https://outlet.example/final",
    body_hash="abc",
    next_poll_at=NOW + timedelta(minutes=31, microseconds=17),
    last_poll_at=NOW,
    last_success_at=NOW - HOUR,
    last_status=503,
    last_error="503 from https://outlet.example",
    consecutive_failures=3,
    gone=True,
    first_success_at=NOW - 5 * HOUR,
    newest_entry_at=NOW - 2 * HOUR,
    rhythm=timedelta(hours=3.3),
    polls=12,
    gaps=1,
    last_gap_at=NOW - 4 * HOUR,
    hints=Hints(period=HOUR, skip_hours=frozenset({1, 2}), skip_days=frozenset({6})),
)


@pytest.fixture
def opened(tmp_path):
    with store.open(tmp_path / "monitor.db") as opened:
        yield opened


def rows(opened, sql):
    return [tuple(row) for row in opened._db.rows(sql)]


def add(opened, feed, guid="1"):
    one = Entry(feed=feed.url, guid=guid, title="Title", published=NOW, first_seen=NOW)
    return opened.entries.add([one], lambda _: "")


def test_a_subscription_is_mirrored_as_it_stands_in_the_file(opened):
    opened.feeds.sync([FEED], NOW)
    (row,) = opened._db.rows("select * from feeds")
    assert dict(row) == {
        "id": 1,
        "url": FEED.url,
        "title": "The Outlet",
        "language": "en",
        "tags": '["press", "daily"]',
        "interval_seconds": 450.0,
        "weight": 2.5,
        "family": "Outlets",
        "enabled": 0,
        "private_host": "intranet",
        "added_at": "2026-11-23T07:00:00.000000Z",
        "removed_at": None,
        "entries": 0,
    }
    opened.feeds.sync([replace(FEED, title="Renamed", weight=1.0)], NOW + HOUR)
    assert rows(opened, "select id, title, weight, added_at from feeds") == [
        (1, "Renamed", 1.0, "2026-11-23T07:00:00.000000Z")
    ]


def test_state_comes_back_as_it_was_stored(opened):
    opened.feeds.sync([FEED, OTHER], NOW)
    opened.feeds.save_state(FeedState(url=FEED.url))
    opened.feeds.save_state(STATE)
    assert opened.feeds.states([FEED, OTHER]) == {FEED.url: STATE, OTHER.url: FeedState(url=OTHER.url)}
    with pytest.raises(KeyError):
        opened.feeds.save_state(FeedState(url="https://unknown.example/"))


def test_a_feed_that_leaves_and_returns_finds_everything_again(opened):
    opened.feeds.sync([FEED, OTHER], NOW)
    opened.feeds.save_state(STATE)
    add(opened, FEED)
    opened.feeds.sync([OTHER], NOW + HOUR)
    assert rows(opened, "select removed_at from feeds order by id") == [
        ("2026-11-23T08:00:00.000000Z",),
        (None,),
    ]
    opened.feeds.sync([FEED, OTHER], NOW + 2 * HOUR)
    assert rows(opened, "select removed_at from feeds order by id") == [(None,), (None,)]
    assert opened.feeds.states([FEED])[FEED.url] == STATE
    assert opened.feeds.counts() == {FEED.url: 1, OTHER.url: 0}


@pytest.mark.parametrize("left", [[], [replace(FEED, enabled=False)]], ids=["removed", "disabled"])
def test_a_feed_that_was_left_alone_for_long_begins_anew(opened, left):
    followed = replace(FEED, enabled=True)
    opened.feeds.sync([followed], NOW)
    opened.feeds.save_state(STATE)
    opened.feeds.sync(left, NOW + HOUR)
    opened.feeds.sync([followed], NOW + timedelta(days=6))
    assert opened.feeds.states([followed])[FEED.url] == STATE
    opened.feeds.sync(left, NOW + timedelta(days=6))
    opened.feeds.sync([followed], NOW + timedelta(days=8))
    assert opened.feeds.states([followed])[FEED.url] == replace(STATE, first_success_at=None)


@pytest.mark.parametrize("left", [[], [replace(FEED, enabled=False)]], ids=["removed", "disabled"])
def test_the_news_of_a_feed_is_awaited_since_it_was_last_listed(opened, left):
    followed = replace(FEED, enabled=True)
    for day in range(3):
        opened.feeds.sync([followed], NOW + timedelta(days=day))
    assert opened.feeds.listed_since(FEED.url) == NOW
    opened.feeds.sync(left, NOW + timedelta(days=3))
    opened.feeds.sync([followed], NOW + timedelta(days=4))
    assert opened.feeds.listed_since(FEED.url) == NOW + timedelta(days=4)


def test_following_all_the_time_restarts_nothing(opened):
    opened.feeds.sync([OTHER], NOW)
    opened.feeds.save_state(replace(STATE, url=OTHER.url))
    opened.feeds.sync([OTHER], NOW + timedelta(days=30))
    assert opened.feeds.states([OTHER])[OTHER.url].first_success_at == STATE.first_success_at


def test_the_day_of_removal_is_the_first_one(opened):
    opened.feeds.sync([FEED], NOW)
    opened.feeds.sync([], NOW + HOUR)
    opened.feeds.sync([], NOW + 2 * HOUR)
    assert rows(opened, "select removed_at from feeds") == [("2026-11-23T08:00:00.000000Z",)]


def test_a_feed_that_is_entered_where_it_has_moved_stays_itself(opened):
    opened.feeds.sync([FEED, OTHER], NOW)
    opened.feeds.save_state(STATE)
    add(opened, FEED)
    moved = replace(FEED, url=STATE.location)
    opened.feeds.sync([OTHER, moved], NOW + HOUR)
    assert opened.feeds.states([moved])[moved.url] == replace(STATE, url=moved.url, location="")
    assert opened.feeds.counts() == {moved.url: 1, OTHER.url: 0}
    assert add(opened, moved) == ()


def test_a_feed_is_not_renamed_while_its_old_address_is_still_followed(opened):
    opened.feeds.sync([FEED], NOW)
    opened.feeds.save_state(STATE)
    opened.feeds.sync([FEED, replace(FEED, url=STATE.location)], NOW)
    assert opened.feeds.counts() == {FEED.url: 0, STATE.location: 0}


def test_two_feeds_that_moved_to_one_address_do_not_collide(opened):
    opened.feeds.sync([FEED, OTHER], NOW)
    opened.feeds.save_state(STATE)
    opened.feeds.save_state(replace(STATE, url=OTHER.url))
    opened.feeds.sync([replace(FEED, url=STATE.location)], NOW)
    assert rows(opened, "select id, url, removed_at is null from feeds order by id") == [
        (1, STATE.location, 1),
        (2, OTHER.url, 0),
    ]


def test_no_secret_reaches_the_disk(tmp_path):
    path = tmp_path / "monitor.db"
    twin = replace(SECRET, url=SECRET.url.replace("opensesame", "opensesame2"))
    with store.open(path) as opened:
        opened.feeds.sync([SECRET, twin], NOW)
        state = replace(
            STATE,
            url=SECRET.url,
            location="https://private.example/?token=opensesame",
            moving_to="https://x:hunter2@private.example/",
            validators_url=SECRET.url,
            last_error=f"cannot read {SECRET.url}",
        )
        opened.feeds.save_state(state)
        opened.polls.log_feed(FeedPoll(feed=SECRET.url, at=NOW, error=f"no {SECRET.url}"))
        add(opened, SECRET)
        assert opened.entries.get(1).feed == SECRET.url
        assert opened.entries.known(SECRET.url)
        kept = opened.feeds.states([SECRET])[SECRET.url]
        assert (kept.url, kept.location, kept.moving_to, kept.etag) == (SECRET.url, "", "", STATE.etag)
        assert opened.feeds.counts() == {SECRET.url: 1, twin.url: 0}
    data = path.read_bytes()
    assert b"hunter2" not in data
    assert b"opensesame" not in data
    with store.open(path) as opened:
        assert opened.entries.get(1).feed.startswith("https://***@private.example/feed?token=***")


def test_new_credentials_make_no_new_feed(opened):
    opened.feeds.sync([SECRET], NOW)
    opened.feeds.save_state(replace(STATE, url=SECRET.url, location=""))
    changed = replace(SECRET, url=SECRET.url.replace("hunter2", "hunter3"))
    opened.feeds.sync([changed], NOW + HOUR)
    assert opened.feeds.states([changed])[changed.url].etag == STATE.etag
    assert rows(opened, "select count(*) from feeds") == [(1,)]


def test_another_value_of_a_query_is_another_feed(opened):
    first = replace(FEED, url="https://outlet.example/feed?topic=film")
    opened.feeds.sync([first], NOW)
    opened.feeds.sync([replace(FEED, url="https://outlet.example/feed?topic=music")], NOW + HOUR)
    assert rows(opened, "select count(*) from feeds") == [(2,)]


@pytest.mark.parametrize(
    ("url", "stored"),
    [
        ("https://outlet.example/feed?format=xml", "https://outlet.example/feed?format=xml"),
        (
            "https://u:p@outlet.example/feed?token=a&x=1",
            "https://***@outlet.example/feed?token=***&x=1#879609b9",
        ),
    ],
)
def test_a_feed_that_version_1_0_stored_otherwise_is_still_the_same(opened, url, stored):
    opened._db.change("insert into feeds (url, added_at) values (?, '')", [stored])
    opened.feeds.sync([replace(FEED, url=url)], NOW)
    assert rows(opened, "select count(*), max(removed_at is null) from feeds") == [(1, 1)]
    assert opened.feeds.id_of(url) == 1


def test_a_reader_knows_the_addresses_too(tmp_path):
    path = tmp_path / "monitor.db"
    with store.open(path) as opened:
        opened.feeds.sync([SECRET], NOW)
        add(opened, SECRET)
    with store.open(path, read_only=True) as opened:
        opened.feeds.know([SECRET])
        assert opened.feeds.counts() == {SECRET.url: 1}
        assert opened.entries.get(1).feed == SECRET.url


def poll(at, **changes):
    figures = {"feeds": 4, "ok": 2, "failed": 1, "not_modified": 1, "new": 7, "changed": 3}
    return logged(at, **{"finished_at": at + timedelta(seconds=5), **figures, **changes})


def test_the_log_of_polls_is_kept_and_bounded(opened):
    assert opened.polls.last() is None
    opened.feeds.sync([FEED], NOW)
    polls: list[tuple[int, dict[str, Any]]] = [
        (61, {"gap": True}),
        (59, {"gap": True}),
        (59, {"unreachable": True}),
        (59, {}),
        (6, {}),
    ]
    for days, event in polls:
        opened.polls.log_feed(FeedPoll(feed=FEED.url, at=NOW - timedelta(days=days), **event))
    for at in (NOW - timedelta(days=61), NOW - timedelta(days=2), NOW):
        opened.polls.log(poll(at, outage=at == NOW))
    opened.upkeep.forget_polls(NOW)
    assert opened.polls.last() == poll(NOW, outage=True)
    assert rows(opened, "select (select count(*) from polls), (select count(*) from feed_polls)") == [(2, 3)]
    assert opened.polls.count_in(Window(start=NOW - timedelta(days=3), end=NOW)) == 2


def test_an_outage_reaches_back_to_the_last_poll_that_reached_a_feed(opened):
    assert opened.polls.unreached_since(NOW) is None
    # The third poll asked no feed, so it reached none either.
    for hours, change in ((0, {"outage": True}), (1, {}), (2, {"feeds": 0}), (3, {"outage": True}), (5, {})):
        opened.polls.log(poll(NOW + hours * HOUR, **change))
    reached = poll(NOW + HOUR).finished_at
    found = [opened.polls.unreached_since(NOW + hours * HOUR) for hours in range(6)]
    assert found == [NOW, None, None, reached, reached, None]


def test_gaps_of_a_window_by_feed(opened):
    opened.feeds.sync([FEED, OTHER], NOW)
    for feed, hours, gap in (
        (FEED, 1, True),
        (OTHER, 2, True),
        (OTHER, 3, True),
        (FEED, 3, False),
        (FEED, 9, True),
    ):
        one = FeedPoll(feed=feed.url, at=NOW - hours * HOUR, status=200, new=20, gap=gap)
        opened.polls.log_feed(one)
    assert opened.polls.gaps_in(Window(start=NOW - 5 * HOUR, end=NOW)) == ((OTHER.url, 2), (FEED.url, 1))
    assert opened.polls.gaps_in(Window(start=NOW - HOUR, end=NOW)) == ()
