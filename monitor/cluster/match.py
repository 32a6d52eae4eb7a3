"""How alike two entries are: features of two events, weighed by a small linear model (model.toml)."""

from __future__ import annotations

import math
import tomllib
from base64 import b64decode
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

from monitor.cluster.events import knowledge
from monitor.cluster.traits import PLAYER, SUBJECT

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from collections.abc import Set as AbstractSet

    from monitor.cluster.traits import Traits
    from monitor.models import TermCounts

# Days from which on more make no difference.
_LONGEST = 14
_SCALE = 5.0
# Log-odds of two reports that tell two events on their face.
_STRANGERS = -4.0
_ANY_OF_THESE = "eu"
# Labels that one report lacks from which on more make no difference.
_MOST_LOST = 3
# A player named in more of our entries than this is the topic itself and tells nothing. By .15 OpenAI, in 11
# to 13 of 100, told something: with a day in common it joined a launch and the answer to a protest.
_TOPIC_SHARE = 0.1


@dataclass(frozen=True, slots=True)
class Rarity:
    """What a term weighs: the rarer among our entries, the more. Bundled counts help where these are few."""

    own: TermCounts
    documents: int
    background: Mapping[str, float]

    def weight(self, term: str) -> float:
        """Return the inverse document frequency of a term, a natural logarithm."""
        seen = self.own.counts.get(term, 0) + self.background.get(term, 0)
        # A half and a one, so that a term that nobody has met yet weighs much and not infinitely.
        return math.log((self.own.documents + self.documents + 1) / (seen + 0.5))

    def telling(self, term: str) -> bool:
        """Return whether a term is rare enough to tell one story from another."""
        return self.weight(term) > -math.log(_TOPIC_SHARE)


@dataclass(frozen=True, slots=True)
class Model:
    """The trained weights, and in how many of so many entries on the topic the common terms stand."""

    weights: Mapping[str, float]
    semantic: Mapping[str, float]
    """Of two reports in two languages whose meaning is known."""
    fusion: Mapping[str, float]
    """Of two groups of reports, for their telling one event (`fusion.py`)."""
    affairs: Mapping[str, float]
    """Of what two stories share, for their being steps of one affair (`affairs.py`)."""
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
    """Return the weights of terms, by our own entries and the bundled counts."""
    return Rarity(counts, model().documents, model().background)


@dataclass(frozen=True, slots=True)
class Vector:
    """Terms with the squares of their weights, and the length that they make."""

    squares: Mapping[str, float]
    length: float

    @classmethod
    def of(cls, terms: Iterable[str], rarity: Rarity, mark: str = "") -> Vector:
        """Weigh terms that are counted with a mark."""
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
    """An entry's terms, weighed by their rarity."""

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
    first_player: frozenset[str]
    """The one that the title names first."""
    labels: Mapping[str, tuple[frozenset[str], frozenset[str]]]
    """Players (of the title the telling ones), roles, kinds and subjects: of the title, and of all its text."""


def weigh(traits: Traits, rarity: Rarity, source: str) -> Weighed:
    """Return the terms of an entry, weighed by their rarity."""
    title, text = traits.title, traits.text
    telling = frozenset(player for player in text.players if rarity.telling(PLAYER + player))
    in_title = telling.intersection(title.players)
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
        title_players=in_title,
        topic=frozenset(text.players) - telling,
        first_player=frozenset(title.players[:1]),
        labels={
            "players": (in_title, frozenset(text.players)),
            "roles": (frozenset(title.roles), frozenset(text.roles)),
            "kinds": (frozenset(title.kinds), frozenset(text.kinds)),
            "subjects": (title.subjects, text.subjects),
        },
    )


