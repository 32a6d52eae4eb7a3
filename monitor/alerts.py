"""Alerts: a story that is so important that its user is informed at once, by a message of its own.

Takes configuration, store, channels and `now`; freezes an alert with its deliveries, which the outbox sends.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from monitor import digest, digest_output, followed, outbox
from monitor.deliver import Archive, Locked, Mail
from monitor.errors import each
from monitor.models import Window

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from monitor.config import Config
    from monitor.deliver import Channel
    from monitor.models import Story
    from monitor.store import Store


def make_alerts(
    config: Config, store: Store, channels: Sequence[Channel], *, now: datetime
) -> list[Exception]:
    """Freeze an alert for each unreported story that passes the user's threshold; once per story.

    Returns the errors that nobody expected: one story's bug keeps no other story from its alert.
    """
    if (alert := config.alert) is None:
        return []
    chosen = [channel for channel in channels if channel.name in alert.channels]
    mail = [channel for channel in chosen if channel.name == Mail.name]
    # An alert that nobody can be named for is made once the secret can be read.
    locked = {channel.name for channel in chosen if isinstance(channel, Locked)}
    pages = [channel for channel in channels if isinstance(channel, Archive)]
    feeds = followed.named(config, store)
    stories = store.without_culprits(lambda _: _unreported(config, store, now))

    def consider(number: int) -> None:
        story = stories[number]
        important = digest.importance(story, feeds, config.digest).total >= alert.min_score
        if not important or story.sources < alert.min_sources:
            return
        edition, *translations = digest_output.alerts(config, story, feeds, now=now)
        deliveries = outbox.prepare(chosen, edition, now=now)
        for translation in translations:
            deliveries += outbox.prepare(mail, translation, now=now)
        deliveries = [one for one in deliveries if one.state != "failed" or one.channel not in locked]
        if deliveries:  # update the pages that the message leads to; by themselves they alert nobody
            deliveries += outbox.prepare(pages, edition, now=now)
        store.deliveries.alert(story.id, deliveries, now)

    _, bugs = each(stories, consider)
    return list(bugs.values())


def _unreported(config: Config, store: Store, now: datetime) -> dict[int, Story]:
    """Return, by id, the stories with fresh news of which nothing was reported yet."""
    window = Window(start=now - config.digest.backlog, end=now)
    # Older news waits for the digest: nobody is woken for it. Only a look back heeds the window's start.
    fresh = store.stories.news(window) & store.stories.news(window, reported=True)
    fresh -= store.overview.reported_elsewhere(fresh)
    found = store.stories.with_news(window)
    stories = {one.id: one for one in found if fresh & {entry.id for entry in one.entries}}
    alerted, reported = store.deliveries.alerted(stories), store.stories.reported(stories)
    return {
        number: story
        for number, story in stories.items()
        if number not in alerted and reported.isdisjoint(entry.id for entry in story.entries)
    }
