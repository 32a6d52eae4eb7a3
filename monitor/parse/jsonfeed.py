"""Read JSON Feed 1.0 and 1.1 (https://www.jsonfeed.org/version/1.1/), which feedparser does not know.

Takes the text of a document, gives a `RawFeed`.
"""

from __future__ import annotations

import json
import re
from contextlib import suppress
from typing import Any, Final, NamedTuple

from monitor.errors import ParseError
from monitor.parse import dates
from monitor.parse.raw import RawEntry, RawFeed

_ITEMS: Final = re.compile(r'"items"\s*:\s*\[')
_KEY: Final = re.compile(r'[\s,]*"([^"\\]{1,100})"\s*:\s*')
_OBJECT: Final = re.compile(r"[\s,]*\{")
# Numbers stay as written, since an id may have any number of digits. Not strict, since programs that put JSON
# together by hand leave line ends bare in texts; everything after them would be lost.
_DECODER: Final = json.JSONDecoder(parse_int=str, parse_float=str, strict=False)
# A comma too many, as templates leave it, and as JavaScript accepts it. Strings are matched first, and kept.
_COMMA: Final = re.compile(r'("(?:[^"\\]|\\.)*+(?:"|\Z))|,(?=\s*[\]}])', re.DOTALL)
_WEB: Final = re.compile(r"https?://", re.IGNORECASE)


def read(text: str, max_entries: int) -> RawFeed:
    """Return the feed in a JSON document, with its newest `max_entries` entries.

    Fields of the wrong type count as missing. Of a document that breaks off, the whole items are kept. Raises
    ParseError for what is not a JSON Feed.
    """
    loaded = _load(text)
    data, broken = loaded.data, loaded.broken
    items = data.get("items") if isinstance(data, dict) else None
    if items is None and isinstance(data, dict) and "jsonfeed" in _text(data, "version"):
        items = []  # some leave it out until they have published something
    if not isinstance(data, dict) or not isinstance(items, list):
        raise ParseError("not a feed: JSON of another kind")
    return RawFeed(
        title=_text(data, "title"),
        language=_text(data, "language"),
        link=_text(data, "home_page_url"),
        entries=tuple(map(_entry, _newest([item for item in items if isinstance(item, dict)], max_entries))),
        complete=broken is None,
        broken=_entry(broken) if broken and len(items) <= max_entries else None,
        left_out=max(0, len(items) - max_entries),
    )


def _newest(items: list[dict[str, Any]], count: int) -> list[dict[str, Any]]:
    """Return the `count` items with the latest dates, in their order; of those without a date, the first."""
    if len(items) <= count:
        return items
    instants = [dates.parse(_text(item, "date_published")) or dates.EARLIEST for item in items]
    newest = sorted(range(len(items)), key=instants.__getitem__, reverse=True)[:count]
    return [items[n] for n in sorted(newest)]


class _Loaded(NamedTuple):
    """The value of a document."""

    data: Any
    broken: dict[str, Any] | None = None
    """If the document breaks off in the middle of an item: the pairs of that item that can be read."""


def _load(text: str) -> _Loaded:
    with suppress(ValueError):
        return _Loaded(_decoded(text))
    text = _COMMA.sub(r"\1", text)
    try:
        return _Loaded(_decoded(text))
    except ValueError as error:
        head = _whole_pairs(text, 1)
        found = _whole_items(text)
        if not found.items and not found.broken:
            raise ParseError("not a feed: JSON that is malformed or breaks off") from error
        return _Loaded({**head, "items": found.items}, found.broken)


def _decoded(text: str) -> Any:
    """Return the value of a whole document. Raises ValueError for one that is malformed or breaks off."""
    try:
        # `raw_decode` ignores what follows the document, such as a message or a second one.
        return _DECODER.raw_decode(text)[0]
    except RecursionError as error:
        raise ParseError("not a feed: JSON that is nested too deeply") from error


class _Items(NamedTuple):
    """What can be read before a document breaks off."""

    items: list[Any]
    broken: dict[str, Any]
    """The pairs that can be read of the item in whose middle it does."""


def _whole_items(text: str) -> _Items:
    items: list[Any] = []
    start = _ITEMS.search(text)
    place = start.end() if start else len(text)
    with suppress(ValueError, RecursionError):
        while match := _OBJECT.match(text, place):
            item, place = _DECODER.raw_decode(text, match.end() - 1)
            items.append(item)
    match = _OBJECT.match(text, place)
    return _Items(items, _whole_pairs(text, match.end()) if match else {})


def _whole_pairs(text: str, place: int) -> dict[str, Any]:
    """Return the pairs that can be read of the object whose inside begins at `place`."""
    pairs: dict[str, Any] = {}
    with suppress(ValueError, RecursionError):
        while match := _KEY.match(text, place):
            value, place = _DECODER.raw_decode(text, match.end())
            if place < len(text):  # otherwise it may be half of a number
                pairs[match[1]] = value
    return pairs


def _entry(item: dict[str, Any]) -> RawEntry:
    guid = _text(item, "id")
    return RawEntry(
        guid=guid,
        link=_text(item, "url") or _text(item, "external_url") or (guid if _WEB.match(guid) else ""),
        title=_text(item, "title"),
        summary=_text(item, "summary"),
        content=_text(item, "content_html") or _text(item, "content_text"),
        author=", ".join(filter(None, map(_name, [*_list(item, "authors"), item.get("author")]))),
        language=_text(item, "language"),
        published=_text(item, "date_published"),
        updated=_text(item, "date_modified"),
    )


def _text(data: dict[str, Any], key: str) -> str:
    value = data.get(key)
    return value if isinstance(value, str) else ""


def _list(data: dict[str, Any], key: str) -> list[Any]:
    value = data.get(key)
    return value if isinstance(value, list) else []


def _name(author: object) -> str:
    return _text(author, "name") if isinstance(author, dict) else ""
