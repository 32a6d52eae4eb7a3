"""Editions by e-mail: who gets which message, and what SMTP lets us promise; `smtp` speaks the protocol.

Each recipient gets at most one message for an edition, as far as SMTP can promise it. Bytes and Message-ID
are frozen before the first try. When the server takes the message but its answer is lost, the same bytes are
sent again after half an hour at least: a message may come twice, but never not at all.

The connection is never less safe than the settings say: with "starttls" and "tls", a server without TLS, or
with a certificate that cannot be trusted, gets neither the password nor the message.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping  # noqa: TC003 - config reads the annotations at run time
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, ClassVar, Final, Literal, Self

from monitor.deliver import message, smtp
from monitor.errors import ConfigError, Fault, place_of
from monitor.models import Delivery, Selection
from monitor.setting_kinds import Example, Host, Key, Mailbox, Mailboxes, Score, Switch, Text, choice, whole

if TYPE_CHECKING:
    from datetime import datetime

    from monitor.deliver.secrets import Secrets
    from monitor.models import RenderedDigest

Tls = Literal["starttls", "tls", "none"]

# Many providers limit the sessions of one client, so all recipients share these.
_MAX_CONNECTIONS: Final = 4


@dataclass(frozen=True, kw_only=True, slots=True)
class Settings:
    """Delivery by email.

    The password is never written into this file: it comes from an environment variable, or from a file that
    only you can read.
    """

    TABLE: ClassVar[str] = "email"

    enabled: Switch = True
    """False switches it off without losing the other settings."""
    host: Annotated[Host, Example("smtp.example.org")]
    """Your provider's server for outgoing mail."""
    port: Annotated[int, whole(1, 65535)] = 587
    """587 for "starttls", 465 for "tls"."""
    tls: Annotated[Tls, choice("starttls", "tls", "none")] = "starttls"
    """"starttls", "tls" or "none"; the connection is never less safe than that."""
    username: Annotated[Text, Example("monitor@example.org")] = ""
    """Leave it out for a server without log-in."""
    password_env: Annotated[Text, Example("MONITOR_SMTP_PASSWORD")] = ""
    """The environment variable that holds the password."""
    password_file: Annotated[Text, Example("smtp-password")] = ""
    """Instead of password_env: a file, or the name of a systemd credential."""
    sender: Annotated[Mailbox, Key("from"), Example("Monitor <monitor@example.org>")]
    """The sender: most servers accept only the account's own address."""
    to: Annotated[Mailboxes, Example(["you@example.org"])]
    """The recipients; each gets a message of their own."""
    format: Annotated[Literal["both", "text"], choice("both", "text")] = "both"
    """"both": text and HTML in one message; "text": text alone."""
    min_score: Score = 0.0
    """Sent only when a story scores this much, or the day is broken; 0: always."""
    only: Mapping[str, Selection] = field(default_factory=dict, hash=False)
    """By address: what those recipients get who do not get all of it."""
    password: str = field(default="", repr=False)
    """In clear, so it never shows."""
    timeout: timedelta = timedelta(seconds=60)
    """For the connection and for each command."""
    patience: timedelta = timedelta(minutes=10)
    """For the answer to the whole message (RFC 5321, 4.5.3.2.6)."""

    def __post_init__(self) -> None:
        if self.password_env and self.password_file:
            raise ValueError("password_env and password_file: give one of them")
        if self.username and not (self.password_env or self.password_file or self.password):
            raise ValueError("a username needs password_env or password_file")


