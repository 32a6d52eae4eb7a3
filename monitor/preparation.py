"""Prepare the digest that is due: compose it, and render it for everybody who gets it.

Takes the configuration, the store and the channels; gives what is to be frozen, and writes nothing. When a
story or an entry brings out a bug of ours, only that one is left out: the digest names it, and the next
digest tries it again. When a recipient's part brings one out, that recipient misses a day, and their next
mail holds both days.
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
    """A digest as it will be frozen, with its entry in the archive's lists and all its deliveries."""

    digest: Digest
    summary: DigestSummary
    deliveries: Sequence[Delivery]
    input: DigestInput
    """What it is made of."""
    covered: Mapping[str, Sequence[date]]
    """The digests that each recipient's mail of today tells; none for those whose mail comes another day."""
    bugs: Sequence[Exception]
    """What nobody expected, met in the parts of single recipients; for the caller to raise in the end."""


def open_and_prepare(config: Config, channels: Sequence[Channel], now: datetime) -> PreparedDigest | None:
    """Do what `prepare` does in a thread other than the store's, which is why it opens the store itself."""
    with store_package.open(config.database, read_only=True) as store:
        store.feeds.know(config.feeds)
        return prepare(config, store, channels, now=now)


def prepare(
    config: Config, store: Store, channels: Sequence[Channel], *, now: datetime
) -> PreparedDigest | None:
    """Compose the digest that is due and render it for every channel; None when none is due.

    Everything is read at one moment of the database. Raises errors that are not the fault of a single story,
    entry or recipient.
    """
    with store.snapshot():
        due = digest_input.due_digest(config, store, now=now)
        if due is None:
            return None
        missed, bugs = each(
            digest_input.whose_day(config, store, due.date, now=now),
            lambda recipient: digest_input.missed_by(config, store, recipient, due.date),
        )
        # Everybody else gets the whole digest, and only that.
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
    """The whole digest, and its deliveries to everybody who gets all of it."""

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
    """Return the mails with parts, and the errors by recipient; `parts` has the digests that each missed."""
    by = [channel for channel in channels if channel.name == Mail.name]

    def mail(recipient: str, faults: Sequence[Culprit], *, as_reported: bool) -> list[Delivery]:
        days, at = parts[recipient], config.selections.get(recipient, EVERYTHING).time
        selected = (
            digest_input.part_of_several(
                config, store, due, recipient, days, now=now, faults=faults, as_reported=as_reported
            )
            if days
            else digest_input.part_of(config, whole.digest, recipient)
        )
        held = digest.schedule.held_until(at, due.at or now, config.digest) if at else None
        wanted = by if digest.worth_sending(selected, config.digest) else ()
        return outbox.prepare(wanted, digest_output.mailed(selected, recipient, hold_until=held), now=now)

    def made(recipient: str, *, as_reported: bool) -> list[Delivery]:
        # What the whole digest could not show is left to the next digest: no part may tell it before that.
        return store.without_culprits(
            lambda faults: mail(recipient, faults, as_reported=as_reported), whole.faults
        )

    mails, fails = each(parts, lambda one: made(one, as_reported=True))
    # Telling earlier stories in their old form may be what fails.
    others, fails = each(fails, lambda one: made(one, as_reported=False))
    return [delivery for those in (mails | others).values() for delivery in those], fails
