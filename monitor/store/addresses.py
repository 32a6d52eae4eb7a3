"""Addresses of feeds as they are stored: without secrets, and known again when a password changes. Pure."""

from __future__ import annotations

import re
from functools import lru_cache
from hashlib import sha256
from typing import Final

from monitor.url import redact_url

# The number of hexadecimal digits of each hash: the one that stays when a password changes, and the one that
# changes with it.
_LASTING: Final = 8
_REST: Final = 4
_USERINFO: Final = re.compile(r"(?<=://)[^/?#\s]*@")
# Parameters whose value probably changes like a password.
_SECRET: Final = re.compile(
    r"([?&;#][^=&;#\s]*(?:token|key(?!word)|auth|sig(?![hn]t)|secret|passw|pwd|session|credential|sid|jwt)[^=&;#\s]*=)[^&;#\s]+",
    re.IGNORECASE,
)


@lru_cache(maxsize=1 << 15)  # asked eight times for each feed in a poll, and twice in each idle tick
def address(url: str) -> str:
    """Return a feed's address as the store keeps it: without secrets, yet different for different ones.

    Behind the `#` stand a hash of the address without its credentials, and one of it all: a feed whose
    password was changed is still the same feed.
    """
    shown = redact_url(url)
    if shown == url:
        return url
    lasting = _SECRET.sub(r"\1", _USERINFO.sub("", url))
    return f"{shown}#{_hash(lasting)}{_hash(url)[:_REST]}"


def _hash(text: str) -> str:
    return sha256(text.encode("utf-8", "replace")).hexdigest()[:_LASTING]


def without_credentials(key: str) -> str:
    """Return a stored address without what changes with its password."""
    return key[:-_REST] if "***" in key else key


def address_in_version_1_0(url: str) -> str:
    """Return what `address` was before it masked every value of a query."""
    shown = _SECRET.sub(r"\1***", _USERINFO.sub("***@", url))
    return url if shown == url else f"{shown}#{_hash(url)}"
