"""Editions by e-mail over SMTP (RFC 5321). aiosmtplib lives here alone.

At most one message for each edition and recipient as far as SMTP can promise it: bytes and
Message-ID are frozen before the first try. When the server takes the message but its answer is
lost, the same bytes are sent again, not before half an hour: twice is possible, never is not.

The connection is never less safe than the settings say: with "starttls" and "tls" a server without
TLS, or with a certificate that cannot be trusted, gets neither password nor message.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import os
import re
import socket
import ssl
from dataclasses import dataclass, field, replace
from datetime import timedelta
from ipaddress import ip_address
from typing import TYPE_CHECKING, Annotated, ClassVar, Final, Literal, Self

from monitor import text
from monitor.deliver import message
from monitor.errors import DeliveryError
from monitor.models import Delivery
from monitor.values import (
    Example,
    Host,
    Key,
    Mailbox,
    Mailboxes,
    Share,
    Switch,
    Text,
    choice,
    whole,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from datetime import datetime

    import aiosmtplib

    from monitor.deliver.secrets import Secrets
    from monitor.models import RenderedDigest

Tls = Literal["starttls", "tls", "none"]

UNCONFIRMED_DELAY: Final = timedelta(minutes=30)
"""How long a message whose fate is unknown waits, from the beginning of the try: well over our patience."""
USER_DELAY: Final = timedelta(hours=6)
"""How long to wait when only the user can mend it: a wrong password must not be hammered."""

# RFC 5321, 4.2.3.
_START_INPUT: Final = 354
_ACCEPTED: Final = range(200, 300)
_PERMANENT: Final = 500
# RFC 4954, 6: authentication required, mechanism too weak, credentials invalid, encryption required.
_UNKNOWN_COMMAND: Final = frozenset({500, 502, 504})
_CREDENTIALS: Final = frozenset({530, 534, 535, 538})
# Some servers greylist with 550, which is for ever, and say only in words that it is not.
# What passes though its number says otherwise: greylisting, a full mailbox (X.2.2, RFC 3463), a detailed code
# that calls itself temporary.
_PASSES: Final = re.compile(
    r"gr[ae]y-?list|try again later|^[45]\.2\.2\b|^4\.\d+\.\d+|\b(?:full|quota)\b", re.IGNORECASE
)
# RFC 5321, 4.5.2: such a dot is doubled, or it would end the message.
_LINE_WITH_DOT: Final = re.compile(rb"^\.", re.MULTILINE)
_MAX_REPLY: Final = 200
_HOST_NAME: Final = re.compile(
    r"(?=.{1,253}$)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9-]*[a-z0-9]", re.IGNORECASE
)
_TLS_FROM_THE_START: Final = 465
_QUIT_SECONDS: Final = 5
# Many providers refuse further sessions of one client: all recipients share these.
_MAX_CONNECTIONS: Final = 4


@dataclass(frozen=True, kw_only=True, slots=True)
class Settings:
    """Delivery by email.

    The password never stands in this file: it comes from an environment variable, or from a file that only
    you can read.
    """

    TABLE: ClassVar[str] = "email"

    enabled: Switch = True
    """False switches it off and keeps the rest."""
    host: Annotated[Host, Example("smtp.example.org")]
    """Your provider's server for outgoing mail."""
    port: Annotated[int, whole(1, 65535)] = 587
    """587 for "starttls", 465 for "tls"."""
    tls: Annotated[Tls, choice("starttls", "tls", "none")] = "starttls"
    """"starttls", "tls" or "none"; never less safe than what you say."""
    username: Annotated[Text, Example("monitor@example.org")] = ""
    """Leave it out for a server that wants no log-in."""
    password_env: Annotated[Text, Example("MONITOR_SMTP_PASSWORD")] = ""
    """The environment variable that holds the password."""
    password_file: Annotated[Text, Example("smtp-password")] = ""
    """Instead of password_env: a file, or under systemd a credential's name."""
    sender: Annotated[Mailbox, Key("from"), Example("Monitor <monitor@example.org>")]
    """Who it comes from: most servers take their own users' addresses alone."""
    to: Annotated[Mailboxes, Example(["you@example.org"])]
    """Each gets a message of their own."""
    format: Annotated[Literal["both", "text"], choice("both", "text")] = "both"
    """"both": text and HTML in one message; "text": text alone."""
    min_score: Share = 0.0
    """Not sent when no story scores as much; 0 sends all."""
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
    _quits: set[asyncio.Task[None]] = field(default_factory=set, init=False, repr=False, compare=False)
    name: ClassVar[str] = "email"
    latest_only: ClassVar[bool] = False
    declared: ClassVar[type[Settings]] = Settings

    @classmethod
    def of(cls, settings: Settings, secrets: Secrets) -> Self:
        """Make the channel with its password. Raises ConfigError."""
        password = secrets.read("password", env=settings.password_env, file=settings.password_file)
        return cls(replace(settings, password=password or settings.password))

    def missing(self) -> str:
        """Return "": sending mail needs nothing that is not in the settings."""
        return ""

    async def check(self) -> str:
        """Connect and log in as a delivery would, and send nothing. Raises DeliveryError."""
        async with _session(self.settings) as smtp:
            await smtp.noop()
        await _quit(smtp)
        return f"{self.settings.host} lets us in"

    def prepare(self, edition: RenderedDigest, *, now: datetime) -> tuple[Delivery, ...]:
        """Freeze one message for each recipient, none when no story reaches `min_score`."""
        best = max((headline.score for headline in edition.headlines), default=0.0)
        if best < self.settings.min_score:
            return ()
        return tuple(self._delivery(edition, recipient, now) for recipient in self.settings.to)

    def reaches(self, recipient: str) -> bool:
        """Say whether a recipient still is on the list."""
        return recipient in map(message.address_spec, self.settings.to)

    async def send(self, delivery: Delivery) -> None:
        """Hand the message to the server; return as soon as it has taken responsibility for it."""
        async with self._connections, _session(self.settings) as smtp:
            await _envelope(smtp, message.address_spec(self.settings.sender), delivery.recipient)
            await _hand_over(smtp, delivery.payload, self.settings.patience)
        quitting = asyncio.create_task(_quit(smtp))
        self._quits.add(quitting)
        quitting.add_done_callback(self._quits.discard)
        await asyncio.sleep(0)  # or QUIT would go unsaid where this is the process's last act

    def _delivery(self, edition: RenderedDigest, recipient: str, now: datetime) -> Delivery:
        """Freeze one message; an address that none can be made for has a failed delivery of its own."""
        frozen = Delivery(
            edition=edition.key,
            channel=self.name,
            recipient=message.address_spec(recipient),
            payload=b"",
            created_at=now,
        )
        try:
            html = self.settings.format == "both"
            built = message.build(edition, sender=self.settings.sender, recipient=recipient, html=html)
        except ValueError as error:
            return replace(frozen, state="failed", last_error=str(error))
        return replace(frozen, payload=built.content, message_id=built.id)


