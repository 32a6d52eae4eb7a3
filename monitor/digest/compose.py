"""Compose a digest from what the store knows: which stories, which reports, in which order. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Final, NamedTuple
from zoneinfo import ZoneInfo

from monitor import text
from monitor.digest.importance import SECTIONS, certainty_of, importance, order, section
from monitor.models import (
    Copy,
    Digest,
    DigestStory,
    NearMiss,
    Receipt,
    Report,
    StoryEntry,
    StoryLink,
    Trend,
)
from monitor.url import host_of, redact, redact_url

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
    from datetime import datetime

    from monitor.digest.schedule import Due
    from monitor.digest.settings import Settings
    from monitor.models import Entry, Feed, FeedHealth, Story, Window

_NEAR_MISSES: Final = 5
PERHAPS: Final = 5
"""How many entries a digest names under "Perhaps"."""
_TREND_DAYS: Final = 14


@dataclass(frozen=True, kw_only=True, slots=True)
class DigestInput:
    """Everything that a digest is made from, as read from the store."""

    stories: Sequence[Story] = ()
    """The stories with news, each with all its entries; others do no harm."""
    news: Collection[int] = frozenset()
    """Ids of the entries that are news for this digest; the store decides that."""
    perhaps: Sequence[Report] = ()
    """News of the window that is not sure to be in scope, in any order."""
    named: Collection[int] = frozenset()
    """Those that earlier digests listed and that are shown again here: they do not count against PERHAPS."""
    titles: Mapping[int, str] = field(default_factory=dict)
    """Titles, by id, of other stories that these are related to or that are steps of the same affair."""
    feeds: Mapping[str, Feed]
    """Subscriptions by address; a feed that was removed since is shown by its address."""
    publishers: Mapping[int, str] = field(default_factory=dict)
    """Who speaks in each news entry, for counting independent sources; if missing, its publisher."""
    healths: Sequence[FeedHealth] = ()
    polls: int = 0
    """Polls begun in the window."""
    idle: bool = False
    """No feed was due in it."""
    unreached_since: datetime | None = None
    """Since when, at its end, no feed could be reached."""
    entries: int = 0
    """Entries first seen in the window, backlog included."""
    relevant: int = 0
    held_back: int = 0
    """Relevant entries of the window that are backlog."""
    repeated: Sequence[int] = ()
    """Unsure entries that only repeat what one of the stories or an earlier digest tells."""
    gaps: Sequence[tuple[str, int]] = ()
    """Feeds, by title, from which entries fell through in the window, and how often."""
    near_misses: Sequence[Entry] = ()
    """Entries of the window without a beat but with `tagging.near`, in any order."""
    reported: Collection[int] = frozenset()
    """Ids of entries of the stories that digests have reported, this one included."""
    reported_elsewhere: Collection[int] = frozenset()
    """Ids of news entries whose article a digest reported, or the user rejected, from another feed."""
    recent: Iterable[tuple[datetime, Collection[str]]] = ()
    """When each relevant entry was first seen, and its themes; at least 14 days, without backlog."""
    labels: Sequence[tuple[str, str]] = ()
    """Slugs and labels of beats and themes in the digest's language, in the order of themes.toml."""
    failed_deliveries: Sequence[str] = ()
    faults: Sequence[str] = ()
    """What a bug of ours kept out, one line for each."""
    version: str = ""
    origin: str = ""
    """The installation's own part of its Atom ids."""


def compose(due: Due, digest_input: DigestInput, settings: Settings, now: datetime) -> Digest:
    """Return the digest of a window; the same values always give the same digest.

    A story is in it if one of its reports is news. What was seen after the window is left out. The most
    important story leads; the others follow in the order of the sections, and by importance within each
    section.
    """
    shown = _shown(due, digest_input, settings)
    stories = in_order(shown.stories)
    perhaps = _perhaps(digest_input)
    fresh = [*(report for story in stories for report in story.reports if report.new), *perhaps]
    return Digest(
        date=due.date,
        window=due.window,
        catches_up=due.catches_up,
        title=text.clean(settings.title),
        language=settings.language,
        timezone=settings.timezone,
        made_at=now,
        stories=stories,
        max_stories=settings.max_stories,
        labels=tuple((slug, text.clean(label)) for slug, label in digest_input.labels),
        trends=_trends(digest_input, due.window.end),
        receipt=_receipt(stories, perhaps, digest_input),
        perhaps=perhaps,
        late=tuple(report for report in fresh if report.late),
        copies=(*shown.copies, *digest_input.repeated),
        overview=_has_overview(due.window, settings),
        archive_url=settings.archive_url,
        origin=digest_input.origin,
    )


