"""The personal layer: small weights learned from the user's marks, added to those of the table.

It is a logistic regression over the same words and pairs of words, and the feed, which starts from what the
table says. A mark hardly moves an entry that has little in common with the marked one, and all marks together
raise none by more than `MOST` and lower none by more than `MOST_DOWN`. Words that are as frequent in relevant
entries as in irrelevant ones ("to", "and", "AI") teach less than others. Beats and themes of the user's own,
which the table does not know, are learned from scratch, from about thirty marks; their phrases in themes.toml
remain the gate. Written in plain Python, it learns from hundreds of marks in a second or two without any
extra.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field, replace
from itertools import chain
from math import exp, inf, log
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from monitor.tag.judge import probability
from monitor.text import counted
from monitor.url import redact_url

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from monitor.tag.features import Features

PERSONAL: Final = "personal"
"""The name under which the store keeps the layer."""
MOST: Final = 2.0
"""The most that it can raise an entry, in log-odds."""
MOST_DOWN: Final = 0.8
"""The most that it can lower one. With 2, marking false alarms alone lost 4 in 100 relevant entries.

At the shipped bar it removes 38 in 100 false alarms for a loss of 1.2 in 100 relevant entries; at .1, 41 for
.3 (`benchmarks/simulate_marks.py --blur 0.35`, five months of technology feeds).
"""
# How strongly weights are pulled towards zero. With 0.4, and `_COMMON` at 1, 22 in 100 false alarms went.
_HELD_BACK: Final = 0.1
# More strongly for a feed than for a word: three marks of one outlet must not silence it.
_FEED_HELD_BACK: Final = 2.0
_OWN_HELD_BACK: Final = 0.15
# How much less a word teaches that is in every right and every wrong example.
_COMMON: Final = 0.3
# A beat or theme of the user's own is learned from at least this many marked examples of each answer.
_LEAST: Final = 8
_ROUNDS: Final = 150
# Starting from nothing takes more steps than starting from the table.
_OWN_ROUNDS: Final = 240
_STEP: Final = 0.6
_SMALL: Final = 0.01
_SHOWN: Final = 12


@dataclass(frozen=True, kw_only=True, slots=True)
class Example:
    """An entry that the user marked, or left unmarked in a digest."""

    features: Features
    feed: str
    """The feed's address in the form that may be shown."""
    start: float
    """What the table gives it, in log-odds."""
    answer: bool
    weight: float = 1.0
    """Less than 1 for an entry that was in a digest and was not marked."""


@dataclass(frozen=True, slots=True)
class Own:
    """What was learned about a beat or theme of the user's own."""

    base: float
    words: Mapping[str, float]

    def total(self, features: Features) -> float:
        """Return the log-odds that an entry is about it."""
        return self.base + _sum(self.words, features)


