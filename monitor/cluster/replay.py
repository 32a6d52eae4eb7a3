"""Stories for entries without a database, day by day as a reader would have had them."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from itertools import groupby
from typing import TYPE_CHECKING

from monitor.cluster.assign import assign
from monitor.cluster.match import TermCounts
from monitor.cluster.settings import Settings
from monitor.cluster.traits import terms

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from monitor.models import Entry, Story


def replay(
    entries: Sequence[Entry],
    settings: Settings | None = None,
    *,
    vectors: Mapping[int, bytes] | None = None,
    daily: bool = True,
) -> list[str]:
    """Return a label for the story of each entry, "s1" for the first.

    Each day of publication is one poll; with `daily` off all entries are. The ids of entries do not matter:
    `vectors` goes by position, from 0.
    """
    settings = settings or Settings()
    numbered = [replace(entry, id=place, first_seen=entry.published) for place, entry in enumerate(entries)]
    stories: dict[int, Story] = {}
    seen: Counter[str] = Counter()
    documents = 0
    for _, poll in groupby(
        sorted(numbered, key=lambda e: e.published), key=lambda e: daily and e.published.date()
    ):
        new = list(poll)
        seen.update(term for entry in new for term in terms(entry))
        documents += len(new)
        start = new[0].published - settings.open_for
        still = [story for story in stories.values() if story.last_seen >= start]
        counts = TermCounts(documents=documents, counts=seen)
        for story in assign(new, still, counts, {}, settings, vectors=vectors):
            key = story.id or len(stories) + 1
            stories[key] = replace(story, id=key)
    found = {entry.id: f"s{key}" for key, story in stories.items() for entry in story.entries}
    return [found[place] for place in range(len(entries))]
