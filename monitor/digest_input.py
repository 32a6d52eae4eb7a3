"""Read what a digest is made of from the store, and compose digests that are only looked at. Writes nothing.

Takes the configuration, the store and `now`; gives the values from which `digest` composes.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

from monitor import __version__, digest, followed
from monitor.cluster.copies import Sources, copies
from monitor.deliver import Mail
from monitor.errors import each
from monitor.models import Report, Selection, Window
from monitor.store import StoredDigest

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence
    from datetime import date

    from monitor.config import Config
    from monitor.models import Delivery, Digest, Entry, FeedHealth, Story
    from monitor.store import Culprit, Store

# How long the very first digest waits for the first poll to end, which may be killed every time.
_FIRST_POLL = timedelta(hours=1)
# While our own network is down no feed is called failing, although nobody knows what the feeds bring. An
# outage shorter than this, such as a router that restarts, does not make a day a broken one.
_BRIEF_OUTAGE = timedelta(hours=1)
# A window that ended longer ago lies in the past: the present state of the feeds says little about it.
_PRESENT = timedelta(days=1)
_WEEK = timedelta(days=7)
# However long mails were refused: after a year nobody wants one mail with the whole year in it.
_LONGEST_GAP = 9 * _WEEK
EVERYTHING = Selection()
"""What a recipient without a selection gets."""
TREND = timedelta(days=15)
"""How far back the trends of themes reach: 14 days, and a day more for the time zone."""


def preview(
    config: Config, store: Store, *, now: datetime, recipient: str = "", faults: Sequence[Culprit] = ()
) -> Digest:
    """Compose what the next digest would hold now, whole or one recipient's part; nothing is written.

    `faults` are the stories and entries to leave out, see `Store.without_culprits`.
    """
    with store.snapshot():
        last = store.digests.last(now)
        end, day = (last.window.end, last.date) if last else (None, None)
        due = digest.schedule.preview(end, store.installed_at(now), config.digest, now, last_date=day)
        missed = missed_by(config, store, recipient, due.date) if recipient else ()
        if missed:
            return part_of_several(config, store, due, recipient, missed, now=now, faults=faults)
        found = collect(config, store, due.window, now=now, faults=faults)
        made = digest.compose(due, found, config.digest, now)
    return part_of(config, made, recipient) if recipient in config.selections else made


def part_of(config: Config, whole: Digest, recipient: str, *, several: Sequence[Digest] = ()) -> Digest:
    """Return the part of a digest that a recipient's selection lets through, in their language."""
    selection = config.selections.get(recipient, EVERYTHING)
    # Without a language of theirs the digest's own: that of the configuration may be another by now.
    labels = config.labels_in(selection.language) if selection.language else ()
    return digest.select(whole, selection, labels=labels, several=several)


def part_of_several(
    config: Config,
    store: Store,
    due: digest.Due,
    recipient: str,
    missed: Sequence[Digest],
    *,
    now: datetime,
    faults: Sequence[Culprit] = (),
    as_reported: bool = False,
) -> Digest:
    """Compose a recipient's part of a digest together with the earlier digests that they missed.

    With `as_reported`, what has to be left out is shown as those earlier digests showed it, since no later
    mail will report it.
    """
    due = replace(due, window=replace(due.window, start=min(one.window.start for one in missed)))
    found = collect(config, store, due.window, now=now, again=missed, faults=faults)
    made = digest.compose(due, found, config.digest, now)
    if as_reported:
        made = digest.with_reported(made, missed, {one.handle for one in faults})
    return part_of(config, made, recipient, several=missed)


def whose_day(config: Config, store: Store, day: date, *, now: datetime) -> list[str]:
    """Return the recipients of mail whose day this is; the others get their part on another one.

    A recipient whose last part could not be made gets the next one, on whatever day.
    """
    last = store.digests.last(now)
    unmade = store.deliveries.unmade(Mail.name)
    return [
        recipient
        for recipient in sorted(config.recipients)
        if recipient.casefold() in unmade
        or digest.schedule.is_day_of(
            config.selections.get(recipient, EVERYTHING).days, day, last_date=last.date if last else None
        )
    ]


def missed_by(config: Config, store: Store, recipient: str, day: date) -> Sequence[Digest]:
    """Return the digests that a recipient has not had, and that their mail of this day tells with its own.

    Which digests a recipient waits for is noted when each is made, so that no change of `days`, no outage and
    no mail that was given up causes a gap or a repetition. A recipient who is new or comes back, and gets
    mails of several days, begins with the time that one mail covers, but at least a week.
    """
    selection = config.selections.get(recipient, EVERYTHING)
    waiting = store.deliveries.uncovered(recipient, or_refused=selection.gathers)
    missed = {one for one in waiting if one > day - _LONGEST_GAP}
    if selection.gathers:
        turn, before = islice(digest.schedule.own_days(selection.days, day), 2)
        first = max(min(before, turn - _WEEK), day - _LONGEST_GAP) + timedelta(days=1)
        missed |= store.digests.days(first) - store.deliveries.accounted(recipient)
    # One that is damaged holds up none of the others.
    read, _ = each(store.digests.of_days(missed), StoredDigest.digest)
    return list(read.values())


