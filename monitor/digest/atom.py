"""Atom feeds (RFC 4287) of digests and of stories. Their `tag:` ids (RFC 4151) stay the same for ever."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC
from typing import TYPE_CHECKING, Final

from monitor.digest import html
from monitor.models import digest_key

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from monitor.digest.wording import Wording
    from monitor.models import DigestSummary, StorySummary

MOST: Final = 50
"""Entries of a feed."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Item:
    """An entry of a feed."""

    id: str
    """What it is among all of this installation ("story:17")."""
    title: str
    updated: datetime
    url: str
    """A link, or the path of a page beside the feed; "" for none."""
    themes: Sequence[str] = ()
    content: str


def feed(
    id_: str,
    title: str,
    items: Iterable[Item],
    words: Wording,
    *,
    updated: datetime,
    origin: str,
    name: str = "",
) -> str:
    """Return a feed; `origin` tells this installation's ids from all others', `name` is its own address."""
    return html.fill(
        "feed.atom",
        language=words.code,
        id=_tag(id_, origin),
        title=title,
        updated=_instant(updated),
        author=words.text("brand"),
        name=name,
        items=[(item, _tag(item.id, origin), _instant(item.updated)) for item in items],
    )


def one_day(day: DigestSummary, words: Wording, origin: str) -> str:
    """Return one digest as a feed of its stories."""
    title = words.text("page_title", brand=words.text("brand"), date=words.long_date(day.date))
    items = map(_story, day.stories)
    return feed(digest_key(day.date), title, items, words, updated=day.made_at, origin=origin)


def digests(days: Sequence[DigestSummary], words: Wording, origin: str) -> str:
    """Return the feed of digests, newest first."""
    items = [_day(day, words) for day in days[:MOST]]
    title = words.text("feed_digests", brand=words.text("brand"))
    return feed("digests", title, items, words, updated=_newest(days), origin=origin, name="digests.atom")


def stories(days: Sequence[DigestSummary], words: Wording, origin: str) -> str:
    """Return the feed of stories as last reported, the latest digest's first."""
    latest: dict[int, StorySummary] = {}
    for story in (story for day in days[:MOST] for story in day.stories):
        latest.setdefault(story.id, story)
    items = [_story(story) for story in list(latest.values())[:MOST]]
    title = words.text("feed_stories", brand=words.text("brand"))
    return feed("stories", title, items, words, updated=_newest(days), origin=origin, name="stories.atom")


def _story(story: StorySummary) -> Item:
    return Item(
        id=f"story:{story.id}",
        title=story.title,
        updated=story.updated,
        url=story.url,
        themes=story.themes,
        content=story.text or story.title,
    )


def _day(day: DigestSummary, words: Wording) -> Item:
    titles = "; ".join(story.title for story in day.stories)
    return Item(
        id=digest_key(day.date),
        title=f"{words.long_date(day.date)}: {day.lead}",
        updated=day.made_at,
        url=f"days/{day.date.isoformat()}.html",
        themes=tuple(label for label, _ in day.themes),
        content=titles or day.lead,
    )


def _newest(days: Sequence[DigestSummary]) -> datetime:
    return max(day.made_at for day in days)


def _tag(specific: str, origin: str) -> str:
    """Return an id for ever. Version 1.0 had no origin: all its installations shared their ids."""
    # ".invalid" (RFC 2606) is nobody's: an installation need not own a domain, and none is taken from
    # anybody.
    return f"tag:monitor.invalid,2026:{f'{origin}:' if origin else ''}{specific}"


def _instant(instant: datetime) -> str:
    return f"{instant.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
