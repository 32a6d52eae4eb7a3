from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from loopback import Loopback, Reply
from newsroom import SETTINGS, Desk, at, item, made, page, reported, rss

from monitor import cluster, digest, digest_input, followed, languages, outbox, pipeline, responses
from monitor import health as health_module
from monitor import tag as tag_module
from monitor.errors import DeliveryError
from monitor.models import Delivery
from monitor.tools import Tools

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from datetime import datetime
    from pathlib import Path

    from monitor.models import Digest, FeedHealth, Poll, RenderedDigest
    from monitor.store import Store

LEAK = "Testers leak OpenAI tool Sora in protest"
CHOIR = "AI choir angers artists in Graz"
RIVER = "River bridge closed for repairs"


@dataclass
class Newsroom:
    """The program with one desk and an open store."""

    desk: Desk
    store: Store
    server: Loopback

    async def poll(self, now: datetime) -> Poll:
        return await pipeline.poll(self.desk.config, self.store, now=now, every=True)

    async def publish(self, now: datetime) -> list[Delivery]:
        config = self.desk.config
        return await pipeline.publish(config, self.store, config.channels(), now=now)

    async def digest(self, day: int) -> Digest:
        await self.publish(at(7, day))
        return made(self.store, day)

    def healths(self, now: datetime) -> dict[str, FeedHealth]:
        found = followed.healths(self.desk.config, self.store, now=now)
        return {health.url.rpartition("/")[2]: health for health in found}

    def titles(self) -> set[str]:
        return {entry.title for entry in self.store.entries.listing(everything=True)}


@asynccontextmanager
async def newsroom(directory: Path, *paths: str, settings: str = SETTINGS) -> AsyncIterator[Newsroom]:
    async with Loopback() as server:
        desk = Desk(directory, [server.url(path) for path in paths], settings=settings)
        with desk.store() as opened:
            opened.install(at(8))
            yield Newsroom(desk, opened, server)


