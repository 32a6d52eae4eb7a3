"""`feeds`: the subscription list. Each command checks everything before it writes anything."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from monitor import values
from monitor.cli.feedlines import feed_json, healths_of, show_feeds
from monitor.cli.helping import Whole
from monitor.cli.look import address_of, look, named_at
from monitor.cli.output import (
    Csv,
    Json,
    Jsonl,
    is_file,
    results,
    say,
    show,
    show_records,
)
from monitor.cli.session import Session, UsageError, read_bytes, session
from monitor.errors import MonitorError
from monitor.lock import is_at_work, sole_editor
from monitor.models import FEED_KINDS, Feed
from monitor.text import counted
from monitor.url import holds_secret, redact_url, with_user_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from monitor.config import Config
    from monitor.config.subscriptions import Subscriptions

feeds_app = typer.Typer(
    help="List, find, add, change and remove feeds (feeds.toml).", no_args_is_help=True, rich_markup_mode=None
)


def register(app: typer.Typer) -> None:
    """Add these commands."""
    app.add_typer(feeds_app, name="feeds", cls=Whole)


FeedName = Annotated[str, typer.Argument(help="The feed's address, or its title.", metavar="FEED")]
NoCheck = Annotated[bool, typer.Option("--no-check", help="Do not try the address first.")]


@feeds_app.command("list")
def list_feeds(
    context: typer.Context,
    curated: Annotated[
        bool, typer.Option("--curated", help="Show the list that comes with monitor, by group.")
    ] = False,
    jsonl: Jsonl = False,
    csv: Csv = False,
    json: Json = False,
) -> None:
    """List the feeds and how well they work.

    Example: monitor feeds list --curated
    """
    from monitor.config import feedlist

    config = session(context).config()
    followed = {feedlist.same_address(feed.url) for feed in config.feeds if feed.enabled}
    feeds = tuple(feedlist.curated().values()) if curated else config.feeds
    on = {feed.url for feed in feeds if feedlist.same_address(feed.url) in followed}
    records = (feed_json(feed, on=feed.url in on) for feed in feeds)
    if show_records(records, json=json, jsonl=jsonl, csv=csv):
        return
    if not feeds:
        say("no feed is followed yet: `monitor feeds add ADDRESS`, or `follow = [...]` in feeds.toml")
    healths = {} if curated else healths_of(session(context), config)
    show_feeds(feeds, healths, config.timezone, on)


@feeds_app.command()
def add(
    context: typer.Context,
    addresses: Annotated[
        list[str],
        typer.Argument(
            help="A feed, a site, a channel of YouTube, or @name@server of Mastodon; or several.",
            metavar="ADDRESS...",
        ),
    ],
    title: Annotated[
        str, typer.Option(help="What the digest calls it; default: its own title.", metavar="TITLE")
    ] = "",
    language: Annotated[str, typer.Option(help='"en", "de", …', metavar="CODE")] = "",
    family: Annotated[str, typer.Option(help="The publisher.", metavar="NAME")] = "",
    group: Annotated[str, typer.Option(help="The group it belongs to in the list.", metavar="GROUP")] = "",
    kind: Annotated[
        str, typer.Option(help=f"What it writes about: {', '.join(FEED_KINDS)}.", metavar="KIND")
    ] = "",
    no_check: NoCheck = False,
) -> None:
    """Look at an address, find its feed, and add it to feeds.toml.

    Example: monitor feeds add https://outlet.example
    """
    if title and len(addresses) > 1:
        raise UsageError("--title names one feed: add it by itself")
    given = {"title": title, "language": language, "family": family, "group": group, "kind": kind}
    faults: list[MonitorError] = []
    for address in addresses:
        try:
            _add(context, address, given, no_check=no_check)
        except MonitorError as error:  # the others are added all the same
            faults.append(error)
    if faults:
        raise ExceptionGroup("not added", faults)


def _add(context: typer.Context, address: str, given: Mapping[str, str], *, no_check: bool) -> None:
    from monitor.config import feedlist, subscriptions

    current = session(context)
    try:
        feed = subscriptions.feed_of(address_of(address), given)
    except ValueError as error:
        raise UsageError(str(error)) from None
    if not no_check:
        with _editing(context):  # that the list can be edited at all
            pass
        seen = look(current, feed, bare="://" not in address)
        # One of the curated list has its name there.
        its_own = "" if feedlist.same_address(seen.url) in feedlist.curated() else seen.title
        feed = replace(feed, url=seen.url, title=feed.title or its_own)
        say(*seen.lines(current.config()))
    with _editing(context) as listed:
        if not listed.add([feed]):
            off = "" if listed.find(feed.url).enabled else ", switched off: `monitor feeds enable` puts it on"
            show(f"{redact_url(feed.url)} is in the list already{off}")
            return
        _save(context, listed)
    show(f"added {redact_url(feed.url)}" + (f": {feed.title}" if feed.title else ""))


@contextlib.contextmanager
def _editing(context: typer.Context) -> Iterator[Subscriptions]:
    """Yield the list, which no other command edits meanwhile. Not to be held while a server is asked."""
    from monitor.config import subscriptions

    directory = session(context).directory
    with sole_editor(directory):
        yield subscriptions.Subscriptions(directory)


def _save(context: typer.Context, listed: Subscriptions) -> None:
    """Write the list; if a service is running, say that it still uses the old one."""
    listed.save()
    with contextlib.suppress(MonitorError):
        if is_at_work(session(context).config().data_dir):
            say("the running service uses it after a reload (SIGHUP, systemctl reload)")


@feeds_app.command()
def remove(context: typer.Context, feed: FeedName) -> None:
    """Remove a feed from feeds.toml; its entries stay stored.

    Example: monitor feeds remove https://outlet.example/feed
    """
    with _editing(context) as listed:
        found = _followed(listed, feed)
        gone = listed.remove(found)
        _save(context, listed)
    show(f"{'removed' if gone else 'switched off'} {redact_url(found.url)}")
    if not gone:
        say(f"it stays in the list, because you follow its group {found.group!r}")


def _followed(listed: Subscriptions, name: str) -> Feed:
    """Return the feed of the list that is named so. Raises MonitorError."""
    found = listed.find(name)
    if found not in listed.feeds:
        raise MonitorError(f"{redact_url(found.url)} is not followed")
    return found


@feeds_app.command()
def enable(context: typer.Context, feed: FeedName) -> None:
    """Poll a feed from now on: one that was switched off, or one from the curated list.

    Example: monitor feeds enable https://outlet.example/feed
    """
    _switch(context, feed, on=True)


@feeds_app.command()
def disable(context: typer.Context, feed: FeedName) -> None:
    """Stop polling a feed, but keep it in the list.

    Example: monitor feeds disable "The Outlet"
    """
    _switch(context, feed, on=False)


def _switch(context: typer.Context, name: str, *, on: bool) -> None:
    with _editing(context) as listed:
        feed = listed.find(name)
        listed.switch(feed, on=on)
        _save(context, listed)
    show(f"{'on' if on else 'off'}: {feed.title or redact_url(feed.url)}")


@feeds_app.command()
def rename(
    context: typer.Context,
    feed: FeedName,
    title: Annotated[str, typer.Argument(help="What the digest calls it.", metavar="TITLE")],
) -> None:
    """Give a feed another name in the digest.

    Example: monitor feeds rename https://outlet.example/feed "The Outlet"
    """
    try:
        values.text(title)
    except ValueError as error:
        raise UsageError(str(error)) from None
    with _editing(context) as listed:
        found = _followed(listed, feed)
        listed.rename(found, title)
        _save(context, listed)
    show(f"{redact_url(found.url)} is now called {title or 'by its own title'}")


@feeds_app.command()
def move(
    context: typer.Context,
    feed: FeedName,
    to: Annotated[
        str, typer.Argument(help="Its new one; default: where its server sends us.", metavar="ADDRESS")
    ] = "",
    no_check: NoCheck = False,
) -> None:
    """Follow a feed at a new address; it stays the same feed, and nothing is reported again.

    Example: monitor feeds move "The Outlet" https://outlet.example/new-feed
    """
    current = session(context)
    config = current.config()
    with _editing(context) as listed:
        found = _followed(listed, feed)
    new = replace(found, url=_moved_to(current, config, found, to))
    if not no_check:
        seen = look(current, new)
        new = replace(new, url=seen.url)
        say(*seen.lines(config))
    with _editing(context) as listed:
        listed.move(_followed(listed, found.url), new.url)
        if config.database.exists():
            # File and database together: a move that reached only one of them would make two feeds of one.
            with current.writing() as (_, store), store.transaction():
                store.feeds.move(found.url, new.url)
                _save(context, listed)
                store.feeds.sync(current.config().feeds, current.now())
        else:
            _save(context, listed)
    show(f"{redact_url(found.url)} is now {redact_url(new.url)}")


def _moved_to(current: Session, config: Config, feed: Feed, to: str) -> str:
    if to:
        try:
            return address_of(to)
        except ValueError as error:
            raise UsageError(str(error)) from None
    location = ""
    if config.database.exists():
        with current.reading() as (_, store):
            state = store.feeds.states([feed])[feed.url]
        location = state.location or state.moving_to
    if not location:
        raise MonitorError(f"{redact_url(feed.url)} has not said that it moved; name the new address")
    return with_user_of(location, feed.url)


@feeds_app.command("import")
def import_opml(
    context: typer.Context,
    file: Annotated[
        Path,
        typer.Argument(
            help="An OPML file; - is standard input.",
            metavar="FILE",
            exists=True,
            dir_okay=False,
            allow_dash=True,
        ),
    ],
    _no_check: Annotated[
        bool, typer.Option("--no-check", hidden=True, help="As `feeds add` has it: needless here.")
    ] = False,
) -> None:
    """Add the feeds of an OPML file, and name those that are left out. `check --online` then tries them.

    Example: monitor feeds import feeds.opml
    """
    from monitor.config import subscriptions
    from monitor.parse.feedlist import read_opml

    good: list[Feed] = []
    found = read_opml(read_bytes(file))
    for outline in found:
        plain = {"title": outline.title, "language": outline.language}
        try:
            # Lenient: an odd language in somebody's list must not cost the feed.
            feed = subscriptions.feed_of(outline.url, {**outline.own, **plain}, lenient=True)
        except ValueError as error:
            where = f" ({redact_url(outline.url)})" if outline.url else ""
            reason = error if outline.url else "it names no feed; `monitor feeds add` finds that of a page"
            say(f"left out {outline.title or 'one without a title'}{where}: {reason}")
            continue
        good.append(replace(feed, tags=feed.tags or outline.tags))
    with _editing(context) as listed:
        added = listed.add(good)
        if added:
            _save(context, listed)
    show(
        f"added {len(added)} of {len(found)} feeds; in the list already: {len(good) - len(added)}, "
        f"left out: {len(found) - len(good)}"
    )
    if not found:
        raise MonitorError(f"{file} names no feed")


@feeds_app.command()
def export(
    context: typer.Context,
    file: Annotated[
        Path | None, typer.Argument(help="Where to; default: standard output.", metavar="FILE")
    ] = None,
    with_secrets: Annotated[
        bool, typer.Option("--with-secrets", help="Also write passwords and tokens in addresses.")
    ] = False,
) -> None:
    """Write the feeds with all their settings as OPML; addresses that hold a secret are masked.

    Example: monitor feeds export feeds.opml
    """
    from monitor.config import subscriptions
    from monitor.parse.feedlist import Outline, write_opml

    outlines = []
    masked = 0
    for feed in session(context).config().feeds:
        hide = holds_secret(feed.url) and not with_secrets
        masked += hide
        outlines.append(
            Outline(
                redact_url(feed.url) if hide else feed.url,
                feed.title,
                feed.language,
                feed.tags,
                subscriptions.to_attributes(feed),
            )
        )
    text = write_opml(outlines, title="monitor")
    if masked:
        say(f"{counted(masked, 'address', 'addresses')} with a secret masked; --with-secrets writes all")
    with results(file, private=with_secrets) as out:
        out.write(text)
    if is_file(file):
        say(f"wrote {len(outlines)} feeds to {file}")


@feeds_app.command()
def discover(
    context: typer.Context, url: Annotated[str, typer.Argument(help="A page of the site.", metavar="URL")]
) -> None:
    """Find the feeds of a site.

    Example: monitor feeds discover https://outlet.example
    """
    try:
        address = address_of(url)
    except ValueError as error:
        raise UsageError(str(error)) from None
    found = named_at(session(context), address)
    if not found:
        raise MonitorError(f"{redact_url(address)} names no feed")
    show(*found)
