"""Helpers for tests of tagging."""

from __future__ import annotations

from datetime import UTC, datetime

from monitor.models import Entry

NOW = datetime(2026, 1, 2, tzinfo=UTC)


def entry(title: str = "", summary: str = "", content: str = "", language: str = "en") -> Entry:
    return Entry(
        feed="f",
        title=title,
        summary=summary,
        content=content,
        language=language,
        published=NOW,
        first_seen=NOW,
    )
