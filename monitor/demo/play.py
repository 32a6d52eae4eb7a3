"""Five days of the real pipeline against the bundled outlets: nothing is mocked but the calendar."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

from monitor import config, pipeline, store
from monitor.demo import outlet
from monitor.demo.server import Newsstand
from monitor.errors import ConfigError, Fault
from monitor.text import counted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from monitor.config import Config
    from monitor.models import Digest, Poll, Receipt
    from monitor.store import Store

DAYS: Final = tuple(date(2024, 12, day) for day in range(2, 7))
POLLS: Final = (time(9), time(14), time(20))
"""When each day is polled, local time; its digest follows on the next morning."""

_ZONE: Final = ZoneInfo("Europe/Berlin")
_SETTINGS: Final = """\
# Written by `monitor demo`, and written anew by its next run.
language = "en"
timezone = "Europe/Berlin"

[poll]
interval = "2h"
max_interval = "4h"
per_host = 8                        # all sample outlets share one host: this computer
allow_private_addresses = true

[digest]
time = "07:00"
formats = ["md", "html"]

[stories]
semantic = false                    # the same stories whether the extra is installed or not
"""
_MARK: Final = _SETTINGS.splitlines()[0]


@dataclass(frozen=True, kw_only=True, slots=True)
class DemoResult:
    """What the demo has made, and where it lies."""

    config: Config
    """As loaded from the demo's directory; later commands find everything with `--config` of it."""
    digests: tuple[Digest, ...]
    """One a day, oldest first."""
    files: tuple[Path, ...]
    """The digests as files, by name."""


async def play(directory: Path, say: Callable[[str], None]) -> DemoResult:
    """Poll the bundled outlets through five days and write a digest on each next morning.

    Everything is kept in `directory`; an earlier demo there is replaced. `say` gets one line for each poll
    and each digest. Raises ConfigError when the directory holds anything else.
    """
    outlets = outlet.load()
    claim(directory, _MARK, "demo")
    with Newsstand(outlets, _instant(DAYS[0], POLLS[0])) as stand:
        _configure(directory, [(stand.url(one), one) for one in outlets])
        settings = config.load(directory)
        with store.open(settings.database) as opened:
            opened.install(stand.now)
            digests = [await _day(settings, opened, stand, day, say) for day in DAYS]
    written = sorted(path for path in (directory / "digests").glob("*.*") if path.suffix in {".md", ".html"})
    return DemoResult(config=settings, digests=tuple(digests), files=tuple(written))


async def _day(
    settings: Config, opened: Store, stand: Newsstand, day: date, say: Callable[[str], None]
) -> Digest:
    """Play one day: its polls, and the digest on the next morning."""
    say(f"{day:%A %d %B %Y}")
    for hour in POLLS:
        stand.now = _instant(day, hour)
        poll = await pipeline.poll(settings, opened, now=stand.now)
        say(f"  {hour:%H:%M}  {_figures(poll)}")
    stand.now = _instant(day + timedelta(days=1), settings.digest.time)
    await pipeline.publish(settings, opened, settings.channels(), now=stand.now)
    made = opened.digests.get(day + timedelta(days=1))
    assert made is not None
    shown = made.digest()
    say(f"  {settings.digest.time:%H:%M}  the digest of {made.date}: {_summary(shown.receipt)}")
    return shown


def _figures(poll: Poll) -> str:
    """Sum up a poll in a few words."""
    parts = [f"{poll.feeds} feeds polled", counted(poll.new, "new entry", "new entries")]
    parts += [
        f"{count} {word}" for count, word in ((poll.changed, "changed"), (poll.failed, "failed")) if count
    ]
    return ", ".join(parts)


def _summary(receipt: Receipt) -> str:
    """Sum up what a digest tells in a few words."""
    stories = counted(receipt.stories, "story", "stories")
    reports = counted(receipt.reports, "new report", "new reports")
    return f"{stories} with {reports}, chosen from {counted(receipt.entries, 'entry', 'entries')}"


def _instant(day: date, hour: time) -> datetime:
    """Return an hour of a day as the demo's clock tells it."""
    return datetime.combine(day, hour, _ZONE).astimezone(UTC)


def claim(directory: Path, mark: str, what: str) -> None:
    """Make way for a demo or replay: only an empty folder, or an earlier one's, may be used.

    `mark` is how the settings begin that such a run writes. Raises ConfigError.
    """
    try:
        directory.mkdir(parents=True, exist_ok=True)
        settings = directory / config.FILES[0]
        ours = settings.is_file() and settings.read_text("utf-8", errors="replace").startswith(mark)
        if any(directory.iterdir()) and not ours:
            raise ConfigError(
                [Fault(str(directory), "", f"contains something other than a {what}; name another folder")]
            )
        for name in ("data", "digests"):
            shutil.rmtree(directory / name, ignore_errors=True)
    except OSError as error:
        raise ConfigError([Fault(str(directory), "", f"cannot be used: {error.strerror}")]) from error


def _configure(directory: Path, feeds: Iterable[tuple[str, outlet.Outlet]]) -> None:
    """Write a configuration as a user would; the themes are the starter's."""
    subscriptions = [
        f"[[feed]]\n{_line('url', url)}{_line('title', one.name)}{_line('language', one.language)}"
        for url, one in feeds
    ]
    monitor_toml, feeds_toml, _ = config.FILES
    (directory / monitor_toml).write_text(_SETTINGS, encoding="utf-8")
    (directory / feeds_toml).write_text("\n".join(subscriptions), encoding="utf-8")


def _line(key: str, value: str) -> str:
    """Write a line of TOML, whose strings are JSON's."""
    return f"{key} = {json.dumps(value, ensure_ascii=False)}\n"
