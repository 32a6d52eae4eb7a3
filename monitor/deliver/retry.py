r"""How a delivery goes from pending to sent or failed. Pure: delivery, outcome and now in, delivery out.

    pending --begin--> sending --after_success--> sent
       ^                  |  \--after_error------> failed   (permanent, or given up after five days)
       +--after_error-----+
       +--after_interruption (the process died while sending)

The waits are those of a mail queue (RFC 5321, 4.5.4.1; Postfix qmgr): doubling from five minutes to four
hours, for five days.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from datetime import datetime

    from monitor.errors import DeliveryError
    from monitor.models import Delivery

FIRST: Final = timedelta(minutes=5)
LONGEST: Final = timedelta(hours=4)
LIFE: Final = timedelta(days=5)
JITTER: Final = 0.2
_DOUBLINGS: Final = 10


def begin(delivery: Delivery) -> Delivery:
    """Claim a delivery before its bytes leave, so that a crash counts as a try."""
    return replace(delivery, state="sending", attempts=delivery.attempts + 1, next_attempt_at=None)


def after_success(delivery: Delivery, *, now: datetime) -> Delivery:
    """Settle a delivery that arrived."""
    return replace(delivery, state="sent", sent_at=now, next_attempt_at=None, last_error="")


def after_error(delivery: Delivery, error: DeliveryError, *, now: datetime, jitter: float) -> Delivery:
    """Give up when `error` is permanent or the delivery is five days old; else wait for the next try.

    `jitter`, 0 to 1, stretches the wait by up to a fifth.
    """
    if error.permanent:
        return replace(delivery, state="failed", next_attempt_at=None, last_error=str(error))
    if now - delivery.created_at >= LIFE:
        message = f"given up after {LIFE.days} days: {error}"
        return replace(delivery, state="failed", next_attempt_at=None, last_error=message)
    pause = max(wait(delivery.attempts), error.delay) * (1 + JITTER * jitter)
    return replace(delivery, state="pending", next_attempt_at=now + pause, last_error=str(error))


def after_interruption(delivery: Delivery, *, now: datetime) -> Delivery:
    """Free a delivery that was being sent when the process died; nobody knows whether it arrived.

    It is tried again at once, with the same bytes and Message-ID. If that dies too, the waits
    apply, so that a crash that repeats itself does not repeat the message.
    """
    pause = timedelta(0) if delivery.attempts <= 1 else wait(delivery.attempts)
    message = "interrupted while sending; it may have arrived"
    return replace(delivery, state="pending", next_attempt_at=now + pause, last_error=message)


def wait(attempts: int) -> timedelta:
    """Return the pause after so many tries, without jitter."""
    return min(LONGEST, FIRST * (1 << min(_DOUBLINGS, max(0, attempts - 1))))
