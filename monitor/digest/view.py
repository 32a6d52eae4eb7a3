"""A digest in the user's words, laid out as a page: what text, Markdown, HTML and the archive share."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

from monitor.digest import receipt
from monitor.digest.headline import (
    counts,
    coverage,
    holds_days,
    leading,
    local,
    outcome,
    preheader,
    span,
    state,
    subject,
    why,
)
from monitor.digest.importance import SECTIONS, order, section
from monitor.digest.page import HEIGHTS, Bars, Caps, Line, Section, StoryView, View
from monitor.digest.safe import foreign, line, link, title

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from monitor.digest.wording import Wording
    from monitor.models import Digest, DigestStory, StoryEntry, StoryLink, Trend

_HEADINGS: Final = (
    "brand",
    "perhaps",
    "section_trends",
    "section_receipt",
    "trends_note",
    "trends_none",
    "themes",
    "also",
    "also_in",
    "before",
    "after",
    "began_as",
)


def view(
    digest: Digest, words: Wording, caps: Caps, *, archive: str | None = None, everything: bool = False
) -> View:
    """Return the digest in the wording of `words`, within the caps.

    `archive` says where the archive is: "" beside the page, an address, or None when it cannot be reached.
    With `everything`, trends and near misses are shown on every day.
    """
    lead = leading(digest)
    # The most important stories, wherever they stand: a late section must not lose its ruling.
    full = {story.id for story in sorted(digest.stories, key=order)[: min(caps.stories, digest.max_stories)]}
    # In a digest of version 1.0 the first story leads, whatever it scores.
    if lead:
        full.add(lead.id)
    overview = everything or digest.overview
    sections = tuple(_sections(digest, words, caps, full=full, archive=archive))
    return View(
        language=words.code,
        words={key: words.text(key) for key in _HEADINGS},
        name=digest.date.isoformat(),
        heading=span(digest, words.long_date, words),
        subject=subject(digest, words),
        preheader=preheader(digest, words),
        outcome=outcome(digest),
        lead=story_view(lead, digest, words, caps, anchors=full, archive=archive) if lead else None,
        state="" if lead else state(digest, words),
        # Stories beyond the caps are not on this page, and the message must say where they are.
        notices=tuple(_notices(digest, words, cut=caps.shortened or any(one.more for one in sections))),
        sections=sections,
        perhaps=tuple(report_line(report, digest, words) for report in digest.perhaps),
        trends=_trends(digest, words) if overview else (),
        overview=overview,
        receipt=receipt.receipt_view(digest, words, caps.lines, everything=overview),
    )


def alert_view(alert: Digest, words: Wording, caps: Caps) -> View:
    """Return the page of an alert: a digest of one story, without anything behind it."""
    story = alert.stories[0]
    summary = words.text(
        "alert_lead",
        why=" · ".join((*why(story, words), words.plural("reports", len(story.reports)))),
        when=words.moment(local(story.first_seen, alert)),
    )
    # The text around the title is counted first, so that the title is cut and not the brand after it.
    around = words.text("alert_subject", brand=words.text("brand"), title="")
    return View(
        language=words.code,
        words={key: words.text(key) for key in _HEADINGS},
        name=anchor(story.id),
        heading=words.text("alert_heading", date=words.long_date(alert.date)),
        subject=words.text(
            "alert_subject", brand=words.text("brand"), title=title(story.title, 120 - len(around))
        ),
        preheader=summary,
        outcome="news",
        lead=story_view(story, alert, words, caps),
        state="",
        notices=(summary,),
        sections=(),
    )


def heights(amounts: Iterable[int], busiest: int) -> tuple[int, ...]:
    """Return bar heights of 0 to 8 for counts of up to `busiest`; only a count of zero gives 0."""
    # Rounded up: a single report among a hundred is a low bar and not an empty place.
    return tuple(-(-amount * HEIGHTS // max(busiest, 1)) for amount in amounts)


def _notices(digest: Digest, words: Wording, *, cut: bool) -> Iterable[str]:
    # With some news, a day on which half of the feeds were silent looks complete: say that it is not.
    if digest.stories and not coverage(digest.receipt).conclusive:
        reach = coverage(digest.receipt)
        by_others = "incomplete_no_polls" if reach.blind else "incomplete"
        yield words.text("incomplete_faults" if reach.faults else by_others, **counts(digest, words))
    if digest.catches_up:
        yield words.text("catches_up")
    if cut:
        yield words.text("shortened", where=receipt.whole_at(digest, words))


def _sections(
    digest: Digest, words: Wording, caps: Caps, *, full: set[int], archive: str | None
) -> Iterable[Section]:
    """Yield the sections with stories other than the lead, first those shown in full."""
    lead = leading(digest)
    grouped: dict[str, list[DigestStory]] = {name: [] for name in SECTIONS}
    for story in digest.stories:
        if story is not lead:
            grouped[_section_of(story)].append(story)
    for name, members in grouped.items():
        rest = [story for story in members if story.id not in full]
        if members:
            yield Section(
                title=words.text(f"section_{name}"),
                stories=tuple(
                    story_view(story, digest, words, caps, anchors=full, archive=archive)
                    for story in members
                    if story.id in full
                ),
                lines=tuple(story_line(story, digest, words) for story in rest[: caps.lines]),
                more=words.text("more", n=words.number(len(rest) - caps.lines))
                if len(rest) > caps.lines
                else "",
            )


def _section_of(story: DigestStory) -> str:
    """Return a story's section, chosen again if it has none (version 1.0) or one that no longer exists."""
    return story.section if story.section in SECTIONS else section(story.beats, story.themes, story.kind)


