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
    """General settings."""

    TABLE: ClassVar[str] = ""

    language: Text = _DIGEST.language
    """Language of the digest: {languages}."""
    timezone: Zone = ZoneInfo(_DIGEST.timezone)  # noqa: RUF009 - zones are cached and never change
    """Time zone of the digest's schedule and dates (an IANA name)."""
    data_dir: FilePath = Path("data")
    """The folder of the database."""
    user_agent: Annotated[
        AsciiText, Example("sora-monitor (+https://example.org/my-monitor; me@example.org)")
    ] = ""
    """How monitor introduces itself to publishers. Add a way to reach you: a web page or an address."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Alert:
    """Tell an important story at once, without waiting for the digest; once per story."""

    TABLE: ClassVar[str] = "alert"

    enabled: Switch = True
    """False switches it off without losing the other settings."""
    min_score: Score = 4.0
    """The importance it needs: a ruling with three sources has about 5, a launch with three 2.5."""
    min_sources: Annotated[int, whole(1, 1000)] = 3
    """How many independent sources it needs."""
    channels: Texts = ("email",)
    """Any of {channels}."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Service:
    """The background service."""

    TABLE: ClassVar[str] = "service"

    ping_url_env: Annotated[Text, Example("MONITOR_PING_URL")] = ""
    """An address to request after each good run, so that a watcher elsewhere notices silence.

    The address is a secret: name the environment variable that holds it.
    """
    ping_url_file: Annotated[Text, Example("ping-url")] = ""
    """Instead of ping_url_env: the file that holds it."""
