"""Make one poll over HTTP: a conditional GET that follows redirects, within one deadline and size limit.

Only the transport of httpx is used, since its client would keep cookies, decode bodies without a limit and
log addresses with their secrets. Cookies are kept along one chain of redirects, for pages that set one before
they let us on.
"""

from __future__ import annotations

import asyncio
import base64
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import lru_cache
from http import HTTPStatus
from typing import TYPE_CHECKING
from urllib.parse import urljoin

import httpx

from monitor.errors import FetchError
from monitor.fetch import headers
from monitor.fetch.inflate import Inflater, inflated
from monitor.fetch.network import explain
from monitor.models import Response
from monitor.url import DEFAULT_PORTS, with_ascii_host

if TYPE_CHECKING:
    from datetime import datetime

    from monitor.fetch.settings import Settings
    from monitor.models import Feed, FeedState

MAX_REDIRECTS = 5
# httpx accepts any number as a port.
_LAST_PORT = 65535
_PERMANENT = frozenset({301, 308})
_REDIRECTS = _PERMANENT | {302, 303, 307}
# With a redirect Retry-After means something else, and with most errors nothing (RFC 9110, 10.2.3).
_BUSY = frozenset({HTTPStatus.FORBIDDEN, HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE})
_CONDITIONS = frozenset({"if-none-match", "if-modified-since"})
# How long "not modified" is believed. Some servers say it for ever, as their Last-Modified never changes.
_BELIEVED = timedelta(days=1)
# With `*/*` at the end, as some servers that serve feeds as text/plain would otherwise answer 406.
_ACCEPT = (
    "application/atom+xml, application/rss+xml, application/feed+json, "
    "application/xml;q=0.9, text/xml;q=0.9, application/json;q=0.8, */*;q=0.5"
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Fetch:
    """One fetch to make: the address it starts at, and what decides about its headers."""

    feed: Feed
    target: httpx.URL
    """Without credentials, like every address that leaves this module."""
    state: FeedState
    max_bytes: int
    now: datetime | None


@dataclass(frozen=True, slots=True)
class _Hop:
    url: httpx.URL
    permanent: bool
    """True if all redirects so far were permanent."""


# A poll parses the same address five times, which took a tenth of the time of a request.
parsed = lru_cache(maxsize=64)(httpx.URL)


def fetch_of(feed: Feed, state: FeedState, *, max_bytes: int, now: datetime | None) -> Fetch:
    """Return the fetch of a feed at its current address; raise FetchError if that is no http(s) address."""
    target = _checked(state.location or feed.url)
    return Fetch(feed=feed, target=target, state=state, max_bytes=max_bytes, now=now)


async def get(transport: httpx.AsyncBaseTransport, fetch: Fetch, settings: Settings) -> Response:
    """Make one fetch; `Response.error` says what went wrong.

    Follows RFC 9110 (redirects 15.4, conditional requests 13). One deadline covers everything, from the
    look-up to the last byte.
    """
    partial = Response(feed=fetch.feed, url=str(fetch.target), unreachable=True)
    cookies = httpx.Cookies()
    seconds = settings.timeout.total_seconds()
    try:
        async with asyncio.timeout(seconds):
            hop = _Hop(fetch.target, permanent=True)
            for _ in range(MAX_REDIRECTS + 1):
                partial = replace(partial, url=str(hop.url), status=None)
                request = _request(hop.url, fetch, settings)
                if cookies:
                    cookies.set_cookie_header(request)
                reply = await transport.handle_async_request(request)
                reply.request = request
                partial = replace(partial, status=reply.status_code, unreachable=False)
                try:
                    if reply.status_code not in _REDIRECTS:
                        return await _read(reply, request, hop, fetch)
                    cookies.extract_cookies(reply)
                    hop = _next(reply, hop)
                finally:
                    await reply.aclose()
    except TimeoutError:
        return replace(partial, error=f"timed out after {seconds:g} s")
    except FetchError as error:
        return replace(partial, error=str(error), unreachable=False)
    except httpx.ProtocolError as error:
        return replace(partial, error=explain(error), unreachable=False)
    except (httpx.HTTPError, OSError, UnicodeError) as error:
        return replace(partial, error=explain(error))
    return replace(partial, error=f"more than {MAX_REDIRECTS} redirects")


def _request(url: httpx.URL, fetch: Fetch, settings: Settings) -> httpx.Request:
    """Build the request to one address; secrets and validators only go to the origin they belong to."""
    state = fetch.state
    fields = [
        (b"User-Agent", settings.user_agent.encode()),
        (b"Accept", _ACCEPT.encode()),
        # No br and no zstd: one step may turn 16 KB of them into hundreds of megabytes.
        (b"Accept-Encoding", b"gzip"),
    ]
    if credentials := _credentials(fetch.feed.url, url):
        fields.append((b"Authorization", credentials))
    if _believes_conditions(fetch) and _origin(parsed(state.validators_url)) == _origin(url):
        if state.etag:
            fields.append((b"If-None-Match", state.etag.encode("latin-1", "ignore")))
        if state.last_modified:
            fields.append((b"If-Modified-Since", state.last_modified.encode("latin-1", "ignore")))
    return httpx.Request("GET", url, headers=fields)


def _believes_conditions(fetch: Fetch) -> bool:
    last = fetch.state.last_document_at
    return bool(fetch.state.validators_url) and (
        # Both directions: a date from a clock that ran ahead would be believed until time has caught up.
        fetch.now is None or (last is not None and abs(fetch.now - last) < _BELIEVED)
    )


async def _read(reply: httpx.Response, request: httpx.Request, hop: _Hop, fetch: Fetch) -> Response:
    """Turn the last reply of the chain into a response."""
    status = reply.status_code
    response = Response(feed=fetch.feed, url=str(hop.url), status=status)
    # A 304 to a request without conditions is not an answer.
    unchanged = status == HTTPStatus.NOT_MODIFIED and not _CONDITIONS.isdisjoint(request.headers)
    if not unchanged and (not reply.is_success or status == HTTPStatus.PARTIAL_CONTENT):
        pause = headers.retry_after(reply.headers, now=fetch.now) if status in _BUSY else None
        return replace(response, error=_status_line(status), retry_after=pause)
    response = replace(
        response,
        not_modified=unchanged,
        etag=_raw(reply, b"etag"),
        last_modified=_raw(reply, b"last-modified"),
        max_age=headers.max_age(reply.headers, now=fetch.now),
        moved_to=str(hop.url) if hop.permanent and hop.url != fetch.target else "",
    )
    return response if unchanged else await _with_body(reply, response, fetch.max_bytes)


async def _with_body(reply: httpx.Response, response: Response, max_bytes: int) -> Response:
    inflater = Inflater(headers.encoding(reply.headers), limit=max_bytes)
    cut = False
    try:
        # Raw: httpx decodes a whole chunk before anybody can count it, which took 250 MB for a bomb.
        async for piece in reply.aiter_raw():
            inflater.feed(piece)
    except (httpx.ReadError, httpx.RemoteProtocolError) as error:
        if not inflater.body:
            raise FetchError("the connection broke off before the body") from error
        cut = True
    body = inflated(inflater.body, max_bytes)
    response = replace(response, body=body, content_type=reply.headers.get("content-type", ""))
    # The entries that arrived are used. The validators are not, as a 304 would then hide the missing entries
    # for good.
    if cut or not inflater.complete:
        return replace(response, complete=False, etag="", last_modified="")
    return response


def _next(reply: httpx.Response, hop: _Hop) -> _Hop:
    location = reply.headers.get("location", "").strip()
    if not location:
        raise FetchError(f"{_status_line(reply.status_code)} without a location")
    url = _checked(location, hop.url)
    return _Hop(url, hop.permanent and reply.status_code in _PERMANENT)


def _checked(address: str, base: httpx.URL | None = None) -> httpx.URL:
    try:
        url = parsed(with_ascii_host(urljoin(str(base), address) if base else address))
    except (httpx.InvalidURL, ValueError) as error:
        raise FetchError("the address is not valid") from error
    if url.scheme not in {"http", "https"}:
        raise FetchError(f"refused: {url.scheme or 'no'} address, only http and https are fetched")
    if not url.host or "%" in url.host or (url.port is not None and not 0 < url.port <= _LAST_PORT):
        raise FetchError("the address is not valid")
    return url.copy_with(userinfo=b"", fragment=None) if url.userinfo or url.fragment else url


def _credentials(address: str, url: httpx.URL) -> bytes:
    """Return the Authorization header (RFC 7617), b"" unless the feed has credentials for this origin."""
    if "@" not in address:  # hardly any has
        return b""
    own = parsed(with_ascii_host(address))
    if not own.userinfo or _origin(own) != _origin(url):
        return b""
    return b"Basic " + base64.b64encode(f"{own.username}:{own.password}".encode())


def _origin(url: httpx.URL) -> tuple[str, str, int]:
    return url.scheme, url.host, url.port or DEFAULT_PORTS.get(url.scheme, 0)


def _raw(reply: httpx.Response, name: bytes) -> str:
    """Return a header byte for byte (as Latin-1), since a validator is sent back exactly as it came."""
    return next((value.decode("latin-1") for key, value in reply.headers.raw if key.lower() == name), "")


def _status_line(status: int) -> str:
    phrases = {known.value: known.phrase for known in HTTPStatus}
    return f"HTTP {status} {phrases.get(status, '')}".rstrip()
