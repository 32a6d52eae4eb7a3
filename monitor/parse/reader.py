"""A feed document, read: bytes in, a `Document` of plain, dated, identified entries out. Pure."""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from monitor.models import Document, Entry
from monitor.parse import dates, jsonfeed, prose, xmlfeed
from monitor.parse.encoding import decode
from monitor.parse.identity import is_home
from monitor.parse.speech import detect, primary
from monitor.text import clean, fold, shorten
from monitor.url import canonical_url, host_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from monitor.models import Feed
    from monitor.parse.raw import RawEntry, RawFeed

MAX_ENTRIES: Final = 2_000
_MAX_GUID: Final = 500
_MAX_AUTHOR: Final = 200
_HEADING: Final = 100
_TITLES: Final = 50


FORMATS: Final[tuple[tuple[Callable[[str], bool], Callable[[str, int], RawFeed]], ...]] = (
    (lambda text: text.startswith("{"), jsonfeed.read),
    (lambda _: True, xmlfeed.read),
)
"""Who reads what: the first whose test holds. A new format is a module that gives a RawFeed, and a line."""


def read(
    body: bytes,
    *,
    url: str,
    content_type: str = "",
    feed: Feed,
    now: datetime,
    max_entries: int = MAX_ENTRIES,
) -> Document:
    """Return the feed document in `body`, which came from `url` (the base of its relative links).

    RSS 0.9x, 1.0 and 2.0, Atom 0.3 and 1.0 and JSON Feed, well formed or not, whatever encoding and content
    type they declare. An empty channel is a document without entries; what is not a feed raises ParseError.
    Entries over `max_entries` are left out. `note` says what was unusual. Undated entries get `now`.
    """
    text, note = decode(body, content_type)
    read_raw = next(read_raw for is_it, read_raw in FORMATS if is_it(text))
    raw = read_raw(text, max_entries)
    link = canonical_url(raw.link, url) if raw.link else ""
    reading = _Reading(raw, feed, url, link, now)
    return Document(
        title=prose.title(raw.title),
        language=primary(raw.language),
        link=link,
        entries=_distinct([reading.entry(item) for item in raw.entries if item.says_something]),
        hints=raw.hints,
        complete=raw.complete,
        note="; ".join(filter(None, (note, *_notes(raw)))),
    )


def _notes(raw: RawFeed) -> tuple[str, ...]:
    return (
        "" if raw.complete else "breaks off before its end",
        f"{raw.left_out} entries over the cap left out" if raw.left_out else "",
        "" if raw.entries else "holds no entries",
    )


@dataclass(slots=True)
class _Reading:
    """What the entries of one document have in common."""

    raw: RawFeed
    feed: Feed
    url: str
    home: str
    now: datetime
    title: str = ""
    language: str = ""
    """What the user, else the document declares."""
    usual: str = ""
    """What most of it is in when nobody declares anything."""

    def __post_init__(self) -> None:
        self.title = prose.title(self.raw.title)
        self.language = primary(self.feed.language) or primary(self.raw.language)
        if not self.language:
            self.usual = detect(". ".join(prose.title(item.title) for item in self.raw.entries[:_TITLES]))

    def entry(self, item: RawEntry) -> Entry:
        outlet = prose.title(item.source)
        outlet = "" if outlet == self.title else outlet
        title = prose.title_without(outlet, prose.title(item.title))
        summary, content = prose.summary_and_content(item.summary, item.content, title, outlet)
        title = title or prose.beginning(summary or content, _HEADING)
        link = canonical_url(item.link, self.url) if item.link else ""
        published, dated = dates.judge((item.published, item.updated), self.now)
        updated = dates.parse(item.updated)
        return Entry(
            feed=self.feed.url,
            guid=self._guid(item, link, title),
            url=link,
            title=title,
            summary=summary,
            content=content,
            author=shorten(prose.plain(item.author), _MAX_AUTHOR),
            language=primary(item.language) or self.language or detect(f"{title}. {summary}") or self.usual,
            outlet=outlet,
            published=published,
            dated=dated,
            updated=updated if updated and published < updated <= self.now + dates.TOLERANCE else None,
            first_seen=self.now,
        )

    def _guid(self, item: RawEntry, link: str, title: str) -> str:
        """Return the publisher's guid, else the link, else one made up; a link to the front page is none.

        Another site's front page is a guid all the same: aggregators tell of new sites.
        """
        guid = clean(item.guid)
        foreign = self.home and host_of(guid) != host_of(self.home)
        if guid and (foreign or not is_home(guid, self.home)):
            return guid if len(guid) <= _MAX_GUID else _digest(guid)
        if link and not is_home(link, self.home):
            return link
        return _digest(f"{fold(title)}\n{clean(item.published or item.updated)}")


def _digest(text: str) -> str:
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def _distinct(entries: list[Entry]) -> tuple[Entry, ...]:
    """Return the entries with distinct guids: one of several links takes the link in, else it is counted."""
    links: dict[str, set[str]] = {}
    for entry in entries:
        links.setdefault(entry.guid, set()).add(entry.url)
    seen: Counter[str] = Counter()
    distinct = []
    for entry in entries:
        guid = f"{entry.guid} {entry.url}".strip() if len(links[entry.guid]) > 1 else entry.guid
        seen[guid] += 1
        distinct.append(replace(entry, guid=guid if seen[guid] == 1 else f"{guid} {seen[guid]}"))
    return tuple(distinct)
