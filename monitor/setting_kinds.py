"""The kinds of setting: how each is read, written into a TOML file and named in the reference.

The type of a field in a Settings class says its kind: to a type checker `Duration` is a `timedelta`, and it
also carries the function of `values.py` with which `config` reads the setting. A field whose type carries no
kind cannot be set in a file.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import time, timedelta
from math import inf
from pathlib import Path
from sys import float_info
from typing import TYPE_CHECKING, Annotated, Any, Final, Generic, TypeVar
from zoneinfo import ZoneInfo

from monitor.values import (
    DAYS,
    ascii_text,
    duration,
    got,
    host,
    language,
    mailbox,
    meant,
    path,
    pause,
    period,
    size,
    switch,
    text,
    time_of_day,
    web_address,
    weekdays,
    written_duration,
    written_size,
    zone,
)

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Kind(Generic[T]):
    """How one kind of value is read, written into a TOML file and named in the reference."""

    read: Callable[[Any], T]
    """Reads the value. Raises ValueError with what was expected, or UnfitError for parts of a list."""
    name: str
    write: Callable[[T], object] = lambda value: value
    """The value as TOML knows it: a string, number, boolean or list."""


@dataclass(frozen=True, slots=True)
class Key:
    """The name of a setting in its file, if it cannot be the field's name."""

    name: str


@dataclass(frozen=True, slots=True)
class Example:
    """What the starter shows for a setting that has no default."""

    value: object


class UnfitError(ValueError):
    """Elements of a list that could not be read: the index and the reason of each."""

    def __init__(self, found: list[tuple[int, str]]) -> None:
        self.found = found
        super().__init__("; ".join(reason for _, reason in found))


def whole(low: int, high: int) -> Kind[int]:
    """Make the kind of whole numbers between two bounds."""

    def read(value: Any) -> int:
        if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
            raise ValueError(f"expected a whole number from {low} to {high}{got(value)}")
        return value

    return Kind(read, f"a whole number from {low} to {high}")


def number(low: float, high: float = inf) -> Kind[float]:
    """Make the kind of numbers between two bounds."""
    bounds = f"from {low:g}" + (f" to {high:g}" if high < inf else " up")

    def read(value: Any) -> float:
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        # TOML has integers of any length, and `inf`.
        if not is_number or not low <= value <= min(high, float_info.max):
            raise ValueError(f"expected a number {bounds}{got(value)}")
        return float(value)

    return Kind(read, f"a number {bounds}")


def choice(*names: str) -> Kind[Any]:
    """Make the kind of names out of a fixed few."""
    shown = ", ".join(f'"{name}"' for name in names)

    def read(value: Any) -> str:
        if value not in names:
            raise ValueError(f"expected one of {shown}{meant(value, names) or got(value)}")
        return str(value)

    return Kind(read, f"one of {shown}")


def listed(kind: Kind[T], *, least: int = 0) -> Kind[tuple[T, ...]]:
    """Make the kind of lists of a kind, with at least so many elements."""

    def read(value: Any) -> tuple[T, ...]:
        if not isinstance(value, list) or len(value) < least:
            raise ValueError(f"expected a list{' with something in it' if least else ''}{got(value)}")
        good: list[T] = []
        bad: list[tuple[int, str]] = []
        for index, item in enumerate(value):
            try:
                good.append(kind.read(item))
            except ValueError as error:
                bad.append((index, str(error)))
        if bad:
            raise UnfitError(bad)
        return tuple(good)

    return Kind(read, f"a list, each {kind.name}", lambda value: [kind.write(item) for item in value])


def _mailbox_text(value: Any) -> str:
    mailbox(value)
    return str(value).strip()


def _mailbox_texts(value: Any) -> tuple[str, ...]:
    """Read a list of mailboxes; one that is listed twice gets one mail."""
    listed_ones = listed(MAILBOX, least=1).read(value)
    found: dict[str, str] = {}
    for one in listed_ones:
        found.setdefault("@".join(mailbox(one)[1:]).casefold(), one)
    return tuple(found.values())


TEXT: Final = Kind(text, "a text")
MAILBOX: Final = Kind(_mailbox_text, "an email address")
PATH: Final = Kind(path, "a path", str)
DURATION: Final = Kind(duration, "a duration", written_duration)

Text = Annotated[str, TEXT]
Host = Annotated[str, Kind(host, "a host")]
OwnHost = Annotated[str, Kind(lambda value: host(value) if value else text(value), "a host")]
AsciiText = Annotated[str, Kind(ascii_text, "a text in ASCII")]
Texts = Annotated[tuple[str, ...], listed(TEXT)]
Switch = Annotated[bool, Kind(switch, "true or false")]
Duration = Annotated[timedelta, DURATION]
OwnDuration = Annotated[
    timedelta | None,
    Kind(duration, "a duration", lambda value: "" if value is None else written_duration(value)),
]
"""A duration that overrides another; None for no override."""
Pause = Annotated[timedelta, Kind(pause, "a duration, 0 for none", written_duration)]
Period = Annotated[
    timedelta | None,
    Kind(
        period,
        'a duration, or "forever"',
        lambda value: "forever" if value is None else written_duration(value),
    ),
]
Size = Annotated[int, Kind(size, "a size", written_size)]
TimeOfDay = Annotated[time, Kind(time_of_day, "a time of day", lambda value: f"{value:%H:%M}")]
Weekdays = Annotated[
    tuple[int, ...], Kind(weekdays, "a list of weekdays", lambda value: [DAYS[day] for day in value])
]
Zone = Annotated[ZoneInfo, Kind(zone, "a time zone", lambda value: value.key)]
Mailbox = Annotated[str, MAILBOX]
Mailboxes = Annotated[tuple[str, ...], Kind(_mailbox_texts, "a list, each an email address", list)]
Url = Annotated[str, Kind(web_address, "a web address")]
FilePath = Annotated[Path, PATH]
Language = Annotated[str, Kind(language, "a language")]
Languages = Annotated[tuple[str, ...], listed(Kind(language, "a language"))]
Score = Annotated[float, number(0)]
