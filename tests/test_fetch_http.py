"""One poll of a loopback server that redirects, lies, drips, stalls and breaks off."""

from __future__ import annotations

import base64
import gzip
import string
import time
import tracemalloc
import zlib
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from loopback import Loopback, Reply, Request, redirect

from monitor.fetch import Fetcher, Settings
from monitor.models import Feed, FeedState, Response

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
SETTINGS = Settings(
    user_agent="monitor/1 (+https://monitor.example/about; reader@example.org)",
    timeout=timedelta(seconds=15),
    max_bytes=100_000,
    concurrency=16,
    per_host=16,
    allow_private_addresses=True,
    interval=timedelta(minutes=30),
    min_interval=timedelta(minutes=10),
    max_interval=timedelta(days=1),
)
FEED = b"<rss version='2.0'><channel/></rss>"


async def poll(url: str, state: FeedState | None = None, **changes: Any) -> Response:
    feed = Feed(url=url)
    async with Fetcher(replace(SETTINGS, **changes)) as fetcher:
        responses = [r async for r in fetcher.fetch_all([(feed, state or FeedState(url=url))], now=NOW)]
    assert len(responses) == 1
    assert responses[0].feed == feed
    return responses[0]


async def test_a_plain_poll_brings_body_validators_and_freshness():
    async with Loopback() as server:
        headers = {
            "ETag": 'W/"a,b"',
            "Last-Modified": "yesterday-ish",
            "Content-Type": "text/xml; charset=utf-8",
            "Cache-Control": "max-age=600",
        }
        url = server.on("/feed?token=1", Reply(FEED, headers=headers))
        server.on("/feed", Reply(FEED, headers=headers))
        response = await poll(url)
    assert response == Response(
        feed=Feed(url=url),
        url=url,
        status=200,
        body=FEED,
        content_type="text/xml; charset=utf-8",
        etag='W/"a,b"',
        last_modified="yesterday-ish",
        max_age=timedelta(minutes=10),
    )
    assert response.ok


async def test_a_request_names_the_program_and_what_it_accepts():
    async with Loopback() as server:
        server.on("/feed", Reply(FEED, headers={"Set-Cookie": "id=1", "ETag": '"1"'}))
        server.on("/moved", Reply(status=302, headers={"Location": "/feed"}))
        await poll(server.url("/moved"))
        assert [request.target for request in server.requests] == ["/moved", "/feed"]
        for request in server.requests:
            assert request.method == "GET"
            assert set(request.headers) == {"host", "user-agent", "accept", "accept-encoding"}
            assert request.headers["user-agent"] == SETTINGS.user_agent
            assert request.headers["accept-encoding"] == "gzip"


async def test_a_cookie_lives_as_long_as_a_chain_of_redirects_at_its_host():
    def gate(request: Request) -> Reply:
        if request.headers.get("cookie") == "seen=1":
            return Reply(FEED, headers={"Set-Cookie": "more=2"})
        return redirect("/gate")

    async with Loopback() as ours, Loopback(host="127.0.0.2") as other, Fetcher(SETTINGS) as fetcher:
        url = ours.on("/feed", gate)
        ours.on("/gate", Reply(status=302, headers={"Location": "/feed", "Set-Cookie": "seen=1; Path=/"}))
        assert (await fetcher.get(url)).body == FEED
        assert (await fetcher.get(url)).body == FEED
        assert ["cookie" in request.headers for request in ours.requests] == [False, False, True] * 2
        other.on("/x", Reply(FEED))
        there = {"Location": other.url("/x", host="127.0.0.2"), "Set-Cookie": "seen=1"}
        assert (await fetcher.get(ours.on("/away", Reply(status=302, headers=there)))).body == FEED
        assert "cookie" not in other.requests[0].headers


async def test_not_modified_is_believed_for_a_day():
    async with Loopback() as server:
        url = server.on("/feed", Reply(FEED))
        state = FeedState(url=url, etag='"1"', validators_url=url)
        # The last one: fetched while our clock was months ahead.
        for age in (timedelta(hours=23), timedelta(hours=25), None, timedelta(days=-90)):
            await poll(url, replace(state, last_document_at=NOW - age if age else None))
    assert ["if-none-match" in request.headers for request in server.requests] == [True, *[False] * 3]


