"""When a feed is due next, and what a poll teaches about it. Pure: old state and response in, new state out.

The interval after a success:

1. It starts from `feed.interval`, else `settings.interval`, and is shortened to half the usual time between
   two new entries of the feed, so that an entry waits for less time than the next one takes to appear.
2. A feed that has been quiet is polled less often: after a day of silence every hour, after a week every
   seven hours. An interval set by the user is not lengthened in this way.
3. For a week after entries were missed between two polls, it is halved.
4. The result is kept within [min_interval, max_interval].
5. The publisher's wishes make it longer, never shorter: `max-age`, `Expires`, `ttl`, `updatePeriod`, then
   `skipHours` and `skipDays`; but no wait exceeds a day, or `max_interval` if that is longer.
6. For six hours after a document that breaks off, it is `min_interval`, since the rest may still come.
7. Jitter adds up to a tenth. Within it, the poll is moved to a full two minutes, so that several feeds are
   due together: each poll costs something to set up, and with several feeds one can tell whose fault a
   silence is.

Each failure in a row doubles the starting interval, up to a day, without an end; `Retry-After` is obeyed. A
feed that is gone (410) is asked again after a week. A longer wait than that was written by a clock that was
wrong, and is ignored.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING

from monitor.fetch import guard
from monitor.text import shorten
from monitor.url import host_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from monitor.fetch.settings import Settings
    from monitor.models import Document, Feed, FeedState, Findings, Hints, Response

_NEVER = datetime.min.replace(tzinfo=UTC)
_DAY = timedelta(days=1)
_HOUR = timedelta(hours=1)
_NOTHING = timedelta(0)
_JITTER = 0.1
_SLOT = timedelta(minutes=2)
# A quiet feed waits for the time of its silence divided by this.
_QUIET_SHARE = 24
GAP_MEMORY = timedelta(days=7)
_NOTE = 200
# The weight of the newest observation in the rhythm.
_LEARNING = 0.3
_SHORTEST_RHYTHM = timedelta(minutes=1)
# A permanent redirect is believed after this many polls in a row.
_AGREEING_POLLS = 3
# A location that fails this often in a row is given up for the address that the user wrote.
_LOST_AFTER = 3
# Parts of a document that no entry is made of. A comment with a tag in it is kept, as two parts of a text
# could otherwise look like one.
_RESTLESS = re.compile(rb"<!--[^<]{0,1000}-->|<lastBuildDate>[^<]{0,100}</lastBuildDate>")
# The rest of a document that breaks off is awaited for this long; then what there is has to do.
_AWAITED = timedelta(hours=6)
_GONE = 410
_GONE_FOR = timedelta(days=7)


def is_due(feed: Feed, state: FeedState, now: datetime, settings: Settings) -> bool:
    """Return whether to poll a feed now: it is enabled, and its time has come or is impossible."""
    if not feed.enabled:
        return False
    longest = max(_GONE_FOR, settings.max_interval) * (1 + _JITTER)
    return state.next_poll_at is None or not now < state.next_poll_at <= now + longest


def in_turn(pairs: Iterable[tuple[Feed, FeedState]]) -> list[tuple[Feed, FeedState]]:
    """Return feeds in the order in which to poll them: those not polled for longest, then healthy ones."""
    return sorted(pairs, key=lambda pair: (pair[1].last_poll_at or _NEVER, pair[1].consecutive_failures))


def awaits_rest(state: FeedState, now: datetime) -> bool:
    """Return whether the rest of a document that breaks off may still come."""
    since = state.breaks_off_since or now
    return since <= now < since + _AWAITED


def followed_since(state: FeedState, now: datetime) -> datetime | None:
    """Return since when a feed's entries are known; None until the first document is complete or given up."""
    since = state.first_success_at
    if since is not None and since > now:
        # Written by a clock that ran ahead, so the true time is unknown. Believed, it would turn the news of
        # every pause into a past that the feed opens up, and none of it would be reported.
        return _NEVER
    return None if since == state.breaks_off_since and awaits_rest(state, now) else since


