"""What the archive keeps of each digest, beside the digest itself."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime  # noqa: TC003 - the codec reads the annotations

from monitor.digest.outcome import Outcome  # noqa: TC001 - likewise


@dataclass(frozen=True, kw_only=True, slots=True)
class StorySummary:
    """A story as one digest told it."""

    id: int
    title: str
    url: str
    text: str
    """Its summary and whose words they are; "" without one."""
    themes: tuple[str, ...]
    """Labels."""
    updated: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class DigestSummary:
    """One digest as the archive lists it."""

    date: date
    made_at: datetime
    outcome: Outcome
    lead: str
    catches_up: bool
    stories: tuple[StorySummary, ...]
    themes: tuple[tuple[str, int], ...]
    """Labels of themes with their new reports, in the order of themes.toml."""
