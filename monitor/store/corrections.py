"""The user's word on stories: what was put together and taken apart, and what that says of entries."""
# ruff: noqa: S608  (SQL is put together from this package's own constants; values are always parameters)

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from monitor.errors import StoreError
from monitor.models import Correction, Join, Split
from monitor.store.connection import ANY_OF, listed
from monitor.store.membership import join, repair_stories
from monitor.store.values import format_utc, parse_utc

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from monitor.models import Entry, Story
    from monitor.store.connection import Connection
    from monitor.store.stories import Stories


class Corrections:
    """Merges and splits, each kept with the entries that it spoke of: later clustering goes by them."""

    def __init__(self, connection: Connection, stories: Stories) -> None:
        self._db = connection
        self._stories = stories

    def merge(self, story: int, other: int, now: datetime) -> Story:
        """Put the entries of `other` into `story`, for good; `other` remains an address of it.

        Title, summary, lead and sources stay those of `story`: choose them anew and save (it is not whole).
        Raises StoreError when there is no such story or both are one.
        """
        with self._db.transaction():
            into, gone = self._require(story), self._require(other)
            if into.id == gone.id:
                raise StoreError(f"s{story} and s{other} are one story already")
            self._stories.absorb(gone.id, into.id)
            # Both sides are pinned, so that the next step of clustering does not undo what the user said.
            self._pin(into.entries)
            self._correct(into.entries, gone.entries, together=True, now=now)
            self._move(gone.entries, into.id, f"merged with story {gone.id} by hand")
            return self._require(into.id)

    def split(self, story: int, entries: Iterable[int], now: datetime) -> Split:
        """Take entries out of a story into one of their own, for good.

        The two are related, and not whole. Raises StoreError unless the entries are some, but not all, of it.
        """
        with self._db.transaction():
            whole, wanted = self._require(story), set(entries)
            out = [entry for entry in whole.entries if entry.id in wanted]
            rest = [entry for entry in whole.entries if entry.id not in wanted]
            if strangers := wanted - {entry.id for entry in out}:
                named = ", ".join(f"e{number}" for number in sorted(strangers))
                raise StoreError(f"{named} is not in story s{whole.id}; `stories show s{whole.id}` lists it")
            if not out or not rest:
                raise StoreError(f"a split names some entries of story s{whole.id}, and not all of them")
            number = self._stories.begin(whole)
            self._pin(rest)
            self._correct(rest, out, together=False, now=now)
            self._move(out, number, f"split from story {whole.id} by hand")
            self._stories.relate(number, [whole.id])
            return Split(rest=self._require(whole.id), taken=self._require(number))

    def listing(self) -> tuple[Correction, ...]:
        """Return what merges and splits have said, in the order in which it was said."""
        sides: defaultdict[tuple[int, int], list[int]] = defaultdict(list)
        for row in self._db.rows("select * from corrected_entries order by correction_id, side, entry_id"):
            sides[row["correction_id"], row["side"]].append(row["entry_id"])
        return tuple(
            Correction(
                entries=tuple(sides[row["id"], 0]),
                others=tuple(sides[row["id"], 1]),
                together=bool(row["together"]),
                made_at=parse_utc(row["made_at"]),
            )
            for row in self._db.rows("select * from corrections order by id")
        )

    def _require(self, story: int) -> Story:
        # For two thousand reports, reading the evidence alone takes a second.
        if found := self._stories.get_many([story], whole=False):
            return found[0]
        raise StoreError(f"there is no story s{story}")

    def _move(self, entries: Sequence[Entry], story: int, reason: str) -> None:
        ids = [entry.id for entry in entries]
        joins = (Join(entry=entry, similarity=1.0, reason=reason, pinned=True) for entry in ids)
        join(self._db, story, ids, joins)
        repair_stories(self._db, [story])

    def _pin(self, entries: Sequence[Entry]) -> None:
        ids = listed(entry.id for entry in entries)
        self._db.change(f"update joins set pinned = 1 where entry_id {ANY_OF}", [ids])

    def _correct(
        self, some: Sequence[Entry], others: Sequence[Entry], *, together: bool, now: datetime
    ) -> None:
        """Note the user's word: a row an entry, not a pair, so that large stories cost what they hold."""
        self._db.insert("corrections", [{"together": int(together), "made_at": format_utc(now)}])
        number = int(self._db.value("select last_insert_rowid()"))
        rows = ((number, entry.id, side) for side, entries in enumerate((some, others)) for entry in entries)
        self._db.change_many("insert into corrected_entries values (?, ?, ?)", rows)
