"""Whether two groups of reports tell one event: what only whole groups show. Takes groups, gives log-odds.

Pairs of reports say how alike two groups are; which step of an affair a group tells, which outlets have had
their report, what all of its titles say and none of the other's, no pair says. Weighed by the table `fusion`
of model.toml: four hands left out gained .02 to .08 of precision by it, and more recall.
"""

from __future__ import annotations

import math
from collections import Counter
from typing import TYPE_CHECKING

from monitor.cluster import kinds, match
from monitor.cluster.references import ROUND_UP

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from collections.abc import Set as AbstractSet

    from monitor.cluster.candidates import Candidate
    from monitor.cluster.groups import Link

FLOOR = 1.0
"""Log-odds of a link from which groups are asked at all. Without, a lone report joined a group of its day and
kind that it had little in common with, where few reports come. Labelled records lost .02 of recall by it."""

# Of a large group the latest are read.
_LATEST = 24
_SCALE = 5.0
# Days, parties and outlets from which on more make no difference.
_LONGEST, _FEW, _OUTLETS = 10, 2, 3
# One in how many titles names a party, or a step, that the group is about.
_ONE_IN_PLAYERS, _ONE_IN_KINDS = 2, 3


def log_odds(one: Sequence[Candidate], other: Sequence[Candidate], link: Link, crowd: float) -> float:
    """Return the log-odds that two groups with this link between them tell one event.

    `crowd` is the logarithm of the entries that come in a day: chance likeness grows with them.
    """
    return match.weighed(features(one, other, link, crowd), match.model().fusion)


def closes(
    one: Sequence[Candidate], other: Sequence[Candidate], link: Link, crowd: float, bar: float
) -> bool:
    """Return whether two groups become one."""
    return log_odds(one, other, link, crowd) >= bar


def features(
    one: Sequence[Candidate], other: Sequence[Candidate], link: Link, crowd: float
) -> dict[str, float]:
    """Return what speaks for and against two groups being of one event; "new" is what the later one adds."""
    earlier, later = sorted((one, other), key=_began)
    sizes = sorted((len(one), len(other)))
    days = math.floor(min(m.day for m in later)) - math.floor(min(m.day for m in earlier))
    first, second = earlier[-_LATEST:], later[-_LATEST:]
    outlets, others = ({m.weighed.source for m in group} - {""} for group in (first, second))
    numbers, figures = (_all(m.weighed.traits.text.numbers for m in group) for group in (first, second))
    columns = [all(ROUND_UP.search(m.entry.title) for m in group) for group in (first, second)]
    return {
        "mean": link.total / link.pairs,
        "best": link.best,
        "pairs_log": math.log(link.pairs),
        "both_alone": float(sizes[1] == 1),
        "one_alone": float(sizes[0] == 1 < sizes[1]),
        "larger_log": math.log(sizes[1]),
        "crowd": crowd,
        "another_day": float(days >= 1),
        "days_log": math.log1p(min(_LONGEST, days)),
        "languages_differ": float({m.language for m in first}.isdisjoint(m.language for m in second)),
        "outlets": float(min(_OUTLETS, len(outlets & others))),
        "outlets_share": len(outlets & others) / max(1, min(len(outlets), len(others))),
        "kinds": _alike(_kinds(first), _kinds(second)),
        "kinds_new": _missing(_told(second), _all(m.weighed.traits.text.kinds for m in first)),
        "kinds_gone": _missing(_told(first), _all(m.weighed.traits.text.kinds for m in second)),
        "players_new": _missing(_named(second), _all(m.weighed.traits.text.players for m in first)),
        "players_gone": _missing(_named(first), _all(m.weighed.traits.text.players for m in second)),
        "numbers": float(bool(numbers & figures)),
        "numbers_differ": float(bool(numbers) and bool(figures) and numbers.isdisjoint(figures)),
        "word_new": _rarest_new(second, first) / _SCALE,
        "round_up": float(columns[0] != columns[1]),
    }


def _began(group: Sequence[Candidate]) -> tuple[float, str, str]:
    """Return the key by which groups stand in order, also where two begin at one moment."""
    return min((member.day, member.entry.feed, member.entry.title) for member in group)


def _all(found: Iterable[Iterable[str]]) -> AbstractSet[str]:
    return frozenset[str]().union(*found)


def _kinds(group: Sequence[Candidate]) -> Sequence[float]:
    return kinds.together([kinds.chances(m.entry.title, m.entry.summary) for m in group])


def _alike(one: Sequence[float], other: Sequence[float]) -> float:
    """Return how alike two shares of kinds are, 0 to 1."""
    return math.fsum(math.sqrt(a * b) for a, b in zip(one, other, strict=True))


def _told(group: Sequence[Candidate]) -> AbstractSet[str]:
    return _in_titles(group, lambda m: m.weighed.traits.title.kinds, _ONE_IN_KINDS)


def _named(group: Sequence[Candidate]) -> AbstractSet[str]:
    return _in_titles(group, lambda m: m.weighed.title_players, _ONE_IN_PLAYERS)


def _in_titles(
    group: Sequence[Candidate], labels: Callable[[Candidate], Iterable[str]], one_in: int
) -> AbstractSet[str]:
    """Return the labels that one in so many titles of a group have."""
    found = Counter(label for member in group for label in labels(member))
    return {label for label, n in found.items() if n * one_in >= len(group)}


def _missing(labels: AbstractSet[str], others: AbstractSet[str]) -> float:
    return float(min(_FEW, len(labels - others)))


def _rarest_new(group: Sequence[Candidate], others: Sequence[Candidate]) -> float:
    """Return the weight of the rarest word that half of a group's titles share and no other report has."""
    found = Counter(word for member in group for word in member.weighed.traits.title.specific)
    known = _all(m.weighed.stems.squares for m in others)
    shared = {word for word, n in found.items() if n > 1 and 2 * n >= len(group)} - known
    squares = (m.weighed.stems.squares for m in group)
    return math.sqrt(max((own[word] for own in squares for word in shared & own.keys()), default=0.0))
