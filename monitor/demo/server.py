"""Feeds on loopback for the demo and for replays: one server whose clock is set, a path for each feed."""

from __future__ import annotations

import hashlib
import time
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from datetime import UTC
from email.utils import format_datetime
from functools import partial
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import TYPE_CHECKING, Any, Self

from monitor.demo.formats import FORMATS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from monitor.demo.outlet import Outlet


@dataclass(frozen=True, kw_only=True, slots=True)
class Reply:
    """What a server answers to one request."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


def reply(outlet: Outlet, now: datetime, asked: Mapping[str, str]) -> Reply:
    """Answer a request for an outlet's feed at `now`; `asked` has its headers, in lower case. Pure."""
    if outage := outlet.outage_at(now):
        return Reply(status=outage.status, body=outage.body.encode(), headers=_of_type("text/html"))
    entries = outlet.entries_at(now)
    write, media_type = FORMATS[outlet.format]
    body = write(outlet, entries).encode()
    validators = {"ETag": f'"{hashlib.blake2b(body, digest_size=8).hexdigest()}"'}
    if entries:
        modified = max(entry.updated for entry in entries).astimezone(UTC)
        validators["Last-Modified"] = format_datetime(modified, usegmt=True)
    if _has(asked, validators):
        return Reply(status=HTTPStatus.NOT_MODIFIED, headers=validators)
    return Reply(status=HTTPStatus.OK, body=body, headers=validators | _of_type(media_type))


def _of_type(media_type: str) -> dict[str, str]:
    return {"Content-Type": f"{media_type}; charset=utf-8"}


def _has(asked: Mapping[str, str], validators: Mapping[str, str]) -> bool:
    """Say whether the client has this very document (RFC 9110, section 13.2.2: the tag outranks the date)."""
    if tags := asked.get("if-none-match"):
        return validators["ETag"] in tags
    return "Last-Modified" in validators and asked.get("if-modified-since") == validators["Last-Modified"]


class Server(ABC):
    """Feeds on one loopback port while inside the context, as of `now`; set it to move on."""

    def __init__(self, now: datetime) -> None:
        self.now = now
        # Port 0: the system gives one that is free.
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Handler, self))
        # The default of half a second is what each demo would wait for at its end.
        self._thread = Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05})

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    @property
    def base(self) -> str:
        """Where it is: scheme, host and port."""
        return f"http://127.0.0.1:{self._server.server_port}"

    @abstractmethod
    def answer(self, path: str, asked: Mapping[str, str]) -> Reply:
        """Answer a request."""


class Newsstand(Server):
    """All outlets of the demo, a path for each."""

    def __init__(self, outlets: Iterable[Outlet], now: datetime) -> None:
        super().__init__(now)
        self._outlets = {f"/{outlet.slug}/feed": outlet for outlet in outlets}

    def url(self, outlet: Outlet) -> str:
        """Return the address of an outlet's feed."""
        return f"{self.base}/{outlet.slug}/feed"

    def answer(self, path: str, asked: Mapping[str, str]) -> Reply:
        """Answer a request, slowly where the outlet is slow."""
        outlet = self._outlets.get(path)
        if outlet is None:
            return Reply(status=HTTPStatus.NOT_FOUND)
        time.sleep(outlet.delay)
        return reply(outlet, self.now, asked)


class _Handler(BaseHTTPRequestHandler):
    def __init__(self, stand: Server, *rest: Any) -> None:
        self._stand = stand
        super().__init__(*rest)

    def do_GET(self) -> None:
        asked = {name.lower(): value for name, value in self.headers.items()}
        answer = self._stand.answer(self.path, asked)
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        self.wfile.write(answer.body)

    def log_message(self, *_: Any) -> None:
        """Stay silent: the demo reports in its own words."""
