"""The one connection to the SQLite file: opening, transactions, and SQLite's errors in words.

WAL and synchronous=FULL: a reader never waits for a writer, and what was committed survives a power cut.
Writers begin with BEGIN IMMEDIATE: a read that turns into a write inside a transaction fails at once when
another writer came first, however long the busy timeout is.

Queries for the few rows that wait for something name the index to use. That index is empty at the time when
SQLite measures its tables, after a digest. Without a figure, SQLite chose the index of everything relevant
and read three years of entries: 0.4 s in each poll, 0.2 s in each digest.
"""

from __future__ import annotations

import json
import sqlite3
from contextlib import contextmanager
from functools import cached_property
from itertools import islice
from time import monotonic, sleep
from typing import TYPE_CHECKING, Any, Final

from monitor.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from sqlite_utils import Database

    Row = sqlite3.Row
    Parameters = Sequence[Any] | Mapping[str, Any]

# Seconds that a writer waits for another one. Far more than any of our transactions, which take a second or
# two at most; Python's default is 5 s.
_PATIENCE: Final = 30.0

_PAUSE: Final = 0.02
_BATCH: Final = 100

# A single parameter for any number of values. SQLite accepts at most 32,766 parameters, and the statement
# stays the same.
ANY_OF: Final = "in (select value from json_each(?))"

# What to do, by the first of these words in SQLite's message.
_ADVICE: Final = (
    ("file is not a database", "is not a database: move the file away, or restore a backup"),
    (
        "malformed",
        "is damaged: restore a backup (`monitor backup` makes them), or try `sqlite3 FILE .recover`",
    ),
    (
        "disk is full",
        "cannot grow: the disk is full; free some space and start again, nothing stored is lost",
    ),
    ("readonly", "cannot be written: check the owner and the permissions of the file and its directory"),
    ("unable to open", "cannot be opened: check that its directory exists and may be read and written"),
    (
        "disk i/o error",
        "cannot be read or written: the disk is full or reports an error; free some space, or check it",
    ),
    ("locked", f"has been kept busy by another process for {_PATIENCE:.0f} s: wait for it, or stop it"),
)


