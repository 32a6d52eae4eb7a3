"""The schedule, driven by the test's clock: a year of days, in zones with and without clock changes."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from monitor.digest import Settings
from monitor.digest.schedule import Due, due, next_due, preview
from monitor.models import Window

DAY = timedelta(days=1)
ZONES = ("Europe/Berlin", "America/New_York", "Pacific/Auckland", "Asia/Kolkata")


def at(text, zone="Europe/Berlin"):
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)


def ticks(start, end, step, zone):
    """Yield an instant every `step`, and every few minutes on the days when the zone's clocks change."""
    now = start
    while now < end:
        yield now
        here = now.astimezone(ZoneInfo(zone))
        changes = here.utcoffset() != (here + DAY).utcoffset() or here.utcoffset() != (here - DAY).utcoffset()
        now += timedelta(minutes=7) if changes else step


def drive(settings, clock, installed_at):
    """Look at the schedule at each tick and make what is due; return the digests made."""
    made: list[Due] = []
    end = day = None
    for now in clock:
        found = due(end, installed_at, settings, now, last_date=day)
        if found:
            made.append(found)
            end, day = found.window.end, found.date
            assert due(end, installed_at, settings, now, last_date=day) is None
    return made


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("wall", [time(7, 0), time(2, 30), time(0, 0), time(23, 59)])
def test_each_day_of_a_year_gets_exactly_one_digest(zone, wall):
    settings = Settings(timezone=zone, time=wall)
    start = at("2026-01-01 00:00:00", zone) - timedelta(minutes=1)
    made = drive(settings, ticks(start, start + 365 * DAY, timedelta(minutes=23), zone), start)
    days = [found.date for found in made]
    assert days == [days[0] + DAY * number for number in range(len(days))]
    assert len(days) in {365, 366}
    assert not any(found.catches_up for found in made)
    assert all(before.window.end == after.window.start for before, after in pairwise(made))


@pytest.mark.parametrize(
    ("zone", "day", "wall", "expected"),
    [
        ("Europe/Berlin", date(2026, 3, 29), time(2, 30), "2026-03-29T01:30:00+00:00"),
        ("Europe/Berlin", date(2026, 10, 25), time(2, 30), "2026-10-25T00:30:00+00:00"),
        ("Pacific/Auckland", date(2026, 9, 27), time(2, 30), "2026-09-26T14:30:00+00:00"),
    ],
)
def test_a_skipped_and_a_doubled_hour_have_one_instant_each(zone, day, wall, expected):
    settings = Settings(timezone=zone, time=wall)
    before = datetime.combine(day, time(0), tzinfo=ZoneInfo(zone)).astimezone(UTC)
    assert next_due(settings, before) == datetime.fromisoformat(expected)


def test_a_digest_is_for_its_day_and_its_window_begins_where_the_last_one_ended():
    found = due(at("2026-11-22 07:00:03"), at("2026-01-01 12:00"), Settings(), at("2026-11-23 07:00:20"))
    window = Window(start=at("2026-11-22 07:00:03"), end=at("2026-11-23 07:00:20"))
    assert found == Due(date=date(2026, 11, 23), window=window, at=at("2026-11-23 07:00"))


def test_nothing_is_due_a_second_before_its_time():
    last, settings = at("2026-11-22 07:00:03"), Settings()
    assert due(last, last, settings, at("2026-11-23 06:59:59")) is None
    assert due(last, last, settings, at("2026-11-23 07:00:00")) is not None


def test_missed_days_are_caught_up_in_one_digest():
    settings = Settings()
    clock = [at("2026-11-20 07:01"), at("2026-11-23 09:40"), at("2026-11-23 09:41"), at("2026-11-24 07:01")]
    first, second, third = drive(settings, clock, at("2026-11-19 12:00"))
    assert (first.catches_up, second.catches_up, third.catches_up) == (False, True, False)
    assert second.date == date(2026, 11, 23)
    assert second.window == Window(start=first.window.end, end=at("2026-11-23 09:40"))


def test_a_look_before_the_days_time_catches_up_for_the_day_before():
    found = due(at("2026-11-20 07:01"), at("2026-11-01 12:00"), Settings(), at("2026-11-23 05:00"))
    assert found is not None
    assert (found.date, found.catches_up) == (date(2026, 11, 22), True)


