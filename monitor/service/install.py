"""How the monitor is started automatically: texts of a systemd unit, a launchd agent, a cron line. Pure.

All of them name the program and the configuration by their full paths, because neither PATH nor the working
directory can be relied on.
"""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Final, NamedTuple
from xml.sax.saxutils import escape

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

LABEL: Final = "org.monitor.agent"


class Service(NamedTuple):
    """A file to write (None for none), its text, and the commands to run afterwards."""

    path: Path | None
    text: str
    commands: tuple[str, ...]


def systemd(program: Sequence[str], config: Path, home: Path) -> Service:
    """Return a unit of the user's own systemd: it runs while they are logged in, with lingering always."""
    command = " ".join(_unit_word(word) for word in (*program, "--config", str(config), "run"))
    text = f"""\
[Unit]
Description=News monitor: polls feeds, sends one digest a day
Documentation=man:systemd.service(5)

[Service]
Type=notify
NotifyAccess=main
ExecStart={command}
ExecReload=/bin/kill -HUP $MAINPID
Restart=on-failure
RestartSec=30
# 2 is a bad configuration: starting again does not fix it.
RestartPreventExitStatus=2
WatchdogSec=2min
TimeoutStopSec=15
NoNewPrivileges=yes
UMask=0077

[Install]
WantedBy=default.target
"""
    path = home / ".config" / "systemd" / "user" / "monitor.service"
    return Service(
        path,
        text,
        (
            "systemctl --user daemon-reload",
            "systemctl --user enable --now monitor",
            "loginctl enable-linger    # so that it runs while you are logged out",
        ),
    )


def launchd(program: Sequence[str], config: Path, home: Path) -> Service:
    """Return a launchd agent of the user's: it runs while they are logged in."""
    words = "\n".join(
        f"    <string>{escape(word)}</string>" for word in (*program, "--config", str(config), "run")
    )
    log = escape(str(home / "Library" / "Logs" / "monitor.log"))
    text = f"""\
<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<plist version="1.0">
<dict>
  <key>Label</key>
  <string>{LABEL}</string>
  <key>ProgramArguments</key>
  <array>
{words}
  </array>
  <key>RunAtLoad</key>
  <true/>
  <key>KeepAlive</key>
  <dict>
    <key>SuccessfulExit</key>
    <false/>
  </dict>
  <key>ThrottleInterval</key>
  <integer>30</integer>
  <key>StandardErrorPath</key>
  <string>{log}</string>
</dict>
</plist>
"""
    path = home / "Library" / "LaunchAgents" / f"{LABEL}.plist"
    return Service(path, text, (f"launchctl load -w {shlex.quote(str(path))}",))


def cron(program: Sequence[str], config: Path) -> Service:
    """Return the line for `crontab -e`; what is due is in the database, so calls may be late or doubled.

    It runs often, because a failed mail is tried again by the next call, but not more often than every
    quarter of an hour: a refused log-in is tried again too, and mail servers count those. The poll comes
    first: with a line of its own, a machine that had slept sent the digest before it had asked any feed, and
    called the day broken.
    """
    command = " ".join(map(_cron_word, (*program, "--config", str(config))))
    line = f"*/15 * * * * {command} --quiet poll >/dev/null; {command} --quiet digest --send >/dev/null\n"
    return Service(None, line, ("crontab -e    # and put this line in",))


def _unit_word(word: str) -> str:
    """Quote a word for ExecStart= (systemd.service(5)): specifiers and variables must not be expanded."""
    plain = word.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%").replace("$", "$$")
    return f'"{plain}"' if plain != word or any(map(str.isspace, word)) else word


def _cron_word(word: str) -> str:
    """Quote a word for cron, which takes a bare percent sign for the end of the line (crontab(5))."""
    return shlex.quote(word).replace("%", "\\%")
