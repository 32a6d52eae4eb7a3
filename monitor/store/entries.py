"""Entries with their taggings: what is known, what is relevant, and full-text search."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from monitor.store.connection import id_list
from monitor.store.feeds import address
from monitor.store.marks import Marks
from monitor.store.rows import (
    entry_row,
    evidence_row,
    instant,
    maybe_stamp,
    row_entry,
    row_evidence,
    row_tagging,
    search_words,
    stamp,
    tagging_row,
)
from monitor.text import fold

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from datetime import datetime

    from monitor.models import Entry, Evidence, Tagging, Window
    from monitor.store.connection import Connection
    from monitor.store.feeds import Feeds
    from monitor.store.rows import Row

_BATCH: Final = 500
_NEWEST: Final = 200
_TERM: Final = re.compile(r'"([^"]*)"?|([^\s"]+)')
_WORD: Final = re.compile(r"\w+")


@dataclass(frozen=True, kw_only=True, slots=True)
class KnownEntry:
    """What is needed to recognise an entry that was seen before."""

    id: int
    guid: str
    url: str
    title: str
    fingerprint: str
    """Of its text when it was last stored; "" when it was stored without one."""
    published: datetime
    first_seen: datetime


class Entries:
    """Every entry that was ever seen. One is known for ever; only the text of what never mattered may go."""

    def __init__(self, connection: Connection, feeds: Feeds) -> None:
        self._db = connection
        self._feeds = feeds
        self._marks = Marks(connection)

    def known(
        self, feed: str, *, guids: Iterable[str] = (), urls: Iterable[str] = (), newest: int = _NEWEST
    ) -> tuple[KnownEntry, ...]:
        """Return what a feed's document is compared with: its entries with one of these guids or links, and the newest."""
        wanted = {
            "feed": address(feed),
            "guids": id_list(guids),
            "urls": id_list(filter(None, urls)),
            "newest": newest,
        }
        return tuple(_known(row) for row in self._db.rows(_KNOWN, wanted))

    def add(self, entries: Sequence[Entry], fingerprint: Callable[[Entry], str]) -> tuple[Entry, ...]:
        """Store new entries with their taggings; return them with ids. One whose feed and guid are known is left out."""
        with self._db.transaction():
            ids = {feed: self._feeds.id_of(feed) for feed in {entry.feed for entry in entries}}
            fresh = self._fresh(entries, ids)
            last = self._db.value("select coalesce(max(id), 0) from entries")
            stored = [replace(entry, id=number, story=None) for number, entry in enumerate(fresh, last + 1)]
            self._db.insert(
                "entries", [_new_row(entry, ids[entry.feed], fingerprint(entry)) for entry in stored]
            )
            self._insert_tags(stored)
            self._db.insert("search", map(_search_row, stored))
            return tuple(stored)

    def _fresh(self, entries: Sequence[Entry], ids: Mapping[str, int]) -> list[Entry]:
        """Return those entries that are not stored yet, each once."""
        guids = id_list({entry.guid for entry in entries})
        seen = {
            (feed, row["guid"])
            for feed, key in ids.items()
            for row in self._db.rows(_SAME_GUIDS, [key, guids])
        }
        fresh = {(entry.feed, entry.guid): entry for entry in reversed(entries)}
        return [entry for (feed, guid), entry in reversed(fresh.items()) if (feed, guid) not in seen]

    def update(self, entries: Sequence[Entry], fingerprint: Callable[[Entry], str]) -> tuple[int, ...]:
        """Store edited entries with their new taggings; guid, first_seen, story and what was told stay.

        One that becomes relevant by the edit counts as news from `changed_at`. Returns the stories that lost
        an entry because it is relevant no longer.
        """
        with self._db.transaction():
            rows = [{"id": e.id, "fingerprint": fingerprint(e), **entry_row(e)} for e in entries]
            self._db.change_many(_EDIT, rows)
            self._db.change_many(_REINDEX, map(_search_row, entries))
            edited = {entry.id: entry.changed_at for entry in entries}
            return self._store_taggings({entry.id: entry.tagging for entry in entries}, edited)

    def set_taggings(self, taggings: Mapping[int, Tagging]) -> tuple[int, ...]:
        """Store new taggings by entry id, under the reader's corrections, which win.

        Returns the stories that lost an entry because it is relevant no longer; those left empty are gone.
        """
        with self._db.transaction():
            return self._store_taggings(taggings, {})

    def _store_taggings(
        self, taggings: Mapping[int, Tagging], edited: Mapping[int, datetime | None]
    ) -> tuple[int, ...]:
        final = self._marks.correct(taggings)
        rows = [
            {"id": key, "edited": maybe_stamp(edited.get(key)), **tagging_row(t)} for key, t in final.items()
        ]
        self._db.change_many(_RETAG, rows)
        for table in ("entry_beats", "entry_themes", "evidence"):
            self._db.change_many(f"delete from {table} where entry_id = ?", ([key] for key in final))  # noqa: S608
        self._insert_taggings(final)
        return self._leave_stories([key for key, tagging in final.items() if not tagging.relevant])

    def _insert_tags(self, entries: Sequence[Entry]) -> None:
        self._insert_taggings({entry.id: entry.tagging for entry in entries})

    def _insert_taggings(self, taggings: Mapping[int, Tagging]) -> None:
        pairs = taggings.items()
        self._db.insert("entry_beats", ({"entry_id": key, "beat": b} for key, t in pairs for b in t.beats))
        self._db.insert(
            "entry_themes", ({"entry_id": key, "theme": name} for key, t in pairs for name in t.themes)
        )
        self._db.insert("evidence", (evidence_row(key, piece) for key, t in pairs for piece in t.evidence))

    def get(self, entry: int) -> Entry | None:
        """Return an entry by its id."""
        return next(iter(self.get_many([entry])), None)

    def get_many(self, entries: Iterable[int]) -> tuple[Entry, ...]:
        """Return entries by their ids, in order of `first_seen`."""
        return self._read(
            f"{_ENTRIES} where e.id in (select value from json_each(?)) {_OLDEST}", [id_list(entries)]
        )

    def of_stories(self, stories: str) -> tuple[Entry, ...]:
        """Return the entries of stories, given as an `id_list`, in order of `first_seen`."""
        return self._read(
            f"{_ENTRIES} where e.story_id in (select value from json_each(?)) {_OLDEST}", [stories]
        )

    def find_by_url(self, url: str) -> tuple[Entry, ...]:
        """Return the entries with a canonical link, the relevant ones first."""
        return self._read(f"{_ENTRIES} where e.url = ? order by e.relevant desc, e.id", [url])

    def listing(
        self,
        *,
        everything: bool = False,
        since: datetime | None = None,
        until: datetime | None = None,
        beat: str = "",
        theme: str = "",
        feed: str = "",
        limit: int | None = None,
    ) -> tuple[Entry, ...]:
        """Return the relevant entries, or `everything`, newest first by `first_seen`; `since` is inclusive, `until` too."""
        wanted = {
            "since": maybe_stamp(since),
            "until": maybe_stamp(until),
            "beat": beat,
            "theme": theme,
            "feed": feed and address(feed),
        }
        where = " and ".join(
            [
                "1" if everything else "e.relevant = 1",
                *(clause for key, clause in _FILTERS.items() if wanted[key]),
            ]
        )
        order = "order by e.first_seen desc, e.published desc, e.id desc limit :limit"
        return self._read(
            f"{_ENTRIES} where {where} {order}", {**wanted, "limit": -1 if limit is None else limit}
        )

    def search(self, query: str, *, limit: int = 50) -> tuple[Entry, ...]:
        """Return the entries that hold every word of a query, best first. Any text is a valid query.

        "Quoted words" must stand together, a star ends the beginning of a word: `strike*`.
        """
        match = _match(query)
        if not match:
            return ()
        return self._read(_SEARCH, [match, limit])

    def iterate(self, since: datetime | None = None) -> Iterator[tuple[Entry, ...]]:
        """Give all stored entries first seen at or after `since`, in batches by id. Writing between batches is fine."""
        last, start = 0, maybe_stamp(since) or ""
        while batch := self._read(
            f"{_ENTRIES} where e.id > ? and e.first_seen >= ? order by e.id limit {_BATCH}", [last, start]
        ):
            yield batch
            last = batch[-1].id

    def near_misses(self, window: Window, limit: int = 5) -> tuple[Entry, ...]:
        """Return the entries of a window that came nearest to being relevant, best first."""
        return self._read(_NEAR, [stamp(window.start), stamp(window.end), limit])

    def counts_in(self, window: Window) -> tuple[int, int]:
        """Return how many entries were first seen in a window, and how many of them are relevant."""
        sql = "select count(*), coalesce(sum(relevant), 0) from entries where first_seen > ? and first_seen <= ?"
        row = self._db.rows(sql, [stamp(window.start), stamp(window.end)])[0]
        return int(row[0]), int(row[1])

    def purge(self, before: datetime, now: datetime) -> int:
        """Remove the text of irrelevant entries first seen before an instant, except marked ones; return how many.

        Guid, link, title, dates and fingerprint stay, so that no such entry is ever taken for a new one.
        """
        with self._db.transaction():
            rows = self._db.rows(_OLD, [stamp(before)])
            old = id_list(row["id"] for row in rows)
            self._db.change(_EMPTY, [stamp(now), old])
            for table in ("search", "evidence", "vectors"):
                self._db.change(
                    f"delete from {table} where entry_id in (select value from json_each(?))", [old]
                )  # noqa: S608
            return len(rows)

    def _leave_stories(self, entries: Sequence[int]) -> tuple[int, ...]:
        """Take entries out of their stories; return the stories concerned, as far as they still exist."""
        from monitor.store.stories import mend

        ids = id_list(entries)
        rows = self._db.rows(_STORIES_OF, [ids])
        if not rows:
            return ()
        self._db.change(
            "update entries set story_id = null where id in (select value from json_each(?))", [ids]
        )
        self._db.change("delete from joins where entry_id in (select value from json_each(?))", [ids])
        return mend(self._db, [row["story_id"] for row in rows])

    def _read(self, sql: str, parameters: Sequence[Any] | Mapping[str, Any]) -> tuple[Entry, ...]:
        rows = self._db.rows(sql, parameters)
        ids = id_list(row["id"] for row in rows)
        beats, themes = self._lists("entry_beats", "beat", ids), self._lists("entry_themes", "theme", ids)
        evidence = self._evidence(ids)
        return tuple(
            row_entry(
                row,
                self._feeds.url_of(row["feed"]),
                row_tagging(row, beats[row["id"]], themes[row["id"]], evidence[row["id"]]),
            )
            for row in rows
        )

    def _lists(self, table: str, column: str, ids: str) -> defaultdict[int, list[str]]:
        lists: defaultdict[int, list[str]] = defaultdict(list)
        for row in self._db.rows(f"select entry_id, {column} from {table} {_OF_ENTRIES}", [ids]):  # noqa: S608
            lists[row[0]].append(row[1])
        return lists

    def _evidence(self, ids: str) -> defaultdict[int, list[Evidence]]:
        lists: defaultdict[int, list[Evidence]] = defaultdict(list)
        for row in self._db.rows(f"select * from evidence {_OF_ENTRIES}", [ids]):
            lists[row["entry_id"]].append(row_evidence(row))
        return lists


