"""The largest instant that this database has lived through, compared with the clock of each run.

A clock may be wrong for one run (an empty battery, `--now` by mistake) and leave impossible instants behind:
a next poll in a year, a digest of next spring. Every run that writes first passes `now` to `observe`, which
returns the leap that the clock has made, if any, and resets the stored instants that would put things off.
Nobody can know which of two clocks is right: work goes on by the present one, and for a while nothing is
deleted because of it.
"""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final, NamedTuple

from monitor.errors import DamageError
from monitor.store.values import format_utc, json_value, parse_utc

if TYPE_CHECKING:
    from monitor.store.connection import Connection

_KEY: Final = "clock"
# A clock that is set back by less than this was only corrected, and delays things by just as much.
_BACK: Final = timedelta(hours=1)
# Machines may be off for months, but half a year at once is more likely a wrong clock.
_AHEAD: Final = timedelta(days=180)
_SHOWN: Final = timedelta(days=1)
# Time for somebody to see the leap in `status` or in a digest.
_NOTHING_DELETED: Final = timedelta(days=7)
# The largest instant is stored in steps of this length, so that an idle service writes nothing.
_STEP: Final = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Leap:
    """The clock went from one instant to another that cannot follow it."""

    start: datetime
    end: datetime

    def __str__(self) -> str:
        """Say what was seen."""
        way = "back" if self.end < self.start else "ahead"
        return f"the clock went {way} from {self.start:%Y-%m-%d %H:%M} to {self.end:%Y-%m-%d %H:%M} UTC"


class _Lived(NamedTuple):
    """What stands in the row."""

    latest: datetime | None
    """The largest instant; None before the first poll."""
    leap: Leap | None = None


class Clock:
    """What was lived through, in one row of `meta`."""

    def __init__(self, connection: Connection) -> None:
        self._db = connection

    def observe(self, now: datetime) -> Leap | None:
        """Note that it is `now`; return the leap that the clock has made, once.

        After one back every feed and every waiting delivery is due, and news that was stored as of a later
        time counts as seen now.
        """
        latest = self._read().latest
        if latest is None or latest <= now < latest + _AHEAD:
            if latest is None or now >= latest + _STEP:
                self._write(now, self.last_leap())
            return None
        if latest - _BACK <= now < latest:
            return None
        leap = Leap(latest, now)
        with self._db.transaction():
            if now < latest:
                for sql in _TAKE_BACK:
                    self._db.change(sql, {"now": format_utc(now)})
            self._write(now, leap)
        return leap

    def last_leap(self) -> Leap | None:
        """Return the last leap that was noticed, however long ago."""
        return self._read().leap

    def fresh_leap(self, now: datetime) -> Leap | None:
        """Return what a person should know: a leap of the last day, or one that no run has noticed yet."""
        latest, leap = self._read()
        if latest is not None and now < latest - _BACK:
            return Leap(latest, now)
        return leap if leap and leap.end <= now < leap.end + _SHOWN else None

    def may_delete(self, now: datetime) -> bool:
        """Say whether the clock has gone on evenly for so long that what is old by it may go."""
        leap = self.last_leap()
        return leap is None or now >= leap.end + _NOTHING_DELETED

    def _read(self) -> _Lived:
        found = self._db.value("select value from meta where key = ?", [_KEY])
        with suppress(DamageError):  # it is written anew
            if found is not None:
                stored = json_value(found)
                leap = Leap(*map(parse_utc, stored["leap"])) if stored["leap"] else None
                return _Lived(parse_utc(stored["latest"]), leap)
        # A database of version 1.0 has no such row; its last poll says how far its time has come.
        lived = self._db.value("select finished_at from polls order by id desc limit 1")
        return _Lived(parse_utc(lived) if lived else None)

    def _write(self, latest: datetime, leap: Leap | None) -> None:
        stored = {
            "latest": format_utc(latest),
            "leap": [format_utc(leap.start), format_utc(leap.end)] if leap else None,
        }
        self._db.change("insert or replace into meta values (?, ?)", [_KEY, json.dumps(stored)])


# Once, one poll and one digest under a clock that was a year ahead left nothing due for a year.
_TAKE_BACK: Final = (
    "update feed_states set next_poll_at = null where next_poll_at > :now",
    "update deliveries set next_attempt_at = null where state = 'pending' and next_attempt_at > :now",
    "update entries set news_at = :now where reported_in is null and news_at > :now",
)
