"""A consistent copy of the database while others read and write it."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Final

from monitor.disk import replacing
from monitor.errors import StoreError
from monitor.store.connection import ensure_sound, errors_of

if TYPE_CHECKING:
    from pathlib import Path

    from monitor.store.connection import Connection

# How every SQLite file begins (sqlite.org/fileformat.html, 1.3.1).
_MAGIC: Final = b"SQLite format 3\x00"


def copy_to(connection: Connection, target: Path) -> None:
    """Copy the database under a temporary name, check it, bring it to the disk and give it its name.

    An existing file is replaced only when it is an SQLite database, and not the one being copied.
    Raises StoreError.
    """
    _refuse(connection, target)
    try:
        with replacing(target, private=True) as draft:
            _copy(connection, draft)
    except OSError as error:
        raise StoreError(f"the backup {target} cannot be written: {error.strerror}") from error


def file_of(path: Path) -> tuple[int, int] | None:
    """Return what tells a file from another of its name, None where there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def put_back(connection: Connection) -> None:
    """Write a database that was deleted while it was open to its place again. Raises StoreError."""
    path = connection.path
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as draft:
            _copy(connection, draft)
    except OSError as error:
        raise StoreError(f"the database {path} cannot be written again: {error.strerror}") from error


def _refuse(connection: Connection, target: Path) -> None:
    if not connection.path.exists():
        raise StoreError("there is no database yet that could be copied: poll first")
    if not target.exists() or (target.is_file() and not target.stat().st_size):
        return
    if target.samefile(connection.path):
        raise StoreError(f"{target} is the database itself: give the backup another name")
    if not target.is_file() or not is_database(target):
        raise StoreError(f"{target} exists and is not a backup: give another name, or remove it")


def is_database(path: Path) -> bool:
    """Say whether a file begins as an SQLite database does. Raises StoreError."""
    try:
        with path.open("rb") as file:
            return file.read(len(_MAGIC)) == _MAGIC
    except OSError as error:
        raise StoreError(f"{path} cannot be read: {error.strerror}") from error


def _copy(connection: Connection, draft: Path) -> None:
    with errors_of(draft), closing(sqlite3.connect(draft)) as copy:
        with errors_of(connection.path):
            connection.conn.backup(copy)
        # A single file without a log beside it, as backups are copied and mailed.
        copy.execute("PRAGMA journal_mode = DELETE")
        ensure_sound(copy.execute("PRAGMA integrity_check(1)").fetchone()[0], connection.path)
