"""Which feeds are followed: feeds.toml and the curated list that comes with the package, put together.

`follow = ["technology", "unions"]` at the head of feeds.toml follows whole groups of the curated list. A
[[feed]] with a curated address holds only what differs from the list, or switches that feed on or off; any
other [[feed]] is the user's own.
"""

from __future__ import annotations

import re
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from monitor import values
from monitor.config import tables
from monitor.config.places import TOPIC
from monitor.errors import ConfigError
from monitor.models import Feed
from monitor.toml import TomlDocument
from monitor.url import redact_url

if TYPE_CHECKING:
    from collections.abc import Mapping

NAME: Final = "feeds.toml"
# From this many curated addresses on, a file lists them as 1.0 did; fewer may be somebody's own choice.
_MANY: Final = 5
_PLACE: Final = re.compile(r"\A([^/?#]*)(.*)", re.DOTALL)
# What the curated list notes about its feeds for its maintainers.
_NOTES: Final = ("robots", "terms", "confidence", "seen")


@cache
def curated() -> dict[str, Feed]:
    """Return the curated feeds by address, in their order. Raises ConfigError where the list is at fault."""
    document = TomlDocument.read(TOPIC / NAME)
    found = {}
    for index, table in enumerate(document.data.get("feed", [])):
        feed = _feed(document, index, {key: value for key, value in table.items() if key not in _NOTES})
        if feed is not None:
            found[same_address(feed.url)] = feed
    if document.faults:
        raise ConfigError(document.faults)
    return found


def groups() -> tuple[str, ...]:
    """Return the names of the curated groups, in the list's order."""
    return tuple(dict.fromkeys(feed.group for feed in curated().values()))


def read(document: TomlDocument) -> tuple[Feed, ...]:
    """Return the feeds of a feeds.toml: the groups that it follows, then its own; its faults are noted."""
    tables.unknown(document, (), document.data, ["follow", "feed"])
    chosen = follow(document)
    followed = {same_address(feed.url): feed for feed in curated().values() if feed.group in chosen}
    listed = document.data.get("feed", [])
    if not isinstance(listed, list) or not all(isinstance(table, dict) for table in listed):
        document.fault(("feed",), "expected tables, each under [[feed]]")
        return tuple(followed.values())
    first: dict[str, int] = {}
    for index, table in enumerate(listed):
        before = len(document.faults)
        feed = _feed(document, index, table)
        if feed is not None:
            key = same_address(feed.url)
            followed[key] = _over(curated().get(key), feed, table)
        if isinstance(url := table.get("url"), str) and url:
            # By the file: a feed with another fault may be listed twice as well.
            original = first.setdefault(same_address(url), index)
            if original != index:
                where = f"feed[{original + 1}], line {document.line(('feed', original))}"
                document.fault(("feed", index, "url"), f"is listed twice (first as {where})")
            own = document.faults[before:]
            # "feed[31]" says little in a list of a hundred; the address is what its user knows it by.
            document.faults[before:] = [
                replace(fault, message=f"{fault.message} (of {redact_url(url)})") for fault in own
            ]
    return tuple(followed.values())


def hint(document: TomlDocument) -> str:
    """Say what a list from version 1.0, which names every feed by itself, misses; "" for any other."""
    own = {same_address(str(table.get("url"))) for table in document.data.get("feed", [])}
    if "follow" in document.data or len(own & curated().keys()) < _MANY:
        return ""
    return (
        f"{NAME} lists curated feeds one by one, as in version 1.0, and new ones do not reach it; "
        "`monitor config upgrade` follows their groups instead"
    )


def follow(document: TomlDocument) -> tuple[str, ...]:
    """Return the groups that a feeds.toml follows; unknown names are noted as faults."""
    names = document.data.get("follow", [])
    if not isinstance(names, list):
        document.fault(("follow",), "expected a list of groups" + values.got(names))
        return ()
    for index, name in enumerate(names):
        if name not in groups():
            document.fault(
                ("follow", index), f"there is no group {name!r}{values.likely(str(name), groups())}"
            )
    return tuple(names)


def _feed(document: TomlDocument, index: int, table: Mapping[str, Any]) -> Feed | None:
    place = ("feed", index)
    tables.unknown(document, place, table, [setting.key for setting in tables.settings_of(Feed)])
    return tables.read(Feed, document, place, table)


def _over(shipped: Feed | None, own: Feed, table: Mapping[str, Any]) -> Feed:
    """Lay what the user wrote over a curated feed; listing it switches it on, unless it says otherwise."""
    if shipped is None:
        return own
    written = {
        setting.field: getattr(own, setting.field)
        for setting in tables.settings_of(Feed)
        if setting.key in table or setting.key in {"url", "enabled"}
    }
    return replace(shipped, **written)


def shown_address(url: str) -> str:
    """Return an address for eyes. One of the curated list holds no secret, and is there to be copied."""
    known = curated().get(same_address(url))
    return url if known and known.url == url else redact_url(url)


def same_address(url: str) -> str:
    """Return the form that all spellings of one address share: HTTP://Host becomes http://host/."""
    scheme, _, rest = url.strip().partition("://")
    place, path = _PLACE.findall(rest)[0]
    user, at, host = place.rpartition("@")
    return f"{scheme.lower()}://{user}{at}{host.lower()}{'' if path.startswith('/') else '/'}{path}"
