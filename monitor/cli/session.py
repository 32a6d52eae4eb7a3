"""What every command starts with: the global options, the clock, the configuration, the store."""

from __future__ import annotations

import os
import re
import shlex
import sys
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

from monitor import handles, values
from monitor.errors import MonitorError
from monitor.models import Window
from monitor.url import redact_url

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import tzinfo

    import typer

    from monitor.config import Config
    from monitor.models import Feed
    from monitor.store import Store
    from monitor.tag import Rules, Tagger

_AGO: Final = re.compile(r"\d+(?:\.\d+)?\s*[smhdw]")
# Years that the clock may show: windows and schedules need room before and after.
_YEARS: Final = range(1970, 9999)
# Years that a time may have: windows and time zones need room on either side.
_CALENDAR: Final = range(2, 9999)
_DAYS: Final = {"today": 0, "yesterday": -1}


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

    def since(self, text: str, zone: tzinfo) -> datetime | None:
        """Read a `--since`: a moment, a day, or a time ago; None for "". Raises UsageError."""
        return instant(text, zone, now=self.now()) if text else None

    def until(self, text: str, zone: tzinfo) -> datetime | None:
        """Read an `--until`: like `since`, but a day means its end."""
        return instant(text, zone, now=self.now(), end_of_day=True) if text else None

    def window(self, since: str, until: str, zone: tzinfo, *, usual: timedelta) -> Window:
        """Read `--since` and `--until`; without a beginning, the window reaches `usual` back from its end.

        Raises UsageError when no time lies between them.
        """
        now = self.now()
        # The future cannot be reported: with an end in it, the rest of the day would be called quiet.
        end = min(self.until(until, zone) or now, now)
        start = self.since(since, zone) or end - usual
        if start >= end:
            first, last = (f"{moment.astimezone(zone):%Y-%m-%d %H:%M}" for moment in (start, end))
            raise UsageError(f"there is no time between {first} and {last}")
        return Window(start=start, end=end)

    @property
    def directory(self) -> Path:
        """The configuration directory."""
        from monitor.config import find

        return find(self.chosen_directory, os.environ, here=Path.cwd())

    @property
    def program(self) -> str:
        """How commands are called for this configuration: one that was named must be named again."""
        return called(self.chosen_directory)

    def config(self) -> Config:
        """Load the configuration. Raises ConfigError."""
        from monitor.config import load

        return load(self.directory)

    def rules(self) -> Rules:
        """Load only the themes, for commands that use no database; without a configuration, the shipped ones.

        Raises ConfigError, also when a named directory does not exist: it may be meant to hold the user's own
        themes.
        """
        from monitor.config import load_rules, require

        named = self.chosen_directory is not None or os.environ.get("MONITOR_CONFIG")
        if named and not self.directory.is_dir():
            require(self.directory)
        return load_rules(self.directory)

    def tagger(self) -> Tagger:
        """Return a tagger without what marks have taught, for commands that use no database.

        It takes the second look unless the configuration, where there is one, switches it off.
        """
        from monitor.config import is_configured
        from monitor.tag import Tagger

        rules = self.rules()
        semantic = not is_configured(self.directory) or self.config().cluster.semantic
        return Tagger(rules, semantic=semantic)

    @contextmanager
    def reading(self) -> Iterator[tuple[Config, Store]]:
        """Open the configuration, and the store read-only: nothing is changed."""
        from monitor import store

        config = self.config()
        with store.open(config.database, read_only=True) as opened:
            # Addresses are stored without their secrets: without this a preview would not know those feeds by
            # name.
            opened.feeds.know(config.feeds)
            yield config, opened

    @contextmanager
    def writing(self) -> Iterator[tuple[Config, Store]]:
        """Open the configuration and the store, and bring the store's feeds up to date with feeds.toml."""
        from monitor import store

        config = self.config()
        with store.open(config.database) as opened:
            opened.feeds.sync(config.feeds, self.now())
            yield config, opened


