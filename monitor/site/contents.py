"""What the pages with many stories hold, read from the store: a month, a theme, affairs, the last days.

The archive is written from this, and the reading page shows the same as it stands now.
"""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from typing import TYPE_CHECKING, Final

from monitor.site.lists import first_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date
    from zoneinfo import ZoneInfo

    from monitor.models import DigestSummary, Story
    from monitor.site.settings import SavedSearch
    from monitor.store import Store

# Stories on the page of a theme, affairs on theirs.
_LISTED: Final = 60
# How far back the days on the first page reach: two months, of 31 days each.
_RECENT: Final = timedelta(days=62)


def days_of_month(name: str, store: Store) -> Sequence[DigestSummary]:
    """Read what is listed of the digests of a month ("2026-11")."""
    return store.overview.digests_between(*_bounds(name))


def stories_of_month(name: str, store: Store, timezone: ZoneInfo) -> Sequence[Story]:
    """Read the stories that began in a month."""
    start, end = (datetime.combine(day, time(), timezone).astimezone(UTC) for day in _bounds(name))
    return store.stories.get_many(store.overview.begun(start, end), whole=False)


def _bounds(name: str) -> tuple[date, date]:
    """Return the first day of a month and of the next one."""
    first = first_of(name)
    # 32 days on from the first is the next month, of whatever length.
    return first, (first + timedelta(days=32)).replace(day=1)


def of_theme(slug: str, store: Store) -> list[Story]:
    """Read a theme's newest stories."""
    order = store.overview.of_theme(slug, _LISTED)
    found = {story.id: story for story in store.stories.get_many(order, whole=False)}
    return [found[number] for number in order if number in found]


def of_search(search: SavedSearch, store: Store) -> list[Story]:
    """Read the newest stories with a report that a saved search finds."""
    order = store.overview.of_search(search.queries, _LISTED, theme=search.theme)
    found = {story.id: story for story in store.stories.get_many(order, whole=False)}
    return [found[number] for number in order if number in found]


def affairs(store: Store) -> list[tuple[int, Sequence[Story]]]:
    """Read the affairs that went on last, each with its steps."""
    recent = store.stories.listing(limit=_LISTED)
    numbers = dict.fromkeys(story.affair for story in recent if story.affair is not None)
    found = [(number, store.stories.affair(number)) for number in numbers]
    return [(number, steps) for number, steps in found if len(steps) > 1]


def last_days(store: Store) -> Sequence[DigestSummary]:
    """Read the last two months of digests."""
    # The last digest's day and not today's: an archive that is looked at years later keeps its first page.
    last = store.digests.last_made()
    if last is None:
        return ()
    return store.overview.digests_between(last.date - _RECENT, last.date + timedelta(days=2))
