"""Prepare a feed's mark-up for feedparser: text in, the same document out, shorter and repaired.

It is cut to its newest entries, repaired where the repair is certain, and freed of what feedparser reads
wrongly or in more than linear time.
"""

from __future__ import annotations

import html
import re
from datetime import UTC, datetime
from itertools import pairwise
from typing import Final, NamedTuple
from xml.parsers import expat

from monitor.parse import dates
from monitor.text import clean, html_to_text

_ITEM: Final = re.compile(r"<(?:[\w.-]+:)?(?:item|entry)[\s>]", re.IGNORECASE)
_ITEM_END: Final = re.compile(r"</(?:[\w.-]+:)?(?:item|entry)\s*>", re.IGNORECASE)
_ROOT: Final = re.compile(r"<((?:[\w.-]+:)?(?:rss|feed|rdf))[\s>]", re.IGNORECASE)
# RSS has no namespace. If the root declares another one, such as XHTML's, feedparser sees no feed at all.
_NAMESPACE: Final = re.compile(
    r"""(<rss\b(?:[^<>"']|"[^<"]*"|'[^<']*')*?)\sxmlns\s*=\s*(?:"[^<"]*"|'[^<']*')""", re.IGNORECASE
)
_CHANNEL: Final = re.compile(r"<([\w.-]{1,40}):(?:channel|feed)[\s>]", re.IGNORECASE)
# A tag. CDATA sections and comments are passed over, to the end of the text if they have no end.
_TAG: Final = re.compile(
    r"<!\[CDATA\[.*?(?:\]\]>|\Z)|<!--.*?(?:-->|\Z)"
    r"""|<(/?\w[^<>\s/]*)(?:[^<>"']|"[^<"]*"|'[^<']*')*+>""",
    re.DOTALL,
)
# feedparser looks for addresses in quadratic time: 16 KB in an author took 1 s, 32 KB took 3.6 s.
_PERSON: Final = re.compile(
    r"(<(?:[\w.-]+:)?(?:author|creator|managingeditor|webmaster|publisher|contributor|owner|name|email)\b"
    r"[^<>]{0,300}>"
    r"(?:\s{0,100}<!\[CDATA\[)?[^<]{300})[^<]+",
    re.IGNORECASE,
)
# A person with many elements: for each of them feedparser reads everything before it again.
_CROWDED: Final = re.compile(
    r"<((?:[\w.-]+:)?(?:author|creator|managingeditor|webmaster|publisher|contributor|owner))\b[^<>]{0,300}>"
    r"(?:[^<]{0,300}<(?!/\1\b)[^<>]{0,300}>){30,}",
    re.IGNORECASE,
)
# What an entry says of other pages: feedparser takes the titles and links there for the entry's own.
_OTHER_PAGES: Final = re.compile(
    r"<!\[CDATA\[.*?(?:\]\]>|\Z)"
    r"|<(/?)(?:[\w.-]+:)?(?:related[\w-]*|recommend[\w-]*|seealso|activity:(?:object|actor|target))\b[^<>]*>",
    re.DOTALL | re.IGNORECASE,
)
_SUMMARY: Final = re.compile(r"<(?:description|summary)[\s>]", re.IGNORECASE)
_CAPTION: Final = re.compile(
    r"<media:description(?:\s[^<>]*)?/>"
    r"|<media:description[\s>][^<]*(?><!\[CDATA\[.{0,2000}?\]\]>)?[^<]*</media:description\s*>",
    re.DOTALL,
)
# Elements that we do not use; each costs feedparser as much time as a title does. CDATA is bounded here and
# above, since many openings without an end cost quadratic time (20 s for 160 KB).
_NEEDLESS: Final = re.compile(
    r"<(category|comments|dc:subject|wfw:\w+|slash:\w+|thr:\w+|media:(?:content|thumbnail|keywords|credit|category))"
    r"(?:\s[^<>]*)?(?:/>|>[^<]*(?>(?:<!\[CDATA\[.{0,500}?\]\]>[^<]*){0,3})</\1\s*>)\s*",
    re.DOTALL,
)
# An ampersand that does not begin a reference known to XML. CDATA sections are passed over.
_AMPERSAND: Final = re.compile(
    r"<!\[CDATA\[.*?(?:\]\]>|\Z)|&(?!(?:amp|lt|gt|quot|apos|#\d{1,7}|#x[\da-f]{1,6});)(?:\w{1,32};)?",
    re.DOTALL | re.IGNORECASE,
)
_DATE: Final = re.compile(
    r"<(?:[\w.-]+:)?(?:pubDate|published|updated|date|issued|modified)[^<>]{0,200}>\s{0,20}(?:<!\[CDATA\[)?([^<]{4,100})",
    re.IGNORECASE,
)
_HTML: Final = re.compile(r"<(?:!doctype\s+html|html|head|body)\b", re.IGNORECASE)
_OPML: Final = re.compile(r"<opml[\s>]", re.IGNORECASE)
_HTML_TITLE: Final = re.compile(r"<title[^>]{0,300}>([^<]{0,300})", re.IGNORECASE)
_HEAD: Final = 20_000
# Later than any date, as no clock is needed to tell the order of day and month.
_FAR_FUTURE: Final = datetime(9000, 1, 1, tzinfo=UTC)


