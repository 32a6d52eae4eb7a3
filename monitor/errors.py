"""The errors of the monitor, one tree; each package translates its libraries' errors into these.

    MonitorError
    ├── ConfigError      the configuration is wrong; carries every fault found
    ├── FetchError       a feed could not be fetched
    ├── ParseError       what was fetched is not a feed, or not one that can be read
    ├── StoreError       the database cannot be opened, is damaged or busy beyond patience
    │   ├── BusyError    another process is at work on it
    │   └── DamageError  one value in it cannot be read
    └── DeliveryError    a delivery did not succeed; knows whether trying again can help
        └── LogInError   the account or its password was refused

A message is one line that a user understands and never holds a secret.
"""

from __future__ import annotations

import traceback
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

T = TypeVar("T")
R = TypeVar("R")


class MonitorError(Exception):
    """Base of all errors that the monitor expects and reports without a traceback."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault of a configuration file. `place` is a key (`feed[2].url`), `line` its line, 0 for none."""

    file: str
    place: str
    message: str
    line: int = 0

    def __str__(self) -> str:
        """Render as `file:line: place: message`, as compilers do: editors open it with a click."""
        file = f"{self.file}:{self.line}" if self.line else self.file
        return ": ".join(part for part in (file, self.place, self.message) if part)


class ConfigError(MonitorError):
    """The configuration cannot be used; `faults` holds every fault found, in the files' order."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        self.faults = tuple(faults)
        super().__init__("\n".join(map(str, self.faults)))


class FetchError(MonitorError):
    """A feed could not be fetched."""


class ParseError(MonitorError):
    """A document is not a feed or cannot be read as one."""


class StoreError(MonitorError):
    """The database cannot be used."""


class BusyError(StoreError):
    """Another process is at work on the same data directory."""


class DamageError(StoreError):
    """A value in the database cannot be read; like a bug of ours it costs what it stands in, and no more."""


class DeliveryError(MonitorError):
    """A delivery did not succeed. `permanent` says that trying again cannot help.

    `delay` is how long to wait at least before the next try, after a reply that was lost, say. `blocked` says
    that only the user can fix it (a wrong password): it is shown at once, and tried again when they come by.
    """

    def __init__(
        self, message: str, *, permanent: bool, delay: timedelta = timedelta(0), blocked: bool = False
    ) -> None:
        super().__init__(message)
        self.permanent = permanent
        self.delay = delay
        self.blocked = blocked


class LogInError(DeliveryError):
    """The account or its password is wrong; whoever asked for them may ask again."""


def place_of(bug: BaseException) -> str:
    """Say where in our code an error arose that nobody expected: "KeyError at reader.py:17"."""
    if isinstance(bug, MonitorError):
        return str(bug)
    if isinstance(bug, ExceptionGroup):
        return place_of(bug.exceptions[0])
    # The last frame may lie in a library; its line still says more than the message alone.
    frames = traceback.extract_tb(bug.__traceback__)
    place = f" at {frames[-1].filename.rpartition('/')[2]}:{frames[-1].lineno}" if frames else ""
    return f"internal error: {type(bug).__name__}{place}"


def is_unexpected(error: Exception) -> bool:
    """Say whether an error is a bug of ours, or damage in one place: it may cost no more than that place."""
    return isinstance(error, DamageError) or not isinstance(error, MonitorError | OSError)


def raise_unexpected(doing: str, bugs: Sequence[Exception]) -> None:
    """Raise what nobody expected while something was done, once all else of it is done; nothing for none."""
    if bugs:
        raise ExceptionGroup(f"{doing} met errors that nobody expected", bugs)


def each(those: Iterable[T], do: Callable[[T], R]) -> tuple[dict[T, R], dict[T, Exception]]:
    """Do something for each by itself; return what came of it, and where it failed as nobody expected."""
    done, bugs = dict[T, R](), dict[T, Exception]()
    for one in those:
        try:
            done[one] = do(one)
        except Exception as error:
            if not is_unexpected(error):
                raise
            bugs[one] = error
    return done, bugs


def culprits(those: Sequence[T], attempt: Callable[[Sequence[T]], object]) -> list[tuple[T, Exception]]:
    """Return which of those must be left out for an attempt not to fail, each with its error.

    For bugs of ours that one hostile entry brings out: it is to cost itself, and no other. They are sought
    by halves. What fails without any of them too is no culprit's, and what we expect (a MonitorError) is
    nobody's bug and raised.
    """
    sound, found = list[T](), list[tuple[T, Exception]]()

    def sift(some: Sequence[T]) -> None:
        # Beside those that are sound: one may be met for the sake of another.
        bug = _bug_of(attempt, [*sound, *some])
        if bug is None:
            sound.extend(some)
        elif len(some) == 1:
            found.append((some[0], bug))
        elif some:
            middle = len(some) // 2
            sift(some[:middle])
            sift(some[middle:])

    if _bug_of(attempt, ()) is None:
        sift(those)
    return found


def _bug_of(attempt: Callable[[T], object], some: T) -> Exception | None:
    try:
        attempt(some)
    except Exception as error:
        if is_unexpected(error):
            return error
        raise
    return None
