"""When a feed is due next, and what a poll teaches about it. Pure: old state and reply in, new state out.

The interval after a success, in words:

1. It starts from `feed.interval`, else `settings.interval`, and follows the feed: half of its usual time
   between two new entries when that is shorter, so that an entry waits for less than the next one takes.
2. A feed that has been quiet is polled less: after a silence of a day every hour, after a week every seven
   hours. The user's own `feed.interval` is not stretched.
3. For a week after entries fell through between two polls it is halved.
4. All of that stays within [min_interval, max_interval].
5. The publisher's wishes make it longer, never shorter: `max-age`, `Expires`, `ttl`, `updatePeriod`, then
   `skipHours` and `skipDays`; together at most the longer of a day and `max_interval`.
6. After a document that breaks off it is `min_interval`, for six hours: the rest is waited for.
7. Jitter adds up to a tenth. Within it the poll is put on a full two minutes, so that feeds fall due
   together: each poll costs something to set up, and of several feeds one can tell whose fault silence is.

A failure doubles the starting interval for each one in a row, up to a day, for ever; `Retry-After` is obeyed.
A feed that is gone (410) is asked again after a week. No wait is longer: one that is comes of a clock that
was wrong when it was written, and is over.
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
# A quiet feed waits this fraction of its silence.
_QUIET_SHARE = 24
GAP_MEMORY = timedelta(days=7)
_NOTE = 200
# The weight of the newest observation in the rhythm.
_LEARNING = 0.3
_SHORTEST_RHYTHM = timedelta(minutes=1)
# A permanent redirect is believed after so many polls in a row.
_AGREEING_POLLS = 3
# A location that fails so often in a row is given up for the user's own address.
_LOST_AFTER = 3
# What no entry is made of. A comment with a tag in it counts: two halves of text may look like one.
_RESTLESS = re.compile(rb"<!--[^<]{0,1000}-->|<lastBuildDate>[^<]{0,100}</lastBuildDate>")
# For so long the rest of a document that breaks off is waited for: then what there is of it has to do.
_AWAITED = timedelta(hours=6)
_GONE = 410
_GONE_FOR = timedelta(days=7)


def is_due(feed: Feed, state: FeedState, now: datetime, settings: Settings) -> bool:
    """Say whether a feed is to be polled now: it is enabled, and its time has come or cannot be."""
    if not feed.enabled:
        return False
    longest = max(_GONE_FOR, settings.max_interval) * (1 + _JITTER)
    return state.next_poll_at is None or not now < state.next_poll_at <= now + longest


def in_turn(pairs: Iterable[tuple[Feed, FeedState]]) -> list[tuple[Feed, FeedState]]:
    """Return feeds in the order in which to ask them: first who was not asked for longest, then who is well.

    Where one feed makes its host want quiet at each poll, those behind it would never be asked.
    """
    return sorted(pairs, key=lambda pair: (pair[1].last_poll_at or _NEVER, pair[1].consecutive_failures))


def awaits_rest(state: FeedState, now: datetime) -> bool:
    """Say whether the rest of a document that breaks off may still come."""
    since = state.breaks_off_since or now
    return since <= now < since + _AWAITED


def followed_since(state: FeedState, now: datetime) -> datetime | None:
    """Return since when a feed's entries are known, None before the first document, or its rest."""
    since = state.first_success_at
    if since is not None and since > now:
        # By a clock that ran ahead, nobody knows when: taken at its word it made the news of each pause a
        # past that the feed opens, and nothing of it was told.
        return _NEVER
    return None if since == state.breaks_off_since and awaits_rest(state, now) else since


def body_hash(body: bytes) -> str:
    """Return what `FeedState.body_hash` is compared with: the same document needs no second reading.

    One feed in ten writes the time of the request into each answer.
    """
    return hashlib.blake2b(_RESTLESS.sub(b"", body), digest_size=16).hexdigest()


def is_outage(failed: Sequence[Response], silent: Collection[str] = ()) -> bool:
    """Say whether it is our network that failed in a poll in which no feed was read.

    It is when at least two feeds are out of reach and nobody has answered meanwhile; most polls are of one
    feed, so `silent` names those that were out of reach since anybody last answered. And it is when different
    hosts answer with one and the same page: then a hotel's gate speaks for them.
    """
    asked = [response for response in failed if response.asked]
    if asked and all(response.unreachable for response in asked):
        return len({response.feed.url for response in asked}.union(silent)) > 1
    pages = {response.body for response in asked}
    return len({host_of(response.feed.url) for response in asked}) > 1 and len(pages) == 1 and pages != {b""}


