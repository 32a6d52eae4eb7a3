"""`digest`, `digests`: look at the digest of any day, send the one that is due, list all deliveries."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from monitor.cli.output import (
    Csv,
    Json,
    Jsonl,
    Output,
    is_file,
    latest,
    limit_option,
    local,
    results,
    say,
    say_rest,
    show,
    show_records,
    utc,
)
from monitor.cli.session import Session, UsageError, day, session
from monitor.errors import ConfigError, MonitorError
from monitor.lock import sole_sender
from monitor.models import digest_key
from monitor.text import counted

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import datetime, tzinfo

    from monitor.config import Config
    from monitor.models import Delivery, Digest
    from monitor.store import Culprit, Store


def register(app: typer.Typer) -> None:
    """Add these commands."""
    app.command()(digest)
    app.command()(digests)


def digest(
    context: typer.Context,
    date: Annotated[str, typer.Option(help="Show the digest of this day.", metavar="YYYY-MM-DD")] = "",
    since: Annotated[
        str, typer.Option(help="Show what was first seen since then, told before or not.", metavar="TIME")
    ] = "",
    until: Annotated[
        str, typer.Option(help="Show what was first seen up to then; a date counts whole.", metavar="TIME")
    ] = "",
    format_: Annotated[
        str, typer.Option("--format", help="text, md, html, json or atom.", metavar="FORMAT")
    ] = "text",
    recipient: Annotated[
        str,
        typer.Option(
            "--for",
            help="What this recipient of mail gets of it; with --resend: send it to them alone.",
            metavar="ADDRESS",
        ),
    ] = "",
    output: Output = None,
    send: Annotated[bool, typer.Option("--send", help="Deliver the digest that is due, once.")] = False,
    resend: Annotated[
        bool,
        typer.Option("--resend", help="With --send: send the last digest again, also to new recipients."),
    ] = False,
) -> None:
    """Print a digest and change nothing; with --send, deliver the one that is due.

    Example: monitor digest --since yesterday --format md -o yesterday.md
    """
    current = session(context)
    if resend and not send:
        raise UsageError("--resend goes with --send")
    if send and (date or since or until or output):
        raise UsageError(
            "--send delivers the digest that is due, or with --resend the last one; it takes no date or file"
        )
    if send and recipient and not resend:
        raise UsageError("--send delivers the digest to all; --for goes with --send --resend")
    if send and format_ != "text":
        raise UsageError("--send delivers in the formats of monitor.toml; it takes no --format")
    if date and (since or until):
        raise UsageError("--date and --since/--until exclude each other")
    if send:
        _send(current, resend=resend, recipient=recipient)
        return
    from monitor import digest as package
    from monitor import languages, values

    if format_ not in package.FORMATS:
        raise UsageError(f"no such format: {format_!r}{values.likely(format_, package.FORMATS)}")
    with current.reading() as (config, store):
        whose = _recipient(config, recipient) if recipient else ""

        def rendered(faults: Sequence[Culprit]) -> str:
            made = _made(current, config, store, faults, date=date, since=since, until=until, whose=whose)
            return package.render(made, languages.load(made.language, made.title), format_)

        text = store.without_culprits(rendered)
    with results(output) as file:
        file.write(text)
    if is_file(output):
        say(f"wrote {output}")


def _recipient(config: Config, written: str) -> str:
    """Return a recipient's address as [email] has it."""
    from monitor import values
    from monitor.deliver import address_spec

    if not config.recipients:
        raise UsageError(f"{written!r} gets no mail: monitor.toml has no [email] that is switched on")
    asked = address_spec(written).casefold()
    found = {address.casefold(): address for address in sorted(config.recipients)}
    if asked not in found:
        raise UsageError(f"{written!r} gets no mail{values.likely(asked, found)}")
    return found[asked]


def _made(
    current: Session,
    config: Config,
    store: Store,
    faults: Sequence[Culprit],
    *,
    date: str,
    since: str,
    until: str,
    whose: str,
) -> Digest:
    from monitor import digest_input

    now = current.now()
    if since or until:
        window = current.window(since, until, config.timezone, usual=timedelta(days=1))
        span = {"start": window.start, "end": window.end}
        made = digest_input.review(config, store, **span, now=now, faults=faults)
    elif date:
        found = digest_input.of_day(config, store, day(date), now=now, faults=faults)
        if found is None:
            raise UsageError(f"{day(date)} is still to come")
        made = found
    else:
        return digest_input.preview(config, store, now=now, recipient=whose, faults=faults)
    return digest_input.part_of(config, made, whose) if whose in config.selections else made


