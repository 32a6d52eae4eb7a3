"""Messages to systemd (sd_notify(3)): ready, reloading, stopping, alive, and one line of status."""

from __future__ import annotations

import contextlib
import socket
import time
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, kw_only=True, slots=True)
class Systemd:
    """The socket that systemd listens on, if there is one."""

    address: str = ""
    watchdog: timedelta | None = None
    """How long the service may say nothing before systemd restarts it."""

    @classmethod
    def of(cls, environ: Mapping[str, str]) -> Self:
        """Read NOTIFY_SOCKET and WATCHDOG_USEC."""
        microseconds = environ.get("WATCHDOG_USEC", "")
        return cls(
            address=environ.get("NOTIFY_SOCKET", ""),
            watchdog=timedelta(microseconds=int(microseconds)) if microseconds.isdigit() else None,
        )

    def ready(self, status: str) -> None:
        """Say that the service is up, or up again after a reload."""
        self._send(f"READY=1\nSTATUS={status}")

    def reloading(self) -> None:
        """Say that the configuration is being read again."""
        # Type=notify-reload (systemd 253) wants the time beside it: sd_notify(3).
        self._send(f"RELOADING=1\nMONOTONIC_USEC={time.monotonic_ns() // 1000}")

    def stopping(self) -> None:
        """Say that the service is stopping."""
        self._send("STOPPING=1")

    def alive(self) -> None:
        """Feed the watchdog."""
        self._send("WATCHDOG=1")

    def status(self, line: str) -> None:
        """Show a line in `systemctl status`."""
        self._send(f"STATUS={line}")

    def _send(self, message: str) -> None:
        """Send one datagram; it does not matter if nobody listens."""
        if not self.address:
            return
        # An address with "@" is an abstract socket, without a file (unix(7)).
        name = f"\0{self.address[1:]}" if self.address.startswith("@") else self.address
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
            sender.sendto(message.encode(), socket.MSG_DONTWAIT, name)
