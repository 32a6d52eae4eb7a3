"""The two runs of the monitor. Read this page first.

    poll      feeds that are due | fetch | parse | is it new or changed? | tag | store | cluster into stories
    publish   news | compose | freeze together with its deliveries | deliver

An entry passes these modules on its way; each step ends in one of the nouns of `models`:

    fetch/fetcher.py, fetch/http.py        its feed's document is fetched                Response
    parse/reader.py                        the document is read, in its own process      Document
    parse/changes.py, tag/tagger.py        is it new or changed, and what is it about?   Findings
    stories.py, cluster/assign.py          which event does it report?                   Story
    digest_input.py, digest/compose.py     what has the day brought?                     Digest
    digest/view.py, digest/formats.py      how does that look, in each format?           RenderedDigest
    outbox.py, deliver/mail.py             how does it reach its user?                   Delivery

Packages do not know each other: each takes values and gives values, and this page and the modules beside it
pass them on. The store knows what is due; no timer does. So both runs may be called at any time, as often as
you like, and after any crash: they do what has not been done yet, and nothing twice.
"""

from __future__ import annotations

import asyncio
import random
import time
from contextlib import AsyncExitStack, contextmanager, suppress
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple

from monitor import digest_input, outbox, tag
from monitor.alerts import make_alerts
from monitor.digest_output import with_archive
from monitor.errors import ParseError, StoreError, is_unexpected, raise_unexpected
from monitor.fetch import schedule
from monitor.models import FeedPoll, Findings, Poll, Response
from monitor.parse import changes, marks
from monitor.preparation import open_and_prepare, prepare
from monitor.store import open as open_store
from monitor.stories import cluster_entries, refresh_stories
from monitor.tools import Tools, batched

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
    from datetime import datetime

    from monitor.config import Config
    from monitor.deliver import Channel
    from monitor.models import Delivery, Feed, FeedState
    from monitor.preparation import PreparedDigest
    from monitor.store import Store


# --- poll


# Storing 2,000 entries at once kept the write lock, and the event loop, for more than a second.
_BATCH = 250


async def poll(
    config: Config,
    store: Store,
    *,
    now: datetime,
    only: Collection[str] = (),
    every: bool = False,
    on_due: Callable[[int], None] = lambda _: None,
    on_feed_done: Callable[[FeedPoll], None] = lambda _: None,
    tools: Tools | None = None,
) -> Poll:
    """Poll the feeds that are due, store what is new or changed, and cluster it into stories.

    `only` names feeds to poll whether they are due or not; `every` polls all of them. A feed's trouble is
    recorded for that feed and never stops the others. An error that nobody expected is recorded there too,
    and raised once all feeds have had their turn. A StoreError is raised at once.
    """
    async with store.poll_lock(), AsyncExitStack() as stack:
        if tools is None:
            tools = await stack.enter_async_context(Tools(config))
        started = time.monotonic()
        store.install(now)
        asked = due = dict(due_feeds(config, store, now=now, only=only, every=every))
        on_due(len(due))
        done, troubles = list[FeedPoll](), _Troubles()

        while asked:
            unchanged: list[tuple[FeedState, FeedPoll]] = []
            async for response in tools.fetcher.fetch_all(asked.items(), now=now):
                if not store.feeds.has(response.feed.url):
                    continue  # its address was changed meanwhile (`feeds move`)
                state = due[response.feed]
                with troubles.of(response):
                    found = await read(config, store, tools, response, state, now=now)
                    feed_poll = _feed_poll(response, found, now)
                    if found.document is None:
                        unchanged.append((state_after(config, response, state, found, now=now), feed_poll))
                    else:
                        done.append(await keep(config, store, response, state, found, now=now))
                    on_feed_done(feed_poll)
            with store.transaction():  # one for all: a commit for each took twice as long as everything else
                for after, feed_poll in (pair for pair in unchanged if store.feeds.has(pair[1].feed)):
                    store.feeds.save_state(after)
                    done.append(store.feeds.log_feed(feed_poll))
            # A host that is out of reach may be at fault itself, or our network may be: two other feeds are
            # asked once before any feed is blamed.
            unsure = not done and not only and len(asked) == len(due)
            others = due_feeds(config, store, now=now, every=True) if unsure else []
            asked = dict(schedule.witnesses(others, troubles.failed))
            due = due | asked

        failures = record_failures(config, store, troubles.failed, due, answered=bool(done), now=now)
        for feed_poll in failures.polls:
            on_feed_done(feed_poll)
        # Tools made for this poll are closed first: memory peaks during clustering, which needs neither
        # reader nor tagger.
        await stack.aclose()
        del tools
        clustered = await cluster_entries(config, store, now=now)
        took = timedelta(seconds=time.monotonic() - started)
        summary = Poll.of([*done, *failures.polls], now, took, outage=failures.outage)
        store.feeds.log_poll(summary)
        store.upkeep.forget_polls(now)
    raise_unexpected("polling", [*troubles.bugs, *clustered.bugs])
    return summary


