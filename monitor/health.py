"""What keeps news from the user, since when, and what to do about it.

Takes the configuration, the store and `now`; gives a `Status` with the gravest problem first. Both the
`status` command and the service's health ping use it, so the two never disagree.

Dead must not look like quiet. That nothing was polled, that a digest is overdue or that a mail is waiting is
a problem in itself, whatever the feeds last said. And no publisher is blamed for a time in which nobody
looked.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from monitor import digest, digest_input, followed
from monitor.deliver import Archive, Files, Mail
from monitor.disk import obstacle
from monitor.models import Delivery, digest_key, is_digest_key, name_of_edition
from monitor.text import counted, span_in_words

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import datetime, tzinfo

    from monitor.config import Config
    from monitor.models import FeedHealth, Poll
    from monitor.store import Store, StoredDigest

TROUBLES: Final = "service.troubles"
"""The note under which the service keeps what stopped its runs, by the name of the run."""
LATE: Final = timedelta(hours=1)
"""How late a poll or a delivery may be: some cron lines run once an hour."""
# Longer than for a poll: after a machine slept, a digest first waits for the news.
DIGEST_LATE: Final = timedelta(hours=2)
PATIENCE: Final = timedelta(days=1)
"""How long a feed may fail before somebody should look."""
RECENT: Final = timedelta(days=7)
# A day of 25 hours, and some more.
_HELD: Final = timedelta(hours=26)
# Unfinished polls in a row: one may be under way, and one may have been cut off by a restart.
_CUT_OFF: Final = 3
# HTTP: the publisher asks us to wait, and we do.
_TOO_MANY = 429
_WAIT: Final = "it is tried again automatically; if this goes on, poll it less often or switch it off"
# Recipients that are named; if there are more, only their number is shown.
_NAMED: Final = 4
# So many feeds with one trouble are a problem each. More are one, with the first of them named: of a hundred
# curated feeds some twenty are silent in the first weeks, and would hide what else is wrong.
_FEEDS_EACH: Final = 3
_FEEDS_NAMED: Final = 8


@dataclass(frozen=True, kw_only=True, slots=True)
class Problem:
    """Something that needs a person."""

    what: str
    since: datetime | None
    do: str
    ours: bool = True
    """True when it keeps news from the user; False for one feed's trouble, which the digest tells too."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Status:
    """The state of everything, as `monitor status` shows it."""

    problems: tuple[Problem, ...]
    feeds: tuple[FeedHealth, ...]
    last_poll: Poll | None
    """The last one in which a feed was due: others say nothing about the feeds."""
    last_look_at: datetime | None
    """When the last poll ended, whether a feed was due or not: until then the machine was alive."""
    next_poll_at: datetime | None
    last_digest: StoredDigest | None
    next_digest_at: datetime
    """In the past when a digest is due and not made yet."""
    deliveries: tuple[Delivery, ...]
    """Those of the last digest, and all that are waiting or have recently failed."""

    @property
    def delivers(self) -> bool:
        """True while polls and digests work, whatever single feeds do."""
        return not any(problem.ours for problem in self.problems)


def status(config: Config, store: Store, *, now: datetime) -> Status:
    """Look at everything; write nothing."""
    with store.snapshot():
        feeds = tuple(followed.healths(config, store, now=now))
        last_digest = store.digests.last(now)
        deliveries = _deliveries(store, last_digest, now)
        due = digest_input.due_digest(config, store, now=now)
        problems = (*_problems(config, store, last_digest, deliveries, now), *_feed_problems(feeds))
        last_poll = store.polls.last_asking()
        last_look = store.polls.last()
    coming = (feed.next_poll_at for feed in feeds if feed.next_poll_at)
    return Status(
        problems=problems,
        feeds=feeds,
        last_poll=last_poll or last_look,
        last_look_at=last_look.finished_at if last_look else None,
        next_poll_at=min(coming, default=None),
        last_digest=last_digest,
        next_digest_at=due.at if due and due.at else digest_input.next_due(config, store, now=now),
        deliveries=deliveries,
    )


