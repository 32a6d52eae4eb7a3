"""The archive's pages with many things: first page, months, themes, affairs, search. Pure.

What the search looks through is one file for each month, so that a day writes only one of them. It is JSON
passed to a function, not bare JSON: a page that is opened from a folder may load a script beside it, but
cannot fetch anything.
"""

from __future__ import annotations

import json
from datetime import date
from typing import TYPE_CHECKING, Any, Final

from monitor.digest.safe import foreign, line, title
from monitor.site.charts import chart
from monitor.site.frame import (
    affair_path,
    day_path,
    month_path,
    per_day,
    search_path,
    story_path,
    theme_path,
)
from monitor.site.pages import theme_chart

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from monitor.models import DigestSummary, Story
    from monitor.site.frame import Site
    from monitor.site.listing import Listed

# Days that stand open on the first page.
_OPEN: Final = 7
# Months whose days can be unfolded there; those before have a page. A third one cost each day as much as the
# two, and made the first page of an old archive half as long again.
_FOLDED: Final = 2
# Stories named beside a day.
_TOP: Final = 3


def index(days: Sequence[DigestSummary], months: Mapping[str, int], site: Site) -> str:
    """Return the first page; `days` are those of the last months, `months` all of them with their digests."""
    latest = sorted(days, key=lambda day: day.date, reverse=True)
    words, brand = site.words, site.words.text("brand")
    names = sorted(months, reverse=True)
    if not names:
        return site.fill(
            "index.html", here="index.html", title=brand, lead=words.text("site_no_digests"), week=()
        )
    folded = [
        _month(name, months[name], site)
        | {"days": _days([day for day in latest if f"{day.date:%Y-%m}" == name], site)}
        for name in names[:_FOLDED]
    ]
    lead = words.text(
        "site_lead", digests=words.plural("digests", sum(months.values())), month=_month_name(names[-1], site)
    )
    recent = latest[:30]
    counted = [(words.short_date(day.date), len(day.stories)) for day in reversed(recent)]
    return site.fill(
        "index.html",
        here="index.html",
        title=brand,
        lead=lead,
        chart=chart("days", words.text("site_chart_days"), counted),
        week=_days(latest[:_OPEN], site, stories=_TOP),
        folded=folded,
        older=[_month(name, months[name], site) for name in names[_FOLDED:]],
        feeds=(
            ("digests.atom", words.text("feed_digests", brand=brand)),
            ("stories.atom", words.text("feed_stories", brand=brand)),
        ),
    )


def month(name: str, days: Sequence[DigestSummary], stories: Sequence[Listed], site: Site) -> str:
    """Return the page of a month: its days, and of the stories that began in it reports and largest."""
    latest = sorted(days, key=lambda day: day.date, reverse=True)
    largest = sorted(stories, key=lambda story: (-story.sources, -story.entries, story.id))[:10]
    seen = [date.fromisoformat(day) for story in stories for day in story.seen]
    points = per_day(seen, min(seen), max(seen), site) if seen else []
    return site.fill(
        "month.html",
        here=month_path(name),
        depth=1,
        title=_month_name(name, site),
        lead=", ".join((site.words.plural("digests", len(days)), site.words.plural("stories", len(stories)))),
        chart=chart("month", site.words.text("site_chart_month"), points),
        days=_days(latest, site),
        top=[story.row for story in largest if story.sources > 1],
    )


def themes(months: Mapping[str, Mapping[str, int]], site: Site) -> str:
    """Return the page of all themes: how many stories each has and, from the second month on, a chart."""
    shown = [
        {
            "name": site.label(slug),
            "page": theme_path(slug),
            "count": site.words.plural("stories", sum(months.get(slug, {}).values())),
            "chart": theme_chart(slug, months.get(slug, {}), site),
        }
        for slug in site.themes
    ]
    return site.fill("themes.html", here="themes.html", title=site.words.text("themes"), themes=shown)


def affairs(found: Iterable[tuple[int, Sequence[Story]]], site: Site) -> str:
    """Return the page of all affairs, the one with the newest step first."""
    rows = [
        {
            "page": affair_path(number),
            "title": title(steps[0].title),
            "language": foreign(steps[0].leading.language, site.words.code),
            "note": f"{site.words.plural('steps', len(steps))} · {title(steps[-1].title)}",
            "handle": "",
        }
        for number, steps in found
    ]
    text = site.words.text
    return site.fill(
        "list.html",
        here="affairs.html",
        title=text("site_affairs"),
        lead=text("site_affairs_lead") if rows else text("site_no_affairs"),
        groups=[("", rows)],
    )


def search(site: Site) -> str:
    """Return the search page."""
    text = site.words.text
    found = text("site_found", n="{n}")  # for the script to fill
    return site.fill(
        "search.html", here="search.html", title=text("site_search"), found=found, saved=saved(site)
    )


def saved(site: Site) -> list[tuple[str, str]]:
    """Return the pages of saved searches, with their names."""
    return [(search_path(name), line(name)) for name in site.searches]


def search_shard(month: str, stories: Iterable[Listed]) -> str:
    """Return what can be found of the stories that began in a month ("2026-11"), the newest first."""
    latest = sorted(stories, key=lambda story: (story.first_seen, story.id), reverse=True)
    return _script({"month": month, "stories": [story.found for story in latest]})


def search_contents(months: Iterable[str]) -> str:
    """Return which months there are, the newest first."""
    return _script({"months": sorted(months, reverse=True)})


def _script(value: Any) -> str:
    # Without blanks and escapes: a phone loads it.
    return f"shard({json.dumps(value, ensure_ascii=False, separators=(',', ':'))});\n"


def _days(days: Sequence[DigestSummary], site: Site, stories: int = 1) -> list[dict[str, Any]]:
    """Return days for a list; quiet ones that follow each other stand in one line."""
    found: list[dict[str, Any]] = []
    for day in days:
        if day.outcome == "quiet" and not day.stories:
            if not (found and found[-1].get("quiet")):
                found.append({"page": "", "state": site.words.text("site_quiet"), "quiet": []})
            found[-1]["quiet"].append((site.words.short_date(day.date), day_path(day.date)))
            continue
        shown = [{"title": one.title, "page": story_path(one.id)} for one in day.stories[:stories]]
        found.append(
            {
                "name": site.words.long_date(day.date),
                "page": day_path(day.date),
                "outcome": day.outcome,
                "state": day.lead,
                "catches_up": day.catches_up,
                "title": shown[0]["title"] if shown else "",
                "stories": shown,
            }
        )
    return found


def _month(name: str, digests: int, site: Site) -> dict[str, Any]:
    return {
        "name": _month_name(name, site),
        "page": month_path(name),
        "digests": site.words.plural("digests", digests),
    }


def _month_name(name: str, site: Site) -> str:
    return site.words.month(first_of(name))


def first_of(name: str) -> date:
    """Return the first day of a month ("2026-11")."""
    return date.fromisoformat(f"{name}-01")
