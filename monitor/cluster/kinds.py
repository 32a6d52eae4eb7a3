"""Say what kind of event an entry tells: by phrases, and by a small linear model over its words (kinds.tsv).

The phrases of events.toml alone were right about four in ten of the titles that they were not made from. What
they find is one feature of the model, beside the words of title and summary.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.resources import files
from itertools import pairwise
from typing import TYPE_CHECKING

from monitor.cluster.events import knowledge, plain_words
from monitor.text import fold

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

NONE = ""
"""The kind of an entry that tells no event, such as a portrait or a look at a trade."""
# The chance from which a kind is given. With each author left out, six to eight of ten given kinds are right.
_TOLD = 0.35
# A clause about what happened before, or why: "after weekend of mockery" is not what the report tells.
_BEFORE = re.compile(
    r"""\b(?: after | following | in\ the\ wake\ of | amid | since | nach | nachdem | seit | wegen )\b
        (?! \s+(?:all|that)\b ) [^.,;:!?–—|]*""",
    re.IGNORECASE | re.VERBOSE,
)
# The letters by which words are told apart, so that inflections meet.
_LETTERS = 8
# How many words of a summary are read, and what each counts compared with a word of the title.
_TEASER, _TEASER_COUNTS = 40, 0.3
_FIRST_OF_TEASER = 0.5
_SIGNS = "?!:"
_QUOTES = "„“\"‘'»«"


@dataclass(frozen=True, slots=True)
class Model:
    """What each feature adds to the log-odds of each kind, by the kind's place."""

    kinds: tuple[str, ...]
    bias: tuple[float, ...]
    weights: Mapping[str, str]
    """As written, "place:weight" with tabs between: a poll needs a few hundred of six thousand rows."""


@cache
def model() -> Model:
    """Return the bundled model."""
    head, first, *rows = files(__package__).joinpath("kinds.tsv").read_text("utf-8").splitlines()[1:]
    weights = {name: row for name, _, row in (row.partition("\t") for row in rows)}
    return Model(tuple(head.split("\t")), tuple(map(float, first.split("\t"))), weights)


@lru_cache(maxsize=1 << 13)
def of_word(word: str) -> tuple[str, ...]:
    """Return the kinds that a folded word by itself stands for."""
    return tuple(knowledge().kinds.labels(word))


@lru_cache(maxsize=1 << 12)
def phrases(text: str) -> tuple[str, ...]:
    """Return the kinds whose words or phrases stand in a text, the one that counts most first."""
    front = [fold(word) for word in plain_words(_BEFORE.sub(" ", text)) or plain_words(text)]
    return ranked({kind for word in front for kind in of_word(word)}.union(knowledge().kinds.phrases(front)))


def ranked(kinds: Iterable[str]) -> tuple[str, ...]:
    """Return kinds in order, the one that counts most first."""
    return tuple(sorted(kinds, key=knowledge().rank.__getitem__))


def features(title: str, summary: str) -> dict[str, float]:
    """Return what the model weighs: words, neighbours, signs, and the kinds whose phrases were found."""
    in_title = phrases(title)
    return {
        **dict.fromkeys((f"s {word}" for word in _words(summary)[:_TEASER]), _TEASER_COUNTS),
        **{f"ks {kind}": _FIRST_OF_TEASER for kind in phrases(summary) if kind not in in_title},
        **dict.fromkeys(_of_title(title, in_title), 1.0),
    }


@lru_cache(maxsize=1 << 12)
def chances(title: str, summary: str) -> tuple[float, ...]:
    """Return the chance that an entry tells each kind, in the order of the model's kinds."""
    return shares(features(title, summary), model())


def shares(found: Mapping[str, float], known: Model) -> tuple[float, ...]:
    """Return the chance of each of a model's kinds for these features."""
    totals = list(known.bias)
    for name, value in found.items():
        for place, weight in _row(known.weights.get(name, "")):
            totals[place] += weight * value
    return _shares(totals)


def told(found: Sequence[float], known: Model | None = None) -> str:
    """Return the likeliest kind; NONE if no kind is likely enough."""
    most = max(found)
    return (known or model()).kinds[found.index(most)] if most >= _TOLD else NONE


def together(several: Sequence[Sequence[float]]) -> tuple[float, ...]:
    """Return the chance of each kind for the event that several reports tell."""
    # Divided by the root of their number: reports of one event repeat each other, and are not independent.
    few = math.sqrt(len(several))
    return _shares([math.fsum(map(math.log, own)) / few for own in zip(*several, strict=True)])


@lru_cache(maxsize=1 << 13)
def _row(written: str) -> tuple[tuple[int, float], ...]:
    pairs = (pair.partition(":") for pair in written.split("\t") if pair)
    return tuple((int(place), float(weight)) for place, _, weight in pairs)


def _of_title(title: str, kinds: Sequence[str]) -> Iterator[str]:
    words = _words(title)
    yield from (f"t {word}" for word in words)
    yield from (f"b {one} {other}" for one, other in pairwise(words))
    if words:
        yield f"1 {words[0]}"
        yield f"z {words[-1]}"
    yield from (sign for sign in _SIGNS if sign in title)
    if title[:1] in _QUOTES:
        yield "q"
    yield from (f"k {kind}" for kind in kinds)
    yield from (f"kf {kind}" for kind in kinds[:1])


def _words(text: str) -> list[str]:
    return ["0" if word.isdecimal() else fold(word)[:_LETTERS] for word in plain_words(text)]


def _shares(logs: Sequence[float]) -> tuple[float, ...]:
    most = max(logs)
    shares = [math.exp(one - most) for one in logs]
    total = math.fsum(shares)
    return tuple(share / total for share in shares)
