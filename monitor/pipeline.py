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
you like, and after any crash: they do what has not been done yet, and nothing twice. What a poll does with
each response is in `responses`, and how a digest is prepared in `preparation`.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import AsyncExitStack, contextmanager, suppress
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple

from monitor import digest_input, outbox, responses
from monitor.alerts import make_alerts
from monitor.digest_output import with_archive
from monitor.errors import ParseError, StoreError, is_unexpected, raise_unexpected
from monitor.fetch import schedule
from monitor.models import FeedPoll, Poll, Response
from monitor.preparation import open_and_prepare, prepare
from monitor.store import open as open_store
from monitor.stories import cluster_entries
from monitor.tools import Tools

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence
    from datetime import datetime

    from monitor.config import Config
    from monitor.deliver import Channel
    from monitor.models import Delivery, Feed, FeedState
    from monitor.preparation import PreparedDigest
    from monitor.store import Store


# --- poll


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
                    found = await responses.read(config, store, tools, response, state, now=now)
                    feed_poll = responses.feed_poll(response, found, now)
                    if found.document is None:
                        unchanged.append(
                            (responses.state_after(config, response, state, found, now=now), feed_poll)
                        )
                    else:
                        done.append(await responses.keep(config, store, response, state, found, now=now))
                    on_feed_done(feed_poll)
            with store.transaction():  # one for all: a commit for each took twice as long as everything else
                for after, feed_poll in (pair for pair in unchanged if store.feeds.has(pair[1].feed)):
                    store.feeds.save_state(after)
                    done.append(store.polls.log_feed(feed_poll))
            # A host that is out of reach may be at fault itself, or our network may be: two other feeds are
            # asked once before any feed is blamed.
            unsure = not done and not only and len(asked) == len(due)
            others = due_feeds(config, store, now=now, every=True) if unsure else []
            asked = dict(schedule.witnesses(others, troubles.failed))
            due = due | asked

        failures = responses.record_failures(
            config, store, troubles.failed, due, answered=bool(done), now=now
        )
        for feed_poll in failures.polls:
            on_feed_done(feed_poll)
        # Tools made for this poll are closed first: memory peaks during clustering, which needs neither
        # reader nor tagger.
        await stack.aclose()
        del tools
        clustered = await cluster_entries(config, store, now=now)
        took = timedelta(seconds=time.monotonic() - started)
        summary = Poll.of([*done, *failures.polls], now, took, outage=failures.outage)
        store.polls.log(summary)
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
