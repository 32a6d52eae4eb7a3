"""The starter configuration with a person's answers filled in, as `setup` writes it.

Takes a directory and the answers; gives the configuration as it is then loaded.
"""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from monitor.config.load import load
from monitor.config.places import FILES, starter
from monitor.errors import ConfigError, Fault
from monitor.toml import spelt

if TYPE_CHECKING:
    from datetime import time
    from pathlib import Path

    from monitor.config.load import Config


@dataclass(frozen=True, slots=True)
class Account:
    """The account that mail is sent from; "" for what is not known yet."""

    to: str
    host: str
    port: int
    tls: str
    username: str
    sender: str
    password_file: str = ""
    password_env: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Answers:
    """The answers to the six questions."""

    language: str
    timezone: str
    time: time
    groups: tuple[str, ...]
    account: Account | None
    """None: digests are only written as files."""


def write(directory: Path, answers: Answers) -> Config:
    """Write the starter's files with the answers filled in, and load them as every command would.

    Existing files are not overwritten. Raises ConfigError, and then leaves nothing behind.
    """
    texts = {name: (starter() / name).read_text(encoding="utf-8") for name in FILES}
    monitor_toml, feeds_toml, _ = FILES
    texts[monitor_toml] = _monitor_toml(texts[monitor_toml], answers)
    groups = ", ".join(map(spelt, answers.groups))
    followed = re.compile(r"^follow = \[.*?\]", re.MULTILINE | re.DOTALL)
    texts[feeds_toml] = followed.sub(f"follow = [{groups}]", texts[feeds_toml])
    missing = [n for n in texts if not (directory / n).exists() and not (directory / n).is_symlink()]
    try:
        directory.mkdir(parents=True, exist_ok=True)
        for name in missing:
            (directory / name).write_text(texts[name], encoding="utf-8")
        return load(directory)
    except (ConfigError, OSError) as error:
        # Left behind, they would make the next try of `setup` refuse.
        with suppress(OSError):
            for name in missing:
                (directory / name).unlink(missing_ok=True)
        if isinstance(error, ConfigError):
            raise
        raise ConfigError([Fault(str(directory), "", f"cannot be written: {error.strerror}")]) from error


def _monitor_toml(text: str, answers: Answers) -> str:
    """Fill the answers into the starter: set the keys that are there, and turn [email] on."""
    # The starter's own lines are filled, so that its comments stay beside what they explain.
    places = {"language": answers.language, "timezone": answers.timezone, "time": f"{answers.time:%H:%M}"}
    for key, value in places.items():
        there = re.search(rf'^{key} = "[^"]*" *', text, re.MULTILINE)
        if there:  # the remark behind it stays in its column
            written = f"{key} = {spelt(value)} ".ljust(len(there[0]))
            text = text[: there.start()] + written + text[there.end() :]
    if answers.account is None:
        return text
    account = answers.account
    settings: dict[str, object] = {
        "host": account.host,
        "port": account.port,
        "tls": account.tls,
        "username": account.username,
        "password_env": account.password_env,
        "password_file": account.password_file,
        "from": account.sender,
        "to": [account.to],
    }
    lines = "".join(f"{key} = {spelt(value)}\n" for key, value in settings.items() if value)
    table = re.compile(r"^# \[email\]\n(?:# .*\n)*", re.MULTILINE)
    return table.sub(lambda _: f"[email]\n{lines}", text, count=1)
