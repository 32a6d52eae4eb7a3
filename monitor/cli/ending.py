"""How the program ends: every error in a line that a user understands, and our own bugs with where to report.

Takes what a command raises; gives the exit code. A traceback is shown for a bug of ours alone: it is for
those who fix it, and the last line says so.
"""

from __future__ import annotations

import io
import os
import sys
import traceback
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from monitor import __version__
from monitor.cli.output import say
from monitor.cli.session import UsageError
from monitor.errors import ConfigError, MonitorError

if TYPE_CHECKING:
    from collections.abc import Iterator


def open_streams() -> None:
    """Make the streams fit for any text: UTF-8 in files and pipes, what it can show on a terminal.

    A sink takes the place of one that was closed (`>&-`, `<&-`), or the next file would.
    """
    for name in ("stdin", "stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            mode = "r" if name == "stdin" else "w"
            setattr(sys, name, Path(os.devnull).open(mode, encoding="utf-8"))  # noqa: SIM115 - for good
        if isinstance(stream, io.TextIOWrapper):
            # Under cron a locale may be POSIX, in which a title with a quotation mark ends the command.
            if stream.isatty():
                stream.reconfigure(errors="replace")
            else:
                stream.reconfigure(
                    encoding="utf-8", errors="strict" if name == "stdin" else "surrogateescape"
                )
    if not os.environ.get("COLUMNS", "1").strip("0"):
        del os.environ["COLUMNS"]  # some containers set 0, and rich then prints nothing at all


@contextmanager
def ending() -> Iterator[None]:
    """Turn what the block raises into words and an exit code."""
    try:
        yield
    except SystemExit as end:
        # Python flushes at its end too, but reports a full disk there as "Exception ignored", with exit code
        # 120.
        sys.exit(_flushed(end.code))
    except Exception as error:  # noqa: BLE001 - this is where errors end
        sys.exit(_report_error(error))
    sys.exit(_flushed(0))


def _flushed(code: str | int | None) -> str | int | None:
    """Flush the results; if they cannot be written, the command has failed."""
    try:
        sys.stdout.flush()
    except OSError as error:
        return _report_error(error)
    return code


def _report_error(error: Exception) -> int:
    """Say what went wrong; return the exit code."""
    code = 1
    match error:
        case ExceptionGroup():
            code = _report_all(error)
        case ConfigError():
            say(*map(str, error.faults))
            code = 2
        case MonitorError():
            say(f"monitor: {error}")
            code = 2 if isinstance(error, UsageError) else 1
        # `monitor entries | head` has what it wanted: nothing is said.
        case BrokenPipeError():
            _let_go_of_output()
        case OSError():
            _let_go_of_output()
            place = error.filename if error.filename is not None else "standard output or the disk"
            say(f"monitor: {place}: {error.strerror or error}")
        case UnicodeError():
            say(f"monitor: this is not UTF-8 text: {error}")
        case _:
            _report_bug(error)
    return code


def _report_all(group: ExceptionGroup[Exception]) -> int:
    """Report each distinct expected error of a group, and the others as one bug; return the exit code."""
    expected, rest = group.split((MonitorError, OSError))
    distinct: dict[str, Exception] = {}
    for one in _leaves(expected):
        distinct.setdefault(str(one), one)
    codes = [_report_error(one) for one in distinct.values()]
    if rest is not None:
        _report_bug(rest)
    return max(codes, default=1)


def _leaves(group: ExceptionGroup[Exception] | None) -> Iterator[Exception]:
    for one in group.exceptions if group is not None else ():
        if isinstance(one, ExceptionGroup):
            yield from _leaves(one)
        else:
            yield one


def _report_bug(error: Exception) -> None:
    say(
        "".join(traceback.format_exception(error)).rstrip(),
        "",
        f"This is a bug in monitor {__version__}, and not your fault.",
        f"Please report it with the lines above: {_where_to_report()}",
    )


def _where_to_report() -> str:
    from importlib import metadata

    known = metadata.metadata("sora-monitor").get_all("Project-URL") or []
    urls = dict(entry.split(", ", 1) for entry in known if ", " in entry)
    return urls.get("Issues") or "to those from whom you have it (`pip show sora-monitor`)"


def _let_go_of_output() -> None:
    """Keep Python from writing the output again at exit and complaining that it cannot."""
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
