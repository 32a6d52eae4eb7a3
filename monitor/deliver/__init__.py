"""The channels. A channel freezes an edition into deliveries, and sends one delivery at a time.

    prepare   RenderedDigest -> [Delivery]: one for each recipient or file, with its final bytes. Pure
    send      Delivery -> the world. Returns, or raises DeliveryError

To add a channel, write a module with a `Settings` and a class like `Push`, and add a line to CHANNELS. Then
the configuration knows its table, alerts may name it, and the outbox sends through it. `outbox.py` decides
what happens between tries, and is where the state of a delivery changes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Final, Protocol, Self

from monitor.deliver.files import Archive, Files, unwritable
from monitor.deliver.locked import Locked
from monitor.deliver.mail import Mail
from monitor.deliver.message import address_spec
from monitor.deliver.push import Push
from monitor.deliver.secrets import Secrets

if TYPE_CHECKING:
    from datetime import datetime

    from monitor.models import Delivery, RenderedDigest

__all__ = [
    "CHANNELS",
    "Archive",
    "Channel",
    "ConfiguredChannel",
    "Files",
    "Locked",
    "Mail",
    "Push",
    "Secrets",
    "address_spec",
    "unwritable",
]


class Channel(Protocol):
    """One way out. It holds only its settings: the store knows what was sent."""

    @property
    def name(self) -> str:
        """The key in CHANNELS, kept with each delivery."""

    @property
    def latest_only(self) -> bool:
        """True if only the latest edition counts: an earlier one that is still waiting is dropped."""

    def prepare(self, edition: RenderedDigest, *, now: datetime) -> tuple[Delivery, ...]:
        """Freeze an edition for each recipient; for none if it holds nothing for this channel."""

    def reaches(self, recipient: str) -> bool:
        """Say whether a recipient is still on the list: nobody gets mail after leaving it."""

    async def send(self, delivery: Delivery) -> None:
        """Send the frozen bytes as they are. Raise DeliveryError when they may not have arrived."""


class ConfiguredChannel(Channel, Protocol):
    """A channel with a table of its own in monitor.toml."""

    declared: ClassVar[type[Any]]
    """The Settings class: its table of monitor.toml. Without a field `enabled` the channel is always on."""

    def __init__(self, settings: Any) -> None:
        """Make the channel without its secrets: it can freeze editions, unless only these say for whom."""

    @classmethod
    def of(cls, settings: Any, secrets: Secrets) -> Self:
        """Make the channel of its Settings, with its secrets. Raises ConfigError when one cannot be read."""

    def missing(self) -> str:
        """Say what it lacks on this machine, before anything is sent; "" for nothing."""

    async def check(self) -> str:
        """Try the way without sending anything; return what was found, or raise DeliveryError."""


CHANNELS: Final[dict[str, type[ConfiguredChannel]]] = {
    Files.name: Files,
    Mail.name: Mail,
    Push.name: Push,
}
"""Every channel by its name; files come first. No other module lists them."""
