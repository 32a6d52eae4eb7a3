"""Open connections only where `guard` allows: one look-up, all addresses checked, then one connected to."""

from __future__ import annotations

import asyncio
import re
import socket
import ssl
import threading
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any

import httpcore
import httpx

from monitor.errors import FetchError
from monitor.fetch import guard

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

# Seconds to try one of several addresses, so that there is time for the next one within the deadline.
_PATIENCE = 4.0
# Shorter than common servers wait, so that a connection is not used just as it is being closed.
_IDLE_SECONDS = 2.0

# About httpcore's own limit for the head of a reply.
_LONGEST_HEAD = 100_000
_HEAD_END = re.compile(rb"\r?\n\r?\n")
_FIELD = re.compile(rb"([!#$%&'*+.^_`|~0-9a-z-]+)[ \t]*(:[^\0]*)", re.IGNORECASE)


class LenientStream(httpcore.AsyncNetworkStream):
    """Passes on a reply without those lines of its head that are not header fields.

    Servers put a PHP notice there, or a field without a colon. Browsers and curl skip such a line, while h11
    refuses the whole reply.
    """

    def __init__(self, stream: httpcore.AsyncNetworkStream) -> None:
        self._stream = stream
        self._head: bytearray | None = bytearray()
        """The part of the next head that has arrived; None within a body."""

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ASYNC109 - httpcore's
        """Return the next bytes; a head comes in one piece."""
        while self._head is not None:
            if end := _HEAD_END.search(self._head):
                head, rest = bytes(self._head[: end.end()]), self._head[end.end() :]
                interim = head.split(b" ", 2)[1:2] and head.split(b" ", 2)[1].startswith(b"1")
                self._head = rest if interim else None
                return tidy_head(head) if interim else tidy_head(head) + bytes(rest)
            piece = await self._stream.read(max_bytes, timeout)
            self._head += piece
            if not piece or len(self._head) > _LONGEST_HEAD:
                whole, self._head = bytes(self._head), None
                return whole
        return await self._stream.read(max_bytes, timeout)

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ASYNC109 - httpcore's
        """Send a request; the next thing to arrive is the head of its reply."""
        self._head = bytearray()
        await self._stream.write(buffer, timeout)

    async def aclose(self) -> None:
        """Close the connection."""
        await self._stream.aclose()

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ASYNC109 - the signature is httpcore's
    ) -> httpcore.AsyncNetworkStream:
        """Return the encrypted stream."""
        return LenientStream(await self._stream.start_tls(ssl_context, server_hostname, timeout))

    def get_extra_info(self, info: str) -> Any:
        """Return what the connection knows about itself."""
        return self._stream.get_extra_info(info)


def tidy_head(head: bytes) -> bytes:
    """Return a reply's head without lines that are not header fields.

    A continuation line stays with its field, or goes with what is no field.
    """
    first, *lines = head.split(b"\n")
    kept, keep = [first], False
    for line in lines:
        bare = line.rstrip(b"\r")
        if bare[:1] not in {b" ", b"\t"}:
            field = _FIELD.fullmatch(bare)
            keep = not bare or field is not None
            line = field[1] + field[2] + b"\r" if field else line  # noqa: PLW2901 - "Name : value" is one
        if keep:
            kept.append(line)
    return b"\n".join(kept)


