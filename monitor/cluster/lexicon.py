"""The bundled lexicon (lexicon.toml): kinds of event, subjects, places, players, stop words."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

from monitor.text import fold

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

LONGEST_NAME = 4
"""Words in the longest name of a player."""

_PLAIN = re.compile(r"[^\W_]+")
_SHORTEST = 2


@dataclass(frozen=True, slots=True)
class Patterns:
    """Words and what they stand for; a word may stand for several things."""

    whole: Mapping[str, tuple[str, ...]]
    starts: Mapping[str, tuple[str, ...]]
    ends: Mapping[str, tuple[str, ...]]

    def labels(self, word: str) -> Iterator[str]:
        """Yield what a folded word stands for."""
        yield from self.whole.get(word, ())
        for size in range(_SHORTEST, len(word) + 1):
            yield from self.starts.get(word[:size], ())
            yield from self.ends.get(word[-size:], ())


@dataclass(frozen=True, slots=True)
class Lexicon:
    """The tables of lexicon.toml, folded and ready for look-up."""

    kinds: Patterns
    subjects: Patterns
    places: Patterns
    players: Mapping[str, str]
    """Every spelling of a name, its words joined by a space, to the player's key."""
    stop: frozenset[str]


def plain_words(text: str) -> list[str]:
    """Return the words of `text` as they stand, hyphens and apostrophes parting them."""
    return _PLAIN.findall(text)


@cache
def lexicon() -> Lexicon:
    """Return the bundled lexicon."""
    tables = tomllib.loads(files(__package__).joinpath("lexicon.toml").read_text("utf-8"))
    return Lexicon(
        kinds=_patterns(tables["kinds"]),
        subjects=_patterns(tables["subjects"]),
        places=_patterns(tables["places"]),
        players={
            " ".join(plain_words(fold(name))): key
            for key, names in tables["players"].items()
            for name in names
        },
        stop=frozenset(fold(word) for words in tables["stop"].values() for word in words.split()),
    )


def _patterns(table: Mapping[str, Sequence[str]]) -> Patterns:
    whole: dict[str, tuple[str, ...]] = {}
    starts: dict[str, tuple[str, ...]] = {}
    ends: dict[str, tuple[str, ...]] = {}
    for label, patterns in table.items():
        for pattern in patterns:
            place = starts if pattern.endswith("*") else ends if pattern.startswith("*") else whole
            word = fold(pattern.strip("*"))
            place[word] = (*place.get(word, ()), label)
    return Patterns(whole, starts, ends)
