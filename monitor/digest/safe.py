"""The last gate before any output: one clean line of text, and links that can do no harm."""

from __future__ import annotations

import re
from typing import Final

from monitor import text
from monitor.url import canonical_url

TITLE: Final = 300
"""The most characters of a title that any output shows."""
# Some programs cut longer ones, which then lead elsewhere.
_MAX_URL: Final = 2000
# Of BCP 47 what languages of publishers look like; feeds say anything.
_LANGUAGE: Final = re.compile(r"[a-z]{2,3}(-[a-z0-9]{2,8})*", re.IGNORECASE | re.ASCII)
_HOST: Final = re.compile(r"https?://[^/?#]+")
# What is legal in an address, but ends a link in Markdown, an attribute or a terminal's guess.
_BARE: Final = str.maketrans({char: f"%{ord(char):02X}" for char in "()<>[]{}\"'`\\^| "})


def line(raw: str, limit: int = TITLE) -> str:
    """Return clean text on one line, cut at a word's end with an ellipsis when it is longer than `limit`."""
    whole = text.clean(raw)
    if len(whole) <= limit:
        return whole
    cut = whole[: limit - 1]
    head, _, tail = cut.rpartition(" ")
    return (head if head and len(tail) < limit // 2 else cut).rstrip(" ,;:–-") + "…"


def title(raw: str, limit: int = TITLE) -> str:
    """Return the same for a text that names something and so must not be empty: "…" if there is none."""
    return line(raw, limit) or "…"


def foreign(language: str, page: str) -> str:
    """Return the `lang` of a publisher's text on a page: "" where it is the page's own, or not known.

    Without it a screen reader speaks a German title as if it were English (WCAG 2, 3.1.2).
    """
    return language if language != page and _LANGUAGE.fullmatch(language) else ""


def link(url: str) -> str:
    """Return an http(s) link in ASCII that needs no quoting in HTML or Markdown; "" for anything else."""
    canonical = canonical_url(url)
    host = _HOST.match(canonical)
    if not host or len(canonical) > _MAX_URL:
        return ""
    return host[0] + canonical[host.end() :].translate(_BARE)
