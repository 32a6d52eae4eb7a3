"""Stories: entries on one event, and why they are together. Changes by the user are in `corrections.py`."""
# ruff: noqa: S608  (SQL is put together from this package's own constants; values are always parameters)

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from monitor.errors import StoreError
from monitor.models import Join, PastStory, Story
from monitor.store.connection import ANY_OF, listed
from monitor.store.membership import join, lead_on
from monitor.store.values import format_utc, maybe_format_utc, name_list, names, parse_utc

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from monitor.models import Entry, Sought, Window
    from monitor.store.connection import Connection, Parameters, Row
    from monitor.store.entries import Entries
    from monitor.store.scope import Scope


class _Steps(NamedTuple):
    """The steps of its affair before and after a story."""

    before: int | None = None
    after: int | None = None


class Stories:
    """The stories, by their present or former ids; unless `whole`, without content and evidence."""

    def __init__(self, connection: Connection, entries: Entries, scope: Scope) -> None:
        self._db = connection
        self._entries = entries
        self._scope = scope

    def open(self, since: datetime) -> tuple[Story, ...]:
        """Return the stories that had an entry at or after `since`, not whole, by id: news may join them."""
        return self._read(f"where last_seen >= ? {_BY_ID}", [format_utc(since)], whole=False)

    def members(self, stories: Iterable[int]) -> dict[int, int]:
        """Return the ids of the entries of stories, each with the id of its story."""
        rows = self._db.rows(f"select id, story_id from entries where story_id {ANY_OF}", [listed(stories)])
        return {row["id"]: row["story_id"] for row in rows}

    def listing(
        self, *, since: datetime | None = None, theme: str = "", limit: int | None = None
    ) -> tuple[Story, ...]:
        """Return the stories (of a theme) with an entry first seen at or after `since`, latest first.

        They are not whole.
        """
        rest = f"where {_LISTED} order by last_seen desc, id desc limit :limit"
        wanted = {**_narrowed(since, theme), "limit": -1 if limit is None else limit}
        return self._read(rest, wanted, whole=False)

    def count(self, *, since: datetime | None = None, theme: str = "") -> int:
        """Return how many stories `listing` has without a limit."""
        return int(self._db.value(f"select count(*) from stories where {_LISTED}", _narrowed(since, theme)))

    def get(self, story: int) -> Story | None:
        """Return a story by its id, or by that of one merged into it."""
        return next(iter(self.get_many([story])), None)

    def get_many(self, stories: Iterable[int], *, whole: bool = True) -> tuple[Story, ...]:
        """Return stories by their ids, or by those of stories merged into them, each once, by id."""
        wanted = listed(stories)
        return self._read(_PRESENT, {"stories": wanted}, whole=whole)

    def past(self, since: datetime, sought: Sought) -> tuple[PastStory, ...]:
        """Return what is sought of the stories with an entry at or after `since`, by id."""
        wanted = {
            "since": format_utc(since),
            "recent": format_utc(sought.since),
            "names": listed(sought.names),
            "stories": listed(sought.stories),
        }
        rows = self._scope.seen("s", self._db.rows(_PAST, wanted))
        return tuple(
            PastStory(
                id=row["id"],
                names=frozenset(name_list(row["names"])),
                last_seen=parse_utc(row["last_seen"]),
                sources=row["sources"],
                kind=row["kind"] or "",
                affair=row["affair_id"],
            )
            for row in rows
        )

    def affair(self, affair: int) -> tuple[Story, ...]:
        """Return the steps of an affair, in order of time, not whole."""
        found = self._read("where affair_id = ? order by first_seen, id", [affair], whole=False)
        return tuple(sorted(found, key=lambda story: (story.first_seen, story.id)))

    def in_doubt(self, since: datetime | None = None, *, rival: float = 1.1) -> tuple[Story, ...]:
        """Return the stories with a join in doubt that the user has not confirmed, latest first.

        That is a doubtful one, or one whose second best story is as similar as `rival` or more.
        """
        wanted = {"since": maybe_format_utc(since) or "", "rival": rival}
        rest = f"where id in ({_IN_DOUBT}) and last_seen >= :since order by last_seen desc, id desc"
        return self._read(rest, wanted)

    def without_kind(self, limit: int) -> tuple[Story, ...]:
        """Return so many of the latest stories of a version that did not know what kinds of event are."""
        rest = "indexed by stories_without_kind where kind is null order by id desc limit ?"
        return self._read(rest, [limit], whole=False)

    def resolve(self, story: int) -> int:
        """Return the present id of a story that may have been merged into another."""
        return int(self._db.value("select story_id from story_aliases where old_id = ?", [story]) or story)

    def with_news(self, window: Window, *, reported: bool = False) -> tuple[Story, ...]:
        """Return the stories with news for a window, by id, each with all of its entries; see `news`."""
        rest = f"where id in (select story_id from entries {_NEWS[reported]}) order by id"
        return self._read(rest, _span_of(window))

    def news(self, window: Window, *, reported: bool = False) -> frozenset[int]:
        """Return the ids of the entries that are news for a window. Nothing else decides this.

        News is what is relevant and no backlog, was seen (or became relevant) before the window's end, and
        was reported by no digest. If something kept an entry out of an earlier window, it is reported now.
        With `reported`, for looking back: what was seen or became relevant within the window, in any case.
        """
        rows = self._db.rows(f"select id from entries {_NEWS[reported]}", _span_of(window))
        return frozenset(row["id"] for row in rows)

    def reported(self, stories: Iterable[int], *, until: datetime | None = None) -> frozenset[int]:
        """Return the ids of the entries of stories that digests reported; to look back, `until` a time."""
        wanted = [listed(stories), maybe_format_utc(until)]
        rows = self._db.rows(f"select id from entries where {_REPORTED}", wanted)
        return frozenset(row["id"] for row in rows)

    def save(self, stories: Sequence[Story]) -> tuple[Story, ...]:
        """Store new and changed stories; return them with ids, and with entries that know their story.

        Links to related stories are only added, never removed. The numbers of stories that one has absorbed
        lead to it from then on. Raises StoreError for an unknown id.
        """
        with self._db.transaction():
            numbers = [self._save_row(story) for story in stories]
            # After all rows: one that is saved later would go back to an affair that has become another's.
            for number, story in zip(numbers, stories, strict=True):
                for gone in story.absorbed:
                    self.absorb(gone, number)
            return tuple(map(self._save, numbers, stories))

    def _save(self, number: int, story: Story) -> Story:
        join(self._db, number, [entry.id for entry in story.entries], story.joins)
        self.relate(number, story.related)
        if story.affair is not None:
            self._db.change(_FOUND_AFFAIR, [story.affair, story.affair])
        entries = tuple(replace(entry, story=number) for entry in story.entries)
        return replace(story, id=number, entries=entries, absorbed=())

    def _save_row(self, story: Story) -> int:
        row, number = _row(story), story.id
        if not number:
            self._db.insert("stories", [row])
            number = int(self._db.value("select last_insert_rowid()"))
        elif not self._db.change(_UPDATE, {"id": number, **row}):
            raise StoreError(f"there is no story s{number}")
        self._db.change("delete from story_names where story_id = ?", [number])
        self._db.change_many("insert into story_names values (?, ?)", [(n, number) for n in {*story.names}])
        return number

    def begin(self, like: Story) -> int:
        """Make a new story like another one, but without entries; return its id."""
        return self._save_row(replace(like, id=0, lead=0))

    def absorb(self, gone: int, story: int) -> None:
        """Let a story take the place of another one, whose entries are about to join it.

        The other's number leads to it. It counts as alerted of if either was, and is related to what either
        was. Two affairs with one step in common are one.
        """
        lead_on(self._db, gone, story)
        self._db.change(_ALERTED_TOO, [story, gone])
        own, other = (
            self._db.value("select affair_id from stories where id = ?", [number]) for number in (story, gone)
        )
        if other is not None:
            self._db.change(_ONE_AFFAIR, [own or other, story, other])
        self.relate(story, (related for _, related in self._db.rows(_RELATED, [listed([gone])] * 2)))

    def relate(self, story: int, others: Iterable[int]) -> None:
        """Link a story to others permanently."""
        # A related story may have been merged into another since it was read.
        present = {self.resolve(other) for other in others} - {story}
        pairs = [(min(story, other), max(story, other), other) for other in sorted(present)]
        self._db.change_many(_RELATE, pairs)

    def _read(self, rest: str, parameters: Parameters, *, whole: bool = True) -> tuple[Story, ...]:
        with self._db.snapshot():
            rows = self._scope.seen("s", self._db.rows(f"select * from stories {rest}", parameters))
            ids = [row["id"] for row in rows]
            entries = defaultdict(list)
            for entry in self._entries.of_stories(ids, whole=whole):
                entries[entry.story].append(entry)
            joins = {row["entry_id"]: _join(row) for row in self._db.rows(_JOINS, [listed(ids)])}
            related = defaultdict(list)
            for story, other in self._db.rows(_RELATED, [listed(ids)] * 2):
                related[story].append(other)
            steps = self._steps(row["affair_id"] for row in rows)
        return tuple(
            _story(row, entries[row["id"]], joins, related[row["id"]], steps.get(row["id"], _Steps()))
            for row in rows
        )

    def _steps(self, affairs: Iterable[int | None]) -> dict[int, _Steps]:
        """Return what stands before and after each story of some affairs."""
        wanted = listed({affair for affair in affairs if affair is not None})
        rows = self._db.rows(
            f"select id, affair_id from stories where affair_id {ANY_OF} order by affair_id, first_seen, id",
            [wanted],
        )
        found: dict[int, _Steps] = {}
        for _, steps in groupby(rows, key=itemgetter("affair_id")):
            ids = [row["id"] for row in steps]
            around = zip([None, *ids], ids, [*ids[1:], None], strict=False)
            found.update({story: _Steps(before, after) for before, story, after in around})
        return found