def body_hash(body: bytes) -> str:
    """Return a hash of a document, which need not be parsed again if the hash is the same.

    One feed in ten writes the time of the request into every response, so that part is left out.
    """
    return hashlib.blake2b(_RESTLESS.sub(b"", body), digest_size=16).hexdigest()


def is_outage(failed: Sequence[Response], silent: Collection[str] = ()) -> bool:
    """Return whether our own network failed in a poll in which no feed could be read.

    It did if at least two feeds are out of reach and none has answered meanwhile. Most polls are of one feed,
    so `silent` names those that were out of reach since any feed last answered. It also did if different
    hosts answer with the same page, which is then that of a captive portal.
    """
    asked = [response for response in failed if response.asked]
    if asked and all(response.unreachable for response in asked):
        return len({response.feed.url for response in asked}.union(silent)) > 1
    pages = {response.body for response in asked}
    return len({host_of(response.feed.url) for response in asked}) > 1 and len(pages) == 1 and pages != {b""}


def witnesses(
    pairs: Iterable[tuple[Feed, FeedState]], failed: Sequence[Response]
) -> list[tuple[Feed, FeedState]]:
    """Return two feeds to poll out of turn, because a poll reached nothing and only one host was asked.

    They show whether that host is at fault or our network. They are feeds that answered last, preferably of
    other hosts, since feeds of one host fall silent together.
    """
    hosts = {host_of(response.url) for response in failed}
    if len(hosts) != 1 or not all(response.unreachable for response in failed):
        return []
    silent = {response.feed for response in failed}
    willing = [
        (feed, state)
        for feed, state in pairs
        if feed not in silent and state.last_success_at and not state.consecutive_failures
    ]

    def rank(pair: tuple[Feed, FeedState]) -> tuple[bool, datetime]:
        feed, state = pair
        return host_of(state.location or feed.url) not in hosts, state.last_success_at or _NEVER

    return sorted(willing, key=rank, reverse=True)[:2]


def after_success(
    state: FeedState,
    response: Response,
    found: Findings,
    *,
    settings: Settings,
    now: datetime,
    jitter: float,
) -> FeedState:
    """Return the state after a document or a "not modified". `jitter` is a number from 0 to 1."""
    state = replace(
        state,
        last_poll_at=now,
        last_success_at=now,
        last_status=response.status,
        last_error="",
        consecutive_failures=0,
        gone=False,
        first_success_at=state.first_success_at or now,
        polls=state.polls + 1,
    )
    state = _with_document(state, found.document)
    state = _with_entries(state, found, now)
    state = _with_validators(state, response, found, now)
    state = _with_location(state, response, found)
    if state.breaks_off_since and awaits_rest(state, now):
        return replace(state, next_poll_at=now + settings.min_interval * (1 + _JITTER * jitter))
    wait = max(
        _interval(response.feed, state, settings, now),
        response.max_age or _NOTHING,
        state.hints.period or _NOTHING,
    )
    limit = now + max(_DAY, settings.max_interval)
    due = min(_slot(now + wait, now + wait * (1 + _JITTER), jitter), limit)
    return replace(state, next_poll_at=min(_past_skips(due, state.hints, jitter), limit))


def _slot(first: datetime, last: datetime, jitter: float) -> datetime:
    """Return a full two minutes within a stretch of time, or any instant in it if it contains none."""
    due = first + (last - first) * jitter
    slot = due - timedelta(seconds=due.timestamp() % _SLOT.total_seconds())
    slot += _SLOT if slot < first else _NOTHING
    return slot if slot <= last else due


