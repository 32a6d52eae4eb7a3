"""A page as Markdown (CommonMark) with front matter and stable anchors.

All text is escaped and stands on one line, so that nothing in it can begin a heading, a list or a link.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from monitor.digest.headline import coverage

if TYPE_CHECKING:
    from collections.abc import Iterator

    from monitor.digest.page import Line, Note, StoryView, View
    from monitor.models import Digest

# What CommonMark or a usual extension of it reads as mark-up where it stands.
_SPECIAL: Final = re.compile(
    r"[\\`*_{}\[\]<>#|~@$^]|&(?=#?\w+;)|^[-+=]|:(?=/|[^\s:]+:)|(?<=www)\.", re.IGNORECASE
)
# "1986. A good year" would begin a list, "400.000 people" none.
_NUMBERED: Final = re.compile(r"^(\d{1,9})([.)])(?=\s|$)")
# `&copy=1` in a link is `©=1` to a CommonMark parser.
_ENTITY: Final = re.compile(r"&(?=#?\w+;)")


def escape(words: str) -> str:
    """Return one line of text as Markdown that reads as exactly that text."""
    return _NUMBERED.sub(r"\1\\\2", _SPECIAL.sub(r"\\\g<0>", words))


def render(page: View, front: str = "") -> str:
    """Return the page as Markdown that ends with a new line, after its front matter."""
    lines = [*_head(page), *_sections(page), *_trends(page), *_receipt(page)]
    return front + "\n".join(lines).strip() + "\n"


def front_matter(digest: Digest, page: View) -> str:
    """Return the digest's date, window and counts as YAML between its two fences; it holds no feed's text."""
    receipt, reach = digest.receipt, coverage(digest.receipt)
    values = {
        "date": digest.date.isoformat(),
        "window": "",
        "  from": f"{digest.window.start:%Y-%m-%dT%H:%M:%SZ}",
        "  to": f"{digest.window.end:%Y-%m-%dT%H:%M:%SZ}",
        "language": page.language,
        "outcome": page.outcome,
        "stories": receipt.stories,
        "reports": receipt.reports,
        "sources": receipt.sources,
        "feeds": reach.feeds,
        "feeds_answered": reach.answered,
        "entries": receipt.entries,
    }
    return "\n".join(["---", *(f"{key}: {value}".rstrip() for key, value in values.items()), "---", "", ""])


def _head(page: View) -> Iterator[str]:
    yield from (f"# {escape(page.words['brand'])} · {escape(page.heading)}", "")
    if page.lead:
        yield from _story(page.lead, page, level=2)
    if page.state:
        yield from (f"**{escape(page.state)}**", "")
    for notice in page.notices:
        yield from (f"> **{escape(notice)}**", "")


def _sections(page: View) -> Iterator[str]:
    for section in page.sections:
        yield from (f"## {escape(section.title)}", "")
        for story in section.stories:
            yield from _story(story, page)
        yield from _listed(section.lines, section.more)
    if page.perhaps:
        yield from (f"## {escape(page.words['perhaps'])}", "")
        yield from _listed(page.perhaps, "")


def _story(story: StoryView, page: View, level: int = 3) -> Iterator[str]:
    # An id of our own: those that a renderer makes of titles change with each title, and differ between
    # renderers.
    yield from (f'{"#" * level} <a id="{story.anchor}"></a>{_link(story.title, story.url)}', "")
    if story.first_title:
        yield from (f"{escape(page.words['began_as'])}: {escape(story.first_title)}", "")
    handles = " ".join((_link(story.handle, story.page), *story.entries))
    parts = [escape(" · ".join(story.credits)), _copies(story.also_in, page), handles if story.brief else ""]
    credit = " · ".join(filter(None, parts))
    yield from (" — ".join(filter(None, (escape(story.teaser), credit))), "")
    if story.also:
        also = [
            _link(report.text, report.url) + (f" ({note})" if (note := _note_of(report, page)) else "")
            for report in story.also
        ]
        more = f" {escape(story.more)}" if story.more else ""
        yield from (f"{escape(page.words['also'])}: {', '.join(also)}{more}", "")
    for name, step in (("before", story.before), ("after", story.after)):
        if step:
            yield from (f"{escape(page.words[name])}: {_link(step.text, step.url)} {step.handle}", "")
    if not story.brief:
        yield from (f"*{' · '.join(map(escape, story.meta))}* · {handles}", "")


def _note_of(report: Line, page: View) -> str:
    return ", ".join(filter(None, (escape(report.note), _copies(report.also_in, page))))


def _copies(copies: tuple[Line, ...], page: View) -> str:
    named = ", ".join(_link(copy.text, copy.url) for copy in copies)
    return f"{escape(page.words['also_in'])} {named}" if named else ""


def _listed(lines: tuple[Line, ...], more: str) -> Iterator[str]:
    if lines:
        yield from (*map(item, lines), *_more(more), "")


def _trends(page: View) -> Iterator[str]:
    if not page.overview:
        return
    yield from (f"## {escape(page.words['section_trends'])}", "")
    if page.trends:
        yield from (f"| {escape(page.words['themes'])} | | |", "|:--|:--|--:|")
        yield from (f"| {escape(bars.label)} | {bars.sparkline} | {bars.total} |" for bars in page.trends)
        yield from ("", escape(page.words["trends_note"]), "")
    else:
        yield from (escape(page.words["trends_none"]), "")


def _receipt(page: View) -> Iterator[str]:
    if page.receipt is None:
        return
    yield from (f"## {escape(page.words['section_receipt'])}", "")
    yield from (escape(page.receipt.line), "")
    for note in page.receipt.notes:
        yield from _note(note)
    if page.receipt.notes:
        yield ""
    for row in page.receipt.colophon:
        yield from (escape(row), "")


def _note(note: Note) -> Iterator[str]:
    label = f"**{escape(note.label)}**" if note.bad else escape(note.label)
    yield f"- {label}. {escape(note.advice)}"
    yield from (f"  {item(line)}" for line in note.lines)
    yield from (f"  {more}" for more in _more(note.more))


def item(line: Line) -> str:
    """Return a line as an item of a list."""
    note = " · ".join(filter(None, (line.note, line.handle)))
    # Escaped behind its dash: a date that does not stand first begins no list.
    return f"- {_link(line.text, line.url)}{escape(f' — {note}') if note else ''}"


def _more(more: str) -> Iterator[str]:
    if more:
        yield f"- *{escape(more)}*"


def _link(words: str, url: str) -> str:
    """Return a link, or only its words if it has no address."""
    target = _ENTITY.sub(r"\\&", url)
    return f"[{escape(words)}]({target})" if url else escape(words)