VALIDATORS = st.text(
    st.characters(min_codepoint=33, max_codepoint=255, blacklist_categories=["Cc"]), min_size=1, max_size=30
)


@settings(
    max_examples=settings.default.max_examples // 4,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(etag=VALIDATORS, last_modified=VALIDATORS)
async def test_validators_travel_byte_for_byte(etag, last_modified):
    def answer(request: Request) -> Reply:
        if "if-none-match" in request.headers:
            return Reply(status=304)
        return Reply(FEED, headers={"ETag": etag, "Last-Modified": last_modified})

    async with Loopback() as server, Fetcher(SETTINGS) as fetcher:
        url = server.on("/feed", answer)
        first = await anext(fetcher.fetch_all([(Feed(url=url), FeedState(url=url))]))
        state = FeedState(
            url=url, etag=first.etag, last_modified=first.last_modified, validators_url=first.url
        )
        second = await anext(fetcher.fetch_all([(Feed(url=url), state)]))
        sent = server.requests[1].headers
    assert (sent["if-none-match"], sent["if-modified-since"]) == (etag, last_modified)
    assert second.not_modified
    assert second.ok
    assert second.body == b""


async def test_only_what_was_given_is_sent_back():
    async with Loopback() as server:
        url = server.on("/feed", Reply(status=304))
        state = FeedState(url=url, last_modified="then", validators_url=url, last_document_at=NOW)
        assert (await poll(url, state)).not_modified
        assert "if-none-match" not in server.requests[0].headers
        assert server.requests[0].headers["if-modified-since"] == "then"


async def test_a_304_may_renew_validators_and_freshness():
    async with Loopback() as server:
        url = server.on("/feed", Reply(status=304, headers={"ETag": '"2"', "Cache-Control": "max-age=60"}))
        response = await poll(url, FeedState(url=url, etag='"1"', validators_url=url, last_document_at=NOW))
    assert (response.etag, response.max_age, response.not_modified) == ('"2"', timedelta(minutes=1), True)


async def test_a_304_that_nobody_asked_for_is_an_error():
    async with Loopback() as server:
        response = await poll(server.on("/feed", Reply(status=304)))
    assert response.error == "HTTP 304 Not Modified"
    assert not response.not_modified


async def test_validators_go_to_the_origin_that_gave_them_and_to_no_other():
    async with Loopback() as ours, Loopback() as other:
        url = ours.on("/feed", redirect(other.on("/feed", Reply(FEED))))
        state = FeedState(
            url=url,
            etag='"1"',
            last_modified="then",
            validators_url=ours.url("/old"),
            last_document_at=NOW,
        )
        await poll(url, state)
        assert ours.requests[0].headers["if-none-match"] == '"1"'
        assert not {"if-none-match", "if-modified-since"} & other.requests[0].headers.keys()
        await poll(url, replace(state, validators_url=other.url("/feed")))
        assert "if-none-match" not in ours.requests[1].headers
        assert other.requests[1].headers["if-none-match"] == '"1"'
        await poll(url, replace(state, validators_url=""))
        assert "if-none-match" not in ours.requests[2].headers


async def test_credentials_go_to_their_origin_only_and_are_in_no_answer():
    async with Loopback() as ours, Loopback() as other:
        ours.on("/feed", redirect("/here", 301))
        ours.on("/here", redirect(other.url("/there", userinfo="evil:trap"), 301))
        other.on("/there", Reply(FEED))
        response = await poll(ours.url("/feed", userinfo="us%20er:p%40ss"))
        expected = "Basic " + base64.b64encode(b"us er:p@ss").decode()
        assert [request.headers.get("authorization") for request in ours.requests] == [expected] * 2
        assert "authorization" not in other.requests[0].headers
    assert response.url == response.moved_to == other.url("/there")


async def test_credentials_follow_a_feed_to_its_new_place_at_the_same_origin():
    async with Loopback() as ours, Loopback() as other:
        ours.on("/new", Reply(status=401))
        other.on("/new", Reply(FEED))
        url = ours.url("/feed", userinfo="user:secret")
        response = await poll(url, FeedState(url=url, location=ours.url("/new")))
        assert ours.requests[0].headers["authorization"].startswith("Basic ")
        assert (response.error, response.url) == ("HTTP 401 Unauthorized", ours.url("/new"))
        await poll(url, FeedState(url=url, location=other.url("/new")))
        assert "authorization" not in other.requests[0].headers


async def test_credentials_in_the_address_are_not_a_move():
    async with Loopback() as server:
        server.on("/feed", Reply(FEED))
        response = await poll(server.url("/feed#top", userinfo="user:secret"))
    assert (response.moved_to, response.url) == ("", server.url("/feed"))


@settings(max_examples=settings.default.max_examples // 4)
@given(st.lists(st.sampled_from([301, 302, 303, 307, 308]), max_size=8))
async def test_redirect_chains(statuses):
    async with Loopback() as server:
        for number, status in enumerate(statuses):
            server.on(f"/{number}", redirect(f"{number + 1}", status))
        server.on(f"/{len(statuses)}", Reply(FEED))
        response = await poll(server.url("/0"))
        if len(statuses) > 5:
            assert response.error == "more than 5 redirects"
            assert len(server.requests) == 6
            return
        assert response.body == FEED
        assert response.url == server.url(f"/{len(statuses)}")
        permanent = bool(statuses) and set(statuses) <= {301, 308}
        assert response.moved_to == (response.url if permanent else "")


@pytest.mark.parametrize("status", [301, 308])
async def test_a_permanent_redirect_counts_only_when_it_leads_somewhere(status):
    async with Loopback() as server:
        url = server.on("/feed", redirect("/nowhere", status))
        response = await poll(url)
    assert (response.error, response.moved_to) == ("HTTP 404 Not Found", "")


@pytest.mark.parametrize(
    ("location", "error"),
    [
        ("ftp://example.org/feed", "refused: ftp address, only http and https are fetched"),
        ("file:///etc/passwd", "refused: file address, only http and https are fetched"),
        ("gopher://127.0.0.1:25/x", "refused: gopher address, only http and https are fetched"),
        ("javascript:alert(1)", "refused: javascript address, only http and https are fetched"),
        ("http://[::1", "the address is not valid"),
        ("http://a:99999/", "the address is not valid"),
        ("http://a:0/", "the address is not valid"),
        ("http://[fe80::1%25eth0]/", "the address is not valid"),
        ("", "HTTP 302 Found without a location"),
        ("http://169.254.169.254/", "refused: 169.254.169.254 is the link-local address 169.254.169.254"),
        ("http://[::ffff:a9fe:a9fe]/", "refused: ::ffff:a9fe:a9fe is the link-local address"),
        ("http://2852039166/", "refused: 2852039166 is the link-local address 169.254.169.254"),
        ("http://0xA9.0376.43518/", "refused: 0xa9.0376.43518 is the link-local address 169.254.169.254"),
    ],
)
async def test_redirects_lead_only_to_where_a_feed_may_be(location, error):
    async with Loopback() as server:
        response = await poll(server.on("/feed", redirect(location)))
    assert response.error.startswith(error)
    assert not response.unreachable


@pytest.mark.parametrize(
    "url", ["ftp://example.org/", "feed.xml", "http://", "http://[", "mailto:a@b.c", "//x/y"]
)
async def test_an_invalid_feed_address_is_an_error_and_not_an_exception(url):
    response = await poll(url)
    assert response.error.startswith(("refused", "the address is not valid"))
    assert response.status is None


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (404, "HTTP 404 Not Found"),
        (410, "HTTP 410 Gone"),
        (500, "HTTP 500 Internal Server Error"),
        (206, "HTTP 206 Partial Content"),
        (300, "HTTP 300 Multiple Choices"),
        (599, "HTTP 599"),
    ],
)
async def test_error_statuses_are_named_and_their_bodies_not_read(status, error):
    async with Loopback() as server:
        headers = {"ETag": '"e"', "Cache-Control": "max-age=9", "Retry-After": "60"}
        url = server.on("/feed", Reply(b"x" * 50, status=status, headers=headers, length=10**9))
        response = await poll(url)
    assert response == Response(feed=Feed(url=url), url=url, status=status, error=error)


