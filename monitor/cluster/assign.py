"""Put each new entry into an open story or a new one, whatever the order in which entries arrive.

Afterwards stories that are new or have grown are linked to the earlier steps of their affairs.
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

# The logarithm of ten entries a day. A larger crowd, which was never measured, counts as this one: otherwise
# nothing would be joined on such a day.
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

    Two open stories that a new entry shows to be of one event become one: the one stored first, which names
    the other as `absorbed`.

    `stories` are the open ones, which had a report within `settings.open_for`. An entry that is already in
    one of them stays there, and its text is renewed. `counts` are the store's counts of the terms of all
    these entries, `new` included. `vectors` (from `Encoder.vectors`, by entry id) let the semantic model
    take part. `corrections` are the user's, in their order: they keep entries apart, and those whose texts
    are in `corrected` move the bar. Entries of several days are taken day by day, so that one large poll and
    many small ones come to the same stories. `step` is called every few milliseconds, and may raise to end
    the work: 2,000 entries of one day may take half a minute.

    The affairs of the returned stories are not known yet: `linked` finds them.
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
            # Stories that are not stored yet get negative numbers, so that entries of later days can join
            # them.
            key = story.id or min((0, *found)) - 1
            for gone in story.absorbed:
                found.pop(gone, None)
            # A negative number that is free again may be another story's tomorrow.
            absorbed = tuple(number for number in story.absorbed if number > 0)
            found[key] = replace(story, id=key, absorbed=absorbed)
    before = {story.id: story for story in stories}
    finished = []
    for key, story in found.items():
        if story != before.get(key):
            step()
            finished.append(with_summary(replace(story, id=max(0, story.id)), feeds, settings))
    return tuple(finished)


def earlier(stories: Sequence[Story], counts: TermCounts) -> Sought:
    """Return which past stories `linked` needs to see for these stories; there must be at least one."""
    return sought(stories, rarity(counts))


def linked(
    stories: Sequence[Story],
    known: Iterable[PastStory],
    counts: TermCounts,
    settings: Settings,
    *,
    step: Callable[[], None] = lambda: None,
) -> tuple[Story, ...]:
    """Return the stories that `assign` returned, now with their related stories and their affairs.

    `known` are the stored stories that were seen within `settings.related_for`: all of them, or only those
    that `earlier` names. `counts` and `step` are the same as for `assign`.
    """
    absorbed = {number for story in stories for number in story.absorbed}
    present = (past for past in known if past.id not in absorbed)
    related = RelatedStories(present, rarity(counts), settings.related_for)
    found = []
    for story in stories:
        step()
        found.append(_linked(story, related))
    return _affairs_agreed(found)


def _linked(story: Story, stories: RelatedStories) -> Story:
    referred = stories.referred(story)
    related = tuple(dict.fromkeys((*story.related, *referred, *stories.related(story))))
    # The related stories of a new story are those that it answers. Those of an old one may be less close.
    answered = (*referred, *(() if story.id else story.related))
    affair = story.affair or stories.affair(story, related, answered)
    return replace(story, related=related, affair=affair)


def _affairs_agreed(stories: Sequence[Story]) -> tuple[Story, ...]:
    """Give one affair to stories that found each other in one step, or each would be in the other's."""
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
    """Yield the stories, with the present texts of their entries."""
    present = {entry.id: entry for entry in new}
    for story in stories:
        yield replace(story, entries=tuple(present.get(entry.id, entry) for entry in story.entries))


def _day(entry: Entry) -> int:
    return entry.published.toordinal()


def _open(story: Story, day: int, days: int) -> bool:
    """Say whether a story had a report within so many days before or after a day."""
    return any(abs(_day(entry) - day) <= days for entry in story.entries)
