"""`status`: how every feed, the last poll, digest and delivery fare; exit 1 when something needs a human."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer

from monitor.cli.digests import delivery_json
from monitor.cli.output import local, show, show_json, utc
from monitor.cli.session import session
from monitor.models import digest_key

if TYPE_CHECKING:
    from datetime import datetime, tzinfo

    from monitor.config import Config
    from monitor.models import Delivery, FeedHealth
    from monitor.store import Poll, Store, StoredDigest

PATIENCE = timedelta(days=1)
"""A feed may fail for this long before a human should look."""
UNDELIVERED = timedelta(hours=1)
"""A delivery that still waits after this long should be looked at."""
RECENT = timedelta(days=7)


def register(app: typer.Typer) -> None:
    """Add this command."""
    app.command()(status)


def status(
    context: typer.Context, json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False
) -> None:
    """Show the health of every feed, of the last poll, digest and delivery."""
    from monitor import digest_input, service

    current = session(context)
    now = current.now()
    with current.reading() as (config, store):
        feeds = digest_input.healths(config, store, now=now)
        last_poll, last_digest = store.feeds.last_poll(), store.digests.last(now)
        deliveries = _deliveries(store, last_digest, now)
        troubles = [f"{name}: {trouble}" for name, trouble in service.troubles(store).items()]
    problems = [*troubles, *_problems(feeds, deliveries, last_poll, now)]
    if json:
        show_json(_status_json(feeds, last_poll, last_digest, deliveries, problems, _stories_by(config)))
    else:
        _show(config, feeds, last_poll, last_digest, deliveries, problems)
    if problems:
        raise typer.Exit(1)


def _deliveries(store: Store, last: StoredDigest | None, now: datetime) -> list[Delivery]:
    """Return the last digest's deliveries, and others that wait or failed of late."""
    own = digest_key(last.date) if last else ""
    waiting = [
        d
        for d in store.deliveries.listing(limit=200)
        if d.edition == own or d.state in {"pending", "sending"}
    ]
    known = {delivery.id for delivery in waiting}
    return waiting + [d for d in store.deliveries.failed_since(now - RECENT) if d.id not in known]


def _problems(
    feeds: list[FeedHealth], deliveries: list[Delivery], last_poll: Poll | None, now: datetime
) -> list[str]:
    """Name, one line each, what needs a human."""
    found = [
        f"{feed.title or feed.url}: {feed.note or feed.last_error}"
        for feed in feeds
        if _needs_help(feed, now)
    ]
    found += [
        f"{delivery.edition} to {delivery.recipient} failed for good: {delivery.last_error}"
        for delivery in deliveries
        if delivery.state == "failed"
    ]
    found += [
        f"{delivery.edition} to {delivery.recipient} is not delivered yet: {delivery.last_error}"
        for delivery in deliveries
        if delivery.state == "pending" and delivery.last_error and now - delivery.created_at > UNDELIVERED
    ]
    if last_poll is not None and last_poll.outage:
        found.append("no feed could be reached at the last poll: our network is down")
    return found


def _needs_help(feed: FeedHealth, now: datetime) -> bool:
    if feed.state in {"gone", "silent"}:
        return True
    if feed.state != "failing":
        return False
    return feed.last_success_at is None or now - feed.last_success_at > PATIENCE


def _stories_by(config: Config) -> str:
    from monitor import cluster

    return "semantic" if config.cluster.semantic and cluster.Encoder.available() else "lexical"


def _status_json(
    feeds: list[FeedHealth],
    last_poll: Poll | None,
    last_digest: StoredDigest | None,
    deliveries: list[Delivery],
    problems: list[str],
    stories_by: str,
) -> dict[str, Any]:
    return {
        "feeds": [_feed_json(feed) for feed in feeds],
        "last_poll": _poll_json(last_poll),
        "last_digest": None
        if last_digest is None
        else {
            "date": last_digest.date.isoformat(),
            "window": {"from": utc(last_digest.window.start), "to": utc(last_digest.window.end)},
            "made_at": utc(last_digest.made_at),
        },
        "deliveries": [delivery_json(delivery) for delivery in deliveries],
        "stories_by": stories_by,
        "problems": problems,
        "healthy": not problems,
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


def _poll_json(poll: Poll | None) -> dict[str, Any] | None:
    if poll is None:
        return None
    return {
        "started_at": utc(poll.started_at),
        "finished_at": utc(poll.finished_at),
        "feeds": poll.feeds,
        "ok": poll.ok,
        "failed": poll.failed,
        "new": poll.new,
        "changed": poll.changed,
        "outage": poll.outage,
    }


def _show(
    config: Config,
    feeds: list[FeedHealth],
    last_poll: Poll | None,
    last_digest: StoredDigest | None,
    deliveries: list[Delivery],
    problems: list[str],
) -> None:
    zone = config.timezone
    show(*(_feed_line(feed, zone) for feed in feeds), "")
    if last_poll is None:
        show("last poll: never")
    else:
        figures = f"{last_poll.feeds} feeds, {last_poll.failed} failing, {last_poll.new} new entries"
        show(f"last poll: {local(last_poll.finished_at, zone)}, {figures}")
    show(f"last digest: {last_digest.date if last_digest else 'none yet'}")
    for delivery in deliveries:
        note = f" ({delivery.last_error})" if delivery.last_error else ""
        show(f"    {delivery.edition}  {delivery.channel} to {delivery.recipient}: {delivery.state}{note}")
    show(f"stories: {_stories_by(config)}")
    show("", *(f"needs a human: {problem}" for problem in problems)) if problems else show("", "all is well")


def _feed_line(feed: FeedHealth, zone: tzinfo) -> str:
    rhythm = f", one in {_span(feed.rhythm)}" if feed.rhythm else ""
    line = f"{feed.state:8}  {feed.title or feed.url}  {feed.entries} entries{rhythm}"
    times = f"polled {local(feed.last_poll_at, zone)}, next {local(feed.next_poll_at, zone)}"
    detail = feed.note or feed.last_error
    return f"{line}; {times}" + (f"\n          {detail}" if detail else "")


def _span(length: timedelta) -> str:
    hours = length.total_seconds() / 3600
    if hours >= 48:  # noqa: PLR2004 - two days
        return f"{hours / 24:.0f} days"
    return f"{hours:.0f} h" if hours >= 1 else f"{hours * 60:.0f} min"
