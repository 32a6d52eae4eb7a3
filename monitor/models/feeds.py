"""The nouns of polling: what we subscribe to, what polling taught us, what one poll brought."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Annotated, Literal, Self, get_args

from monitor.setting_kinds import Language, OwnDuration, OwnHost, Switch, Text, Texts, Url, choice, number

FeedKind = Literal["", "technology", "culture", "law", "union", "general"]
FEED_KINDS = tuple(kind for kind in get_args(FeedKind) if kind)
FeedStateName = Literal["new", "ok", "failing", "silent", "gone", "disabled"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Feed:
    """A subscription, as the user wrote it in feeds.toml."""

    url: Url
    """The feed's address."""
    title: Text = ""
    """How the digest names it; without it, by the feed's own title."""
    language: Language = ""
    """"en", "de"; without it the feed's own word, else recognised entry by entry."""
    tags: Texts = ()
    """Your own marks; `monitor feeds export` writes them as OPML categories."""
    interval: OwnDuration = None
    """Ask this feed at least so often ("1h"), within min_interval and max_interval; a busy one more often."""
    weight: Annotated[float, number(0.01, 10)] = 1.0
    """How much its reports count in the ranking."""
    family: Text = ""
    """The publisher; outlets of one family count as one independent source."""
    kind: Annotated[FeedKind, choice("", *FEED_KINDS)] = ""
    """What it writes of: "technology", "culture", "law", "union", "general"."""
    group: Text = ""
    """Where it belongs: "technology", "unions"; `follow` takes whole groups of the curated list."""
    enabled: Switch = True
    """False keeps the feed in the list without polling it."""
    private_host: OwnHost = ""
    """A host on your own network that this feed may reach."""


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

    # Not where it is found today: a server that sends us elsewhere for a week makes no other feed of it.
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
    """The server answered 410; the feed is asked again once a week, for some say it by mistake."""
    first_success_at: datetime | None = None
    newest_entry_at: datetime | None = None
    """When an entry that was new to us last came in."""
    rhythm: timedelta | None = None
    """The usual time between two new entries; None while unknown."""
    polls: int = 0
    gaps: int = 0
    """How many times entries fell through between two polls."""
    last_gap_at: datetime | None = None
    last_document_at: datetime | None = None
    """When the server last gave a document; until then it said "not modified"."""
    breaks_off_since: datetime | None = None
    """Since when no document of it could be taken to its end; None when the last one could."""
    note: str = ""
    """What of the last document was left out; "" when nothing was."""
    faults: str = ""
    """What of it a bug of ours kept from being read or tagged."""
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
    asked: bool = True
    """False when it was not even asked, because its host wants quiet for `retry_after`."""
    error: str = ""
    """One line, "" when the poll succeeded."""
    # Apart from `status is None`: a refused address and a broken header came without an answer as well, and
    # are the publisher's.
    unreachable: bool = False
    """No answer came, for a reason that may lie with our own network (look-up, connection, time)."""

    @property
    def ok(self) -> bool:
        """True when the server gave a document or said that nothing changed."""
        return not self.error


@dataclass(frozen=True, kw_only=True, slots=True)
class FeedPoll:
    """One poll of one feed, in figures."""

    feed: str
    at: datetime
    status: int | None = None
    error: str = ""
    new: int = 0
    changed: int = 0
    gap: bool = False
    """Entries fell through between this poll and the one before."""
    unreachable: bool = False
    """No answer came, for a reason that may lie with our own network."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Poll:
    """One run of poll(), in figures."""

    started_at: datetime
    finished_at: datetime
    feeds: int
    ok: int
    failed: int
    not_modified: int
    new: int
    changed: int
    outage: bool = False
    """Every feed failed: our network, nobody's fault."""

    @classmethod
    def of(cls, feeds: Sequence[FeedPoll], start: datetime, took: timedelta, *, outage: bool) -> Self:
        """Add up what became of each feed."""
        read = [feed for feed in feeds if not feed.error]
        return cls(
            started_at=start,
            finished_at=start + took,
            feeds=len(feeds),
            ok=len(read),
            failed=len(feeds) - len(read),
            not_modified=sum(feed.status == HTTPStatus.NOT_MODIFIED for feed in read),
            new=sum(feed.new for feed in feeds),
            changed=sum(feed.changed for feed in feeds),
            outage=outage,
        )

    def figures(self) -> dict[str, int]:
        """Return its counts by their names, as the store keeps and JSON tells them."""
        names = ("feeds", "ok", "failed", "not_modified", "new", "changed")
        return {name: getattr(self, name) for name in names}


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
    faults: str = ""
    """What its last document held and we could not read or tag: a fault of ours."""
