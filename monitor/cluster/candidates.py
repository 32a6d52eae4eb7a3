"""Which stories an entry is worth comparing with: an inverted index over telling terms, bounded in cost."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from monitor.cluster.match import Rarity

_MOST = 12
"""Stories that one entry is compared with."""
_POSTINGS = 400
"""A term that more open stories share is passed over."""


class Index:
    """Terms to the groups of entries that hold them."""

    def __init__(self, rarity: Rarity) -> None:
        self._rarity = rarity
        self._postings: defaultdict[str, list[int]] = defaultdict(list)

    def add(self, group: int, terms: Iterable[str]) -> None:
        """Enter a group under its terms."""
        for term in terms:
            self._postings[term].append(group)

    def nearest(self, terms: Iterable[str], *, without: int) -> list[int]:
        """Return the groups that share the most of these terms, by weight, best first; equal ones by key."""
        weights: defaultdict[int, float] = defaultdict(float)
        for term in sorted(terms):
            groups = self._postings.get(term, ())
            if len(groups) <= _POSTINGS:
                weight = self._rarity.weight(term)
                for group in groups:
                    weights[group] += weight
        weights.pop(without, None)
        return sorted(weights, key=lambda group: (-weights[group], group))[:_MOST]
