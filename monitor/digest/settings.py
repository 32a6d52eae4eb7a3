"""What the user can set about the digest."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import time, timedelta
from typing import Annotated, ClassVar, Literal

from monitor.setting_kinds import Duration, Switch, Text, Texts, TimeOfDay, Weekdays, choice, whole


@dataclass(frozen=True, kw_only=True, slots=True)
class Settings:
    """When a digest is due, and how much it holds."""

    TABLE: ClassVar[str] = "digest"

    language: str = "en"
    timezone: str = "Europe/Berlin"
    """IANA name of the zone of the schedule and of all dates shown."""
    title: Text = ""
    """What it is called, in subjects and above all; "" is "Sora monitor"."""
    time: TimeOfDay = time(7, 0)
    """Local time."""
    days: Weekdays = (0, 1, 2, 3, 4, 5, 6)
    """Days with a digest."""
    max_stories: Annotated[int, whole(1, 200)] = 20
    """Told in full; further ones get one line each."""
    favour: Texts = ()
    """Themes and beats whose stories weigh half as much again in the order."""
    play_down: Texts = ()
    """Themes and beats whose stories weigh half."""
    overview: Annotated[Literal["daily", "weekly", "never"], choice("daily", "weekly", "never")] = "weekly"
    """When the digest shows trends, and near misses where `near` is set; the archive always does."""
    send_if_empty: Switch = True
    """A quiet day is news too: false sends nothing then; a broken one is always told."""
    backlog: Duration = timedelta(days=2)
    """Of a newly followed feed only what is younger than this is news."""
    archive_url: str = ""
    """Where the archive can be read on the web ([archive] base_url); "" when nowhere."""
