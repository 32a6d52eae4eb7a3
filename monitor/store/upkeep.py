"""Remove what is kept no longer, and keep the file fit. Nothing stored is removed anywhere else.

Takes `now` and how long things are kept. That an entry was seen is never forgotten, or it would come back as
news. And nothing is removed while the clock has just made a leap.
"""
# ruff: noqa: S608  (SQL is put together from this package's own constants; values are always parameters)

from __future__ import annotations

from contextlib import suppress
from datetime import date, timedelta
from typing import TYPE_CHECKING, Final

from monitor.errors import DamageError
from monitor.models import digest_key
from monitor.store.connection import ANY_OF, listed
from monitor.store.search import spellings
from monitor.store.values import format_utc, maybe_parse_utc

if TYPE_CHECKING:
    from datetime import datetime

    from monitor.store.clock import Clock
    from monitor.store.connection import Connection
    from monitor.store.settings import Retention

_LOG_KEPT: Final = timedelta(days=60)
_UNEVENTFUL_KEPT: Final = timedelta(days=7)
# Bytes.
_WORTH_A_VACUUM: Final = 8_000_000
_WEEK: Final = timedelta(days=7)
_VACUUMED: Final = "vacuumed_at"


class Upkeep:
    """Lets go of texts, payloads and records of polls, and gives their space back."""

    def __init__(self, connection: Connection, clock: Clock) -> None:
        self._db = connection
        self._clock = clock

    def forget(self, retention: Retention, now: datetime) -> None:
        """Remove the texts and payloads that are kept no longer."""
        if not self._clock.may_delete(now):
            return
        if retention.deliveries is not None:
            self.let_go(now - retention.deliveries)
        for relevant, period in ((True, retention.relevant), (False, retention.other)):
            if period is not None:
                self.purge(now - period, now, relevant=relevant)

    def purge(self, before: datetime, now: datetime, *, relevant: bool = False) -> int:
        """Remove the text of irrelevant (or relevant) entries first seen before an instant; return how many.

        Guid, link, title, dates, fingerprint and tags stay: none is ever taken for a new one, and the search
        finds it by its title. What the user marked keeps its text.
        """
        with self._db.transaction():
            rows = self._db.rows(_OLD, [int(relevant), format_utc(before)])
            self._db.change_many(_EMPTY, [(spellings(r["title"]), format_utc(now), r["id"]) for r in rows])
            old = [row["id"] for row in rows]
            for table in ("vectors",) if relevant else ("vectors", "evidence"):
                self._db.change(f"delete from {table} where entry_id {ANY_OF}", [listed(old)])
            return len(old)

    def let_go(self, before: datetime) -> int:
        """Empty the payloads of deliveries that were settled before an instant; return how many.

        The last digest's stay, so that it can always be sent again.
        """
        # By the number of its day, as some versions of SQLite accept 31 February as a date.
        readable = "select date from digests where date = date(julianday(date))"
        last = self._db.value(f"{readable} order by number desc limit 1")
        kept = digest_key(date.fromisoformat(last)) if last else ""
        return self._db.change(_LET_GO, [format_utc(before), kept])

    def forget_polls(self, now: datetime) -> None:
        """Remove the records of polls made more than 60 days ago, those of single feeds after a week.

        Of a single feed's poll only a gap, or that nobody answered, is asked for later.
        """
        if not self._clock.may_delete(now):
            return
        old, uneventful = format_utc(now - _LOG_KEPT), format_utc(now - _UNEVENTFUL_KEPT)
        with self._db.transaction():
            self._db.change("delete from polls where finished_at < ?", [old])
            self._db.change("delete from feed_polls where at < ?", [old])
            self._db.change(
                "delete from feed_polls where at < ? and gap = 0 and unreachable = 0", [uneventful]
            )

    def tidy(self, now: datetime) -> None:
        """Keep the file fit: the log folded in, the planner's figures fresh, empty space given back.

        Space is given back once a week, in a second for each 80 MB, and before when a quarter of the file is
        free. Texts that retention empties leave half-full pages behind, which no counter shows: without this,
        a database of 40 days was 38 MB instead of 23.
        """
        pages, free, size = (
            int(self._db.value(f"pragma {name}")) for name in ("page_count", "freelist_count", "page_size")
        )
        self._db.change("pragma optimize")
        last = None
        with suppress(DamageError):
            last = maybe_parse_utc(self._db.value("select value from meta where key = ?", [_VACUUMED]))
        is_due = last is None or not last <= now < last + _WEEK
        if pages * size > _WORTH_A_VACUUM and (
            is_due or (free * size > _WORTH_A_VACUUM and free * 4 > pages)
        ):
            # The index is merged first, since a vacuum would copy its many half-empty trees as they are.
            self._db.change("insert into search_fts(search_fts) values ('optimize')")
            self._db.change("vacuum")
            self._db.change("insert or replace into meta values (?, ?)", [_VACUUMED, format_utc(now)])
        # A log that was large once keeps its size on the disk until it is truncated.
        self._db.rows("pragma wal_checkpoint(truncate)")


# The tagger learns from what the user marked, so it keeps its text.
_OLD: Final = """
select id, title from entries e
where relevant = ? and first_seen < ? and text_removed_at is null
    and not exists (select 1 from marks where entry_id = e.id)
"""

_EMPTY: Final = """
update entries set summary = '', content = '', author = '', spellings = ?, text_removed_at = ? where id = ?
"""

# Version 1.0 kept everything: 97 kB of mail for each day and recipient, and pages that grew with the square
# of the days.
_LET_GO: Final = """
update deliveries set payload = x''
where state in ('sent', 'failed', 'superseded') and changed_at < ? and payload <> x''
    and edition <> ?
"""
