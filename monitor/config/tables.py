"""Declared tables: a Settings object from what a file says, and a fault for all that it says wrongly.

A package declares a table of monitor.toml as a frozen dataclass. `TABLE` is the table's name, and every field
whose type carries a `setting_kinds.Kind` is one of its keys, with type, default and meaning. A field without
a kind cannot be set in the file: the configuration or a test fills it in. Several classes may share one
table, each with keys of its own. A class with a field `enabled` describes something that is off unless its
table is there.
"""

from __future__ import annotations

from dataclasses import MISSING, fields
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar, get_type_hints

from monitor import setting_kinds, values

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from monitor.toml import Place, TomlDocument

T = TypeVar("T")

SECRETS = frozenset({"password", "passwd", "urls", "ping_url", "token", "secret"})
"""Keys under which people write down what must not stand in these files."""


class Setting(NamedTuple):
    """One key of a table, as its class declares it."""

    field: str
    key: str
    kind: setting_kinds.Kind[Any]
    default: Any
    """MISSING where there is none."""
    example: Any
    """What to show where no default helps; None for nothing."""


# By hand, as mypy holds that `functools.cache` takes no class.
_KNOWN: dict[type, tuple[Setting, ...]] = {}


def settings_of(declared: type) -> tuple[Setting, ...]:
    """Return the keys that a class declares, in its order."""
    if declared not in _KNOWN:
        _KNOWN[declared] = _settings_of(declared)
    return _KNOWN[declared]


def _settings_of(declared: type) -> tuple[Setting, ...]:
    # Dear enough to be done once a class: a list of 147 feeds reads the same declaration 147 times.
    hints = get_type_hints(declared, include_extras=True)
    found = []
    for item in fields(declared):
        notes = getattr(hints[item.name], "__metadata__", ())
        kind = next((note for note in notes if isinstance(note, setting_kinds.Kind)), None)
        if kind is not None:
            key = next((note.name for note in notes if isinstance(note, setting_kinds.Key)), item.name)
            example = next((note.value for note in notes if isinstance(note, setting_kinds.Example)), None)
            default = item.default if item.default_factory is MISSING else item.default_factory()
            found.append(Setting(item.name, key, kind, default, example))
    return tuple(found)


def read(declared: type[T], document: TomlDocument, place: Place, table: Mapping[str, Any]) -> T | None:
    """Make a Settings of what stands in a table; None when that cannot be, its faults noted."""
    given: dict[str, Any] = {}
    before = len(document.faults)
    for setting in settings_of(declared):
        here = (*place, setting.key)
        if setting.key not in table:
            if setting.default is MISSING:
                document.fault(here, "is required")
            continue
        try:
            given[setting.field] = setting.kind.read(table[setting.key])
        except setting_kinds.UnfitError as unfit:
            for index, reason in unfit.found:
                document.fault((*here, index), reason)
        except ValueError as error:
            document.fault(here, str(error))
    if len(document.faults) > before:
        return None
    try:
        return declared(**given)
    except ValueError as error:  # keys that are right by themselves, but not beside each other
        document.fault(place, str(error))
        return None


def read_each(declared: type[T], document: TomlDocument, name: str) -> dict[str, T]:
    """Read the tables [NAME."..."] by what stands in the quotes; one at fault is left out."""
    found: dict[str, T] = {}
    for place, key, table in named(document, name):
        if not isinstance(table, dict):
            reason = f'expected a table, [{name}."{declared.NAME}"]{values.got(table)}'  # type: ignore[attr-defined]
            document.fault(place if key else place[:2], reason)
            continue
        unknown(document, place, table, [setting.key for setting in settings_of(declared)])
        value = read(declared, document, place, table)
        if value is not None:
            found[key] = value
    return found


def named(document: TomlDocument, name: str) -> Iterator[tuple[tuple[str, str, str], str, Any]]:
    """Yield what stands in the table of tables NAME: its place, its key, and what should be a table."""
    outer, _, inner = name.partition(".")
    around = document.data.get(outer, {})
    there = around.get(inner, {}) if isinstance(around, dict) else {}
    # What is no table at all has one fault, at its own place.
    for key, table in there.items() if isinstance(there, dict) else [("", there)]:
        yield (outer, inner, key), key, table


def unknown(
    document: TomlDocument,
    place: Place,
    table: Mapping[str, Any],
    known: Iterable[str],
    elsewhere: Mapping[str, str] | None = None,
) -> None:
    """Note each key of a table that nothing declares, and of those that belong `elsewhere` where that is."""
    names, homes = list(known), elsewhere or {}
    for key in table:
        # The likeliest of all unknown keys; just "unknown" would make people look for another spelling.
        if key in SECRETS and key not in names:
            reason = f"secrets do not belong in this file; use {key}_env or {key}_file"
            document.fault((*place, key), reason)
        elif key not in names:
            home = f" here; it belongs {homes[key]}" if key in homes else ""
            document.fault((*place, key), "unknown key" + (home or values.likely(key, names)))


def is_optional(declared: type) -> bool:
    """Tell whether what a class describes is off while its table is missing."""
    return any(item.name == "enabled" for item in fields(declared)) and bool(getattr(declared, "TABLE", ""))
