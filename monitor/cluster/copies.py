"""Copies and sources: which entries are one report, and how many independent sources a story has."""

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
# Share of common three-word sequences from which two texts are one wire text.
_SAME_TEXT = 0.8
# Shorter texts coincide by chance: of them only the whole counts.
_ENOUGH_WORDS = 12
# Under one title a shorter text tells enough.
_ENOUGH_UNDER_ONE_TITLE = 5
# What appears daily does not do so to the hour.
_NEXT = timedelta(hours=20)
# A sequence that more different texts share is an outlet's standing paragraph, and is passed over.
_POSTINGS = 100


def addresses(entry: Entry) -> Iterator[str]:
    """Yield what makes entries of two feeds certainly one report: link and world-wide identifier.

    A link to a front page is no entry's own.
    """
    if has_place(entry.url):
        yield entry.url
    # Only what is unique in the world: "1" and "post-17" are guids of many feeds.
    if entry.guid.startswith(("http://", "https://", "urn:uuid:", "tag:")):
        yield entry.guid


def whole_text(entry: Entry) -> str:
    """Return the folded text of an entry but for figures in its summary, "" for one too short to tell.

    Desks bring figures up to date; a word that differs, "Graz" for "Wien", may be other news.
    """
    title, summary = plain_words(fold(entry.title)), plain_words(fold(entry.summary))
    if len(summary) < _ENOUGH_UNDER_ONE_TITLE and len(title) + len(summary) < _ENOUGH_WORDS:
        return ""
    return " ".join([*title, "|", *("0" if word.isdecimal() else word for word in summary)])


def shingles(entry: Entry) -> frozenset[tuple[str, ...]]:
    """Return the three-word sequences of an entry's text, none for a text too short to tell."""
    words = plain_words(fold(entry.summary))
    if len(words) < _ENOUGH_WORDS:
        return frozenset()
    return frozenset(zip(*(words[start:] for start in range(_SHINGLE)), strict=False))


class _Text(NamedTuple):
    """A text that was entered."""

    group: int
    sequences: int
    voice: tuple[str, str]
    title: str


class Copies:
    """The reports seen so far and the groups that they are in."""

    def __init__(self) -> None:
        self._addresses: dict[str, tuple[int, str]] = {}
        self._titled: defaultdict[tuple[str, str], dict[int, Entry]] = defaultdict(dict)
        self._used: set[tuple[str, str]] = set()
        self._whole: defaultdict[str, dict[int, None]] = defaultdict(dict)
        self._editions: defaultdict[tuple[str, tuple[str, str]], dict[int, Entry]] = defaultdict(dict)
        self._texts: list[_Text] = []
        self._shingles: defaultdict[tuple[str, ...], list[int]] = defaultdict(list)

    def add(self, entry: Entry, group: int) -> None:
        """Enter an entry that is in a group."""
        for address in addresses(entry):
            self._addresses.setdefault(address, (group, entry.feed))
            self._titled[address, fold(entry.title)].setdefault(group, entry)
            self._used.add((address, entry.feed))
        if text := whole_text(entry):
            self._whole[text].setdefault(group)
            self._editions[text, _voice(entry)].setdefault(group, entry)
        sequences = shingles(entry)
        if any(text.group == group for text in self._near(entry, sequences)):
            return  # a thousand copies of one text are looked up as one
        for sequence in sequences:
            self._shingles[sequence].append(len(self._texts))
        self._texts.append(_Text(group, len(sequences), _voice(entry), fold(entry.title)))

    def groups(self, entry: Entry) -> list[int]:
        """Return the groups that hold a copy of this entry, the surest first."""
        title, sure = fold(entry.title), list[int]()
        for address in addresses(entry):
            if titled := self._titled.get((address, title)):
                issues = (group for group, one in titled.items() if not _is_another_issue(entry, one))
                sure += islice(issues, 1)
                continue
            # One feed may give the same link to the briefing of each day: there the title must be the same.
            # So may two feeds of one outlet; but of one article's link a second title is another title.
            first = self._addresses.get(address)
            fresh = is_of_one(address) or (address, entry.feed) not in self._used
            if first and first[1] != entry.feed and fresh:
                sure.append(first[0])
        text = whole_text(entry)
        editions = self._editions.get((text, _voice(entry)), {})
        others = {group for group, one in editions.items() if _is_another_edition(entry, one)}
        # The latest first: whoever else brings a column has its last edition.
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
            # The smaller of the two: a wire text that one outlet has cut is still that text.
            if shared >= _SAME_TEXT * min((text := self._texts[number]).sequences, len(sequences))
            # An outlet that puts one paragraph under each title says so of itself, not of the news.
            if text.voice != voice or text.title == title
        ]


def _voice(entry: Entry) -> tuple[str, str]:
    """Return the feed, and the outlet that an aggregator names in it."""
    return entry.feed, fold(entry.outlet)


def _is_another_edition(entry: Entry, other: Entry) -> bool:
    """Return True for an outlet's one text under two pages on two days: a column with a standing teaser."""
    pages = {re.split("[?#]", one.url, maxsplit=1)[0] for one in (entry, other)}
    dated = entry.dated == other.dated == "publisher"
    apart = dated and abs(entry.published - other.published) >= _NEXT
    # The number of a visit in the query, or a date that is new at each poll, makes no page.
    return apart and len(pages - {""}) > 1


def _is_another_issue(entry: Entry, other: Entry) -> bool:
    """Return True for two texts of two days under one title on a page that is no article's own.

    Within one feed they were not taken for one entry as they came, and need be of no two days.
    """
    dated = entry.dated == other.dated == "publisher"
    apart = dated and abs(entry.published - other.published) >= _NEXT
    return (
        (apart or entry.feed == other.feed)
        and not is_of_one(entry.url)
        and fold(entry.summary) != fold(other.summary)
    )


def copies(entries: Iterable[Entry]) -> dict[int, int]:
    """Return the ids of those entries that are copies, and of the earlier report that each is a copy of.

    What one outlet brings under another title is no copy, even where all of its days have one link.
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
    """Who speaks in an entry: outlets of one publisher are one source."""

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
        # Of the site and not of the host: one blog may have as many names below its own as it likes.
        return "site:" + (site_of(link) or site_of(entry.feed) or entry.feed)

    def independent(self, entries: Sequence[Entry], same: Mapping[int, int] | None = None) -> int:
        """Return how many independent sources report; copies of one text (`copies`) count once."""
        same = copies(entries) if same is None else same
        sources: dict[str, str] = {}
        texts: dict[int, str] = {}
        for entry in entries:
            source = _root(sources, self.of(entry))
            text = same.get(entry.id, entry.id)
            sources[source] = _root(sources, texts.setdefault(text, source))
        return sum(source == _root(sources, source) for source in sources)


def _root(parents: dict[str, str], source: str) -> str:
    """Return the source that stands for this one: those that print one text are one."""
    while parents.setdefault(source, source) != source:
        source = parents[source]
    return source
