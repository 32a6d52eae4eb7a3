"""The life of a delivery: how long it waits, when it is given up, and what a crash does to it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from time import monotonic
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor import outbox, store
from monitor.errors import DeliveryError, StoreError
from monitor.models import Delivery, RenderedDigest, digest_key

NOW = datetime(2026, 11, 23, 6, 0, tzinfo=UTC)
FRESH = Delivery(
    id=7,
    edition="digest:2026-11-23",
    channel="email",
    recipient="a@example.org",
    payload=b"x",
    created_at=NOW,
)
SENDING = replace(FRESH, state="sending")
SHAKY = DeliveryError("refused: 451 later", permanent=False)


def minutes(*values):
    return [timedelta(minutes=value) for value in values]


def test_the_waits_double_from_five_minutes_to_four_hours():
    assert [outbox.wait(tries) for tries in range(1, 10)] == minutes(5, 10, 20, 40, 80, 160, 240, 240, 240)
    assert outbox.wait(10**6) == timedelta(hours=4)


def test_success_settles_it():
    sent = outbox.after_success(replace(SENDING, last_error="earlier"), now=NOW)
    assert (sent.attempts, sent.state, sent.sent_at, sent.next_attempt_at, sent.last_error) == (
        1,
        "sent",
        NOW,
        None,
        "",
    )


@pytest.mark.parametrize(("jitter", "expected"), [(0.0, 5), (0.5, 5.5), (1.0, 6)])
def test_a_transient_error_waits_with_jitter(jitter, expected):
    after = outbox.after_error(SENDING, SHAKY, now=NOW, jitter=jitter)
    assert (after.state, after.attempts, after.last_error) == ("pending", 1, "refused: 451 later")
    assert after.next_attempt_at == NOW + timedelta(minutes=expected)


def test_an_error_may_ask_for_a_longer_wait_never_for_a_shorter_one():
    slow = DeliveryError("unconfirmed", permanent=False, delay=timedelta(minutes=15))
    first = outbox.after_error(SENDING, slow, now=NOW, jitter=0)
    assert first.next_attempt_at == NOW + timedelta(minutes=15)
    later = outbox.after_error(replace(SENDING, attempts=6), slow, now=NOW, jitter=0)
    assert later.next_attempt_at == NOW + timedelta(hours=4)


def test_a_permanent_error_is_final():
    after = outbox.after_error(SENDING, DeliveryError("refused: 550 no", permanent=True), now=NOW, jitter=0)
    assert (after.state, after.next_attempt_at, after.last_error) == ("failed", None, "refused: 550 no")


def test_after_five_days_it_is_given_up():
    last = NOW + timedelta(days=5)
    tried = replace(SENDING, attempts=20)
    almost = outbox.after_error(tried, SHAKY, now=last - timedelta(seconds=1), jitter=0)
    assert almost.state == "pending"
    given_up = outbox.after_error(tried, SHAKY, now=last, jitter=0)
    assert given_up.state == "failed"
    assert given_up.last_error == "given up after 5 days: refused: 451 later"


def test_a_message_that_is_never_answered_is_sent_three_times_and_not_for_five_days():
    lost = DeliveryError("unconfirmed: no answer", permanent=False, unconfirmed=True)
    delivery = outbox.after_error(replace(SENDING, attempts=20), lost, now=NOW, jitter=0)
    # What was not sent whole does not count.
    delivery = outbox.after_error(delivery, SHAKY, now=NOW, jitter=0)
    second = outbox.after_error(delivery, lost, now=NOW, jitter=0)
    assert (second.state, second.unconfirmed) == ("pending", 2)
    third = outbox.after_error(second, lost, now=NOW, jitter=0)
    assert (third.state, third.next_attempt_at) == ("failed", None)
    assert third.last_error == "given up after 24 tries: unconfirmed: no answer"


def test_a_delivery_hardly_tried_is_not_given_up_for_its_age():
    """As after a week in which the machine was off, or its clock wrong."""
    delivery, later = SENDING, NOW + timedelta(days=400)
    states: list[str] = []
    while delivery.state == "pending" or not states:
        delivery = outbox.after_error(delivery, SHAKY, now=later, jitter=0)
        states.append(delivery.state)
    assert states == ["pending"] * 4 + ["failed"]


def test_an_interruption_that_repeats_itself_ends_with_its_life():
    worn = replace(SENDING, attempts=20)
    after = outbox.after_interruption(worn, now=NOW + timedelta(days=5))
    assert (after.state, after.next_attempt_at) == ("failed", None)
    assert after.last_error.startswith("given up after 5 days: interrupted")


def test_an_interrupted_try_is_repeated_at_once_but_a_crash_that_repeats_itself_waits():
    first = outbox.after_interruption(SENDING, now=NOW)
    assert (first.state, first.next_attempt_at) == ("pending", NOW)
    assert "may have arrived" in first.last_error
    second = outbox.after_interruption(replace(first, state="sending"), now=NOW)
    assert second.next_attempt_at == NOW + timedelta(minutes=10)


def test_a_server_that_never_recovers_is_asked_some_thirty_times_in_five_days():
    delivery, now = FRESH, NOW
    while delivery.state == "pending":
        delivery = outbox.after_error(delivery, SHAKY, now=now, jitter=0)
        now = delivery.next_attempt_at or now
    assert 30 <= delivery.attempts <= 40
    assert now - NOW >= timedelta(days=5)


@given(
    attempts=st.integers(0, 10**6),
    age=st.timedeltas(timedelta(0), timedelta(days=9)),
    delay=st.timedeltas(timedelta(0), timedelta(days=1)),
    jitter=st.floats(0, 1),
    permanent=st.booleans(),
)
def test_the_content_of_a_delivery_never_changes(attempts, age, delay, jitter, permanent):
    begun = replace(SENDING, attempts=attempts)
    error = DeliveryError("x", permanent=permanent, delay=delay)
    after = outbox.after_error(begun, error, now=NOW + age, jitter=jitter)
    unlike: dict[str, Any] = {"attempts": 0, "next_attempt_at": None, "last_error": "", "blocked": False}
    assert replace(after, state="pending", **unlike) == FRESH
    assert (after.state == "failed") == (after.next_attempt_at is None)
    if after.next_attempt_at:
        assert after.next_attempt_at - (NOW + age) >= max(delay, timedelta(minutes=5))


@dataclass
class Channel:
    """A channel that accepts deliveries; `troubles`, by recipient or edition, happen once each."""

    name: str = "post"
    recipients: tuple[str, ...] = ("a", "b", "c")
    latest_only: bool = False
    troubles: dict[str, list[Exception]] = field(default_factory=dict)
    tried: list[str] = field(default_factory=list)
    sent: list[str] = field(default_factory=list)
    gate: asyncio.Event | None = None
    done: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when as many attempts have begun as there are recipients."""

    def prepare(self, edition: RenderedDigest, *, now: datetime) -> tuple[Delivery, ...]:
        if "prepare" in self.troubles:
            raise self.troubles["prepare"][0]
        return tuple(
            Delivery(edition=edition.key, channel=self.name, recipient=one, payload=b"x", created_at=now)
            for one in self.recipients
        )

    def reaches(self, recipient: str) -> bool:
        return recipient in self.recipients

    async def send(self, delivery: Delivery) -> None:
        self.tried.append(delivery.recipient)
        if len(self.tried) == len(self.recipients):
            self.done.set()
        if self.gate:
            await self.gate.wait()
        for key in (delivery.recipient, delivery.edition):
            if self.troubles.get(key):
                raise self.troubles[key].pop()
        self.sent.append(delivery.recipient)


