"""Which known entry an entry of a document is: one entry stays one entry. Pure.

No single mark of an entry can be relied on: feeds draw guids anew at each request, give one to all entries or
use an old one again, give all entries one link ("today's briefing"), move to https, edit titles and dates. So
an entry is looked for by pairs of marks before single ones, and what is found by fewer marks than speak
against it is another entry. When in doubt it is another: an entry told twice is a nuisance, one taken for an
edit of an old one is lost, and so is the old one.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections import Counter
from dataclasses import replace
from datetime import timedelta
from operator import attrgetter
from typing import TYPE_CHECKING, Final, NamedTuple
from urllib.parse import unquote, urlsplit

from monitor.parse.numbers import article_number
from monitor.text import alike, fold, one_line
from monitor.url import SLUG, is_of_one

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
    from datetime import datetime

    from monitor.models import Document, Entry, Known

# From so far apart on, two dates are of two days: what appears daily does not do so to the hour.
_DAY: Final = timedelta(hours=20)
# A title of so few words is a column's: "News in brief", and may come several times a day.
_LITTLE: Final = 4
_PAUSE: Final = timedelta(hours=4)
# So soon after its first date an article is rewritten; a page that serves many has its next then.
_EDITED: Final = timedelta(hours=1)
# The farthest that two zones are apart: a midnight of here may be written as one of there.
_ZONES: Final = timedelta(hours=14)
# A publisher's guid and link together serve one article for so long, whatever happens to its title.
_REUSED: Final = timedelta(days=14)
_NOTHING: Final = ("", None)
# More pages than this are no "page of the day", but a site that dates its articles anew.
_PAGES: Final = 2

_SCHEME: Final = re.compile(r"https?://(?:www\.)?", re.IGNORECASE)
_NUMBER: Final = re.compile(r"(?<!\d)\d{1,3}$")
# Editions for countries and languages: a site may link to another of them at each request.
_EDITION: Final = re.compile(r"(?<=/)[a-z]{2}(?:[-_][a-z]{2})?/", re.IGNORECASE)
# What titles and links count is another number at each request. Singular, `?comment=7` is which one it is.
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
# Guids of a page that has something else each day.
_OF_A_PAGE: Final = re.compile(r"latest|newest|current|now|today|daily|weekly|heute|aktuell", re.IGNORECASE)
_AGAIN: Final = re.compile(r" ~\d+$")
_ENDING: Final = re.compile(r"(?:/+index)?(?:\.[a-z]{3,5})?/*$")
# A day, week or issue in a path; other numbers may be those of a visit.
_ISSUE: Final = re.compile(r"(?<![^\W_])(?:w|kw)?(?:\d{1,4}|(?:19|20)\d{4}(?:\d\d)?)(?![^\W_])")


def fingerprint(entry: Entry) -> str:
    """Return a hash of an entry's title, summary, content and link that white space does not change."""
    return digest_of("\0".join(map(one_line, (entry.title, entry.summary, entry.content, entry.url))))


def made_up(title: str, date: str) -> str:
    """Return the guid of an entry that has neither one nor a link, without a date that of half an entry."""
    return digest_of(f"{fold(title)}\n{date}")


def digest_of(text: str) -> str:
    """Return a short hash of a text."""
    return hashlib.blake2b(text.encode("utf-8", "replace"), digest_size=16).hexdigest()


def says_little(title: str) -> bool:
    """Return True for a title that many entries may have: a column's."""
    return len(title.split()) <= _LITTLE


def spellings(document: Document) -> tuple[set[str], set[str]]:
    """Return the guids and the links of a document's entries as they may have been stored."""
    entries = (*document.entries, *filter(None, [document.broken]))
    return _spellings(entry.guid for entry in entries), _spellings(entry.url for entry in entries)


def _spellings(addresses: Iterable[str]) -> set[str]:
    """Return addresses in all forms: sites move between http, https, www and slashes."""
    found = set(addresses)
    for address in tuple(found):
        bare, moved = _SCHEME.subn("", address)
        if moved:
            ends = {bare.rstrip("/"), f"{bare.rstrip('/')}/"}
            starts = ("http://", "https://", "http://www.", "https://www.")
            found |= {start + end for start in starts for end in ends}
    return found


