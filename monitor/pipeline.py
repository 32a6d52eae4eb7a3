"""The two runs of the monitor. Open this page first.

    poll      feeds due | fetch | parse | only what is new or changed | tag | store | gather into stories
    publish   what was not told yet | compose | freeze with its deliveries | deliver

Packages meet here and nowhere else: each takes values and gives values, and this page hands them on.
What is due is the store's to know, never a timer's, so both runs may be called at any time, as often
as anyone likes, and after any crash: what was done is not done again, what was not done is done now.
"""

from __future__ import annotations

import asyncio
import random
import time
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

from monitor import cluster, digest, digest_input, fetch, languages, outbox, parse, tag
from monitor.deliver import Archive, Files
from monitor.errors import ParseError, StoreError
from monitor.fetch import Outcome, schedule
from monitor.models import Window
from monitor.parse import identity
from monitor.store import FeedPoll, Poll
from monitor.store import open as open_store

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Sequence
    from datetime import datetime

    from monitor.config import Config
    from monitor.deliver import Channel
    from monitor.models import (
        Delivery,
        Digest,
        Document,
        Entry,
        Feed,
        FeedState,
        Response,
        Story,
    )
    from monitor.store import Store


# --- poll


async def poll(
    config: Config,
    store: Store,
    *,
    now: datetime,
    only: Collection[str] = (),
    every: bool = False,
    arrived: Callable[[FeedPoll], None] = lambda _: None,
) -> Poll:
    """Poll the feeds that are due, store what is new or changed, and gather it into stories.

    `only` names feeds to poll whether due or not; `every` polls them all. `arrived` is told of each feed
    as it is done. A feed's trouble is recorded on that feed and never stops the others; an error that
    nobody expected is recorded there too, and raised once all feeds have had their turn.
    """
    async with store.poll_lock():
        return await _poll(config, store, now=now, only=only, every=every, arrived=arrived)


async def _poll(
    config: Config,
    store: Store,
    *,
    now: datetime,
    only: Collection[str],
    every: bool,
    arrived: Callable[[FeedPoll], None],
) -> Poll:
    started = time.monotonic()
    store.install(now)
    run = _Run(config=config, store=store, tagger=tag.Tagger(config.rules), now=now)
    due = due_feeds(config, store, now=now, only=only, every=every)
    states = {feed.url: state for feed, state in due}
    done: list[FeedPoll] = []
    failed: list[Response] = []
    bugs: list[Exception] = []
    async with fetch.Fetcher(config.fetch) as fetcher, parse.Parser(config.parse) as parser:
        async for response in fetcher.fetch_all(due, now=now):
            try:
                result = await run.take(response, states[response.feed.url], parser)
            except Exception as bug:  # noqa: BLE001 - what one feed brings out must not starve the others
                bugs.append(bug)
                result = replace(response, error=f"unexpected {type(bug).__name__}: {bug}")
            if isinstance(result, FeedPoll):
                done.append(result)
                arrived(result)
            else:
                failed.append(result)
    outage = schedule.is_outage([*failed]) and not done
    for response in failed:
        done.append(run.record_failure(response, states[response.feed.url], outage=outage))
        arrived(done[-1])
    for state in schedule.defer_host(_all_states(config, store), failed, now):
        store.feeds.save_state(state)
    cluster_entries(config, store, now=now)
    summary = _summary(done, now, timedelta(seconds=time.monotonic() - started), outage=outage)
    store.feeds.log_poll(summary)
    if bugs:
        raise ExceptionGroup("polling met errors that nobody expected", bugs)
    return summary


def _all_states(config: Config, store: Store) -> list[tuple[Feed, FeedState]]:
    states = store.feeds.states(config.feeds)
    return [(feed, states[feed.url]) for feed in config.feeds]


def due_feeds(
    config: Config, store: Store, *, now: datetime, only: Collection[str] = (), every: bool = False
) -> list[tuple[Feed, FeedState]]:
    """Return the feeds to poll now, with what is known of each."""
    store.clock.observe(now)
    store.feeds.sync(config.feeds, now)
    pairs = [(feed, state) for feed, state in _all_states(config, store) if feed.enabled]
    if only:
        return [(feed, state) for feed, state in pairs if feed.url in only]
    return [
        (feed, state) for feed, state in pairs if every or schedule.is_due(feed, state, now, config.fetch)
    ]


