"""What a story is known by, and the affair that it is a step of: the ruling after the filing."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from monitor.cluster.traits import PLAYER, ROLE, traits

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime, timedelta

    from monitor.cluster.match import Rarity
    from monitor.models import Entry, Story

# Summed weight of what two stories share from which they are one affair: a rare name and a word or two.
_ENOUGH = 7.0
# Weight from which a name or word tells something: in no more than an eighth of the archive.
_RARE = 2.0
# Weight from which one shared name is an affair's own: no firm that is in the news each week.
_NAME = 3.0
_FEWEST = 2
# Stories that one story is linked to.
_MOST = 5
_PARTIES = 6
NAME = "~"
"""Mark of those names by which a story is known that are no players."""
_MARKS = PLAYER + NAME
_TITLE_COUNTS = 2


@dataclass(frozen=True, kw_only=True, slots=True)
class PastStory:
    """A story as far as others of its affair need it to find it."""

    id: int
    names: frozenset[str]
    last_seen: datetime
    affair: int | None = None

    @classmethod
    def of(cls, story: Story) -> PastStory:
        """Return what others need of a story."""
        return cls(id=story.id, names=frozenset(story.names), last_seen=story.last_seen, affair=story.affair)


def names(entries: Sequence[Entry]) -> tuple[str, ...]:
    """Return what a story is known by: players, names and title words of at least a third of its entries."""
    found = Counter(name for entry in entries for name in _names(entry))
    # A third, so that one report's digression does not name the story.
    return tuple(sorted(name for name, n in found.items() if 3 * n >= len(entries)))


def kind(entries: Iterable[Entry]) -> str:
    """Return the kind of event that most entries speak of, titles before summaries; "" for none."""
    found: Counter[str] = Counter()
    for entry in entries:
        own = traits(entry)
        if own.kind:
            found[own.kind] += _TITLE_COUNTS if own.title.kinds else 1
    return min(found, key=lambda kind: (-found[kind], kind), default="")


def parties(entries: Sequence[Entry]) -> tuple[str, ...]:
    """Return who did it to whom: names, as they are spelt, of at least a third of the entries; then roles."""
    spelt: defaultdict[str, Counter[str]] = defaultdict(Counter)
    found: Counter[str] = Counter()
    for entry in entries:
        own = traits(entry)
        for player, words in own.spelt:
            spelt[player][words] += 1
        found.update([player for player, _ in own.spelt], **{ROLE + role: 1 for role in own.text.roles})
    common = [party for party, n in found.most_common() if 3 * n >= len(entries)]
    named = [spelt[party].most_common(1)[0][0] for party in common if party in spelt]
    roles = [party.removeprefix(ROLE) for party in common if party not in spelt]
    return tuple((named + roles)[:_PARTIES])


class RelatedStories:
    """Stories by their rare names, so that those of one affair find each other."""

    def __init__(self, stories: Iterable[PastStory], rarity: Rarity, within: timedelta) -> None:
        self._rarity, self._within = rarity, within
        self._stories = {story.id: story for story in stories}
        self._named: defaultdict[str, list[int]] = defaultdict(list)
        for story in self._stories.values():
            for name in story.names:
                self._named[name].append(story.id)

    def related(self, story: Story) -> tuple[int, ...]:
        """Return the ids of stories that share a name and more, those that share the most first."""
        shared: defaultdict[int, dict[str, float]] = defaultdict(dict)
        for name in story.names:
            weight = self._rarity.weight(name.removeprefix(NAME))
            for key in self._named.get(name, ()) if weight > _RARE else ():
                shared[key][name] = weight
        shared.pop(story.id, None)
        found = [
            (-math.fsum(weights.values()), key)
            for key, weights in shared.items()
            if len(weights) >= _FEWEST and math.fsum(weights.values()) >= _ENOUGH
            if any(name[0] in _MARKS and weight > _NAME for name, weight in weights.items())
            if abs(story.last_seen - self._stories[key].last_seen) <= self._within
        ]
        return tuple(key for _, key in sorted(found)[:_MOST])

    def named_alike(self, story: Story, other: int) -> bool:
        """Return whether a story shares a party or another name with one of these that is near it."""
        known = self._stories[other].names if other in self._stories else frozenset()
        return any(name[0] in _MARKS for name in known.intersection(story.names))

    def affair(self, related: Sequence[int]) -> int | None:
        """Return the affair of the nearest of these stories; one that had none founds it, by its own id."""
        nearest = next((self._stories[key] for key in related if key in self._stories), None)
        return (nearest.affair or nearest.id) if nearest else None


def _names(entry: Entry) -> frozenset[str]:
    own = traits(entry)
    named = own.text.names - own.aliases
    players = {PLAYER + player for player in own.text.players}
    return (own.title.stems - named - own.aliases) | {NAME + name for name in named} | players
