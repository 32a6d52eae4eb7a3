"""A feed as its document has it, before anything is judged or cleaned. Each parser gives this to `reader`."""

from __future__ import annotations

from dataclasses import dataclass, field

from monitor.models import Hints


@dataclass(frozen=True, kw_only=True, slots=True)
class RawEntry:
    """One item. Texts still have their mark-up; "" stands for whatever the document lacks."""

    guid: str = ""
    link: str = ""
    title: str = ""
    summary: str = ""
    content: str = ""
    author: str = ""
    language: str = ""
    """Only if the entry itself states one."""
    source: str = ""
    """Another outlet that the entry names, as its publisher or as a source that it cites."""
    source_url: str = ""
    published: str = ""
    updated: str = ""

    @property
    def has_content(self) -> bool:
        """True if it has a title, a text or a link; without any of them it is not worth storing."""
        return any(map(str.strip, (self.title, self.summary, self.content, self.link)))


@dataclass(frozen=True, kw_only=True, slots=True)
class RawFeed:
    """What a document says of its feed, and its items in order."""

    title: str = ""
    language: str = ""
    link: str = ""
    entries: tuple[RawEntry, ...] = ()
    hints: Hints = field(default_factory=Hints)
    complete: bool = True
    """False when the document breaks off."""
    broken: RawEntry | None = None
    """What can be read of the entry in whose middle it breaks off: its first whole elements."""
    left_out: int = 0
    """How many entries were left out because there are more than the limit."""