@dataclass(frozen=True, kw_only=True, slots=True)
class _Run:
    """One poll under way: what each response needs."""

    config: Config
    store: Store
    tagger: tag.Tagger
    now: datetime

    async def take(self, response: Response, state: FeedState, parser: parse.Parser) -> FeedPoll | Response:
        """Store what a response brought in one transaction; give it back with its error when it has one."""
        if response.error:
            return response
        if response.not_modified or schedule.body_hash(response.body) == state.body_hash:
            return self._store(response, state, None, identity.Changes())
        try:
            document = await parser.parse(response, response.feed, now=self.now)
        except ParseError as error:
            return replace(response, error=str(error))
        known = self.store.entries.known(
            response.feed.url,
            guids=identity.spellings(entry.guid for entry in document.entries),
            urls=identity.spellings(entry.url for entry in document.entries),
            newest=len(document.entries) + 200,
        )
        changes = identity.compare(
            document,
            known,
            first_document=state.first_success_at is None,
            backlog=self.config.digest.backlog,
            now=self.now,
        )
        return self._store(response, state, document, changes)

    def _store(
        self, response: Response, state: FeedState, document: Document | None, changes: identity.Changes
    ) -> FeedPoll:
        with self.store.transaction():
            new = self.store.entries.add(self._tagged(changes.new), identity.fingerprint)
            affected = self.store.entries.update(self._tagged(changes.changed), identity.fingerprint)
            edited = self.store.entries.get_many(entry.id for entry in changes.changed)
            refresh_stories(
                self.config, self.store, {*affected, *(entry.story for entry in edited if entry.story)}
            )
            outcome = Outcome(
                new=len(new),
                changed=len(changes.changed),
                gap=changes.gap,
                first=document is not None and state.first_success_at is None,
                document=document,
            )
            settings, jitter = self.config.fetch, random.random()  # noqa: S311 - spreads polls, guards nothing
            after = schedule.after_success(
                response.feed, state, response, outcome, settings, self.now, jitter
            )
            self.store.feeds.save_state(after)
            return self._log(response, outcome)

    def _tagged(self, entries: Iterable[Entry]) -> tuple[Entry, ...]:
        return tuple(replace(entry, tagging=self.tagger.tag(entry)) for entry in entries)

    def record_failure(self, response: Response, state: FeedState, *, outage: bool) -> FeedPoll:
        """Record a failure on its feed, unless it was our own network that failed."""
        settings, jitter = self.config.fetch, random.random()  # noqa: S311 - spreads polls, guards nothing
        if outage:
            after = schedule.after_outage(response.feed, state, settings, self.now, jitter)
        else:
            after = schedule.after_failure(response.feed, state, response, settings, self.now, jitter)
        with self.store.transaction():
            self.store.feeds.save_state(after)
            return self._log(response, Outcome())

    def _log(self, response: Response, outcome: Outcome) -> FeedPoll:
        line = FeedPoll(
            feed=response.feed.url,
            at=self.now,
            status=response.status,
            error=response.error,
            new=outcome.new,
            changed=outcome.changed,
            gap=outcome.gap,
        )
        self.store.feeds.log_feed(line)
        return line


def _summary(done: Sequence[FeedPoll], now: datetime, took: timedelta, *, outage: bool) -> Poll:
    failed = sum(1 for line in done if line.error)
    return Poll(
        started_at=now,
        finished_at=now + took,
        feeds=len(done),
        ok=len(done) - failed,
        failed=failed,
        not_modified=sum(1 for line in done if line.status == 304 and not line.error),  # noqa: PLR2004 - RFC 9110, 15.4.5
        new=sum(line.new for line in done),
        changed=sum(line.changed for line in done),
        outage=outage,
    )


# --- stories


def cluster_entries(config: Config, store: Store, *, now: datetime) -> tuple[Story, ...]:
    """Put relevant entries that have no story into open stories or new ones; return these.

    Done for all feeds of a poll together, so that the order in which they answered decides nothing; and
    by state, so that a poll that was cut off is completed by the next.
    """
    with store.transaction():
        unclustered = store.entries.without_story()
        if not unclustered:
            return ()
        opened = store.stories.open(now - config.cluster.open_for)
        present = [*unclustered, *(entry for story in opened for entry in story.entries)]
        store.terms.add({entry.id: cluster.terms(entry) for entry in unclustered})
        total, counts = store.terms.counts(frozenset().union(*map(cluster.terms, present)))
        stories = cluster.assign(
            unclustered,
            opened,
            cluster.TermCounts(documents=total, counts=counts),
            {feed.url: feed for feed in config.feeds},
            config.cluster,
            vectors=_vectors(config, store, present),
            cannot_link=cannot_link(store),
            past=[
                cluster.Past(id=number, names=frozenset(names), last_seen=last)
                for number, names, last in store.stories.past(now - config.cluster.related_for)
            ],
        )
        return store.stories.save(stories)


def refresh_stories(config: Config, store: Store, stories: Iterable[int]) -> tuple[Story, ...]:
    """Choose title, summary, themes and sources anew for stories whose entries changed; return them by id."""
    feeds = {feed.url: feed for feed in config.feeds}
    found = store.stories.get_many(stories)
    return store.stories.save([cluster.with_summary(story, feeds, config.cluster) for story in found])