EDITION = RenderedDigest(
    key="digest:2026-11-23", date=NOW.date(), made_at=NOW, language="en", subject="", preheader="",
    headlines=(), renderings={},
)  # fmt: skip
REFUSED = DeliveryError("log-in refused: 535", permanent=False, delay=timedelta(hours=6), blocked=True)


@pytest.fixture
def opened(tmp_path):
    with store.open(tmp_path / "monitor.db") as one:
        yield one


def freeze(opened, *channels, key=EDITION.key):
    prepared = outbox.prepare(channels, replace(EDITION, key=key), now=NOW)
    return opened.deliveries.add(prepared, NOW)


def states(opened):
    return {(one.channel, one.recipient): one.state for one in opened.deliveries.listing()}


async def test_an_error_of_any_kind_is_its_own_deliverys_and_sends_no_neighbour_twice(opened):
    bad, slow = Channel(troubles={"b": [UnicodeError("label too long")]}), Channel("slow", ("z",))
    slow.gate = asyncio.Event()
    freeze(opened, bad, slow)
    sending = asyncio.create_task(outbox.send_due(opened, [bad, slow], now=NOW))
    await bad.done.wait()
    assert not sending.done()
    slow.gate.set()
    await sending
    assert states(opened) == {
        ("post", "a"): "sent", ("post", "b"): "pending", ("post", "c"): "sent", ("slow", "z"): "sent",
    }  # fmt: skip
    (waiting,) = [one for one in opened.deliveries.listing() if one.state == "pending"]
    assert waiting.last_error.startswith("internal error: UnicodeError at test_outbox.py:")
    outbox.recover(opened, now=NOW)
    await outbox.send_due(opened, [bad, slow], now=NOW + timedelta(minutes=10))
    assert sorted(bad.sent + slow.sent) == ["a", "b", "c", "z"]


