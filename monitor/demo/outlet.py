"""Invented outlets: what each publishes and when, read from its file, and how it stood at an instant."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass, replace
from importlib import resources
from typing import TYPE_CHECKING, Any

from monitor.text import fold

if TYPE_CHECKING:
    from datetime import datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class SampleEntry:
    """One entry of an outlet. A link is made of its first title, and stays."""

    at: datetime
    title: str
    summary: str
    url: str
    edits: tuple[tuple[datetime, str], ...] = ()
    """When the outlet gave it another title, and which; in order."""
    updated: datetime
    """When it last changed: `at` until there is an edit."""

    def as_of(self, now: datetime) -> SampleEntry:
        """Return the entry as it stood at `now`, under the title it then had."""
        current = self
        for at, title in self.edits:
            if at <= now:
                current = replace(current, title=title, updated=at)
        return current


@dataclass(frozen=True, kw_only=True, slots=True)
class Outage:
    """What an outlet's server answers instead of its feed from `since` on, until the next outage."""

    since: datetime
    status: int
    body: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Outlet:
    """One outlet: its feed, all it ever publishes, and its server's weaknesses."""

    slug: str
    name: str
    language: str
    format: str
    """A key of `formats.FORMATS`."""
    home: str
    about: str
    entries: tuple[SampleEntry, ...]
    outages: tuple[Outage, ...] = ()
    delay: float = 0.0
    """Seconds that its server takes to answer."""
    window: int = 10
    """How many entries its document holds, the newest."""

    def entries_at(self, now: datetime) -> tuple[SampleEntry, ...]:
        """Return what its document holds at `now`, newest first."""
        out = sorted((entry for entry in self.entries if entry.at <= now), key=lambda entry: entry.at)
        return tuple(entry.as_of(now) for entry in out[: -self.window - 1 : -1])

    def outage_at(self, now: datetime) -> Outage | None:
        """Return what is wrong with its server at `now`, None when all is well."""
        begun = [outage for outage in self.outages if outage.since <= now]
        return max(begun, key=lambda outage: outage.since, default=None)


def load() -> tuple[Outlet, ...]:
    """Read all bundled outlets, in the order of their files' names."""
    files = (file for file in resources.files("monitor.demo").joinpath("outlets").iterdir())
    return tuple(
        read(file.name.removesuffix(".toml"), file.read_text(encoding="utf-8"))
        for file in sorted(files, key=lambda file: file.name)
        if file.name.endswith(".toml")
    )


def read(slug: str, text: str) -> Outlet:
    """Read one outlet's file."""
    table = tomllib.loads(text)
    entries = tuple(_entry(table["home"], entry) for entry in table.pop("entry"))
    outages = tuple(Outage(**outage) for outage in table.pop("outage", ()))
    return Outlet(slug=slug, entries=entries, outages=outages, **table)


def _entry(home: str, table: dict[str, Any]) -> SampleEntry:
    at = table["at"]
    words = re.findall(r"[a-z0-9]+", fold(table["title"]))
    return SampleEntry(
        at=at,
        title=table["title"],
        summary=table["summary"],
        url=f"{home}{at:%Y/%m/%d}/{'-'.join(words[:7])}",
        edits=tuple((edit["at"], edit["title"]) for edit in table.get("edit", ())),
        updated=at,
    )