def _match(query: str) -> str:
    """Return a query in FTS5's language: every word a quoted string, so that nothing in it is an operator."""
    phrases = []
    for quoted, plain in _TERM.findall(query):
        words = _WORD.findall(fold(quoted or plain))
        if words:
            phrases.append(f'"{" ".join(words)}"' + ("*" if plain.endswith("*") else ""))
    return " AND ".join(phrases)


def _known(row: Row) -> KnownEntry:
    return KnownEntry(
        id=row["id"],
        guid=row["guid"],
        url=row["url"],
        title=row["title"],
        fingerprint=row["fingerprint"],
        published=instant(row["published"]),
        first_seen=instant(row["first_seen"]),
    )


def _new_row(entry: Entry, feed_id: int, fingerprint: str) -> dict[str, Any]:
    return {
        "id": entry.id,
        "feed_id": feed_id,
        "guid": entry.guid,
        "first_seen": stamp(entry.first_seen),
        "news_at": stamp(entry.first_seen),
        "backlog": int(entry.backlog),
        "fingerprint": fingerprint,
        **entry_row(entry),
        **tagging_row(entry.tagging),
    }


def _search_row(entry: Entry) -> dict[str, Any]:
    words = search_words(entry.title, entry.summary, entry.content, entry.author, entry.outlet)
    return {"entry_id": entry.id, "words": words}


