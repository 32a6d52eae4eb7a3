"""Stories: entries on one event, why they are together, and what the reader changed about that."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from itertools import product
from typing import TYPE_CHECKING, Any, Final

from monitor.errors import StoreError
from monitor.models import Join, Story
from monitor.store.connection import id_list
from monitor.store.rows import instant, maybe_stamp, name_list, names, row_join, stamp

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from monitor.models import Entry, Window
    from monitor.store.connection import Connection
    from monitor.store.entries import Entries
    from monitor.store.rows import Row


@dataclass(frozen=True, kw_only=True, slots=True)
class Correction:
    """The reader's word on two entries: they tell of one event, or they do not."""

    entry: int
    other: int
    together: bool
    made_at: datetime


class Stories:
    """The stories. A story that was merged into another is still found under its old id."""

    def __init__(self, connection: Connection, entries: Entries) -> None:
        self._db = connection
        self._entries = entries

    def open(self, since: datetime) -> tuple[Story, ...]:
        """Return the stories whose latest entry was first seen at or after `since`, by id: new entries may join them."""
        return self._read("select * from stories where last_seen >= ? order by id", [stamp(since)])

    def get(self, story: int) -> Story | None:
        """Return a story by its id, or by an id that it took over in a merge."""
        return next(iter(self.get_many([story])), None)

    def get_many(self, stories: Iterable[int]) -> tuple[Story, ...]:
        """Return stories by their ids or former ids, by id."""
        ids = id_list({self.resolve(story) for story in stories})
        return self._read(
            "select * from stories where id in (select value from json_each(?)) order by id", [ids]
        )

    def resolve(self, story: int) -> int:
        """Return the present id of a story that may have been merged into another."""
        return int(self._db.value("select story_id from story_aliases where old_id = ?", [story]) or story)

    def listing(self, *, since: datetime | None = None, limit: int | None = None) -> tuple[Story, ...]:
        """Return the stories with an entry first seen at or after `since`, latest first."""
        sql = "select * from stories where last_seen >= ? order by last_seen desc, id desc limit ?"
        return self._read(sql, [maybe_stamp(since) or "", -1 if limit is None else limit])

    def with_news(self, window: Window, *, told: bool = False) -> tuple[Story, ...]:
        """Return the stories with relevant entries that are news in a window, by id, each with all of its entries.

        News is what no digest has told (`told`: or has), was no backlog, and was first seen in the window or
        became relevant in it by an edit.
        """
        return self._read(_WITH_NEWS, [stamp(window.start), stamp(window.end), int(told)])

    def news(self, window: Window, *, told: bool = False) -> tuple[int, ...]:
        """Return the ids of the entries that are news in a window, by id; see `with_news`."""
        rows = self._db.rows(
            f"select id from entries e where {_IS_NEWS} order by id",
            [stamp(window.start), stamp(window.end), int(told)],
        )  # noqa: S608
        return tuple(row["id"] for row in rows)

    def told(self, stories: Iterable[int]) -> frozenset[int]:
        """Return those of these stories that a digest has told of."""
        sql = "select distinct story_id from entries where told_in is not null and story_id in (select value from json_each(?))"
        return frozenset(row[0] for row in self._db.rows(sql, [id_list(stories)]))

    def save(self, stories: Sequence[Story]) -> tuple[Story, ...]:
        """Store new and changed stories with joins and links; return them with ids, their entries knowing their story."""
        with self._db.transaction():
            return tuple(map(self._save, stories))

    def _save(self, story: Story) -> Story:
        number = self._save_row(story)
        entries = id_list(entry.id for entry in story.entries)
        left = self._db.rows(_LEFT, [entries, number])
        self._db.change(_MOVE, [number, entries, number])
        self._db.change_many(_JOIN, map(_join_row, story.joins))
        self._relate(number, story.related)
        mend(self._db, [row[0] for row in left])
        return replace(
            story, id=number, entries=tuple(replace(entry, story=number) for entry in story.entries)
        )

    def _save_row(self, story: Story) -> int:
        row = _story_row(story)
        if story.id:
            if not self._db.change(_UPDATE_STORY, {"id": story.id, **row}):
                raise StoreError(f"there is no story {story.id}")
            return story.id
        self._db.insert("stories", [row])
        return int(self._db.value("select last_insert_rowid()"))

    def _relate(self, story: int, others: Iterable[int]) -> None:
        present = {self.resolve(other) for other in others} - {story}
        sql = "insert or ignore into related_stories select ?, ? where exists (select 1 from stories where id = ?)"
        self._db.change_many(
            sql, [(min(story, other), max(story, other), other) for other in sorted(present)]
        )

    def merge(self, story: int, other: int, now: datetime) -> Story:
        """Put the entries of `other` into `story`, for good; `other` remains an address of it.

        Title, lead and sources are those of `story`: choose them anew and save. Raises StoreError when there is
        no such story, or they are one.
        """
        with self._db.transaction():
            into, gone = self._require(story), self._require(other)
            if into.id == gone.id:
                raise StoreError(f"story {story} and story {other} are one story already")
            reason = f"merged with story {gone.id} by hand"
            self._move(gone.entries, into.id, reason)
            self._pin(into.entries)
            self._correct(into.entries, gone.entries, together=True, now=now)
            self._take_over(gone.id, into.id)
            mend(self._db, [into.id])
            return self._require(into.id)

    def split(self, story: int, entries: Iterable[int], now: datetime) -> tuple[Story, Story]:
        """Take entries out of a story into one of their own, for good; return what remains and the new one.

        The two are linked as related. Raises StoreError unless the entries are some, but not all, of the story's.
        """
        with self._db.transaction():
            whole = self._require(story)
            wanted = set(entries)
            out = tuple(entry for entry in whole.entries if entry.id in wanted)
            rest = tuple(entry for entry in whole.entries if entry.id not in wanted)
            if not rest or len(out) != len(wanted) or not out:
                raise StoreError(
                    f"split needs some entries of story {whole.id}, but not all: {sorted(wanted)}"
                )
            number = self._save_row(replace(whole, id=0, lead=0))
            self._move(out, number, f"split from story {whole.id} by hand")
            self._pin(rest)
            self._correct(rest, out, together=False, now=now)
            mend(self._db, [whole.id, number])
            self._relate(whole.id, [number])
            return self._require(whole.id), self._require(number)

    def corrections(self) -> tuple[Correction, ...]:
        """Return what merges and splits have said of pairs of entries, in the order in which it was said."""
        rows = self._db.rows("select * from story_corrections order by made_at, entry_id, other_id")
        return tuple(
            Correction(
                entry=row["entry_id"],
                other=row["other_id"],
                together=bool(row["together"]),
                made_at=instant(row["made_at"]),
            )
            for row in rows
        )

    def _require(self, story: int) -> Story:
        found = self.get(story)
        if found is None:
            raise StoreError(f"there is no story {story}")
        return found

    def _move(self, entries: Sequence[Entry], story: int, reason: str) -> None:
        ids = [entry.id for entry in entries]
        self._db.change(
            "update entries set story_id = ? where id in (select value from json_each(?))",
            [story, id_list(ids)],
        )
        joins = (Join(entry=entry, similarity=1.0, reason=reason, pinned=True) for entry in ids)
        self._db.change_many(_JOIN, map(_join_row, joins))

    def _pin(self, entries: Sequence[Entry]) -> None:
        ids = id_list(entry.id for entry in entries)
        self._db.change(
            "update joins set pinned = 1 where entry_id in (select value from json_each(?))", [ids]
        )

    def _correct(
        self, some: Sequence[Entry], others: Sequence[Entry], *, together: bool, now: datetime
    ) -> None:
        pairs = ((min(a.id, b.id), max(a.id, b.id)) for a, b in product(some, others))
        sql = "insert or replace into story_corrections values (?, ?, ?, ?)"
        self._db.change_many(sql, ((low, high, int(together), stamp(now)) for low, high in pairs))

    def _take_over(self, old: int, new: int) -> None:
        """Give everything that refers to a merged story to the one that remains."""
        related = [row[0] for row in self._db.rows(_RELATED_TO, [old, old])]
        self._db.change("update story_aliases set story_id = ? where story_id = ?", [new, old])
        self._db.change(
            "insert or ignore into alerts select ?, made_at from alerts where story_id = ?", [new, old]
        )
        self._db.change("delete from stories where id = ?", [old])
        self._db.change("insert into story_aliases values (?, ?)", [old, new])
        self._relate(new, related)

    def _read(self, sql: str, parameters: Sequence[Any]) -> tuple[Story, ...]:
        rows = self._db.rows(sql, parameters)
        ids = id_list(row["id"] for row in rows)
        entries = defaultdict(list)
        for entry in self._entries.of_stories(ids):
            entries[entry.story].append(entry)
        joins = {row["entry_id"]: row_join(row) for row in self._db.rows(_JOINS, [ids])}
        related = self._related(ids)
        return tuple(_story(row, entries[row["id"]], joins, related[row["id"]]) for row in rows)

    def _related(self, ids: str) -> defaultdict[int, list[int]]:
        related: defaultdict[int, list[int]] = defaultdict(list)
        for one, other in self._db.rows(_RELATED, [ids, ids]):
            related[one].append(other)
        return related


