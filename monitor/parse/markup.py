"""What is done to a feed's mark-up before feedparser sees it, and what is read from it without feedparser."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Final, NamedTuple

from monitor.models import Hints
from monitor.text import clean, html_to_text

_ITEM: Final = re.compile(r"<(?:[\w.-]+:)?(?:item|entry)[\s>]", re.IGNORECASE)
_ROOT: Final = re.compile(r"<((?:[\w.-]+:)?(?:rss|feed|rdf))[\s>]", re.IGNORECASE)
_CHANNEL: Final = re.compile(r"<([\w.-]{1,40}):(?:channel|feed)[\s>]", re.IGNORECASE)
_TITLE_END: Final = re.compile(r"</(?:[\w.-]+:)?title\s*>", re.IGNORECASE)
_PERSON: Final = re.compile(
    r"(<(?:[\w.-]+:)?(?:author|creator|managingeditor|webmaster|publisher|contributor|owner|name|email)\b"
    r"[^<>]{0,300}>"
    r"(?:\s{0,100}<!\[CDATA\[)?[^<]{300})[^<]+",
    re.IGNORECASE,
)
_SUMMARY: Final = re.compile(r"<(?:description|summary)[\s>]", re.IGNORECASE)
_CAPTION: Final = re.compile(
    r"<media:description[\s>][^<]*(?:<!\[CDATA\[.*?\]\]>)?[^<]*</media:description\s*>", re.DOTALL
)
_NEEDLESS: Final = re.compile(
    r"<(category|comments|dc:subject|wfw:\w+|slash:\w+|thr:\w+|media:(?:content|thumbnail|keywords|credit|category))"
    r"(?:\s[^<>]*)?(?:/>|>[^<]*(?:<!\[CDATA\[.*?\]\]>[^<]*)*</\1\s*>)\s*",
    re.DOTALL,
)
"""What nobody reads: each element costs feedparser as much time as a title does."""
_HTML: Final = re.compile(r"<(?:!doctype\s+html|html|head|body)\b", re.IGNORECASE)
_HTML_TITLE: Final = re.compile(r"<title[^>]{0,300}>([^<]{0,300})", re.IGNORECASE)
_HEAD: Final = 20_000

_PERIODS: Final = {
    "hourly": timedelta(hours=1),
    "daily": timedelta(days=1),
    "weekly": timedelta(weeks=1),
    "monthly": timedelta(days=30),
    "yearly": timedelta(days=365),
}
_LONGEST: Final = timedelta(days=365)
_WEEKDAYS: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


class Markup(NamedTuple):
    """A feed's mark-up, fit for feedparser."""

    text: str
    complete: bool
    """False when the document ends before its root element does."""
    left_out: int
    """Entries over the cap, cut off."""


def prepare(text: str, max_entries: int) -> Markup:
    """Return `text` with at most `max_entries` entries and without what makes feedparser slow or wrong.

    The text of persons is shortened: feedparser looks for addresses in it in quadratic time. Captions of
    images go where there are summaries, for which feedparser would take them. An entry that breaks off before
    the end of its title is dropped.
    """
    text = _without_undeclared_prefix(text)
    starts = [match.start() for match in _ITEM.finditer(text)]
    complete = _ends(text)
    if len(starts) > max_entries:
        text = _close(text[: starts[max_entries]])
    elif not complete and starts and not _TITLE_END.search(text, starts[-1]):
        text = _close(text[: starts[-1]])
    if starts and _SUMMARY.search(text, starts[0]):
        text = _CAPTION.sub("", text)
    text = _NEEDLESS.sub("", text)
    return Markup(_PERSON.sub(r"\1", text), complete, max(0, len(starts) - max_entries))


def _without_undeclared_prefix(text: str) -> str:
    """Return `text` with `<x:channel>` as `<channel>` where `x` is undeclared, which feedparser refuses."""
    channel = _CHANNEL.search(text[:_HEAD])
    if channel is None or f"xmlns:{channel[1]}" in text[:_HEAD]:
        return text
    return re.sub(rf"(</?){re.escape(channel[1])}:", r"\1", text)


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


def hints(text: str) -> Hints:
    """Return how often the feed asks to be polled; nonsense is no hint."""
    item = _ITEM.search(text)
    head = text[: min(item.start() if item else _HEAD, _HEAD)]
    return Hints(
        period=max(filter(None, (_ttl(head), _update_period(head))), default=None),
        skip_hours=frozenset(int(hour) % 24 for hour in _inside(head, "skiphours", "hour") if hour.isdigit()),
        skip_days=frozenset(
            _WEEKDAYS.index(day.lower())
            for day in _inside(head, "skipdays", "day")
            if day.lower() in _WEEKDAYS
        ),
    )


def _ttl(head: str) -> timedelta | None:
    minutes = _value(head, "ttl")
    return timedelta(minutes=min(int(minutes), 525_600)) if minutes.isdigit() and int(minutes) else None


def _update_period(head: str) -> timedelta | None:
    period = _PERIODS.get(_value(head, "sy:updatePeriod").lower())
    if period is None:
        return None
    frequency = _value(head, "sy:updateFrequency")
    return period / int(frequency) if frequency.isdigit() and int(frequency) else period


def _value(head: str, name: str) -> str:
    match = re.search(rf"<{name}(?:\s[^<>]{{0,200}})?>\s*([^<]{{1,40}}?)\s*</{name}", head, re.IGNORECASE)
    return match[1] if match else ""


def _inside(head: str, outer: str, inner: str) -> list[str]:
    block = re.search(rf"<{outer}>(.{{0,2000}}?)</{outer}>", head, re.IGNORECASE | re.DOTALL)
    return re.findall(rf"<{inner}>\s*(\w{{1,12}})\s*</{inner}>", block[1], re.IGNORECASE) if block else []


def describe(text: str) -> str:
    """Return in a few words what a document is that is not a feed."""
    if not text.strip():
        return "an empty document"
    if _HTML.search(text[:_HEAD]):
        title = _HTML_TITLE.search(text[:_HEAD])
        name = clean(html_to_text(title[1])) if title else ""
        return f"an HTML page titled “{name[:80]}”" if name else "an HTML page"
    if text.startswith(("{", "[")):
        return "JSON of another kind"
    if text.startswith("<"):
        return f"XML of another kind ({clean(text[:40])})"
    return f"plain text ({clean(text[:40])})"
