"""Guarded connections: one look-up, all addresses checked, one of them connected to, TLS bound to the name."""

from __future__ import annotations

import asyncio
import socket
import ssl
import threading
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from loopback import Loopback, Reply, redirect

from monitor.fetch import Fetcher, Settings, network
from monitor.models import Feed, FeedState, Response

if TYPE_CHECKING:
    from collections.abc import Callable

SETTINGS = Settings(
    user_agent="monitor/1",
    timeout=timedelta(seconds=15),
    max_bytes=100_000,
    concurrency=16,
    per_host=2,
    allow_private_addresses=False,
    host_gap=timedelta(0),
)
CERTIFICATE = Path(__file__).parent / "data" / "tls" / "cert.pem"


class Names:
    """A name server for tests: each look-up of a name returns the next answer, or the last one again."""

    def __init__(self, **answers: list[list[str]]) -> None:
        self.answers = {name.replace("_", "."): rows for name, rows in answers.items()}
        self.asked: list[str] = []

    def __call__(self, host: str, port: int) -> list[str]:
        self.asked.append(host)
        if host not in self.answers:
            raise socket.gaierror(socket.EAI_NONAME, "no such name")
        rows = self.answers[host]
        return rows.pop(0) if len(rows) > 1 else rows[0]


async def poll(feed: Feed, names: Callable[[str, int], list[str]] | None = None, **changes: Any) -> Response:
    async with Fetcher(replace(SETTINGS, **changes), resolve=names) as fetcher:
        return await anext(fetcher.fetch_all([(feed, FeedState(url=feed.url))]))


async def test_loopback_is_refused_by_default_and_no_connection_is_made():
    async with Loopback() as server:
        response = await poll(Feed(url=server.on("/feed", Reply(b"feed"))))
        assert (
            response.error
            == "refused: 127.0.0.1 is the loopback address 127.0.0.1 (the feed's private_host would allow it)"
        )
        assert not response.unreachable
        assert server.connections == 0


@pytest.mark.parametrize(
    "host", ["localhost", "localhost.", "LOCALHOST", "127.1", "2130706433", "0x7f.1", "017700000001"]
)
async def test_other_spellings_of_loopback_are_refused_too(host):
    async with Loopback() as server:
        response = await poll(Feed(url=server.url("/feed", host=host)))
        assert response.error.startswith("refused: ") or (
            host == "localhost." and response.error == "name not found"
        )
        assert server.connections == 0


async def test_a_setting_opens_private_addresses_and_never_link_local_ones():
    async with Loopback() as server:
        server.on("/feed", Reply(b"feed"))
        assert (await poll(Feed(url=server.url("/feed", host="localhost")), allow_private_addresses=True)).ok
    response = await poll(Feed(url="http://169.254.169.254/latest"), allow_private_addresses=True)
    assert response.error == "refused: 169.254.169.254 is the link-local address 169.254.169.254"


async def test_a_feed_may_reach_the_private_host_that_its_table_names_and_no_other():
    names = Names(intranet_test=[["127.0.0.1"]], other_test=[["127.0.0.1"]])
    async with Loopback() as server:
        url = server.url("/feed", host="intranet.test")
        server.on("/feed", Reply(b"feed"))
        server.on("/away", redirect(server.url("/feed", host="other.test")))
        assert (await poll(Feed(url=url, private_host="Intranet.test."), names)).ok
        away = Feed(url=server.url("/away", host="intranet.test"), private_host="intranet.test")
        assert (await poll(away, names)).error.startswith("refused: other.test resolves to the loopback")
        assert (await poll(Feed(url=url, private_host="other.test"), names)).error.startswith("refused")
        assert (await poll(Feed(url=url), names)).error.startswith("refused")


async def test_a_feed_never_uses_a_connection_that_another_was_allowed_to_open():
    names = Names(intranet_test=[["127.0.0.1"]])
    async with Loopback() as server:
        server.on("/slow", Reply(b"feed", delay=0.2))
        server.on("/feed", Reply(b"feed"))
        allowed = Feed(url=server.url("/slow", host="intranet.test"), private_host="intranet.test")
        also = Feed(url=server.url("/feed", host="intranet.test"), private_host="intranet.test")
        hostile = Feed(url=server.url("/feed", host="intranet.test"))
        feeds = [allowed, also, hostile]
        async with Fetcher(SETTINGS, resolve=names) as fetcher:
            pairs = [(feed, FeedState(url=feed.url)) for feed in feeds]
            errors = {r.feed: r.error async for r in fetcher.fetch_all(pairs)}
    assert (errors[allowed], errors[also]) == ("", "")
    assert errors[hostile].startswith("refused")


async def test_a_name_that_changes_after_the_check_is_connected_as_checked():
    names = Names(rebind_test=[["93.184.216.34"], ["127.0.0.1"]])
    async with Loopback() as server:
        feed = Feed(url=server.url("/feed", host="rebind.test"))
        response = await poll(feed, names, timeout=timedelta(seconds=0.3))
        assert response.error
        assert names.asked == ["rebind.test"]
        assert server.connections == 0


