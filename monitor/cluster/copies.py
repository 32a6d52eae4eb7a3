"""Find which entries are copies of one report, and how many independent sources a story has."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from datetime import timedelta
from itertools import chain, islice
from typing import TYPE_CHECKING, NamedTuple

from monitor.cluster.events import plain_words
from monitor.text import fold
from monitor.url import has_place, is_of_one, site_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from monitor.models import Entry, Feed

_SHINGLE = 3
# Two texts that share at least this part of their three-word sequences are one agency text.
_SAME_TEXT = 0.8
# Parts of shorter texts agree by chance. Such texts must be equal as a whole.
_ENOUGH_WORDS = 12
# With equal titles, a summary of so many words is enough.
_ENOUGH_UNDER_ONE_TITLE = 5
# What appears daily does not appear at exactly the same time each day.
_NEXT = timedelta(hours=20)
# A sequence that more texts than this share belongs to an outlet's standing paragraph, and is ignored.
_POSTINGS = 100


def addresses(entry: Entry) -> Iterator[str]:
    """Yield what shows for certain that entries of two feeds are one report: link and world-wide identifier.

    A link to a front page belongs to no single entry.
    """
    if has_place(entry.url):
        yield entry.url
    # Only identifiers that are unique in the world: "1" and "post-17" are guids in many feeds.
    if entry.guid.startswith(("http://", "https://", "urn:uuid:", "tag:")):
        yield entry.guid


def whole_text(entry: Entry) -> str:
    """Return the folded text of an entry, with "0" for each figure in its summary; "" if it is too short.

    Outlets bring figures up to date. But if a word differs ("Graz" for "Wien"), it may be other news.
    """
    title, summary = plain_words(fold(entry.title)), plain_words(fold(entry.summary))
    if len(summary) < _ENOUGH_UNDER_ONE_TITLE and len(title) + len(summary) < _ENOUGH_WORDS:
        return ""
    return " ".join([*title, "|", *("0" if word.isdecimal() else word for word in summary)])


def shingles(entry: Entry) -> frozenset[tuple[str, ...]]:
    """Return the three-word sequences of an entry's summary; none if it is too short to tell."""
    words = plain_words(fold(entry.summary))
    if len(words) < _ENOUGH_WORDS:
        return frozenset()
    return frozenset(zip(*(words[start:] for start in range(_SHINGLE)), strict=False))


class _Text(NamedTuple):
    """A text that was added."""

    group: int
    sequences: int
    voice: tuple[str, str]
    title: str


class Copies:
    """The reports that were added so far, and the groups that they are in."""

    def __init__(self) -> None:
        self._addresses: dict[str, tuple[int, str]] = {}
        self._titled: defaultdict[tuple[str, str], dict[int, Entry]] = defaultdict(dict)
        self._used: set[tuple[str, str]] = set()
        self._whole: defaultdict[str, dict[int, None]] = defaultdict(dict)
        self._editions: defaultdict[tuple[str, tuple[str, str]], dict[int, Entry]] = defaultdict(dict)
        self._texts: list[_Text] = []
        self._shingles: defaultdict[tuple[str, ...], list[int]] = defaultdict(list)

    def add(self, entry: Entry, group: int) -> None:
        """Add an entry that is in a group."""
        for address in addresses(entry):
            self._addresses.setdefault(address, (group, entry.feed))
            self._titled[address, fold(entry.title)].setdefault(group, entry)
            self._used.add((address, entry.feed))
        if text := whole_text(entry):
            self._whole[text].setdefault(group)
            self._editions[text, _voice(entry)].setdefault(group, entry)
        sequences = shingles(entry)
        if any(text.group == group for text in self._near(entry, sequences)):
            return  # a thousand copies of one text need be found only once
        for sequence in sequences:
            self._shingles[sequence].append(len(self._texts))
        self._texts.append(_Text(group, len(sequences), _voice(entry), fold(entry.title)))

    def groups(self, entry: Entry) -> list[int]:
        """Return the groups that hold a copy of this entry, the most certain first."""
        title, sure = fold(entry.title), list[int]()
        for address in addresses(entry):
            if titled := self._titled.get((address, title)):
                issues = (group for group, one in titled.items() if not _is_another_issue(entry, one))
                sure += islice(issues, 1)
                continue
            # One feed, or two feeds of one outlet, may give the briefings of all days the same link: then
            # the title must be the same, too. But a second title under the link of one article is still that
            # article.
            first = self._addresses.get(address)
            fresh = is_of_one(address) or (address, entry.feed) not in self._used
            if first and first[1] != entry.feed and fresh:
                sure.append(first[0])
        text = whole_text(entry)
        editions = self._editions.get((text, _voice(entry)), {})
        others = {group for group, one in editions.items() if _is_another_edition(entry, one)}
        # The latest first: another outlet that brings a column has its last edition.
        same = [group for group in reversed(self._whole.get(text, {})) if group not in others]
        near = [one.group for one in self._near(entry, shingles(entry)) if one.group not in others]
        return list(dict.fromkeys(sure + same + near))

    def _near(self, entry: Entry, sequences: frozenset[tuple[str, ...]]) -> list[_Text]:
        """Return the texts that share most of an entry's sequences."""
        postings = (self._shingles.get(sequence, ()) for sequence in sequences)
        hits = Counter(chain.from_iterable(found for found in postings if len(found) <= _POSTINGS))
        title, voice = fold(entry.title), _voice(entry)
        return [
            text
            for number, shared in sorted(hits.items())
            # Measured by the shorter text: an agency text that one outlet has cut is still that text.
            if shared >= _SAME_TEXT * min((text := self._texts[number]).sequences, len(sequences))
            # A paragraph that an outlet puts under each of its titles says nothing about the news.
            if text.voice != voice or text.title == title
        ]


