"""Which entries of a document are new, which are known and changed: one entry stays one entry. Pure.

An entry is known by its link, where only one has it; else by its guid; else by title and instant together.
So a guid that changes at each request, an edited link and an entry that comes back after weeks are no news.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import chain, count
from typing import TYPE_CHECKING, Final, TypeVar
from urllib.parse import urlsplit

from monitor.text import fold

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable, Sequence
    from datetime import datetime

    from monitor.models import Document, Entry, Known

_One = TypeVar("_One", bound="Entry | Known")

_APART: Final = timedelta(days=1)
"""How far apart the dates of two entries are, at least, when one guid or link has served both."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Changes:
    """What a document brings against what was known."""

    new: tuple[Entry, ...] = ()
    """In the document's order, `backlog` decided."""
    changed: tuple[Entry, ...] = ()
    """Known entries with other text; they keep their id, guid and `first_seen`."""
    unchanged: tuple[int, ...] = ()
    """Ids."""
    gap: bool = False
    """Nothing of the document was known and all of it is newer: entries fell through between two polls."""


def fingerprint(entry: Entry) -> str:
    """Return a hash of an entry's title, summary, content and link that white space does not change."""
    text = "\0".join(
        " ".join(part.split()) for part in (entry.title, entry.summary, entry.content, entry.url)
    )
    return hashlib.blake2b(text.encode("utf-8", "replace"), digest_size=16).hexdigest()


def compare(
    document: Document,
    known: Sequence[Known],
    *,
    first_document: bool,
    backlog: timedelta,
    now: datetime,
) -> Changes:
    """Tell a document's entries apart into new, changed and unchanged ones.

    What was published more than `backlog` before `now` is late. Only a first document has a backlog, no news:
    what is so old in it, or of unknown age. Later on nothing is held back for its date, which may be old
    because we could not look for days, or because the publisher was slow.
    """
    new: list[Entry] = []
    changed: list[Entry] = []
    unchanged: list[int] = []
    matches = _matches(document, known)
    guids = {one.guid for one in known}
    for entry in _without_repeats(document.entries):
        match = matches.get(entry.guid)
        if match is None:
            late = entry.dated == "publisher" and entry.published < now - backlog
            held_back = first_document and (late or entry.dated in {"missing", "absurd"})
            late = late and not held_back
            new.append(replace(entry, guid=_free(entry, guids), backlog=held_back, late=late))
        elif match.fingerprint == fingerprint(entry):
            unchanged.append(match.id)
        else:
            changed.append(
                replace(entry, id=match.id, guid=match.guid, first_seen=match.first_seen, changed_at=now)
            )
    fell_through = known and new and not matches and not first_document and _all_newer(new, known)
    return Changes(new=tuple(new), changed=tuple(changed), unchanged=tuple(unchanged), gap=bool(fell_through))


def _without_repeats(entries: Sequence[Entry]) -> Iterable[Entry]:
    """Return the entries but for those that repeat the title, link and date of an earlier one."""
    first: dict[Hashable, Entry] = {}
    for entry in entries:
        said = (fold(entry.title), entry.url, entry.published) if entry.url else entry.guid
        first.setdefault(said, entry)
    return first.values()


def _matches(document: Document, known: Sequence[Known]) -> dict[str, Known]:
    """Return the known entries by the guids that the document gives them; no known entry serves twice."""

    def link(one: Entry | Known) -> str:
        return "" if is_home(one.url, document.link) else one.url

    matches: dict[str, Known] = {}
    taken: set[int] = set()
    for key_of in (_guid_and_link, link, _guid, _headline):
        candidates = _unique(known, key_of)
        for key, entry in _unique(document.entries, key_of).items():
            match = candidates.get(key)
            if match and entry.guid not in matches and match.id not in taken and not _another(entry, match):
                matches[entry.guid] = match
                taken.add(match.id)
    return matches


def is_home(url: str, home: str) -> bool:
    """Return True for a link to a front page: some feeds give it to all their entries."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return bool(parts.netloc) and (url == home or (parts.path in {"", "/"} and not parts.query))


def _guid_and_link(one: Entry | Known) -> Hashable:
    return one.guid, one.url


def _guid(one: Entry | Known) -> Hashable:
    return one.guid


def _headline(one: Entry | Known) -> Hashable:
    return (fold(one.title), one.published) if _dated(one) else None


def _dated(one: Entry | Known) -> bool:
    """Return True when the publisher gave a date: one that we made up is the instant of the first poll."""
    return one.published != one.first_seen


def _another(entry: Entry, known: Known) -> bool:
    """Return True when a guid or link, not both, served again for something else: other title, other day."""
    if _guid_and_link(entry) == _guid_and_link(known) or not (_dated(entry) and _dated(known)):
        return False
    return abs(entry.published - known.published) > _APART and fold(entry.title) != fold(known.title)


def _unique(values: Sequence[_One], key_of: Callable[[_One], Hashable]) -> dict[Hashable, _One]:
    """Return the values by those of their keys that are not empty and only theirs."""
    keys = [key_of(value) for value in values]
    counts = Counter(keys)
    return {
        key: value
        for key, value in zip(keys, values, strict=True)
        if key not in {"", None} and counts[key] == 1
    }


def _free(entry: Entry, guids: set[str]) -> str:
    """Return a guid for a new entry that no known one has, and take it."""
    spellings = (f"{entry.guid} {entry.url} {n}".rstrip(" 1") for n in count(1))
    guid = next(guid for guid in chain((entry.guid,), spellings) if guid not in guids)
    guids.add(guid)
    return guid


def _all_newer(new: Sequence[Entry], known: Sequence[Known]) -> bool:
    return min(entry.published for entry in new) > max(one.published for one in known)
