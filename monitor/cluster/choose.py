"""Choose what a story shows: its title and summary, verbatim from its entries, its themes and sources."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from monitor.cluster.affairs import kind, names, parties
from monitor.cluster.candidates import order
from monitor.cluster.copies import Sources, copies
from monitor.cluster.references import ROUND_UP
from monitor.cluster.traits import traits

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from monitor.cluster.settings import Settings
    from monitor.models import Entry, Feed, Story

# Headlines that ask, promise or judge. One that says who did what is the better title.
_BAIT = re.compile(
    r"""[?!] | \byour?\b | \bthis\ is\b | \bhere['’]?s\b | \bwhy\b | \bhow\b | \bwarum\b | \bso\ \w+\ sie\b |
        \bwhat\b.*\bmeans?\b | \blessons\b | \bexplained\b | \bmeet\b | \bslams?\b | \bexclusive\b |
        …$ | \.\.\.$ | ^(?:opinion|kommentar|meinung|review|interview)\b""",
    re.IGNORECASE | re.VERBOSE,
)
_QUOTE = re.compile(r"^[„“\"‘'»]")
_SHOUT = re.compile(r"\b[A-ZÄÖÜ]{5,}\b")
# The length, in characters, of a headline that informs without being a paragraph.
_SHORT, _LONG = 25, 130
# A title with fewer words than this does not count as more central because of that.
_FEW = 5
# More names than this make a title no better.
_NAMED = 3
_THEME_SHARE = 1 / 3
_DAY = timedelta(days=1)
# How many reports make a new turn.
_TURN = 2
# So many of the first and of the last entries of a story are read for its title, names and kind. The others
# say the same, and reading two thousand took two seconds.
_READ = 100


def with_summary(story: Story, feeds: Mapping[str, Feed], settings: Settings) -> Story:
    """Return a story with everything that follows from its entries, from title to number of sources.

    Title and summary are chosen from the reports of its first day, so that they stay with the event that
    they tell; of a story that went on, the newest turn leads.
    """
    # Sorted as when they were decided on: otherwise a later look at the story would choose other originals.
    entries = sorted(story.entries, key=order)
    same = copies(entries)
    reports = [entry for entry in entries if entry.id not in same]
    read = entries if len(entries) <= 2 * _READ else [*entries[:_READ], *entries[-_READ:]]
    reports_read = [entry for entry in read if entry.id not in same]
    began = min(entry.first_seen for entry in entries)
    first = choose([entry for entry in read if entry.first_seen - began <= _DAY], settings.language)
    turn = _newest_turn(reports_read)
    lead = choose(turn, settings.language) if turn else first
    return replace(
        story,
        joins=tuple(replace(join, copy_of=same.get(join.entry)) for join in story.joins),
        title=lead.title,
        first_title=first.title if lead.title != first.title else "",
        summary=lead.summary or _summary(turn or read, lead, settings.language),
        lead=lead.id,
        themes=_common((entry.tagging.themes for entry in reports), _THEME_SHARE * len(reports)),
        beats=_common((entry.tagging.beats for entry in entries), 0),
        first_seen=began,
        last_seen=max(entry.first_seen for entry in entries),
        sources=Sources(feeds).independent(entries, same),
        names=names(read),
        kind=kind(turn or reports_read),
        parties=parties(reports_read),
    )


def _newest_turn(reports: Sequence[Entry]) -> list[Entry]:
    """Return the reports of the last day of a story that went on; none if it did not.

    A story went on if at least two reports came more than a day after it began, and if their titles agree on
    a figure, a name or a kind of event that no earlier report has. Reports that only repeat it are no new
    turn.
    """
    began, ended = (bound(entry.first_seen for entry in reports) for bound in (min, max))
    turn = [entry for entry in reports if ended - entry.first_seen <= _DAY]
    if ended - began <= 2 * _DAY or len(turn) < _TURN:
        return []
    old = frozenset[str]().union(*map(_facts, (entry for entry in reports if entry not in turn)))
    new = Counter(fact for entry in turn for fact in _facts(entry) - old)
    return turn if any(n >= _TURN for n in new.values()) else []


def _facts(entry: Entry) -> frozenset[str]:
    title = traits(entry).title
    return frozenset({*title.numbers, *title.names, *title.kinds})


def choose(entries: Sequence[Entry], language: str) -> Entry:
    """Return the entry that speaks for a story: central, informative, sober, if possible in `language`."""
    spread = Counter(word for entry in entries for word in traits(entry).text.words)
    return min(entries, key=lambda entry: (-_merit(entry, spread, len(entries), language), order(entry)))


def _merit(entry: Entry, spread: Counter[str], size: int, language: str) -> float:
    """Return how well an entry stands for its story: how central and informative it is, less its flaws."""
    title, head = entry.title, traits(entry).title
    shared = sum(spread[word] - 1 for word in head.words) / max(1, size - 1)
    return (
        shared / max(_FEW, len(head.words))
        + 0.5 * (entry.language == language)
        + 0.25 * bool(entry.summary)
        + 0.25 * (_SHORT <= len(title) <= _LONG)
        + 0.1 * min(_NAMED, len({*head.players, *head.names}))
        + 0.2 * bool(head.kinds)
        - 1.0 * bool(ROUND_UP.search(title))
        - 0.4 * bool(_BAIT.search(title))
        - 0.2 * bool(_QUOTE.search(title))
        - 0.3 * bool(_SHOUT.search(title))
    )


def _summary(entries: Sequence[Entry], lead: Entry, language: str) -> str:
    """Return the best summary of another entry for a lead without one, if possible in its language."""
    others = [entry for entry in entries if entry.summary and not ROUND_UP.search(entry.title)]
    same = [entry for entry in others if entry.language == lead.language]
    return choose(same or others, language).summary if others else ""


def _common(labels: Iterable[tuple[str, ...]], least: float) -> tuple[str, ...]:
    """Return the labels that at least so many entries have, the most common first."""
    found = Counter(label for own in labels for label in own)
    return tuple(
        label for label, n in sorted(found.items(), key=lambda item: (-item[1], item[0])) if n >= least
    )
