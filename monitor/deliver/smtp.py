"""One SMTP session (RFC 5321): connect, encrypt, log in, hand over a message. Only here: aiosmtplib.

Takes the settings of `mail`. Every error becomes a DeliveryError that says what went wrong, and whether it is
the fault of the session, the sender or this message.
"""

from __future__ import annotations

import base64
import contextlib
import os
import re
import socket
import ssl
from datetime import timedelta
from ipaddress import ip_address
from typing import TYPE_CHECKING, Final, Protocol

from monitor import text
from monitor.errors import DeliveryError, LogInError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    import aiosmtplib


UNCONFIRMED_DELAY: Final = timedelta(minutes=30)
"""How long a message whose fate is unknown waits, from the start of the try: well over our patience."""
USER_DELAY: Final = timedelta(hours=6)
"""How long to wait when only the user can fix it: a wrong password must not be tried all the time."""

# RFC 5321, 4.2.3.
_START_INPUT: Final = 354
_ACCEPTED: Final = range(200, 300)
_PERMANENT: Final = 500
_UNKNOWN_COMMAND: Final = frozenset({500, 502, 504})
# RFC 4954, 6: authentication required, mechanism too weak, credentials invalid, encryption required.
_CREDENTIALS: Final = frozenset({530, 534, 535, 538})
# What passes though its number, 550 and the like, says otherwise: greylisting, a full mailbox (X.2.2, RFC
# 3463), a detailed code that calls itself temporary, what the account may send in an hour or a day (Gmail's
# 5.4.5, cPanel's "has exceeded the max emails per hour").
_PASSES: Final = re.compile(
    r"gr[ae]y-?list|try again later|^[45]\.2\.2\b|^4\.\d+\.\d+|\b(?:full|quota)\b"
    r"|^5\.4\.5\b|\b(?:daily|hourly|sending|rate) (?:\w+ )?limit|\bper (?:minute|hour|day)\b",
    re.IGNORECASE,
)
# Too many sessions or messages of one client at once (421; Outlook says 432).
_BUSY: Final = frozenset({421, 432})
# RFC 5321, 4.5.2: such a dot is doubled, or it would end the message.
_LINE_WITH_DOT: Final = re.compile(rb"^\.", re.MULTILINE)
_MAX_REPLY: Final = 200
_HOST_NAME: Final = re.compile(
    r"(?=.{1,253}$)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9-]*[a-z0-9]", re.IGNORECASE
)
_TLS_FROM_THE_START: Final = 465
_QUIT_SECONDS: Final = 5


class BusyError(DeliveryError):
    """The server has too many sessions of ours, or too much to do; nothing was handed over."""


class Account(Protocol):
    """What a session needs to know; the settings of `mail` are one."""

    @property
    def host(self) -> str:
        """The server."""

    @property
    def port(self) -> int:
        """Its port."""

    @property
    def tls(self) -> str:
        """One of "starttls", "tls" and "none"."""

    @property
    def username(self) -> str:
        """The name to log in with; "" for none."""

    @property
    def password(self) -> str:
        """The password, in clear."""

    @property
    def timeout(self) -> timedelta:
        """For the connection and for each command."""


@contextlib.asynccontextmanager
async def session(account: Account) -> AsyncIterator[aiosmtplib.SMTP]:
    """Connect, encrypt and log in; an error closes the connection and is raised as a DeliveryError."""
    import aiosmtplib

    if account.tls == "none" and account.username and not _is_loopback(account.host):
        raise DeliveryError(
            f'will not send a password unencrypted to {account.host}: set tls to "starttls" or "tls"',
            permanent=False,
            delay=USER_DELAY,
            blocked=True,
        )
    smtp = aiosmtplib.SMTP(
        hostname=account.host,
        port=account.port,
        timeout=account.timeout.total_seconds(),
        use_tls=account.tls == "tls",
        # We ask for it ourselves: without it there must be one clear line, and never a session in clear.
        start_tls=False,
        local_hostname="localhost",  # or it would ask DNS for one; what is said is decided once connected
        tls_context=ssl.create_default_context(),
    )
    try:
        with _translated(account, of_session=True):
            await smtp.connect()
            await _secure(smtp, account)
            await _log_in(smtp, account)
        with _translated(account, of_session=False):
            yield smtp
    except BaseException:
        smtp.close()
        raise


async def _secure(smtp: aiosmtplib.SMTP, account: Account) -> None:
    await _greet(smtp)
    if account.tls != "starttls":
        return
    if not smtp.supports_extension("starttls"):
        raise DeliveryError(
            f"{account.host} does not offer STARTTLS; nothing was sent",
            permanent=False,
            delay=USER_DELAY,
            blocked=True,
        )
    await smtp.starttls()
    await smtp.ehlo(hostname=_own_name(smtp))


async def _greet(smtp: aiosmtplib.SMTP) -> None:
    """Say EHLO, or HELO to a server or firewall that does not know it."""
    import aiosmtplib

    try:
        await smtp.ehlo(hostname=_own_name(smtp))
    except aiosmtplib.SMTPHeloError as error:
        if error.code not in _UNKNOWN_COMMAND:
            raise
        await smtp.helo(hostname=_own_name(smtp))


