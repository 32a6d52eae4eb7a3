"""The schema, as a list of steps. A step that has been released is never changed or renamed: add one.

All pending steps are applied in one transaction. `Table.transform()` silently drops triggers: a step
that transforms `entries` has to make those of `_SEARCH` anew.
"""
# ruff: noqa: S608  (SQL is put together from this module's own constants)

from __future__ import annotations

import zlib
from importlib import resources
from typing import TYPE_CHECKING, Final

from monitor.errors import StoreError
from monitor.store.search import spellings

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sqlite_utils import Database

    from monitor.store.connection import Connection

    Step = Callable[[Database], None]

_SET: Final = "monitor"
_RECORD: Final = "_sqlite_migrations"

_FIRST: Final = resources.files("monitor.store").joinpath("first.sql").read_text(encoding="utf-8")

_OUTBOX: Final = """
alter table deliveries add column blocked integer not null default 0;
drop table attempts;
"""

# Neither date nor `made_at` gives the order if a clock was ever ahead.
_NUMBERS: Final = """
alter table digests add column number integer not null default 0;
update digests set number = (select count(*) from digests d where d.made_at <= digests.made_at);
"""

_SITE: Final = """
create table story_changes (
    revision integer primary key autoincrement,
    story_id integer not null unique
) strict;
insert into story_changes (story_id) select id from stories order by last_seen, id;

create trigger stories_inserted after insert on stories begin
    delete from story_changes where story_id = new.id;
    insert into story_changes (story_id) values (new.id);
end;
create trigger stories_updated after update on stories begin
    delete from story_changes where story_id = new.id;
    insert into story_changes (story_id) values (new.id);
end;
create trigger stories_deleted after delete on stories begin
    delete from story_changes where story_id = old.id;
    insert into story_changes (story_id) values (old.id);
end;
create trigger entries_of_stories_updated
after update of story_id, title, summary, url, outlet, told_in on entries
when old.story_id is not null or new.story_id is not null begin
    delete from story_changes where story_id in (old.story_id, new.story_id);
    insert into story_changes (story_id)
    select old.story_id where old.story_id is not null
    union
    select new.story_id where new.story_id is not null;
end;
create trigger stories_related after insert on related_stories begin
    delete from story_changes where story_id in (new.story_id, new.related_id);
    insert into story_changes (story_id) values (new.story_id), (new.related_id);
end;
create trigger stories_unrelated after delete on related_stories begin
    delete from story_changes where story_id in (old.story_id, old.related_id);
    insert into story_changes (story_id) values (old.story_id), (old.related_id);
end;

insert or ignore into meta
select 'origin', lower(hex(randomblob(8))) where not exists (select 1 from digests);
"""

# Corrections by sides, not by pairs: a merge of stories with 300 reports each once wrote 90,000 rows, 16 MB.
_AFFAIRS: Final = """
alter table stories add column first_title text not null default '';
alter table stories add column kind text;
alter table stories add column parties text not null default '[]';
alter table stories add column affair_id integer;
create index stories_affair on stories(affair_id, first_seen) where affair_id is not null;
alter table joins add column doubtful integer not null default 0;
alter table joins add column copy_of integer;
create index joins_doubtful on joins(entry_id) where doubtful = 1;

create table corrections (
    id integer primary key,
    together integer not null,
    made_at text not null
) strict;
create table corrected_entries (
    correction_id integer not null references corrections(id) on delete cascade,
    entry_id integer not null references entries(id) on delete cascade,
    side integer not null,
    primary key (correction_id, entry_id)
) strict;
create index corrected_entries_entry on corrected_entries(entry_id);
insert into corrections (id, together, made_at)
    select row_number() over (order by made_at, entry_id, other_id), together, made_at from story_corrections;
insert into corrected_entries (correction_id, entry_id, side)
    select row_number() over (order by made_at, entry_id, other_id), entry_id, 0 from story_corrections;
insert into corrected_entries (correction_id, entry_id, side)
    select row_number() over (order by made_at, entry_id, other_id), other_id, 1 from story_corrections;
drop table story_corrections;

delete from term_counts;
delete from meta where key = 'counted_entries';
update entries set counted = 0;
create index entries_uncounted on entries(id) where relevant = 1 and counted = 0;
delete from vectors;
"""

_YEARS: Final = """
create index stories_first_seen on stories(first_seen);
create index stories_without_kind on stories(id) where kind is null;
drop index entries_url;
drop index entries_feed_url;
create index entries_url on entries(url, feed_id);
alter table feeds add column entries integer not null default 0;
update feeds set entries = (select count(*) from entries where feed_id = feeds.id);
"""


