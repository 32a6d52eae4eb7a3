"""A digest in the user's words, as a page: what text, Markdown, HTML and the archive share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from monitor.digest import receipt
from monitor.digest.headline import (
    counts,
    coverage,
    leading,
    local,
    outcome,
    preheader,
    span,
    state,
    subject,
    why,
)
from monitor.digest.importance import SECTIONS, order, section
from monitor.digest.page import HEIGHTS, Bars, Caps, Section, View
from monitor.digest.safe import line, title
from monitor.digest.story_view import anchor, report_line, story_line, story_view

if TYPE_CHECKING:
    from collections.abc import Iterable

    from monitor.digest.wording import Wording
    from monitor.models import Digest, DigestStory, Trend

_HEADINGS: Final = (
    "brand",
    "perhaps",
    "section_trends",
    "section_receipt",
    "trends_note",
    "trends_none",
    "themes",
    "also",
    "also_in",
    "before",
    "after",
    "began_as",
)


def view(
    digest: Digest, words: Wording, caps: Caps, *, archive: str | None = None, everything: bool = False
) -> View:
    """Return the digest as `words` tells it, within the caps.

    `archive` is where the archive lies: "" beside the page, an address, or None when it cannot be reached.
    With `everything` trends and near misses are shown on every day.
    """
    lead = leading(digest)
    # The most important ones, wherever they stand: a section that comes late must not lose its ruling.
    full = {story.id for story in sorted(digest.stories, key=order)[: min(caps.stories, digest.max_stories)]}
    # In a digest of version 1.0 the first story leads, whatever it scores.
    if lead:
        full.add(lead.id)
    overview = everything or digest.overview
    return View(
        language=words.code,
        words={key: words.text(key) for key in _HEADINGS},
        name=digest.date.isoformat(),
        heading=span(digest, words.long_date(digest.date), words),
        subject=subject(digest, words),
        preheader=preheader(digest, words),
        outcome=outcome(digest),
        lead=story_view(lead, digest, words, caps, anchors=full, archive=archive) if lead else None,
        state="" if lead else state(digest, words),
        notices=tuple(_notices(digest, words, caps)),
        sections=tuple(_sections(digest, words, caps, full=full, archive=archive)),
        perhaps=tuple(report_line(report, digest, words) for report in digest.perhaps),
        trends=_trends(digest, words) if overview else (),
        overview=overview,
        receipt=receipt.receipt_view(digest, words, caps.lines, near_misses=overview),
    )


def alert_view(alert: Digest, words: Wording, caps: Caps) -> View:
    """Return the page of an alert: a digest of one story, without anything behind it."""
    story = alert.stories[0]
    summary = words.text(
        "alert_lead",
        why=" · ".join((*why(story, words), words.plural("reports", len(story.reports)))),
        when=words.moment(local(story.first_seen, alert)),
    )
    # What stands around the title is counted first, so that the title is cut and not the brand behind it.
    around = words.text("alert_subject", brand=words.text("brand"), title="")
    return View(
        language=words.code,
        words={key: words.text(key) for key in _HEADINGS},
        name=anchor(story.id),
        heading=words.text("alert_heading", date=words.long_date(alert.date)),
        subject=words.text(
            "alert_subject", brand=words.text("brand"), title=title(story.title, 120 - len(around))
        ),
        preheader=summary,
        outcome="news",
        lead=story_view(story, alert, words, caps),
        state="",
        notices=(summary,),
        sections=(),
    )


def heights(amounts: Iterable[int], busiest: int) -> tuple[int, ...]:
    """Return bars of 0 to 8 for counts of up to `busiest`; only nothing is 0."""
    # Rounded up: a single report among a hundred is a low bar and not an empty place.
    return tuple(-(-amount * HEIGHTS // max(busiest, 1)) for amount in amounts)


def _notices(digest: Digest, words: Wording, caps: Caps) -> Iterable[str]:
    # A day with news and half of the feeds silent looks whole: it must say that it is not.
    if digest.stories and not coverage(digest.receipt).conclusive:
        key = "incomplete" if digest.receipt.polls else "incomplete_no_polls"
        yield words.text(key, **counts(digest, words))
    if digest.catches_up:
        yield words.text("catches_up")
    if caps.shortened:
        yield words.text("shortened", date=digest.date.isoformat())


def _sections(
    digest: Digest, words: Wording, caps: Caps, *, full: set[int], archive: str | None
) -> Iterable[Section]:
    """Yield the sections that hold something beside the leading story: first what is told in full."""
    lead = leading(digest)
    grouped: dict[str, list[DigestStory]] = {name: [] for name in SECTIONS}
    for story in digest.stories:
        if story is not lead:
            grouped[_section_of(story)].append(story)
    for name, members in grouped.items():
        rest = [story for story in members if story.id not in full]
        if members:
            yield Section(
                title=words.text(f"section_{name}"),
                stories=tuple(
                    story_view(story, digest, words, caps, anchors=full, archive=archive)
                    for story in members
                    if story.id in full
                ),
                lines=tuple(story_line(story, words) for story in rest[: caps.lines]),
                more=words.text("more", n=words.number(len(rest) - caps.lines))
                if len(rest) > caps.lines
                else "",
            )


def _section_of(story: DigestStory) -> str:
    """Return a story's section; of a digest of version 1.0, or of sections that are no more, anew."""
    return story.section if story.section in SECTIONS else section(story.beats, story.themes, story.kind)


def _trends(digest: Digest, words: Wording) -> tuple[Bars, ...]:
    busiest = max((count for trend in digest.trends for count in trend.counts), default=0)
    return tuple(_bars(trend, digest, words, busiest) for trend in digest.trends if any(trend.counts))


def _bars(trend: Trend, digest: Digest, words: Wording, busiest: int) -> Bars:
    return Bars(
        label=line(dict(digest.labels).get(trend.theme, trend.theme)),
        counts=trend.counts,
        heights=heights(trend.counts, busiest),
        total=words.number(sum(trend.counts)),
    )