def after_failure(
    state: FeedState, response: Response, *, settings: Settings, now: datetime, jitter: float
) -> FeedState:
    """Return the state after a poll that failed; `response.error` says why. Validators are kept.

    A feed that was not polled because its host wants a pause only waits. It counts as failing once it could
    not be polled for a day, since nobody knows what it has brought.
    """
    pause = min(response.retry_after or _NOTHING, _DAY)
    failures = state.consecutive_failures + 1
    if not response.asked:
        waits = replace(state, next_poll_at=now + min(pause * (1 + _JITTER * jitter), _DAY))
        if state.last_success_at is None or abs(now - state.last_success_at) < _DAY:
            return waits
        return replace(waits, last_error=" ".join(response.error.split()), consecutive_failures=failures)
    lost = bool(state.location) and failures >= _LOST_AFTER
    base = max(_start(response.feed, settings), settings.min_interval)
    gone = response.status == _GONE
    wait = _GONE_FOR if gone else max(min(base * 2 ** min(failures - 1, 10), _DAY), pause)
    return replace(
        state,
        last_poll_at=now,
        last_status=response.status,
        last_error=" ".join(response.error.split()),
        consecutive_failures=failures,
        gone=gone,
        location="" if lost else state.location,
        # An address that leads to another feed still does so, although that feed's entries are known by now.
        moving_to=state.moving_to if leads_elsewhere(state) else "",
        moving_seen=0,
        polls=state.polls + 1,
        next_poll_at=now + (wait if gone else min(wait * (1 + _JITTER * jitter), _DAY)),
    )


def after_outage(
    state: FeedState, response: Response, *, settings: Settings, now: datetime, jitter: float
) -> FeedState:
    """Return the state after our own network failed: due again soon, and nothing held against the feed."""
    wait = min(settings.min_interval, _start(response.feed, settings))
    return replace(state, next_poll_at=now + wait * (1 + _JITTER * jitter))


def pardoned(state: FeedState, settings: Settings, now: datetime) -> FeedState:
    """Return the state of a feed whose first failure turns out to be the beginning of an outage of ours."""
    # More failures took long enough to be recognised as an outage, so they are the feed's own.
    if state.consecutive_failures != 1:
        return state
    soon = now + settings.min_interval
    due = min(state.next_poll_at or soon, soon)
    return replace(state, consecutive_failures=0, last_error="", next_poll_at=due)


def defer_host(
    pairs: Iterable[tuple[Feed, FeedState]], responses: Iterable[Response], now: datetime
) -> tuple[FeedState, ...]:
    """Return the changed states of feeds that must wait because another feed of their public host must.

    A server that answers one of its feeds with `Retry-After` means all of them, including those that are due
    later.
    """
    pauses = {
        guard.normalised(host_of(response.url)): response.retry_after
        for response in responses
        if response.status is not None and response.retry_after
    }
    changed = []
    for feed, state in pairs:
        host = guard.normalised(host_of(state.location or feed.url))
        until = now + pauses.get(host, _NOTHING)
        private = guard.private_name(host) or host == guard.normalised(feed.private_host)
        if not private and host in pauses and (state.next_poll_at is None or state.next_poll_at < until):
            changed.append(replace(state, next_poll_at=until))
    return tuple(changed)


def _start(feed: Feed, settings: Settings) -> timedelta:
    return feed.interval or settings.interval


def _interval(feed: Feed, state: FeedState, settings: Settings, now: datetime) -> timedelta:
    wait = _start(feed, settings)
    if feed.interval is None:
        wait = max(wait, silence(state, now) / _QUIET_SHARE)
    if state.rhythm:
        wait = min(wait, max(state.rhythm, silence(state, now) / _QUIET_SHARE) / 2)
    if state.last_gap_at and abs(now - state.last_gap_at) < GAP_MEMORY:
        wait /= 2
    return min(max(wait, settings.min_interval), settings.max_interval)


def silence(state: FeedState, until: datetime) -> timedelta:
    """Return for how long a feed has brought nothing new, as of `until`."""
    since = state.newest_entry_at or state.first_success_at or until
    return max(until - since, _NOTHING)