# A damaged row that is not a list of names is left to those who read it, and who report it.
_NAMES: Final = """
create table story_names (
    name text not null,
    story_id integer not null references stories(id) on delete cascade,
    primary key (name, story_id)
) strict, without rowid;
create index story_names_story on story_names(story_id);
insert or ignore into story_names
select name.value, stories.id
from stories join json_each(iif(json_valid(stories.names), stories.names, '[]')) as name
where name.type = 'text';
"""

_TEXTS: Final = ("title", "summary", "content", "author", "outlet", "spellings")
_OLD, _NEW = (", ".join(f"{row}.{text}" for text in _TEXTS) for row in ("old", "new"))
# The index has no texts of its own: only these triggers give it, word by word, what it must forget.
_SEARCH: Final = f"""
create virtual table search_fts using fts5(
    {", ".join(_TEXTS)}, content='entries', content_rowid='id', tokenize='unicode61 remove_diacritics 2'
);
insert into search_fts(search_fts) values ('rebuild');
create trigger search_inserted after insert on entries begin
    insert into search_fts(rowid, {", ".join(_TEXTS)}) values (new.id, {_NEW});
end;
create trigger search_deleted after delete on entries begin
    insert into search_fts(search_fts, rowid, {", ".join(_TEXTS)}) values ('delete', old.id, {_OLD});
end;
create trigger search_updated after update of {", ".join(_TEXTS)} on entries
when ({_OLD}) is not ({_NEW}) begin
    insert into search_fts(search_fts, rowid, {", ".join(_TEXTS)}) values ('delete', old.id, {_OLD});
    insert into search_fts(rowid, {", ".join(_TEXTS)}) values (new.id, {_NEW});
end;
"""


def first(db: Database) -> None:
    """Make the tables, the full-text index and the views."""
    db.executescript(_FIRST)
    db.table("search").enable_fts(["words"], create_triggers=True, tokenize="unicode61 remove_diacritics 2")


def intake(db: Database) -> None:
    """Tell late entries from backlog, count terms once, index links by feed, remember more of polls.

    What earlier versions left untold behind a digest's window stays untold: it is no news of today.
    """
    db.execute("alter table entries add column late integer not null default 0")
    db.execute("alter table entries add column citing text not null default ''")
    db.execute("alter table entries add column counted integer not null default 0")
    db.execute("update entries set counted = 1 where story_id is not null")
    db.execute("alter table feed_states add column last_document_at text")
    db.execute("alter table feed_states add column note text not null default ''")
    db.execute("alter table feed_polls add column unreachable integer not null default 0")
    db.execute("create index entries_feed_url on entries(feed_id, url)")
    db.execute(
        "update entries set backlog = 1 where relevant = 1 and told_in is null"
        " and news_at <= (select strftime('%Y-%m-%dT%H:%M:%SZ', max(window_end), '-1 hour') from digests)"
    )


def outbox(db: Database) -> None:
    """Mark deliveries that wait for the user, and drop the log of tries that nothing read."""
    db.executescript(_OUTBOX)


def digests_in_order(db: Database) -> None:
    """Give digests the order in which they were made, which a clock cannot tell."""
    db.executescript(_NUMBERS)


def site(db: Database) -> None:
    """Note which stories change, for their pages to be written anew; give a new installation a name.

    Whose feeds of digests are read already keeps the ids of version 1.0, or all would come again as unread.
    Triggers delete and insert: an "or replace" of theirs gives way to the "or ignore" of who fired them.
    """
    db.executescript(_SITE)


def certainty(db: Database) -> None:
    """Keep how certain the tagger was, and on which shelf an entry stands; what was relevant was sure."""
    db.execute("alter table entries add column certainty real not null default 0")
    db.execute("alter table entries add column shelf text not null default ''")
    db.execute("update entries set certainty = 0.7, shelf = 'sure' where relevant = 1")


def affairs(db: Database) -> None:
    """Keep a story's kind, parties and affair, doubts, copies, and corrections by sides; count terms anew."""
    db.executescript(_AFFAIRS)


def words(db: Database) -> None:
    """Name two columns as the program names what they hold; indexes, triggers and views follow."""
    db.execute("alter table entries rename column told_in to reported_in")
    db.execute("alter table digests rename column counts to summary")


def newest(db: Database) -> None:
    """Find the last digest, and a theme's newest entries, without reading all that came before."""
    db.execute("create index digests_number on digests(number)")
    db.executescript(
        "drop index entry_themes_theme; create index entry_themes_theme on entry_themes(theme, entry_id);"
    )


