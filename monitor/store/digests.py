"""Digests, frozen when they are made, with the deliveries that they call for."""
# ruff: noqa: S608  (SQL is put together from this package's own constants; values are always parameters)

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any, Final

from monitor.errors import StoreError
from monitor.models import Window
from monitor.store.connection import ANY_OF, listed
from monitor.store.values import format_utc, parse_utc

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from monitor.models import Delivery
    from monitor.store.connection import Connection, Row
    from monitor.store.deliveries import Deliveries


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredDigest:
    """A digest as it was frozen. `counts` and `body` are the digest package's own JSON."""

    date: date
    window: Window
    made_at: datetime
    counts: Mapping[str, Any]
    """The figures that the archive shows of it."""
    body: str


class Digests:
    """One digest a day, never changed. The end of the last one's window is where the next one's begins."""

    def __init__(self, connection: Connection, deliveries: Deliveries) -> None:
        self._db = connection
        self._deliveries = deliveries

    def freeze(
        self,
        body: str,
        *,
        date: date,
        window: Window,
        made_at: datetime,
        counts: Mapping[str, Any],
        told: Iterable[int],
        deliveries: Iterable[Delivery],
    ) -> tuple[Delivery, ...]:
        """Store a digest, what it told (entry ids) and its deliveries, all or nothing; return these with ids.

        Raises StoreError when the day has its digest already.
        """
        row = {
            "date": date.isoformat(),
            "window_start": format_utc(window.start),
            "window_end": format_utc(window.end),
            "made_at": format_utc(made_at),
            "counts": json.dumps(counts, ensure_ascii=False, sort_keys=True),
            "body": body,
        }
        with self._db.transaction():
            if self.get(date):
                raise StoreError(f"the digest of {date} was made already")
            row["number"] = self._db.value("select coalesce(max(number), 0) + 1 from digests")
            self._db.insert("digests", [row])
            self._db.change(_TELL, [date.isoformat(), listed(told)])
            return self._deliveries.add(deliveries, made_at)

    def last_made(self) -> StoredDigest | None:
        """Return the digest that was made last, whatever the clock then said; None before the first."""
        row = self._db.row("select * from digests order by number desc limit 1")
        return _digest(row) if row else None

    def last(self, now: datetime) -> StoredDigest | None:
        """Return the digest whose window ends last, but for those that a clock ahead of `now` has made."""
        sql = "select * from digests where window_end <= ? order by window_end desc limit 1"
        row = self._db.row(sql, [format_utc(now)])
        return _digest(row) if row else None

    def get(self, date: date) -> StoredDigest | None:
        """Return a day's digest."""
        row = self._db.row("select * from digests where date = ?", [date.isoformat()])
        return _digest(row) if row else None

    def listing(self, limit: int | None = None) -> tuple[StoredDigest, ...]:
        """Return the digests without their bodies, latest first."""
        sql = f"select {_HEAD}, '' as body from digests order by date desc limit ?"
        return tuple(map(_digest, self._db.rows(sql, [-1 if limit is None else limit])))


def _digest(row: Row) -> StoredDigest:
    return StoredDigest(
        date=date.fromisoformat(row["date"]),
        window=Window(start=parse_utc(row["window_start"]), end=parse_utc(row["window_end"])),
        made_at=parse_utc(row["made_at"]),
        counts=json.loads(row["counts"]),
        body=row["body"],
    )


_HEAD: Final = "date, window_start, window_end, made_at, counts"
_TELL: Final = f"update entries set told_in = ? where told_in is null and id {ANY_OF}"
