"""Read the three files of a directory into one frozen `Config`, or report every fault of all of them."""

from __future__ import annotations

import os
from dataclasses import dataclass, is_dataclass, replace
from typing import TYPE_CHECKING, Any, TypeVar

from monitor import cluster, digest, fetch, setting_kinds, site, store, tag, values
from monitor.config import feedlist, members, tables, themes
from monitor.config.general import Alert, General, Service
from monitor.config.places import FILES, require
from monitor.deliver import CHANNELS, Files, Locked, Mail, Secrets, address_spec, unwritable
from monitor.disk import obstacle
from monitor.errors import ConfigError, Fault
from monitor.models import Selection
from monitor.parse import settings as parse
from monitor.toml import TomlDocument

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path
    from zoneinfo import ZoneInfo

    from monitor.deliver import ConfiguredChannel
    from monitor.deliver.files import Settings as FilesSettings
    from monitor.models import Feed

T = TypeVar("T")

MONITOR = FILES[0]


def declared_tables() -> dict[str, list[type[Any]]]:
    """Return the classes that declare keys of monitor.toml, by table, in the order of the starter file.

    A table with a dot in its name ("email.only") holds one table for each name that the user gives.
    """
    files, mail, *others = (channel.declared for channel in CHANNELS.values())
    every: tuple[type[Any], ...] = (
        General,
        fetch.Settings,
        digest.Settings,
        files,
        site.Settings,
        site.SavedSearch,
        cluster.Settings,
        mail,
        Selection,
        *others,
        Alert,
        store.Retention,
        Service,
    )
    by_table: dict[str, list[type[Any]]] = {}
    for declared in every:
        by_table.setdefault(declared.TABLE, []).append(declared)
    return by_table


@dataclass(frozen=True, kw_only=True, slots=True)
class Config:
    """The whole configuration. Packages never get this, only their own part of it."""

    directory: Path
    general: General
    feeds: tuple[Feed, ...]
    own_rules: tag.Rules | None
    """What themes.toml says, laid over the shipped one; None if it is empty."""
    fetch: fetch.Settings
    parse: parse.Settings
    cluster: cluster.Settings
    digest: digest.Settings
    retention: store.Retention
    alert: Alert | None
    service: Service
    searches: Mapping[str, site.SavedSearch]
    """Those that have a page in the archive, by their names."""
    channel_settings: Mapping[str, Any]
    """The Settings of each channel that is switched on, by the channel's name."""
    secrets: Secrets
    hints: tuple[str, ...] = ()
    """Advice about files that are correct, but could be better."""

    @property
    def language(self) -> str:
        """The language of the digest."""
        return self.general.language

    @property
    def rules(self) -> tag.Rules:
        """Beats, themes and their phrases. Compiled only when needed: most polls bring nothing to tag."""
        return self.own_rules or themes.shipped_rules()

    @property
    def timezone(self) -> ZoneInfo:
        """The zone of the digest's schedule and dates."""
        return self.general.timezone

    @property
    def data_dir(self) -> Path:
        """The folder of the database."""
        return self.general.data_dir

    @property
    def database(self) -> Path:
        """The SQLite file."""
        return self.data_dir / "monitor.db"

    @property
    def labels(self) -> list[tuple[str, str]]:
        """Beats and themes with their labels in the digest's language, in the order of themes.toml."""
        return self.labels_in(self.language)

    def labels_in(self, language: str) -> list[tuple[str, str]]:
        """Return beats and themes with their labels in another language."""
        both = (*self.rules.beats, *self.rules.themes)
        return [(label.slug, label.in_language(language)) for label in both]

    @property
    def files(self) -> FilesSettings:
        """Where digests and the archive are written: the one channel that is always there."""
        found: FilesSettings = self.channel_settings[Files.name]
        return found

    @property
    def recipients(self) -> frozenset[str]:
        """The addresses that get mail."""
        mail = self.channel_settings.get(Mail.name)
        return frozenset(map(address_spec, mail.to)) if mail else frozenset()

    @property
    def selections(self) -> Mapping[str, Selection]:
        """By address: what those recipients get who do not get everything."""
        mail = self.channel_settings.get(Mail.name)
        return mail.only if mail else {}

    def channels(self) -> tuple[ConfiguredChannel, ...]:
        """Make the channels that are switched on, files first, with their secrets.

        Raises ConfigError when a secret is missing or others can read it.
        """
        found, faults = self.channels_or_locked()
        if faults:
            raise ConfigError(faults)
        return tuple(channel for channel in found if not isinstance(channel, Locked))

    def channels_or_locked(self) -> tuple[tuple[ConfiguredChannel | Locked, ...], tuple[Fault, ...]]:
        """Make the same channels, for a secret that cannot be read one that waits; and return the faults."""
        found: list[ConfiguredChannel | Locked] = []
        faults: list[Fault] = []
        for name, settings in self.channel_settings.items():
            try:
                found.append(CHANNELS[name].of(settings, self.secrets))
            except ConfigError as error:
                wrong = [_below(settings.TABLE, fault) for fault in error.faults]
                found.append(Locked(CHANNELS[name](settings), "; ".join(map(str, wrong))))
                faults += wrong
        return tuple(found), tuple(faults)

    def tagger(self, learned: str) -> tag.Tagger:
        """Compile the rules, with what the user's marks have taught (the store's note `tag.PERSONAL`)."""
        return tag.Tagger(
            self.rules,
            kinds={feed.url: feed.kind for feed in self.feeds if feed.kind},
            personal=tag.Personal.from_json(learned),
            semantic=self.cluster.semantic,
        )

    def ping_url(self) -> str:
        """Return the health-check address, "" for none. Raises ConfigError when it cannot be read."""
        service = self.service
        try:
            found = self.secrets.read("ping_url", env=service.ping_url_env, file=service.ping_url_file)
            return values.web_address(found) if found else ""
        except ConfigError as error:
            raise ConfigError([_below(service.TABLE, fault) for fault in error.faults]) from error
        except ValueError:
            place = "ping_url_env" if service.ping_url_env else "ping_url_file"
            # Neither the value nor what is wrong with it is shown: it is a secret.
            fault = Fault("", place, "holds no address that starts with http:// or https://")
            raise ConfigError([_below(service.TABLE, fault)]) from None

    def check(self) -> None:
        """Check what lies outside the files: secrets, folders, extras. Raises ConfigError."""
        found: list[Fault] = []
        channels: tuple[ConfiguredChannel, ...] = ()
        try:
            channels = self.channels()
        except ConfigError as error:
            found += error.faults
        try:
            self.ping_url()
        except ConfigError as error:
            found += error.faults
        if reason := unwritable(self.data_dir):
            found.append(Fault(MONITOR, "data_dir", reason))
        found += [
            Fault(MONITOR, self.channel_settings[channel.name].TABLE, reason)
            for channel in channels
            if (reason := channel.missing())
        ]
        if found:
            raise ConfigError(found)


