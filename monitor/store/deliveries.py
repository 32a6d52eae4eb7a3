"""The outbox: one row for each edition, channel and recipient, and one for each try."""
# ruff: noqa: S608  (SQL is put together from this package's own constants; values are always parameters)

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from monitor.models import Delivery
from monitor.store.connection import ANY_OF, listed
from monitor.store.values import format_utc, maybe_format_utc, maybe_parse_utc, parse_utc
from monitor.text import redact_url

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from monitor.store.connection import Connection, Row


class Deliveries:
    """Pending, sending, then sent, failed for good or superseded; payload and Message-ID never change."""

    def __init__(self, connection: Connection) -> None:
        self._db = connection

    def add(self, deliveries: Iterable[Delivery], now: datetime) -> tuple[Delivery, ...]:
        """Store deliveries; return them with ids. One that is stored already stays as it is."""
        with self._db.transaction():
            return tuple(self._add(delivery, now) for delivery in deliveries)

    def _add(self, delivery: Delivery, now: datetime) -> Delivery:
        self._db.change(_ADD, {**_row(delivery), "changed_at": format_utc(now)})
        key = [delivery.edition, delivery.channel, delivery.recipient]
        row = self._db.rows(
            "select * from deliveries where edition = ? and channel = ? and recipient = ?", key
        )[0]
        return _delivery(row)

    def get(self, delivery: int) -> Delivery | None:
        """Return a delivery by its id."""
        row = self._db.row("select * from deliveries where id = ?", [delivery])
        return _delivery(row) if row else None

    def due(self, now: datetime) -> tuple[Delivery, ...]:
        """Return the pending deliveries whose next try is due, oldest first."""
        return tuple(map(_delivery, self._db.rows(_DUE, [format_utc(now)])))

    def claim(self, delivery: int, now: datetime) -> Delivery | None:
        """Take a pending delivery for sending and open a try; None when it is pending no longer."""
        with self._db.transaction():
            if not self._db.change(_CLAIM, [format_utc(now), delivery]):
                return None
            self._db.insert("attempts", [{"delivery_id": delivery, "started_at": format_utc(now)}])
            return self.get(delivery)

    def save(self, delivery: Delivery, now: datetime) -> None:
        """Store how a try ended: state, attempts, next try, error. Payload and Message-ID stay."""
        row = {**_row(delivery), "id": delivery.id, "changed_at": format_utc(now)}
        with self._db.transaction():
            self._db.change(_SAVE, row)
            self._db.change(_FINISH, [format_utc(now), row["last_error"] or delivery.state, delivery.id])

    def recover(self, now: datetime) -> tuple[Delivery, ...]:
        """Make deliveries pending again whose sender died; return them. Only the one sender may call this.

        Whether such a message went out is unknown: it is sent again with the same bytes and Message-ID.
        """
        with self._db.transaction():
            lost = self._db.rows("select * from deliveries where state = 'sending' order by id")
            note = "the sender was interrupted; whether it arrived is unknown"
            found = tuple(
                replace(_delivery(row), state="pending", next_attempt_at=now, last_error=note) for row in lost
            )
            for delivery in found:
                self.save(delivery, now)
            return found

    def listing(self, *, edition: str = "", limit: int | None = None) -> tuple[Delivery, ...]:
        """Return deliveries, of one edition or of all, latest first."""
        sql = (
            "select * from deliveries where (? = '' or edition = ?) order by created_at desc, id desc limit ?"
        )
        return tuple(map(_delivery, self._db.rows(sql, [edition, edition, -1 if limit is None else limit])))

    def failed_since(self, moment: datetime) -> tuple[Delivery, ...]:
        """Return the deliveries that failed for good after an instant, in that order."""
        sql = "select * from deliveries where state = 'failed' and changed_at > ? order by changed_at, id"
        return tuple(map(_delivery, self._db.rows(sql, [format_utc(moment)])))

    def supersede(self, delivery: Delivery, now: datetime) -> int:
        """Give up what is pending of earlier editions of its kind, channel and recipient; return how many."""
        kind = delivery.edition.partition(":")[0] + ":"
        wanted = [format_utc(now), delivery.channel, delivery.recipient, delivery.id, len(kind), kind]
        return self._db.change(_SUPERSEDE, wanted)

    def reopen(self, edition: str, now: datetime) -> int:
        """Make an edition's settled deliveries pending again, with the same bytes; return how many."""
        return self._db.change(_REOPEN, [format_utc(now), edition])

    def alert(self, story: int, deliveries: Iterable[Delivery], now: datetime) -> tuple[Delivery, ...]:
        """Record that a story was alerted of, with its deliveries; nothing when it was before."""
        with self._db.transaction():
            if not self._db.change("insert or ignore into alerts values (?, ?)", [story, format_utc(now)]):
                return ()
            return self.add(deliveries, now)

    def alerted(self, stories: Iterable[int]) -> frozenset[int]:
        """Return those of these stories that were alerted of."""
        rows = self._db.rows(f"select story_id from alerts where story_id {ANY_OF}", [listed(stories)])
        return frozenset(row["story_id"] for row in rows)


def _row(delivery: Delivery) -> dict[str, Any]:
    return {
        "edition": delivery.edition,
        "channel": delivery.channel,
        "recipient": delivery.recipient,
        "payload": delivery.payload,
        "message_id": delivery.message_id,
        "state": delivery.state,
        "attempts": delivery.attempts,
        "next_attempt_at": maybe_format_utc(delivery.next_attempt_at),
        "last_error": redact_url(delivery.last_error),
        "created_at": format_utc(delivery.created_at),
        "sent_at": maybe_format_utc(delivery.sent_at),
    }


def _delivery(row: Row) -> Delivery:
    return Delivery(
        id=row["id"],
        edition=row["edition"],
        channel=row["channel"],
        recipient=row["recipient"],
        payload=row["payload"],
        message_id=row["message_id"],
        state=row["state"],
        attempts=row["attempts"],
        next_attempt_at=maybe_parse_utc(row["next_attempt_at"]),
        last_error=row["last_error"],
        created_at=parse_utc(row["created_at"]),
        sent_at=maybe_parse_utc(row["sent_at"]),
    )


_ADD: Final = """
insert into deliveries (
    edition, channel, recipient, payload, message_id, state, attempts, next_attempt_at, last_error,
    created_at, sent_at, changed_at
) values (
    :edition, :channel, :recipient, :payload, :message_id, :state, :attempts, :next_attempt_at, :last_error,
    :created_at, :sent_at, :changed_at
) on conflict (edition, channel, recipient) do nothing
"""

_DUE: Final = """
select * from deliveries where state = 'pending' and (next_attempt_at is null or next_attempt_at <= ?)
order by created_at, id
"""

_CLAIM: Final = "update deliveries set state = 'sending', changed_at = ? where id = ? and state = 'pending'"

_SAVE: Final = """
update deliveries set state = :state, attempts = :attempts, next_attempt_at = :next_attempt_at,
    last_error = :last_error, sent_at = :sent_at, changed_at = :changed_at
where id = :id
"""

_FINISH: Final = """
update attempts set finished_at = ?, outcome = ? where delivery_id = ? and finished_at is null
"""

_REOPEN: Final = """
update deliveries set state = 'pending', next_attempt_at = null, last_error = '', changed_at = ?
where edition = ? and state in ('sent', 'failed')
"""

_SUPERSEDE: Final = """
update deliveries set state = 'superseded', changed_at = ?
where state = 'pending' and channel = ? and recipient = ? and id < ? and substr(edition, 1, ?) = ?
"""
