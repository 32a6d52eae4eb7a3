"""Read plain, well-formed feeds at the speed of expat: text in, what feedparser would return for it out.

feedparser takes nine tenths of the time of a first poll, and nine feeds out of ten do not need its
experience. This module reads RSS 2.0, RSS 1.0 and Atom if each element stands once and in its place, with
nothing but text in it. For a document that is not surely so (not well-formed, XHTML in an entry, two
descriptions, a namespace under the prefix of another, an `xml:base`, ...) it returns None, and feedparser
reads it. When it does return something, that equals feedparser's result; the tests compare the two, field by
field, on every document we have.
"""

from __future__ import annotations

import re
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final
from xml.etree import ElementTree as ET

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

# The namespaces that are read, in lower case as feedparser compares them, with the prefixes it gives them.
_NAMESPACES: Final = {
    "": "",
    "http://www.w3.org/2005/atom": "",
    "http://purl.org/rss/1.0/": "",
    "http://www.w3.org/1999/02/22-rdf-syntax-ns#": "rdf:",
    "http://purl.org/dc/elements/1.1/": "dc:",
    "http://purl.org/dc/terms/": "dcterms:",
    "http://purl.org/rss/1.0/modules/content/": "content:",
    "http://rssnamespace.org/feedburner/ext/1.0": "feedburner:",
    "http://search.yahoo.com/mrss/": "media:",
    "http://www.itunes.com/dtds/podcast-1.0.dtd": "itunes:",
}
# The prefix for all other namespaces, whose elements are ignored.
_FOREIGN: Final = "?"
_DECLARED: Final = re.compile(r"""xmlns(?::([\w.-]{1,50}))?\s*=\s*["']([^"']{0,300})["']""")
# What feedparser takes each element of an entry for. Elements that are not listed are ignored.
_ENTRY: Final = {
    "title": "title",
    "description": "summary",
    "summary": "summary",
    "content": "content",
    "content:encoded": "content",
    "link": "link",
    "guid": "id",
    "id": "id",
    "pubdate": "published",
    "published": "published",
    "issued": "published",
    "dcterms:issued": "published",
    "updated": "updated",
    "modified": "updated",
    "lastbuilddate": "updated",
    "dc:date": "updated",
    "dcterms:modified": "updated",
    "created": "created",
    "dcterms:created": "created",
    "author": "author",
    "managingeditor": "author",
    "dc:creator": "author",
    "dc:author": "author",
    "itunes:author": "author",
    "source": "source",
    "feedburner:origlink": "feedburner_origlink",
    "enclosure": "enclosure",
    "media:title": "media:title",
    "media:description": "media:description",
}
# Elements that feedparser treats specially within an entry, or that do not belong there.
_UNSURE: Final = frozenset({
    "dc:title", "dc:description", "itunes:summary", "itunes:name", "itunes:email", "body", "fullitem",
    "abstract", "links", "tags", "newlocation", "feed", "rss", "channel", "item", "entry", "rdf:rdf", "image",
    "textinput",
})  # fmt: skip
_ONCE: Final = frozenset({"title", "summary", "content", "link", "source"})
_PLAIN_TYPES: Final = frozenset({"text", "plain", "html", "text/plain", "text/html"})
_ATTRIBUTES: Final = {
    **dict.fromkeys(("title", "summary", "content"), frozenset({"type"})),
    "id": frozenset({"isPermaLink"}),
    "source": frozenset({"url"}),
}
_PAGE_TYPES: Final = frozenset({"text/html", "html", "application/xhtml+xml", "xhtml"})
_XML: Final = "{http://www.w3.org/XML/1998/namespace}"
_LANGUAGES: Final = (f"{_XML}lang", "lang")
_PLACES: Final = frozenset({f"{_XML}base", "base", "lastmod", "mode", "src"})
_ABOUT: Final = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}about"
# A longer name is shortened for feedparser (see `markup`).
_LONG_NAME: Final = 300
_SLASHES: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:///")
_REFERENCE: Final = re.compile(r"&([A-Za-z0-9_]+);")
_CP1252: Final = {
    byte: bytes([byte]).decode("cp1252", "ignore") or chr(byte) for byte in range(0x80, 0xA0)
}  # fmt: skip
_CONTROL: Final = re.compile("[\x80-\x9f]")


class _UnsureError(Exception):
    """Only feedparser can tell what the document means."""


