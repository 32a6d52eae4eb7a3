"""What the matcher sees of an entry: words, names, numbers, players, kinds of event, subjects, places and day."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING

from monitor.cluster.lexicon import LONGEST_NAME, lexicon, plain_words
from monitor.text import fold

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from monitor.models import Entry

PLAYER, SUBJECT = "@", "="
"""Marks of those terms that are no words."""

_LETTERS = 5
"""A word is known by its first letters: inflections, German compounds and cousins in the other language meet."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DAY_SECONDS = 86400
_WORD = re.compile(r"[^\W\d_](?:[^\W_]|['’.&-](?=[^\W_]))*")
_NUMBER = re.compile(r"\d[\d.,]*")
_THOUSANDS = re.compile(r"\d{1,3}(?:[.,]\d{3})+")
_YEAR = re.compile(r"(?:19|20)\d\d")
_POSSESSIVE = re.compile(r"['’]s?$")


@dataclass(frozen=True, slots=True)
class Traits:
    """An entry as the matcher sees it. `words`, `title` and `names` hold the folded beginnings of words."""

    day: float
    """Of its publication, counted from 1970."""
    language: str
    title: frozenset[str]
    words: frozenset[str]
    """Of title and summary."""
    names: frozenset[str]
    """What looks like a name: a capitalised word that the lexicon does not know; in German not any noun."""
    numbers: frozenset[str]
    players: frozenset[str]
    subjects: frozenset[str]
    kinds: frozenset[str]
    places: frozenset[str]

    def terms(self) -> frozenset[str]:
        """Return all that is counted over the archive."""
        marked = [PLAYER + player for player in self.players] + [
            SUBJECT + subject for subject in self.subjects
        ]
        return self.words.union(marked)


@dataclass(frozen=True, slots=True)
class _Word:
    """A word that tells something, and what it stands for."""

    start: str
    kinds: tuple[str, ...]
    subjects: tuple[str, ...]
    places: tuple[str, ...]

    @property
    def common(self) -> bool:
        """Whether the lexicon knows it as an ordinary word."""
        return bool(self.kinds or self.subjects)


def terms(entry: Entry) -> frozenset[str]:
    """Return the terms of an entry whose numbers of documents the archive keeps."""
    return traits(entry).terms()


@lru_cache(maxsize=1 << 12)
def traits(entry: Entry) -> Traits:
    """Return what the matcher sees of an entry: a pure function of title, summary, language and date."""
    title, summary = list(_telling(entry.title)), list(_telling(entry.summary))
    both = [*title, *summary]
    text = f"{entry.title} | {entry.summary}"
    return Traits(
        day=(entry.published - _EPOCH).total_seconds() / _DAY_SECONDS,
        language=entry.language,
        title=frozenset(word.start for _, word in title),
        words=frozenset(word.start for _, word in both),
        names=frozenset(_names(both, german=entry.language == "de")),
        numbers=frozenset(_numbers(text)),
        players=frozenset(_players(text)),
        subjects=frozenset(subject for _, word in both for subject in word.subjects),
        kinds=frozenset(kind for _, word in both for kind in word.kinds),
        places=frozenset(place for _, word in both for place in word.places),
    )


def surfaces(entry: Entry) -> dict[str, str]:
    """Return the words of an entry as they stand, by their beginnings; the first of those that begin alike."""
    found = [*_telling(entry.title), *_telling(entry.summary)]
    return {word.start: _POSSESSIVE.sub("", raw) for raw, word in reversed(found)}


def _telling(text: str) -> Iterator[tuple[str, _Word]]:
    """Yield the words of a text that are no stop words, as they stand and as they are known."""
    for raw in _words(text):
        word = _known(raw)
        if word is not None:
            yield raw, word


def _words(text: str) -> Iterator[str]:
    """Yield the words of a text; a hyphenated one whole and in its parts."""
    for match in _WORD.finditer(text):
        yield match[0]
        if "-" in match[0] or "&" in match[0]:
            yield from filter(None, re.split(r"[-&]", match[0]))


def _names(found: Sequence[tuple[str, _Word]], *, german: bool) -> Iterator[str]:
    """Yield the words that look like names: in German acronyms and neighbours of another capitalised word."""
    capitals = [raw[0].isupper() and not word.common for raw, word in found]
    for place, (raw, word) in enumerate(found):
        beside = any(capitals[max(0, place - 1) : place]) or any(capitals[place + 1 : place + 2])
        if capitals[place] and (not german or beside or not raw[1:].islower()):
            yield word.start


@lru_cache(maxsize=1 << 16)
def _known(raw: str) -> _Word | None:
    """Return what a word as it stands is known by, None for a stop word."""
    word = re.sub(r"['’]", "", _POSSESSIVE.sub("", fold(raw)))
    known = lexicon()
    if len(word) < 2 or word in known.stop:
        return None
    return _Word(
        word[:_LETTERS],
        tuple(known.kinds.labels(word)),
        tuple(known.subjects.labels(word)),
        tuple(known.places.labels(word)),
    )


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
