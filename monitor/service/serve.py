"""The service itself: what is set up, in which order, what each tick starts, and how it stops."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
from dataclasses import dataclass, field
from datetime import UTC, timedelta
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit, urlunsplit

import structlog

from monitor import digest_input, fetch, health, outbox, pipeline, store
from monitor.errors import ConfigError, Fault, raise_unexpected
from monitor.lock import sole_sender
from monitor.service.notify import Systemd
from monitor.service.runs import Run
from monitor.service.signals import end_in_time, queued
from monitor.stories import cluster_entries
from monitor.text import counted
from monitor.tools import Tools
from monitor.url import host_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime

    from apscheduler.events import JobEvent
    from apscheduler.schedulers.asyncio import AsyncIOScheduler

    from monitor.config import Config
    from monitor.deliver import Channel
    from monitor.models import Delivery, FeedPoll, Poll

_log = structlog.get_logger("monitor.service")

# A tick with nothing due costs 12 ms of CPU and writes nothing.
TICK: Final = timedelta(seconds=15)
# An event loop that has not ticked for this long is stuck: the watchdog is no longer fed.
_STUCK_AFTER: Final = 4 * TICK
# How long the first digest after a start waits for a poll to bring the news since the last one.
_FIRST_POLL_PATIENCE: Final = timedelta(minutes=2)
# The note that a start is waiting for its first poll: a service that is killed meanwhile leaves it behind.
_WAITS: Final = "service.waits"
_DELIVERY_GRACE: Final = timedelta(seconds=5)
_MAX_PING_BYTES: Final = 65_536
# Failing feeds that the line of a poll names.
_NAMED: Final = 3


def main(load_config: Callable[[], Config], *, clock: Callable[[], datetime]) -> None:
    """Run the service in a process of its own, which ends within ten seconds of SIGTERM or SIGINT.

    Raises ConfigError or StoreError when it cannot start.
    """
    asyncio.run(run(load_config, clock=clock, on_stop=end_in_time))


async def run(
    load_config: Callable[[], Config],
    *,
    clock: Callable[[], datetime],
    environ: Mapping[str, str] = os.environ,
    on_stop: Callable[[], None] = lambda: None,
) -> None:
    """Poll and publish until SIGTERM or SIGINT; read the configuration again at SIGHUP.

    `on_stop` is called as soon as the signal arrives, even while the loop is busy. Raises ConfigError when
    there is no configuration to start with, StoreError when another process works on the same data directory
    or the database cannot be used.
    """
    with queued(on_stop) as signals:
        setup = _Setup.of(load_config())
        with sole_sender(setup.config.data_dir):
            service = _Service(setup, clock=clock, systemd=Systemd.of(environ))
            try:
                service.start()
                while await signals.get() is signal.SIGHUP:
                    await service.reload(load_config)
                await service.stop()
            finally:
                service.close()


@dataclass(frozen=True, kw_only=True, slots=True)
class _Setup:
    """A configuration whose secrets could be read."""

    config: Config
    channels: tuple[Channel, ...]
    ping_url: str = field(repr=False)

    @classmethod
    def of(cls, config: Config) -> _Setup:
        """Read the secrets. Raises ConfigError."""
        return cls(config=config, channels=config.channels(), ping_url=config.ping_url())


class _Service:
    """The tick, the two runs and what they share. Everything happens in one thread."""

    def __init__(self, setup: _Setup, *, clock: Callable[[], datetime], systemd: Systemd) -> None:
        self._setup = setup
        self._store = store.open(setup.config.database)
        self._clock = clock
        self._systemd = systemd
        self._poll = Run("poll", self._poll_once, self._report)
        self._publish = Run("publish", self._publish_once, self._report)
        self._watchdog = Run("watchdog", self._feed_watchdog, self._report)
        self._delivers = False
        """True while a message may be half sent."""
        self._polled = asyncio.Event()
        self._was_killed = bool(self._store.note(_WAITS))
        """The last start was killed before its first poll had ended."""
        self._tools: Tools | None = None
        """Kept from poll to poll for as long as the configuration stays the same."""
        self._scheduler = self._ticking()
        self._last_tick = 0.0
        self._user_came_by = True
        """True at a start and a reload: the user may have fixed what deliveries wait for."""
        self._ping_is_due = False

    def start(self) -> None:
        """Tick for the first time, and tell systemd that the service is up."""
        self._scheduler.start()
        self._tick()
        self._watchdog.start()
        config = self._setup.config
        self._systemd.ready(counted(len(config.feeds), "feed"))
        _log.info(
            "started",
            message=f"started: {counted(len(config.feeds), 'feed')}, {self._next_digest()}",
            feeds=len(config.feeds),
            data=str(config.data_dir),
        )

    async def reload(self, load_config: Callable[[], Config]) -> None:
        """Take the configuration as it is now, between two polls; keep the old one if the new has faults."""
        self._systemd.reloading()
        try:
            setup = self._successor(load_config())
        except ConfigError as error:
            for fault in error.faults:
                _log.error("configuration refused, the old one stays", fault=str(fault))
        else:
            await self._poll.stop()
            await self._put_tools_away()
            self._setup, self._user_came_by = setup, True
            self._tick()
            _log.info("configuration read again", feeds=len(setup.config.feeds))
        self._systemd.ready(counted(len(self._setup.config.feeds), "feed"))

    def _successor(self, config: Config) -> _Setup:
        if config.data_dir != self._setup.config.data_dir:
            raise ConfigError([Fault("monitor.toml", "data_dir", "changes with a restart only")])
        return _Setup.of(config)

    async def stop(self) -> None:
        """Cancel the poll, let deliveries finish that nearly have, and leave the rest to the next start."""
        self._systemd.stopping()
        _log.info("stopping")
        # `wait=True` would not wait: APScheduler's asyncio executor cancels what runs.
        self._scheduler.shutdown(wait=False)
        grace = _DELIVERY_GRACE if self._delivers else timedelta(0)
        await asyncio.gather(self._watchdog.stop(), self._poll.stop(), self._publish.stop(grace=grace))
        await self._put_tools_away()
        _log.info("stopped")

    async def _put_tools_away(self) -> None:
        if self._tools is not None:
            await self._tools.__aexit__()
            self._tools = None

    def close(self) -> None:
        """Close the database."""
        self._store.close()

    def _ticking(self) -> AsyncIOScheduler:
        from apscheduler.events import EVENT_JOB_ERROR, EVENT_JOB_MISSED
        from apscheduler.schedulers.asyncio import AsyncIOScheduler

        async def tick() -> None:  # APScheduler runs what is not a coroutine in another thread
            self._tick()

        scheduler = AsyncIOScheduler(timezone=UTC)
        scheduler.add_job(
            tick,
            "interval",
            seconds=TICK.total_seconds(),
            coalesce=True,
            max_instances=1,
            # APScheduler's default is one second: a tick that comes later, after a laptop's sleep, is dropped
            # without a word.
            misfire_grace_time=None,
        )
        scheduler.add_listener(_tick_failed, EVENT_JOB_ERROR | EVENT_JOB_MISSED)
        return scheduler

    def _tick(self) -> None:
        self._last_tick = asyncio.get_running_loop().time()
        if not self._store.in_place():
            if self._poll.busy or self._publish.busy:
                return  # they have the old file; the next tick looks again
            self._reopen()
        if leap := self._store.clock.observe(self._clock()):
            _log.warning("clock", message=str(leap), start=f"{leap.start:%FT%TZ}", end=f"{leap.end:%FT%TZ}")
        self._poll.start()
        self._publish.start()

    def _reopen(self) -> None:
        """Continue with the file that is there now or, if it was deleted, write it back."""
        was_deleted = self._store.put_back()
        self._store.close()
        self._store = store.open(self._setup.config.database)
        what = (
            "the database was deleted while the service ran: it was written again, and nothing is lost"
            if was_deleted
            else "the database was replaced while the service ran: the new one is used from now on"
        )
        _log.error("database", message=what, path=str(self._setup.config.database))

    async def _poll_once(self) -> None:
        config, now = self._setup.config, self._clock()
        feeds: list[FeedPoll] = []
        try:
            if not pipeline.due_feeds(config, self._store, now=now):
                if self._tools is not None:
                    await self._tools.rest()
                return
            self._ping_is_due = True
            if self._tools is None:
                self._tools = await Tools(config).__aenter__()
            poll = await pipeline.poll(
                config, self._store, now=now, on_feed_done=feeds.append, tools=self._tools
            )
        finally:
            if not self._polled.is_set():
                self._polled.set()
                self._store.set_note(_WAITS, "")
        _log.info(
            "polled",
            message=_poll_in_words(config, poll, feeds),
            feeds=poll.feeds,
            ok=poll.ok,
            failed=poll.failed,
            new=poll.new,
            changed=poll.changed,
            seconds=round((poll.finished_at - poll.started_at).total_seconds(), 1),
            **({"outage": True} if poll.outage else {}),
        )
        self._systemd.status(
            f"{poll.ok} of {counted(poll.feeds, 'feed')} answered, "
            f"{counted(poll.new, 'new entry', 'new entries')}"
        )

    async def _publish_once(self) -> None:
        # Not after a kill: a service that dies in each first poll, for want of memory, would never get to a
        # digest.
        if not self._polled.is_set() and not self._was_killed:
            self._store.set_note(_WAITS, "yes")
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._polled.wait(), _FIRST_POLL_PATIENCE.total_seconds())
        try:
            await self._publish_due()
        except Exception:
            await self._ping(well=False)
            raise
        well = health.delivers(self._setup.config, self._store, now=self._clock())
        await self._ping(well=well)

    async def _publish_due(self) -> None:
        config, now, blocked = self._setup.config, self._clock(), self._user_came_by
        self._user_came_by = False
        outbox.recover(self._store, now=now)
        before = self._store.digests.last_made()
        # First, because it may take long when thousands of reports wait, and a stop need not wait for it.
        clustered = await cluster_entries(config, self._store, now=now)
        self._delivers = True
        try:
            done = await pipeline.publish(config, self._store, self._setup.channels, now=now, blocked=blocked)
        finally:
            self._delivers = False
        made = self._store.digests.last_made()
        if made is not None and made != before:
            holds = made.summary.lead
            words = f"digest of {made.date} made: {holds}; {self._next_digest()}"
            _log.info("digest made", message=words, date=made.date.isoformat(), holds=holds)
        for alike in health.alike(done):
            _log_deliveries(alike, config)
        raise_unexpected("clustering", clustered.bugs)

    def _next_digest(self) -> str:
        config = self._setup.config
        coming = digest_input.next_due(config, self._store, now=self._clock())
        return f"next digest {coming.astimezone(config.timezone):%a %d %b %H:%M}"

    async def _ping(self, *, well: bool) -> None:
        """Tell a health check, if there is one, after each poll whether polls and digests work.

        Its address is a secret. For failures there is an address below it, as healthchecks.io and others have
        it.
        """
        if not (url := self._setup.ping_url) or not self._ping_is_due:
            return
        self._ping_is_due = False
        if not well:
            parts = urlsplit(url)
            url = urlunsplit(parts._replace(path=f"{parts.path.rstrip('/')}/fail"))
        async with fetch.Fetcher(self._setup.config.fetch) as fetcher:
            # Its owner has named this host: it may well stand on a private network.
            response = await fetcher.get(url, max_bytes=_MAX_PING_BYTES, private_host=host_of(url))
        if not response.ok:
            _log.warning("health check not reached", status=response.status)

    async def _feed_watchdog(self) -> None:
        """Tell systemd twice in each period that we are alive, as long as the loop ticks."""
        if self._systemd.watchdog is None:
            return
        while True:
            if asyncio.get_running_loop().time() - self._last_tick < _STUCK_AFTER.total_seconds():
                self._systemd.alive()
            await asyncio.sleep(self._systemd.watchdog.total_seconds() / 2)

    def _report(self, name: str, reason: str) -> None:
        found = health.troubles(self._store)
        if found.get(name, "") != reason:
            now = {key: value for key, value in {**found, name: reason}.items() if value}
            self._store.set_note(health.TROUBLES, json.dumps(now, ensure_ascii=False))


def _poll_in_words(config: Config, poll: Poll, feeds: Sequence[FeedPoll]) -> str:
    if poll.outage:
        return f"none of {counted(poll.feeds, 'feed')} could be reached: our network is down"
    titles = {feed.url: feed.title or host_of(feed.url) for feed in config.feeds}
    failing = [f"{titles.get(one.feed, one.feed)}: {one.error}" for one in feeds if one.error]
    more = f"; and {len(failing) - _NAMED} more" if len(failing) > _NAMED else ""
    named = f" ({'; '.join(failing[:_NAMED])}{more})" if failing else ""
    new = counted(poll.new, "new entry", "new entries")
    return f"polled {counted(poll.feeds, 'feed')}: {poll.ok} ok, {poll.failed} failing{named}, {new}"


def _log_deliveries(alike: Sequence[Delivery], config: Config) -> None:
    one = alike[0]
    level = _log.info if one.state == "sent" else _log.warning
    level(
        f"delivery {one.state}",
        message=health.delivery_line(alike, config.timezone),
        edition=one.edition,
        channel=one.channel,
        recipients=[delivery.recipient for delivery in alike],
        **({"reason": one.last_error} if one.last_error else {}),
        **({"again": f"{one.next_attempt_at:%FT%TZ}"} if one.next_attempt_at else {}),
    )


def _tick_failed(event: JobEvent) -> None:
    _log.error("the tick failed", code=event.code, reason=str(getattr(event, "exception", "")))