def parse(text: str, max_entries: int) -> dict[str, Any] | None:
    """Return `version`, `feed` and `entries` like feedparser; None if they might differ from its result."""
    if "<!DOCTYPE" in text or not _namespaces_are_usual(text):
        return None
    try:
        root = ET.fromstring(text)  # noqa: S314 - without a document type it can declare no entities
        return _document(root, max_entries)
    except (ET.ParseError, _UnsureError):
        return None


def _namespaces_are_usual(text: str) -> bool:
    """Return False if a prefix may mislead feedparser, which goes by it for unknown namespaces."""
    known = {prefix.rstrip(":") for prefix in _NAMESPACES.values()}
    for prefix, uri in _DECLARED.findall(text):
        usual = _NAMESPACES.get(uri.lower())
        if usual is None and (prefix in known or prefix.casefold() == "news"):
            return False
    return True


def _document(root: Element, max_entries: int) -> dict[str, Any]:
    names = _Names()
    kind, language = names[root.tag], _language(root)
    if kind not in {"rss", "feed", "rdf:rdf"}:
        raise _UnsureError
    channels = [root] if kind == "feed" else [child for child in root if names[child.tag] == "channel"]
    if (
        len(channels) != 1
        or _changes_meaning(root)
        or (channels[0] is not root and _changes_meaning(channels[0]))
    ):
        raise _UnsureError
    feed: dict[str, Any] = {"language": language} if language else {}
    items: list[Element] = []
    for part in dict.fromkeys((channels[0], root)):
        for child in part:
            name = names[child.tag]
            if name in {"item", "entry"}:
                items.append(child)
            elif part is channels[0]:
                _take_feed_element(feed, name, child, names)
    # `markup` finds out which of them are the newest.
    if len(items) > max_entries:
        raise _UnsureError
    return {"version": kind, "feed": feed, "entries": [_entry(item, names, language) for item in items]}


class _Names(dict[str, str]):
    """Names of elements as feedparser has them: lower case, with the usual prefix of their namespace."""

    def __missing__(self, tag: str) -> str:
        namespace, _, local = tag.rpartition("}")
        prefix = _NAMESPACES.get(namespace[1:].lower())
        self[tag] = name = _FOREIGN if prefix is None else f"{prefix}{local.lower()}"
        return name


def _language(element: Element) -> str:
    return next((element.get(name, "") for name in _LANGUAGES if element.get(name)), "").replace("_", "-")


def _changes_meaning(element: Element) -> bool:
    """Return True if an attribute changes the meaning of what is within the element."""
    return any(name in _PLACES for name in element.keys())  # noqa: SIM118 - an element is no mapping


def _take_feed_element(feed: dict[str, Any], name: str, child: Element, names: _Names) -> None:
    """Read an element of the feed itself, if it is the title, the link or the language."""
    if name in {"title", "link", "language", "dc:language", "id", "guid"}:
        if len(child):
            raise _UnsureError
        if name == "link" and child.attrib:
            _link(feed, child)
            return
        _judge_attributes(_ENTRY.get(name, name), child)
        if name in {"id", "guid"}:
            feed.setdefault("link", _text(child))
        elif (name == "title" and "title" in feed) or (name != "title" and not _text(child)):
            raise _UnsureError
        else:
            feed[name.removeprefix("dc:")] = _address(_text(child)) if name == "link" else _text(child)
    elif name not in {"image", "textinput"}:
        within = {names[inner.tag] for inner in child.iter() if inner is not child}
        if name in _UNSURE or name == "media:title" or within & (_ENTRY.keys() | {"language", "dc:language"}):
            raise _UnsureError


def _entry(item: Element, names: _Names, language: str) -> dict[str, Any]:
    entry: dict[str, Any] = {"links": []}
    seen: set[str] = set()
    if _changes_meaning(item) or _language(item) or item.get("href"):
        raise _UnsureError
    if about := item.get(_ABOUT):
        entry["id"] = about
    for child in item:
        if names[child.tag] in _UNSURE or (child.attrib and (_changes_meaning(child) or _language(child))):
            raise _UnsureError
        _take_entry_element(entry, _ENTRY.get(names[child.tag], ""), child, names, seen)
    if "media:title" in seen and not entry.get("title"):
        raise _UnsureError
    if "media:description" in seen and "summary" not in seen:
        raise _UnsureError
    if "content" in entry:
        entry.setdefault("summary", entry["content"][0]["value"])
    if language:
        entry |= {f"{part}_detail": {"language": language} for part in ("title", "summary") if part in entry}
    return entry


