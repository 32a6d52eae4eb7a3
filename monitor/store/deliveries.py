"""The rows of the outbox, one for each edition, channel and recipient; `outbox.py` decides about them."""
# ruff: noqa: S608  (SQL is put together from this package's own constants; values are always parameters)

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, Final

from monitor.errors import each
from monitor.models import Delivery, digest_key
from monitor.store.connection import ANY_OF, listed
from monitor.store.values import format_utc, maybe_format_utc, maybe_parse_utc, parse_utc
from monitor.url import redact

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from monitor.store.connection import Connection, Row


# Longer than any wait of the outbox and the channels: a mail is held for at most a day, which has 25 hours
# once a year.
_LONGEST_WAIT: Final = timedelta(hours=26)
# Bytes in addition to the payload: pages are never quite full, and the indexes are written too.
_ROW: Final = 32_768


class Deliveries:
    """Pending, sending, then sent, failed or superseded; payload and Message-ID never change."""

    def __init__(self, connection: Connection) -> None:
        self._db = connection
        self._unsaved: dict[int, dict[str, Any]] = {}
        """By id, the results of tries that could not be stored because the disk was full."""

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

    def due(self, now: datetime, *, blocked: bool = False) -> tuple[Delivery, ...]:
        """Return the pending deliveries whose next try is due, oldest first.

        With `blocked` also those that wait for the user. A next try further ahead than any wait was stored by
        a wrong clock, and counts as due. A row that cannot be read is left out, as it would hold up
        everybody's mail; the functions that list all deliveries report it.
        """
        never = format_utc(now + _LONGEST_WAIT)
        rows = self._db.rows(_DUE, [format_utc(now), never, int(blocked)])
        return tuple(each(rows, _delivery)[0].values())

    def waiting(self) -> tuple[Delivery, ...]:
        """Return the deliveries that are to be sent or under way, oldest first."""
        sql = "select * from deliveries where state in ('pending', 'sending') order by created_at, id"
        return tuple(map(_delivery, self._db.rows(sql)))

    def sending(self) -> tuple[Delivery, ...]:
        """Return the deliveries that were claimed and never saved, oldest first."""
        return tuple(
            map(_delivery, self._db.rows("select * from deliveries where state = 'sending' order by id"))
        )

    def claim(self, delivery: int, now: datetime) -> Delivery | None:
        """Take a pending delivery for sending; None if it is no longer pending."""
        with self._db.transaction():
            # The condition in the update lets only one of two senders claim the row.
            if not self._db.change(_CLAIM, [format_utc(now), delivery]):
                return None
            return self.get(delivery)

    def save(self, delivery: Delivery, now: datetime) -> None:
        """Store the result of a try: state, attempts, next try, error. Payload and Message-ID stay.

        What the database does not accept now (the disk is full) is stored with the next result, or by
        `save_rest`. Otherwise a mail that went out would be taken for one that was interrupted, and go out
        twice.
        """
        self._unsaved[delivery.id] = {**_row(delivery), "id": delivery.id, "changed_at": format_utc(now)}
        self.save_rest()

    def save_rest(self) -> None:
        """Store what could not be stored before."""
        if self._unsaved:
            self._db.change_many(_SAVE, self._unsaved.values())
            self._unsaved.clear()

    def make_room(self, deliveries: Iterable[Delivery]) -> None:
        """See to it that how tries end can be stored though the disk becomes full meanwhile.

        A row is written whole, with its payload.
        """
        self._db.make_room(sum(len(one.payload) + _ROW for one in deliveries))

    def listing(self, *, edition: str = "", limit: int | None = None) -> tuple[Delivery, ...]:
        """Return deliveries, of one edition or of all, latest first."""
        wanted = "where edition = :edition" if edition else ""
        sql = f"select * from deliveries {wanted} order by created_at desc, id desc limit :limit"
        parameters = {"edition": edition, "limit": -1 if limit is None else limit}
        return tuple(map(_delivery, self._db.rows(sql, parameters)))

    def recipients(self, edition: str) -> frozenset[tuple[str, str]]:
        """Return channels and recipients, folded, that an edition has a delivery for."""
        rows = self._db.rows("select channel, recipient from deliveries where edition = ?", [edition])
        return frozenset((row["channel"], row["recipient"].casefold()) for row in rows)

    def settled(self, edition: str) -> tuple[Delivery, ...]:
        """Return an edition's deliveries that are sent or failed, except rows that cannot be read."""
        sql = "select * from deliveries where edition = ? and state in ('sent', 'failed') order by id"
        return tuple(each(self._db.rows(sql, [edition]), _delivery)[0].values())

    def cover(self, covered: Mapping[str, Iterable[date]], day: date) -> None:
        """Note which digests each recipient's mail of a day tells, or that they wait if it tells none."""
        edition = digest_key(day)
        with self._db.transaction():
            for recipient, dates in covered.items():
                self._db.change(_WAITS, [recipient, day.isoformat()])
                self._db.change_many(_COVER, [(recipient, one.isoformat(), edition) for one in dates])

    def uncovered(self, recipient: str, *, or_refused: bool) -> tuple[date, ...]:
        """Return the digests made while a recipient was on the list that no mail of theirs tells.

        With `or_refused` also those whose mail was given up; without it, only those whose mail could not be
        made.
        """
        rows = self._db.rows(_UNCOVERED, {"recipient": recipient, "refused": int(or_refused)})
        return tuple(date.fromisoformat(row["date"]) for row in rows)

    def accounted(self, recipient: str) -> frozenset[date]:
        """Return the digests that a recipient's mails tell or will tell."""
        rows = self._db.rows("select date from covered where recipient = ?", [recipient])
        return frozenset(date.fromisoformat(row["date"]) for row in rows)

    def unmade(self, channel: str) -> frozenset[str]:
        """Return the recipients, folded, whose last digest could not be made because of a bug of ours."""
        rows = self._db.rows(_UNMADE, {"channel": channel, **_ALL_DIGESTS})
        return frozenset(row["recipient"].casefold() for row in rows)

    def failed_since(self, moment: datetime) -> tuple[Delivery, ...]:
        """Return the deliveries that failed for good at an instant or after it, in that order."""
        # If the first try of a digest fails, it does so at the very instant at which the digest's window
        # ends.
        sql = "select * from deliveries where state = 'failed' and changed_at >= ? order by changed_at, id"
        return tuple(map(_delivery, self._db.rows(sql, [format_utc(moment)])))

    def supersede(self, delivery: Delivery, now: datetime) -> int:
        """Drop older pending deliveries of the same channel and recipient; return how many."""
        wanted = [format_utc(now), delivery.channel, delivery.recipient, delivery.id]
        return self._db.change(_SUPERSEDE, wanted)

    def reopen(self, edition: str, now: datetime, recipient: str = "") -> int:
        """Make an edition's deliveries due now, of one recipient or all, in the same bytes; return how many.

        Not what is under way, nor that whose bytes were let go, nor what is held for its hour. What
        was dropped as its recipient had left the list is dropped again, unless they are back.
        """
        named = {"now": format_utc(now), "edition": edition, "recipient": recipient}
        return self._db.change(_REOPEN, named)

    def reopen_failed(self, sent: Delivery, now: datetime, *, singly: int, unconfirmed: int) -> None:
        """Give a recipient's earlier digests that were given up another chance, now that one has got through.

        Up to `singly` of them are due once more, each as a mail of its own and in the same bytes: what a
        server refuses of one holds up no other. More than that count as superseded, and the next mail tells
        them all (see `uncovered`). Files are due once more however many there are. Nothing happens to those
        whose days a later mail tells, to what was given up twice, and to what was sent whole without an
        answer `unconfirmed` times: most likely it has arrived.
        """
        with self._db.transaction():
            wanted = {"sent": sent.id, "unconfirmed": unconfirmed}
            found = [row["id"] for row in self._db.rows(_GIVEN_UP, wanted)]
            each_by_itself = sent.channel == "files" or len(found) <= singly
            note = "" if each_by_itself else f"the next mail tells this and {len(found) - 1} more"
            named = {"now": format_utc(now), "ids": listed(found), "note": note}
            self._db.change(_REOPEN_FAILED if each_by_itself else _GATHER_FAILED, named)

    def alert(self, story: int, deliveries: Iterable[Delivery], now: datetime) -> tuple[Delivery, ...]:
        """Record that a story was alerted, with its deliveries; nothing if it was before, or without any."""
        found = tuple(deliveries)
        with self._db.transaction():
            if not found or not self._db.change(
                "insert or ignore into alerts values (?, ?)", [story, format_utc(now)]
            ):
                return ()
            return self.add(found, now)

    def alerted(self, stories: Iterable[int]) -> frozenset[int]:
        """Return those of these stories for which an alert was made."""
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
        "last_error": redact(delivery.last_error),
        "blocked": int(delivery.blocked),
        "reopened": int(delivery.reopened),
        "unconfirmed": delivery.unconfirmed,
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
        blocked=bool(row["blocked"]),
        reopened=bool(row["reopened"]),
        unconfirmed=row["unconfirmed"],
        created_at=parse_utc(row["created_at"]),
        sent_at=maybe_parse_utc(row["sent_at"]),
    )


