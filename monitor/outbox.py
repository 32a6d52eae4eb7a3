"""The outbox: the one place where a delivery changes its state, from a frozen digest to its user.

    pending --send_due--> sending --it arrived-------------> sent      (and what failed of its recipient's
       ^                     |                                          earlier digests is pending once more,
       |                     |                                          or superseded if that is much)
       |                     |-----a permanent error-------> failed      (or a transient one, after five days,
       |                     |                                          or no answer to the message, thrice)
       |                     |-----any other error: it waits
       +---------------------+-----the sender died: recover
    pending --supersede, withdraw--> superseded   (a later edition counts alone, a recipient left the list)
    sent, failed, superseded, pending --resend--> pending

Takes the store, the channels and `now`; gives the deliveries as they stand afterwards. The pure functions at
the end of this page decide what the outcome of a try means. Only the holder of the sender's lock may send.

A delivery's bytes and Message-ID are frozen with the digest, so every try sends the same message. SMTP leaves
one case open: the server took the message, but its answer was lost. Then we would rather send it twice than
never (RFC 5321, 4.2.5), but not for five days: a server whose answers never can be read had the same digest
forty times.
"""

from __future__ import annotations

import asyncio
import random
from collections import defaultdict
from dataclasses import replace
from datetime import timedelta
from itertools import chain
from typing import TYPE_CHECKING, Any, Final, TypeVar

from monitor.errors import DeliveryError, place_of
from monitor.models import Delivery, digest_key

if TYPE_CHECKING:
    from collections.abc import Coroutine, Iterable, Sequence
    from datetime import date, datetime

    from monitor.deliver import Channel
    from monitor.models import RenderedDigest
    from monitor.store import Store

FIRST: Final = timedelta(minutes=5)
LONGEST: Final = timedelta(hours=4)
LIFE: Final = timedelta(days=5)
"""Waits double from FIRST to LONGEST, as in a mail queue (RFC 5321, 4.5.4.1; Postfix qmgr)."""
FEWEST_TRIES: Final = 5
"""Tries before a delivery is given up for its age: a machine that was off for a week has not tried at all."""
SINGLY: Final = 3
"""Mails to one recipient that were given up and come one by one when a later mail has got through. An address
that refused for a month got thirty mails at once; when there are more than these, the next mail tells all."""
MOST_UNCONFIRMED: Final = 3
"""How often a message may be sent whole without an answer."""
JITTER: Final = 0.2
EVERYBODY: Final = "everybody"
"""The recipient of a delivery that a channel could not make for anybody."""
# Without a bound, the wait after forty tries would be longer than a timedelta can hold.
_DOUBLINGS: Final = 10

T = TypeVar("T")


def prepare(channels: Iterable[Channel], edition: RenderedDigest, *, now: datetime) -> list[Delivery]:
    """Freeze an edition for every channel. A channel that fails gets a failed delivery and harms no other."""
    prepared: list[Delivery] = []
    for channel in channels:
        try:
            prepared += channel.prepare(edition, now=now)
        except Exception as error:  # noqa: BLE001 - a digest must not be lost to one channel
            prepared.append(unmade(edition.key, channel.name, EVERYBODY, error, now=now))
    return prepared


def unmade(edition: str, channel: str, recipient: str, error: Exception, *, now: datetime) -> Delivery:
    """Return a failed delivery for a message that could not be made; the next digest makes up for it."""
    return Delivery(
        edition=edition,
        channel=channel,
        recipient=recipient,
        payload=b"",
        state="failed",
        last_error=str(_as_delivery_error(error)),
        created_at=now,
    )


def supersede(
    store: Store, channels: Iterable[Channel], deliveries: Iterable[Delivery], now: datetime
) -> None:
    """Drop earlier editions that still wait, in those channels in which only the latest edition counts."""
    latest_only = {channel.name for channel in channels if channel.latest_only}
    for delivery in deliveries:
        if delivery.channel in latest_only:
            store.deliveries.supersede(delivery, now)


