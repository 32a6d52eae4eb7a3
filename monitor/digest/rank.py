"""Which story comes first: a score that a reader can work out by hand, and the order made of it.

score = beats + themes + sources + freshness + weight, where
    beats      1 for each beat, and up to 1 more for how surely its best entry is in scope
    themes     0.25 for each theme, at most 1
    sources    2 for each doubling of the independent sources: 0 for one, 2 for two, 4 for four
    freshness  1 for a report this minute, half of it for every 12 hours of the newest one's age
    weight     1 for each doubling of the heaviest reporting feed's weight, within -2 and 2

A corroborated story (two independent sources or more) comes before an uncorroborated one whatever the
scores, so that a rumour never leads; and what is new comes before what continues. Which stories are told in
full is settled without the latter: a large affair that continues is not crowded out by small new ones.
"""

from __future__ import annotations

from datetime import timedelta
from math import log2
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from monitor.models import DigestStory, Entry, Feed, Story

_HALF_LIFE: Final = timedelta(hours=12)
_SURE: Final = 3.0
"""The tagger's score from which an entry counts as fully in scope (1.0 is just at its threshold)."""
_CORROBORATED: Final = 2


def score(story: Story, feeds: Mapping[str, Feed], now: datetime) -> float:
    """Return the story's score at `now`, rounded to three places; 0 and up, 10 is a very large story."""
    parts = (
        len(story.beats) + _certainty(story),
        min(0.25 * len(story.themes), 1.0),
        2.0 * log2(max(story.sources, 1)),
        _freshness(story, now),
        max(_weight(entry, feeds) for entry in story.entries),
    )
    return round(max(sum(parts), 0.0), 3)


def order(story: DigestStory) -> tuple[bool, bool, float, int]:
    """Return the sort key of a story in its digest."""
    return not story.new, story.sources < _CORROBORATED, -story.score, story.id


def merit(story: DigestStory) -> tuple[bool, float, int]:
    """Return the sort key by which a story earns its full length, whether new or continuing."""
    return story.sources < _CORROBORATED, -story.score, story.id


def _certainty(story: Story) -> float:
    taggings = [entry.tagging for entry in story.entries]
    if any(tagging.corrected and tagging.relevant for tagging in taggings):
        return 1.0
    return min(max(tagging.score for tagging in taggings), _SURE) / _SURE


def _freshness(story: Story, now: datetime) -> float:
    newest = max(entry.published for entry in story.entries)
    age = max(now - newest, timedelta())
    return float(0.5 ** (age / _HALF_LIFE))


def _weight(entry: Entry, feeds: Mapping[str, Feed]) -> float:
    weight = feeds[entry.feed].weight if entry.feed in feeds else 1.0
    return min(max(log2(weight), -2.0), 2.0) if weight > 0 else -2.0
