"""Weeks in fast motion with outages in between: every report appears once, and every receipt is true."""

from __future__ import annotations

import random
import socket
from collections import Counter
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from loopback import Loopback, Reply, Request
from newsroom import Desk, at, item, page

from monitor import pipeline
from monitor.digest import outcome
from monitor.store import open as open_store
from monitor.tools import Tools

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from monitor.models import Receipt, Window
    from monitor.store import Store

DAYS = 20
LATE = timedelta(days=2)
EVENTS = ("strike", "ruling", "licence", "leak", "boycott", "petition", "premiere", "study", "hearing")
PLACES = ("Rome", "Oslo", "Graz", "Lima", "Osaka", "Delhi", "Accra", "Quito", "Turin", "Perth", "Cairo")


class World:
    """Three outlets, and what may fail between them and us: the network, our machine, one server."""

    def __init__(self, seed: int) -> None:
        rng = random.Random(seed)
        self.now = at(0)
        self.reports: dict[str, list[tuple[datetime, str]]] = {"/a": [], "/b": [], "/c": []}
        for outlet, reports in self.reports.items():
            for number in range(3 * DAYS):
                published = at(rng.uniform(0, 24), number // 3 - 2)
                listed = published + timedelta(days=rng.choice((0, 0, 0, 0, 4)))
                matter = "OpenAI tool Sora" if rng.random() < 0.4 else "Town hall"
                title = f"{matter}: {rng.choice(EVENTS)} in {rng.choice(PLACES)}, report {number}"
                name = f"{outlet[1:]}{number}"
                reports.append((listed, item(name, title, published=published)))
            reports.sort()
        self.outages = []
        day = 3.0
        while day < DAYS:
            length = rng.randint(1, 5)
            self.outages.append((at(rng.uniform(0, 24), int(day)), timedelta(days=length), rng.choice("nmf")))
            day += length + rng.randint(1, 3)

    def broken(self) -> str:
        """Return what is broken now: "n" the network, "m" our machine, "f" the first outlet, "" nothing."""
        return next((kind for start, length, kind in self.outages if start <= self.now < start + length), "")

    def look_up(self, _host: str, _port: int) -> list[str]:
        if self.broken() == "n":
            raise socket.gaierror(socket.EAI_AGAIN, "no name server")
        return ["127.0.0.1"]

    def answer(self, request: Request) -> Reply:
        if self.broken() == "f" and request.path == "/a":
            return Reply(status=503)
        listed = [text for when, text in self.reports[request.path] if when <= self.now]
        return page(*reversed(listed[-40:]), title=request.path)


@pytest.mark.parametrize("seed", [1, 3])
async def test_every_report_is_reported_once_and_every_receipt_is_true(tmp_path: Path, seed: int) -> None:
    world = World(seed)
    async with Loopback() as server:
        for path in world.reports:
            server.on(path, world.answer)
        # By a name, since an address needs no look-up.
        feeds = [server.url(path, host="outlets.test") for path in world.reports]
        config = Desk(tmp_path, feeds).config
        with open_store(config.database) as store:
            async with Tools(config) as tools:
                tools.fetcher._resolve = world.look_up
                for hour in range(8, 24 * (DAYS + 6), 8):
                    world.now = at(hour)
                    if world.broken() != "m":
                        await pipeline.poll(config, store, now=world.now, tools=tools)
                        await pipeline.publish(config, store, config.channels(), now=world.now)
            digests = [store.digests.get(one.date).digest() for one in store.digests.listing()]
            shown = Counter(r.entry for d in digests for s in d.stories for r in s.reports if r.new)
            relevant = store.entries.listing()
            news = {entry.id for entry in relevant if not entry.backlog}
            assert len(news) > 20
            assert shown == Counter(news)
            assert any(entry.late for entry in relevant)
            assert all(
                entry.late == (entry.first_seen - entry.published > LATE)
                for entry in relevant
                if not entry.backlog
            )
            for made in digests:
                assert_true(made.receipt, made.window, store)
                world.now = made.window.end
                unreached = made.receipt.unreached_since
                assert (unreached is not None and unreached < made.window.end) == (world.broken() == "n")
                assert unreached is None or made.stories or outcome(made) == "broken"
            windows = sorted((made.window for made in digests), key=lambda window: window.start)
            assert [window.end for window in windows[:-1]] == [window.start for window in windows[1:]]
            assert sum(made.receipt.entries for made in digests) == len(
                store.entries.listing(everything=True)
            )
            assert sum(made.receipt.held_back for made in digests) == len(relevant) - len(news)


def assert_true(receipt: Receipt, window: Window, store: Store) -> None:
    """Compare a receipt with the entries themselves."""
    seen = [e for e in store.entries.listing(everything=True) if window.start < e.first_seen <= window.end]
    relevant = [entry for entry in seen if entry.tagging.relevant]
    news = [entry for entry in relevant if not entry.backlog]
    assert (receipt.entries, receipt.relevant) == (len(seen), len(relevant))
    assert (receipt.reports, receipt.held_back) == (len(news), len(relevant) - len(news))
    assert receipt.late == sum(entry.late for entry in news)
    states = {feed.url.rpartition("/")[2]: feed.state for feed in receipt.feeds}
    assert "failing" not in {states["b"], states["c"]}, "the network is nobody's fault"
