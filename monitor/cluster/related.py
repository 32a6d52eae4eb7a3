"""Stories of one affair: the ruling after the filing, the reversal after the launch."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from monitor.cluster.traits import PLAYER, traits

if TYPE_CHECKING:
    from monitor.models import Entry
    from collections.abc import Iterable
    from datetime import datetime, timedelta

    from monitor.cluster.match import Rarity
    from monitor.models import Story

_ENOUGH = 9.0
"""Summed weight of shared names from which two stories belong to one affair: two rare names, or three."""
_FEWEST = 2
_RARE = 2.5
_MOST = 5
"""Stories that one story is linked to."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Past:
    """A story that is closed, as far as a later one needs it to link to it."""

    id: int
    names: frozenset[str]
    """Of `names(story)` when it was last stored."""
    last_seen: datetime


def names(story: Story) -> frozenset[str]:
    """Return the names that a story is known by: of at least a third of its entries, for the store to keep."""
    found = Counter(name for entry in story.entries for name in _names(entry))
    return frozenset(name for name, n in found.items() if 3 * n >= len(story.entries))


def _names(entry: Entry) -> frozenset[str]:
    own = traits(entry)
    return own.names | {PLAYER + player for player in own.players}


def related(story: Story, others: Iterable[Past], rarity: Rarity, within: timedelta) -> tuple[int, ...]:
    """Return the ids of stories of the same affair, the nearest in names first."""
    own = names(story)
    found: list[tuple[float, int]] = []
    for other in others:
        near = abs(story.last_seen - other.last_seen) <= within and other.id != story.id
        weights = [w for w in map(rarity.weight, own & other.names) if w > _RARE] if near else []
        if len(weights) >= _FEWEST and sum(weights) >= _ENOUGH:
            found.append((-sum(weights), other.id))
    return tuple(key for _, key in sorted(found)[:_MOST])