async def test_a_full_disk_leaves_nobody_under_way_who_would_be_sent_to_twice(opened, monkeypatch):
    channel = Channel(recipients=("a", "b"))
    slow = Channel("slow", ("z",), gate=asyncio.Event())
    freeze(opened, channel, slow)
    save = opened.deliveries.save

    def save_unless_full(one, now):
        if one.recipient == "a":
            raise StoreError("the disk is full")
        save(one, now)

    monkeypatch.setattr(opened.deliveries, "save", save_unless_full)
    sending = asyncio.create_task(outbox.send_due(opened, [channel, slow], now=NOW))
    await channel.done.wait()
    await asyncio.wait([sending], timeout=0.05)
    assert not sending.done(), "the next run would take z for interrupted, and send again"
    slow.gate.set()
    with pytest.raises(StoreError, match="full"):
        await sending
    assert states(opened) == {("post", "a"): "sending", ("post", "b"): "sent", ("slow", "z"): "sent"}


async def test_a_disk_that_becomes_full_while_mail_is_under_way_has_room_for_how_it_ended(
    opened, monkeypatch
):
    async def fill_and_send(delivery: Delivery) -> None:
        pages = opened._db.value("pragma page_count")
        opened._db.rows(f"pragma max_page_count = {pages}")
        channel.sent.append(delivery.recipient)

    channel = Channel()
    monkeypatch.setattr(channel, "send", fill_and_send)
    long = [replace(one, payload=b"x" * 200_000) for one in channel.prepare(EDITION, now=NOW)]
    opened.deliveries.add(long, NOW)
    opened._db.rows("pragma wal_checkpoint(truncate)")
    await outbox.send_due(opened, [channel], now=NOW)
    assert set(states(opened).values()) == {"sent"}
    assert sorted(channel.sent) == ["a", "b", "c"]


async def test_a_mail_given_up_is_tried_once_more_when_a_later_one_gets_through(opened):
    days = [NOW + timedelta(days=day) for day in range(9)]
    channel = Channel(recipients=("a", "b"))

    def digest(now: datetime) -> None:
        made = outbox.prepare([channel], replace(EDITION, key=digest_key(now.date())), now=now)
        opened.deliveries.add([replace(one, created_at=now) for one in made], now)
        opened.deliveries.cover({one: [now.date()] for one in channel.recipients}, now.date())

    async def attempt(day: int, **troubles: Exception) -> dict[str, str]:
        """Return the states of a's deliveries by their day."""
        channel.troubles = {one: [error] * 9 for one, error in troubles.items()}
        await outbox.send_due(opened, [channel], now=days[day])
        of_a = [one for one in opened.deliveries.listing() if one.recipient == "a"]
        return {one.edition[-2:]: one.state for one in of_a}

    gone = DeliveryError("refused: 550 nobody here", permanent=True)
    digest(days[0])
    for _ in range(5):
        digest_one = next(one for one in opened.deliveries.listing() if one.recipient == "a")
        opened.deliveries.save(replace(digest_one, attempts=digest_one.attempts + 1), NOW)
    assert await attempt(5, a=SHAKY) == {"23": "failed"}
    digest(days[5])
    assert await attempt(5, a=gone) == {"23": "failed", "28": "failed"}
    digest(days[6])
    # What a later mail reports is not sent again.
    digest(days[7])
    opened.deliveries.cover({"a": [days[5].date()]}, days[7].date())
    assert await attempt(6, a=SHAKY) == {"23": "failed", "28": "failed", "29": "pending", "30": "pending"}
    later = await attempt(7, **{EDITION.key: gone})
    assert later == {"23": "failed", "28": "failed", "29": "sent", "30": "sent"}
    first = opened.deliveries.get(digest_one.id)
    assert (first.attempts, first.reopened, channel.tried[-1]) == (7, True, "a"), "it was tried in that run"
    digest(days[8])
    assert (await attempt(8))["23"] == "failed", "a second chance is one"
    assert set(states(opened).values()) == {"sent", "failed"}


