"""What the matcher of stories is made from: labelled reports, lines, and the examples that they give.

Every pair of reports within twelve days, of one hand, is an example: one event, or two. So are pairs of the
tagger's lines drawn by lot, always of two events: the hands' reports have siblings, in life most have none.
So are the groups that come up as a hand's reports are gathered by the truth, and pairs of a hand's events, of
one affair or of two. Each example is its features, whether it is one, and what it counts.
"""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias
from unittest import mock

import tag_lines
from tag_lines import LINES

from monitor import cluster
from monitor.cluster import affairs, encoder, fusion, match
from monitor.cluster.copies import Sources
from monitor.cluster.traits import terms, traits
from monitor.evaluate.stories import replay
from monitor.models import Entry, PastStory, Story, TermCounts

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from monitor.cluster.groups import Link

RECORDS = Path(__file__).parent / "stories"
NEVER = "2026-01-01T00:00:00Z"
LONGEST = 12
"""Days between two reports that are compared: a story takes no more reports after ten."""
FLOOR = -1.0
"""Log-odds of a link from which groups are examples: far more than are asked about later."""
LATE, LAGS = 0.5, (1,) * 10 + (2,) * 4 + (3,) * 3 + (5,) * 2 + (8,)
"""How many of an event's later reports come days late, and by how many: nine in ten of the hands' reports
stand within a day of each other, and of labelled entries from the web three in ten."""
POSITIVE = 2.0
"""What a pair of one event counts beside a pair of two; each report counts alike, however large its story."""
LOTS, DRAWN = {"en": 1200, "de": 800}, 20000
"""How many lines of each language, and pairs of them, are drawn."""
STRANGER = 0.45
"""What a pair drawn by lot counts."""
APART = (0, 0, 0, 1, 2, 3, 4, 6, 8)
"""Days between two lines, which have none of their own."""
LEAST = 0.7
"""A term that stands in fewer of a thousand lines is no common term."""
DOCUMENTS = 1000
"""What the background counts as, beside a user's own archive: as so many of their entries."""

Example: TypeAlias = tuple[Mapping[str, float], bool, float]


@dataclass(frozen=True, slots=True)
class Hand:
    """One author's reports, in order of time: the event of each in the same order."""

    name: str
    entries: tuple[Entry, ...]
    events: tuple[str, ...]
    affairs: tuple[str, ...] = ()
    """Of each entry's event; "" where it is a step of none."""


def read(directory: Path = RECORDS) -> list[Hand]:
    """Read the records, a file a hand."""
    found = []
    for file in sorted(directory.glob("*.jsonl")):
        rows = sorted(tag_lines.rows(file), key=lambda row: row["published"])
        entries = tuple(_entry(number, row) for number, row in enumerate(rows))
        events, cases = (tuple(row.get(key) or "" for row in rows) for key in ("event", "affair"))
        found.append(Hand(file.stem, entries, events, cases))
    return found


def _entry(number: int, row: Mapping[str, str]) -> Entry:
    """Return a report, or a line, which has neither outlet nor link nor day."""
    published = datetime.fromisoformat(row.get("published", NEVER))
    return Entry(
        id=number,
        feed=row.get("source", ""),
        url=row.get("url", ""),
        title=row["title"],
        summary=row["summary"],
        language=row["lang"],
        published=published,
        first_seen=published,
    )


def late(hand: Hand) -> Hand:
    """Return a hand some of whose reports come days late, as half of them do in life."""
    lot, begun = random.Random(hand.name), set[str]()
    rows = []
    for entry, event, affair in zip(hand.entries, hand.events, hand.affairs, strict=True):
        moved = entry
        if event in begun and lot.random() < LATE:
            day = entry.published + timedelta(days=lot.choice(LAGS))
            published = day.replace(hour=lot.randint(6, 20))
            moved = replace(entry, published=published, first_seen=published)
        begun.add(event)
        rows.append((moved, event, affair))
    rows.sort(key=lambda row: row[0].published)
    entries, events, cases = zip(*rows, strict=True)
    return Hand(hand.name, entries, events, cases)


def pairs(hand: Hand, common: Mapping[str, float], vectors: Sequence[Any] = ()) -> Iterator[Example]:
    """Yield the features of each pair, whether it is one event, and what it counts.

    With the encoder's vectors, by the entries' ids, of pairs in two languages alone.
    """
    weighed, sizes = list(_weighed(hand, common)), Counter(hand.events)
    for i, one in enumerate(weighed):
        for j in range(i + 1, len(weighed)):
            if weighed[j].traits.day - one.traits.day > LONGEST:
                break
            alike = None
            if len(vectors):
                if one.traits.language == weighed[j].traits.language:
                    continue
                alike = encoder.likeness(vectors[hand.entries[i].id], vectors[hand.entries[j].id])
            same = hand.events[i] == hand.events[j]
            size, other = sizes[hand.events[i]], sizes[hand.events[j]]
            counted = POSITIVE / max(1, size - 1) if same else (size * other) ** -0.5
            yield match.features(one, weighed[j], alike), same, counted