def mend(db: Connection, stories: Iterable[int]) -> tuple[int, ...]:
    """Make stories that lost or won entries whole again; return those that still exist.

    An empty one goes; one without its lead takes its earliest entry's title and summary, verbatim.
    """
    ids = id_list(set(stories))
    db.change(
        f"delete from stories where {_AMONG} and not exists (select 1 from entries where story_id = stories.id)",
        [ids],
    )  # noqa: S608
    db.change(f"update stories set {_SPAN} where {_AMONG}", [ids])  # noqa: S608
    db.change(f"update stories set {_NEW_LEAD} where {_AMONG} and {_LEADLESS}", [ids])  # noqa: S608
    return tuple(row[0] for row in db.rows(f"select id from stories where {_AMONG} order by id", [ids]))  # noqa: S608


def _story(row: Row, entries: Sequence[Entry], joins: dict[int, Join], related: Sequence[int]) -> Story:
    return Story(
        id=row["id"],
        entries=tuple(entries),
        joins=tuple(joins.get(e.id) or Join(entry=e.id, similarity=1.0, reason="") for e in entries),
        title=row["title"],
        summary=row["summary"],
        lead=row["lead_id"] or 0,
        beats=name_list(row["beats"]),
        themes=name_list(row["themes"]),
        first_seen=instant(row["first_seen"]),
        last_seen=instant(row["last_seen"]),
        sources=row["sources"],
        related=tuple(related),
    )


