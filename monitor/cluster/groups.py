"""Put numbered groups together by average linkage, the most strongly linked ones first."""

from __future__ import annotations

import heapq
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from collections.abc import Set as AbstractSet

# Log-odds beyond which a pair counts no more.
_CEILING = 6.0
# The share of the best pair of members in the strength of a link; the rest is the mean over all pairs.
_BEST_SHARE = 0.2
# 5,000 nearly equal reports of one day are 12 million pairs. So if no groups of two clusters were near each
# other, this many pairs of their latest groups stand for all pairs. And when a cluster of at least `_LARGE`
# groups takes in at most a tenth as many, its link stands for theirs, too. Neither changed any story of the
# labelled reports or of a real stream of five months.
_PAIRS = 24
_LARGE, _TENTH = 24, 10


@dataclass(frozen=True, slots=True)
class Link:
    """The pairs between the members of two groups: their number, the sum of their log-odds, and the best."""

    pairs: int
    total: float
    best: float
    loudest: float = 0.0
    """The best one without the ceiling: it tells which of two links is stronger if both reach the ceiling."""

    @classmethod
    def of(cls, scores: Iterable[float]) -> Link:
        """Return the link of these pairs, of which there must be at least one."""
        found = list(scores)
        capped = [max(-_CEILING, min(_CEILING, score)) for score in found]
        return cls(len(capped), sum(capped), max(capped), max(found))

    def __add__(self, other: Link) -> Link:
        """Return the link of the pairs of both."""
        return Link(
            self.pairs + other.pairs,
            self.total + other.total,
            max(self.best, other.best),
            max(self.loudest, other.loudest),
        )

    def strength(self) -> float:
        """Return how strongly the two groups are linked, as log-odds."""
        return (1 - _BEST_SHARE) * self.total / self.pairs + _BEST_SHARE * self.best


def group(
    groups: int,
    near: AbstractSet[tuple[int, int]],
    link: Callable[[int, int], Link],
    *,
    threshold: float,
    closes: Callable[[Sequence[int], Sequence[int], Link], bool] = lambda _one, _other, _link: True,
    stored: int = 0,
    cannot_link: AbstractSet[tuple[int, int]] = frozenset(),
) -> list[int]:
    """Return, for each of the groups 0, 1, ..., the lowest group of the cluster that it ends in.

    `near` holds the pairs (lower first) that are worth a look, `link` compares any two groups, and
    `cannot_link` holds pairs that never meet. The first `stored` groups are compared with each other only if
    a later one is near both. The strongest link is looked at first, down to `threshold`; of equal
    links the one with the louder best pair, then the lower. `closes` is asked, with the groups of both
    clusters, whether they become one; if not, they never meet.
    """
    clusters = _Clusters(
        groups, near, link, threshold=threshold, closes=closes, stored=stored, cannot_link=cannot_link
    )
    while (pair := clusters.strongest()) is not None:
        clusters.merge(*pair)
    return clusters.root


# The key of a cluster, and its links to other clusters.
_Side = tuple[int, dict[int, Link]]


class _Clusters:
    """The state of one grouping. The key of a cluster is its lowest group."""

    def __init__(
        self,
        groups: int,
        near: AbstractSet[tuple[int, int]],
        link: Callable[[int, int], Link],
        *,
        threshold: float,
        closes: Callable[[Sequence[int], Sequence[int], Link], bool],
        stored: int,
        cannot_link: AbstractSet[tuple[int, int]],
    ) -> None:
        self.root = list(range(groups))
        self._link, self._threshold, self._closes, self._stored = link, threshold, closes, stored
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
        """Return the two clusters with the strongest link that is to be closed; None if no link is left."""
        # Links of clusters that were merged stay in the heap and are skipped here: finding them there would
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
        """Return the link of two merged clusters to a third; None if they never meet it or it is too weak.

        It is too weak if only one of the two was near the third, and that link is below the threshold.
        """
        if third in self._apart[one[0]] | self._apart[other[0]]:
            return None
        links = [near.get(third) for _, near in (one, other)]
        known = [link for link in links if link is not None]
        if len(known) == 1:
            near, far = (one, other) if links[1] is None else (other, one)
            groups, lacking = (len(self._members[key]) for key, _ in (near, far))
            if known[0].strength() < self._threshold:
                return None
            # The link of two stored stories stands for what joins them later, too: otherwise joining 1,000
            # entries took a fifth longer, and came to the same stories.
            if (groups >= _LARGE and lacking * _TENTH <= groups) or max(near[0], third) < self._stored:
                return known[0]
        first, second = (
            link or self._between(key, third) for (key, _), link in zip((one, other), links, strict=True)
        )
        return first + second

    def _between(self, one: int, other: int) -> Link:
        """Compare two clusters none of whose groups were near each other."""
        fewer, more = sorted((self._members[one], self._members[other]), key=len)
        if max(one, other) < self._stored:
            some, others = [one], [other]
        else:
            some = fewer[-math.isqrt(_PAIRS) :]
            others = more[-(_PAIRS // len(some)) :]
        first, *rest = (self._link(min(a, b), max(a, b)) for a in some for b in others)
        found = sum(rest, first)
        share = len(fewer) * len(more) / (len(some) * len(others))
        return Link(round(found.pairs * share), found.total * share, found.best, found.loudest)

    def _connect(self, one: int, other: int, link: Link) -> None:
        self._links[one][other] = self._links[other][one] = link
        if (strength := link.strength()) >= self._threshold:
            heapq.heappush(self._heap, (-strength, -link.loudest, one, other))
