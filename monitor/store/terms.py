"""What clustering has counted and encoded: how common terms are in our entries, and the vectors of these."""
# ruff: noqa: S608  (SQL is put together from this package's own constants; values are always parameters)

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

from monitor.models import TermCounts
from monitor.store.connection import ANY_OF, listed

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from monitor.store.connection import Connection

_DOCUMENTS: Final = "counted_entries"


class Terms:
    """Document frequencies over the relevant entries, and vectors of the optional encoder."""

    def __init__(self, connection: Connection) -> None:
        self._db = connection

    def counts(self, terms: Iterable[str]) -> TermCounts:
        """Return in how many of the counted entries each term stood, if in any."""
        rows = self._db.rows(f"select term, entries from term_counts where term {ANY_OF}", [listed(terms)])
        documents = self._db.value("select value from meta where key = ?", [_DOCUMENTS])
        counts = {row["term"]: row["entries"] for row in rows}
        return TermCounts(documents=int(documents or 0), counts=counts)

    def add(self, entries: Mapping[int, frozenset[str]]) -> None:
        """Count entries, by id, each given by its terms; one that was counted before is not counted again.

        An entry may lose its story (by an edit, a mark, a retag) and find another.
        """
        with self._db.transaction():
            rows = self._db.rows(
                f"select id from entries where counted = 0 and id {ANY_OF}", [listed(entries)]
            )
            fresh = [row["id"] for row in rows]
            totals = Counter(term for entry in fresh for term in entries[entry])
            self._db.change_many(_COUNT, totals.items())
            self._db.change(_COUNT_ENTRIES, [_DOCUMENTS, str(len(fresh))])
            self._db.change(f"update entries set counted = 1 where id {ANY_OF}", [listed(fresh)])

    def uncounted(self, limit: int) -> list[int]:
        """Return the ids of so many relevant entries whose terms were not counted yet, the latest first."""
        return [row["id"] for row in self._db.rows(_UNCOUNTED, [limit])]

    def vectors(self, model: str, entries: Iterable[int]) -> dict[int, bytes]:
        """Return the vectors that a model gave these entries, by entry id, as far as they are stored."""
        sql = f"select entry_id, vector from vectors where model = ? and entry_id {ANY_OF}"
        return {row["entry_id"]: row["vector"] for row in self._db.rows(sql, [model, listed(entries)])}

    def save_vectors(self, model: str, vectors: Mapping[int, bytes]) -> None:
        """Store vectors by entry id; an earlier one of the same model is replaced."""
        rows = ((entry, model, vector) for entry, vector in vectors.items())
        self._db.change_many(
            "insert or replace into vectors (entry_id, model, vector) values (?, ?, ?)", rows
        )


_COUNT: Final = """
insert into term_counts (term, entries) values (?, ?)
on conflict (term) do update set entries = entries + excluded.entries
"""

_UNCOUNTED: Final = """
select id from entries indexed by entries_uncounted where relevant = 1 and counted = 0
order by id desc limit ?
"""

# `meta` holds text. The sum is made in SQL, or two processes could both add to what they read before.
_COUNT_ENTRIES: Final = """
insert into meta (key, value) values (?, ?)
on conflict (key) do update set value = cast(cast(value as integer) + cast(excluded.value as integer) as text)
"""