@contextlib.asynccontextmanager
async def _session(settings: Settings) -> AsyncIterator[aiosmtplib.SMTP]:
    """Connect, encrypt and log in; what goes wrong closes the connection and leaves as a DeliveryError."""
    import aiosmtplib

    if settings.tls == "none" and settings.username and not _is_loopback(settings.host):
        raise DeliveryError(
            f'will not send a password in clear to {settings.host}: set tls to "starttls" or "tls"',
            permanent=False,
            delay=USER_DELAY,
            blocked=True,
        )
    smtp = aiosmtplib.SMTP(
        hostname=settings.host,
        port=settings.port,
        timeout=settings.timeout.total_seconds(),
        use_tls=settings.tls == "tls",
        # We ask for it ourselves: without it there must be one clear line, and never a session in clear.
        start_tls=False,
        local_hostname="localhost",  # or it would ask DNS for one; what is said is decided once connected
        tls_context=ssl.create_default_context(),
    )
    try:
        with _translated(settings, of_session=True):
            await smtp.connect()
            await _secure(smtp, settings)
            await _log_in(smtp, settings)
        with _translated(settings, of_session=False):
            yield smtp
    except BaseException:
        smtp.close()
        raise


async def _secure(smtp: aiosmtplib.SMTP, settings: Settings) -> None:
    await _greet(smtp)
    if settings.tls != "starttls":
        return
    if not smtp.supports_extension("starttls"):
        raise DeliveryError(
            f"{settings.host} does not offer STARTTLS; nothing was sent",
            permanent=False,
            delay=USER_DELAY,
            blocked=True,
        )
    await smtp.starttls()
    await smtp.ehlo(hostname=_own_name(smtp))


