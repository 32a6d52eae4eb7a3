"""SMTP servers on loopback for tests: a real one (aiosmtpd), and one that causes trouble by a script."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hmac
import ssl
from dataclasses import dataclass, field
from email import message_from_bytes
from email.policy import default as modern
from pathlib import Path
from typing import TYPE_CHECKING

from loopback import in_a_thread

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from email.message import EmailMessage

CERTIFICATE = Path(__file__).parent / "data" / "tls" / "cert.pem"
"""Self-signed for localhost and 127.0.0.1; not trusted unless SSL_CERT_FILE names it."""


def tls_context() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATE, CERTIFICATE.with_name("key.pem"))
    return context


@dataclass(frozen=True, kw_only=True)
class Received:
    sender: str
    recipients: tuple[str, ...]
    content: bytes
    encrypted: bool = False
    user: str = ""

    @property
    def message(self) -> EmailMessage:
        return message_from_bytes(self.content, policy=modern)


@dataclass
class Inbox:
    """What the real server accepted, in the order of its answers."""

    port: int = 0
    received: list[Received] = field(default_factory=list)
    arrived: asyncio.Event = field(default_factory=asyncio.Event)
    pause: float = 0.0
    """Seconds between receiving a message and confirming it."""

    async def handle_DATA(self, server, session, envelope) -> str:  # noqa: N802 - aiosmtpd's name
        self.received.append(
            Received(sender=envelope.mail_from, recipients=tuple(envelope.rcpt_tos), content=envelope.content)
        )
        self.arrived.set()
        await asyncio.sleep(self.pause)
        return "250 taken"


@contextlib.asynccontextmanager
async def inbox() -> AsyncIterator[Inbox]:
    """Run a real SMTP server that accepts everything."""
    from aiosmtpd.smtp import SMTP

    box = Inbox()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: SMTP(box, hostname="localhost", loop=loop), "127.0.0.1", 0)
    box.port = server.sockets[0].getsockname()[1]
    async with server:
        yield box


@contextlib.contextmanager
def inbox_in_a_thread() -> Iterator[Inbox]:
    """Run it in a thread of its own."""
    with in_a_thread(inbox()) as box:
        yield box


@dataclass
class Script:
    """How the scripted server behaves. Keys are verbs; "connect" is the greeting, "." the final dot."""

    extensions: tuple[str, ...] = ()
    users: dict[str, str] = field(default_factory=dict)
    replies: dict[str, str] = field(default_factory=dict)
    """Answers that replace the usual ones."""
    drop: str = ""
    """Where it closes the connection without an answer; "body" is within the message."""
    hold: str = ""
    """Where it stops answering."""
    implicit_tls: bool = False
    goodbye: float = 0.0
    """For how many seconds it keeps a session after QUIT."""
    most_sessions: int = 99
    """How many at a time it allows."""
    sessions: int = 0
    port: int = 0
    open: int = 0
    most_open: int = 0
    """The largest number of messages that were being sent at the same time."""
    commands: list[str] = field(default_factory=list)
    received: list[Received] = field(default_factory=list)
    """Complete messages, with their final dot, whatever was answered."""
    reached: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when the place of `drop` or `hold` is reached."""


@contextlib.asynccontextmanager
async def scripted(script: Script) -> AsyncIterator[Script]:
    """Run a server that refuses, drops, stalls, encrypts and asks for passwords by the script."""
    tasks: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        tasks.add(asyncio.current_task())
        try:
            await _Conversation(script, reader, writer).run()
        except (ConnectionError, ssl.SSLError, asyncio.CancelledError):
            pass  # by the script, or because the test is over
        finally:
            writer.close()
            with contextlib.suppress(ConnectionError, ssl.SSLError, TimeoutError):
                await writer.wait_closed()

    server = await asyncio.start_server(
        serve, "127.0.0.1", 0, ssl=tls_context() if script.implicit_tls else None
    )
    script.port = server.sockets[0].getsockname()[1]
    async with server:
        yield script
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@contextlib.contextmanager
def scripted_in_a_thread(script: Script) -> Iterator[Script]:
    """Run it in a thread of its own."""
    with in_a_thread(scripted(script)) as running:
        yield running


