"""What kind of event an entry tells: chances by a small linear model over its words (kinds.tsv).

A table of phrases alone (events.toml) was right about four titles in ten of those it was not made by: "Sora 2
is here" ends nothing. What it finds is one feature among the words of the title and of the teaser here.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.resources import files
from itertools import pairwise
from typing import TYPE_CHECKING

from monitor.cluster.events import plain_words
from monitor.text import fold

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

NONE = ""
"""The kind of what tells no event: a portrait, a look at a trade."""
# The chance from which a kind is told: of three that are told two or more are right, by hands left out.
_TOLD = 0.35
# Letters by which words are told apart: inflections meet.
_LETTERS = 8
# Words of a teaser that are read, and what each counts beside one of the title.
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
    """As written, "place:weight" with tabs between: of six thousand rows a poll needs a few hundred."""


@cache
def model() -> Model:
    """Return the bundled model."""
    head, first, *rows = files(__package__).joinpath("kinds.tsv").read_text("utf-8").splitlines()[1:]
    weights = {name: row for name, _, row in (row.partition("\t") for row in rows)}
    return Model(tuple(head.split("\t")), tuple(map(float, first.split("\t"))), weights)


def features(
    title: str, summary: str, in_title: Sequence[str], in_summary: Collection[str]
) -> dict[str, float]:
    """Return what the model weighs: words, neighbours, signs, and the kinds whose phrases were found."""
    return {
        **dict.fromkeys((f"s {word}" for word in _words(summary)[:_TEASER]), _TEASER_COUNTS),
        **{f"ks {kind}": _FIRST_OF_TEASER for kind in in_summary if kind not in in_title},
        **dict.fromkeys(_of_title(title, in_title), 1.0),
    }


def chances(found: Mapping[str, float]) -> tuple[float, ...]:
    """Return the chance of each kind, in the order of the model's kinds."""
    known = model()
    totals = list(known.bias)
    for name, value in found.items():
        for place, weight in _row(known.weights.get(name, "")):
            totals[place] += weight * value
    return _shares(totals)


def told(found: Sequence[float]) -> str:
    """Return the likeliest kind; NONE where nothing is likely enough to be told."""
    most = max(found)
    return model().kinds[found.index(most)] if most >= _TOLD else NONE


def together(several: Sequence[Sequence[float]]) -> tuple[float, ...]:
    """Return the chances of the event that several reports tell."""
    # By the root of their number: reports of one event repeat each other, they are no independent witnesses.
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