@pytest.mark.parametrize("status", [429, 503])
async def test_retry_after_counts_on_429_and_503(status):
    async with Loopback() as server:
        url = server.on("/feed", Reply(status=status, headers={"Retry-After": "120"}))
        assert (await poll(url)).retry_after == timedelta(minutes=2)
        url = server.on(
            "/date", Reply(status=status, headers={"Retry-After": "Mon, 23 Nov 2026 12:30:00 GMT"})
        )
        assert (await poll(url)).retry_after == timedelta(minutes=30)
        url = server.on("/junk", Reply(status=status, headers={"Retry-After": "later"}))
        assert (await poll(url)).retry_after is None


ENCODED = {
    "gzip, deflate": gzip.compress(FEED),
    "gzip, deflate, br": gzip.compress(FEED),
    "gzip": gzip.compress(FEED),
    "x-gzip": gzip.compress(FEED),
    "deflate": zlib.compress(FEED),
    "identity": FEED,
}


@pytest.mark.parametrize("name", ENCODED)
@pytest.mark.parametrize("chunked", [False, True])
async def test_encoded_bodies_are_decoded(name, chunked):
    async with Loopback() as server:
        url = server.on(
            "/feed", Reply(ENCODED[name], headers={"Content-Encoding": name}, chunked=chunked, drip=(9, 0))
        )
        response = await poll(url)
    assert (response.body, response.complete, response.error) == (FEED, True, "")


