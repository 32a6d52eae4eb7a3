"""Read publishers' dates, in every form met in the wild, and decide which of them to believe. Pure."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta, timezone
from functools import lru_cache
from typing import TYPE_CHECKING, Final, NamedTuple

from monitor.models import DateBasis
from monitor.text import fold

if TYPE_CHECKING:
    from collections.abc import Iterable

EARLIEST: Final = datetime(1995, 1, 1, tzinfo=UTC)
"""No entry on the web is older; an earlier date is a default value or a mistake."""
TOLERANCE: Final = timedelta(hours=1)
"""How far ahead of our clock a publisher's clock may run before its date counts as in the future."""
# Defaults of programs that are late enough to pass for a date: that of PHP's mktime(0, ...), of a clock
# without a battery, and Apple's epoch. At midnight in any zone.
_ZEROES: Final = tuple(datetime(*day, tzinfo=UTC) for day in ((1999, 11, 30), (2000, 1, 1), (2001, 1, 1)))
# Dates further ahead are mistakes. Nearer ones mean today: an embargo, or local time labelled GMT.
_AHEAD: Final = timedelta(days=1)

_MAX_LENGTH: Final = 100
# That of Kiribati, the largest there is.
_MAX_OFFSET: Final = timedelta(hours=14)
_NO_TIME: Final = (None, None, None, None, None)

# By three or four letters, which tell the German, English, French, Spanish, Italian, Portuguese and Dutch
# names apart.
_MONTHS: Final = {
    name: number
    for number, names in enumerate(
        (
            "jan jae ene gen",
            "feb fev",
            "mar mae mrt",
            "apr avr abr",
            "may mai mei mag",
            "jun juin giu",
            "jul juil lug",
            "aug aou ago",
            "sep set",
            "oct okt ott",
            "nov",
            "dec dez dic",
        ),
        start=1,
    )
    for name in names.split()
}
# Two letters for German and Dutch. No name begins like that of another day.
_WEEKDAYS: Final = {
    name: number
    for number, names in enumerate(
        (
            "mon lun seg maa mo ma",
            "tue die mar ter din di",
            "wed mit mer mie qua woe mi wo",
            "thu don jeu jue gio qui do",
            "fri fre ven vie sex vri fr vr",
            "sat sam sab zat sa za",
            "sun son dim dom zon so zo",
        )
    )
    for name in names.split()
}
# feedparser reads CEST as UTC, which is two hours wrong. A name that several zones share is read as the one
# with more readers. "ET" is EST or EDT; the earlier instant is taken, as it is never in the future.
_HOURS: Final = {
    name: hours
    for hours, names in {
        0: "z ut utc gmt wet",
        1: "cet mez bst west wat",
        2: "cest mesz eet sast cat",
        3: "eest msk eat idt trt",
        5: "pkt",
        5.5: "ist",
        7: "ict wib",
        8: "hkt sgt awst pht",
        9: "jst kst",
        9.5: "acst",
        10: "aest",
        11: "aedt",
        12: "nzst",
        13: "nzdt",
        -3: "brt art adt",
        -4: "edt ast et",
        -5: "est cdt ct",
        -6: "cst mdt mt",
        -7: "mst pdt pt",
        -8: "pst akdt",
        -9: "akst",
        -10: "hst",
    }.items()
    for name in names.split()
}