def load(directory: Path, environ: Mapping[str, str] = os.environ) -> Config:
    """Read and check the three files. A missing file means the defaults: the shipped themes, no feeds.

    Raises ConfigError with every fault of every file.
    """
    require(directory)
    monitor, subscriptions, topic = (TomlDocument.read(directory / name) for name in FILES)
    settings = _settings(monitor)
    feeds = feedlist.read(subscriptions)
    rule_faults: list[Fault] = []
    rules = None
    try:
        rules = themes.rules_of(topic) if topic.data or topic.faults else None
        members.judge_preferences(monitor, rules)
        members.judge_selections(monitor, rules)
        members.judge_searches(monitor, rules)
    except ConfigError as error:
        rule_faults += error.faults
    # Relative to the configuration and not to the working directory: cron and systemd start elsewhere.
    absolute = {declared: _at(directory, value) for declared, value in settings.items()}
    # Where a file lies in its place the database counts as one that is still to be made: `status` said that
    # nothing was ever polled, and `backup` that there is no database yet.
    if (general := absolute[General]) and (reason := obstacle(general.data_dir)):
        monitor.fault(("data_dir",), reason)
    # All files are read before any fault is reported: it is easier to correct five mistakes at once than one
    # mistake five times.
    faults = [fault for read in (monitor, subscriptions) for fault in read.sorted_faults()] + rule_faults
    if faults:
        raise ConfigError(faults)
    config = _config(directory, absolute, feeds, rules, environ)
    hints = (feedlist.hint(subscriptions), themes.hint(topic), *themes.doubts(topic), *_hints(config))
    return replace(config, hints=tuple(filter(None, hints)))


