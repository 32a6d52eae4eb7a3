"""The digest that is due, composed and rendered for all who get it.

Takes configuration, store and channels; gives what is to be frozen, and writes nothing. A bug of ours that a
story or an entry brings out costs that one, not the day: the digest names it and is made without it, and the
next tries again. One that a recipient's part brings out costs them a day: their next mail holds both.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from monitor import digest, digest_input, digest_output, languages, outbox
from monitor import store as store_package
from monitor.deliver import Mail
from monitor.digest_input import EVERYTHING
from monitor.errors import each
from monitor.models import digest_key

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import date, datetime

    from monitor.config import Config
    from monitor.deliver import Channel
    from monitor.digest import DigestInput, Due
    from monitor.models import Delivery, Digest, DigestSummary
    from monitor.store import Culprit, Store


class PreparedDigest(NamedTuple):
    """A digest as it will be frozen: with what the archive lists of it, and a delivery for each recipient."""

    digest: Digest
    summary: DigestSummary
    deliveries: Sequence[Delivery]
    input: DigestInput
    """What it is made of."""
    covered: Mapping[str, Sequence[date]]
    """The digests that each recipient's mail of today tells; none where their day is another."""
    bugs: Sequence[Exception]
    """What nobody expected of single recipients' parts."""


def prepare_beside(config: Config, channels: Sequence[Channel], now: datetime) -> PreparedDigest | None:
    """Do what `prepare` does, in a thread beside the loop: it opens the store itself."""
    with store_package.open(config.database, read_only=True) as store:
        store.feeds.know(config.feeds)
        return prepare(config, store, channels, now=now)


def prepare(
    config: Config, store: Store, channels: Sequence[Channel], *, now: datetime
) -> PreparedDigest | None:
    """Read what the digest that is due is made of, compose it, render it for every channel; None if none is.

    All is read at one moment of the database. Raises what no single story, entry or recipient brings out.
    """
    with store.snapshot():
        due = digest_input.due_digest(config, store, now=now)
        if due is None:
            return None
        missed, bugs = each(
            digest_input.whose_day(config, store, due.date, now=now),
            lambda recipient: digest_input.missed_by(config, store, recipient, due.date),
        )
        # The others get the whole digest, and nothing besides.
        parts = {one: days for one, days in missed.items() if days or one in config.selections}
        whole = store.without_culprits(
            lambda faults: _whole(
                config, store, channels, due, besides={*parts, *bugs}, faults=faults, now=now
            )
        )
        mails, fails = _mails(config, store, channels, due, whole, parts=parts, now=now)
    bugs |= fails
    told = {one: [*(digest.date for digest in days), due.date] for one, days in missed.items()}
    told |= {one: [due.date] for one in bugs.keys() - missed.keys()}
    return PreparedDigest(
        digest=whole.digest,
        summary=digest.summarise(whole.digest, languages.load(whole.digest.language, whole.digest.title)),
        deliveries=[
            *whole.deliveries,
            *mails,
            *(outbox.unmade(digest_key(due.date), Mail.name, one, bug, now=now) for one, bug in bugs.items()),
        ],
        input=whole.input,
        covered={one: told.get(one, []) for one in sorted(config.recipients)},
        bugs=list(bugs.values()),
    )


class _Whole(NamedTuple):
    """The whole digest, for all who get that."""

    digest: Digest
    deliveries: Sequence[Delivery]
    input: DigestInput
    faults: Sequence[Culprit]


def _whole(
    config: Config,
    store: Store,
    channels: Sequence[Channel],
    due: Due,
    *,
    besides: Collection[str],
    faults: Sequence[Culprit],
    now: datetime,
) -> _Whole:
    found = digest_input.collect(config, store, due.window, now=now, faults=faults)
    made = digest.compose(due, found, config.digest, now)
    wanted = channels if digest.worth_sending(made, config.digest) else ()
    deliveries = outbox.prepare(wanted, digest_output.rendered(config, made, besides=besides), now=now)
    return _Whole(made, deliveries, found, faults)


def _mails(
    config: Config,
    store: Store,
    channels: Sequence[Channel],
    due: Due,
    whole: _Whole,
    *,
    parts: Mapping[str, Sequence[Digest]],
    now: datetime,
) -> tuple[list[Delivery], dict[str, Exception]]:
    """Return the mails of parts, and over whose part something fails; `parts` are the digests they missed."""
    by = [channel for channel in channels if channel.name == Mail.name]

    def mail(recipient: str, faults: Sequence[Culprit], *, as_told: bool) -> list[Delivery]:
        days, at = parts[recipient], config.selections.get(recipient, EVERYTHING).time
        selected = (
            digest_input.part_of_several(
                config, store, due, recipient, days, now=now, faults=faults, as_told=as_told
            )
            if days
            else digest_input.part_of(config, whole.digest, recipient)
        )
        held = digest.schedule.held_until(at, due.at or now, config.digest) if at else None
        wanted = by if digest.worth_sending(selected, config.digest) else ()
        return outbox.prepare(wanted, digest_output.mailed(selected, recipient, hold_until=held), now=now)

    def made(recipient: str, *, as_told: bool) -> list[Delivery]:
        # What the whole digest could not show is news for the next one: no part may tell it before.
        return store.without_culprits(lambda faults: mail(recipient, faults, as_told=as_told), whole.faults)

    mails, fails = each(parts, lambda one: made(one, as_told=True))
    # What is told as it was may be what fails.
    others, fails = each(fails, lambda one: made(one, as_told=False))
    return [delivery for those in (mails | others).values() for delivery in those], fails
