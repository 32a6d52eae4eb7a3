"""Stands in for a channel whose secret cannot be read, so that nothing else has to wait for it.

Takes that channel without its secret; gives the deliveries that it can freeze so, which then wait for the
user. Without it a password file with the wrong mode kept the day's files from being written too.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from monitor.errors import DeliveryError

if TYPE_CHECKING:
    from datetime import datetime

    from monitor.deliver import Channel
    from monitor.models import Delivery, RenderedDigest


@dataclass(frozen=True, slots=True)
class Locked:
    """Freezes editions, and sends none."""

    channel: Channel
    reason: str
    """What is wrong with the secret, in a line."""

    @property
    def name(self) -> str:
        """The name of the channel, under which its deliveries wait."""
        return self.channel.name

    @property
    def latest_only(self) -> bool:
        """As the channel has it."""
        return self.channel.latest_only

    def prepare(self, edition: RenderedDigest, *, now: datetime) -> tuple[Delivery, ...]:
        """Freeze an edition. Raises DeliveryError when only the secret says for whom."""
        try:
            return self.channel.prepare(edition, now=now)
        except DeliveryError as error:
            raise DeliveryError(self.reason, permanent=True) from error

    def reaches(self, recipient: str) -> bool:  # noqa: ARG002 - that may be part of the secret
        """Take everybody: what waits is judged when it can be sent."""
        return True

    async def send(self, delivery: Delivery) -> None:  # noqa: ARG002 - none can be sent
        """Raise a DeliveryError that waits for the user."""
        raise DeliveryError(self.reason, permanent=False, blocked=True)
