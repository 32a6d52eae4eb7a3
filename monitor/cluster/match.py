"""Say how alike two entries are: features of both, weighed by a small linear model (model.toml)."""

from __future__ import annotations

import math
import tomllib
from base64 import b64decode
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

from monitor.cluster.events import knowledge
from monitor.cluster.traits import PLAYER, ROLE, SUBJECT

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from collections.abc import Set as AbstractSet

    from monitor.cluster.traits import TextTraits, Traits
    from monitor.models import TermCounts

# Days beyond which more make no difference.
_LONGEST = 14
_SCALE = 5.0
# The log-odds of two reports that obviously tell two events.
_STRANGERS = -4.0
_ANY_OF_THESE = "eu"
_KIND = "!"
# The labels of a title that the other report may lack, with their marks; of each kind at most so many count.
_LOST = {"players": PLAYER, "roles": ROLE, "kinds": _KIND, "subjects": SUBJECT}
_MOST_LOST = 3.0
# A player that is named in more of our entries than this share is the topic itself, and tells no event from
# another. With .15 OpenAI (in 11 to 13 of 100 entries) counted as telling, and joined a launch with the
# answer to a protest of the same day.
_TOPIC_SHARE = 0.1


@dataclass(frozen=True, slots=True)
class Rarity:
    """What a term weighs: the rarer it is, the more. Bundled counts stand in while there are few entries."""

    own: TermCounts
    documents: int
    background: Mapping[str, float]

    def weight(self, term: str) -> float:
        """Return the inverse document frequency of a term, a natural logarithm."""
        seen = self.own.counts.get(term, 0) + self.background.get(term, 0)
        # The half and the one keep the weight of a term that was never met finite.
        return math.log((self.own.documents + self.documents + 1) / (seen + 0.5))

    def telling(self, term: str) -> bool:
        """Return whether a term is rare enough to tell one story from another."""
        return self.weight(term) > -math.log(_TOPIC_SHARE)


@dataclass(frozen=True, slots=True)
class Model:
    """The trained weights, and how many of `documents` entries on the topic have each common term."""

    weights: Mapping[str, float]
    semantic: Mapping[str, float]
    """For two reports in two languages whose vectors are known."""
    fusion: Mapping[str, float]
    """For two groups of reports that may tell one event (`fusion.py`)."""
    affairs: Mapping[str, float]
    """For two stories that may be steps of one affair (`affairs.py`)."""
    documents: int
    background: Mapping[str, float]
    topic: bytes
    """The mean and the main directions of the training texts' vectors, packed (`encoder.py`)."""


@cache
def model() -> Model:
    """Return the bundled model."""
    table = tomllib.loads(files(__package__).joinpath("model.toml").read_text("utf-8"))
    background = {term: float(n) for n, terms in table["background"].items() for term in terms.split()}
    topic = b64decode(table["topic"])
    return Model(
        weights=table["weights"],
        semantic=table["semantic"],
        fusion=table["fusion"],
        affairs=table["affairs"],
        documents=table["documents"],
        background=background,
        topic=topic,
    )


def rarity(counts: TermCounts) -> Rarity:
    """Return the rarity of terms by our own entries and the bundled counts."""
    return Rarity(counts, model().documents, model().background)


@dataclass(frozen=True, slots=True)
class Vector:
    """Terms with the squares of their weights, and the length of the vector that they make."""

    terms: frozenset[str]
    squares: Mapping[str, float]
    length: float

    @classmethod
    def of(cls, terms: frozenset[str], rarity: Rarity, mark: str = "") -> Vector:
        """Weigh terms; `mark` stands before each where they are counted."""
        return cls.among({term: rarity.weight(mark + term) ** 2 for term in terms}, terms)

    @classmethod
    def among(cls, squares: Mapping[str, float], terms: frozenset[str]) -> Vector:
        """Return a vector of these terms, whose squares are known."""
        own = {term: squares[term] for term in terms}
        return cls(terms, own, math.sqrt(math.fsum(own.values())))

    def cosine(self, other: Vector) -> float:
        """Return the cosine of two vectors, 0 when either is empty."""
        shared = self.terms & other.terms
        return self._weight(shared) / (self.length * other.length) if shared else 0.0

    def share(self, terms: AbstractSet[str]) -> float:
        """Return which share of its squared length these terms make up."""
        shared = self.terms & terms
        return self._weight(shared) / self.length**2 if shared else 0.0

    def _weight(self, shared: AbstractSet[str]) -> float:
        return math.fsum(map(self.squares.__getitem__, shared))


