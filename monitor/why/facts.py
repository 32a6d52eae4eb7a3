"""Collect what is known about a thing that somebody asks about: from store, tagger and digests."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from monitor import digest_input, followed, handles, tag, values
from monitor.cluster.events import knowledge
from monitor.digest.importance import order
from monitor.errors import MonitorError
from monitor.models import Entry, Window
from monitor.parse.prose import detect
from monitor.text import clean
from monitor.url import canonical_url, site_of
from monitor.why.answers import Answer, Appearance, Facts, Trial, answer, asked_site, proposals, same_title

if TYPE_CHECKING:
    from collections.abc import Iterable

    from monitor.config import Config
    from monitor.models import StoryEntry
    from monitor.store import Store
    from monitor.tag import Tagger

# "outlet.example/story" is an address; "GEMA/OpenAI" is a headline, and has no dot before its slash.
_ADDRESS: Final = re.compile(r"\s*(https?://\S+|[\w-]+(\.[\w-]+)+/\S*)\s*", re.IGNORECASE)
# How many stored entries a proposed phrase is tried on.
_LOOK_BACK: Final = timedelta(days=30)
# A phrase that so many entries hold lets in too much, whatever the number is.
_MANY: Final = 1000
# Where the window of the first digest begins at the latest.
_EVER: Final = datetime.min.replace(tzinfo=UTC)


def ask(config: Config, store: Store, asked: str, *, now: datetime) -> Answer:
    """Say why something was or was not reported: an address, an entry (e12), a story's lead (s4), a headline.

    Raises MonitorError for the number of an entry or a story that is not there.
    """
    tagger = config.tagger(store.note(tag.PERSONAL))
    found = _entry_asked(asked, store, now)
    return answer(_facts(asked, found, config, store, tagger, now=now))


def _entry_asked(asked: str, store: Store, now: datetime) -> Entry | None:
    """Return the entry that is meant: by number, address or title; otherwise one made from the text.

    A story's number, which digests show beside it, means the story's leading entry.
    """
    named = handles.read(asked)
    if named and named.kind == "s":
        story = store.stories.get(named.number)
        if story is None:
            raise MonitorError(f"there is no story {asked.strip()}")
        return store.entries.get(story.lead)
    if named:
        entry = store.entries.get(named.number)
        if entry is None:
            raise MonitorError(f"there is no entry {asked.strip()}")
        return entry
    if _ADDRESS.fullmatch(asked):
        url = asked.strip() if "://" in asked else f"https://{asked.strip()}"
        return next(iter(store.entries.find_by_url(canonical_url(url))), None)
    made = entry_of_text(asked, now)
    quoted = made.title.replace('"', " ")
    alike = (e for e in store.entries.search(f'"{quoted}"') if same_title(e.title, made.title))
    return next(alike, made)


def entry_of_text(text: str, now: datetime) -> Entry:
    """Make an entry from a text whose first line is the title, cleaned like what feeds bring.

    A terminal may paste letters in pieces.
    """
    # If the locale is not UTF-8, typed text arrives as escaped bytes, which cleaning would remove.
    title, _, rest = text.encode(errors="surrogateescape").decode(errors="replace").strip().partition("\n")
    title, summary = clean(title), clean(rest)
    language = detect(f"{title}. {summary}")
    return Entry(feed="", title=title, summary=summary, language=language, published=now, first_seen=now)


def _facts(
    asked: str, entry: Entry | None, config: Config, store: Store, tagger: Tagger, *, now: datetime
) -> Facts:
    healths = followed.healths(config, store, now=now)
    feeds = [
        (feed, health)
        for feed, health in zip(config.feeds, healths, strict=True)
        if (site_of(feed.url) == asked_site(asked) if entry is None else feed.url == entry.feed)
    ]
    states = store.feeds.states([feed for feed, _ in feeds])
    stored = entry if entry and entry.id else None
    mark = store.marks.get([stored.id]).get(stored.id) if stored else None
    appearance = _appearance(stored, store) if stored else None
    return Facts(
        asked=asked.strip(),
        entry=entry,
        outlet=entry.outlet or entry.feed if entry else "",
        feeds=[health for _, health in feeds],
        gaps=sum(state.gaps for state in states.values()),
        explanation=tagger.explain(entry) if entry else None,
        marked_at=mark.made_at if mark else None,
        story=store.stories.get(entry.story) if entry and entry.story else None,
        appearance=appearance,
        repeats=bool((appearance and appearance.repeats) or (stored and _repeats(stored, store, now))),
        rejected=_rejected(stored, store, now) if stored else 0,
        passed_over=_is_passed_over(stored, store, now) if stored else False,
        next_digest=digest_input.next_due(config, store, now=now),
        backlog=values.written_duration(config.digest.backlog),
        trial=_trial(entry, store, tagger, now) if entry and not entry.tagging.relevant else None,
        labels=dict(config.labels),
        timezone=config.timezone,
    )


def _appearance(entry: Entry, store: Store) -> Appearance | None:
    """Find the digest that reported an entry, and the place of its story there."""
    day = store.entries.reported_in(entry.id)
    stored = store.digests.get(day) if day else None
    if day is None or stored is None:
        return None
    made = stored.digest()
    unnamed = Appearance(
        date=day, story=0, title="", place=0, stories=len(made.stories), in_full=made.max_stories
    )
    for place, story in enumerate(sorted(made.stories, key=order), 1):
        if report := _report_with(entry.id, story.reports):
            also_in = report.entry if report.entry != entry.id else 0
            return replace(unnamed, story=story.id, title=story.title, place=place, also_in=also_in)
    if report := _report_with(entry.id, made.perhaps):
        return replace(unnamed, perhaps=True, also_in=report.entry if report.entry != entry.id else 0)
    return replace(unnamed, repeats=entry.id in made.copies)


def _repeats(entry: Entry, store: Store, now: datetime) -> bool:
    """Say whether the next digest will leave out an entry because it brings nothing of its own."""
    if not entry.tagging.relevant or entry.backlog or store.entries.reported_in(entry.id):
        return False
    if entry.tagging.shelf == "perhaps":
        last = store.digests.last(now)
        window = Window(start=last.window.end if last else _EVER, end=now)
        return entry.id in store.overview.perhaps(window, repeated=True)
    story = store.stories.get(entry.story) if entry.story else None
    told = store.stories.reported([story.id]) if story else frozenset[int]()
    groups = [{one.id for one in (first, *others)} for first, others in story.reports] if story else []
    is_copy = any(entry.id in group and not told.isdisjoint(group) for group in groups)
    return is_copy or entry.id in store.overview.reported_elsewhere([entry.id])


def _rejected(entry: Entry, store: Store, now: datetime) -> int:
    """Return another feed's entry with the same link that the user had marked as not relevant; 0 for none."""
    day = store.entries.reported_in(entry.id)
    stored = store.digests.get(day) if day else None
    made = stored.made_at if stored else now
    others = {one.id for one in store.entries.find_by_url(entry.url) if entry.url and one.feed != entry.feed}
    marks = store.marks.get(others).values()
    return next((one.entry for one in marks if not one.relevant and one.made_at <= made), 0)


