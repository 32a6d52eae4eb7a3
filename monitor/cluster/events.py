"""Read what is known about events (events.toml): kinds, players, roles, subjects and places."""

from __future__ import annotations

import re
import tomllib
from collections import defaultdict
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

from monitor.text import fold

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

LONGEST = 4
"""The number of words in the longest name or phrase."""

PLAIN_WORD = re.compile(r"[^\W_]+")
_SHORTEST = 2
# The most words from the first to the second half of a divided German verb, both counted.
_GAP = 10


@dataclass(frozen=True, slots=True)
class Patterns:
    """Words and phrases with the labels that they stand for; one may stand for several."""

    whole: Mapping[str, tuple[str, ...]]
    """Words, and phrases with their words joined by a space."""
    starts: Mapping[str, tuple[str, ...]]
    ends: Mapping[str, tuple[str, ...]]
    apart: Mapping[str, tuple[tuple[str, str, str], ...]]
    """Phrases with a gap ("stellt … vor") by their first words: both halves, and the label."""

    def labels(self, word: str) -> Iterator[str]:
        """Yield the labels of a folded word or phrase."""
        yield from self.whole.get(word, ())
        for size in range(_SHORTEST, len(word) + 1):
            yield from self.starts.get(word[:size], ())
            yield from self.ends.get(word[-size:], ())

    def phrases(self, words: Sequence[str]) -> Iterator[str]:
        """Yield the labels of all phrases of several words."""
        for start, word in enumerate(words):
            for end in range(start + 2, min(start + LONGEST, len(words)) + 1):
                yield from self.whole.get(" ".join(words[start:end]), ())
            for first, last, label in self.apart.get(word, ()):
                near = f" {' '.join(words[start : start + _GAP])} "
                if near.startswith(f" {first} ") and f" {last} " in near[len(first) + 1 :]:
                    yield label


@dataclass(frozen=True, slots=True)
class Knowledge:
    """The tables of events.toml, folded and ready to be looked up."""

    kinds: Patterns
    apart: frozenset[frozenset[str]]
    """Pairs of kinds that are two steps of an affair."""
    acts: Mapping[str, str]
    """The kinds of acts, by the nouns for them."""
    rank: Mapping[str, int]
    """The places of the kinds in the table: if a text speaks of several, the lowest counts most."""
    roles: Patterns
    subjects: Patterns
    places: Patterns
    players: Mapping[str, str]
    """The keys of players, by every spelling of their names, whose words are joined by a space."""
    stop: frozenset[str]


def plain_words(text: str) -> list[str]:
    """Return the words of a text as they stand; hyphens and apostrophes separate words."""
    return PLAIN_WORD.findall(text)


@cache
def knowledge() -> Knowledge:
    """Return the bundled knowledge."""
    tables = tomllib.loads(files(__package__).joinpath("events.toml").read_text("utf-8"))
    return Knowledge(
        kinds=_patterns(tables["kinds"]),
        apart=frozenset(
            frozenset((one, other)) for one, others in tables["apart"].items() for other in others
        ),
        acts={fold(noun): kind for kind, nouns in tables["acts"].items() for noun in nouns},
        rank={kind: place for place, kind in enumerate(tables["kinds"])},
        roles=_patterns(tables["roles"]),
        subjects=_patterns(tables["subjects"]),
        places=_patterns(tables["places"]),
        players={
            " ".join(plain_words(fold(name))): key
            for key, names in tables["players"].items()
            for name in names
        },
        stop=frozenset(
            re.sub(r"['’]", "", fold(word)) for words in tables["stop"].values() for word in words.split()
        ),
    )


def _patterns(table: Mapping[str, Sequence[str]]) -> Patterns:
    whole, starts, ends = (defaultdict[str, tuple[str, ...]](tuple) for _ in range(3))
    apart = defaultdict[str, tuple[tuple[str, str, str], ...]](tuple)
    for label, patterns in table.items():
        for pattern in patterns:
            if "…" in pattern:
                first, last = (" ".join(plain_words(fold(half))) for half in pattern.split("…"))
                apart[first.split()[0]] += ((first, last, label),)
                continue
            place = starts if pattern.endswith("*") else ends if pattern.startswith("*") else whole
            word = " ".join(plain_words(fold(pattern)))
            place[word] += (label,)
    return Patterns(dict(whole), dict(starts), dict(ends), dict(apart))
