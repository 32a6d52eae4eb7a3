"""A page as Markdown (CommonMark) with front matter and stable anchors.

All text is escaped and stands on one line, so that nothing in it can begin a heading, a list or a link.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from monitor.digest.outcome import coverage

if TYPE_CHECKING:
    from collections.abc import Iterator

    from monitor.digest.receipt import Line, Note
    from monitor.digest.view import ReportView, StoryView, View
    from monitor.models import Digest

_SPECIAL: Final = re.compile(
    r"[\\`*_{}\[\]<>#|~@$^]|&(?=#?\w+;)|^[-+=]|:(?=/|[^\s:]+:)|(?<=www)\.", re.IGNORECASE
)
"""What CommonMark or a usual extension of it reads as mark-up where it stands."""
_NUMBERED: Final = re.compile(r"^(\d{1,9})([.)])")
_ENTITY: Final = re.compile(r"&(?=#?\w+;)")


def escape(words: str) -> str:
    """Return one line of text as Markdown that reads as exactly that text."""
    return _NUMBERED.sub(r"\1\\\2", _SPECIAL.sub(r"\\\g<0>", words))


def render(page: View, front: str = "") -> str:
    """Return the page as Markdown that ends with a new line, after its front matter."""
    lines = [*_head(page), *_stories(page), *_groups(page), *_trends(page), *_receipt(page)]
    return front + "\n".join(lines).strip() + "\n"


def front_matter(digest: Digest, page: View) -> str:
    """Return the digest's date, window and counts as YAML between its two fences; it holds no feed's text."""
    told, heard = digest.receipt, coverage(digest.receipt)
    values = {
        "date": digest.date.isoformat(),
        "window": "",
        "  from": f"{digest.window.start:%Y-%m-%dT%H:%M:%SZ}",
        "  to": f"{digest.window.end:%Y-%m-%dT%H:%M:%SZ}",
        "language": page.language,
        "outcome": page.outcome,
        "stories": told.stories,
        "reports": told.reports,
        "sources": told.sources,
        "feeds": heard.feeds,
        "feeds_answered": heard.answered,
        "entries": told.entries,
    }
    return "\n".join(["---", *(f"{key}: {value}".rstrip() for key, value in values.items()), "---", "", ""])


def _head(page: View) -> Iterator[str]:
    yield from (f"# {escape(page.words['brand'])}: {escape(page.heading)}", "")
    yield from (f"**{escape(page.lead)}**", "")
    for notice in page.notices:
        yield from (f"> **{escape(notice)}**", "")
    if page.window:
        yield from (escape(page.window), "")


def _stories(page: View) -> Iterator[str]:
    for section in page.sections:
        yield from (f"## {escape(section.title)}", "")
        for story in section.stories:
            yield from _story(story, page)


def _story(story: StoryView, page: View) -> Iterator[str]:
    yield from (f'### <a id="{story.anchor}"></a>{_link(story.title, story.url)}', "")
    themes = [f"*{escape(theme)}*" for theme in story.themes]
    yield from (" · ".join([*map(escape, story.meta), *themes]), "")
    if story.summary:
        yield from (f"> {escape(story.summary)}", ">", f"> — {escape(story.outlet)}", "")
    yield from (_report(report) for report in story.reports)
    yield from _more(story.more)
    if story.related:
        related = "; ".join(_link(title, f"#{anchor}" if anchor else "") for title, anchor in story.related)
        yield from ("", f"{escape(page.words['related'])}: {related}")
    yield ""


def _report(report: ReportView) -> str:
    shown, notes = report.outlet, report.notes
    if report.title:
        shown, notes = report.title, (report.outlet, *report.notes)
    return f"- {_link(shown, report.url)} — {escape(' · '.join(filter(None, notes)))}"


def _groups(page: View) -> Iterator[str]:
    if page.groups:
        yield from (f"## {escape(page.words['section_more'])}", "")
    for group in page.groups:
        yield from (f"### {escape(group.label)}", "")
        yield from (_line(item) for item in group.lines)
        yield from (*_more(group.more), "")


def _trends(page: View) -> Iterator[str]:
    if not page.receipt:
        return
    yield from (f"## {escape(page.words['section_trends'])}", "")
    if page.trends:
        yield from (f"| {escape(page.words['themes'])} | | |", "|:--|:--|--:|")
        yield from (f"| {escape(bars.label)} | {bars.sparkline} | {bars.total} |" for bars in page.trends)
        yield from ("", escape(page.words["trends_note"]), "")
    else:
        yield from (escape(page.words["trends_none"]), "")


def _receipt(page: View) -> Iterator[str]:
    if page.receipt:
        yield from (f"## {escape(page.words['section_receipt'])}", "")
    for note in page.receipt:
        yield from _note(note)


def _note(note: Note) -> Iterator[str]:
    yield f"- **{escape(note.label)}:** {escape(note.text)}".rstrip()
    yield from (f"  {_line(item)}" for item in note.lines)
    yield from (f"  {more}" for more in _more(note.more))


def _line(item: Line) -> str:
    note = f" — {escape(item.note)}" if item.note else ""
    return f"- {_link(item.text, item.url)}{note}"


def _more(more: str) -> Iterator[str]:
    if more:
        yield f"- *{escape(more)}*"


def _link(words: str, url: str) -> str:
    """Return a link; the words alone when there is nowhere to go."""
    target = _ENTITY.sub(r"\\&", url)
    return f"[{escape(words)}]({target})" if url else escape(words)
