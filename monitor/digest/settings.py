"""What the digest package needs of the configuration."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import time, timedelta


@dataclass(frozen=True, kw_only=True, slots=True)
class Settings:
    """When a digest is due, in which language, and how much it holds."""

    language: str = "en"
    timezone: str = "Europe/Berlin"
    """IANA name of the zone of the schedule and of all dates shown."""
    time: time = time(7, 0)
    days: tuple[int, ...] = (0, 1, 2, 3, 4, 5, 6)
    """Days of the week with a digest, at least one; Monday is 0."""
    max_stories: int = 20
    send_if_empty: bool = True
    """Whether a quiet day is delivered too; a broken one always is."""
    backlog: timedelta = timedelta(days=2)
    """How far before its start the very first digest reaches."""
