"""How alike two entries are: features of two events, weighed by a small linear model (model.toml)."""

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
    from collections.abc import Collection, Iterable, Mapping
    from collections.abc import Set as AbstractSet

    from monitor.cluster.traits import Traits

# Days from which on more make no difference.
_LONGEST = 14
_SCALE = 5.0
# Weight of a word in one of twelve entries: what reports that share a party share besides must be rarer.
_TELLING = 2.5
# Weight of a name, or word, in one of thirty: reports that share no party must share such a one.
_NAME = 3.5
# Weight of a word that is in no other entry: it alone is enough where neither party nor name is shared.
_TELLING_ALONE = 6.5
# Likeness of words from which several common ones do for it. Of labelled near pairs of two events a third
# share one common word and no more ("viral", "tools"), of pairs of one event 3 to 9 in 100.
_SOME_WORDS = 0.08
# Likeness by the encoder beside which they need share no word: a German and an English report.
_ALIKE = 0.4
# Log-odds of two reports that share nothing telling or name other parties, whatever else agrees.
_STRANGERS = -4.0
# A player named in more of the archive than this is the topic itself and tells nothing.
_TOPIC_SHARE = 0.15


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
    background: Mapping[str, float]

    def weight(self, term: str) -> float:
        """Return the inverse document frequency of a term, a natural logarithm."""
        seen = self.archive.counts.get(term, 0) + self.background.get(term, 0)
        # A half and a one, so that a term that nobody has met yet weighs much and not infinitely.
        return math.log((self.archive.documents + self.documents + 1) / (seen + 0.5))

    def telling(self, term: str) -> bool:
        """Return whether a term is rare enough to tell one story from another."""
        return self.weight(term) > -math.log(_TOPIC_SHARE)


@dataclass(frozen=True, slots=True)
class Model:
    """The trained weights, and in how many of so many entries on the topic the common terms stand."""

    weights: Mapping[str, float]
    semantic: Mapping[str, float]
    documents: int
    background: Mapping[str, float]
    topic: bytes
    """The mean and the main directions of the training texts' vectors: the topic (`encoder.py`)."""


@cache
def model() -> Model:
    """Return the bundled model."""
    table = tomllib.loads(files(__package__).joinpath("model.toml").read_text("utf-8"))
    background = {term: float(n) for n, terms in table["background"].items() for term in terms.split()}
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
        return self._weight(shared) / (self.length * other.length) if shared else 0.0

    def share_in(self, other: Vector) -> float:
        """Return how much of the weight of these terms the other has too."""
        shared = self.squares.keys() & other.squares.keys()
        return self._weight(shared) / self.length**2 if shared else 0.0

    def rarest_lost(self, other: Vector) -> float:
        """Return the weight of the rarest of these terms that the other lacks."""
        lost = self.squares.keys() - other.squares.keys()
        return math.sqrt(max(map(self.squares.__getitem__, lost), default=0.0))

    def _weight(self, shared: AbstractSet[str]) -> float:
        return math.fsum(map(self.squares.__getitem__, shared))


@dataclass(frozen=True, slots=True)
class Weighed:
    """An entry's terms as the archive weighs them."""

    traits: Traits
    source: str
    """Who speaks; "" where no link tells."""
    words: Vector
    title: Vector
    stems: Vector
    names: Vector
    title_names: Vector
    subjects: Vector
    title_subjects: Vector
    players: Vector
    """The telling ones."""
    title_players: frozenset[str]
    """The telling ones of the title."""
    topic: frozenset[str]
    """Players that are the topic itself."""


def weigh(traits: Traits, rarity: Rarity, source: str) -> Weighed:
    """Return the terms of an entry as the archive weighs them."""
    title, text = traits.title, traits.text
    telling = frozenset(player for player in text.players if rarity.telling(PLAYER + player))
    return Weighed(
        traits=traits,
        source=source,
        words=Vector.of(text.words, rarity),
        title=Vector.of(title.words, rarity),
        stems=Vector.of(text.stems, rarity),
        names=Vector.of(text.names, rarity),
        title_names=Vector.of(title.names, rarity),
        subjects=Vector.of(text.subjects, rarity, SUBJECT),
        title_subjects=Vector.of(title.subjects, rarity, SUBJECT),
        players=Vector.of(telling, rarity, PLAYER),
        title_players=telling.intersection(title.players),
        topic=frozenset(text.players) - telling,
    )


