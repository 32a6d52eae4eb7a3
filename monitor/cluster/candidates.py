"""Hold entries in the form in which they are compared, and compare them.

Takes entries and the rarity of their terms. Gives candidates, and the link between two groups of candidates.
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
"""How many entries of a large story, the latest ones, are compared with others."""


@dataclass(frozen=True, eq=False)
class Candidate:
    """An entry that is in an open story or may come into one."""

    entry: Entry
    traits: Traits
    vector: Any
    """The unpacked vector of the entry; None without the extra `semantic`."""
    rarity: match.Rarity
    sources: Sources

    # Worked out when first asked for: most entries of open stories are never compared with anything.
    @cached_property
    def weighed(self) -> match.Weighed:
        """The entry's terms, weighed by their rarity."""
        source = self.sources.of(self.entry) if self.entry.url else ""
        return match.weigh(self.traits, self.rarity, source)

    @property
    def day(self) -> float:
        """The days from 1970 to its publication."""
        return self.traits.day

    @property
    def language(self) -> str:
        """The entry's language; "" if it is not known."""
        return self.traits.language

    @property
    def place(self) -> tuple[float, str, str]:
        """Its place in the order of publication; no two entries of one moment have the same."""
        return self.traits.day, self.entry.feed, self.entry.title


@dataclass(frozen=True, slots=True)
class Candidates:
    """Makes one candidate of each entry, and compares them with what the user's corrections taught."""

    rarity: match.Rarity
    sources: Sources
    vectors: Mapping[int, bytes]
    own: Mapping[str, float] = field(default_factory=dict)
    """What the user's corrections add to the weights of pairs."""
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
        """Compare all candidates of two groups; with `steps`, being two steps of an affair does not count."""
        some, others = one[-LATEST:], other[-LATEST:]
        pairs = ((a, b) for a in some for b in others)
        if steps:
            return Link.of(match.score(compare(a, b) | {"steps_differ": 0.0}, self.own) for a, b in pairs)
        # If both groups have reports in one language, their words are enough. Otherwise a report joined,
        # through the meaning of a report in another language, a group that the words of its own language
        # kept apart.
        meaning = {a.language for a in some}.isdisjoint(b.language for b in others)
        return Link.of(self.score(a, b, meaning=meaning) for a, b in pairs)

    def score(self, one: Candidate, other: Candidate, *, meaning: bool = True) -> float:
        """Return the log-odds that two candidates tell of one event, by words or, across languages, meaning.

        Each pair is needed three times: to group it, to say how sure the join is, and to say what speaks
        against it. Remembering the result halves the cost of making stories.
        """
        first, second = one.entry.id, other.entry.id
        pair = (first, second, meaning) if first < second else (second, first, meaning)
        if pair not in self._scores:
            self._scores[pair] = match.score(compare(one, other, meaning=meaning), self.own)
        return self._scores[pair]


def compare(one: Candidate, other: Candidate, *, meaning: bool = True) -> dict[str, float]:
    """Return the features of two candidates."""
    both = one.vector is not None and other.vector is not None
    # Within one language, words tell events apart better than meaning does: on five months of a real stream
    # the encoder made three more stories there, and each mixed two events. Across languages words say little.
    across = one.language != other.language and "" not in (one.language, other.language)
    alike = likeness(one.vector, other.vector) if meaning and both and across else None
    return match.features(one.weighed, other.weighed, alike)


def order(entry: Entry) -> tuple[object, ...]:
    """Return a key that sorts entries in the same way, whatever the order in which they arrived."""
    # The id comes last, so that two databases that met the same entries in different orders agree.
    return (entry.first_seen, entry.published, entry.feed, entry.guid, entry.url, entry.title, entry.id)
