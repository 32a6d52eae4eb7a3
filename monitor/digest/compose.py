"""A digest out of what the store knows: which stories, which reports, in which order. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

from monitor import text
from monitor.digest import rank
from monitor.models import Digest, DigestStory, NearMiss, Receipt, Report, Trend
from monitor.url import host_of, redact_url

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
    from datetime import datetime

    from monitor.digest.schedule import Due
    from monitor.digest.settings import Settings
    from monitor.models import Entry, Feed, FeedHealth, Story

NEAR_MISSES: Final = 5
TREND_DAYS: Final = 14


@dataclass(frozen=True, kw_only=True, slots=True)
class DigestInput:
    """All that a digest is made of, as the store tells it."""

    stories: Sequence[Story] = ()
    """Those with news, with all their entries; more do no harm."""
    news: Collection[int] = frozenset()
    """Ids of the entries that are news for this digest; the store decides it."""
    titles: Mapping[int, str] = field(default_factory=dict)
    """Titles of other stories by id, for those that are related to one of these."""
    feeds: Mapping[str, Feed]
    """Subscriptions by address; of a feed that was removed since, the address alone is told."""
    healths: Sequence[FeedHealth] = ()
    polls: int = 0
    """Polls made in the window."""
    entries: int = 0
    """Entries first seen in the window, backlog included."""
    relevant: int = 0
    held_back: int = 0
    """Relevant entries of the window that are backlog."""
    gaps: Sequence[tuple[str, int]] = ()
    """Feeds, by title, from which entries fell through in the window, and how often."""
    near_misses: Sequence[Entry] = ()
    """Entries of the window without a beat but with `tagging.near`, in any order."""
    told_stories: Collection[int] = frozenset()
    """Ids of the stories that earlier digests have told of."""
    recent: Iterable[tuple[datetime, Collection[str]]] = ()
    """When each relevant entry was first seen, and its themes: of 14 days at least, without backlog."""
    labels: Sequence[tuple[str, str]] = ()
    """Slugs and labels of beats and themes in the digest's language, in the order of themes.toml."""
    failed_deliveries: Sequence[str] = ()
    version: str = ""


def compose(due: Due, digest_input: DigestInput, settings: Settings, now: datetime) -> Digest:
    """Return the digest of that window; the same values give the same digest.

    A story is in it when one of its reports is news. What was seen after the window is left out.
    """
    told = (_told(story, due, digest_input, settings) for story in digest_input.stories)
    stories = tuple(sorted((story for story in told if story), key=rank.order))
    return Digest(
        date=due.date,
        window=due.window,
        catches_up=due.catches_up,
        language=settings.language,
        timezone=settings.timezone,
        made_at=now,
        stories=stories,
        max_stories=settings.max_stories,
        labels=tuple((slug, text.clean(label)) for slug, label in digest_input.labels),
        trends=_trends(digest_input, due.window.end),
        receipt=_receipt(stories, digest_input),
    )


def present(
    story: Story,
    feeds: Mapping[str, Feed],
    timezone: str,
    now: datetime,
    *,
    is_new: Callable[[Entry], bool] = lambda _: True,
) -> DigestStory:
    """Return a story as it is shown at `now`; `is_new` says which entries are told for the first time."""
    zone = ZoneInfo(timezone)
    reports = sorted((_report(entry, feeds, new=is_new(entry)) for entry in story.entries), key=_report_order)
    lead = next((entry for entry in story.entries if entry.id == story.lead), None)
    title, summary = story.title, story.summary
    if lead is None:
        lead = story.entries[0]
        title, summary = lead.title, lead.summary
    return DigestStory(
        id=story.id,
        title=text.clean(title),
        url=lead.url,
        summary=text.clean(summary),
        summary_outlet=_outlet(lead, feeds) if summary else "",
        beats=story.beats,
        themes=story.themes,
        new=True,
        day=max((now.astimezone(zone).date() - story.first_seen.astimezone(zone).date()).days + 1, 1),
        sources=min(story.sources, len(reports)),
        score=rank.score(story, feeds, now),
        languages=tuple(sorted({entry.language for entry in story.entries if entry.language})),
        first_seen=story.first_seen,
        last_seen=max(entry.first_seen for entry in story.entries),
        reports=tuple(reports),
    )


