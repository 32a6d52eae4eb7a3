r"""How a delivery goes from pending to sent or failed. Pure: delivery, outcome and now in, delivery out.

    pending --(claimed by the store)--> sending --after_success--> sent
       ^                                  |  \--after_error------> failed   (or given up after five days)
       +----------after_error-------------+
       +----------after_interruption------+   (the process died while sending)

Each outcome counts as one try.
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


def after_success(delivery: Delivery, *, now: datetime) -> Delivery:
    """Settle a delivery that arrived."""
    tries = delivery.attempts + 1
    return replace(delivery, state="sent", attempts=tries, sent_at=now, next_attempt_at=None, last_error="")


def after_error(delivery: Delivery, error: DeliveryError, *, now: datetime, jitter: float) -> Delivery:
    """Give up when `error` is permanent or the delivery is five days old; else wait for the next try.

    `jitter`, 0 to 1, stretches the wait by up to a fifth.
    """
    tries = delivery.attempts + 1
    if error.permanent:
        return replace(delivery, state="failed", attempts=tries, next_attempt_at=None, last_error=str(error))
    if now - delivery.created_at >= LIFE:
        message = f"given up after {LIFE.days} days: {error}"
        return replace(delivery, state="failed", attempts=tries, next_attempt_at=None, last_error=message)
    pause = max(wait(tries), error.delay) * (1 + JITTER * jitter)
    return replace(
        delivery, state="pending", attempts=tries, next_attempt_at=now + pause, last_error=str(error)
    )


def after_interruption(delivery: Delivery, *, now: datetime) -> Delivery:
    """Free a delivery that was being sent when the process died; nobody knows whether it arrived.

    It is tried again at once, with the same bytes and Message-ID. If that dies too, the waits
    apply, so that a crash that repeats itself does not repeat the message.
    """
    tries = delivery.attempts + 1
    pause = timedelta(0) if tries == 1 else wait(tries)
    message = "interrupted while sending; it may have arrived"
    return replace(delivery, state="pending", attempts=tries, next_attempt_at=now + pause, last_error=message)


def wait(attempts: int) -> timedelta:
    """Return the pause after so many tries, without jitter."""
    return min(LONGEST, FIRST * (1 << min(_DOUBLINGS, max(0, attempts - 1))))
