"""Figures over many entries, and what has changed: what digests and the archive ask for. Read-only."""
# ruff: noqa: S608  (SQL is put together from this package's own constants; values are always parameters)

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Final, NamedTuple

from monitor.models import summary_from_json
from monitor.store.connection import ANY_OF, listed
from monitor.store.search import match_expression
from monitor.store.values import format_utc, maybe_format_utc, parse_utc
from monitor.text import alike
from monitor.url import is_of_one

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import date, datetime

    from monitor.models import DigestSummary, Window
    from monitor.store.connection import Connection


class Changes(NamedTuple):
    """What is not in the archive yet."""

    stories: tuple[int, ...]
    """Stories that came, changed or went."""
    revision: int
    """The latest change of them."""
    digests: tuple[str, ...]
    """Days of new digests, ISO 8601."""
    digest: int
    """The number of the latest of them."""
    made_at: str
    """When that was made, as it is stored."""


class Counts(NamedTuple):
    """What came in within a window."""

    entries: int
    relevant: int
    held_back: int
    """Relevant, but backlog."""


class Themed(NamedTuple):
    """When a relevant entry was first seen, and its themes."""

    first_seen: datetime
    themes: tuple[str, ...]


class Overview:
    """Reads over many stories at once, bounded by what is asked for and not by the age of the database."""

    def __init__(self, connection: Connection) -> None:
        self._db = connection

    def has_seen(self, revision: int, digest: int, made_at: str) -> bool:
        """Say whether a revision and the digest that was made then are of this database's own past.

        They are not where an earlier copy was put back: it counts on from there, and comes to other news.
        """
        latest = self._db.value("select coalesce(max(revision), 0) from story_changes")
        made = self._db.value("select made_at from digests where number = ?", [digest])
        return revision <= int(latest) and (made or "") == made_at

    def changes(self, revision: int, digest: int) -> Changes:
        """Return what changed after a revision and a digest's number."""
        stories = self._db.rows(
            "select revision, story_id from story_changes where revision > ? order by revision", [revision]
        )
        sql = "select number, date, made_at from digests where number >= ? order by number"
        digests = self._db.rows(sql, [digest])
        return Changes(
            stories=tuple(row["story_id"] for row in stories),
            revision=max([revision, *(row["revision"] for row in stories)]),
            digests=tuple(row["date"] for row in digests if row["number"] > digest),
            digest=max([digest, *(row["number"] for row in digests)]),
            made_at=digests[-1]["made_at"] if digests else "",
        )

    def counts_in(self, window: Window) -> Counts:
        """Count the entries that were first seen in a window."""
        return Counts(*self._db.rows(_COUNTS, [format_utc(window.start), format_utc(window.end)])[0])

    def themes_since(self, moment: datetime) -> tuple[Themed, ...]:
        """Return the themes of the relevant entries that were first seen from `moment` on.

        Backlog and copies are left out.
        """
        rows = self._db.rows(_THEMES, [format_utc(moment)])
        return tuple(
            Themed(parse_utc(row["first_seen"]), tuple((row["themes"] or "").split())) for row in rows
        )

    def perhaps(self, window: Window, *, reported: bool = False, repeated: bool = False) -> tuple[int, ...]:
        """Return the entries that are news for a window but not sure to be in scope, the likeliest first.

        Unlike sure ones they wait for no later window: what had no room among the few is let go. With
        `repeated` those instead that only repeat the link of another feed's entry that a digest told before,
        or that the user marked as not relevant.
        """
        wanted = {"start": format_utc(window.start), "end": format_utc(window.end)}
        rows = self._db.rows(_PERHAPS, wanted | {"reported": int(reported), "repeated": int(repeated)})
        return tuple(row["id"] for row in rows)

    def reported_elsewhere(self, entries: Iterable[int], *, window: Window | None = None) -> frozenset[int]:
        """Return the sure entries whose article a digest reported, or the user rejected, elsewhere.

        That is another feed's entry with the same link, told before the window under a title like this one (a
        page may tell other news by now), or marked as not relevant by its end. Stories know copies while they
        are open; but one may have closed since, or lost its report to a mark. Of an entry that the user
        marked, or put where it is (`stories split`), they have spoken.
        """
        start, end = (window.start, window.end) if window else (None, None)
        wanted = {"start": maybe_format_utc(start), "end": maybe_format_utc(end)}
        rows = self._db.rows(_RETOLD, wanted | {"entries": listed(entries)})
        return frozenset(
            row["id"]
            for row in rows
            if alike(row["title"], row["told"]) or (row["rejected"] and is_of_one(row["url"]))
        )

    def begun(self, start: datetime, end: datetime) -> tuple[int, ...]:
        """Return the stories that were first seen from one instant on until before another."""
        sql = "select id from stories where first_seen >= ? and first_seen < ? order by first_seen, id"
        return tuple(row["id"] for row in self._db.rows(sql, [format_utc(start), format_utc(end)]))

    def titles(self, stories: Iterable[int]) -> dict[int, str]:
        """Return the titles of those of these stories that are there, by their ids."""
        rows = self._db.rows(f"select id, title from stories where id {ANY_OF}", [listed(stories)])
        return {row["id"]: row["title"] for row in rows}

    def of_theme(self, theme: str, limit: int) -> tuple[int, ...]:
        """Return the stories with a theme, the one with the newest report on it first."""
        rows = self._db.rows(_OF_THEME, {"theme": theme})
        return tuple(islice(dict.fromkeys(row["story_id"] for row in rows), limit))

    def of_search(self, queries: Iterable[str], limit: int, *, theme: str = "") -> tuple[int, ...]:
        """Return the stories with a report on which one of these queries holds, the newest report first."""
        found = filter(None, map(match_expression, queries))
        expression = " OR ".join(f"({one})" for one in found)
        rows = self._db.rows(_OF_SEARCH, {"expression": expression, "theme": theme}) if expression else ()
        return tuple(islice(dict.fromkeys(row["story_id"] for row in rows), limit))

    def of_feeds(self, feeds: Iterable[int]) -> tuple[int, ...]:
        """Return the stories with an entry of one of these feeds, by id."""
        wanted = list(feeds)
        if not wanted:  # SQLite would go through all entries to find that
            return ()
        own = f"story_id is not null and feed_id {ANY_OF}"
        sql = f"select distinct story_id from entries where {own} order by 1"
        return tuple(row["story_id"] for row in self._db.rows(sql, [listed(wanted)]))

    def months(self) -> Mapping[str, int]:
        """Count the digests of each month ("2026-11")."""
        rows = self._db.rows("select substr(date, 1, 7) as month, count(*) as n from digests group by 1")
        return {row["month"]: row["n"] for row in rows}

    def digests_between(self, first: date, end: date) -> tuple[DigestSummary, ...]:
        """Return what is listed of the digests from one day on until before another."""
        sql = "select summary from digests where date >= ? and date < ? order by date"
        rows = self._db.rows(sql, [first.isoformat(), end.isoformat()])
        return tuple(summary_from_json(row["summary"]) for row in rows)


