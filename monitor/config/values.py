"""The small languages of the configuration: durations, sizes, times of day, weekdays, time zones."""

from __future__ import annotations

import re
from datetime import time, timedelta
from typing import Annotated, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BeforeValidator

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
FOREVER = timedelta.max

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_SIZES = {"b": 1, "kb": 1000, "mb": 1000**2, "gb": 1000**3}


def duration(value: Any) -> timedelta:
    """Read "90s", "30m", "6h", "1d", "2w", or seconds as a number; it must be longer than nothing."""
    if isinstance(value, timedelta):
        return value
    if isinstance(value, int | float) and not isinstance(value, bool):
        seconds = float(value)
    elif isinstance(value, str) and (match := re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([smhdw])\s*", value)):
        seconds = float(match[1]) * _UNITS[match[2]]
    else:
        raise ValueError('expected a duration such as "90s", "30m", "6h" or "1d"')
    if not 0 < seconds <= 100 * 365 * 86400:
        raise ValueError("expected a duration longer than nothing and shorter than a century")
    return timedelta(seconds=seconds)


def duration_or_forever(value: Any) -> timedelta:
    """Read a duration, or "forever"."""
    return FOREVER if value == "forever" else duration(value)


def size(value: Any) -> int:
    """Read "10MB", "500kB", or bytes as a number; decimal units."""
    match = (
        re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([kmg]?b)\s*", value.lower()) if isinstance(value, str) else None
    )
    if match:
        number = int(float(match[1]) * _SIZES[match[2]])
    elif isinstance(value, int) and not isinstance(value, bool):
        number = value
    else:
        raise ValueError('expected a size such as "10MB" or "500kB"')
    if number <= 0:
        raise ValueError("expected a size larger than nothing")
    return number


def time_of_day(value: Any) -> time:
    """Read "07:00"."""
    if isinstance(value, time) and value.tzinfo is None:
        return value
    match = re.fullmatch(r"(\d{1,2}):(\d{2})", value) if isinstance(value, str) else None
    if not match or int(match[1]) > 23 or int(match[2]) > 59:  # noqa: PLR2004 - hours and minutes
        raise ValueError('expected a time of day such as "07:00"')
    return time(int(match[1]), int(match[2]))


def weekdays(value: Any) -> tuple[int, ...]:
    """Read ["mon", "fri"] as weekday numbers, Monday is 0."""
    if not isinstance(value, list) or not value or any(day not in DAYS for day in value):
        raise ValueError(f"expected a list of weekdays out of {', '.join(DAYS)}")
    return tuple(sorted({DAYS.index(day) for day in value}))


def zone(value: Any) -> ZoneInfo:
    """Read an IANA time zone name."""
    try:
        return ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError, TypeError, OSError):
        raise ValueError(f'{value!r} is not a time zone; expected a name such as "Europe/Berlin"') from None


Duration = Annotated[timedelta, BeforeValidator(duration)]
DurationOrForever = Annotated[timedelta, BeforeValidator(duration_or_forever)]
Size = Annotated[int, BeforeValidator(size)]
TimeOfDay = Annotated[time, BeforeValidator(time_of_day)]
Weekdays = Annotated[tuple[int, ...], BeforeValidator(weekdays)]
