"""The digest that is due, composed, and rendered for all who get it. Touches no database.

Takes what it is made of and the channels; gives what is to be frozen. A bug of ours that a story or an entry
brings out costs that one, not the day: the digest names it and is made without it, and the next tries again.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from monitor import digest, digest_output, languages, outbox
from monitor.deliver import Mail
from monitor.errors import culprits, place_of

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import datetime

    from monitor.config import Config
    from monitor.deliver import Channel
    from monitor.digest_input import DueDigest
    from monitor.models import Delivery, Digest, DigestSummary


class PreparedDigest(NamedTuple):
    """A digest as it will be frozen: with what the archive lists of it, and a delivery for each recipient."""

    digest: Digest
    summary: DigestSummary
    deliveries: Sequence[Delivery]


def prepare(config: Config, channels: Sequence[Channel], found: DueDigest, now: datetime) -> PreparedDigest:
    """Compose a digest, and render it for every channel. Raises what no single story or entry brings out."""
    try:
        return _prepare(config, channels, found, now)
    except Exception:

        def attempt(handles: Sequence[str]) -> None:
            _prepare(config, channels, _only(found, handles), now)

        titles = _titles(found)
        faults = {handle: place_of(bug) for handle, bug in culprits(list(titles), attempt)}
        if not faults:
            raise
        named = [f"{handle}, {titles[handle]}: {place}" for handle, place in faults.items()]
        sound = _only(found, titles.keys() - faults.keys(), named)
        return _prepare(config, channels, sound, now)


def _prepare(config: Config, channels: Sequence[Channel], found: DueDigest, now: datetime) -> PreparedDigest:
    made = digest.compose(found.due, found.input, config.digest, now)
    wanted = channels if digest.worth_sending(made, config.digest) else ()
    besides = [part.recipient for part in found.parts]
    deliveries = outbox.prepare(wanted, digest_output.rendered(config, made, besides=besides), now=now)
    mail = [channel for channel in channels if channel.name == Mail.name]
    for part in found.parts:
        whole = digest.compose(part.due, part.input, config.digest, now) if part.several else made
        selected = part.of(whole)
        if digest.worth_sending(selected, config.digest):
            mailed = digest_output.mailed(selected, part.recipient, hold_until=part.hold_until)
            deliveries += outbox.prepare(mail, mailed, now=now)
    return PreparedDigest(made, digest.summarise(made, languages.load(made.language, made.title)), deliveries)


def _titles(found: DueDigest) -> dict[str, str]:
    """Return the titles of all that may be told, by handle: stories, and entries that are only perhaps."""
    titles = dict[str, str]()
    for each in (found.input, *(part.input for part in found.parts)):
        titles.update((f"s{story.id}", story.title) for story in each.stories)
        titles.update((f"e{report.entry.id}", report.entry.title) for report in each.perhaps)
    return titles


def _only(found: DueDigest, handles: Collection[str], faults: Sequence[str] = ()) -> DueDigest:
    """Return the same with no other stories and entries than these, and with what is said of those."""

    def only(whole: digest.DigestInput) -> digest.DigestInput:
        return replace(
            whole,
            stories=[story for story in whole.stories if f"s{story.id}" in handles],
            perhaps=[report for report in whole.perhaps if f"e{report.entry.id}" in handles],
            faults=faults,
        )

    parts = tuple(replace(part, input=only(part.input)) for part in found.parts)
    return replace(found, input=only(found.input), parts=parts)
