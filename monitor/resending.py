"""Send a digest again: the same bytes to whoever had it, and new deliveries to whoever had none.

Takes the stored digest. Makes its deliveries due again, and adds some for recipients who came on the list
since and for channels that were switched on since. What the digest tells stays as it was frozen.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from monitor import digest, digest_input, digest_output, outbox
from monitor.deliver import Mail
from monitor.digest_output import with_archive
from monitor.errors import MonitorError, each, place_of
from monitor.models import digest_key

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import date

    from monitor.config import Config
    from monitor.deliver import Channel
    from monitor.models import Delivery, Digest, RenderedDigest
    from monitor.store import Store, StoredDigest


class Resent(NamedTuple):
    """Who gets nothing by sending a digest again."""

    left_out: Sequence[str]
    """New recipients who get none of it, each with the reason."""
    unsent: Sequence[str]
    """What could not be made, or is no longer there to be sent, and why."""


def resend(
    config: Config,
    store: Store,
    channels: Sequence[Channel],
    stored: StoredDigest,
    *,
    recipient: str = "",
    now: datetime,
) -> Resent:
    """Make a digest's deliveries due now, and add those for recipients and channels that had none of it.

    With `recipient`, only their mail. Raises MonitorError when nothing is left that could be sent.
    """
    with store.transaction():
        new = _additions(config, store, with_archive(config, channels), stored, recipient=recipient, now=now)
        due = outbox.resend(store, stored.date, recipient=recipient, now=now)
        store.deliveries.cover(new.covered, stored.date)
        due += len(store.deliveries.add(new.deliveries, now))
    if not (due or new.left_out or new.unmade):
        why = "it is being held, or its content is no longer kept"
        raise MonitorError(f"the digest of {stored.date} has nothing to send again: {why}")
    gone = [
        f"{one.channel} to {one.recipient}: {one.last_error or 'its content is no longer kept'}"
        for one in store.deliveries.settled(digest_key(stored.date))
        for channel in channels
        if channel.name == one.channel
        and recipient.casefold() in {"", one.recipient.casefold()}
        and (one.recipient == outbox.EVERYBODY or channel.reaches(one.recipient))
    ]
    return Resent(new.left_out, [*new.unmade, *gone])


def make_up(
    config: Config, store: Store, channels: Sequence[Channel], stored: StoredDigest, *, now: datetime
) -> None:
    """Make the deliveries of a digest that a channel could make for nobody then, if it can now.

    The addresses of a push channel are its secret: while that cannot be read, nobody knows for whom. Mail is
    made up for by the next digest.
    """
    unmade = {
        one.channel: one
        for one in store.deliveries.listing(edition=digest_key(stored.date))
        if one.recipient == outbox.EVERYBODY and one.state == "failed" and one.channel != Mail.name
    }
    made, _ = each(
        [channel for channel in channels if channel.name in unmade],
        lambda channel: outbox.prepare([channel], digest_output.rendered(config, stored.digest()), now=now),
    )
    with store.transaction():
        for channel, deliveries in made.items():
            if all(one.state != "failed" for one in deliveries):
                store.deliveries.add(deliveries, now)
                settled = replace(unmade[channel.name], state="superseded", last_error="")
                store.deliveries.save(settled, now)


class _Additions(NamedTuple):
    """Deliveries of a stored digest for recipients and channels that had none of it."""

    deliveries: Sequence[Delivery]
    covered: Mapping[str, Sequence[date]]
    """As in `PreparedDigest`, for the new recipients."""
    left_out: Sequence[str]
    unmade: Sequence[str]
    """What could not be made, and why."""


def _additions(
    config: Config,
    store: Store,
    channels: Sequence[Channel],
    stored: StoredDigest,
    *,
    recipient: str,
    now: datetime,
) -> _Additions:
    """Render a digest as it was made, for everybody who has no delivery of it and would get one today."""
    there = store.deliveries.recipients(digest_key(stored.date))
    by_mail = [channel for channel in channels if channel.name == Mail.name]
    new = [
        one for one in _without_mail(config, store, stored.date, there) if by_mail and recipient in {"", one}
    ]
    today = {*new}.intersection(digest_input.whose_day(config, store, stored.date, now=now))
    fell_due = datetime.combine(stored.date, config.digest.time, config.timezone)

    def made(wanted: Sequence[Channel], part: Digest, edition: RenderedDigest) -> list[Delivery]:
        found = outbox.prepare(wanted, edition, now=now) if digest.worth_sending(part, config.digest) else ()
        return [
            one
            for one in found
            if one.state == "failed" or (one.channel, one.recipient.casefold()) not in there
        ]

    def mail(recipient: str) -> list[Delivery]:
        whole, selection = stored.digest(), config.selections.get(recipient)
        part = digest_input.part_of(config, whole, recipient) if selection else whole
        at = selection.time if selection else None
        held = digest.schedule.held_until(at, fell_due, config.digest) if at else None
        return made(by_mail, part, digest_output.mailed(part, recipient, hold_until=held))

    def beside(channel: Channel) -> list[Delivery]:
        whole = stored.digest()
        return made([channel], whole, digest_output.rendered(config, whole))

    name_of = {one: f"{Mail.name} to {one}" for one in new}
    others = [channel for channel in channels if channel not in by_mail and not recipient]
    makers = {channel.name: partial(beside, channel) for channel in others}
    makers |= {name_of[one]: partial(mail, one) for one in new if one in today}
    found, bugs = each(makers, lambda name: makers[name]())
    unmade = {name: place_of(bug) for name, bug in bugs.items()}
    # A failed delivery would stay as it is: without it whoever asks again may get one.
    unmade |= {
        name: one.last_error for name, those in found.items() for one in those if one.state == "failed"
    }
    return _Additions(
        deliveries=[one for those in found.values() for one in those if one.state != "failed"],
        covered={one: [stored.date] if one in today else [] for one in new if name_of[one] not in unmade},
        left_out=[
            *(
                f"{one}: their mail comes on another day, and holds it"
                for one in new
                if one not in today and (recipient or stored.date not in store.deliveries.accounted(one))
            ),
            *(f"{one}: it has nothing for them" for one in new if found.get(name_of[one]) == []),
        ],
        unmade=[f"{name}: {error}" for name, error in unmade.items()],
    )


def _without_mail(config: Config, store: Store, day: date, there: Collection[tuple[str, str]]) -> list[str]:
    """Return the recipients of mail who are not among those that a digest has deliveries for."""
    # If no mail could be made for anybody, those whose mail holds several days get all of them with the next.
    failed_for_all = (Mail.name, outbox.EVERYBODY) in there
    return [
        one
        for one in sorted(config.recipients)
        if (Mail.name, one.casefold()) not in there
        and not (failed_for_all and day in store.deliveries.accounted(one))
    ]
