"""All digests so far: what the archive's page and its feeds tell of each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from monitor.digest import atom, html
from monitor.digest.view import heights

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from monitor.digest.summary import DigestSummary
    from monitor.digest.wording import Wording

_CHARTED: Final = (30, 60)
"""Columns of the chart of themes, at least and at most: one for each digest."""
_TOP: Final = 3
"""Stories named beside a day."""


def files(
    days: Sequence[DigestSummary], words: Wording, formats: Mapping[str, str], origin: str
) -> dict[str, str]:
    """Return the archive's page and feeds by file name.

    `formats` are those that each day has a file of, each with the end of the file's name.
    """
    latest = sorted(days, key=lambda day: day.date, reverse=True)
    return {
        "index.html": _index(latest, words, formats),
        "digests.atom": atom.digests(latest, words, _page(formats), origin),
        "stories.atom": atom.stories(latest, words, origin),
    }


def _index(days: Sequence[DigestSummary], words: Wording, formats: Mapping[str, str]) -> str:
    brand = words.text("brand")
    told = words.plural("digests", len(days))
    charted = days[: _CHARTED[1]]
    return html.fill(
        "index.html",
        language=words.code,
        brand=brand,
        title=words.text("archive_title", brand=brand),
        lead=words.text("archive_lead", digests=told, date=words.date(days[-1].date)),
        chart_title=words.text("archive_chart"),
        chart=_chart(charted[::-1], words),
        chart_note=words.text("archive_chart_note", n=words.number(_busiest(charted))),
        days_title=words.text("archive_days"),
        days=[_row(day, words, formats) for day in days],
        catches_up=words.text("archive_catches_up"),
        feeds=(
            ("digests.atom", words.text("feed_digests", brand=brand)),
            ("stories.atom", words.text("feed_stories", brand=brand)),
        ),
    )


def _chart(days: Sequence[DigestSummary], words: Wording) -> list[dict[str, Any]]:
    """Return a row of bars for each theme over these days, oldest first."""
    labels = dict.fromkeys(label for day in reversed(days) for label, _ in day.themes)
    busiest = _busiest(days)
    before = (0,) * (_CHARTED[0] - len(days))
    rows = []
    for label in labels:
        counts = before + tuple(dict(day.themes).get(label, 0) for day in days)
        total = words.number(sum(counts))
        rows.append({"label": label, "counts": counts, "heights": heights(counts, busiest), "total": total})
    return rows


def _busiest(days: Sequence[DigestSummary]) -> int:
    return max((count for day in days for _, count in day.themes), default=0)


def _row(day: DigestSummary, words: Wording, formats: Mapping[str, str]) -> dict[str, Any]:
    return {
        "name": words.long_date(day.date),
        "page": f"{day.date.isoformat()}{_page(formats)}" if _page(formats) else "",
        "files": [(name, f"{day.date.isoformat()}.{suffix}") for name, suffix in formats.items()],
        "outcome": day.outcome,
        "lead": day.lead,
        "catches_up": day.catches_up,
        "top": [story.title for story in day.stories[:_TOP]],
    }


def _page(formats: Mapping[str, str]) -> str:
    """Return the ending of the file that a day's link opens."""
    return f".{formats.get('html') or next(iter(formats.values()))}" if formats else ""
