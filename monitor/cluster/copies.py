"""Copies and sources: which entries are one report, and how many independent sources a story has."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from monitor.cluster.lexicon import plain_words
from monitor.cluster.traits import said
from monitor.text import fold
from monitor.url import host_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from monitor.models import Entry, Feed

_SHINGLE = 3
_SAME_TEXT = 0.8
"""Share of common three-word sequences from which two texts are one wire text."""
_ENOUGH_WORDS = 12
"""Shorter texts coincide by chance: of them only the whole counts."""


def keys(entry: Entry) -> Iterator[str]:
    """Yield what makes two entries certainly one report: link, world-wide identifier, whole text.

    A link to a front page is no entry's own.
    """
    if urlsplit(entry.url).path.strip("/") or urlsplit(entry.url).query:
        yield entry.url
    if entry.guid.startswith(("http://", "https://", "urn:uuid:", "tag:")):
        yield entry.guid
    words = plain_words(fold(f"{entry.title} {entry.summary}"))
    if len(words) >= _ENOUGH_WORDS:
        yield " ".join(words)


def shingles(entry: Entry) -> frozenset[tuple[str, ...]]:
    """Return the three-word sequences of an entry's text, none for a text too short to tell."""
    words = plain_words(fold(said(entry)))
    if len(words) < _ENOUGH_WORDS:
        return frozenset()
    return frozenset(zip(*(words[start:] for start in range(_SHINGLE)), strict=False))


class Copies:
    """The reports seen so far and the groups that they are in."""

    def __init__(self) -> None:
        self._keys: dict[str, int] = {}
        self._texts: list[tuple[int, int]] = []
        self._shingles: defaultdict[tuple[str, ...], list[int]] = defaultdict(list)

    def add(self, entry: Entry, group: int) -> None:
        """Enter an entry that is in a group."""
        for key in keys(entry):
            self._keys.setdefault(key, group)
        sequences = shingles(entry)
        for sequence in sequences:
            self._shingles[sequence].append(len(self._texts))
        self._texts.append((group, len(sequences)))

    def groups(self, entry: Entry) -> list[int]:
        """Return the groups that hold a copy of this entry, the surest first."""
        sequences = shingles(entry)
        hits = Counter(text for sequence in sequences for text in self._shingles.get(sequence, ()))
        sure = [self._keys[key] for key in keys(entry) if key in self._keys]
        near = [
            group
            for text, shared in sorted(hits.items())
            for group, size in (self._texts[text],)
            if shared >= _SAME_TEXT * min(size, len(sequences))
        ]
        return list(dict.fromkeys(sure + near))


class Sources:
    """Who speaks in an entry: outlets of one publisher are one source."""

    def __init__(self, feeds: Mapping[str, Feed]) -> None:
        self._feeds = feeds
        self._titled = {fold(feed.title): feed for feed in feeds.values() if feed.title}

    def of(self, entry: Entry) -> str:
        """Return the publisher's family, the outlet that an aggregator names, or the host of the link."""
        outlet = fold(entry.outlet)
        feed = self._titled.get(outlet) if outlet else self._feeds.get(entry.feed)
        if feed is not None and feed.family:
            return "family:" + fold(feed.family)
        if outlet and feed is None:
            return "outlet:" + outlet
        link = feed.url if outlet and feed else entry.url
        return "host:" + (host_of(link) or host_of(entry.feed) or entry.feed).removeprefix("www.")

    def independent(self, entries: Iterable[Entry]) -> int:
        """Return how many independent sources report; copies of one text count once."""
        groups: list[tuple[set[str], list[frozenset[tuple[str, ...]]]]] = []
        for entry in entries:
            marks, text = {self.of(entry), *keys(entry)}, shingles(entry)
            texts = [text]
            rest = []
            for known, seen in groups:
                if known & marks or any(_same_text(text, other) for other in seen):
                    marks, texts = marks | known, texts + seen
                else:
                    rest.append((known, seen))
            groups = [*rest, (marks, texts)]
        return len(groups)


def _same_text(one: frozenset[tuple[str, ...]], other: frozenset[tuple[str, ...]]) -> bool:
    """Return whether two texts are one wire text, lightly edited at most."""
    smaller = min(len(one), len(other))
    return smaller > 0 and len(one & other) >= _SAME_TEXT * smaller
