"""What the archive keeps of each digest, beside the digest itself."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import date, datetime  # noqa: TC003 - the codec reads the annotations
from typing import TYPE_CHECKING

from monitor.digest import headline
from monitor.digest.outcome import Outcome, outcome
from monitor.digest.safe import line, link, title

if TYPE_CHECKING:
    from monitor.digest.wording import Wording
    from monitor.models import Digest, DigestStory


@dataclass(frozen=True, kw_only=True, slots=True)
class StorySummary:
    """A story as one digest told it."""

    id: int
    title: str
    url: str
    text: str
    """Its summary and whose words they are; "" without one."""
    themes: tuple[str, ...]
    """Labels."""
    updated: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class DigestSummary:
    """One digest as the archive lists it."""

    date: date
    made_at: datetime
    outcome: Outcome
    lead: str
    """What it told, counted, or what the day was."""
    catches_up: bool
    stories: tuple[StorySummary, ...]
    """In the order told: the one that led comes first."""
    themes: tuple[tuple[str, int], ...]
    """Labels of themes with their new reports, in the order of themes.toml."""


def summarise(digest: Digest, words: Wording) -> DigestSummary:
    """Return what the archive tells of a digest."""
    labels = {slug: line(label) for slug, label in digest.labels}
    counts = Counter[str]()
    for story in digest.stories:
        new = sum(report.new for report in story.reports)
        counts.update({labels.get(theme, line(theme)): new for theme in story.themes})
    order = [*labels.values(), *sorted(counts.keys() - set(labels.values()))]
    return DigestSummary(
        date=digest.date,
        made_at=digest.made_at,
        outcome=outcome(digest),
        lead=headline.summary(digest, words),
        catches_up=digest.catches_up,
        stories=tuple(_summary(story, labels) for story in digest.stories),
        themes=tuple((label, counts[label]) for label in order if counts[label]),
    )


def _summary(story: DigestStory, labels: dict[str, str]) -> StorySummary:
    quoted = f"{line(story.summary, 600)} — {line(story.summary_outlet)}" if story.summary else ""
    return StorySummary(
        id=story.id,
        title=title(story.title),
        url=link(story.url),
        text=quoted,
        themes=tuple(labels.get(theme, line(theme)) for theme in story.themes),
        updated=story.last_seen,
    )
