"""A page as plain text, at most 78 columns wide; only a link may be longer."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

    from monitor.digest.page import Line, Note, StoryView, View

# So wide that quoted-printable (RFC 2045, 6.7) need not break a line.
_WIDTH: Final = 76
_RULE: Final = {"=": "=" * _WIDTH, "-": "-" * _WIDTH}
_INDENT: Final = "   "


def render(page: View) -> str:
    """Return the page as text that ends with a new line."""
    lines = [*_head(page), *_sections(page), *_trends(page), *_receipt(page)]
    return "\n".join(lines).strip() + "\n"


def _head(page: View) -> Iterator[str]:
    yield f"{page.words['brand']} · {page.heading}"
    yield _RULE["="]
    if page.lead:
        yield from _story(page.lead, page)
    yield from _wrap(page.state)
    for notice in page.notices:
        yield ""
        yield from _wrap(notice, first="! ", rest="  ")


def _heading(title: str) -> Iterator[str]:
    yield from ("", "", title, _RULE["-"])


def _sections(page: View) -> Iterator[str]:
    for section in page.sections:
        yield from _heading(section.title)
        for story in section.stories:
            yield from _story(story, page)
        if section.lines:
            yield ""
            yield from _lines(section.lines, section.more)
    if page.perhaps:
        yield from _heading(page.words["perhaps"])
        yield from _lines(page.perhaps, "")


def _story(story: StoryView, page: View) -> Iterator[str]:
    yield ""
    yield from _wrap(story.title)
    if story.first_title:
        yield from _wrap(f"{page.words['began_as']}: {story.first_title}", _INDENT)
    handles = " ".join((story.handle, *story.entries))
    if not story.brief:
        yield from _wrap(" · ".join((*story.meta, handles)), _INDENT)
    credit = " · ".join((*story.credits, handles) if story.brief else story.credits)
    yield from _wrap(" — ".join(filter(None, (story.teaser, credit))), _INDENT)
    yield from _url(story.url, _INDENT)
    yield from _copies(story.also_in, page)
    for report in story.also:
        yield from _named(page.words["also"], report)
        yield from _copies(report.also_in, page)
    yield from _wrap(story.more, _INDENT)
    for name, step in (("before", story.before), ("after", story.after)):
        if step:
            yield from _wrap(f"{page.words[name]}: {step.text} ({step.handle})", _INDENT)
            # A link within the page leads nowhere in plain text.
            yield from _url(step.url, _INDENT)
    yield from _url(story.page, _INDENT)


def _named(word: str, report: Line) -> Iterator[str]:
    note = f" ({report.note})" if report.note else ""
    yield from _wrap(f"{word}: {report.text}{note}", _INDENT)
    yield from _url(report.url, _INDENT + "  ")


def _copies(copies: tuple[Line, ...], page: View) -> Iterator[str]:
    for copy in copies:
        yield from _wrap(f"{page.words['also_in']} {copy.text}", _INDENT + "  ")
        yield from _url(copy.url, _INDENT + "    ")


def _lines(lines: tuple[Line, ...], more: str) -> Iterator[str]:
    for item in lines:
        note = " · ".join(filter(None, (item.note, item.handle)))
        yield from _wrap(" — ".join(filter(None, (item.text, note))), first=" * ", rest=_INDENT)
        yield from _url(item.url, _INDENT)
    yield from _wrap(more, _INDENT)


def _trends(page: View) -> Iterator[str]:
    if not page.overview:
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
    if page.receipt is None:
        return
    yield from _heading(page.words["section_receipt"])
    yield from _wrap(page.receipt.line)
    for note in page.receipt.notes:
        yield from _note(note)
    for row in page.receipt.colophon:
        yield from _wrap(row)


def _note(note: Note) -> Iterator[str]:
    yield from _wrap(f"{'! ' if note.bad else ''}{note.label}", rest="  ")
    yield from _lines(note.lines, note.more)
    yield from _wrap(note.advice, first=" > ", rest=_INDENT)


def _url(url: str, indent: str) -> Iterator[str]:
    # A page beside the file, or a place on the same page: in plain text nobody can follow those.
    if "://" in url:
        yield indent + url


def _wrap(words: str, indent: str = "", *, first: str = "", rest: str = "") -> list[str]:
    return textwrap.wrap(
        words, _WIDTH, initial_indent=indent + first, subsequent_indent=indent + rest, break_on_hyphens=False
    )