_ZONE: Final = r"((?:[a-z]{1,5})?\s*(?:[+-]\d\d?:?\d{0,2})?)"
_TIME: Final = rf"(\d{{1,2}})[:h](\d\d)(?::(\d\d)(?:[.,]\d+)?)?\s*([ap]\.?m\b\.?)?\s*{_ZONE}"
_ISO: Final = re.compile(
    rf"(?:[a-z]{{2,12}}[.,]*\s+)?(?P<year>\d{{4}})-(?P<month>\d\d?)(?:-(?P<day>\d\d?))?(?:(?:\s*t\s*|\s+){_TIME})?"
)
_COMPACT: Final = re.compile(r"(\d{4})(\d\d)(\d\d)(?:t?(\d\d)(\d\d)(\d\d)(z|[+-]\d{4})?)?")
_GAP: Final = r"[.,/\s-]+(?:de )?"
_DATES: Final = tuple(
    re.compile(pattern)
    for pattern in (
        rf"\b(?P<day>\d{{1,2}})(?:st|nd|rd|th)?{_GAP}(?P<name>[a-z]{{3,}}){_GAP}(?P<year>\d{{4}}|\d\d)(?!\d)",
        r"\b(?P<name>[a-z]{3,})[.\s]+(?P<day>\d{1,2})(?:st|nd|rd|th)?\b.*?[,\s](?P<year>\d{4})\b",
        r"\b(?P<day>\d{1,2})\.(?P<month>\d{1,2})\.(?P<year>\d{4}|\d\d)\b",
        r"\b(?P<year>\d{4})([/.])(?P<month>\d{1,2})\2(?P<day>\d{1,2})(?!\d)",
    )
)
# 28/11/2026 in most of the world, 11/28/2026 in the United States.
_NUMERIC: Final = re.compile(r"\b(\d{1,2})([/-])(\d{1,2})\2(\d{4}|\d\d)(?![\d/-])")
_MONTH_FIRST: Final = frozenset({"", "en", "en-us", "en-ph", "english"})
# Seconds since 1970, or milliseconds. .NET writes them with a zone, which only says how to show them.
_EPOCH: Final = re.compile(r"(?:@|/date\()?(\d{10})(?:\d{3})?(?:\.\d+)?(?:[+-]\d{4}\)/|\)/)?")
_CLOCK: Final = re.compile(rf"(?:\b|(?<=\dt)){_TIME}")
_OFFSET: Final = re.compile(r"([+-])(\d\d??):?(\d\d)?$")


# Cached, since most feeds write a date twice, for an entry and for its last change.
@lru_cache(maxsize=256)
def parse(text: str, *, day_first: bool = False) -> datetime | None:
    """Return the instant that `text` names, in UTC; None if it names none.

    Understands RFC 822 and RFC 850 with their common mistakes, ISO 8601 and W3C-DTF, asctime, dates in words
    of seven languages, seconds since 1970, and numeric dates in the order that `day_first` says. A date
    without a zone, or with an impossible one (+99:99, unknown letters), is read as UTC.
    """
    if not text:
        return None
    # `fold` turns "März" and "août" into "maerz" and "aout".
    text = fold(text[:_MAX_LENGTH]).replace("\N{MINUS SIGN}", "-").strip()
    try:
        if epoch := _EPOCH.fullmatch(text):
            return datetime.fromtimestamp(int(epoch[1]), UTC)
        found = _iso(text) or _compact(text) or _numeric(text, day_first=day_first) or _worded(text)
        # The date may follow a word or a tag that was left in.
        return found or _iso(text[place.start() :] if (place := _ISO.search(text)) else "")
    except (ValueError, OverflowError):
        return None


def day_first(texts: Iterable[str], language: str, now: datetime) -> bool:
    """Return whether the numeric dates of a document have the day before the month.

    The order is chosen in which more of them are dates, not in the future, and on the weekday they name:
    28/11 can only be read in one way, 05/12 may lie in the future in one of them, and "Thu, 05/12/2024" was
    not in May. If that decides nothing, the language of the feed does.
    """
    numeric = [text for text in texts if _NUMERIC.search(text)]

    def is_fault(text: str, *, day_first: bool) -> bool:
        instant = parse(text, day_first=day_first)
        return instant is None or instant > now + _AHEAD or _is_on_another_weekday(text, day_first=day_first)

    def faults(*, day_first: bool) -> int:
        return sum(is_fault(text, day_first=day_first) for text in numeric)

    month_first = faults(day_first=False)
    return faults(day_first=True) < month_first + (language.lower() not in _MONTH_FIRST)


class Dated(NamedTuple):
    """When an entry was published, and how we know."""

    at: datetime
    basis: DateBasis