def feed_named(wanted: str, feeds: Iterable[Feed]) -> str:
    """Return the address of the feed with this address (whole or as printed) or title; "" if there is none.

    Raises UsageError when several feeds fit.
    """
    listed = list(feeds)
    fits: list[Feed] = [feed for feed in listed if feed.url == wanted][:1]
    # Addresses are printed without what may be a secret, and what was printed can be pasted back.
    fits = fits or [feed for feed in listed if redact_url(feed.url) == wanted]
    fits = fits or [feed for feed in listed if wanted and feed.title.casefold() == wanted.casefold()]
    if len(fits) > 1:
        titles = ", ".join(feed.title or redact_url(feed.url) for feed in fits)
        raise UsageError(f"{redact_url(wanted)} may be one of several ({titles}): give the full address")
    return fits[0].url if fits else ""


def session(context: typer.Context) -> Session:
    """Return the session that the global options have set up."""
    found: Session = context.obj
    return found


def clock(text: str) -> datetime:
    """Read `--now`. Raises UsageError, also at the calendar's ends, which have no day before or after."""
    moment = instant(text)
    if moment.year not in _YEARS:
        raise UsageError(f"--now {text} is out of range: expected the years {_YEARS[0]} to {_YEARS[-1]}")
    return moment


def instant(
    text: str, zone: tzinfo = UTC, *, now: datetime | None = None, end_of_day: bool = False
) -> datetime:
    """Read a moment: ISO 8601 or a date; if `now` is given also `7d`, `12h`, `today` or `yesterday`.

    Without an offset it is in `zone`. A day means its first instant or, with `end_of_day`, the first instant
    of the next day. Raises UsageError.
    """
    with suppress(ValueError, OverflowError):
        found = _instant(text.strip(), zone, now, end_of_day=end_of_day)
        if found.year in _CALENDAR:
            return found
    also = ", or `7d`, `12h`, `yesterday`" if now is not None else ""
    raise UsageError(f"{text!r} is not a time; expected one such as 2024-12-10T07:00Z or 2024-12-10{also}")


def _instant(written: str, zone: tzinfo, now: datetime | None, *, end_of_day: bool) -> datetime:
    """Read a moment. Raises ValueError, or OverflowError for one outside the calendar."""
    if now is not None and _AGO.fullmatch(written):
        return now - values.duration(written)
    if now is not None and written in _DAYS:
        written = (now.astimezone(zone).date() + timedelta(days=_DAYS[written])).isoformat()
    # `fromisoformat` takes a bare date for midnight; here it may mean the day's end as well.
    if len(written) == len("2024-12-10"):
        first = date.fromisoformat(written) + timedelta(days=end_of_day)
        return datetime.combine(first, time(), zone).astimezone(UTC)
    moment = datetime.fromisoformat(written)
    return (moment if moment.tzinfo else moment.replace(tzinfo=zone)).astimezone(UTC)


def called(directory: Path | None) -> str:
    """Return how commands are called for a configuration that was named, or for the one that they find."""
    return f"monitor --config {shlex.quote(str(directory))}" if directory else "monitor"


def read_bytes(file: Path) -> bytes:
    """Read a file that was named on the command line; "-" is standard input. Raises MonitorError."""
    try:
        return sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes()
    except OSError as error:
        raise MonitorError(f"{file} cannot be read: {error.strerror}") from error


def entry_number(text: str) -> int:
    """Read the handle of an entry: e9071, or the bare number. Raises UsageError."""
    return _number(text, "e", "an entry")


def story_number(text: str) -> int:
    """Read the handle of a story: s412, or the bare number. Raises UsageError."""
    return _number(text, "s", "a story")


def _number(text: str, letter: str, noun: str) -> int:
    handle = handles.read(text)
    if handle is None or handle.kind not in {"", letter}:
        raise UsageError(f"{text!r} does not name {noun}; expected {letter}12 or 12")
    return handle.number


def day(text: str) -> date:
    """Read a date. Raises UsageError."""
    with suppress(ValueError):
        found = date.fromisoformat(text)
        if found.year in _CALENDAR:
            return found
    raise UsageError(f"{text!r} is not a date; expected one such as 2024-12-10")
