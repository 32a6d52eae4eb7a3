"""A user's desk for tests of the whole program: a configuration, feed documents and a clock.

desk = Desk(tmp_path, [url])
with desk.store() as store: await pipeline.poll(desk.config, store, now=at(9))
"""

from __future__ import annotations

import asyncio
import io
import json
import sys
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from html import escape
from typing import TYPE_CHECKING, Any
from unittest import mock

from loopback import Loopback, Reply, in_a_thread

from monitor import cli, config, corrections, store
from monitor.models import Poll

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from monitor.config import Config
    from monitor.models import Digest
    from monitor.store import Store

SETTINGS = """\
timezone = "UTC"
user_agent = "monitor-tests/1"
[poll]
host_gap = 0
per_host = 8
timeout = "5s"
allow_private_addresses = true
[stories]
semantic = false
"""
THEMES = """\
[grades]
sure = 1.0
[beat.sora]
label = { en = "Sora", de = "Sora" }
any.sure = ["Sora AND OpenAI"]
[beat.ai-creative-labour]
label = { en = "AI and creative labour", de = "KI und Kreativarbeit" }
any.sure = ["AI AND artists"]
[theme.leak-protest]
label = { en = "Leak and protest", de = "Leck und Protest" }
any.sure = ["leak*"]
[theme.unpaid-labour]
label = { en = "Unpaid labour", de = "Unbezahlte Arbeit" }
any.sure = ["unpaid"]
"""
START = datetime(2024, 12, 2, tzinfo=UTC)
"""A Monday; digests are due at 07:00 UTC."""


def at(hour: float, day: int = 0) -> datetime:
    """Return an hour of a day of the test; day 0 is the first."""
    return START + timedelta(days=day, hours=hour)


def item(name: str, title: str, summary: str = "", *, published: datetime = START) -> str:
    """Return an entry of an RSS document, whose guid and link are made from its name."""
    return (
        f"<item><guid>{name}</guid><link>https://news.test/{name}</link><title>{escape(title)}</title>"
        f"<description>{escape(summary)}</description><pubDate>{format_datetime(published)}</pubDate></item>"
    )


def rss(*items: str, title: str = "The Paper") -> bytes:
    head = f'<?xml version="1.0"?><rss version="2.0"><channel><title>{title}</title><language>en</language>'
    return f"{head}<link>https://news.test/</link>{''.join(items)}</channel></rss>".encode()


def page(*items: str, title: str = "The Paper") -> Reply:
    return Reply(rss(*items, title=title), headers={"Content-Type": "application/rss+xml"})


@dataclass
class Desk:
    """A configuration directory with its data."""

    directory: Path
    feeds: Sequence[str]
    settings: str = SETTINGS
    names: dict[str, str] = field(default_factory=dict)
    """Titles of feeds by address."""

    def __post_init__(self) -> None:
        self.directory.mkdir(exist_ok=True)
        (self.directory / "monitor.toml").write_text(self.settings)
        (self.directory / "themes.toml").write_text(THEMES)
        self.follow(self.feeds)

    def follow(self, feeds: Sequence[str]) -> None:
        lines = [
            f"[[feed]]\nurl = {json.dumps(url)}\ntitle = {json.dumps(self.names.get(url, ''))}\n"
            for url in feeds
        ]
        (self.directory / "feeds.toml").write_text("".join(lines))

    @property
    def config(self) -> Config:
        return config.load(self.directory)

    def store(self) -> Store:
        return store.open(self.config.database)

    def files(self) -> dict[str, bytes]:
        """Every file of the desk, byte for byte."""
        return {
            str(path.relative_to(self.directory)): path.read_bytes()
            for path in sorted(self.directory.rglob("*"))
            if path.is_file()
        }


async def reject(desk: Desk, entry: int, *, now: datetime) -> None:
    """Mark an entry as not relevant, as the command does: in a thread, since it runs its own event loop."""

    def mark() -> None:
        with desk.store() as opened:
            corrections.mark(desk.config, opened, entry, relevant=False, now=now)

    await asyncio.to_thread(mark)


def made(opened: Store, day: int) -> Digest:
    """Return the frozen digest of a day of the test."""
    stored = opened.digests.get(at(0, day).date())
    assert stored is not None
    return stored.digest()


def logged(at: datetime, **changes: Any) -> Poll:
    """Return a poll as the store logs it, of one feed and without trouble."""
    poll = Poll(
        started_at=at,
        finished_at=at,
        feeds=1,
        ok=1,
        failed=0,
        not_modified=0,
        new=0,
        changed=0,
        outage=False,
    )
    return replace(poll, **changes)


def reported(made: Digest) -> list[str]:
    """Return the titles that a digest reports for the first time."""
    return sorted(report.title for story in made.stories for report in story.reports if report.new)


@contextmanager
def serving() -> Iterator[Loopback]:
    """Run a loopback server in a thread of its own, for programs that have their own event loop."""
    with in_a_thread(Loopback()) as server:
        yield server


@dataclass(frozen=True)
class Result:
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


def run(desk: Path | None, *arguments: object, now: datetime = START, stdin: str = "") -> Result:
    """Run the whole program in this process, as a shell would."""
    out, err, code = io.StringIO(), io.StringIO(), 0
    options = [] if desk is None else ["--config", desk, "--now", now.isoformat()]
    with (
        mock.patch.object(sys, "argv", ["monitor", *map(str, [*options, *arguments])]),
        mock.patch.object(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin.encode()))),
        redirect_stdout(out),
        redirect_stderr(err),
    ):
        try:
            cli.main()
        except SystemExit as end:
            code = int(end.code or 0)
    return Result(code, out.getvalue(), err.getvalue())


def polled(directory: Path) -> Path:
    """Make a desk with two feeds, polled at nine: two relevant entries and one that is not; `/b` fails."""
    with serving() as server:
        leak = item("leak", "Testers leak OpenAI tool Sora in protest", "They call it <b>unpaid</b> work.")
        choir = item("choir", "AI choir angers artists in Graz")
        server.on("/a", page(leak, choir, item("river", "River bridge closed for repairs")))
        server.on("/b", Reply(status=500))
        desk = Desk(directory, [server.url("/a"), server.url("/b").replace("//", "//reader:hunter2@")])
        assert run(desk.directory, "poll", now=at(9)).code == 0
    return directory
