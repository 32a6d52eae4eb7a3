"""systemd is notified over a real socket; without systemd nothing is sent."""

from __future__ import annotations

import socket
from datetime import timedelta

import pytest

from monitor.service.notify import Systemd


@pytest.fixture(params=["path", "abstract"])
def listener(request, tmp_path):
    """A socket like systemd's, and its address in the form of NOTIFY_SOCKET."""
    address = str(tmp_path / "notify") if request.param == "path" else f"@{tmp_path.name}-notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as server:
        server.bind(address.replace("@", "\0"))
        server.settimeout(5)
        yield server, address


def test_what_systemd_is_told(listener):
    server, address = listener
    systemd = Systemd.of({"NOTIFY_SOCKET": address, "WATCHDOG_USEC": "120000000"})
    systemd.ready("42 feeds")
    systemd.status("polled")
    systemd.alive()
    systemd.stopping()
    messages = [server.recv(1000).decode() for _ in range(4)]
    assert messages == ["READY=1\nSTATUS=42 feeds", "STATUS=polled", "WATCHDOG=1", "STOPPING=1"]
    assert systemd.watchdog == timedelta(minutes=2)


def test_a_reload_says_when_it_began(listener):
    server, address = listener
    Systemd(address=address).reloading()
    first, second = server.recv(1000).decode().splitlines()
    assert first == "RELOADING=1"
    assert int(second.removeprefix("MONOTONIC_USEC=")) > 0


@pytest.mark.parametrize("environ", [{}, {"NOTIFY_SOCKET": "", "WATCHDOG_USEC": "soon"}])
def test_without_systemd_nothing_is_sent(environ):
    systemd = Systemd.of(environ)
    systemd.ready("42 feeds")
    assert systemd == Systemd()


def test_a_listener_that_is_gone_is_no_error(tmp_path):
    systemd = Systemd(address=str(tmp_path / "nobody"))
    systemd.alive()
    assert systemd.address == str(tmp_path / "nobody")
    assert list(tmp_path.iterdir()) == []