class TestTelling:
    async def test_entries_are_reported_once_through_edits_and_days(self, tmp_path: Path) -> None:
        edited = "Testers leak OpenAI tool Sora and write an open letter"
        late = "Painters sue over AI; artists cheer"
        river = item("river", RIVER, published=at(8))
        async with newsroom(tmp_path, "/a") as world:
            world.server.on(
                "/a",
                page(item("leak", LEAK, published=at(8)), river),
                page(item("leak", edited, published=at(8)), river),
                page(
                    item("leak", edited, published=at(8)),
                    item("river", "Artists fear AI bridge murals", published=at(8)),
                ),
                page(item("late", late, published=at(8, 1)), river),
            )
            first = await world.poll(at(9))
            assert (first.feeds, first.ok, first.new, first.changed) == (1, 1, 2, 0)
            assert (await world.poll(at(12))).changed == 1
            assert reported(await world.digest(1)) == [edited]
            # reported under the edited title, it is not reported again; what only an edit makes relevant is
            assert (await world.poll(at(9, 1))).changed == 1
            assert reported(await world.digest(2)) == ["Artists fear AI bridge murals"]
            # dated a day before it reached us, it is in the next digest all the same
            assert (await world.poll(at(9, 2))).new == 1
            assert reported(await world.digest(3)) == [late]
            assert reported(await world.digest(4)) == []

    async def test_an_edit_after_the_telling_is_kept_and_not_reported(self, tmp_path: Path) -> None:
        edited = "OpenAI closes Sora to its testers after a leak"
        async with newsroom(tmp_path, "/a") as world:
            world.server.on(
                "/a", page(item("leak", LEAK, published=at(8))), page(item("leak", edited, published=at(8)))
            )
            await world.poll(at(9))
            assert reported(await world.digest(1)) == [LEAK]
            assert (await world.poll(at(9, 1))).changed == 1
            assert world.titles() == {edited}
            assert [story.title for story in world.store.stories.listing()] == [edited]
            assert reported(await world.digest(2)) == []

    async def test_entries_from_while_a_feed_was_not_followed_are_not_news(self, tmp_path: Path) -> None:
        async with newsroom(tmp_path, "/a", "/b") as world:
            old = [item("leak", LEAK, published=at(8, 20)), item("river", RIVER, published=at(8, 30))]
            world.server.on("/a", page(), page(item("choir", CHOIR, published=at(8, 60)), *old))
            world.server.on("/b", page())
            both = [feed.url for feed in world.desk.config.feeds]
            await world.poll(at(9))
            world.desk.follow(both[1:])
            await world.poll(at(9, 1))
            world.desk.follow(both)
            assert (await world.poll(at(9, 60))).new == 3
            digest = await world.digest(61)
            assert (reported(digest), digest.late, digest.receipt.gaps) == ([CHOIR], (), ())

    async def test_the_backlog_of_a_first_document_is_no_news(self, tmp_path: Path) -> None:
        async with newsroom(tmp_path, "/a") as world:
            world.server.on(
                "/a", page(item("old", LEAK, published=at(8, -9)), item("new", CHOIR, published=at(8, -1)))
            )
            await world.poll(at(9))
            assert reported(await world.digest(1)) == [CHOIR]
            (old,) = world.store.entries.search("testers")
            assert (old.backlog, old.tagging.relevant) == (True, True)

    async def test_the_news_of_a_feed_that_fails_at_first_is_reported_late(self, tmp_path: Path) -> None:
        async with newsroom(tmp_path, "/a") as world:
            world.server.on("/a", Reply(status=500))
            await world.poll(at(9))
            world.server.on(
                "/a", page(item("leak", LEAK, published=at(8, 1)), item("old", CHOIR, published=at(8, -9)))
            )
            await world.poll(at(9, 5))
            digest = await world.digest(6)
            assert [report.title for report in digest.late] == [LEAK]
            assert digest.receipt.held_back == 1

    async def test_entries_found_while_a_digest_is_made_are_in_the_next(self, tmp_path: Path) -> None:
        """The poll began before the window closes, and stores its entries afterwards."""
        async with newsroom(tmp_path, "/a") as world:
            world.server.on("/a", page(item("leak", LEAK, published=at(8))))
            await world.poll(at(9))
            world.server.on(
                "/a",
                replace(
                    page(item("leak", LEAK, published=at(8)), item("choir", CHOIR, published=at(6, 1))),
                    delay=0.3,
                ),
            )
            poll = asyncio.create_task(world.poll(at(6.9, 1)))
            await world.server.wait_for(2)
            assert reported(await world.digest(1)) == [LEAK]
            assert (await poll).new == 1
            assert reported(await world.digest(2)) == [CHOIR]
            assert reported(await world.digest(3)) == []


