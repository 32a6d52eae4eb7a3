"""The user's corrections of taggings. They win over every tagging that is stored later."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from monitor.models import Mark
from monitor.store.connection import ANY_OF, listed
from monitor.store.values import format_utc, name_list, names, parse_utc

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from monitor.models import Tagging
    from monitor.store.connection import Connection, Row


class Marks:
    """The marks, one an entry. To set or clear one changes no tagging: store the entry's anew after it."""

    def __init__(self, connection: Connection) -> None:
        self._db = connection

    def set(self, mark: Mark) -> None:
        """Store a mark in place of an earlier one. Raises ValueError unless relevant and beats agree."""
        if mark.relevant != bool(mark.beats):
            raise ValueError("a relevant entry has at least one beat, another has none")
        row = [
            mark.entry,
            int(mark.relevant),
            names(mark.beats),
            None if mark.themes is None else names(mark.themes),
            format_utc(mark.made_at),
        ]
        self._db.change("insert or replace into marks values (?, ?, ?, ?, ?)", row)

    def clear(self, entry: int) -> bool:
        """Forget an entry's mark; return whether there was one."""
        return self._db.change("delete from marks where entry_id = ?", [entry]) > 0

    def get(self, entries: Iterable[int]) -> dict[int, Mark]:
        """Return the marks of these entries, by entry id."""
        rows = self._db.rows(f"select * from marks where entry_id {ANY_OF}", [listed(entries)])  # noqa: S608
        return {row["entry_id"]: _mark(row) for row in rows}

    def listing(self) -> tuple[Mark, ...]:
        """Return all marks in the order in which they were made."""
        return tuple(map(_mark, self._db.rows("select * from marks order by made_at, entry_id")))

    def correct(self, taggings: Mapping[int, Tagging]) -> dict[int, Tagging]:
        """Return taggings by entry id as they stand after the marks."""
        marks = self.get(taggings)
        return {key: corrected(tagging, marks.get(key)) for key, tagging in taggings.items()}


def corrected(tagging: Tagging, mark: Mark | None) -> Tagging:
    """Return a tagging with the user's word over the tagger's, and certain; score and evidence stay."""
    if mark is None:
        return replace(tagging, corrected=False)
    if not mark.relevant:
        return replace(tagging, beats=(), themes=(), corrected=True, shelf="", certainty=0.0)
    themes = tagging.themes if mark.themes is None else mark.themes
    return replace(tagging, beats=mark.beats, themes=themes, corrected=True, shelf="sure", certainty=1.0)


def _mark(row: Row) -> Mark:
    return Mark(
        entry=row["entry_id"],
        relevant=bool(row["relevant"]),
        beats=name_list(row["beats"]),
        themes=None if row["themes"] is None else name_list(row["themes"]),
        made_at=parse_utc(row["made_at"]),
    )
