"""The personal layer: small weights learned from the user's marks, over the table's and never in its place.

A logistic regression over the same words and pairs of words, and the feed, that starts from what the table
says and is held back strongly: no mark moves an entry far that shares little with it, and all together raise
none by more than `MOST` and lower none by more than `MOST_DOWN`. Words that stand in what was right as often
as in what was wrong ("to", "and", "AI") teach little: a dozen marks that have nothing else in common taught
nothing but these, and lowered whatever has a long text. Beats and themes of the user's own, which the table
does not know, are learned whole, from some thirty marks; their phrases in themes.toml stay the gate. Pure
Python: hundreds of marks are learned in a second or two, without any extra.
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
"""The store's note under which the layer is kept."""
MOST: Final = 2.0
"""How far the layer can raise an entry, in log-odds, whatever was marked."""
MOST_DOWN: Final = 0.8
"""How far it can lower one: with 2, who marks false alarms alone lost 4 in 100 of what is relevant, so less.

From the shipped bar they have 22 in 100 false alarms fewer and lose nothing, from .1 38 and .3
(`benchmarks/simulate_marks.py --blur 0.35`, five months of technology feeds); with 1.2 no more."""
# How strongly weights are held at zero; see benchmarks/simulate_marks.py for what that gives and costs.
_HELD_BACK: Final = 0.4
# A feed is held back more than a word: three marks of one outlet must not silence it.
_FEED_HELD_BACK: Final = 2.0
_OWN_HELD_BACK: Final = 0.15
# How many marked examples of each answer a beat or theme of the user's own is learned from at least.
_LEAST: Final = 8
_ROUNDS: Final = 60
_STEP: Final = 0.6
_SMALL: Final = 0.01
_SHOWN: Final = 12


@dataclass(frozen=True, kw_only=True, slots=True)
class Example:
    """An entry that the user marked, or read without a word."""

    features: Features
    feed: str
    """Its address as it may be shown."""
    start: float
    """What the table gave it, in log-odds."""
    answer: bool
    weight: float = 1.0
    """Less than 1 for what was not marked but stood in a digest."""


@dataclass(frozen=True, slots=True)
class Own:
    """What was learned of a beat or theme of the user's own."""

    base: float
    words: Mapping[str, float]

    def total(self, features: Features) -> float:
        """Give the log-odds that an entry is about it."""
        return self.base + _sum(self.words, features)


