"""An edition as one MIME message: the same edition and recipient always give the same bytes. Pure."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from email.charset import QP, Charset
from email.header import Header
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTPUTF8, EmailPolicy
from email.utils import format_datetime
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from monitor import text, values

if TYPE_CHECKING:
    from monitor.models import RenderedDigest

_MAX_SUBJECT: Final = 200
# Of quoted-printable (RFC 2045, 6.7); the library would take the 78 that RFC 5322 allows a header.
_LONGEST_LINE: Final = 76


_READABLE: Final = Charset("utf-8")
_READABLE.header_encoding = QP  # not what is shorter: so a person can read most of a title in the source


class _Folded(EmailPolicy):
    """The library's way to write headers, but for titles and names outside ASCII: each is encoded as a whole.

    A space between two encoded words counts as none (RFC 2047, 6.2). The library (3.11) leaves it there when
    a line breaks between two of them: "as AI… – Sora monitor" arrived as "as AI…– Sora monitor".
    """

    def fold_binary(self, name: str, value: Any) -> bytes:
        """Return the header as it goes over the wire."""
        written, behind = str(value), ""
        if name in {"From", "To"}:
            written, behind = value.addresses[0].display_name, f"\r\n <{value.addresses[0].addr_spec}>"
        elif name != "Subject":
            written = ""
        if written.isascii():
            return super().fold_binary(name, value)
        words = Header(written, _READABLE, maxlinelen=_LONGEST_LINE, header_name=name)
        return f"{name}: {words.encode(linesep=self.linesep)}{behind}\r\n".encode("ascii")


@dataclass(frozen=True, slots=True)
class Message:
    """What goes over the wire, and the Message-ID (RFC 5322, 3.6.4) that stands in it."""

    id: str
    content: bytes


def build(edition: RenderedDigest, *, sender: str, recipient: str, html: bool) -> Message:
    """Return the message for one recipient: text and, with `html`, the same content as HTML.

    Each recipient has a message of their own, so nobody sees another's address. Raises ValueError for an
    address that is not valid.
    """
    address = parse_address(sender)
    id_ = _message_id(edition, recipient, address.domain)
    to = parse_address(recipient)
    policy = _Folded(linesep="\r\n") if (address.addr_spec + to.addr_spec).isascii() else SMTPUTF8
    message = EmailMessage(policy=policy.clone(max_line_length=_LONGEST_LINE))
    message["Subject"] = _subject(edition.subject)
    message["From"] = address
    message["To"] = to
    # By when it goes out, or what is held until the evening would lie below the day's other mail.
    message["Date"] = format_datetime(max(edition.made_at, edition.hold_until or edition.made_at))
    message["Message-ID"] = id_
    # RFC 2919 and 2369: mail programs sort by the one and show a button for the other.
    message["List-Id"] = f"monitor <digest.monitor.{address.domain}>"
    message["List-Unsubscribe"] = f"<mailto:{quote(address.addr_spec, safe='@')}?subject=unsubscribe>"
    # RFC 3834, 5: no out-of-office reply is sent to what says so. Exchange heeds a header of its own alone.
    message["Auto-Submitted"] = "auto-generated"
    message["X-Auto-Response-Suppress"] = "OOF, AutoReply"
    plain = edition.mail_text
    # Not base64: spam filters distrust it for plain text, and a person can read the source.
    message.set_content(_sendable(plain), cte="quoted-printable")
    if html:
        rich = edition.mail_html
        message.add_alternative(_sendable(rich), subtype="html", cte="quoted-printable")
        # Feeds cannot foresee a hash of the text that they are part of, so none can forge a boundary.
        message.set_boundary(f"={_digest(id_, plain, rich)}=")
    message["Content-Language"] = edition.language  # last: each set_content drops or moves Content- headers
    return Message(id_, message.as_bytes())


def parse_address(written: str) -> Address:
    """Read `reader@example.org` or `A Reader <reader@example.org>`; raise ValueError when it is neither."""
    name, local, domain = values.mailbox(written)
    return Address(display_name=text.clean(name), username=local, domain=domain)


def address_spec(written: str) -> str:
    """Return the address for the envelope; what is not an address is returned as it is."""
    try:
        return parse_address(written).addr_spec
    except ValueError:
        return written


def _message_id(edition: RenderedDigest, recipient: str, domain: str) -> str:
    key = "".join(letter if letter.isascii() and letter.isalnum() else "-" for letter in edition.key)
    # From edition and recipient alone, so that a second try is the same message to whoever compares ids.
    return f"<{key}.{_digest(edition.key, parse_address(recipient).addr_spec.lower())}@{domain}>"


def _digest(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode("utf-8", "replace")).hexdigest()[:32]


def _subject(subject: str) -> str:
    line = " ".join(text.clean(subject).split())
    line = line.replace("=?", "= ?")  # or it would be decoded, to line breaks if it says so (RFC 2047)
    return text.shorten(line, _MAX_SUBJECT)


def _sendable(content: str) -> str:
    return content.encode("utf-8", "replace").decode()