class _Marks(NamedTuple):
    """What an entry may be known by, as it is compared: a known feed has hundreds of entries."""

    guid: str
    link: str
    title: str
    instant: datetime | None
    path: str
    """The link without its host: a site may move."""
    page: str
    """The link without its query, which may hold the number of a visit; no link is one page."""

    @classmethod
    def of(cls, one: Entry | Known, home: str) -> _Marks:
        title, guid, bare = fold(one.title), _guid(one), _bare(one.url)
        if counts := [match[1] for match in _COUNT.finditer(title)]:
            title = _COUNT.sub("", title).strip()
            guid, bare = (_without_counts(address, filter(None, counts)) for address in (guid, bare))
        nowhere = not bare or is_home(one.url, home)
        return cls(
            guid=guid,
            link="" if nowhere else bare,
            title=title,
            instant=_instant(one),
            path="" if nowhere else _EDITION.sub("", f"/{_place(bare)}"),
            page=re.split("[?;#]", bare, maxsplit=1)[0] or "-",
        )


def _without_counts(address: str, counts: Iterable[str]) -> str:
    """Return an address without the parameters that hold one of the counts in its entry's title."""
    numbers = "|".join(counts) or "0"
    return re.sub(rf"(?<=[?&;])[\w-]+=(?:{numbers})(?=[&#;]|$)", "", address).rstrip("?&;")


def _all(*names: str) -> Callable[[_Marks], Hashable]:
    marks = attrgetter(*names)
    return lambda one: found if all(found := marks(one)) else None


def _another(entry: Entry, known: Known) -> bool:
    """Return True when an entry has another title than a known one, and its guid or link served before."""
    if alike(entry.title, known.title):
        return _is_next_of_column(entry, known)
    dated = entry.dated == known.dated == "publisher"
    apart = abs(entry.published - known.published) if dated else None
    guids = {_own_guid(entry), _own_guid(known)} - {""}
    if not entry.url or _bare(entry.url) != _bare(known.url):
        longest = timedelta(0) if entry.url and known.url else _DAY
    # One link under two guids of the publisher's own and two titles is "today's briefing": a new entry each
    # day. Not so where an article keeps its date: a guid made of the title changes with it.
    elif len(guids) > 1:
        return not (apart == timedelta(0) and is_of_one(entry.url) and not _is_day(entry))
    elif guids and _own_guid(entry) == _own_guid(known):
        longest = _REUSED if is_of_one(next(iter(guids))) else _DAY
    else:
        longest = _DAY if is_of_one(entry.url) else _EDITED
    return apart > longest if apart is not None else longest < _DAY


def _is_next_of_column(entry: Entry, known: Known) -> bool:
    """Return True for another text under a title that says little, which has another guid of its own too.

    Under a longer title only on another day: "What the week has brought".
    """
    dated = entry.dated == known.dated == "publisher"
    another_day = dated and abs(entry.published - known.published) >= _DAY
    is_column = says_little(entry.title) or another_day
    if not is_column or fingerprint(replace(entry, url=known.url)) == known.fingerprint:
        return False
    guids = {_place(_own_guid(entry)), _place(_own_guid(known))}  # a site may move
    instants = {_instant(entry), _instant(known)}
    if _place(_bare(entry.url)) == _place(_bare(known.url)):
        redated = len(instants) > 1 or None in instants
        return len(guids - {""}) > 1 and redated and not is_of_one(entry.url)
    return "" not in {entry.url, known.url} and (len(guids - {""}) > 1 or (guids == {""} and _is_day(entry)))


def _is_no_copy(entry: Entry, known: Known) -> bool:
    """Return False for the very text of a known entry whose guid, date or query are drawn anew each time."""
    dates = {_instant(entry), _instant(known)} - {None}
    if len(dates) > 1 and entry.url:
        return True
    return fingerprint(replace(entry, url=known.url)) != known.fingerprint


def _slug(one: _Marks) -> Hashable:
    """Return an entry's title with the last part of its path, where that is an article's: paths move too."""
    slug = _ENDING.sub("", _place(one.page)).rpartition("/")[2]
    return (one.title, slug) if one.title and SLUG.search(slug) else None


