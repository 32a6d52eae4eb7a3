"""The log of polls: when they ran, what each feed answered, and since when nothing could be reached."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from monitor.models import Poll
from monitor.store.values import format_utc, parse_utc
from monitor.url import redact

if TYPE_CHECKING:
    from datetime import datetime

    from monitor.models import FeedPoll, Window
    from monitor.store.connection import Connection
    from monitor.store.feeds import Feeds


class Polls:
    """Runs of poll(), and within each run the polls of single feeds."""

    def __init__(self, connection: Connection, feeds: Feeds) -> None:
        self._db = connection
        self._feeds = feeds

    def log_feed(self, poll: FeedPoll) -> FeedPoll:
        """Record one poll of one feed, and return it."""
        self._db.insert("feed_polls", [_feed_poll_row(self._feeds.id_of(poll.feed), poll)])
        return poll

    def unreachable_since_an_answer(self, now: datetime) -> frozenset[str]:
        """Return the feeds, by `url`, that were out of reach since any feed last answered."""
        rows = self._db.rows(_UNREACHABLE, {"now": format_utc(now)})
        return frozenset(self._feeds.url_of(row["url"]) for row in rows)

    def log(self, poll: Poll) -> None:
        """Record one run of poll()."""
        self._db.insert("polls", [_poll_row(poll)])

    def last(self) -> Poll | None:
        """Return the latest run of poll(), None before the first."""
        row = self._db.row("select * from polls order by id desc limit 1")
        return _poll(dict(row)) if row else None

    def last_asking(self) -> Poll | None:
        """Return the latest run of poll() in which a feed was due, None before the first."""
        row = self._db.row("select * from polls where feeds > 0 order by id desc limit 1")
        return _poll(dict(row)) if row else None

    def count_in(self, window: Window) -> int:
        """Count the runs of poll() that began in a window, finished or not."""
        wanted = {"start": format_utc(window.start), "end": format_utc(window.end)}
        return int(self._db.value(_COUNT_IN, wanted)) + int(self._db.value(_CUT_OFF_IN, wanted))

    def unreached_since(self, moment: datetime) -> datetime | None:
        """Return when a feed was last reached, if at an instant the polls say that our network was down."""
        last = self._db.row(_LAST_ASKING, [format_utc(moment)])
        if last is None or not last["outage"]:
            return None
        # Perhaps none of the first polls ever reached anything.
        return parse_utc(self._db.value(_REACHED_BEFORE, {"last": last["id"]}))

    def cut_off(self) -> int:
        """Count the runs of poll() that began since the last one that finished; one may be under way."""
        return int(self._db.value(_CUT_OFF))

    def gaps_in(self, window: Window) -> tuple[tuple[str, int], ...]:
        """Return the feeds from which entries fell through in a window, by `url`, and how often."""
        rows = self._db.rows(_GAPS, [format_utc(window.start), format_utc(window.end)])
        return tuple((self._feeds.url_of(row["url"]), row["n"]) for row in rows)


def _feed_poll_row(feed_id: int, poll: FeedPoll) -> dict[str, Any]:
    return {
        "feed_id": feed_id,
        "at": format_utc(poll.at),
        "status": poll.status,
        "error": redact(poll.error),
        "new": poll.new,
        "changed": poll.changed,
        "gap": int(poll.gap),
        "unreachable": int(poll.unreachable),
    }


def _poll_row(poll: Poll) -> dict[str, Any]:
    return {
        "started_at": format_utc(poll.started_at),
        "finished_at": format_utc(poll.finished_at),
        **poll.figures(),
        "outage": int(poll.outage),
    }


def _poll(row: dict[str, Any]) -> Poll:
    row.pop("id")
    started, finished, outage = (row.pop(name) for name in ("started_at", "finished_at", "outage"))
    return Poll(started_at=parse_utc(started), finished_at=parse_utc(finished), outage=bool(outage), **row)


# By the end, which has an index and is never before the beginning.
_COUNT_IN: Final = """
select count(*) from polls where finished_at > :start and started_at > :start and started_at <= :end
"""

# A run writes its own record at its end, with the instant at which its feeds were polled as its beginning.
_CUT_OFF_IN: Final = """
select count(distinct at) from feed_polls
where at > :start and at <= :end and at not in (select started_at from polls where finished_at > :start)
"""
_CUT_OFF: Final = """
select count(distinct at) from feed_polls where at > coalesce((select max(finished_at) from polls), '')
"""

_LAST_ASKING: Final = """
select id, outage, started_at from polls where feeds > 0 and started_at <= ? order by id desc limit 1
"""
_REACHED_BEFORE: Final = """
select coalesce(
    (select finished_at from polls where feeds > 0 and outage = 0 and id < :last order by id desc limit 1),
    (select min(started_at) from polls where id <= :last)
)
"""

# Over time and not within one poll: with a tick every 15 s most polls are of one feed, and after eight hours
# without a network all of 45 feeds were called failing.
_UNREACHABLE: Final = """
select distinct f.url from feed_polls p join feeds f on f.id = p.feed_id
where p.unreachable = 1 and p.at <= :now and p.at > coalesce((
    select at from feed_polls where status is not null and at <= :now order by at desc limit 1
), '')
"""

_GAPS: Final = """
select f.url, count(*) as n
from feed_polls p join feeds f on f.id = p.feed_id
where p.gap = 1 and p.at > ? and p.at <= ?
group by f.id order by n desc, f.id
"""
