"""How single values are written to the database and read back.

Instants are ISO 8601 in UTC with six decimals and Z, so that they sort as text and lose nothing. Durations
are seconds. Only values that are lists by nature are JSON.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from monitor.errors import DamageError

if TYPE_CHECKING:
    from collections.abc import Iterable


def format_utc(moment: datetime) -> str:
    """Write an instant. Raises ValueError for one without a zone."""
    if moment.tzinfo is None:
        raise ValueError(f"an instant without a zone: {moment}")
    # Always six decimals, or "…:05Z" would sort after "…:05.5Z".
    return moment.astimezone(UTC).isoformat(timespec="microseconds").removesuffix("+00:00") + "Z"


def maybe_format_utc(moment: datetime | None) -> str | None:
    """Write an instant that may be absent."""
    return None if moment is None else format_utc(moment)


def parse_utc(text: str) -> datetime:
    """Read an instant. Raises DamageError for anything else: somebody has edited the file, or damaged it."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise _unreadable(text, "a time") from error
    if found.tzinfo is None:
        raise _unreadable(text, "a time with its zone")
    return found


def maybe_parse_utc(text: str | None) -> datetime | None:
    """Read an instant that may be absent."""
    return None if text is None else parse_utc(text)


def seconds(span: timedelta | None) -> float | None:
    """Write a duration that may be absent."""
    return None if span is None else span.total_seconds()


def duration(number: float | None) -> timedelta | None:
    """Read a duration that may be absent."""
    return None if number is None else timedelta(seconds=number)


def names(values: Iterable[str]) -> str:
    """Write a list of names."""
    return json.dumps(list(values), ensure_ascii=False)


def name_list(text: str) -> tuple[str, ...]:
    """Read a list of names. Raises DamageError."""
    return tuple(json_value(text))


def json_value(text: str) -> Any:
    """Read a value that is kept as JSON. Raises DamageError."""
    try:
        return json.loads(text)
    except ValueError as error:
        raise _unreadable(text, "JSON") from error


def _unreadable(text: str, expected: str) -> DamageError:
    return DamageError(f"the database holds {text[:40]!r} where {expected} belongs: restore a backup")
