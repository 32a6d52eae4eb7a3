"""Entries to stories: each new entry joins an open story or begins one, whatever the order of arrival."""

from __future__ import annotations

from dataclasses import replace
from itertools import groupby
from typing import TYPE_CHECKING

from monitor.cluster.affairs import RelatedStories
from monitor.cluster.candidates import Candidates
from monitor.cluster.choose import with_summary
from monitor.cluster.copies import Sources
from monitor.cluster.day import DayClustering, crowd
from monitor.cluster.lessons import Apart, learn
from monitor.cluster.match import log_odds, rarity
from monitor.models import PastStory

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from monitor.cluster.settings import Settings
    from monitor.models import Correction, Entry, Feed, Story, TermCounts

# Of ten entries a day; beyond what was measured a crowd counts no more, or nothing would be joined.
_MOST_CROWDED = 2.3


def assign(
    new: Sequence[Entry],
    stories: Sequence[Story],
    counts: TermCounts,
    feeds: Mapping[str, Feed],
    settings: Settings,
    *,
    vectors: Mapping[int, bytes] | None = None,
    corrections: Sequence[Correction] = (),
    corrected: Mapping[int, Entry] | None = None,
    past: Sequence[PastStory] = (),
    step: Callable[[], None] = lambda: None,
) -> tuple[Story, ...]:
    """Return the stories that are new (id 0) or changed when `new` entries, which have ids, arrive.

    `stories` are the open ones: those with a report within `settings.open_for`. An entry that is in one of
    them already stays there and its text is renewed. `counts` are those of the store, `new` included, for
    the terms of all these entries. With `vectors` (`Encoder.vectors`, by entry id) the semantic model
    decides. `corrections` are the user's, in order: entries stay apart by them, and those whose texts are
    given in `corrected` move the bar. `past` are closed stories that new ones may be steps after. Entries of
    several days are taken day by day, so that one large poll and many small ones agree. `step` is called
    every few milliseconds, and what it raises ends the work: 2,000 entries of a day may take half a minute.
    """
    found = {story.id: story for story in _renewed(stories, new)}
    known = {entry.id for story in stories for entry in story.entries}
    fresh = sorted({entry.id: entry for entry in new if entry.id not in known}.values(), key=_day)
    candidates = Candidates(rarity(counts), Sources(feeds), vectors or {})
    own = learn(corrections, corrected or {}, candidates)
    candidates = replace(candidates, own=own)
    apart, days = Apart(corrections), settings.open_for.days
    for day, arrived in groupby(fresh, key=_day):
        near = [story for _, story in sorted(found.items()) if _open(story, day, days)]
        today = list(arrived)
        present = [*today, *(entry for story in near for entry in story.entries)]
        crowded = min(_MOST_CROWDED, crowd(present, day, days))
        bar = log_odds(settings.threshold) - own.get("bias", 0.0)
        gathered = DayClustering(near, today, candidates, bar=bar, crowd=crowded, apart=apart, step=step)
        for story in gathered.changed():
            # Stories that are not stored yet go by negative numbers, so that later days of the same step can
            # join them.
            key = story.id or min((0, *found)) - 1
            found[key] = replace(story, id=key)
    before = {story.id: story for story in stories}
    changed = (story for key, story in found.items() if story != before.get(key))
    related = RelatedStories([*past, *map(PastStory.of, stories)], candidates.rarity, settings.related_for)
    finished = []
    for story in changed:
        step()
        finished.append(_finished(story, related, feeds, settings))
    return _affairs_agreed(finished)


def _finished(story: Story, stories: RelatedStories, feeds: Mapping[str, Feed], settings: Settings) -> Story:
    """Return a story with all that follows from its entries, and its place in an affair."""
    shown = with_summary(replace(story, id=max(0, story.id)), feeds, settings)
    referred = stories.referred(shown)
    related = tuple(dict.fromkeys((*story.related, *referred, *stories.related(shown))))
    # Of a new one it is known what it answers; an old one's related stories may be less.
    answered = (*referred, *(story.related if story.id <= 0 else ()))
    affair = story.affair or stories.affair(shown, related, answered)
    return replace(shown, related=related, affair=affair)


def _affairs_agreed(stories: Sequence[Story]) -> tuple[Story, ...]:
    """Let stories that found each other in one step be of one affair: each would be the other's."""
    chosen = {story.id: story.affair for story in stories if story.id and story.affair is not None}

    def agreed(affair: int | None) -> int | None:
        way: list[int] = []
        while affair is not None and affair not in way:
            way.append(affair)
            affair = chosen.get(affair)
        return way[-1] if affair is None else min(way[way.index(affair) :])

    return tuple(
        replace(story, affair=agreed(story.affair)) if story.affair is not None else story
        for story in stories
    )


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
