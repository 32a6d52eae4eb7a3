"""The output of `feeds list`, for people and for programs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from monitor.cli.output import local, show, show_wrapped
from monitor.text import counted

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping
    from datetime import tzinfo

    from monitor.cli.session import Session
    from monitor.config import Config
    from monitor.models import Feed, FeedHealth

# Where a feed's name begins, behind its state.
_MARGIN: Final = 11


def feed_json(feed: Feed, *, on: bool) -> dict[str, Any]:
    """Write a subscription as JSON; `on` says that it is polled."""
    from monitor.config.feedlist import shown_address

    return {
        "url": shown_address(feed.url),
        "title": feed.title,
        "language": feed.language,
        "tags": list(feed.tags),
        "family": feed.family,
        "kind": feed.kind,
        "group": feed.group,
        "weight": feed.weight,
        "interval_seconds": feed.interval.total_seconds() if feed.interval else None,
        "enabled": on,
    }


def healths_of(current: Session, config: Config) -> dict[str, FeedHealth]:
    """Return the health of each feed by its address; nothing before there is a database."""
    from monitor import followed

    if not config.database.exists():
        return {}
    with current.reading() as (_, store):
        healths = followed.healths(config, store, now=current.now())
        return {feed.url: health for feed, health in zip(config.feeds, healths, strict=True)}


def show_feeds(
    feeds: Iterable[Feed], healths: Mapping[str, FeedHealth], zone: tzinfo, on: Collection[str]
) -> None:
    """Print feeds by group; `on` are the addresses of those that are polled."""
    groups: dict[str, list[Feed]] = {}
    for feed in feeds:
        groups.setdefault(feed.group, []).append(feed)
    for group, members in groups.items():
        show(f"{group or 'your own'}:")
        for feed in members:
            _show_feed(feed, healths.get(feed.url), zone, on=feed.url in on)


def _show_feed(feed: Feed, health: FeedHealth | None, zone: tzinfo, *, on: bool) -> None:
    """Print a feed: its state, name, number of entries, address, and what is wrong with it."""
    from monitor.config.feedlist import shown_address

    state = "off" if not on else health.state if health else "new"
    title = feed.title or (health.title if health else "")
    address = shown_address(feed.url)
    name = title or address
    if health and on:
        name += f"  {counted(health.entries, 'entry', 'entries')}"
        name += f", newest seen {local(health.newest_entry_at, zone)}" if health.entries else ""
    show_wrapped(name, indent=_MARGIN, first=f"  {state}")
    if title:  # whole, to be copied
        show(" " * _MARGIN + address)
    if health and on and (health.note or health.last_error):
        show_wrapped(health.note or health.last_error, indent=_MARGIN, first=" ")
