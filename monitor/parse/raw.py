"""A feed as its document says it, nothing judged or cleaned: what both parsers hand to `reader.py`."""

from __future__ import annotations

from dataclasses import dataclass, field

from monitor.models import Hints


@dataclass(frozen=True, kw_only=True, slots=True)
class RawEntry:
    """One item, its texts still with their mark-up; "" where the document says nothing."""

    guid: str = ""
    link: str = ""
    title: str = ""
    summary: str = ""
    content: str = ""
    author: str = ""
    language: str = ""
    """Only when the entry itself states one."""
    source: str = ""
    """Another outlet that the entry names: whose report it is, or whom it cites."""
    source_url: str = ""
    published: str = ""
    updated: str = ""

    @property
    def says_something(self) -> bool:
        """True when it has a title, a text or a link; the rest is not worth being known."""
        return any(map(str.strip, (self.title, self.summary, self.content, self.link)))


@dataclass(frozen=True, kw_only=True, slots=True)
class RawFeed:
    """A document's own words about the feed, and its items in order."""

    title: str = ""
    language: str = ""
    link: str = ""
    entries: tuple[RawEntry, ...] = ()
    hints: Hints = field(default_factory=Hints)
    complete: bool = True
    """False when the document breaks off."""
    broken: RawEntry | None = None
    """What can be read of the entry in whose middle it breaks off: its first elements, each whole."""
    left_out: int = 0
    """How many entries over the cap it holds."""