@pytest.mark.parametrize(
    "bad", ["127.0.0.1", "10.0.0.1", "169.254.169.254", "::ffff:7f00:1", "64:ff9b::a00:1"]
)
async def test_one_bad_address_among_good_ones_refuses_the_name(bad):
    names = Names(mixed_test=[["93.184.216.34", bad]])
    response = await poll(Feed(url="http://mixed.test/feed"), names)
    assert response.error.startswith("refused: mixed.test resolves to the ")


async def test_every_hop_is_judged():
    names = Names(outer_test=[["127.0.0.1"]], inner_test=[["10.1.2.3"]])
    async with Loopback() as server:
        server.on("/feed", redirect("http://inner.test/admin"))
        feed = Feed(url=server.url("/feed", host="outer.test"), private_host="outer.test")
        response = await poll(feed, names)
    assert response.error.startswith("refused: inner.test resolves to the private address 10.1.2.3")


async def test_the_next_address_is_tried_when_one_does_not_answer():
    async with Loopback() as server:
        server.on("/feed", Reply(b"feed"))
        names = Names(two_test=[["::1", "127.0.0.1"]])
        feed = Feed(url=server.url("/feed", host="two.test"))
        assert (await poll(feed, names, allow_private_addresses=True)).body == b"feed"


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (socket.gaierror(socket.EAI_NONAME, "?"), "name not found"),
        (socket.gaierror(socket.EAI_AGAIN, "?"), "the name could not be looked up"),
        (UnicodeError("label too long"), "name not found"),
        (OSError(101, "Network is unreachable"), "network is unreachable"),
        (ConnectionResetError(104, "Connection reset by peer"), "connection reset"),
    ],
)
async def test_failed_look_ups_are_named_and_may_be_our_own_fault(error, words):
    def fail(host: str, port: int) -> list[str]:
        raise error

    response = await poll(Feed(url="http://feed.test/"), fail)
    assert (response.error, response.unreachable) == (words, True)


async def test_a_broken_look_up_costs_one_feed_and_not_the_poll():
    def fail(host: str, port: int) -> list[str]:
        raise ValueError(host)

    response = await poll(Feed(url="http://feed.test/?token=secret"), fail)
    assert response.error.startswith("internal error: ValueError at test_fetch_network.py:")


async def test_a_dead_name_server_neither_blocks_the_deadline_nor_the_end():
    gate = threading.Event()

    def hang(host: str, port: int) -> list[str]:
        gate.wait(30)
        return ["127.0.0.1"]

    response = await poll(Feed(url="http://feed.test/"), hang, timeout=timedelta(seconds=0.2))
    assert (response.error, response.unreachable) == ("timed out after 0.2 s", True)
    thread = next(thread for thread in threading.enumerate() if thread.name == "look-up feed.test")
    assert thread.daemon
    gate.set()
    await asyncio.to_thread(thread.join, 5)


def server_tls() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATE, CERTIFICATE.with_name("key.pem"))
    return context


async def test_certificates_are_checked_against_the_name_and_not_the_address(monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", str(CERTIFICATE))
    names = Names(localhost=[["127.0.0.1"]], evil_test=[["127.0.0.1"]])
    async with Loopback(tls=server_tls()) as server:
        server.on("/feed", Reply(b"feed"))
        good, bad = (Feed(url=server.url("/feed", host=host)) for host in ("localhost", "evil.test"))
        assert (await poll(good, names, allow_private_addresses=True)).body == b"feed"
        response = await poll(bad, names, allow_private_addresses=True)
        assert response.error == "certificate is not valid for 'evil.test'"


async def test_an_unknown_certificate_is_not_accepted():
    async with Loopback(tls=server_tls()) as server:
        response = await poll(Feed(url=server.url("/feed", host="localhost")), allow_private_addresses=True)
        assert response.error.startswith("certificate not accepted: self")
        assert server.requests == []


async def test_tls_to_a_server_without_it_is_named():
    async def answer(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        response = await poll(Feed(url=f"https://127.0.0.1:{port}/feed"), allow_private_addresses=True)
    assert response.error == "the TLS handshake failed"


def test_a_failure_without_a_known_cause_still_has_words():
    assert network.explain(RuntimeError("secret")) == "the connection failed"


async def test_socket_files_are_out_of_reach():
    backend = network.GuardedBackend(allow_private=True, private_host="", resolve=network.look_up)
    with pytest.raises(network.FetchError, match="no internet address"):
        await backend.connect_unix_socket("/run/docker.sock")


async def test_proxies_of_the_environment_are_not_used(monkeypatch):
    async with Loopback() as proxy, Loopback() as server:
        for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY", "https_proxy"):
            monkeypatch.setenv(name, proxy.url())
        response = await poll(Feed(url=server.on("/feed", Reply(b"feed"))), allow_private_addresses=True)
        assert response.ok
        assert proxy.connections == 0


def test_the_system_look_up_gives_each_address_once():
    assert network.look_up("127.0.0.1", 80) == ["127.0.0.1"]
