"""A feed document, read: bytes in, a `Document` of plain, dated, identified entries out. Pure."""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

from monitor.models import Document, Entry
from monitor.parse import dates, jsonfeed, markup, prose, xmlfeed
from monitor.parse.encoding import decode
from monitor.parse.speech import language_of, primary
from monitor.text import canonical_url, clean, fold

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from monitor.models import Feed
    from monitor.parse.raw import RawEntry, RawFeed

MAX_ENTRIES = 2_000


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
    if text.startswith("{"):
        raw, complete, left_out = jsonfeed.read(text), True, 0
        raw, left_out = (
            replace(raw, entries=raw.entries[:max_entries]),
            max(0, len(raw.entries) - max_entries),
        )
        hints = markup.hints("")
    else:
        prepared = markup.prepare(text, max_entries)
        raw, complete, left_out = xmlfeed.read(prepared.text), prepared.complete, prepared.left_out
        hints = markup.hints(text)
    notes = (note, f"{left_out} entries over the cap of {max_entries} left out" if left_out else "")
    return Document(
        title=prose.title(raw.title),
        language=primary(raw.language),
        link=canonical_url(raw.link, url),
        entries=_entries(raw, url, feed, now),
        hints=hints,
        complete=complete,
        note="; ".join(filter(None, notes)),
    )


def _entries(raw: RawFeed, url: str, feed: Feed, now: datetime) -> tuple[Entry, ...]:
    return _distinct(_entry(item, raw, url, feed, now) for item in raw.entries)


def _entry(item: RawEntry, raw: RawFeed, base: str, feed: Feed, now: datetime) -> Entry:
    outlet = prose.title(item.source)
    outlet = "" if outlet == prose.title(raw.title) else outlet
    title = prose.title_without(outlet, prose.title(item.title))
    summary, content = prose.summary_and_content(item.summary, item.content, title, outlet)
    link = canonical_url(item.link, base) if item.link else ""
    published, dated = dates.judge((item.published, item.updated), now)
    updated = dates.parse(item.updated) if item.updated else None
    return Entry(
        feed=feed.url,
        guid=clean(item.guid) or link or _made_up(title, item.published or item.updated),
        url=link,
        title=title or prose.beginning(summary or content, 100),
        summary=summary,
        content=content,
        author=prose.shorten(prose.plain(item.author), 200),
        language=language_of(
            f"{title}. {summary}", stated=item.language, feed=feed.language, document=raw.language
        ),
        outlet=outlet,
        published=published,
        dated=dated,
        updated=updated if updated and published < updated <= now + dates.TOLERANCE else None,
        first_seen=now,
    )


def _made_up(title: str, date: str) -> str:
    """Return a guid for an entry that has neither guid nor link."""
    return hashlib.blake2b(f"{fold(title)}\n{date.strip()}".encode(), digest_size=16).hexdigest()


def _distinct(entries: Iterable[Entry]) -> tuple[Entry, ...]:
    """Return the entries with distinct guids: one of several links takes the link in, else it is counted."""
    entries = tuple(entries)
    links: dict[str, set[str]] = {}
    for entry in entries:
        links.setdefault(entry.guid, set()).add(entry.url)
    seen: Counter[str] = Counter()
    distinct = []
    for entry in entries:
        guid = f"{entry.guid} {entry.url}" if len(links[entry.guid]) > 1 else entry.guid
        seen[guid] += 1
        distinct.append(replace(entry, guid=guid if seen[guid] == 1 else f"{guid} {seen[guid]}"))
    return tuple(distinct)
