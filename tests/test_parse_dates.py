"""Publishers' dates, as they are written and as they should not be."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.parse.dates import day_first, judge, parse

NOW = datetime(2024, 12, 12, 12, tzinfo=UTC)
INSTANTS = st.integers(820_454_400, 3_786_912_000).map(lambda seconds: datetime.fromtimestamp(seconds, UTC))
ZONES = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("Mon, 09 Dec 2024 10:00:00 +0100", "2024-12-09T09:00:00"),
        ("Mon, 9 Dec 2024 10:00:00 GMT", "2024-12-09T10:00:00"),
        ("Mon, 2024-12-09 10:00:00", "2024-12-09T10:00:00"),
        ("2024-12-09T10:00:00\N{MINUS SIGN}05:00", "2024-12-09T15:00:00"),
        ("9.12.24, 10:00 Uhr", "2024-12-09T10:00:00"),
        ("lundi 9 décembre 2024 à 10h00", "2024-12-09T10:00:00"),
        ("09/Dec/2024:10:00:00 +0100", "2024-12-09T09:00:00"),
        ("Mon, 09 Dec 2024T10:00:00Z", "2024-12-09T10:00:00"),
        ("Mon, 09 Dec 2024 10:00:00 +530", "2024-12-09T04:30:00"),
        ("Mon, 09 Dec 2024 10:00:00 ET", "2024-12-09T14:00:00"),
        ("<time>2024-12-09T10:00:00Z</time>", "2024-12-09T10:00:00"),
        ("1733738400", "2024-12-09T10:00:00"),
        ("1733738400.25", "2024-12-09T10:00:00"),
        ("@1733738400000", "2024-12-09T10:00:00"),
        ("Sun, 14 Jul 2024 10:00:00 CEST", "2024-07-14T08:00:00"),
        ("So, 14 Jul 2024 10:00:00 MESZ", "2024-07-14T08:00:00"),
        ("Mo, 09 Dez 2024 10:00:00 MEZ", "2024-12-09T09:00:00"),
        ("Sun, 14 Jul 2024 10:00:00 PDT", "2024-07-14T17:00:00"),
        ("Mon, 09 Dec 2024 10:00:00 EST", "2024-12-09T15:00:00"),
        ("Mon, 09 Dec 2024 10:00:00 GMT+0200", "2024-12-09T08:00:00"),
        ("Mon, 09 Dec 2024 10:00:00 +9900", "2024-12-09T10:00:00"),
        ("Mon, 09 Dec 2024 10:00:00 XYZ", "2024-12-09T10:00:00"),
        ("Mon, 09 Dec 2024 10:00:00", "2024-12-09T10:00:00"),
        ("09 Dec 2024 10:00 +0530", "2024-12-09T04:30:00"),
        ("Monday, 09-Dec-24 10:00:00 GMT", "2024-12-09T10:00:00"),
        ("09 Dec 99 10:00:00 GMT", "1999-12-09T10:00:00"),
        ("January, 19 Jan 2017 10:00:00 +0000", "2017-01-19T10:00:00"),
        ("Friday, December 6, 2024 3:05 PM", "2024-12-06T15:05:00"),
        ("Dec 6th, 2024 12:05 a.m. EST", "2024-12-06T05:05:00"),
        ("Mon Dec  9 10:00:00 UTC 2024", "2024-12-09T10:00:00"),
        ("Mon Dec  9 10:00:00 2024", "2024-12-09T10:00:00"),
        ("6. Dezember 2024, 15:05 Uhr", "2024-12-06T15:05:00"),
        ("6. März 2024", "2024-03-06T00:00:00"),
        ("6 de diciembre de 2024 15:05", "2024-12-06T15:05:00"),
        ("6 juillet 2024", "2024-07-06T00:00:00"),
        ("06.12.2024 15:05", "2024-12-06T15:05:00"),
        ("2024/12/06 15:05", "2024-12-06T15:05:00"),
        ("2024.12.06 15:05", "2024-12-06T15:05:00"),
        ("12/06/2024T15:05:00", "2024-12-06T15:05:00"),
        ("/Date(1733738400000)/", "2024-12-09T10:00:00"),
        ("/Date(1733738400000+0100)/", "2024-12-09T10:00:00"),
        ("12/06/2024", "2024-12-06T00:00:00"),
        ("2024-12-09T10:00:00Z", "2024-12-09T10:00:00"),
        ("2024-12-09T10:00:00.123456+01:00", "2024-12-09T09:00:00"),
        ("2024-12-09T10:00+01", "2024-12-09T09:00:00"),
        ("2024-12-09 10:00:00 -0800", "2024-12-09T18:00:00"),
        ("2024-12-09 10:00:00", "2024-12-09T10:00:00"),
        ("2024-12-09", "2024-12-09T00:00:00"),
        ("2024-12", "2024-12-01T00:00:00"),
        ("20241209T100000Z", "2024-12-09T10:00:00"),
        ("20241209100000", "2024-12-09T10:00:00"),
        ("20241209", "2024-12-09T00:00:00"),
        ("12-06-2024 15:05", "2024-12-06T15:05:00"),
        ("12/06/24", "2024-12-06T00:00:00"),
        ("Mon, 09 Dec 2024 24:00:00 GMT", "2024-12-10T00:00:00"),
        ("Mon, 09 Dec 2024 23:59:60 GMT", "2024-12-10T00:00:00"),
    ],
)  # fmt: skip
def test_parse(text: str, instant: str) -> None:
    assert parse(text) == datetime.fromisoformat(instant).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    ["", "yesterday", "32 Dec 2024", "Mon, 31 Feb 2024 10:00:00 GMT", "2024-13-01", "2024-02-30", "99.99.2024", "12 Foo 2024", "0000-00-00T00:00:00Z", "9999-12-31T23:59:59-14:00", "123456789", "17331336001"],
)  # fmt: skip
def test_parse_refuses(text: str) -> None:
    assert parse(text) is None


@given(INSTANTS, ZONES)
def test_parse_reads_what_standards_write(at: datetime, zone: timezone) -> None:
    instant = at.astimezone(zone)
    assert parse(format_datetime(instant)) == instant
    assert parse(instant.isoformat()) == instant
    assert parse(instant.isoformat(" ")) == instant


@given(st.text() | st.text(alphabet="0123456789:-+., TZJandecMo/"))
def test_parse_never_fails_and_speaks_utc(text: str) -> None:
    instant = parse(text)
    assert instant is None or instant.utcoffset() == timedelta(0)


@pytest.mark.parametrize(
    ("texts", "published", "basis"),
    [
        (("2024-12-09", "2024-12-10"), datetime(2024, 12, 9, tzinfo=UTC), "publisher"),
        (("", "2024-12-10"), datetime(2024, 12, 10, tzinfo=UTC), "publisher"),
        (("2024-12-12T13:00:00Z",), datetime(2024, 12, 12, 13, tzinfo=UTC), "publisher"),
        (("2024-12-12T13:00:01Z",), NOW, "future"),
        (("1995-01-01",), datetime(1995, 1, 1, tzinfo=UTC), "publisher"),
        (("1994-12-31",), NOW, "absurd"),
        (("0001-01-01T00:00:00Z", "2024-12-10"), datetime(2024, 12, 10, tzinfo=UTC), "publisher"),
        (("Tue, 30 Nov 1999 00:00:00 +0000", "2024-12-10"), datetime(2024, 12, 10, tzinfo=UTC), "publisher"),
        (("2000-01-01T00:00:00+01:00", "2024-12-10"), datetime(2024, 12, 10, tzinfo=UTC), "publisher"),
        (("Tue, 30 Nov 1999 00:00:00 +0530", "2024-12-10"), datetime(2024, 12, 10, tzinfo=UTC), "publisher"),
        (("2001-01-01T00:00:00Z",), NOW, "absurd"),
        (("2001-01-01T09:40:00Z",), datetime(2001, 1, 1, 9, 40, tzinfo=UTC), "publisher"),
        (("2099-01-01", "2024-12-10"), datetime(2024, 12, 10, tzinfo=UTC), "publisher"),
        (("2024-12-13T12:00:00Z", "soon"), NOW, "future"),
        (("2024-12-13T12:00:01Z",), NOW, "absurd"),
        (("soon",), NOW, "absurd"),
        (("", "  "), NOW, "missing"),
        ((), NOW, "missing"),
    ],
)
def test_judge(texts: tuple[str, ...], published: datetime, basis: str) -> None:
    assert judge(texts, NOW) == (published, basis)


@pytest.mark.parametrize(
    ("texts", "language", "expected"),
    [
        (("05/12/2024", "28/11/2024"), "en", True),
        (("12/05/2024", "11/28/2024"), "de", False),
        (("05/12/2024",), "en-US", False),
        (("05/12/2024",), "en-GB", True),
        (("05/12/2024",), "de", True),
        (("05/12/2024",), "", False),
        (("12/11/2024",), "de", True),
        (("Mon, 09 Dec 2024",), "de", True),
        (("Thu, 05/12/2024",), "en", True),
        (("jueves 05/12/2024 10:00 PST",), "en", True),
        (("Do. 05/12/2024",), "", True),
        (("Sun, 05-12-2024",), "de", False),
        (("Fri, 05/12/2024",), "en", False),
    ],
    ids=["a day over 12", "a month over 12", "America", "Britain", "German", "unknown", "both past",
         "nothing numeric", "weekday", "Spanish weekday", "short weekday", "weekday in May", "wrong weekday"],
)  # fmt: skip
def test_which_number_is_the_day(texts: tuple[str, ...], language: str, expected: bool) -> None:
    assert day_first(texts, language, NOW) is expected
    assert parse("05/12/2024", day_first=True) == datetime(2024, 12, 5, tzinfo=UTC)


def test_an_order_that_puts_a_date_in_the_future_is_wrong() -> None:
    assert day_first(["06/05/2024"], "en", datetime(2024, 5, 10, tzinfo=UTC))
    assert not day_first(["05/06/2024"], "de", datetime(2024, 5, 10, tzinfo=UTC))
