"""What is shown or done at which address, and the server."""

from __future__ import annotations

import asyncio
import secrets
import socket
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Final, Protocol
from urllib.parse import parse_qs

import h11
import uvicorn
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route
from uvicorn.protocols.http.h11_impl import H11Protocol

from monitor.errors import MonitorError
from monitor.web import actions, pages
from monitor.web.desk import MissingError, lay
from monitor.web.guard import HEADERS, HOST, refusal

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence
    from contextlib import AbstractContextManager
    from datetime import datetime

    from starlette.requests import Request

    from monitor.config import Config
    from monitor.store import Culprit, Store
    from monitor.web.actions import Form

# Bytes of a form: most have some hundreds, a story of a thousand reports has some ten thousand.
_LARGEST: Final = 256 * 1024
_FIELDS: Final = 5000
_LARGEST_HEAD: Final = 16 * 1024
# Connections: a browser opens six at most.
_AT_ONCE: Final = 50
# Seconds in which a request must have come, and then its form.
_PATIENCE: Final = 10

_READ: Final[Mapping[str, pages.Maker]] = {
    "/": pages.latest,
    "/site.css": pages.style,
    "/index.html": pages.index,
    "/days/next.html": pages.coming,
    "/days/{day}.html": pages.day,
    "/months/{month}.html": pages.month,
    "/stories/s{number:int}.html": pages.story,
    "/entries/e{number:int}.html": pages.entry,
    "/themes.html": pages.themes,
    "/themes/{stem}.html": pages.theme,
    "/affairs.html": pages.affairs,
    "/affairs/a{number:int}.html": pages.affair,
    "/search.html": pages.search,
    "/searches/{stem}.html": pages.saved_search,
    "/why.html": pages.why,
    "/corrections.html": pages.corrections,
    "/{path:path}": pages.missing,
}
_WRITE: Final[Mapping[str, actions.Action]] = {
    "/mark/relevant": partial(actions.mark, relevant=True),
    "/mark/not-relevant": partial(actions.mark, relevant=False),
    "/mark/clear": partial(actions.mark, relevant=None),
    "/mark/beats": actions.beats,
    "/mark/themes": actions.themes,
    "/merge": actions.merge,
    "/split": actions.split,
}


class Access(Protocol):
    """Access to configuration, store and clock; each request uses it again."""

    def now(self) -> datetime:
        """Read the clock."""

    def reading(self) -> AbstractContextManager[tuple[Config, Store]]:
        """Open both, the store to read only. Raises MonitorError."""

    def writing(self) -> AbstractContextManager[tuple[Config, Store]]:
        """Open both. Raises MonitorError."""


def application(access: Access, port: int) -> Starlette:
    """Return the page as an ASGI application; changes need a token that only its own forms carry."""
    token, turn = secrets.token_urlsafe(), asyncio.Lock()

    async def in_turn(work: Callable[[], Response]) -> Response:
        # One after the other, as one person clicks: the packages below are not made for threads.
        async with turn:
            return await run_in_threadpool(work)

    def reading(make: pages.Maker) -> Callable[[Request], Awaitable[Response]]:
        async def endpoint(request: Request) -> Response:
            return await in_turn(lambda: _shown(access, make, request, token))

        return endpoint

    def writing(do: actions.Action) -> Callable[[Request], Awaitable[Response]]:
        async def endpoint(request: Request) -> Response:
            form = await _form(request)
            if not secrets.compare_digest(form.get("token", [""])[0].encode(), token.encode()):
                return await in_turn(lambda: _refused(access, "", 403, token))
            return await in_turn(lambda: _done(access, do, form, token))

        return endpoint

    async def guarded(request: Request, answer: Callable[[Request], Awaitable[Response]]) -> Response:
        reason = refusal(request.method, request.headers, port)
        response = PlainTextResponse(reason, 403) if reason else await answer(request)
        response.headers.update(HEADERS)
        return response

    return Starlette(
        routes=[Route(path, writing(do), methods=["POST"]) for path, do in _WRITE.items()]
        + [Route(path, reading(make), methods=["GET"]) for path, make in _READ.items()],
        middleware=[Middleware(BaseHTTPMiddleware, dispatch=guarded)],
        exception_handlers={MonitorError: _broken},
    )


