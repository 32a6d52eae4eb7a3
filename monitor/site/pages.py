"""The archive's pages about one thing: a story with its timeline, a day, a theme, an affair. Pure."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Any, Final

from monitor.digest import atom, outlet_of
from monitor.digest.page import Caps
from monitor.digest.safe import foreign, line, link, title
from monitor.digest.view import view
from monitor.site.charts import chart
from monitor.site.frame import (
    affair_path,
    began,
    day_path,
    month_of,
    page_stem,
    per_day,
    row,
    search_path,
    story_path,
    theme_path,
)
from monitor.site.listing import fingerprint, listed

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from monitor.models import Digest, Entry, Join, Story
    from monitor.site.frame import Site

# Steps before a story, and after it, that its page names: all would have to be written again for each new
# one, and a long affair has a page of its own.
NEAR: Final = 5
# Months in the chart of a theme.
_CHARTED: Final = 24
_WHOLE: Final = Caps(stories=200, reports=200, lines=1000, summary=600)


def story(one: Story, steps: Sequence[Story], site: Site) -> str:
    """Return a story's page; `steps` are the stories of its affair, itself among them, from the first on."""
    here = next((at for at, step in enumerate(steps) if step.id == one.id), 0)
    near = steps[max(here - NEAR, 0) : here + NEAR + 1]
    words, reports = site.words, one.reports
    languages = {entry.language for entry in one.entries if entry.language}
    meta = (
        words.kind(one.kind),
        words.plural("reports", len(reports)),
        words.plural("sources", one.sources),
        words.plural("languages", len(languages)) if len(languages) > 1 else "",
    )
    days = [site.day(report.published) for report, _ in reports]
    points = per_day(days, min(days), max(days), site) if len(set(days)) > 1 else []
    chart_title = words.text("site_chart_story", first=words.date(min(days)), last=words.date(max(days)))
    return site.fill(
        "story.html",
        here=story_path(one.id),
        depth=1,
        title=title(one.title),
        url=link(one.leading.url),
        language=foreign(one.leading.language, words.code),
        first_title=line(one.first_title),
        handle=f"s{one.id}",
        meta=list(filter(None, meta)),
        summary=line(one.summary, 1000),
        outlet=_outlet(one.leading, site),
        themes=[(site.label(slug), theme_path(slug) if slug in site.themes else "") for slug in one.themes],
        parties=[line(site.words.party(party)) for party in one.parties],
        steps=[_step(step, one, site) for step in near] if len(steps) > 1 else [],
        affair=affair_path(one.affair) if one.affair is not None and len(steps) > 1 else "",
        place={"month": month_of(one, site), "listed": fingerprint(listed(one, site)), "affair": one.affair},
        chart=chart("reports", chart_title, points),
        days=_timeline(one, site),
    )


def moved(old: int, new: int, site: Site) -> str:
    """Return what stands at the address of a story that was merged into another."""
    text = site.words.text("site_merged", old=f"s{old}", new=f"s{new}")
    # No redirect by a header or a script: the pages lie on any file server, or on none.
    there = {"page": story_path(new), "title": f"s{new}", "note": "", "handle": ""}
    return site.fill(
        "list.html", here=story_path(old), depth=1, title=f"s{old}", lead=text, groups=[("", [there])]
    )


def gone(old: int, site: Site) -> str:
    """Return what stands at the address of a story without reports: the days that reported it lead there."""
    text = site.words.text("site_gone", old=f"s{old}")
    return site.fill("list.html", here=story_path(old), depth=1, title=f"s{old}", lead=text, groups=[])


def broken(number: int, name: str, site: Site) -> str:
    """Return what stands at the address of a story that cannot be shown; `site` says why."""
    return site.fill("list.html", here=story_path(number), depth=1, title=title(name), lead="", groups=[])


def day(digest: Digest, site: Site) -> str:
    """Return a digest's page: all that it reported, and what it is based on."""
    page = view(digest, site.words, _WHOLE, archive="../", everything=True)
    files = [(name, f"{digest.date.isoformat()}.{suffix}") for name, suffix in site.formats.items()]
    return site.fill(
        "day.html",
        here=day_path(digest.date),
        depth=1,
        title=page.heading,
        page=page,
        files=files,
    )


def theme(slug: str, stories: Sequence[Story], months: Mapping[str, int], site: Site) -> str:
    """Return a theme's page: its newest stories, and its entries by month."""
    return site.fill(
        "list.html",
        here=theme_path(slug),
        depth=1,
        title=site.label(slug),
        lead=site.words.text("site_newest_stories"),
        feeds=((f"{page_stem(slug)}.atom", "Atom"),) if stories else (),
        chart=theme_chart(slug, months, site),
        groups=[("", [row(one, site) for one in stories])],
    )


