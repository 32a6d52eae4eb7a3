"""What the user corrects (mark, merge, split) and what follows from it: learning, and tagging again.

Takes the configuration, the store and the correction; stores it in one transaction and gives the entries and
stories as they stand then. Raises MonitorError for an entry or a story that does not exist.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final, NamedTuple

from monitor import tag
from monitor.errors import MonitorError
from monitor.models import Mark, Split
from monitor.stories import cluster_entries_blocking, refresh_stories

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from monitor.config import Config
    from monitor.models import Entry, Story, Tagging
    from monitor.store import Store


class Change(NamedTuple):
    """An entry whose tags have changed."""

    entry: Entry
    before: Tagging
    after: Tagging


def mark(
    config: Config,
    store: Store,
    number: int,
    *,
    relevant: bool | None,
    beats: Sequence[str] = (),
    themes: Sequence[str] | None = None,
    now: datetime,
) -> Entry:
    """Set the user's correction of an entry or, with None, take it back; return the entry as it stands then.

    Without `beats`, a relevant entry keeps those it has, or gets the one it came nearest to. Without
    `themes`, it keeps the tagger's or, if only beats are set, those of an earlier mark. Raises MonitorError
    when there is no such entry.
    """
    after = _mark(config, store, [number], relevant=relevant, beats=beats, themes=themes, now=now)
    return after[number]


def _mark(
    config: Config,
    store: Store,
    numbers: Sequence[int],
    *,
    relevant: bool | None,
    beats: Sequence[str],
    themes: Sequence[str] | None,
    now: datetime,
) -> dict[int, Entry]:
    """Do this for several entries; their stories are updated once, not for each of hundreds of reports."""
    entries = {entry.id: entry for entry in store.entries.get_many(numbers)}
    earlier = store.marks.get(numbers)
    if missing := [number for number in numbers if number not in entries]:
        raise MonitorError(f"there is no entry {missing[0]}")
    tagger = config.tagger(store.note(tag.PERSONAL))
    explanations = {number: tagger.explain(entries[number]) for number in numbers}
    taggings = {number: explanation.tagging for number, explanation in explanations.items()}
    for number, entry in entries.items():
        # If retention has left only the title, themes that came from the text must not get lost.
        is_title_alone = entry.tagging.relevant and not (entry.summary or entry.content)
        if relevant and is_title_alone and (number not in earlier or earlier[number].themes is None):
            taggings[number] = replace(taggings[number], themes=entry.tagging.themes)
    with store.transaction():
        for number in numbers:
            if relevant is None:
                store.marks.clear(number)
                continue
            # "Relevant" cannot be stored without a beat; the one that the rules came nearest to is the best
            # guess at what was meant.
            judged = (verdict for verdict in explanations[number].verdicts if verdict.kind == "beat")
            nearest = max(judged, key=lambda verdict: verdict.score)
            chosen = tuple(beats or entries[number].tagging.beats or (nearest.slug,)) if relevant else ()
            said = earlier[number].themes if beats and number in earlier else None
            wanted = said if themes is None else tuple(themes)
            store.marks.set(Mark(entry=number, relevant=relevant, beats=chosen, themes=wanted, made_at=now))
        affected = store.entries.set_taggings(taggings, now)
        stories = (entry.story for entry in entries.values() if entry.story)
        refresh_stories(config, store, {*affected, *stories})
    cluster_entries_blocking(config, store, now=now)
    return {entry.id: entry for entry in store.entries.get_many(numbers)}


class Marking(NamedTuple):
    """The result of marking entries."""

    after: dict[int, Entry | None]
    """Each entry as it stands then; None if there was no mark to take back."""
    learned: tag.Personal | None
    """What was learned, if it was time to learn again."""


def mark_all(
    config: Config,
    store: Store,
    numbers: Iterable[int],
    *,
    relevant: bool | None,
    beats: Sequence[str] = (),
    themes: Sequence[str] | None = None,
    now: datetime,
) -> Marking:
    """Set the same correction of several entries, or take it back, as `mark` does; learn if it is time."""
    numbers = list(numbers)
    marked = store.marks.get(numbers)
    wanted = [number for number in numbers if relevant is not None or number in marked]
    found = _mark(config, store, wanted, relevant=relevant, beats=beats, themes=themes, now=now)
    return Marking({number: found.get(number) for number in numbers}, learn_if_due(config, store))


# After this many marks were set or taken back, the personal layer is learned again automatically.
_EACH: Final = 10
# How many marks there were when the user dropped what was learned from them: the next mark must not bring it
# back.
_FORGOTTEN: Final = "forgotten_marks"
# When the last mark was made that was learned from, or dropped: a later change of a mark counts as a new one.
_LATEST: Final = "latest_mark"
_UNMARKED: Final = 400
# What was chosen and left unmarked, in the time of the marks, is slight evidence that it was right.
_UNMARKED_WEIGHT: Final = 0.25


def learn_if_due(config: Config, store: Store) -> tag.Personal | None:
    """Learn again after ten marks were set, removed or changed, unless `learn = false`; return the result."""
    known = int(store.note(_FORGOTTEN) or tag.Personal.from_json(store.note(tag.PERSONAL)).marks)
    marks, latest = store.marks.listing(), store.note(_LATEST)
    newer = sum(latest < mark.made_at.isoformat() for mark in marks) if latest else 0
    if not config.rules.learn or max(newer, abs(len(marks) - known)) < _EACH:
        return None
    return learn(config, store)


def _note_latest(store: Store) -> None:
    marks = store.marks.listing()
    store.set_note(_LATEST, marks[-1].made_at.isoformat() if marks else "")


def learn(config: Config, store: Store) -> tag.Personal:
    """Fit the personal layer to all marks and keep it; it holds for what is tagged from now on (`retag`)."""
    marks = {mark.entry: mark for mark in store.marks.listing()}
    if not marks:
        return forget(store)
    marked = sorted(store.entries.get_many(marks), key=lambda entry: marks[entry.id].made_at, reverse=True)
    since = min(entry.first_seen for entry in marked)
    others = store.entries.listing(since=since, limit=_UNMARKED)
    # Without what was learned before: otherwise each learning would build on the last one and drift.
    plain = config.tagger("")
    examples = [plain.example(entry, marks[entry.id].relevant) for entry in marked]
    # The marked ones among them come second, so they do not count.
    examples += [plain.example(entry, True, weight=_UNMARKED_WEIGHT) for entry in others]
    words, feeds = tag.learn(_each_text_once(examples))
    own = {}
    for target in plain.own_targets():
        about = [
            plain.example(entry, target.slug in names)
            for entry in marked
            if (names := _stated(marks[entry.id], target.kind)) is not None
        ]
        if found := tag.learn_own(_each_text_once(about)):
            own[target.slug] = found
    learned = tag.Personal(words, feeds, own, len(marks))
    store.set_note(tag.PERSONAL, learned.to_json())
    store.set_note(_FORGOTTEN, "")
    _note_latest(store)
    return learned


def _each_text_once(examples: Iterable[tag.Example]) -> list[tag.Example]:
    """Return the first example of each text: marking a story with ten copies says one thing once."""
    found: dict[tuple[str, ...], tag.Example] = {}
    for example in examples:
        found.setdefault(tuple(example.features.quotes), example)
    return list(found.values())


def _stated(mark: Mark, kind: str) -> tuple[str, ...] | None:
    """Return the beats or themes that a mark states; None where it states none of that kind."""
    if kind == "beat" or not mark.relevant:
        return mark.beats if kind == "beat" else ()
    return mark.themes


def forget(store: Store) -> tag.Personal:
    """Drop what was learned; the marks stay."""
    store.set_note(tag.PERSONAL, "")
    store.set_note(_FORGOTTEN, str(len(store.marks.listing())))
    _note_latest(store)
    return tag.Personal()


# Stories that are updated in one transaction: 1,000 take over three seconds, while other writers wait.
_AT_ONCE: Final = 100


class Retagging(NamedTuple):
    """What came of tagging again."""

    entries: int
    """How many were tagged."""
    changes: list[Change]


def retag(config: Config, store: Store, *, now: datetime, since: datetime | None = None) -> Retagging:
    """Tag stored entries by the present themes.

    What the user marked stays, what was reported is not reported again, and entries whose texts retention has
    removed keep their tags.
    """
    tags = config.tagger(store.note(tag.PERSONAL))
    seen, changes, affected = 0, list[Change](), set[int]()
    for batch in store.entries.iterate(since, with_text=True):
        seen += len(batch)
        after = {entry.id: tags.tag(entry) for entry in batch}
        after = store.marks.correct(after)
        changed = [Change(e, e.tagging, after[e.id]) for e in batch if after[e.id] != e.tagging]
        with store.transaction():
            tagged = {change.entry.id: change.after for change in changed}
            affected |= set(store.entries.set_taggings(tagged, now))
        changes += [change for change in changed if _names(change.before) != _names(change.after)]
    stale = sorted(affected | {change.entry.story for change in changes if change.entry.story})
    for start in range(0, len(stale), _AT_ONCE):
        with store.transaction():
            refresh_stories(config, store, stale[start : start + _AT_ONCE])
    cluster_entries_blocking(config, store, now=now)
    return Retagging(seen, changes)


def _names(tagging: Tagging) -> tuple[frozenset[str], frozenset[str]]:
    return frozenset(tagging.beats), frozenset(tagging.themes)


class Contrary(NamedTuple):
    """The correction that takes back a merge or a split, as far as its reports are where that put them."""

    story: int
    other: int = 0
    """The story to be merged into it; 0 for a split."""
    entries: tuple[int, ...] = ()
    """Those to be split off."""


def contrary(some: Sequence[Entry], others: Sequence[Entry], *, together: bool) -> Contrary | None:
    """Return what undoes a merge of these two sides, or a split; None when they have moved on since."""
    here, there = ({entry.story for entry in side if entry.story} for side in (some, others))
    if together and here == there and len(here) == 1:
        return Contrary(here.pop(), entries=tuple(entry.id for entry in others))
    if not together and len(here) == len(there) == 1 and here != there:
        return Contrary(here.pop(), other=there.pop())
    return None


def merge(config: Config, store: Store, story: int, other: int, *, now: datetime) -> Story:
    """Put two stories together, for good. Raises StoreError when one is not there."""
    with store.transaction():
        store.corrections.merge(story, other, now)
        return refresh_stories(config, store, [story])[0]


def split(config: Config, store: Store, story: int, entries: Iterable[int], *, now: datetime) -> Split:
    """Take entries out of a story into one of their own, for good. Raises StoreError."""
    with store.transaction():
        parts = store.corrections.split(story, entries, now)
        return Split(*refresh_stories(config, store, [part.id for part in parts]))