def recover(store: Store, *, now: datetime) -> None:
    """Free the deliveries that were being sent when their sender died or was stopped."""
    store.deliveries.save_rest()
    with store.transaction():
        for delivery in store.deliveries.sending():
            store.deliveries.save(after_interruption(delivery, now=now), now)


def resend(store: Store, day: date, *, now: datetime, recipient: str = "") -> int:
    """Make the deliveries of a day's digest due now, with the same bytes and Message-IDs; return how many.

    Those that are under way, or held for their hour, are left alone. With `recipient`, only theirs are made
    due.
    """
    return store.deliveries.reopen(digest_key(day), now, recipient)


async def send_due(
    store: Store, channels: Sequence[Channel], *, now: datetime, blocked: bool = False
) -> list[Delivery]:
    """Send the deliveries that are due, side by side; return them as they stand afterwards.

    With `blocked` those that wait for the user (after a refused log-in) are tried too. Each refused log-in
    counts against the account, so one delivery of a channel goes first, and the others only if it was not
    refused again.
    """
    seen, tried = set[int](), list[Delivery]()
    # What gets through gives what was given up before it another chance, which it takes at once.
    while due := [one for one in store.deliveries.due(now, blocked=blocked) if one.id not in seen]:
        seen.update(one.id for one in due)
        tried += await _send_those(store, channels, due, now)
    return tried


async def _send_those(
    store: Store, channels: Sequence[Channel], due: Iterable[Delivery], now: datetime
) -> list[Delivery]:
    by_name = {channel.name: channel for channel in channels}
    waiting = defaultdict[str, list[Delivery]](list)
    for delivery in due:
        # A channel that is switched off keeps what it had to send until it is switched on again.
        if channel := by_name.get(delivery.channel):
            if channel.reaches(delivery.recipient):
                waiting[channel.name].append(delivery)
            else:
                _withdraw(store, delivery, now)
    if waiting:
        store.deliveries.make_room(chain.from_iterable(waiting.values()))
    tried = await _all_of(
        _send_all(store, by_name[name], deliveries, now) for name, deliveries in waiting.items()
    )
    return [delivery for of_channel in tried for delivery in of_channel]


def _withdraw(store: Store, delivery: Delivery, now: datetime) -> None:
    note = f"{delivery.recipient} is no longer on the list"
    settled = replace(delivery, state="superseded", next_attempt_at=None, last_error=note, blocked=False)
    store.deliveries.save(settled, now)


async def _send_all(
    store: Store, channel: Channel, deliveries: Sequence[Delivery], now: datetime
) -> list[Delivery]:
    """Send one channel's deliveries; those that wait for the user only after one of them got through."""
    held = [delivery for delivery in deliveries if delivery.blocked]
    probe = await _send(store, channel, held[0], now) if held else None
    rest = [delivery for delivery in deliveries if not held or delivery.id != held[0].id]
    if probe and probe.blocked:
        again, refusal = probe.next_attempt_at, probe.last_error
        waiting = [
            replace(delivery, next_attempt_at=again, last_error=refusal, blocked=True) for delivery in rest
        ]
        for delivery in waiting:
            store.deliveries.save(delivery, now)
        return [probe, *waiting]
    sent = await _all_of(_send(store, channel, delivery, now) for delivery in rest)
    return [delivery for delivery in (probe, *sent) if delivery]


async def _all_of(those: Iterable[Coroutine[Any, Any, T]]) -> list[T]:
    """Wait for all, then raise an error that one of them raised (a full disk, say).

    Plain `gather` raises at once; the next run would then take what is still under way for interrupted.
    """
    done = await asyncio.gather(*those, return_exceptions=True)
    for one in done:
        if isinstance(one, BaseException):
            raise one
    return [one for one in done if not isinstance(one, BaseException)]


