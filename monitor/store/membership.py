"""Which entries a story has: joining, leaving, and making stories whole again afterwards."""
# ruff: noqa: S608  (SQL is put together from this package's own constants; values are always parameters)

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from monitor.store.connection import ANY_OF, listed

if TYPE_CHECKING:
    from collections.abc import Iterable

    from monitor.models import Join
    from monitor.store.connection import Connection


def join(db: Connection, story: int, entries: Iterable[int], joins: Iterable[Join]) -> None:
    """Put entries into a story, out of their former ones. What the user pinned stays pinned."""
    ids = listed(entries)
    former = db.rows(
        f"select distinct story_id from entries where id {ANY_OF} and story_id <> ?", [ids, story]
    )
    db.change(f"update entries set story_id = ? where id {ANY_OF} and story_id is not ?", [story, ids, story])
    db.change_many(_JOIN, (_row(reason) for reason in joins))
    repair_stories(db, [row["story_id"] for row in former])


def leave(db: Connection, entries: Iterable[int]) -> tuple[int, ...]:
    """Take entries out of their stories; return the stories that lost one and still exist."""
    ids = listed(entries)
    rows = db.rows(f"select distinct story_id from entries where id {ANY_OF} and story_id is not null", [ids])
    if not rows:
        return ()
    db.change(f"update entries set story_id = null where id {ANY_OF}", [ids])
    db.change(f"delete from joins where entry_id {ANY_OF}", [ids])
    return repair_stories(db, [row["story_id"] for row in rows])


def lead_on(db: Connection, gone: int, story: int) -> None:
    """Let the number of a story lead to the one that it became part of, and so all that led to it.

    Those have changed, too: their pages in the archive name where they lead.
    """
    db.change("update story_aliases set story_id = ? where story_id = ?", [story, gone])
    db.change("insert into story_aliases values (?, ?)", [gone, story])
    db.change(_LED_ON, [story])


def repair_stories(db: Connection, stories: Iterable[int]) -> tuple[int, ...]:
    """Make stories that lost or won entries whole again; return those that still exist.

    An empty one goes; one without its lead takes title and summary of its earliest entry, verbatim.
    """
    ids = listed(set(stories))
    db.change(_LED_THERE, [ids])
    db.change(f"delete from stories where id {ANY_OF} and not exists (select 1 {_OWN})", [ids])
    db.change(f"update stories set {_SPAN} where id {ANY_OF}", [ids])
    db.change(f"update stories set {_FIRST_LEADS} where id {ANY_OF} and not exists ({_LEAD})", [ids])
    return tuple(row["id"] for row in db.rows(f"select id from stories where id {ANY_OF} order by id", [ids]))


def _row(join: Join) -> tuple[object, ...]:
    second = (join.runner_up, join.runner_up_similarity)
    return (
        join.entry,
        join.similarity,
        join.reason,
        *second,
        int(join.pinned),
        int(join.doubtful),
        join.copy_of,
    )


# A later join never removes a pin, as only the user sets it.
_JOIN: Final = """
insert into joins (entry_id, similarity, reason, runner_up, runner_up_similarity, pinned, doubtful, copy_of)
values (?, ?, ?, ?, ?, ?, ?, ?)
on conflict (entry_id) do update set similarity = excluded.similarity, reason = excluded.reason,
    runner_up = excluded.runner_up, runner_up_similarity = excluded.runner_up_similarity,
    pinned = max(pinned, excluded.pinned), doubtful = excluded.doubtful, copy_of = excluded.copy_of
"""

# Links to a story are removed with it.
_LED_THERE: Final = f"""
insert or replace into story_changes (story_id)
select old_id from story_aliases where story_id {ANY_OF}
    and not exists (select 1 from entries where story_id = story_aliases.story_id)
"""
_LED_ON: Final = """
insert or replace into story_changes (story_id) select old_id from story_aliases where story_id = ?
"""

_OWN: Final = "from entries where story_id = stories.id"
_LEAD: Final = f"select 1 {_OWN} and id = stories.lead_id"
# Sources cannot be counted here, since families belong to the configuration, but there are never more than
# entries.
_SPAN: Final = f"""
first_seen = (select min(first_seen) {_OWN}), last_seen = (select max(first_seen) {_OWN}),
sources = min(sources, (select count(*) {_OWN}))
"""
_FIRST_LEADS: Final = f"""
(lead_id, title, summary) = (select id, title, summary {_OWN} order by first_seen, id limit 1)
"""
