"""One sender at a time on one data directory."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from monitor.errors import BusyError, StoreError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextmanager
def sole_sender(data_dir: Path) -> Iterator[None]:
    """Hold the data directory's lock. Raises BusyError when another process holds it.

    The kernel frees the lock with the process, however that ends: a lock file that was left behind
    locks nobody out.
    """
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