async def _send(store: Store, channel: Channel, delivery: Delivery, now: datetime) -> Delivery | None:
    """Make one try and store how it ended; None when somebody else has taken the delivery meanwhile."""
    claimed = store.deliveries.claim(delivery.id, now)
    if claimed is None:
        return None
    try:
        await channel.send(claimed)
        after = after_success(claimed, now=now)
    except Exception as error:  # noqa: BLE001 - one delivery's trouble, of whatever kind, is nobody else's
        after = after_error(claimed, _as_delivery_error(error), now=now, jitter=random.random())  # noqa: S311 - spreads tries
    store.deliveries.save(after, now)
    if after.state == "sent":
        store.deliveries.reopen_failed(after, now, singly=SINGLY, unconfirmed=MOST_UNCONFIRMED)
    return after


def _as_delivery_error(error: Exception) -> DeliveryError:
    """Take an error that nobody expected for a transient one, and name the line of code it came from."""
    if isinstance(error, DeliveryError):
        return error
    return DeliveryError(f"{place_of(error)}: {error}", permanent=False)


# --- how a try ends. Pure: delivery, outcome and now in, delivery out


def after_success(delivery: Delivery, *, now: datetime) -> Delivery:
    """Settle a delivery that arrived."""
    return replace(
        delivery,
        state="sent",
        attempts=delivery.attempts + 1,
        sent_at=now,
        next_attempt_at=None,
        last_error="",
        blocked=False,
    )


def after_error(delivery: Delivery, error: DeliveryError, *, now: datetime, jitter: float) -> Delivery:
    """Give up when `error` is permanent or the delivery is too old; otherwise wait for the next try.

    `jitter`, 0 to 1, lengthens the wait by up to a fifth.
    """
    tries = delivery.attempts + 1
    delivery = replace(delivery, unconfirmed=delivery.unconfirmed + error.unconfirmed)
    if error.permanent:
        return _failed(delivery, tries, str(error))
    if error.unconfirmed and delivery.unconfirmed >= MOST_UNCONFIRMED:
        return _failed(delivery, tries, f"given up after {tries} tries: {error}")
    if _is_too_old(delivery, tries, now):
        return _failed(delivery, tries, f"given up after {LIFE.days} days: {error}")
    # Without jitter, deliveries that failed together would all be tried again at the same moment.
    pause = max(wait(tries), error.delay) * (1 + JITTER * jitter)
    return replace(
        delivery,
        state="pending",
        attempts=tries,
        next_attempt_at=now + pause,
        last_error=str(error),
        blocked=error.blocked,
    )


def after_interruption(delivery: Delivery, *, now: datetime) -> Delivery:
    """Free a delivery that was being sent when the process died; nobody knows whether it arrived.

    It is tried again at once, with the same bytes and Message-ID. If that try dies too, the usual waits
    apply, so that a crash that repeats itself does not keep repeating the message. At the end of its life it
    is given up.
    """
    tries = delivery.attempts + 1
    note = "interrupted while sending; it may have arrived"
    if _is_too_old(delivery, tries, now):
        return _failed(delivery, tries, f"given up after {LIFE.days} days: {note}")
    # The first interruption is most often a restart; a second one may be the message's own doing.
    pause = timedelta(0) if tries == 1 else wait(tries)
    return replace(delivery, state="pending", attempts=tries, next_attempt_at=now + pause, last_error=note)


def wait(attempts: int) -> timedelta:
    """Return the pause after so many tries, without jitter."""
    return min(LONGEST, FIRST * (1 << min(_DOUBLINGS, max(0, attempts - 1))))


def _failed(delivery: Delivery, tries: int, reason: str) -> Delivery:
    return replace(
        delivery, state="failed", attempts=tries, next_attempt_at=None, last_error=reason, blocked=False
    )


def _is_too_old(delivery: Delivery, tries: int, now: datetime) -> bool:
    return now - delivery.created_at >= LIFE and tries >= FEWEST_TRIES
