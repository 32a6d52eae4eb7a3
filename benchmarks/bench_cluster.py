"""Measure how long it takes to add 1,000 new entries to the stories of archives of different sizes.

    python benchmarks/bench_cluster.py [STORED ...]

The archive is invented: events of a few reports each, with their own words, people and subjects. It covers a
year, but only the stories of its last ten days are open, as in a poll. The time should not depend on its
size.
"""

from __future__ import annotations

import gc
import random
import sys
import time
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from monitor.cluster import Settings, assign, terms
from monitor.models import Entry, Story, TermCounts

NOW = datetime(2026, 1, 1, tzinfo=UTC)
NEW = 1000
PLAYERS = (
    "OpenAI",
    "Suno",
    "Udio",
    "Midjourney",
    "Disney",
    "Netflix",
    "Meta",
    "Anthropic",
    "GEMA",
    "Spotify",
)
SUBJECTS = (
    "judge",
    "lawsuit",
    "artists",
    "voice",
    "music",
    "film",
    "actors",
    "deal",
    "union",
    "books",
    "strike",
)
LETTERS = "abcdefghiklmnoprstuvwz"


def word(draw: random.Random) -> str:
    return "".join(draw.choices(LETTERS, k=draw.randint(5, 10)))


def entry(number: int, event: int, published: datetime, vocabulary: list[str]) -> Entry:
    own, draw = random.Random(event), random.Random(-number - 1)
    names = [own.choice(PLAYERS), *(word(own).title() for _ in range(5))]
    about = own.sample(SUBJECTS, 4)
    common = [vocabulary[int(len(vocabulary) * draw.random() ** 3)] for _ in range(14)]
    return Entry(
        id=number,
        feed=f"https://feed{number % 200}.example/rss",
        url=f"https://feed{number % 200}.example/{number}",
        title=" ".join([*draw.sample(names, 3), *draw.sample(about, 2), *common[:4]]),
        summary=" ".join([*draw.sample(names, 3), *draw.sample(about, 2), *common[4:]]),
        language="en",
        published=published,
        first_seen=published,
    )


def archive(stored: int, days: float) -> tuple[list[Story], Counter[str]]:
    """Return the open stories of an archive of a year, and the term counts of all, which are estimated."""
    draw = random.Random(7)
    vocabulary = [word(draw) for _ in range(20_000)]
    stories: list[Story] = []
    number = 1
    while number <= stored * days / 365:
        begun = NOW - timedelta(days=days * draw.random())
        size = min(20, 1 + int(draw.expovariate(0.6)))
        found = tuple(
            entry(number + n, len(stories), begun + timedelta(hours=n), vocabulary) for n in range(size)
        )
        number += size
        stories.append(
            Story(id=len(stories) + 1, entries=found, first_seen=begun, last_seen=found[-1].first_seen)
        )
    counts = Counter(term for story in stories for e in story.entries for term in terms(e))
    return stories, Counter({term: round(n * 365 / days) for term, n in counts.items()})


def measure(stored: int) -> None:
    chosen = Settings()
    stories, counts = archive(stored, chosen.open_for.days)
    draw = random.Random(11)
    vocabulary = [word(draw) for _ in range(20_000)]
    new = [
        replace(
            entry(10**7 + n, draw.randrange(round(len(stories) * 1.3) + 1), NOW, vocabulary), id=10**7 + n
        )
        for n in range(NEW)
    ]
    began = time.process_time()
    counts.update(term for e in new for term in terms(e))
    changed = assign(new, stories, TermCounts(documents=stored + NEW, counts=counts), {}, chosen)
    spent = time.process_time() - began
    opened = sum(len(story.entries) for story in stories)
    joined = sum(len(story.entries) for story in changed if story.id)
    print(f"{stored:>9,} stored, {opened:>6,} open, {NEW:,} new: {spent:.2f} s of CPU, {joined:,} joined")


if __name__ == "__main__":
    gc.set_threshold(20_000, 20, 100)  # as the commands do; otherwise garbage collection takes a tenth
    for size in map(int, sys.argv[1:] or ("10000", "100000")):
        measure(size)