@dataclass(frozen=True, slots=True)
class Personal:
    """What was learned: log-odds by word and by feed, and the user's own beats and themes.

    Feeds have the form of their addresses that may be shown, since this is stored and printed.
    """

    words: Mapping[str, float] = field(default_factory=dict)
    feeds: Mapping[str, float] = field(default_factory=dict)
    own: Mapping[str, Own] = field(default_factory=dict)
    marks: int = 0
    """The number of marks it was learned from."""

    def delta(self, features: Features, feed: str) -> float:
        """Return what the layer adds to the log-odds that an entry is relevant."""
        total = self.feeds.get(redact_url(feed), 0.0) + _sum(self.words, features)
        return max(-MOST_DOWN, min(MOST, total))

    def to_dict(self) -> dict[str, Any]:
        """Return it as values for JSON."""
        return {
            "marks": self.marks,
            "words": dict(self.words),
            "feeds": dict(self.feeds),
            "own": {slug: {"base": own.base, "words": dict(own.words)} for slug, own in self.own.items()},
        }

    def to_json(self) -> str:
        """Return it as text for the store."""
        return json.dumps(self.to_dict(), ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> Personal:
        """Read what `to_json` returned; "" means that nothing was learned."""
        if not text:
            return cls()
        found = json.loads(text)
        own = {slug: Own(item["base"], item["words"]) for slug, item in found["own"].items()}
        return cls(found["words"], found["feeds"], own, found["marks"])

    def lines(self, titles: Mapping[str, str]) -> list[str]:
        """Describe it for a person; `titles` are those of feeds, by address."""
        times = f"{exp(MOST):.0f} times as good or {exp(MOST_DOWN):.1f} times as bad"
        found = [f"learned from {counted(self.marks, 'mark')}; makes no entry's odds more than {times}"]
        for title, weights in (("words", self.words), ("feeds", self.feeds)):
            for more, sign in (("more", 1), ("less", -1)):
                ordered = sorted((-w * sign, name) for name, w in weights.items() if w * sign > 0)
                if ordered:
                    shown = [(titles.get(name, name), -w * sign) for w, name in ordered[:_SHOWN]]
                    named = ", ".join(f"{name} ({weight:+.2f})" for name, weight in shown)
                    found.append(f"{more} relevant, {title}: {named}")
        for slug, own in self.own.items():
            best = sorted(own.words.items(), key=lambda item: -item[1])[:_SHOWN]
            found.append(f"{slug}: " + ", ".join(f"{name} ({weight:+.2f})" for name, weight in best))
        return found


class Weights(NamedTuple):
    """Weights that were learned, in log-odds."""

    words: dict[str, float]
    feeds: dict[str, float]


def learn(examples: Sequence[Example]) -> Weights:
    """Learn the weights of words and feeds from examples, starting from what the table gives each of them."""
    if not any(example.weight == 1 for example in examples):
        return Weights({}, {})
    telling = _telling(examples)
    words = _Ascent([_values(example, telling) for example in examples], _HELD_BACK)
    feeds = _Ascent([{example.feed: 1.0} for example in examples], _FEED_HELD_BACK)
    _fit(examples, (words, feeds), _ROUNDS)
    learned = _kept({name: weight * telling[name] for name, weight in words.now.items()})
    return Weights(learned, {name: w for name, w in _kept(feeds.now).items() if name})


def learn_own(examples: Sequence[Example]) -> Own | None:
    """Learn a beat or theme from scratch; None if there are too few examples of either answer."""
    for answer in (True, False):
        if sum(example.weight == 1 for example in examples if example.answer is answer) < _LEAST:
            return None
    words = _Ascent([_values(example, {}) for example in examples], _OWN_HELD_BACK)
    base = _Ascent([{"": 1.0}] * len(examples), 0.0, step=_STEP / len(examples))
    _fit([replace(example, start=0.0) for example in examples], (words, base), _OWN_ROUNDS)
    return Own(round(base.now.get("", 0.0), 4), _kept(words.now))


def _telling(examples: Sequence[Example]) -> dict[str, float]:
    """Return from 0 to 1 how much each word may teach: less if right and wrong examples share it."""
    shares: list[dict[str, float]] = []
    for answer in (True, False):
        words = [example.features.quotes for example in examples if example.answer is answer]
        shares.append({name: n / len(words) for name, n in Counter(chain.from_iterable(words)).items()})
    right, wrong = shares
    most = log(len(examples) + 1)
    common = {name: min(right.get(name, 0.0), wrong.get(name, 0.0)) for name in right.keys() | wrong.keys()}
    return {name: 1 - _COMMON * log(max(1.0, len(examples) * n)) / most for name, n in common.items()}


def _values(example: Example, telling: Mapping[str, float]) -> dict[str, float]:
    """Return the value of each word in an example; less for words that teach little."""
    features = example.features
    return {name: features.scale * telling.get(name, 1.0) for name in features.quotes}


class _Ascent:
    """Weights by name that climb the likelihood, each pulled towards zero."""

    def __init__(self, values: Sequence[Mapping[str, float]], held_back: float, *, step: float = 0.0) -> None:
        """`values`: for each example, in order, its value of each thing that has a weight."""
        self._values = values
        self.now: dict[str, float] = {}
        self.slopes: dict[str, float] = {}
        self._held_back = held_back
        # A quarter, since the logistic curve is nowhere steeper.
        self._first = step or _STEP / (1 + held_back) / 4
        self._steps: dict[str, float] = {}
        self._before: tuple[dict[str, float], dict[str, float]] = {}, {}

    def total(self, place: int) -> float:
        """Return what these weights add to the log-odds of an example."""
        now = self.now
        return sum([now[name] * value for name, value in self._values[place].items() if name in now])

    def lean(self, place: int, error: float) -> None:
        """Add an example's pull on its weights to the slopes."""
        slopes = self.slopes
        for name, value in self._values[place].items():
            slopes[name] = slopes.get(name, 0.0) + error * value

    @property
    def penalty(self) -> float:
        """What is subtracted from the likelihood, which grows with the weights."""
        return self._held_back / 2 * sum(weight * weight for weight in self.now.values())

    def climb(self) -> None:
        """Take a step up."""
        self._before = self.now, self.slopes
        self.now, self.slopes = {}, {}
        weights, slopes = self._before
        for name, slope in slopes.items():
            weight = weights.get(name, 0.0)
            drawn = slope - self._held_back * weight
            self.now[name] = weight + self._steps.get(name, self._first) * drawn

    def go_back(self) -> None:
        """Undo the last step; weights that overshot take half a step from now on."""
        weights, slopes = self._before
        for name, slope in slopes.items():
            after = self.slopes.get(name, 0.0) - self._held_back * self.now[name]
            if after * (slope - self._held_back * weights.get(name, 0.0)) < 0:
                self._steps[name] = self._steps.get(name, self._first) / 2
        self.now, self.slopes = weights, slopes


def _fit(examples: Sequence[Example], weights: Sequence[_Ascent], rounds: int) -> None:
    """Climb the likelihood of the answers for a number of rounds."""
    best = -inf
    for left in range(rounds, -1, -1):
        likelihood = -sum(kind.penalty for kind in weights)
        for place, example in enumerate(examples):
            certainty = probability(example.start + sum(kind.total(place) for kind in weights))
            error = example.weight * (example.answer - certainty)
            likelihood += example.weight * log(certainty if example.answer else 1 - certainty)
            for kind in weights:
                kind.lean(place, error)
        # A word in hundreds of examples overshoots with each step, and further each time: from a thousand
        # marks of both answers, single words got a weight of 27, and half of those marks came out wrong.
        if likelihood < best:
            for kind in weights:
                kind.go_back()
        best = max(best, likelihood)
        for kind in weights if left else ():
            kind.climb()


def _sum(words: Mapping[str, float], features: Features) -> float:
    return features.scale * sum(words[name] for name in features.quotes if name in words)


def _kept(weights: Mapping[str, float]) -> dict[str, float]:
    return {name: round(w, 4) for name, w in sorted(weights.items()) if abs(w) >= _SMALL}