# A digest that is frozen again after a crash finds its deliveries, with their first bytes and ids.
_ADD: Final = """
insert into deliveries (
    edition, channel, recipient, payload, message_id, state, attempts, next_attempt_at, last_error, blocked,
    reopened, unconfirmed, created_at, sent_at, changed_at
) values (
    :edition, :channel, :recipient, :payload, :message_id, :state, :attempts, :next_attempt_at, :last_error,
    :blocked, :reopened, :unconfirmed, :created_at, :sent_at, :changed_at
) on conflict (edition, channel, recipient) do nothing
"""

_DUE: Final = """
select * from deliveries
where state = 'pending'
    and (next_attempt_at is null or next_attempt_at <= ? or next_attempt_at > ? or (blocked and ?))
order by created_at, id
"""

_CLAIM: Final = "update deliveries set state = 'sending', changed_at = ? where id = ? and state = 'pending'"

_ALL_DIGESTS: Final = {"first": digest_key(date.min), "last": digest_key(date.max)}
# Its bytes may have been removed since, but its Message-ID stays.
_MADE: Final = "message_id <> ''"
_UNMADE: Final = f"""
select recipient from (
    select recipient, state, message_id, max(id) from deliveries
    where channel = :channel and edition between :first and :last group by recipient collate nocase
) where state = 'failed' and not ({_MADE})
"""
_WAITS: Final = "insert or ignore into covered values (?, ?, null)"
_COVER: Final = "insert or replace into covered values (?, ?, ?)"
# A mail that was not made because it had nothing to report has no delivery, and nothing is missing. The
# spelling of the address does not matter: Anna@ and anna@ are one mailbox.
_UNCOVERED: Final = f"""
select c.date from covered c where c.recipient = :recipient and (c.edition is null or (
    exists (
        select 1 from deliveries d where d.edition = c.edition and d.channel = 'email'
            and d.recipient collate nocase in (c.recipient, 'everybody')
            and (d.state = 'superseded' or d.state = 'failed' and (:refused or not ({_MADE})))
    )
    and not exists (
        select 1 from deliveries d where d.edition = c.edition and d.channel = 'email'
            and d.recipient = c.recipient collate nocase and d.state in ('pending', 'sending', 'sent')
    )
)) order by c.date
"""

