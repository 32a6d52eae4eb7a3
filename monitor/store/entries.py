"""Entries: which are known, new, changed and relevant."""
# ruff: noqa: S608  (SQL is put together from this package's own constants; values are always parameters)

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, Final, TypedDict

from monitor.models import Entry, Known
from monitor.store.addresses import address
from monitor.store.connection import ANY_OF, listed
from monitor.store.search import match_expression, spellings
from monitor.store.taggings import Taggings, tagging_row
from monitor.store.values import format_utc, maybe_format_utc, maybe_parse_utc, parse_utc

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from datetime import datetime
    from typing import Unpack

    from monitor.models import Tagging, Window
    from monitor.store.connection import Connection, Parameters, Row
    from monitor.store.feeds import Feeds
    from monitor.store.scope import Scope
    from monitor.store.taggings import Marks

_BATCH: Final = 500
# A poll may outlast a digest, on a sleeping laptop by days; a larger lead comes from a wrong clock.
_LONGEST_POLL: Final = timedelta(days=2)

# How old an entry may be to become news when a mark or new themes make it relevant: a retag must not report a
# year's entries.
_NEWS_FOR: Final = timedelta(days=14)


class Narrowing(TypedDict, total=False):
    """What a list of entries may be narrowed to; empty and missing mean all."""

    since: datetime | None
    """First seen at or after it."""
    until: datetime | None
    """First seen at or before it."""
    beat: str
    theme: str
    feed: str
    language: str
    marked: bool
    """Only what the user has corrected."""


