"""The examples that the models of stories are made from, taken from labelled reports and from lines.

Labelled reports were written by several authors (each a "hand"), who also said which event each is about. The
examples are:

- pairs of reports of one author within twelve days, of the same event or of two;
- pairs of the tagger's lines drawn at random, always of two events, since most of an author's reports have
  others of their event, while in reality most have none;
- the groups that arise when an author's reports are clustered by their labels;
- pairs of an author's events, of the same affair or of two.

Each example has its features, the right answer, and a weight.
"""

from __future__ import annotations

import math
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
from monitor.cluster import affairs, day, encoder, fusion, match
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
"""Reports up to this many days apart are compared; a story takes no more reports after ten."""
FLOOR = -1.0
"""Groups become examples from these log-odds of a link on, far lower than those that are asked about later.
"""
LATE, LAGS = 0.5, (1,) * 10 + (2,) * 4 + (3,) * 3 + (5,) * 2 + (8,)
"""What share of an event's later reports come late, and by how many days. Nine in ten of the labelled reports
are within a day of each other; of entries from the web that were labelled, three in ten are not.
"""
POSITIVE = 2.0
"""The weight of a pair of one event, relative to one of two events. Each report weighs the same, however
large its story is.
"""
LOTS, DRAWN = {"en": 1200, "de": 800}, 20000
"""How many lines of each language, and how many pairs of them, are drawn."""
STRANGER = 0.45
"""The weight of a pair drawn at random."""
APART = (0, 0, 0, 1, 2, 3, 4, 6, 8)
"""The days between two lines, which have no dates."""
LEAST = 0.7
"""A term in fewer than this many of a thousand lines is not common."""
DOCUMENTS = 1000
"""The background counts as much as this many entries of the user's own archive."""

Example: TypeAlias = tuple[Mapping[str, float], bool, float]


@dataclass(frozen=True, slots=True)
class Hand:
    """One author's reports, in order of time, with the event of each."""

    name: str
    entries: tuple[Entry, ...]
    events: tuple[str, ...]
    affairs: tuple[str, ...] = ()
    """The affair of each entry's event; "" if it belongs to none."""


def read(directory: Path = RECORDS) -> list[Hand]:
    """Read the labelled reports, one file per author."""
    found = []
    for file in sorted(directory.glob("*.jsonl")):
        rows = sorted(tag_lines.rows(file), key=lambda row: row["published"])
        entries = tuple(_entry(number, row) for number, row in enumerate(rows))
        events, cases = (tuple(row.get(key) or "" for row in rows) for key in ("event", "affair"))
        found.append(Hand(file.stem, entries, events, cases))
    return found


def _entry(number: int, row: Mapping[str, str]) -> Entry:
    """Return a report as an entry, or a line, which has no outlet, link or day."""
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
    """Return an author's reports with some of them days late, as half of all are in reality."""
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
    """Yield the features of each pair, whether it is of one event, and its weight.

    With `vectors`, those of the encoder by the entries' ids, only pairs in two languages.
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
    """Return the features of the groups that arise when an author's reports are clustered by their labels.

    Two stored stories never become one here: as examples, such pairs of groups made the weights of all others
    worse (`pairs_log` fell from -.5 to -1.3, and a false join of real news that had gone was back).
    """
    event = dict(enumerate(hand.events))  # `replay` numbers them again
    found = list[Example]()

    def closes(one: fusion.Group, other: fusion.Group, link: Link, crowd: float, bar: float) -> bool:
        if bar == math.inf:
            return False
        events, others = ([event[member.entry.id] for member in some.members] for some in (one, other))
        alike = sum(a == b for a in events for b in others)
        pairs = len(events) * len(others)
        same = 2 * alike >= pairs
        found.append((fusion.features(one, other, link, crowd), same, pairs**0.5))
        return same

    with (
        mock.patch.object(fusion, "closes", closes),
        mock.patch.object(fusion, "FLOOR", FLOOR),
        mock.patch.object(day, "MEETING", math.inf),
    ):
        replay(hand.entries)
    return found


def _weighed(hand: Hand, common: Mapping[str, float]) -> Iterator[match.Weighed]:
    own, sources, rarity = [traits(entry) for entry in hand.entries], Sources({}), rarity_of(hand, common)
    for entry, each in zip(hand.entries, own, strict=True):
        yield match.weigh(each, rarity, sources.of(entry) if entry.url else "")


def rarity_of(hand: Hand, common: Mapping[str, float]) -> match.Rarity:
    """Return how rare words are in an author's reports, together with the background."""
    counts = Counter(term for entry in hand.entries for term in terms(entry))
    return match.Rarity(TermCounts(documents=len(hand.entries), counts=counts), DOCUMENTS, common)


def steps(hand: Hand, common: Mapping[str, float]) -> Iterator[Example]:
    """Yield the features of pairs of an author's events that share a name, and whether of one affair."""
    affair, rarity = dict(zip(hand.events, hand.affairs, strict=True)), rarity_of(hand, common)
    past = {event: PastStory.of(story) for event, story in stories_of(hand).items()}
    for one, other in combinations(past, 2):
        found = affairs.features(past[one], past[other], rarity)
        if found["rarest"]:
            yield found, affair[one] == affair[other] != "", 1.0


def stories_of(hand: Hand) -> dict[str, Story]:
    """Return the story of each of an author's events, in the order of their first reports."""
    reports = defaultdict[str, list[Entry]](list)
    for entry, event in zip(hand.entries, hand.events, strict=True):
        reports[event].append(entry)
    return {event: _story(entries) for event, entries in reports.items()}


def _story(entries: Sequence[Entry]) -> Story:
    bare = Story(entries=tuple(entries), first_seen=entries[0].first_seen, last_seen=entries[-1].first_seen)
    return cluster.with_summary(bare, {}, cluster.Settings())


def lots(directory: Path = LINES) -> Hand:
    """Return lines drawn at random, relevant or from technology, each as an event of its own."""
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
    """Yield the features of random pairs of lines, which are of two events, with the weight of each."""
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
    """Return how many of a thousand of the tagger's lines have each common term.

    Counted for each language among lines on our topic and among all lines; the larger number is taken, as a
    term that is common in either tells little. The labelled reports cannot be used for this: they name their
    invented companies as often as OpenAI.
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
