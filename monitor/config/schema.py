"""The tables of monitor.toml and feeds.toml as they may be written: every key, its type and its default.

To add a setting, add it here, hand it to its package in `build.py`, and describe it in config/monitor.toml.
"""

from __future__ import annotations

import re
from datetime import time, timedelta
from email.utils import parseaddr
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from monitor.config.values import (  # noqa: TC001 - pydantic reads the annotations at run time
    Duration,
    DurationOrForever,
    Size,
    TimeOfDay,
    Weekdays,
)

FORMATS = ("md", "html", "json", "atom")
Format = Literal["md", "html", "json", "atom"]
Share = Annotated[float, Field(ge=0)]


def _http_url(value: str) -> str:
    """Accept an http(s) address with a host."""
    value = value.strip()
    try:
        parts = urlsplit(value)
        good = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        good = False
    if not good:
        raise ValueError("expected an address that starts with http:// or https://")
    return value


def _mailbox(value: str) -> str:
    """Accept an address, alone or in <> behind a name, as it stands in a From or To header (RFC 5322)."""
    if set(value) & set("\r\n") or not re.fullmatch(r"[^@\s<>]+@[^@\s<>]+", parseaddr(value)[1]):
        raise ValueError(f"{value!r} is not an email address")
    return value


Url = Annotated[str, AfterValidator(_http_url)]
Mailbox = Annotated[str, AfterValidator(_mailbox)]


class Table(BaseModel):
    """A table of the file; a key that it does not name is a fault."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class PollTable(Table):
    """[poll]: how feeds are fetched."""

    interval: Duration = timedelta(minutes=30)
    min_interval: Duration = timedelta(minutes=10)
    max_interval: Duration = timedelta(hours=24)
    timeout: Duration = timedelta(seconds=20)
    max_bytes: Size = 10_000_000
    concurrency: Annotated[int, Field(ge=1, le=256)] = 16
    per_host: Annotated[int, Field(ge=1, le=16)] = 2
    host_gap: Annotated[float, Field(ge=0, le=60)] = 1.0
    allow_private_addresses: bool = False

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.min_interval > self.max_interval:
            raise ValueError("min_interval is longer than max_interval")
        return self


class DigestTable(Table):
    """[digest]: when it is made and what it holds."""

    time: TimeOfDay = time(7, 0)
    days: Weekdays = tuple(range(7))
    formats: list[Format] = ["md", "html"]
    output_dir: str = "digests"
    max_stories: Annotated[int, Field(ge=1, le=200)] = 20
    send_if_empty: bool = True
    backlog: Duration = timedelta(days=2)


class StoriesTable(Table):
    """[stories]: how coverage of one event is gathered."""

    open_for: Duration = timedelta(days=10)
    semantic: bool = True


class EmailTable(Table):
    """[email]: delivery by SMTP."""

    enabled: bool = True
    host: str
    port: Annotated[int, Field(ge=1, le=65535)] = 587
    tls: Literal["starttls", "tls", "none"] = "starttls"
    username: str = ""
    password_env: str = ""
    password_file: str = ""
    sender: Annotated[Mailbox, Field(alias="from")]
    to: Annotated[list[Mailbox], Field(min_length=1)]
    format: Literal["both", "text"] = "both"
    min_score: Share = 0.0

    @model_validator(mode="after")
    def _one_password(self) -> Self:
        if self.password_env and self.password_file:
            raise ValueError("password_env and password_file: give one of them")
        if self.username and not (self.password_env or self.password_file):
            raise ValueError("a username needs password_env or password_file")
        return self


class AppriseTable(Table):
    """[apprise]: headlines to chat, push and other services; the addresses are secrets."""

    enabled: bool = True
    urls_env: str = ""
    urls_file: str = ""
    min_score: Share = 0.0

    @model_validator(mode="after")
    def _one_list(self) -> Self:
        if bool(self.urls_env) == bool(self.urls_file):
            raise ValueError("give either urls_env or urls_file")
        return self


class AlertTable(Table):
    """[alert]: tell of a story at once, when it passes a threshold."""

    enabled: bool = True
    min_score: Share = 10.0
    min_sources: Annotated[int, Field(ge=1)] = 3
    channels: list[Literal["email", "apprise"]] = ["email"]


class RetentionTable(Table):
    """[retention]: how long texts are kept; that an entry was seen is never forgotten."""

    relevant: DurationOrForever = timedelta.max
    other: DurationOrForever = timedelta(days=90)


class ServiceTable(Table):
    """[service]: the background service."""

    ping_url_env: str = ""
    ping_url_file: str = ""


class MonitorFile(Table):
    """monitor.toml."""

    language: str = "en"
    timezone: str = "Europe/Berlin"
    data_dir: str = "data"
    user_agent: Annotated[str, Field(pattern=r"^[\x20-\x7e]*$")] = ""
    poll: PollTable = PollTable()
    digest: DigestTable = DigestTable()
    stories: StoriesTable = StoriesTable()
    email: EmailTable | None = None
    apprise: AppriseTable | None = None
    alert: AlertTable | None = None
    retention: RetentionTable = RetentionTable()
    service: ServiceTable = ServiceTable()


class FeedTable(Table):
    """One [[feed]] of feeds.toml."""

    url: Url
    title: str = ""
    language: Annotated[str, Field(pattern=r"^([A-Za-z]{2,3}(-[A-Za-z0-9-]+)?)?$")] = ""
    tags: list[str] = []
    interval: Duration | None = None
    weight: Annotated[float, Field(gt=0, le=10)] = 1.0
    family: str = ""
    enabled: bool = True
    private_host: str = ""


class FeedsFile(Table):
    """feeds.toml."""

    feed: list[FeedTable] = []
