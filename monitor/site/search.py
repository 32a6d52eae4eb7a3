"""The index that the search page reads: a plain JSON file a month, so that a day writes one of them. Pure."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from monitor.digest.safe import line, title

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from monitor.models import Story


def shard(month: str, stories: Iterable[Story], labels: Mapping[str, str]) -> str:
    """Return what can be found of the stories that began in a month ("2026-11"), the newest first."""
    latest = sorted(stories, key=lambda story: (story.first_seen, story.id), reverse=True)
    return _json({"month": month, "stories": [_story(story, labels) for story in latest]})


def contents(months: Iterable[str]) -> str:
    """Return which months there are, the newest first."""
    return _json({"months": sorted(months, reverse=True)})


def _story(story: Story, labels: Mapping[str, str]) -> dict[str, Any]:
    others = dict.fromkeys(line(entry.title) for entry in story.entries)
    return {
        "id": f"s{story.id}",
        "title": title(story.title),
        "day": f"{story.first_seen:%Y-%m-%d}",
        "reports": len(story.entries),
        "themes": [labels.get(theme, theme) for theme in story.themes],
        "text": line(story.summary, 300),
        "also": [other for other in others if other != line(story.title)],
    }


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")) + "\n"
