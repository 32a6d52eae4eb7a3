"""What a story shows of itself: title and summary verbatim from its entries, its themes, its sources."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

from monitor.cluster.copies import Sources
from monitor.cluster.member import order
from monitor.cluster.related import names
from monitor.cluster.traits import traits

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from monitor.cluster.settings import Settings
    from monitor.models import Entry, Feed, Story

_ROUND_UP = re.compile(
    r"""KI-Update | \b(?:kompakt|newsletter|podcast|weekly|daily|round-?up|recap|presseschau|digest)\b |
        \bthe\ papers\b | \bwochenr[üu]ckblick\b | \blive(?:blog|ticker)?: | ^\[ | \[(?:removed|updated)\]""",
    re.IGNORECASE | re.VERBOSE,
)
_BAIT = re.compile(
    r"""[?!] | \byour?\b | \bthis\ is\b | \bhere['’]?s\b | \bwhy\b | \bhow\b | \bwarum\b | \bso\ \w+\ sie\b |
        \bwhat\b.*\bmeans?\b | \blessons\b | \bexplained\b | \bmeet\b | \bslams?\b | \bexclusive\b |
        …$ | \.\.\.$ | ^(?:opinion|kommentar|meinung|review|interview)\b""",
    re.IGNORECASE | re.VERBOSE,
)
_QUOTE = re.compile(r"^[„“\"‘'»]")
_SHOUT = re.compile(r"\b[A-ZÄÖÜ]{5,}\b")
_SHORT, _LONG = 25, 130
"""Characters between which a headline informs without being a paragraph."""
_FEW = 5
"""Telling words; a title of fewer is not the more central for it."""
_NAMED = 3
"""Names in a title, more of which make it no better."""
_THEME_SHARE = 1 / 3


def with_summary(story: Story, feeds: Mapping[str, Feed], settings: Settings) -> Story:
    """Return a story with all that follows from its entries, from its title to its number of sources."""
    lead = choose(story.entries, settings.language)
    entries = story.entries
    return replace(
        story,
        title=lead.title,
        summary=lead.summary or _summary(entries, lead, settings.language),
        lead=lead.id,
        themes=_common((entry.tagging.themes for entry in entries), _THEME_SHARE * len(entries)),
        beats=_common((entry.tagging.beats for entry in entries), 0),
        first_seen=min(entry.first_seen for entry in entries),
        last_seen=max(entry.first_seen for entry in entries),
        sources=Sources(feeds).independent(entries),
        names=names(entries),
    )


def choose(entries: Sequence[Entry], language: str) -> Entry:
    """Return the entry that speaks for a story: central, informative, sober, if possible in `language`."""
    spread = Counter(word for entry in entries for word in traits(entry).words)
    return min(entries, key=lambda entry: (-_merit(entry, spread, len(entries), language), order(entry)))


def _merit(entry: Entry, spread: Counter[str], size: int, language: str) -> float:
    """Return how well an entry speaks for its story: how central and telling its title is, less its flaws."""
    title, head = entry.title, traits(replace(entry, summary=""))
    shared = sum(spread[word] - 1 for word in head.words) / max(1, size - 1)
    return (
        shared / max(_FEW, len(head.words))
        + 0.5 * (entry.language == language)
        + 0.25 * bool(entry.summary)
        + 0.25 * (_SHORT <= len(title) <= _LONG)
        + 0.1 * min(_NAMED, len(head.players | head.names))
        + 0.2 * bool(head.kinds)
        - 1.0 * bool(_ROUND_UP.search(title))
        - 0.4 * bool(_BAIT.search(title))
        - 0.2 * bool(_QUOTE.search(title))
        - 0.3 * bool(_SHOUT.search(title))
    )


def _summary(entries: Sequence[Entry], lead: Entry, language: str) -> str:
    """Return the best other entry's summary for a lead without one, if possible in the lead's language."""
    others = [entry for entry in entries if entry.summary and not _ROUND_UP.search(entry.title)]
    same = [entry for entry in others if entry.language == lead.language]
    return choose(same or others, language).summary if others else ""


def _common(labels: Iterable[tuple[str, ...]], least: float) -> tuple[str, ...]:
    """Return the labels that at least so many entries have, the commonest first."""
    found = Counter(label for own in labels for label in own)
    return tuple(
        label for label, n in sorted(found.items(), key=lambda item: (-item[1], item[0])) if n >= least
    )
