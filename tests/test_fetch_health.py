"""How well a feed works, judged by its state and its own rhythm."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from monitor.fetch import Settings, health
from monitor.models import Feed, FeedState

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
SETTINGS = Settings(interval=30 * MINUTE, min_interval=10 * MINUTE, max_interval=DAY)
FEED = Feed(url="https://reader:secret@feed.example/rss")
GOOD = FeedState(
    url=FEED.url,
    title="Publisher's own",
    last_status=200,
    first_success_at=NOW - 90 * DAY,
    last_poll_at=NOW - HOUR,
    last_success_at=NOW - HOUR,
    next_poll_at=NOW + HOUR,
    newest_entry_at=NOW - 2 * DAY,
    rhythm=DAY,
    polls=100,
)


def judge(state: FeedState = GOOD, feed: Feed = FEED, settings: Settings = SETTINGS):
    return health(feed, state, now=NOW, entries=42, settings=settings)


def test_a_healthy_feed():
    found = judge()
    assert (found.state, found.note, found.title, found.entries) == ("ok", "", "Publisher's own", 42)
    assert (found.last_status, found.rhythm, found.next_poll_at) == (200, DAY, NOW + HOUR)
    assert (found.last_poll_at, found.last_success_at) == (NOW - HOUR, NOW - HOUR)
    assert found.newest_entry_at == NOW - 2 * DAY


def test_the_users_own_title_comes_first():
    assert judge(feed=replace(FEED, title="Mine")).title == "Mine"


def test_no_secret_is_shown():
    state = replace(GOOD, location="https://reader:secret@new.example/")
    assert "secret" not in repr(judge(state))
    assert "new.example" in judge(state).note


@pytest.mark.parametrize(
    ("changes", "feed", "name"),
    [
        ({}, {}, "ok"),
        ({}, {"enabled": False}, "disabled"),
        ({"gone": True, "consecutive_failures": 1}, {}, "gone"),
        ({"gone": True}, {"enabled": False}, "disabled"),
        ({"consecutive_failures": 1}, {}, "failing"),
        ({"last_success_at": None}, {}, "new"),
        ({"last_success_at": None, "consecutive_failures": 1}, {}, "failing"),
        ({"newest_entry_at": NOW - 8 * DAY - HOUR}, {}, "ok"),
        ({"newest_entry_at": NOW - 8 * DAY - HOUR - MINUTE}, {}, "silent"),
        ({"newest_entry_at": NOW - 7 * DAY - HOUR - MINUTE, "rhythm": HOUR}, {}, "silent"),
        ({"newest_entry_at": NOW - 40 * DAY, "last_success_at": NOW - 39 * DAY}, {}, "ok"),
        ({"newest_entry_at": NOW - 7 * DAY, "rhythm": HOUR}, {}, "ok"),
        ({"newest_entry_at": NOW - 30 * DAY, "rhythm": 7 * DAY}, {}, "ok"),
        ({"newest_entry_at": NOW - 60 * DAY, "rhythm": 7 * DAY}, {}, "silent"),
        ({"newest_entry_at": None, "rhythm": None}, {}, "silent"),
        ({"newest_entry_at": None, "first_success_at": NOW - DAY, "rhythm": None}, {}, "ok"),
        ({"newest_entry_at": None, "first_success_at": None, "rhythm": None}, {}, "ok"),
    ],
)
def test_the_health_of_a_feed_follows_from_its_polls_and_its_rhythm(changes, feed, name):
    found = judge(replace(GOOD, **changes), replace(FEED, **feed))
    assert found.state == name
    assert (found.next_poll_at is None) == (name == "disabled")


def test_silence_is_judged_over_the_time_in_which_we_looked():
    stopped = replace(GOOD, last_poll_at=NOW - 30 * DAY, last_success_at=NOW - 30 * DAY)
    assert judge(replace(stopped, newest_entry_at=NOW - 31 * DAY)).state == "ok"
    assert judge(replace(stopped, newest_entry_at=NOW - 39 * DAY)).state == "silent"
    assert judge(replace(stopped, newest_entry_at=NOW - 39 * DAY)).note.startswith("nothing new for 9 days")


def test_silence_is_not_judged_between_polls_that_are_far_apart():
    state = replace(GOOD, newest_entry_at=NOW - 10 * DAY, rhythm=HOUR)
    assert judge(state).state == "silent"
    assert judge(state, settings=replace(SETTINGS, max_interval=7 * DAY)).state == "ok"


@pytest.mark.parametrize(
    ("changes", "note"),
    [
        (
            {"gone": True},
            "ended by its publisher (HTTP 410); asked again once a week",
        ),
        ({"consecutive_failures": 2}, ""),
        ({"consecutive_failures": 5}, "failing 5 times in a row since 2026-11-23"),
        ({"consecutive_failures": 5, "last_success_at": None}, "failing 5 times in a row, never reached"),
        ({"newest_entry_at": NOW - 9 * DAY}, "nothing new for 9 days; usually one every day"),
        (
            {"newest_entry_at": NOW - 9 * DAY, "rhythm": 90 * MINUTE},
            "nothing new for 9 days; usually one every 2 hours",
        ),
        (
            {"newest_entry_at": NOW - 9 * DAY, "rhythm": 5 * MINUTE},
            "nothing new for 9 days; usually one every 5 minutes",
        ),
        (
            {"newest_entry_at": NOW - 9 * DAY, "rhythm": timedelta(seconds=2)},
            "nothing new for 9 days; usually one every minute",
        ),
        ({"newest_entry_at": NOW - 9 * DAY, "rhythm": None}, "nothing new for 9 days"),
        (
            {"location": "https://new.example/"},
            "moved for good to https://new.example/: `monitor feeds move` takes it over",
        ),
        (
            {"last_gap_at": NOW - DAY, "location": "https://new.example/"},
            (
                "moved for good to https://new.example/: `monitor feeds move` takes it over; "
                "entries fell through between two polls, last on 2026-11-22"
            ),
        ),
        (
            {"moving_to": "https://parked.example/", "moving_seen": 0},
            "leads to another feed, https://parked.example/: `monitor feeds move` takes it over",
        ),
        (
            {"moving_to": "https://parked.example/", "newest_entry_at": NOW - 9 * DAY, "rhythm": None},
            (
                "nothing new for 9 days; leads to another feed, https://parked.example/: "
                "`monitor feeds move` takes it over"
            ),
        ),
        ({"moving_to": "https://new.example/", "moving_seen": 1}, ""),
        ({"last_gap_at": NOW - 8 * DAY}, ""),
        ({"note": "7 older entries over the limit left out"}, "7 older entries over the limit left out"),
    ],
)
def test_notes_are_one_line_for_a_human(changes, note):
    assert judge(replace(GOOD, **changes)).note == note
