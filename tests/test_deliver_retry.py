"""The life of a delivery: how long it waits, when it is given up, and what a crash does to it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.deliver import retry
from monitor.errors import DeliveryError
from monitor.models import Delivery

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
    assert [retry.wait(tries) for tries in range(1, 10)] == minutes(5, 10, 20, 40, 80, 160, 240, 240, 240)
    assert retry.wait(10**6) == timedelta(hours=4)


def test_success_settles_it():
    sent = retry.after_success(replace(SENDING, last_error="earlier"), now=NOW)
    assert (sent.attempts, sent.state, sent.sent_at, sent.next_attempt_at, sent.last_error) == (
        1,
        "sent",
        NOW,
        None,
        "",
    )


@pytest.mark.parametrize(("jitter", "expected"), [(0.0, 5), (0.5, 5.5), (1.0, 6)])
def test_a_transient_error_waits_with_jitter(jitter, expected):
    after = retry.after_error(SENDING, SHAKY, now=NOW, jitter=jitter)
    assert (after.state, after.attempts, after.last_error) == ("pending", 1, "refused: 451 later")
    assert after.next_attempt_at == NOW + timedelta(minutes=expected)


def test_an_error_may_ask_for_a_longer_wait_never_for_a_shorter_one():
    slow = DeliveryError("unconfirmed", permanent=False, delay=timedelta(minutes=15))
    first = retry.after_error(SENDING, slow, now=NOW, jitter=0)
    assert first.next_attempt_at == NOW + timedelta(minutes=15)
    later = retry.after_error(replace(SENDING, attempts=6), slow, now=NOW, jitter=0)
    assert later.next_attempt_at == NOW + timedelta(hours=4)


def test_a_permanent_error_is_final():
    after = retry.after_error(SENDING, DeliveryError("refused: 550 no", permanent=True), now=NOW, jitter=0)
    assert (after.state, after.next_attempt_at, after.last_error) == ("failed", None, "refused: 550 no")


def test_after_five_days_it_is_given_up():
    last = NOW + timedelta(days=5)
    almost = retry.after_error(SENDING, SHAKY, now=last - timedelta(seconds=1), jitter=0)
    assert almost.state == "pending"
    given_up = retry.after_error(SENDING, SHAKY, now=last, jitter=0)
    assert given_up.state == "failed"
    assert given_up.last_error == "given up after 5 days: refused: 451 later"


def test_an_interrupted_try_is_repeated_at_once_but_a_crash_that_repeats_itself_waits():
    first = retry.after_interruption(SENDING, now=NOW)
    assert (first.state, first.next_attempt_at) == ("pending", NOW)
    assert "may have arrived" in first.last_error
    second = retry.after_interruption(replace(first, state="sending"), now=NOW)
    assert second.next_attempt_at == NOW + timedelta(minutes=10)


def test_a_server_that_never_recovers_is_asked_some_thirty_times_in_five_days():
    delivery, now = FRESH, NOW
    while delivery.state == "pending":
        delivery = retry.after_error(delivery, SHAKY, now=now, jitter=0)
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
def test_what_a_delivery_is_never_changes(attempts, age, delay, jitter, permanent):
    begun = replace(SENDING, attempts=attempts)
    error = DeliveryError("x", permanent=permanent, delay=delay)
    after = retry.after_error(begun, error, now=NOW + age, jitter=jitter)
    assert replace(after, state="pending", attempts=0, next_attempt_at=None, last_error="") == FRESH
    assert (after.state == "failed") == (after.next_attempt_at is None)
    if after.next_attempt_at:
        assert after.next_attempt_at - (NOW + age) >= max(delay, timedelta(minutes=5))