def _story_row(story: Story) -> dict[str, Any]:
    return {
        "title": story.title,
        "summary": story.summary,
        "lead_id": story.lead or None,
        "beats": names(story.beats),
        "themes": names(story.themes),
        "first_seen": stamp(story.first_seen),
        "last_seen": stamp(story.last_seen),
        "sources": story.sources,
    }


def _join_row(join: Join) -> dict[str, Any]:
    return {
        "entry": join.entry,
        "similarity": join.similarity,
        "reason": join.reason,
        "runner_up": join.runner_up,
        "runner_up_similarity": join.runner_up_similarity,
        "pinned": int(join.pinned),
    }


_IS_NEWS: Final = """
e.relevant = 1 and e.backlog = 0 and e.news_at > ? and e.news_at <= ? and (e.told_in is null or ?)
"""

_WITH_NEWS: Final = f"""
select * from stories where id in (select e.story_id from entries e where {_IS_NEWS}) order by id
"""

_UPDATE_STORY: Final = """
update stories set title = :title, summary = :summary, lead_id = :lead_id, beats = :beats, themes = :themes,
    first_seen = :first_seen, last_seen = :last_seen, sources = :sources
where id = :id
"""

_LEFT: Final = """
select distinct story_id from entries
where id in (select value from json_each(?)) and story_id is not null and story_id <> ?
"""

_MOVE: Final = """
update entries set story_id = ? where id in (select value from json_each(?)) and story_id is not ?
"""

_JOIN: Final = """
insert into joins (entry_id, similarity, reason, runner_up, runner_up_similarity, pinned)
values (:entry, :similarity, :reason, :runner_up, :runner_up_similarity, :pinned)
on conflict (entry_id) do update set similarity = excluded.similarity, reason = excluded.reason,
    runner_up = excluded.runner_up, runner_up_similarity = excluded.runner_up_similarity,
    pinned = max(pinned, excluded.pinned)
"""

_JOINS: Final = """
select j.* from joins j join entries e on e.id = j.entry_id
where e.story_id in (select value from json_each(?))
"""

_RELATED: Final = """
select story_id, related_id from related_stories where story_id in (select value from json_each(?))
union
select related_id, story_id from related_stories where related_id in (select value from json_each(?))
order by 1, 2
"""

_RELATED_TO: Final = """
select related_id from related_stories where story_id = ?
union
select story_id from related_stories where related_id = ?
"""

_AMONG: Final = "id in (select value from json_each(?))"
_OWN: Final = "from entries where story_id = stories.id"
_LEADLESS: Final = f"not exists (select 1 {_OWN} and id = stories.lead_id)"
_SPAN: Final = f"""
first_seen = (select min(first_seen) {_OWN}), last_seen = (select max(first_seen) {_OWN}),
sources = min(sources, (select count(*) {_OWN}))
"""
_NEW_LEAD: Final = f"""
(lead_id, title, summary) = (select id, title, summary {_OWN} order by first_seen, id limit 1)
"""