def theme_feed(slug: str, stories: Sequence[Story], site: Site) -> str:
    """Return a theme's Atom feed: its newest stories."""
    return _feed(f"theme:{page_stem(slug)}", site.label(slug), f"{page_stem(slug)}.atom", stories, site)


def search(name: str, stories: Sequence[Story], site: Site) -> str:
    """Return a saved search's page: the newest stories that it finds."""
    queries = " · ".join(map(line, site.searches[name].queries))
    return site.fill(
        "list.html",
        here=search_path(name),
        depth=1,
        title=line(name),
        lead=site.words.text("site_saved_lead", queries=queries),
        feeds=((f"{page_stem(name)}.atom", "Atom"),) if stories else (),
        groups=[("", [row(one, site) for one in stories])],
    )


def search_feed(name: str, stories: Sequence[Story], site: Site) -> str:
    """Return a saved search's Atom feed: the newest stories that it finds."""
    stem = page_stem(name)
    return _feed(f"search:{stem}", line(name), f"{stem}.atom", stories, site)


def _feed(key: str, name: str, file: str, stories: Sequence[Story], site: Site) -> str:
    """Return an Atom feed of stories, each under the first of its reports that has a link."""
    items = [
        atom.Item(
            id=f"story:{one.id}",
            title=title(one.title),
            updated=one.last_seen,
            url=next(filter(None, (link(entry.url) for entry in one.entries)), ""),
            themes=[site.label(theme) for theme in one.themes],
            content=line(one.summary, 1000) or title(one.title),
        )
        for one in stories
    ]
    titled = f"{site.words.text('brand')}: {name}"
    newest = max(one.last_seen for one in stories)
    return atom.feed(key, titled, items, site.words, updated=newest, origin=site.origin, name=file)


def theme_chart(slug: str, months: Mapping[str, int], site: Site) -> Any:
    """Return the chart of a theme's stories in the last months ("2026-11") of those given."""
    name = site.words.text("site_chart_theme", theme=site.label(slug))
    return chart(f"theme-{page_stem(slug)}", name, sorted(months.items())[-_CHARTED:])


def affair(number: int, steps: Sequence[Story], site: Site) -> str:
    """Return an affair's page: its steps in the order in which they happened."""
    words = site.words
    span = words.text(
        "span",
        start=words.date(min(began(step, site) for step in steps)),
        end=words.date(site.day(max(step.last_seen for step in steps))),
    )
    months: dict[str, list[dict[str, str]]] = {}
    for step in steps:
        months.setdefault(words.month(began(step, site)), []).append(row(step, site))
    return site.fill(
        "list.html",
        here=affair_path(number),
        depth=1,
        title=title(steps[0].title),
        lead=f"{words.plural('steps', len(steps))}, {span}",
        groups=list(months.items()),
    )


def _step(step: Story, here: Story, site: Site) -> dict[str, Any]:
    day, kind = site.words.date(began(step, site)), site.words.kind(step.kind)
    return row(step, site) | {"day": day, "note": kind, "here": step.id == here.id}


def _timeline(one: Story, site: Site) -> list[tuple[str, list[dict[str, Any]]]]:
    """Return the reports by day, the first day first, each with why it is in this story."""
    joins = {join.entry: join for join in one.joins}
    by_time = sorted(one.reports, key=lambda report: (report.entry.published, report.entry.id))
    return [
        (
            site.words.long_date(day),
            [_report(entry, copies, joins.get(entry.id), one, site) for entry, copies in reports],
        )
        for day, reports in groupby(by_time, key=lambda report: site.day(report.entry.published))
    ]


def _report(
    entry: Entry, copies: Sequence[Entry], join: Join | None, one: Story, site: Site
) -> dict[str, Any]:
    several = len({other.language for other in one.entries if other.language}) > 1
    notes = (
        _outlet(entry, site),
        f"{site.local(entry.published):%H:%M}" if entry.dated == "publisher" else "",
        line(entry.language).upper() if several else "",
        site.words.text("seen_late") if entry.late else "",
    )
    reason = join.reason if join and join.reason and len(one.entries) > 1 else ""
    doubt = site.words.text("site_doubtful") if join and join.doubtful else ""
    return {
        "title": title(entry.title),
        "url": link(entry.url),
        "language": foreign(entry.language, site.words.code),
        "note": " · ".join(filter(None, notes)),
        "handle": f"e{entry.id}",
        "also_in": [
            {
                "text": _outlet(copy, site),
                "url": link(copy.url) if copy.url != entry.url else "",
                "handle": f"e{copy.id}",
            }
            for copy in copies
        ],
        "reason": line(site.words.reason(reason)),
        "doubt": doubt,
    }


def _outlet(entry: Entry, site: Site) -> str:
    outlet, source = line(outlet_of(entry, site.feeds)), line(entry.citing)
    return site.words.text("citing", outlet=outlet, source=source) if source else outlet