_SAVE: Final = """
update deliveries set state = :state, attempts = :attempts, next_attempt_at = :next_attempt_at,
    last_error = :last_error, blocked = :blocked, unconfirmed = :unconfirmed, sent_at = :sent_at,
    changed_at = :changed_at
where id = :id
"""

# The archive's pages have no payload, as they are made from the store when they are written.
_REOPEN: Final = """
update deliveries set state = 'pending', next_attempt_at = null, last_error = '', blocked = 0, reopened = 0,
    attempts = 0, unconfirmed = 0, changed_at = :now
where edition = :edition and state <> 'sending' and (:recipient = '' or recipient = :recipient collate nocase)
    and (payload <> x'' or channel = 'archive')
    and not (state = 'pending' and attempts = 0 and not blocked and coalesce(next_attempt_at > :now, 0))
"""

# Each file is a recipient of its own, and no mail contains what it holds.
_GIVEN_UP: Final = """
select d.id from deliveries sent join deliveries d indexed by deliveries_state
    on d.state = 'failed' and d.channel = sent.channel and d.id < sent.id
where sent.id = :sent and d.payload <> x'' and not d.reopened and d.unconfirmed < :unconfirmed
    and (d.channel = 'files' or d.recipient = sent.recipient collate nocase and exists (
        select 1 from covered c where c.recipient = d.recipient and c.edition = d.edition
    ))
"""
_REOPEN_FAILED: Final = f"""
update deliveries set state = 'pending', next_attempt_at = null, blocked = 0, reopened = 1, changed_at = :now
where id {ANY_OF.replace("?", ":ids")}
"""
_GATHER_FAILED: Final = f"""
update deliveries set state = 'superseded', last_error = :note, changed_at = :now
where id {ANY_OF.replace("?", ":ids")}
"""

_SUPERSEDE: Final = """
update deliveries indexed by deliveries_state set state = 'superseded', changed_at = ?
where state = 'pending' and channel = ? and recipient = ? and id < ?
"""
