"""What the user can set about stories."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import ClassVar

from monitor.setting_kinds import Duration, Switch  # noqa: TC001 - config reads the annotations at run time


@dataclass(frozen=True, kw_only=True, slots=True)
class Settings:
    """How stories form and how long they stay open."""

    TABLE: ClassVar[str] = "stories"

    open_for: Duration = timedelta(days=10)
    """A story without a new report for this long is closed: what comes later begins a new one."""
    semantic: Switch = True
    """Also judge by meaning, choosing and joining, if the extra `semantic` is installed."""
    related_for: timedelta = timedelta(days=540)
    """How far back a story is linked to others of its affair: from a suit to its ruling a year may pass."""
    threshold: float = 0.62
    """Probability from which an entry joins a story: higher is stricter."""
    language: str = "en"
    """In which a story's title is chosen where there is a choice."""