def _narrowed(since: datetime | None, theme: str) -> dict[str, Any]:
    return {"since": maybe_format_utc(since) or "", "theme": theme}


def _span_of(window: Window) -> dict[str, Any]:
    return {"start": format_utc(window.start), "end": format_utc(window.end)}


def _story(
    row: Row,
    entries: Sequence[Entry],
    joins: Mapping[int, Join],
    related: Sequence[int],
    steps: _Steps,
) -> Story:
    return Story(
        id=row["id"],
        entries=tuple(entries),
        joins=tuple(joins.get(e.id) or Join(entry=e.id, similarity=1.0, reason="") for e in entries),
        title=row["title"],
        summary=row["summary"],
        lead=row["lead_id"] or 0,
        beats=name_list(row["beats"]),
        themes=name_list(row["themes"]),
        first_seen=parse_utc(row["first_seen"]),
        last_seen=parse_utc(row["last_seen"]),
        sources=row["sources"],
        names=name_list(row["names"]),
        related=tuple(related),
        first_title=row["first_title"],
        kind=row["kind"] or "",
        parties=name_list(row["parties"]),
        affair=row["affair_id"],
        before=steps.before,
        after=steps.after,
    )


def _row(story: Story) -> dict[str, Any]:
    return {
        "title": story.title,
        "summary": story.summary,
        "lead_id": story.lead or None,
        "beats": names(story.beats),
        "themes": names(story.themes),
        "first_seen": format_utc(story.first_seen),
        "last_seen": format_utc(story.last_seen),
        "sources": story.sources,
        "names": names(story.names),
        "first_title": story.first_title,
        "kind": story.kind,
        "parties": names(story.parties),
        "affair_id": story.affair,
    }


