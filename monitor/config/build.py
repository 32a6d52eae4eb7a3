"""From checked tables to the settings of each package."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from monitor import __version__, cluster, digest, fetch, languages, parse, tag
from monitor.config import faults, schema, values
from monitor.config.places import FILES, starter
from monitor.deliver import files, mail, push, secrets
from monitor.errors import ConfigError, Fault
from monitor.models import Feed

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from monitor.deliver import Channel

MONITOR, FEEDS, THEMES = FILES


@dataclass(frozen=True, kw_only=True, slots=True)
class Retention:
    """How long texts are kept, None for ever."""

    relevant: timedelta | None
    other: timedelta | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Alert:
    """When a story is told at once, and through which channels."""

    min_score: float
    min_sources: int
    channels: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Config:
    """The whole configuration. Packages get their own part of it, never this."""

    directory: Path
    data_dir: Path
    language: str
    timezone: ZoneInfo
    feeds: tuple[Feed, ...]
    rules: tag.Rules
    fetch: fetch.Settings
    parse: parse.Settings
    cluster: cluster.Settings
    digest: digest.Settings
    retention: Retention
    alert: Alert | None
    semantic: bool
    tables: schema.MonitorFile
    environ: Mapping[str, str] = field(repr=False)

    @property
    def database(self) -> Path:
        """The SQLite file."""
        return self.data_dir / "monitor.db"

    def files(self) -> files.Files:
        """Build the channel that writes files; it needs no secret."""
        table = self.tables.digest
        return files.Files(
            files.Settings(output_dir=self.directory / table.output_dir, formats=tuple(table.formats))
        )

    def channels(self) -> tuple[Channel, ...]:
        """Build the channels that are switched on, files first, with their secrets.

        Raises ConfigError when a secret is missing or others can read it.
        """
        found: list[Channel] = [self.files()]
        problems: list[Fault] = []
        for name, make in (("email", self.mail), ("apprise", self.push)):
            try:
                channel: Channel | None = make()
            except ConfigError as error:
                problems += [Fault(MONITOR, f"{name}.{fault.place}", fault.message) for fault in error.faults]
                continue
            if channel is not None:
                found.append(channel)
        if problems:
            raise ConfigError(problems)
        return tuple(found)

    def mail(self) -> mail.Mail | None:
        """Build the email channel with its password; None when it is off. Raises ConfigError."""
        table = self.tables.email
        if table is None or not table.enabled:
            return None
        return mail.Mail(
            mail.Settings(
                host=table.host,
                port=table.port,
                tls=table.tls,
                username=table.username,
                password=self._secret("password", table.password_env, table.password_file),
                sender=table.sender,
                to=tuple(table.to),
                format=table.format,
                min_score=table.min_score,
            )
        )

    def push(self) -> push.Push | None:
        """Build the apprise channel with its addresses; None when it is off. Raises ConfigError."""
        table = self.tables.apprise
        if table is None or not table.enabled:
            return None
        addresses = self._secret("urls", table.urls_env, table.urls_file).split()
        return push.Push(push.Settings(urls=tuple(addresses), min_score=table.min_score))

    def ping_url(self) -> str:
        """Return the health-check address, "" for none. Raises ConfigError when it cannot be read."""
        table = self.tables.service
        return self._secret("ping_url", table.ping_url_env, table.ping_url_file)

    def _secret(self, name: str, env: str, file: str) -> str:
        return secrets.read(name, env=env, file=file, folder=self.directory, environ=self.environ)


def load(directory: Path, environ: Mapping[str, str] = os.environ) -> Config:
    """Read and check the three files. A missing monitor.toml or themes.toml has the starter's values.

    Raises ConfigError with every fault of every file.
    """
    if not any((directory / name).is_file() for name in FILES):
        raise ConfigError(
            [Fault(str(directory), "", "no configuration here; run `monitor init` to write one")]
        )
    settings, found = _read(directory / MONITOR, schema.MonitorFile)
    subscriptions, more = _read(directory / FEEDS, schema.FeedsFile)
    found += more
    found += _settings_faults(settings) if settings else []
    found += _feed_faults(subscriptions) if subscriptions else []
    rules = None
    try:
        rules = load_rules(directory)
    except ConfigError as error:
        found += error.faults
    if found or settings is None or subscriptions is None or rules is None:
        raise ConfigError(found)
    return _build(directory, settings, subscriptions, rules, environ)


def load_rules(directory: Path) -> tag.Rules:
    """Read themes.toml, else the starter's. Raises ConfigError with every fault."""
    path = directory / THEMES
    if not path.is_file():
        path = starter() / THEMES
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise ConfigError([Fault(THEMES, "", "not valid UTF-8 text")]) from error
    except OSError as error:
        raise ConfigError([Fault(str(path), "", f"cannot be read: {error.strerror}")]) from error
    return tag.load(text, file=THEMES)


