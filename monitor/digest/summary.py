"""What the archive keeps of each digest, beside the digest itself."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from monitor.digest import headline
from monitor.digest.outcome import outcome
from monitor.digest.safe import line, link, title
from monitor.models import DigestSummary, StorySummary

if TYPE_CHECKING:
    from monitor.digest.wording import Wording
    from monitor.models import Digest, DigestStory


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
