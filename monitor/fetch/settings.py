"""What fetching and scheduling may do: the package's own settings."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, kw_only=True, slots=True)
class Settings:
    """The limits of every poll and the bounds of every interval."""

    user_agent: str
    timeout: timedelta
    """For one whole poll: look-up, connection, redirects and body together."""
    max_bytes: int
    """Of the body, as sent and as decoded."""
    concurrency: int
    """Polls at once, over all hosts."""
    per_host: int
    """Polls at once of one host."""
    allow_private_addresses: bool
    interval: timedelta
    min_interval: timedelta
    max_interval: timedelta
    host_gap: timedelta = timedelta(seconds=1)
    """Between the starts of two requests to one public host."""
