"""Read and write OPML 2.0 (http://opml.org/spec2.opml), and find the feeds that a web page names."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from contextlib import suppress
from html import escape
from html.entities import html5
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Final, NamedTuple
from urllib.parse import urljoin, urlsplit

from monitor.errors import ParseError
from monitor.parse.encoding import decode
from monitor.parse.prose import primary
from monitor.text import clean

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

_STRAY_AMPERSAND: Final = re.compile(r"&(?!#?\w{1,32};)")
_ENTITY: Final = re.compile(r"&(?!(?:amp|lt|gt|quot|apos);)(\w{1,32});")
_FEED_TYPE: Final = re.compile(
    r"application/(?:rss|atom|rdf|feed)\+(?:xml|json)|application/(?:rss|json|xml)|text/xml", re.IGNORECASE
)
_FEED_PATH: Final = re.compile(
    r"(?:^|[/._-])(?:rss|atom|feeds?|rdf)(?:[/._-]?(?:xml|json|2\.0|php|\d+))?/?$", re.IGNORECASE
)
_COMMENTS: Final = re.compile(r"/comments?/", re.IGNORECASE)
# A page declares its feeds in its head; the rest is only searched for links.
_MAX_PAGE: Final = 1_000_000

OWN: Final = "urn:sora-monitor:feed"
"""The namespace of our own attributes, for what OPML cannot say: {OWN}interval, {OWN}enabled."""


class Outline(NamedTuple):
    """One subscription of an OPML list, as written there."""

    url: str
    title: str = ""
    language: str = ""
    tags: tuple[str, ...] = ()
    """Its folders and categories."""
    own: Mapping[str, str] = {}
    """The values of our own attributes."""


def read_opml(body: bytes) -> tuple[Outline, ...]:
    """Return the subscriptions of an OPML document, in its order, each once.

    Folders of any depth and `category` become tags. A `feed:` address is given as the address it means, any
    other as it is, for the caller to judge; an outline that only names a page gets the address "". Raises
    ParseError for what is not OPML. A document that declares entities is refused unread; HTML's named
    entities, which many exporters copy from pages, are accepted.
    """
    text = _ENTITY.sub(_character, _STRAY_AMPERSAND.sub("&amp;", decode(body).text))
    if "<!ENTITY" in text:
        raise ParseError("not read: the list declares XML entities")
    try:
        root = ET.fromstring(text)  # noqa: S314 - entities are refused above
    except (ET.ParseError, ValueError) as error:
        raise ParseError(f"not an OPML list: {error}") from error
    if _local(root.tag) != "opml":
        raise ParseError(f"not an OPML list: its root is <{clean(_local(root.tag))[:40]}>")
    found: dict[str, Outline] = {}
    for outline in _outlines(root):
        found.setdefault(outline.url or f"without an address: {outline.title}", outline)
    return tuple(found.values())


def _character(match: re.Match[str]) -> str:
    return escape(html5.get(f"{match[1]};", match[0]))


def _local(name: str) -> str:
    """Return a name without its namespace, in lower case."""
    return name.rpartition("}")[2].lower()


def _outlines(root: ET.Element) -> Iterator[Outline]:
    """Yield the outlines under `root`, without recursion, since folders may be nested very deeply."""
    open_folders: list[tuple[ET.Element, tuple[str, ...]]] = [(root, ())]
    while open_folders:
        element, tags = open_folders.pop()
        own = {_local(name): clean(value) for name, value in element.items() if name.startswith(f"{{{OWN}}}")}
        attributes = {_local(name): clean(value) for name, value in element.items() if OWN not in name}
        name = attributes.get("title") or attributes.get("text", "")
        if url := _subscribed(attributes.get("xmlurl", "")):
            categories = (part.strip(" /") for part in attributes.get("category", "").split(","))
            yield Outline(
                url=url,
                title="" if name in {url, attributes["xmlurl"]} else name,
                language=primary(attributes.get("language", "")),
                tags=tuple(dict.fromkeys(filter(None, (*tags, *categories)))),
                own=own,
            )
        elif not len(element) and any(attributes.get(page) for page in ("url", "htmlurl")):
            yield Outline(url="", title=name, tags=tags)  # a page or a list: the caller reports it
        elif _local(element.tag) == "outline" and name:
            tags = (*tags, name)
        open_folders += [(child, tags) for child in reversed(element)]


def _subscribed(url: str) -> str:
    """Return an address with a scheme in lower case; feed://host and feed:https://host as they are meant."""
    scheme, colon, rest = url.partition(":")
    if scheme.lower() == "feed":
        return f"http:{rest}" if rest.startswith("//") else _subscribed(rest)
    return f"{scheme.lower()}{colon}{rest}" if colon else url


def write_opml(outlines: Iterable[Outline], *, title: str = "Feeds") -> str:
    """Return subscriptions as an OPML 2.0 document, which `read_opml` reads without loss."""
    # Otherwise ElementTree names it ns0.
    ET.register_namespace("monitor", OWN)
    root = ET.Element("opml", version="2.0")
    ET.SubElement(ET.SubElement(root, "head"), "title").text = clean(title)
    body = ET.SubElement(root, "body")
    for outline in outlines:
        attributes = {
            "type": "rss",
            "text": clean(outline.title) or outline.url,
            "title": clean(outline.title),
            "xmlUrl": outline.url,
            "language": outline.language,
            "category": ",".join(outline.tags),
            **{f"{{{OWN}}}{name}": value for name, value in outline.own.items()},
        }
        ET.SubElement(body, "outline", {name: value for name, value in attributes.items() if value})
    ET.indent(root)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{ET.tostring(root, encoding="unicode")}\n'


def discover(html: str, base: str) -> tuple[str, ...]:
    """Return the addresses of the feeds that a page at `base` names, the most likely first.

    First those it declares (`<link rel="alternate">`), then links that look like feeds; feeds of comments
    come last.
    """
    page = _Page(base)
    with suppress(AssertionError):  # raised by html.parser for declarations such as <![
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
    """Collects the feeds that a page declares, and the links that look like feeds."""

    def __init__(self, base: str) -> None:
        super().__init__()
        self.base = base
        self.declared: list[str] = []
        self.linked: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Look at one tag."""
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
    kind = values.get("type", "").partition(";")[0].strip()
    return bool({"alternate", "feed"} & {*relations} and _FEED_TYPE.fullmatch(kind)) or (
        "feed" in relations and not kind  # as HTML5 had it for a time
    )