def delivers(config: Config, store: Store, *, now: datetime) -> bool:
    """Say whether polls and digests work, without looking at each feed: cheap enough for every tick."""
    with store.snapshot():
        last = store.digests.last(now)
        deliveries = _deliveries(store, last, now)
        return not any(problem.ours for problem in _problems(config, store, last, deliveries, now))


def alike(deliveries: Iterable[Delivery]) -> list[list[Delivery]]:
    """Group deliveries of one edition through one channel that have the same state, error and time."""
    found: dict[tuple[object, ...], list[Delivery]] = {}
    for one in deliveries:
        held_until = None if one.attempts else one.next_attempt_at
        key = (one.edition, one.channel, one.state, one.last_error, held_until)
        found.setdefault(key, []).append(one)
    return list(found.values())


def delivery_line(those: Sequence[Delivery], zone: tzinfo) -> str:
    """Describe a group of deliveries that `alike` made, in one line."""
    one = those[0]
    whom = ", ".join(delivery.recipient for delivery in those)
    if len(those) > _NAMED:
        whom = counted(len(those), "file" if one.channel == Files.name else "recipient")
    again = min((each.next_attempt_at for each in those if each.next_attempt_at), default=None)
    when = "next try" if any(each.attempts for each in those) else "held until"
    trying = f"; {when} {again.astimezone(zone):%Y-%m-%d %H:%M}" if one.state == "pending" and again else ""
    reason = f" ({one.last_error})" if one.last_error else ""
    to = "" if one.channel == Files.name else f"{one.channel} to "
    return f"{name_of_edition(one.edition)}: {to}{whom}: {one.state}{reason}{trying}"


def troubles(store: Store) -> dict[str, str]:
    """Return the errors that stop the service's runs, by the name of the run; empty when all is well."""
    found: dict[str, str] = json.loads(store.note(TROUBLES) or "{}")
    return found


def _deliveries(store: Store, last: StoredDigest | None, now: datetime) -> tuple[Delivery, ...]:
    key = digest_key(last.date) if last else ""
    of_last = store.deliveries.listing(edition=key) if key else ()
    known = {delivery.id for delivery in of_last}
    others = (*store.deliveries.waiting(), *store.deliveries.failed_since(now - RECENT))
    return (*of_last, *(delivery for delivery in others if delivery.id not in known))


def _problems(
    config: Config, store: Store, last: StoredDigest | None, deliveries: Sequence[Delivery], now: datetime
) -> Iterator[Problem]:
    """Yield the problems that are our own, the gravest first."""
    overdue = digest_input.due_digest(config, store, now=now, patience=DIGEST_LATE)
    yield from _store_problems(store, now)
    yield from _poll_problems(config, store, now)
    yield from _digest_problems(overdue, store.installed_at(now))
    if reason := obstacle(config.files.output_dir):
        yield Problem(what=f"digests cannot be written: {reason}", since=None, do="move away what is there")
    yield from _delivery_problems(config, digest_key(last.date) if last else "", deliveries, now)


def _store_problems(store: Store, now: datetime) -> Iterator[Problem]:
    if reason := store.unwritable():
        yield Problem(
            what=f"the database cannot be written: {reason}",
            since=None,
            do="make the file and its directory writable for this user, and check that the disk is not full",
        )
    for name, trouble in troubles(store).items():
        yield Problem(what=f"{name}: {trouble}", since=None, do="the service's log says more")
    if leap := store.clock.fresh_leap(now):
        yield Problem(
            what=str(leap),
            since=leap.end,
            do="check that the clock is right now; nothing was lost, and for a week nothing is deleted",
            ours=False,
        )