def test_a_digest_made_after_midnight_leaves_the_new_day_its_own():
    settings = Settings(time=time(23, 0))
    clock = [at("2026-11-22 23:01"), at("2026-11-24 00:30"), at("2026-11-24 23:01")]
    made = drive(settings, clock, at("2026-11-22 12:00"))
    assert [found.date.day for found in made] == [22, 23, 24]


def test_days_without_a_digest_are_no_missed_ones():
    settings = Settings(days=(0, 1, 2, 3, 4))
    clock = list(ticks(at("2026-11-19 12:00"), at("2026-12-03 12:00"), timedelta(hours=1), "Europe/Berlin"))
    made = drive(settings, clock, at("2026-11-18 12:00"))
    assert {found.date.weekday() for found in made} == {0, 1, 2, 3, 4}
    monday = next(found for found in made if found.date == date(2026, 11, 23))
    assert not monday.catches_up
    assert monday.window.end - monday.window.start == 3 * DAY


def test_a_fresh_installation_gets_its_first_digest_on_the_same_day_when_its_time_has_passed():
    installed, settings = at("2026-11-23 10:00"), Settings(backlog=timedelta(days=2))
    found = due(None, installed, settings, at("2026-11-23 10:02"))
    assert found is not None
    assert found.date == date(2026, 11, 23)
    assert found.window.start == installed - timedelta(days=2)
    assert not found.catches_up


def test_a_fresh_installation_before_the_days_time_waits_for_it():
    assert due(None, at("2026-11-23 05:00"), Settings(), at("2026-11-23 06:30")) is None
    assert due(None, at("2026-11-23 05:00"), Settings(), at("2026-11-23 07:00")) is not None


def test_a_first_digest_that_was_missed_for_days_says_so():
    found = due(None, at("2026-11-20 05:00"), Settings(), at("2026-11-23 06:30"))
    assert found is not None
    assert (found.date, found.catches_up) == (date(2026, 11, 22), True)


def test_no_date_gets_a_second_digest_when_the_user_changes_the_time():
    last = at("2026-11-23 07:00:02")
    later = Settings(time=time(18, 0))
    now = at("2026-11-23 18:01")
    assert due(last, last - DAY, later, now, last_date=date(2026, 11, 23)) is None
    tomorrow = due(last, last - DAY, later, now + DAY, last_date=date(2026, 11, 23))
    assert tomorrow is not None
    assert not tomorrow.catches_up, "none was missed"
    assert next_due(later, now - DAY / 4, last_date=date(2026, 11, 23)) == tomorrow.at
    assert preview(last, last - DAY, later, now, last_date=date(2026, 11, 23)).date == tomorrow.date


def test_a_clock_set_back_makes_nothing():
    assert due(at("2026-11-23 07:00"), at("2026-11-01 07:00"), Settings(), at("2026-11-22 12:00")) is None


def test_a_preview_is_the_due_digest_or_the_next_one_so_far():
    last, installed, settings = at("2026-11-22 07:00"), at("2026-11-01 07:00"), Settings()
    noon, next_day = at("2026-11-22 12:00"), at("2026-11-23 08:00")
    assert preview(last, installed, settings, noon).date == date(2026, 11, 23)
    assert preview(last, installed, settings, noon).window == Window(start=last, end=noon)
    assert preview(last, installed, settings, next_day) == due(last, installed, settings, next_day)
    # A window that ends before it begins would count nothing, and be reported as quiet.
    early = last - DAY
    assert preview(last, installed, settings, early).window == Window(start=early, end=early)


def test_next_due_is_the_next_instant_on_a_due_day():
    settings = Settings(days=(0,))
    assert next_due(settings, at("2026-11-23 06:59")) == at("2026-11-23 07:00")
    assert next_due(settings, at("2026-11-23 07:00")) == at("2026-11-30 07:00")


def test_a_zone_that_dropped_a_whole_day_goes_on():
    settings = Settings(timezone="Pacific/Apia")
    before = at("2011-12-29 07:00:01", "Pacific/Apia")
    assert next_due(settings, before).astimezone(ZoneInfo("Pacific/Apia")).day == 31