def _voice(entry: Entry) -> tuple[str, str]:
    """Return who speaks: the feed, and the outlet that an aggregator names."""
    return entry.feed, fold(entry.outlet)


def _is_another_edition(entry: Entry, other: Entry) -> bool:
    """Say whether two equal texts of an outlet are two editions: two pages on two days, as of a column."""
    pages = {re.split("[?#]", one.url, maxsplit=1)[0] for one in (entry, other)}
    dated = entry.dated == other.dated == "publisher"
    apart = dated and abs(entry.published - other.published) >= _NEXT
    # Another number in the query, or a date that is new at each poll, makes no other page.
    return apart and len(pages - {""}) > 1


def _is_another_issue(entry: Entry, other: Entry) -> bool:
    """Say whether two texts under one title are two issues: of two days, on a page that serves many articles.

    Entries of one feed need not be of two days, because they were not taken for one entry when they came.
    """
    dated = entry.dated == other.dated == "publisher"
    apart = dated and abs(entry.published - other.published) >= _NEXT
    return (
        (apart or entry.feed == other.feed)
        and not is_of_one(entry.url)
        and fold(entry.summary) != fold(other.summary)
    )


def copies(entries: Iterable[Entry]) -> dict[int, int]:
    """Return the ids of the entries that are copies, each with the id of the earlier report that it repeats.

    What an outlet brings under a new title is no copy, even if all of its days have the same link.
    """
    known, found = Copies(), dict[int, int]()
    originals: dict[int, Entry] = {}
    for entry in entries:
        groups = (group for group in known.groups(entry) if not _goes_on(originals[group], entry))
        number = next(groups, entry.id)
        if number == entry.id:
            originals[number] = entry
        else:
            found[entry.id] = number
        known.add(entry, number)
    return found


def _goes_on(original: Entry, entry: Entry) -> bool:
    return _voice(original) == _voice(entry) and fold(original.title) != fold(entry.title)


class Sources:
    """The sources of entries: all outlets of one publisher are one source."""

    def __init__(self, feeds: Mapping[str, Feed]) -> None:
        self._feeds = feeds
        self._titled = {fold(feed.title): feed for feed in feeds.values() if feed.title}

    def of(self, entry: Entry) -> str:
        """Return the publisher's family, the outlet that an aggregator names, or the site of the link."""
        outlet = fold(entry.outlet)
        feed = self._titled.get(outlet) if outlet else self._feeds.get(entry.feed)
        if feed is not None and feed.family:
            return "family:" + fold(feed.family)
        if outlet and feed is None:
            return "outlet:" + outlet
        link = feed.url if outlet and feed else entry.url
        # The site, not the host: one blog may have any number of names below its own.
        return "site:" + (site_of(link) or site_of(entry.feed) or entry.feed)

    def independent(self, entries: Sequence[Entry], same: Mapping[int, int] | None = None) -> int:
        """Return how many independent sources report; all copies of one text (`copies`) count once."""
        same = copies(entries) if same is None else same
        sources: dict[str, str] = {}
        texts: dict[int, str] = {}
        for entry in entries:
            source = _root(sources, self.of(entry))
            text = same.get(entry.id, entry.id)
            sources[source] = _root(sources, texts.setdefault(text, source))
        return sum(source == _root(sources, source) for source in sources)


def _root(parents: dict[str, str], source: str) -> str:
    """Return the source that stands for this one: sources that print the same text are one."""
    while parents.setdefault(source, source) != source:
        source = parents[source]
    return source