@pytest.mark.parametrize("name", ["br", "zstd", "gzip, br"])
async def test_encodings_that_were_not_asked_for_are_refused(name):
    async with Loopback() as server:
        response = await poll(
            server.on("/feed", Reply(b"\x0b\x02" + FEED, headers={"Content-Encoding": name}))
        )
    assert "encod" in response.error
    assert (response.body, response.status) == (b"", 200)


GZIP = {"Content-Encoding": "gzip"}


@pytest.mark.parametrize(
    "reply",
    [
        Reply(b"x" * 100_001),
        Reply(b"x" * 100_001, chunked=True),
        Reply(b"x" * 100_001, length=-1),
        Reply(gzip.compress(bytes(100_001)), headers=GZIP),
        Reply(zlib.compress(bytes(100_001)), headers={"Content-Encoding": "deflate"}),
        Reply(gzip.compress(b"") * 5_100, headers=GZIP),
    ],
)
async def test_limits_hold_for_wire_and_body_with_and_without_a_length(reply):
    async with Loopback() as server:
        response = await poll(server.on("/feed", reply))
    assert response.error in {"the body is larger than 100 kB", "the gzip body has more than 16 members"}
    assert response.body == b""


async def test_a_bomb_does_not_grow_in_memory():
    bomb = gzip.compress(bytes(300_000_000), compresslevel=1)
    async with Loopback() as server:
        url = server.on("/feed", Reply(bomb, headers=GZIP))
        tracemalloc.start()
        response = await poll(url, max_bytes=2_000_000)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert response.error == "the body is larger than 2 MB"
    assert peak < 12_000_000


async def test_a_body_of_exactly_the_limit_is_accepted():
    async with Loopback() as server:
        response = await poll(server.on("/feed", Reply(b"x" * 100_000)))
    assert len(response.body) == 100_000


BYTES = bytes(range(256)) * 40


@pytest.mark.parametrize(
    "reply",
    [
        Reply(BYTES, cut=5_000),
        Reply(BYTES, cut=5_000, chunked=True),
        Reply(gzip.compress(BYTES), headers=GZIP, cut=300),
        Reply(gzip.compress(BYTES)[:300], headers=GZIP),
        Reply(gzip.compress(BYTES)[:300], headers=GZIP, length=-1),
    ],
)
async def test_a_cut_body_is_used_but_not_believed(reply):
    async with Loopback() as server:
        reply = replace(reply, headers={**reply.headers, "ETag": '"1"', "Last-Modified": "then"})
        response = await poll(server.on("/feed", reply))
    assert response.ok
    assert not response.complete
    assert response.body
    assert BYTES.startswith(response.body)
    assert (response.etag, response.last_modified) == ("", "")


async def test_a_body_cut_before_its_first_byte_is_an_error():
    async with Loopback() as server:
        response = await poll(server.on("/feed", Reply(FEED, cut=0)))
    assert response.error == "the connection broke off before the body"


