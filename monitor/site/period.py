"""An overview of a period on one page, for a meeting or an article: what went on, and who reported. Pure.

Takes the stories of the period and the affairs they belong to; gives a `Period`, and renders it as Markdown,
HTML or values for JSON.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from monitor.digest import markdown, outlet_of
from monitor.digest.importance import PENDING
from monitor.digest.page import Line
from monitor.digest.safe import foreign, line, link, title
from monitor.digest.view import page
from monitor.site.charts import chart
from monitor.site.frame import began
from monitor.text import fold

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from monitor.models import Entry, Story
    from monitor.site.frame import Site

# Stories, outlets and parties that are named.
_MOST: Final = 15


@dataclass(frozen=True, kw_only=True, slots=True)
class Affair:
    """A case, a strike, a product: its steps in order of time."""

    title: str
    steps: tuple[Line, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Period:
    """What a period was, in words."""

    title: str
    summary: str
    affairs: tuple[Affair, ...]
    pending: tuple[Line, ...]
    """Stories after whose last step something is still to come."""
    months: tuple[str, ...]
    """ "2026-11"."""
    themes: tuple[tuple[str, tuple[int, ...]], ...]
    """Labels with their reports in each month."""
    most_reported: tuple[Line, ...]
    outlets: tuple[Line, ...]
    parties: tuple[Line, ...]
    faults: tuple[str, ...] = ()
    """What it does not show, by a bug of ours."""


def compose(
    stories: Sequence[Story],
    affairs: Iterable[Sequence[Story]],
    site: Site,
    *,
    since: datetime,
    until: datetime,
    archive: str = "",
    theme: str = "",
) -> Period:
    """Return the period; entries first seen outside of it do not count. `archive` is on the web, or ""."""
    words = site.words
    within = {story.id: [e for e in story.entries if since <= e.first_seen <= until] for story in stories}
    there = [story for story in stories if within[story.id]]
    # What is "also in" another outlet is one report, as everywhere; that outlet has reported all the same.
    seen = {
        story.id: [
            group
            for report, copies in story.reports
            if (group := [one for one in (report, *copies) if one in within[story.id]])
        ]
        for story in there
    }
    reports = [group[0] for story in there for group in seen[story.id]]
    lasting = [steps for steps in affairs if len(steps) > 1 and any(within.get(step.id) for step in steps)]
    overtaken = {step.id for steps in lasting for step in steps[:-1]}
    # The last day that it covers: an end at midnight is that of the day before.
    last = site.day(until - timedelta(microseconds=1))
    span = words.text("span", start=words.date(site.day(since)), end=words.date(last))
    about = words.text("report_theme", theme=site.label(theme)) if theme else ""
    outlets = Counter(
        outlet
        for story in there
        for group in seen[story.id]
        for outlet in {line(outlet_of(entry, site.feeds)) for entry in group}
    )
    parties = Counter(line(site.words.party(party)) for story in there for party in story.parties)
    largest = sorted(there, key=lambda story: (-story.sources, -len(seen[story.id]), story.id))
    # A filing whose ruling has come is open no more: only an affair's last step counts.
    pending = [story for story in there if story.kind in PENDING and story.id not in overtaken]
    months = _months(reports, site)
    return Period(
        title=" · ".join(filter(None, (words.text("brand"), span, about))),
        summary=words.text(
            "counts",
            stories=words.plural("stories", len(there)),
            reports=words.plural("reports", len(reports)),
            sources=words.plural("outlets", len(outlets)),
        ),
        affairs=tuple(
            Affair(title=title(steps[0].title), steps=tuple(_story(step, site, archive) for step in steps))
            for steps in lasting
        ),
        pending=tuple(_story(story, site, archive) for story in reversed(pending)),
        months=months,
        themes=_themes(reports, months, site),
        most_reported=tuple(_story(story, site, archive) for story in largest[:_MOST]),
        outlets=_counted(outlets, site),
        parties=_counted(parties, site),
        faults=site.faults,
    )


def to_markdown(period: Period, site: Site) -> str:
    """Return the period as Markdown."""
    text = site.words.text
    rows = [f"# {markdown.escape(period.title)}", "", markdown.escape(period.summary), ""]
    for fault in period.faults:
        rows += [f"**{markdown.escape(fault)}**", ""]
    if period.affairs:
        rows += [f"## {markdown.escape(text('site_affairs'))}", ""]
    for affair in period.affairs:
        rows += [f"### {markdown.escape(affair.title)}", "", *map(markdown.item, affair.steps), ""]
    for heading, lines in _lists(period, site):
        rows += [f"## {markdown.escape(heading)}", "", *map(markdown.item, lines), ""]
    if period.themes:
        rows += [f"## {markdown.escape(text('report_themes'))}", ""]
        rows += [f"| {markdown.escape(text('themes'))} | {' | '.join(period.months)} |"]
        rows += [f"|:--|{'--:|' * len(period.months)}"]
        for label, counts in period.themes:
            rows.append(f"| {markdown.escape(label)} | {' | '.join(map(str, counts))} |")
    return "\n".join(rows).strip() + "\n"


def to_html(period: Period, site: Site) -> str:
    """Return the period as one page that needs no other file."""
    bars = [
        chart(f"theme-{number}", f"{label}: {sum(counts)}", list(zip(period.months, counts, strict=True)))
        for number, (label, counts) in enumerate(period.themes)
    ]
    return site.fill(
        "period.html",
        here="",
        title=period.title,
        period=period,
        lists=_lists(period, site),
        charts=list(filter(None, bars)),
        headings={key: site.words.text(key) for key in ("site_affairs", "report_themes")},
    )


def to_dict(period: Period) -> dict[str, Any]:
    """Return the period as values that JSON can hold."""

    def lines(found: Iterable[Line]) -> list[dict[str, str]]:
        return [{"text": one.text, "url": one.url, "note": one.note, "handle": one.handle} for one in found]

    return {
        "title": period.title,
        "summary": period.summary,
        "affairs": [{"title": affair.title, "steps": lines(affair.steps)} for affair in period.affairs],
        "pending": lines(period.pending),
        "months": list(period.months),
        "themes": [{"theme": label, "entries": list(counts)} for label, counts in period.themes],
        "most_reported": lines(period.most_reported),
        "outlets": lines(period.outlets),
        "parties": lines(period.parties),
        "faults": list(period.faults),
    }


def _lists(period: Period, site: Site) -> list[tuple[str, tuple[Line, ...]]]:
    text = site.words.text
    found = (
        (text("report_pending"), period.pending),
        (text("site_most_reported"), period.most_reported),
        (text("report_outlets"), period.outlets),
        (text("report_parties"), period.parties),
    )
    return [(heading, lines) for heading, lines in found if lines]


def _months(entries: Iterable[Entry], site: Site) -> tuple[str, ...]:
    days = [site.day(entry.first_seen) for entry in entries]
    if not days:
        return ()
    # A month without a report has its place, too: without it what lies around it would seem to follow on.
    first, last = ((day.year * 12 + day.month - 1) for day in (min(days), max(days)))
    return tuple(f"{month // 12}-{month % 12 + 1:02}" for month in range(first, last + 1))


def _themes(
    entries: Iterable[Entry], months: Sequence[str], site: Site
) -> tuple[tuple[str, tuple[int, ...]], ...]:
    counts = Counter[tuple[str, str]]()
    for entry in entries:
        counts.update((theme, f"{site.day(entry.first_seen):%Y-%m}") for theme in entry.tagging.themes)
    found = ((site.label(slug), tuple(counts[slug, month] for month in months)) for slug in site.themes)
    return tuple((label, numbers) for label, numbers in found if any(numbers))


def _counted(names: Counter[str], site: Site) -> tuple[Line, ...]:
    # "GEMA" and "Gema" are one, under the name that more use.
    spelt: dict[str, str] = {}
    counts = Counter[str]()
    for name, count in names.most_common():
        counts[spelt.setdefault(fold(name), name)] += count
    best = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))[:_MOST]
    return tuple(Line(text=name or "…", note=site.words.number(count)) for name, count in best)


def _story(story: Story, site: Site, archive: str) -> Line:
    words = site.words
    sources = words.plural("sources", story.sources) if story.sources > 1 else ""
    notes = (words.date(began(story, site)), words.kind(story.kind), sources)
    return Line(
        text=title(story.title),
        url=page(story.id, archive) if archive else link(story.leading.url),
        note=" · ".join(filter(None, notes)),
        handle=f"s{story.id}",
        language=foreign(story.leading.language, words.code),
    )
