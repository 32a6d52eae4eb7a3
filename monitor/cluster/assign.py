"""Entries to stories: each new entry joins an open story or begins one, whatever the order of arrival."""

from __future__ import annotations

from dataclasses import replace
from itertools import groupby
from typing import TYPE_CHECKING

from monitor.cluster.board import Board
from monitor.cluster.choose import with_summary
from monitor.cluster.match import rarity
from monitor.cluster.member import Members
from monitor.cluster.related import Affairs, Past

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from collections.abc import Set as AbstractSet

    from monitor.cluster.match import TermCounts
    from monitor.cluster.settings import Settings
    from monitor.models import Entry, Feed, Story


def assign(
    new: Sequence[Entry],
    stories: Sequence[Story],
    counts: TermCounts,
    feeds: Mapping[str, Feed],
    settings: Settings,
    *,
    vectors: Mapping[int, bytes] | None = None,
    cannot_link: AbstractSet[tuple[int, int]] = frozenset(),
    past: Sequence[Past] = (),
) -> tuple[Story, ...]:
    """Return the stories that are new (id 0) or changed when `new` entries, which have ids, arrive.

    `stories` are the open ones: those with a report within `settings.open_for`. An entry that is in one of
    them already stays there and its text is renewed. `counts` are those of the archive, `new` included, for
    the terms of all these entries. With `vectors` (`Encoder.vectors`, by entry id) the semantic model
    decides. `cannot_link` holds the pairs of entry ids that the user keeps apart. `past` are closed
    stories that new ones may be linked to. Entries of several days are taken day by day, so that one large
    poll and many small ones agree.
    """
    members = Members(rarity(counts), feeds, vectors or {})
    found = {story.id: story for story in _renewed(stories, new)}
    told = {entry.id for story in stories for entry in story.entries}
    fresh = sorted({entry.id: entry for entry in new if entry.id not in told}.values(), key=_day)
    for day, arrived in groupby(fresh, key=_day):
        near = [story for _, story in sorted(found.items()) if _open(story, day, settings.open_for.days)]
        board = Board(near, list(arrived), members, threshold=settings.threshold, cannot_link=cannot_link)
        for story in board.grown():
            key = story.id or min((0, *found)) - 1
            found[key] = replace(story, id=key)
    affairs = Affairs([*past, *map(Past.of, stories)], members.rarity, settings.related_for)
    before = {story.id: story for story in stories}
    changed = (story for key, story in found.items() if story != before.get(key))
    return tuple(_finished(story, affairs, feeds, settings) for story in changed)


def _finished(story: Story, affairs: Affairs, feeds: Mapping[str, Feed], settings: Settings) -> Story:
    """Return a story with all that follows from its entries, and the earlier ones of its affair."""
    shown = with_summary(replace(story, id=max(0, story.id)), feeds, settings)
    return replace(shown, related=tuple(dict.fromkeys((*story.related, *affairs.related(shown)))))


def _renewed(stories: Sequence[Story], new: Sequence[Entry]) -> Iterator[Story]:
    """Yield the stories with the present texts of their entries."""
    present = {entry.id: entry for entry in new}
    for story in stories:
        yield replace(story, entries=tuple(present.get(entry.id, entry) for entry in story.entries))


def _day(entry: Entry) -> int:
    return entry.published.toordinal()


def _open(story: Story, day: int, days: int) -> bool:
    """Return whether a story had a report so few days before or after a day."""
    return any(abs(_day(entry) - day) <= days for entry in story.entries)