_ENTRIES: Final = "select e.*, f.url as feed from entries e join feeds f on f.id = e.feed_id"
_OLDEST: Final = "order by e.first_seen, e.id"
_OF_ENTRIES: Final = "where entry_id in (select value from json_each(?)) order by rowid"

_FILTERS: Final = {
    "since": "e.first_seen >= :since",
    "until": "e.first_seen <= :until",
    "beat": "e.id in (select entry_id from entry_beats where beat = :beat)",
    "theme": "e.id in (select entry_id from entry_themes where theme = :theme)",
    "feed": "f.url = :feed",
}

_KNOWN: Final = """
with own as (select id from feeds where url = :feed)
select id, guid, url, title, fingerprint, published, first_seen from entries where id in (
    select id from entries where feed_id = (select id from own) and guid in (select value from json_each(:guids))
    union
    select id from entries where url in (select value from json_each(:urls)) and feed_id = (select id from own)
    union
    select id from (
        select id from entries where feed_id = (select id from own) order by first_seen desc, id desc limit :newest
    )
) order by id
"""

_SAME_GUIDS: Final = "select guid from entries where feed_id = ? and guid in (select value from json_each(?))"

_EDIT: Final = """
update entries set url = :url, title = :title, summary = :summary, content = :content, author = :author,
    language = :language, outlet = :outlet, published = :published, dated = :dated, updated = :updated,
    changed_at = :changed_at, fingerprint = :fingerprint, text_removed_at = null
where id = :id
"""