def features(one: Weighed, other: Weighed, likeness: float | None = None) -> dict[str, float]:
    """Return what speaks for and against two entries being of one event; `likeness` is the encoder's.

    What a title names and the other report lacks ("lost") parts the steps and the parties of one affair:
    `..._lost` is what the poorer of the two lacks, `..._lost_both` what each lacks of the other.
    """
    a, b = one.traits, other.traits
    days = max(0.0, abs(a.day - b.day) - 1)  # within a day nearness tells nothing: a poll brings all at once
    shared = a.text.stems & b.text.stems
    named = shared & (a.text.names | b.text.names)
    found = {
        "days": min(days, _LONGEST) / 7,
        "days_log": math.log1p(days),
        "words": one.words.cosine(other.words),
        "letters": _overlap(a.letters, b.letters),
        "title_inside": max(one.title.share_in(other.words), other.title.share_in(one.words)),
        "rarest": _heaviest(one.stems, shared) / _SCALE,
        "rarest_name": _heaviest(one.stems, named) / _SCALE,
        "names": one.names.cosine(other.names),
        "languages_differ": float(bool(a.language and b.language) and a.language != b.language),
        "subjects": one.subjects.cosine(other.subjects),
        "title_subjects": one.title_subjects.cosine(other.title_subjects),
        "players": one.players.cosine(other.players),
        "players_differ": _disjoint(one.players.squares.keys(), other.players.squares.keys()),
        "players_of_one": float(bool(one.players.squares) != bool(other.players.squares)),
        "first_player_differs": _disjoint(a.title.players[:1], b.title.players[:1]),
        "topic_differs": len(one.topic ^ other.topic) / 2,
        "kinds": _overlap(frozenset(a.text.kinds), frozenset(b.text.kinds)),
        "kinds_differ": _disjoint(a.text.kinds, b.text.kinds),
        "kind_differs": float(bool(a.kind and b.kind) and a.kind != b.kind),
        "numbers": float(min(2, len(a.text.numbers & b.text.numbers))),
        "numbers_differ": _disjoint(a.text.numbers, b.text.numbers),
        "places": float(bool(a.text.places & b.text.places)),
        "places_differ": _disjoint(a.text.places, b.text.places),
        "same_source": float(one.source == other.source != ""),
    }
    lost = {
        "names": (
            one.title_names.rarest_lost(other.stems) / 10,
            other.title_names.rarest_lost(one.stems) / 10,
        ),
        "players": (_lost(one.title_players, b.text.players), _lost(other.title_players, a.text.players)),
        "roles": (_lost(a.title.roles, b.text.roles), _lost(b.title.roles, a.text.roles)),
        "kinds": (_lost(a.title.kinds, b.text.kinds), _lost(b.title.kinds, a.text.kinds)),
        "subjects": (_lost(a.title.subjects, b.text.subjects), _lost(b.title.subjects, a.text.subjects)),
    }
    for name, sides in lost.items():
        found[f"{name}_lost"], found[f"{name}_lost_both"] = max(sides), min(sides)
    if likeness is None:
        return found
    return found | {"likeness": likeness, "likeness_across": likeness * found["languages_differ"]}


def score(found: Mapping[str, float], own: Mapping[str, float] | None = None) -> float:
    """Return the log-odds that features speak of one event; `own` is what the user's corrections add."""
    weights = model().semantic if "likeness" in found else model().weights
    total = weights["bias"] + sum(weights[name] * value for name, value in found.items())
    if own:
        total += sum(own.get(name, 0.0) * value for name, value in found.items())
    # A rule beside the weights: the linear model alone joined reports that shared a firm and nothing else.
    return min(total, _STRANGERS) if _share_nothing(found) or _are_others(found) else total


def _share_nothing(found: Mapping[str, float]) -> bool:
    """Return whether two reports share no more than a firm that is always in the news: that never joins.

    A German and an English report need share no word: asking it of them too cost 3 to 9 points of recall on
    labelled events and gained at most one of precision.
    """
    if found["numbers"] or found["languages_differ"] or found.get("likeness", 0.0) >= _ALIKE:
        return False
    rarest, named = found["rarest"] * _SCALE, found["rarest_name"] * _SCALE >= _NAME
    if found["players"]:
        return rarest < _TELLING
    return rarest < _NAME or (not named and rarest < _TELLING_ALONE and found["words"] < _SOME_WORDS)


def _are_others(found: Mapping[str, float]) -> bool:
    """Return whether each title names a party that the other report does not mention: two rulings, two deals.

    Of labelled pairs of one event 2 in 100 are so, of near pairs of two events every third.
    """
    return found["players_lost_both"] >= 1


def probability(log_odds: float) -> float:
    """Return the probability, 0 to 1, for log-odds."""
    return 1 / (1 + math.exp(-log_odds))


def log_odds(chance: float) -> float:
    """Return the log-odds of a probability."""
    return math.log(chance / (1 - chance))


def _heaviest(weights: Vector, terms: AbstractSet[str]) -> float:
    return math.sqrt(max(map(weights.squares.__getitem__, terms), default=0.0))


def _lost(labels: Collection[str], whole: Collection[str]) -> float:
    return float(min(3, sum(label not in whole for label in labels)))


def _overlap(one: AbstractSet[str], other: AbstractSet[str]) -> float:
    return len(one & other) / math.sqrt(len(one) * len(other)) if one and other else 0.0


def _disjoint(one: Collection[str], other: Collection[str]) -> float:
    return float(bool(one) and bool(other) and set(one).isdisjoint(other))