class _Troubles:
    """What goes wrong with single feeds during one poll: one feed's trouble must not cost the others."""

    def __init__(self) -> None:
        self.failed = list[Response]()
        """The responses that could not be used, each with the reason in `error`."""
        self.bugs = list[Exception]()
        """Those of the reasons that nobody expected."""

    @contextmanager
    def of(self, response: Response) -> Iterator[None]:
        """Note an error inside as this response's. What the store expects, such as a full disk, is raised."""
        try:
            yield
        except ParseError as error:
            self.failed.append(replace(response, error=str(error)))
        except Exception as bug:
            if isinstance(bug, StoreError) and not is_unexpected(bug):
                raise
            self.bugs.append(bug)
            self.failed.append(replace(response, error=f"unexpected {type(bug).__name__}: {bug}"))


def due_feeds(
    config: Config, store: Store, *, now: datetime, only: Collection[str] = (), every: bool = False
) -> list[tuple[Feed, FeedState]]:
    """Return the feeds to poll now, in the order in which to ask them, with what is known of each."""
    store.clock.observe(now)
    store.feeds.sync(config.feeds, now)
    states = store.feeds.states(config.feeds)
    return schedule.in_turn(
        (feed, states[feed.url])
        for feed in config.feeds
        if feed.enabled
        and (
            feed.url in only if only else every or schedule.is_due(feed, states[feed.url], now, config.fetch)
        )
    )


async def read(
    config: Config, store: Store, tools: Tools, response: Response, state: FeedState, *, now: datetime
) -> Findings:
    """Return what is new or changed in a response, tagged. Raises ParseError when it holds no feed document.

    Reading happens in a process of its own and tagging in a thread, since a document may hold thousands of
    entries.
    """
    if response.error:
        raise ParseError(response.error)
    # Some feeds send the whole document at every poll (28 in 100 of a farm made like real ones). Comparing
    # the body saves reading it, which is the most expensive step of all.
    if response.not_modified or schedule.body_hash(response.body) == state.body_hash:
        return Findings()
    listed_since = store.feeds.listed_since(response.feed.url)
    document = await tools.parser.parse(response, response.feed, now=now)
    document = replace(document, complete=document.complete and response.complete)
    guids, urls = marks.spellings(document)
    newest = len(document.entries) + 200
    known, damaged = store.without_culprits(
        lambda faults: (store.entries.known(state.url, guids=guids, urls=urls, newest=newest), faults)
    )
    followed_since, awaits_rest = schedule.followed_since(state, now), schedule.awaits_rest(state, now)
    brought = changes.compare(
        document,
        known,
        followed_since=followed_since,
        listed_since=listed_since,
        backlog=config.digest.backlog,
        now=now,
        awaits_rest=awaits_rest,
    )
    personal = store.note(tag.PERSONAL)
    new = await tools.tagged(brought.new, personal)
    changed = await tools.tagged(brought.changed, personal)
    if damaged:
        document = replace(document, faults="; ".join(filter(None, (document.faults, *map(str, damaged)))))
    if faults := (*new.faults, *changed.faults):
        untold = (document.faults, f"{len(faults)} entries could not be tagged ({faults[0]})")
        document = replace(document, complete=False, faults="; ".join(filter(None, untold)))
    return Findings(
        new=new.entries,
        changed=changed.entries,
        gap=brought.gap,
        first=followed_since is None,
        document=document,
    )


async def keep(
    config: Config, store: Store, response: Response, state: FeedState, found: Findings, *, now: datetime
) -> FeedPoll:
    """Store what a response brought, in batches, and with the last batch what it taught about its feed.

    So a poll that is cut off leaves the feed as if it had not been polled, and the next poll finds the rest
    of the entries new. Between batches the event loop and other writers get their turn.
    """
    *batches, last = batched(found.new, _BATCH) or [()]
    for batch in batches:
        store.entries.add(batch, marks.fingerprint)
        await asyncio.sleep(0)
    with store.transaction():
        if last:
            store.entries.add(last, marks.fingerprint)
        if found.changed:
            affected = store.entries.update(found.changed, marks.fingerprint)
            edited = store.entries.get_many(entry.id for entry in found.changed)
            refresh_stories(config, store, {*affected, *(entry.story for entry in edited if entry.story)})
        store.feeds.save_state(state_after(config, response, state, found, now=now))
        return store.feeds.log_feed(_feed_poll(response, found, now))


def state_after(
    config: Config, response: Response, state: FeedState, found: Findings, *, now: datetime
) -> FeedState:
    """Return the state of a feed after a response that could be read."""
    jitter = random.random()  # noqa: S311 - spreads polls, guards nothing
    return schedule.after_success(state, response, found, settings=config.fetch, now=now, jitter=jitter)


class Failures(NamedTuple):
    """What became of the feeds that failed in one poll."""

    polls: list[FeedPoll]
    outage: bool
    """True when our own network had failed, and no feed is to blame."""


