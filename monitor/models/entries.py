"""The nouns of reading: entries, what they are about, their documents and their stories."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, NamedTuple

from monitor.models.feeds import Hints

DateBasis = Literal["publisher", "missing", "future", "absurd"]
Shelf = Literal["", "perhaps", "sure"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Evidence:
    """Why an entry has one beat or theme: a term that matched, where it stood and what it weighed."""

    target: str
    """The beat or theme that it speaks for."""
    term: str
    """The text as it stood in the entry; for what the learned table counts besides, its name or ""."""
    rule: str
    """The rule in themes.toml that matched, or what the learned table counted ("learned: …")."""
    field: str
    """ "title", "summary" or "content"; "" for what stands nowhere in particular."""
    weight: float
    """Signed: context that speaks against a target weighs less than zero."""

    @property
    def quoted(self) -> str:
        """The term for the user, with the field it stands in."""
        return f"“{self.term}” in the {self.field}" if self.field else self.term or "all else"


@dataclass(frozen=True, kw_only=True, slots=True)
class Tagging:
    """What an entry is about. Relevant is what has at least one beat."""

    beats: tuple[str, ...] = ()
    themes: tuple[str, ...] = ()
    # Beside `certainty`, which decides: scripts of 1.0 read it, and what it tagged has nothing else.
    score: float = 0.0
    """How sure the tagger is that the entry is relevant: 1.0 is just at the threshold; below it, no beat."""
    evidence: tuple[Evidence, ...] = ()
    near: str = ""
    """For an entry without a beat: the beat it came nearest to and what it lacked, in one line."""
    corrected: bool = False
    """The user set beats and themes by hand (`mark`)."""
    certainty: float = 0.0
    """The calibrated probability, 0 to 1, that the entry is relevant, at the real rate of news."""
    shelf: Shelf = ""
    """ "sure" makes stories, "perhaps" a single line; "" for what is not chosen."""

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
    """The canonical link (`url.canonical_url`), "" when it has none."""
    title: str
    summary: str = ""
    content: str = ""
    author: str = ""
    language: str = ""
    outlet: str = ""
    """Who published it when the feed is an aggregator (`<source>` of Google News); else ""."""
    citing: str = ""
    """Whom the entry names as its source, when the feed's links are its own: no independent source."""
    published: datetime
    """The publisher's instant when it can be believed, else `first_seen`; `dated` says which."""
    dated: DateBasis = "publisher"
    updated: datetime | None = None
    first_seen: datetime
    changed_at: datetime | None = None
    """When a later poll last brought other text for it."""
    backlog: bool = False
    """It came with a feed's first document and is old: known and searchable, but no news."""
    late: bool = False
    """Its date lies long before `first_seen`: news all the same, to be told with its date."""
    tagging: Tagging = Tagging()
    story: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Known:
    """What the store knows of an entry, for a document's entries to be compared with."""

    id: int
    guid: str
    url: str
    title: str
    # For the whole text: a feed has hundreds of these, and each poll compares them all.
    fingerprint: str
    published: datetime
    dated: DateBasis = "publisher"
    first_seen: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Document:
    """A feed document, read: what the publisher says of the feed, and its entries in the document's order."""

    title: str = ""
    language: str = ""
    link: str = ""
    entries: tuple[Entry, ...] = ()
    hints: Hints = Hints()  # noqa: RUF009 - frozen
    complete: bool = True
    """False for a truncated document: its entries count, its validators do not."""
    broken: Entry | None = None
    """What can be read of the entry in whose middle it breaks off; not among `entries`."""
    note: str = ""
    """One line on what was unusual (declared encoding was wrong, entries over the cap, ...)."""
    losses: str = ""
    """One line on what of it was left out: entries over the cap."""
    faults: str = ""
    """One line on what a bug of ours kept from being read or tagged."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Findings:
    """What one response brought that is new or changed, tagged."""

    new: tuple[Entry, ...] = ()
    changed: tuple[Entry, ...] = ()
    gap: bool = False
    """Entries fell through: the oldest of the document is newer than all we knew."""
    first: bool = False
    """It was the first document of the feed."""
    document: Document | None = None
    """None when there was none to read: not modified, or the same bytes as last time."""


# The later step first: who reports a ruling tells of the filing too, who reports an appeal of the ruling.
EVENT_KINDS = (
    "appeal",
    "settlement",
    "ruling",
    "vote",
    "hearing",
    "strike",
    "shutdown",
    "law",
    "award",
    "leak",
    "protest",
    "filing",
    "deal",
    "launch",
    "ban",
    "response",
    "study",
    "appointment",
    "departure",
    "incident",
    "opinion",
)
"""What can happen, as `Story.kind` says it: of several that a text speaks of the first here counts."""


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
    doubtful: bool = False
    """It was joined just above the bar."""
    copy_of: int | None = None
    """The entry of the same story that brought this report first: same text, link or identifier."""
    pinned: bool = False
    """The user put it here (`stories merge`, `stories split`)."""


class Report(NamedTuple):
    """One report of a story: the entry that brought it first, and those that only repeat it."""

    entry: Entry
    copies: tuple[Entry, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Story:
    """Entries that report one event; it lives while reports keep coming. `id` is 0 before storing."""

    id: int = 0
    entries: tuple[Entry, ...]
    """In order of `first_seen`."""
    joins: tuple[Join, ...] = ()
    """One for each entry, in the same order."""
    title: str = ""
    """Verbatim the title of one of its entries: of the newest turn when the story went on."""
    first_title: str = ""
    """The title under which it began, where a newer turn leads; else ""."""
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
    kind: str = ""
    """What happened: a kind of event ("ruling", "strike", "deal", "launch", ...), "" when none is seen."""
    parties: tuple[str, ...] = ()
    """Who did it to whom: names as they are spelt, then roles ("court", "union")."""
    affair: int | None = None
    """The affair (case, strike, product, person) that it is a step of: the id of its first story."""
    before: int | None = None
    """The step before in its affair, a story."""
    after: int | None = None
    """The step after."""

    @property
    def leading(self) -> Entry:
        """The entry whose title and summary it has; its first where that is not among its entries."""
        return next((entry for entry in self.entries if entry.id == self.lead), self.entries[0])

    @property
    def reports(self) -> tuple[Report, ...]:
        """Its entries without copies, each with its copies: "also in"."""
        originals = {join.entry: join.copy_of or join.entry for join in self.joins}
        found: dict[int, list[Entry]] = {}
        for entry in self.entries:
            found.setdefault(originals.get(entry.id, entry.id), []).append(entry)
        # Of entries seen in one poll the original need not be the one that was stored first.
        ordered = (sorted(those, key=lambda e: e.id != number) for number, those in found.items())
        return tuple(Report(first, tuple(copies)) for first, *copies in ordered)


@dataclass(frozen=True, kw_only=True, slots=True)
class PastStory:
    """A story as far as others of its affair need it to find it."""

    id: int
    names: frozenset[str]
    last_seen: datetime
    sources: int = 1
    kind: str = ""
    affair: int | None = None

    @classmethod
    def of(cls, story: Story) -> PastStory:
        """Return what others need of a story."""
        return cls(
            id=story.id,
            names=frozenset(story.names),
            last_seen=story.last_seen,
            sources=story.sources,
            kind=story.kind,
            affair=story.affair,
        )


class Sought(NamedTuple):
    """Which past stories some others may be steps after."""

    names: frozenset[str]
    """Those that have one of these,"""
    stories: frozenset[int]
    """these,"""
    since: datetime
    """those that were seen from here on; and all other steps of the affairs of any of them."""


class Split(NamedTuple):
    """A story that entries were taken out of, and the new one that they make."""

    rest: Story
    taken: Story


@dataclass(frozen=True, kw_only=True, slots=True)
class Mark:
    """What the user says of one entry."""

    entry: int
    relevant: bool
    beats: tuple[str, ...] = ()
    """At least one for a relevant entry, none for another."""
    themes: tuple[str, ...] | None = None
    """None: those that the tagger finds."""
    made_at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Correction:
    """The user's word: the entries of both sides tell of one event (`merge`), or they do not (`split`)."""

    entries: tuple[int, ...]
    others: tuple[int, ...]
    together: bool
    made_at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class TermCounts:
    """In how many of our relevant entries a term stands; terms that are not asked for may be left out."""

    documents: int = 0
    counts: Mapping[str, int]