class GuardedBackend(httpcore.AnyIOBackend):
    """Connects only to addresses that `guard.refusal` accepts; raises FetchError for others.

    A name is refused if even one of its addresses is, as such a mixture is typical of DNS rebinding.
    """

    def __init__(
        self, *, allow_private: bool, private_host: str, resolve: Callable[[str, int], list[str]]
    ) -> None:
        self._allow_private = allow_private
        self._private_host = guard.normalised(private_host)
        self._resolve = resolve

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - the signature is httpcore's
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Look `host` up once, check all of its addresses and connect to the first that answers."""
        # An address needs no look-up, nor a thread for it.
        spelt = guard.literal(host)
        addresses = [spelt] if spelt else await _in_thread(self._resolve, host, port)
        self._judge(host, addresses)
        # The last one may use all the time that is left.
        for address in addresses[:-1]:
            try:
                return LenientStream(
                    await super().connect_tcp(address, port, _PATIENCE, local_address, socket_options)
                )
            except (httpcore.ConnectError, httpcore.ConnectTimeout):
                continue
        return LenientStream(
            await super().connect_tcp(addresses[-1], port, timeout, local_address, socket_options)
        )

    async def connect_unix_socket(self, path: str, *_: Any, **__: Any) -> httpcore.AsyncNetworkStream:
        """Refuse: no feed comes from a socket file."""
        raise FetchError(f"refused: {path} is no internet address")

    def _judge(self, host: str, addresses: list[str]) -> None:
        private = self._allow_private or (
            bool(self._private_host) and guard.normalised(host) == self._private_host
        )
        for address in addresses:
            if kind := guard.refusal(address, private_allowed=private):
                verb = "is" if guard.literal(host) else "resolves to"
                advice = (
                    "" if guard.forbidden_always(address) else " (the feed's private_host would allow it)"
                )
                raise FetchError(f"refused: {host} {verb} the {kind} address {address}{advice}")


def transport(
    backend: httpcore.AsyncNetworkBackend, context: ssl.SSLContext, *, connections: int
) -> httpx.AsyncHTTPTransport:
    """Return an httpx transport that reaches the network only through `backend`.

    httpx has no parameter for the backend, so its pool is replaced by one made with httpcore's public
    constructor; a test checks that the attribute still exists.
    """
    made = httpx.AsyncHTTPTransport(verify=context, trust_env=False)
    made._pool = httpcore.AsyncConnectionPool(  # noqa: SLF001
        ssl_context=context,
        max_connections=connections,
        max_keepalive_connections=connections,
        keepalive_expiry=_IDLE_SECONDS,
        network_backend=backend,
    )
    return made


def look_up(host: str, port: int) -> list[str]:
    """Return the addresses of a host, in the order that the system prefers."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(info[4][0]) for info in found))


async def _in_thread(resolve: Callable[[str, int], list[str]], host: str, port: int) -> list[str]:
    """Run a look-up in a thread that need not end: a dead name server must not delay a stop."""
    outcome: Future[list[str]] = Future()
    outcome.set_running_or_notify_cancel()

    def work() -> None:
        try:
            outcome.set_result(resolve(host, port))
        except BaseException as error:  # noqa: BLE001 - raised where it is awaited
            outcome.set_exception(error)

    # Not the event loop's executor, whose threads are joined at the end; getaddrinfo cannot be cancelled.
    threading.Thread(target=work, name=f"look-up {host}", daemon=True).start()
    return await asyncio.wrap_future(outcome)


def explain(error: BaseException) -> str:
    """Return one line that says why a request failed, from the innermost cause that is known."""
    for cause in _chain(error):
        if line := _explain(cause):
            return line
    return "the connection failed"


def _explain(error: BaseException) -> str:  # noqa: PLR0911 - one line for each cause
    match error:
        case ssl.SSLCertVerificationError():
            reason = error.verify_message.removeprefix("Hostname mismatch, ").rstrip(".")
            return reason if reason.startswith("certificate") else f"certificate not accepted: {reason}"
        case ssl.SSLError():
            return "the TLS handshake failed"
        # The name server did not answer, which may be our network's fault as well as the publisher's.
        case socket.gaierror(errno=socket.EAI_AGAIN):
            return "the name could not be looked up"
        case socket.gaierror() | UnicodeError():
            return "name not found"
        case ConnectionRefusedError():
            return "connection refused"
        case ConnectionResetError():
            return "connection reset"
        case OSError(errno=int(), strerror=str(reason)):
            return reason.lower()
        case httpx.RemoteProtocolError():
            silent = "disconnected" in str(error)
            return "closed without an answer" if silent else "the answer is not valid HTTP"
        case _:
            return ""


def _chain(error: BaseException) -> list[BaseException]:
    """Return an exception and its causes, the innermost first."""
    found: list[BaseException] = []
    step: BaseException | None = error
    while step is not None and step not in found:
        found.insert(0, step)
        step = step.__cause__ or step.__context__
    return found
