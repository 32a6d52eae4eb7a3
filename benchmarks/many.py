"""Measure how our own part of a poll, the store and the schedule, grows with the number of feeds.

    python benchmarks/many.py [FEEDS ...]

The configuration, the database, the schedule, and each feed's state and line in the log are real. The network
is not: every feed answers "not modified" at once, so nothing is fetched, read, tagged or put into stories
(see poll.py for that). Printed are the CPU seconds of one poll, of one tick of the service in which nothing
is due, and of loading the configuration; each next to what the first number of feeds predicts.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import tempfile
import time
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from monitor import config as configuration
from monitor import pipeline
from monitor import store as storage
from monitor.models import Response

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable, Iterator

    from monitor.models import Feed, FeedState

HOSTS = 250
NOW = datetime(2026, 11, 29, 6, tzinfo=UTC)


class Unchanged:
    """A fetcher of feeds in which nothing is new."""

    async def fetch_all(self, pairs: Iterable[tuple[Feed, FeedState]], **_: Any) -> AsyncIterator[Response]:
        """Answer for each feed."""
        for feed, _state in pairs:
            yield Response(feed=feed, url=feed.url, status=304, not_modified=True)


@contextmanager
def measuring(what: str, seen: dict[str, float]) -> Iterator[None]:
    """Measure the CPU seconds of the block."""
    before = time.process_time()
    yield
    seen[what] = time.process_time() - before


def measure(feeds: int) -> dict[str, float]:
    """Poll this many feeds twice, and return what each part took the second time."""
    seen: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        (place / "monitor.toml").write_text('user_agent = "monitor-benchmark (+https://example.org)"\n')
        addresses = (f"https://outlet{n % HOSTS}.example/{n}.xml" for n in range(feeds))
        (place / "feeds.toml").write_text("\n".join(f'[[feed]]\nurl = "{url}"' for url in addresses))
        with measuring("configuration", seen):
            config = configuration.load(place)
        tools: Any = SimpleNamespace(fetcher=Unchanged())
        with storage.open(config.database) as store:
            for number in range(2):
                now = NOW + number * timedelta(hours=1)
                with measuring("poll", seen):
                    summary = asyncio.run(pipeline.poll(config, store, now=now, every=True, tools=tools))
                assert summary.ok == feeds
            with measuring("tick", seen):
                pipeline.due_feeds(config, store, now=now)
    return seen


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("feeds", nargs="*", type=int, default=[1000, 5000, 20_000])
    numbers: list[int] = parser.parse_args().feeds
    gc.freeze()
    gc.set_threshold(20_000, 20, 100)  # as `monitor` does
    found = {feeds: measure(feeds) for feeds in numbers}
    base = numbers[0]
    for feeds, seen in found.items():
        cells = (
            f"{what} {cpu:.2f} s ({cpu / (found[base][what] * feeds / base):.2f} of linear)"
            for what, cpu in seen.items()
        )
        print(f"{feeds} feeds: " + ", ".join(cells))


if __name__ == "__main__":
    main()
