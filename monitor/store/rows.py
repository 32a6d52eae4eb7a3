"""Rows and values: how the models are written down, and how they are read back.

Instants are ISO 8601 in UTC with six decimals and Z, so that they sort as text and lose nothing;
durations are seconds; only what is a list by nature is JSON.
"""

from __future__ import annotations

import json
import unicodedata
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from monitor.models import Delivery, Entry, Evidence, Feed, FeedState, Hints, Join, Tagging
from monitor.text import fold, redact_url

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Sequence

    Row = sqlite3.Row


def stamp(moment: datetime) -> str:
    """Write an instant. Raises ValueError for one without a zone."""
    if moment.tzinfo is None:
        raise ValueError(f"an instant without a zone: {moment}")
    return moment.astimezone(UTC).isoformat(timespec="microseconds").removesuffix("+00:00") + "Z"


def maybe_stamp(moment: datetime | None) -> str | None:
    """Write an instant that may be absent."""
    return None if moment is None else stamp(moment)


def instant(text: str) -> datetime:
    """Read an instant."""
    return datetime.fromisoformat(text)


def maybe_instant(text: str | None) -> datetime | None:
    """Read an instant that may be absent."""
    return None if text is None else instant(text)


def seconds(duration: timedelta | None) -> float | None:
    """Write a duration that may be absent."""
    return None if duration is None else duration.total_seconds()


def duration(number: float | None) -> timedelta | None:
    """Read a duration that may be absent."""
    return None if number is None else timedelta(seconds=number)


def names(values: Sequence[str]) -> str:
    """Write a list of names."""
    return json.dumps(values, ensure_ascii=False)


def name_list(text: str) -> tuple[str, ...]:
    """Read a list of names."""
    return tuple(json.loads(text))


def search_words(*texts: str) -> str:
    """Return text as the full-text index holds it: folded, and words with an umlaut in both of their plain spellings.

    "München" is found as münchen, muenchen and munchen, "Straße" as strasse.
    """
    text = " ".join(filter(None, texts))
    if text.isascii():
        return text.lower()
    bare = (_without_marks(word) for word in text.split() if not word.isascii())
    return " ".join([fold(text), *bare])


def _without_marks(word: str) -> str:
    return "".join(
        char for char in unicodedata.normalize("NFD", word.casefold()) if not unicodedata.combining(char)
    )


def feed_row(feed: Feed) -> dict[str, Any]:
    """Write what feeds.toml says of a feed, without its address."""
    return {
        "title": feed.title,
        "language": feed.language,
        "tags": names(feed.tags),
        "interval_seconds": seconds(feed.interval),
        "weight": feed.weight,
        "family": feed.family,
        "enabled": int(feed.enabled),
        "private_host": feed.private_host,
    }


def state_row(state: FeedState) -> dict[str, Any]:
    """Write a feed's state, without its address and without secrets.

    A redirect to an address that holds a secret is not remembered, only followed again each time.
    """
    return {
        "title": state.title,
        "location": _public(state.location),
        "moving_to": _public(state.moving_to),
        "moving_seen": state.moving_seen,
        "etag": state.etag,
        "last_modified": state.last_modified,
        "validators_url": redact_url(state.validators_url),
        "body_hash": state.body_hash,
        "next_poll_at": maybe_stamp(state.next_poll_at),
        "last_poll_at": maybe_stamp(state.last_poll_at),
        "last_success_at": maybe_stamp(state.last_success_at),
        "last_status": state.last_status,
        "last_error": redact_url(state.last_error),
        "consecutive_failures": state.consecutive_failures,
        "gone": int(state.gone),
        "first_success_at": maybe_stamp(state.first_success_at),
        "newest_entry_at": maybe_stamp(state.newest_entry_at),
        "rhythm_seconds": seconds(state.rhythm),
        "polls": state.polls,
        "gaps": state.gaps,
        "last_gap_at": maybe_stamp(state.last_gap_at),
        "asked_period_seconds": seconds(state.hints.period),
        "skip_hours": json.dumps(sorted(state.hints.skip_hours)),
        "skip_days": json.dumps(sorted(state.hints.skip_days)),
    }


def _public(url: str) -> str:
    return url if redact_url(url) == url else ""


