"""What the user has added to, left out of or changed in the shipped configuration: `config diff`. Pure."""

from __future__ import annotations

from dataclasses import MISSING
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from monitor.config import feedlist, tables, themes
from monitor.config.load import declared_tables
from monitor.models import Feed
from monitor.toml import shown, spelt

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from monitor.toml import Place, TomlDocument


class Difference(NamedTuple):
    """One thing that the two files say differently."""

    sign: Literal["+", "-", "="]
    """Added, left out, or another value."""
    place: Place
    value: Any
    shipped: Any = None

    def __str__(self) -> str:
        """Write it as a line: `+ theme.music.any.sure "my band"`."""
        before = f"  (shipped: {spelt(self.shipped)})" if self.sign == "=" else ""
        return " ".join(filter(None, (self.sign, shown(self.place), spelt(self.value)))) + before


def differences(own: Any, shipped: Any, place: Place = ()) -> Iterator[Difference]:
    """Yield what `own` adds, leaves out and changes compared with `shipped`, in tables of any depth."""
    if isinstance(own, dict) and isinstance(shipped, dict):
        for key in own:
            yield from differences(own[key], shipped.get(key, _like(own[key])), (*place, key))
        yield from (Difference("-", place, key) for key in shipped if key not in own)
    elif isinstance(own, list) and isinstance(shipped, list):
        # As text: an element may be a table, which no set takes.
        there, here = set(map(str, shipped)), set(map(str, own))
        yield from (Difference("+", place, item) for item in own if str(item) not in there)
        yield from (Difference("-", place, item) for item in shipped if str(item) not in here)
    elif own != shipped:
        yield Difference("+" if shipped is None else "=", place, own, shipped)


def _like(value: Any) -> Any:
    """Return an empty value of the same type, to compare a new value with."""
    return type(value)() if isinstance(value, dict | list) else None


def settings(document: TomlDocument) -> Iterator[str]:
    """Yield a line for each setting of monitor.toml that is not the default."""
    for name, sharing in declared_tables().items():
        outer, _, inner = name.partition(".")
        table = document.data.get(outer, {}) if name else document.data
        found = {name: table}
        if inner:
            found = {shown((outer, inner, key)): each for key, each in table.get(inner, {}).items()}
        for place, each in found.items():
            for declared in sharing:
                yield from _changed(declared, place, each)


def _changed(declared: type[Any], place: str, table: Mapping[str, Any]) -> Iterator[str]:
    """Yield a line for each setting of a table that is not the default."""
    for setting in tables.settings_of(declared):
        if setting.key not in table:
            continue
        written = spelt(setting.kind.write(setting.kind.read(table[setting.key])))
        shipped = ""
        if setting.default is not MISSING:
            shipped = spelt(setting.kind.write(setting.default))
        if written != shipped:
            beside = f"  (shipped: {shipped})" if shipped not in {"", '""'} else ""
            yield f"{place}.{setting.key} = {written}{beside}".lstrip(".")


def subscriptions(document: TomlDocument) -> Iterator[str]:
    """Yield a line for each group that is followed, and for each feed that is the user's own or changed."""
    followed = feedlist.follow(document)
    others = [group for group in feedlist.groups() if group not in followed]
    yield f"follows: {', '.join(followed) or 'no group'}; not: {', '.join(others) or 'none'}"
    listed = {feedlist.same_address(str(table.get("url"))) for table in document.data.get("feed", [])}
    for feed in feedlist.read(document):
        key = feedlist.same_address(feed.url)
        if key not in listed:
            continue
        shipped = feedlist.curated().get(key)
        address = feedlist.shown_address(feed.url)
        name = f"{feed.title} ({address})" if feed.title else address
        if shipped is None:
            yield f"+ {name}{'' if feed.enabled else ', switched off'}"
        elif not feed.enabled:
            yield f"- {name}"
        else:
            changed = ", ".join(
                f"{setting.key} = {spelt(setting.kind.write(getattr(feed, setting.field)))}"
                for setting in tables.settings_of(Feed)
                if setting.key != "url" and getattr(feed, setting.field) != getattr(shipped, setting.field)
            )
            yield f"= {name}: {changed}" if changed else f"+ {name}, of the curated list"


def phrases(document: TomlDocument) -> Iterator[Difference]:
    """Yield what a themes.toml has that is not shipped; of a whole file also what it lacks."""
    lone = themes.stands_alone(document)
    own = {key: value for key, value in document.data.items() if key not in {"base", "without"}}
    if not lone:
        for place, items in themes.left_out(document):
            yield from (Difference("-", place, item) for item in items)
    for difference in differences(own, themes.shipped()):
        if difference.place[-1:] != ("without",) and (lone or difference.sign != "-"):
            yield difference
