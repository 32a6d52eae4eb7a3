"""The nouns of publishing: digests, their receipts, and their deliveries."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Literal

from monitor.models.entries import DateBasis
from monitor.models.feeds import FeedHealth
from monitor.models.selections import Part

DeliveryState = Literal["pending", "sending", "sent", "failed", "superseded"]
Outcome = Literal["news", "quiet", "broken"]

# Spelt only here: deliveries, Message-IDs and Atom ids depend on these for ever.
_DIGEST = "digest:"
_ALERT = "alert:"


@dataclass(frozen=True, kw_only=True, slots=True)
class Window:
    """What a digest covers: entries with `start < first_seen <= end`."""

    start: datetime
    end: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Copy:
    """Another entry with the text or link of a report."""

    entry: int
    outlet: str
    url: str = ""
    """Its address, if that is not the report's."""


@dataclass(frozen=True, kw_only=True, slots=True)
class StoryEntry:
    """One entry of a story as a digest shows it."""

    entry: int
    title: str
    url: str
    feed: str
    """The feed's address, without credentials."""
    outlet: str
    """The name the user knows: the feed's title, or the aggregator's source."""
    language: str
    published: datetime
    dated: DateBasis
    new: bool
    """First reported in this digest; an entry is new in one digest only."""
    late: bool = False
    """Dated long before we could see it: after an outage, or put into the feed days later."""
    citing: str = ""
    """Whom the outlet names as its source; "" if it is its own report."""
    beats: tuple[str, ...] = ()
    """Its own beats, not the story's; none in digests made before 1.1."""
    themes: tuple[str, ...] = ()
    publisher: str = ""
    """Who speaks in it, as sources are counted; "" in digests made before 1.1."""
    also_in: tuple[Copy, ...] = ()
    """The same article in other feeds: however many carry it, it is one report."""


@dataclass(frozen=True, kw_only=True, slots=True)
class StoryLink:
    """A link to another story."""

    id: int
    title: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Importance:
    """Why a story is where it is in the order: `total` is the product of the four others."""

    certainty: float
    """How likely it is in scope, 0 to 1."""
    kind: float
    """The weight of its kind of event (newsworthiness.toml)."""
    sources: float
    """1 for one independent source, and 1 more for each doubling."""
    weight: float
    """The weight of its feed and themes, 1 unless the user sets it."""
    total: float


@dataclass(frozen=True, kw_only=True, slots=True)
class DigestStory:
    """A story as one digest shows it: frozen, so that every rendering of it is the same for ever."""

    id: int
    title: str
    url: str
    summary: str
    summary_outlet: str
    """Who wrote the summary."""
    beats: tuple[str, ...]
    themes: tuple[str, ...]
    new: bool
    """False when an earlier digest has reported it."""
    day: int
    """On which day of the story this is: 1 within 24 hours of its first report."""
    sources: int
    score: float
    languages: tuple[str, ...]
    first_seen: datetime
    last_seen: datetime
    reports: tuple[StoryEntry, ...]
    """New ones first, then by date."""
    # Pairs, and not links like `before` and `after`: digests are frozen like this since 1.0, and must be
    # readable.
    related: tuple[tuple[int, str], ...] = ()
    """Ids and titles of stories of the same affair."""
    lead: bool = False
    """True for the story that opens the digest, at most one."""
    section: str = ""
    """The section that it stands in (newsworthiness.toml); "" in digests of version 1.0."""
    importance: Importance | None = None
    """The parts of `score`; None in digests of version 1.0."""
    kind: str = ""
    """What happened ("ruling", "strike", ...), "" when none is seen."""
    parties: tuple[str, ...] = ()
    first_title: str = ""
    """The title it began with, if `title` is from its newest turn; else ""."""
    affair: int | None = None
    before: tuple[StoryLink, ...] = ()
    """The step of the affair before this one; none or one."""
    after: tuple[StoryLink, ...] = ()
    """The step after it; none or one."""