def row_state(row: Row, url: str) -> FeedState:
    """Read a feed's state."""
    return FeedState(
        url=url,
        title=row["title"],
        location=row["location"],
        moving_to=row["moving_to"],
        moving_seen=row["moving_seen"],
        etag=row["etag"],
        last_modified=row["last_modified"],
        validators_url=row["validators_url"],
        body_hash=row["body_hash"],
        next_poll_at=maybe_instant(row["next_poll_at"]),
        last_poll_at=maybe_instant(row["last_poll_at"]),
        last_success_at=maybe_instant(row["last_success_at"]),
        last_status=row["last_status"],
        last_error=row["last_error"],
        consecutive_failures=row["consecutive_failures"],
        gone=bool(row["gone"]),
        first_success_at=maybe_instant(row["first_success_at"]),
        newest_entry_at=maybe_instant(row["newest_entry_at"]),
        rhythm=duration(row["rhythm_seconds"]),
        polls=row["polls"],
        gaps=row["gaps"],
        last_gap_at=maybe_instant(row["last_gap_at"]),
        hints=Hints(
            period=duration(row["asked_period_seconds"]),
            skip_hours=frozenset(json.loads(row["skip_hours"])),
            skip_days=frozenset(json.loads(row["skip_days"])),
        ),
    )


def entry_row(entry: Entry) -> dict[str, Any]:
    """Write the publisher's part of an entry: what an edit may change."""
    return {
        "url": entry.url,
        "title": entry.title,
        "summary": entry.summary,
        "content": entry.content,
        "author": entry.author,
        "language": entry.language,
        "outlet": entry.outlet,
        "published": stamp(entry.published),
        "dated": entry.dated,
        "updated": maybe_stamp(entry.updated),
        "changed_at": maybe_stamp(entry.changed_at),
    }


def tagging_row(tagging: Tagging) -> dict[str, Any]:
    """Write the part of a tagging that is one value."""
    return {
        "relevant": int(tagging.relevant),
        "score": tagging.score,
        "near": tagging.near,
        "corrected": int(tagging.corrected),
    }


def row_entry(row: Row, feed: str, tagging: Tagging) -> Entry:
    """Read an entry."""
    return Entry(
        id=row["id"],
        feed=feed,
        guid=row["guid"],
        url=row["url"],
        title=row["title"],
        summary=row["summary"],
        content=row["content"],
        author=row["author"],
        language=row["language"],
        outlet=row["outlet"],
        published=instant(row["published"]),
        dated=row["dated"],
        updated=maybe_instant(row["updated"]),
        first_seen=instant(row["first_seen"]),
        changed_at=maybe_instant(row["changed_at"]),
        backlog=bool(row["backlog"]),
        tagging=tagging,
        story=row["story_id"],
    )


def row_tagging(
    row: Row, beats: Sequence[str], themes: Sequence[str], evidence: Sequence[Evidence]
) -> Tagging:
    """Read a tagging from an entry's row and the rows of its three lists."""
    return Tagging(
        beats=tuple(beats),
        themes=tuple(themes),
        score=row["score"],
        evidence=tuple(evidence),
        near=row["near"],
        corrected=bool(row["corrected"]),
    )


def evidence_row(entry: int, evidence: Evidence) -> dict[str, Any]:
    """Write one piece of evidence for an entry."""
    return {
        "entry_id": entry,
        "target": evidence.target,
        "term": evidence.term,
        "rule": evidence.rule,
        "field": evidence.field,
        "weight": evidence.weight,
    }


def row_evidence(row: Row) -> Evidence:
    """Read one piece of evidence."""
    return Evidence(
        target=row["target"], term=row["term"], rule=row["rule"], field=row["field"], weight=row["weight"]
    )


def row_join(row: Row) -> Join:
    """Read why an entry is in its story."""
    return Join(
        entry=row["entry_id"],
        similarity=row["similarity"],
        reason=row["reason"],
        runner_up=row["runner_up"],
        runner_up_similarity=row["runner_up_similarity"],
        pinned=bool(row["pinned"]),
    )


def delivery_row(delivery: Delivery) -> dict[str, Any]:
    """Write a delivery, without its id."""
    return {
        "edition": delivery.edition,
        "channel": delivery.channel,
        "recipient": delivery.recipient,
        "payload": delivery.payload,
        "message_id": delivery.message_id,
        "state": delivery.state,
        "attempts": delivery.attempts,
        "next_attempt_at": maybe_stamp(delivery.next_attempt_at),
        "last_error": redact_url(delivery.last_error),
        "created_at": stamp(delivery.created_at),
        "sent_at": maybe_stamp(delivery.sent_at),
    }


def row_delivery(row: Row) -> Delivery:
    """Read a delivery."""
    return Delivery(
        id=row["id"],
        edition=row["edition"],
        channel=row["channel"],
        recipient=row["recipient"],
        payload=row["payload"],
        message_id=row["message_id"],
        state=row["state"],
        attempts=row["attempts"],
        next_attempt_at=maybe_instant(row["next_attempt_at"]),
        last_error=row["last_error"],
        created_at=instant(row["created_at"]),
        sent_at=maybe_instant(row["sent_at"]),
    )
