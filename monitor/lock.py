"""What only one process may do at a time: poll, send from one data directory, edit one folder's files.

Takes the place of the lock file or the folder, and holds the lock for a `with` block. The kernel releases a
lock when its process ends, however it ends, so a file that is left behind locks nobody out.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import time
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import TYPE_CHECKING

from monitor.errors import BusyError, StoreError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from datetime import timedelta
    from pathlib import Path

_PAUSE = 0.05


@asynccontextmanager
async def sole_poller(path: Path, patience: timedelta) -> AsyncIterator[None]:
    """Hold a lock file, waiting for who holds it. Raises StoreError when it is not free within `patience`."""
    from filelock import FileLock, Timeout

    lock = FileLock(path)
    until = time.monotonic() + patience.total_seconds()
    while not lock.is_locked:
        try:
            # Asked again and again, since a wait in the kernel would hold up the whole loop, signals too.
            lock.acquire(blocking=False)
        except Timeout:
            if time.monotonic() > until:
                raise StoreError(f"another process holds {path.name}; wait for it, or stop it") from None
            await asyncio.sleep(_PAUSE)
    try:
        yield
    finally:
        lock.release()


@contextmanager
def sole_sender(data_dir: Path) -> Iterator[None]:
    """Hold the data directory's lock. Raises BusyError at once when another process holds it."""
    from filelock import FileLock, Timeout

    lock = FileLock(data_dir / "monitor.lock", blocking=False)
    try:
        data_dir.mkdir(parents=True, exist_ok=True)
        lock.acquire()
    except Timeout:
        raise BusyError(f"another monitor is at work on {data_dir}; stop it first") from None
    except OSError as error:
        raise StoreError(f"the directory {data_dir} cannot be used: {error.strerror}") from error
    try:
        yield
    finally:
        lock.release()


def is_at_work(data_dir: Path) -> bool:
    """Say whether a service, or a command that sends, holds the data directory's lock."""
    if not (data_dir / "monitor.lock").exists():
        return False
    try:
        with sole_sender(data_dir):
            return False
    except BusyError:
        return True


@contextmanager
def sole_editor(folder: Path) -> Iterator[None]:
    """Hold a folder from the reading of a file in it to the writing, waiting for who holds it."""
    try:
        # The folder itself: a lock file beside the user's own would be litter.
        handle = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:  # who reads or writes in it will say what is wrong
        yield
        return
    try:
        with suppress(OSError):  # some network file systems have no locks
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)
