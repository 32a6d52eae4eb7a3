"""Leave out stories and entries when reading, because a bug of ours or damage makes something fail on them.

Nothing is left out except inside `watched`, which also tells what was read. Rows are left out before they are
turned into values, because a damaged one cannot be.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

from monitor.errors import place_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from monitor.store.connection import Row


class Culprit(NamedTuple):
    """A story or an entry over which something fails, as nobody expected."""

    handle: str
    title: str
    bug: Exception

    def __str__(self) -> str:
        """Name it with what is known of the bug, on one line."""
        return f"{self.handle}, {self.title}: {place_of(self.bug)}"


class Scope:
    """Which stories and entries the parts of a store see."""

    def __init__(self) -> None:
        self._hidden: Collection[str] = ()
        self._met: dict[str, str] | None = None

    @contextmanager
    def watched(self, hidden: Collection[str]) -> Iterator[dict[str, str]]:
        """Hide what has these handles; give the titles of all that is read meanwhile, by handle."""
        before = self._hidden, self._met
        self._hidden, self._met = {*self._hidden, *hidden}, {}
        try:
            yield self._met
        finally:
            self._hidden, self._met = before

    def seen(self, kind: str, rows: Sequence[Row]) -> Sequence[Row]:
        """Return the rows that are not hidden, of stories ("s") or of entries ("e").

        Without a kind all: entries that are read with their story are hidden with it.
        """
        if self._met is None or not kind:
            return rows
        found = [row for row in rows if f"{kind}{row['id']}" not in self._hidden]
        self._met.update((f"{kind}{row['id']}", row["title"]) for row in found)
        return found