def _trends(digest: Digest, words: Wording) -> tuple[Bars, ...]:
    busiest = max((count for trend in digest.trends for count in trend.counts), default=0)
    return tuple(_bars(trend, digest, words, busiest) for trend in digest.trends if any(trend.counts))


def _bars(trend: Trend, digest: Digest, words: Wording, busiest: int) -> Bars:
    return Bars(
        label=line(dict(digest.labels).get(trend.theme, trend.theme)),
        counts=trend.counts,
        heights=heights(trend.counts, busiest),
        total=words.number(sum(trend.counts)),
    )


# Characters of the teaser of a story with a single report, that it may take two lines.
_BRIEF: Final = 180
# New reports of a story that was reported before whose titles are shown: twenty would hide what stands below.
_TITLED: Final = 3


def story_view(
    story: DigestStory,
    digest: Digest,
    words: Wording,
    caps: Caps,
    *,
    anchors: Collection[int] = (),
    archive: str | None = None,
) -> StoryView:
    """Return one story; `anchors` are the stories on the same page, `archive` says where their pages are."""
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
        language=foreign(first.language, words.code),
        first_title=line(story.first_title),
        meta=(*why(story, words), _age(story, digest, words)),
        teaser=line(story.summary, caps.summary if also else min(caps.summary, _BRIEF)),
        outlet=_outlet(first, words),
        notes=_notes(first, first, story, digest, words),
        also_in=_copies(first),
        also=tuple(also[: caps.reports]),
        more=words.plural("more_reports", hidden) if hidden > 0 else "",
        before=_step(story.before, anchors, archive),
        after=_step(story.after, anchors, archive),
    )


def story_line(story: DigestStory, digest: Digest, words: Wording) -> Line:
    """Return a story on one line, for lack of room."""
    first = _lead_first(story)[0]
    note = " · ".join(filter(None, (_outlet(first, words), *why(story, words), _age(story, digest, words))))
    return Line(
        text=title(story.title),
        url=link(story.url),
        note=note,
        handle=f"s{story.id}",
        language=foreign(first.language, words.code),
    )


def report_line(report: StoryEntry, digest: Digest, words: Wording) -> Line:
    """Return an entry that is in no story on one line."""
    others = ", ".join(copy.text for copy in _copies(report))
    also_in = f"{words.text('also_in')} {others}" if others else ""
    notes = (_outlet(report, words), also_in, *_when(report, report, digest, words))
    return Line(
        text=title(report.title),
        url=link(report.url),
        note=" · ".join(filter(None, notes)),
        handle=f"e{report.entry}",
        language=foreign(report.language, words.code),
    )


def anchor(story: int) -> str:
    """Return the id of a story within a page."""
    return f"story-{story}"


def page(story: int, archive: str | None) -> str:
    """Return the address of a story's page in an archive, "" where there is none."""
    return "" if archive is None else link_into(archive, f"stories/s{story}.html")


def link_into(archive: str, path: str) -> str:
    """Return the address of a page in an archive, below its address or folder."""
    # A relative path is ours; an address is the user's and goes through the same gate as all links.
    return link(archive + path) if "://" in archive else archive + path