def _join(row: Row) -> Join:
    return Join(
        entry=row["entry_id"],
        similarity=row["similarity"],
        reason=row["reason"],
        runner_up=row["runner_up"],
        runner_up_similarity=row["runner_up_similarity"],
        pinned=bool(row["pinned"]),
        doubtful=bool(row["doubtful"]),
        copy_of=row["copy_of"],
    )


# With the plus, SQLite looks up the few by their date instead of reading all stories in the order of their
# ids.
_BY_ID: Final = "order by +id"

# A merged story no longer has a row, but leads to the one that has.
_PRESENT: Final = """
where id in (
    select coalesce(a.story_id, asked.value)
    from json_each(:stories) as asked left join story_aliases a on a.old_id = asked.value
) order by id
"""

# By three indexes; before, the stories of one and a half years were read and searched in each poll. With the
# plus, SQLite goes by the ids, as in `_BY_ID`.
_PAST: Final = f"""
with near as (
    select id, affair_id from stories where +last_seen >= :since and id in (
        select id from stories where last_seen >= :recent
        union select story_id from story_names where name in (select value from json_each(:names))
        union select value from json_each(:stories)
    )
)
select id, title, names, last_seen, sources, kind, affair_id from stories
where +last_seen >= :since and id in (
    select id from near
    union select affair_id from near
    union select id from stories where affair_id in (select coalesce(affair_id, id) from near)
)
{_BY_ID}
"""
_REPORTED: Final = f"reported_in is not null and story_id {ANY_OF} and coalesce(news_at <= ?, true)"

