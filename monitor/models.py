"""The nouns of the monitor: frozen values that the rooms hand to each other. No I/O, no decisions.

Instants are aware datetimes in UTC. Text is plain text: mark-up, control characters and
surplus white space were removed on the way in (`text.py`). Empty means "", never None.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Literal

FeedStateName = Literal["new", "ok", "failing", "silent", "gone", "disabled"]
DateBasis = Literal["publisher", "missing", "future", "absurd"]
DeliveryState = Literal["pending", "sending", "sent", "failed", "superseded"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Feed:
    """A subscription, as the reader wrote it in feeds.toml."""

    url: str
    title: str = ""
    language: str = ""
    """Primary language subtag ("en", "de") of its entries; "" when unknown."""
    tags: tuple[str, ...] = ()
    interval: timedelta | None = None
    """The reader's own poll interval for this feed; None: the general one."""
    weight: float = 1.0
    """How much one report of this feed counts in the digest's ranking."""
    family: str = ""
    """The publisher; outlets of one family count as one independent source."""
    enabled: bool = True
    private_host: str = ""
    """A host that this feed may reach although its address is private."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Hints:
    """How often a feed asks to be polled, from the document itself (RSS 2.0, RSS 1.0 syndication module)."""

    period: timedelta | None = None
    """The longest of `ttl` and `sy:updatePeriod`/`sy:updateFrequency`."""
    skip_hours: frozenset[int] = frozenset()
    """Hours of the day, UTC, without polls."""
    skip_days: frozenset[int] = frozenset()
    """Days of the week without polls, Monday is 0."""


@dataclass(frozen=True, kw_only=True, slots=True)
class FeedState:
    """What polling has taught us about one feed. A new feed has all defaults."""

    url: str
    """The address in feeds.toml: the feed's key, even when the feed has moved."""
    title: str = ""
    """The publisher's own title, from the last document."""
    location: str = ""
    """Where a permanent redirect has taken the feed; "" while it is at `url`."""
    moving_to: str = ""
    moving_seen: int = 0
    """How many polls in a row agreed on the permanent redirect to `moving_to`."""
    etag: str = ""
    last_modified: str = ""
    validators_url: str = ""
    """The final address that gave the validators; they are sent back to its origin only."""
    body_hash: str = ""
    next_poll_at: datetime | None = None
    last_poll_at: datetime | None = None
    last_success_at: datetime | None = None
    last_status: int | None = None
    last_error: str = ""
    consecutive_failures: int = 0
    gone: bool = False
    """The server answered 410; the feed is polled no more until the reader acts."""
    first_success_at: datetime | None = None
    newest_entry_at: datetime | None = None
    """When an entry that was new to us last came in."""
    rhythm: timedelta | None = None
    """The usual time between two new entries; None while unknown."""
    polls: int = 0
    gaps: int = 0
    """How many times entries fell through between two polls."""
    last_gap_at: datetime | None = None
    hints: Hints = Hints()
    """What the last document asked for; it holds through replies without a document ("not modified")."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Response:
    """What one poll of a feed brought: a body, "not modified", or an error."""

    feed: Feed
    url: str
    """The final address, after redirects."""
    status: int | None = None
    """None when no answer came."""
    body: bytes = b""
    content_type: str = ""
    not_modified: bool = False
    complete: bool = True
    """False when the body was cut short; its entries may be used, its validators not."""
    etag: str = ""
    last_modified: str = ""
    moved_to: str = ""
    """Where a chain of only permanent redirects led; "" without one."""
    max_age: timedelta | None = None
    """How long the server says the reply stays fresh (Cache-Control, else Expires)."""
    retry_after: timedelta | None = None
    error: str = ""
    """One line, "" when the poll succeeded."""
    unreachable: bool = False
    """No answer came, for a reason that may lie with our own network (look-up, connection, time)."""
    seconds: float = 0.0

    @property
    def ok(self) -> bool:
        """True when the server gave a document or said that nothing changed."""
        return not self.error


@dataclass(frozen=True, kw_only=True, slots=True)
class Evidence:
    """Why an entry has one beat or theme: a term that matched, where it stood and what it weighed."""

    target: str
    """The beat or theme that it speaks for."""
    term: str
    """The text as it stood in the entry."""
    rule: str
    """The rule in themes.toml that matched."""
    field: str
    """ "title", "summary" or "content"."""
    weight: float
    """Signed: context that speaks against a target weighs less than zero."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Tagging:
    """What an entry is about. Relevant is what has at least one beat."""

    beats: tuple[str, ...] = ()
    themes: tuple[str, ...] = ()
    score: float = 0.0
    """How sure the tagger is that the entry is relevant: 1.0 is just at the threshold; below it, no beat."""
    evidence: tuple[Evidence, ...] = ()
    near: str = ""
    """For an entry without a beat: the beat it came nearest to and what it lacked, in one line."""
    corrected: bool = False
    """The reader set beats and themes by hand (`mark`)."""

    @property
    def relevant(self) -> bool:
        """True when the entry is in scope at all."""
        return bool(self.beats)


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """One item of a feed. `id` is 0 until the store has given one."""

    id: int = 0
    feed: str
    """The `url` of the feed that brought it."""
    guid: str = ""
    """What the publisher calls it, made up from link or title and date where there is none."""
    url: str = ""
    """The canonical link (`text.canonical_url`), "" when it has none."""
    title: str
    summary: str = ""
    content: str = ""
    author: str = ""
    language: str = ""
    outlet: str = ""
    """Who published it when the feed is an aggregator (`<source>` of Google News); else ""."""
    published: datetime
    """The publisher's instant when it can be believed, else `first_seen`; `dated` says which."""
    dated: DateBasis = "publisher"
    updated: datetime | None = None
    first_seen: datetime
    changed_at: datetime | None = None
    """When a later poll last brought other text for it."""
    backlog: bool = False
    """It came with a feed's first document, or long after its date: known and searchable, but no news."""
    tagging: Tagging = Tagging()
    story: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Known:
    """What the store knows of an entry, for a document's entries to be compared with."""

    id: int
    guid: str
    url: str
    title: str
    fingerprint: str
    published: datetime
    first_seen: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Document:
    """A feed document, read: what the publisher says of the feed, and its entries in the document's order."""

    title: str = ""
    language: str = ""
    link: str = ""
    entries: tuple[Entry, ...] = ()
    hints: Hints = Hints()
    complete: bool = True
    """False for a truncated document: its entries count, its validators do not."""
    note: str = ""
    """One line on what was unusual (declared encoding was wrong, entries over the cap, ...)."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Join:
    """Why an entry is in its story."""

    entry: int
    similarity: float
    """Of entry and story, 0 to 1; 1.0 for the entry that began it and for a copy."""
    reason: str
    """One readable line: the shared names, numbers and words, the time between."""
    runner_up: int | None = None
    """The story that was second best, when there was one."""
    runner_up_similarity: float = 0.0
    pinned: bool = False
    """The reader put it here (`stories merge`, `stories split`)."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Story:
    """Entries that report one event; it lives while reports keep coming. `id` is 0 before storing."""

    id: int = 0
    entries: tuple[Entry, ...]
    """In order of `first_seen`."""
    joins: tuple[Join, ...] = ()
    """One for each entry, in the same order."""
    title: str = ""
    """Verbatim the title of one of its entries."""
    summary: str = ""
    """Verbatim the summary of one of its entries, "" when none has one."""
    lead: int = 0
    """The id of the entry whose title and summary they are."""
    themes: tuple[str, ...] = ()
    beats: tuple[str, ...] = ()
    first_seen: datetime
    last_seen: datetime
    sources: int = 1
    """Independent sources: copies of one text and outlets of one publisher family count once."""
    related: tuple[int, ...] = ()
    """Earlier and later stories of the same affair."""
    names: tuple[str, ...] = ()
    """What it is known by, for later stories of the same affair to find it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class FeedHealth:
    """How one feed fares now, for `status` and for the digest's receipt. `url` is without credentials."""

    url: str
    title: str
    state: FeedStateName
    last_status: int | None = None
    last_error: str = ""
    consecutive_failures: int = 0
    last_poll_at: datetime | None = None
    last_success_at: datetime | None = None
    next_poll_at: datetime | None = None
    newest_entry_at: datetime | None = None
    entries: int = 0
    rhythm: timedelta | None = None
    note: str = ""
    """One line that a human should read (gone, silent for 9 days against one entry a day, moved to ...)."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Window:
    """What a digest covers: entries with `start < first_seen <= end`."""

    start: datetime
    end: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Report:
    """One entry of a story as a digest shows it."""

    entry: int
    title: str
    url: str
    feed: str
    """The feed's address, without credentials."""
    outlet: str
    """The name the reader knows: the feed's title, or the aggregator's source."""
    language: str
    published: datetime
    dated: DateBasis
    new: bool
    """First told in this digest; an entry is new in one digest only."""