def _vectors(config: Config, store: Store, entries: Sequence[Entry]) -> dict[int, bytes] | None:
    """Return the vectors of entries where the `semantic` extra is in use; each is made once."""
    if not config.cluster.semantic or not cluster.Encoder.available():
        return None
    encoder = cluster.Encoder()
    known = store.terms.vectors(encoder.name, [entry.id for entry in entries])
    fresh = encoder.vectors(entries, known)
    store.terms.save_vectors(encoder.name, fresh)
    return known | fresh


def cannot_link(store: Store) -> frozenset[tuple[int, int]]:
    """Return the pairs of entries that the user has put into different stories."""
    return frozenset((c.entry, c.other) for c in store.stories.corrections() if not c.together)


# --- publish


async def publish(
    config: Config, store: Store, channels: Sequence[Channel], *, now: datetime, blocked: bool = False
) -> list[Delivery]:
    """Make the digest that is due, if one is, and what is to be told at once; then every delivery due.

    With `blocked` the deliveries that wait for the user are tried too. Returns those that were tried, as they
    stand.
    """
    store.clock.observe(now)
    made = make_due_digest(config, store, channels, now=now)
    done = await deliver(config, store, channels, now=now, blocked=blocked)
    if made:
        forget(config, store, now=now)
        await asyncio.to_thread(_tidy, config)
    return done


async def deliver(
    config: Config, store: Store, channels: Sequence[Channel], *, now: datetime, blocked: bool = False
) -> list[Delivery]:
    """Make the alerts that are called for, then every delivery that is due; return those that were tried."""
    channels = _with_archive(config, channels)
    make_alerts(config, store, channels, now=now)
    return await outbox.send_due(store, channels, now=now, blocked=blocked)


def _tidy(config: Config) -> None:
    """Keep the database fit beside the loop. Where it is in use just now, tomorrow is as good."""
    with suppress(StoreError), open_store(config.database) as store:
        store.tidy()


def _with_archive(config: Config, channels: Sequence[Channel]) -> list[Channel]:
    """Put the archive beside the files, where files are written."""
    write = partial(digest_input.write_archive, config)
    return [*channels, *(Archive(one.settings, write) for one in channels if isinstance(one, Files))]


def make_due_digest(
    config: Config, store: Store, channels: Sequence[Channel], *, now: datetime
) -> Digest | None:
    """Freeze the digest that is due together with its deliveries; None when none is due."""
    channels = _with_archive(config, channels)
    cluster_entries(config, store, now=now)
    with store.transaction():
        due = digest_input.due_digest(config, store, now=now)
        if due is None:
            return None
        made = digest.compose(
            due, digest_input.collect(config, store, due.window, now=now), config.digest, now
        )
        wanted = channels if digest.worth_sending(made, config.digest) else ()
        frozen = store.digests.freeze(
            digest.to_json(made),
            date=made.date,
            window=made.window,
            made_at=now,
            counts=digest.summary_to_dict(digest.summarise(made, languages.load(made.language))),
            told=made.told,
            deliveries=outbox.prepare(wanted, digest_input.rendered(made), now=now),
        )
        outbox.supersede(store, channels, frozen, now)
        return made


def make_alerts(config: Config, store: Store, channels: Sequence[Channel], *, now: datetime) -> None:
    """Freeze an alert for each untold story that passes the user's threshold; once per story."""
    alert = config.alert
    if alert is None:
        return
    chosen = [channel for channel in channels if channel.name in alert.channels]
    stories = store.stories.with_news(Window(start=now - config.digest.backlog, end=now))
    known = store.deliveries.alerted([story.id for story in stories])
    feeds = digest_input.named_feeds(config, store)
    for story in stories:
        important = digest.importance(story, feeds, config.digest).total >= alert.min_score
        if important and story.sources >= alert.min_sources and story.id not in known:
            edition = digest_input.alert(config, story, feeds, now=now)
            deliveries = outbox.prepare(chosen, edition, now=now)
            store.deliveries.alert(story.id, deliveries, now)


def forget(config: Config, store: Store, *, now: datetime) -> None:
    """Remove texts that retention keeps no longer; that an entry was seen is never forgotten.

    Nothing goes on the word of a clock that has just made a leap.
    """
    if not store.clock.may_delete(now):
        return
    if config.retention.deliveries is not None:
        store.deliveries.let_go(now - config.retention.deliveries)
    for relevant, period in ((True, config.retention.relevant), (False, config.retention.other)):
        if period is not None:
            store.entries.purge(now - period, now, relevant=relevant)
