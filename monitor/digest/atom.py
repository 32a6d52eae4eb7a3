"""Atom feeds (RFC 4287) of digests and of stories. Their `tag:` ids (RFC 4151) stay the same for ever."""

from __future__ import annotations

from datetime import UTC
from typing import TYPE_CHECKING, Any, Final

from monitor.digest import html
from monitor.models import digest_key

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from monitor.digest.summary import DigestSummary, StorySummary
    from monitor.digest.wording import Wording

_MOST: Final = 50
"""Entries of a feed."""


def one_day(day: DigestSummary, words: Wording) -> str:
    """Return one digest as a feed of its stories."""
    items = [_story(story) for story in day.stories]
    title = words.text("page_title", brand=words.text("brand"), date=words.long_date(day.date))
    return _feed(digest_key(day.date), title, words, day.made_at, items)


def digests(days: Sequence[DigestSummary], words: Wording, page: str) -> str:
    """Return the feed of digests, newest first; `page` is the ending of the file each one links to, or ""."""
    items = [_day(day, words, page) for day in days[:_MOST]]
    title = words.text("feed_digests", brand=words.text("brand"))
    return _feed("digests", title, words, _newest(days), items, name="digests.atom")


def stories(days: Sequence[DigestSummary], words: Wording) -> str:
    """Return the feed of stories as last told, the latest digest's first."""
    told: dict[int, StorySummary] = {}
    for story in (story for day in days[:_MOST] for story in day.stories):
        told.setdefault(story.id, story)
    items = [_story(story) for story in list(told.values())[:_MOST]]
    title = words.text("feed_stories", brand=words.text("brand"))
    return _feed("stories", title, words, _newest(days), items, name="stories.atom")


def _feed(
    id_: str,
    title: str,
    words: Wording,
    updated: datetime,
    items: Iterable[dict[str, Any]],
    *,
    name: str = "",
) -> str:
    return html.fill(
        "feed.atom",
        language=words.code,
        id=_tag(id_),
        title=title,
        updated=_instant(updated),
        author=words.text("brand"),
        name=name,
        items=items,
    )


def _story(story: StorySummary) -> dict[str, Any]:
    return {
        "id": _tag(f"story:{story.id}"),
        "title": story.title,
        "updated": _instant(story.updated),
        "url": story.url,
        "themes": story.themes,
        "content": story.text or story.title,
    }


def _day(day: DigestSummary, words: Wording, page: str) -> dict[str, Any]:
    titles = "; ".join(story.title for story in day.stories)
    return {
        "id": _tag(digest_key(day.date)),
        "title": f"{words.long_date(day.date)}: {day.lead}",
        "updated": _instant(day.made_at),
        "url": f"{day.date.isoformat()}{page}" if page else "",
        "themes": tuple(label for label, _ in day.themes),
        "content": titles or day.lead,
    }


def _newest(days: Sequence[DigestSummary]) -> datetime:
    return max(day.made_at for day in days)


def _tag(specific: str) -> str:
    return f"tag:monitor.invalid,2026:{specific}"


def _instant(instant: datetime) -> str:
    return f"{instant.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
