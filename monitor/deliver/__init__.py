"""The ways out. A channel freezes an edition into deliveries, and sends one delivery at a time.

    prepare   RenderedDigest -> [Delivery]: one for each recipient or file, its bytes final. Pure
    send      Delivery -> the world. Returns, or raises DeliveryError

Looking to add a channel? One module with a Settings and a class like `Files`, one line in CHANNELS.
What happens between the tries is decided in `outbox.py`, where the state of a delivery changes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Protocol

from monitor.deliver.files import Archive, Files
from monitor.deliver.mail import Mail
from monitor.deliver.push import Push

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from monitor.models import Delivery, RenderedDigest

__all__ = ["CHANNELS", "Archive", "Channel", "Files", "Mail", "Push"]


class Channel(Protocol):
    """One way out. It holds its settings and nothing else: what was sent is the store's to know."""

    @property
    def name(self) -> str:
        """The key in CHANNELS, kept with each delivery."""

    @property
    def latest_only(self) -> bool:
        """True where only the latest edition counts: an earlier one that still waits is dropped."""

    def prepare(self, edition: RenderedDigest, *, now: datetime) -> tuple[Delivery, ...]:
        """Freeze an edition for each recipient; none where it has nothing that this channel wants."""

    def reaches(self, recipient: str) -> bool:
        """Say whether the channel still has this recipient: who left the list is not written to."""

    async def send(self, delivery: Delivery) -> None:
        """Send the frozen bytes as they are. Raise DeliveryError when they may not have arrived."""


CHANNELS: Final[dict[str, Callable[[Any], Channel]]] = {
    Files.name: Files,
    Mail.name: Mail,
    Push.name: Push,
}
"""What makes a channel of its own Settings, by the channel's name."""
