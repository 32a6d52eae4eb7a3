"""Entries as the matcher holds them, and how alike two are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from monitor.cluster import match
from monitor.cluster.copies import Sources
from monitor.cluster.encoder import likeness, unpack
from monitor.cluster.groups import Link
from monitor.cluster.traits import traits

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from monitor.models import Entry, Feed

_LATEST = 24
"""Of a large story the latest entries are compared, no more."""


@dataclass(frozen=True, slots=True, eq=False)
class Member:
    """An entry of a story, open or to be."""

    entry: Entry
    weighed: match.Weighed
    terms: frozenset[str]
    vector: Any
    """Unpacked; None without the `semantic` extra."""

    @property
    def day(self) -> float:
        """Days from 1970 to its publication."""
        return self.weighed.traits.day


class Members:
    """Makes members of entries, each once."""

    def __init__(self, rarity: match.Rarity, feeds: Mapping[str, Feed], vectors: Mapping[int, bytes]) -> None:
        self.rarity = rarity
        self._sources, self._vectors = Sources(feeds), vectors
        self._made: dict[int, Member] = {}

    def of(self, entry: Entry) -> Member:
        """Return the entry as a member."""
        if entry.id not in self._made:
            own, vector = traits(entry), self._vectors.get(entry.id)
            self._made[entry.id] = Member(
                entry,
                match.weigh(own, self.rarity, self._sources.of(entry)),
                own.terms(),
                None if vector is None else unpack(vector),
            )
        return self._made[entry.id]


def order(entry: Entry) -> tuple[object, ...]:
    """Return the key that puts entries in one order whatever the order of their arrival."""
    return (entry.first_seen, entry.published, entry.feed, entry.guid, entry.url, entry.title, entry.id)


def link(one: Sequence[Member], other: Sequence[Member]) -> Link:
    """Compare all members of two groups."""
    return Link.of(_score(a, b) for a in one[-_LATEST:] for b in other[-_LATEST:])


def _score(one: Member, other: Member) -> float:
    both = one.vector is not None and other.vector is not None
    alike = likeness(one.vector, other.vector) if both else None
    return match.score(match.features(one.weighed, other.weighed, alike))