@dataclass(frozen=True, slots=True)
class Weighed:
    """An entry's terms, weighed by their rarity."""

    traits: Traits
    source: str
    """The source that reports; "" if the entry has no link that tells."""
    words: Vector
    title: Vector
    squares: Mapping[str, float]
    """The squares of the weights of its words and stems."""
    names: Vector
    title_names: tuple[tuple[float, str], ...]
    """The names in its title with their weights, the rarest first."""
    subjects: Vector
    title_subjects: Vector
    players: Vector
    """The players that are not the topic itself."""
    title_players: frozenset[str]
    """Those of them that the title names."""
    topic: frozenset[str]
    """The players that are the topic itself."""
    roles: frozenset[str]
    kinds: frozenset[str]
    title_labels: frozenset[str]
    """What the title tells of the event, with marks: players other than the topic, roles, subjects, kinds."""
    labels: frozenset[str]
    """What title and summary tell, likewise, but with all players."""


def weigh(traits: Traits, rarity: Rarity, source: str) -> Weighed:
    """Return the terms of an entry, weighed by their rarity."""
    title, text = traits.title, traits.text
    telling = frozenset(player for player in text.players if rarity.telling(PLAYER + player))
    in_title = telling.intersection(title.players)
    squares = {term: rarity.weight(term) ** 2 for term in text.words | text.stems}
    names = sorted(((math.sqrt(squares[name]), name) for name in title.names), reverse=True)
    return Weighed(
        traits=traits,
        source=source,
        words=Vector.among(squares, text.words),
        title=Vector.among(squares, title.words),
        squares=squares,
        names=Vector.among(squares, text.names),
        title_names=tuple(names),
        subjects=Vector.of(text.subjects, rarity, SUBJECT),
        title_subjects=Vector.of(title.subjects, rarity, SUBJECT),
        players=Vector.of(telling, rarity, PLAYER),
        title_players=in_title,
        topic=frozenset(text.players) - telling,
        roles=frozenset(text.roles),
        kinds=frozenset(text.kinds),
        title_labels=_marked(in_title, title),
        labels=_marked(text.players, text),
    )


def _marked(players: Iterable[str], text: TextTraits) -> frozenset[str]:
    """Return the labels of a text, each with the mark that says what it is."""
    marks = {PLAYER: players, ROLE: text.roles, _KIND: text.kinds, SUBJECT: text.subjects}
    return frozenset(mark + label for mark, labels in marks.items() for label in labels)


def features(one: Weighed, other: Weighed, likeness: float | None = None) -> dict[str, float]:
    """Return what speaks for and against two entries being of one event; `likeness` is the encoder's.

    What one title names and the other report lacks is "lost". It tells apart the steps and the parties of one
    affair: `..._lost` is what the report that lacks more lacks, `..._lost_both` what the one that lacks less
    does.
    """
    a, b = one.traits, other.traits
    apart = max(0.0, abs(a.day - b.day) - 1)  # within a day distance says nothing: one poll brings it all
    shared, words = a.specific & b.specific, a.text.words & b.text.words
    rarest, second = _two_largest(one.squares, shared)
    # In a headline whose words all have capitals, what the other report writes small is no name: by
    # "Massive" and "massive" an outage joined the gift of a collection of books.
    none = (a.capitals & b.text.small) | (b.capitals & a.text.small)
    named = shared & ((a.text.names | b.text.names) - none) if shared else shared
    first_player, first_of_other = a.title.players[:1], b.title.players[:1]
    first_player_differs = float(bool(first_player and first_of_other) and first_player != first_of_other)
    same_source = float(one.source == other.source != "")
    found = {
        **days(apart),
        "words": one.words.cosine(other.words),
        "letters": _overlap(a.letters, b.letters),
        "title_inside": max(one.title.share(words), other.title.share(words)),
        "rarest": rarest / _SCALE,
        "second_rarest": second / _SCALE,
        "rarest_name": _two_largest(one.squares, named)[0] / _SCALE,
        "names": one.names.cosine(other.names),
        "languages_differ": float(bool(a.language and b.language) and a.language != b.language),
        "subjects": one.subjects.cosine(other.subjects),
        "title_subjects": one.title_subjects.cosine(other.title_subjects),
        "players": one.players.cosine(other.players),
        "players_differ": _disjoint(one.players.terms, other.players.terms),
        "players_of_one": float(bool(one.players.terms) != bool(other.players.terms)),
        "first_player_differs": first_player_differs,
        "topic_differs": len(one.topic ^ other.topic) / 2,
        "kinds": _overlap(one.kinds, other.kinds),
        "kinds_differ": _disjoint(one.kinds, other.kinds),
        "kind_differs": float(bool(a.kind and b.kind) and a.kind != b.kind),
        "numbers": min(2.0, sum(map(_exactness, a.text.numbers & b.text.numbers))),
        "numbers_differ": _disjoint(a.text.numbers, b.text.numbers),
        "places": float(bool(a.text.places & b.text.places)),
        "places_differ": _abroad(a.text.places, b.text.places),
        "title_places_differ": _abroad(a.title.places, b.title.places),
        "roles": _overlap(one.roles, other.roles),
        "steps_differ": _steps_differ(a.title.kinds, b.title.kinds),
        "same_source": same_source,
        "same_source_later": same_source * (apart >= 1),
        "same_source_others": same_source * first_player_differs,
    }
    lost = (_rarest_lost(one.title_names, b.text.stems), _rarest_lost(other.title_names, a.text.stems))
    found["names_lost"], found["names_lost_both"] = max(lost) / 10, min(lost) / 10
    of_one = _count(one.title_labels - other.labels)
    of_other = _count(other.title_labels - one.labels)
    for name, mark in _LOST.items():
        sides = of_one.get(mark, 0.0), of_other.get(mark, 0.0)
        found[f"{name}_lost"], found[f"{name}_lost_both"] = max(sides), min(sides)
    return found if likeness is None else found | {"likeness": likeness}


