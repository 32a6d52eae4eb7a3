"""What an entry may be recognised by: its guid, link, title and date, without what changes by itself. Pure.

Takes entries, and what the store knows of earlier ones (`Known`); gives their identifiers in a form in which
equal ones are equal. `identity` compares them.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from typing import TYPE_CHECKING, Final, NamedTuple
from urllib.parse import unquote, urlsplit

from monitor.text import fold, one_line

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from monitor.models import Document, Entry, Known

_SCHEME: Final = re.compile(r"https?://(?:www\.)?", re.IGNORECASE)
# Editions for countries and languages: a site may link to a different one at each request.
_EDITION: Final = re.compile(r"(?<=/)[a-z]{2}(?:[-_][a-z]{2})?/", re.IGNORECASE)
# Titles and links may hold a count (of comments, say) that differs at each request. These are plurals only,
# since `?comment=7` names one comment.
_COUNTED: Final = (
    r"comment(?:aire|ario)?s|commenti|kommentare|antworten|replies|responses|reactions|reacties"
    r"|likes|shares|views|votes|points"
)
_COUNT: Final = re.compile(
    rf"[\[(]?\b(?:(\d+) (?:{_COUNTED}|comment|kommentar)|(?:no|keine) (?:{_COUNTED}))\b[,;]?[\])]?"
)
_COUNT_IN_LINK: Final = re.compile(
    rf"(?<=[?&;])(?:(?:num|nb)_?)?(?:{_COUNTED}|comment_?count)=\d+(?=[&#;]|$)", re.IGNORECASE
)
# What the store adds to the guid of a new entry when another one has it (`changes`).
_AGAIN: Final = re.compile(r" ~\d+$")


def fingerprint(entry: Entry) -> str:
    """Return a hash of an entry's title, summary, content and link, whatever its white space."""
    return digest_of("\0".join(map(one_line, (entry.title, entry.summary, entry.content, entry.url))))


def made_up_guid(title: str, date: str) -> str:
    """Return a guid for an entry that has neither guid nor link; for half an entry, `date` is empty."""
    return digest_of(f"{fold(title)}\n{date}")


def digest_of(text: str) -> str:
    """Return a short hash of a text."""
    return hashlib.blake2b(text.encode("utf-8", "replace"), digest_size=16).hexdigest()


def spellings(document: Document) -> tuple[set[str], set[str]]:
    """Return the guids and the links of a document's entries in every form they may have been stored in."""
    entries = (*document.entries, *filter(None, [document.broken]))
    return _spellings(entry.guid for entry in entries), _spellings(entry.url for entry in entries)


def _spellings(addresses: Iterable[str]) -> set[str]:
    """Return addresses in all their forms: with http or https, with and without www and final slash."""
    found = set(addresses)
    for address in tuple(found):
        bare, moved = _SCHEME.subn("", address)
        if moved:
            ends = {bare.rstrip("/"), f"{bare.rstrip('/')}/"}
            starts = ("http://", "https://", "http://www.", "https://www.")
            found |= {start + end for start in starts for end in ends}
    return found


class Identifiers(NamedTuple):
    """What an entry is recognised by. Made once per entry, since a feed may have hundreds."""

    guid: str
    link: str
    title: str
    instant: datetime | None
    path: str
    """The link without its host, since a site may move."""
    page: str
    """The link without its query, which may hold the id of a visit. Entries without a link share the page
    "-".
    """

    @classmethod
    def of(cls, one: Entry | Known, home: str) -> Identifiers:
        """Return the identifiers of an entry. `home` is its feed's site, to whose front page it may link."""
        title, guid, bare = fold(one.title), guid_of(one), without_scheme(one.url)
        if counts := [match[1] for match in _COUNT.finditer(title)]:
            title = _COUNT.sub("", title).strip()
            guid, bare = (_without_counts(address, filter(None, counts)) for address in (guid, bare))
        nowhere = not bare or is_home(one.url, home)
        return cls(
            guid=guid,
            link="" if nowhere else bare,
            title=title,
            instant=publisher_date(one),
            path="" if nowhere else _EDITION.sub("", f"/{path_of(bare)}"),
            page=re.split("[?;#]", bare, maxsplit=1)[0] or "-",
        )


def _without_counts(address: str, counts: Iterable[str]) -> str:
    """Return an address without the parameters whose value is one of the counts in the entry's title."""
    numbers = "|".join(counts) or "0"
    return re.sub(rf"(?<=[?&;])[\w-]+=(?:{numbers})(?=[&#;]|$)", "", address).rstrip("?&;")


def is_home(url: str, home: str) -> bool:
    """Return True for a link to a front page, which some feeds give to all of their entries."""
    if url != home and url.rstrip("/?#").count("/") > 2:  # noqa: PLR2004 - the two before the host
        return False  # as most links do; parsing them takes ten times as long
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    front = parts.path in {"", "/"} and not parts.query and not parts.fragment
    return bool(parts.netloc) and (url == home or front)


def guid_of(one: Entry | Known) -> str:
    """Return a guid without what the store or a move of the site has changed in it."""
    return without_scheme(_AGAIN.sub("", one.guid))


def own_guid(one: Entry | Known) -> str:
    """Return a guid that the publisher chose itself, "" for one that is only the link again."""
    guid = guid_of(one)
    made_of_link = bool(one.url) and guid.partition("#")[0].startswith(
        without_scheme(one.url).partition("#")[0]
    )
    return "" if made_of_link else guid


def publisher_date(one: Entry | Known) -> datetime | None:
    """Return the publisher's date; None when we made it up, as it only says when we first saw the entry."""
    return one.published if one.dated == "publisher" else None


def may_be_midnight(entry: Entry) -> bool:
    """Return True for a date that may be midnight in some zone, as in searches of Google News (08:00 GMT)."""
    at = entry.published
    return entry.dated == "publisher" and at.minute % 30 == at.second == at.microsecond == 0


def without_scheme(address: str) -> str:
    """Return a link or guid without scheme, www and slash at the end, which change when a site moves.

    It is also independent of how characters outside ASCII are written, and of any counts in its query.
    """
    if "%" in address or not address.isascii():
        address = unicodedata.normalize("NFC", unquote(address, errors="surrogateescape"))
    if "?" in address:
        address = _COUNT_IN_LINK.sub("", address).rstrip("?&;")
    return _SCHEME.sub("", address).rstrip("/")


def path_of(address: str) -> str:
    """Return a link without its host; a guid that is not an address as it is."""
    return _SCHEME.sub("", address).partition("/")[2] if "/" in address else address
