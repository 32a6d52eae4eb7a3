"""A digest in the user's words: the content that text, Markdown and HTML share, so that they cannot differ.

Everything here is plain text on one line or a safe link; the renderers add mark-up and escaping alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

from monitor.digest import rank, receipt
from monitor.digest.outcome import Outcome, coverage, outcome
from monitor.digest.safe import line, link, title

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from monitor.digest.receipt import Line, Note
    from monitor.digest.wording import Wording
    from monitor.models import Digest, DigestStory, Report, Trend

_SUBJECT: Final = 120
_PREHEADER: Final = 160
_BLOCKS: Final = "▁▂▃▄▅▆▇█"


@dataclass(frozen=True, kw_only=True, slots=True)
class Caps:
    """How much is shown before "and N more"."""

    stories: int
    """In full."""
    reports: int
    """Of one story."""
    lines: int
    """Of one group, or of one part of the receipt."""
    summary: int
    """Characters."""
    shortened: bool = False
    """Less than the digest's own measure, to fit a message."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ReportView:
    """One report: its link, and where and when it stood."""

    title: str
    """ "" when it is the story's own, which stands above already."""
    url: str
    outlet: str
    notes: tuple[str, ...]
    """Date; language, where the story has several; "new", where the story is not."""


@dataclass(frozen=True, kw_only=True, slots=True)
class StoryView:
    """One story in full."""

    anchor: str
    title: str
    url: str
    new: bool
    meta: tuple[str, ...]
    themes: tuple[str, ...]
    summary: str
    outlet: str
    reports: tuple[ReportView, ...]
    more: str
    related: tuple[tuple[str, str], ...]
    """Titles, each with its anchor in this digest or ""."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Section:
    """A heading and the stories under it."""

    title: str
    stories: tuple[StoryView, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Group:
    """A theme and its remaining stories in one line each."""

    label: str
    lines: tuple[Line, ...]
    more: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Bars:
    """A theme's reports by day."""

    label: str
    counts: tuple[int, ...]
    heights: tuple[int, ...]
    """0 to 8, measured against the busiest day of all themes; 0 only for none."""
    total: str

    @property
    def sparkline(self) -> str:
        """The same as block characters, a dot for a day without a report."""
        return "".join(_BLOCKS[height - 1] if height else "·" for height in self.heights)


@dataclass(frozen=True, kw_only=True, slots=True)
class View:
    """A page: a digest's, or an alert's, which has one story and nothing behind it."""

    language: str
    words: dict[str, str]
    """Headings and fixed phrases."""
    name: str
    """The stem of its files."""
    heading: str
    subject: str
    preheader: str
    outcome: Outcome
    lead: str
    """What the day was, in one line."""
    notices: tuple[str, ...]
    window: str
    sections: tuple[Section, ...]
    groups: tuple[Group, ...] = ()
    trends: tuple[Bars, ...] = ()
    receipt: tuple[Note, ...] = ()


def view(digest: Digest, words: Wording, caps: Caps) -> View:
    """Return the digest as `words` tells it, within the caps."""
    best = sorted(digest.stories, key=rank.merit)[: min(caps.stories, digest.max_stories)]
    anchors = {story.id for story in best}
    full = [story for story in digest.stories if story.id in anchors]
    rest = [story for story in digest.stories if story.id not in anchors]
    new, old = [story for story in full if story.new], [story for story in full if not story.new]
    titled = (("section_new", new), ("section_continuing", old))
    return View(
        language=words.code,
        words=_headings(words),
        name=digest.date.isoformat(),
        heading=_span(digest, words.long_date(digest.date), words),
        subject=subject(digest, words),
        preheader=preheader(digest, words),
        outcome=outcome(digest),
        lead=lead(digest, words),
        notices=tuple(_notices(digest, words, caps)),
        window=_window(digest, words),
        sections=tuple(
            Section(
                title=words.text(heading),
                stories=tuple(story_view(story, digest, words, caps, anchors) for story in stories),
            )
            for heading, stories in titled
            if stories
        ),
        groups=_groups(rest, digest, words, caps),
        trends=_trends(digest, words),
        receipt=receipt.notes(digest, words, caps.lines),
    )


