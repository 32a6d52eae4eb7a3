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
    """Name of the digest, in its subject and heading; "" is "Sora monitor"."""
    time: TimeOfDay = time(7, 0)
    """When it is due, in local time."""
    days: Weekdays = (0, 1, 2, 3, 4, 5, 6)
    """Weekdays with a digest."""
    max_stories: Annotated[int, whole(1, 200)] = 20
    """How many stories are shown in full; further ones get one line each."""
    favour: Texts = ()
    """Themes and beats whose stories count 1.5 times in the order."""
    play_down: Texts = ()
    """Themes and beats whose stories count only half in the order."""
    overview: Annotated[Literal["daily", "weekly", "never"], choice("daily", "weekly", "never")] = "weekly"
    """When it shows trends, and near misses if `near` is set; the archive always shows them."""
    send_if_empty: Switch = True
    """False: nothing is sent on a quiet day; a broken day is always reported."""
    backlog: Duration = timedelta(days=2)
    """Entries of a newly followed feed are news only if they are younger than this."""
    archive_url: str = ""
    """Where the archive can be read on the web ([archive] base_url); "" when nowhere."""