class Entries:
    """Every entry that was ever seen. Entries are kept for ever; only their texts may be removed."""

    def __init__(self, connection: Connection, feeds: Feeds, marks: Marks, scope: Scope) -> None:
        self._db = connection
        self._scope = scope
        self._feeds = feeds
        self._taggings = Taggings(connection, marks)

    def known(
        self, feed: str, *, guids: Iterable[str] = (), urls: Iterable[str] = (), newest: int = 200
    ) -> tuple[Known, ...]:
        """Return what a document is compared with: entries with its guids or links, and the feed's newest."""
        wanted = {
            "feed": self._feeds.id_of(feed),
            "guids": listed(guids),
            "urls": listed(filter(None, urls)),
            "newest": newest,
        }
        return tuple(map(_known, self._scope.seen("e", self._db.rows(_KNOWN, wanted))))

    def add(self, entries: Sequence[Entry], fingerprint: Callable[[Entry], str]) -> tuple[Entry, ...]:
        """Store new entries with their taggings; return them with ids.

        Entries whose feed and guid are known are left out. If a digest was made while the poll was under way,
        its window may already have closed over `first_seen`: such an entry counts as seen right after that
        window, so that the next digest tells it. Raises KeyError for a feed that is not followed.
        """
        with self._db.transaction():
            feeds = {feed: self._feeds.id_of(feed) for feed in {entry.feed for entry in entries}}
            # Ids are given here and not by SQLite, so that a hundred entries with their tags go into one
            # statement.
            last = self._db.value("select coalesce(max(id), 0) from entries")
            closed, fresh = self._db.value(_CLOSED), enumerate(self._unknown(entries, feeds), last + 1)
            added = tuple(
                replace(entry, id=number, story=None, first_seen=_after(closed, entry.first_seen))
                for number, entry in fresh
            )
            self._db.insert("entries", (_row(e, feeds[e.feed], fingerprint(e)) for e in added))
            for feed, new in Counter(entry.feed for entry in added).items():
                self._feeds.count(feed, new)
            self._taggings.insert({entry.id: entry.tagging for entry in added})
            return added

    def _unknown(self, entries: Sequence[Entry], feeds: Mapping[str, int]) -> list[Entry]:
        """Return the entries that are not stored yet, each once."""
        guids = listed({entry.guid for entry in entries})
        sql = f"select guid from entries where feed_id = ? and guid {ANY_OF}"
        stored = {
            (feed, row["guid"]) for feed, key in feeds.items() for row in self._db.rows(sql, [key, guids])
        }
        first = {(entry.feed, entry.guid): entry for entry in reversed(entries)}
        return [entry for entry in reversed(first.values()) if (entry.feed, entry.guid) not in stored]

    def update(self, entries: Sequence[Entry], fingerprint: Callable[[Entry], str]) -> tuple[int, ...]:
        """Store edited entries with their new taggings; guid, first_seen and what was reported of them stay.

        An entry that the edit made relevant is news from its `changed_at` on (or from behind a digest made
        meanwhile); one that is no longer relevant leaves its story. Returns the stories that lost an entry
        and still exist.
        """
        with self._db.transaction():
            rows = ({"id": e.id, "fingerprint": fingerprint(e), **_text_row(e)} for e in entries)
            self._db.change_many(_EDIT, rows)
            edited = listed(entry.id for entry in entries)
            # With the vector of its old text, an edited entry would be compared by what it no longer says.
            self._db.change(f"delete from vectors where entry_id {ANY_OF}", [edited])
            taggings = {entry.id: entry.tagging for entry in entries}
            closed = self._db.value(_CLOSED)
            at = {entry.id: entry.changed_at and _after(closed, entry.changed_at) for entry in entries}
            return self._taggings.replace(taggings, at)

    def set_taggings(self, taggings: Mapping[int, Tagging], now: datetime) -> tuple[int, ...]:
        """Store new taggings by entry id. The user's marks override them.

        An entry that becomes relevant, or sure, is news from `now` on if it was first seen within the last 14
        days: new themes must not fill a digest with a year's entries. One that is no longer relevant leaves
        its story. Returns the stories that lost an entry and still exist.
        """
        with self._db.transaction():
            at = dict.fromkeys(taggings, _after(self._db.value(_CLOSED), now))
            return self._taggings.replace(taggings, at, now - _NEWS_FOR)

    def get(self, entry: int) -> Entry | None:
        """Return an entry by its id."""
        return next(iter(self.get_many([entry])), None)

    def get_many(self, entries: Iterable[int], *, whole: bool = True) -> tuple[Entry, ...]:
        """Return entries by their ids, in order of `first_seen`; unless `whole` as for `without_story`."""
        return self._read(f"where e.id {ANY_OF} {_OLDEST}", [listed(entries)], whole=whole)

    def of_stories(self, stories: Iterable[int], *, whole: bool = True) -> tuple[Entry, ...]:
        """Return the entries of stories, in order of `first_seen`; unless `whole` as for `without_story`."""
        return self._read(f"where e.story_id {ANY_OF} {_OLDEST}", [listed(stories)], whole=whole, kind="")

    def find_by_url(self, url: str) -> tuple[Entry, ...]:
        """Return the entries with a canonical link, the relevant ones first."""
        return self._read("where e.url = ? order by e.relevant desc, e.id", [url])

    def listing(
        self, *, everything: bool = False, limit: int | None = None, **narrow: Unpack[Narrowing]
    ) -> tuple[Entry, ...]:
        """Return the relevant entries, or `everything`, newest first."""
        wanted = _wanted(narrow, everything=everything)
        rest = f"where {_clauses(wanted)} {_NEWEST_FIRST} limit :limit"
        return self._read(rest, {**wanted, "limit": -1 if limit is None else limit})

    def count(self, *, everything: bool = False, **narrow: Unpack[Narrowing]) -> int:
        """Return how many entries `listing` has without a limit."""
        wanted = _wanted(narrow, everything=everything)
        return int(self._db.value(f"select count(*) from entries e where {_clauses(wanted)}", wanted))

    def without_story(self, enough: int) -> tuple[Entry, ...]:
        """Return the entries that are sure and in no story yet, of the earliest days.

        It takes whole days until there are `enough` entries, ordered by day and id. Content and evidence are
        left out: stories are made from titles and summaries, and for 1,600 entries the rest took 60 MB.
        """
        waiting = f"e.id in ({_WAITING})"
        last = self._db.value(f"select {_DAY} from entries e where {waiting} {_BY_DAY}{_LAST}", [enough - 1])
        rest = f"where {waiting} and {_DAY} <= ? {_BY_DAY}"
        return self._read(rest, [last or _LAST_DAY], whole=False)

    def ids_without_story(self) -> frozenset[int]:
        """Return the ids of all sure entries that are in no story yet."""
        return frozenset(row["id"] for row in self._db.rows(_WAITING))

    def search(
        self, query: str, *, everything: bool = True, limit: int = 50, **narrow: Unpack[Narrowing]
    ) -> tuple[Entry, ...]:
        """Return the entries that contain every word of a query: relevant ones, then the best matches, first.

        Matches are ranked by bm25. Any text is a valid query. "Words in quotes" must stand together, and a
        star stands for the rest of a word: `strike*`.
        """
        expression, wanted = match_expression(query), _wanted(narrow, everything=everything)
        rest = f"join ({_HITS.format(narrowed=_clauses(wanted))}) on hit = e.id {_BEST_FIRST}"
        return self._read(rest, {**wanted, "expression": expression, "limit": limit}) if expression else ()

    def iterate(
        self, since: datetime | None = None, *, with_text: bool = False
    ) -> Iterator[tuple[Entry, ...]]:
        """Yield all entries first seen at or after `since`, in batches by id; one may write in between.

        `with_text` leaves out those whose texts retention has removed.
        """
        last, start = 0, maybe_format_utc(since) or ""
        kept = "and e.text_removed_at is null" if with_text else ""
        where = f"where e.id > ? and e.first_seen >= ? {kept} order by e.id limit ?"
        while batch := self._read(where, [last, start, _BATCH]):
            yield batch
            last = batch[-1].id

    def reported_in(self, entry: int) -> date | None:
        """Return the date of the digest that reported an entry; None when none did."""
        found = self._db.value("select reported_in from entries where id = ?", [entry])
        return date.fromisoformat(found) if found else None

    def near_misses(self, window: Window, limit: int = 5) -> tuple[Entry, ...]:
        """Return the entries of a window that came nearest to being relevant, the nearest first."""
        return self._read(_NEAR, [format_utc(window.start), format_utc(window.end), limit])

    def _read(self, rest: str, of: Parameters, *, whole: bool = True, kind: str = "e") -> tuple[Entry, ...]:
        # If two columns have the same name, a row gives the first.
        columns = "e.*, f.url as feed" if whole else "'' as content, e.*, f.url as feed"
        with self._db.snapshot():
            rows = self._scope.seen(kind, self._db.rows(f"select {columns} from {_ENTRIES} {rest}", of))
            taggings = self._taggings.of(rows, evidence=whole)
        return tuple(_entry(row, self._feeds.url_of(row["feed"]), taggings[row["id"]]) for row in rows)


