"""What the two runs do besides their main work: alerts, retention, making a host wait, alternating."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta

import pytest
from loopback import Loopback, Reply
from newsroom import SETTINGS, Desk, at, item, made, page, reject, reported, rss
from smtp import inbox

from monitor import digest, pipeline
from monitor.errors import StoreError
from monitor.fetch import Fetcher
from monitor.models import Entry, Window
from monitor.parse import identifiers
from monitor.tools import Tools

HUGGING = "Artists opened the tool to everyone on Hugging Face for hours."
LEAK = "Artists leak OpenAI tool Sora in protest"


def mail(port: int) -> str:
    return (
        SETTINGS
        + f'[email]\nhost = "127.0.0.1"\nport = {port}\ntls = "none"\nfrom = "m@news.test"\nto = ["r@news.test"]\n'
        + '[digest]\ntime = "23:00"\n[alert]\nmin_score = 1.0\nmin_sources = 2\n'
    )


async def test_a_loud_story_is_reported_at_once_and_once_only(tmp_path):
    async with Loopback() as server, inbox() as box:
        server.on(
            "/a", page(item("a", LEAK, "Some 300 testers put it on Hugging Face, unpaid.", published=at(8)))
        )
        elsewhere = rss(item("b", "Sora leak: 300 OpenAI testers protest", HUGGING, published=at(8)))
        server.on("/b", Reply(elsewhere.replace(b"news.test", b"other.test")))
        other = server.url("/b").replace("127.0.0.1", "localhost")
        desk = Desk(tmp_path, [server.url("/a"), other], settings=mail(box.port))
        config = desk.config
        with desk.store() as store:
            await pipeline.poll(config, store, now=at(9))
            first = await pipeline.publish(config, store, config.channels(), now=at(9))
            again = await pipeline.publish(config, store, config.channels(), now=at(10))

    assert {(d.edition, d.channel, d.state) for d in first} == {
        ("alert:1", "email", "sent"),
        ("alert:1", "archive", "sent"),
    }
    assert again == []
    assert LEAK in (config.files.output_dir / "stories" / "s1.html").read_text("utf-8")
    assert len(box.received) == 1


@pytest.mark.parametrize(("day", "alerts"), [(1, 1), (4, 0)])
async def test_a_story_that_waits_for_a_digest_for_days_raises_no_alert(tmp_path, day, alerts):
    async with Loopback() as server, inbox() as box:
        urls = [server.on("/a", page(item("a", LEAK, HUGGING, published=at(8))))]
        desk = Desk(tmp_path, urls, settings=mail(box.port).replace("min_sources = 2", "min_sources = 1"))
        with desk.store() as store:
            await pipeline.poll(desk.config, store, now=at(9))
            done, _ = await pipeline.deliver(desk.config, store, desk.config.channels(), now=at(9, day))
    assert len([one for one in done if one.channel == "email"]) == len(box.received) == alerts


async def test_a_story_in_a_digest_raises_no_alert_when_more_sources_report_it(tmp_path):
    async with Loopback() as server, inbox() as box:
        server.on("/a", page(item("a", LEAK, published=at(6))))
        elsewhere = rss(item("b", LEAK, HUGGING, published=at(8)))
        server.on("/b", Reply(elsewhere.replace(b"news.test", b"other.test")))
        other = server.url("/b").replace("127.0.0.1", "localhost")
        desk = Desk(
            tmp_path, [server.url("/a"), other], settings=mail(box.port).replace('"23:00"', '"07:00"')
        )
        with desk.store() as store:
            await pipeline.poll(desk.config, store, now=at(6.5), only=[server.url("/a")])
            await pipeline.publish(desk.config, store, desk.config.channels(), now=at(7.5))
            await pipeline.poll(desk.config, store, now=at(9), every=True)
            (story,) = store.stories.listing()
            done, _ = await pipeline.deliver(desk.config, store, desk.config.channels(), now=at(9))
    assert story.sources == 2
    assert done == []


@pytest.mark.parametrize(("rejected", "alerts"), [(False, 1), (True, 0)])
async def test_an_article_that_the_user_rejected_raises_no_alert_from_another_feed(
    tmp_path, rejected, alerts
):
    async with Loopback() as server, inbox() as box:
        urls = [server.url("/a"), server.url("/b")]
        for path in ("/a", "/b"):
            server.on(path, page(item("2024/12/09/leak.html", LEAK, HUGGING, published=at(8))))
        desk = Desk(tmp_path, urls, settings=mail(box.port).replace("min_sources = 2", "min_sources = 1"))
        with desk.store() as store:
            await pipeline.poll(desk.config, store, now=at(9), only=urls[:1])
            if rejected:
                await reject(desk, 1, now=at(9))
            await pipeline.poll(desk.config, store, now=at(9.5), only=urls[1:])
            await pipeline.deliver(desk.config, store, desk.config.channels(), now=at(9.5))
    assert len(box.received) == alerts


async def test_one_source_alone_is_no_alert(tmp_path):
    async with Loopback() as server, inbox() as box:
        server.on("/a", page(item("a", LEAK, published=at(8))))
        desk = Desk(tmp_path, [server.url("/a")], settings=mail(box.port))
        config = desk.config
        with desk.store() as store:
            await pipeline.poll(config, store, now=at(9))
            done = await pipeline.publish(config, store, config.channels(), now=at(9))

    assert done == []
    assert box.received == []


async def test_old_texts_go_and_the_knowledge_of_them_stays(tmp_path):
    settings = SETTINGS + '[retention]\nrelevant = "forever"\nother = "1d"\n'
    async with Loopback() as server:
        document = page(item("a", LEAK, "unpaid", published=at(8)), item("n", "Rain", "wet", published=at(8)))
        server.on("/a", document)
        desk = Desk(tmp_path, [server.url("/a")], settings=settings)
        with desk.store() as store:
            await pipeline.poll(desk.config, store, now=at(9))
            await pipeline.publish(desk.config, store, desk.config.channels(), now=at(8, day=3))
            kept = {e.title: e.summary for e in store.entries.listing(everything=True)}
            later = await pipeline.poll(desk.config, store, now=at(9, day=3), every=True)

    assert kept == {LEAK: "unpaid", "Rain": ""}
    assert (later.new, later.changed) == (0, 0)


async def test_a_second_poll_waits_its_turn_and_asks_nothing_twice(tmp_path):
    async with Loopback() as server:
        server.on("/a", page(item("a", LEAK, published=at(8))))
        desk = Desk(tmp_path, [server.url("/a")])
        with desk.store() as one, desk.store() as other:
            both = await asyncio.gather(
                pipeline.poll(desk.config, one, now=at(9)), pipeline.poll(desk.config, other, now=at(9))
            )
            async with one.poll_lock():
                with pytest.raises(StoreError, match="another process holds"):
                    async with other.poll_lock(timedelta(0)):
                        pass

    assert sorted(poll.feeds for poll in both) == [0, 1]
    assert len(server.requests) == 1


@pytest.mark.parametrize("times", [1, 99])
async def test_a_digest_is_made_while_others_write_and_tells_what_they_wrote_meanwhile(
    tmp_path, monkeypatch, times
):
    compose, written = digest.compose, list[Entry]()
    async with Loopback() as server:
        server.on("/a", page(item("a", LEAK, published=at(8))))
        desk = Desk(tmp_path, [server.url("/a")])
        with desk.store() as store:
            await pipeline.poll(desk.config, store, now=at(9))
            (first,) = store.entries.listing()

            def meanwhile(*values):
                """Store another entry, like a poll that began before the digest was due."""
                with suppress(StoreError), desk.store() as other:  # the last attempt holds the database
                    if len(written) < times:
                        fresh = replace(first, guid=f"new {len(written)}", url="", first_seen=at(20))
                        other._db.conn.execute("pragma busy_timeout = 0")
                        written.extend(other.entries.add([fresh], identifiers.fingerprint))
                return compose(*values)

            with monkeypatch.context() as patch:
                patch.setattr(digest, "compose", meanwhile)
                await pipeline.publish(desk.config, store, desk.config.channels(), now=at(7, day=1))
            frozen = made(store, 1)
            await pipeline.publish(desk.config, store, desk.config.channels(), now=at(7, day=2))
            again = made(store, 2)

    assert 1 <= len(written) <= 3
    assert frozen.receipt.entries == 1 + len(written)
    assert again.receipt.entries == 0


async def test_a_304_to_a_question_without_validators_is_a_failure(tmp_path):
    async with Loopback() as server:
        server.on("/a", Reply(b"", status=304))
        desk = Desk(tmp_path, [server.url("/a")])
        with desk.store() as store:
            poll = await pipeline.poll(desk.config, store, now=at(9))

    assert (poll.failed, poll.not_modified) == (1, 0)


async def test_a_clock_that_was_a_year_ahead_for_one_run_loses_nothing_and_stops_nothing(tmp_path):
    settings = SETTINGS + '[retention]\nother = "1d"\n'
    async with Loopback() as server:
        rain, leak = item("n", "Rain", "wet", published=at(8)), item("a", LEAK, "unpaid", published=at(8))
        late = item("b", "AI choir angers artists", "Graz", published=at(8, day=1))
        server.on("/a", page(rain), page(rain, leak), page(rain, leak, late))
        desk = Desk(tmp_path, [server.url("/a")], settings=settings)
        config = desk.config
        with desk.store() as store:
            await pipeline.poll(config, store, now=at(9))
            await pipeline.poll(config, store, now=at(9, day=365))
            await pipeline.publish(config, store, config.channels(), now=at(10, day=365))
            assert store.entries.get(1).summary == "wet"  # nothing is deleted because of that clock
            assert store.polls.count_in(Window(start=at(8), end=at(10))) == 1
            poll = await pipeline.poll(config, store, now=at(9, day=1))
            await pipeline.publish(config, store, config.channels(), now=at(9, day=1))
            await pipeline.publish(config, store, config.channels(), now=at(9, day=365))
            digests = [stored.date for stored in store.digests.listing()]
            assert reported(made(store, 1)) == ["AI choir angers artists"]
    assert poll.new == 1
    assert digests == [at(9, day=365).date(), at(9, day=1).date()]


async def test_entries_stored_by_a_clock_ahead_are_reported_when_it_is_right_again(tmp_path):
    async with Loopback() as server:
        leak, late = item("a", LEAK, published=at(8)), item("b", "AI choir angers artists", published=at(9))
        server.on("/a", page(leak), page(leak, late))
        desk = Desk(tmp_path, [server.url("/a")])
        config = desk.config
        with desk.store() as store:
            for hour, day in ((8, 40), (9, 40), (9, 0)):
                await pipeline.poll(config, store, now=at(hour, day), every=True)
                if hour == 8:
                    await pipeline.publish(config, store, config.channels(), now=at(hour, day))
            for day in (1, 2):
                await pipeline.publish(config, store, config.channels(), now=at(8, day))
            shown = [title for day in (1, 2) for title in reported(made(store, day))]
    assert shown == ["AI choir angers artists"]


async def test_a_feed_that_has_its_host_want_quiet_each_day_keeps_no_other_of_it_from_being_asked(tmp_path):
    def to_loopback(_host: str, _port: int) -> list[str]:
        return ["127.0.0.1"]

    async with Loopback() as server:
        server.on("/a", page(item("a", "Nothing of the kind")))
        urls = [server.url(path, host="busy.test") for path in ("/a", "/b")]
        desk = Desk(tmp_path, urls, settings=SETTINGS.replace("per_host = 8", "per_host = 1"))
        config, success = desk.config, []
        with desk.store() as store:
            for day in range(4):
                server.on("/b", page(item(f"b{day}", f"{LEAK}, part {day}", published=at(8, day))))
                async with Tools(config) as tools, Fetcher(config.fetch, resolve=to_loopback) as fetcher:
                    tools.fetcher = fetcher
                    await pipeline.poll(config, store, now=at(9 + day, day), tools=tools)
                server.on("/a", Reply(status=429, headers={"Retry-After": "86400"}))
                success.append(store.feeds.states(config.feeds)[urls[1]].last_success_at)
    # On the first day nobody can know which of the two clocks is right.
    assert success == [at(9), at(9), at(11, 2), at(12, 3)]


async def test_a_feed_first_followed_by_a_clock_ahead_has_its_news_reported_after_a_pause(tmp_path):
    """Otherwise 20 entries from before that day would count as a past that the feed opens up, and be held
    back.
    """
    towns = [
        f"{first}{last}"
        for first in ("Alt", "Neu", "Bad", "West")
        for last in ("au", "berg", "dorf", "see", "tal")
    ]
    async with Loopback() as server:
        desk = Desk(tmp_path, [server.url("/a")])
        config = desk.config
        old = item("old", "River bridge closed", published=at(8))
        server.on("/a", page(old))
        with desk.store() as store:
            await pipeline.poll(config, store, now=at(9, 365), every=True)
            await pipeline.poll(config, store, now=at(9), every=True)
            news = [item(town, f"OpenAI tool Sora opens in {town}", published=at(10, 1)) for town in towns]
            server.on("/a", page(*news, old))
            await pipeline.poll(config, store, now=at(9, 6), every=True)
            await pipeline.publish(config, store, (), now=at(9.5, 6))
            told = made(store, 6)
    assert (len(reported(told)), told.receipt.late, told.receipt.held_back) == (20, 20, 0)
