"""What every command starts from: the global options, the clock, the configuration, the store."""

from __future__ import annotations

import os
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from monitor.errors import MonitorError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import tzinfo

    import typer

    from monitor.config import Config
    from monitor.store import Store
    from monitor.tag import Rules


class UsageError(MonitorError):
    """The command line asks for something that makes no sense; exit code 2."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Session:
    """One run of the program."""

    chosen_directory: Path | None = None
    fixed_now: datetime | None = None
    quiet: bool = False
    verbose: bool = False

    def now(self) -> datetime:
        """Read the run's clock: `--now`, else the time."""
        return self.fixed_now or datetime.now(UTC)  # noqa: TID251 - the one clock of the commands

    @property
    def directory(self) -> Path:
        """The configuration directory."""
        from monitor.config import find

        return find(self.chosen_directory, os.environ, here=Path.cwd())

    def config(self) -> Config:
        """Load the configuration. Raises ConfigError."""
        from monitor.config import load

        return load(self.directory)

    def rules(self) -> Rules:
        """Load the themes alone, for commands that touch no database. Raises ConfigError."""
        from monitor.config import load_rules

        return load_rules(self.directory)

    @contextmanager
    def reading(self) -> Iterator[tuple[Config, Store]]:
        """Open the configuration, and the store to read only: nothing at all is changed."""
        from monitor import store

        config = self.config()
        with store.open(config.database, read_only=True) as opened:
            opened.feeds.know(config.feeds)
            yield config, opened

    @contextmanager
    def writing(self) -> Iterator[tuple[Config, Store]]:
        """Open the configuration, and the store with the feeds of feeds.toml mirrored in it."""
        from monitor import store

        config = self.config()
        with store.open(config.database) as opened:
            opened.feeds.sync(config.feeds, self.now())
            yield config, opened


def session(context: typer.Context) -> Session:
    """Return what the global options said."""
    found: Session = context.obj
    return found


def instant(text: str, zone: tzinfo = UTC, *, end_of_day: bool = False) -> datetime:
    """Read an ISO 8601 time or date; without an offset it is in `zone`.

    A date alone means its first instant, or with `end_of_day` the first of the next day.
    Raises UsageError.
    """
    try:
        if len(text) == len("2024-12-10"):
            day = date.fromisoformat(text) + timedelta(days=end_of_day)
            return datetime.combine(day, time(), zone).astimezone(UTC)
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(f"{text!r} is not a time; expected ISO 8601 such as 2024-12-10T07:00Z") from None
    return (moment if moment.tzinfo else moment.replace(tzinfo=zone)).astimezone(UTC)


def day(text: str) -> date:
    """Read a date. Raises UsageError."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise UsageError(f"{text!r} is not a date; expected one such as 2024-12-10") from None