def _with_document(state: FeedState, document: Document | None) -> FeedState:
    if document is None:
        return state
    # Some feeds are empty at weekends, such as arXiv's. So is one whose site is broken, so the feed counts as
    # healthy, with a note.
    emptied = state.newest_entry_at is not None and not document.entries and not document.broken
    return replace(
        state,
        title=document.title or state.title,
        hints=document.hints,
        note=shorten(document.losses or ("holds no entries" if emptied else ""), _NOTE),
        faults=shorten(document.faults, _NOTE),
    )


def _with_entries(state: FeedState, found: Findings, now: datetime) -> FeedState:
    """Update the rhythm: from the dates in the first document, later from the entries of each poll."""
    if found.gap:
        state = replace(state, gaps=state.gaps + 1, last_gap_at=now)
    if not found.new:
        return state
    if found.first or state.newest_entry_at is None:
        rhythm = _published_rhythm(found.document) or state.rhythm
    else:
        observed = max(now - state.newest_entry_at, _NOTHING) / len(found.new)
        rhythm = observed if state.rhythm is None else state.rhythm + (observed - state.rhythm) * _LEARNING
    return replace(state, newest_entry_at=now, rhythm=rhythm and max(rhythm, _SHORTEST_RHYTHM))


def _published_rhythm(document: Document | None) -> timedelta | None:
    """Return the median time between the dates in a document; None if there are fewer than three."""
    entries = document.entries if document else ()
    dates = sorted(entry.published for entry in entries if entry.dated == "publisher")
    gaps = sorted(later - earlier for earlier, later in pairwise(dates))
    # The median, so that one summer break among a blog's ten entries does not make it a monthly.
    return gaps[len(gaps) // 2] if len(gaps) > 1 else None


def _with_validators(state: FeedState, response: Response, found: Findings, now: datetime) -> FeedState:
    """Keep the validators of the last complete document, byte for byte.

    A 304 may renew them; a document that was cut off changes nothing.
    """
    if response.not_modified:
        return replace(
            state,
            etag=response.etag or state.etag,
            last_modified=response.last_modified or state.last_modified,
            breaks_off_since=None,
        )
    if not response.complete or (found.document and not found.document.complete):
        return replace(state, breaks_off_since=state.breaks_off_since or now)
    return replace(
        state,
        last_document_at=now,
        breaks_off_since=None,
        etag=response.etag,
        last_modified=response.last_modified,
        validators_url=response.url if response.etag or response.last_modified else "",
        body_hash=body_hash(response.body),
    )


def _with_location(state: FeedState, response: Response, found: Findings) -> FeedState:
    """Count the polls that agree on a permanent redirect, and adopt its address after enough of them.

    An address that leads to another feed, as a lapsed domain does, is never adopted but followed each time,
    so that the feed is found at its own address as soon as it is back there.
    """
    moved_to = response.moved_to
    if not moved_to:
        return replace(state, moving_to="", moving_seen=0)
    again = moved_to == state.moving_to
    document = found.document
    is_new = document is not None and bool(document.entries) and len(found.new) == len(document.entries)
    if leads_elsewhere(state) or (is_new and not again and not found.first):
        return replace(state, moving_to=moved_to, moving_seen=0)
    seen = state.moving_seen + 1 if again else 1
    if seen < _AGREEING_POLLS:
        return replace(state, moving_to=moved_to, moving_seen=seen)
    return replace(
        state, location="" if moved_to == response.feed.url else moved_to, moving_to="", moving_seen=0
    )


def leads_elsewhere(state: FeedState) -> bool:
    """Return whether a feed's address permanently leads to a feed that has none of its entries."""
    return bool(state.moving_to) and state.moving_seen == 0


def _past_skips(due: datetime, hints: Hints, jitter: float) -> datetime:
    """Move an instant out of the hours and days in which the feed asks not to be polled."""
    start = due
    # A feed that excludes every hour of the week is polled all the same.
    for _ in range(24 * 7):
        if due.hour not in hints.skip_hours and due.weekday() not in hints.skip_days:
            break
        due = due.replace(minute=0, second=0, microsecond=0) + _HOUR
    return due if due == start else due + _HOUR * _JITTER * jitter
