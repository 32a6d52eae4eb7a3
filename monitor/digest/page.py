"""What a page shows, as values: plain text on one line, or a safe link, in the user's language.

`view.py` makes them from a digest. Text, Markdown, HTML and the archive only add mark-up and escaping, so
their contents cannot differ.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from monitor.models import Outcome

_BLOCKS: Final = "▁▂▃▄▅▆▇█"
HEIGHTS: Final = len(_BLOCKS)


@dataclass(frozen=True, kw_only=True, slots=True)
class Caps:
    """How much is shown before "and N more"."""

    stories: int
    """In full."""
    reports: int
    """In addition to the leading one."""
    lines: int
    """In each section, and in each part of the receipt."""
    summary: int
    """Characters."""
    shortened: bool = False
    """True when they are smaller than the digest needs, to fit into a message."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """One line of a list: its text, a link or "", and a note."""

    text: str
    url: str = ""
    note: str = ""
    handle: str = ""
    """The short address by which commands take it ("e9071"), "" where there is none."""
    language: str = ""
    """That of the text where it is another than the page's."""
    also_in: tuple[Line, ...] = ()
    """Outlets that repeat it, with a link if theirs is different."""


@dataclass(frozen=True, kw_only=True, slots=True)
class StoryView:
    """One story. With a single report and no neighbours it is brief: two lines."""

    anchor: str
    handle: str
    """Its short address, "s412"."""
    entries: tuple[str, ...]
    """Those of its reports, "e9071", in the order shown."""
    page: str
    """Its page in the archive, "" where that cannot be reached."""
    title: str
    url: str
    language: str
    """That of title and teaser where it is another than the page's, else ""."""
    first_title: str
    """The title it began with, if the present one is from a newer turn; else ""."""
    meta: tuple[str, ...]
    """What happened, how many sources, how many languages, new or since when."""
    teaser: str
    outlet: str
    notes: tuple[str, ...]
    """Notes on the report with the title, such as an odd date."""
    also_in: tuple[Line, ...]
    """Outlets that repeat it."""
    also: tuple[Line, ...]
    """The other reports by their outlets."""
    more: str
    before: Line | None
    after: Line | None

    @property
    def credits(self) -> tuple[str, ...]:
        """What follows the teaser: whose words it is and, for a brief story, everything else."""
        return (self.outlet, *self.notes, *(self.meta if self.brief else ()))

    @property
    def brief(self) -> bool:
        """Whether two lines are enough."""
        return not (self.also or self.before or self.after or self.first_title)


@dataclass(frozen=True, kw_only=True, slots=True)
class Section:
    """A heading, the stories under it, and further ones in a line each."""

    title: str
    stories: tuple[StoryView, ...]
    lines: tuple[Line, ...] = ()
    more: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Bars:
    """A theme's reports by day."""

    label: str
    counts: tuple[int, ...]
    heights: tuple[int, ...]
    """0 to 8, relative to the busiest day of all themes; 0 only for days without reports."""
    total: str

    @property
    def sparkline(self) -> str:
        """The same as block characters, a dot for a day without a report."""
        return "".join(_BLOCKS[height - 1] if height else "·" for height in self.heights)


@dataclass(frozen=True, kw_only=True, slots=True)
class Note:
    """One part of the receipt: a label, a list, and what to do about it."""

    label: str
    lines: tuple[Line, ...] = ()
    more: str = ""
    advice: str = ""
    bad: bool = False
    """A human should look at it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ReceiptView:
    """What stands behind a digest: one line, and more only if something is wrong."""

    line: str
    notes: tuple[Note, ...]
    colophon: tuple[str, ...]
    """Counts, window and maker."""


@dataclass(frozen=True, kw_only=True, slots=True)
class View:
    """A page: a digest's, or an alert's, which has one story and nothing behind it."""

    language: str
    words: dict[str, str]
    """Headings and fixed phrases."""
    name: str
    """The stem of its files."""
    heading: str
    subject: str
    preheader: str
    outcome: Outcome
    lead: StoryView | None
    """The story that opens it."""
    state: str
    """What the day was like, in one line, if no story leads; else ""."""
    notices: tuple[str, ...]
    sections: tuple[Section, ...]
    perhaps: tuple[Line, ...] = ()
    trends: tuple[Bars, ...] = ()
    overview: bool = False
    """Whether the trends are shown at all."""
    receipt: ReceiptView | None = None