def _shown(access: Access, make: pages.Maker, request: Request, token: str) -> Response:
    with access.reading() as (config, store), store.snapshot():

        def answer(faults: Sequence[Culprit]) -> Response:
            here, now = _address(request), access.now()
            desk = lay(config, store, now=now, token=token, here=here, faults=faults)
            try:
                found = make(desk, request)
            except MissingError as error:
                found = Response(desk.message(desk.refusal(str(error))), 404, media_type="text/html")
            if faults and found.status_code == 404:  # noqa: PLR2004 - the missing page is that of a fault
                return Response(desk.message(""), 500, media_type="text/html")
            return found

        return store.without_culprits(answer)


def _done(access: Access, do: actions.Action, form: Form, token: str) -> Response:
    try:
        with access.writing() as (config, store):
            return RedirectResponse(do(config, store, form, now=access.now()), 303)
    except MonitorError as error:
        reason = str(error)
    return _refused(access, reason, 409, token)


def _refused(access: Access, reason: str, status: int, token: str) -> Response:
    """Show a page that says why nothing was done; `reason` "" means that the form is from an earlier run."""
    with access.reading() as (config, store):
        desk = lay(config, store, now=access.now(), token=token, here="/")
        said = desk.message(desk.refusal(reason) if reason else desk.text("web_earlier_run"))
        return Response(said, status, media_type="text/html")


def _address(request: Request) -> str:
    return request.url.path + (f"?{request.url.query}" if request.url.query else "")


async def _form(request: Request) -> Form:
    """Read a form. Raises HTTPException if it is too large, too slow or not a form."""
    if request.headers.get("content-type", "").partition(";")[0] != "application/x-www-form-urlencoded":
        raise HTTPException(415)
    body = bytearray()
    try:
        async with asyncio.timeout(_PATIENCE):
            async for chunk in request.stream():
                body += chunk
                if len(body) > _LARGEST:
                    raise HTTPException(413)
        return parse_qs(body.decode(), keep_blank_values=True, max_num_fields=_FIELDS)
    except TimeoutError:
        raise HTTPException(408) from None
    except ValueError:
        raise HTTPException(400) from None


async def _broken(_request: Request, error: Exception) -> Response:
    """Answer where not even a page can be made: the configuration has a fault, the database is damaged."""
    return PlainTextResponse(f"monitor: {error}", 503)


class _Impatient(H11Protocol):
    """HTTP that closes a connection on which no whole request has begun in time: uvicorn waits for ever."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # asyncio passes this kind
        super().connection_made(transport)
        self.loop.call_later(_PATIENCE, self._close_if_idle)

    def _close_if_idle(self) -> None:
        if self.conn.their_state is h11.IDLE:
            self.transport.close()


def listen(port: int) -> socket.socket:
    """Bind a port on this machine's own address, 0 for any that is free. Raises MonitorError."""
    try:
        return socket.create_server((HOST, port))
    except OSError as error:
        raise MonitorError(
            f"port {port} cannot be used: {error.strerror}; --port 0 takes a free one"
        ) from None


def server(access: Access, port: int) -> uvicorn.Server:
    """Return the server for a port whose socket `listen` has bound: `run(sockets=[...])`."""
    settings = uvicorn.Config(
        application(access, port),
        http=_Impatient,
        ws="none",
        lifespan="off",
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        limit_concurrency=_AT_ONCE,
        h11_max_incomplete_event_size=_LARGEST_HEAD,
        timeout_graceful_shutdown=3,
    )
    return uvicorn.Server(settings)


def serve(access: Access, taken: socket.socket) -> None:
    """Answer on a port until SIGINT or SIGTERM."""
    with suppress(KeyboardInterrupt):  # uvicorn passes the signal on when all is closed
        server(access, taken.getsockname()[1]).run(sockets=[taken])
