"""What the matcher sees of an entry: words, names, numbers, players, kinds, subjects, places, day."""

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
"""Of a word that it is known by: inflections, German compounds and cousins in the other language meet."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DAY_SECONDS = 86400
_IMPRINT = re.compile(
    r"""© | \ball\ rights\ reserved\b | \bthe\ post\ .{1,200}\ appeared\ first\ on\b |
        \bscore:\ \d+\ comments: | \bdiscussion:\ https?:""",
    re.IGNORECASE | re.VERBOSE,
)
"""Where a summary's words end and its outlet's standing lines begin."""
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
    aliases: frozenset[str]
    """The words that name these players."""
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
    title, summary = _read(entry.title), _read(said(entry))
    both = [word for _, word in (*title, *summary) if word]
    text = f"{entry.title} | {said(entry)}"
    named = list(_players(text))
    return Traits(
        day=(entry.published - _EPOCH).total_seconds() / _DAY_SECONDS,
        language=entry.language,
        title=frozenset(word.start for _, word in title if word),
        words=frozenset(word.start for word in both),
        names=frozenset(_names((*title, *summary), german=entry.language == "de")),
        numbers=frozenset(_numbers(text)),
        players=frozenset(player for player, _ in named),
        aliases=frozenset(word[:_LETTERS] for _, words in named for word in words),
        subjects=frozenset(subject for word in both for subject in word.subjects),
        kinds=frozenset(kind for word in both for kind in word.kinds),
        places=frozenset(place for word in both for place in word.places),
    )


def said(entry: Entry) -> str:
    """Return the summary of an entry without its outlet's standing lines."""
    return _IMPRINT.split(entry.summary, maxsplit=1)[0]


def surfaces(entry: Entry) -> dict[str, str]:
    """Return the words of an entry as they stand, by their beginnings (of like ones the first)."""
    found = [*_read(entry.title), *_read(entry.summary)]
    return {word.start: _POSSESSIVE.sub("", raw) for raw, word in reversed(found) if word}


def _read(text: str) -> list[tuple[str, _Word | None]]:
    """Return the words of a text as they stand and as they are known: None for stop words."""
    return [(raw, _known(raw)) for raw in _words(text)]


def _words(text: str) -> Iterator[str]:
    """Yield the words of a text; a hyphenated one whole and in its parts."""
    for match in _WORD.finditer(text):
        yield match[0]
        if "-" in match[0] or "&" in match[0]:
            yield from filter(None, re.split(r"[-&]", match[0]))


def _names(read: Sequence[tuple[str, _Word | None]], *, german: bool) -> Iterator[str]:
    """Yield the words that look like names: in German acronyms and neighbours of another capitalised word."""
    capital = [word is not None and raw[0].isupper() and not word.common for raw, word in read]
    for place, (raw, word) in enumerate(read):
        beside = any(capital[max(0, place - 1) : place]) or any(capital[place + 1 : place + 2])
        if word and capital[place] and (not german or beside or not raw[1:].islower()):
            yield word.start


@lru_cache(maxsize=1 << 16)
def _known(raw: str) -> _Word | None:
    """Return what a word as it stands is known by, None for a stop word."""
    word = re.sub(r"['’]", "", _POSSESSIVE.sub("", fold(raw)))
    known = lexicon()
    if len(word) == 1 or word in known.stop:
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


def _players(text: str) -> Iterator[tuple[str, list[str]]]:
    """Yield the players that a text names, each with the words that name it."""
    known = lexicon().players
    raw = plain_words(text)
    words = [fold(word) for word in raw]
    for start, word in enumerate(raw):
        if word[0].isupper() or word[0].isdigit():
            for end in range(start + 1, min(start + LONGEST_NAME, len(words)) + 1):
                if player := known.get(" ".join(words[start:end])):
                    yield player, words[start:end]
