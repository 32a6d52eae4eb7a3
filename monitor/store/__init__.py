"""Everything the monitor remembers, in one SQLite file, behind verbs. Only this package uses sqlite-utils.

    with store.open(path) as opened:
        with opened.transaction():
            opened.entries.add(entries, fingerprint)

A store is one connection, for the thread that opened it. Several processes may read and write at the same
time: writers wait for each other, readers for nobody. Whatever SQLite refuses becomes a StoreError of one
line, with advice.
"""

from __future__ import annotations

import os
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Self, TypeVar

from monitor.errors import StoreError, culprits, is_unexpected
from monitor.lock import sole_poller
from monitor.store.backup import copy_to, file_of, is_database, put_back
from monitor.store.clock import Clock, Leap
from monitor.store.connection import Connection, connect, connect_memory, ensure_sound
from monitor.store.corrections import Corrections
from monitor.store.deliveries import Deliveries
from monitor.store.digests import Digests, StoredDigest
from monitor.store.entries import Entries
from monitor.store.feeds import Feeds
from monitor.store.migrations import is_current, migrate
from monitor.store.overview import Changes, Overview
from monitor.store.polls import Polls
from monitor.store.scope import Culprit, Scope
from monitor.store.settings import Retention
from monitor.store.stories import Stories
from monitor.store.taggings import Marks, corrected
from monitor.store.terms import Terms
from monitor.store.upkeep import Upkeep
from monitor.store.values import format_utc, parse_utc

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from contextlib import AbstractAsyncContextManager, AbstractContextManager
    from datetime import datetime
    from pathlib import Path

__all__ = [
    "Changes",
    "Clock",
    "Corrections",
    "Culprit",
    "Deliveries",
    "Digests",
    "Entries",
    "Feeds",
    "Leap",
    "Marks",
    "Overview",
    "Polls",
    "Retention",
    "Store",
    "StoredDigest",
    "Stories",
    "Terms",
    "Upkeep",
    "corrected",
    "is_database",
    "open",
]

T = TypeVar("T")

# How long a poll waits for another one to end.
_POLL_PATIENCE = timedelta(minutes=15)


class Store:
    """The database, opened. Its parts share one connection, so that one transaction may span them all."""

    def __init__(self, connection: Connection) -> None:
        self._db = connection
        self._file = file_of(connection.path)
        self._scope = Scope()
        self.clock = Clock(connection)
        self.feeds = Feeds(connection)
        self.polls = Polls(connection, self.feeds)
        self.marks = Marks(connection)
        self.entries = Entries(connection, self.feeds, self.marks, self._scope)
        self.stories = Stories(connection, self.entries, self._scope)
        self.corrections = Corrections(connection, self.stories)
        self.terms = Terms(connection)
        self.deliveries = Deliveries(connection)
        self.overview = Overview(connection)
        self.digests = Digests(connection, self.deliveries)
        self.upkeep = Upkeep(connection, self.clock)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def transaction(self) -> AbstractContextManager[None]:
        """Make everything written inside one unit: all of it or nothing. Units nest. Raises StoreError."""
        return self._db.transaction()

    def snapshot(self) -> AbstractContextManager[None]:
        """Let all reading inside see one moment of the database, whatever others write meanwhile."""
        return self._db.snapshot()

    def without_culprits(self, make: Callable[[Sequence[Culprit]], T], known: Sequence[Culprit] = ()) -> T:
        """Return what `make` makes of this store, leaving out the stories and entries that it fails over.

        This is for bugs of ours, and damaged rows, that a single story or entry brings out. `make` is given
        those that are left out, and may be called many times. Errors that persist without any of them are
        raised, and so are those that are expected.
        """
        hidden = {one.handle for one in known}
        try:
            with self._scope.watched(hidden) as met:
                return make(known)
        except Exception as error:
            if not is_unexpected(error):
                raise

            def attempt(some: Sequence[str]) -> None:
                with self._scope.watched(hidden | met.keys() - set(some)):
                    make(known)

            found = culprits(list(met), attempt)
            if not found:
                raise
        named = (Culprit(handle, met[handle], bug) for handle, bug in found)
        # Without the items left out so far, `make` may meet others.
        return self.without_culprits(make, (*known, *named))

    def poll_lock(self, patience: timedelta = _POLL_PATIENCE) -> AbstractAsyncContextManager[None]:
        """Take the one lock for polling: no feed is to be asked twice. Raises StoreError after `patience`."""
        return sole_poller(self._db.path.with_suffix(".poll.lock"), patience)

    def installed_at(self, now: datetime) -> datetime:
        """Return the time of the first poll; `now` if there was none, or if it lies in the future."""
        return min(now, parse_utc(self.note("installed_at") or format_utc(now)))

    def install(self, now: datetime) -> None:
        """Remember the time of the first poll; later calls change nothing."""
        self._db.change("insert or ignore into meta values ('installed_at', ?)", [format_utc(now)])

    def note(self, key: str) -> str:
        """Return a remembered text (what marks have taught, say), "" when there is none."""
        return str(self._db.value("select value from meta where key = ?", [key]) or "")

    def set_note(self, key: str, value: str) -> None:
        """Remember a text under a key."""
        self._db.change("insert or replace into meta values (?, ?)", [key, value])

    def in_place(self) -> bool:
        """Say whether the file is still the one that was opened: not deleted, moved away or replaced."""
        return self._file is None or file_of(self._db.path) == self._file

    def put_back(self) -> bool:
        """Write the database back to its place if it was deleted while it was open; say whether it was.

        A deleted file still exists until it is closed. Raises StoreError.
        """
        if self._db.path.exists():
            return False
        put_back(self._db)
        self._file = file_of(self._db.path)
        return True

    def unwritable(self) -> str:
        """Say why this user cannot write the file, "" when they can or when there is none yet."""
        path = self._db.path
        wanted = [path, path.parent] if path.is_file() else []
        locked = [str(one) for one in wanted if not os.access(one, os.W_OK)]
        return f"{locked[0]} is read-only for this user" if locked else ""

    def check(self) -> None:
        """Check the whole file. Raises StoreError when it is damaged."""
        ensure_sound(self._db.value("pragma quick_check(1)"), self._db.path)

    def backup(self, path: Path) -> None:
        """Write a consistent, checked copy of the database to `path`, while others may write.

        It appears complete or not at all. An earlier backup there is replaced, any other file is left alone.
        Raises StoreError.
        """
        copy_to(self._db, path)


def open(path: Path, *, read_only: bool = False) -> Store:  # noqa: A001 - used as store.open
    """Open the database; make or upgrade it if necessary. Read-only, a missing one counts as empty.

    Raises StoreError when the file is damaged, is no database, was written by a newer program, or cannot be
    reached.
    """
    if read_only:
        return _open_to_read(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(f"the directory {path.parent} cannot be made: {error.strerror}") from error
    return _migrated(connect(path, read_only=False))


def _open_to_read(path: Path) -> Store:
    # A preview or `status` before the first poll must not leave a database behind.
    if not path.exists():
        return _migrated(connect_memory())
    connection = connect(path, read_only=True)
    with _closed_on_error(connection):
        if is_current(connection):
            return Store(connection)
    connection.close()
    # A reader also brings an older schema up to date, so that no query has to know two of them.
    open(path).close()
    return Store(connect(path, read_only=True))


def _migrated(connection: Connection) -> Store:
    with _closed_on_error(connection):
        migrate(connection)
    return Store(connection)


@contextmanager
def _closed_on_error(connection: Connection) -> Iterator[None]:
    try:
        yield
    except BaseException:
        connection.close()
        raise
