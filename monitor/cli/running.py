"""`poll`, `run`, `demo`, `replay`: the monitor at work, once or as a service, with real or recorded feeds."""

from __future__ import annotations

import asyncio
import logging
import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from monitor.cli.digests import delivery_lines, warn_of_leap
from monitor.cli.output import local, poll_json, progress, say, show, show_json, stderr
from monitor.cli.session import UsageError, feed_named, session
from monitor.errors import BusyError, raise_unexpected
from monitor.lock import sole_sender
from monitor.text import counted
from monitor.url import redact_url

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime, tzinfo

    from monitor.config import Config
    from monitor.models import Delivery, Feed, FeedPoll, Poll
    from monitor.store import Store


class LogFormat(StrEnum):
    """How the service writes its log."""

    AUTO = "auto"
    TEXT = "text"
    JSON = "json"


def register(app: typer.Typer) -> None:
    """Add these commands."""
    app.command()(poll)
    app.command()(run)
    app.command()(demo)
    app.command()(replay)


def poll(
    context: typer.Context,
    every: Annotated[bool, typer.Option("--all", help="Poll every feed now, due or not.")] = False,
    feed: Annotated[
        list[str] | None,
        typer.Option(help="Poll this feed now, by its address or title; can be repeated.", metavar="FEED"),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print the summary as JSON.")] = False,
) -> None:
    """Poll the feeds that are due, and say what they brought.

    Example: monitor poll --feed https://outlet.example/feed
    """
    from monitor import followed, pipeline

    current = session(context)
    done: list[FeedPoll] = []
    only = feed or []
    with current.writing() as (config, store):
        feeds = followed.named(config, store).values() if only else config.feeds
        enabled = [one for one in feeds if one.enabled]
        addresses = {name: feed_named(name, enabled) for name in only}
        if strange := [redact_url(name) for name, url in addresses.items() if not url]:
            raise UsageError(f"not in feeds.toml, or switched off: {', '.join(strange)}")
        only = list(addresses.values())
        now = current.now()
        warn_of_leap(store, now)
        with progress(quiet=current.quiet) as bar:
            task = bar.add_task("polling", total=None)

            def on_feed_done(one: FeedPoll) -> None:
                done.append(one)
                bar.advance(task)

            polling = pipeline.poll(
                config,
                store,
                now=now,
                only=only,
                every=every,
                on_due=lambda number: bar.update(task, total=number),
                on_feed_done=on_feed_done,
            )
            try:
                summary = asyncio.run(polling)
            except ExceptionGroup:
                asyncio.run(_deliver(config, store, now))  # a bug in one feed must not delay any mail
                raise
            delivered = asyncio.run(_deliver(config, store, now))
        idle = _idle(enabled, store, config.timezone)
    if json:
        show_json(_polled_json(summary, done))
    else:
        if not current.quiet:
            say(*(f"{redact_url(one.feed)}: {one.error}" for one in done if one.error))
        if current.verbose:
            read = (one for one in done if not one.error)
            say(*(f"{redact_url(one.feed)}: {one.new} new, {one.changed} changed" for one in read))
        show(_sentence(summary) if summary.feeds else idle)
    if not current.quiet:
        say(*delivery_lines(delivered, config.timezone))
    if _reached_nothing(summary, done, enabled=len(enabled)):
        raise typer.Exit(1)


async def _deliver(config: Config, store: Store, now: datetime) -> list[Delivery]:
    """Make alerts and send what is due, unless the service is running, which does it.

    What needs a secret that cannot be read waits for it.
    """
    from monitor import outbox, pipeline

    # With nothing to send, secrets are not even read.
    if config.alert is None and not store.deliveries.waiting():
        return []
    channels, faults = config.channels_or_locked()
    if faults:
        say("monitor: what needs a secret was not sent:", *map(str, faults))
    try:
        with sole_sender(config.data_dir):
            outbox.recover(store, now=now)
            done = await pipeline.deliver(config, store, channels, now=now, blocked=True)
    except BusyError:
        return []  # the service is running, and sends what waits by itself
    raise_unexpected("making alerts", done.bugs)
    return done.tried


def _reached_nothing(summary: Poll, done: list[FeedPoll], *, enabled: int) -> bool:
    """Say whether no feed at all could be reached, when more than a few chosen feeds were asked."""
    unreached = done and all(one.error and one.status is None for one in done)
    return summary.outage or bool(unreached and len(done) == enabled)


def _idle(enabled: Sequence[Feed], store: Store, zone: tzinfo) -> str:
    """Say why no feed was asked, and when the next will be."""
    if not enabled:
        return "no feed is followed: `monitor feeds add ADDRESS` adds one"
    coming = (state.next_poll_at for state in store.feeds.states(enabled).values())
    return f"no feed is due before {local(min(filter(None, coming), default=None), zone)}"


def _sentence(summary: Poll) -> str:
    if summary.outage:
        return (
            f"none of {counted(summary.feeds, 'feed')} could be reached: our network is down, "
            "which is no feed's fault"
        )
    return (
        f"{counted(summary.feeds, 'feed')} polled: {summary.ok} ok ({summary.not_modified} not modified), "
        f"{summary.failed} failing; {counted(summary.new, 'new entry', 'new entries')}, "
        f"{summary.changed} changed"
    )


def _polled_json(summary: Poll, feeds: list[FeedPoll]) -> dict[str, object]:
    """Write a poll as JSON, with what came of each feed."""
    polled = [
        {
            "url": redact_url(one.feed),
            "status": one.status,
            "error": one.error,
            "new": one.new,
            "changed": one.changed,
            "gap": one.gap,
        }
        for one in feeds
    ]
    return {**poll_json(summary), "polled": polled}


def run(
    context: typer.Context,
    log_format: Annotated[
        LogFormat, typer.Option("--log", help="Lines for people, or JSON; auto: JSON unless on a terminal.")
    ] = LogFormat.AUTO,
) -> None:
    """Poll and send digests on schedule, in the foreground, until SIGTERM or SIGINT.

    Example: monitor --config ~/monitor run
    """
    from monitor import service
    from monitor.service import log

    current = session(context)
    level = logging.DEBUG if current.verbose else logging.WARNING if current.quiet else logging.INFO
    for_people = log_format is LogFormat.TEXT or (log_format is LogFormat.AUTO and sys.stderr.isatty())
    log.set_up(
        sys.stderr,
        level=level,
        for_people=for_people,
        colour=stderr().color_system is not None,
        timezone=current.config().timezone,
    )
    service.main(current.config, clock=current.now)


def demo(
    context: typer.Context,
    directory: Annotated[
        Path | None, typer.Argument(help="The folder to use; default: monitor-demo.", metavar="DIR")
    ] = None,
) -> None:
    """Show the whole pipeline with invented outlets, on this machine alone: several days in a few seconds.

    Example: monitor demo monitor-demo
    """
    from monitor import digest, languages
    from monitor.demo import play

    current = session(context)
    target = directory or Path("monitor-demo")
    result = asyncio.run(play(target, say=lambda line: None if current.quiet else say(line)))
    last = result.digests[-1]
    show(digest.render(last, languages.load(last.language, last.title), "text"))
    days = [path for path in result.files if path.stem[0].isdigit()]
    first = f"  {target / 'digests' / 'index.html'}"
    show("The archive, in a browser:", first, "The digests:", *(f"  {path}" for path in days))
    show(f"Database:\n  {result.config.database}")
    say(f"Look around: `monitor --config {target} serve --open`, stories, entries, search, why.")
    say(f"Nothing else uses the folder {target}: delete it when you have seen enough.")


def replay(
    context: typer.Context,
    folder: Annotated[
        Path,
        typer.Argument(
            help="Recorded documents: FEED/2024-12-09T1039.xml",
            metavar="FOLDER",
            exists=True,
            file_okay=False,
        ),
    ],
    output: Annotated[
        Path, typer.Option("--output", "-o", help="The folder for the result.", metavar="DIR")
    ] = Path("monitor-replay"),
    json: Annotated[bool, typer.Option("--json", help="Print the figures as JSON.")] = False,
) -> None:
    """Play recorded feed documents through the pipeline, day by day, into a database of their own.

    Language, time zone and themes are those of your configuration. Afterwards, every command works on the
    result with `--config DIR`.

    Example: monitor replay recordings -o monitor-replay
    """
    from monitor import config
    from monitor.demo import recorded

    current = session(context)
    here = current.directory
    settings, themes = config.General(), ""
    if any((here / name).is_file() for name in config.FILES):
        settings = current.config().general
        own = here / config.FILES[-1]
        themes = own.read_text(encoding="utf-8") if own.is_file() else ""
    with progress(quiet=current.quiet) as bar:
        task = bar.add_task("replaying", total=None)
        done = asyncio.run(
            recorded.replay(
                folder,
                output,
                settings,
                themes,
                say=say if current.verbose else lambda _: None,
                step=lambda now, all_: bar.update(task, completed=now, total=all_),
            )
        )
    receipts = [made.receipt for made in done.digests]
    figures = {
        "directory": str(output),
        "polls": done.polls,
        "digests": len(receipts),
        "entries": sum(receipt.entries for receipt in receipts),
        "stories": sum(receipt.stories for receipt in receipts),
        "reports": sum(receipt.reports for receipt in receipts),
    }
    if json:
        show_json(figures)
        return
    for made in done.digests:
        stories = counted(made.receipt.stories, "story", "stories")
        reports = counted(made.receipt.reports, "new report")
        chosen = counted(made.receipt.entries, "entry", "entries")
        show(f"{made.date}  {stories}, {reports} of {chosen}")
    show(f"{counted(done.polls, 'poll')}, {counted(len(receipts), 'digest')}")
    say(f"Look at the result with `monitor --config {output} stories` and other commands.")
