"""The receipt at the end of a digest: one line when all is well, and each trouble with what to do."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from monitor.digest.headline import coverage, left_out, local, summary
from monitor.digest.page import Line, Note, ReceiptView
from monitor.digest.safe import line, link, title
from monitor.url import redact, redact_url

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from monitor.digest.wording import Wording
    from monitor.models import Digest, FeedHealth, NearMiss

# Which states of feeds are listed, the worst first. The user knows which feeds are switched off.
_TROUBLES: Final = ("failing", "gone", "silent", "new")
# What a server says of an error may be a page long.
_REASON: Final = 200
# So many feeds with the same trouble get a line each; more share one, or an outage would fill the digest.
_EACH: Final = 3
_NAMED: Final = 8
# A feed that has been silent or gone for this long is named with its reason only once a week.
_LASTING: Final = timedelta(days=14)
# A feed that is gone is asked once a week: so many refusals are two weeks, for one that never answered.
_WEEKLY: Final = 2


def receipt_view(digest: Digest, words: Wording, cap: int, *, everything: bool) -> ReceiptView:
    """Return the receipt, each list with at most `cap` lines; with `everything` also what can wait a week.

    That is near misses, and the reasons of troubles that have lasted for weeks: shown daily, they would hide
    what is new.
    """
    return ReceiptView(
        line=_line(digest, words),
        notes=tuple(_notes(digest, words, cap, everything=everything)),
        colophon=tuple(_colophon(digest, words)),
    )


def _line(digest: Digest, words: Wording) -> str:
    receipt, reach = digest.receipt, coverage(digest.receipt)
    seen = {
        "feeds": words.plural("feeds", reach.feeds),
        "entries": words.plural("entries", receipt.entries),
        "unanswered": words.number(reach.unanswered),
    }
    if receipt.blind or not reach.feeds:
        return words.text("receipt_no_polls", **seen)
    if reach.unanswered:
        return words.text("receipt_unanswered", **seen)
    if receipt.faults or any(feed.faults for feed in receipt.feeds):
        return words.text("receipt_faults", **seen)
    return words.text("receipt_gaps_line" if receipt.gaps else "receipt_well", **seen)


def _notes(digest: Digest, words: Wording, cap: int, *, everything: bool) -> Iterator[Note]:
    receipt = digest.receipt
    yield from _selected(digest, words)
    yield from _ours(digest, words)
    for state in _TROUBLES:
        # Without any poll, every feed is new to us; the line about polls has said so.
        if state == "new" and receipt.blind:
            continue
        those = [feed for feed in receipt.feeds if feed.state == state]
        lasting = [feed for feed in those if not everything and _lasts(feed, digest)]
        lines = _troubled([feed for feed in those if feed not in lasting], digest, words)
        advised = bool(lines)
        if lasting:
            lines.append(Line(text=_listed(map(_name, lasting), words), note=words.text("lasting")))
        if lines:
            listed = _list(state, lines, words, cap, bad=state in {"failing", "gone"})
            yield listed if advised else replace(listed, advice="")
    yield from _missed(digest, words, cap)
    failed = [Line(text=title(failure, _REASON)) for failure in receipt.failed_deliveries]
    if failed:
        yield _list("deliveries", failed, words, cap, bad=True)
    if receipt.held_back:
        held = words.plural("held_back", receipt.held_back)
        yield Note(label=held, advice=words.text("advice_entries"))
    if receipt.unnamed:
        unnamed = words.plural("unnamed", receipt.unnamed)
        yield Note(label=unnamed, advice=words.text("advice_entries"))
    if everything and receipt.near_misses:
        near = [_near(miss, digest.labels, words) for miss in receipt.near_misses]
        yield _list("near", near, words, cap)


def whole_at(digest: Digest, words: Wording) -> str:
    """Say where the whole digest can be read."""
    if digest.part and digest.part.several:
        start, end = (f"{at:%Y-%m-%dT%H:%M:%SZ}" for at in (digest.window.start, digest.window.end))
        return words.text("whole_of_days", start=start, end=end)
    return words.text("whole", date=digest.date.isoformat())


def _selected(digest: Digest, words: Wording) -> Iterator[Note]:
    """Yield how a part of a digest was chosen and what it leaves out: it must not pass for the whole day."""
    if digest.part is None:
        return
    chosen, labels = digest.part.selection, dict(digest.labels)
    score = words.text("from_score", score=words.decimal(chosen.min_score)) if chosen.min_score > 0 else ""
    named = (
        *(
            ", ".join(line(labels.get(slug, slug)) for slug in slugs)
            for slugs in (chosen.beats, chosen.themes)
        ),
        ", ".join(language.upper() for language in chosen.languages),
        score,
    )
    what = " · ".join(filter(None, named))
    if not what:  # it only chooses days
        return
    label = words.text("selection", what=what)
    others = left_out(digest, words)
    if not others:
        yield Note(label=label, advice=words.text("nothing_left_out"))
        return
    count = words.text("left_out", others=", ".join(others))
    if digest.archive_url:
        page = "" if digest.part.several else f"days/{digest.date.isoformat()}.html"
        yield Note(label=label, lines=(Line(text=count, url=link(digest.archive_url + page)),))
    else:
        yield Note(label=label, advice=f"{count}. {whole_at(digest, words)}")


def _missed(digest: Digest, words: Wording, cap: int) -> Iterator[Note]:
    """Yield what was not received or could not be shown: by a bug of ours, or between two polls."""
    receipt = digest.receipt
    faults = [Line(text=title(fault, _REASON)) for fault in receipt.faults]
    faults += (
        Line(text=_name(feed), note=line(words.reason(feed.faults), _REASON))
        for feed in receipt.feeds
        if feed.faults
    )
    if faults:
        yield _list("faults", faults, words, cap, bad=True)
    gaps = [
        Line(text=words.text("receipt_times", title=title(name), n=words.number(n)))
        for name, n in receipt.gaps
    ]
    if gaps:
        yield _list("gaps", gaps, words, cap, bad=True)


def _ours(digest: Digest, words: Wording) -> Iterator[Note]:
    """Yield what kept us from asking any feed."""
    if digest.receipt.blind:
        yield Note(label=words.text("trouble_polls"), advice=words.text("advice_polls"), bad=True)
    if unreached := digest.receipt.unreached_since:
        advice = words.text("advice_network", since=words.moment(local(unreached, digest)))
        yield Note(label=words.text("trouble_network"), advice=advice, bad=True)


def _colophon(digest: Digest, words: Wording) -> Iterator[str]:
    if digest.stories:
        yield summary(digest, words)
    start, end = (words.moment(local(at, digest)) for at in (digest.window.start, digest.window.end))
    yield words.text("receipt_window", start=start, end=end, timezone=digest.timezone)
    made = words.moment(local(digest.made_at, digest))
    yield words.text("receipt_made", date=made, version=line(digest.receipt.version))


def _lasts(feed: FeedHealth, digest: Digest) -> bool:
    """Return whether a problem that only a person can solve has been shown for long enough."""
    if feed.state == "gone" and feed.last_success_at is None:
        return feed.consecutive_failures > _WEEKLY
    since = {"silent": feed.newest_entry_at, "gone": feed.last_success_at}.get(feed.state)
    return since is not None and digest.window.end - since > _LASTING


def _troubled(feeds: Iterable[FeedHealth], digest: Digest, words: Wording) -> list[Line]:
    """Return feeds with what is wrong with them; many with the same reason share a line."""
    by_reason: dict[str, list[str]] = {}
    for feed in feeds:
        by_reason.setdefault(_reason(feed, digest, words), []).append(_name(feed))
    lines = []
    for reason, names in by_reason.items():
        if len(names) <= _EACH:
            lines += [Line(text=name, note=reason) for name in names]
        else:
            lines.append(Line(text=_listed(names, words), note=reason))
    return lines


def _name(feed: FeedHealth) -> str:
    return line(feed.title) or title(redact_url(feed.url))


def _listed(names: Iterable[str], words: Wording) -> str:
    every = list(names)
    hidden = len(every) - _NAMED
    more = " " + words.text("more", n=words.number(hidden)) if hidden > 0 else ""
    return ", ".join(every[:_NAMED]) + more


def _near(miss: NearMiss, labels: Iterable[tuple[str, str]], words: Wording) -> Line:
    slug, colon, lack = miss.why.partition(": ")
    lacking = f"{dict(labels).get(slug, slug)}{colon}{lack}"
    why = words.text("receipt_near_why", why=line(lacking, _REASON), score=words.decimal(miss.score))
    note = f"{line(miss.outlet)}: {why}" if miss.outlet else why
    return Line(text=title(miss.title), url=link(miss.url), note=note, handle=f"e{miss.entry}")


def _reason(feed: FeedHealth, digest: Digest, words: Wording) -> str:
    if feed.state in {"silent", "gone"} and feed.note:
        return line(words.reason(redact(feed.note)), _REASON)
    reason = line(words.reason(redact(feed.last_error or feed.note)), _REASON)
    if feed.state != "failing":
        return reason
    reason = reason or words.text("no_reason")
    failures = words.plural("failures", feed.consecutive_failures)
    if feed.last_success_at is None:
        return words.text("receipt_reason_never", reason=reason, failures=failures)
    when = words.moment(local(feed.last_success_at, digest))
    return words.text("receipt_reason", reason=reason, failures=failures, when=when)


def _list(name: str, lines: Iterable[Line], words: Wording, cap: int, *, bad: bool = False) -> Note:
    every = tuple(lines)
    hidden = len(every) - cap
    return Note(
        label=words.text(f"trouble_{name}"),
        lines=every[:cap],
        more=words.text("more", n=words.number(hidden)) if hidden > 0 else "",
        advice=words.text(f"advice_{name}"),
        bad=bad,
    )