@dataclass(frozen=True, kw_only=True, slots=True)
class DigestStory:
    """A story as one digest shows it: frozen, so that every rendering of it is the same for ever."""

    id: int
    title: str
    url: str
    summary: str
    summary_outlet: str
    """Whose words the summary is."""
    beats: tuple[str, ...]
    themes: tuple[str, ...]
    new: bool
    """False when an earlier digest has told of it."""
    day: int
    """1 on the local day it began."""
    sources: int
    score: float
    languages: tuple[str, ...]
    first_seen: datetime
    last_seen: datetime
    reports: tuple[Report, ...]
    """New ones first, then by date."""
    related: tuple[tuple[int, str], ...] = ()
    """Ids and titles of stories of the same affair."""


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
    """One theme's new reports on each of the last 14 local days, oldest first."""

    theme: str
    counts: tuple[int, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Receipt:
    """What stood behind a digest: proof that quiet was quiet."""

    feeds: tuple[FeedHealth, ...]
    polls: int
    """Polls made in the window."""
    entries: int
    """Entries first seen in the window."""
    relevant: int
    stories: int
    reports: int
    sources: int
    gaps: tuple[tuple[str, int], ...] = ()
    """Feeds from which entries fell through in the window, by title, and how often."""
    near_misses: tuple[NearMiss, ...] = ()
    failed_deliveries: tuple[str, ...] = ()
    """One line for each delivery that failed for good since the last digest."""
    version: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Digest:
    """A day's edition. Made once and frozen; every rendering is a pure function of it."""

    date: date
    """The local day it is for."""
    window: Window
    catches_up: bool = False
    """It covers more than its own day because digests were missed."""
    language: str
    timezone: str
    made_at: datetime
    stories: tuple[DigestStory, ...]
    """All, ranked: new before continuing."""
    max_stories: int
    """How many are shown in full; the rest appear in one line each."""
    labels: tuple[tuple[str, str], ...]
    """Beats' and themes' slugs with their labels in the digest's language, in the order of themes.toml."""
    trends: tuple[Trend, ...]
    receipt: Receipt


@dataclass(frozen=True, kw_only=True, slots=True)
class Headline:
    """A story in one line, for channels that carry no more."""

    title: str
    url: str
    score: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Edition:
    """A digest or an alert, rendered, as the channels take it."""

    key: str
    """ "digest:2026-11-23" or "alert:17": unique for ever; Message-IDs derive from it."""
    date: date
    made_at: datetime
    language: str
    subject: str
    preheader: str
    headlines: tuple[Headline, ...]
    renderings: dict[str, str] = field(hash=False)
    """Format ("md", "html", "text", "json", "atom") to the whole text of it."""
    files: dict[str, str] = field(default_factory=dict, hash=False)
    """Further files of the archive by name ("index.html", "digests.atom", "stories.atom")."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Delivery:
    """One channel's sending of one edition to one recipient. `payload` is frozen before the first try."""

    id: int = 0
    edition: str
    """The edition's `key`."""
    channel: str
    recipient: str
    """An address, a file name, a service's name: never a secret."""
    payload: bytes
    message_id: str = ""
    state: DeliveryState = "pending"
    attempts: int = 0
    next_attempt_at: datetime | None = None
    last_error: str = ""
    created_at: datetime
    sent_at: datetime | None = None
