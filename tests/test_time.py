"""Random sequences of polls, edits, entries that leave and return, outages, kills, and a clock that leaps.

The whole pipeline runs over a real database, driven tick by tick as the service does it; only the network,
the reading process and the rendering of digests are replaced. Whatever happened, in the end each piece of
news is in exactly one digest, each delivery has reached exactly one end, and nobody got anything twice. The
parts are tested elsewhere; most faults of version 1.0 were in the way they work together over time.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import pytest
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st
from newsroom import SETTINGS, Desk, at, rss

from monitor import digest_output, followed, health, outbox, pipeline
from monitor.errors import DeliveryError
from monitor.models import Delivery, Digest, RenderedDigest, Response, digest_key
from monitor.parse.reader import read
from monitor.store.connection import Connection
from monitor.tools import Tools

if TYPE_CHECKING:
    from datetime import datetime

    from monitor.config import Config
    from monitor.models import Feed, FeedPoll

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
PLAIN, FRAGMENT, SINGLE = FEEDS = ("https://plain.test/", "https://fragment.test/", "https://single.test/")
"""A feed with guids; one without, whose links differ in the fragment; one whose entries share one link."""
SUBJECTS = [
    "actors",
    "painters",
    "singers",
    "dancers",
    "lawyers",
    "studios",
    "judges",
    "teachers",
    "poets",
    "gamers",
    "nurses",
    "farmers",
]
VERBS = ["sue", "praise", "boycott", "imitate", "license", "outlaw", "parody", "fund"]
OBJECTS = [
    "trailers",
    "portraits",
    "ballads",
    "musicals",
    "contracts",
    "sequels",
    "verdicts",
    "textbooks",
    "sonnets",
    "avatars",
]
TITLES = tuple(
    f"{SUBJECTS[n % 12].title()} {VERBS[n % 8]} {OBJECTS[(n * 7) % 10]} of OpenAI Sora, part {n}"
    for n in range(96)
)


class Killed(BaseException):
    """The power is gone."""


@dataclass
class Post:
    """A channel that counts what arrives, and fails when it should."""

    name: str
    trouble: Exception | None = None
    arrived: Counter[tuple[str, str]] = field(default_factory=Counter)
    latest_only: bool = False

    def prepare(self, edition: RenderedDigest, *, now: datetime) -> tuple[Delivery, ...]:
        return tuple(
            Delivery(edition=edition.key, channel=self.name, recipient=one, payload=b"x", created_at=now)
            for one in ("a", "b")
        )

    def reaches(self, recipient: str) -> bool:
        return True

    async def send(self, delivery: Delivery) -> None:
        if self.trouble:
            raise self.trouble
        self.arrived[delivery.edition, delivery.recipient] += 1
        for _ in range(20):  # the server has it; its answer comes while others are tried
            await asyncio.sleep(0)


class World:
    """Publishers, a network, two channels, a clock, and one monitor."""

    def __init__(self, directory: Path) -> None:
        self.desk = Desk(
            directory, FEEDS, settings=SETTINGS.replace("host_gap = 0", 'host_gap = 0\nmax_interval = "3h"')
        )
        self.config = self.desk.config
        self.tools = Tools(self.config)
        self.tools.fetcher = self.tools.parser = cast("Any", self)
        self.now = at(5)
        self.clock_error = timedelta(0)
        self.network = True
        self.break_off_at: int | None = None
        self.published: dict[str, list[tuple[int, datetime, str]]] = {url: [] for url in FEEDS}
        self.gone: dict[str, list[tuple[int, datetime, str]]] = {url: [] for url in FEEDS}
        self.titles = iter(range(len(TITLES)))
        self.serving: dict[str, set[str]] = {}
        self.news: set[str] = set()
        """Titles in documents that were read and stored."""
        self.channels = (Post("good"), Post("bad"))
        self.troubles: list[Exception] = []
        self.perhaps_twice: set[tuple[str, str]] = set()
        self.writes_left: int | None = None
        self.store = self.desk.store()

    # what happens

    def publish(self, url: str, age: timedelta) -> None:
        entry = (next(self.titles), self.now - age, "first version")
        self.published[url] = [entry] if url == SINGLE else [entry, *self.published[url]]

    def edit(self, url: str) -> None:
        if self.published[url]:
            number, date, text = self.published[url][-1]
            self.published[url][-1] = (number, date, f"{text}, corrected")

    def leave(self, url: str) -> None:
        if url != SINGLE and self.published[url]:
            self.gone[url].append(self.published[url].pop())

    def come_back(self, url: str) -> None:
        if self.gone[url]:
            self.published[url].append(self.gone[url].pop())

    def outage(self, length: timedelta) -> None:
        self.network = False
        for _ in range(int(length / MINUTE)):
            self.wait(MINUTE)
        self.network = True

    def break_off(self, place: int, polls: int) -> None:
        """Make every document end at this byte, for some polls."""
        self.break_off_at = place
        for _ in range(polls):
            self.wait(40 * MINUTE)
        self.break_off_at = None
        self.wait(40 * MINUTE)

    def wait(self, length: timedelta) -> None:
        self.now += length
        self.tick()

    def tick_with_clock(self, error: timedelta) -> None:
        self.clock_error = error
        self.tick()
        self.clock_error = timedelta(0)
        self.tick()

    def tick_and_die(self, writes: int) -> None:
        self.writes_left = writes
        self.tick()
        self.writes_left = None

    # the monitor

    def tick(self) -> None:
        try:
            asyncio.run(self._tick())
        except Killed:
            self.writes_left = None
            sending = self.store.deliveries.sending()
            self.perhaps_twice |= {(one.edition, one.recipient) for one in sending}
            self.store.close()
            self.store = self.desk.store()
        except Exception as error:  # noqa: BLE001 - the service logs it and goes on, so this does too
            self.troubles.append(error)

    async def _tick(self) -> None:
        now = self.now + self.clock_error
        if pipeline.due_feeds(self.config, self.store, now=now):
            await pipeline.poll(self.config, self.store, now=now, on_feed_done=self._done, tools=self.tools)
        outbox.recover(self.store, now=now)
        await pipeline.publish(self.config, self.store, self.channels, now=now)

    def _done(self, line: FeedPoll) -> None:
        if not line.error and self.break_off_at is None:
            self.news |= self.serving[line.feed]

    # what replaces the network and the reading process

    async def fetch_all(self, due, *, now):
        for feed, _ in due:
            if self.network:
                self.serving[feed.url] = {TITLES[number] for number, _, _ in self.published[feed.url]}
                body = self._document(feed.url)[: self.break_off_at]
                yield Response(feed=feed, url=feed.url, status=200, body=body)
            else:
                yield Response(feed=feed, url=feed.url, error="connection refused", unreachable=True)

    async def parse(self, response: Response, feed: Feed, *, now: datetime):
        return read(response.body, url=response.url, content_type=response.content_type, feed=feed, now=now)

    def _document(self, url: str) -> bytes:
        return rss(*(self._item(url, *entry) for entry in self.published[url]))

    def _item(self, url: str, number: int, date: datetime, text: str) -> str:
        guid = "" if url == FRAGMENT else f"<guid isPermaLink='false'>{url}{number}</guid>"
        link = {PLAIN: f"{url}{number}", FRAGMENT: f"{url}live#{number}", SINGLE: f"{url}latest"}[url]
        date_ = f"{date:%a, %d %b %Y %H:%M:%S} GMT"
        return (
            f"<item>{guid}<link>{link}</link><title>{TITLES[number]}</title>"
            f"<description>{text}</description><pubDate>{date_}</pubDate></item>"
        )

    # the end

    def settle(self) -> None:
        """Let everything work for a week."""
        self.channels[1].trouble = None
        for _ in range(7 * 4):
            self.wait(6 * HOUR)

    def reported(self) -> Counter[str]:
        digests = [self.store.digests.get(one.date) for one in self.store.digests.listing()]
        made = [one.digest() for one in digests]
        return Counter(
            report.title for one in made for story in one.stories for report in story.reports if report.new
        )


ACTIONS = st.one_of(
    st.tuples(st.just("publish"), st.sampled_from(FEEDS), st.sampled_from([MINUTE, 5 * HOUR, 9 * DAY])),
    st.tuples(st.just("edit"), st.sampled_from([PLAIN, FRAGMENT])),
    st.tuples(st.just("leave"), st.sampled_from([PLAIN, FRAGMENT])),
    st.tuples(st.just("come_back"), st.sampled_from([PLAIN, FRAGMENT])),
    st.tuples(st.just("wait"), st.sampled_from([MINUTE, 40 * MINUTE, 4 * HOUR, DAY])),
    st.tuples(st.just("break_off"), st.integers(150, 1500), st.sampled_from([1, 12])),
    st.tuples(st.just("outage"), st.sampled_from([10 * MINUTE, 2 * HOUR])),
    st.tuples(st.just("tick_with_clock"), st.sampled_from([365 * DAY, -365 * DAY, 2 * DAY, -2 * DAY])),
    st.tuples(st.just("tick_and_die"), st.integers(1, 40)),
    st.tuples(
        st.just("break"),
        st.sampled_from([DeliveryError("451 later", permanent=False), KeyError("a bug"), None]),
    ),
)


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Do not render digests: it takes longer than everything else, and has tests of its own."""

    def rendered(_config: Config, made: Digest, **_: Any) -> RenderedDigest:
        return RenderedDigest(
            key=digest_key(made.date), date=made.date, made_at=made.made_at, language="en", subject="",
            preheader="", headlines=(), renderings={},
        )  # fmt: skip

    monkeypatch.setattr(digest_output, "rendered", rendered)


