"""Write files whole or not at all: a draft is written beside the file, flushed, and then takes its place.

A draft is locked while it is being written. A draft that a killed process left behind is recognised by having
no lock, and is removed when the next draft for that file is made; the kernel releases locks whatever becomes
of their holders. Only one that was made beside another process's draft for the same file would stay.
"""

from __future__ import annotations

import fcntl
import os
import secrets
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_FOR_ALL: Final = 0o666
_FOR_ITS_OWNER: Final = 0o600


def obstacle(folder: Path) -> str:
    """Say what keeps a path from ever being a folder: a file or a dead link is in its way; "" for nothing.

    `exists` says False for all of these, as it does for a folder that is still to be made.
    """
    there = next(place for place in (folder, *folder.parents) if os.path.lexists(place))
    if os.path.isdir(there):  # noqa: PTH112 - `is_dir` raises where a link leads to what may not be read
        return ""
    return f"{there} is a link that leads nowhere" if there.is_symlink() else f"{there} is not a folder"


def write_atomically(path: Path, content: bytes) -> None:
    """Replace a file in one step that survives a power cut; who reads it sees the old or the new, whole.

    Its folder is made where need be. Raises OSError.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as draft:
        draft.write_bytes(content)


@contextmanager
def replacing(path: Path, *, private: bool = False) -> Iterator[Path]:
    """Give a draft to write to, which takes the place of `path` when all went well. Raises OSError.

    Mode and owner of a file that is there stay, and where the path is a link, so does the link. A new one is
    its owner's alone where it is `private`.
    """
    path = path.resolve()
    with scratch(path, private=private) as draft:
        if not private and path.exists():
            old = path.stat()
            draft.chmod(old.st_mode & 0o7777)
            with suppress(PermissionError):  # only root may give a file away
                os.chown(draft, old.st_uid, old.st_gid)
        yield draft
        _sync(draft)
        draft.replace(path)
        _sync(path.parent)


@contextmanager
def scratch(path: Path, *, private: bool = True) -> Iterator[Path]:
    """Give an empty file beside `path` that is gone in the end, even after a kill. Raises OSError."""
    # Known by its name: to look for drafts among ten thousand pages took longer than to write one.
    first = path.with_name(f".{path.name}.part")
    _remove_abandoned(first)
    draft = _open_locked(first, _FOR_ITS_OWNER if private else _FOR_ALL)
    try:
        yield draft.path
    finally:
        if _is_at(draft.path, draft.handle):  # and not of another, once ours took the place of the file
            _remove(draft.path)
        os.close(draft.handle)


class _Draft(NamedTuple):
    """A file that is written to, and the open handle that locks it."""

    path: Path
    handle: int


def _open_locked(first: Path, mode: int) -> _Draft:
    """Make a draft and lock it, of another name where somebody else has a draft of that one.

    So too where they took it for an abandoned one before it was locked.
    """
    draft = first
    while True:
        with suppress(FileExistsError):
            handle = os.open(draft, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
            with suppress(OSError):  # some network file systems have no locks: there litter stays
                fcntl.flock(handle, fcntl.LOCK_EX)
            if _is_at(draft, handle):
                return _Draft(draft, handle)
            os.close(handle)
        draft = first.with_suffix(f".{secrets.token_hex(4)}.part")


def _is_at(path: Path, handle: int) -> bool:
    """Say whether an open file is the one at a path."""
    try:
        return os.path.samestat(path.stat(), os.fstat(handle))
    except FileNotFoundError:
        return False


def _remove_abandoned(draft: Path) -> None:
    with suppress(OSError):  # in use, somebody else's, or gone
        handle = os.open(draft, os.O_RDWR | os.O_CLOEXEC)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            _remove(draft)
        finally:
            os.close(handle)


def _remove(draft: Path) -> None:
    """Remove a draft, and what SQLite may have put beside it."""
    for ending in ("", "-journal"):
        draft.with_name(draft.name + ending).unlink(missing_ok=True)


def _sync(path: Path) -> None:
    """Bring a file or a folder to the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