def _told(story: Story, due: Due, digest_input: DigestInput, settings: Settings) -> DigestStory | None:
    seen = tuple(entry for entry in story.entries if entry.first_seen <= due.window.end)
    new = {entry.id for entry in seen}.intersection(digest_input.news)
    if not new:
        return None
    titles = {**digest_input.titles, **{other.id: other.title for other in digest_input.stories}}
    shown = present(
        replace(story, entries=seen, joins=()),
        digest_input.feeds,
        settings.timezone,
        due.window.end,
        is_new=lambda entry: entry.id in new,
    )
    return replace(
        shown,
        new=story.id not in digest_input.told_stories,
        related=tuple((other, text.clean(titles[other])) for other in story.related if other in titles),
    )


def _report(entry: Entry, feeds: Mapping[str, Feed], *, new: bool) -> Report:
    return Report(
        entry=entry.id,
        title=text.clean(entry.title),
        url=entry.url,
        feed=redact_url(entry.feed),
        outlet=_outlet(entry, feeds),
        language=entry.language,
        published=entry.published,
        dated=entry.dated,
        new=new,
        late=entry.late,
    )


def _report_order(report: Report) -> tuple[bool, float, int]:
    return not report.new, -report.published.timestamp(), report.entry


def _outlet(entry: Entry, feeds: Mapping[str, Feed]) -> str:
    feed = feeds.get(entry.feed)
    return text.clean(entry.outlet or (feed.title if feed else "") or host_of(entry.feed))


def _trends(digest_input: DigestInput, end: datetime) -> tuple[Trend, ...]:
    """Count each theme's entries a day, in steps of 24 hours back from the window's end."""
    labels = dict(digest_input.labels)
    counts = {slug: [0] * TREND_DAYS for slug in labels}
    for seen, themes in digest_input.recent:
        age = (end - seen).days
        if 0 <= age < TREND_DAYS:
            for theme in themes:
                counts.setdefault(theme, [0] * TREND_DAYS)[TREND_DAYS - 1 - age] += 1
    return tuple(Trend(theme=slug, counts=tuple(days)) for slug, days in counts.items() if any(days))


def _receipt(stories: Sequence[DigestStory], digest_input: DigestInput) -> Receipt:
    new = [report for story in stories for report in story.reports if report.new]
    families = {redact_url(feed.url): feed.family for feed in digest_input.feeds.values()}
    return Receipt(
        feeds=tuple(digest_input.healths),
        polls=digest_input.polls,
        entries=digest_input.entries,
        relevant=digest_input.relevant,
        stories=len(stories),
        reports=len(new),
        sources=len({text.fold(families.get(report.feed) or report.outlet) for report in new}),
        late=sum(report.late for report in new),
        held_back=digest_input.held_back,
        gaps=tuple((text.clean(title), n) for title, n in digest_input.gaps),
        near_misses=_near_misses(digest_input),
        failed_deliveries=tuple(map(text.clean, digest_input.failed_deliveries)),
        version=digest_input.version,
    )


def _near_misses(digest_input: DigestInput) -> tuple[NearMiss, ...]:
    candidates = [
        entry for entry in digest_input.near_misses if entry.tagging.near and not entry.tagging.relevant
    ]
    best = sorted(candidates, key=lambda entry: (-entry.tagging.score, entry.id))[:NEAR_MISSES]
    return tuple(
        NearMiss(
            entry=entry.id,
            title=text.clean(entry.title),
            url=entry.url,
            outlet=_outlet(entry, digest_input.feeds),
            score=entry.tagging.score,
            why=text.clean(entry.tagging.near),
        )
        for entry in best
    )
