"""Entries to stories: each new entry joins an open story or begins one, whatever the order of arrival.

Then stories to affairs: what is new or has grown is linked to the steps before it.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import groupby
from typing import TYPE_CHECKING

from monitor.cluster.affairs import RelatedStories, sought
from monitor.cluster.candidates import Candidates
from monitor.cluster.choose import with_summary
from monitor.cluster.copies import Sources
from monitor.cluster.day import DayClustering, crowd
from monitor.cluster.lessons import Apart, learn
from monitor.cluster.match import log_odds, rarity

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from monitor.cluster.settings import Settings
    from monitor.models import Correction, Entry, Feed, PastStory, Sought, Story, TermCounts

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
    step: Callable[[], None] = lambda: None,
) -> tuple[Story, ...]:
    """Return the stories that are new (id 0) or changed when `new` entries, which have ids, arrive.

    `stories` are the open ones: those with a report within `settings.open_for`. An entry that is in one of
    them already stays there and its text is renewed. `counts` are those of the store, `new` included, for
    the terms of all these entries. With `vectors` (`Encoder.vectors`, by entry id) the semantic model
    decides. `corrections` are the user's, in order: entries stay apart by them, and those whose texts are
    given in `corrected` move the bar. Entries of several days are taken day by day, so that one large poll
    and many small ones agree. `step` is called every few milliseconds, and what it raises ends the work:
    2,000 entries of a day may take half a minute.

    What is returned has its affairs yet to be found, by `linked`.
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
    finished = []
    for key, story in found.items():
        if story != before.get(key):
            step()
            finished.append(with_summary(replace(story, id=max(0, story.id)), feeds, settings))
    return tuple(finished)


def earlier(stories: Sequence[Story], counts: TermCounts) -> Sought:
    """Return which of all past stories `linked` looks at for these, of which there is one at least."""
    return sought(stories, rarity(counts))


def linked(
    stories: Sequence[Story],
    known: Iterable[PastStory],
    counts: TermCounts,
    settings: Settings,
    *,
    step: Callable[[], None] = lambda: None,
) -> tuple[Story, ...]:
    """Return what `assign` returned with the stories that are related, and their affairs.

    `known` are those stored stories that were seen within `settings.related_for`: all of them, or as many as
    `earlier` names. `counts` and `step` are those of `assign`.
    """
    related = RelatedStories(known, rarity(counts), settings.related_for)
    found = []
    for story in stories:
        step()
        found.append(_linked(story, related))
    return _affairs_agreed(found)


def _linked(story: Story, stories: RelatedStories) -> Story:
    referred = stories.referred(story)
    related = tuple(dict.fromkeys((*story.related, *referred, *stories.related(story))))
    # Of a new one it is known what it answers; an old one's related stories may be less.
    answered = (*referred, *(() if story.id else story.related))
    affair = story.affair or stories.affair(story, related, answered)
    return replace(story, related=related, affair=affair)


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
