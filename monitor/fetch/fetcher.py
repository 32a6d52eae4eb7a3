"""Who is polled when: a queue for each host, a gap between its requests, a bound over all hosts."""

from __future__ import annotations

import asyncio
import ssl
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from http import HTTPStatus
from typing import TYPE_CHECKING, NamedTuple, Self

from monitor.errors import FetchError, place_of
from monitor.fetch import guard
from monitor.models import Feed, FeedState, Response
from monitor.text import span_in_words
from monitor.url import DEFAULT_PORTS

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable
    from datetime import datetime

    import httpx

    from monitor.fetch import http
    from monitor.fetch.settings import Settings


@dataclass(slots=True)
class _Host:
    """One host's queue. Its connections are its own: no feed uses what another was allowed to open."""

    transport: httpx.AsyncBaseTransport
    places: asyncio.Semaphore
    gap: float
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    free_at: float = 0.0
    users: int = 0


class Queue(NamedTuple):
    """Where a poll waits: all feeds of a public host in one queue, those of a private one by its port."""

    host: str
    port: int | None
    """None for a public host. Behind each port of a private host stands a server of its own."""

    @property
    def public(self) -> bool:
        """Only the servers of strangers are owed a gap between requests."""
        return self.port is None


class Fetcher:
    """Polls feeds as their publishers would wish, within `settings`. An async context manager.

    `resolve` looks a host and port up, the system by default; the addresses are judged all the same.
    """

    def __init__(self, settings: Settings, *, resolve: Callable[[str, int], list[str]] | None = None) -> None:
        self._settings = settings
        self._resolve = resolve
        self._slots = asyncio.Semaphore(settings.concurrency)
        self._hosts: dict[tuple[Queue, str], _Host] = {}
        self._quiet_until: dict[Queue, float] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._tls: ssl.SSLContext | None = None

    async def __aenter__(self) -> Self:
        # One for all hosts: to load the certificates takes 26 ms, and a client of httpx does so each time.
        self._tls = ssl.create_default_context()
        return self

    async def __aexit__(self, *_: object) -> None:
        await _end(self._tasks)

    async def fetch_all(
        self, pairs: Iterable[tuple[Feed, FeedState]], *, now: datetime | None = None
    ) -> AsyncIterator[Response]:
        """Poll each feed once and yield what each brought, as it arrives; trouble is in `Response.error`.

        `now` is only used to read dates of replies that carry no `Date` of their own.
        """
        # Of one place: each waits in its slot until it is taken. Without a bound nearly all documents lay in
        # memory, as they come faster than they are read.
        arrived: asyncio.Queue[Response] = asyncio.Queue(maxsize=1)

        async def one(feed: Feed, state: FeedState) -> None:
            async with self._polled(feed, state, self._settings.max_bytes, now) as response:
                await arrived.put(response)

        tasks = {asyncio.create_task(one(feed, state)) for feed, state in pairs}
        self._tasks |= tasks
        try:
            for _ in tasks:
                yield await arrived.get()
            await asyncio.gather(*tasks)  # the last ones close their connections
        finally:
            await _end(tasks)
            self._tasks -= tasks

    async def get(self, url: str, *, max_bytes: int | None = None, private_host: str = "") -> Response:
        """Make one guarded GET, in the queue of its host like any poll; trouble is in `Response.error`."""
        feed = Feed(url=url, private_host=private_host)
        size = max_bytes or self._settings.max_bytes
        async with self._polled(feed, FeedState(url=url), size, None) as response:
            return response

    @asynccontextmanager
    async def _polled(
        self, feed: Feed, state: FeedState, max_bytes: int, now: datetime | None
    ) -> AsyncIterator[Response]:
        """Poll a feed and give what it brought, inside its place at the host and among all."""
        from monitor.fetch import http

        async with AsyncExitStack() as stack:
            try:
                fetch = http.fetch_of(feed, state, max_bytes=max_bytes, now=now)
                queue = queue_of(fetch.target, feed.private_host)
                host = await stack.enter_async_context(self._place(queue, feed.private_host))
                response = await self._asked(fetch, queue, host)
            except FetchError as error:
                response = Response(feed=feed, url="", error=str(error))
            except Exception as error:  # noqa: BLE001 - one feed never costs another its turn
                response = Response(feed=feed, url="", error=place_of(error))
            yield response

    async def _asked(self, fetch: http.Fetch, queue: Queue, host: _Host) -> Response:
        from monitor.fetch import http

        if held := self._held(queue):
            return _held_back(fetch.feed, queue, held)
        response = await http.get(host.transport, fetch, self._settings)
        if response.retry_after or response.status == HTTPStatus.TOO_MANY_REQUESTS:
            self._hold(queue_of(http.parsed(response.url), fetch.feed.private_host), response.retry_after)
        return response

    @asynccontextmanager
    async def _place(self, queue: Queue, private_host: str) -> AsyncIterator[_Host]:
        """Wait for a place at a host, for its gap and for one of all slots; hold them inside."""
        # By what may be opened as well: a connection to a private host is never handed to a feed that may not
        # have it.
        key = (queue, private_host)
        host = self._hosts.get(key) or self._open(key)
        host.users += 1
        try:
            async with host.places:
                # The gap is waited for before one of all slots is taken, or a slow host would hold slots
                # while nothing is asked.
                async with host.turn:
                    await asyncio.sleep(host.free_at - self._time())
                    await self._slots.acquire()
                    host.free_at = self._time() + host.gap
                try:
                    yield host
                finally:
                    self._slots.release()
        finally:
            host.users -= 1
            if not host.users:
                del self._hosts[key]
                await host.transport.aclose()

    def _open(self, key: tuple[Queue, str]) -> _Host:
        from monitor.fetch import network

        if self._tls is None:
            raise RuntimeError("a Fetcher works inside its `async with`")
        queue, private_host = key
        settings = self._settings
        backend = network.GuardedBackend(
            allow_private=settings.allow_private_addresses,
            private_host=private_host,
            resolve=self._resolve or network.look_up,
        )
        host = self._hosts[key] = _Host(
            # A pool for each host: one for all walks through every connection at each request, 0.8 s for 200
            # feeds instead of 0.36.
            transport=network.transport(backend, self._tls, connections=2 * settings.per_host),
            places=asyncio.Semaphore(settings.per_host),
            gap=settings.host_gap.total_seconds() if queue.public else 0.0,
        )
        return host

    def _hold(self, queue: Queue, pause: timedelta | None) -> None:
        """After "too many requests" all feeds of a public host wait."""
        # Not behind a private host: there one address may serve twenty feeds of twenty programs.
        if queue.public:
            pause = pause or self._settings.min_interval
            self._quiet_until[queue] = self._time() + pause.total_seconds()

    def _held(self, queue: Queue) -> float:
        """Return for how many more seconds a host wants quiet."""
        return max(0.0, self._quiet_until.get(queue, 0.0) - self._time())

    @staticmethod
    def _time() -> float:
        return asyncio.get_running_loop().time()


async def _end(tasks: set[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def queue_of(url: httpx.URL, private_host: str) -> Queue:
    """Return the queue of an address; a host is private by its spelling or by the feed's own table."""
    host = guard.normalised(url.host)
    if guard.private_name(host) or host == guard.normalised(private_host):
        return Queue(host, url.port or DEFAULT_PORTS[url.scheme])
    return Queue(host, None)


def _held_back(feed: Feed, queue: Queue, seconds: float) -> Response:
    pause = timedelta(seconds=seconds)
    return Response(
        feed=feed,
        url="",
        asked=False,
        retry_after=pause,
        error=f"not asked: {queue.host} wants no requests for {span_in_words(pause)}",
    )