class Markup(NamedTuple):
    """A feed's mark-up, ready for feedparser."""

    text: str
    complete: bool
    """False if the document ends before its root element does."""
    left_out: int
    """How many entries were cut off because there are more than the limit."""
    broken: bool = False
    """True if the last entry is what could be kept of one that breaks off."""


def prepare(text: str, max_entries: int) -> Markup:
    """Return `text` with its newest `max_entries` entries, without what makes feedparser slow or wrong.

    The text of persons is shortened, since feedparser looks for addresses in it in quadratic time. Captions
    of images are removed if there are summaries, as feedparser would take them for those. An entry that
    breaks off keeps only its whole elements: half a link leads elsewhere, and half a text would replace the
    whole one.
    """
    text = text if _well_formed(text) else _repaired(_without_rest(text))
    text = _without_other_pages(_NAMESPACE.sub(r"\1", text[:_HEAD], count=1) + text[_HEAD:])
    starts = [match.start() for match in _ITEM.finditer(text)]
    first = starts[0] if starts else len(text)
    complete, rest = _is_complete(text), ""
    breaks_off = not complete and bool(starts) and not _ITEM_END.search(text, starts[-1])
    if breaks_off:
        last = starts.pop()
        text, rest = text[:last], _whole_elements(text[last:])
    if len(starts) > max_entries:
        text, rest = _newest(text, starts, max_entries), ""
    elif breaks_off:
        text = _close(text + rest)
    if _SUMMARY.search(text, first):
        text = _CAPTION.sub("", text)
    text = _NEEDLESS.sub("", text)
    text = _CROWDED.sub(lambda match: f"<{match[1]}>", text)
    return Markup(_PERSON.sub(r"\1", text), complete, max(0, len(starts) - max_entries), bool(rest))


def head(text: str) -> str:
    """Return what a feed says before its entries."""
    item = _ITEM.search(text)
    return text[: min(item.start() if item else _HEAD, _HEAD)]


def _newest(text: str, starts: list[int], count: int) -> str:
    """Return the document with only the `count` entries that have the latest dates, in their order.

    Their place is not enough, since some feeds have their newest entries at the end. Entries without a date
    count as old; among them, those earlier in the document count as newer.
    """
    ends = [match.end() for match in _ITEM_END.finditer(text, starts[-1])]
    spans = list(pairwise([*starts, ends[-1] if ends else len(text)]))
    dated = [_DATE.search(text, start, end) for start, end in spans]
    stated = [clean(match[1]) if match else "" for match in dated]
    # There are enough dates here for one to be after the twelfth of a month.
    day_first = dates.day_first(stated, "", _FAR_FUTURE)
    instants = [dates.parse(one, day_first=day_first) or dates.EARLIEST for one in stated]
    newest = sorted(range(len(spans)), key=instants.__getitem__, reverse=True)[:count]
    return _close(text[: starts[0]] + "".join(text[slice(*spans[n])] for n in sorted(newest)))


