"""What a document brings against what was known: new entries, changed ones, and gaps before them. Pure.

Which entry is which says `identity.py`; here it is decided what is news, what is late, and what is a past
that nobody waits for.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import chain, count
from typing import TYPE_CHECKING, Final

from monitor.parse.identity import fingerprint, matches, says_little
from monitor.text import fold

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Mapping, Sequence
    from datetime import datetime

    from monitor.models import Document, Entry, Known

# Of so many entries one may be older than all that was known, and it is still a new stretch of the feed.
_FEW: Final = 5
# So many entries at once from before we followed a feed are its past; one opened 190 in a day.
_PAST: Final = 20
# So long the news of a feed that fails from the start is waited for: a clock that was once wrong when the
# feed was listed must not open all of its past.
_FAILED: Final = timedelta(days=14)


@dataclass(frozen=True, kw_only=True, slots=True)
class Changes:
    """What a document brings against what was known."""

    new: tuple[Entry, ...] = ()
    """In the document's order, `backlog` and `late` decided."""
    changed: tuple[Entry, ...] = ()
    """Known entries with other text; they keep their id, guid and `first_seen`."""
    gap: bool = False
    """Entries fell through between two polls: what was newest is gone, and all that is new is newer."""


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
    """Tell a document's new entries and changed ones from those that are known as they are.

    What was published more than `backlog` before `now` is late. What a feed has first is backlog, no news, if
    it was so old when the feed was listed (`listed_since`: it may fail for days before it can be read), or is
    of unknown age in the very first document (`followed_since` is None; some are empty). Later on nothing is
    held back for its date, which may be old because we could not look for days or because the publisher was
    slow; but for a past that a feed opens all at once, from before we followed it.

    The entry in whose middle a document breaks off is left for the whole one to bring. When that comes no
    more (not `awaits_rest`) what there is of it is taken, if it is new.
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
            if late or held_back or guid != entry.guid:  # a copy takes as long as all else here
                entry = replace(entry, guid=guid, backlog=held_back, late=late)  # noqa: PLW2901
            new.append(entry)
        elif entry is not broken and match.fingerprint != fingerprint(entry):
            # A date made up for want of a better one is today's: an edit makes nothing happen today.
            date = entry if entry.dated == "publisher" else match
            changed.append(
                replace(
                    entry,
                    id=match.id,
                    guid=match.guid,
                    published=date.published,
                    dated=date.dated,
                    first_seen=match.first_seen,
                    changed_at=now,
                )
            )
    old = {entry.guid for entry in new if entry.late and followed_since and entry.published < followed_since}
    if len(old) >= _PAST:
        new = [replace(entry, backlog=True, late=False) if entry.guid in old else entry for entry in new]
    whole = document.complete or not awaits_rest
    gap = whole and not first_document and _fell_through(new, known, _kept(entries, found, new))
    return Changes(new=tuple(new), changed=tuple(changed), gap=gap)


def _without_repeats(entries: Sequence[Entry]) -> Iterable[Entry]:
    """Return the entries but for those that repeat the title, link and date of an earlier one.

    Under a title that says little they repeat the text too, or they are another's.
    """
    first: dict[Hashable, Entry] = {}
    for entry in entries:
        text = fingerprint(entry) if says_little(entry.title) else ""
        mark = (fold(entry.title), entry.url, entry.published, text) if entry.url else entry.guid
        first.setdefault(mark, entry)
    return first.values()


def _free(wanted: str, guids: set[str]) -> str:
    """Return a guid for a new entry that no known one has, and take it."""
    guid = next(guid for guid in chain([wanted], (f"{wanted} ~{n}" for n in count(2))) if guid not in guids)
    guids.add(guid)
    return guid


def _kept(entries: Iterable[Entry], found: Mapping[str, Known], new: Sequence[Entry]) -> set[int]:
    """Return the known entries that are still there, but for a lone one that is dated anew: it is pinned."""
    dated = any(entry.dated == "publisher" for entry in new)
    kept = [(entry, match) for entry in entries if (match := found.get(entry.guid))]
    if len(kept) == 1 and dated and len(new) >= _FEW:
        kept = [(entry, match) for entry, match in kept if entry.published == match.published]
    return {match.id for _, match in kept}


def _fell_through(new: Sequence[Entry], known: Sequence[Known], matched: set[int]) -> bool:
    """Return whether a document has left behind what was newest before it.

    A pinned entry that is still there proves nothing when what was newer than it is gone; one or two of the
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
