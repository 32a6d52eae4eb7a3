"""Headlines and a link to chat, push and whatever else apprise knows. An extra: `sora-monitor[apprise]`.

The address of such a service contains its key, so addresses are secrets: deliveries and errors name only the
kind of service.
"""

from __future__ import annotations

import asyncio
import logging
import re
from dataclasses import dataclass, field, replace
from importlib.util import find_spec
from typing import TYPE_CHECKING, Annotated, ClassVar, Final, Self

from monitor import text
from monitor.errors import ConfigError, DeliveryError, Fault
from monitor.models import Delivery
from monitor.setting_kinds import Example, Score, Switch, Text

if TYPE_CHECKING:
    from datetime import datetime

    from monitor.deliver.secrets import Secrets
    from monitor.models import RenderedDigest

_TIMEOUT_SECONDS: Final = 60
# A push message is read at a glance, and services cut longer ones at different places.
_MAX_HEADLINES: Final = 5
# `urlsplit` raises for a stray bracket in what follows: one such address had held up all mail.
_SCHEME: Final = re.compile(r"[a-z][a-z0-9+.-]*(?=:)", re.IGNORECASE)
_NEEDS_EXTRA: Final = "push needs the extra: pip install 'sora-monitor[apprise]'"


@dataclass(frozen=True, kw_only=True, slots=True)
class Settings:
    """Headlines to chat, push and a hundred other services (pip install 'sora-monitor[apprise]').

    The addresses of the services are secrets; write one on each line.
    """

    TABLE: ClassVar[str] = "apprise"

    enabled: Switch = True
    """False switches it off without losing the other settings."""
    urls_env: Annotated[Text, Example("MONITOR_APPRISE_URLS")] = ""
    """The environment variable that holds the addresses."""
    urls_file: Annotated[Text, Example("apprise-urls")] = ""
    """Instead of urls_env: a file."""
    min_score: Score = 0.0
    """Leaves out stories that score less, and days without any unless they are broken; 0: nothing."""
    urls: tuple[str, ...] = field(default=(), repr=False)
    """In apprise's notation; secret."""

    def __post_init__(self) -> None:
        if not self.urls and bool(self.urls_env) == bool(self.urls_file):
            raise ValueError("give either urls_env or urls_file")


@dataclass(frozen=True, slots=True)
class Push:
    """Sends each service one short plain text."""

    settings: Settings
    name: ClassVar[str] = "apprise"
    latest_only: ClassVar[bool] = False
    declared: ClassVar[type[Settings]] = Settings

    @classmethod
    def of(cls, settings: Settings, secrets: Secrets) -> Self:
        """Make the channel with its addresses. Raises ConfigError."""
        found = secrets.read("urls", env=settings.urls_env, file=settings.urls_file).split()
        if not found and not settings.urls:
            place = "urls_env" if settings.urls_env else "urls_file"
            raise ConfigError([Fault("", place, "it holds no address, so nobody would be told")])
        return cls(replace(settings, urls=tuple(found) or settings.urls))

    def missing(self) -> str:
        """Say that the extra is not installed; "" when it is."""
        return "" if find_spec("apprise") else _NEEDS_EXTRA

    async def check(self) -> str:
        """Say which services are configured; trying them would send something."""
        return f"{', '.join(self._services())}: not tried, because that would send a message"

    def prepare(self, edition: RenderedDigest, *, now: datetime) -> tuple[Delivery, ...]:
        """Freeze subject and headlines; none if `min_score` leaves no story and the day is not broken.

        Raises DeliveryError when no address is known.
        """
        headlines = [story for story in edition.headlines if story.score >= self.settings.min_score]
        if self.settings.min_score > 0 and not headlines and edition.conclusive:
            return ()
        if not self.settings.urls:
            raise DeliveryError("no address of a service is known", permanent=True)
        lines = [f"• {story.title}\n  {story.url}".rstrip() for story in headlines[:_MAX_HEADLINES]]
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
            raise DeliveryError(f"{delivery.recipient} is no longer configured", permanent=True)
        subject, _, body = delivery.payload.decode().partition("\n")
        await asyncio.to_thread(_notify, url, delivery.recipient, subject, body)

    def _services(self) -> dict[str, str]:
        """Map names that may be shown (`ntfy`, the second one `ntfy-2`) to the secret addresses."""
        named: dict[str, str] = {}
        for url in self.settings.urls:
            found = _SCHEME.match(url)
            scheme = found[0].lower() if found else "service"
            same = sum(name.partition("-")[0] == scheme for name in named)
            named[f"{scheme}-{same + 1}" if same else scheme] = url
        return named


def _notify(url: str, service: str, subject: str, body: str) -> None:
    try:
        import apprise
    except ImportError as error:
        raise DeliveryError(_NEEDS_EXTRA, permanent=False) from error
    logging.getLogger("apprise").setLevel(logging.CRITICAL)  # its warnings hold parts of addresses
    services = apprise.Apprise()
    if not services.add(url):
        raise DeliveryError(f"{service}: apprise does not understand its address", permanent=True)
    for each in services:
        # Otherwise apprise sends what is too long as it is, and the service refuses it each time: Discord
        # takes 2,000 characters, and five links of Google News alone have more.
        if each.overflow_mode == apprise.OverflowMode.UPSTREAM:
            each.overflow_mode = apprise.OverflowMode.SPLIT
    text_as_it_is = apprise.NotifyFormat.TEXT  # else it is taken for what the service takes: HTML, in mail
    if not services.notify(
        body=body.strip() or subject, title=subject, body_format=text_as_it_is, timeout=_TIMEOUT_SECONDS
    ):
        raise DeliveryError(f"{service}: the service did not take it", permanent=False)
