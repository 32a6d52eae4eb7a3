"""The guard against a wrong clock: what is noticed, what is undone, and what must wait."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from newsroom import logged

from monitor import store
from monitor.models import Delivery, Entry, Feed, FeedState, Tagging, Window

NOW = datetime(2026, 11, 23, 6, 0, tzinfo=UTC)
HOUR, DAY, YEAR = timedelta(hours=1), timedelta(days=1), timedelta(days=365)
URL = "https://a.example/feed"


@pytest.fixture
def opened(tmp_path):
    with store.open(tmp_path / "monitor.db") as one:
        one.feeds.sync([Feed(url=URL)], NOW)
        yield one


def test_a_clock_that_runs_normally_changes_nothing(opened):
    for step in (timedelta(0), HOUR, DAY, 100 * DAY):
        assert opened.clock.observe(NOW + step) is None
    assert opened.clock.last_leap() is None
    assert opened.clock.may_delete(NOW + 100 * DAY)


def test_a_clock_that_is_set_right_by_some_minutes_is_no_leap(opened):
    opened.clock.observe(NOW)
    assert opened.clock.observe(NOW - timedelta(minutes=50)) is None
    assert opened.clock.observe(NOW - HOUR) is None
    assert opened.clock.fresh_leap(NOW - timedelta(minutes=50)) is None


def test_a_step_back_is_reported_once_and_shown_for_a_day(opened):
    opened.clock.observe(NOW + YEAR)
    assert opened.clock.fresh_leap(NOW) == store.Leap(NOW + YEAR, NOW)  # nobody has noticed yet
    leap = opened.clock.observe(NOW)
    assert str(leap) == "the clock went back from 2027-11-23 06:00 to 2026-11-23 06:00 UTC"
    assert opened.clock.observe(NOW) is None
    assert opened.clock.fresh_leap(NOW + 23 * HOUR) == leap
    assert opened.clock.fresh_leap(NOW + 25 * HOUR) is None


def test_half_a_year_at_once_is_a_leap_and_a_day_less_is_a_machine_that_was_left_alone(opened):
    opened.clock.observe(NOW)
    assert opened.clock.observe(NOW + 179 * DAY) is None
    assert opened.clock.observe(NOW + 359 * DAY) is not None


def test_nothing_is_deleted_for_a_week_after_a_leap(opened):
    opened.clock.observe(NOW)
    assert opened.clock.observe(NOW + YEAR) is not None
    assert not opened.clock.may_delete(NOW + YEAR)
    assert not opened.clock.may_delete(NOW + YEAR + 6 * DAY)
    assert opened.clock.may_delete(NOW + YEAR + 7 * DAY)
    opened.clock.observe(NOW + HOUR)
    assert not opened.clock.may_delete(NOW + HOUR)


def test_the_clock_of_an_older_database_is_that_of_its_last_poll(opened):
    opened.polls.log(logged(NOW))
    assert opened.clock.observe(NOW - DAY) == store.Leap(NOW, NOW - DAY)


def test_what_a_wrong_clock_delayed_is_due_again(opened):
    ahead = NOW + YEAR
    opened.clock.observe(ahead)
    opened.feeds.save_state(FeedState(url=URL, next_poll_at=ahead + HOUR))
    waiting = Delivery(
        edition="digest:2027-11-23", channel="email", recipient="a", payload=b"x", created_at=ahead,
        next_attempt_at=ahead + HOUR,
    )  # fmt: skip
    (delivery,) = opened.deliveries.add([waiting], ahead)
    entry = Entry(
        feed=URL, guid="1", url="https://a.example/1", title="News", published=ahead, dated="publisher",
        first_seen=ahead, tagging=Tagging(beats=("sora",)),
    )  # fmt: skip
    opened.entries.add([entry], lambda _: "x")
    window = Window(start=NOW - DAY, end=NOW)
    assert opened.stories.news(window) == frozenset()
    opened.clock.observe(NOW)
    assert opened.stories.news(window) == {1}
    assert opened.deliveries.due(NOW) == (replace(delivery, next_attempt_at=None),)
    assert opened.feeds.states([Feed(url=URL)])[URL].next_poll_at is None