def _poll_problems(config: Config, store: Store, now: datetime) -> Iterator[Problem]:
    last, asking, cut_off = store.polls.last(), store.polls.last_asking(), store.polls.cut_off()
    at = last.finished_at if last else None
    if cut_off or last is None:
        # A poll that was stopped halfway has left no record of itself, but its feeds have theirs.
        answers = (state.last_poll_at for state in store.feeds.states(config.feeds).values())
        at = max(filter(None, (at, *answers)), default=None)
    start = "start the service (`monitor run`), or check that cron runs `monitor poll`"
    if not any(feed.enabled for feed in config.feeds):
        yield Problem(what="no feed is followed", since=None, do="add one: `monitor feeds add ADDRESS`")
    elif at is None:
        yield Problem(what="nothing has ever been polled", since=None, do=start)
    elif now - at > config.fetch.max_interval + LATE:
        silence = span_in_words(now - at)
        yield Problem(what=f"nothing was polled for {silence}", since=at, do=start)
    elif cut_off >= _CUT_OFF:
        yield Problem(
            what=f"the last {cut_off} polls were cut off before their end",
            since=last.finished_at if last else None,
            do="the log says what ended them: a lack of memory, a time limit; what they read is kept",
        )
    elif asking is not None and asking.outage:
        yield Problem(
            what="no feed could be reached at the last poll: our network is down",
            since=store.polls.unreached_since(now) or asking.started_at,
            do="check the connection of this machine; the feeds are asked again automatically",
        )


def _digest_problems(overdue: digest.Due | None, installed_at: datetime) -> Iterator[Problem]:
    """Yield a digest that should have been made. One for the time before the first poll may be missing."""
    if overdue is not None and overdue.at is not None and overdue.at >= installed_at:
        yield Problem(
            what=f"the digest of {overdue.date} was not made yet",
            since=overdue.at,
            do="start the service (`monitor run`), or check that cron runs `monitor digest --send`; "
            "`monitor check` says what may keep it from that",
        )


def _delivery_problems(
    config: Config, last: str, deliveries: Sequence[Delivery], now: datetime
) -> Iterator[Problem]:
    """Group deliveries by what happened to them: a refused log-in for twenty recipients is one problem.

    Once the `last` digest has reached everybody, earlier failures are past: that digest's receipt has shown
    them, and nothing would send them any more.
    """
    of_last = [one for one in deliveries if one.edition == last]
    latest = max((one.created_at for one in of_last), default=None)
    stuck = {one.channel for one in of_last if one.state not in {"sent", "superseded"}}
    through = {one.channel for one in of_last if one.state == "sent"} - stuck
    waiting = defaultdict[tuple[str, str], list[Delivery]](list)
    failed = defaultdict[tuple[str, str], list[Delivery]](list)
    for delivery in deliveries:
        # Those made by a clock that ran ahead are late as well: no mail is held for more than a day.
        is_late = not now - LATE <= delivery.created_at <= now + _HELD
        if delivery.channel not in {*config.channel_settings, Archive.name}:
            continue  # the user has switched this channel off
        if delivery.state == "failed":
            if delivery.channel in through and latest is not None and delivery.created_at < latest:
                continue
            failed[delivery.channel, delivery.last_error].append(delivery)
        elif delivery.state in {"pending", "sending"} and (is_late or delivery.blocked):
            waiting[delivery.channel, delivery.last_error].append(delivery)
    for (channel, reason), those in waiting.items():
        tried = f": {reason}" if reason else ", and was never tried"
        yield Problem(
            what=f"{_counted(channel, those)} waiting{tried}",
            since=min(one.created_at for one in those),
            do=_until_sent(those, config.timezone, now),
        )
    for (channel, reason), those in failed.items():
        yield Problem(
            what=f"{_counted(channel, those)} given up: {reason}",
            since=min(one.created_at for one in those),
            do=_until_made_up(last, those),
        )


def _until_sent(those: Sequence[Delivery], zone: tzinfo, now: datetime) -> str:
    """Say what gets waiting deliveries on their way."""
    if any(one.blocked for one in those):
        return "fix that, then run `monitor digest --send`: it tries at once"
    again = min((one.next_attempt_at for one in those if one.next_attempt_at), default=None)
    if again and again > now:
        return f"it is tried again at {again.astimezone(zone):%Y-%m-%d %H:%M}"
    return "start the service, or run `monitor digest --send`"


