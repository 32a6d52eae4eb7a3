"""Read RSS, RDF and Atom: plain feeds with `quick`, all others with feedparser. Text in, `RawFeed` out.

feedparser gets bytes in a buffer, never a string that it might open as a URL. How often a feed asks to be
polled is read here too, as feedparser does not say it: RSS 2.0 `ttl`, `skipHours` and `skipDays`, and the
syndication module of RSS 1.0.
"""

from __future__ import annotations

import io
import re
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from monitor.errors import ParseError
from monitor.models import Hints
from monitor.parse import quick
from monitor.parse.markup import Markup, describe, head, prepare
from monitor.parse.raw import RawEntry, RawFeed

if TYPE_CHECKING:
    from collections.abc import Mapping

_PERIODS: Final = {
    "hourly": timedelta(hours=1),
    "daily": timedelta(days=1),
    "weekly": timedelta(weeks=1),
    "monthly": timedelta(days=30),
    "yearly": timedelta(days=365),
}
# A year, in minutes.
_LONGEST: Final = 525_600
_WEEKDAYS: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_NUMBER: Final = re.compile(r"[0-9]{1,12}")
_WEB: Final = re.compile(r"https?://|/", re.IGNORECASE)
_ADDRESS: Final = re.compile(r"(?:mailto:)?[^\s<>()@]{1,100}@[^\s<>()@]{1,100}")


def read(text: str, max_entries: int) -> RawFeed:
    """Return the feed in an XML document, with its newest `max_entries` entries.

    Links are only resolved against `xml:base`, not against the document's address, so that guids stay as they
    are. Raises ParseError for what is not a feed.
    """
    result, markup = quick.parse(text, max_entries), Markup(text, complete=True, left_out=0)
    if result is None:
        markup = prepare(text, max_entries)
        result = _parse(markup.text)
    if not result.get("version") and not result["entries"]:
        raise ParseError(f"not a feed: {describe(text)}")
    feed = result["feed"]
    language = _text(feed, "language") or _language(feed, "title_detail")
    entries = [_entry(entry, language) for entry in result["entries"]]
    broken = entries.pop() if markup.broken and entries else None
    return RawFeed(
        title=_text(feed, "title"),
        language=language,
        link=_text(feed, "link"),
        entries=tuple(entries),
        hints=hints(head(markup.text)),
        complete=markup.complete,
        broken=broken,
        left_out=markup.left_out,
    )


def _parse(text: str) -> Any:
    import feedparser

    try:
        return feedparser.parse(
            io.BytesIO(text.encode()),
            response_headers={"content-type": "application/xml; charset=utf-8"},
            # Both off, as they take half of its time and have quadratic worst cases. `prose` removes mark-up,
            # and `reader` resolves links.
            sanitize_html=False,
            resolve_relative_uris=False,
        )
    except MemoryError:
        raise
    except Exception as error:
        # Hostile input makes feedparser raise all kinds of exceptions.
        raise ParseError(f"cannot be read as a feed ({type(error).__name__})") from error


def _entry(entry: Mapping[str, Any], feed_language: str) -> RawEntry:
    contents = [_text(content, "value") for content in entry.get("content") or ()]
    language = _language(entry, "title_detail") or _language(entry, "summary_detail")
    return RawEntry(
        guid=_text(entry, "id"),
        link=_link(entry),
        title=_text(entry, "title"),
        summary=_text(entry, "summary"),
        # Some feeds give both the teaser and the whole text as content.
        content=max(contents, key=len, default=""),
        author=_author(entry),
        language="" if language == feed_language else language,
        source=_text(entry, "news_source") or _text(entry.get("source") or {}, "title"),
        source_url=_text(entry.get("source") or {}, "href"),
        published=_text(entry, "published") or _text(entry, "created"),
        # feedparser returns "published" for an "updated" that is missing.
        updated=_text(entry, "updated") if "updated" in entry else "",
    )


def _link(entry: Mapping[str, Any]) -> str:
    """Return the page of an entry; if it has none, a document of another type, else the recording.

    feedparser takes a guid for a link even if it is only a number, and does not take a link to a PDF for one.
    """
    links = {link.get("rel", "alternate"): _text(link, "href") for link in reversed(entry.get("links") or ())}
    stated, guid = _text(entry, "link"), _text(entry, "id")
    if stated == guid and stated not in links.values() and not _WEB.match(stated):
        stated = ""
    return (
        _text(entry, "feedburner_origlink")
        or stated
        or links.get("alternate")
        or links.get("enclosure")
        or next(filter(None, (_text(content, "src") for content in entry.get("content") or ())), "")
        or (guid if _WEB.match(guid) else "")
    )


def _author(entry: Mapping[str, Any]) -> str:
    """Return an author's name without the address: "Ann" for "a@b.org (Ann)" and for "Ann <a@b.org>"."""
    return _ADDRESS.sub("", _text(entry, "author")).strip(" ()<>,;:")


def _language(part: Mapping[str, Any], key: str) -> str:
    return _text(part.get(key) or {}, "language")


def _text(part: Mapping[str, Any], key: str) -> str:
    value = part.get(key)
    return value if isinstance(value, str) else ""


def hints(head: str) -> Hints:
    """Return how often a feed asks to be polled, from what precedes its entries; nonsense is ignored."""
    hours = [int(hour) for hour in _inside(head, "skiphours", "hour") if _NUMBER.fullmatch(hour)]
    days = [day.lower() for day in _inside(head, "skipdays", "day")]
    return Hints(
        period=max(filter(None, (_ttl(head), _update_period(head))), default=None),
        skip_hours=frozenset(hour % 24 for hour in hours if hour <= 24),  # noqa: PLR2004 - RSS 0.91 counts to 24
        skip_days=frozenset(_WEEKDAYS.index(day) for day in days if day in _WEEKDAYS),
    )


def _ttl(head: str) -> timedelta | None:
    return timedelta(minutes=min(_number(head, "ttl"), _LONGEST)) or None


def _update_period(head: str) -> timedelta | None:
    period = _PERIODS.get(_value(head, "sy:updatePeriod").lower())
    return period and period / (_number(head, "sy:updateFrequency") or 1)


def _number(head: str, name: str) -> int:
    """Return a positive number, 0 for anything else; `isdigit` would accept "²" as well."""
    value = _value(head, name)
    return int(value) if _NUMBER.fullmatch(value) else 0


def _value(head: str, name: str) -> str:
    """Return an element's text, stripped here since blanks in the pattern would cost cubic time."""
    match = re.search(rf"<{name}(?:\s[^<>]{{0,200}})?>([^<]{{1,200}})</{name}", head, re.IGNORECASE)
    return match[1].strip() if match else ""


def _inside(head: str, outer: str, inner: str) -> list[str]:
    block = re.search(rf"<{outer}>(.{{0,2000}}?)</{outer}>", head, re.IGNORECASE | re.DOTALL)
    found = re.findall(rf"<{inner}>([^<]{{1,40}})</{inner}>", block[1], re.IGNORECASE) if block else []
    return [text.strip() for text in found]
