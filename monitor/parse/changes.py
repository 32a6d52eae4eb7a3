"""Find out what a document brings: new entries, changed ones, and gaps before them. Pure.

`identity` says which entry is which; this module decides what is news, what is late, and what belongs to a
past that nobody waits for (backlog).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import chain, count
from typing import TYPE_CHECKING, Final

from monitor.parse.identifiers import fingerprint
from monitor.parse.identity import is_generic_title, matches
from monitor.text import fold

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Mapping, Sequence
    from datetime import datetime

    from monitor.models import Document, Entry, Known

# A new stretch of a feed may include one old entry in this many.
_FEW: Final = 5
# This many entries at once from before we followed a feed are its past, opened up; one feed opened 190 in a
# day.
_PAST: Final = 20
# The news of a feed that fails from the start is awaited for this long. Without a limit, a clock that was
# wrong when the feed was listed would make news of its whole past.
_FAILED: Final = timedelta(days=14)


@dataclass(frozen=True, kw_only=True, slots=True)
class Changes:
    """What a document brings that the store did not know."""

    new: tuple[Entry, ...] = ()
    """In the document's order, with `backlog` and `late` decided."""
    changed: tuple[Entry, ...] = ()
    """Known entries with another text. They keep their id, guid and `first_seen`."""
    gap: bool = False
    """True if entries were missed between two polls: all that was newest is gone, and all that is new is
    newer.
    """


def compare(
    document: Document,
    known: Sequence[Known],
    *,
    followed_since: datetime | None,
    listed_since: datetime,
    backlog: timedelta,
    now: datetime,
    awaits_rest: bool = True,
) -> Changes:
    """Return a document's new and changed entries, given those of its feed that are known.

    An entry published more than `backlog` before `now` is late. It is backlog, so never news, when the feed's
    first entries were that old already when the feed was listed (`listed_since`; it may have failed for days
    before it could be read), or when it has no usable date in the very first document (`followed_since` is
    None; the first documents of some feeds are empty). Later entries are news whatever their date, as we may
    not have looked for days, or the publisher may have been slow. The exception is a past from before we
    followed the feed, if the feed opens it all at once.

    A document may break off in the middle of an entry. While the rest is awaited (`awaits_rest`), that entry
    is left out; after that, the part that was read is taken, if it is new.
    """
    first_document = followed_since is None
    awaited_since = followed_since or max(min(listed_since, now), now - _FAILED) - backlog
    new: list[Entry] = []
    changed: list[Entry] = []
    entries, broken = document.entries, None if awaits_rest else document.broken
    if broken and fold(broken.title) not in {fold(entry.title) for entry in entries}:
        entries = (*entries, broken)
    found = matches(entries, document.link, known)
    guids = {one.guid for one in known}
    for entry in _without_repeats(entries):
        match = found.get(entry.guid)
        if match is None:
            late = entry.dated == "publisher" and entry.published < now - backlog
            from_before = entry.published < awaited_since
            unsure = entry.dated in {"missing", "absurd"}
            no_memory = first_document or not known
            held_back = (late and from_before and no_memory) or (first_document and unsure)
            late = late and not held_back
            guid = _free(entry.guid, guids)
            if late or held_back or guid != entry.guid:  # copying takes as long as all else here
                entry = replace(entry, guid=guid, backlog=held_back, late=late)  # noqa: PLW2901
            new.append(entry)
        elif entry is not broken and match.fingerprint != fingerprint(entry):
            changed.append(_edited(entry, match, now))
    old = {entry.guid for entry in new if entry.late and followed_since and entry.published < followed_since}
    if len(old) >= _PAST:
        new = [replace(entry, backlog=True, late=False) if entry.guid in old else entry for entry in new]
    whole = document.complete or not awaits_rest
    gap = whole and not first_document and _fell_through(new, known, _kept(entries, found, new))
    return Changes(new=tuple(new), changed=tuple(changed), gap=gap)


def _edited(entry: Entry, known: Known, now: datetime) -> Entry:
    """Return a known entry with the text of the document."""
    # A date that we made up is today's; an edit does not make anything happen today.
    date = entry if entry.dated == "publisher" else known
    return replace(
        entry,
        id=known.id,
        guid=known.guid,
        published=date.published,
        dated=date.dated,
        first_seen=known.first_seen,
        changed_at=now,
    )


def _without_repeats(entries: Sequence[Entry]) -> Iterable[Entry]:
    """Return the entries without those that repeat an earlier one's title, link and date.

    Under a title that many entries may share, the text must be repeated as well.
    """
    first: dict[Hashable, Entry] = {}
    for entry in entries:
        text = fingerprint(entry) if is_generic_title(entry.title) else ""
        key = (fold(entry.title), entry.url, entry.published, text) if entry.url else entry.guid
        first.setdefault(key, entry)
    return first.values()


def _free(wanted: str, guids: set[str]) -> str:
    """Return a guid for a new entry that no known entry has, and add it to `guids`."""
    guid = next(guid for guid in chain([wanted], (f"{wanted} ~{n}" for n in count(2))) if guid not in guids)
    guids.add(guid)
    return guid


def _kept(entries: Iterable[Entry], found: Mapping[str, Known], new: Sequence[Entry]) -> set[int]:
    """Return the ids of the known entries that are still in the document.

    If only one is left beside many new ones and it has a new date, it is pinned and does not count.
    """
    dated = any(entry.dated == "publisher" for entry in new)
    kept = [(entry, match) for entry in entries if (match := found.get(entry.guid))]
    if len(kept) == 1 and dated and len(new) >= _FEW:
        kept = [(entry, match) for entry, match in kept if entry.published == match.published]
    return {match.id for _, match in kept}


def _fell_through(new: Sequence[Entry], known: Sequence[Known], matched: set[int]) -> bool:
    """Return whether a document has lost everything that was newest before it.

    A pinned entry that is still there proves nothing if everything newer than it is gone. One or two of the
    newest may have been withdrawn while their neighbours are still there.
    """
    if not new or not known:
        return False
    newest = max(one.published for one in known)
    older = sum(entry.published <= newest for entry in new)
    if older * _FEW > len(new):
        return False
    still = max((one.published for one in known if one.id in matched), default=None)
    gone = [one for one in known if still is None or one.published > still]
    return len(gone) >= max(1, len(matched))