async def _log_in(smtp: aiosmtplib.SMTP, account: Account) -> None:
    """Log in once, as every refused try counts against the account.

    A method that the server names but does not know is no such try (RFC 4954, 4; QQ Mail says 502).
    """
    import aiosmtplib

    if not account.username:
        return
    ways = {"plain": smtp.auth_plain, "login": smtp.auth_login, "cram-md5": smtp.auth_crammd5}
    offered = [log_in for method, log_in in ways.items() if method in smtp.supported_auth_methods]
    for log_in in offered:
        try:
            await log_in(account.username, account.password)
        except aiosmtplib.SMTPAuthenticationError as error:
            if error.code not in _UNKNOWN_COMMAND or log_in is offered[-1]:
                raise
        else:
            return
    raise DeliveryError(
        f"{account.host} offers no way to log in that monitor knows",
        permanent=False,
        delay=USER_DELAY,
        blocked=True,
    )


async def envelope(smtp: aiosmtplib.SMTP, sender: str, recipient: str) -> None:
    """Name sender and recipient. Raises DeliveryError.

    Letters outside ASCII before the @ want SMTPUTF8 (RFC 6531).
    """
    if sender.isascii() and recipient.isascii():
        await smtp.mail(sender)
        await _name_recipient(smtp, recipient, encoding="ascii")
        return
    if not smtp.supports_extension("smtputf8"):
        strange = sender if recipient.isascii() else recipient
        raise DeliveryError(
            f"the server accepts no address with letters outside ASCII before the @: {strange}",
            permanent=True,
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


async def hand_over(smtp: aiosmtplib.SMTP, payload: bytes, patience: timedelta) -> None:
    """Send the message with its final dot; if the connection is lost after that, its fate is unknown.

    Raises DeliveryError.
    """
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
        raise _unconfirmed("the server did not answer after the message") from error
    except aiosmtplib.SMTPResponseException as error:  # an empty line, say, before the answer
        raise _unconfirmed("the server's answer after the message cannot be read") from error
    # Any 2xx: who has taken the message and says so in another number must not get it again for days.
    if reply.code not in _ACCEPTED:
        raise aiosmtplib.SMTPDataError(reply.code, reply.message)


def _unconfirmed(what: str) -> DeliveryError:
    words = f"unconfirmed: {what}; it may have arrived"
    return DeliveryError(words, permanent=False, delay=UNCONFIRMED_DELAY, unconfirmed=True)


async def say_goodbye(smtp: aiosmtplib.SMTP) -> None:
    """Say QUIT. The message is already the server's, so nothing that happens here is a failure."""
    import aiosmtplib

    try:
        with contextlib.suppress(aiosmtplib.SMTPException):
            await smtp.quit(timeout=_QUIT_SECONDS)
    finally:
        smtp.close()


@contextlib.contextmanager
def _translated(account: Account, *, of_session: bool) -> Iterator[None]:
    """Turn every error of the library, the network or the server into a DeliveryError.

    An error before the envelope is the session's fault and says nothing about the message, so the message is
    never given up for it.
    """
    import aiosmtplib

    try:
        yield
    # A sender that is not allowed is the configuration's fault, the same for every message.
    except aiosmtplib.SMTPSenderRefused as error:
        raise _refusal(error.code, _shown(error.message, account), ours=True) from error
    except aiosmtplib.SMTPResponseException as error:
        raise _refusal(error.code, _shown(error.message, account), ours=of_session) from error
    except (aiosmtplib.SMTPException, OSError, UnicodeError) as error:
        cause = error if isinstance(error, ssl.SSLError) else error.__cause__
        if isinstance(cause, ssl.SSLError):
            raise _tls_fault(cause, account) from error
        reason = _shown(_reason(error, cause), account)
        if account.port == _TLS_FROM_THE_START and account.tls != "tls":
            reason += '; port 465 expects TLS from the first byte: set tls = "tls"'
        server = f"{account.host}:{account.port}"
        raise DeliveryError(f"no connection with {server}: {reason}", permanent=False) from error


def _tls_fault(cause: ssl.SSLError, account: Account) -> DeliveryError:
    """Say in words what is wrong with TLS, as OpenSSL's numbers would be taken for the system's."""
    server = f"{account.host}:{account.port}"
    if isinstance(cause, ssl.SSLCertVerificationError):
        words = f"the certificate of {server} cannot be trusted: {cause.verify_message}"
    elif "WRONG_VERSION" in (cause.reason or "") and account.tls == "tls":
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
    """Judge a refusal; if it is `ours`, the session's or the sender's fault, no message is given up."""
    if code < 0:  # another service listens on that port
        return DeliveryError(f"that is no mail server: {reply}", permanent=False)
    if code in _CREDENTIALS:
        words = f"log-in refused: {code} {reply}"
        return LogInError(words, permanent=False, delay=USER_DELAY, blocked=True)
    if code in _BUSY:
        return BusyError(f"refused: {code} {reply}", permanent=False)
    final = code >= _PERMANENT and not _PASSES.search(reply)
    if ours and final:
        return DeliveryError(f"refused: {code} {reply}", permanent=False, delay=USER_DELAY, blocked=True)
    return DeliveryError(f"refused: {code} {reply}", permanent=final)


def _shown(reply: str, account: Account) -> str:
    """Return the server's words as one short line, without secrets that it repeats."""
    line = text.clean(reply)
    if account.password:
        for sent in (f"\0{account.username}\0{account.password}", account.password):
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
