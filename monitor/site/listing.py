"""What a month's page and the search say of a story. Pure.

It is kept in a file for each month, so that a day reads and lists only the stories that it changed.
"""

from __future__ import annotations

import json
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, NamedTuple

from monitor.digest.safe import foreign, line, title
from monitor.site.frame import began, row

if TYPE_CHECKING:
    from collections.abc import Iterable

    from monitor.models import Story
    from monitor.site.frame import Site


class Listed(NamedTuple):
    """A story as it is listed; every value is one that JSON has."""

    id: int
    first_seen: str
    """The instant, so that these texts are in order of time."""
    sources: int
    entries: int
    themes: list[str]
    """Slugs."""
    seen: list[str]
    """The user's day of each report, without copies and without what was old when its feed was new."""
    row: dict[str, str]
    """The line of a list."""
    found: dict[str, Any]
    """What the search file says."""


def listed(story: Story, site: Site) -> Listed:
    """Return how a story is listed.

    A later step of its affair is not in it, so that past months need not be written again for one.
    """
    reports = story.reports
    day = began(story, site)
    others = dict.fromkeys(line(entry.title) for entry in story.entries)
    found = {
        "id": f"s{story.id}",
        "title": title(story.title),
        "language": foreign(story.leading.language, site.words.code),
        "day": day.isoformat(),
        "when": site.words.date(day),
        "reports": len(reports),
        "themes": [site.labels.get(theme, theme) for theme in story.themes],
        "text": line(story.summary, 300),
        "also": [other for other in others if other != line(story.title)],
    }
    return Listed(
        id=story.id,
        first_seen=story.first_seen.isoformat(timespec="microseconds"),
        sources=story.sources,
        entries=len(story.entries),
        themes=list(story.themes),
        seen=[site.day(report.first_seen).isoformat() for report, _ in reports if not report.backlog],
        row=row(story, site),
        found=found,
    )


def fingerprint(one: Listed) -> str:
    """Return a value that changes when the story is to be listed otherwise."""
    return blake2b(repr(one).encode(), digest_size=6).hexdigest()


def to_json(those: Iterable[Listed]) -> str:
    """Return the listed stories as text."""
    return json.dumps([one._asdict() for one in those], ensure_ascii=False) + "\n"


def from_json(text: str) -> list[Listed]:
    """Return what `to_json` made a text of. Raises ValueError or TypeError for any other."""
    return [Listed(**one) for one in json.loads(text)]
