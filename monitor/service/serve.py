"""The service itself: what is set up, in which order, what the bell starts, and how it winds up."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import threading
from dataclasses import dataclass, field
from datetime import UTC, timedelta
from typing import TYPE_CHECKING, Final

import structlog

from monitor import fetch, health, outbox, pipeline, store
from monitor.errors import ConfigError, Fault
from monitor.service.lock import sole_sender
from monitor.service.notify import Systemd
from monitor.service.runs import Run
from monitor.url import host_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from apscheduler.events import JobEvent
    from apscheduler.schedulers.asyncio import AsyncIOScheduler

    from monitor.config import Config
    from monitor.deliver import Channel

_log = structlog.get_logger("monitor.service")

TICK: Final = timedelta(seconds=15)
_DEAF_AFTER: Final = 4 * TICK
"""A bell that was not heard for so long is broken: the watchdog is fed no more."""
_FIRST_POLL_PATIENCE: Final = timedelta(minutes=2)
"""How long the first digest after a start waits for the news of the time when nobody polled."""
_DELIVERY_GRACE: Final = timedelta(seconds=5)
_LAST_MOMENT: Final = timedelta(seconds=9)
_MAX_PING_BYTES: Final = 65_536


def main(load_config: Callable[[], Config], *, clock: Callable[[], datetime]) -> None:
    """Run the service in a process of its own, which ends within ten seconds of SIGTERM or SIGINT.

    Raises ConfigError or StoreError when it cannot start.
    """
    asyncio.run(run(load_config, clock=clock, on_stop=_end_in_time))


def _end_in_time() -> None:
    """End the process even if a thread hangs in a look-up or on a dead disk; nothing is left to save."""
    timer = threading.Timer(_LAST_MOMENT.total_seconds(), os._exit, [0])
    timer.daemon = True
    timer.start()


async def run(
    load_config: Callable[[], Config],
    *,
    clock: Callable[[], datetime],
    environ: Mapping[str, str] = os.environ,
    on_stop: Callable[[], None] = lambda: None,
) -> None:
    """Poll and publish until SIGTERM or SIGINT; read the configuration again at SIGHUP.

    Raises ConfigError when there is no configuration to start with, StoreError when another process
    works on the same data directory or the database cannot be used.
    """
    signals = _listen()
    setup = _Setup.of(load_config())
    with sole_sender(setup.config.data_dir), store.open(setup.config.database) as archive:
        service = _Service(setup, archive, clock=clock, systemd=Systemd.of(environ))
        service.start()
        while await signals.get() is signal.SIGHUP:
            await service.reload(load_config)
        on_stop()
        await service.stop()


def _listen() -> asyncio.Queue[signal.Signals]:
    """Queue the service's signals from now on."""
    heard: asyncio.Queue[signal.Signals] = asyncio.Queue()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, heard.put_nowait, number)
    return heard


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
    """The bell, the two runs and what they share. Everything happens in one thread."""

    def __init__(
        self, setup: _Setup, archive: store.Store, *, clock: Callable[[], datetime], systemd: Systemd
    ) -> None:
        self._setup = setup
        self._archive = archive
        self._clock = clock
        self._systemd = systemd
        self._poll = Run("poll", self._poll_once, self._report)
        self._publish = Run("publish", self._publish_once, self._report)
        self._polled = asyncio.Event()
        self._scheduler = self._bell()
        self._last_bell = 0.0
        self._watchdog = Run("watchdog", self._feed_watchdog, self._report)

    def start(self) -> None:
        """Ring for the first time, and tell systemd that the service is up."""
        self._scheduler.start()
        self._ring()
        self._watchdog.start()
        feeds = len(self._setup.config.feeds)
        self._systemd.ready(f"{feeds} feeds")
        _log.info("started", feeds=feeds, data=str(self._setup.config.data_dir))

    async def reload(self, load_config: Callable[[], Config]) -> None:
        """Take the configuration as it is now, between two polls; keep the old one when it is bad."""
        self._systemd.reloading()
        try:
            setup = self._successor(load_config())
        except ConfigError as error:
            for fault in error.faults:
                _log.error("configuration refused, the old one stays", fault=str(fault))
        else:
            await self._poll.stop()
            self._setup = setup
            self._ring()
            _log.info("configuration read again", feeds=len(setup.config.feeds))
        self._systemd.ready(f"{len(self._setup.config.feeds)} feeds")

    def _successor(self, config: Config) -> _Setup:
        if config.data_dir != self._setup.config.data_dir:
            raise ConfigError([Fault("monitor.toml", "data_dir", "changes with a restart only")])
        return _Setup.of(config)

    async def stop(self) -> None:
        """Cancel the poll, let deliveries end that are about to, and leave the rest to the next start."""
        self._systemd.stopping()
        _log.info("stopping")
        self._scheduler.shutdown(wait=False)
        await asyncio.gather(
            self._watchdog.stop(), self._poll.stop(), self._publish.stop(grace=_DELIVERY_GRACE)
        )
        _log.info("stopped")

    def _bell(self) -> AsyncIOScheduler:
        from apscheduler.events import EVENT_JOB_ERROR, EVENT_JOB_MISSED
        from apscheduler.schedulers.asyncio import AsyncIOScheduler

        async def ring() -> None:  # APScheduler runs what is not a coroutine in another thread
            self._ring()

        scheduler = AsyncIOScheduler(timezone=UTC)
        scheduler.add_job(
            ring,
            "interval",
            seconds=TICK.total_seconds(),
            coalesce=True,
            max_instances=1,
            misfire_grace_time=None,
        )
        scheduler.add_listener(_bell_failed, EVENT_JOB_ERROR | EVENT_JOB_MISSED)
        return scheduler

    def _ring(self) -> None:
        self._last_bell = asyncio.get_running_loop().time()
        self._poll.start()
        self._publish.start()

    async def _poll_once(self) -> None:
        config, now = self._setup.config, self._clock()
        try:
            if not pipeline.due_feeds(config, self._archive, now=now):
                return
            poll = await pipeline.poll(config, self._archive, now=now)
        finally:
            self._polled.set()
        _log.info(
            "polled",
            feeds=poll.feeds,
            ok=poll.ok,
            failed=poll.failed,
            new=poll.new,
            changed=poll.changed,
            seconds=round((poll.finished_at - poll.started_at).total_seconds(), 1),
            **({"outage": True} if poll.outage else {}),
        )
        self._systemd.status(f"{poll.ok} of {poll.feeds} feeds answered, {poll.new} new entries")
        await self._ping()

    async def _publish_once(self) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._polled.wait(), _FIRST_POLL_PATIENCE.total_seconds())
        config, now = self._setup.config, self._clock()
        outbox.recover(self._archive, now=now)
        before = self._archive.digests.last_made()
        done = await pipeline.publish(config, self._archive, self._setup.channels, now=now)
        made = self._archive.digests.last_made()
        if made is not None and made != before:
            _log.info("digest made", date=made.date.isoformat(), holds=made.counts.get("lead", ""))
        for delivery in done:
            level = _log.info if delivery.state == "sent" else _log.warning
            level(
                f"delivery {delivery.state}",
                edition=delivery.edition,
                channel=delivery.channel,
                recipient=delivery.recipient,
                **({"reason": delivery.last_error} if delivery.last_error else {}),
                **({"again": f"{delivery.next_attempt_at:%FT%TZ}"} if delivery.next_attempt_at else {}),
            )

    async def _ping(self) -> None:
        """Tell a health check, where there is one, that a poll went well. Its address is a secret."""
        if not (url := self._setup.ping_url):
            return
        async with fetch.Fetcher(self._setup.config.fetch) as fetcher:
            response = await fetcher.get(url, max_bytes=_MAX_PING_BYTES, private_host=host_of(url))
        if not response.ok:
            _log.warning("health check not reached", status=response.status)

    async def _feed_watchdog(self) -> None:
        """Say twice in each period that we live, as long as the bell rings."""
        if self._systemd.watchdog is None:
            return
        while True:
            if asyncio.get_running_loop().time() - self._last_bell < _DEAF_AFTER.total_seconds():
                self._systemd.alive()
            await asyncio.sleep(self._systemd.watchdog.total_seconds() / 2)

    def _report(self, name: str, reason: str) -> None:
        found = health.troubles(self._archive)
        if found.get(name, "") != reason:
            now = {key: value for key, value in {**found, name: reason}.items() if value}
            self._archive.set_note(health.TROUBLES, json.dumps(now, ensure_ascii=False))


def _bell_failed(event: JobEvent) -> None:
    _log.error("the bell failed", code=event.code, reason=str(getattr(event, "exception", "")))
