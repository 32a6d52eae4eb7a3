"""Grouping by average linkage: pure numbers in, groups out."""

from __future__ import annotations

import heapq
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from collections.abc import Set as AbstractSet

UNLIKE = -6.0
"""Log-odds of two members that were never compared because they share nothing telling."""
CEILING = 6.0
_BEST_SHARE = 0.3
"""How much the best pair of members counts beside the mean over all pairs."""


@dataclass(slots=True)
class Link:
    """What is known of the pairs between two groups: how many were compared, their sum, the best."""

    pairs: int = 0
    total: float = 0.0
    best: float = UNLIKE

    def add(self, score: float) -> None:
        """Take in the log-odds of one pair."""
        score = max(UNLIKE, min(CEILING, score))
        self.pairs += 1
        self.total += score
        self.best = max(self.best, score)

    def absorb(self, other: Link) -> None:
        """Take in all pairs of another link."""
        self.pairs += other.pairs
        self.total += other.total
        self.best = max(self.best, other.best)

    def strength(self, pairs: int) -> float:
        """Return the linkage of the two groups, which have `pairs` pairs of members, compared or not."""
        mean = (self.total + UNLIKE * (pairs - self.pairs)) / pairs
        return (1 - _BEST_SHARE) * mean + _BEST_SHARE * self.best


def group(
    sizes: Mapping[int, int],
    links: Mapping[tuple[int, int], Link],
    *,
    threshold: float,
    fixed: int = 0,
    cannot: AbstractSet[tuple[int, int]] = frozenset(),
) -> dict[int, int]:
    """Return for each group the group that it ends in (the lowest key of its cluster).

    `sizes` gives each group's number of members, `links` what is known between two groups (lower key first),
    `cannot` the pairs that never meet; no two groups with keys below `fixed` meet either. The strongest link is closed first while it reaches `threshold`; of equal
    ones the one with the lower keys.
    """
    clusters = _Clusters(sizes, links, fixed, cannot)
    while (pair := clusters.strongest(threshold)) is not None:
        clusters.merge(*pair)
    return clusters.root


class _Clusters:
    """The state of one grouping."""

    def __init__(
        self,
        sizes: Mapping[int, int],
        links: Mapping[tuple[int, int], Link],
        fixed: int,
        cannot: AbstractSet[tuple[int, int]],
    ) -> None:
        self.fixed = fixed
        self.sizes = dict(sizes)
        self.root = {key: key for key in sizes}
        self.members = {key: [key] for key in sizes}
        self.near: dict[int, dict[int, Link]] = {key: {} for key in sizes}
        self.apart: dict[int, set[int]] = {key: set() for key in sizes}
        self.heap: list[tuple[float, int, int]] = []
        for one, other in cannot:
            self.apart[one].add(other)
            self.apart[other].add(one)
        for (one, other), link in links.items():
            self.near[one][other] = self.near[other][one] = Link(link.pairs, link.total, link.best)
        for one, other in links:
            self._offer(one, other)

    def strongest(self, threshold: float) -> tuple[int, int] | None:
        """Return the strongest link that still stands and reaches the threshold."""
        while self.heap:
            negative, one, other = heapq.heappop(self.heap)
            if -negative < threshold:
                return None
            stands = other in self.near.get(one, {}) and other not in self.apart[one]
            if stands and self._strength(one, other) == -negative:
                return one, other
        return None

    def merge(self, one: int, other: int) -> None:
        """Let `one`, the lower key, take in `other`."""
        for key in self.members.pop(other):
            self.root[key] = one
            self.members[one].append(key)
        self.sizes[one] += self.sizes[other]
        for far in self.apart.pop(other):
            self.apart[one].add(far)
            self.apart[far].discard(other)
            self.apart[far].add(one)
        for third, link in self.near.pop(other).items():
            del self.near[third][other]
            if third == one:
                continue
            if third in self.near[one]:
                self.near[one][third].absorb(link)
            else:
                self.near[one][third] = self.near[third][one] = link
        for third in self.near[one]:
            self._offer(one, third)

    def _offer(self, one: int, other: int) -> None:
        low, high = sorted((one, other))
        if high >= self.fixed and other not in self.apart[one]:
            heapq.heappush(self.heap, (-self._strength(low, high), low, high))

    def _strength(self, one: int, other: int) -> float:
        return self.near[one][other].strength(self.sizes[one] * self.sizes[other])
