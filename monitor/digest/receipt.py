"""The receipt at a digest's end, in the user's words: what was heard, what was not, what fell through."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

from monitor.digest.safe import line, link, title
from monitor.url import redact

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from monitor.digest.wording import Wording
    from monitor.models import Digest, FeedHealth, NearMiss

_STATES: Final = (
    ("ok", "state_ok"),
    ("failing", "state_failing"),
    ("silent", "state_silent"),
    ("gone", "state_gone"),
    ("new", "state_unseen"),
    ("disabled", "state_disabled"),
)
_NAMED: Final = (
    ("failing", "receipt_failing"),
    ("gone", "receipt_gone"),
    ("silent", "receipt_silent"),
    ("new", "receipt_unseen"),
)
_REASON: Final = 200


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """One line of a list: its text, a link or "", and what is to be said of it."""

    text: str
    url: str = ""
    note: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Note:
    """One part of the receipt: a label with a text, or with a list."""

    label: str
    text: str = ""
    lines: tuple[Line, ...] = ()
    more: str = ""
    bad: bool = False
    """A human should look at it."""


def notes(digest: Digest, words: Wording, cap: int) -> tuple[Note, ...]:
    """Return the receipt's parts in order, each list with at most `cap` lines."""
    return (
        _feeds(digest, words),
        *_troubled(digest, words, cap),
        *_counts(digest, words),
        _gaps(digest, words, cap),
        *_lists(digest, words, cap),
        *_colophon(digest, words),
    )


def _feeds(digest: Digest, words: Wording) -> Note:
    feeds = digest.receipt.feeds
    counted = ((key, sum(feed.state == state for feed in feeds)) for state, key in _STATES)
    states = ", ".join(words.text(key, n=words.number(n)) for key, n in counted if n)
    total = words.plural("feeds", len(feeds))
    followed = words.text("receipt_feed_states", feeds=total, states=states) if states else total
    return Note(label=words.text("receipt_feeds"), text=followed)


def _troubled(digest: Digest, words: Wording, cap: int) -> Iterator[Note]:
    for state, key in _NAMED:
        lines = [
            Line(text=_name(feed), note=_reason(feed, digest, words))
            for feed in digest.receipt.feeds
            if feed.state == state
        ]
        if lines:
            yield _list(words.text(key), lines, words, cap, bad=state in {"failing", "gone"})


def _counts(digest: Digest, words: Wording) -> Iterator[Note]:
    told = digest.receipt
    seen = words.text(
        "receipt_entry_counts",
        entries=words.plural("entries", told.entries),
        polls=words.plural("polls", told.polls),
        relevant=words.number(told.relevant),
    )
    yield Note(label=words.text("receipt_entries"), text=seen)
    here = words.text(
        "receipt_told_counts",
        reports=words.plural("new_reports", told.reports),
        stories=words.plural("stories", told.stories),
        sources=words.plural("sources", told.sources),
    )
    yield Note(label=words.text("receipt_told"), text=here)


def _gaps(digest: Digest, words: Wording, cap: int) -> Note:
    label = words.text("receipt_gaps")
    lines = [
        Line(text=words.text("receipt_times", title=title(name), n=words.number(n)))
        for name, n in digest.receipt.gaps
    ]
    return (
        _list(label, lines, words, cap, bad=True)
        if lines
        else Note(label=label, text=words.text("receipt_gaps_none"))
    )


def _lists(digest: Digest, words: Wording, cap: int) -> Iterator[Note]:
    near = [_near(miss, words) for miss in digest.receipt.near_misses]
    if near:
        yield _list(words.text("receipt_near"), near, words, cap)
    failed = [Line(text=title(failure, _REASON)) for failure in digest.receipt.failed_deliveries]
    if failed:
        yield _list(words.text("receipt_deliveries"), failed, words, cap, bad=True)


def _colophon(digest: Digest, words: Wording) -> Iterator[Note]:
    zone = ZoneInfo(digest.timezone)
    start, end = (words.moment(at.astimezone(zone)) for at in (digest.window.start, digest.window.end))
    window = words.text("receipt_window_text", start=start, end=end, timezone=digest.timezone)
    yield Note(label=words.text("receipt_window"), text=window)
    made = words.moment(digest.made_at.astimezone(zone))
    by = words.text("receipt_made_text", date=made, version=line(digest.receipt.version))
    yield Note(label=words.text("receipt_made"), text=by)


def _near(miss: NearMiss, words: Wording) -> Line:
    why = words.text("receipt_near_why", why=line(miss.why, _REASON), score=words.decimal(miss.score))
    note = f"{line(miss.outlet)}: {why}" if miss.outlet else why
    return Line(text=title(miss.title), url=link(miss.url), note=note)


def _name(feed: FeedHealth) -> str:
    return line(feed.title) or title(feed.url)


def _reason(feed: FeedHealth, digest: Digest, words: Wording) -> str:
    if feed.state in {"silent", "gone"} and feed.note:
        return line(feed.note, _REASON)
    reason = line(redact(feed.last_error or feed.note), _REASON) or words.text("no_reason")
    if feed.state != "failing":
        return reason
    failures = words.plural("failures", feed.consecutive_failures)
    if feed.last_success_at is None:
        return words.text("receipt_reason_never", reason=reason, failures=failures)
    when = words.moment(feed.last_success_at.astimezone(ZoneInfo(digest.timezone)))
    return words.text("receipt_reason", reason=reason, failures=failures, when=when)


def _list(label: str, lines: Iterable[Line], words: Wording, cap: int, *, bad: bool = False) -> Note:
    every = tuple(lines)
    hidden = len(every) - cap
    more = words.text("more", n=words.number(hidden)) if hidden > 0 else ""
    return Note(label=label, lines=every[:cap], more=more, bad=bad)
