"""The nouns of polling: subscriptions, what polling has taught about feeds, and what one poll brought."""

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
    """What the digest calls it; without it, the feed's own title."""
    language: Language = ""
    """"en", "de"; without it, what the feed says, else recognised for each entry."""
    tags: Texts = ()
    """Labels of your own; `monitor feeds export` writes them as OPML categories."""
    interval: OwnDuration = None
    """Poll it at least this often ("1h"), within min_interval and max_interval; busy feeds more often."""
    weight: Annotated[float, number(0.01, 10)] = 1.0
    """How much its reports count in the ranking."""
    family: Text = ""
    """The publisher; outlets of one family count as one independent source."""
    kind: Annotated[FeedKind, choice("", *FEED_KINDS)] = ""
    """What it writes about: in doubt, the news of a "union" is chosen sooner, "general" news later."""
    group: Text = ""
    """The group it belongs to: "technology", "unions"; `follow` takes whole groups of the curated list."""
    enabled: Switch = True
    """False: the feed stays in the list, but is not polled."""
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
    """What polling has taught us about one feed. A new feed has only defaults."""

    # Not the address where it is found today: a redirect that lasts a week does not make it another feed.
    url: str
    """The address in feeds.toml: the feed's key, even when the feed has moved."""
    title: str = ""
    """The publisher's own title, from the last document."""
    location: str = ""
    """Where permanent redirects have moved the feed; "" while it is at `url`."""
    moving_to: str = ""
    moving_seen: int = 0
    """How many polls in a row agreed on the permanent redirect to `moving_to`; 0: it is to another feed."""
    etag: str = ""
    last_modified: str = ""
    validators_url: str = ""
    """The final address that sent the validators; they go back only to its origin."""
    body_hash: str = ""
    next_poll_at: datetime | None = None
    last_poll_at: datetime | None = None
    last_success_at: datetime | None = None
    last_status: int | None = None
    last_error: str = ""
    consecutive_failures: int = 0
    gone: bool = False
    """The server answered 410; the feed is asked again once a week, as some answer that by mistake."""
    first_success_at: datetime | None = None
    newest_entry_at: datetime | None = None
    """When the last new entry came in."""
    rhythm: timedelta | None = None
    """The usual time between two new entries; None while unknown."""
    polls: int = 0
    gaps: int = 0
    """How many times entries fell through between two polls."""
    last_gap_at: datetime | None = None
    last_document_at: datetime | None = None
    """When the server last sent a document; later answers were "not modified"."""
    breaks_off_since: datetime | None = None
    """Since when every document has broken off early; None if the last one was complete."""
    note: str = ""
    """What was left out of the last document; "" for nothing."""
    faults: str = ""
    """What in it could not be read or tagged because of a bug of ours."""
    hints: Hints = Hints()
    """What the last document asked for; it also holds after replies without a document."""


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
    """False if the body was cut short: then its entries may be used, but not its validators."""
    etag: str = ""
    last_modified: str = ""
    moved_to: str = ""
    """Where a chain of permanent redirects led; "" if there was none."""
    max_age: timedelta | None = None
    """How long the server says the reply stays fresh (Cache-Control, else Expires)."""
    retry_after: timedelta | None = None
    asked: bool = True
    """False if no request was made, because the host wants to be left alone for `retry_after`."""
    error: str = ""
    """One line, "" when the poll succeeded."""
    # More than `status is None`: a refused address and a broken header give no status either, but are the
    # publisher's fault.
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
    """Every feed failed: our network was down, and no feed is to blame."""

    @classmethod
    def of(cls, feeds: Sequence[FeedPoll], start: datetime, took: timedelta, *, outage: bool) -> Self:
        """Add up the polls of single feeds."""
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
    """The present state of a feed, for `status` and the digest's receipt. `url` is without credentials."""

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
    """One line for people (gone, silent for 9 days although it usually has one entry a day, moved to ...)."""
    faults: str = ""
    """What in its last document we could not read or tag, because of a bug of ours."""
