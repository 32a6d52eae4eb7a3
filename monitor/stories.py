"""Put entries into stories: read the store, decide in a thread, write in one short transaction.

Deciding (and encoding) may take seconds after a large poll. No lock is held meanwhile, so what was read is
checked again before anything is written.
"""

from __future__ import annotations

import asyncio
import threading
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from monitor import cluster
from monitor.errors import culprits, place_of, raise_unexpected
from monitor.models import Join, PastStory, Story

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from datetime import datetime

    from monitor.config import Config
    from monitor.models import Correction, Entry, TermCounts
    from monitor.store import Store

T = TypeVar("T")

# Entries that are decided on at once: one step takes a second or two. But whole days, so that one large poll
# and many small ones come to the same stories.
_STEP = 500
# Steps in one run: half a million entries; what is left then waits for the next poll.
_STEPS = 1000
# Entries stored by an earlier version whose terms are counted in one step.
_COUNT_AT_ONCE = 2000
# Stories of version 1.0, which knew no kinds of event, that are upgraded in one step.
_REFRESH_AT_ONCE = 200
# Older news begins a story of its own: otherwise everything since then would have to be read again.
_LATEST = timedelta(days=30)
# The latest corrections, from which the user's own weights are learned.
_LESSONS = 100


class Clustered(NamedTuple):
    """What came of clustering."""

    stories: frozenset[int]
    """The ids of the stories that are new or changed."""
    bugs: Sequence[Exception]
    """What nobody expected, for the caller to raise once everything else is done."""


async def cluster_entries(config: Config, store: Store, *, now: datetime) -> Clustered:
    """Put sure entries that have no story into open stories or new ones.

    What is left to do is read from the store, so a poll that was cut off is completed by the next one. Each
    step is a transaction of its own, and decides in a thread. An entry over which clustering fails gets a
    story of its own.
    """
    run = _Run(config, store, now)
    for _ in range(_STEPS):
        work = run.read()
        if work is None:
            break
        decided = await _in_thread(work.decide)
        past = run.read_past(work, decided)
        run.write(work, await _in_thread(partial(work.link, decided, past)))
        del work  # before the next is read: at 1,000 feeds both took 60 MB
    return Clustered(frozenset(run.saved), run.bugs)


def cluster_entries_blocking(config: Config, store: Store, *, now: datetime) -> frozenset[int]:
    """Do the same for callers without an event loop; return the ids of the new or changed stories.

    What nobody expected is raised once every entry has its story.
    """
    clustered = asyncio.run(cluster_entries(config, store, now=now))
    raise_unexpected("clustering", clustered.bugs)
    return clustered.stories


async def _in_thread(decide: Callable[[Callable[[], None]], _Decision]) -> _Decision:
    """Decide in a thread, which ends soon after nobody waits for it any more: the service has ten seconds."""
    unwanted = threading.Event()

    def step() -> None:
        if unwanted.is_set():
            raise asyncio.CancelledError

    try:
        return await asyncio.to_thread(decide, step)
    finally:
        unwanted.set()


def refresh_stories(config: Config, store: Store, stories: Iterable[int]) -> tuple[Story, ...]:
    """Choose everything again that follows from a story's entries; return the stories by id.

    Their entries come without content and evidence.
    """
    feeds = {feed.url: feed for feed in config.feeds}
    found = store.stories.get_many(stories, whole=False)
    return store.stories.save([cluster.with_summary(story, feeds, config.cluster) for story in found])