def _until_made_up(last: str, those: Sequence[Delivery]) -> str:
    """Say what comes of deliveries that were given up."""
    if any(one.edition == last and one.payload for one in those):
        return "fix that, then send it again: `monitor digest --send --resend`"
    if any(one.edition == last and one.channel != Mail.name for one in those):
        return "fix that, then run `monitor digest --send`: it tries at once"
    # Alerts have no second chance, nor has what could not be made or has had its own.
    is_tried_again = all(
        one.channel in {Mail.name, Files.name}
        and is_digest_key(one.edition)
        and one.payload
        and not one.reopened
        for one in those
    )
    hope = ", and it comes when a later one has got through" if is_tried_again else ""
    return f"fix that before the next one; `monitor digest --date DAY` shows what did not arrive{hope}"


def _counted(channel: str, those: Sequence[Delivery]) -> str:
    whom = {one.recipient for one in those}
    if channel == Files.name:
        return next(iter(whom)) if len(whom) == 1 else counted(len(whom), "file")
    named = next(iter(whom)) if len(whom) == 1 else f"{len(whom)} recipients"
    editions = Counter(is_digest_key(key) for key in {one.edition for one in those})
    parts = [
        counted(editions[kind], word) for kind, word in ((True, "digest"), (False, "alert")) if editions[kind]
    ]
    return f"{channel} to {named}" + (f" ({', '.join(parts)})" if len(those) > len(whom) else "")


def _feed_problems(feeds: Iterable[FeedHealth]) -> Iterator[Problem]:
    """Yield the feeds that need a person, judged only by the time in which we looked."""
    alike: defaultdict[str, list[tuple[str, Problem]]] = defaultdict(list)
    for feed in feeds:
        name = feed.title or feed.url
        # For a feed that is gone, the last error says the same as the note.
        error = "" if feed.state == "gone" else feed.last_error
        reason = "; ".join(filter(None, (feed.note, error)))
        looked_in_vain = (
            feed.last_success_at is None
            or (feed.last_poll_at or feed.last_success_at) - feed.last_success_at > PATIENCE
        )
        if feed.faults:
            yield Problem(
                what=f"{name}: {feed.faults}",
                since=feed.last_success_at,
                do="this is a bug in monitor: please report this line; everything else of the feed is told",
                ours=False,
            )
        if feed.state in {"gone", "silent"} or (feed.state == "failing" and looked_in_vain):
            trouble = "nothing new for a week or more" if feed.state == "silent" else error or reason
            problem = Problem(
                what=f"{name}: {reason or feed.state}",
                since=feed.newest_entry_at if feed.state == "silent" else feed.last_success_at,
                do=_WAIT
                if feed.last_status == _TOO_MANY and feed.state == "failing"
                else f"open {feed.url} in a browser; then `monitor feeds move` or `monitor feeds disable`",
                ours=False,
            )
            alike[trouble].append((name, problem))
    for trouble, those in alike.items():
        if len(those) > _FEEDS_EACH:
            yield _together(trouble, those)
        else:
            yield from (problem for _, problem in those)


def _together(trouble: str, those: Sequence[tuple[str, Problem]]) -> Problem:
    """Return many feeds with one trouble as one problem."""
    more = f" (+{len(those) - _FEEDS_NAMED})" if len(those) > _FEEDS_NAMED else ""
    each = "`monitor feeds list` tells more of each; then `monitor feeds move` or `monitor feeds disable`"
    return Problem(
        what=f"{', '.join(name for name, _ in those[:_FEEDS_NAMED])}{more}: {trouble}",
        since=max((problem.since for _, problem in those if problem.since), default=None),
        do=_WAIT if all(problem.do == _WAIT for _, problem in those) else each,
        ours=False,
    )
