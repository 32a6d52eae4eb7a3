"""How alike two entries are: a handful of features, weighed by a small linear model (model.toml)."""

from __future__ import annotations

import math
import tomllib
from base64 import b64decode
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
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
    """What a term weighs: the rarer in the archive, the more. A bundled count stands in while the archive is small."""

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
class Weighed:
    """The terms of an entry with their weights, and the lengths of the vectors that they make."""

    traits: Traits
    source: str
    words: Mapping[str, float]
    title: Mapping[str, float]
    subjects: Mapping[str, float]
    players: Mapping[str, float]
    """The telling ones."""
    topic: frozenset[str]
    """Players that are the topic itself."""
    lengths: tuple[float, float, float, float]


def weigh(traits: Traits, rarity: Rarity, source: str) -> Weighed:
    """Return the terms of an entry as the archive weighs them."""
    words = {word: rarity.weight(word) for word in traits.words}
    title = {word: words[word] for word in traits.title}
    subjects = {subject: rarity.weight("=" + subject) for subject in traits.subjects}
    telling = {
        player: rarity.weight("@" + player) for player in traits.players if rarity.telling("@" + player)
    }
    lengths = (_length(words), _length(title), _length(subjects), _length(telling))
    return Weighed(traits, source, words, title, subjects, telling, traits.players - telling.keys(), lengths)


def features(one: Weighed, other: Weighed, likeness: float | None = None) -> dict[str, float]:
    """Return what speaks for and against two entries reporting one event; `likeness` is the encoder's, -1 to 1."""
    a, b = one.traits, other.traits
    days = abs(a.day - b.day)
    players = one.players.keys() & other.players.keys()
    shared = a.words & b.words
    found = {
        "days": min(days, _LONGEST) / 7,
        "days_log": math.log1p(days),
        "words": _cosine(shared, one.words, one.lengths[0] * other.lengths[0]),
        "title": _cosine(a.title & b.title, one.title, one.lengths[1] * other.lengths[1]),
        "rarest": max((one.words[word] for word in shared), default=0.0) / 5,
        "languages_differ": float(a.language != b.language),
        "subjects": _cosine(a.subjects & b.subjects, one.subjects, one.lengths[2] * other.lengths[2]),
        "players": _cosine(players, one.players, one.lengths[3] * other.lengths[3]),
        "players_differ": float(bool(one.players and other.players) and not players),
        "players_of_one": float(bool(one.players) != bool(other.players)),
        "topic_differs": len(one.topic ^ other.topic) / 2,
        "kinds": len(a.kinds & b.kinds) / math.sqrt(max(1, len(a.kinds)) * max(1, len(b.kinds))),
        "kinds_differ": _disjoint(a.kinds, b.kinds),
        "numbers": float(min(2, len(a.numbers & b.numbers))),
        "places": float(bool(a.places & b.places)),
        "places_differ": _disjoint(a.places, b.places),
        "same_source": float(one.source == other.source),
    }
    return found if likeness is None else found | {"likeness": likeness}


def score(found: Mapping[str, float]) -> float:
    """Return the log-odds that features speak of one event."""
    weights = model().semantic if "likeness" in found else model().weights
    return weights["bias"] + sum(weights[name] * value for name, value in found.items())


def probability(log_odds: float) -> float:
    """Return the probability, 0 to 1, for log-odds."""
    return 1 / (1 + math.exp(-log_odds))


def _length(weights: Mapping[str, float]) -> float:
    return math.sqrt(sum(weight * weight for weight in weights.values()))


def _cosine(shared: AbstractSet[str], weights: Mapping[str, float], lengths: float) -> float:
    return sum(weights[term] ** 2 for term in shared) / lengths if lengths else 0.0


def _disjoint(one: AbstractSet[str], other: AbstractSet[str]) -> float:
    return float(bool(one) and bool(other) and not one & other)