def _read(path: Path, model: type[faults.FileT]) -> tuple[faults.FileT | None, list[Fault]]:
    data, found = faults.read(path)
    if found:
        return None, found
    return faults.validate(model, data, path.name)


def _settings_faults(settings: schema.MonitorFile) -> Iterable[Fault]:
    """Check what needs the world outside the file: time zones, languages, channels that exist."""
    try:
        values.zone(settings.timezone)
    except ValueError as error:
        yield Fault(MONITOR, "timezone", str(error))
    if settings.language not in languages.AVAILABLE:
        known = ", ".join(f'"{name}"' for name in languages.AVAILABLE)
        yield Fault(MONITOR, "language", f"no such language: {settings.language!r}; there are {known}")
    for name in settings.alert.channels if settings.alert else ():
        if getattr(settings, name) is None:
            yield Fault(MONITOR, "alert.channels", f"{name!r} is named but there is no [{name}] table")


def _feed_faults(subscriptions: schema.FeedsFile) -> Iterable[Fault]:
    first: dict[str, int] = {}
    for number, feed in enumerate(subscriptions.feed, start=1):
        if feed.url in first:
            yield Fault(FEEDS, f"feed[{number}].url", f"is listed twice (first as feed[{first[feed.url]}])")
        first.setdefault(feed.url, number)


def _build(
    directory: Path,
    settings: schema.MonitorFile,
    subscriptions: schema.FeedsFile,
    rules: tag.Rules,
    environ: Mapping[str, str],
) -> Config:
    poll, edition, zone = settings.poll, settings.digest, ZoneInfo(settings.timezone)
    return Config(
        directory=directory,
        data_dir=directory / settings.data_dir,
        language=settings.language,
        timezone=zone,
        feeds=tuple(_feed(table) for table in subscriptions.feed),
        rules=rules,
        fetch=fetch.Settings(
            user_agent=settings.user_agent or f"sora-monitor/{__version__} (self-hosted news monitor)",
            timeout=poll.timeout,
            max_bytes=poll.max_bytes,
            concurrency=poll.concurrency,
            per_host=poll.per_host,
            allow_private_addresses=poll.allow_private_addresses,
            interval=poll.interval,
            min_interval=poll.min_interval,
            max_interval=poll.max_interval,
            host_gap=timedelta(seconds=poll.host_gap),
        ),
        parse=parse.Settings(timeout=poll.timeout),
        cluster=cluster.Settings(open_for=settings.stories.open_for, language=settings.language),
        digest=digest.Settings(
            language=settings.language,
            timezone=settings.timezone,
            time=edition.time,
            days=edition.days,
            max_stories=edition.max_stories,
            send_if_empty=edition.send_if_empty,
            backlog=edition.backlog,
        ),
        retention=Retention(
            relevant=_period(settings.retention.relevant), other=_period(settings.retention.other)
        ),
        alert=_alert(settings.alert),
        semantic=settings.stories.semantic,
        tables=settings,
        environ=environ,
    )


def _feed(table: schema.FeedTable) -> Feed:
    given: dict[str, Any] = table.model_dump()
    return Feed(**given | {"tags": tuple(table.tags), "language": table.language.partition("-")[0].lower()})


def _period(value: timedelta) -> timedelta | None:
    return None if value == values.FOREVER else value


def _alert(table: schema.AlertTable | None) -> Alert | None:
    if table is None or not table.enabled:
        return None
    names = {"email": mail.Mail.name, "apprise": push.Push.name}
    return Alert(
        min_score=table.min_score,
        min_sources=table.min_sources,
        channels=tuple(names[name] for name in table.channels),
    )
