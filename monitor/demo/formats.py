"""Feed documents as outlets serve them: RSS 2.0, RSS 1.0 (RDF), Atom (RFC 4287), JSON Feed 1.1. Pure."""

from __future__ import annotations

import json
from email.utils import format_datetime
from typing import TYPE_CHECKING, Final, NamedTuple
from xml.sax.saxutils import escape, quoteattr

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from monitor.demo.outlet import Outlet, SampleEntry


class Format(NamedTuple):
    """How a kind of feed is written, and the media type it is served with."""

    write: Callable[[Outlet, Sequence[SampleEntry]], str]
    media_type: str


def rss(outlet: Outlet, entries: Sequence[SampleEntry]) -> str:
    """Write RSS 2.0; as most do, with HTML in its descriptions."""
    parts = "".join(
        f"""
  <item>
    <title>{escape(entry.title)}</title>
    <link>{escape(entry.url)}</link>
    <guid isPermaLink="false">{escape(entry.url)}</guid>
    <pubDate>{format_datetime(entry.at)}</pubDate>
    <description>{escape(_html(entry))}</description>
  </item>"""
        for entry in entries
    )
    return f"""<?xml version="1.0" encoding="utf-8"?>
<rss version="2.0"><channel>
  <title>{escape(outlet.name)}</title>
  <link>{escape(outlet.home)}</link>
  <description>{escape(outlet.about)}</description>
  <language>{outlet.language}</language>{parts}
</channel></rss>
"""


def rdf(outlet: Outlet, entries: Sequence[SampleEntry]) -> str:
    """Write RSS 1.0 with Dublin Core dates."""
    contents = "".join(f"<rdf:li rdf:resource={quoteattr(entry.url)}/>" for entry in entries)
    parts = "".join(
        f"""
<item rdf:about={quoteattr(entry.url)}>
  <title>{escape(entry.title)}</title>
  <link>{escape(entry.url)}</link>
  <description>{escape(entry.summary)}</description>
  <dc:date>{entry.at.isoformat()}</dc:date>
</item>"""
        for entry in entries
    )
    return f"""<?xml version="1.0" encoding="utf-8"?>
<rdf:RDF xmlns="http://purl.org/rss/1.0/" xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" \
xmlns:dc="http://purl.org/dc/elements/1.1/">
<channel rdf:about={quoteattr(outlet.home)}>
  <title>{escape(outlet.name)}</title>
  <link>{escape(outlet.home)}</link>
  <description>{escape(outlet.about)}</description>
  <dc:language>{outlet.language}</dc:language>
  <items><rdf:Seq>{contents}</rdf:Seq></items>
</channel>{parts}
</rdf:RDF>
"""


def atom(outlet: Outlet, entries: Sequence[SampleEntry]) -> str:
    """Write Atom; an edited entry keeps its id and says when it was updated."""
    parts = "".join(
        f"""
  <entry>
    <id>{escape(entry.url)}</id>
    <title>{escape(entry.title)}</title>
    <link href={quoteattr(entry.url)}/>
    <published>{entry.at.isoformat()}</published>
    <updated>{entry.updated.isoformat()}</updated>
    <summary type="html">{escape(_html(entry))}</summary>
  </entry>"""
        for entry in entries
    )
    # Atom requires a date, also of a feed without entries (RFC 4287, 4.1.1).
    updated = max(entry.updated for entry in entries).isoformat() if entries else "1970-01-01T00:00:00Z"
    return f"""<?xml version="1.0" encoding="utf-8"?>
<feed xmlns="http://www.w3.org/2005/Atom" xml:lang="{outlet.language}">
  <id>{escape(outlet.home)}</id>
  <title>{escape(outlet.name)}</title>
  <subtitle>{escape(outlet.about)}</subtitle>
  <link href={quoteattr(outlet.home)}/>
  <updated>{updated}</updated>{parts}
</feed>
"""


def json_feed(outlet: Outlet, entries: Sequence[SampleEntry]) -> str:
    """Write JSON Feed 1.1."""
    document = {
        "version": "https://jsonfeed.org/version/1.1",
        "title": outlet.name,
        "home_page_url": outlet.home,
        "description": outlet.about,
        "language": outlet.language,
        "items": [
            {
                "id": entry.url,
                "url": entry.url,
                "title": entry.title,
                "summary": entry.summary,
                "content_html": _html(entry),
                "date_published": entry.at.isoformat(),
                "date_modified": entry.updated.isoformat(),
            }
            for entry in entries
        ],
    }
    return json.dumps(document, ensure_ascii=False, indent=2)


def _html(entry: SampleEntry) -> str:
    return f"<p>{escape(entry.summary)}</p>"


FORMATS: Final = {
    "rss": Format(rss, "application/rss+xml"),
    "rdf": Format(rdf, "application/rdf+xml"),
    "atom": Format(atom, "application/atom+xml"),
    "json": Format(json_feed, "application/feed+json"),
}
"""By the word in an outlet's file."""