def _hints(config: Config) -> Iterator[str]:
    if not any(feed.enabled for feed in config.feeds):
        yield "no feed is followed yet: `monitor feeds add ADDRESS`, or `follow = [...]` in feeds.toml"
    if not config.general.user_agent:
        yield "set user_agent in monitor.toml and add a way to reach you; publishers ask for it"
    if config.channel_settings.keys() == {Files.name} and not config.files.formats:
        yield "digests are made and go nowhere: name a format under [digest], or give an [email]"


def _settings(document: TomlDocument) -> dict[type[Any], Any]:
    """Read every declared table of monitor.toml into its class; None for one that is off or has faults."""
    found: dict[type[Any], Any] = {}
    every = declared_tables()
    homes = _homes(every)
    for name, sharing in every.items():
        if "." in name:
            found.update((declared, tables.read_each(declared, document, name)) for declared in sharing)
            continue
        place, table = ((name,), document.data.get(name, {})) if name else ((), document.data)
        if not isinstance(table, dict):
            document.fault(place, f"expected a table, [{name}]{values.got(table)}")
            continue
        keys = [setting.key for declared in sharing for setting in tables.settings_of(declared)]
        tables.unknown(document, place, table, [*keys, *_tables_in(name, every)], homes)
        for declared in sharing:
            absent = tables.is_optional(declared) and name not in document.data
            found[declared] = None if absent else tables.read(declared, document, place, table)
    members.judge(document, found)
    return found


def _homes(every: Mapping[str, Iterable[type]]) -> dict[str, str]:
    """Say of each key where it belongs: `time` above the first table is none of the general settings."""
    homes = dict.fromkeys(("feed", "follow"), "in feeds.toml")
    homes |= dict.fromkeys(("beat", "theme"), "in themes.toml")
    for name, sharing in every.items():
        if "." not in name:
            for key in (setting.key for declared in sharing for setting in tables.settings_of(declared)):
                there = f"under [{name}]" if name else "above the first table"
                homes[key] = f"{homes[key]} or {there}" if key in homes else there
    return homes


def _tables_in(outer: str, every: Iterable[str]) -> Iterator[str]:
    """Yield the names of the tables inside a table, or inside the file for "": `only` is inside [email]."""
    for name in every:
        around, _, inner = name.rpartition(".")
        if inner and around == outer:
            yield inner


def _at(directory: Path, settings: T) -> T:
    """Make relative paths absolute, starting from the configuration's directory."""
    if not is_dataclass(settings):
        return settings
    found = {
        setting.field: directory / getattr(settings, setting.field)
        for setting in tables.settings_of(type(settings))
        if setting.kind is setting_kinds.PATH
    }
    return replace(settings, **found) if found else settings  # type: ignore[type-var]


def _config(
    directory: Path,
    settings: Mapping[type[Any], Any],
    feeds: tuple[Feed, ...],
    rules: tag.Rules | None,
    environ: Mapping[str, str],
) -> Config:
    """Put the parts together, and pass what one table says to the other packages that need it."""
    general: General = settings[General]
    polling: fetch.Settings = settings[fetch.Settings]
    alert: Alert | None = settings[Alert]
    channels = {name: settings[channel.declared] for name, channel in CHANNELS.items()}
    # The channel and the digest's formats do not import each other: the channel gets here what it needs.
    suffixes = {name: format_.suffix for name, format_ in digest.FORMATS.items()}
    channels[Files.name] = replace(channels[Files.name], suffixes=suffixes)
    if mail := channels[Mail.name]:
        selections = {members.address(written): one for written, one in settings[Selection].items()}
        recipients = {address_spec(one): selections.get(members.address(one)) for one in mail.to}
        channels[Mail.name] = replace(mail, only={to: one for to, one in recipients.items() if one})
    return Config(
        directory=directory,
        general=general,
        feeds=feeds,
        own_rules=rules,
        fetch=replace(polling, user_agent=general.user_agent or polling.user_agent),
        parse=parse.Settings(),
        cluster=replace(settings[cluster.Settings], language=general.language),
        digest=replace(
            settings[digest.Settings],
            language=general.language,
            timezone=general.timezone.key,
            archive_url=settings[site.Settings].base_url,
        ),
        retention=settings[store.Retention],
        alert=alert if alert and alert.enabled else None,
        service=settings[Service],
        searches=settings[site.SavedSearch],
        channel_settings={n: one for n, one in channels.items() if one and getattr(one, "enabled", True)},
        secrets=Secrets(directory, environ),
    )


def _below(table: str, fault: Fault) -> Fault:
    return Fault(MONITOR, f"{table}.{fault.place}", fault.message)
