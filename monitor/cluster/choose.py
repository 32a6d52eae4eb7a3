"""What a story shows of itself: title and summary verbatim from its entries, its themes, its sources."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

from monitor.cluster.copies import independent_sources
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
        \bslams?\b | \bexclusive\b | …$ | \.\.\.$ | ^opinion\b | ^kommentar\b | ^meinung\b""",
    re.IGNORECASE | re.VERBOSE,
)
_QUOTE = re.compile(r"^[„“\"‘'»]")
_SHOUT = re.compile(r"\b[A-ZÄÖÜ]{5,}\b")
_SHORT, _LONG = 25, 130
"""Characters between which a headline informs without being a paragraph."""
_FEW = 10
"""Telling words; an entry of fewer is not the more central for it."""
_THEME_SHARE = 1 / 3


def dressed(story: Story, feeds: Mapping[str, Feed], settings: Settings) -> Story:
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
        sources=independent_sources(entries, feeds),
        names=names(entries),
    )


def choose(entries: Sequence[Entry], language: str) -> Entry:
    """Return the entry that speaks for a story: central, informative, sober, if possible in `language`."""
    words = {entry.id: traits(entry).words for entry in entries}
    spread = Counter(word for found in words.values() for word in found)
    return min(
        entries, key=lambda entry: (-_merit(entry, words[entry.id], spread, len(entries), language), entry.id)
    )


def _merit(entry: Entry, words: frozenset[str], spread: Counter[str], size: int, language: str) -> float:
    """Return how well an entry speaks for its story; each flaw weighs against how central it is, 0 to 1."""
    shared = sum(spread[word] - 1 for word in words)
    told = shared / (max(_FEW, len(words)) * max(1, size - 1))
    title = entry.title
    return (
        told
        + 0.5 * (entry.language == language)
        + 0.25 * bool(entry.summary)
        + 0.25 * (_SHORT <= len(title) <= _LONG)
        - 1.0 * bool(_ROUND_UP.search(title))
        - 0.3 * bool(_BAIT.search(title))
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
