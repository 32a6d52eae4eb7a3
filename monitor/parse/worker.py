"""Reading in a process of its own: what hangs or swells on a hostile document can be killed there, and is.

The parent (`Parser`) and the child (`python -m monitor.parse.child`) speak over the child's standard input
and output (`pipe`). A child outlives its documents, but not its parent.
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

# Seconds that a child may take to start: a busy machine is no fault of the document.
_START: Final = 60.0
# Started anew, a process costs .3 s of CPU; kept, 30 MB.
_IDLE: Final = timedelta(minutes=10)
_NO_START: Final = "the reading process did not start"
# What a child gets of our environment: no secrets where hostile documents are read.
_ENVIRONMENT: Final = (
    "PATH", "PYTHONPATH", "PYTHONHOME", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "TMPDIR", "SYSTEMROOT",
)  # fmt: skip


class Parser:
    """Reads documents, one at a time, in a killable process. An async context manager.

    The process is started when first needed and lives on; a document that wants more than `settings.timeout`
    and `settings.memory` costs it its life and nobody else anything.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._turn = asyncio.Lock()
        self._worker: _Worker | None = None
        self._last_asked = 0.0

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        """End the process; it holds nothing that could be lost."""
        if self._worker is not None:
            await self._worker.end()

    async def rest(self, idle: timedelta = _IDLE) -> None:
        """End a process that had nothing to read for so long; the next document starts another."""
        async with self._turn:
            since = asyncio.get_running_loop().time() - self._last_asked
            if self._worker is not None and since >= idle.total_seconds():
                worker, self._worker = self._worker, None
                await worker.end()

    async def parse(self, response: Response, feed: Feed, *, now: datetime) -> Document:
        """Return the document in `response`; raise ParseError when it is no feed, too slow or too large."""
        job = Job(response.body, response.url, response.content_type, feed, now, self._settings.max_entries)
        async with self._turn:
            # Out of its place while it is asked: whatever happens, no later document gets a child in an
            # unknown state.
            worker, self._worker = self._worker, None
            if worker is None or worker.process.returncode is not None:
                worker = await _Worker.start(self._settings)
            try:
                answer = await worker.ask(job)
            except BaseException:
                # Also when cancelled: what is half said on the pipe would be taken for the next document's
                # answer.
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
                # -P: a module named like ours in the working directory must not be imported (Python 3.11).
                *("-P", "-m", "monitor.parse.child", str(settings.memory), str(seconds)),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.DEVNULL,
                env={name: os.environ[name] for name in _ENVIRONMENT if name in os.environ},
                # Ctrl-C in a terminal reaches the whole process group; the child is ended by us, in order.
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
        """Return the child's answer: the document, or what is wrong with it."""
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
