"""The two runs of the monitor. Open this page first.

    poll      feeds due | fetch | parse | only what is new or changed | tag | store | cluster into stories
    publish   news | compose | freeze with its deliveries | deliver

The way of an entry, by the pages where each step is decided and the noun that comes of it:

    fetch/fetcher.py, fetch/http.py        the document of its feed comes           Response
    parse/reader.py                        and is read, in a process of its own     Document
    parse/changes.py, tag/tagger.py        new, changed or known; what it is about  Findings
    stories.py, cluster/assign.py          which event it reports                   Story
    digest_input.py, digest/compose.py     what the day has brought                 Digest
    digest/view.py, digest/formats.py      as it is shown, in every form            RenderedDigest
    outbox.py, deliver/mail.py             how, and whether, it reaches its user    Delivery

Packages meet here and nowhere else: each takes values and gives values, and this page hands them on.
What is due is the store's to know, never a timer's, so both runs may be called at any time, as often
as anyone likes, and after any crash: what was done is not done again, what was not done is done now.
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
from monitor.parse import changes, identity
from monitor.preparation import prepare, prepare_beside
from monitor.store import open as open_store
from monitor.stories import cluster_entries_beside, refresh_stories
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


# 2,000 at once held the write lock, and the loop, for more than a second.
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

    `only` names feeds to poll whether due or not; `every` polls them all. A feed's trouble is recorded on
    that feed and never stops the others; an error that nobody expected is recorded there too, and raised once
    all feeds have had their turn. Raises StoreError at once.
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
                    continue  # it got another address meanwhile (`feeds move`)
                state = due[response.feed]
                with troubles.of(response):
                    found = await read(config, store, tools, response, state, now=now)
                    feed_poll = _feed_poll(response, found, now)
                    if found.document is None:
                        unchanged.append((state_after(config, response, state, found, now=now), feed_poll))
                    else:
                        done.append(await keep(config, store, response, state, found, now=now))
                    on_feed_done(feed_poll)
            with store.transaction():  # one for all: a commit for each takes twice as long as all else
                for after, feed_poll in (pair for pair in unchanged if store.feeds.has(pair[1].feed)):
                    store.feeds.save_state(after)
                    done.append(store.feeds.log_feed(feed_poll))
            # One host out of reach may be its own fault or our network's: two other feeds are asked, once,
            # before it is held against anybody.
            unsure = not done and not only and len(asked) == len(due)
            others = due_feeds(config, store, now=now, every=True) if unsure else []
            asked = dict(schedule.witnesses(others, troubles.failed))
            due = due | asked

        failures = record_failures(config, store, troubles.failed, due, answered=bool(done), now=now)
        for feed_poll in failures.polls:
            on_feed_done(feed_poll)
        # Our own tools go first: clustering is where memory peaks, and it neither reads nor tags.
        await stack.aclose()
        del tools
        clustered = await cluster_entries_beside(config, store, now=now)
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
    """Return the feeds to poll now, with what is known of each."""
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
    """Return what a response brings that is new or changed, tagged. Raises ParseError when it is no document.

    Reading happens in a process of its own, tagging in a thread: a document may hold thousands of entries.
    """
    if response.error:
        raise ParseError(response.error)
    # Some feeds answer whole at each poll (28 in 100 of a farm made like real ones): comparing the body
    # spares reading it, the dearest step of all.
    if response.not_modified or schedule.body_hash(response.body) == state.body_hash:
        return Findings()
    listed_since = store.feeds.listed_since(response.feed.url)
    document = await tools.parser.parse(response, response.feed, now=now)
    document = replace(document, complete=document.complete and response.complete)
    guids, urls = identity.spellings(document)
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
    """Store what a response brought and what it teaches about its feed, the latter with the last entries.

    So a poll that is cut off leaves the feed as one that was not polled, and the next finds the rest new. In
    between the loop has its turn, and so have other writers: 2,000 entries take more than a second.
    """
    *batches, last = batched(found.new, _BATCH) or [()]
    for batch in batches:
        store.entries.add(batch, identity.fingerprint)
        await asyncio.sleep(0)
    with store.transaction():
        if last:
            store.entries.add(last, identity.fingerprint)
        if found.changed:
            affected = store.entries.update(found.changed, identity.fingerprint)
            edited = store.entries.get_many(entry.id for entry in found.changed)
            refresh_stories(config, store, {*affected, *(entry.story for entry in edited if entry.story)})
        store.feeds.save_state(state_after(config, response, state, found, now=now))
        return store.feeds.log_feed(_feed_poll(response, found, now))


def state_after(
    config: Config, response: Response, state: FeedState, found: Findings, *, now: datetime
) -> FeedState:
    """Return the state of a feed after what a response taught of it."""
    jitter = random.random()  # noqa: S311 - spreads polls, guards nothing
    return schedule.after_success(state, response, found, settings=config.fetch, now=now, jitter=jitter)


class Failures(NamedTuple):
    """What the failures of one poll came to."""

    polls: list[FeedPoll]
    outage: bool
    """It was our own network that failed."""


def record_failures(
    config: Config,
    store: Store,
    failed: Iterable[Response],
    due: Mapping[Feed, FeedState],
    *,
    answered: bool,
    now: datetime,
) -> Failures:
    """Record each failure on its feed, or as our own network's.

    Then nothing counts against a feed: each is asked again soon, and what an earlier poll held against one
    that was out of reach is taken back. `answered` says that another feed of this poll was reached.
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


# Attempts at a digest beside the loop: during a poll new entries may come in the middle of each.
_TRIES = 3


async def publish(
    config: Config, store: Store, channels: Sequence[Channel], *, now: datetime, blocked: bool = False
) -> list[Delivery]:
    """Make the digest that is due, if one is, and what is to be told at once; then every delivery due.

    With `blocked` the deliveries that wait for the user are tried too. Returns those that were tried, as they
    stand. An error that one entry or alert brought out is raised when all else is done.
    """
    store.clock.observe(now)
    bugs = [*(await cluster_entries_beside(config, store, now=now)).bugs]
    made = None
    try:
        if made := await make_due_digest(config, store, channels, now=now):
            bugs += made.bugs
    except Exception as bug:
        if not is_unexpected(bug):
            raise
        bugs.append(bug)  # what was made before goes out all the same
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
    """Keep the database fit beside the loop. Where it is in use just now, tomorrow is as good."""
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
        prepared = await asyncio.to_thread(prepare_beside, config, channels, now)
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