async def _greet(smtp: aiosmtplib.SMTP) -> None:
    """Say EHLO, and HELO to a server or a firewall that knows no other."""
    import aiosmtplib

    try:
        await smtp.ehlo(hostname=_own_name(smtp))
    except aiosmtplib.SMTPHeloError as error:
        if error.code not in _UNKNOWN_COMMAND:
            raise
        await smtp.helo(hostname=_own_name(smtp))


async def _log_in(smtp: aiosmtplib.SMTP, settings: Settings) -> None:
    """Log in with one method, once: each refused try counts against the account."""
    if not settings.username:
        return
    offered = smtp.supported_auth_methods
    if "plain" in offered:
        await smtp.auth_plain(settings.username, settings.password)
    elif "login" in offered:
        await smtp.auth_login(settings.username, settings.password)
    elif "cram-md5" in offered:
        await smtp.auth_crammd5(settings.username, settings.password)
    else:
        raise DeliveryError(
            f"{settings.host} offers no log-in that the monitor knows",
            permanent=False,
            delay=USER_DELAY,
            blocked=True,
        )


async def _envelope(smtp: aiosmtplib.SMTP, sender: str, recipient: str) -> None:
    """Name sender and recipient; letters outside ASCII before the @ want SMTPUTF8 (RFC 6531)."""
    if sender.isascii() and recipient.isascii():
        await smtp.mail(sender)
        await _name_recipient(smtp, recipient, encoding="ascii")
        return
    if not smtp.supports_extension("smtputf8"):
        strange = sender if recipient.isascii() else recipient
        raise DeliveryError(
            f"the server takes no address with letters outside ASCII before the @: {strange}", permanent=True
        )
    await smtp.mail(sender, options=["SMTPUTF8"], encoding="utf-8")
    await _name_recipient(smtp, recipient, encoding="utf-8")


async def _name_recipient(smtp: aiosmtplib.SMTP, recipient: str, *, encoding: str) -> None:
    import aiosmtplib

    try:
        await smtp.rcpt(recipient, encoding=encoding)
    except aiosmtplib.SMTPRecipientRefused as error:
        if error.code not in _ACCEPTED:  # 252: it will try
            raise


async def _hand_over(smtp: aiosmtplib.SMTP, payload: bytes, patience: timedelta) -> None:
    """Send the message with its final dot; from there on a lost connection leaves its fate unknown."""
    import aiosmtplib

    # By hand and not with the library's `data`: only so is it known whether the connection broke before or
    # after the final dot.
    reply = await smtp.execute_command(b"DATA")
    if reply.code != _START_INPUT:
        raise aiosmtplib.SMTPDataError(reply.code, reply.message)
    protocol = smtp.protocol
    if protocol is None:
        raise aiosmtplib.SMTPServerDisconnected("connection lost")
    try:
        protocol.write(_LINE_WITH_DOT.sub(b"..", payload) + b".\r\n")
        reply = await protocol.read_response(timeout=patience.total_seconds())
    except (aiosmtplib.SMTPServerDisconnected, aiosmtplib.SMTPTimeoutError) as error:
        raise DeliveryError(
            "unconfirmed: the server did not answer after the message; it may have arrived",
            permanent=False,
            delay=UNCONFIRMED_DELAY,
        ) from error
    # Any 2xx: who has taken the message and says so in another number must not get it again for days.
    if reply.code not in _ACCEPTED:
        raise aiosmtplib.SMTPDataError(reply.code, reply.message)


async def _quit(smtp: aiosmtplib.SMTP) -> None:
    """Say QUIT. The message is the server's by now, so nothing that happens here is a failure."""
    import aiosmtplib

    try:
        with contextlib.suppress(aiosmtplib.SMTPException):
            await smtp.quit(timeout=_QUIT_SECONDS)
    finally:
        smtp.close()