def record_failures(
    config: Config,
    store: Store,
    failed: Iterable[Response],
    due: Mapping[Feed, FeedState],
    *,
    answered: bool,
    now: datetime,
) -> Failures:
    """Record each failure for its feed, or as a failure of our own network.

    When it was our network, nothing counts against the feeds: each is asked again soon, and what earlier
    polls held against those that were out of reach is taken back. `answered` says that this poll reached some
    other feed.
    """
    failed = [response for response in failed if store.feeds.has(response.feed.url)]
    polls = list[FeedPoll]()
    if not failed:
        return Failures(polls, outage=False)
    silent = store.feeds.unreachable_since_an_answer(now)
    outage = not answered and schedule.is_outage(failed, silent)
    for response in failed:
        judge = schedule.after_outage if outage else schedule.after_failure
        jitter = random.random()  # noqa: S311 - spreads polls, guards nothing
        after = judge(due[response.feed], response, settings=config.fetch, now=now, jitter=jitter)
        with store.transaction():
            store.feeds.save_state(after)
            polls.append(store.feeds.log_feed(_feed_poll(response, Findings(), now)))
    states = store.feeds.states(config.feeds)
    changed = [*schedule.defer_host([(feed, states[feed.url]) for feed in config.feeds], failed, now)]
    if outage:
        changed += (schedule.pardoned(states[url], config.fetch, now) for url in silent & states.keys())
    for state in changed:
        store.feeds.save_state(state)
    return Failures(polls, outage)


def _feed_poll(response: Response, found: Findings, now: datetime) -> FeedPoll:
    return FeedPoll(
        feed=response.feed.url,
        at=now,
        status=response.status,
        error=response.error,
        new=len(found.new),
        changed=len(found.changed),
        gap=found.gap,
        unreachable=response.unreachable,
    )


# --- publish


# How often a digest is prepared in a thread before the database is held for it: while a poll is under way,
# new entries may arrive during each try.
_TRIES = 3


async def publish(
    config: Config, store: Store, channels: Sequence[Channel], *, now: datetime, blocked: bool = False
) -> list[Delivery]:
    """Make the digest, if one is due, and the alerts; then try every delivery that is due.

    With `blocked`, deliveries that wait for the user are tried too. Returns the deliveries that were tried,
    as they stand now. An error that a single entry, alert or recipient caused is raised once everything else
    is done.
    """
    store.clock.observe(now)
    bugs = [*(await cluster_entries(config, store, now=now)).bugs]
    made = None
    try:
        if made := await make_due_digest(config, store, channels, now=now):
            bugs += made.bugs
    except Exception as bug:
        if not is_unexpected(bug):
            raise
        bugs.append(bug)  # deliveries that were made earlier still go out
    delivered = await deliver(config, store, channels, now=now, blocked=blocked)
    if made:
        store.upkeep.forget(config.retention, now)
        await asyncio.to_thread(_tidy, config, now)
    raise_unexpected("publishing", [*bugs, *delivered.bugs])
    return delivered.tried


class Delivered(NamedTuple):
    """What came of delivering."""

    tried: list[Delivery]
    """The deliveries that were tried, as they stand now."""
    bugs: Sequence[Exception]
    """What nobody expected of single alerts, for the caller to raise: it holds up no mail."""


async def deliver(
    config: Config, store: Store, channels: Sequence[Channel], *, now: datetime, blocked: bool = False
) -> Delivered:
    """Make the alerts that are called for, then try every delivery that is due."""
    channels = with_archive(config, channels)
    bugs = make_alerts(config, store, channels, now=now)
    return Delivered(await outbox.send_due(store, channels, now=now, blocked=blocked), bugs)


def _tidy(config: Config, now: datetime) -> None:
    """Tidy the database in a thread. If it is busy just now, tomorrow will do."""
    with suppress(StoreError), open_store(config.database) as store:
        store.upkeep.tidy(now)


async def make_due_digest(
    config: Config, store: Store, channels: Sequence[Channel], *, now: datetime
) -> PreparedDigest | None:
    """Freeze the digest that is due together with its deliveries; None when none is due.

    Reading, composing and rendering take seconds when there is much to tell. They happen in a thread, and the
    database stays free meanwhile. If the news has changed by then, the digest is made again; the last try
    holds the database.
    """
    channels = with_archive(config, channels)
    for _ in range(_TRIES):
        if digest_input.due_digest(config, store, now=now) is None:
            return None
        prepared = await asyncio.to_thread(open_and_prepare, config, channels, now)
        if prepared is None:
            return None
        with store.transaction():
            if digest_input.still_stands(config, store, prepared.digest, prepared.input, now=now):
                freeze(store, channels, prepared, now=now)
                return prepared
    with store.transaction():
        prepared = prepare(config, store, channels, now=now)
        if prepared:
            freeze(store, channels, prepared, now=now)
        return prepared


def freeze(store: Store, channels: Sequence[Channel], prepared: PreparedDigest, *, now: datetime) -> None:
    """Store a digest for good with its deliveries, which take the place of earlier ones that still wait."""
    frozen = store.digests.freeze(prepared.digest, prepared.summary, prepared.deliveries, prepared.covered)
    outbox.supersede(store, channels, frozen, now)
