"""JSON Feed 1.0 and 1.1 (https://www.jsonfeed.org/version/1.1/), which feedparser does not read."""

from __future__ import annotations

import json
from typing import Any

from monitor.errors import ParseError
from monitor.parse.raw import RawEntry, RawFeed


def read(text: str) -> RawFeed:
    """Return the feed in a JSON document; raise ParseError when there is none.

    Fields of the wrong type count as absent.
    """
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ParseError("not a feed: JSON that breaks off or is malformed") from error
    if not isinstance(data, dict) or not isinstance(data.get("items"), list):
        raise ParseError("not a feed: JSON of another kind")
    return RawFeed(
        title=_text(data, "title"),
        language=_text(data, "language"),
        link=_text(data, "home_page_url"),
        entries=[_entry(item) for item in data["items"] if isinstance(item, dict)],
    )


def _entry(item: dict[str, Any]) -> RawEntry:
    return RawEntry(
        guid=_text(item, "id"),
        link=_text(item, "url") or _text(item, "external_url"),
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
    if isinstance(value, bool):
        return ""
    return str(value) if isinstance(value, str | int | float) else ""


def _list(data: dict[str, Any], key: str) -> list[Any]:
    value = data.get(key)
    return value if isinstance(value, list) else []


def _name(author: object) -> str:
    return _text(author, "name") if isinstance(author, dict) else ""
