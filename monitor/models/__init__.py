"""The nouns of the monitor: frozen values that the packages hand to each other. No I/O, no decisions.

Instants are aware datetimes in UTC. Text is plain text: mark-up, control characters and
surplus white space were removed on the way in (`text.py`). Empty means "", never None.
"""

from __future__ import annotations

from monitor.models.digests import (
    Copy,
    Delivery,
    DeliveryState,
    Digest,
    DigestStory,
    Headline,
    Importance,
    NearMiss,
    Receipt,
    RenderedDigest,
    StoryEntry,
    StoryLink,
    Trend,
    Window,
    alert_key,
    digest_key,
    is_digest_key,
    name_of_edition,
)
from monitor.models.entries import (
    EVENT_KINDS,
    Correction,
    DateBasis,
    Document,
    Entry,
    Evidence,
    Join,
    Known,
    Story,
    Tagging,
)
from monitor.models.feeds import (
    Feed,
    FeedHealth,
    FeedPoll,
    FeedState,
    FeedStateName,
    Hints,
    Poll,
    Response,
)

__all__ = [
    "EVENT_KINDS",
    "Copy",
    "Correction",
    "DateBasis",
    "Delivery",
    "DeliveryState",
    "Digest",
    "DigestStory",
    "Document",
    "Entry",
    "Evidence",
    "Feed",
    "FeedHealth",
    "FeedPoll",
    "FeedState",
    "FeedStateName",
    "Headline",
    "Hints",
    "Importance",
    "Join",
    "Known",
    "NearMiss",
    "Poll",
    "Receipt",
    "RenderedDigest",
    "Response",
    "Story",
    "StoryEntry",
    "StoryLink",
    "Tagging",
    "Trend",
    "Window",
    "alert_key",
    "digest_key",
    "is_digest_key",
    "name_of_edition",
]
