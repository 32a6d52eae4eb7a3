"""The errors of the monitor, in one tree. Each package translates its libraries' errors into these.

    MonitorError
    ├── ConfigError      the configuration is wrong; carries every fault found
    ├── FetchError       a feed could not be fetched
    ├── ParseError       what was fetched is not a feed, or not one that can be read
    ├── StoreError       the database cannot be opened, is damaged, or has been busy for too long
    │   ├── BusyError    another process is at work on it
    │   └── DamageError  one value in it cannot be read
    └── DeliveryError    a delivery failed; it knows whether trying again can help
        └── LogInError   the account or its password was refused

A message is one line that the user can understand. It never holds a secret.
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
    """One value in the database cannot be read. As with a bug of ours, only what it belongs to is lost."""


class DeliveryError(MonitorError):
    """A delivery failed. `permanent` says that trying again cannot help.

    `delay` is the shortest wait before the next try, for example after a reply that was lost. `blocked` says
    that only the user can fix it (a wrong password): it is shown at once, and tried again when the user comes
    by. `unconfirmed` says that it may have arrived all the same.
    """

    def __init__(
        self,
        message: str,
        *,
        permanent: bool,
        delay: timedelta = timedelta(0),
        blocked: bool = False,
        unconfirmed: bool = False,
    ) -> None:
        super().__init__(message)
        self.permanent = permanent
        self.delay = delay
        self.blocked = blocked
        self.unconfirmed = unconfirmed


class LogInError(DeliveryError):
    """The account or its password is wrong; whoever asked the user for them may ask again."""


def place_of(bug: BaseException) -> str:
    """Say where in our code an unexpected error arose: "KeyError at reader.py:17"."""
    if isinstance(bug, MonitorError):
        return str(bug)
    if isinstance(bug, ExceptionGroup):
        return place_of(bug.exceptions[0])
    # The last frame may lie in a library; its line still says more than the message alone.
    frames = traceback.extract_tb(bug.__traceback__)
    place = f" at {frames[-1].filename.rpartition('/')[2]}:{frames[-1].lineno}" if frames else ""
    return f"internal error: {type(bug).__name__}{place}"


def is_unexpected(error: Exception) -> bool:
    """Say whether an error is a bug of ours or damage in one place: only that place may suffer from it."""
    return isinstance(error, DamageError) or not isinstance(error, MonitorError | OSError)


def raise_unexpected(doing: str, bugs: Sequence[Exception]) -> None:
    """Raise the unexpected errors that were met while `doing` something, if there are any.

    To be called at the end, when everything else that belongs to it is done.
    """
    if bugs:
        raise ExceptionGroup(f"{doing} met errors that nobody expected", bugs)


def each(those: Iterable[T], do: Callable[[T], R]) -> tuple[dict[T, R], dict[T, Exception]]:
    """Do something for each item; return the results, and the unexpected errors of the items that failed."""
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
    """Return the items that must be left out for an attempt not to fail, each with its error.

    This is for bugs of ours that one hostile entry brings out: they may cost that entry, but no other. The
    items are sought by halving. If the attempt fails without any of them too, none of them is the culprit.
    Errors that we expect (MonitorError) are raised.
    """
    sound, found = list[T](), list[tuple[T, Exception]]()

    def sift(some: Sequence[T]) -> None:
        # Together with those known to be sound, as an item may be looked at only because of another.
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
