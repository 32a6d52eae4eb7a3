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
    """Why an entry has a beat or theme: a term that matched, where it was found and its weight."""

    target: str
    """The beat or theme that it speaks for."""
    term: str
    """The text as it stands in the entry; for other things that the learned table counts, a name or ""."""
    rule: str
    """The rule in themes.toml that matched, or what the learned table counted ("learned: …")."""
    field: str
    """Where it was found: "title", "summary" or "content"; "" for no particular place."""
    weight: float
    """Negative for context that speaks against the target."""

    @property
    def quoted(self) -> str:
        """The term for the user, with the field it stands in."""
        return f"“{self.term}” in the {self.field}" if self.field else self.term or "all else"


@dataclass(frozen=True, kw_only=True, slots=True)
class Tagging:
    """What an entry is about. It is relevant if it has at least one beat."""

    beats: tuple[str, ...] = ()
    themes: tuple[str, ...] = ()
    # Kept beside `certainty`, which decides: scripts for 1.0 read it, and entries tagged by 1.0 have only it.
    score: float = 0.0
    """How sure the tagger is that the entry is relevant: 1.0 is just at the threshold; below it, no beat."""
    evidence: tuple[Evidence, ...] = ()
    near: str = ""
    """For an entry without a beat, in one line: the beat it came nearest to, and what it lacked."""
    corrected: bool = False
    """The user set beats and themes by hand (`mark`)."""
    certainty: float = 0.0
    """The calibrated probability, 0 to 1, that the entry is relevant, at the rate of real news."""
    shelf: Shelf = ""
    """One of "sure" (makes stories), "perhaps" (a single line) and "" (not chosen)."""

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
    """The publisher's id for it; if there is none, one made from its link, or its title and date."""
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
    """Whom the entry names as its source if its link is the feed's own: then it is no independent source."""
    published: datetime
    """The publisher's instant when it can be believed, else `first_seen`; `dated` says which."""
    dated: DateBasis = "publisher"
    updated: datetime | None = None
    first_seen: datetime
    changed_at: datetime | None = None
    """When a later poll last brought other text for it."""
    backlog: bool = False
    """It came with a feed's first document and was old: stored and searchable, but not news."""
    late: bool = False
    """Its date lies long before `first_seen`: it is news all the same, reported with its date."""
    tagging: Tagging = Tagging()
    story: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Known:
    """What the store knows of an entry, to compare a document's entries with."""

    id: int
    guid: str
    url: str
    title: str
    # Stands for the whole text: a feed has hundreds of these, and each poll compares them all.
    fingerprint: str
    outlet: str = ""
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
    """What can be read of the entry in the middle of which it breaks off; not among `entries`."""
    note: str = ""
    """One line on what was unusual (a wrong declared encoding, too many entries, ...)."""
    losses: str = ""
    """One line on what was left out: entries over the limit."""
    faults: str = ""
    """One line on what could not be read or tagged because of a bug of ours."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Findings:
    """What one response brought that is new or changed, tagged."""

    new: tuple[Entry, ...] = ()
    changed: tuple[Entry, ...] = ()
    gap: bool = False
    """Entries fell through: the oldest one in the document is newer than all that were known."""
    first: bool = False
    """It was the first document of the feed."""
    document: Document | None = None
    """None if there was nothing to read: not modified, or the same bytes as last time."""


# Later steps first: a report on a ruling also mentions the filing, and one on an appeal the ruling.
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
"""What can happen, as `Story.kind` says it; if a text mentions several, the first one in this list counts."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Join:
    """Why an entry is in its story."""

    entry: int
    similarity: float
    """How similar entry and story are, 0 to 1; 1.0 for the story's first entry and for copies."""
    reason: str
    """One readable line: the shared names, numbers and words, the time between."""
    runner_up: int | None = None
    """The story that was second best, when there was one."""
    runner_up_similarity: float = 0.0
    doubtful: bool = False
    """True if the similarity was just above the bar."""
    copy_of: int | None = None
    """The entry of the same story that brought this report first: same text, link or identifier."""
    pinned: bool = False
    """True if the user put it here (`stories merge`, `stories split`)."""


class Report(NamedTuple):
    """One report of a story: the entry that brought it first, and those that only repeat it."""

    entry: Entry
    copies: tuple[Entry, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Story:
    """Entries that report one event; it stays open while reports keep coming. `id` is 0 before storing."""

    id: int = 0
    entries: tuple[Entry, ...]
    """In order of `first_seen`."""
    joins: tuple[Join, ...] = ()
    """One for each entry, in the same order."""
    title: str = ""
    """The title of one of its entries, verbatim; of the newest turn if the story has gone on."""
    first_title: str = ""
    """The title it began with, if a newer turn leads; else ""."""
    summary: str = ""
    """The summary of one of its entries, verbatim; "" if none has one."""
    lead: int = 0
    """The id of the entry with that title and summary."""
    themes: tuple[str, ...] = ()
    beats: tuple[str, ...] = ()
    first_seen: datetime
    last_seen: datetime
    sources: int = 1
    """Independent sources: copies of one text and outlets of one publisher family count once."""
    related: tuple[int, ...] = ()
    """Earlier and later stories of the same affair."""
    names: tuple[str, ...] = ()
    """Names by which later stories of the same affair find it."""
    kind: str = ""
    """What happened: one of EVENT_KINDS, "" if none was recognised."""
    parties: tuple[str, ...] = ()
    """Who was involved: names as they are spelt, then roles ("court", "union")."""
    affair: int | None = None
    """The affair (case, strike, product, person) that it is a step of, by the id of its first story."""
    before: int | None = None
    """The story before it in its affair."""
    after: int | None = None
    """The story after it."""
    absorbed: tuple[int, ...] = ()
    """Stored stories that it has taken in, for the store to let their numbers lead to it; () once stored."""

    @property
    def leading(self) -> Entry:
        """The entry whose title and summary it has; the first one if that is not among its entries."""
        return next((entry for entry in self.entries if entry.id == self.lead), self.entries[0])

    @property
    def reports(self) -> tuple[Report, ...]:
        """Its entries without copies, each with its copies: "also in"."""
        originals = {join.entry: join.copy_of or join.entry for join in self.joins}
        found: dict[int, list[Entry]] = {}
        for entry in self.entries:
            found.setdefault(originals.get(entry.id, entry.id), []).append(entry)
        # Of entries seen in one poll, the original need not be the one that was stored first.
        ordered = (sorted(those, key=lambda e: e.id != number) for number, those in found.items())
        return tuple(Report(first, tuple(copies)) for first, *copies in ordered)


@dataclass(frozen=True, kw_only=True, slots=True)
class PastStory:
    """What later stories need to know of a story to find their affair."""

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
    """At least one if the entry is relevant, none if it is not."""
    themes: tuple[str, ...] | None = None
    """None means those that the tagger finds."""
    made_at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Correction:
    """What the user said: the entries of both sides report one event (`merge`), or they do not (`split`)."""

    entries: tuple[int, ...]
    others: tuple[int, ...]
    together: bool
    made_at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class TermCounts:
    """In how many relevant entries each term occurs; terms that nobody asks for may be left out."""

    documents: int = 0
    counts: Mapping[str, int]