def _take_entry_element(
    entry: dict[str, Any], meaning: str, child: Element, names: _Names, seen: set[str]
) -> None:
    """Read an element of an entry."""
    if meaning in {"", "media:title", "media:description"}:
        seen |= {meaning} | _within(child, names)
    elif meaning == "author":
        entry["author"] = _author(child, names)
    elif meaning == "link" and child.attrib:
        _link(entry, child)
    elif len(child) or (meaning in _ONCE and meaning in seen):
        raise _UnsureError
    elif meaning == "enclosure":
        href = _href(child)
        entry["links"].append({"rel": "enclosure", **({"href": href} if href else {})})
    else:
        seen.add(meaning)
        _take_text(entry, meaning, child)


def _take_text(entry: dict[str, Any], meaning: str, child: Element) -> None:
    """Read an element that has nothing but text."""
    _judge_attributes(meaning, child)
    text = _text(child)
    match meaning:
        case "content":
            entry["content"] = [{"value": text}]
        case "link":
            entry["link"] = _address(text)
            entry["links"].append({"rel": "alternate", **({"href": entry["link"]} if text else {})})
        case "source":
            entry["source"] = {"title": text, "href": child.get("url", "")}
        case "id":
            entry["id"] = text
            if child.get("isPermaLink", "true") == "true":  # as feedparser then takes it for the link as well
                entry.setdefault("link", _whole(text))
        case _:
            entry[meaning] = text


def _judge_attributes(meaning: str, child: Element) -> None:
    """Raise unless all attributes are usual ones; others may change what feedparser makes of a text."""
    if child.attrib.keys() - _ATTRIBUTES.get(meaning, frozenset()):
        raise _UnsureError
    if child.get("type", "text").lower() not in _PLAIN_TYPES:
        raise _UnsureError


def _within(child: Element, names: _Names) -> set[str]:
    """Return which titles and captions of media are within; raise if anything that is read is there too."""
    inside = {names[inner.tag] for inner in child.iter() if inner is not child} if len(child) else set()
    media = inside & {"media:title", "media:description"}
    if inside & (_ENTRY.keys() | _UNSURE) - media:
        raise _UnsureError
    return media


def _author(child: Element, names: _Names) -> str:
    """Return "name (address)", or the one that is given; or else the element's own text."""
    if not len(child):
        text = _text(child)
        if len(text) > _LONG_NAME or child.attrib:
            raise _UnsureError
        return text
    parts = {names[part.tag]: "".join(part.itertext()).strip() for part in child}
    if not parts.keys() <= {"name", "email", "uri", "url"} or len(parts) != len(child):
        raise _UnsureError
    name, email = parts.get("name", ""), parts.get("email", "")
    if not (name or email) or len(name) > _LONG_NAME:
        raise _UnsureError
    return f"{name} ({email})" if name and email else name or email


def _link(context: dict[str, Any], child: Element) -> None:
    """Read a link with attributes, as in Atom. The last alternate that is a page becomes the link."""
    href = _href(child)
    if not href or len(child):
        raise _UnsureError
    href = _whole(href)
    rel = child.get("rel", "alternate").lower()
    context.setdefault("links", []).append({"rel": rel, "href": href})
    default = "application/atom+xml" if rel == "self" else "text/html"
    if rel == "alternate" and child.get("type", default).lower() in _PAGE_TYPES:
        context["link"] = href


def _href(child: Element) -> str:
    return child.get("url") or child.get("uri") or child.get("href") or ""


def _whole(address: str) -> str:
    """Return an address; raise for one that feedparser repairs, such as `https:///outlet.example`."""
    if _SLASHES.match(address):
        raise _UnsureError
    return address


def _address(text: str) -> str:
    """Return a link's text as feedparser repairs it, which takes HTML references in it for ampersands."""
    text = _whole(text)
    return _REFERENCE.sub(r"&\g<1>", text.replace("&amp;", "&")) if "&" in text else text


def _text(element: Element) -> str:
    """Return an element's text; UTF-8 read as Latin-1 and Windows-1252 characters are repaired."""
    text = (element.text or "").strip()
    if text.isascii():
        return text
    with suppress(UnicodeError):  # it is not UTF-8 read as Latin-1
        text = text.encode("iso-8859-1").decode()
    return text.translate(_CP1252) if _CONTROL.search(text) else text