async def test_a_second_chance_that_has_to_wait_or_is_interrupted_is_still_the_second(opened):
    channel = Channel(recipients=("a",))
    gone = DeliveryError("given up: 550 spam", permanent=True)

    async def attempt(day: int, *troubles: Exception) -> str:
        """Make a day's mail and try what is due, the first mail with these troubles; return its state."""
        now = NOW + timedelta(days=day)
        made = outbox.prepare([channel], replace(EDITION, key=digest_key(now.date())), now=now)
        opened.deliveries.add(made, now)
        opened.deliveries.cover({"a": [now.date()]}, now.date())
        channel.troubles = {EDITION.key: [*troubles]}
        await outbox.send_due(opened, [channel], now=now)
        return opened.deliveries.get(1).state

    assert await attempt(0, gone) == "failed"
    assert await attempt(1, SHAKY) == "pending"
    opened.deliveries.claim(1, NOW)
    outbox.recover(opened, now=NOW + timedelta(days=2))
    assert await attempt(3, gone) == "failed"
    assert await attempt(4) == "failed", "there is no third"
    outbox.resend(opened, NOW.date(), now=NOW + timedelta(days=5))
    assert await attempt(5, gone) == "pending", "who asks for it again begins anew, and not twice in one run"
    assert await attempt(6) == "sent"


async def test_a_mail_never_answered_is_not_sent_again_when_a_later_one_is(opened):
    channel = Channel(recipients=("a",))
    lost = DeliveryError("unconfirmed: no answer", permanent=False, unconfirmed=True)
    channel.troubles = {EDITION.key: [lost] * 3}
    for day in range(5):
        now = NOW + timedelta(days=day)
        if day in {0, 4}:
            made = outbox.prepare([channel], replace(EDITION, key=digest_key(now.date())), now=now)
            opened.deliveries.add(made, now)
            opened.deliveries.cover({"a": [now.date()]}, now.date())
        await outbox.send_due(opened, [channel], now=now)
    assert channel.tried == ["a"] * 4
    assert channel.sent == ["a"]
    channel.troubles = {EDITION.key: [lost]}
    outbox.resend(opened, NOW.date(), now=NOW + timedelta(days=5))
    await outbox.send_due(opened, [channel], now=NOW + timedelta(days=5))
    assert opened.deliveries.get(1).state == "pending", "who asks for it again begins anew"


async def test_many_mails_that_were_given_up_are_left_to_the_next_mail_and_all_files_are_written(opened):
    post, disk = Channel("email", ("a",)), Channel("files")
    gone = DeliveryError("refused: 550 nobody here", permanent=True)
    days = [NOW + timedelta(days=day) for day in range(outbox.SINGLY + 2)]
    for now in days:
        disk.recipients = (f"{now:%d}.md",)
        made = outbox.prepare([post, disk], replace(EDITION, key=digest_key(now.date())), now=now)
        opened.deliveries.add(made, now)
        opened.deliveries.cover({"a": [now.date()]}, now.date())
        if now != days[-1]:
            post.troubles = disk.troubles = {"a": [gone], disk.recipients[0]: [gone]}
            await outbox.send_due(opened, [post, disk], now=now)
    disk.recipients = tuple(f"{now:%d}.md" for now in days)
    post.tried.clear()
    tried = await outbox.send_due(opened, [post, disk], now=days[-1])
    assert sorted(disk.sent) == sorted(disk.recipients)
    assert [one.recipient for one in tried].count("a") == len(post.tried) == 1
    assert opened.deliveries.uncovered("a", or_refused=False) == tuple(now.date() for now in days[:-1])
    left = opened.deliveries.listing(edition=EDITION.key)
    assert {one.last_error for one in left if one.channel == "email"} == {
        "the next mail tells this and 3 more"
    }
    opened.deliveries.cover({"a": opened.deliveries.uncovered("a", or_refused=False)}, days[-1].date())
    assert opened.deliveries.uncovered("a", or_refused=False) == ()