def _outlet(report: StoryEntry, words: Wording) -> str:
    """Return who wrote a report and whom it cites: nobody is named for what somebody else wrote."""
    outlet, source = line(report.outlet), line(report.citing)
    return words.text("citing", outlet=outlet, source=source) if source else outlet


def _lead_first(story: DigestStory) -> list[StoryEntry]:
    """Return the reports, first the one with the story's link and title; several may have the link.

    The others keep their order, new ones first: old ones under the same title would take up their room in a
    mail.
    """

    def strangeness(report: StoryEntry) -> int:
        return 2 * (report.url != story.url or not report.url) + (report.title != story.title)

    place = min(range(len(story.reports)), key=lambda number: strangeness(story.reports[number]))
    return [story.reports[place], *story.reports[:place], *story.reports[place + 1 :]]


def _age(story: DigestStory, digest: Digest, words: Wording) -> str:
    if story.new:
        return words.text("state_new" if holds_days(digest) else "new_today")
    fresh = sum(report.new for report in story.reports)
    return words.text(
        "continuing", day=words.text("day", n=story.day), reports=words.plural("new_reports", fresh)
    )


def _also(
    reports: Iterable[StoryEntry], first: StoryEntry, story: DigestStory, digest: Digest, words: Wording
) -> list[Line]:
    """Return the other reports by outlet, and by title those that tell more.

    Those are further reports of one outlet and, in a story that was reported before or ran for days, the
    latest new ones: the headline above is from an earlier day, and theirs are the day's news.
    """
    seen = Counter[str]([_outlet(first, words)])
    titles = {title(first.title)}
    lines = []
    left = _TITLED if holds_days(digest) or not story.new else 0
    for report in reports:
        outlet, headline = _outlet(report, words), title(report.title)
        seen[outlet] += 1
        notes = _notes(report, first, story, digest, words)
        name = outlet or headline
        if headline not in titles and (seen[outlet] > 1 or (report.new and left > 0)):
            name, notes = headline, tuple(filter(None, (outlet, *notes)))
            left -= report.new
        elif seen[outlet] > 1:
            name = words.text("again", outlet=outlet, n=seen[outlet])
        titles.add(headline)
        language = foreign(report.language, words.code) if name == headline else ""
        note = ", ".join(notes)
        lines.append(
            Line(text=name, url=link(report.url), note=note, language=language, also_in=_copies(report))
        )
    return lines


def _notes(
    report: StoryEntry, first: StoryEntry, story: DigestStory, digest: Digest, words: Wording
) -> tuple[str, ...]:
    """Return what distinguishes a report: another language, another day, new in an old story."""
    other_language = report is not first and report.language != first.language
    notes = (
        line(report.language).upper() if other_language else "",
        words.text("state_new") if report.new and not story.new else "",
        *_when(report, first, digest, words),
    )
    return tuple(filter(None, notes))


def _copies(report: StoryEntry) -> tuple[Line, ...]:
    """Return the other outlets with the same text or link, each once."""
    named = {line(copy.outlet): copy for copy in reversed(report.also_in)}
    named.pop(line(report.outlet), None)
    return tuple(Line(text=outlet, url=link(copy.url)) for outlet, copy in reversed(named.items()) if outlet)


def _when(report: StoryEntry, first: StoryEntry, digest: Digest, words: Wording) -> Iterator[str]:
    """Say when a report was published, unless that is the digest's own day or that of the story's `first`."""
    published = local(report.published, digest)
    about = [local(at, digest).date() for at in (digest.window.start, digest.window.end)]
    within = about[0] <= published.date() <= about[1]
    another = report is first or published.date() != local(first.published, digest).date()
    # Of a digest of several days nobody could tell on which of them something happened.
    if another and not (within and not holds_days(digest)):
        same_year = published.year == digest.date.year
        day = words.short_date(published) if same_year else words.date(published)
        yield day if report.dated == "publisher" else words.text("undated", date=day)
    if report.late and report.new and not within:
        yield words.text("seen_late")


def _step(steps: tuple[StoryLink, ...], anchors: Collection[int], archive: str | None) -> Line | None:
    for step in steps:
        url = f"#{anchor(step.id)}" if step.id in anchors else page(step.id, archive)
        return Line(text=title(step.title), url=url, handle=f"s{step.id}")
    return None