def present(
    story: Story,
    feeds: Mapping[str, Feed],
    settings: Settings,
    now: datetime,
    *,
    is_new: Callable[[Collection[int]], bool] = lambda _: True,
) -> DigestStory:
    """Return a story as it is shown at `now`; `is_new` says whether a report, by its entries, is news."""
    lead, title, summary = story.leading, story.title, story.summary
    # The story's leading entry may have come after the window: then the first report stands in for it.
    if lead.id != story.lead:
        title, summary = lead.title, lead.summary
    reports = sorted(
        _reports(story, feeds, is_new),
        # New reports come before those they continue, each with the latest first.
        key=lambda report: (not report.new, -report.published.timestamp(), report.entry),
    )
    # A story that has lost reports may still count their sources.
    sources = min(story.sources, len(reports))
    parts = importance(replace(story, sources=sources), feeds, settings)
    return DigestStory(
        id=story.id,
        title=text.clean(title),
        url=lead.url,
        summary=text.clean(summary),
        summary_outlet=outlet_of(lead, feeds) if summary else "",
        beats=story.beats,
        themes=story.themes,
        new=True,
        # From digest to digest and not by the calendar: what came at noon is new the next morning, and a day
        # later on its second day. At least 1: a clock that was set back must not make it day 0.
        day=max((now - story.first_seen) // timedelta(days=1) + 1, 1),
        sources=sources,
        score=parts.total,
        importance=parts,
        section=section(story.beats, story.themes, story.kind),
        kind=story.kind,
        parties=tuple(map(text.clean, story.parties)),
        affair=story.affair,
        first_title=text.clean(story.first_title),
        languages=tuple(sorted({entry.language for entry in story.entries if entry.language})),
        first_seen=story.first_seen,
        last_seen=max(entry.first_seen for entry in story.entries),
        reports=tuple(reports),
    )


def outlet_of(entry: Entry, feeds: Mapping[str, Feed]) -> str:
    """Return who published an entry: the aggregator's source, or else the feed's title."""
    feed = feeds.get(entry.feed)
    return text.clean(entry.outlet or (feed.title if feed else "") or host_of(entry.feed))


class _Shown(NamedTuple):
    """The news of a window, as it is shown."""

    stories: list[DigestStory]
    """Those with a new report."""
    copies: tuple[int, ...]
    """New entries that only repeat an old report."""


def _shown(due: Due, digest_input: DigestInput, settings: Settings) -> _Shown:
    titles = {**digest_input.titles, **{story.id: story.title for story in digest_input.stories}}
    told = frozenset(digest_input.reported).difference(digest_input.news)
    reported_elsewhere = frozenset(digest_input.reported_elsewhere)
    found: list[DigestStory] = []
    copies: list[int] = []
    for story in digest_input.stories:
        # What is news is the store's to say: after a clock that was ahead, news was "seen" later than now.
        seen = tuple(
            entry
            for entry in story.entries
            if entry.first_seen <= due.window.end or entry.id in digest_input.news
        )
        new = {entry.id for entry in seen}.intersection(digest_input.news)
        if not new:
            continue
        shown = present(
            replace(story, entries=seen),
            digest_input.feeds,
            settings,
            due.window.end,
            # What was held back and never shown does not make a copy of it old. Bound as defaults: a lambda
            # sees the loop's last value otherwise.
            is_new=lambda those, new=new: (  # type: ignore[misc]  # mypy infers no defaults of lambdas
                not new.isdisjoint(those) and told.isdisjoint(those) and reported_elsewhere.isdisjoint(those)
            ),
        )
        old = (report for report in shown.reports if not report.new)
        copies += [one for report in old for one in _entries_of(report) if one in new]
        if any(report.new for report in shown.reports):
            is_new = told.isdisjoint(entry.id for entry in seen)
            found.append(_placed(shown, story, titles, digest_input.publishers, new=is_new))
    return _Shown(found, tuple(copies))


def _entries_of(report: StoryEntry) -> tuple[int, ...]:
    return (report.entry, *(copy.entry for copy in report.also_in))


def _placed(
    shown: DigestStory, story: Story, titles: Mapping[int, str], publishers: Mapping[int, str], *, new: bool
) -> DigestStory:
    """Add to a story who speaks in its reports, and the steps of its affair before and after it."""
    return replace(
        shown,
        new=new,
        reports=tuple(
            # A feed on a host without a name has its whole address for a publisher.
            replace(report, publisher=redact(publishers.get(report.entry, "")))
            for report in shown.reports
        ),
        related=tuple((other, text.clean(titles[other])) for other in story.related if other in titles),
        before=_link(story.before, titles),
        after=_link(story.after, titles),
    )


def _link(story: int | None, titles: Mapping[int, str]) -> tuple[StoryLink, ...]:
    # A story that was merged or emptied since has no title any more.
    if story is None or story not in titles:
        return ()
    return (StoryLink(id=story, title=text.clean(titles[story])),)


def in_order(stories: Iterable[DigestStory]) -> tuple[DigestStory, ...]:
    """Put the most important story first as the lead, and sort the others by section."""
    ranked = sorted(stories, key=order)
    lead = [replace(story, lead=True) for story in ranked[:1]]
    return (*lead, *sorted(ranked[1:], key=lambda story: SECTIONS.index(story.section)))


def _reports(
    story: Story, feeds: Mapping[str, Feed], is_new: Callable[[Collection[int]], bool]
) -> Iterable[StoryEntry]:
    """Yield the reports of a story, each with its copies.

    A copy of something that was reported before is not news, however new the entry is.
    """
    for original, copies in story.reports:
        group = (original, *copies)
        first = next((entry for entry in group if entry.id == story.lead), original)
        also = [entry for entry in group if entry is not first]
        yield _report(first, feeds, new=is_new([entry.id for entry in group]), copies=also)


def _copy(entry: Entry, first: Entry, feeds: Mapping[str, Feed]) -> Copy:
    return Copy(
        entry=entry.id, outlet=outlet_of(entry, feeds), url=entry.url if entry.url != first.url else ""
    )


def _report(
    entry: Entry, feeds: Mapping[str, Feed], *, new: bool, copies: Iterable[Entry] = ()
) -> StoryEntry:
    return StoryEntry(
        entry=entry.id,
        title=text.clean(entry.title),
        url=entry.url,
        feed=redact_url(entry.feed),
        outlet=outlet_of(entry, feeds),
        language=entry.language,
        published=entry.published,
        dated=entry.dated,
        new=new,
        late=entry.late,
        citing=text.clean(entry.citing),
        beats=entry.tagging.beats,
        themes=entry.tagging.themes,
        also_in=tuple(_copy(copy, entry, feeds) for copy in copies),
    )


def _perhaps(digest_input: DigestInput) -> tuple[StoryEntry, ...]:
    def unlikeliness(report: Report) -> tuple[float, int]:
        return -certainty_of(report.entry.tagging), report.entry.id

    def is_named(report: Report) -> bool:
        return any(one.id in digest_input.named for one in (report.entry, *report.copies))

    likeliest = sorted(digest_input.perhaps, key=unlikeliness)
    others = [report for report in likeliest if not is_named(report)][:PERHAPS]
    chosen = [report for report in likeliest if is_named(report) or report in others]
    return tuple(_report(one, digest_input.feeds, new=True, copies=copies) for one, copies in chosen)


def _has_overview(window: Window, settings: Settings) -> bool:
    """Say whether this digest shows trends and near misses; if weekly, only the first of an ISO week does."""
    if settings.overview != "weekly":
        return settings.overview == "daily"
    zone = ZoneInfo(settings.timezone)
    return window.start.astimezone(zone).isocalendar()[:2] != window.end.astimezone(zone).isocalendar()[:2]


def _trends(digest_input: DigestInput, end: datetime) -> tuple[Trend, ...]:
    """Count each theme's entries a day, in steps of 24 hours back from the window's end."""
    labels = dict(digest_input.labels)
    counts = {slug: [0] * _TREND_DAYS for slug in labels}
    for seen, themes in digest_input.recent:
        age = (end - seen).days
        if 0 <= age < _TREND_DAYS:
            for theme in themes:
                counts.setdefault(theme, [0] * _TREND_DAYS)[_TREND_DAYS - 1 - age] += 1
    return tuple(Trend(theme=slug, counts=tuple(days)) for slug, days in counts.items() if any(days))


class Counts(NamedTuple):
    """What stories tell for the first time, counted."""

    stories: int
    reports: int
    sources: int
    late: int


def counts_of(stories: Collection[DigestStory]) -> Counts:
    """Count what stories tell; all outlets of one publisher are one source."""
    new = [report for story in stories for report in story.reports if report.new]
    return Counts(
        stories=len(stories),
        reports=len(new),
        sources=len({report.publisher or text.fold(report.outlet) for report in new}),
        late=sum(report.late for report in new),
    )


def _receipt(
    stories: Sequence[DigestStory], perhaps: Sequence[StoryEntry], digest_input: DigestInput
) -> Receipt:
    told = counts_of(stories)
    return Receipt(
        feeds=tuple(digest_input.healths),
        polls=digest_input.polls,
        idle=digest_input.idle,
        unreached_since=digest_input.unreached_since,
        entries=digest_input.entries,
        relevant=digest_input.relevant,
        stories=told.stories,
        reports=told.reports,
        sources=told.sources,
        late=told.late,
        held_back=digest_input.held_back,
        unnamed=len(digest_input.perhaps) - len(perhaps),
        gaps=tuple((text.clean(title), n) for title, n in digest_input.gaps),
        near_misses=_near_misses(digest_input),
        failed_deliveries=tuple(map(text.clean, digest_input.failed_deliveries)),
        faults=tuple(map(text.clean, digest_input.faults)),
        version=digest_input.version,
    )


def _near_misses(digest_input: DigestInput) -> tuple[NearMiss, ...]:
    candidates = [
        entry for entry in digest_input.near_misses if entry.tagging.near and not entry.tagging.relevant
    ]
    best = sorted(candidates, key=lambda entry: (-entry.tagging.score, entry.id))[:_NEAR_MISSES]
    return tuple(
        NearMiss(
            entry=entry.id,
            title=text.clean(entry.title),
            url=entry.url,
            outlet=outlet_of(entry, digest_input.feeds),
            score=entry.tagging.score,
            why=text.clean(entry.tagging.near),
        )
        for entry in best
    )