def witnesses(
    pairs: Iterable[tuple[Feed, FeedState]], failed: Sequence[Response]
) -> list[tuple[Feed, FeedState]]:
    """Return the feeds to ask out of turn when one host alone was out of reach: two that answered last.

    Is it that host, or our network? Most polls are of one feed, and cannot tell. Feeds of other hosts are
    asked first: those of the same one fall silent together.
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
    """Return a full two minutes within a stretch of time, or any instant in a stretch that has none."""
    due = first + (last - first) * jitter
    slot = due - timedelta(seconds=due.timestamp() % _SLOT.total_seconds())
    slot += _SLOT if slot < first else _NOTHING
    return slot if slot <= last else due


def after_failure(
    state: FeedState, response: Response, *, settings: Settings, now: datetime, jitter: float
) -> FeedState:
    """Return the state after a poll that brought nothing: `response.error` says why. Validators are kept.

    A feed that was not even asked, because its host wants quiet, only waits; it fails when it could not be
    asked for a day: what it brings nobody knows.
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
        # What leads to another feed does so still, though its entries are known by now.
        moving_to=state.moving_to if leads_elsewhere(state) else "",
        moving_seen=0,
        polls=state.polls + 1,
        next_poll_at=now + (wait if gone else min(wait * (1 + _JITTER * jitter), _DAY)),
    )


def after_outage(
    state: FeedState, response: Response, *, settings: Settings, now: datetime, jitter: float
) -> FeedState:
    """Return the state after our own network failed: tried again soon; nothing counts against the feed."""
    wait = min(settings.min_interval, _start(response.feed, settings))
    return replace(state, next_poll_at=now + wait * (1 + _JITTER * jitter))


def pardoned(state: FeedState, settings: Settings, now: datetime) -> FeedState:
    """Return the state of a feed whose first failure proves to have been the beginning of our outage."""
    # More than one had their time to be seen as an outage; those are the feed's own.
    if state.consecutive_failures != 1:
        return state
    soon = now + settings.min_interval
    due = min(state.next_poll_at or soon, soon)
    return replace(state, consecutive_failures=0, last_error="", next_poll_at=due)


def defer_host(
    pairs: Iterable[tuple[Feed, FeedState]], responses: Iterable[Response], now: datetime
) -> tuple[FeedState, ...]:
    """Return the changed states of feeds that must wait because another feed of their public host must.

    A server that says `Retry-After` to one of its feeds means all of them, also those that are due later.
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
    """Return how long a feed has brought nothing new."""
    since = state.newest_entry_at or state.first_success_at or until
    return max(until - since, _NOTHING)


def _with_document(state: FeedState, document: Document | None) -> FeedState:
    if document is None:
        return state
    # Some are empty at weekends, as arXiv's; but so is one whose site broke: it fares well, and says so.
    emptied = state.newest_entry_at is not None and not document.entries and not document.broken
    return replace(
        state,
        title=document.title or state.title,
        hints=document.hints,
        note=shorten(document.losses or ("holds no entries" if emptied else ""), _NOTE),
        faults=shorten(document.faults, _NOTE),
    )


def _with_entries(state: FeedState, found: Findings, now: datetime) -> FeedState:
    """Learn the rhythm: from the dates of the first document, later from the entries that came in."""
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
    """Return the median time between the publishers' dates of a document, None for fewer than three."""
    entries = document.entries if document else ()
    dates = sorted(entry.published for entry in entries if entry.dated == "publisher")
    gaps = sorted(later - earlier for earlier, later in pairwise(dates))
    # The median: one pause of a summer in a blog's ten entries must not make it a monthly.
    return gaps[len(gaps) // 2] if len(gaps) > 1 else None


def _with_validators(state: FeedState, response: Response, found: Findings, now: datetime) -> FeedState:
    """Keep what the last whole document gave, byte for byte; a 304 may renew it, a cut one does nothing."""
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
    """Count polls that agree on a permanent redirect; take it over when enough do.

    Not one to another feed, as a domain that has lapsed leads to: that is followed each time, and the feed is
    at its own address again when it comes back there.
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
    """Say whether a feed's address leads for good to a feed that had none of its entries."""
    return bool(state.moving_to) and state.moving_seen == 0


def _past_skips(due: datetime, hints: Hints, jitter: float) -> datetime:
    """Move an instant out of the hours and days that the feed asks to leave out."""
    start = due
    # A week of hours: who asks to be left alone in all of them is asked all the same.
    for _ in range(24 * 7):
        if due.hour not in hints.skip_hours and due.weekday() not in hints.skip_days:
            break
        due = due.replace(minute=0, second=0, microsecond=0) + _HOUR
    return due if due == start else due + _HOUR * _JITTER * jitter
