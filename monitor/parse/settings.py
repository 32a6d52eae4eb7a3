"""The limits for reading one document. No user needs to set them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

# feedparser takes 9 s for 50,000 entries.
MAX_ENTRIES: Final = 2_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Settings:
    """The limits for reading one document."""

    timeout: timedelta = timedelta(seconds=30)
    max_entries: int = MAX_ENTRIES
    memory: int = 250 * 1024 * 1024
    """Bytes that the reading process may take in all."""
