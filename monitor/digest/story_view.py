"""A story of a digest as a page shows it, and the lines of what makes no story."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

from monitor.digest.headline import local, why
from monitor.digest.page import Caps, Line, StoryView
from monitor.digest.safe import line, link, title

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from monitor.digest.wording import Wording
    from monitor.models import Digest, DigestStory, StoryEntry, StoryLink

# Characters of the teaser of a story with a single report, that it may take two lines.
_BRIEF: Final = 180


def story_view(
    story: DigestStory,
    digest: Digest,
    words: Wording,
    caps: Caps,
    *,
    anchors: Collection[int] = (),
    archive: str | None = None,
) -> StoryView:
    """Return one story; `anchors` are the stories on the same page, `archive` is where their pages are."""
    first, *others = _lead_first(story)
    also = _also(others, first, story, digest, words)
    hidden = len(also) - caps.reports
    return StoryView(
        anchor=anchor(story.id),
        handle=f"s{story.id}",
        entries=tuple(f"e{report.entry}" for report in (first, *others[: caps.reports])),
        page=page(story.id, archive),
        title=title(story.title),
        url=link(story.url),
        first_title=line(story.first_title),
        meta=(*why(story, words), _age(story, words)),
        teaser=line(story.summary, caps.summary if also else min(caps.summary, _BRIEF)),
        outlet=_outlet(first, words),
        notes=_notes(first, first, story, digest, words),
        also_in=_copies(first),
        also=tuple(also[: caps.reports]),
        more=words.plural("more_reports", hidden) if hidden > 0 else "",
        before=_step(story.before, anchors, archive),
        after=_step(story.after, anchors, archive),
    )


def story_line(story: DigestStory, words: Wording) -> Line:
    """Return a story that has no room for more in one line."""
    first = _lead_first(story)[0]
    note = " · ".join(filter(None, (_outlet(first, words), *why(story, words), _age(story, words))))
    return Line(text=title(story.title), url=link(story.url), note=note, handle=f"s{story.id}")


def report_line(report: StoryEntry, digest: Digest, words: Wording) -> Line:
    """Return an entry that makes no story in one line."""
    notes = (_outlet(report, words), *_when(report, digest, words))
    return Line(
        text=title(report.title),
        url=link(report.url),
        note=" · ".join(filter(None, notes)),
        handle=f"e{report.entry}",
    )


def anchor(story: int) -> str:
    """Return the id of a story within a page."""
    return f"story-{story}"


def page(story: int, archive: str | None) -> str:
    """Return the address of a story's page in an archive, "" where there is none."""
    return "" if archive is None else link_into(archive, f"stories/s{story}.html")


def link_into(archive: str, path: str) -> str:
    """Return the address of a page of an archive: below that address or folder."""
    # A relative path is ours; an address is the user's and goes through the same gate as all links.
    return link(archive + path) if "://" in archive else archive + path


def _outlet(report: StoryEntry, words: Wording) -> str:
    """Return who wrote a report, and whom it cites: nobody's name stands for what another has written."""
    outlet, source = line(report.outlet), line(report.citing)
    return words.text("citing", outlet=outlet, source=source) if source else outlet


def _lead_first(story: DigestStory) -> list[StoryEntry]:
    """Return the reports, first the one that has the story's link and title: several may have the link."""

    def strangeness(report: StoryEntry) -> int:
        return 2 * (report.url != story.url or not report.url) + (report.title != story.title)

    return sorted(story.reports, key=strangeness)


def _age(story: DigestStory, words: Wording) -> str:
    if story.new:
        return words.text("new_today")
    fresh = sum(report.new for report in story.reports)
    return words.text(
        "continuing", day=words.text("day", n=story.day), reports=words.plural("new_reports", fresh)
    )


def _also(
    reports: Iterable[StoryEntry], first: StoryEntry, story: DigestStory, digest: Digest, words: Wording
) -> list[Line]:
    """Return the other reports by their outlets, a further one of an outlet by its title: it tells more."""
    seen = Counter[str]([_outlet(first, words)])
    titles = {title(first.title)}
    lines = []
    for report in reports:
        outlet, headline = _outlet(report, words), title(report.title)
        seen[outlet] += 1
        notes = _notes(report, first, story, digest, words)
        name = outlet or headline
        if seen[outlet] > 1:
            again = words.text("again", outlet=outlet, n=seen[outlet])
            name, notes = (again, notes) if headline in titles else (headline, (outlet, *notes))
        titles.add(headline)
        lines.append(Line(text=name, url=link(report.url), note=", ".join(notes), also_in=_copies(report)))
    return lines


def _notes(
    report: StoryEntry, first: StoryEntry, story: DigestStory, digest: Digest, words: Wording
) -> tuple[str, ...]:
    """Return what sets a report apart: another language, another day, new in an old story."""
    other_language = report is not first and report.language != first.language
    notes = (
        line(report.language).upper() if other_language else "",
        words.text("state_new") if report.new and not story.new else "",
        *_when(report, digest, words),
    )
    return tuple(filter(None, notes))


def _copies(report: StoryEntry) -> tuple[Line, ...]:
    """Return the other outlets that have a report's text or link, each once."""
    named = {line(copy.outlet): copy for copy in reversed(report.also_in)}
    named.pop(line(report.outlet), None)
    return tuple(Line(text=outlet, url=link(copy.url)) for outlet, copy in reversed(named.items()) if outlet)


def _when(report: StoryEntry, digest: Digest, words: Wording) -> Iterator[str]:
    """Say when a report was published, if that was on another day than those that the digest is about."""
    published = local(report.published, digest)
    about = [local(at, digest).date() for at in (digest.window.start, digest.window.end)]
    if not about[0] <= published.date() <= about[1]:
        same_year = published.year == digest.date.year
        day = words.short_date(published) if same_year else words.date(published)
        yield day if report.dated == "publisher" else words.text("undated", date=day)
        if report.late and report.new:
            yield words.text("seen_late")


def _step(steps: tuple[StoryLink, ...], anchors: Collection[int], archive: str | None) -> Line | None:
    for step in steps:
        url = f"#{anchor(step.id)}" if step.id in anchors else page(step.id, archive)
        return Line(text=title(step.title), url=url, handle=f"s{step.id}")
    return None
