"""The signals that the service obeys: to stop, within ten seconds, and to read its configuration again."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType

# Docker kills ten seconds after it has asked; one second is left for the interpreter to end.
_LAST_MOMENT: Final = timedelta(seconds=9)


def end_in_time() -> None:
    """End the process even if a thread hangs in a look-up or on a dead disk; nothing is left to save."""
    timer = threading.Timer(_LAST_MOMENT.total_seconds(), os._exit, [0])
    # Otherwise the timer itself would keep a process alive that ends in time.
    timer.daemon = True
    timer.start()


@contextmanager
def queued(on_stop: Callable[[], None]) -> Iterator[asyncio.Queue[signal.Signals]]:
    """Queue the service's signals.

    The event loop calls asyncio's own signal handlers when it has time: a loop that computed for a minute saw
    SIGTERM a minute late. Python's handlers are called between any two steps of the main thread.
    """
    queue: asyncio.Queue[signal.Signals] = asyncio.Queue()
    loop = asyncio.get_running_loop()

    def handle(number: int, _frame: FrameType | None) -> None:
        if number != signal.SIGHUP:
            on_stop()
        loop.call_soon_threadsafe(queue.put_nowait, signal.Signals(number))

    before = {
        number: signal.signal(number, handle) for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
    }
    try:
        yield queue
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
