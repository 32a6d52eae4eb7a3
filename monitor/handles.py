"""The short names of stories and entries, s4 and e90, as digests print them and commands accept them."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

# No more digits than SQLite's integers hold; without ASCII, `\d` takes digits of every script.
_HANDLE: Final = re.compile(r"\s*([es]?)(\d{1,15})\s*", re.ASCII | re.IGNORECASE)


class Handle(NamedTuple):
    """What a handle names."""

    kind: str
    """ "s" for a story, "e" for an entry, "" for a bare number, which does not say."""
    number: int


def read(text: str) -> Handle | None:
    """Read a handle or a bare number, in capitals too; None for any other text."""
    found = _HANDLE.fullmatch(text)
    return Handle(found[1].lower(), int(found[2])) if found else None
