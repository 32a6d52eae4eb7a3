"""What the user can set about what is kept."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import ClassVar

from monitor.setting_kinds import Period  # noqa: TC001 - config reads the annotations at run time


@dataclass(frozen=True, kw_only=True, slots=True)
class Retention:
    """How long texts are kept. That an entry was seen is never forgotten, or it would come back as news."""

    TABLE: ClassVar[str] = "retention"

    relevant: Period = None
    """Texts of relevant entries."""
    other: Period = timedelta(days=90)
    """Texts of all others."""
    deliveries: Period = timedelta(days=30)
    """Mails and files as they were sent; the digests themselves are kept for ever."""
