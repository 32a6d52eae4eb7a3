"""The user's themes.toml laid over the shipped one: what is added, changed and left out.

Phrases are added to the shipped ones of the same place, tables are merged, and other values replace the
shipped ones. `without` leaves things out: at the head of the file whole beats and themes; in a beat, a theme,
the glossary or the hidden phrases single phrases, spelt as in the shipped file. `base = false` starts with
only the grades and fields.
"""

from __future__ import annotations

import tomllib
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from monitor import tag, values
from monitor.config.places import FILES, TOPIC
from monitor.errors import ConfigError
from monitor.toml import TomlDocument

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from monitor.toml import Place

NAME: Final = FILES[2]
_OWN_KEYS: Final = ("base", "without")
_KINDS: Final = ("beat", "theme")
# What a file with `base = false` need not repeat.
_MEASURES: Final = ("grades", "fields")


@cache
def _shipped_text() -> str:
    return (TOPIC / NAME).read_text(encoding="utf-8")


def shipped() -> dict[str, Any]:
    """Return what the shipped themes.toml says; the caller's own copy."""
    return tomllib.loads(_shipped_text())


def read(directory: Path) -> tag.Rules:
    """Read the themes of a configuration. Raises ConfigError with every fault of the user's file."""
    return rules_of(TomlDocument.read(directory / NAME))


@cache
def shipped_rules() -> tag.Rules:
    """Return the rules for users without rules of their own."""
    return tag.load("", file=NAME, data=shipped())


def rules_of(document: TomlDocument) -> tag.Rules:
    """Make rules of the user's file over the shipped one. Raises ConfigError with every fault."""
    if document.faults:
        raise ConfigError(document.faults)
    data = merged(document)
    if document.faults:
        raise ConfigError(document.sorted_faults())
    return tag.load(document.text, file=NAME, data=data)


def stands_alone(document: TomlDocument) -> bool:
    """Tell whether a file is complete: it says so, or it holds everything, as all did in version 1.0."""
    return not document.data.get("base", not {"grades", "beat"} <= document.data.keys())


def hint(document: TomlDocument) -> str:
    """Say what a complete file of version 1.0 misses; "" for any other."""
    whole = "base" not in document.data and stands_alone(document)
    # A file about another topic of its own misses nothing.
    if not whole or not _table(document.data["beat"]).keys() & shipped()["beat"].keys():
        return ""
    return (
        f"{NAME} is whole, as in version 1.0, and newer themes and phrases do not reach it; "
        "`monitor config upgrade` keeps only what is yours in it"
    )


def doubts(document: TomlDocument) -> Iterator[str]:
    """Say of each phrase that can be read what in it was likely meant otherwise: it would find nothing."""
    for name in ("glossary", "hidden", "beat", "theme"):
        for text in _texts(document.data.get(name)):
            if reason := tag.doubt(text):
                yield f"{NAME}: {text!r}: {reason}"


def _texts(value: Any) -> Iterator[str]:
    """Yield the texts of all lists in tables of any depth."""
    if isinstance(value, dict):
        for each in value.values():
            yield from _texts(each)
    elif isinstance(value, list):
        yield from (item for item in value if isinstance(item, str))


def merged(document: TomlDocument) -> dict[str, Any]:
    """Return the user's file laid over the shipped one; mistakes in `without` are noted as faults."""
    if not isinstance(document.data.get("base", True), bool):
        document.fault(("base",), "expected true or false, without quotes")
    base = shipped()
    if stands_alone(document):
        base = {key: value for key, value in base.items() if key in _MEASURES}
    for place, items in left_out(document):
        for index, item in enumerate(items):
            # A phrase that is not there is most likely misspelt; the one that was meant would stay unnoticed.
            if not _take_out(base, place, item):
                known = _phrases(_at(base, place)) if place else _slugs(base)
                reason = f"{item!r} is not among what is shipped{values.likely(item, known)}"
                document.fault((*place, "without", index), reason)
    own = {key: value for key, value in document.data.items() if key not in _OWN_KEYS}
    return dict(_over(base, own))


def _over(base: Any, own: Any) -> Any:
    """Lay one value over another. The user's come first, so that a fault's place is one in their file."""
    if isinstance(base, dict) and isinstance(own, dict):
        both = {key: _over(base[key], own[key]) if key in own else base[key] for key in base}
        new = {key: _over({}, own[key]) if isinstance(own[key], dict) else own[key] for key in own}
        return {key: value for key, value in {**both, **new, **both}.items() if key != "without"}
    if isinstance(base, list) and isinstance(own, list):
        return [*own, *(item for item in base if item not in own)]
    return own


def left_out(document: TomlDocument) -> Iterator[tuple[Place, list[str]]]:
    """Yield each `without` of the file: where it stands, and what it names."""
    data = document.data
    places: list[Place] = [(), ("glossary",), ("hidden",)]
    places += [(kind, slug) for kind in _KINDS for slug in _table(data.get(kind))]
    for place in places:
        table = _table(_at(data, place))
        if "without" in table:
            items = table["without"]
            if isinstance(items, list) and all(isinstance(item, str) for item in items):
                yield place, items
            else:
                document.fault((*place, "without"), "expected a list of texts in quotes")


def _take_out(base: dict[str, Any], place: Place, item: str) -> bool:
    """Remove what is named from the shipped data; False when it is not there."""
    if not place:
        kind, dot, slug = item.partition(".")
        kinds = [name for name in _KINDS if not dot or name == kind]
        gone = [base.get(name, {}).pop(slug if dot else item, None) for name in kinds]
        return any(table is not None for table in gone)
    found = False
    for phrases in _lists(_at(base, place)):
        if item in phrases:
            phrases.remove(item)
            found = True
    return found


def _at(data: Any, place: Place) -> Any:
    for part in place:
        data = _table(data).get(str(part))
    return data


def _table(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _lists(value: Any) -> Iterator[list[Any]]:
    if isinstance(value, list):
        yield value
    for inner in _table(value).values():
        yield from _lists(inner)


def _phrases(value: Any) -> Iterator[str]:
    for phrases in _lists(value):
        yield from (item for item in phrases if isinstance(item, str))


def _slugs(base: dict[str, Any]) -> list[str]:
    return [f"{kind}.{slug}" for kind in _KINDS for slug in base.get(kind, {})]
