"""What is done to a feed's mark-up before feedparser sees it: text in, the same document out.

It is cut to its newest entries, repaired where that is certain, and without what feedparser reads wrongly or
in more than linear time.
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
# RSS has no namespace; under another's (XHTML's, say) feedparser sees no feed at all.
_NAMESPACE: Final = re.compile(
    r"""(<rss\b(?:[^<>"']|"[^<"]*"|'[^<']*')*?)\sxmlns\s*=\s*(?:"[^<"]*"|'[^<']*')""", re.IGNORECASE
)
_CHANNEL: Final = re.compile(r"<([\w.-]{1,40}):(?:channel|feed)[\s>]", re.IGNORECASE)
# A tag; CDATA sections and comments are passed over, to the end where they have none.
_TAG: Final = re.compile(
    r"<!\[CDATA\[.*?(?:\]\]>|\Z)|<!--.*?(?:-->|\Z)"
    r"""|<(/?\w[^<>\s/]*)(?:[^<>"']|"[^<"]*"|'[^<']*')*+>""",
    re.DOTALL,
)
# feedparser's pattern for addresses takes quadratic time: 16 KB in an author took 1 s, 32 KB 3.6 s.
_PERSON: Final = re.compile(
    r"(<(?:[\w.-]+:)?(?:author|creator|managingeditor|webmaster|publisher|contributor|owner|name|email)\b"
    r"[^<>]{0,300}>"
    r"(?:\s{0,100}<!\[CDATA\[)?[^<]{300})[^<]+",
    re.IGNORECASE,
)
# A person of many elements: for each one feedparser reads all before it again.
_CROWDED: Final = re.compile(
    r"<((?:[\w.-]+:)?(?:author|creator|managingeditor|webmaster|publisher|contributor|owner))\b[^<>]{0,300}>"
    r"(?:[^<]{0,300}<(?!/\1\b)[^<>]{0,300}>){30,}",
    re.IGNORECASE,
)
# What an entry says of other pages. Titles and links in there feedparser takes for the entry's own.
_OTHERS: Final = re.compile(
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
# What nobody reads: each element costs feedparser as much time as a title does. CDATA is bounded here and
# above: many openings without an end cost quadratic time, 20 s for 160 KB.
_NEEDLESS: Final = re.compile(
    r"<(category|comments|dc:subject|wfw:\w+|slash:\w+|thr:\w+|media:(?:content|thumbnail|keywords|credit|category))"
    r"(?:\s[^<>]*)?(?:/>|>[^<]*(?>(?:<!\[CDATA\[.{0,500}?\]\]>[^<]*){0,3})</\1\s*>)\s*",
    re.DOTALL,
)
# One that begins no reference of XML; CDATA sections are passed over.
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
# Later than all that is dated: the clock is the reader's.
_SOME_DAY: Final = datetime(9000, 1, 1, tzinfo=UTC)


class Markup(NamedTuple):
    """A feed's mark-up, fit for feedparser."""

    text: str
    complete: bool
    """False when the document ends before its root element does."""
    left_out: int
    """Entries over the cap, cut off."""
    broken: bool = False
    """The last entry is what there is of one that breaks off."""


def prepare(text: str, max_entries: int) -> Markup:
    """Return `text` with its newest `max_entries` entries and without what makes feedparser slow or wrong.

    The text of persons is shortened: feedparser looks for addresses in it in quadratic time. Captions of
    images go where there are summaries, for which feedparser would take them. An entry that breaks off keeps
    the elements that are whole: half a link leads elsewhere, half a text would replace the whole one.
    """
    text = text if _well_formed(text) else _repaired(_without_rest(text))
    text = _without_others(_NAMESPACE.sub(r"\1", text[:_HEAD], count=1) + text[_HEAD:])
    starts = [match.start() for match in _ITEM.finditer(text)]
    first = starts[0] if starts else len(text)
    complete, rest = _ends(text), ""
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
    """Return the document with `count` of its entries, in their order: those of the latest dates.

    A feed in the order of time has its news at the end. Entries without a date count as old, the earlier in
    the document the newer.
    """
    ends = [match.end() for match in _ITEM_END.finditer(text, starts[-1])]
    spans = list(pairwise([*starts, ends[-1] if ends else len(text)]))
    dated = [_DATE.search(text, start, end) for start, end in spans]
    stated = [clean(match[1]) if match else "" for match in dated]
    # Of so many some day is past the twelfth.
    day_first = dates.day_first(stated, "", _SOME_DAY)
    instants = [dates.parse(one, day_first=day_first) or dates.EARLIEST for one in stated]
    newest = sorted(range(len(spans)), key=instants.__getitem__, reverse=True)[:count]
    return _close(text[: starts[0]] + "".join(text[slice(*spans[n])] for n in sorted(newest)))


def _whole_elements(item: str) -> str:
    """Return an entry that breaks off as far as its elements are whole, and closed; "" where none is."""
    child, end = "", 0
    for tag in _TAG.finditer(item, 1):
        name = (tag[1] or "").casefold()
        if name == f"/{child}" or (name and not child and tag[0].endswith("/>")):
            child, end = "", tag.end()
        elif not child and not name.startswith("/"):
            child = name
    return f"{item[:end]}</{item[1:].split(maxsplit=1)[0].partition('>')[0]}>" if end else ""


def _without_others(text: str) -> str:
    """Return `text` without what its entries say of other pages, where that has an end."""
    kept, depth, start = list[str](), 0, 0
    for tag in _OTHERS.finditer(text):
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
    """Return `text` without what stands behind the end of its root: notices, a provider's scripts."""
    root = _ROOT.search(text[:_HEAD])
    # Sought in the text itself: folded, "ß" is two letters, and each had moved the end on by one.
    ends = re.finditer(rf"</{re.escape(root[1])}[^<>]{{0,300}}>", text, re.IGNORECASE) if root else ()
    return text[: max((match.end() for match in ends), default=len(text))]


def _well_formed(text: str) -> bool:
    """Return True for what feedparser will read strictly; expat tells in a hundredth of the time."""
    try:
        expat.ParserCreate(namespace_separator=" ").Parse(text.encode(), True)
    except expat.ExpatError:
        return False
    return True


def _repaired(text: str) -> str:
    """Return `text` with its commonest faults repaired: stray ampersands, HTML entities, undeclared prefixes.

    With `<x:channel>` as its root's child and no word of `x` feedparser would see no feed at all.
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


def _ends(text: str) -> bool:
    root = _ROOT.search(text[:_HEAD])
    return root is None or f"</{root[1]}".casefold() in text[-_HEAD:].casefold()


def _close(text: str) -> str:
    """Return `text`, cut between two entries, with its open elements closed."""
    root = _ROOT.search(text[:_HEAD])
    if root is None:
        return text
    prefix = root[1].rpartition(":")[0]
    channel = f"{prefix}:channel" if prefix and not root[1].casefold().endswith(":rdf") else "channel"
    if text.rfind(f"<{channel}") > text.rfind(f"</{channel}"):
        text += f"</{channel}>"
    return f"{text}</{root[1]}>"


def describe(text: str) -> str:
    """Return in a few words what a document is that is not a feed."""
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