@given(st.lists(ACTIONS, min_size=6, max_size=14))
@example(  # a new entry above others that have neither guids nor links of their own
    [("publish", FRAGMENT, MINUTE), ("wait", DAY), ("publish", FRAGMENT, MINUTE), ("wait", DAY)]
)
@example(  # hours without a network, while most polls are of a single feed
    [("publish", PLAIN, MINUTE), ("wait", 40 * MINUTE), ("outage", 2 * HOUR)]
)
@example(  # one channel meets an unexpected error while the other is at work
    [("publish", PLAIN, MINUTE), ("break", KeyError("a bug")), ("wait", DAY), ("wait", 40 * MINUTE)]
)
@example(  # the second entry of a day in a feed with one link for all entries
    [("publish", SINGLE, MINUTE), ("wait", 4 * HOUR), ("publish", SINGLE, MINUTE), ("wait", 4 * HOUR)]
)
@example(  # a clock that is a year ahead for one run, and one that is a year behind
    [
        ("publish", PLAIN, MINUTE),
        ("tick_with_clock", 365 * DAY),
        ("publish", PLAIN, MINUTE),
        ("wait", DAY),
        ("publish", FRAGMENT, MINUTE),
        ("tick_with_clock", -365 * DAY),
        ("publish", PLAIN, MINUTE),
    ]
)
@settings(
    max_examples=settings.default.max_examples // 8,
    phases=(Phase.explicit, Phase.generate),  # shrinking takes minutes, and is not needed
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_each_piece_of_news_is_reported_once_and_each_delivery_ends_once(monkeypatch, actions) -> None:
    fast = Path("/dev/shm")
    with (
        tempfile.TemporaryDirectory(dir=fast if fast.is_dir() else None) as folder,
        monkeypatch.context() as patch,
    ):
        world = World(Path(folder) / "desk")
        for url in FEEDS:
            world.publish(url, MINUTE)  # what a new feed brings at first is tested elsewhere
        _arm(patch, world)
        world.tick()
        for name, *values in actions:
            if name == "break":
                world.channels[1].trouble = values[0]
            else:
                getattr(world, name)(*values)
            if name in {"publish", "edit", "leave", "come_back"}:
                world.wait(40 * MINUTE)
        failing = {
            one.title
            for one in followed.healths(world.config, world.store, now=world.now)
            if one.state == "failing"
        }
        world.settle()
        shown = world.reported()
        present = {TITLES[number] for url in FEEDS for number, _, _ in world.published[url]}
        deliveries = world.store.deliveries.listing()
        problems = health.status(world.config, world.store, now=world.now).problems
        world.store.close()
    assert world.troubles == []
    assert failing == set(), "a publisher is accused for our network"
    assert present <= world.news, "the monitor has stopped"
    assert {title: shown[title] for title in world.news if shown[title] != 1} == {}, "not told once"
    assert set(shown) <= world.news
    assert {one.state for one in deliveries} <= {"sent", "failed"}, "a delivery without an end"
    arrived = world.channels[0].arrived + world.channels[1].arrived
    for post in world.channels:
        mine = [one for one in deliveries if one.channel == post.name]
        assert {(one.edition, one.recipient) for one in mine if one.state == "sent"} == set(post.arrived)
        twice = {key for key, times in post.arrived.items() if times > 1}
        assert twice <= world.perhaps_twice, f"{post.name}: sent twice"
    assert arrived or not shown
    assert [problem.what for problem in problems if problem.ours] == []


def _arm(patch: pytest.MonkeyPatch, world: World) -> None:
    """Make the power fail at a write, when the world says so."""
    change = Connection.change

    def counted(self: Connection, *arguments: Any) -> int:
        if world.writes_left is not None:
            world.writes_left -= 1
            if world.writes_left < 0:
                raise Killed
        return change(self, *arguments)

    patch.setattr(Connection, "change", counted)