class TestTrouble:
    async def test_a_failing_feed_stops_nobody_and_is_named(self, tmp_path: Path) -> None:
        async with newsroom(tmp_path, "/good", "/broken", "/html", "/lost") as world:
            world.server.on("/good", page(item("leak", LEAK, published=at(8))))
            world.server.on("/broken", Reply(status=500))
            world.server.on(
                "/html", Reply(b"<html><body>hello</body></html>", headers={"Content-Type": "text/html"})
            )
            poll = await world.poll(at(9))
            assert (poll.feeds, poll.ok, poll.failed, poll.outage) == (4, 1, 3, False)
            healths = world.healths(at(10))
            assert {name: health.state for name, health in healths.items()} == {
                "good": "ok", "broken": "failing", "html": "failing", "lost": "failing",
            }  # fmt: skip
            assert "500" in healths["broken"].last_error
            assert "404" in healths["lost"].last_error
            assert healths["html"].last_error
            assert all("\n" not in health.last_error for health in healths.values())
            digest = await world.digest(1)
            assert reported(digest) == [LEAK]
            states = {health.url.rpartition("/")[2]: health.state for health in digest.receipt.feeds}
            assert states == {"good": "ok", "broken": "failing", "html": "failing", "lost": "failing"}

    async def test_a_feed_that_recovers_is_no_longer_failing(self, tmp_path: Path) -> None:
        async with newsroom(tmp_path, "/a", "/b") as world:
            world.server.on("/a", Reply(status=503), page(item("leak", LEAK, published=at(8))))
            world.server.on("/b", page())
            await world.poll(at(9))
            assert world.healths(at(9))["a"].state == "failing"
            await world.poll(at(12))
            health = world.healths(at(12))["a"]
            assert (health.state, health.consecutive_failures, health.last_error) == ("ok", 0, "")

    async def test_when_no_feed_can_be_reached_none_has_failed(self, tmp_path: Path) -> None:
        async with newsroom(tmp_path, "/a", "/b") as world:
            world.server.on("/a", page(item("leak", LEAK, published=at(8))))
            world.server.on("/b", page())
            await world.poll(at(9))
            await world.server.__aexit__()
            poll = await world.poll(at(12))
            assert (poll.outage, poll.failed) == (True, 2)
            healths = world.healths(at(12)).values()
            assert {(health.state, health.consecutive_failures) for health in healths} == {("ok", 0)}
            assert all(health.next_poll_at < at(13) for health in healths)
            assert reported(await world.digest(1)) == [LEAK]

    async def test_an_outage_is_recognised_although_each_poll_asks_one_feed(self, tmp_path: Path) -> None:
        """As the service polls: what is due at each tick, for three hours without a network."""
        paths = [f"/{n}" for n in range(4)]
        async with newsroom(tmp_path, *paths) as world:
            config = world.desk.config
            for path in paths:
                world.server.on(path, page(title=path))
            for n, feed in enumerate(config.feeds):
                await pipeline.poll(config, world.store, now=at(9 + n / 10), only=[feed.url])
            await world.server.__aexit__()
            polls = []
            for minute in range(0, 180, 3):
                due = pipeline.due_feeds(config, world.store, now=at(10 + minute / 60))
                for feed, _ in due:
                    at_once = at(10 + minute / 60)
                    polls.append(await pipeline.poll(config, world.store, now=at_once, only=[feed.url]))
            assert len(polls) > 20
            assert [poll.outage for poll in polls] == [False, *[True] * (len(polls) - 1)]
            healths = world.healths(at(13)).values()
            assert {(health.state, health.consecutive_failures) for health in healths} == {("ok", 0)}
            assert all(health.next_poll_at < at(13.2) for health in healths)

    async def test_a_feed_that_is_dead_while_others_answer_is_failing(self, tmp_path: Path) -> None:
        async with newsroom(tmp_path, "/good", "/dead") as world:
            good, dead = world.desk.config.feeds
            world.server.on("/good", page())
            world.server.on("/dead", page())
            await world.poll(at(9))
            world.desk.follow([good.url, dead.url.replace(str(world.server.port), "9")])
            for hour in (10, 11, 12):
                for feed in world.desk.config.feeds:
                    config = world.desk.config
                    await pipeline.poll(config, world.store, now=at(hour), only=[feed.url])
            states = {health.state: health.consecutive_failures for health in world.healths(at(12)).values()}
            assert states == {"ok": 0, "failing": 3}

    @pytest.mark.parametrize("reply", [Reply(status=500), page(), Reply(b"<html></html>")])
    async def test_a_feed_that_is_moved_while_it_is_polled_costs_no_other(
        self, tmp_path: Path, reply: Reply
    ) -> None:
        async with newsroom(tmp_path, "/a", "/b") as world:
            world.server.on("/a", page(item("leak", LEAK, published=at(8))))
            world.server.on("/b", page(), reply)
            config, (_, moving) = world.desk.config, world.desk.config.feeds
            await pipeline.poll(config, world.store, now=at(8), only=[moving.url])

            def move(_: object) -> None:
                world.store.feeds.move(moving.url, f"{moving.url}2")

            await pipeline.poll(config, world.store, now=at(9), every=True, on_feed_done=move)
            assert LEAK in world.titles()
            assert world.store.polls.last().ok >= 1

    async def test_feeds_of_one_dead_host_due_together_are_not_an_outage(self, tmp_path: Path) -> None:
        async with newsroom(tmp_path, "/good", "/a", "/b") as world:
            for path in ("/good", "/a", "/b"):
                world.server.on(path, page())
            await world.poll(at(9))
            good, *dying = world.desk.config.feeds
            world.desk.follow([good.url, *(one.url.replace(str(world.server.port), "9") for one in dying)])
            config = world.desk.config
            await pipeline.poll(config, world.store, now=at(9.1), only=[good.url])
            poll = await pipeline.poll(config, world.store, now=at(9.2))
            assert (poll.feeds, poll.ok, poll.outage) == (3, 1, False)

    async def test_what_is_expensive_to_make_is_kept_between_polls(self, tmp_path: Path) -> None:
        async with newsroom(tmp_path, "/a") as world:
            config = world.desk.config
            world.server.on(
                "/a",
                page(item("leak", LEAK, published=at(8))),
                page(item("choir", CHOIR, published=at(8))),
            )
            async with Tools(config) as tools:
                await pipeline.poll(config, world.store, now=at(9), every=True, tools=tools)
                made = (tools.tagger(""), tools.parser._worker)
                await pipeline.poll(config, world.store, now=at(10), every=True, tools=tools)
                assert (tools.tagger(""), tools.parser._worker) == made
                assert made[1] is not None
            assert world.titles() == {LEAK, CHOIR}

    async def test_a_bug_in_one_entry_costs_that_entry_and_is_reported(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        async with newsroom(tmp_path, "/a") as world:
            both = item("leak", LEAK, published=at(8)), item("choir", CHOIR, published=at(8))
            world.server.on("/a", page(*both))
            tag = tag_module.Tagger.tag

            def poisoned(self, entry):
                if entry.title == LEAK:
                    raise ZeroDivisionError("poison")
                return tag(self, entry)

            with monkeypatch.context() as patch:
                patch.setattr(tag_module.Tagger, "tag", poisoned)
                assert (await world.poll(at(9))).new == 1
            (health,) = world.healths(at(9)).values()
            assert health.state == "ok"
            assert health.note.startswith(
                "1 entries could not be tagged (internal error: ZeroDivisionError at "
            )
            # But not everything is well, although the feed has answered and no entries were missed between
            # two polls.
            config, store = world.desk.config, world.store
            told = digest.render(
                digest_input.preview(config, store, now=at(9.5)), languages.load("en"), "text"
            )
            assert "1 feed, 1 entry; some entries could not be read" in told
            assert "The Paper — 1 entries could not be tagged (internal error" in " ".join(told.split())
            (problem,) = health_module.status(config, store, now=at(9.5)).problems
            assert problem.what.startswith("The Paper: 1 entries could not be tagged")
            assert (await world.poll(at(10))).new == 1
            assert reported(await world.digest(1)) == sorted([CHOIR, LEAK])

    async def test_an_entry_that_clustering_fails_over_stands_alone_and_keeps_no_news_from_its_digest(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        read = cluster.traits._traits

        def poisoned(heading, *others):
            if heading == CHOIR:
                raise ZeroDivisionError("poison")
            return read(heading, *others)

        monkeypatch.setattr(cluster.traits, "_traits", poisoned)
        async with newsroom(tmp_path, "/a", "/b") as world:
            leak, choir = item("leak", LEAK, published=at(8)), item("choir", CHOIR, published=at(8))
            world.server.on("/a", page(leak, choir))
            world.server.on("/b", page())
            with pytest.raises(ExceptionGroup, match="polling met errors") as met:
                await world.poll(at(9))
            assert [str(bug) for bug in met.value.exceptions] == ["poison"]
            assert world.store.polls.last().new == 2
            # Later news joins its story all the same, beside the one that was left as it is.
            world.server.on("/b", page(item("more", f"{LEAK} against OpenAI", published=at(9))))
            with pytest.raises(ExceptionGroup):
                await world.poll(at(10))
            told = await world.digest(1)
        assert sorted((story.title, len(story.reports)) for story in told.stories) == [(CHOIR, 1), (LEAK, 2)]

    async def test_a_story_that_cannot_be_shown_costs_only_itself_and_is_reported_once_it_can(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        render_all = digest.render_all

        def poisoned(made, words):
            if any(story.title == CHOIR for story in made.stories):
                raise ZeroDivisionError("poison")
            return render_all(made, words)

        async with newsroom(tmp_path, "/a") as world:
            both = item("leak", LEAK, published=at(8)), item("choir", CHOIR, published=at(8))
            world.server.on("/a", page(*both))
            await world.poll(at(9))
            with monkeypatch.context() as patch:
                patch.setattr(digest, "render_all", poisoned)
                first = await world.digest(1)
            assert [story.title for story in first.stories] == [LEAK]
            (fault,) = first.receipt.faults
            (choir,) = (one for one in world.store.stories.listing() if one.title == CHOIR)
            assert fault.startswith(f"s{choir.id}, {CHOIR}: internal error: ZeroDivisionError at test_")
            told = digest.render(first, languages.load("en"), "text")
            assert "Incomplete: a bug in monitor kept something out" in told
            assert "some entries could not be read" in told
            assert CHOIR in told
            second = await world.digest(2)
        assert [story.title for story in second.stories if story.new] == [CHOIR]
        assert second.receipt.faults == ()

    async def test_a_day_whose_only_story_cannot_be_shown_is_not_called_quiet(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        render_all = digest.render_all

        def poisoned(made, words):
            if made.stories:
                raise ZeroDivisionError("poison")
            return render_all(made, words)

        monkeypatch.setattr(digest, "render_all", poisoned)
        settings = f"{SETTINGS}[digest]\nsend_if_empty = false\n"
        async with newsroom(tmp_path, "/a", settings=settings) as world:
            world.server.on("/a", page(item("choir", CHOIR, published=at(8))))
            await world.poll(at(9))
            told = await world.digest(1)
            assert {one.state for one in world.store.deliveries.listing()} == {"sent"}
        assert (told.stories, digest.outcome(told)) == ((), "broken")
        for code, words in (("en", "a bug in monitor"), ("de", "Fehler des Monitors")):
            assert words in digest.render(told, languages.load(code), "text")

    async def test_an_alert_that_cannot_be_made_holds_up_no_mail(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def broken(*_arguments, **_named):
            raise ZeroDivisionError("poison")

        settings = f'{SETTINGS}[alert]\nmin_score = 0\nmin_sources = 1\nchannels = ["files"]\n'
        async with newsroom(tmp_path, "/a", settings=settings) as world:
            world.server.on("/a", page(item("leak", LEAK, published=at(8))))
            await world.poll(at(9))
            day = (await world.digest(1)).date
            world.server.on("/a", page(item("choir", CHOIR, published=at(8, 1))))
            await world.poll(at(9, 1))
            outbox.resend(world.store, day, now=at(9, 1))
            monkeypatch.setattr(digest, "render_alert", broken)
            with pytest.raises(ExceptionGroup, match="publishing met errors") as met:
                await world.publish(at(10, 1))
            assert [str(bug) for bug in met.value.exceptions] == ["poison"]
            assert {one.state for one in world.store.deliveries.listing()} == {"sent"}

    async def test_a_bug_that_no_single_story_causes_is_raised(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def broken(*_):
            raise ZeroDivisionError("always")

        monkeypatch.setattr(digest, "render_all", broken)
        async with newsroom(tmp_path, "/a") as world:
            world.server.on("/a", page(item("leak", LEAK, published=at(8))))
            await world.poll(at(9))
            with pytest.raises(ExceptionGroup, match="publishing met errors") as met:
                await world.digest(1)
            assert [str(bug) for bug in met.value.exceptions] == ["always"]
            assert world.store.digests.last_made() is None

    async def test_an_error_that_nobody_expected_is_put_on_its_feed_and_raised_at_the_end(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        async with newsroom(tmp_path, "/a", "/b") as world:
            world.server.on("/a", page(item("leak", LEAK, published=at(8))))
            world.server.on("/b", page(item("choir", CHOIR, published=at(8))))
            compare = responses.changes.compare

            def poisoned(document, known, **rest):
                if document.entries[0].feed.endswith("/a"):
                    raise ZeroDivisionError("poison")
                return compare(document, known, **rest)

            with monkeypatch.context() as patch:
                patch.setattr(responses.changes, "compare", poisoned)
                with pytest.raises(ExceptionGroup):
                    await world.poll(at(9))
            assert world.titles() == {CHOIR}
            assert "ZeroDivisionError" in world.healths(at(9))["a"].last_error
            assert len(world.store.stories.listing()) == 1
            await world.poll(at(12))
            assert world.titles() == {CHOIR, LEAK}
            assert reported(await world.digest(1)) == sorted([CHOIR, LEAK])

    async def test_an_entry_that_breaks_off_waits_for_the_whole_one(self, tmp_path: Path) -> None:
        async with newsroom(tmp_path, "/a") as world:
            both = item("choir", CHOIR, published=at(8)), item("leak", LEAK, "Much text.", published=at(8))
            whole = page(*both)
            world.server.on("/a", replace(whole, body=whole.body[: whole.body.index(b"Much")]), whole)
            assert (await world.poll(at(9))).new == 1
            (health,) = world.healths(at(9)).values()
            assert health.note == "breaks off before its end, since 2024-12-02 09:00 UTC"
            assert health.next_poll_at <= at(9) + timedelta(minutes=11)
            assert (await world.poll(at(9.5))).new == 1
            (health,) = world.healths(at(9.5)).values()
            assert health.note == ""
            assert reported(await world.digest(1)) == sorted([CHOIR, LEAK])

    async def test_a_poll_that_was_cut_off_is_completed_by_the_next(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Cut off between storing the entries and clustering them."""
        async with newsroom(tmp_path, "/a") as world:
            world.server.on("/a", page(item("leak", LEAK, published=at(8))))

            def killed(*_: object, **__: Any) -> None:
                raise KeyboardInterrupt

            with monkeypatch.context() as patch:
                patch.setattr(cluster, "assign", killed)
                with pytest.raises(KeyboardInterrupt):
                    await world.poll(at(9))
            assert world.titles() == {LEAK}
            assert world.store.stories.listing() == ()
            assert (await world.poll(at(12))).new == 0
            assert len(world.store.stories.listing()) == 1
            assert reported(await world.digest(1)) == [LEAK]

    async def test_a_large_feed_is_stored_in_steps_and_one_cut_off_is_completed(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        async with newsroom(tmp_path, "/a") as world:
            items = [item(f"n{n}", f"OpenAI Sora {n}", published=at(8, -9)) for n in range(600)]
            world.server.on("/a", page(*items))
            with monkeypatch.context() as patch:
                patch.setattr(type(world.store.polls), "log_feed", _raise)
                with pytest.raises(RuntimeError):
                    await world.poll(at(9))
            assert len(world.titles()) == 500
            assert (await world.poll(at(9.5))).new == 100
            assert len(world.titles()) == 600
            assert all(entry.backlog for entry in world.store.entries.listing())

    async def test_a_feed_cut_off_while_it_is_stored_leaves_nothing_half(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        async with newsroom(tmp_path, "/a") as world:
            world.server.on("/a", page(item("leak", LEAK, published=at(8))))
            with monkeypatch.context() as patch:
                patch.setattr(type(world.store.polls), "log_feed", _raise)
                with pytest.raises(RuntimeError):
                    await world.poll(at(9))
            assert world.titles() == set()
            assert world.store.polls.last() is None
            assert (await world.poll(at(9.5))).new == 1


def _raise(*_: object, **__: Any) -> None:
    raise RuntimeError("the power is gone")


class TestSaving:
    async def test_not_modified_and_the_same_bytes_cost_no_reading(self, tmp_path: Path) -> None:
        body = rss(item("leak", LEAK, published=at(8)))
        async with newsroom(tmp_path, "/tagged", "/plain") as world:
            world.server.on("/tagged", Reply(body, headers={"ETag": '"1"'}), Reply(status=304))
            world.server.on("/plain", Reply(body.replace(b"news.test", b"other.test")))
            assert (await world.poll(at(9))).new == 2
            config = replace(world.desk.config, parse=None)  # nothing can or need be read any more
            poll = await pipeline.poll(config, world.store, now=at(12), every=True)
            assert (poll.ok, poll.not_modified, poll.new, poll.changed) == (2, 1, 0, 0)
            assert world.server.seen("/tagged")[1].headers["if-none-match"] == '"1"'
            assert {health.last_status for health in world.healths(at(12)).values()} == {200, 304}

    async def test_only_what_is_due_is_asked_for(self, tmp_path: Path) -> None:
        async with newsroom(tmp_path, "/a", "/b") as world:
            world.server.on("/a", page())
            world.server.on("/b", page())
            a, _ = (feed.url for feed in world.desk.config.feeds)
            await pipeline.poll(world.desk.config, world.store, now=at(9), only=[a])
            assert [request.path for request in world.server.requests] == ["/a"]
            poll = await pipeline.poll(world.desk.config, world.store, now=at(9.01))
            assert (poll.feeds, world.server.requests[-1].path) == (1, "/b")
            assert (await pipeline.poll(world.desk.config, world.store, now=at(9.02))).feeds == 0
            assert (await pipeline.poll(world.desk.config, world.store, now=at(9, 2))).feeds == 2


class TestStories:
    async def test_the_order_of_arrival_decides_nothing(self, tmp_path: Path) -> None:
        texts = {
            "/a": item("a", "Testers leak OpenAI tool Sora in protest over unpaid work", published=at(8)),
            "/b": item(
                "b", "OpenAI tool Sora leaked by testers in protest over unpaid work", published=at(8)
            ),
            "/c": item("c", CHOIR, published=at(8)),
        }
        found = []
        for slow in texts:
            async with newsroom(tmp_path / slow[1:], *texts) as world:
                for path, text in texts.items():
                    world.server.on(path, replace(page(text), delay=0.15 if path == slow else 0.0))
                await world.poll(at(9))
                stories = world.store.stories.listing()
                found.append({(story.title, frozenset(e.title for e in story.entries)) for story in stories})
        assert found[0] == found[1] == found[2]
        assert sorted(len(titles) for _, titles in found[0]) == [1, 2]


class TestPublish:
    async def test_one_digest_a_day_sent_once_however_often_it_is_asked_for(self, tmp_path: Path) -> None:
        async with newsroom(tmp_path, "/a") as world:
            world.server.on("/a", page(item("leak", LEAK, published=at(8))))
            assert await world.publish(at(7)) == []  # nothing was polled yet
            await world.poll(at(9))
            for hour in (0, 3, 6.9):
                await world.publish(at(hour, 1))
            dates = [stored.date.day for stored in world.store.digests.listing()]
            assert len(dates) == len(set(dates))
            sent = await world.publish(at(7, 1))
            assert {delivery.state for delivery in sent} == {"sent"}
            written = world.desk.files()
            assert "digests/2024-12-03.md" in written
            assert "digests/2024-12-03.html" in written
            for hour in (7, 7.1, 23, 30.9):
                assert await world.publish(at(hour, 1)) == []
            assert {n: b for n, b in world.desk.files().items() if n.startswith("digests/")} == {
                n: b for n, b in written.items() if n.startswith("digests/")
            }
            assert await world.publish(at(7, 2))

    async def test_missed_days_are_caught_up_in_one_digest(self, tmp_path: Path) -> None:
        async with newsroom(tmp_path, "/a") as world:
            world.server.on(
                "/a",
                page(item("leak", LEAK, published=at(8))),
                page(item("choir", CHOIR, published=at(8, 2))),
            )
            await world.poll(at(9))
            await world.digest(1)
            await world.poll(at(9, 2))
            digest = await world.digest(4)
            assert (reported(digest), digest.catches_up) == ([CHOIR], True)
            assert digest.window.start == at(7, 1)
            assert len(world.store.digests.listing()) == len({d.date for d in world.store.digests.listing()})

    async def test_one_recipient_in_trouble_delays_no_other(self, tmp_path: Path) -> None:
        async with newsroom(tmp_path, "/a") as world:
            world.server.on("/a", page(item("leak", LEAK, published=at(8))))
            await world.poll(at(9))
            post = Post({"sick@example.org"})
            done = await pipeline.publish(world.desk.config, world.store, [post], now=at(7, 1))
            assert {delivery.recipient: delivery.state for delivery in done} == {
                "sick@example.org": "pending", "b@example.org": "sent", "c@example.org": "sent",
            }  # fmt: skip
            assert post.most_busy == 3
            (waiting,) = (delivery for delivery in done if delivery.state == "pending")
            assert "mailbox is full" in waiting.last_error
            post.sick.clear()
            assert await pipeline.publish(world.desk.config, world.store, [post], now=at(7, 1)) == []
            again = await pipeline.publish(
                world.desk.config, world.store, [post], now=waiting.next_attempt_at or at(8, 1)
            )
            assert [delivery.recipient for delivery in again] == ["sick@example.org"]
            assert sorted(post.sent) == ["b@example.org", "c@example.org", "sick@example.org"]
            assert len(set(post.payloads)) == 1

    async def test_a_digest_that_cannot_be_frozen_is_made_by_the_next_try(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        async with newsroom(tmp_path, "/a") as world:
            world.server.on("/a", page(item("leak", LEAK, published=at(8))))
            await world.poll(at(9))
            with monkeypatch.context() as patch:
                patch.setattr(type(world.store.deliveries), "add", _raise)
                with pytest.raises(ExceptionGroup, match="publishing met errors"):
                    await world.publish(at(7, 1))
            assert (
                world.store.digests.last_made() is None
                or world.store.digests.last_made().date != at(7, 1).date()
            )
            assert reported(await world.digest(1)) == [LEAK]


class Post:
    """A channel to three recipients, some of whom accept nothing for now; all are tried at the same time."""

    name = "email"
    latest_only = False

    def __init__(self, sick: set[str]) -> None:
        self.sick = sick
        self.sent: list[str] = []
        self.payloads: list[bytes] = []
        self.busy = self.most_busy = 0

    def prepare(self, edition: RenderedDigest, *, now: datetime) -> tuple[Delivery, ...]:
        return tuple(
            Delivery(edition=edition.key, channel=self.name, recipient=one, payload=b"news", created_at=now)
            for one in ("sick@example.org", "b@example.org", "c@example.org")
        )

    def reaches(self, recipient: str) -> bool:
        return True

    async def send(self, delivery: Delivery) -> None:
        self.busy += 1
        self.most_busy = max(self.busy, self.most_busy)
        await asyncio.sleep(0.01)
        self.busy -= 1
        self.payloads.append(delivery.payload)
        if delivery.recipient in self.sick:
            raise DeliveryError("the mailbox is full", permanent=False)
        self.sent.append(delivery.recipient)
