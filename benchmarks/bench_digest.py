"""Measure the CPU seconds of a digest of 5,000 relevant entries, and of a day of an archive with many days.

    python benchmarks/bench_digest.py [DAYS]

The digest is measured from reading the store to the stored bytes of every format. Each day of the archive has
eight stories of two reports.
"""

from __future__ import annotations

import json
import random
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from monitor import config, digest, digest_input, digest_output, languages, site, store
from monitor.models import Entry, Evidence, Join, Story, Tagging, Window

if TYPE_CHECKING:
    from collections.abc import Callable

FEEDS = [f"https://feed-{n}.example/rss" for n in range(20)]
WORDS = [f"word{n}" for n in range(4000)]
START = datetime(2026, 11, 23, 6, tzinfo=UTC)


class Desk:
    """A store that is filled day by day, without polling."""

    def __init__(self, folder: Path) -> None:
        feeds = "\n".join(f"[[feed]]\nurl = {json.dumps(url)}" for url in FEEDS)
        (folder / "feeds.toml").write_text(feeds, "utf-8")
        (folder / "monitor.toml").write_text("", "utf-8")
        self.folder = folder / "digests"
        self.config = config.load(folder)
        self.store = store.open(self.config.database)
        self.store.install(START)
        self.store.feeds.sync(self.config.feeds, START)
        self.themes = [theme.slug for theme in self.config.rules.themes]
        self.random = random.Random(1)
        self.number = 0

    def entry(self, end: datetime) -> Entry:
        self.number += 1
        proof = tuple(
            Evidence(target="sora", term="Sora", rule="r", field="title", weight=1.0) for _ in range(6)
        )
        themes = tuple(self.random.sample(self.themes, 2))
        return Entry(
            feed=FEEDS[self.number % len(FEEDS)],
            guid=str(self.number),
            url=f"https://outlet-{self.number % 50}.example/{self.number}",
            title=" ".join(self.random.choices(WORDS, k=9)),
            summary=" ".join(self.random.choices(WORDS, k=35)),
            language="en",
            published=end - timedelta(hours=5),
            first_seen=end - timedelta(hours=4),
            tagging=Tagging(
                beats=("sora",), themes=themes, evidence=proof, score=3, certainty=0.9, shelf="sure"
            ),
        )

    def stories(self, end: datetime, count: int, reports: int) -> None:
        added = self.store.entries.add([self.entry(end) for _ in range(count * reports)], lambda e: e.guid)
        groups = [added[first : first + reports] for first in range(0, len(added), reports)]
        self.store.stories.save([_story(group) for group in groups])

    def digest(self, end: datetime) -> None:
        window = Window(start=end - timedelta(days=1), end=end)
        collected = digest_input.collect(self.config, self.store, window, now=end)
        due = digest.Due(date=end.date(), window=window)
        made = digest.compose(due, collected, self.config.digest, end)
        digest_output.rendered(self.config, made)
        self.store.digests.freeze(made, digest.summarise(made, languages.load("en")), ())

    def archive(self) -> int:
        return site.update(self.store, self.folder, digest_output.site_of(self.config, self.store))


def _story(entries: tuple[Entry, ...]) -> Story:
    first = entries[0]
    return Story(
        entries=entries,
        joins=tuple(Join(entry=entry.id, similarity=1.0, reason="") for entry in entries),
        title=first.title,
        summary=first.summary,
        lead=first.id,
        beats=first.tagging.beats,
        themes=first.tagging.themes,
        first_seen=first.first_seen,
        last_seen=first.first_seen,
        sources=len(entries),
    )


def timed(what: str, call: Callable[[], object]) -> None:
    before = time.process_time()
    result = call()
    print(f"{what:48} {time.process_time() - before:6.2f} s CPU  {result or ''}")


def main() -> None:
    days = int(sys.argv[1]) if len(sys.argv) > 1 else 60
    with tempfile.TemporaryDirectory() as folder:
        desk = Desk(Path(folder))
        desk.stories(START, 5000, 1)
        timed("a digest of 5,000 stories, collected to frozen", lambda: desk.digest(START))
    with tempfile.TemporaryDirectory() as folder:
        desk = Desk(Path(folder))
        for day in range(days):
            desk.stories(START + timedelta(days=day), 8, 2)
            desk.digest(START + timedelta(days=day))
        timed(f"the archive of {days} days, all of it", desk.archive)
        desk.stories(START + timedelta(days=days), 8, 2)
        desk.digest(START + timedelta(days=days))
        timed("one day more: pages written", desk.archive)


if __name__ == "__main__":
    main()