def _is_no_move(entry: Entry, known: Known) -> bool:
    """Return False for the very text of a known entry under another path, if not one of another issue."""
    (here, asked), (there, answered) = (_place(one.url).partition("?")[::2] for one in (entry, known))
    numbers, others = set(_ISSUE.findall(here)), set(_ISSUE.findall(there))
    if numbers - others and others - numbers:
        return True
    if asked == answered and entry.dated == known.dated and abs(entry.published - known.published) <= _ZONES:
        entry = replace(entry, published=known.published)
    return _is_no_copy(entry, known)


def _is_next_issue(entry: Entry, known: Known) -> bool:
    """Return True for another text and day on a page under one title: today's is not yesterday's, edited."""
    dated = entry.dated == known.dated == "publisher"
    guid = _own_guid(entry)
    of_one = is_of_one(entry.url) or bool(guid and not _OF_A_PAGE.fullmatch(guid))
    pause = _PAUSE if says_little(entry.title) else _DAY
    another_day = dated and entry.published - known.published >= pause
    return another_day and not of_one and fingerprint(replace(entry, url=known.url)) != known.fingerprint


def _is_another_article(entry: Entry, known: Known) -> bool:
    """Return False for the number of a known article under another headline, which stands in the path alone.

    Posts of a live page have that page's number, and differ behind it. Two sections of one site may both
    count: there the instant must be the same.
    """
    (here, *place), (there, *other) = (
        re.split("[?;#]", _bare(one.url), maxsplit=1) for one in (entry, known)
    )
    if here.rpartition("/")[0] != there.rpartition("/")[0] and _instant(entry) != _instant(known):
        return True
    return here == there or place != other or abs(entry.published - known.published) > _REUSED


def _is_no_edit(entry: Entry, known: Known) -> bool:
    """Return False for a headline that was edited with its link and guid; another number is another part."""
    unlike = _is_day(entry) or not alike(entry.title, known.title)
    if unlike or _is_next_of_column(entry, known):
        return True
    return set(re.findall(r"\d+", entry.title)) != set(re.findall(r"\d+", known.title))


def _is_no_half(entry: Entry, known: Known) -> bool:
    """Return False where a document broke off behind the title of one of them, and it was taken as it was."""
    soon = abs(entry.first_seen - known.first_seen) < _REUSED
    return not soon or made_up(entry.title, "") not in {entry.guid, known.guid}


# From the surest marks to the weakest: what a weak one would join, a strong one has settled before. Each with
# what may say that the two are different entries all the same.
_KEYS: Final[tuple[tuple[Callable[[_Marks], Hashable], Callable[[Entry, Known], bool]], ...]] = (
    (_all("guid", "link", "title"), _another),
    (_all("guid", "link"), _another),
    (_all("link", "title"), _another),
    (_all("guid", "title"), _another),
    (_all("title", "instant"), _another),
    (_all("title", "path"), _another),
    (attrgetter("guid"), _another),
    (attrgetter("link"), _another),
    (lambda one: article_number(one.page, one.title), _is_another_article),
    (attrgetter("instant"), _is_no_edit),
    (_all("title", "page"), _is_no_copy),
    (_slug, _is_no_move),
    (_all("title"), _is_no_half),
)


def matches(document: Sequence[Entry], home: str, known: Sequence[Known]) -> dict[str, Known]:
    """Return the known entries by the guids that the document gives them; no known entry serves twice."""
    if not known:
        return {}
    entries = [(entry, _Marks.of(entry, home)) for entry in document]
    stored = [(one, _Marks.of(one, home)) for one in sorted(known, key=lambda one: one.first_seen)]
    settled = {(marks.guid, marks.title) for _, marks in stored}
    moved = {marks.title for _, marks in entries if (marks.guid, marks.title) not in settled} - {""}
    titles = {title for _, title in settled}
    places = _are_places(document, {marks.guid: marks.title for _, marks in stored})
    found: dict[str, Known] = {}
    taken: set[int] = set()

    def is_of_its_place(match: Known, entry: Entry) -> bool:
        # Guids may be places in the list: without a date or a link of its own, a title that stands or stood
        # under another guid was not edited, nor one that is all new where that is what guids are.
        old, new = fold(match.title), fold(entry.title)
        if entry.dated == "publisher" or old == new or (is_of_one(entry.url) and entry.url == match.url):
            return False
        return old in moved or new in titles or (places and not alike(old, new))

    for key_of, differ in _KEYS:
        if len(found) == len(entries) or len(taken) == len(stored):
            break
        candidates = _newest(stored, key_of)
        for key, entry in _unique(entries, key_of).items():
            match = candidates.get(key)
            if not match or entry.guid in found or match.id in taken:
                continue
            if not differ(entry, match) and not is_of_its_place(match, entry):
                found[entry.guid] = match
                taken.add(match.id)
    # Where all else stands as it did, one that is dated anew has been edited.
    here = {entry.guid: entry for entry, _ in entries}
    if len(found) <= _PAGES and all(_is_next_issue(here[guid], match) for guid, match in found.items()):
        return {}
    return found


