"""Plain, well-formed feeds at expat's speed: text in, what feedparser would answer of it out.

feedparser is nine tenths of what a first poll costs, and nine feeds of ten need none of its experience. Read
here is what stands plainly: RSS 2.0, RSS 1.0 or Atom in which each element stands once, in its place, with
text alone in it. Whatever is not surely so (no well-formed XML, XHTML in an entry, two descriptions, one
namespace under another's prefix, an `xml:base` ...) gets None, and feedparser reads it. Where both answer
their answers are equal: the tests compare them, field by field, on every document we have.
"""

from __future__ import annotations

import re
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final
from xml.etree import ElementTree as ET

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

# Namespaces of which something is read, in lower case as feedparser compares them, and their prefixes.
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
# Stands for any other namespace: whatever it has is passed over.
_FOREIGN: Final = "?"
_DECLARED: Final = re.compile(r"""xmlns(?::([\w.-]{1,50}))?\s*=\s*["']([^"']{0,300})["']""")
# What each element of an entry is to feedparser; of those not named here we read nothing.
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
# What feedparser reads within an entry in ways of its own, or what has no place there.
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
# A person's name that is longer is cut for feedparser (`markup`).
_LONG_NAME: Final = 300
_SLASHES: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:///")
_REFERENCE: Final = re.compile(r"&([A-Za-z0-9_]+);")
_CP1252: Final = {
    byte: bytes([byte]).decode("cp1252", "ignore") or chr(byte) for byte in range(0x80, 0xA0)
}  # fmt: skip
_CONTROL: Final = re.compile("[\x80-\x9f]")


class _UnsureError(Exception):
    """What the document says is for feedparser to judge."""


def parse(text: str, max_entries: int) -> dict[str, Any] | None:
    """Return `version`, `feed` and `entries` as feedparser does, or None when that is not certain."""
    if "<!DOCTYPE" in text or not _namespaces_are_usual(text):
        return None
    try:
        root = ET.fromstring(text)  # noqa: S314 - without a document type it can declare no entities
        return _document(root, max_entries)
    except (ET.ParseError, _UnsureError):
        return None


def _namespaces_are_usual(text: str) -> bool:
    """Return False where a prefix may mislead: feedparser goes by it when it does not know the namespace."""
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
    if len(channels) != 1 or _odd(root) or (channels[0] is not root and _odd(channels[0])):
        raise _UnsureError
    feed: dict[str, Any] = {"language": language} if language else {}
    items: list[Element] = []
    for part in dict.fromkeys((channels[0], root)):
        for child in part:
            name = names[child.tag]
            if name in {"item", "entry"}:
                items.append(child)
            elif part is channels[0]:
                _say_of_feed(feed, name, child, names)
    # Which of them are the newest `markup` knows to say.
    if len(items) > max_entries:
        raise _UnsureError
    return {"version": kind, "feed": feed, "entries": [_entry(item, names, language) for item in items]}


class _Names(dict[str, str]):
    """The names of elements as feedparser has them: in lower case, under their namespaces' usual prefixes."""

    def __missing__(self, tag: str) -> str:
        namespace, _, local = tag.rpartition("}")
        prefix = _NAMESPACES.get(namespace[1:].lower())
        self[tag] = name = _FOREIGN if prefix is None else f"{prefix}{local.lower()}"
        return name


def _language(element: Element) -> str:
    return next((element.get(name, "") for name in _LANGUAGES if element.get(name)), "").replace("_", "-")


def _odd(element: Element) -> bool:
    """Return True for attributes that change what stands within."""
    return any(name in _PLACES for name in element.keys())  # noqa: SIM118 - an element is no mapping


def _say_of_feed(feed: dict[str, Any], name: str, child: Element, names: _Names) -> None:
    """Take an element of the feed itself: its title, link and language are read."""
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
    if _odd(item) or _language(item) or item.get("href"):
        raise _UnsureError
    if about := item.get(_ABOUT):
        entry["id"] = about
    for child in item:
        if names[child.tag] in _UNSURE or (child.attrib and (_odd(child) or _language(child))):
            raise _UnsureError
        _take(entry, _ENTRY.get(names[child.tag], ""), child, names, seen)
    if "media:title" in seen and not entry.get("title"):
        raise _UnsureError
    if "media:description" in seen and "summary" not in seen:
        raise _UnsureError
    if "content" in entry:
        entry.setdefault("summary", entry["content"][0]["value"])
    if language:
        entry |= {f"{part}_detail": {"language": language} for part in ("title", "summary") if part in entry}
    return entry


def _take(entry: dict[str, Any], meaning: str, child: Element, names: _Names, seen: set[str]) -> None:
    """Take an element of an entry."""
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
    """Take an element that is nothing but its text."""
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
            if child.get("isPermaLink", "true") == "true":  # then feedparser takes it for the link as well
                entry.setdefault("link", _whole(text))
        case _:
            entry[meaning] = text


def _judge_attributes(meaning: str, child: Element) -> None:
    """Raise for attributes that may change what a text is to feedparser: any but the usual ones."""
    if child.attrib.keys() - _ATTRIBUTES.get(meaning, frozenset()):
        raise _UnsureError
    if child.get("type", "text").lower() not in _PLAIN_TYPES:
        raise _UnsureError


def _within(child: Element, names: _Names) -> set[str]:
    """Return which titles and captions of media stand within; nothing that is read may stand there."""
    inside = {names[inner.tag] for inner in child.iter() if inner is not child} if len(child) else set()
    media = inside & {"media:title", "media:description"}
    if inside & (_ENTRY.keys() | _UNSURE) - media:
        raise _UnsureError
    return media


def _author(child: Element, names: _Names) -> str:
    """Return "name (address)", what there is of it; or the element's own text."""
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
    """Take a link with attributes: Atom's. The last alternate that is a page is the link."""
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
    """Return an address unless it is one that feedparser repairs: `https:///outlet.example`."""
    if _SLASHES.match(address):
        raise _UnsureError
    return address


def _address(text: str) -> str:
    """Return a link's text as feedparser repairs it: references of HTML in it were ampersands."""
    text = _whole(text)
    return _REFERENCE.sub(r"&\g<1>", text.replace("&amp;", "&")) if "&" in text else text


def _text(element: Element) -> str:
    """Return an element's text, with UTF-8 that was taken for Latin-1 and Windows' characters put right."""
    text = (element.text or "").strip()
    if text.isascii():
        return text
    with suppress(UnicodeError):  # what is no UTF-8 in disguise stays as it is
        text = text.encode("iso-8859-1").decode()
    return text.translate(_CP1252) if _CONTROL.search(text) else text