class Connection:
    """SQL in, rows out. Every failure of SQLite leaves as a StoreError of one line with advice."""

    def __init__(self, conn: sqlite3.Connection, path: Path) -> None:
        self.conn = conn
        self.path = path

    @cached_property
    def db(self) -> Database:
        """The same connection for sqlite-utils, which makes and changes the schema.

        Loaded then only: with numpy, which it looks for, it takes as long as all of monitor together.
        """
        from sqlite_utils import Database

        # Otherwise any installed package could be loaded as a plugin of sqlite-utils.
        return Database(self.conn, execute_plugins=False)

    def rows(self, sql: str, parameters: Parameters = ()) -> list[sqlite3.Row]:
        """Return all rows of a query."""
        with errors_of(self.path):
            cursor = self.conn.execute(sql, parameters)
            cursor.row_factory = sqlite3.Row
            return cursor.fetchall()

    def row(self, sql: str, parameters: Parameters = ()) -> sqlite3.Row | None:
        """Return the first row of a query, None when there is none."""
        return next(iter(self.rows(sql, parameters)), None)

    def value(self, sql: str, parameters: Parameters = ()) -> Any:
        """Return the first column of the first row, None when there is none."""
        row = self.row(sql, parameters)
        return row[0] if row else None

    def change(self, sql: str, parameters: Parameters = ()) -> int:
        """Run one statement that writes; return how many rows it touched."""
        with errors_of(self.path):
            return self.conn.execute(sql, parameters).rowcount

    def change_many(self, sql: str, parameters: Iterable[Parameters]) -> None:
        """Run one statement that writes, once for each set of parameters."""
        with self.transaction():
            self.conn.executemany(sql, parameters)

    def insert(self, table: str, records: Iterable[dict[str, Any]]) -> None:
        """Insert records that have the same columns in the same order.

        A hundred with each statement: the full-text index writes at the end of one, and takes twice as long
        where each row is a statement (6,600 against 12,100 entries a second).
        """
        rest = iter(records)
        with self.transaction():
            while batch := list(islice(rest, _BATCH)):
                row = f"({', '.join('?' * len(batch[0]))})"
                sql = f"insert into {table} ({', '.join(batch[0])}) values {', '.join([row] * len(batch))}"  # noqa: S608
                with errors_of(self.path):
                    self.conn.execute(sql, [value for record in batch for value in record.values()])

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Make what is written inside one unit: all of it is stored or nothing. Nested, it is a savepoint."""
        if self.conn.in_transaction:
            with self._unit("SAVEPOINT unit", "RELEASE unit", "ROLLBACK TO unit", "RELEASE unit"):
                yield
        else:
            with self._unit("BEGIN IMMEDIATE"):
                yield

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """Let every query inside see the database as it is at the first one, whatever others write."""
        if self.conn.in_transaction:
            yield
        else:
            with self._unit("BEGIN"):
                yield

    @contextmanager
    def _unit(self, begin: str, keep: str = "COMMIT", *undo: str) -> Iterator[None]:
        with errors_of(self.path):
            self.conn.execute(begin)
            try:
                yield
                self.conn.execute(keep)
            except BaseException:
                # BaseException above, since a task that is cancelled in the middle of a unit must undo it
                # too.
                for statement in undo or ("ROLLBACK",):
                    if self.conn.in_transaction:  # some errors, as a full disk, have ended it already
                        self.conn.execute(statement)
                raise

    def use_wal(self) -> None:
        """Let readers and a writer go side by side from now on: the file remembers it.

        Writers wait for their turn, but of two processes that do this together SQLite refuses one at once.
        """
        patience = monotonic() + _PATIENCE
        with errors_of(self.path):
            while not self._is_wal():
                if monotonic() > patience:
                    raise sqlite3.OperationalError("database is locked")
                sleep(_PAUSE)

    def _is_wal(self) -> bool:
        try:
            self.conn.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if "locked" not in str(error):
                raise
            return False
        return True

    def make_room(self, size: int) -> None:
        """Have so many bytes free in the file and its log, for what must be stored though the disk is full.

        Pages that were used once are used again, in the order in which they lie there. No reader is waited
        for: "restart" held up all mail, and the service, for as long as somebody read.
        """
        self.change("insert or replace into meta values ('room', ?)", [" " * size])
        self.change("delete from meta where key = 'room'")
        self.rows("pragma wal_checkpoint(passive)")

    def close(self) -> None:
        """Close the file. The last connection folds the write-ahead log into it."""
        self.conn.close()


def connect(path: Path, *, read_only: bool) -> Connection:
    """Open the file, without a look at its schema. A file that is missing is made, unless `read_only`.

    Raises StoreError.
    """
    if path.is_dir():
        raise StoreError(f"the database {path} is a directory: choose another data_dir")
    with errors_of(path):
        mode = "ro" if read_only else "rwc"
        uri = f"{path.absolute().as_uri()}?mode={mode}"
        # With an isolation level Python would begin transactions itself, deferred and only before some
        # statements.
        plain = sqlite3.connect(uri, uri=True, timeout=_PATIENCE, isolation_level=None)
        try:
            # It is off by default in each new connection.
            plain.execute("PRAGMA foreign_keys = ON")
            # With NORMAL a power cut may undo what was committed; an undone "sent" is a mail sent twice.
            plain.execute("PRAGMA synchronous = FULL")
            return Connection(plain, path)
        except BaseException:
            plain.close()
            raise


def connect_memory() -> Connection:
    """Return an empty database that lives in memory: what a database that was never written reads as."""
    from pathlib import Path

    plain = sqlite3.connect(":memory:", isolation_level=None)
    return Connection(plain, Path(":memory:"))


def ensure_sound(found: str, path: Path) -> None:
    """Raise StoreError unless `found`, what quick_check or integrity_check answered, is that all is well."""
    if found != "ok":
        raise StoreError(f"the database {path} {_advice('malformed')} ({' '.join(found.split())})")


@contextmanager
def errors_of(path: Path) -> Iterator[None]:
    """Turn SQLite's errors inside into a StoreError that says what to do about this file."""
    try:
        yield
    # Our own mistake (a wrong number of parameters, say), for which there is no advice to the user.
    except sqlite3.ProgrammingError:
        raise
    except sqlite3.DatabaseError as error:
        raise StoreError(f"the database {path} {_advice(str(error))}") from error


def _advice(message: str) -> str:
    known = (advice for sign, advice in _ADVICE if sign in message.lower())
    return next(known, f"refused: {' '.join(message.split())}")


def listed(values: Iterable[int | str]) -> str:
    """Return any number of values as one parameter for `ANY_OF`."""
    return json.dumps(list(values))
