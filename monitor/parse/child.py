"""The process in which documents are read: jobs from standard input, documents to standard output.

It bounds itself, in memory and in time, so that it ends even when its parent is gone.
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

# At least so much to work with, however much the interpreter has taken already.
_SCRATCH: Final = 64 * 1024 * 1024
_GRACE: Final = 5.0


def serve(source: IO[bytes], sink: IO[bytes], seconds: float) -> None:
    """Answer jobs from `source` on `sink` until `source` ends.

    A job that outlives its deadline by some seconds kills the process even when the parent is gone.
    """
    while header := source.read(LENGTH.size):
        (size,) = LENGTH.unpack(header)
        job = Job(*pickle.loads(source.read(size)))  # noqa: S301 - the parent wrote it
        # Without a handler SIGALRM kills, also in the middle of a regular expression, where Python hears
        # nothing.
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
    except Exception as bug:  # noqa: BLE001 - told to who asked: with this process its trace would be gone
        return place_of(bug)


def _limit_memory(total: int) -> None:
    """Let this process grow to about `total` bytes in all, where the system can say and do so."""
    with suppress(ImportError, OSError, ValueError):
        import resource

        mapped, resident = map(int, Path("/proc/self/statm").read_text("ascii").split()[:2])
        page = os.sysconf("SC_PAGE_SIZE")
        allowance = max(_SCRATCH, total - resident * page)
        # RLIMIT_AS counts what is mapped and not what is used: libraries that are mapped already are allowed
        # for.
        resource.setrlimit(resource.RLIMIT_AS, (mapped * page + allowance, resource.RLIM_INFINITY))


def main() -> None:
    """Run the child: `python -m monitor.parse.child MEMORY SECONDS`."""
    # What is there now stays for good, and need not be looked through again.
    gc.freeze()
    gc.set_threshold(20_000, 20, 100)  # documents are trees: looking for cycles in them finds nothing

    source, sink = sys.stdin.buffer, sys.stdout.buffer
    # Whatever a library prints must not stand between the answers.
    sys.stdout = sys.stderr
    _limit_memory(int(sys.argv[1]))
    sink.write(READY)
    sink.flush()
    serve(source, sink, float(sys.argv[2]))


if __name__ == "__main__":
    main()
