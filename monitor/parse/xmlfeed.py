"""RSS, RDF and Atom through feedparser: bytes in a buffer, never a string that it might open as a URL."""

from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING, Any, Final

from monitor.errors import ParseError
from monitor.parse import hints
from monitor.parse.markup import describe, prepare
from monitor.parse.raw import RawEntry, RawFeed

if TYPE_CHECKING:
    from collections.abc import Mapping

_ADDRESS: Final = re.compile(r"(?:mailto:)?[^\s<>()@]{1,100}@[^\s<>()@]{1,100}")


def read(text: str, max_entries: int) -> RawFeed:
    """Return the feed in an XML document, at most `max_entries` of its entries; else raise ParseError.

    Links are resolved against `xml:base` only, not against the document's address: guids stay as they are.
    """
    markup = prepare(text, max_entries)
    result = _parse(markup.text)
    if not result.get("version") and not result["entries"]:
        raise ParseError(f"not a feed: {describe(text)}")
    feed = result["feed"]
    language = _text(feed, "language") or _language(feed, "title_detail")
    return RawFeed(
        title=_text(feed, "title"),
        language=language,
        link=_text(feed, "link"),
        entries=tuple(_entry(entry, language) for entry in result["entries"]),
        hints=hints.read(markup.text),
        complete=markup.complete,
        left_out=markup.left_out,
    )


def _parse(text: str) -> Any:
    import feedparser

    try:
        return feedparser.parse(
            io.BytesIO(text.encode()),
            response_headers={"content-type": "application/xml; charset=utf-8"},
            sanitize_html=False,
            resolve_relative_uris=False,
        )
    except MemoryError:
        raise
    except Exception as error:
        # feedparser meets hostile input with every kind of exception; to us they are one.
        raise ParseError(f"cannot be read as a feed ({type(error).__name__})") from error


def _entry(entry: Mapping[str, Any], feed_language: str) -> RawEntry:
    contents = [_text(content, "value") for content in entry.get("content") or ()]
    language = _language(entry, "title_detail") or _language(entry, "summary_detail")
    return RawEntry(
        guid=_text(entry, "id"),
        link=_text(entry, "feedburner_origlink") or _text(entry, "link") or _enclosure(entry),
        title=_text(entry, "title"),
        summary=_text(entry, "summary"),
        content=max(contents, key=len, default=""),
        author=_author(entry),
        language="" if language == feed_language else language,
        source=_text(entry, "news_source") or _text(entry.get("source") or {}, "title"),
        published=_text(entry, "published") or _text(entry, "created"),
        updated=_text(entry, "updated") if "updated" in entry else "",
    )


def _enclosure(entry: Mapping[str, Any]) -> str:
    """Return the address of the recording, all the link that some podcasts have."""
    return next(
        (_text(link, "href") for link in entry.get("links") or () if link.get("rel") == "enclosure"), ""
    )


def _author(entry: Mapping[str, Any]) -> str:
    """Return the author's name without an address: "a@b.org (Ann)" and "Ann <a@b.org>" are Ann."""
    return _ADDRESS.sub("", _text(entry, "author")).strip(" ()<>,;:")


def _language(part: Mapping[str, Any], key: str) -> str:
    return _text(part.get(key) or {}, "language")


def _text(part: Mapping[str, Any], key: str) -> str:
    value = part.get(key)
    return value if isinstance(value, str) else ""
