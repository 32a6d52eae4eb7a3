"""Learn from the user's merges and splits: what stays apart, and a bar and weights that move a little."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from itertools import product
from typing import TYPE_CHECKING, NamedTuple

from monitor.cluster import match
from monitor.cluster.candidates import compare

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from collections.abc import Set as AbstractSet

    from monitor.cluster.candidates import Candidates
    from monitor.models import Correction, Entry

# How many pairs of entries one correction counts for: merging two large stories is one decision of the user.
_PAIRS = 9
_RATE = 0.05
_ROUNDS = 10
# The share of its weight by which the weight of a feature may move.
_BOUND = 0.25
# Log-odds by which the bar may move.
_BAR_BOUND = 0.5


@dataclass(frozen=True, slots=True)
class Apart:
    """The entries that the user keeps apart: on two sides of a split, unless a later merge joined them."""

    corrections: Sequence[Correction] = ()
    """In the order in which they were made."""
    _sides: defaultdict[int, dict[int, int]] = field(default_factory=lambda: defaultdict(dict))

    def __post_init__(self) -> None:
        """Note for each entry on which side of which corrections it stands."""
        for number, correction in enumerate(self.corrections):
            for side, entries in enumerate((correction.entries, correction.others)):
                for entry in entries:
                    self._sides[entry][number] = side

    def __call__(self, one: int, other: int) -> bool:
        """Say whether two entries are kept apart."""
        mine, theirs = self._sides.get(one), self._sides.get(other)
        if not mine or not theirs:
            return False
        # The last correction of both counts, be it a split after a merge or a merge after a split.
        last = max((n for n, side in mine.items() if theirs.get(n, side) != side), default=None)
        return last is not None and not self.corrections[last].together

    def any(self, some: Iterable[int], others: Sequence[int]) -> bool:
        """Say whether any of some entries is kept apart from any of the others."""
        corrected = [entry for entry in some if entry in self._sides]
        return any(self(one, other) for one, other in product(corrected, others))

    def groups(self, home: Mapping[int, int]) -> AbstractSet[tuple[int, int]]:
        """Return the pairs of groups that never meet, lower first; `home` gives the group of each entry."""
        members: defaultdict[int, list[int]] = defaultdict(list)
        for entry in self._sides.keys() & home.keys():
            members[home[entry]].append(entry)
        numbers = sorted(members)
        return {
            (one, other)
            for place, one in enumerate(numbers)
            for other in numbers[place + 1 :]
            if self.any(members[one], members[other])
        }


def learn(
    corrections: Sequence[Correction], entries: Mapping[int, Entry], candidates: Candidates
) -> dict[str, float]:
    """Return what the user's corrections add to the weights and the bias; {} if the model agrees with them.

    These are a few steps of logistic regression from the trained weights, and each weight stays near where it
    was. So ten corrections can decide a case in doubt, and no number of them turns the model upside down.
    """
    lessons = list(_lessons(corrections, entries, candidates))
    own: dict[str, float] = {}
    for _ in range(_ROUNDS):
        for found, together in lessons:
            error = float(together) - match.probability(match.score(found, own) + own.get("bias", 0.0))
            for name, value in (("bias", 1.0), *found.items()):
                moved = own.get(name, 0.0) + _RATE * error * value
                own[name] = max(-_bound(name, found), min(_bound(name, found), moved))
    return {name: change for name, change in own.items() if change}


class _Lesson(NamedTuple):
    """The features of two entries, and whether the user says that they tell of one event."""

    features: dict[str, float]
    together: bool


def _lessons(
    corrections: Sequence[Correction], entries: Mapping[int, Entry], candidates: Candidates
) -> Iterator[_Lesson]:
    for correction in corrections:
        some = [candidates.of(entries[n]) for n in correction.entries if n in entries]
        others = [candidates.of(entries[n]) for n in correction.others if n in entries]
        pairs = [compare(one, other) for one, other in product(some[-3:], others[-3:])]
        for found in pairs[:_PAIRS]:
            yield _Lesson(found, correction.together)


def _bound(name: str, found: Mapping[str, float]) -> float:
    weights = match.model().semantic if "likeness" in found else match.model().weights
    return _BAR_BOUND if name == "bias" else _BOUND * abs(weights.get(name, 0.0))
