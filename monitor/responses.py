"""What becomes of the response to one feed: it is read and tagged, what is new is stored, or the failure is.

Takes a response and what is known of its feed; gives the `FeedPoll` that goes into the log of polls.
"""

from __future__ import annotations

import asyncio
import random
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from monitor import tag
from monitor.errors import ParseError
from monitor.fetch import schedule
from monitor.models import FeedPoll, Findings
from monitor.parse import changes, identifiers
from monitor.stories import refresh_stories
from monitor.tools import batched

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from monitor.config import Config
    from monitor.models import Feed, FeedState, Response
    from monitor.store import Store
    from monitor.tools import Tools

# Storing 2,000 entries at once kept the write lock, and the event loop, for more than a second.
_BATCH = 250


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
    guids, urls = identifiers.spellings(document)
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
        untagged = f"{len(faults)} entries could not be tagged ({faults[0]})"
        document = replace(
            document, complete=False, faults="; ".join(filter(None, (document.faults, untagged)))
        )
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
        store.entries.add(batch, identifiers.fingerprint)
        await asyncio.sleep(0)
    with store.transaction():
        if last:
            store.entries.add(last, identifiers.fingerprint)
        if found.changed:
            affected = store.entries.update(found.changed, identifiers.fingerprint)
            edited = store.entries.get_many(entry.id for entry in found.changed)
            refresh_stories(config, store, {*affected, *(entry.story for entry in edited if entry.story)})
        store.feeds.save_state(state_after(config, response, state, found, now=now))
        return store.polls.log_feed(feed_poll(response, found, now))


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
    silent = store.polls.unreachable_since_an_answer(now)
    outage = not answered and schedule.is_outage(failed, silent)
    for response in failed:
        judge = schedule.after_outage if outage else schedule.after_failure
        jitter = random.random()  # noqa: S311 - spreads polls, guards nothing
        after = judge(due[response.feed], response, settings=config.fetch, now=now, jitter=jitter)
        with store.transaction():
            store.feeds.save_state(after)
            polls.append(store.polls.log_feed(feed_poll(response, Findings(), now)))
    states = store.feeds.states(config.feeds)
    changed = [*schedule.defer_host([(feed, states[feed.url]) for feed in config.feeds], failed, now)]
    if outage:
        changed += (schedule.pardoned(states[url], config.fetch, now) for url in silent & states.keys())
    for state in changed:
        store.feeds.save_state(state)
    return Failures(polls, outage)


def feed_poll(response: Response, found: Findings, now: datetime) -> FeedPoll:
    """Return what the log of polls says of a response."""
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
