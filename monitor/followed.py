"""The feeds that are followed: their names and how well they work, from feeds.toml and the store.

Takes the configuration and the store, gives values, and writes nothing.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from monitor import fetch
from monitor.url import redact_url

if TYPE_CHECKING:
    from datetime import datetime

    from monitor.config import Config
    from monitor.models import Feed, FeedHealth
    from monitor.store import Store


def named(config: Config, store: Store) -> dict[str, Feed]:
    """Return the feeds of feeds.toml by address, each with a name: the user's, else the publisher's."""
    states = store.feeds.states(config.feeds)
    return {
        feed.url: replace(feed, title=feed.title or states[feed.url].title or redact_url(feed.url))
        for feed in config.feeds
    }


def healths(config: Config, store: Store, *, now: datetime) -> list[FeedHealth]:
    """Judge each feed of feeds.toml as of now."""
    counts, states = store.feeds.counts(), store.feeds.states(config.feeds)
    return [
        fetch.health(feed, states[feed.url], now=now, entries=counts.get(feed.url, 0), settings=config.fetch)
        for feed in config.feeds
    ]