@dataclass(frozen=True, kw_only=True, slots=True)
class NearMiss:
    """An entry that scored just under the line, with what it lacked."""

    entry: int
    title: str
    url: str
    outlet: str
    score: float
    why: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Trend:
    """One theme's entries in each of the last 14 spans of 24 hours, oldest first."""

    theme: str
    counts: tuple[int, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Receipt:
    """What stands behind a digest: the proof that a quiet day was quiet."""

    feeds: tuple[FeedHealth, ...]
    polls: int
    """Polls begun in the window."""
    entries: int
    """Entries first seen in the window."""
    relevant: int
    stories: int
    reports: int
    sources: int
    gaps: tuple[tuple[str, int], ...] = ()
    """Feeds from which entries fell through in the window, by title, and how often."""
    late: int = 0
    """How many of the new reports are dated long before they were first seen."""
    held_back: int = 0
    """Relevant entries of the window that are not news: old ones that newly followed feeds brought."""
    unnamed: int = 0
    """Unsure entries beyond the few that the digest names; no later digest tells them."""
    near_misses: tuple[NearMiss, ...] = ()
    failed_deliveries: tuple[str, ...] = ()
    """One line for each delivery that failed for good since the last digest."""
    faults: tuple[str, ...] = ()
    """One line for each story or entry that could not be shown because of a bug of ours."""
    idle: bool = False
    """No feed was due in the window, so the poll before it still counts."""
    unreached_since: datetime | None = None
    """Since when our network was down at the end of the window; None if it was not."""
    version: str = ""

    @property
    def blind(self) -> bool:
        """True if no poll was made, so that nothing can be concluded."""
        return not self.polls and not self.idle


@dataclass(frozen=True, kw_only=True, slots=True)
class Digest:
    """A day's edition. Made once and frozen; every rendering is a pure function of it."""

    date: date
    """The local day it is for."""
    window: Window
    catches_up: bool = False
    """It covers more than its own day because digests were missed."""
    # What the settings and themes.toml said on that day is part of it, so that it stays the same when they
    # change.
    language: str
    timezone: str
    made_at: datetime
    stories: tuple[DigestStory, ...]
    """All, the most important first."""
    max_stories: int
    """How many are shown in full; the rest appear in one line each."""
    labels: tuple[tuple[str, str], ...]
    """Beats' and themes' slugs with their labels in the digest's language, in the order of themes.toml."""
    trends: tuple[Trend, ...]
    receipt: Receipt
    perhaps: tuple[StoryEntry, ...] = ()
    """Entries that may be in scope, the likeliest first; each gets a line and makes no story."""
    late: tuple[StoryEntry, ...] = ()
    """The new reports, of stories and of `perhaps`, that are dated long before they were seen."""
    copies: tuple[int, ...] = ()
    """Entries that only repeat the link of a report that was reported before; they count as reported too."""
    overview: bool = True
    """Whether text, Markdown and HTML show trends and near misses; JSON and the archive always do."""
    archive_url: str = ""
    """Where the archive can be read on the web, with a slash at its end; "" when nowhere."""
    title: str = ""
    """What the digest is called; "" for the language's own name of it."""
    origin: str = ""
    """What makes this installation's Atom ids unique; "" for one of version 1.0."""
    part: Part | None = None
    """None for the whole digest: only that is ever stored."""

    @property
    def reported(self) -> tuple[int, ...]:
        """The entries that this digest is the first to report."""
        fresh = [*(r for story in self.stories for r in story.reports if r.new), *self.perhaps]
        copies = (copy.entry for report in fresh for copy in report.also_in)
        return tuple(dict.fromkeys([*(report.entry for report in fresh), *copies, *self.copies]))


@dataclass(frozen=True, kw_only=True, slots=True)
class StorySummary:
    """A story as one digest reported it, for lists and feeds."""

    id: int
    title: str
    url: str
    text: str
    """Its summary and whose words they are; "" without one."""
    themes: tuple[str, ...]
    """Labels."""
    updated: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class DigestSummary:
    """What the archive's lists show of a digest, stored beside it so that no list reads whole digests."""

    date: date
    made_at: datetime
    outcome: Outcome
    lead: str
    """What it reported, in numbers, or what kind of day it was."""
    catches_up: bool
    stories: tuple[StorySummary, ...]
    """The one that led comes first."""
    themes: tuple[tuple[str, int], ...]
    """Labels of themes with their new reports, in the order of themes.toml."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Headline:
    """A story in one line, for channels that carry no more."""

    title: str
    url: str
    score: float


def digest_key(day: date) -> str:
    """Return the key of a day's digest, on which its deliveries and Message-IDs depend."""
    return f"{_DIGEST}{day.isoformat()}"


def alert_key(story: int) -> str:
    """Return the key of the alert of a story."""
    return f"{_ALERT}{story}"


def is_digest_key(key: str) -> bool:
    """Say whether an edition is a day's digest, and not an alert."""
    return key.startswith(_DIGEST)


def name_of_edition(key: str) -> str:
    """Say what a key stands for: "digest of 2026-11-23", "alert on story 17"."""
    if is_digest_key(key):
        return f"digest of {key.removeprefix(_DIGEST)}"
    return f"alert on story {key.removeprefix(_ALERT)}"


@dataclass(frozen=True, kw_only=True, slots=True)
class RenderedDigest:
    """A digest or an alert, rendered, as the channels take it."""

    key: str
    """Made by `digest_key` or `alert_key`: unique for ever; Message-IDs derive from it."""
    date: date
    made_at: datetime
    language: str
    subject: str
    preheader: str
    headlines: tuple[Headline, ...]
    to: frozenset[str] | None = None
    """The mail addresses it is for; None for everybody."""
    hold_until: datetime | None = None
    """When it is to go out; None for as soon as it is made."""
    conclusive: bool = True
    """False if too little was reached for silence to mean anything: then no threshold holds it back."""
    renderings: dict[str, str] = field(hash=False)
    """Format ("md", "html", "text", "json", "atom") to the whole text of it."""
    mail_text: str = ""
    """The text of one message; together with `mail_html` always under 100 kB."""
    mail_html: str = ""
    """The same content as HTML."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Delivery:
    """One channel's sending of one edition to one recipient. `payload` is frozen before the first try."""

    id: int = 0
    edition: str
    """The edition's `key`."""
    channel: str
    recipient: str
    """An address, a file name, a service's name: never a secret."""
    # Bytes and not the edition: if a template or setting changed between two tries, the same Message-ID would
    # stand for another message.
    payload: bytes
    """Empty for what is made from the store when it is sent, and for deliveries settled long ago."""
    message_id: str = ""
    state: DeliveryState = "pending"
    attempts: int = 0
    next_attempt_at: datetime | None = None
    last_error: str = ""
    blocked: bool = False
    """True if it waits for something that only the user can fix (a refused log-in)."""
    reopened: bool = False
    """True if it was given up, and is tried once more since a later one got through."""
    unconfirmed: int = 0
    """Tries in which all of it was sent and no answer came: it may have arrived so often."""
    created_at: datetime
    """When it was first to go out: when it was frozen, or the time until which it was held."""
    sent_at: datetime | None = None
