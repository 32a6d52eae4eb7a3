"""What the user can set about fetching, and how often feeds are asked."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, ClassVar

from monitor import __version__
from monitor.setting_kinds import Duration, Pause, Size, Switch, whole


@dataclass(frozen=True, kw_only=True, slots=True)
class Settings:
    """How feeds are fetched."""

    TABLE: ClassVar[str] = "poll"

    user_agent: str = f"sora-monitor/{__version__} (self-hosted news monitor)"
    interval: Duration = timedelta(minutes=30)
    """How often a feed is asked until its own rhythm is known."""
    min_interval: Duration = timedelta(minutes=10)
    """Never more often than this, however busy the feed."""
    max_interval: Duration = timedelta(days=1)
    """Never more rarely, however quiet the feed; a publisher may ask for up to a day."""
    timeout: Duration = timedelta(seconds=20)
    """For the whole request: look-up, redirects and body included."""
    max_bytes: Size = 10_000_000
    """A larger feed is refused (counted after decompression)."""
    concurrency: Annotated[int, whole(1, 256)] = 16
    """Requests at the same time, to all hosts."""
    per_host: Annotated[int, whole(1, 16)] = 2
    """Requests at the same time, to one host."""
    host_gap: Pause = timedelta(seconds=1)
    """Between the starts of two requests to one public host."""
    allow_private_addresses: Switch = False
    """True: feeds on loopback and private networks may be fetched."""

    def __post_init__(self) -> None:
        if self.min_interval > self.max_interval:
            raise ValueError("min_interval is longer than max_interval")
