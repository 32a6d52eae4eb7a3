"""The smallest digests that the store can freeze, for tests of what happens to digests."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from monitor.models import Digest, DigestSummary, Receipt, StoryEntry, Window

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date, datetime

    from monitor.models import Delivery
    from monitor.store import Store


def edition(
    day: date, window: Window, made_at: datetime, *, reported: Iterable[int] = (), version: str = ""
) -> Digest:
    return Digest(
        date=day,
        window=window,
        language="en",
        timezone="UTC",
        made_at=made_at,
        stories=(),
        max_stories=20,
        labels=(),
        trends=(),
        receipt=Receipt(feeds=(), polls=1, entries=0, relevant=0, stories=0, reports=0, sources=0, version=version),
        perhaps=tuple(
            StoryEntry(
                entry=number, title=f"Entry {number}", url="", feed="", outlet="", language="en", published=made_at,
                dated="publisher", new=True,
            )
            for number in reported
        ),
    )  # fmt: skip


def summary(day: date, made_at: datetime) -> DigestSummary:
    return DigestSummary(
        date=day, made_at=made_at, outcome="quiet", lead="ä", catches_up=False, stories=(), themes=(("Consent", 2),)
    )  # fmt: skip


def freeze(
    opened: Store, end: datetime, *, start: datetime | None = None, made_at: datetime | None = None, day: date | None = None,
    reported: Iterable[int] = (), deliveries: Iterable[Delivery] = (), version: str = "",
) -> Digest:  # fmt: skip
    """Freeze the digest of the day before `end`, as if made at `end` unless stated otherwise."""
    day, made_at = day or end.date(), made_at or end
    made = edition(
        day,
        Window(start=start or end - timedelta(days=1), end=end),
        made_at,
        reported=reported,
        version=version,
    )
    opened.digests.freeze(made, summary(day, made_at), deliveries)
    return made