@contextlib.contextmanager
def _translated(settings: Settings, *, of_session: bool) -> Iterator[None]:
    """Turn every trouble of the library, the network or the server into a DeliveryError.

    What goes wrong before the envelope is a fault of the session and says nothing about the message: it is
    never a reason to give the message up.
    """
    import aiosmtplib

    try:
        yield
    # A sender that is not allowed is the configuration's fault, the same for every message.
    except aiosmtplib.SMTPSenderRefused as error:
        raise _refusal(error.code, _shown(error.message, settings), ours=True) from error
    except aiosmtplib.SMTPResponseException as error:
        raise _refusal(error.code, _shown(error.message, settings), ours=of_session) from error
    except (aiosmtplib.SMTPException, OSError, UnicodeError) as error:
        cause = error if isinstance(error, ssl.SSLError) else error.__cause__
        if isinstance(cause, ssl.SSLError):
            raise _tls_fault(cause, settings) from error
        reason = _shown(_reason(error, cause), settings)
        if settings.port == _TLS_FROM_THE_START and settings.tls != "tls":
            reason += '; port 465 expects TLS from the first byte: set tls = "tls"'
        server = f"{settings.host}:{settings.port}"
        raise DeliveryError(f"no connection with {server}: {reason}", permanent=False) from error


def _tls_fault(cause: ssl.SSLError, settings: Settings) -> DeliveryError:
    """Say in words what is wrong with TLS; OpenSSL's numbers would be taken for the system's."""
    server = f"{settings.host}:{settings.port}"
    if isinstance(cause, ssl.SSLCertVerificationError):
        words = f"the certificate of {server} cannot be trusted: {cause.verify_message}"
    elif "WRONG_VERSION" in (cause.reason or "") and settings.tls == "tls":
        words = (
            f'{server} does not speak TLS from the first byte: set tls = "starttls", or the port that does'
        )
    else:
        known = (cause.reason or "").replace("_", " ").lower() or "the connection broke off"
        words = f"no TLS with {server}: {known}"
    return DeliveryError(f"{words}; nothing was sent", permanent=False, delay=USER_DELAY, blocked=True)


def _reason(error: Exception, cause: BaseException | None) -> str:
    if isinstance(cause, OSError) and cause.errno:
        return os.strerror(cause.errno) if cause.errno > 0 else cause.strerror or str(error)
    return f"no such host name ({error})" if isinstance(error, UnicodeError) else str(error)


def _refusal(code: int, reply: str, *, ours: bool) -> DeliveryError:
    """Judge a refusal; one that is `ours`, of the session or the sender, gives no message up."""
    if code in _CREDENTIALS:
        words = f"log-in refused: {code} {reply}"
        return DeliveryError(words, permanent=False, delay=USER_DELAY, blocked=True)
    final = code >= _PERMANENT and not _PASSES.search(reply)
    if ours and final:
        return DeliveryError(f"refused: {code} {reply}", permanent=False, delay=USER_DELAY, blocked=True)
    return DeliveryError(f"refused: {code} {reply}", permanent=final)


def _shown(reply: str, settings: Settings) -> str:
    """Return the server's words as one short line; some servers repeat what they were sent."""
    line = text.clean(reply)
    if settings.password:
        for sent in (f"\0{settings.username}\0{settings.password}", settings.password):
            line = line.replace(base64.b64encode(sent.encode()).decode(), "***").replace(sent, "***")
    return line[:_MAX_REPLY]


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _own_name(smtp: aiosmtplib.SMTP) -> str:
    """Return what to say in EHLO, without asking DNS: a full host name, else the address (RFC 5321, 4.1.4).

    Exim's default refuses a name with "_" in it, which laptops have, and some refuse one without a dot.
    """
    name = socket.gethostname()
    if _HOST_NAME.fullmatch(name):
        return name
    own = smtp.transport.get_extra_info("sockname") if smtp.transport else None
    address = own[0].partition("%")[0] if own else "127.0.0.1"
    return f"[IPv6:{address}]" if ":" in address else f"[{address}]"