def _send(current: Session, *, resend: bool, recipient: str) -> None:
    from monitor import digest_input, outbox, pipeline, resending
    from monitor.deliver import Archive

    config = current.config()
    # Files need no password: those of a day on which it cannot be read are written, and its mails wait.
    channels, faults = config.channels_or_locked()
    whose = _recipient(config, recipient) if recipient else ""
    # Before the database is opened: two senders must not even plan.
    with sole_sender(config.data_dir), current.writing() as (_, store):
        now, before = current.now(), store.digests.last_made()
        troubles: Sequence[str] = ()
        # Deliveries of a channel that is switched off are not counted: nothing can be done about them now.
        on = {Archive.name, *(channel.name for channel in channels)}
        warn_of_leap(store, now)
        outbox.recover(store, now=now)
        if before is not None:
            resending.make_up(config, store, channels, before, now=now)
        if resend:
            if before is None:
                raise MonitorError("no digest has been made yet, so there is nothing to send again")
            left_out, troubles = resending.resend(config, store, channels, before, recipient=whose, now=now)
            say(*(f"digest of {before.date}: {line}" for line in (*left_out, *troubles)))
        done = asyncio.run(pipeline.publish(config, store, channels, now=now, blocked=True))
        made = store.digests.last_made()
        known = {delivery.id for delivery in done}
        waiting = [one for one in store.deliveries.waiting() if one.id not in known and one.channel in on]
        coming = digest_input.next_due(config, store, now=now)
    if made and made != before and not done:
        show(f"made the digest of {made.date}; there is no channel to send it through")
    elif not done:
        show("no digest is due; nothing was sent")
        if not current.quiet:
            say(f"the next is due {local(coming, config.timezone)}")
    show(*delivery_lines(done, config.timezone))
    if waiting:
        show("still waiting:", *delivery_lines(waiting, config.timezone))
    if faults:
        raise ConfigError(faults)
    # cron mails what a command prints when it fails: a mail that did not go out is such a failure.
    unsent = any(delivery.state != "sent" for delivery in done)
    if unsent or troubles or any(one.last_error for one in waiting):
        raise typer.Exit(1)


def warn_of_leap(store: Store, now: datetime) -> None:
    """Say so when the clock has jumped."""
    if leap := store.clock.observe(now):
        say(f"monitor: {leap}: if the clock is right now, there is nothing to do")


def delivery_lines(deliveries: Iterable[Delivery], zone: tzinfo) -> Iterator[str]:
    """Describe deliveries, one line for all with the same state."""
    from monitor import health

    return (health.delivery_line(those, zone) for those in health.alike(deliveries))


def digests(
    context: typer.Context,
    limit: Annotated[int | None, limit_option("as JSON or CSV")] = None,
    jsonl: Jsonl = False,
    csv: Csv = False,
    json: Json = False,
) -> None:
    """List the digests made so far and the state of each delivery, latest first.

    Example: monitor digests --json
    """
    with session(context).reading() as (config, store):
        made = store.digests.listing(latest(limit, json, jsonl, csv))
        total = store.digests.count()
        of = {one.date: store.deliveries.listing(edition=digest_key(one.date)) for one in made}
    records = (
        {
            "date": stored.date.isoformat(),
            "window": {"from": utc(stored.window.start), "to": utc(stored.window.end)},
            "made_at": utc(stored.made_at),
            "stories": len(stored.summary.stories),
            "deliveries": [delivery_json(delivery) for delivery in of[stored.date]],
        }
        for stored in made
    )
    if show_records(records, json=json, jsonl=jsonl, csv=csv):
        return
    if not made:
        show("no digest has been made yet")
    for stored in made:
        show(
            f"{stored.date}  {counted(len(stored.summary.stories), 'story', 'stories')}, "
            f"made {local(stored.made_at, config.timezone)}"
        )
        show(*(f"    {line.partition(': ')[2]}" for line in delivery_lines(of[stored.date], config.timezone)))
    say_rest(len(made), total, "digest", "digests")


def delivery_json(delivery: Delivery) -> dict[str, object]:
    """Write a delivery as JSON, without what it carries."""
    return {
        "id": delivery.id,
        "edition": delivery.edition,
        "channel": delivery.channel,
        "recipient": delivery.recipient,
        "state": delivery.state,
        "attempts": delivery.attempts,
        "next_attempt_at": utc(delivery.next_attempt_at),
        "last_error": delivery.last_error,
        "sent_at": utc(delivery.sent_at),
    }