def still_stands(
    config: Config, store: Store, made: Digest, found: digest.DigestInput, *, now: datetime
) -> bool:
    """Say whether the digest that was read is still the one that is due, with the same news and counts."""
    due = due_digest(config, store, now=now)
    return (
        due is not None
        and (due.date, due.window) == (made.date, made.window)
        and store.stories.news(due.window) == found.news
        and store.overview.counts_in(due.window) == (found.entries, found.relevant, found.held_back)
    )


def due_digest(
    config: Config, store: Store, *, now: datetime, patience: timedelta = timedelta(0)
) -> digest.Due | None:
    """Return the digest that is due, or that was due `patience` ago; None when there is none.

    None is due while the first poll is under way. Nor is one due on a day that already has its digest, from a
    clock that was ahead: the next day's digest covers that time.
    """
    # A digest before the first poll knows nothing of the day; after an hour it says so.
    waited = now - patience - store.installed_at(now)
    if waited < _FIRST_POLL and store.polls.last() is None:
        return None
    last = store.digests.last(now)
    end, day = (last.window.end, last.date) if last else (None, None)
    due = digest.schedule.due(end, store.installed_at(now), config.digest, now - patience, last_date=day)
    return None if due is None or store.digests.has(due.date) else due


def next_due(config: Config, store: Store, *, now: datetime) -> datetime:
    """Return when the next digest falls due, after the one that is due now."""
    last = store.digests.last(now)
    return digest.schedule.next_due(config.digest, now, last_date=last.date if last else None)


def of_day(
    config: Config, store: Store, day: date, *, now: datetime, faults: Sequence[Culprit] = ()
) -> Digest | None:
    """Return a day's digest as it was made, or what it would have held; None for a day to come."""
    if stored := store.digests.get(day):
        return stored.digest()
    usual = datetime.combine(day - timedelta(days=1), config.digest.time, config.timezone)
    # Never over the time of a digest that was made: what that reported is shown there.
    earlier = (stored.window.end for stored in store.digests.listing() if stored.date < day)
    start = max((usual, *earlier))
    if start >= now:
        return None
    midnight = datetime.combine(day + timedelta(days=1), time(), config.timezone)
    end = min(midnight, now)
    return replace(review(config, store, start=start, end=end, now=now, faults=faults), date=day)


def review(
    config: Config,
    store: Store,
    *,
    start: datetime,
    end: datetime,
    now: datetime,
    faults: Sequence[Culprit] = (),
) -> Digest:
    """Compose what a digest of a past window would hold, reported before or not; nothing is written."""
    window = Window(start=start.astimezone(UTC), end=end.astimezone(UTC))
    # The last day that it covers: an end at midnight is that of the day before.
    last = window.end - timedelta(microseconds=1)
    due = digest.Due(date=last.astimezone(config.timezone).date(), window=window)
    with store.snapshot():
        found = collect(config, store, window, now=now, reported=True, faults=faults)
    if now - window.end > _PRESENT:
        found = replace(found, healths=[_as_of(health, window.end) for health in found.healths])
    return digest.compose(due, found, config.digest, now)


def _as_of(health: FeedHealth, end: datetime) -> FeedHealth:
    """Return how a feed did at the end of a past window, as far as its present state tells.

    No history of that is kept: "nothing new for 90 days" is true today, and says nothing about a day in
    spring. A feed that has answered since the window was working then; one that has not answered since before
    it was failing then too.
    """
    answered = health.last_success_at is not None and health.last_success_at >= end
    past = health.state == "silent" or (health.state in {"failing", "gone"} and answered)
    return replace(health, state="ok", note="", last_error="") if past else health