def _whole_elements(item: str) -> str:
    """Return an entry that breaks off, reduced to its whole elements and closed; "" if it has none."""
    child, end = "", 0
    for tag in _TAG.finditer(item, 1):
        name = (tag[1] or "").casefold()
        if name == f"/{child}" or (name and not child and tag[0].endswith("/>")):
            child, end = "", tag.end()
        elif not child and not name.startswith("/"):
            child = name
    return f"{item[:end]}</{item[1:].split(maxsplit=1)[0].partition('>')[0]}>" if end else ""


def _without_other_pages(text: str) -> str:
    """Return `text` without what its entries say of other pages; unchanged if such a part does not end."""
    kept, depth, start = list[str](), 0, 0
    for tag in _OTHER_PAGES.finditer(text):
        if tag[1] is None or tag[0].endswith("/>"):
            continue
        if not tag[1]:
            kept += [text[start : tag.start()]] if depth == 0 else []
            depth += 1
        elif depth:
            depth -= 1
            start = tag.end()
    return text if depth else "".join([*kept, text[start:]])


def _without_rest(text: str) -> str:
    """Return `text` without what follows the end of its root element, such as a provider's scripts."""
    root = _ROOT.search(text[:_HEAD])
    # Not searched for in folded text, where "ß" is two letters, so that every one would move the end by one.
    ends = re.finditer(rf"</{re.escape(root[1])}[^<>]{{0,300}}>", text, re.IGNORECASE) if root else ()
    return text[: max((match.end() for match in ends), default=len(text))]


def _well_formed(text: str) -> bool:
    """Return True for a document that feedparser will read strictly. expat needs a hundredth of its time."""
    try:
        expat.ParserCreate(namespace_separator=" ").Parse(text.encode(), True)
    except expat.ExpatError:
        return False
    return True


def _repaired(text: str) -> str:
    """Return `text` with its commonest faults repaired: ampersands, HTML entities, undeclared prefixes.

    If the root's child is `<x:channel>` and `x` is not declared, feedparser sees no feed at all.
    """
    if "<!ENTITY" not in text:
        text = _AMPERSAND.sub(_escaped, text)
    channel = _CHANNEL.search(text[:_HEAD])
    if channel is None or f"xmlns:{channel[1]}" in text[:_HEAD]:
        return text
    return re.sub(rf"(</?){re.escape(channel[1])}:", r"\1", text)


def _escaped(match: re.Match[str]) -> str:
    if match[0].startswith("<"):
        return match[0]
    character = html.unescape(match[0])
    return character if character != match[0] else f"&amp;{match[0][1:]}"


def _is_complete(text: str) -> bool:
    root = _ROOT.search(text[:_HEAD])
    return root is None or f"</{root[1]}".casefold() in text[-_HEAD:].casefold()


def _close(text: str) -> str:
    """Return `text`, which was cut between two entries, with its open elements closed."""
    root = _ROOT.search(text[:_HEAD])
    if root is None:
        return text
    prefix = root[1].rpartition(":")[0]
    channel = f"{prefix}:channel" if prefix and not root[1].casefold().endswith(":rdf") else "channel"
    if text.rfind(f"<{channel}") > text.rfind(f"</{channel}"):
        text += f"</{channel}>"
    return f"{text}</{root[1]}>"


def describe(text: str) -> str:
    """Return a few words that say what a document is if it is not a feed, for the error message."""
    if not text.strip():
        return "an empty document"
    if _OPML.match(text):
        return "a list of feeds (OPML), which `monitor feeds import` takes"
    if _HTML.search(text[:_HEAD]):
        title = _HTML_TITLE.search(text[:_HEAD])
        name = clean(html_to_text(title[1])) if title else ""
        return f"an HTML page titled “{name[:80]}”" if name else "an HTML page"
    if text.startswith(("{", "[")):
        return "JSON of another kind"
    if text.startswith("<"):
        return f"XML of another kind ({clean(text[:40])})"
    return f"plain text ({clean(text[:40])})"
