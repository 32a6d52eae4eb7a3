"""A page as plain text, at most 78 columns wide; only a link may be longer."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

    from monitor.digest.receipt import Line, Note
    from monitor.digest.view import Group, ReportView, StoryView, View

_WIDTH: Final = 76
_RULE: Final = {"=": "=" * _WIDTH, "-": "-" * _WIDTH}


def render(page: View) -> str:
    """Return the page as text that ends with a new line."""
    lines = [*_head(page), *_stories(page), *_groups(page), *_trends(page), *_receipt(page)]
    return "\n".join(lines).strip() + "\n"


def _head(page: View) -> Iterator[str]:
    yield page.words["brand"]
    yield page.heading
    yield _RULE["="]
    yield from _wrap(page.lead)
    for notice in page.notices:
        yield from _wrap(notice, first="! ", rest="  ")
    yield from _wrap(page.window)


def _heading(title: str) -> Iterator[str]:
    yield from ("", "", title, _RULE["-"])


def _stories(page: View) -> Iterator[str]:
    number = 0
    for section in page.sections:
        yield from _heading(section.title)
        for story in section.stories:
            number += 1
            yield from _story(story, number, page)


def _story(story: StoryView, number: int, page: View) -> Iterator[str]:
    yield ""
    yield from _wrap(story.title, first=f"{number}. ", rest="   ")
    yield from _wrap(" · ".join(story.meta), "   ")
    yield from _wrap(", ".join(story.themes), "   ")
    if story.url not in {report.url for report in story.reports}:
        yield from _url(story.url, "   ")
    if story.summary:
        yield ""
        yield from _wrap(story.summary, "   ")
        yield from _wrap(f"— {story.outlet}", "   ")
    yield ""
    for report in story.reports:
        yield from _report(report)
    yield from _wrap(story.more, "   ")
    if story.related:
        related = "; ".join(title for title, _ in story.related)
        yield from _wrap(f"{page.words['related']}: {related}", "   ")


def _report(report: ReportView) -> Iterator[str]:
    words = " · ".join(filter(None, (report.outlet, *report.notes)))
    if report.title:
        yield from _wrap(report.title, first="   * ", rest="     ")
        yield from _wrap(words, "     ")
    else:
        yield from _wrap(words, first="   * ", rest="     ")
    yield from _url(report.url, "     ")


def _groups(page: View) -> Iterator[str]:
    if page.groups:
        yield from _heading(page.words["section_more"])
    for group in page.groups:
        yield from _group(group)


def _group(group: Group) -> Iterator[str]:
    yield ""
    yield from _wrap(group.label)
    yield from _lines(group.lines, group.more)


def _lines(lines: tuple[Line, ...], more: str) -> Iterator[str]:
    for item in lines:
        yield from _wrap(" — ".join(filter(None, (item.text, item.note))), first=" * ", rest="   ")
        yield from _url(item.url, "   ")
    yield from _wrap(more, "   ")


def _trends(page: View) -> Iterator[str]:
    if not page.receipt:
        return
    yield from _heading(page.words["section_trends"])
    if not page.trends:
        yield from _wrap(page.words["trends_none"])
        return
    width = min(max(len(bars.label) for bars in page.trends), 40)
    for bars in page.trends:
        yield f"{bars.label[:width]:<{width}}  {bars.sparkline}  {bars.total:>5}"
    yield from _wrap(page.words["trends_note"])


def _receipt(page: View) -> Iterator[str]:
    if page.receipt:
        yield from _heading(page.words["section_receipt"])
    for note in page.receipt:
        yield from _note(note)


def _note(note: Note) -> Iterator[str]:
    yield from _wrap(f"{note.label}: {note.text}".strip(), rest="  ")
    yield from _lines(note.lines, note.more)


def _url(url: str, indent: str) -> Iterator[str]:
    if url:
        yield indent + url


def _wrap(words: str, indent: str = "", *, first: str = "", rest: str = "") -> list[str]:
    return textwrap.wrap(
        words, _WIDTH, initial_indent=indent + first, subsequent_indent=indent + rest, break_on_hyphens=False
    )