def groups(hand: Hand) -> list[Example]:
    """Return the features of the groups that come up as a hand's reports are gathered by the truth."""
    event = dict(enumerate(hand.events))  # `replay` numbers them anew
    found = list[Example]()

    def closes(one: fusion.Group, other: fusion.Group, link: Link, crowd: float, _bar: float) -> bool:
        events, others = ([event[member.entry.id] for member in some.members] for some in (one, other))
        alike = sum(a == b for a in events for b in others)
        pairs = len(events) * len(others)
        same = 2 * alike >= pairs
        found.append((fusion.features(one, other, link, crowd), same, pairs**0.5))
        return same

    with mock.patch.object(fusion, "closes", closes), mock.patch.object(fusion, "FLOOR", FLOOR):
        replay(hand.entries)
    return found


def _weighed(hand: Hand, common: Mapping[str, float]) -> Iterator[match.Weighed]:
    own, sources, rarity = [traits(entry) for entry in hand.entries], Sources({}), rarity_of(hand, common)
    for entry, each in zip(hand.entries, own, strict=True):
        yield match.weigh(each, rarity, sources.of(entry) if entry.url else "")


def rarity_of(hand: Hand, common: Mapping[str, float]) -> match.Rarity:
    """Return how rare words are in a hand's reports, beside the background."""
    counts = Counter(term for entry in hand.entries for term in terms(entry))
    return match.Rarity(TermCounts(documents=len(hand.entries), counts=counts), DOCUMENTS, common)


def steps(hand: Hand, common: Mapping[str, float]) -> Iterator[Example]:
    """Yield the features of pairs of a hand's events that share a name, and if they are of one affair."""
    affair, rarity = dict(zip(hand.events, hand.affairs, strict=True)), rarity_of(hand, common)
    past = {event: PastStory.of(story) for event, story in stories_of(hand).items()}
    for one, other in combinations(past, 2):
        found = affairs.features(past[one], past[other], rarity)
        if found["rarest"]:
            yield found, affair[one] == affair[other] != "", 1.0


def stories_of(hand: Hand) -> dict[str, Story]:
    """Return the story of each event of a hand, in order of their first reports."""
    reports = defaultdict[str, list[Entry]](list)
    for entry, event in zip(hand.entries, hand.events, strict=True):
        reports[event].append(entry)
    return {event: _story(entries) for event, entries in reports.items()}


def _story(entries: Sequence[Entry]) -> Story:
    bare = Story(entries=tuple(entries), first_seen=entries[0].first_seen, last_seen=entries[-1].first_seen)
    return cluster.with_summary(bare, {}, cluster.Settings())


def lots(directory: Path = LINES) -> Hand:
    """Return lines, relevant or of technology, drawn by lot: each an event of its own."""
    lot = random.Random(1)
    rows = [row for row in lines(directory) if row["beats"] or row.get("kind") == "technology"]
    drawn = [
        row
        for language, some in LOTS.items()
        for row in lot.sample([row for row in rows if row["lang"] == language], some)
    ]
    entries = tuple(_entry(number, row) for number, row in enumerate(drawn))
    return Hand("lots", entries, tuple(map(str, range(len(entries)))))


def strangers(lines: Hand, common: Mapping[str, float], vectors: Sequence[Any] = ()) -> Iterator[Example]:
    """Yield the features of pairs drawn by lot from lines, which are of two events, and what each counts."""
    lot, weighed = random.Random(2), list(_weighed(lines, common))
    for _ in range(DRAWN):
        one, other = lot.sample(range(len(weighed)), 2)
        alike = encoder.likeness(vectors[one], vectors[other]) if len(vectors) else None
        day = match.days(lot.choice(APART))
        yield match.features(weighed[one], weighed[other], alike) | day, False, STRANGER


def lines(directory: Path) -> list[dict[str, Any]]:
    """Read the tagger's lines."""
    return [row for file in sorted(directory.glob("*.jsonl")) for row in tag_lines.rows(file)]


def background(directory: Path = LINES) -> dict[str, float]:
    """Return in how many of a thousand entries the common terms stand, by the tagger's lines.

    Of their language, be it of those on our topic or of all: what is common in either tells little. The hands
    are no measure of that: they name the firms that they invented as often as OpenAI.
    """
    shares: dict[str, float] = {}
    known = lines(directory)
    for language in LOTS:
        own = [row for row in known if row["lang"] == language]
        for some in (own, [row for row in own if row["beats"]]):
            found = Counter[str]()
            for row in some:
                found.update(terms(_entry(0, row)))
            for term, n in found.items():
                shares[term] = max(shares.get(term, 0.0), round(n * DOCUMENTS / len(some), 1))
    return {term: share for term, share in shares.items() if share >= LEAST}