_REINDEX: Final = """
insert into search (entry_id, words) values (:entry_id, :words)
on conflict (entry_id) do update set words = excluded.words where words <> excluded.words
"""

_RETAG: Final = """
update entries set score = :score, near = :near, corrected = :corrected, relevant = :relevant,
    news_at = case when relevant = 0 and :relevant = 1 then coalesce(:edited, news_at) else news_at end
where id = :id
"""

_SEARCH: Final = """
select e.*, f.url as feed
from search_fts join entries e on e.id = search_fts.rowid join feeds f on f.id = e.feed_id
where search_fts match ?
order by search_fts.rank, e.first_seen desc, e.id desc limit ?
"""

_NEAR: Final = f"""
{_ENTRIES} where e.relevant = 0 and e.near <> '' and e.corrected = 0 and e.first_seen > ? and e.first_seen <= ?
order by e.score desc, e.id limit ?
"""

_OLD: Final = """
select id from entries e
where relevant = 0 and text_removed_at is null and first_seen < ?
    and not exists (select 1 from marks where entry_id = e.id)
"""

_EMPTY: Final = """
update entries set summary = '', content = '', author = '', text_removed_at = ?
where id in (select value from json_each(?))
"""

_STORIES_OF: Final = """
select distinct story_id from entries where story_id is not null and id in (select value from json_each(?))
"""
