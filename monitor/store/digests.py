"""Digests, frozen when they are made, together with their deliveries."""
# ruff: noqa: S608  (SQL is put together from this package's own constants; values are always parameters)

from __future__ import annotations

import json
import zlib
from dataclasses import dataclass
from datetime import date
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from monitor.errors import StoreError, each
from monitor.models import (
    Digest,
    DigestSummary,
    Window,
    digest_from_json,
    digest_to_json,
    summary_from_json,
    summary_to_json,
)
from monitor.store.connection import ANY_OF, listed
from monitor.store.values import format_utc, parse_utc

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from datetime import datetime

    from monitor.models import Delivery
    from monitor.store.connection import Connection, Parameters, Row
    from monitor.store.deliveries import Deliveries


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredDigest:
    """A digest as it was frozen."""

    date: date
    window: Window
    made_at: datetime
    summary: DigestSummary
    kept: bytes | str
    """The whole digest as JSON: compressed, or as version 1.0 kept it; "" in listings."""

    @property
    def body(self) -> str:
        """The whole digest as JSON, byte for byte as it was frozen."""
        return self.kept if isinstance(self.kept, str) else zlib.decompress(self.kept).decode()

    def digest(self) -> Digest:
        """Read the whole digest."""
        return digest_from_json(self.body)


class Digests:
    """One digest a day, never changed. The end of the last one's window is where the next one's begins."""

    def __init__(self, connection: Connection, deliveries: Deliveries) -> None:
        self._db = connection
        self._deliveries = deliveries

    def freeze(
        self,
        digest: Digest,
        summary: DigestSummary,
        deliveries: Iterable[Delivery],
        covered: Mapping[str, Iterable[date]] = MappingProxyType({}),
    ) -> tuple[Delivery, ...]:
        """Store a digest, what it reported and its deliveries, all or nothing; return these with ids.

        `covered` are, for each recipient of mail, the digests that theirs of today tells. Raises StoreError
        when the day has its digest already.
        """
        row = {
            "date": digest.date.isoformat(),
            "window_start": format_utc(digest.window.start),
            "window_end": format_utc(digest.window.end),
            "made_at": format_utc(digest.made_at),
            "summary": summary_to_json(summary),
            "body": "",
            "packed": zlib.compress(digest_to_json(digest).encode()),
        }
        with self._db.transaction():
            if self.has(digest.date):
                raise StoreError(f"the digest of {digest.date} was made already")
            row["number"] = self._db.value("select coalesce(max(number), 0) + 1 from digests")
            self._db.insert("digests", [row])
            self._db.change(_REPORT, [digest.date.isoformat(), listed(digest.reported)])
            self._deliveries.cover(covered, digest.date)
            return self._deliveries.add(deliveries, digest.made_at)

    def last_made(self) -> StoredDigest | None:
        """Return the digest that was made last, whatever the clock then said; None before the first."""
        return next(self._read("order by number desc limit 9"), None)

    def last(self, now: datetime) -> StoredDigest | None:
        """Return the digest whose window ends last, but for those that a clock ahead of `now` has made."""
        rest = "where window_end <= ? order by window_end desc limit 9"
        return next(self._read(rest, [format_utc(now)]), None)

    def get(self, date: date) -> StoredDigest | None:
        """Return a day's digest."""
        return next(self._read("where date = ?", [date.isoformat()]), None)

    def has(self, date: date) -> bool:
        """Say whether a day has its digest."""
        return self._db.value("select 1 from digests where date = ?", [date.isoformat()]) is not None

    def _read(self, rest: str, parameters: Parameters = (), columns: str = "*") -> Iterator[StoredDigest]:
        """Give digests but for those that cannot be read: one would keep all later ones from being made."""
        rows = self._db.rows(f"select {columns} from digests {rest}", parameters)
        return iter(each(rows, _digest)[0].values())

    def days(self, first: date) -> frozenset[date]:
        """Return the days from one on that have a digest."""
        sql = "select date from digests where date >= ? and date glob '????-??-??'"
        rows = self._db.rows(sql, [first.isoformat()])
        return frozenset(date.fromisoformat(row["date"]) for row in rows)

    def of_days(self, days: Iterable[date]) -> tuple[StoredDigest, ...]:
        """Return the digests of days, in the order in which they were made."""
        wanted = json.dumps([day.isoformat() for day in days])
        return tuple(self._read("where date in (select value from json_each(?)) order by number", [wanted]))

    def listing(self, limit: int | None = None) -> tuple[StoredDigest, ...]:
        """Return the digests without their bodies, latest first."""
        wanted = [-1 if limit is None else limit]
        return tuple(self._read("order by date desc limit ?", wanted, f"{_HEAD}, '' as body, null as packed"))

    def count(self) -> int:
        """Return how many digests were made."""
        return int(self._db.value("select count(*) from digests"))


def _digest(row: Row) -> StoredDigest:
    return StoredDigest(
        date=date.fromisoformat(row["date"]),
        window=Window(start=parse_utc(row["window_start"]), end=parse_utc(row["window_end"])),
        made_at=parse_utc(row["made_at"]),
        summary=summary_from_json(row["summary"]),
        kept=row["packed"] or row["body"],
    )


_HEAD: Final = "date, window_start, window_end, made_at, summary"
_REPORT: Final = f"update entries set reported_in = ? where reported_in is null and id {ANY_OF}"
