"""`status`: what needs attention, problems first, each with what to do; exit 1 when there is one."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Annotated, Any

import typer

from monitor.cli.digests import delivery_json, delivery_lines
from monitor.cli.output import Json, local, poll_json, show_json, show_prose, utc
from monitor.cli.session import session
from monitor.errors import StoreError
from monitor.text import counted, span_in_words

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime, tzinfo

    from monitor.config import Config
    from monitor.health import Status
    from monitor.models import FeedHealth


def register(app: typer.Typer) -> None:
    """Add this command."""
    app.command()(status)


def status(
    context: typer.Context,
    json: Json = False,
    every: Annotated[bool, typer.Option("--all", help="Also list the feeds without problems.")] = False,
    service: Annotated[
        bool,
        typer.Option("--service", help="For watchers: exit 1 only when polls or digests fail."),
    ] = False,
) -> None:
    """Show what needs your attention, and what to do; then how polls, digests, mail and feeds are doing.

    Example: monitor status --json
    """
    from monitor import health

    current = session(context)
    try:
        with current.reading() as (config, store):
            found = health.status(config, store, now=current.now())
    except StoreError as error:
        if json:
            # A watcher that reads JSON learns of a broken database as of every other problem.
            show_json(_unread_json(current.config(), error))
        raise
    if json:
        show_json(_status_json(config, found))
    elif not current.quiet:
        show_prose(*_problem_lines(found, config.timezone), "")
        show_prose(*_state_lines(config, found, current.now()), "")
        show_prose(*_feed_lines(found, config.timezone, every=every))
    if (not found.delivers) if service else found.problems:
        raise typer.Exit(1)


def _stories_by(config: Config) -> str:
    from monitor import cluster

    return "semantic" if config.cluster.semantic and cluster.Encoder.available() else "lexical"


def _problem_lines(found: Status, zone: tzinfo) -> Iterator[str]:
    if not found.problems:
        yield "all is well"
        return
    verb = "needs" if len(found.problems) == 1 else "need"
    yield f"{counted(len(found.problems), 'problem')} {verb} your attention:"
    for problem in found.problems:
        since = f" (since {local(problem.since, zone)})" if problem.since else ""
        yield f"  {problem.what}{since}"
        yield f"      {problem.do}"


def _state_lines(config: Config, found: Status, now: datetime) -> Iterator[str]:
    zone = config.timezone
    if found.last_poll is None:
        yield "last poll    never"
    else:
        failing = f", {found.last_poll.failed} failing" if found.last_poll.failed else ""
        figures = f"{counted(found.last_poll.feeds, 'feed')}{failing}, {found.last_poll.new} new"
        looked = found.last_look_at
        idle = f"; nothing was due at {local(looked, zone)}" if looked != found.last_poll.finished_at else ""
        yield f"last poll    {local(found.last_poll.finished_at, zone)}: {figures}{idle}"
    coming = found.next_poll_at
    yield f"next poll    {local(coming, zone) if coming and coming > now else 'due now'}"
    yield f"last digest  {found.last_digest.date if found.last_digest else 'none yet'}"
    yield from (f"    {line}" for line in delivery_lines(found.deliveries, zone))
    yield f"next digest  {local(found.next_digest_at, zone) if found.next_digest_at > now else 'due now'}"
    with_encoder = _stories_by(config) == "semantic"
    yield f"stories      joined {'with' if with_encoder else 'without'} the multilingual encoder"


def _feed_lines(found: Status, zone: tzinfo, *, every: bool) -> Iterator[str]:
    counts = Counter(feed.state for feed in found.feeds)
    yield "feeds        " + (", ".join(f"{number} {state}" for state, number in counts.items()) or "none")
    # Two feeds of one outlet often have one title: then the address tells them apart.
    titles = Counter(feed.title for feed in found.feeds)
    for feed in sorted(found.feeds, key=lambda feed: feed.state in {"ok", "new", "disabled"}):
        if not every and feed.state in {"ok", "new", "disabled"} and not feed.note:
            continue
        named = feed.title if feed.title and titles[feed.title] == 1 else f"{feed.title} {feed.url}".strip()
        rhythm = f", one every {span_in_words(feed.rhythm).removeprefix('1 ')}" if feed.rhythm else ""
        yield f"  {feed.state:8}  {named}: {counted(feed.entries, 'entry', 'entries')}{rhythm}"
        yield f"            polled {local(feed.last_poll_at, zone)}, next {local(feed.next_poll_at, zone)}"
        # That it is gone for good is what its last answer said.
        error = "" if feed.state == "gone" else feed.last_error
        yield from (f"            {reason}" for reason in (feed.note, error) if reason)
    if not every and counts["ok"]:
        yield "  (--all lists those that fare well)"


def _status_json(config: Config, found: Status) -> dict[str, Any]:
    last = found.last_digest
    return {
        "problems": [
            {"what": one.what, "since": utc(one.since), "do": one.do, "ours": one.ours}
            for one in found.problems
        ],
        "feeds": [_feed_json(feed) for feed in found.feeds],
        "last_poll": poll_json(found.last_poll) if found.last_poll else None,
        "next_poll_at": utc(found.next_poll_at),
        "last_digest": None
        if last is None
        else {
            "date": last.date.isoformat(),
            "window": {"from": utc(last.window.start), "to": utc(last.window.end)},
            "made_at": utc(last.made_at),
        },
        "next_digest_at": utc(found.next_digest_at),
        "deliveries": [delivery_json(delivery) for delivery in found.deliveries],
        "stories_by": _stories_by(config),
        "healthy": not found.problems,
        "delivers": found.delivers,
    }


def _unread_json(config: Config, error: StoreError) -> dict[str, Any]:
    """Return what `status --json` says where the database cannot be read."""
    return {
        "problems": [
            {"what": str(error), "since": None, "do": "do what this says, then look again", "ours": True}
        ],
        "feeds": [],
        "last_poll": None,
        "next_poll_at": None,
        "last_digest": None,
        "next_digest_at": None,
        "deliveries": [],
        "stories_by": _stories_by(config),
        "healthy": False,
        "delivers": False,
    }


def _feed_json(feed: FeedHealth) -> dict[str, Any]:
    return {
        "url": feed.url,
        "title": feed.title,
        "state": feed.state,
        "last_status": feed.last_status,
        "last_error": feed.last_error,
        "consecutive_failures": feed.consecutive_failures,
        "last_poll_at": utc(feed.last_poll_at),
        "last_success_at": utc(feed.last_success_at),
        "next_poll_at": utc(feed.next_poll_at),
        "newest_entry_at": utc(feed.newest_entry_at),
        "rhythm_seconds": round(feed.rhythm.total_seconds()) if feed.rhythm else None,
        "entries": feed.entries,
        "note": feed.note,
    }
