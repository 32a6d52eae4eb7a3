"""How alike two entries are: a handful of features, weighed by a small linear model (model.toml)."""

from __future__ import annotations

import math
import tomllib
from base64 import b64decode
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

from monitor.cluster.traits import PLAYER, SUBJECT

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from collections.abc import Set as AbstractSet

    from monitor.cluster.traits import Traits

_LONGEST = 14
"""Days from which on more make no difference."""
_TOPIC_SHARE = 0.15
"""A player named in more of the archive than this is the topic itself and tells nothing."""


@dataclass(frozen=True, kw_only=True, slots=True)
class TermCounts:
    """In how many of our relevant entries a term stands; terms that are not asked for may be left out."""

    documents: int = 0
    counts: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Rarity:
    """What a term weighs: the rarer in the archive, the more. Bundled counts help a small archive."""

    archive: TermCounts
    documents: int
    background: Mapping[str, int]

    def weight(self, term: str) -> float:
        """Return the inverse document frequency of a term, a natural logarithm."""
        seen = self.archive.counts.get(term, 0) + self.background.get(term, 0)
        return math.log((self.archive.documents + self.documents + 1) / (seen + 0.5))

    def telling(self, term: str) -> bool:
        """Return whether a term is rare enough to tell one story from another."""
        return self.weight(term) > -math.log(_TOPIC_SHARE)


@dataclass(frozen=True, slots=True)
class Model:
    """The trained weights, and the frequencies of common terms in the texts that they were trained on."""

    weights: Mapping[str, float]
    semantic: Mapping[str, float]
    documents: int
    background: Mapping[str, int]
    topic: bytes
    """The mean and the main directions of the training texts' vectors: the topic (`encoder.py`)."""


@cache
def model() -> Model:
    """Return the bundled model."""
    table = tomllib.loads(files(__package__).joinpath("model.toml").read_text("utf-8"))
    background = {term: int(n) for n, terms in table["background"].items() for term in terms.split()}
    topic = b64decode(table["topic"])
    return Model(table["weights"], table["semantic"], table["documents"], background, topic)


def rarity(counts: TermCounts) -> Rarity:
    """Return the weights of terms, by our own archive and the bundled counts."""
    return Rarity(counts, model().documents, model().background)


@dataclass(frozen=True, slots=True)
class Vector:
    """Terms with the squares of their weights, and the length that they make."""

    squares: Mapping[str, float]
    length: float

    @classmethod
    def of(cls, terms: Iterable[str], rarity: Rarity, mark: str = "") -> Vector:
        """Weigh terms that the archive knows with a mark."""
        squares = {term: rarity.weight(mark + term) ** 2 for term in terms}
        return cls(squares, math.sqrt(math.fsum(squares.values())))

    def cosine(self, other: Vector) -> float:
        """Return the cosine of two vectors, 0 when either is empty."""
        shared = self.squares.keys() & other.squares.keys()
        return (
            math.fsum(map(self.squares.__getitem__, shared)) / (self.length * other.length) if shared else 0.0
        )


@dataclass(frozen=True, slots=True)
class Weighed:
    """An entry's terms as the archive weighs them."""

    traits: Traits
    source: str
    words: Vector
    title: Vector
    subjects: Vector
    players: Vector
    """The telling ones."""
    topic: frozenset[str]
    """Players that are the topic itself."""


def weigh(traits: Traits, rarity: Rarity, source: str) -> Weighed:
    """Return the terms of an entry as the archive weighs them."""
    telling = frozenset(player for player in traits.players if rarity.telling(PLAYER + player))
    return Weighed(
        traits,
        source,
        Vector.of(traits.words, rarity),
        Vector.of(traits.title, rarity),
        Vector.of(traits.subjects, rarity, SUBJECT),
        Vector.of(telling, rarity, PLAYER),
        traits.players - telling,
    )


def features(one: Weighed, other: Weighed, likeness: float | None = None) -> dict[str, float]:
    """Return what speaks for and against two entries being of one event; `likeness` is the encoder's."""
    a, b = one.traits, other.traits
    days = abs(a.day - b.day)
    mine, theirs = one.players.squares.keys(), other.players.squares.keys()
    shared = a.words & b.words
    found = {
        "days": min(days, _LONGEST) / 7,
        "days_log": math.log1p(days),
        "words": one.words.cosine(other.words),
        "title": one.title.cosine(other.title),
        "rarest": math.sqrt(max(map(one.words.squares.__getitem__, shared), default=0.0)) / 5,
        "languages_differ": float(bool(a.language and b.language) and a.language != b.language),
        "subjects": one.subjects.cosine(other.subjects),
        "players": one.players.cosine(other.players),
        "players_differ": _disjoint(mine, theirs),
        "players_of_one": float(bool(mine) != bool(theirs)),
        "topic_differs": len(one.topic ^ other.topic) / 2,
        "kinds": len(a.kinds & b.kinds) / math.sqrt(max(1, len(a.kinds)) * max(1, len(b.kinds))),
        "kinds_differ": _disjoint(a.kinds, b.kinds),
        "numbers": float(min(2, len(a.numbers & b.numbers))),
        "places": float(bool(a.places & b.places)),
        "places_differ": _disjoint(a.places, b.places),
        "same_source": float(one.source == other.source),
    }
    if likeness is None:
        return found
    return found | {"likeness": likeness, "likeness_across": likeness * found["languages_differ"]}


def score(found: Mapping[str, float]) -> float:
    """Return the log-odds that features speak of one event."""
    weights = model().semantic if "likeness" in found else model().weights
    return weights["bias"] + sum(weights[name] * value for name, value in found.items())


def probability(log_odds: float) -> float:
    """Return the probability, 0 to 1, for log-odds."""
    return 1 / (1 + math.exp(-log_odds))


def _disjoint(one: AbstractSet[str], other: AbstractSet[str]) -> float:
    return float(bool(one) and bool(other) and not one & other)
