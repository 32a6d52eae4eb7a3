"""Digests and their summaries as JSON and back, without loss.

A `window` has `from` and `to`; a story has `entries`, each with an `id`. Instants are ISO 8601 in UTC with
`Z`, and durations are seconds.
"""

from __future__ import annotations

import json
import re
from dataclasses import fields, is_dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from types import NoneType, UnionType
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple, cast, get_args, get_origin, get_type_hints

from monitor.models.digests import (
    Copy,
    Digest,
    DigestStory,
    DigestSummary,
    NearMiss,
    StoryEntry,
    Window,
)

if TYPE_CHECKING:
    from collections.abc import Callable

_RENAMED: Final[dict[type, dict[str, str]]] = {
    Window: {"start": "from", "end": "to"},
    DigestStory: {"reports": "entries"},
    Copy: {"entry": "id"},
    StoryEntry: {"entry": "id"},
    NearMiss: {"entry": "id"},
}
# What must not stand bare in a file: control and bidi characters, line separators, surrogates.
_UNSEEN: Final = re.compile("[\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]")


def digest_to_json(digest: Digest) -> str:
    """Return the digest as indented JSON that ends with a new line."""
    plain = json.dumps(_encode(digest), ensure_ascii=False, indent=2)
    return _UNSEEN.sub(lambda match: f"\\u{ord(match[0]):04x}", plain) + "\n"


def digest_from_json(text: str) -> Digest:
    """Return the digest that `digest_to_json` wrote; ValueError, KeyError or TypeError for anything else."""
    digest: Digest = _decoder(Digest)(json.loads(text))
    return digest


def summary_to_json(summary: DigestSummary) -> str:
    """Return a digest's summary as JSON on one line."""
    return json.dumps(_encode(summary), ensure_ascii=False, sort_keys=True)


def summary_from_json(text: str) -> DigestSummary:
    """Return the summary that `summary_to_json` wrote; ValueError, KeyError or TypeError for others."""
    summary: DigestSummary = _decoder(DigestSummary)(json.loads(text))
    return summary


def _encode(value: Any) -> Any:
    if is_dataclass(value):
        described = _fields(cast("Any", type(value)))
        return {key: _encode(getattr(value, name)) for name, key, _ in described}
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, timedelta):
        return value.total_seconds()
    return [_encode(item) for item in value] if isinstance(value, tuple) else value


@cache
def _decoder(kind: Any) -> Callable[[Any], Any]:
    """Return what reads a value of a type. Once for each: looking types over took most of a month's page."""
    # All unions of the nouns are "or None".
    if get_origin(kind) is UnionType:
        read = _decoder(_present(kind))
        return lambda value: None if value is None else read(value)
    if get_origin(kind) is tuple:
        first, *rest = kinds = get_args(kind)
        if rest == [Ellipsis]:
            read = _decoder(first)
            return lambda value: tuple(map(read, value))
        readers = tuple(map(_decoder, kinds))
        return lambda value: tuple(read(item) for read, item in zip(readers, value, strict=True))
    if get_origin(kind) is Literal:
        return lambda value: value
    if kind in _READERS:
        return _READERS[kind]
    # A key that is missing has its default, one that is unknown is passed over: digests of other versions are
    # read.
    described = [(name, key, _decoder(of)) for name, key, of in _fields(kind)]
    return lambda value: kind(**{name: read(value[key]) for name, key, read in described if key in value})


def _present(union: Any) -> Any:
    return next(kind for kind in get_args(union) if kind is not NoneType)


class _Field(NamedTuple):
    name: str
    key: str
    """In the JSON."""
    kind: Any


@cache
def _fields(kind: Any) -> tuple[_Field, ...]:
    """Return the fields of a noun."""
    hints, renamed = get_type_hints(kind), _RENAMED.get(kind, {})
    return tuple(
        _Field(field.name, renamed.get(field.name, field.name), hints[field.name]) for field in fields(kind)
    )


# `float` too: JSON may write a whole number without its point.
_READERS: Final[dict[Any, Callable[[Any], Any]]] = {
    datetime: datetime.fromisoformat,
    date: date.fromisoformat,
    time: time.fromisoformat,
    timedelta: lambda seconds: timedelta(seconds=seconds),
    str: str,
    int: int,
    float: float,
    bool: bool,
}