async def test_a_corrupt_body_is_an_error():
    async with Loopback() as server:
        response = await poll(server.on("/feed", Reply(b"not gzip at all", headers=GZIP)))
    assert response.error == "the gzip body is corrupt"


@pytest.mark.parametrize(
    ("reply", "status"),
    [
        (Reply(stall_headers=True), None),
        (Reply(FEED, stall_body=True), 200),
        (Reply(b"x" * 10_000, drip=(1, 0.02)), 200),
        (Reply(b"x" * 10_000, drip=(1, 0.02), chunked=True), 200),
    ],
)
async def test_one_deadline_ends_every_kind_of_slowness(reply, status):
    async with Loopback() as server:
        started = time.monotonic()
        response = await poll(server.on("/feed", reply), timeout=timedelta(seconds=0.3))
    assert response.error == "timed out after 0.3 s"
    assert (response.status, response.unreachable) == (status, status is None)
    assert 0.25 < time.monotonic() - started < 3


async def test_the_deadline_spans_all_hops():
    async with Loopback() as server:
        url = server.on("/feed", replace(redirect("/feed"), delay=0.12))
        response = await poll(url, timeout=timedelta(seconds=0.3))
        assert response.error == "timed out after 0.3 s"
        assert len(server.requests) <= 3
    assert not response.unreachable


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        (Reply(close=True), "closed without an answer"),
        (Reply(raw=b"220 smtp.example.org ESMTP\r\n"), "closed without an answer"),
        (Reply(raw=b"220 smtp.example.org ESMTP\r\n\r\n"), "the answer is not valid HTTP"),
        (Reply(raw=b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n"), "the answer is not valid HTTP"),
        (Reply(raw=b"HTTP/1.1 200 OK\r\nX: " + b"x" * 200_000), "the answer is not valid HTTP"),
    ],
)
async def test_an_answer_that_is_not_http_is_named(reply, error):
    async with Loopback() as server:
        response = await poll(server.on("/feed", reply))
    assert response.error == error
    assert not response.unreachable


@pytest.mark.parametrize(
    "lines",
    [
        b"bad header",
        b"bad header\r\n  that goes on",
        b"Warning: x in /feed.php on line 3: y\0",
        b": nameless",
        b"Content-Type : text/xml",
        b"X-Name\xff: y",
    ],
)
async def test_a_line_that_is_not_a_header_is_skipped(lines):
    head = b"HTTP/1.1 103 Early\r\n" + lines + b"\r\n\r\nHTTP/1.1 200 OK\r\n" + lines + b"\r\nETag: 1\r\n\r\n"
    async with Loopback() as server:
        response = await poll(server.on("/feed", Reply(raw=head + FEED + lines + b"\r\n\r\n")))
    assert (response.error, response.etag) == ("", "1")
    assert response.body == FEED + lines + b"\r\n\r\n"


async def test_a_connection_is_used_again_after_a_line_that_is_not_a_header():
    async with Loopback() as server, Fetcher(replace(SETTINGS, per_host=1)) as fetcher:
        server.on("/feed", Reply(FEED, headers={"X": "1\r\nnonsense"}))
        pair = [(Feed(url=server.url("/feed")), FeedState(url="x"))] * 3
        bodies = [response.body async for response in fetcher.fetch_all(pair, now=NOW)]
    assert bodies == [FEED] * 3
    assert server.connections == 1


async def test_a_closed_port_is_named():
    async with Loopback() as server:
        url = server.url("/feed")
    response = await poll(url)
    assert (response.error, response.unreachable) == ("connection refused", True)


@settings(max_examples=settings.default.max_examples // 4)
@given(raw=st.binary(max_size=300), body=st.text(string.printable, max_size=50))
async def test_no_answer_raises_or_hangs(raw, body):
    async with Loopback() as server:
        url = server.on("/feed", Reply(raw=b"HTTP/1.1 200 OK\r\n" + body.encode() + raw))
        response = await poll(url, timeout=timedelta(seconds=5))
    assert response.error or response.status == 200
    assert "\n" not in response.error


def test_httpx_still_has_the_pool_that_the_guard_replaces():
    assert "_pool" in vars(httpx.AsyncHTTPTransport())