def _report_with(entry: int, reports: Iterable[StoryEntry]) -> StoryEntry | None:
    """Return the report that is an entry, or has it as a copy."""
    return next((r for r in reports if entry in {r.entry, *(copy.entry for copy in r.also_in)}), None)


def _is_passed_over(entry: Entry, store: Store, now: datetime) -> bool:
    """Say whether an entry is unsure, was not reported, and is no longer news for the next digest."""
    last = store.digests.last(now)
    if last is None or entry.tagging.shelf != "perhaps" or store.entries.reported_in(entry.id):
        return False
    return entry.id not in store.overview.perhaps(Window(start=last.window.end, end=now))


def _trial(entry: Entry, store: Store, tagger: Tagger, now: datetime) -> Trial | None:
    """Find the phrase from the title that would have chosen the entry and lets in the least besides."""
    nearest = tagger.explain(entry).nearest
    if nearest is None or nearest.score <= 0:
        return None  # nothing hints at what it could be about
    counted = []
    for phrase in proposals(entry, knowledge().stop):
        holding = store.entries.search(f'"{phrase}"', since=now - _LOOK_BACK, limit=_MANY)
        others = sum(not one.tagging.relevant and one.id != entry.id for one in holding)
        counted.append((others, phrase))
    # Trying a phrase compiles all rules again, so the phrase that lets in the least is tried first.
    for others, phrase in sorted(counted, key=lambda pair: pair[0]):
        try:
            changes = tagger.try_phrase(phrase, nearest.slug, [entry])
        except tag.GrammarError:
            continue
        if any(nearest.slug in change.gains for change in changes):
            return Trial(phrase=phrase, target=nearest.slug, others=others, days=_LOOK_BACK.days)
    return None