def alert_view(alert: Digest, words: Wording, caps: Caps) -> View:
    """Return the page of an alert: a digest of one story, without anything behind it."""
    story = alert.stories[0]
    opening = words.text("alert_subject", brand=words.text("brand"), title="")
    told = words.text(
        "alert_lead",
        sources=words.plural("sources", story.sources),
        reports=words.plural("reports", len(story.reports)),
        when=words.moment(local(story.first_seen, alert)),
    )
    return View(
        language=words.code,
        words=_headings(words),
        name=_anchor(story.id),
        heading=words.text("alert_heading"),
        subject=opening + title(story.title, _SUBJECT - len(opening)),
        preheader=told,
        outcome="news",
        lead=told,
        notices=(),
        window="",
        sections=(
            Section(title=words.long_date(alert.date), stories=(story_view(story, alert, words, caps, ()),)),
        ),
    )


def lead(digest: Digest, words: Wording) -> str:
    """Return what the day was, in one line: news counted, quiet, or broken."""
    told = digest.receipt
    if digest.stories:
        return words.text(
            "lead_news",
            stories=words.plural("stories", told.stories),
            reports=words.plural("reports", told.reports),
            sources=words.plural("sources", told.sources),
        )
    if outcome(digest) == "quiet":
        return words.text("lead_quiet", **_counts(digest, words))
    return words.text(f"lead_{_trouble(digest)}", **_counts(digest, words))


def subject(digest: Digest, words: Wording) -> str:
    """Return the subject: our words and the top story's title, one line of at most 120 characters."""
    named = {"brand": words.text("brand"), "date": _span(digest, words.date(digest.date), words)}
    if digest.stories:
        stories = words.plural("stories", len(digest.stories))
        bare = words.text("subject_news", **named, stories=stories, title="")
        top = title(digest.stories[0].title, _SUBJECT - len(bare))
        return line(words.text("subject_news", **named, stories=stories, title=top), _SUBJECT)
    if outcome(digest) == "quiet":
        return line(words.text("subject_quiet", **named), _SUBJECT)
    problem = words.text(f"problem_{_trouble(digest)}", **_counts(digest, words))
    return line(words.text("subject_broken", **named, problem=problem), _SUBJECT)


def preheader(digest: Digest, words: Wording) -> str:
    """Return what a mail program shows beside the subject."""
    others = "; ".join(title(story.title, 80) for story in digest.stories[1:4])
    also = words.text("preheader_also", titles=others) if others else ""
    return line(f"{lead(digest, words)}. {also}", _PREHEADER)


def story_view(
    story: DigestStory, digest: Digest, words: Wording, caps: Caps, anchors: Iterable[int]
) -> StoryView:
    """Return one story in full; `anchors` are the stories that the page can link to."""
    here = frozenset(anchors)
    hidden = len(story.reports) - caps.reports
    return StoryView(
        anchor=_anchor(story.id),
        title=title(story.title),
        url=link(story.url),
        new=story.new,
        meta=_meta(story, digest, words),
        themes=_labels(story.themes, digest),
        summary=line(story.summary, caps.summary),
        outlet=line(story.summary_outlet),
        reports=tuple(_report(report, story, digest, words) for report in story.reports[: caps.reports]),
        more=words.plural("more_reports", hidden) if hidden > 0 else "",
        related=tuple(
            (title(name), _anchor(other) if other in here else "") for other, name in story.related
        ),
    )


