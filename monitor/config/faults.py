"""From what is wrong in a file to faults that a reader understands: file, key, message, the likely key."""

from __future__ import annotations

import difflib
import tomllib
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import BaseModel, ValidationError

from monitor.errors import Fault

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

FileT = TypeVar("FileT", bound=BaseModel)

_LONGEST_SHOWN = 60
SECRETS = {"password", "passwd", "urls", "ping_url", "token", "secret"}


def read(path: Path) -> tuple[dict[str, Any], list[Fault]]:
    """Read a TOML file: its tables, or the fault that keeps it from being read. A missing file is empty."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig")), []
    except FileNotFoundError:
        return {}, []
    except tomllib.TOMLDecodeError as error:
        message, _, place = str(error).partition(" (at ")
        return {}, [Fault(path.name, place.partition(",")[0].rstrip(")"), message)]
    except UnicodeDecodeError as error:
        line_number = error.object.count(b"\n", 0, error.start) + 1
        return {}, [Fault(path.name, f"line {line_number}", "not valid UTF-8 text")]
    except OSError as error:
        return {}, [Fault(str(path), "", (error.strerror or "cannot be read").lower())]


def validate(model: type[FileT], data: Mapping[str, Any], file: str) -> tuple[FileT | None, list[Fault]]:
    """Check the tables of one file against its schema: the values, or every fault."""
    try:
        return model.model_validate(data), []
    except ValidationError as error:
        return None, [_fault(model, problem, file) for problem in error.errors(include_url=False)]


def _fault(model: type[BaseModel], problem: Any, file: str) -> Fault:
    place = [part for part in problem["loc"] if not _is_branch(part)]
    message = problem["msg"].removeprefix("Value error, ")
    if problem["type"] == "extra_forbidden":
        message = _unknown(model, place)
    elif problem["type"] == "missing":
        message = "is required"
    elif "value_error" not in problem["type"]:
        message = _lower(message) + _got(problem["input"])
    return Fault(file, _path(place), message)


def _is_branch(part: int | str) -> bool:
    """Tell what pydantic adds for a union's branch, which the user never wrote."""
    return isinstance(part, str) and ("[" in part or "(" in part)


def _path(place: list[int | str]) -> str:
    """Write a place as a reader counts it: `feed[1].url` is the first feed's."""
    parts = (f"[{part + 1}]" if isinstance(part, int) else f".{part}" for part in place)
    return "".join(parts).lstrip(".")


def _unknown(model: type[BaseModel], place: list[int | str]) -> str:
    key = str(place[-1])
    if key in SECRETS:
        return f"secrets do not belong in this file; use {key}_env or {key}_file"
    known = list(_keys(_table(model, place[:-1])))
    close = difflib.get_close_matches(key, known, n=1, cutoff=0.6)
    return "unknown key" + (f"; did you mean {close[0]!r}?" if close else f"; known keys: {', '.join(known)}")


def _table(model: type[BaseModel], place: list[int | str]) -> type[BaseModel]:
    """Find the schema of the table that a place lies in."""
    for part in place:
        if isinstance(part, str):
            model = next(iter(_models(model.model_fields[part].annotation)))
    return model


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in getattr(annotation, "__args__", ()):
        yield from _models(argument)


def _keys(model: type[BaseModel]) -> Iterator[str]:
    return (info.alias or name for name, info in model.model_fields.items())


def _lower(message: str) -> str:
    return message[:1].lower() + message[1:]


def _got(value: Any) -> str:
    short = isinstance(value, str | int | float) and len(repr(value)) <= _LONGEST_SHOWN
    return f" (got {value!r})" if short else ""
