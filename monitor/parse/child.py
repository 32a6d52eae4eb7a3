"""The process that reads documents: jobs from standard input, answers on standard output.

It limits its own memory and time, so that it ends even if its parent is gone.
"""

from __future__ import annotations

import gc
import os
import pickle
import signal
import sys
from contextlib import suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING, Final

from monitor.errors import ParseError, place_of
from monitor.parse.pipe import LENGTH, READY, Job
from monitor.parse.reader import read

if TYPE_CHECKING:
    from monitor.models import Document

# Bytes to work with in any case, however much the interpreter has taken already.
_SCRATCH: Final = 64 * 1024 * 1024
_GRACE: Final = 5.0


def serve(source: IO[bytes], sink: IO[bytes], seconds: float) -> None:
    """Answer jobs from `source` on `sink` until `source` ends.

    A job that takes some seconds longer than `seconds` kills the process, even if the parent is gone.
    """
    while header := source.read(LENGTH.size):
        (size,) = LENGTH.unpack(header)
        job = Job(*pickle.loads(source.read(size)))  # noqa: S301 - the parent wrote it
        # Without a handler SIGALRM kills the process, even within a regular expression, where Python would
        # not run a handler.
        signal.setitimer(signal.ITIMER_REAL, seconds + _GRACE)
        message = pickle.dumps(_answer(job))
        signal.setitimer(signal.ITIMER_REAL, 0)
        sink.write(LENGTH.pack(len(message)) + message)
        sink.flush()


def _answer(job: Job) -> Document | str:
    try:
        return read(
            job.body,
            url=job.url,
            content_type=job.content_type,
            feed=job.feed,
            now=job.now,
            max_entries=job.max_entries,
        )
    except ParseError as error:
        return str(error)
    except MemoryError:
        return "needs too much memory to read"
    except Exception as bug:  # noqa: BLE001 - the parent gets it; the traceback would end with this process
        return place_of(bug)


def _limit_memory(total: int) -> None:
    """Limit this process to about `total` bytes in all, on systems that can do so."""
    with suppress(ImportError, OSError, ValueError):
        import resource

        mapped, resident = map(int, Path("/proc/self/statm").read_text("ascii").split()[:2])
        page = os.sysconf("SC_PAGE_SIZE")
        allowance = max(_SCRATCH, total - resident * page)
        # RLIMIT_AS counts what is mapped, used or not, so the libraries that are mapped already are added.
        resource.setrlimit(resource.RLIMIT_AS, (mapped * page + allowance, resource.RLIM_INFINITY))


def main() -> None:
    """Run the child: `python -m monitor.parse.child MEMORY SECONDS`."""
    # What exists now stays until the end, and garbage collection need not look at it again.
    gc.freeze()
    gc.set_threshold(20_000, 20, 100)  # documents are trees, in which there are no cycles to collect

    source, sink = sys.stdin.buffer, sys.stdout.buffer
    # Whatever a library prints must not end up between the answers.
    sys.stdout = sys.stderr
    _limit_memory(int(sys.argv[1]))
    sink.write(READY)
    sink.flush()
    serve(source, sink, float(sys.argv[2]))


if __name__ == "__main__":
    main()
