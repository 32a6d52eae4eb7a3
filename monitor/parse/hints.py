"""How often a feed asks to be polled: RSS 2.0 `ttl`, `skipHours`, `skipDays`; RSS 1.0 syndication module."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Final

from monitor.models import Hints

_ITEM: Final = re.compile(r"<(?:[\w.-]+:)?(?:item|entry)[\s>]", re.IGNORECASE)
_HEAD: Final = 20_000
_PERIODS: Final = {
    "hourly": timedelta(hours=1),
    "daily": timedelta(days=1),
    "weekly": timedelta(weeks=1),
    "monthly": timedelta(days=30),
    "yearly": timedelta(days=365),
}
_LONGEST: Final = 525_600
"""Minutes in a year."""
_WEEKDAYS: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


def read(text: str) -> Hints:
    """Return how often the feed asks to be polled; nonsense is no hint."""
    item = _ITEM.search(text)
    head = text[: min(item.start() if item else _HEAD, _HEAD)]
    return Hints(
        period=max(filter(None, (_ttl(head), _update_period(head))), default=None),
        skip_hours=frozenset(int(hour) % 24 for hour in _inside(head, "skiphours", "hour") if hour.isdigit()),
        skip_days=frozenset(
            _WEEKDAYS.index(day.lower())
            for day in _inside(head, "skipdays", "day")
            if day.lower() in _WEEKDAYS
        ),
    )


def _ttl(head: str) -> timedelta | None:
    minutes = _value(head, "ttl")
    return timedelta(minutes=min(int(minutes), _LONGEST)) if minutes.isdigit() and int(minutes) else None


def _update_period(head: str) -> timedelta | None:
    period = _PERIODS.get(_value(head, "sy:updatePeriod").lower())
    if period is None:
        return None
    frequency = _value(head, "sy:updateFrequency")
    return period / int(frequency) if frequency.isdigit() and int(frequency) else period


def _value(head: str, name: str) -> str:
    match = re.search(rf"<{name}(?:\s[^<>]{{0,200}})?>\s*([^<]{{1,40}}?)\s*</{name}", head, re.IGNORECASE)
    return match[1] if match else ""


def _inside(head: str, outer: str, inner: str) -> list[str]:
    block = re.search(rf"<{outer}>(.{{0,2000}}?)</{outer}>", head, re.IGNORECASE | re.DOTALL)
    return re.findall(rf"<{inner}>\s*(\w{{1,12}})\s*</{inner}>", block[1], re.IGNORECASE) if block else []