async def test_only_a_later_mail_of_the_same_channel_gives_a_second_chance(opened):
    gone = DeliveryError("refused: 550 nobody here", permanent=True)
    post, other = Channel(recipients=("a",)), Channel("other", ("a",))
    other.troubles = {"a": [gone]}

    def in_order() -> list[tuple[str, str]]:
        made = sorted(opened.deliveries.listing(), key=lambda one: one.id)
        return [(one.channel, one.state) for one in made]

    for day, trouble in enumerate((SHAKY, gone)):
        now = NOW + timedelta(days=day)
        key = digest_key(now.date())
        post.troubles = {"a": [trouble]}
        for channel in (post, other)[: 2 - day]:
            # A clock that was ahead for a day does not make a mail a later one.
            made = outbox.prepare([channel], replace(EDITION, key=key), now=now + day * timedelta(days=400))
            opened.deliveries.add(made, now)
        opened.deliveries.cover({"a": [now.date()]}, now.date())
        if day:  # the mail that has waited since the first day gets through, beside the refused one
            waiting, refused = opened.deliveries.due(now)
            await outbox._send(opened, post, refused, now)
            await outbox._send(opened, post, waiting, now)
        else:
            await outbox.send_due(opened, [post, other], now=now)
    assert in_order() == [("post", "sent"), ("other", "failed"), ("post", "failed")]
    now = NOW + timedelta(days=2)
    made = outbox.prepare([post], replace(EDITION, key=digest_key(now.date())), now=now)
    opened.deliveries.add(made, now)
    await outbox.send_due(opened, [post, other], now=now)
    assert in_order() == [("post", "sent"), ("other", "failed"), ("post", "sent"), ("post", "sent")]


async def test_whoever_reads_meanwhile_holds_up_no_mail(opened, tmp_path):
    channel = Channel()
    freeze(opened, channel)
    with store.open(tmp_path / "monitor.db", read_only=True) as reader, reader.snapshot():
        assert reader.deliveries.listing()
        began = monotonic()
        await outbox.send_due(opened, [channel], now=NOW)
        assert monotonic() - began < 10  # it was half a minute with the loop
    assert set(states(opened).values()) == {"sent"}


async def test_the_result_of_a_try_that_a_full_disk_refused_is_stored_later(opened):
    channel = Channel(troubles={"b": [DeliveryError("busy", permanent=False)]})
    freeze(opened, channel)
    full = "raise(abort, 'database or disk is full')"
    connection = opened._db.conn
    connection.execute(
        f"create temp trigger full before update on deliveries when old.state = 'sending' begin select {full}; end"
    )
    with pytest.raises(StoreError, match="the disk is full"):
        await outbox.send_due(opened, [channel], now=NOW)
    assert set(states(opened).values()) == {"sending"}
    with pytest.raises(StoreError, match="the disk is full"):
        outbox.recover(opened, now=NOW)
    connection.execute("drop trigger full")
    outbox.recover(opened, now=NOW)
    assert states(opened) == {("post", "a"): "sent", ("post", "b"): "pending", ("post", "c"): "sent"}
    await outbox.send_due(opened, [channel], now=NOW + timedelta(minutes=10))
    assert sorted(channel.sent) == ["a", "b", "c"]


def test_a_channel_that_cannot_prepare_has_a_failed_delivery_and_the_others_theirs(opened):
    freeze(opened, Channel("bad", troubles={"prepare": [KeyError("x")]}), Channel("good", ("a",)))
    assert states(opened) == {("bad", "everybody"): "failed", ("good", "a"): "pending"}