# An entry in no story has no join that knows its copies. One link in two feeds is one report there too,
# unless it leads to a front page, or to a page of the day, which its feed had before.
_SAME_LINK: Final = """
other.url = entries.url and entries.url glob '*://*/?*' and other.feed_id <> entries.feed_id
"""
_EARLIER: Final = f"""
{_SAME_LINK} and other.id < entries.id and not exists (
    select 1 from entries as own
    where own.url = entries.url and own.feed_id = entries.feed_id and own.id < entries.id
)
"""
_REJECTED: Final = """
exists (select 1 from marks where entry_id = other.id and relevant = 0 and coalesce(made_at <= :end, true))
"""

# What is reported stays reported, whatever a mark or an edit makes of it afterwards.
_PERHAPS: Final = f"""
select id from entries
where relevant = 1 and backlog = 0 and shelf = 'perhaps' and story_id is null
and news_at > :start and news_at <= :end and (:reported or reported_in is null)
and :repeated = (exists (
    select 1 from entries as other
    where {_EARLIER} and other.reported_in is not null and other.news_at <= :start
) or exists (
    select 1 from entries as other where {_SAME_LINK} and {_REJECTED}
))
order by certainty desc, id
"""

_RETOLD: Final = f"""
select entries.id, entries.url, entries.title, other.title as told, {_REJECTED} as rejected
from entries join entries as other on {_SAME_LINK}
where entries.id in (select value from json_each(:entries)) and entries.corrected = 0
and not exists (select 1 from joins where entry_id = entries.id and pinned = 1)
and (
    {_EARLIER} and other.reported_in is not null and other.shelf <> 'perhaps'
    and coalesce(other.news_at <= :start, true)
    or {_REJECTED}
)
"""

# By ids, the order of the index of themes: sorting everything a theme ever had by date took longer each
# month.
_OF_THEME: Final = """
select e.story_id from entry_themes t indexed by entry_themes_theme join entries e on e.id = t.entry_id
where t.theme = :theme and e.relevant = 1 and exists (
    select 1 from stories s join json_each(s.themes) its where s.id = e.story_id and its.value = :theme
)
order by t.entry_id desc limit 300
"""

_OF_SEARCH: Final = """
select e.story_id from search_fts join entries e on e.id = search_fts.rowid
where search_fts match :expression and e.story_id is not null
    and (:theme = '' or exists (select 1 from entry_themes t where t.entry_id = e.id and t.theme = :theme))
order by e.id desc limit 300
"""

_COUNTS: Final = """
select count(*), coalesce(sum(relevant), 0), coalesce(sum(relevant and backlog), 0)
from entries where first_seen > ? and first_seen <= ?
"""

# A damaged row without an instant is left to those who report it; here it would spoil everything else.
_THEMES: Final = f"""
select first_seen, (select group_concat(theme, ' ') from entry_themes where entry_id = entries.id) as themes
from entries where relevant = 1 and backlog = 0 and first_seen >= ? and first_seen glob '????-*T*:*Z'
and not exists (select 1 from joins where entry_id = entries.id and copy_of is not null)
and (story_id is not null or not exists (
    select 1 from entries as other where {_EARLIER} and other.relevant = 1 and other.backlog = 0
))
order by first_seen, id
"""