@dataclass(frozen=True, slots=True)
class Mail:
    """Sends each recipient a message of their own."""

    settings: Settings
    _connections: asyncio.Semaphore = field(
        default_factory=lambda: asyncio.Semaphore(_MAX_CONNECTIONS), init=False, repr=False, compare=False
    )
    _alone: asyncio.Lock = field(default_factory=asyncio.Lock, init=False, repr=False, compare=False)
    _under_way: list[Delivery] = field(default_factory=list, init=False, repr=False, compare=False)
    _quits: set[asyncio.Task[None]] = field(default_factory=set, init=False, repr=False, compare=False)
    name: ClassVar[str] = "email"
    latest_only: ClassVar[bool] = False
    declared: ClassVar[type[Settings]] = Settings

    @classmethod
    def of(cls, settings: Settings, secrets: Secrets) -> Self:
        """Make the channel with its password. Raises ConfigError."""
        password = secrets.read("password", env=settings.password_env, file=settings.password_file)
        if len(password.splitlines()) > 1:  # a note beside it, or a file of variables
            place = "password_file" if settings.password_file else "password_env"
            raise ConfigError([Fault("", place, "it holds several lines; a password is one")])
        return cls(replace(settings, password=password or settings.password))

    def missing(self) -> str:
        """Return "": sending mail needs nothing that is not in the settings."""
        return ""

    async def check(self) -> str:
        """Connect and log in as a delivery would, and send nothing. Raises DeliveryError."""
        async with smtp.session(self.settings) as server:
            await server.noop()
        await smtp.say_goodbye(server)
        return f"connected to {self.settings.host}{' and logged in' if self.settings.username else ''}"

    def prepare(self, edition: RenderedDigest, *, now: datetime) -> tuple[Delivery, ...]:
        """Freeze one message for each recipient; none if no story has `min_score` on an unbroken day."""
        best = max((headline.score for headline in edition.headlines), default=0.0)
        if best < self.settings.min_score and edition.conclusive:
            return ()
        return tuple(
            self._delivery(edition, recipient, now)
            for recipient in self.settings.to
            if edition.to is None or message.address_spec(recipient) in edition.to
        )

    def reaches(self, recipient: str) -> bool:
        """Say whether a recipient is still on the list, in whatever spelling."""
        return recipient.casefold() in {message.address_spec(one).casefold() for one in self.settings.to}

    async def send(self, delivery: Delivery) -> None:
        """Hand the message to the server; return as soon as the server has taken responsibility for it."""
        crowded = bool(self._under_way)
        self._under_way.append(delivery)
        try:
            async with self._connections:
                await self._hand_over(delivery)
        except smtp.BusyError:
            # Of eight recipients on a server that allows one session at a time, one had the mail in the first
            # hour and the last in the eighth.
            if not crowded and len(self._under_way) == 1:
                raise
            await self._send_alone(delivery)
        finally:
            self._under_way.remove(delivery)

    async def _send_alone(self, delivery: Delivery) -> None:
        async with self._alone, contextlib.AsyncExitStack() as all_connections:
            for _ in range(_MAX_CONNECTIONS):
                await all_connections.enter_async_context(self._connections)
            await asyncio.gather(*self._quits)
            await self._hand_over(delivery)

    async def _hand_over(self, delivery: Delivery) -> None:
        async with smtp.session(self.settings) as server:
            await smtp.envelope(server, message.address_spec(self.settings.sender), delivery.recipient)
            await smtp.hand_over(server, delivery.payload, self.settings.patience)
        quitting = asyncio.create_task(smtp.say_goodbye(server))
        self._quits.add(quitting)
        quitting.add_done_callback(self._quits.discard)
        await asyncio.sleep(0)  # or QUIT would go unsaid where this is the process's last act

    def _delivery(self, edition: RenderedDigest, recipient: str, now: datetime) -> Delivery:
        """Freeze one message; if none can be made for an address, return a failed delivery."""
        held = edition.hold_until if edition.hold_until and edition.hold_until > now else None
        frozen = Delivery(
            edition=edition.key,
            channel=self.name,
            recipient=message.address_spec(recipient),
            payload=b"",
            next_attempt_at=held,
            created_at=held or now,
        )
        try:
            html = self.settings.format == "both"
            built = message.build(edition, sender=self.settings.sender, recipient=recipient, html=html)
        except Exception as error:  # noqa: BLE001 - one recipient's message must not cost the others theirs
            reason = str(error) if isinstance(error, ValueError) else place_of(error)
            return replace(frozen, state="failed", next_attempt_at=None, last_error=reason)
        return replace(frozen, payload=built.content, message_id=built.id)