async def test_a_recipient_off_the_list_gets_no_mail(opened):
    channel = Channel(troubles={"b": [SHAKY]})
    freeze(opened, channel)
    await outbox.send_due(opened, [channel], now=NOW)
    channel.recipients = ("a", "c")
    assert await outbox.send_due(opened, [channel], now=NOW + timedelta(hours=1)) == []
    assert states(opened)["post", "b"] == "superseded"
    assert channel.sent == ["a", "c"]


async def test_a_channel_that_is_not_there_keeps_its_deliveries(opened):
    channel = Channel()
    freeze(opened, channel)
    assert await outbox.send_due(opened, [], now=NOW) == []
    assert len(await outbox.send_due(opened, [channel], now=NOW)) == 3


async def test_deliveries_that_wait_for_the_user_are_tried_when_they_come_one_first(opened):
    channel = Channel(troubles={one: [REFUSED, REFUSED] for one in "abc"})
    freeze(opened, channel)
    await outbox.send_due(opened, [channel], now=NOW)
    assert await outbox.send_due(opened, [channel], now=NOW + timedelta(hours=1)) == []
    channel.tried.clear()
    done = await outbox.send_due(opened, [channel], now=NOW + timedelta(hours=1), blocked=True)
    assert (channel.tried, len(done)) == (["a"], 3)
    assert all(one.blocked and one.next_attempt_at >= NOW + timedelta(hours=7) for one in done)
    channel.troubles.clear()
    await outbox.send_due(opened, [channel], now=NOW + timedelta(hours=2), blocked=True)
    assert sorted(channel.sent) == ["a", "b", "c"]


async def test_only_the_latest_counts_where_the_channel_says_so(opened):
    latest, every = Channel("latest", ("a",), latest_only=True), Channel("every", ("a",))
    freeze(opened, latest, every)
    frozen = freeze(opened, latest, every, key="digest:2026-11-24")
    outbox.supersede(opened, [latest, every], frozen, NOW)
    assert [one.state for one in opened.deliveries.listing() if one.channel == "latest"] == [
        "pending",
        "superseded",
    ]
    assert len(await outbox.send_due(opened, [latest, every], now=NOW)) == 3


async def test_resending_takes_what_was_sent_failed_and_waits(opened):
    final = DeliveryError("550 no", permanent=True)
    channel = Channel(troubles={"b": [final], "c": [REFUSED]})
    freeze(opened, channel)
    await outbox.send_due(opened, [channel], now=NOW)
    assert outbox.resend(opened, NOW.date(), now=NOW) == 3
    await outbox.send_due(opened, [channel], now=NOW)
    assert sorted(channel.sent) == ["a", "a", "b", "c"]
    assert outbox.resend(opened, NOW.date() - timedelta(days=1), now=NOW) == 0


async def test_resending_leaves_what_is_held_to_its_hour(opened):
    channel = Channel()
    freeze(opened, channel)
    held, *_ = opened.deliveries.listing()
    opened.deliveries.save(replace(held, next_attempt_at=NOW + timedelta(hours=9)), NOW)
    # A delivery that was never tried because its process was killed is not held back.
    assert outbox.resend(opened, NOW.date(), now=NOW) == 2
    await outbox.send_due(opened, [channel], now=NOW)
    assert outbox.resend(opened, NOW.date(), now=NOW) == 2
    assert held.id not in {one.id for one in opened.deliveries.due(NOW)}


def test_a_digest_that_no_mail_could_be_made_of_is_still_due_to_all_its_recipients(opened):
    """Unless theirs was sent: what fails for the whole list is not recorded under one name of it."""
    covered = {"ann@x.test": [NOW.date()], "bo@x.test": [NOW.date()]}
    opened.deliveries.cover(covered, NOW.date())
    key = digest_key(NOW.date())
    failed = outbox.unmade(key, "email", "everybody", ValueError("x"), now=NOW)
    sent = replace(
        FRESH, edition=key, channel="email", recipient="bo@x.test", state="sent", message_id="<1@x>"
    )
    opened.deliveries.add([failed, sent], NOW)
    for or_refused in (False, True):
        assert opened.deliveries.uncovered("ann@x.test", or_refused=or_refused) == (NOW.date(),)
        assert opened.deliveries.uncovered("Bo@x.test", or_refused=or_refused) == ()
