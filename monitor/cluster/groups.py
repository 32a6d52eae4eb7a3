"""Grouping by average linkage: how strongly numbered groups are linked in, the cluster of each out."""

from __future__ import annotations

import heapq
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from collections.abc import Set as AbstractSet

# Log-odds beyond which a pair does not speak louder.
_CEILING = 6.0
# How much the best pair of members counts beside the mean over all pairs.
_BEST_SHARE = 0.2
# 5,000 reports of one day that are nearly alike are 12 million pairs. Where no groups of two clusters were
# near, so many pairs of their latest stand for all; and a large cluster's link stands for the tenth as many
# groups that join it. No story of the labelled reports changed by it, nor one of five months of a stream.
_PAIRS = 24
_LARGE, _TENTH = 24, 10


@dataclass(frozen=True, slots=True)
class Link:
    """All pairs between the members of two groups: how many, the sum of their log-odds, the best."""

    pairs: int
    total: float
    best: float
    loudest: float = 0.0
    """The best one beyond the ceiling: of links that are equal up to there it tells the nearer."""

    @classmethod
    def of(cls, scores: Iterable[float]) -> Link:
        """Return the link of at least one pair."""
        found = list(scores)
        capped = [max(-_CEILING, min(_CEILING, score)) for score in found]
        return cls(len(capped), sum(capped), max(capped), max(found))

    def __add__(self, other: Link) -> Link:
        """Return the link of all pairs of both."""
        return Link(
            self.pairs + other.pairs,
            self.total + other.total,
            max(self.best, other.best),
            max(self.loudest, other.loudest),
        )

    def strength(self) -> float:
        """Return the linkage of the two groups, log-odds."""
        return (1 - _BEST_SHARE) * self.total / self.pairs + _BEST_SHARE * self.best


def group(
    groups: int,
    near: AbstractSet[tuple[int, int]],
    link: Callable[[int, int], Link],
    *,
    threshold: float,
    closes: Callable[[Sequence[int], Sequence[int], Link], bool] = lambda _one, _other, _link: True,
    fixed: int = 0,
    cannot_link: AbstractSet[tuple[int, int]] = frozenset(),
) -> list[int]:
    """Return for each of the groups 0, 1, ... the one that it ends in: the lowest of its cluster.

    `near` holds the pairs (lower first) that are worth a look, `link` compares any two groups,
    `cannot_link` holds pairs that never meet, and none of the first `fixed` groups meets another of them.
    The strongest link is looked at first, down to `threshold`, of equal ones the loudest, then the lowest:
    it is closed, or the clusters never meet, as `closes` says of the groups in both.
    """
    clusters = _Clusters(
        groups, near, link, threshold=threshold, closes=closes, fixed=fixed, cannot_link=cannot_link
    )
    while (pair := clusters.strongest()) is not None:
        clusters.merge(*pair)
    return clusters.root


# A cluster and its links.
_Side = tuple[int, dict[int, Link]]


class _Clusters:
    """The state of one grouping: clusters are known by their lowest group."""

    def __init__(
        self,
        groups: int,
        near: AbstractSet[tuple[int, int]],
        link: Callable[[int, int], Link],
        *,
        threshold: float,
        closes: Callable[[Sequence[int], Sequence[int], Link], bool],
        fixed: int,
        cannot_link: AbstractSet[tuple[int, int]],
    ) -> None:
        self.root = list(range(groups))
        self._link, self._threshold, self._closes, self._fixed = link, threshold, closes, fixed
        self._members = {key: [key] for key in self.root}
        self._links: dict[int, dict[int, Link]] = {key: {} for key in self.root}
        self._apart: dict[int, set[int]] = {key: set() for key in self.root}
        self._heap: list[tuple[float, float, int, int]] = []
        for one, other in cannot_link:
            self._apart[one].add(other)
            self._apart[other].add(one)
        for one, other in sorted(near):
            self._connect(one, other, link(one, other))

    def strongest(self) -> tuple[int, int] | None:
        """Return the strongest link that still stands and is to be closed, if one reaches the threshold."""
        # Links that have been merged away stay in the heap and are passed over here: to find them there would
        # cost more.
        while self._heap:
            *rank, one, other = heapq.heappop(self._heap)
            link = self._links.get(one, {}).get(other)
            if link is None or [-link.strength(), -link.loudest] != rank or other in self._apart[one]:
                continue
            if self._closes(self._members[one], self._members[other], link):
                return one, other
            self._apart[one].add(other)
            self._apart[other].add(one)
        return None

    def merge(self, one: int, other: int) -> None:
        """Let `one`, the lower, take in `other`."""
        nearer, farther = self._links.pop(one), self._links.pop(other)
        thirds = sorted((nearer.keys() | farther.keys()) - {one, other})
        joint = {third: self._joint((one, nearer), (other, farther), third) for third in thirds}
        for third in thirds:
            self._links[third].pop(one, None)
            self._links[third].pop(other, None)
        for key in self._members[other]:
            self.root[key] = one
        self._members[one] += self._members.pop(other)
        for far in self._apart.pop(other):
            self._apart[far] = self._apart[far] - {other} | {one}
            self._apart[one].add(far)
        self._links[one] = {}
        for third, link in joint.items():
            if link is not None:
                self._connect(min(one, third), max(one, third), link)

    def _joint(self, one: _Side, other: _Side, third: int) -> Link | None:
        """Return the link of two clusters to a third; None where they never meet it, or it is not likely.

        It is not where it was near one alone, and that link is weak.
        """
        if max(one[0], third) < self._fixed or third in self._apart[one[0]] | self._apart[other[0]]:
            return None
        links = [near.get(third) for _, near in (one, other)]
        known = [link for link in links if link is not None]
        if len(known) == 1:
            near, far = (one, other) if links[1] is None else (other, one)
            groups, lacking = (len(self._members[key]) for key, _ in (near, far))
            if known[0].strength() < self._threshold:
                return None
            if groups >= _LARGE and lacking * _TENTH <= groups:
                return known[0]
        first, second = (
            link or self._between(key, third) for (key, _), link in zip((one, other), links, strict=True)
        )
        return first + second

    def _between(self, one: int, other: int) -> Link:
        """Compare two clusters of which no groups were near."""
        fewer, more = sorted((self._members[one], self._members[other]), key=len)
        some = fewer[-math.isqrt(_PAIRS) :]
        others = more[-(_PAIRS // len(some)) :]
        first, *rest = (self._link(min(a, b), max(a, b)) for a in some for b in others)
        found = sum(rest, first)
        share = len(fewer) * len(more) / (len(some) * len(others))
        return Link(round(found.pairs * share), found.total * share, found.best, found.loudest)

    def _connect(self, one: int, other: int, link: Link) -> None:
        if other < self._fixed:
            return
        self._links[one][other] = self._links[other][one] = link
        if (strength := link.strength()) >= self._threshold:
            heapq.heappush(self._heap, (-strength, -link.loudest, one, other))
