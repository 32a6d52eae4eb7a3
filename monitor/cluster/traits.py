"""What the matcher sees of an entry: its words, names, numbers, players, kinds of event, subjects, places and day."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING, Any

from monitor.cluster.lexicon import LONGEST_NAME, Patterns, lexicon, plain_words
from monitor.text import fold

if TYPE_CHECKING:
    from collections.abc import Iterator

    from monitor.models import Entry

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DAY_SECONDS = 86400
_WORD = re.compile(r"[^\W\d_](?:[^\W_]|['’.&-](?=[^\W_]))*")
_NUMBER = re.compile(r"\d[\d.,]*")
_THOUSANDS = re.compile(r"\d{1,3}(?:[.,]\d{3})+")
_YEAR = re.compile(r"(?:19|20)\d\d")
_POSSESSIVE = re.compile(r"['’]s?$")
PLAYER, SUBJECT = "@", "="
"""Marks of those terms that are no words."""


@dataclass(frozen=True, slots=True)
class Traits:
    """An entry as the matcher sees it. `words`, `title` and `names` hold folded stems."""

    day: float
    """Of its publication, counted from 1970."""
    language: str
    title: frozenset[str]
    words: frozenset[str]
    """Of title and summary."""
    names: frozenset[str]
    """Capitalised words of title and summary (in German: nouns, too)."""
    numbers: frozenset[str]
    players: frozenset[str]
    subjects: frozenset[str]
    kinds: frozenset[str]
    places: frozenset[str]

    def terms(self) -> frozenset[str]:
        """Return all that is counted over the archive, marked by sort."""
        return frozenset(
            (
                *self.words,
                *(PLAYER + player for player in self.players),
                *(SUBJECT + subject for subject in self.subjects),
            )
        )


def terms(entry: Entry) -> frozenset[str]:
    """Return the terms of an entry whose numbers of documents the archive keeps."""
    return traits(entry).terms()


def traits(entry: Entry) -> Traits:
    """Return what the matcher sees of an entry: a pure function of title, summary, language and date."""
    head = _telling(entry.title)
    words = [*head, *_telling(entry.summary)]
    stems = _stems(entry.language)
    return Traits(
        day=(entry.published - _EPOCH).total_seconds() / _DAY_SECONDS,
        language=entry.language,
        title=frozenset(stems(word) for _, word in words[: len(head)]),
        words=frozenset(stems(word) for _, word in words),
        names=frozenset(stems(word) for raw, word in words if raw[0].isupper()),
        numbers=frozenset(_numbers(f"{entry.title} {entry.summary}")),
        players=frozenset(_players(f"{entry.title} | {entry.summary}")),
        subjects=_labels(lexicon().subjects, words),
        kinds=_labels(lexicon().kinds, words),
        places=_labels(lexicon().places, words),
    )


def _telling(text: str) -> list[tuple[str, str]]:
    """Return the words of a text that are no stop words: as they stand, and bare."""
    found = ((raw, bare(raw)) for raw in _words(text))
    return [(raw, word) for raw, word in found if len(word) > 1 and word not in lexicon().stop]


def _words(text: str) -> list[str]:
    """Return the words of a text; a hyphenated one whole and in its parts."""
    words: list[str] = []
    for match in _WORD.finditer(text):
        words.append(match[0])
        if "-" in match[0] or "&" in match[0]:
            words.extend(re.split(r"[-&]", match[0]))
    return words


def bare(raw: str) -> str:
    """Return a word folded, without a possessive."""
    return re.sub(r"['’]", "", _POSSESSIVE.sub("", fold(raw)))


def _labels(patterns: Patterns, words: list[tuple[str, str]]) -> frozenset[str]:
    return frozenset(label for _, word in words for label in patterns.labels(word))


def _numbers(text: str) -> Iterator[str]:
    """Yield the figures of a text that are no years: "7.500" and "7,500" are one."""
    for match in _NUMBER.finditer(text):
        figure = match[0].strip(".,")
        value = re.sub(r"[.,]", "" if _THOUSANDS.fullmatch(figure) else ".", figure)
        if len(value) > 1 and not _YEAR.fullmatch(value):
            yield value


def _players(text: str) -> Iterator[str]:
    known = lexicon().players
    raw = plain_words(text)
    words = [fold(word) for word in raw]
    for start, word in enumerate(raw):
        if word[0].isupper() or word[0].isdigit():
            for end in range(start + 1, min(start + LONGEST_NAME, len(words)) + 1):
                if player := known.get(" ".join(words[start:end])):
                    yield player


@cache
def _stems(language: str) -> Any:
    import Stemmer

    return Stemmer.Stemmer("german" if language == "de" else "english").stemWord


def surfaces(entry: Entry) -> dict[str, str]:
    """Return the words of an entry as they stand, by their stems."""
    stems = _stems(entry.language)
    found = (*_telling(entry.title), *_telling(entry.summary))
    return {stems(word): _POSSESSIVE.sub("", raw) for raw, word in reversed(found)}
