"""`init`, `check`: getting ready."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from monitor.cli.output import progress, say, show
from monitor.cli.session import Session, session
from monitor.errors import DeliveryError
from monitor.url import redact_url

if TYPE_CHECKING:
    from monitor.config import Config
    from monitor.models import Feed, Response
    from monitor.parse import Parser


def register(app: typer.Typer) -> None:
    """Add these commands."""
    app.command()(init)
    app.command()(check)


def init(
    context: typer.Context,
    directory: Annotated[
        Path | None, typer.Argument(help="Where to; default: the configuration directory.")
    ] = None,
) -> None:
    """Write a starter configuration; nothing that is there is overwritten."""
    from monitor.config import write_starter

    target = directory or session(context).directory
    written, kept = write_starter(target)
    show(*(f"wrote {path}" for path in written), *(f"kept  {path} (it was there)" for path in kept))
    say("Next: look through these files, then `monitor check`, `monitor poll` and `monitor digest`.")


def check(
    context: typer.Context,
    online: Annotated[
        bool, typer.Option("--online", help="Also fetch each feed, and log in to SMTP; sends nothing.")
    ] = False,
) -> None:
    """Check the configuration and tell every fault at once."""
    current = session(context)
    config = current.config()
    config.check()
    show(
        f"{current.directory}: {len(config.feeds)} feeds "
        f"({sum(not feed.enabled for feed in config.feeds)} switched off), "
        f"{len(config.rules.beats)} beats, {len(config.rules.themes)} themes: no fault found"
    )
    say(*(f"hint: {hint}" for hint in config.hints))
    if online and not asyncio.run(_check_online(current, config)):
        raise typer.Exit(1)


async def _check_online(current: Session, config: Config) -> bool:
    """Fetch every feed and log in to the mail server; tell what is wrong, and return whether all is well."""
    from monitor import fetch, parse
    from monitor.models import FeedState

    faults: dict[str, str] = {}
    feeds = [feed for feed in config.feeds if feed.enabled]
    pairs = [(feed, FeedState(url=feed.url)) for feed in feeds]
    with progress(quiet=current.quiet) as bar:
        task = bar.add_task("feeds", total=len(feeds))
        async with fetch.Fetcher(config.fetch) as fetcher, parse.Parser(config.parse) as parser:
            async for response in fetcher.fetch_all(pairs, now=current.now()):
                fault = response.error or await _fault_of(parser, response, current)
                bar.advance(task)
                if fault:
                    faults[response.feed.url] = fault
    show(*(f"{_name(feed)}: {faults[feed.url]}" for feed in feeds if feed.url in faults))
    show(f"{len(feeds) - len(faults)} of {len(feeds)} feeds answer with a feed")
    well = not faults
    for channel in config.channels():
        try:
            show(f"{channel.name}: {await channel.check()}")
        except DeliveryError as error:
            show(f"{channel.name}: {error}")
            well = False
    return well


async def _fault_of(parser: Parser, response: Response, current: Session) -> str:
    from monitor.errors import ParseError

    try:
        await parser.parse(response, response.feed, now=current.now())
    except ParseError as error:
        return str(error)
    return ""


def _name(feed: Feed) -> str:
    return f"{feed.title} ({redact_url(feed.url)})" if feed.title else redact_url(feed.url)
