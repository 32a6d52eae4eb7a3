"""What entries are about, as rows: beats, themes, evidence and near miss; and the user's marks, which win."""
# ruff: noqa: S608  (SQL is put together from this package's own constants; values are always parameters)

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from monitor.models import Evidence, Mark, Tagging
from monitor.store.connection import ANY_OF, listed
from monitor.store.membership import leave
from monitor.store.values import format_utc, maybe_format_utc, name_list, names, parse_utc

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

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
        rows = self._db.rows(f"select * from marks where entry_id {ANY_OF}", [listed(entries)])
        return {row["entry_id"]: _mark(row) for row in rows}

    def listing(self) -> tuple[Mark, ...]:
        """Return all marks in the order in which they were made."""
        return tuple(map(_mark, self._db.rows("select * from marks order by made_at, entry_id")))

    def correct(self, taggings: Mapping[int, Tagging]) -> dict[int, Tagging]:
        """Return taggings by entry id as they stand after the marks."""
        marks = self.get(taggings)
        return {key: corrected(tagging, marks.get(key)) for key, tagging in taggings.items()}


class Taggings:
    """The taggings of stored entries, by entry id."""

    def __init__(self, connection: Connection, marks: Marks) -> None:
        self._db = connection
        self._marks = marks

    def insert(self, taggings: Mapping[int, Tagging]) -> None:
        """Store the lists of entries that have none yet."""
        pairs = taggings.items()
        beats = ({"entry_id": key, "beat": beat} for key, tagging in pairs for beat in tagging.beats)
        themes = ({"entry_id": key, "theme": theme} for key, tagging in pairs for theme in tagging.themes)
        evidence = (_evidence_row(key, piece) for key, tagging in pairs for piece in tagging.evidence)
        self._db.insert("entry_beats", beats)
        self._db.insert("entry_themes", themes)
        self._db.insert("evidence", evidence)

    def replace(
        self,
        taggings: Mapping[int, Tagging],
        at: Mapping[int, datetime | None],
        news_since: datetime | None = None,
    ) -> tuple[int, ...]:
        """Store new taggings, corrected by the marks, in place of the old ones.

        An entry that became relevant, or sure (`at` says when), is news from then on, but backlog when it was
        first seen before `news_since`; one that is sure no longer leaves its story. Returns the stories
        that lost an entry and still exist.
        """
        # The user's marks are applied where taggings are stored, so that no caller can forget it.
        final = self._marks.correct(taggings)
        since = maybe_format_utc(news_since) or ""
        rows = (
            {"id": key, "at": maybe_format_utc(at.get(key)), "since": since, **tagging_row(new)}
            for key, new in final.items()
        )
        self._db.change_many(_UPDATE, rows)
        for table in ("entry_beats", "entry_themes", "evidence"):
            self._db.change(f"delete from {table} where entry_id {ANY_OF}", [listed(final)])
        self.insert(final)
        return leave(
            self._db,
            [key for key, tagging in final.items() if not tagging.relevant or tagging.shelf == "perhaps"],
        )

    def of(self, rows: Sequence[Row], *, evidence: bool = True) -> dict[int, Tagging]:
        """Return the taggings of rows of the table `entries`, with their evidence or without."""
        ids = listed(row["id"] for row in rows)
        beats = self._lists(
            f"select entry_id, beat from entry_beats where entry_id {ANY_OF} order by rowid", ids
        )
        themes = self._lists(
            f"select entry_id, theme from entry_themes where entry_id {ANY_OF} order by rowid", ids
        )
        pieces: defaultdict[int, list[Evidence]] = defaultdict(list)
        if evidence:
            for row in self._db.rows(f"select * from evidence where entry_id {ANY_OF} order by id", [ids]):
                pieces[row["entry_id"]].append(_evidence(row))
        return {
            row["id"]: Tagging(
                beats=tuple(beats[row["id"]]),
                themes=tuple(themes[row["id"]]),
                score=row["score"],
                evidence=tuple(pieces[row["id"]]),
                near=row["near"],
                corrected=bool(row["corrected"]),
                certainty=row["certainty"],
                shelf=row["shelf"],
            )
            for row in rows
        }

    def _lists(self, sql: str, ids: str) -> defaultdict[int, list[str]]:
        lists: defaultdict[int, list[str]] = defaultdict(list)
        for entry, name in self._db.rows(sql, [ids]):
            lists[entry].append(name)
        return lists


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


def tagging_row(tagging: Tagging) -> dict[str, Any]:
    """Write the part of a tagging that stands in the entry's own row."""
    return {
        "relevant": int(tagging.relevant),
        "score": tagging.score,
        "near": tagging.near,
        "certainty": tagging.certainty,
        "shelf": tagging.shelf,
        "corrected": int(tagging.corrected),
    }


def _evidence_row(entry: int, evidence: Evidence) -> dict[str, Any]:
    return {
        "entry_id": entry,
        "target": evidence.target,
        "term": evidence.term,
        "rule": evidence.rule,
        "field": evidence.field,
        "weight": evidence.weight,
    }


def _evidence(row: Row) -> Evidence:
    return Evidence(
        target=row["target"],
        term=row["term"],
        rule=row["rule"],
        field=row["field"],
        weight=row["weight"],
    )


# What has just become sure is news too; otherwise a change of themes would report a year's "perhaps" at once.
_BECAME: Final = "(relevant = 0 and :relevant = 1 or shelf = 'perhaps' and :shelf = 'sure')"
# `coalesce`: an edited entry without a date of its own stays news of the time when it was first seen.
_UPDATE: Final = f"""
update entries set score = :score, near = :near, corrected = :corrected, relevant = :relevant,
    certainty = :certainty, shelf = :shelf,
    news_at = case when {_BECAME} then coalesce(:at, news_at) else news_at end,
    backlog = case when {_BECAME} and first_seen < :since then 1 else backlog end
where id = :id
"""