def _after(last: str | None, seen: datetime) -> datetime:
    closed = maybe_parse_utc(last)
    if closed is None or not seen <= closed <= seen + _LONGEST_POLL:
        return seen
    # One step of the stored form later: just after the window, and so in the next one.
    return closed + timedelta(microseconds=1)


def _wanted(narrow: Narrowing, *, everything: bool) -> dict[str, Any]:
    """Return what a list is narrowed to, as the parameters of `_FILTERS`."""
    feed = narrow.get("feed")
    return dict.fromkeys(_FILTERS, "") | {
        **narrow,
        "since": maybe_format_utc(narrow.get("since")),
        "until": maybe_format_utc(narrow.get("until")),
        "feed": feed and address(feed),
        "relevant": not everything,
    }


def _clauses(wanted: Mapping[str, Any]) -> str:
    return " and ".join(clause for key, clause in _FILTERS.items() if wanted[key]) or "true"


def _known(row: Row) -> Known:
    return Known(
        id=row["id"],
        guid=row["guid"],
        url=row["url"],
        title=row["title"],
        fingerprint=row["fingerprint"],
        outlet=row["outlet"],
        published=parse_utc(row["published"]),
        dated=row["dated"],
        first_seen=parse_utc(row["first_seen"]),
    )


def _text_row(entry: Entry) -> dict[str, Any]:
    return {
        "url": entry.url,
        "title": entry.title,
        "summary": entry.summary,
        "content": entry.content,
        "author": entry.author,
        "language": entry.language,
        "outlet": entry.outlet,
        "spellings": spellings(entry.title, entry.summary, entry.content, entry.author, entry.outlet),
        "citing": entry.citing,
        "published": format_utc(entry.published),
        "dated": entry.dated,
        "updated": maybe_format_utc(entry.updated),
        "changed_at": maybe_format_utc(entry.changed_at),
    }


def _row(entry: Entry, feed_id: int, fingerprint: str) -> dict[str, Any]:
    return {
        "id": entry.id,
        "feed_id": feed_id,
        "guid": entry.guid,
        "first_seen": format_utc(entry.first_seen),
        "news_at": format_utc(entry.first_seen),
        "backlog": int(entry.backlog),
        "late": int(entry.late),
        "fingerprint": fingerprint,
        **_text_row(entry),
        **tagging_row(entry.tagging),
    }


