"""Read what reply headers say about times and encoding; what cannot be understood is ignored. Pure."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

LONGEST = timedelta(days=1)
"""The longest pause that a server can ask for with `Retry-After`."""

_SECONDS = re.compile(r"[0-9]{1,12}")
_MAX_AGE = re.compile(r'"?([0-9]{1,12})"?')
# Some send `max-age=31536000` or far more. The schedule has its own limit; this one avoids an overflow.
_FOREVER = timedelta(days=3650)
_CODINGS = frozenset({"gzip", "deflate", "br", "zstd", "compress", "dcb", "dcz", "exi", "aes128gcm"})


def retry_after(headers: Mapping[str, str], *, now: datetime | None = None) -> timedelta | None:
    """Return how long `Retry-After` (RFC 9110, 10.2.3) asks us to wait, at most a day; None if it does not.

    A date is measured from the reply's own `Date`, so that a wrong clock does no harm, or else from `now`.
    """
    value = headers.get("retry-after", "").strip()
    if _SECONDS.fullmatch(value):
        return min(timedelta(seconds=int(value)), LONGEST)
    wait = _until(value, headers, now)
    return None if wait is None else min(wait, LONGEST)


def max_age(headers: Mapping[str, str], *, now: datetime | None = None) -> timedelta | None:
    """Return how long a reply stays fresh (RFC 9111, 4.2): `max-age` minus `Age`, else `Expires`.

    None if the server does not say; zero if it wants to be asked each time (`no-store`, `no-cache`).
    """
    directives = _directives(headers.get("cache-control", ""))
    if directives.keys() & {"no-store", "no-cache"}:
        return timedelta(0)
    if match := _MAX_AGE.fullmatch(directives.get("max-age", "")):
        age = headers.get("age", "").strip()
        spent = int(age) if _SECONDS.fullmatch(age) else 0
        return min(timedelta(seconds=max(0, int(match[1]) - spent)), _FOREVER)
    wait = _until(headers.get("expires", ""), headers, now)
    return None if wait is None else min(wait, _FOREVER)


def encoding(headers: Mapping[str, str]) -> str:
    """Return the encoding of the body, "identity" if it has none.

    Anything that is not a content coding (RFC 9110, 8.4.1) is ignored: publishers write "UTF-8" or "none",
    proxies repeat a coding, and some servers send back the Accept-Encoding of a request. Of several codings,
    one was used; the first bytes of the body tell which (see `inflate`).
    """
    named = (
        part.strip().lower().removeprefix("x-") for part in headers.get("content-encoding", "").split(",")
    )
    coded = {name for name in named if name in _CODINGS}
    foreign = coded - {"gzip", "deflate"}
    return min(foreign or coded & {"gzip"} or coded, default="identity")


def _directives(value: str) -> dict[str, str]:
    pairs = (part.partition("=") for part in value.lower().split(","))
    return {name.strip(): argument.strip() for name, _, argument in pairs}


def _until(value: str, headers: Mapping[str, str], now: datetime | None) -> timedelta | None:
    """Return the time from the reply until an HTTP date in it, at least zero; None if either is unknown."""
    then, start = _date(value), _date(headers.get("date", "")) or now
    if then is None or start is None:
        return None
    return max(then - start, timedelta(0))


def _date(value: str) -> datetime | None:
    try:
        found = parsedate_to_datetime(value.strip())
        # "-0000" (RFC 5322, 3.3) is parsed as a date without a zone, and means UTC.
        return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    except (ValueError, TypeError, OverflowError, IndexError):
        return None