class _Decision(NamedTuple):
    """What comes of a step."""

    stories: tuple[Story, ...]
    """New or changed."""
    vectors: Mapping[int, bytes]
    """Made on the way, by entry id."""
    bugs: Sequence[Exception] = ()
    """What nobody expected."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Work:
    """One step, as read: what `assign` needs."""

    config: Config
    new: Sequence[Entry]
    opened: Sequence[Story]
    counts: TermCounts
    corrections: tuple[Correction, ...]
    corrected: Mapping[int, Entry]
    encoder: cluster.Encoder | None
    vectors: Mapping[int, bytes]

    def decide(self, step: Callable[[], None]) -> _Decision:
        """Put each new entry into a story; touches no database. `step` may end it, see `cluster.assign`.

        A new entry over which that fails by a bug of ours stands alone, and an open story over which it does
        is left as it is: one link that could not be taken apart kept all later news from its digest.
        """
        try:
            return self.assigned(step)
        except Exception:  # noqa: BLE001 - see above; what is nobody's own is raised again below
            alone = culprits(self.new, lambda some: replace(self, new=some, opened=()).assigned(step))
            sound = replace(self, new=_without(self.new, alone))
            left = culprits(self.opened, lambda some: replace(sound, opened=some).assigned(step))
            found = replace(sound, opened=_without(self.opened, left)).assigned(step)
        stories = (*found.stories, *(_lone(entry, bug) for entry, bug in alone))
        return _Decision(stories, found.vectors, [bug for _, bug in (*alone, *left)])

    def assigned(self, step: Callable[[], None]) -> _Decision:
        """Decide, and raise whatever is met."""
        present = [*self.new, *(entry for story in self.opened for entry in story.entries)]
        fresh = self.encoder.vectors(present, self.vectors, step) if self.encoder else {}
        stories = cluster.assign(
            self.new,
            self.opened,
            self.counts,
            {feed.url: feed for feed in self.config.feeds},
            self.config.cluster,
            vectors={**self.vectors, **fresh},
            corrections=self.corrections,
            corrected=self.corrected,
            step=step,
        )
        return _Decision(stories, fresh)

    def link(self, decided: _Decision, past: Sequence[PastStory], step: Callable[[], None]) -> _Decision:
        """Find the affairs of stories that were decided on; one over which that fails is linked to none."""
        known = [*past, *map(PastStory.of, self.opened)]

        def linked(some: Sequence[Story]) -> tuple[Story, ...]:
            return cluster.linked(some, known, self.counts, self.config.cluster, step=step)

        try:
            return decided._replace(stories=linked(decided.stories))
        except Exception:  # noqa: BLE001 - as in `decide`
            left = culprits(decided.stories, linked)
        stories = (*linked(_without(decided.stories, left)), *(story for story, _ in left))
        return decided._replace(stories=stories, bugs=[*decided.bugs, *(bug for _, bug in left)])


def _without(those: Sequence[T], found: Sequence[tuple[T, Exception]]) -> Sequence[T]:
    """Return those that are not among the culprits that were found."""
    # By identity: to compare entries and stories field by field may be what fails.
    ids = {id(one) for one, _ in found}
    return [one for one in those if id(one) not in ids]


def _lone(entry: Entry, bug: Exception) -> Story:
    """Return a story of one entry, made of nothing but what it says itself."""
    return Story(
        entries=(entry,),
        joins=(Join(entry=entry.id, similarity=1.0, reason=f"stands alone: {place_of(bug)}"),),
        title=entry.title,
        summary=entry.summary,
        lead=entry.id,
        themes=entry.tagging.themes,
        beats=entry.tagging.beats,
        first_seen=entry.first_seen,
        last_seen=entry.first_seen,
    )


class _Run:
    """The reading and writing halves of a run of several steps, and what they have come to so far."""

    def __init__(self, config: Config, store: Store, now: datetime) -> None:
        self._config = config
        self._store = store
        self._now = now
        self.saved = set[int]()
        self.bugs = list[Exception]()

    def read(self) -> _Work | None:
        """Read what the next step takes; None when every sure entry has its story."""
        return self._readable(lambda: _read_all(self._config, self._store, self._now))

    def read_past(self, work: _Work, decided: _Decision) -> tuple[PastStory, ...]:
        """Read the earlier stories whose affairs the stories that were decided on may continue."""
        if not decided.stories:
            return ()
        sought = cluster.earlier(decided.stories, work.counts)
        since = self._now - self._config.cluster.related_for
        return self._readable(lambda: self._store.stories.past(since, sought))

    def _readable(self, read: Callable[[], T]) -> T:
        """Read, leaving out what cannot be read: such an entry waits, and such a story stays as it is."""
        found, faults = self._store.without_culprits(lambda faults: (read(), faults))
        # Each step meets the same ones again.
        self.bugs += (one.bug for one in faults if str(one.bug) not in map(str, self.bugs))
        return found

    def write(self, work: _Work, decided: _Decision) -> None:
        """Save what was decided; save nothing, for a new try, when what it was decided on has changed."""
        self.bugs += decided.bugs
        before = {
            entry.id: entry.story for story in decided.stories for entry in story.entries if entry.story
        }
        store = self._store
        with store.transaction():
            present = store.entries.ids_without_story()
            changed = [
                number for story in decided.stories for number in (story.id, *story.absorbed) if number
            ]
            held = store.stories.members(changed)
            # No lock is held while it is decided: a mark, a merge or another process may have come between.
            # Two stories that are to become one may be one by now.
            if not {entry.id for entry in work.new} <= present or before != held:
                return
            if work.encoder:
                store.terms.save_vectors(work.encoder.name, decided.vectors)
            self.saved |= {story.id for story in store.stories.save(decided.stories)}


def _read_all(config: Config, store: Store, now: datetime) -> _Work | None:
    new = store.entries.without_story(_STEP)
    if not new:
        return None
    _catch_up(config, store)
    store.terms.add({entry.id: _terms(entry) for entry in new})
    with store.snapshot():
        # What comes late joins the story that was open on its day.
        since = max(now - _LATEST, min((now, *(entry.published for entry in new if not entry.backlog))))
        opened = store.stories.open(since - config.cluster.open_for)
        present = [*new, *(entry for story in opened for entry in story.entries)]
        corrections = store.corrections.listing()
        # Of each correction the latest entries speak for it; all of a large story would cost what a merge of
        # it did.
        taught = {n for c in corrections[-_LESSONS:] for n in (*c.entries[-3:], *c.others[-3:])}
        corrected = (
            {entry.id: entry for entry in store.entries.get_many(taught, whole=False)} if taught else {}
        )
        terms = frozenset[str]().union(*map(_terms, [*present, *corrected.values()]))
        encoder = cluster.Encoder() if config.cluster.semantic and cluster.Encoder.available() else None
        return _Work(
            config=config,
            new=new,
            opened=opened,
            counts=store.terms.counts(terms),
            corrections=corrections,
            corrected=corrected,
            encoder=encoder,
            vectors=store.terms.vectors(encoder.name, [e.id for e in present]) if encoder else {},
        )


def _catch_up(config: Config, store: Store) -> None:
    """Bring a database of an earlier version up to date, a part at a time: its counts, its stories' kinds."""
    if uncounted := store.terms.uncounted(_COUNT_AT_ONCE):
        found = store.entries.get_many(uncounted, whole=False)
        store.terms.add({entry.id: _terms(entry) for entry in found})
    if old := store.stories.without_kind(_REFRESH_AT_ONCE):
        # One over which that fails stays as it is, and is tried again.
        culprits([story.id for story in old], partial(refresh_stories, config, store))


def _terms(entry: Entry) -> frozenset[str]:
    """Return an entry's terms; none where a bug of ours is in the way, which deciding meets again."""
    try:
        return cluster.terms(entry)
    except Exception:  # noqa: BLE001 - `_Work.decide` sets the entry apart and names the bug
        return frozenset()