def _entry(row: Row, feed: str, tagging: Tagging) -> Entry:
    return Entry(
        id=row["id"],
        feed=feed,
        guid=row["guid"],
        url=row["url"],
        title=row["title"],
        summary=row["summary"],
        content=row["content"],
        author=row["author"],
        language=row["language"],
        outlet=row["outlet"],
        citing=row["citing"],
        published=parse_utc(row["published"]),
        dated=row["dated"],
        updated=maybe_parse_utc(row["updated"]),
        first_seen=parse_utc(row["first_seen"]),
        changed_at=maybe_parse_utc(row["changed_at"]),
        backlog=bool(row["backlog"]),
        late=bool(row["late"]),
        tagging=tagging,
        story=row["story_id"],
    )


_CLOSED: Final = "select max(window_end) from digests where window_end glob '????-*T*:*Z'"
_ENTRIES: Final = "entries e join feeds f on f.id = e.feed_id"
_OLDEST: Final = "order by e.first_seen, e.id"
_WAITING: Final = """
select id from entries indexed by entries_loose
where relevant = 1 and shelf <> 'perhaps' and story_id is null
"""
_DAY: Final = "substr(e.published, 1, 10)"
_BY_DAY: Final = f"order by {_DAY}, e.id"
_LAST: Final = " limit 1 offset ?"
# Sorts after every date, for a list with fewer entries than asked for.
_LAST_DAY: Final = "~"
_NEWEST_FIRST: Final = "order by e.first_seen desc, e.published desc, e.id desc"

_FILTERS: Final = {
    "relevant": "e.relevant = 1",
    "since": "e.first_seen >= :since",
    "until": "e.first_seen <= :until",
    "beat": "e.id in (select entry_id from entry_beats where beat = :beat)",
    "theme": "e.id in (select entry_id from entry_themes where theme = :theme)",
    "feed": "e.feed_id = (select id from feeds where url = :feed)",
    "language": "e.language = :language",
    "marked": "e.id in (select entry_id from marks)",
}

# Matches are sorted without their rows: a relevant entry has a beat, and SQLite leaves out a join that no
# filter needs. With their rows, 1,500 of them took twice as long.
_HITS: Final = """
select search_fts.rowid as hit, rank from search_fts left join entries e on e.id = search_fts.rowid
where search_fts match :expression and {narrowed}
order by exists (select 1 from entry_beats where entry_id = hit) desc, rank, hit desc
limit :limit
"""
_BEST_FIRST: Final = "order by e.relevant desc, rank, e.first_seen desc, e.id desc"

_NEAR: Final = """
where e.relevant = 0 and e.near <> '' and e.corrected = 0 and e.first_seen > ? and e.first_seen <= ?
order by e.score desc, e.id limit ?
"""

# A guid used again is stored with a number after it (`changes`). If those numbers were not found, an old
# edition would be unknown, and a new one would get its number and be left out because of it. `cross` keeps
# SQLite from reading the whole feed to look for each among the guids, which took 50 ms after three years. A
# union of searches, each with its own index: a single one with "or" read the feed's whole history, 66.7 ms
# for 100,000 entries instead of 2.3.
_KNOWN: Final = """
select id, guid, url, title, fingerprint, outlet, published, dated, first_seen from entries where id in (
    select id from entries where feed_id = :feed and guid in (select value from json_each(:guids))
    union
    select e.id from json_each(:guids) g cross join entries e
        on e.feed_id = :feed and e.guid > g.value || ' ~' and e.guid < g.value || ' ~:'
    union
    select id from entries where feed_id = :feed and url in (select value from json_each(:urls))
    union
    select id from (
        select id from entries where feed_id = :feed order by first_seen desc, id desc limit :newest
    )
) order by id
"""

_EDIT: Final = """
update entries set url = :url, title = :title, summary = :summary, content = :content, author = :author,
    language = :language, outlet = :outlet, spellings = :spellings, citing = :citing,
    published = :published, dated = :dated, updated = :updated,
    changed_at = :changed_at, fingerprint = :fingerprint, text_removed_at = null
where id = :id
"""