@dataclass(frozen=True, slots=True)
class Personal:
    """What was learned: log-odds by word and by feed, and the user's own beats and themes.

    Feeds stand under their addresses as they may be shown: this is stored and printed.
    """

    words: Mapping[str, float] = field(default_factory=dict)
    feeds: Mapping[str, float] = field(default_factory=dict)
    own: Mapping[str, Own] = field(default_factory=dict)
    marks: int = 0
    """How many marks it was learned from."""

    def delta(self, features: Features, feed: str) -> float:
        """Give what the layer adds to the log-odds that an entry is relevant."""
        total = self.feeds.get(redact_url(feed), 0.0) + _sum(self.words, features)
        return max(-MOST_DOWN, min(MOST, total))

    def to_dict(self) -> dict[str, Any]:
        """Render as JSON-able values."""
        return {
            "marks": self.marks,
            "words": dict(self.words),
            "feeds": dict(self.feeds),
            "own": {slug: {"base": own.base, "words": dict(own.words)} for slug, own in self.own.items()},
        }

    def to_json(self) -> str:
        """Write it for the store."""
        return json.dumps(self.to_dict(), ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> Personal:
        """Read what `to_json` wrote; "" is nothing learned."""
        if not text:
            return cls()
        found = json.loads(text)
        own = {slug: Own(item["base"], item["words"]) for slug, item in found["own"].items()}
        return cls(found["words"], found["feeds"], own, found["marks"])

    def lines(self, titles: Mapping[str, str]) -> list[str]:
        """Say what it believes, for a person; `titles` are those of feeds by address."""
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
    """What was fitted, in log-odds."""

    words: dict[str, float]
    feeds: dict[str, float]


def learn(examples: Sequence[Example]) -> Weights:
    """Fit the weights of words and of feeds to examples, over what the table gave each."""
    if not any(example.weight == 1 for example in examples):
        return Weights({}, {})
    telling = _telling(examples)
    words = _Ascent([_values(example, telling) for example in examples], _HELD_BACK)
    feeds = _Ascent([{example.feed: 1.0} for example in examples], _FEED_HELD_BACK)
    _fit(examples, (words, feeds), _ROUNDS)
    learned = _kept({name: weight * telling[name] for name, weight in words.now.items()})
    return Weights(learned, {name: w for name, w in _kept(feeds.now).items() if name})


def learn_own(examples: Sequence[Example]) -> Own | None:
    """Learn a beat or theme from scratch; None while there are too few examples of either answer."""
    for answer in (True, False):
        if sum(example.weight == 1 for example in examples if example.answer is answer) < _LEAST:
            return None
    words = _Ascent([_values(example, {}) for example in examples], _OWN_HELD_BACK)
    base = _Ascent([{"": 1.0}] * len(examples), 0.0, step=_STEP / len(examples))
    # From nothing there is farther to go than from what the table says.
    _fit([replace(example, start=0.0) for example in examples], (words, base), 4 * _ROUNDS)
    return Own(round(base.now.get("", 0.0), 4), _kept(words.now))


def _telling(examples: Sequence[Example]) -> dict[str, float]:
    """Give how much each word may teach, 0 to 1: little where it stands in right and wrong ones alike."""
    shares: list[dict[str, float]] = []
    for answer in (True, False):
        words = [example.features.quotes for example in examples if example.answer is answer]
        shares.append({name: n / len(words) for name, n in Counter(chain.from_iterable(words)).items()})
    right, wrong = shares
    most = log(len(examples) + 1)
    common = {name: min(right.get(name, 0.0), wrong.get(name, 0.0)) for name in right.keys() | wrong.keys()}
    return {name: 1 - log(max(1.0, len(examples) * share)) / most for name, share in common.items()}


def _values(example: Example, telling: Mapping[str, float]) -> dict[str, float]:
    """Give what an example has of each word: its share, and less of words that tell little."""
    features = example.features
    return {name: features.scale * telling.get(name, 1.0) for name in features.quotes}


class _Ascent:
    """Weights by name on their way up the likelihood, each drawn back towards zero."""

    def __init__(self, values: Sequence[Mapping[str, float]], held_back: float, *, step: float = 0.0) -> None:
        """`values`: what each example, in order, has of what is weighed."""
        self._values = values
        self.now: dict[str, float] = {}
        self.slopes: dict[str, float] = {}
        self._held_back = held_back
        # A quarter, as the logistic curve is nowhere steeper.
        self._first = step or _STEP / (1 + held_back) / 4
        self._steps: dict[str, float] = {}
        self._before: tuple[dict[str, float], dict[str, float]] = {}, {}

    def total(self, place: int) -> float:
        """Give what these weights add to the log-odds of an example."""
        now = self.now
        return sum([now[name] * value for name, value in self._values[place].items() if name in now])

    def lean(self, place: int, error: float) -> None:
        """Note which way an example draws its weights."""
        slopes = self.slopes
        for name, value in self._values[place].items():
            slopes[name] = slopes.get(name, 0.0) + error * value

    @property
    def penalty(self) -> float:
        """What the likelihood is lowered by: the further from zero, the more."""
        return self._held_back / 2 * sum(weight * weight for weight in self.now.values())

    def climb(self) -> None:
        """Go a step up."""
        self._before = self.now, self.slopes
        self.now, self.slopes = {}, {}
        weights, slopes = self._before
        for name, slope in slopes.items():
            weight = weights.get(name, 0.0)
            drawn = slope - self._held_back * weight
            self.now[name] = weight + self._steps.get(name, self._first) * drawn

    def go_back(self) -> None:
        """Take the last step back; what went past its aim goes half as far from now on."""
        weights, slopes = self._before
        for name, slope in slopes.items():
            after = self.slopes.get(name, 0.0) - self._held_back * self.now[name]
            if after * (slope - self._held_back * weights.get(name, 0.0)) < 0:
                self._steps[name] = self._steps.get(name, self._first) / 2
        self.now, self.slopes = weights, slopes


def _fit(examples: Sequence[Example], weights: Sequence[_Ascent], rounds: int) -> None:
    """Climb the likelihood of the answers, so many steps."""
    best = -inf
    for left in range(rounds, -1, -1):
        likelihood = -sum(kind.penalty for kind in weights)
        for place, example in enumerate(examples):
            certainty = probability(example.start + sum(kind.total(place) for kind in weights))
            error = example.weight * (example.answer - certainty)
            likelihood += example.weight * log(certainty if example.answer else 1 - certainty)
            for kind in weights:
                kind.lean(place, error)
        # What stands in hundreds of examples goes past its aim with each step, and further each time: a
        # thousand marks of both answers gave single words 27, and got half of themselves wrong.
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