def judge(texts: Iterable[str], now: datetime, *, day_first: bool = False) -> Dated:
    """Return when an entry was published, by the first of `texts` that can be believed, and how we know.

    If none can be believed, the result is `now`, and the basis is that of the first text that is not empty:
    "future" (an hour to a day ahead), "absurd" (before 1995, a program's default, further ahead, or
    unreadable); "missing" if all are empty.
    """
    bases = list[DateBasis]()
    for text in filter(str.strip, texts):
        instant = parse(text, day_first=day_first)
        if instant and EARLIEST <= instant <= now + TOLERANCE and not _is_zero(instant):
            return Dated(instant, "publisher")
        bases.append("future" if instant and now < instant <= now + _AHEAD else "absurd")
    return Dated(now, bases[0] if bases else "missing")


def _is_zero(instant: datetime) -> bool:
    whole = instant.second == 0 == instant.minute % 15  # zones differ by quarters of an hour
    return whole and any(abs(instant - zero) <= _MAX_OFFSET for zero in _ZEROES)


def _iso(text: str) -> datetime | None:
    match = _ISO.match(text)
    if match is None:
        return None
    clock = match.groups()[3:] if match.group(4) else _NO_TIME
    return _instant(int(match["year"]), int(match["month"]), int(match["day"] or 1), clock)


def _compact(text: str) -> datetime | None:
    match = _COMPACT.fullmatch(text)
    if match is None:
        return None
    year, month, day, hour, minute, second, zone = match.groups()
    return _instant(int(year), int(month), int(day), (hour, minute, second, None, zone))


def _numeric(text: str, *, day_first: bool) -> datetime | None:
    match = _NUMERIC.search(text)
    if match is None:
        return None
    clock = _CLOCK.search(text)
    return _instant(*_in_order(match, day_first=day_first), clock.groups() if clock else _NO_TIME)


def _in_order(numeric: re.Match[str], *, day_first: bool) -> tuple[int, int, int]:
    """Return year, month and day."""
    first, _, second, year = numeric.groups()
    day, month = (first, second) if day_first else (second, first)
    return _year(year), int(month), int(day)


def _is_on_another_weekday(text: str, *, day_first: bool) -> bool:
    """Return whether a numeric date names another day of the week than the one it falls on."""
    match = _NUMERIC.search(text)
    words = re.findall("[a-z]+", fold(text[:_MAX_LENGTH]))
    named = next((_WEEKDAYS[word[:3]] for word in words if word[:3] in _WEEKDAYS), None)
    if match is None or named is None:
        return False
    # The day as written, whatever day it is in UTC.
    return date(*_in_order(match, day_first=day_first)).weekday() != named


def _worded(text: str) -> datetime | None:
    for pattern in _DATES:
        for match in pattern.finditer(text):
            parts = match.groupdict()
            month = int(parts["month"]) if "month" in parts else _month(parts["name"])
            if month:
                clock = _CLOCK.search(text)
                return _instant(
                    _year(parts["year"]), month, int(parts["day"]), clock.groups() if clock else _NO_TIME
                )
    return None


def _month(name: str) -> int:
    return _MONTHS.get(name[:4]) or _MONTHS.get(name[:3], 0)


def _year(digits: str) -> int:
    """Return the year. RFC 822 wrote two digits; RFC 2822 (4.3) says which century they mean."""
    year = int(digits)
    if len(digits) == 4:  # noqa: PLR2004
        return year
    return year + (2000 if year < 50 else 1900)  # noqa: PLR2004


def _instant(year: int, month: int, day: int, clock: tuple[str | None, ...]) -> datetime:
    hours, minutes, seconds, half, zone = clock
    hour = int(hours or 0)
    if half:
        hour = hour % 12 + (12 if half.startswith("p") else 0)
    span = timedelta(hours=hour, minutes=int(minutes or 0), seconds=int(seconds or 0))
    local = datetime(year, month, day, tzinfo=timezone(_offset(zone or ""))) + span
    return local.astimezone(UTC)


def _offset(zone: str) -> timedelta:
    match = _OFFSET.search(zone)
    if match is None:
        return timedelta(hours=_HOURS.get(zone.strip(), 0))
    sign, hours, minutes = match.groups()
    offset = timedelta(hours=int(hours), minutes=int(minutes or 0))
    if offset > _MAX_OFFSET:
        return timedelta(0)
    return -offset if sign == "-" else offset