_LISTED: Final = """
last_seen >= :since and (:theme = '' or exists (select 1 from json_each(themes) where value = :theme))
"""

# News that was not reported yet has no lower bound, since an outage or a poll under way may have kept it out
# of its own window. Two clauses for two indexes: a single clause read three years of news, 50 ms each time,
# and so did SQLite by its own choice (see `connection`).
_NEWS: Final = {
    False: (
        "indexed by entries_unreported"
        " where relevant = 1 and backlog = 0 and reported_in is null and news_at <= :end"
    ),
    True: "where relevant = 1 and backlog = 0 and news_at > :start and news_at <= :end",
}

_UPDATE: Final = """
update stories set title = :title, summary = :summary, lead_id = :lead_id, beats = :beats, themes = :themes,
    first_seen = :first_seen, last_seen = :last_seen, sources = :sources, names = :names,
    first_title = :first_title, kind = :kind, parties = :parties, affair_id = :affair_id
where id = :id
"""

_RELATE: Final = """
insert or ignore into related_stories (story_id, related_id)
select ?, ? where exists (select 1 from stories where id = ?)
"""

# The first step gets its affair when the second one comes.
_FOUND_AFFAIR: Final = "update stories set affair_id = ? where id = ? and affair_id is null"

# Otherwise there would be a second alert for it, under the other number.
_ALERTED_TOO: Final = """
insert or ignore into alerts (story_id, made_at) select ?, made_at from alerts where story_id = ?
"""

_ONE_AFFAIR: Final = "update stories set affair_id = ? where id = ? or affair_id = ?"

_IN_DOUBT: Final = """
select e.story_id from joins j indexed by joins_doubtful join entries e on e.id = j.entry_id
where j.doubtful = 1 and j.pinned = 0
union
select e.story_id from joins j join entries e on e.id = j.entry_id
left join story_aliases a on a.old_id = j.runner_up
join stories r on r.id = coalesce(a.story_id, j.runner_up)
where j.runner_up_similarity >= :rival and j.pinned = 0 and r.id <> e.story_id
"""

_JOINS: Final = f"select j.* from joins j join entries e on e.id = j.entry_id where e.story_id {ANY_OF}"

_RELATED: Final = f"""
select story_id, related_id from related_stories where story_id {ANY_OF}
union
select related_id, story_id from related_stories where related_id {ANY_OF}
order by 1, 2
"""
