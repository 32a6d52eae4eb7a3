"""`init`, `check`: getting ready; trying feeds and mail, as `setup` does, before anything depends on them."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from monitor.cli.output import local, progress, say, show, show_wrapped
from monitor.cli.session import Session, called, session
from monitor.errors import ConfigError, DeliveryError, LogInError, ParseError
from monitor.models import FeedState
from monitor.text import counted, span_in_words
from monitor.url import redact_url

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime, timedelta, tzinfo

    from monitor.config import Config
    from monitor.deliver import ConfiguredChannel
    from monitor.models import Document, Feed


def register(app: typer.Typer) -> None:
    """Add these commands."""
    app.command()(init)
    app.command()(check)


def init(
    context: typer.Context,
    directory: Annotated[
        Path | None,
        typer.Argument(help="Where to write it; default: the configuration directory.", metavar="DIR"),
    ] = None,
) -> None:
    """Write a starter configuration; existing files are not overwritten.

    Example: monitor init ~/monitor
    """
    from monitor.config import write_starter

    current = session(context)
    target = directory or current.directory
    written, kept = write_starter(target)
    show(*(f"wrote {path}" for path in written), *(f"kept  {path} (it was there)" for path in kept))
    program = called(directory or current.chosen_directory)
    commands = f"`{program} check`, `{program} poll` and `{program} digest`"
    say(f"Next: look through these files, then {commands}.")


def check(
    context: typer.Context,
    online: Annotated[
        bool,
        typer.Option("--online", help="Also fetch every feed and log in to the mail server; sends nothing."),
    ] = False,
) -> None:
    """Check the configuration and report every fault at once; with --online also try feeds and mail.

    Secrets, folders and extras are looked at when the three files have no fault.

    Example: monitor check --online
    """
    current = session(context)
    config = current.config()
    config.check()
    feeds, off = len(config.feeds), sum(not feed.enabled for feed in config.feeds)
    topic = f"{counted(len(config.rules.beats), 'beat')}, {counted(len(config.rules.themes), 'theme')}"
    show(f"{current.directory}: {counted(feeds, 'feed')} ({off} switched off), {topic}: no fault found")
    say(*(f"hint: {hint}" for hint in config.hints))
    if online and not asyncio.run(check_online(current, config)):
        raise typer.Exit(1)


async def check_online(current: Session, config: Config) -> bool:
    """Ask every feed and log in to the mail server; return whether all is well."""
    feeds = [feed for feed in config.feeds if feed.enabled]
    well = not feeds or _show_faults(await _ask_feeds(current, config, feeds))
    return await _try_channels(config.channels()) and well


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """What one feed answered."""

    feed: Feed
    fault: str = ""
    unreachable: bool = False
    """No answer came, for a reason that may lie with our own network."""
    title: str = ""
    entries: int = 0
    newest: datetime | None = None
    rhythm: timedelta | None = None
    """The usual time between two entries, by their dates."""


async def _ask_feeds(current: Session, config: Config, feeds: Sequence[Feed]) -> list[Answer]:
    """Fetch and read feeds, with a line for each that answers, as it does; return all answers."""
    from monitor import fetch
    from monitor.parse.worker import Parser

    answers = []
    with progress(quiet=current.quiet) as bar:
        task = bar.add_task("feeds", total=len(feeds))
        async with fetch.Fetcher(config.fetch) as fetcher, Parser(config.parse) as parser:
            asked = [(feed, FeedState(url=feed.url)) for feed in feeds]
            async for response in fetcher.fetch_all(asked, now=current.now()):
                feed, fault = response.feed, response.error
                answer = Answer(feed=feed, fault=fault, unreachable=response.unreachable)
                if not fault:
                    try:
                        answer = _read(feed, await parser.parse(response, feed, now=current.now()))
                    except ParseError as error:
                        answer = Answer(feed=feed, fault=str(error))
                bar.advance(task)
                answers.append(answer)
                # Faults are named together at the end, where they are seen.
                if not answer.fault and not current.quiet:
                    show_wrapped(_line(answer, config.timezone), indent=4, first=Text("ok", "green"))
    return answers


def _read(feed: Feed, document: Document) -> Answer:
    dates = sorted(entry.published for entry in document.entries if entry.dated == "publisher")
    return Answer(
        feed=feed,
        title=document.title,
        entries=len(document.entries),
        newest=dates[-1] if dates else None,
        rhythm=(dates[-1] - dates[0]) / (len(dates) - 1) if len(dates) > 1 else None,
    )


def _line(answer: Answer, zone: tzinfo) -> str:
    name = answer.feed.title or answer.title or redact_url(answer.feed.url)
    parts = [name, counted(answer.entries, "entry", "entries")]
    if answer.newest:
        parts.append(f"newest {local(answer.newest, zone)}")
    if answer.rhythm:
        parts.append(f"one every {span_in_words(answer.rhythm).removeprefix('1 ')}")
    return ", ".join(parts)


def _show_faults(answers: Iterable[Answer]) -> bool:
    """Name the feeds that failed, or our network when none could be reached; return whether all is well."""
    found = list(answers)
    faulty = [answer for answer in found if answer.fault]
    # One feed alone cannot tell whose fault it is.
    if len(found) > 1 and all(answer.unreachable for answer in found):
        show(f"none of {len(found)} feeds could be reached ({found[0].fault}): is our own network down?")
        return False
    for answer in faulty:
        shown = redact_url(answer.feed.url)
        name = f"{answer.feed.title} ({shown})" if answer.feed.title else shown
        show(f"{name}: {answer.fault}")
    show(f"{len(found) - len(faulty)} of {len(found)} feeds answer with a feed")
    return not faulty


async def _try_channels(channels: Iterable[ConfiguredChannel]) -> bool:
    """Connect and log in where a channel does, send nothing; say how it went, return whether all is well."""
    well = True
    for channel in channels:
        try:
            show(f"{channel.name}: {await channel.check()}")
        except DeliveryError as error:
            show(f"{channel.name}: {error}")
            well = False
    return well


async def refusal(config: Config) -> str:
    """Return why the account is refused, else "": of all that can fail a new password mends that alone."""
    from monitor.deliver import Mail

    with suppress(ConfigError, DeliveryError):
        for channel in config.channels():
            if channel.name == Mail.name:
                try:
                    await channel.check()
                except LogInError as error:
                    return str(error)
    return ""


async def send_test(current: Session, config: Config) -> bool:
    """Send a message of one line through the configured account; return whether the server took it."""
    from monitor import languages
    from monitor.deliver import Mail
    from monitor.models import RenderedDigest

    now, words = current.now(), languages.load(config.language)
    text = words.text("test_text", time=f"{config.digest.time:%H:%M}") + "\n"
    message = RenderedDigest(
        key=f"test:{now:%Y%m%dT%H%M%S}",
        date=now.astimezone(config.timezone).date(),
        made_at=now,
        language=config.language,
        subject=words.text("test_subject", brand=words.text("brand")),
        preheader="",
        headlines=(),
        renderings={},
        mail_text=text,
        mail_html=f"<p>{text}</p>",
    )
    if Mail.name not in config.channel_settings:
        show("test mail: there is no [email] in monitor.toml")
        return False
    try:
        for channel in config.channels():
            if channel.name == Mail.name:
                for delivery in channel.prepare(message, now=now):
                    await channel.send(delivery)
                    show(f"test mail: the server accepted it for {delivery.recipient}")
    except (DeliveryError, ConfigError) as error:
        show(f"test mail: {error}")
        return False
    return True
