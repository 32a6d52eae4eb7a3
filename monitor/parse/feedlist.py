"""Lists of feeds: OPML 2.0 (http://opml.org/spec2.opml) in and out, and the feeds that a web page names."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Final
from urllib.parse import urljoin, urlsplit

from monitor.errors import ParseError
from monitor.models import Feed
from monitor.parse.encoding import decode
from monitor.parse.speech import primary
from monitor.text import clean

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_STRAY_AMPERSAND: Final = re.compile(r"&(?!#?\w{1,32};)")
_FEED_TYPE: Final = re.compile(
    r"application/(?:rss|atom|rdf|feed)\+(?:xml|json)|application/(?:rss|json|xml)|text/xml", re.IGNORECASE
)
_FEED_PATH: Final = re.compile(
    r"(?:^|[/._-])(?:rss|atom|feeds?|rdf)(?:[/._-]?(?:xml|json|2\.0|php|\d+))?/?$", re.IGNORECASE
)
_COMMENTS: Final = re.compile(r"/comments?/", re.IGNORECASE)
_MAX_PAGE: Final = 1_000_000


def read_opml(body: bytes) -> tuple[Feed, ...]:
    """Return the feeds of an OPML document in its order, each once; raise ParseError when it is none.

    Folders of any depth and `category` become tags. A document that declares entities is refused unread.
    """
    text = _STRAY_AMPERSAND.sub("&amp;", decode(body).text)
    if "<!ENTITY" in text:
        raise ParseError("not read: the list declares XML entities")
    try:
        root = ET.fromstring(text)  # noqa: S314 - entities are refused above
    except (ET.ParseError, ValueError) as error:
        raise ParseError(f"not an OPML list: {error}") from error
    if root.tag.lower() != "opml":
        raise ParseError(f"not an OPML list: its root is <{clean(root.tag)[:40]}>")
    feeds: dict[str, Feed] = {}
    for feed in _feeds(root):
        feeds.setdefault(feed.url, feed)
    return tuple(feeds.values())


def _feeds(root: ET.Element) -> Iterator[Feed]:
    """Yield the feeds under `root`; without recursion, for folders may nest without end."""
    open_folders: list[tuple[ET.Element, tuple[str, ...]]] = [(root, ())]
    while open_folders:
        element, tags = open_folders.pop()
        attributes = {name.lower(): clean(value) for name, value in element.items()}
        name = attributes.get("title") or attributes.get("text", "")
        url = attributes.get("xmlurl", "")
        if _is_web(url):
            own = (part.strip(" /") for part in attributes.get("category", "").split(","))
            yield Feed(
                url=url,
                title="" if name == url else name,
                language=primary(attributes.get("language", "")),
                tags=tuple(dict.fromkeys(filter(None, (*tags, *own)))),
            )
        elif element.tag.lower() == "outline" and name:
            tags = (*tags, name)
        open_folders += [(child, tags) for child in reversed(element)]


def write_opml(feeds: Iterable[Feed], *, title: str = "Feeds") -> str:
    """Return the feeds as an OPML 2.0 document that `read_opml` reads back: url, title, language, tags."""
    root = ET.Element("opml", version="2.0")
    ET.SubElement(ET.SubElement(root, "head"), "title").text = clean(title)
    body = ET.SubElement(root, "body")
    for feed in feeds:
        attributes = {
            "type": "rss",
            "text": clean(feed.title) or feed.url,
            "title": clean(feed.title),
            "xmlUrl": feed.url,
            "language": feed.language,
            "category": ",".join(feed.tags),
        }
        ET.SubElement(body, "outline", {name: value for name, value in attributes.items() if value})
    ET.indent(root)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{ET.tostring(root, encoding="unicode")}\n'


def discover(html: str, base: str) -> tuple[str, ...]:
    """Return the addresses of the feeds that a page at `base` names, the likeliest first.

    First what it declares (`<link rel="alternate">`), then links that look like feeds; comments last.
    """
    page = _Page(base)
    page.feed(html[:_MAX_PAGE])
    found = dict.fromkeys(url for url in (*page.declared, *page.linked) if _is_web(url))
    return tuple(sorted(found, key=lambda url: bool(_COMMENTS.search(url))))


def _is_web(url: str) -> bool:
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and bool(parts.hostname)


class _Page(HTMLParser):
    """Collects a page's declared and likely feeds."""

    def __init__(self, base: str) -> None:
        super().__init__()
        self.base = base
        self.declared: list[str] = []
        self.linked: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note one tag."""
        values = {name: clean(value or "") for name, value in attrs}
        href = values.get("href", "")
        if not href or tag not in {"base", "link", "a"}:
            return
        try:
            url = urljoin(self.base, href)
            path = urlsplit(url).path
        except ValueError:
            return
        if tag == "base":
            self.base = url
        elif tag == "a" and _FEED_PATH.search(path):
            self.linked.append(url)
        elif tag == "link" and _declares(values):
            self.declared.append(url)


def _declares(values: dict[str, str]) -> bool:
    relations = values.get("rel", "").lower().split()
    return "alternate" in relations and bool(
        _FEED_TYPE.fullmatch(values.get("type", "").partition(";")[0].strip())
    )