class _Conversation:
    def __init__(self, script: Script, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.script, self.reader, self.writer = script, reader, writer
        self.encrypted, self.user = script.implicit_tls, ""
        self.sender: str = ""
        self.recipients: list[str] = []

    async def run(self) -> None:
        if self.script.sessions >= self.script.most_sessions:
            self.writer.write(b"421 4.7.0 too many concurrent connections\r\n")
            return
        self.script.sessions += 1
        try:
            await self.talk()
        finally:
            self.script.sessions -= 1

    async def talk(self) -> None:
        await self.answer("connect", "220 scripted")
        while line := await self.line():
            verb = line.split()[0].upper()
            self.script.commands.append(line)
            if not await self.act(verb, line):
                return

    async def act(self, verb: str, line: str) -> bool:
        if verb == "MAIL":
            self.script.open += 1
            self.script.most_open = max(self.script.most_open, self.script.open)
        if verb == "EHLO":
            await self.answer(verb, "250-scripted", *[f"250-{name}" for name in self.offered()], "250 HELP")
        elif verb == "STARTTLS":
            await self.answer(verb, "220 go on")
            if verb not in self.script.replies:
                await self.writer.start_tls(tls_context())
                self.encrypted = True
        elif verb == "AUTH":
            await self.authenticate(line)
        elif verb == "DATA":
            await self.data()
        elif verb == "QUIT":
            await asyncio.sleep(self.script.goodbye)
            await self.answer(verb, "221 bye")
            return False
        else:
            if verb == "MAIL":
                self.sender = line.partition("<")[2].rstrip(">")
            if verb == "RCPT":
                self.recipients.append(line.partition("<")[2].rstrip(">"))
            await self.answer(verb, "250 fine")
        return True

    def offered(self) -> list[str]:
        return [name for name in self.script.extensions if not (name == "STARTTLS" and self.encrypted)]

    async def authenticate(self, line: str) -> None:
        _, method, first, *_ = [*line.split(), ""]
        if reply := self.script.replies.get(f"AUTH {method}"):
            await self.answer(f"AUTH {method}", reply)
            return
        if method == "LOGIN":
            await self.answer("LOGIN", "334 UGFzc3dvcmQ6")
            user, password = (base64.b64decode(part).decode() for part in (first, await self.line()))
        elif method == "CRAM-MD5":
            await self.answer("CRAM-MD5", "334 PDE3MzNAc2NyaXB0ZWQ+")
            user, _, proof = base64.b64decode(await self.line()).decode().partition(" ")
            known = self.script.users.get(user, "")
            good = hmac.new(known.encode(), b"<1733@scripted>", "md5").hexdigest() == proof
            password = known if good else ""
        else:
            _, user, password = base64.b64decode(first).decode().split("\0")
        good = self.script.users.get(user) == password
        self.user = user if good else ""
        await self.answer("AUTH", "235 welcome" if good else f"535 5.7.8 no such account ({line})")

    async def data(self) -> None:
        await self.answer("DATA", "354 go on")
        if "DATA" in self.script.replies:
            return
        if self.script.drop == "body":
            await self.reader.readline()
            await self.stop("body")
        lines = []
        while (line := await self.reader.readline()) != b".\r\n":
            if not line:
                raise ConnectionResetError
            lines.append(line.removeprefix(b"."))
        taken = Received(
            sender=self.sender,
            recipients=tuple(self.recipients),
            content=b"".join(lines),
            encrypted=self.encrypted,
            user=self.user,
        )
        self.script.received.append(taken)
        self.script.open -= 1
        self.recipients = []
        await self.answer(".", "250 taken")

    async def line(self) -> str:
        return (await self.reader.readline()).decode().rstrip("\r\n")

    async def answer(self, place: str, *usual: str) -> None:
        await self.stop(place)
        words = [self.script.replies[place]] if place in self.script.replies else usual
        self.writer.write("".join(f"{line}\r\n" for line in words).encode())
        await self.writer.drain()

    async def stop(self, place: str) -> None:
        if place in (self.script.drop, self.script.hold):
            self.script.reached.set()
        if place == self.script.drop:
            raise ConnectionResetError
        if place == self.script.hold:
            await asyncio.Event().wait()
