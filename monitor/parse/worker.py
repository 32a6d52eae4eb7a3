"""Read documents in a separate process, which can be killed when a hostile document makes it hang or grow.

The parent (`Parser`) and the child (`python -m monitor.parse.child`) talk over the child's standard input and
output (see `pipe`). A child reads many documents, and ends with its parent.
"""

from __future__ import annotations

import asyncio
import os
import pickle
import sys
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Final, Self

from monitor.errors import ParseError
from monitor.models import Document
from monitor.parse.pipe import LENGTH, READY, Job

if TYPE_CHECKING:
    from datetime import datetime

    from monitor.models import Feed, Response
    from monitor.parse.settings import Settings

# Seconds that a child may take to start. Generous, since a busy machine is not the document's fault.
_START: Final = 60.0
# Starting a process costs 0.3 s of CPU; keeping one costs 30 MB.
_IDLE: Final = timedelta(minutes=10)
_NO_START: Final = "the reading process did not start"
# The child's environment: no secrets of ours where hostile documents are read.
_ENVIRONMENT: Final = (
    "PATH", "PYTHONPATH", "PYTHONHOME", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "TMPDIR", "SYSTEMROOT",
)  # fmt: skip


class Parser:
    """Reads documents, one at a time, in a process that can be killed. An async context manager.

    The process is started when it is first needed, and kept. A document that takes more time than
    `settings.timeout` or more memory than `settings.memory` ends it; nothing else is affected.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._lock = asyncio.Lock()
        self._worker: _Worker | None = None
        self._last_asked = 0.0

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        """End the process; nothing is lost with it."""
        if self._worker is not None:
            await self._worker.end()

    async def rest(self, idle: timedelta = _IDLE) -> None:
        """End a process that has read nothing for `idle`; the next document starts another."""
        async with self._lock:
            since = asyncio.get_running_loop().time() - self._last_asked
            if self._worker is not None and since >= idle.total_seconds():
                worker, self._worker = self._worker, None
                await worker.end()

    async def parse(self, response: Response, feed: Feed, *, now: datetime) -> Document:
        """Return the document in `response`; raise ParseError if it is not a feed, too slow or too large."""
        job = Job(response.body, response.url, response.content_type, feed, now, self._settings.max_entries)
        async with self._lock:
            # Not kept while it works: whatever happens, no later document meets a child in an unknown state.
            worker, self._worker = self._worker, None
            if worker is None or worker.process.returncode is not None:
                worker = await _Worker.start(self._settings)
            try:
                answer = await worker.ask(job)
            except BaseException:
                # Also when cancelled, or the rest of this answer would be taken for that to the next
                # document.
                await asyncio.shield(worker.end())
                raise
            self._worker = worker
            self._last_asked = asyncio.get_running_loop().time()
        if isinstance(answer, str):
            raise ParseError(answer)
        return answer


@dataclass(slots=True)
class _Worker:
    """One child process."""

    process: asyncio.subprocess.Process
    timeout: float
    reader: asyncio.StreamReader = field(init=False)
    writer: asyncio.StreamWriter = field(init=False)

    def __post_init__(self) -> None:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.writer, self.reader = self.process.stdin, self.process.stdout

    @classmethod
    async def start(cls, settings: Settings) -> _Worker:
        seconds = settings.timeout.total_seconds()
        try:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                # -P: a module in the working directory that is named like one of ours must not be imported.
                *("-P", "-m", "monitor.parse.child", str(settings.memory), str(seconds)),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.DEVNULL,
                env={name: os.environ[name] for name in _ENVIRONMENT if name in os.environ},
                # Ctrl-C in a terminal reaches the whole process group; we end the child ourselves, in order.
                start_new_session=True,
            )
        except OSError as error:
            raise ParseError(_NO_START) from error
        worker = cls(process, seconds)
        try:
            await worker._wait_until_ready()
        except BaseException:
            await asyncio.shield(worker.end())
            raise
        return worker

    async def _wait_until_ready(self) -> None:
        try:
            async with asyncio.timeout(_START):
                await self.reader.readexactly(len(READY))
        except (TimeoutError, asyncio.IncompleteReadError) as error:
            raise ParseError(_NO_START) from error

    async def ask(self, job: Job) -> Document | str:
        """Return the child's answer: the document, or why it could not be read."""
        try:
            async with asyncio.timeout(self.timeout):
                await self._send(pickle.dumps(tuple(job)))
                (size,) = LENGTH.unpack(await self.reader.readexactly(LENGTH.size))
                answer = pickle.loads(await self.reader.readexactly(size))  # noqa: S301 - our own child wrote it
        except TimeoutError as error:
            raise ParseError(f"took longer than {self.timeout:g} s to read") from error
        except (OSError, asyncio.IncompleteReadError) as error:
            raise ParseError(
                "broke the reading process (too much memory, or a fault of the parser)"
            ) from error
        assert isinstance(answer, Document | str)
        return answer

    async def _send(self, message: bytes) -> None:
        self.writer.write(LENGTH.pack(len(message)) + message)
        await self.writer.drain()

    async def end(self) -> None:
        with suppress(ProcessLookupError):
            self.process.kill()
        with suppress(OSError):
            await self.process.communicate()
