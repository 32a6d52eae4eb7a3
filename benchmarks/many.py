"""How our own half of a poll grows with the number of feeds: the store and the schedule, without the network.

    python benchmarks/many.py [FEEDS ...]

Real are the configuration, the database, what is due, each feed's state and line in the log. Played is the
publishers' half: each feed answers "not modified" at once, so that nothing is fetched, read, tagged or put
into stories (see poll.py for that). Printed are CPU seconds of one poll, of one tick of the service in which
nothing is due, and of loading the configuration, each beside what the first number of feeds lets expect.
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
    """Note the CPU seconds of what is done inside."""
    before = time.process_time()
    yield
    seen[what] = time.process_time() - before


def measure(feeds: int) -> dict[str, float]:
    """Set up so many feeds, poll them twice, and return what each thing took the second time."""
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
    gc.set_threshold(20_000, 20, 100)  # as `monitor` itself does
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
