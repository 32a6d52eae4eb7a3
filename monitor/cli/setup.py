"""`init`, `check`: getting ready."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from monitor.cli.online import ask_feeds, show_faults, try_channels
from monitor.cli.output import say, show
from monitor.cli.session import Session, session

if TYPE_CHECKING:
    from monitor.config import Config


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
    """Write a starter configuration; nothing that is there is overwritten.

    Example: monitor init ~/monitor
    """
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
    """Check the configuration and tell every fault at once; online also feeds and mail.

    Example: monitor check --online
    """
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
    """Ask every feed and log in to the mail server; return whether all is well."""
    feeds = [feed for feed in config.feeds if feed.enabled]
    answers = await ask_feeds(
        feeds, config.fetch, config.parse, now=current.now(), zone=config.timezone, quiet=current.quiet
    )
    well = show_faults(answers)
    return await try_channels(config.channels()) and well