def years(db: Database) -> None:
    """Keep polls and digests as fast after years: without counting entries or reading all stories."""
    db.executescript(_YEARS)


def lean(db: Database) -> None:
    """Drop an index that nothing asks: it was as large as what it is of."""
    db.execute("drop index feed_polls_feed")


def texts(db: Database) -> None:
    """Find the texts that retention lets go without a look at all that went before."""
    db.execute(
        "create index entries_with_text on entries(relevant, first_seen) where text_removed_at is null"
    )


def breaks(db: Database) -> None:
    """Keep since when a feed's documents break off: for some hours the rest is waited for."""
    db.execute("alter table feed_states add column breaks_off_since text")


def one_copy(db: Database) -> None:
    """Index the entries themselves for the search, and pack digests: both stood twice as large as need be.

    Of a year of 45 feeds, 400 entries a day, a copy of all words took 32 MB of 176, digests 17.
    """
    db.executescript("drop table search_fts; drop table search;")
    db.execute("alter table entries add column spellings text not null default ''")
    db.execute("alter table digests add column packed blob")
    db.register_function(_spellings)
    db.register_function(_packed)
    texts = " || ' ' || ".join(_TEXTS[:-1])
    db.execute(f"update entries set spellings = _spellings({texts}) where _spellings({texts}) <> ''")
    db.execute("update digests set packed = _packed(body), body = ''")
    db.executescript(_SEARCH)


def _spellings(text: str) -> str:
    return spellings(text)


def _packed(text: str) -> bytes:
    return zlib.compress(text.encode())


def unreported(db: Database) -> None:
    """Find the news that no digest has reported without a look at all that was."""
    db.execute(
        "create index entries_unreported on entries(news_at)"
        " where relevant = 1 and backlog = 0 and reported_in is null"
    )


def faults(db: Database) -> None:
    """Keep what a bug of ours has cost apart from what lay over the cap: only that is reported."""
    db.execute("alter table feed_states add column faults text not null default ''")


def covered(db: Database) -> None:
    """Keep which mail tells a recipient which digests: by its own day alone no mail of several days tells."""
    db.execute("""
        create table covered (
            recipient text not null collate nocase,
            date text not null,
            edition text,
            primary key (recipient, date)
        ) without rowid
    """)
    db.execute(
        "insert or ignore into covered select recipient, substr(edition, 8), edition from deliveries"
        " where channel = 'email' and edition like 'digest:%'"
    )


def names_of_stories(db: Database) -> None:
    """Find the stories that share a name without a look at all that were."""
    db.executescript(_NAMES)


def second_chances(db: Database) -> None:
    """Know the mails that were given up and tried once more."""
    db.execute("alter table deliveries add column reopened integer not null default 0")


def unconfirmed(db: Database) -> None:
    """Count the tries in which a mail was sent whole and no answer came."""
    db.execute("alter table deliveries add column unconfirmed integer not null default 0")


STEPS: Final = (
    first, intake, outbox, digests_in_order, site, certainty, affairs, words, newest, years, lean, texts,
    breaks, one_copy, unreported, faults, covered, names_of_stories, second_chances,
    unconfirmed,
)  # fmt: skip
"""All steps from an empty file to the present schema, in order; their names are recorded in the file."""


def migrate(connection: Connection, steps: Sequence[Step] = STEPS) -> None:
    """Bring the schema up to date. Raises StoreError when it is newer than `steps`."""
    # Checked first, since sqlite-utils takes longer to load than most commands take to run.
    if is_current(connection, steps):
        return
    from sqlite_utils import Migrations

    connection.use_wal()
    with connection.transaction():
        migrations = Migrations(_SET)
        for step in steps:
            migrations()(step)
        migrations.apply(connection.db)


def is_current(connection: Connection, steps: Sequence[Step] = STEPS) -> bool:
    """Return whether all `steps` were applied. Raises StoreError when others were, by a later version."""
    tables = {row["name"] for row in connection.rows("select name from sqlite_master where type = 'table'")}
    if _RECORD not in tables:
        if tables:
            raise StoreError(
                f"the database {connection.path} is not one of monitor's: choose another data_dir"
            )
        return False
    rows = connection.rows(f"select name from {_RECORD} where migration_set = ?", [_SET])
    applied = {row["name"] for row in rows}
    known = {step.__name__ for step in steps}
    if not applied <= known:
        raise StoreError(f"the database {connection.path} was written by a newer monitor: upgrade this one")
    return applied == known
