"""Queues, gaps and limits when many feeds are polled at once."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from loopback import Loopback, Reply, redirect

from monitor.fetch import Fetcher, Settings
from monitor.models import Feed, FeedState

SETTINGS = Settings(
    user_agent="monitor/1",
    timeout=timedelta(seconds=15),
    max_bytes=100_000,
    concurrency=16,
    per_host=2,
    allow_private_addresses=True,
    host_gap=timedelta(0),
)


def to_loopback(host: str, port: int) -> list[str]:
    """Resolve every name to loopback, so that a test can serve a name that looks public."""
    return ["127.0.0.1"]


def pairs(urls):
    return [(Feed(url=url), FeedState(url=url)) for url in urls]


async def test_every_feed_gets_one_request_and_one_response():
    async with Loopback() as server, Fetcher(SETTINGS) as fetcher:
        urls = [server.on(f"/{number}", Reply(b"%d" % number)) for number in range(40)]
        bodies = {r.feed.url: r.body async for r in fetcher.fetch_all(pairs(urls))}
        assert bodies == {url: b"%d" % number for number, url in enumerate(urls)}
        assert len(server.requests) == 40


async def test_responses_come_as_they_arrive_and_the_slow_hold_nobody_up():
    async with Loopback() as server, Loopback() as slow, Fetcher(SETTINGS) as fetcher:
        urls = [slow.on("/slow", Reply(b"slow", delay=0.3)), server.on("/quick", Reply(b"quick"))]
        assert [r.body async for r in fetcher.fetch_all(pairs(urls))] == [b"quick", b"slow"]


@pytest.mark.parametrize("per_host", [1, 3])
async def test_no_more_than_per_host_at_once(per_host):
    async with Loopback() as server, Fetcher(replace(SETTINGS, per_host=per_host)) as fetcher:
        urls = [server.on(f"/{number}", Reply(b"x", delay=0.02)) for number in range(12)]
        assert [r.error async for r in fetcher.fetch_all(pairs(urls))] == [""] * 12
        assert server.most_busy == per_host
        assert server.connections <= per_host


async def test_no_more_than_concurrency_over_all_hosts():
    settings = replace(SETTINGS, per_host=4, concurrency=3)
    async with Loopback() as server, Fetcher(settings, resolve=to_loopback) as fetcher:
        server.on("/feed", Reply(b"x", delay=0.02))
        urls = [server.url(f"/feed?{n}", host=f"host{n % 5}.test") for n in range(15)]
        assert [r.error async for r in fetcher.fetch_all(pairs(urls))] == [""] * 15
        assert server.most_busy == 3


async def test_a_response_that_was_not_taken_keeps_its_slot():
    settings = replace(SETTINGS, per_host=4, concurrency=3)
    async with Loopback() as server, Fetcher(settings, resolve=to_loopback) as fetcher:
        server.on("/feed", Reply(b"x"))
        urls = [server.url(f"/feed?{n}", host=f"host{n}.test") for n in range(15)]
        responses = fetcher.fetch_all(pairs(urls))
        await anext(responses)
        await server.wait_for(4)
        await asyncio.sleep(0.1)  # there is no event for "nothing more comes"
        assert len(server.requests) <= 1 + 1 + 3  # the first, the next in the queue, and one in each slot
        assert len([response async for response in responses]) == 14


async def test_requests_to_one_public_host_keep_a_gap():
    settings = replace(SETTINGS, host_gap=timedelta(seconds=0.15))
    async with Loopback() as server, Fetcher(settings, resolve=to_loopback) as fetcher:
        server.on("/feed", Reply(b"x"))
        urls = [server.url(f"/feed?{n}", host="one.test") for n in range(4)]
        urls += [server.url(f"/feed?{n}", host=f"other{n}.test") for n in range(4)]
        async for response in fetcher.fetch_all(pairs(urls)):
            assert response.ok
        times: dict[str, list[float]] = {host: [] for host in ("one", "other")}
        for request in server.requests:
            times["one" if request.headers["host"].startswith("one.") else "other"].append(request.at)
    gaps = [later - earlier for earlier, later in zip(times["one"], times["one"][1:], strict=False)]
    assert min(gaps) > 0.07  # a slow connection may bring a request closer to the next one
    assert times["one"][-1] - times["one"][0] > 0.35
    assert times["other"][-1] - times["other"][0] < 0.35


async def test_private_hosts_need_no_gap():
    settings = replace(SETTINGS, host_gap=timedelta(seconds=30))
    async with Loopback() as server, Fetcher(settings) as fetcher:
        urls = [server.on(f"/{number}", Reply(b"x")) for number in range(10)]
        async with asyncio.timeout(10):
            assert [r.body async for r in fetcher.fetch_all(pairs(urls))] == [b"x"] * 10


@pytest.mark.parametrize("headers", [{"Retry-After": "600"}, {}])
async def test_a_public_host_that_asks_for_a_pause_gets_it_from_all_its_feeds(headers):
    async with Loopback() as server, Fetcher(replace(SETTINGS, per_host=1), resolve=to_loopback) as fetcher:
        server.on("/feed", Reply(status=429, headers=headers))
        urls = [server.url(f"/feed?{n}", host="busy.test") for n in range(3)]
        responses = [r async for r in fetcher.fetch_all(pairs(urls))]
        assert len(server.requests) == 1
        assert responses[0].error == "HTTP 429 Too Many Requests"
        for response in responses[1:]:
            assert response.error == "not asked: busy.test wants no requests for 10 minutes"
            assert timedelta(minutes=9) < response.retry_after <= timedelta(minutes=10)
            assert not response.unreachable
        again = await fetcher.get(urls[0])
        assert again.error.startswith("not asked")
        server.on("/other", Reply(b"x"))
        assert (await fetcher.get(server.url("/other", host="idle.test"))).ok


async def test_a_pause_of_a_private_server_is_for_one_feed():
    async with Loopback() as server, Fetcher(replace(SETTINGS, per_host=1)) as fetcher:
        urls = [
            server.on("/busy", Reply(status=429, headers={"Retry-After": "600"})),
            server.on("/idle", Reply(b"x")),
        ]
        responses = {r.feed.url: r async for r in fetcher.fetch_all(pairs(urls))}
    assert responses[urls[0]].retry_after == timedelta(minutes=10)
    assert responses[urls[1]].ok


async def test_the_host_that_asked_gets_the_pause_and_not_the_one_that_redirected_there():
    async with Loopback() as server, Fetcher(replace(SETTINGS, per_host=1), resolve=to_loopback) as fetcher:
        server.on("/away", redirect(server.url("/busy", host="busy.test")))
        server.on("/busy", Reply(status=503, headers={"Retry-After": "600"}))
        server.on("/feed", Reply(b"x"))
        assert (await fetcher.get(server.url("/away", host="proxy.test"))).retry_after == timedelta(
            minutes=10
        )
        assert (await fetcher.get(server.url("/feed", host="proxy.test"))).ok
        assert (await fetcher.get(server.url("/feed", host="busy.test"))).error.startswith("not asked")


async def test_a_plain_503_pauses_nobody_else():
    async with Loopback() as server, Fetcher(replace(SETTINGS, per_host=1), resolve=to_loopback) as fetcher:
        server.on("/down", Reply(status=503))
        server.on("/up", Reply(b"x"))
        urls = [server.url(path, host="host.test") for path in ("/down", "/up")]
        errors = [r.error async for r in fetcher.fetch_all(pairs(urls))]
    assert errors == ["HTTP 503 Service Unavailable", ""]


async def test_a_moved_feed_is_polled_where_it_is_now():
    async with Loopback() as server, Fetcher(SETTINGS) as fetcher:
        url, location = server.on("/old", redirect("/new", 301)), server.on("/new", Reply(b"x"))
        state = FeedState(url=url, location=location)
        response = await anext(fetcher.fetch_all([(Feed(url=url), state)]))
        assert (response.feed.url, response.url, response.moved_to) == (url, location, "")
        assert [request.path for request in server.requests] == ["/new"]


async def test_leaving_early_ends_the_other_polls():
    async with Loopback() as server, Fetcher(SETTINGS) as fetcher:
        urls = [server.on("/quick", Reply(b"x")), server.on("/never", Reply(stall_headers=True))]
        arriving: Any = fetcher.fetch_all(pairs(urls))
        assert (await anext(arriving)).ok
        async with asyncio.timeout(5):
            await arriving.aclose()
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_polls_that_nobody_waits_for_any_more_end_with_the_fetcher():
    async with Loopback() as server:
        urls = [server.on("/quick", Reply(b"x")), server.on("/never", Reply(stall_headers=True))]
        async with Fetcher(SETTINGS) as fetcher:
            arriving: Any = fetcher.fetch_all(pairs(urls))
            assert (await anext(arriving)).ok
        assert asyncio.all_tasks() - {asyncio.current_task()} == server.tasks
        await arriving.aclose()


async def test_a_cancelled_poll_stops_at_once():
    async with Loopback() as server, Fetcher(SETTINGS) as fetcher:
        arriving = fetcher.fetch_all(pairs([server.on("/never", Reply(stall_headers=True))]))
        task = asyncio.ensure_future(anext(arriving))
        await server.wait_for(1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_get_is_a_guarded_bounded_poll_without_a_feed():
    async with Loopback() as server, Fetcher(replace(SETTINGS, allow_private_addresses=False)) as fetcher:
        url = server.on("/page", Reply(b"x" * 200))
        assert (await fetcher.get(url)).error.startswith("refused")
        assert (await fetcher.get(url, private_host="127.0.0.1")).body == b"x" * 200
        assert (
            await fetcher.get(url, private_host="127.0.0.1", max_bytes=100)
        ).error == "the body is larger than 100 bytes"


async def test_no_feeds_no_responses():
    async with Fetcher(SETTINGS) as fetcher:
        assert [r async for r in fetcher.fetch_all([])] == []


async def test_outside_its_context_a_fetcher_refuses_to_work():
    response = await Fetcher(SETTINGS).get("http://127.0.0.1/")
    assert response.error.startswith("internal error: RuntimeError at fetcher.py:")


async def test_connections_are_closed_after_the_poll():
    async with Loopback() as server, Fetcher(SETTINGS) as fetcher:
        urls = [server.on(f"/{n}", Reply(b"x")) for n in range(6)]
        async for _ in fetcher.fetch_all(pairs(urls)):
            pass
        async with asyncio.timeout(5):
            await server.wait_until_idle()
        assert [len(server.seen(f"/{n}")) for n in range(6)] == [1] * 6
        assert not server.tasks
