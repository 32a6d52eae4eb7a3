"""Render digests, alerts, the archive and overviews of a period, as the configuration wants them.

Takes the configuration with what was composed, or with the store; gives what the channels send, the archive's
pages, or the overview. It only reads the database.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from monitor import digest, followed, languages, site
from monitor import store as store_package
from monitor.deliver import Archive, Files

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import datetime
    from pathlib import Path

    from monitor.config import Config
    from monitor.deliver import Channel
    from monitor.models import Digest, Feed, RenderedDigest, Story
    from monitor.store import Store


def rendered(config: Config, made: Digest, *, besides: Collection[str] = ()) -> RenderedDigest:
    """Render a digest in all formats, for the recipients who get all of it.

    These are all but those with a selection and those in `besides`, who get a part.
    """
    whole = digest.render_all(made, languages.load(made.language, made.title))
    return replace(whole, to=config.recipients - config.selections.keys() - set(besides))


def mailed(part: Digest, recipient: str, *, hold_until: datetime | None = None) -> RenderedDigest:
    """Render a recipient's part of a digest as a mail."""
    found = digest.render_mail(part, languages.load(part.language, part.title))
    return replace(found, to=frozenset({recipient}), hold_until=hold_until)


def alerts(
    config: Config, story: Story, feeds: Mapping[str, Feed], *, now: datetime
) -> tuple[RenderedDigest, ...]:
    """Render one story as a message of its own, for everybody whose selection lets it through, on any day.

    The first rendering is for every channel; those in other languages than the digest's are only for mail.
    """
    shown = digest.present(story, feeds, config.digest, now)
    to = {config.language: set[str]()}
    for recipient in sorted(config.recipients):
        selection = config.selections.get(recipient)
        if selection is None or digest.wants(selection, shown):
            language = (selection.language if selection else "") or config.language
            to.setdefault(language, set()).add(recipient)
    return tuple(
        replace(
            digest.render_alert(
                shown,
                languages.load(language, config.digest.title),
                labels=config.labels_in(language),
                timezone=config.digest.timezone,
                now=now,
            ),
            to=frozenset(recipients),
        )
        for language, recipients in to.items()
    )


def with_archive(config: Config, channels: Sequence[Channel]) -> list[Channel]:
    """Add the archive to the channels, if files are written."""
    write = partial(write_archive, config)
    return [*channels, *(Archive(one.settings, write) for one in channels if isinstance(one, Files))]


def write_archive(config: Config, folder: Path) -> None:
    """Bring the archive's pages in a folder up to date; raises OSError and StoreError.

    It runs in a thread of its own, beside the loop, and so opens the store itself.
    """
    with store_package.open(config.database, read_only=True) as store:
        # The store keeps no secrets of addresses: without this, such a feed would be named by its host.
        store.feeds.know(config.feeds)
        site.update(store, folder, site_of(config, store))


def period(
    config: Config, store: Store, shape: site.Site, *, since: datetime, until: datetime, theme: str = ""
) -> site.period.Period:
    """Compose the overview of a period; nothing is written."""
    with store.snapshot():
        stories = store.stories.listing(since=since)
        stories = tuple(story for story in stories if not theme or theme in story.themes)
        affairs = {story.affair for story in stories if story.affair is not None}
        steps = [store.stories.affair(affair) for affair in sorted(affairs)]
        return site.period.compose(
            stories,
            steps,
            shape,
            since=since,
            until=until,
            archive=config.digest.archive_url,
            theme=theme,
        )


def site_of(config: Config, store: Store) -> site.Site:
    """Return what shapes the archive's pages, and those of a period."""
    return site.Site(
        words=languages.load(config.language, config.digest.title),
        timezone=config.timezone,
        labels=dict(config.labels),
        themes=[theme.slug for theme in config.rules.themes],
        feeds=followed.named(config, store),
        formats={name: digest.FORMATS[name].suffix for name in config.files.formats},
        origin=store.note("origin"),
        searches=config.searches,
    )
