"""A scripted HTTP server on loopback, which answers, lies, drips, stalls and breaks off as a test wants it
to.

    async with Loopback() as server:
        server.on("/feed", Reply(b"<rss/>", headers={"ETag": '"1"'}), Reply(status=304))
        ... server.url("/feed") ...
        assert server.requests[1].headers["if-none-match"] == '"1"'
"""

from __future__ import annotations

import asyncio
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Self, TypeVar

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Iterator, Mapping
    from contextlib import AbstractAsyncContextManager

T = TypeVar("T")


@contextmanager
def in_a_thread(server: AbstractAsyncContextManager[T]) -> Iterator[T]:
    """Run a server in a thread of its own, for programs under test that have their own event loop."""
    ready, loop, stop = threading.Event(), asyncio.new_event_loop(), asyncio.Event()
    found: list[T] = []

    async def serve() -> None:
        async with server as running:
            found.append(running)
            ready.set()
            await stop.wait()

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),))
    thread.start()
    try:
        assert ready.wait(10)
        yield found[0]
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join()
        loop.close()


@dataclass(frozen=True)
class Request:
    """A request as received; header names are in lower case."""

    method: str
    target: str
    headers: dict[str, str]
    at: float
    """The event loop's time when it was complete."""

    @property
    def path(self) -> str:
        return self.target.partition("?")[0]


@dataclass(frozen=True)
class Reply:
    """An answer. `raw` replaces everything; the other fields shape an ordinary reply."""

    body: bytes = b""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    raw: bytes | None = None
    chunked: bool = False
    length: int | None = None
    """A Content-Length that is wrong; -1 leaves it out."""
    cut: int | None = None
    """Close after this many bytes of the body."""
    drip: tuple[int, float] | None = None
    """Send the body in pieces of this many bytes, this many seconds apart."""
    stall_headers: bool = False
    """Send nothing until the client gives up."""
    stall_body: bool = False
    """Send the headers, then nothing until the client gives up."""
    delay: float = 0.0
    close: bool = False
    """Close the connection without answering."""

    def head(self) -> bytes:
        phrase = HTTPStatus(self.status).phrase if self.status in set(HTTPStatus) else "Other"
        lines = [f"HTTP/1.1 {self.status} {phrase}"]
        lines += [f"{name}: {value}" for name, value in self.headers.items()]
        if self.chunked:
            lines.append("Transfer-Encoding: chunked")
        elif self.length != -1 and self.status not in {204, 304}:
            lines.append(f"Content-Length: {len(self.body) if self.length is None else self.length}")
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def redirect(location: str, status: int = 302) -> Reply:
    return Reply(status=status, headers={"Location": location})


class Loopback:
    """The server, on a port that the system chooses. Each path plays its replies in order, then repeats the
    last.
    """

    def __init__(self, *, tls: ssl.SSLContext | None = None, host: str = "127.0.0.1") -> None:
        self.requests: list[Request] = []
        self.connections = 0
        """How many connections were ever opened."""
        self.busy = 0
        self.most_busy = 0
        """The largest number of requests that were being answered at the same time."""
        self._tls = tls
        self._host = host
        self._scripts: dict[str, list[Reply] | Callable[[Request], Reply]] = {}
        self.tasks: set[asyncio.Task[None]] = set()
        """One for each open connection."""
        self._changed = asyncio.Condition()
        self._idle = asyncio.Event()
        self._idle.set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, self._host, 0, ssl=self._tls)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)
        await self._server.wait_closed()

    def on(self, path: str, *replies: Reply | Callable[[Request], Reply]) -> str:
        """Script a path with replies, or with one function from request to reply; return its address."""
        self._scripts[path] = (
            replies[0] if callable(replies[0]) else [one for one in replies if isinstance(one, Reply)]
        )
        return self.url(path)

    def url(self, path: str = "/", *, host: str = "127.0.0.1", userinfo: str = "") -> str:
        scheme = "https" if self._tls else "http"
        return f"{scheme}://{userinfo + '@' if userinfo else ''}{host}:{self.port}{path}"

    def seen(self, path: str) -> list[Request]:
        return [request for request in self.requests if request.path == path]

    async def wait_for(self, count: int) -> None:
        """Wait until this many requests have arrived."""
        async with self._changed:
            await self._changed.wait_for(lambda: len(self.requests) >= count)

    async def wait_until_idle(self) -> None:
        """Wait until no connection is open."""
        await self._idle.wait()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task
        self.tasks.add(task)
        self._idle.clear()
        self.connections += 1
        try:
            while request := await self._read(reader):
                async with self._changed:
                    self.requests.append(request)
                    self._changed.notify_all()
                self.busy += 1
                self.most_busy = max(self.busy, self.most_busy)
                try:
                    if not await self._answer(self._reply(request), reader, writer):
                        break
                finally:
                    self.busy -= 1
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass  # the client has left, as clients do, or the test is over
        finally:
            writer.close()
            self.tasks.discard(task)
            if not self.tasks:
                self._idle.set()

    async def _read(self, reader: asyncio.StreamReader) -> Request | None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        except asyncio.IncompleteReadError:
            return None
        first, *lines = head.split("\r\n")[:-2]
        method, target, _ = first.split(" ")
        headers = {
            name.lower(): value.strip(" \t") for name, _, value in (line.partition(":") for line in lines)
        }
        await reader.readexactly(int(headers.get("content-length", "0")))
        return Request(method, target, headers, asyncio.get_running_loop().time())

    def _reply(self, request: Request) -> Reply:
        script = self._scripts.get(request.path)
        if script is None:
            return Reply(status=404)
        if callable(script):
            return script(request)
        return script.pop(0) if len(script) > 1 else script[0]

    async def _answer(self, reply: Reply, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Play a reply; return whether the connection may stay open."""
        await asyncio.sleep(reply.delay)
        if reply.close:
            return False
        if reply.stall_headers:
            await reader.read()
            return False
        if reply.raw is not None:
            writer.write(reply.raw)
            await writer.drain()
            return False
        writer.write(reply.head())
        await writer.drain()
        if reply.stall_body:
            await reader.read()
            return False
        body = reply.body if reply.cut is None else reply.body[: reply.cut]
        step, pause = reply.drip or (max(1, len(body)), 0.0)
        for start in range(0, len(body), step):
            piece = body[start : start + step]
            writer.write(b"%x\r\n%b\r\n" % (len(piece), piece) if reply.chunked else piece)
            await writer.drain()
            await asyncio.sleep(pause)
        if reply.cut is not None or reply.length is not None:
            return False
        if reply.chunked:
            writer.write(b"0\r\n\r\n")
        await writer.drain()
        return True
