"""Stories of one affair: the ruling after the filing, the reversal after the launch."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from monitor.cluster.traits import PLAYER, traits

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime, timedelta

    from monitor.cluster.match import Rarity
    from monitor.models import Entry, Story

_ENOUGH = 8.0
"""Summed weight of what two stories share from which they are one affair: a rare name and a word or two."""
_RARE = 2.0
"""Weight from which a name or word tells something: in no more than an eighth of the archive."""
_FEWEST = 2
_MOST = 5
"""Stories that one story is linked to."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Past:
    """A story as far as others of its affair need it to find it."""

    id: int
    names: frozenset[str]
    last_seen: datetime

    @classmethod
    def of(cls, story: Story) -> Past:
        """Return what others need of a story."""
        return cls(id=story.id, names=frozenset(story.names), last_seen=story.last_seen)


def names(entries: Sequence[Entry]) -> tuple[str, ...]:
    """Return what a story is known by: players, names and title words of at least a third of its entries."""
    found = Counter(name for entry in entries for name in _names(entry))
    return tuple(sorted(name for name, n in found.items() if 3 * n >= len(entries)))


class Affairs:
    """Stories by their rare names, so that those of one affair find each other."""

    def __init__(self, stories: Iterable[Past], rarity: Rarity, within: timedelta) -> None:
        self._rarity, self._within = rarity, within
        self._stories = {story.id: story for story in stories}
        self._named: defaultdict[str, list[int]] = defaultdict(list)
        for story in self._stories.values():
            for name in story.names:
                self._named[name].append(story.id)

    def related(self, story: Story) -> tuple[int, ...]:
        """Return the ids of stories that share a player and more, those that share the most first."""
        shared: defaultdict[int, dict[str, float]] = defaultdict(dict)
        for name in story.names:
            weight = self._rarity.weight(name)
            for key in self._named.get(name, ()) if weight > _RARE else ():
                shared[key][name] = weight
        shared.pop(story.id, None)
        found = [
            (-math.fsum(weights.values()), key)
            for key, weights in shared.items()
            if len(weights) >= _FEWEST and math.fsum(weights.values()) >= _ENOUGH
            if any(name.startswith(PLAYER) for name in weights)
            if abs(story.last_seen - self._stories[key].last_seen) <= self._within
        ]
        return tuple(key for _, key in sorted(found)[:_MOST])


def _names(entry: Entry) -> frozenset[str]:
    own = traits(entry)
    return (own.names | own.title) - own.aliases | {PLAYER + player for player in own.players}
