"""Headlines and a link to chat, push and whatever else apprise knows. An extra: `sora-monitor[apprise]`.

An address of such a service holds its key, so addresses are secrets: neither a delivery nor an
error names more than the kind of service.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar, Final
from urllib.parse import urlsplit

from monitor import text
from monitor.errors import DeliveryError
from monitor.models import Delivery

if TYPE_CHECKING:
    from datetime import datetime

    from monitor.models import RenderedDigest

_TIMEOUT_SECONDS: Final = 60


@dataclass(frozen=True, kw_only=True, slots=True)
class Settings:
    """Whom to tell, and how much."""

    urls: tuple[str, ...] = field(repr=False)
    """In apprise's notation; secret."""
    min_score: float = 0.0
    """Stories that score less are left out; 0: none is."""
    max_headlines: int = 5
    link: str = ""
    """Where the whole digest can be read, "" for nowhere."""


@dataclass(frozen=True, slots=True)
class Push:
    """Sends each service one short plain text."""

    settings: Settings
    name: ClassVar[str] = "apprise"
    latest_only: ClassVar[bool] = False

    def prepare(self, edition: RenderedDigest, *, now: datetime) -> tuple[Delivery, ...]:
        """Freeze subject and headlines for each service; none when `min_score` leaves no story."""
        headlines = [story for story in edition.headlines if story.score >= self.settings.min_score]
        if self.settings.min_score > 0 and not headlines:
            return ()
        shown = headlines[: self.settings.max_headlines]
        lines = [f"• {story.title}\n  {story.url}".rstrip() for story in shown]
        if self.settings.link:
            lines += ["", self.settings.link]
        payload = "\n".join([text.clean(edition.subject), "", *lines]).encode("utf-8", "replace")
        return tuple(
            Delivery(
                edition=edition.key, channel=self.name, recipient=service, payload=payload, created_at=now
            )
            for service in self._services()
        )

    def reaches(self, recipient: str) -> bool:
        """Say whether a service of that name is still configured."""
        return recipient in self._services()

    async def send(self, delivery: Delivery) -> None:
        """Send to one service; raise a permanent DeliveryError when it cannot be addressed at all."""
        url = self._services().get(delivery.recipient)
        if url is None:
            raise DeliveryError(f"{delivery.recipient} is configured no more", permanent=True)
        subject, _, body = delivery.payload.decode().partition("\n")
        await asyncio.to_thread(_notify, url, delivery.recipient, subject, body)

    def _services(self) -> dict[str, str]:
        """Map names that may be shown (`ntfy`, the second one `ntfy-2`) to the secret addresses."""
        named: dict[str, str] = {}
        for url in self.settings.urls:
            scheme = urlsplit(url).scheme or "service"
            same = sum(name.partition("-")[0] == scheme for name in named)
            named[f"{scheme}-{same + 1}" if same else scheme] = url
        return named


def _notify(url: str, service: str, subject: str, body: str) -> None:
    try:
        import apprise
    except ImportError as error:
        raise DeliveryError(
            "push needs the extra: pip install 'sora-monitor[apprise]'", permanent=False
        ) from error
    logging.getLogger("apprise").setLevel(logging.CRITICAL)  # its warnings hold parts of addresses
    services = apprise.Apprise()
    if not services.add(url):
        raise DeliveryError(f"{service}: apprise does not understand its address", permanent=True)
    if not services.notify(body=body.strip() or subject, title=subject, timeout=_TIMEOUT_SECONDS):
        raise DeliveryError(f"{service}: the service did not take it", permanent=False)