def days(apart: float) -> dict[str, float]:
    """Return the features of the distance between two entries in days."""
    return {"days": min(apart, _LONGEST) / 7, "days_log": math.log1p(apart)}


def score(found: Mapping[str, float], own: Mapping[str, float] | None = None) -> float:
    """Return the log-odds of one event for these features; `own` is what the user's corrections add."""
    total = weighed(found, model().weights)
    if "likeness" in found:  # by meaning alone, some that words join would be lost
        total = max(total, weighed(found, model().semantic))
    if own:
        total += sum(own.get(name, 0.0) * value for name, value in found.items())
    # A rule beside the weights: however alike the words are, two rulings are no one event.
    return min(total, _STRANGERS) if _are_others(found) else total


def weighed(found: Mapping[str, float], weights: Mapping[str, float]) -> float:
    """Return the log-odds that a linear model gives for the features that it knows."""
    return weights["bias"] + sum([weight * found[name] for name, weight in weights.items() if name in found])


def _are_others(found: Mapping[str, float]) -> bool:
    """Say whether two reports obviously tell two events, whatever else they have in common.

    They do if each title names a party that the other report does not mention (two rulings, two deals), if
    one is an act and the other the answer to it, if they speak of two countries, or if one outlet writes
    about another party first, or again days later. Of labelled pairs of one event 2, 1, 0.2, 0.1 and 0 in
    100 are of these kinds; of pairs of two events that are otherwise as likely, a third, 7, 1, 1 and 1 in
    100.
    """
    rules = (
        "steps_differ",
        "players_lost_both",
        "places_differ",
        "title_places_differ",
        "same_source_later",
        "same_source_others",
    )
    return any(found[name] >= 1 for name in rules)


def probability(log_odds: float) -> float:
    """Return the probability, 0 to 1, for log-odds."""
    return 1 / (1 + math.exp(-log_odds))


def log_odds(chance: float) -> float:
    """Return the log-odds of a probability."""
    return math.log(chance / (1 - chance))


def _two_largest(squares: Mapping[str, float], terms: AbstractSet[str]) -> tuple[float, float]:
    """Return the largest weight of some terms, and the second largest; 0.0 where there is none."""
    if not terms:
        return 0.0, 0.0
    largest, second, *_ = (*sorted([squares[term] for term in terms], reverse=True), 0.0)
    return math.sqrt(largest), math.sqrt(second)


def _rarest_lost(names: Sequence[tuple[float, str]], others: AbstractSet[str]) -> float:
    """Return the weight of the first of these names that the other report lacks; 0.0 if it has all."""
    for weight, name in names:
        if name not in others:
            return weight
    return 0.0


def _count(labels: Iterable[str]) -> Mapping[str, float]:
    """Return how many labels have each mark, up to a limit."""
    found: dict[str, float] = {}
    for label in labels:
        found[label[0]] = min(_MOST_LOST, found.get(label[0], 0.0) + 1)
    return found


def _exactness(number: str) -> float:
    """Return how much a figure tells: 500 and 10 stand in many texts, 118 and 7.5 in few."""
    return 1.0 if len(number.replace(".", "").strip("0")) > 1 else 0.25


def _overlap(one: AbstractSet[str], other: AbstractSet[str]) -> float:
    return len(one & other) / math.sqrt(len(one) * len(other)) if one and other else 0.0


def _steps_differ(one: Sequence[str], other: Sequence[str]) -> float:
    """Return 1 if two titles tell two steps, an act and the answer to it, else 0."""
    apart = bool(one and other) and frozenset((one[0], other[0])) in knowledge().apart
    return float(apart and set(one).isdisjoint(other))


def _abroad(one: AbstractSet[str], other: AbstractSet[str]) -> float:
    """Return 1 if two texts name countries and share none, else 0; "Europe" may be any country."""
    return 0.0 if _ANY_OF_THESE in one | other else _disjoint(one, other)


def _disjoint(one: AbstractSet[str], other: AbstractSet[str]) -> float:
    return float(bool(one and other) and one.isdisjoint(other))
