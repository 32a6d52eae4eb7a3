"""Subscriptions, and what polling has learnt about each."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from monitor.errors import each, place_of
from monitor.models import FeedState, Hints
from monitor.store.addresses import address, address_in_version_1_0, without_credentials
from monitor.store.values import (
    duration,
    format_utc,
    json_value,
    maybe_format_utc,
    maybe_parse_utc,
    names,
    parse_utc,
    seconds,
)
from monitor.url import redact, redact_url

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from monitor.models import Feed
    from monitor.store.connection import Connection, Row

# A feed that was not followed for longer than this starts again; a shorter time was a slip or a trial.
_LONG: Final = timedelta(days=7)


class Feeds:
    """The feeds that are or were followed. Their addresses are stored without credentials."""

    def __init__(self, connection: Connection) -> None:
        self._db = connection
        self._urls: dict[str, str] = {}

    def sync(self, feeds: Iterable[Feed], now: datetime) -> None:
        """Bring the feeds up to date with feeds.toml; one that left it keeps its entries and state.

        What a feed brought while it was left out or switched off for more than a week is not news: its next
        document counts as its first. A feed whose address in feeds.toml was changed to where it had moved, or
        only in its credentials, stays the same feed.
        """
        wanted = {address(feed.url): feed for feed in feeds}
        self._urls.update((key, feed.url) for key, feed in wanted.items())
        with self._db.transaction():
            self._rename(wanted)
            followed = self._db.rows("select url from feeds where removed_at is null")
            gone = [row["url"] for row in followed if row["url"] not in wanted]
            removed = "update feeds set removed_at = ? where url = ?"
            self._db.change_many(removed, [(format_utc(now), key) for key in gone])
            returning = {row["url"] for row in self._db.rows(_LEFT_ALONE, [format_utc(now - _LONG)])}
            following = {key for key, feed in wanted.items() if feed.enabled}
            self._db.change_many(_BEGIN_AGAIN, [(key,) for key in returning & following])
            self._db.change_many(_SYNC, [_feed_row(key, feed, now) for key, feed in wanted.items()])

    def _rename(self, wanted: dict[str, Feed]) -> None:
        """Give a feed that leaves feeds.toml the address of the one there that is really the same feed."""
        stored = {row["url"]: row["location"] for row in self._db.rows(_LOCATIONS)}
        arriving = {
            # A feed is found again by its address, by the same address with other credentials, and by the
            # form in which version 1.0 wrote it.
            same: key
            for key, feed in wanted.items()
            if key not in stored
            for same in (key, without_credentials(key), address_in_version_1_0(feed.url))
        }
        for key, location in stored.items():
            known_as = (location, without_credentials(key), key)
            new = next(filter(None, map(arriving.get, known_as)), "")
            if key not in wanted and new:
                self._db.change("update feeds set url = ? where url = ?", [new, key])
                # Otherwise `status` would still advise to follow the move that has just been followed.
                self._db.change(_ARRIVED, [new, new])
                arriving = {same: other for same, other in arriving.items() if other != new}

    def move(self, old: str, new: str) -> None:
        """Give a followed feed another address, keeping its entries and state; ignore an unknown feed."""
        # If the new address is followed already, both have a history, and neither can become the other.
        there = self._db.value("select 1 from feeds where url = ?", [address(new)])
        if there is None:
            self._db.change("update feeds set url = ? where url = ?", [address(new), address(old)])
            # Its redirect led to where it moves now, or no longer counts.
            moved = "feed_id = (select id from feeds where url = ?)"
            self._db.change(f"update feed_states set location = '' where {moved}", [address(new)])  # noqa: S608 - a constant

    def states(self, feeds: Iterable[Feed]) -> dict[str, FeedState]:
        """Return the state of each feed by its `url`; a feed that was never polled has a new one.

        A feed whose row cannot be read gets a new state too, with a note about it: otherwise it would keep
        all others from being polled.
        """
        rows = self._db.rows(_STATES)
        stored = {row["url"]: row for row in rows}

        def state(feed: Feed) -> FeedState:
            row = stored.get(address(feed.url))
            return _state(row, feed.url) if row else FeedState(url=feed.url)

        read, damaged = each(feeds, state)
        anew = {feed.url: _begun(stored[address(feed.url)], feed.url, bug) for feed, bug in damaged.items()}
        return {feed.url: known for feed, known in read.items()} | anew

    def save_state(self, state: FeedState) -> None:
        """Store what a poll taught us about one feed."""
        row = {"feed_id": self.id_of(state.url), **_state_row(state)}
        columns, marks = ", ".join(row), ", ".join(f":{name}" for name in row)
        self._db.change(f"insert or replace into feed_states ({columns}) values ({marks})", row)  # noqa: S608 - names of ours

    def listed_since(self, url: str) -> datetime:
        """Return when a feed was added to feeds.toml, or was last switched on or added again."""
        return parse_utc(self._db.value("select added_at from feeds where url = ?", [address(url)]))

    def id_of(self, url: str) -> int:
        """Return the row id of a feed that was given to `sync`. Raises KeyError for another."""
        found = self._db.value(_ID, [address(url)])
        if found is None:
            raise KeyError(f"no such feed: {redact_url(url)}")
        return int(found)

    def has(self, url: str) -> bool:
        """Return whether a feed was given to `sync` and its address has not changed since."""
        return self._db.value(_ID, [address(url)]) is not None

    def know(self, feeds: Iterable[Feed]) -> None:
        """Remember the addresses of feeds.toml, writing nothing: the stored ones lack their secrets."""
        self._urls.update((address(feed.url), feed.url) for feed in feeds)

    def url_of(self, key: str) -> str:
        """Return the address in feeds.toml for a stored one; if the feed is not there, the stored one."""
        return self._urls.get(key, key)

    def ids(self) -> dict[int, str]:
        """Return the `url` of every feed that is or was followed by its row id, which outlives a move."""
        return {row["id"]: self.url_of(row["url"]) for row in self._db.rows("select id, url from feeds")}

    def counts(self) -> dict[str, int]:
        """Return how many entries each feed has brought, by its `url`."""
        rows = self._db.rows("select url, entries from feeds")
        return {self.url_of(row["url"]): row["entries"] for row in rows}

    def count(self, url: str, new: int) -> None:
        """Add to the number of entries that a feed has brought: counting them all takes ever longer."""
        self._db.change("update feeds set entries = entries + ? where id = ?", [new, self.id_of(url)])


def _state_row(state: FeedState) -> dict[str, Any]:
    """Write a feed's state, without its address and without secrets.

    A redirect to an address that holds a secret is not remembered, only followed again each time.
    """
    return {
        "title": state.title,
        "location": _public(state.location),
        "moving_to": _public(state.moving_to),
        "moving_seen": state.moving_seen,
        "etag": state.etag,
        "last_modified": state.last_modified,
        "validators_url": redact_url(state.validators_url),
        "body_hash": state.body_hash,
        "next_poll_at": maybe_format_utc(state.next_poll_at),
        "last_poll_at": maybe_format_utc(state.last_poll_at),
        "last_success_at": maybe_format_utc(state.last_success_at),
        "last_status": state.last_status,
        "last_error": redact(state.last_error),
        "consecutive_failures": state.consecutive_failures,
        "gone": int(state.gone),
        "first_success_at": maybe_format_utc(state.first_success_at),
        "newest_entry_at": maybe_format_utc(state.newest_entry_at),
        "rhythm_seconds": seconds(state.rhythm),
        "polls": state.polls,
        "gaps": state.gaps,
        "last_gap_at": maybe_format_utc(state.last_gap_at),
        "last_document_at": maybe_format_utc(state.last_document_at),
        "breaks_off_since": maybe_format_utc(state.breaks_off_since),
        "note": state.note,
        "faults": state.faults,
        "asked_period_seconds": seconds(state.hints.period),
        "skip_hours": json.dumps(sorted(state.hints.skip_hours)),
        "skip_days": json.dumps(sorted(state.hints.skip_days)),
    }


def _public(url: str) -> str:
    return url if redact_url(url) == url else ""


def _state(row: Row, url: str) -> FeedState:
    return FeedState(
        url=url,
        title=row["title"],
        location=row["location"],
        moving_to=row["moving_to"],
        moving_seen=row["moving_seen"],
        etag=row["etag"],
        last_modified=row["last_modified"],
        validators_url=row["validators_url"],
        body_hash=row["body_hash"],
        next_poll_at=maybe_parse_utc(row["next_poll_at"]),
        last_poll_at=maybe_parse_utc(row["last_poll_at"]),
        last_success_at=maybe_parse_utc(row["last_success_at"]),
        last_status=row["last_status"],
        last_error=row["last_error"],
        consecutive_failures=row["consecutive_failures"],
        gone=bool(row["gone"]),
        first_success_at=maybe_parse_utc(row["first_success_at"]),
        newest_entry_at=maybe_parse_utc(row["newest_entry_at"]),
        rhythm=duration(row["rhythm_seconds"]),
        polls=row["polls"],
        gaps=row["gaps"],
        last_gap_at=maybe_parse_utc(row["last_gap_at"]),
        last_document_at=maybe_parse_utc(row["last_document_at"]),
        breaks_off_since=maybe_parse_utc(row["breaks_off_since"]),
        note=row["note"],
        faults=row["faults"],
        hints=Hints(
            period=duration(row["asked_period_seconds"]),
            skip_hours=frozenset(json_value(row["skip_hours"])),
            skip_days=frozenset(json_value(row["skip_days"])),
        ),
    )


def _begun(row: Row, url: str, bug: Exception) -> FeedState:
    """Return what is left of the state of a feed whose row cannot be read: since when it is followed."""
    times, _ = each([row["first_success_at"], row["added_at"]], parse_utc)
    first = next(iter(times.values()), None) if row["entries"] else None
    return FeedState(url=url, first_success_at=first, faults=place_of(bug))


def _feed_row(key: str, feed: Feed, now: datetime) -> dict[str, Any]:
    return {
        "url": key,
        "added_at": format_utc(now),
        "title": feed.title,
        "language": feed.language,
        "tags": names(feed.tags),
        "interval_seconds": seconds(feed.interval),
        "weight": feed.weight,
        "family": feed.family,
        "enabled": int(feed.enabled),
        "private_host": feed.private_host,
    }


# `added_at` says since when a feed's news is awaited; a feed that comes back starts again.
_SYNC: Final = """
insert into feeds (
    url, title, language, tags, interval_seconds, weight, family, enabled, private_host, added_at
) values (
    :url, :title, :language, :tags, :interval_seconds, :weight, :family, :enabled, :private_host, :added_at
)
on conflict (url) do update set
    title = excluded.title, language = excluded.language, tags = excluded.tags,
    interval_seconds = excluded.interval_seconds, weight = excluded.weight, family = excluded.family,
    enabled = excluded.enabled, private_host = excluded.private_host, removed_at = null,
    added_at = case
        when removed_at is not null or enabled < excluded.enabled then excluded.added_at else added_at
    end
"""

_STATES: Final = (
    "select f.url, f.added_at, f.entries, s.* from feeds f join feed_states s on s.feed_id = f.id"
)
_ID: Final = "select id from feeds where url = ?"
_ARRIVED: Final = """
update feed_states set location = '' where location = ? and feed_id = (select id from feeds where url = ?)
"""
_LEFT_ALONE: Final = """
select f.url from feeds f join feed_states s on s.feed_id = f.id
where (f.removed_at is not null or f.enabled = 0) and s.first_success_at is not null and s.last_poll_at < ?
"""
_BEGIN_AGAIN: Final = """
update feed_states set first_success_at = null where feed_id = (select id from feeds where url = ?)
"""

_LOCATIONS: Final = """
select f.url, coalesce(s.location, '') as location
from feeds f left join feed_states s on s.feed_id = f.id
order by f.id
"""