def collect(
    config: Config,
    store: Store,
    window: Window,
    *,
    now: datetime,
    reported: bool = False,
    again: Sequence[Digest] = (),
    faults: Sequence[Culprit] = (),
) -> digest.DigestInput:
    """Collect what a digest of a window is made of; with `reported`, also what earlier digests have reported.

    `again` are digests within the window that a recipient did not get: what they reported is reported
    to that recipient, whenever it was seen.
    """
    story_of = _reported_in_stories(store, again)
    stories = store.stories.with_news(window, reported=reported)
    missing = set(story_of.values()) - {story.id for story in stories}
    stories = (*stories, *store.stories.get_many(missing))
    counts = store.overview.counts_in(window)
    news = store.stories.news(window, reported=reported) | story_of.keys()
    told = store.stories.reported([story.id for story in stories], until=window.start if reported else None)
    # What came after the window, or was held back, is reported by nobody, and so repeated by nothing.
    sure = [entry for story in stories for entry in story.entries if entry.id in news or entry.id in told]
    reported_elsewhere = store.overview.reported_elsewhere(news, window=window if reported else None)
    if again:
        # A copy of what is reported here says nothing against it.
        copied = {entry for one in again for entry in one.copies}
        reported_elsewhere -= _reports_with(stories, story_of.keys() - copied)
    looks_back = reported or bool(again)
    unsure = _unsure(store, store.overview.perhaps(window, reported=looks_back), sure)
    feeds = followed.named(config, store)
    publishers = Sources({feed.url: feed for feed in config.feeds})
    return digest.DigestInput(
        stories=stories,
        news=news,
        perhaps=unsure.reports,
        named=_named(again),
        repeated=[*unsure.repeated, *store.overview.perhaps(window, reported=looks_back, repeated=True)],
        titles=store.overview.titles(_mentioned(stories)),
        feeds=feeds,
        publishers={entry.id: publishers.of(entry) for entry in sure},
        healths=followed.healths(config, store, now=now),
        polls=store.polls.count_in(window),
        idle=_nothing_was_due(config, store, window),
        unreached_since=_unreached_since(store, window),
        entries=counts.entries,
        relevant=counts.relevant,
        held_back=counts.held_back,
        gaps=[(feeds[url].title, times) for url, times in store.polls.gaps_in(window) if url in feeds],
        near_misses=store.entries.near_misses(window),
        reported=told,
        reported_elsewhere=reported_elsewhere,
        recent=store.overview.themes_since(window.end - TREND),
        labels=config.labels,
        faults=[str(fault) for fault in faults],
        failed_deliveries=[_failure(delivery) for delivery in store.deliveries.failed_since(window.start)],
        version=__version__,
        origin=store.note("origin"),
    )


def _reported_in_stories(store: Store, digests: Iterable[Digest]) -> dict[int, int]:
    """Return the entries that digests reported, with the stories that they are in now."""
    told = {entry for one in digests for entry in one.reported}
    found = store.entries.get_many(told, whole=False)
    return {entry.id: entry.story for entry in found if entry.story is not None}


def _named(digests: Iterable[Digest]) -> set[int]:
    """Return the entries that stand under "Perhaps" in digests."""
    lines = [line for one in digests for line in one.perhaps]
    return {line.entry for line in lines} | {copy.entry for line in lines for copy in line.also_in}


def _reports_with(stories: Iterable[Story], entries: Collection[int]) -> set[int]:
    """Return the entries of the reports that one of these entries belongs to."""
    reports = ((first, *others) for story in stories for first, others in story.reports)
    return {one.id for report in reports if any(one.id in entries for one in report) for one in report}


class _Unsure(NamedTuple):
    """News that is not sure to be in scope."""

    reports: list[Report]
    """The likeliest first."""
    repeated: list[int]
    """Entries that only repeat a report of a story."""


def _unsure(store: Store, ids: Sequence[int], sure: Sequence[Entry]) -> _Unsure:
    """Group unsure entries into reports: they are in no story that would know which ones are copies."""
    found = {entry.id: entry for entry in store.entries.get_many(ids, whole=False)}
    original_of = copies([*sure, *(found[number] for number in ids)]) if ids else {}
    reports = {number: [found[number]] for number in ids if number not in original_of}
    repeated = list[int]()
    for number in ids:
        if number in original_of:
            of_report = reports.get(original_of[number])
            if of_report is None:
                repeated.append(number)
            else:
                of_report.append(found[number])
    return _Unsure([Report(first, tuple(others)) for first, *others in reports.values()], repeated)


def _unreached_since(store: Store, window: Window) -> datetime | None:
    """Return since when no feed could be reached at a window's end; None for less than an hour."""
    since = store.polls.unreached_since(window.end)
    return since if since is not None and window.end - since > _BRIEF_OUTAGE else None


def _nothing_was_due(config: Config, store: Store, window: Window) -> bool:
    """Say whether a window needed no poll because no feed was due in it.

    Otherwise a preview made a minute after a digest would call the day broken. A feed that was asked after
    the window says nothing about it.
    """
    states = store.feeds.states(config.feeds)
    asked = [states[feed.url] for feed in config.feeds if feed.enabled]
    return bool(asked) and all(
        state.last_poll_at is not None
        and state.next_poll_at is not None
        and state.last_poll_at <= window.start
        and window.end <= state.next_poll_at
        for state in asked
    )


def _mentioned(stories: Iterable[Story]) -> set[int]:
    """Return the stories that these are related to, and the steps before and after them."""
    return {
        other
        for story in stories
        for other in (*story.related, story.before, story.after)
        if other is not None
    }


def _failure(delivery: Delivery) -> str:
    """Say which delivery failed, and why, without showing addresses: every recipient reads this.

    `status` and `digests` name the recipients in full.
    """
    name, at, server = delivery.recipient.rpartition("@")
    shown = f"{name[:1]}…@{server}" if at else delivery.recipient
    return f"{delivery.channel} to {shown}: {delivery.last_error.replace(delivery.recipient, shown)}"
