"""What is read from headers about times and encoding; nothing may be read into headers that do not say it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.fetch import headers as reply

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
DAY = timedelta(days=1)
LINES = st.text(st.characters(max_codepoint=255, blacklist_characters="\r\n\0"), max_size=60)
HTTP_DATES = st.datetimes(datetime(1971, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC)).map(  # noqa: DTZ001 - `timezones` says UTC
    lambda instant: instant.replace(microsecond=0)
)


def http(instant: datetime) -> str:
    return format_datetime(instant, usegmt=True)


@pytest.mark.parametrize(
    ("value", "wait"),
    [
        ("120", timedelta(minutes=2)),
        (" 120 ", timedelta(minutes=2)),
        ("0", timedelta(0)),
        ("86400", DAY),
        ("86401", DAY),
        ("999999999999", DAY),
        (http(NOON + timedelta(hours=1)), timedelta(hours=1)),
        (http(NOON - timedelta(hours=1)), timedelta(0)),
        (http(NOON + timedelta(days=9)), DAY),
        ("Monday, 23-Nov-26 13:00:00 GMT", timedelta(hours=1)),
        ("Mon Nov 23 13:00:00 2026", timedelta(hours=1)),
        ("", None),
        ("-5", None),
        ("1.5", None),
        ("1e3", None),
        ("٣", None),
        ("soon", None),
        ("9" * 5000, None),
        ("Mon, 99 Nov 2026 13:00:00 GMT", None),
        ("Fri, 31 Dec 9999 23:59:59 -2359", None),
    ],
)
def test_retry_after_is_seconds_or_a_date_and_at_most_a_day(value, wait):
    assert reply.retry_after({"retry-after": value}, now=NOON) == wait


def test_dates_count_from_the_servers_own_clock():
    wrong = NOON - timedelta(days=400)
    headers = {"retry-after": http(wrong + timedelta(hours=2)), "date": http(wrong)}
    assert reply.retry_after(headers, now=NOON) == timedelta(hours=2)
    headers = {"expires": http(wrong + timedelta(hours=3)), "date": http(wrong)}
    assert reply.max_age(headers, now=NOON) == timedelta(hours=3)


def test_a_date_without_any_clock_says_nothing():
    assert reply.retry_after({"retry-after": http(NOON)}) is None
    assert reply.max_age({"expires": http(NOON)}) is None
    assert reply.retry_after({}) is None


@pytest.mark.parametrize(
    ("headers", "age"),
    [
        ({"cache-control": "max-age=600"}, 600),
        ({"cache-control": 'public, MAX-AGE="600" , must-revalidate'}, 600),
        ({"cache-control": "max-age=600", "age": "100"}, 500),
        ({"cache-control": "max-age=600", "age": "1000"}, 0),
        ({"cache-control": "max-age=600", "age": "old"}, 600),
        ({"cache-control": "max-age=600", "expires": http(NOON + DAY)}, 600),
        ({"cache-control": "no-store, max-age=600"}, 0),
        ({"cache-control": "no-cache"}, 0),
        ({"cache-control": "s-maxage=600"}, None),
        ({"cache-control": "xmax-age=600"}, None),
        ({"cache-control": "max-age=-1"}, None),
        ({"cache-control": "max-age"}, None),
        ({"cache-control": "max-age=ten", "expires": http(NOON + DAY)}, 86400),
        ({"expires": http(NOON + DAY)}, 86400),
        ({"expires": http(NOON - DAY)}, 0),
        ({"expires": "0"}, None),
        ({"expires": "-1"}, None),
        ({}, None),
    ],
)
def test_freshness(headers, age):
    expected = None if age is None else timedelta(seconds=age)
    assert reply.max_age(headers, now=NOON) == expected


@given(LINES, LINES, LINES, LINES)
def test_no_header_crashes_or_asks_for_the_impossible(first, second, third, fourth):
    headers = {"retry-after": first, "cache-control": second, "expires": third, "date": fourth, "age": first}
    wait = reply.retry_after(headers, now=NOON)
    assert wait is None or timedelta(0) <= wait <= DAY
    fresh = reply.max_age(headers, now=NOON)
    assert fresh is None or fresh >= timedelta(0)
    NOON + (fresh or DAY)  # no time beyond the calendar, which would raise


@given(HTTP_DATES, HTTP_DATES)
def test_any_two_dates_give_a_wait_within_bounds(then, now):
    wait = reply.retry_after({"retry-after": http(then)}, now=now)
    assert wait == min(max(then - now, timedelta(0)), DAY)


@given(st.integers(0, 10**12 - 1), st.integers(0, 10**6))
def test_any_age_is_subtracted(seconds, age):
    fresh = reply.max_age({"cache-control": f"max-age={seconds}", "age": str(age)})
    assert fresh == timedelta(seconds=min(max(0, seconds - age), 3650 * 86400))


@pytest.mark.parametrize(
    ("value", "name"),
    [
        ("", "identity"),
        ("identity", "identity"),
        ("GZIP", "gzip"),
        ("x-gzip", "gzip"),
        (" gzip , identity", "gzip"),
        ("deflate", "deflate"),
        ("gzip, gzip", "gzip"),
        ("UTF-8", "identity"),
        ("none", "identity"),
        ("utf-8, gzip", "gzip"),
        ("x-compress", "compress"),
        ("BR, br", "br"),
        ("gzip, deflate", "gzip"),
        ("gzip, br", "br"),
    ],
)
def test_known_encodings(value, name):
    assert reply.encoding({"content-encoding": value}) == name


@given(LINES)
def test_values_that_are_not_codings_are_ignored(value):
    assert reply.encoding({"content-encoding": f"x{value.replace(',', '')}"}) == "identity"
