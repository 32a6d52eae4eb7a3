"""When a digest is due: the window of the last stored digest decides, never a timer.

If it is looked at late, the digest catches up; if twice, the second look does nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Final, NamedTuple
from zoneinfo import ZoneInfo

from monitor.models import Window, month_day
from monitor.values import DAYS

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from datetime import time

    from monitor.digest.settings import Settings

_DAY: Final = timedelta(days=1)
# Days to look back or ahead: in them every weekday has occurred, also where a zone skipped a date.
_WEEK: Final = 8


@dataclass(frozen=True, kw_only=True, slots=True)
class Due:
    """A digest to be made: the local day it is for, and the window it covers."""

    date: date
    window: Window
    catches_up: bool = False
    """An earlier due digest was missed; this one covers its time too."""
    at: datetime | None = None
    """When it fell due, or will."""


def due(
    last_end: datetime | None,
    installed_at: datetime,
    settings: Settings,
    now: datetime,
    *,
    last_date: date | None = None,
) -> Due | None:
    """Return the digest that is due at `now`, None when there is none.

    `last_end` is the end of the last digest's window and `last_date` its date: no date gets a second digest,
    even if the user has changed the time or the zone. `installed_at` is the time of the first poll. A new
    installation need not wait a day: its first digest is due as soon as today's time has passed, and reaches
    `backlog` back.
    """
    slots = _slots_before(now, settings)
    day, latest = next(slots)
    if last_date is not None and day <= last_date:
        return None
    since = last_end or installed_at
    first_of_today = last_end is None and day == _local_day(now, settings)
    if latest <= since and not first_of_today:
        return None
    before = next(slots)
    window = _window(last_end, installed_at, settings, now)
    # After a change to a later time, or a zone further west, a day that has had its digest gets a second
    # slot.
    missed = before.at > since and (last_date is None or before.day > last_date)
    return Due(date=day, window=window, catches_up=missed, at=latest)


def preview(
    last_end: datetime | None,
    installed_at: datetime,
    settings: Settings,
    now: datetime,
    *,
    last_date: date | None = None,
) -> Due:
    """Return the digest that is due, or the next one as far as it has come by `now`."""
    found = due(last_end, installed_at, settings, now, last_date=last_date)
    if found:
        return found
    at = next_due(settings, now, last_date=last_date)
    return Due(date=_local_day(at, settings), window=_window(last_end, installed_at, settings, now), at=at)


def next_due(settings: Settings, now: datetime, *, last_date: date | None = None) -> datetime:
    """Return the first instant after `now`, in UTC, at which a day after `last_date` has its digest due."""
    today = _local_day(now, settings)
    ahead = (today + _DAY * step for step in range(-1, _WEEK + 1))
    days = (day for day in ahead if _is_due_day(day, settings) and (last_date is None or day > last_date))
    return next(at for day in days if (at := _instant(day, settings)) > now)


def is_day_of(days: Collection[str], day: date, *, last_date: date | None = None) -> bool:
    """Say whether a day's digest is the first on or after one of these days (see `own_days`).

    So a digest that was missed is made up for by the next one, on whatever day that is.
    """
    latest = next(own_days(days, day))
    return latest == day or (last_date is not None and latest > last_date)


def own_days(days: Collection[str], until: date) -> Iterator[date]:
    """Yield the dates up to `until` that are one of these weekdays or days of the month, the latest first."""
    day = until
    while True:
        if DAYS[day.weekday()] in days or month_day(day.day) in days:
            yield day
        day -= _DAY


def held_until(time_of_day: time, after: datetime, settings: Settings) -> datetime:
    """Return the first instant not before `after` at which local clocks show a time, in UTC."""
    at = replace(settings, time=time_of_day)
    today = _local_day(after, settings)
    return next(instant for step in range(3) if (instant := _instant(today + _DAY * step, at)) >= after)


def _window(last_end: datetime | None, installed_at: datetime, settings: Settings, now: datetime) -> Window:
    # Otherwise the first digest would be empty: its entries were all published before the installation.
    start = installed_at - settings.backlog if last_end is None else last_end
    return Window(start=min(start, now), end=now)


class _Slot(NamedTuple):
    """A due day, and when its digest falls due."""

    day: date
    at: datetime


def _slots_before(now: datetime, settings: Settings) -> Iterator[_Slot]:
    """Yield the due days up to `now`, the latest first."""
    day = _local_day(now, settings) + _DAY
    while True:
        instant = _instant(day, settings)
        if instant <= now and _is_due_day(day, settings):
            yield _Slot(day, instant)
        day -= _DAY


def _local_day(instant: datetime, settings: Settings) -> date:
    return instant.astimezone(ZoneInfo(settings.timezone)).date()


def _is_due_day(day: date, settings: Settings) -> bool:
    return day.weekday() in settings.days


def _instant(day: date, settings: Settings) -> datetime:
    """Return when that day's digest falls due, in UTC.

    A time that a clock change skips is read with the offset before the change (PEP 495), and of a time that
    occurs twice the first counts: every day has exactly one.
    """
    wall = datetime.combine(day, settings.time, tzinfo=ZoneInfo(settings.timezone))
    return wall.astimezone(UTC)
