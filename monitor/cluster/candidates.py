"""Entries as the matcher holds them, and how alike two are.

Takes entries and how rare their terms are; gives candidates, and the link between two groups of them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from monitor.cluster import match
from monitor.cluster.encoder import likeness, unpack
from monitor.cluster.groups import Link
from monitor.cluster.traits import traits

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from monitor.cluster.copies import Sources
    from monitor.cluster.traits import Traits
    from monitor.models import Entry

LATEST = 24
"""Of a large story so many entries, the latest, are compared, no more."""


@dataclass(frozen=True, eq=False)
class Candidate:
    """An entry of a story, open or to be."""

    entry: Entry
    traits: Traits
    vector: Any
    """Unpacked; None without the `semantic` extra."""
    rarity: match.Rarity
    sources: Sources

    # Of most entries of open stories nobody asks: no new one is near.
    @cached_property
    def weighed(self) -> match.Weighed:
        """Its terms, by their rarity."""
        source = self.sources.of(self.entry) if self.entry.url else ""
        return match.weigh(self.traits, self.rarity, source)

    @property
    def day(self) -> float:
        """Days from 1970 to its publication."""
        return self.traits.day

    @property
    def language(self) -> str:
        """Of the entry; "" where it is not known."""
        return self.traits.language

    @property
    def place(self) -> tuple[float, str, str]:
        """Its place in order of publication, also among those of one moment."""
        return self.traits.day, self.entry.feed, self.entry.title


@dataclass(frozen=True, slots=True)
class Candidates:
    """Makes candidates of entries, each once, and compares them as the user taught it."""

    rarity: match.Rarity
    sources: Sources
    vectors: Mapping[int, bytes]
    own: Mapping[str, float] = field(default_factory=dict)
    """What the user's corrections add to the weights."""
    _made: dict[int, Candidate] = field(default_factory=dict)
    _scores: dict[tuple[int, int, bool], float] = field(default_factory=dict, init=False)

    def of(self, entry: Entry) -> Candidate:
        """Return the entry as a candidate."""
        if entry.id not in self._made:
            packed = self.vectors.get(entry.id)
            vector = None if packed is None else unpack(packed)
            self._made[entry.id] = Candidate(entry, traits(entry), vector, self.rarity, self.sources)
        return self._made[entry.id]

    def link(self, one: Sequence[Candidate], other: Sequence[Candidate], *, steps: bool = False) -> Link:
        """Compare all candidates of two groups; with `steps` two steps of an affair are no two events."""
        some, others = one[-LATEST:], other[-LATEST:]
        pairs = ((a, b) for a in some for b in others)
        if steps:
            return Link.of(match.score(compare(a, b) | {"steps_differ": 0.0}, self.own) for a, b in pairs)
        # Where both have reports in one language words have said what there is to say: by meaning alone, over
        # a report in the other language, a report joined what its own language told apart from it.
        meaning = {a.language for a in some}.isdisjoint(b.language for b in others)
        return Link.of(self.score(a, b, meaning=meaning) for a, b in pairs)

    def score(self, one: Candidate, other: Candidate, *, meaning: bool = True) -> float:
        """Return the log-odds that two candidates tell of one event, by words or, across languages, meaning.

        A pair is asked three times: to group it, to say how sure the join is, and to say what speaks against
        it. Remembered, that is half of what stories cost.
        """
        first, second = one.entry.id, other.entry.id
        pair = (first, second, meaning) if first < second else (second, first, meaning)
        if pair not in self._scores:
            self._scores[pair] = match.score(compare(one, other, meaning=meaning), self.own)
        return self._scores[pair]


def compare(one: Candidate, other: Candidate, *, meaning: bool = True) -> dict[str, float]:
    """Return the features of two candidates."""
    both = one.vector is not None and other.vector is not None
    # Within one language words tell events apart better than meaning does: on five months of a real stream
    # the encoder made three more stories there, all of two events. Across languages words have little to say.
    across = one.language != other.language and "" not in (one.language, other.language)
    alike = likeness(one.vector, other.vector) if meaning and both and across else None
    return match.features(one.weighed, other.weighed, alike)


def order(entry: Entry) -> tuple[object, ...]:
    """Return the key that puts entries in one order whatever the order of their arrival."""
    # All of it, and the id last: two databases that met the same entries in another order agree.
    return (entry.first_seen, entry.published, entry.feed, entry.guid, entry.url, entry.title, entry.id)
