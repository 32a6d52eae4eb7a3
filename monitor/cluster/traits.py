"""Read from an entry what it is compared by: its words, and its event's kind, parties, place and day."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import lru_cache
from sys import intern
from typing import TYPE_CHECKING

from monitor.cluster import kinds
from monitor.cluster.events import LONGEST, PLAIN_WORD, knowledge, plain_words
from monitor.cluster.figures import figures
from monitor.cluster.references import acts, references
from monitor.text import fold

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from collections.abc import Set as AbstractSet

    from monitor.models import Entry

PLAYER, ROLE, SUBJECT = "@", "%", "="
"""The marks of terms that are not words."""

# The letters by which words are compared, so that inflections, German compounds and related words of the
# other language meet.
_LETTERS = 5
# The letters by which words are told apart, so that compounds with one beginning (Sprecher, Sprechprobe)
# differ.
_STEM = 8
_GRAM = 4
# Words in a headline from which on it is no chance that all have capitals.
_HEADLINE = 4
# Words that are remembered. The entries of a day have far fewer; each takes half a kilobyte.
_REMEMBERED = 1 << 13
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DAY_SECONDS = 86400
# A hyphen, a point or an apostrophe inside a word is part of it: "OpenAI-Chef", "U.S", "can't".
_WORD = re.compile(r"[^\W\d_](?:[^\W_]|['’.&-](?=[^\W_]))*")
_POSSESSIVE = re.compile(r"['’]s?$")


@dataclass(frozen=True, slots=True)
class TextTraits:
    """What a title, or title and summary together, speak of. Tuples are in the order of the text."""

    words: frozenset[str]
    """The folded beginnings of its words."""
    stems: frozenset[str]
    """The same with more letters."""
    specific: frozenset[str]
    """The stems of the words that events.toml does not know."""
    small: frozenset[str]
    """The stems of words that it begins with a small letter."""
    names: frozenset[str]
    """What looks like a name: a capitalised word unknown to events.toml; in German not any noun."""
    numbers: frozenset[str]
    players: tuple[str, ...]
    roles: tuple[str, ...]
    kinds: tuple[str, ...]
    """The kinds of event, the one that counts most first."""
    subjects: frozenset[str]
    places: frozenset[str]


@dataclass(frozen=True, slots=True)
class Traits:
    """An entry as the matcher sees it."""

    day: float
    """The day of its publication, counted from 1970."""
    language: str
    title: TextTraits
    text: TextTraits
    """Title and summary."""
    kind: str
    """The kind whose phrase counts most in the title, or else in the summary; "" for none."""
    spelt: tuple[tuple[str, str], ...]
    """Its players, and how the text spells each when it first names it."""
    capitals: frozenset[str]
    """Names of its title that may be none: all words of the headline have capitals, not of the summary."""
    letters: frozenset[str]
    """Every four letters in a row of its title."""
    specific: frozenset[str]
    """The stems of words that are no player and not in events.toml: these may tell the event from others."""
    refers: frozenset[tuple[str, str]]
    """The acts that it refers to as done: who did them, and their kinds."""
    tells: frozenset[tuple[str, str]]
    """The acts that its title tells, likewise."""

    def terms(self) -> frozenset[str]:
        """Return all terms whose numbers of entries are counted."""
        text = self.text
        marked = [PLAYER + player for player in text.players]
        marked += [ROLE + role for role in text.roles]
        marked += [SUBJECT + subject for subject in text.subjects]
        return text.words.union(text.stems, marked)


@dataclass(frozen=True, slots=True)
class _Word:
    """A word that is no stop word, and what it stands for."""

    start: str
    stem: str
    kinds: tuple[str, ...]
    roles: tuple[str, ...]
    subjects: tuple[str, ...]
    places: tuple[str, ...]

    @property
    def common(self) -> bool:
        """Whether events.toml knows it as a word for a kind, subject, role or place."""
        return bool(self.kinds or self.subjects or self.roles or self.places)


# The words of a text as they stand, each with what is known of it: None for stop words.
_Read = list[tuple[str, _Word | None]]


def terms(entry: Entry) -> frozenset[str]:
    """Return the terms of an entry, whose counts the store keeps."""
    return traits(entry).terms()


def traits(entry: Entry) -> Traits:
    """Return what an entry is compared by."""
    return _traits(entry.title, entry.summary, entry.language, entry.published)


# Remembered by the texts, not by the entry: that would keep whole entries in memory, with content and
# evidence.
@lru_cache(maxsize=1 << 12)
def _traits(heading: str, summary: str, language: str, published: datetime) -> Traits:
    german = language == "de"
    title = _part(heading, german=german)
    rest = _part(summary, german=german)
    capitals = frozenset[str]()
    if not german and not title.small and len(title.stems) >= _HEADLINE:
        title = replace(title, names=title.names - rest.small)
        capitals = title.names - rest.names
    letters = " ".join(plain_words(fold(heading)))
    # Reversed, so that of several spellings the first one in the text is kept.
    spelt = dict(reversed(list(_players(f"{heading} | {summary}"))))
    players = _once(title.players + rest.players)
    found = kinds.ranked({*title.kinds, *rest.kinds})
    return Traits(
        day=(published - _EPOCH).total_seconds() / _DAY_SECONDS,
        language=language,
        title=title,
        capitals=capitals,
        text=TextTraits(
            words=title.words | rest.words,
            stems=title.stems | rest.stems,
            specific=title.specific | rest.specific,
            small=title.small | rest.small,
            names=title.names | rest.names,
            numbers=title.numbers | rest.numbers,
            players=players,
            roles=_once(title.roles + rest.roles),
            kinds=found,
            subjects=title.subjects | rest.subjects,
            places=title.places | rest.places,
        ),
        # Not the likeliest kind by `kinds.chances`: as a feature of pairs that made the matcher no better.
        kind=next(iter((*title.kinds, *found)), ""),
        spelt=tuple(spelt.items()),
        letters=_grams(letters),
        specific=(title.specific | rest.specific) - _aliases(spelt.values()),
        refers=frozenset(references(heading, players)).union(references(summary, players)),
        tells=frozenset(acts(heading)),
    )


def _grams(text: str) -> frozenset[str]:
    # Interned, and first a set, so that the frozenset is no larger than needed: 4 kB a title instead of 14.
    return frozenset({intern(text[start : start + _GRAM]) for start in range(len(text) - _GRAM + 1)})


def _part(text: str, *, german: bool) -> TextTraits:
    read: _Read = [(raw, _known(raw)) for raw in _words(text)]
    known = [word for _, word in read if word]
    return TextTraits(
        words=frozenset(word.start for word in known),
        stems=frozenset(word.stem for word in known),
        specific=frozenset(word.stem for word in known if not word.common),
        small=frozenset(word.stem for raw, word in read if word and raw[0].islower()),
        names=frozenset(_names(read, german=german)),
        numbers=frozenset(figures(text)),
        players=_once(player for player, _ in _players(text)),
        roles=_once(role for word in known for role in word.roles),
        kinds=kinds.phrases(text),
        subjects=frozenset(subject for word in known for subject in word.subjects),
        places=frozenset(place for word in known for place in word.places),
    )


def _aliases(spellings: Iterable[str]) -> frozenset[str]:
    named = [[fold(word) for word in plain_words(words)] for words in spellings]
    return frozenset(word[:_STEM] for words in named for word in (*words, "-".join(words)))


def _once(labels: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(labels))


def surfaces(entry: Entry, stems: AbstractSet[str]) -> dict[str, str]:
    """Return how an entry writes the words with these stems, each as it first stands there."""
    found: dict[str, str] = {}
    for raw in _words(f"{entry.title} | {entry.summary}"):
        stem = _folded(raw)[:_STEM]
        if stem in stems and stem not in found and _known(raw):
            found[stem] = _POSSESSIVE.sub("", raw)
    return found


def _words(text: str) -> Iterator[str]:
    """Yield the words of a text; a hyphenated word as a whole and in its parts."""
    for match in _WORD.finditer(text):
        yield match[0]
        if "-" in match[0] or "&" in match[0]:
            yield from filter(None, re.split(r"[-&]", match[0]))


def _names(read: _Read, *, german: bool) -> Iterator[str]:
    """Yield the stems of words that look like names.

    In German these are acronyms, and words next to another capitalised word.
    """
    capital = [word is not None and raw[0].isupper() and not word.common for raw, word in read]
    for place, (raw, word) in enumerate(read):
        # In German every noun begins with a capital, so a single one is no sign of a name.
        beside = any(capital[max(0, place - 1) : place]) or any(capital[place + 1 : place + 2])
        if word and capital[place] and (not german or beside or not raw[1:].islower()):
            yield word.stem


def _folded(raw: str) -> str:
    return re.sub(r"['’.]", "", _POSSESSIVE.sub("", fold(raw)))


@lru_cache(maxsize=_REMEMBERED)
def _known(raw: str) -> _Word | None:
    """Return what is known of a word as it stands; None for a stop word."""
    word, known = _folded(raw), knowledge()
    # "US" in capitals is the country ("US judge", "U.S. judge"); otherwise "us" is a stop word.
    if len(word) == 1 or (word in known.stop and not (raw.isupper() and word in known.places.whole)):
        return None
    return _Word(
        word[:_LETTERS],
        word[:_STEM],
        kinds.of_word(word),
        tuple(known.roles.labels(word)),
        tuple(known.subjects.labels(word)),
        tuple(known.places.labels(word)),
    )


def _players(text: str) -> Iterator[tuple[str, str]]:
    """Yield the players that a text names, each with the words that name it, as they stand there."""
    known = knowledge().players
    found = list(PLAIN_WORD.finditer(text))
    words = [fold(word[0]) for word in found]
    for start, word in enumerate(found):
        if word[0][0].isupper() or word[0][0].isdigit():
            for end in range(start + 1, min(start + LONGEST, len(words)) + 1):
                if player := known.get(" ".join(words[start:end])):
                    yield player, text[word.start() : found[end - 1].end()]