def _are_places(document: Sequence[Entry], titles: Mapping[str, str]) -> bool:
    """Return whether guids say where undated entries stand in a list, and not which they are.

    So they do where they count it, or where none of several has a title like that which its guid had.
    """
    undated = [entry for entry in document if entry.dated != "publisher"]
    numbers = [int(match[0]) for entry in undated if (match := _NUMBER.search(entry.guid))]
    if undated and any(numbers == list(range(first, first + len(undated))) for first in (0, 1)):
        return True
    pairs = [(entry.title, titles[guid]) for entry in undated if (guid := _guid(entry)) in titles]
    return len(pairs) > 1 and not any(alike(*pair) for pair in pairs)


def is_home(url: str, home: str) -> bool:
    """Return True for a link to a front page: some feeds give it to all their entries."""
    if url != home and url.rstrip("/?#").count("/") > 2:  # noqa: PLR2004 - the two before the host
        return False  # as most are: to look closer takes ten times as long
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    front = parts.path in {"", "/"} and not parts.query and not parts.fragment
    return bool(parts.netloc) and (url == home or front)


def _guid(one: Entry | Known) -> str:
    return _bare(_AGAIN.sub("", one.guid))


def _own_guid(one: Entry | Known) -> str:
    """Return a guid that says more than the link does, since it is not made of it; else ""."""
    guid = _guid(one)
    made_of_link = bool(one.url) and guid.partition("#")[0].startswith(_bare(one.url).partition("#")[0])
    return "" if made_of_link else guid


def _instant(one: Entry | Known) -> datetime | None:
    """Return the publisher's date; one that we made up says when we first looked."""
    return one.published if one.dated == "publisher" else None


def _is_day(entry: Entry) -> bool:
    """Return True for a date that is midnight in some zone, as searches for news have it (08:00 GMT)."""
    at = entry.published
    return entry.dated == "publisher" and at.minute % 30 == at.second == at.microsecond == 0


def _bare(address: str) -> str:
    """Return a link or guid without what changes when a site moves to https, to www or away from it.

    Nor does it matter how it writes what is not ASCII, or what it counts.
    """
    if "%" in address or not address.isascii():
        address = unicodedata.normalize("NFC", unquote(address, errors="surrogateescape"))
    if "?" in address:
        address = _COUNT_IN_LINK.sub("", address).rstrip("?&;")
    return _SCHEME.sub("", address).rstrip("/")


def _place(address: str) -> str:
    return _SCHEME.sub("", address).partition("/")[2] if "/" in address else address


def _unique(
    entries: Sequence[tuple[Entry, _Marks]], key_of: Callable[[_Marks], Hashable]
) -> dict[Hashable, Entry]:
    """Return the entries by those of their keys that are not empty and only theirs."""
    keys = [key_of(marks) for _, marks in entries]
    counts = Counter(keys)
    return {
        key: entry
        for key, (entry, _) in zip(keys, entries, strict=True)
        if key not in _NOTHING and counts[key] == 1
    }


def _newest(
    known: Sequence[tuple[Known, _Marks]], key_of: Callable[[_Marks], Hashable]
) -> dict[Hashable, Known]:
    """Return the known entries by their keys: of several, one after the other, the last; of equals, none."""
    first: dict[Hashable, Known] = {}
    equals: set[Hashable] = set()
    for one, marks in known:
        key = key_of(marks)
        before = first.get(key)
        if before and before.first_seen == one.first_seen:
            equals.add(key)
        else:
            equals.discard(key)
        first[key] = one
    return {key: one for key, one in first.items() if key not in _NOTHING and key not in equals}
