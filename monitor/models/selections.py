"""Which part of the digest one recipient gets, on which days, at what time and in which language."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import time
from typing import Annotated, Any, ClassVar, Final

from monitor.setting_kinds import Example, Kind, Language, Languages, Score, Texts
from monitor.values import DAYS, time_of_day


def month_day(day: int) -> str:
    """Return the name of a day of the month: "1st"."""
    is_teen = 11 <= day <= 13  # noqa: PLR2004 - "11th", but "21st"
    return f"{day}{'th' if is_teen else {1: 'st', 2: 'nd', 3: 'rd'}.get(day % 10, 'th')}"


# Up to the 28th: a 31st is not in each month.
_MONTH_DAYS: Final = tuple(month_day(day) for day in range(1, 29))


def mail_days(value: Any) -> tuple[str, ...]:
    """Read ["fri"] or ["1st", "15th"]: weekdays, days of the month, or both."""
    if not isinstance(value, list) or not value or any(day not in (*DAYS, *_MONTH_DAYS) for day in value):
        raise ValueError("expected a list of weekdays (mon to sun) or days of the month (1st to 28th)")
    return tuple(day for day in (*DAYS, *_MONTH_DAYS) if day in value)


MailDays = Annotated[tuple[str, ...], Kind(mail_days, "a list of weekdays or days of the month", list)]
OwnTime = Annotated[
    time | None, Kind(time_of_day, "a time of day", lambda value: f"{value:%H:%M}" if value else "")
]
"""A time of day that overrides another; None for no override."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Selection:
    """The part of the digest that one recipient gets: stories that meet everything set here.

    Files, the archive and everybody else get the whole; the mail says how much it leaves out.
    """

    TABLE: ClassVar[str] = "email.only"
    NAME: ClassVar[str] = "you@example.org"

    themes: Annotated[Texts, Example(["copyright", "compensation"])] = ()
    """Only stories on one of these themes; empty: on any."""
    beats: Annotated[Texts, Example(["ai-creative-labour"])] = ()
    """Only stories on one of these beats; empty: on any."""
    languages: Annotated[Languages, Example(["en"])] = ()
    """Only stories with a new report in one of these languages; empty: in any."""
    min_score: Score = 0.0
    """Leaves out stories that score less, and everything under "Perhaps"; 0: nothing."""
    days: Annotated[MailDays, Example(["fri"])] = DAYS
    """Days with a mail, which holds all digests since the last: ["fri"] is weekly, ["1st"] monthly."""
    time: Annotated[OwnTime, Example("18:00")] = None
    """Local time until which the mail is held; without it: it goes out when the digest is made."""
    language: Annotated[Language, Example("de")] = ""
    """Language of the mail's own words, and of alerts; without it: the digest's. Titles stay as published."""

    @property
    def gathers(self) -> bool:
        """Whether a mail may hold the digests of several days."""
        return not set(DAYS).issubset(self.days)


@dataclass(frozen=True, kw_only=True, slots=True)
class Part:
    """How one recipient's part of a digest differs from the whole."""

    selection: Selection
    stories: int
    """How many stories with news it leaves out."""
    perhaps: int
    """How many unsure entries it leaves out."""
    several: bool = False
    """True if it holds the digests of several days."""
