"""One kind of background work: never twice at a time, and none of its errors stops the service."""

from __future__ import annotations

import asyncio
import contextlib
from datetime import timedelta
from typing import TYPE_CHECKING, Final

import structlog

from monitor.errors import MonitorError, place_of

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

_log = structlog.get_logger("monitor.service")

_FIRST_PAUSE: Final = timedelta(minutes=1)
_LONGEST_PAUSE: Final = timedelta(hours=1)
# When one story brings out a bug of ours and everything else was done, polling must not slow down to once an
# hour.
_LONGEST_AFTER_WORK: Final = timedelta(minutes=5)
_DOUBLINGS: Final = 6


class Run:
    """Work that is started again and again.

    After a failure it rests for a minute, then two, up to an hour, so that one poisoned value fills neither a
    processor nor a log file. After errors that were put off until everything else was done
    (`raise_unexpected`) it rests for at most five minutes. `report` is called with the name and the reason
    after each failure, and with "" after a success.
    """

    def __init__(
        self, name: str, work: Callable[[], Awaitable[None]], report: Callable[[str, str], None]
    ) -> None:
        self.name = name
        self._work = work
        self._report = report
        self._task: asyncio.Task[None] | None = None
        self._failures = 0
        self._rests_until = 0.0

    @property
    def busy(self) -> bool:
        """True while it is at work."""
        return self._task is not None and not self._task.done()

    def start(self) -> None:
        """Begin, unless it is running or resting after a failure."""
        if not self.busy and asyncio.get_running_loop().time() >= self._rests_until:
            self._task = asyncio.create_task(self._guarded(), name=self.name)

    async def stop(self, *, grace: timedelta = timedelta(0)) -> None:
        """Give the present work this much time to finish, then cancel it."""
        if self._task is not None:
            await asyncio.wait([self._task], timeout=grace.total_seconds())
            self._task.cancel()
            await asyncio.wait([self._task])

    async def _guarded(self) -> None:
        try:
            await self._work()
        except MonitorError as error:
            _log.error("run failed", run=self.name, reason=str(error))
            self._rest(str(error))
        except ExceptionGroup as group:
            _log.exception("run met errors unexpectedly", run=self.name)
            self._rest(f"{group.message}: {place_of(group)}", _LONGEST_AFTER_WORK)
        except Exception as error:  # noqa: BLE001 - a bug in one run must not end the service
            _log.exception("run failed unexpectedly", run=self.name)
            self._rest(f"{type(error).__name__}: {error}")
        else:
            self._failures = 0
            self._tell("")

    def _rest(self, reason: str, longest: timedelta = _LONGEST_PAUSE) -> None:
        pause = min(longest, _FIRST_PAUSE * (1 << min(self._failures, _DOUBLINGS)))
        self._failures += 1
        self._rests_until = asyncio.get_running_loop().time() + pause.total_seconds()
        self._tell(reason)

    def _tell(self, reason: str) -> None:
        with contextlib.suppress(MonitorError):  # a store that refuses work refuses notes as well
            self._report(self.name, reason)
