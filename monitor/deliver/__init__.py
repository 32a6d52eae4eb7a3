"""The ways out. A channel freezes an edition into deliveries, and sends one delivery at a time.

    prepare   RenderedDigest -> [Delivery]: one for each recipient or file, its bytes final. Pure
    send      Delivery -> the world. Returns, or raises DeliveryError

Looking to add a channel? One module with a `Settings` and a class like `Push`, one line in CHANNELS: the
configuration then knows its table, alerts may name it, and the outbox sends through it. What happens between
the tries is decided in `outbox.py`, where the state of a delivery changes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Final, Protocol, Self

from monitor.deliver.files import Archive, Files, unwritable
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
    "Mail",
    "Push",
    "Secrets",
    "address_spec",
    "unwritable",
]


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


class ConfiguredChannel(Channel, Protocol):
    """A channel with a table of its own in monitor.toml."""

    declared: ClassVar[type[Any]]
    """The Settings class: its table of monitor.toml. Without a field `enabled` the channel is always on."""

    @classmethod
    def of(cls, settings: Any, secrets: Secrets) -> Self:
        """Make the channel of its Settings, with its secrets. Raises ConfigError when one cannot be read."""

    def missing(self) -> str:
        """Say what it lacks on this machine before anything is sent; "" for nothing."""

    async def check(self) -> str:
        """Try the way without sending anything; return what was seen, or raise DeliveryError."""


CHANNELS: Final[dict[str, type[ConfiguredChannel]]] = {
    Files.name: Files,
    Mail.name: Mail,
    Push.name: Push,
}
"""Every channel by its name; files come first. Nobody else knows them."""