def features(one: Weighed, other: Weighed, likeness: float | None = None) -> dict[str, float]:
    """Return what speaks for and against two entries being of one event; `likeness` is the encoder's.

    What a title names and the other report lacks ("lost") parts the steps and the parties of one affair:
    `..._lost` is what the poorer of the two lacks, `..._lost_both` what each lacks of the other.
    """
    a, b = one.traits, other.traits
    (_, kinds), (_, kinds_of_other) = one.labels["kinds"], other.labels["kinds"]
    (_, roles), (_, roles_of_other) = one.labels["roles"], other.labels["roles"]
    first_player_differs = _disjoint(one.first_player, other.first_player)
    apart = max(0.0, abs(a.day - b.day) - 1)  # within a day nearness tells nothing: a poll brings all at once
    shared = a.specific & b.specific
    named = shared & (a.text.names | b.text.names)
    rarest, second = _heaviest(one.stems, shared)
    names_lost = (
        one.title_names.rarest_lost(other.stems) / 10,
        other.title_names.rarest_lost(one.stems) / 10,
    )
    same_source = float(one.source == other.source != "")
    found = days(apart) | {
        "words": one.words.cosine(other.words),
        "letters": _overlap(a.letters, b.letters),
        "title_inside": max(one.title.share_in(other.words), other.title.share_in(one.words)),
        "rarest": rarest / _SCALE,
        "second_rarest": second / _SCALE,
        "rarest_name": _heaviest(one.stems, named)[0] / _SCALE,
        "names": one.names.cosine(other.names),
        "languages_differ": float(bool(a.language and b.language) and a.language != b.language),
        "subjects": one.subjects.cosine(other.subjects),
        "title_subjects": one.title_subjects.cosine(other.title_subjects),
        "players": one.players.cosine(other.players),
        "players_differ": _disjoint(one.players.squares.keys(), other.players.squares.keys()),
        "players_of_one": float(bool(one.players.squares) != bool(other.players.squares)),
        "first_player_differs": first_player_differs,
        "topic_differs": len(one.topic ^ other.topic) / 2,
        "kinds": _overlap(kinds, kinds_of_other),
        "kinds_differ": _disjoint(kinds, kinds_of_other),
        "kind_differs": float(bool(a.kind and b.kind) and a.kind != b.kind),
        "numbers": min(2.0, sum(map(_exactness, a.text.numbers & b.text.numbers))),
        "numbers_differ": _disjoint(a.text.numbers, b.text.numbers),
        "places": float(bool(a.text.places & b.text.places)),
        "places_differ": _abroad(a.text.places, b.text.places),
        "title_places_differ": _abroad(a.title.places, b.title.places),
        "roles": _overlap(roles, roles_of_other),
        "steps_differ": _steps_differ(a.title.kinds, b.title.kinds),
        "same_source": same_source,
        "same_source_later": same_source * (apart >= 1),
        "same_source_others": same_source * first_player_differs,
        "names_lost": max(names_lost),
        "names_lost_both": min(names_lost),
    }
    for name, (title, text) in one.labels.items():
        title_of_other, text_of_other = other.labels[name]
        lost, lost_by_other = len(title_of_other - text), len(title - text_of_other)
        found[f"{name}_lost"] = float(min(_MOST_LOST, max(lost, lost_by_other)))
        found[f"{name}_lost_both"] = float(min(_MOST_LOST, lost, lost_by_other))
    return found if likeness is None else found | {"likeness": likeness}


def days(apart: float) -> dict[str, float]:
    """Return the features of two entries' distance in days."""
    return {"days": min(apart, _LONGEST) / 7, "days_log": math.log1p(apart)}


def score(found: Mapping[str, float], own: Mapping[str, float] | None = None) -> float:
    """Return the log-odds that features speak of one event; `own` is what the user's corrections add."""
    total = weighed(found, model().weights)
    if "likeness" in found:  # meaning alone lost what words join
        total = max(total, weighed(found, model().semantic))
    if own:
        total += sum(own.get(name, 0.0) * value for name, value in found.items())
    # Rules beside the weights: no likeness of words makes one event of two rulings.
    return min(total, _STRANGERS) if _are_others(found) else total


def weighed(found: Mapping[str, float], weights: Mapping[str, float]) -> float:
    """Return the log-odds that a linear model gives for those features that it knows."""
    return weights["bias"] + sum([weight * found[name] for name, weight in weights.items() if name in found])


def _are_others(found: Mapping[str, float]) -> bool:
    """Return whether two reports tell two events on their face, whatever else agrees.

    So they do when each title names a party that the other report does not mention (two rulings, two deals),
    when one is an act and one the answer to it, when one speaks of this country and one of that, and when one
    outlet writes of another party first, or again days later. Of labelled pairs of one event 2, 1, .2, .1 and
    0 in 100 are so; of pairs of two events that are as likely by all else a third, 7, 1, 1 and 1.
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


def _heaviest(weights: Vector, terms: AbstractSet[str]) -> tuple[float, float]:
    """Return the weights of the two rarest of these terms, 0 where there are fewer."""
    squares = sorted(map(weights.squares.__getitem__, terms), reverse=True)
    first, second = (*squares[:2], 0.0, 0.0)[:2]
    return math.sqrt(first), math.sqrt(second)


def _exactness(number: str) -> float:
    """Return what a figure tells: 500 or 10 stands in many texts, 118 or 7,5 in few."""
    return 1.0 if len(number.replace(".", "").strip("0")) > 1 else 0.25


def _overlap(one: AbstractSet[str], other: AbstractSet[str]) -> float:
    return len(one & other) / math.sqrt(len(one) * len(other)) if one and other else 0.0


def _steps_differ(one: Sequence[str], other: Sequence[str]) -> float:
    """Return 1 where two titles tell two steps: an act, and the answer to it."""
    apart = bool(one and other) and frozenset((one[0], other[0])) in knowledge().apart
    return float(apart and set(one).isdisjoint(other))


def _abroad(one: AbstractSet[str], other: AbstractSet[str]) -> float:
    """Return 1 where two texts name countries and none in common; "Europe" may be any."""
    return 0.0 if _ANY_OF_THESE in one | other else _disjoint(one, other)


def _disjoint(one: AbstractSet[str], other: AbstractSet[str]) -> float:
    return float(bool(one and other) and one.isdisjoint(other))