def heights(counts: Iterable[int], busiest: int) -> tuple[int, ...]:
    """Return bars of 0 to 8 for counts of up to `busiest`; only nothing is 0."""
    return tuple(-(-count * len(_BLOCKS) // max(busiest, 1)) for count in counts)


def local(instant: datetime, digest: Digest) -> datetime:
    """Return the instant in the user's zone."""
    return instant.astimezone(ZoneInfo(digest.timezone))


def _headings(words: Wording) -> dict[str, str]:
    keys = ("brand", "section_more", "section_trends", "section_receipt", "trends_note", "trends_none")
    return {key: words.text(key) for key in (*keys, "related", "themes", "state_new")}


def _notices(digest: Digest, words: Wording, caps: Caps) -> Iterable[str]:
    if digest.stories and not coverage(digest.receipt).conclusive:
        key = "incomplete" if digest.receipt.polls else "incomplete_no_polls"
        yield words.text(key, **_counts(digest, words))
    if digest.catches_up:
        yield words.text("catches_up")
    if caps.shortened:
        yield words.text("shortened", date=digest.date.isoformat())


def _counts(digest: Digest, words: Wording) -> dict[str, str]:
    heard = coverage(digest.receipt)
    return {
        "feeds": words.number(heard.feeds),
        "answered": words.number(heard.answered),
        "unanswered": words.number(heard.unanswered),
    }


def _trouble(digest: Digest) -> str:
    heard = coverage(digest.receipt)
    if not heard.feeds:
        return "no_feeds"
    return "feeds" if heard.polls else "no_polls"


def _span(digest: Digest, day: str, words: Wording) -> str:
    """Return the digest's day, or from when to that day when it covers missed ones too."""
    if not digest.catches_up:
        return day
    return words.text("span", start=words.date(local(digest.window.start, digest)), end=day)


def _window(digest: Digest, words: Wording) -> str:
    return words.text(
        "window",
        start=words.moment(local(digest.window.start, digest)),
        end=words.moment(local(digest.window.end, digest)),
        timezone=digest.timezone,
    )


def _meta(story: DigestStory, digest: Digest, words: Wording) -> tuple[str, ...]:
    fresh = sum(report.new for report in story.reports)
    if story.new:
        parts = [words.ago(digest.window.end - story.first_seen), words.plural("reports", len(story.reports))]
    else:
        parts = [words.text("day", n=story.day), words.plural("new_reports", fresh)]
    parts.append(words.plural("sources", story.sources))
    parts.append(" ".join(line(code).upper() for code in story.languages))
    return tuple(part for part in parts if part)


def _report(report: Report, story: DigestStory, digest: Digest, words: Wording) -> ReportView:
    outlet, headline = line(report.outlet), title(report.title)
    notes = (
        _stamp(report, digest, words),
        line(report.language).upper() if len(story.languages) > 1 else "",
        words.text("state_new") if report.new and not story.new else "",
    )
    return ReportView(
        title="" if outlet and headline == title(story.title) else headline,
        url=link(report.url),
        outlet=outlet,
        notes=tuple(filter(None, notes)),
    )


def _stamp(report: Report, digest: Digest, words: Wording) -> str:
    instant = local(report.published, digest)
    stamp = words.stamp(instant) if instant.year == digest.date.year else words.date(instant)
    return stamp if report.dated == "publisher" else words.text("undated", date=stamp)


def _labels(slugs: Iterable[str], digest: Digest) -> tuple[str, ...]:
    labels = dict(digest.labels)
    return tuple(line(labels.get(slug, slug)) for slug in slugs)


def _groups(stories: Sequence[DigestStory], digest: Digest, words: Wording, caps: Caps) -> tuple[Group, ...]:
    """Group the stories by their first theme, else their first beat, in the order of themes.toml."""
    grouped: dict[str, list[DigestStory]] = {slug: [] for slug, _ in digest.labels}
    for story in stories:
        grouped.setdefault(next(iter((*story.themes, *story.beats)), ""), []).append(story)
    return tuple(
        Group(
            label=_labels((slug,), digest)[0] or words.text("other"),
            lines=tuple(_one_line(story, words) for story in members[: caps.lines]),
            more=words.text("more", n=words.number(len(members) - caps.lines))
            if len(members) > caps.lines
            else "",
        )
        for slug, members in grouped.items()
        if members
    )


def _one_line(story: DigestStory, words: Wording) -> Line:
    state = words.text("state_new") if story.new else words.text("day", n=story.day)
    sources = words.plural("sources", story.sources) if story.sources > 1 else ""
    about = (line(story.reports[0].outlet), sources, state)
    return receipt.Line(text=title(story.title), url=link(story.url), note=" · ".join(filter(None, about)))


def _trends(digest: Digest, words: Wording) -> tuple[Bars, ...]:
    busiest = max((count for trend in digest.trends for count in trend.counts), default=0)
    return tuple(_bars(trend, digest, words, busiest) for trend in digest.trends if any(trend.counts))


def _bars(trend: Trend, digest: Digest, words: Wording, busiest: int) -> Bars:
    return Bars(
        label=_labels((trend.theme,), digest)[0],
        counts=trend.counts,
        heights=heights(trend.counts, busiest),
        total=words.number(sum(trend.counts)),
    )


def _anchor(story: int) -> str:
    return f"story-{story}"
