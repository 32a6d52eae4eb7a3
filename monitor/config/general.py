"""The tables of monitor.toml that belong to no package: the program itself, alerts, the service."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, ClassVar, Final
from zoneinfo import ZoneInfo

from monitor import digest
from monitor.setting_kinds import AsciiText, Example, FilePath, Score, Switch, Text, Texts, Zone, whole

_DIGEST: Final = digest.Settings()


@dataclass(frozen=True, kw_only=True, slots=True)
class General:
    """What holds for everything."""

    TABLE: ClassVar[str] = ""

    language: Text = _DIGEST.language
    """Of the digest: {languages}."""
    timezone: Zone = ZoneInfo(_DIGEST.timezone)  # noqa: RUF009 - zones are cached and never change
    """Of the digest's schedule and dates (an IANA name)."""
    data_dir: FilePath = Path("data")
    """The database lives here."""
    user_agent: Annotated[
        AsciiText, Example("sora-monitor (+https://example.org/my-monitor; me@example.org)")
    ] = ""
    """How monitor introduces itself to publishers. Add a way to reach you: a web page or an address."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Alert:
    """Tell of a story at once, without waiting for the morning; once per story."""

    TABLE: ClassVar[str] = "alert"

    enabled: Switch = True
    """False switches it off and keeps the rest."""
    min_score: Score = 4.0
    """As the digest ranks: a ruling with three sources has about 5, a launch with three 2.5."""
    min_sources: Annotated[int, whole(1, 1000)] = 3
    """Independent ones."""
    channels: Texts = ("email",)
    """Any of {channels}."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Service:
    """The background service."""

    TABLE: ClassVar[str] = "service"

    ping_url_env: Annotated[Text, Example("MONITOR_PING_URL")] = ""
    """An address to ask after each good run, so that a watcher elsewhere notices silence.

    It is a secret: name the variable that holds it.
    """
    ping_url_file: Annotated[Text, Example("ping-url")] = ""
    """Or the file."""
