"""Taking turns: what only one process may do at a time."""

from __future__ import annotations

import asyncio
import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from monitor.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from datetime import timedelta
    from pathlib import Path

_PAUSE = 0.05


@asynccontextmanager
async def lock(path: Path, patience: timedelta) -> AsyncIterator[None]:
    """Hold a lock file, waiting for who holds it. The kernel frees it with its process, however that ends.

    Raises StoreError when it is not free within `patience`.
    """
    from filelock import FileLock, Timeout

    lock = FileLock(path)
    until = time.monotonic() + patience.total_seconds()
    while not lock.is_locked:
        try:
            lock.acquire(blocking=False)
        except Timeout:
            if time.monotonic() > until:
                raise StoreError(f"another process holds {path.name}; wait for it, or stop it") from None
            await asyncio.sleep(_PAUSE)
    try:
        yield
    finally:
        lock.release()
