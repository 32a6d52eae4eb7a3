"""Decide which stored entry, if any, each entry of a new document is. Pure.

Takes the entries of a document and the stored ones that may be meant (`Known`), and gives the stored entry
for each guid of the document. `changes` then tells new entries from edited ones.

No single identifier of an entry is reliable. Feeds draw a new guid at each request, give one guid to all
their entries or use an old one again, link all entries to one page ("today's briefing"), move to https, and
edit titles and dates. So entries are compared by pairs of identifiers before single ones, and a pair that
agrees by chance can be overruled by what else is known of the two. When in doubt, an entry counts as new: one
that is reported twice is a nuisance, but one that is taken for an edit of another is lost, and so is the
other.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace
from datetime import timedelta
from operator import attrgetter
from typing import TYPE_CHECKING, Final

from monitor.parse.identifiers import (
    Identifiers,
    fingerprint,
    guid_of,
    made_up_guid,
    may_be_midnight,
    own_guid,
    path_of,
    publisher_date,
    without_scheme,
)
from monitor.parse.numbers import article_number
from monitor.text import alike, fold
from monitor.url import SLUG, is_of_one

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Mapping, Sequence

    from monitor.models import Entry, Known

# Two dates at least this far apart lie on two days; it is less than 24 hours because a daily item does not
# appear at exactly the same time every day.
_DAY: Final = timedelta(hours=20)
# A title of at most this many words may belong to a column, such as "News in brief", which may appear several
# times a day.
_GENERIC_WORDS: Final = 4
_PAUSE: Final = timedelta(hours=4)
# For this long after its first date, a change under an unchanged link is an article that is being rewritten;
# on a page that serves many articles it is the next one after that.
_EDITED: Final = timedelta(hours=1)
# The largest difference between two time zones: a midnight in one may be written as a midnight in another.
_ZONES: Final = timedelta(hours=14)
# For this long, an article that keeps the publisher's guid and link is the same one, even if its title
# changes.
_REUSED: Final = timedelta(days=14)
_NOTHING: Final = ("", None)
# When more matches than this have a new date, the site has dated its articles anew; it is no "page of the
# day".
_PAGES: Final = 2

_NUMBER: Final = re.compile(r"(?<!\d)\d{1,3}$")
# Guids of pages whose content is replaced every day.
_OF_A_PAGE: Final = re.compile(r"latest|newest|current|now|today|daily|weekly|heute|aktuell", re.IGNORECASE)
# Part of a link that is drawn, not written: letters of both cases and digits without a break.
_DRAWN: Final = re.compile(r"(?=\w*\d)(?=\w*[A-Z])(?=\w*[a-z])\w{8}")
_ENDING: Final = re.compile(r"(?:/+index)?(?:\.[a-z]{3,5})?/*$")
# A day, week or issue number in a path; other numbers may be the id of a visit.
_ISSUE: Final = re.compile(r"(?<![^\W_])(?:w|kw)?(?:\d{1,4}|(?:19|20)\d{4}(?:\d\d)?)(?![^\W_])")


def is_generic_title(title: str) -> bool:
    """Return True for a title that many entries may share, as that of a column."""
    return len(title.split()) <= _GENERIC_WORDS


def _all(*names: str) -> Callable[[Identifiers], Hashable]:
    read = attrgetter(*names)
    return lambda one: found if all(found := read(one)) else None


def _is_another_entry(entry: Entry, known: Known) -> bool:
    """Return True when an entry shares identifiers with a known one but is another article."""
    if alike(entry.title, known.title):
        return _is_next_of_column(entry, known)
    dated = entry.dated == known.dated == "publisher"
    apart = abs(entry.published - known.published) if dated else None
    guids = {own_guid(entry), own_guid(known)} - {""}
    if not entry.url or without_scheme(entry.url) != without_scheme(known.url):
        longest = timedelta(0) if entry.url and known.url else _DAY
    # One link with two guids of the publisher's own and two titles is "today's briefing", a new entry each
    # day. But if the date is the same, it is an article whose guid is made of its title.
    elif len(guids) > 1:
        return not (apart == timedelta(0) and is_of_one(entry.url) and not may_be_midnight(entry))
    elif guids and own_guid(entry) == own_guid(known):
        longest = _REUSED if is_of_one(next(iter(guids))) else _DAY
    else:
        longest = _DAY if is_of_one(entry.url) else _EDITED
    return apart > longest if apart is not None else longest < _DAY


def _is_next_of_column(entry: Entry, known: Known) -> bool:
    """Return True for another text under the title of a column, if it has another guid of its own too.

    A title of more words counts as a column's only when the dates lie on two days: "What the week has
    brought".
    """
    dated = entry.dated == known.dated == "publisher"
    another_day = dated and abs(entry.published - known.published) >= _DAY
    is_column = is_generic_title(entry.title) or another_day
    if not is_column or fingerprint(replace(entry, url=known.url)) == known.fingerprint:
        return False
    guids = {path_of(own_guid(entry)), path_of(own_guid(known))}  # since a site may move
    instants = {publisher_date(entry), publisher_date(known)}
    if path_of(without_scheme(entry.url)) == path_of(without_scheme(known.url)):
        redated = len(instants) > 1 or None in instants
        return len(guids - {""}) > 1 and redated and not is_of_one(entry.url)
    return "" not in {entry.url, known.url} and (
        len(guids - {""}) > 1 or (guids == {""} and may_be_midnight(entry))
    )


def _is_not_a_copy(entry: Entry, known: Known) -> bool:
    """Return False for the exact text of a known entry whose guid, date or query is drawn anew each time."""
    dates = {publisher_date(entry), publisher_date(known)} - {None}
    if len(dates) > 1 and entry.url:
        return True
    return fingerprint(replace(entry, url=known.url)) != known.fingerprint


def _slug(one: Identifiers) -> Hashable:
    """Return an entry's title with the last part of its path, if that names an article; None otherwise.

    Paths change when a site is reorganised, while this part usually stays.
    """
    slug = _ENDING.sub("", path_of(one.page)).rpartition("/")[2]
    return (one.title, slug) if one.title and SLUG.search(slug) else None


def _is_not_moved(entry: Entry, known: Known) -> bool:
    """Return False for the exact text of a known entry under another path, unless that is another issue's."""
    (here, asked), (there, answered) = (path_of(one.url).partition("?")[::2] for one in (entry, known))
    numbers, others = set(_ISSUE.findall(here)), set(_ISSUE.findall(there))
    if numbers - others and others - numbers:
        return True
    if asked == answered and entry.dated == known.dated and abs(entry.published - known.published) <= _ZONES:
        entry = replace(entry, published=known.published)
    return _is_not_a_copy(entry, known)


def _is_next_issue(entry: Entry, known: Known) -> bool:
    """Return True for another text on another day under an unchanged title: a daily page's next issue."""
    dated = entry.dated == known.dated == "publisher"
    guid = own_guid(entry)
    of_one = is_of_one(entry.url) or bool(guid and not _OF_A_PAGE.fullmatch(guid))
    pause = _PAUSE if is_generic_title(entry.title) else _DAY
    another_day = dated and entry.published - known.published >= pause
    return another_day and not of_one and fingerprint(replace(entry, url=known.url)) != known.fingerprint


def _is_another_article(entry: Entry, known: Known) -> bool:
    """Return False for a known article under another headline, whose number is in the path of both links.

    Posts of a live page share that page's number and differ after it, so they are other articles. Two
    sections of one site may both use the number; then the instant must be the same too.
    """
    (here, *place), (there, *other) = (
        re.split("[?;#]", without_scheme(one.url), maxsplit=1) for one in (entry, known)
    )
    if here.rpartition("/")[0] != there.rpartition("/")[0] and publisher_date(entry) != publisher_date(known):
        return True
    return here == there or place != other or abs(entry.published - known.published) > _REUSED


def _is_not_an_edit(entry: Entry, known: Known) -> bool:
    """Return False for a headline that was edited together with its link and guid.

    Other numbers in the title make it another part of a series.
    """
    unlike = may_be_midnight(entry) or not alike(entry.title, known.title)
    if unlike or _is_next_of_column(entry, known):
        return True
    return set(re.findall(r"\d+", entry.title)) != set(re.findall(r"\d+", known.title))


def _is_not_a_half(entry: Entry, known: Known) -> bool:
    """Return False when one of the two was stored from a document that broke off after its title."""
    soon = abs(entry.first_seen - known.first_seen) < _REUSED
    return not soon or made_up_guid(entry.title, "") not in {entry.guid, known.guid}


def _is_not_redrawn(entry: Entry, known: Known) -> bool:
    """Return False for the exact text of a known entry from the same day, whose link is a token drawn anew.

    Google News gives an article another guid, link and hour now and then, which was reported again each time.
    It lists an agency's text once for each outlet that prints it, under one headline.
    """
    links = [path_of(without_scheme(one.url)).partition("?")[0] for one in (entry, known)]
    (place, token), (other, before) = ((link.rpartition("/")[0], _ends_in_token(link)) for link in links)
    apart = abs(entry.published - known.published)
    if (place, entry.outlet) != (other, known.outlet) or not (token and before):
        return True
    if is_generic_title(entry.title) or apart >= _DAY:
        return True
    return fingerprint(replace(entry, url=known.url)) != known.fingerprint


def _ends_in_token(link: str) -> bool:
    # Part by part: one pattern searched for at the end of a link took cubic time, 21 s for 2,400 letters.
    *_, end = re.split(r"[^\w-]", link)
    return any(map(_DRAWN.match, end.split("-")))


# From the most reliable identifiers to the least: a strong match comes before a weak one can go wrong.
# Each with the test that tells two entries apart although these agree.
_KEYS: Final[tuple[tuple[Callable[[Identifiers], Hashable], Callable[[Entry, Known], bool]], ...]] = (
    (_all("guid", "link", "title"), _is_another_entry),
    (_all("guid", "link"), _is_another_entry),
    (_all("link", "title"), _is_another_entry),
    (_all("guid", "title"), _is_another_entry),
    (_all("title", "instant"), _is_another_entry),
    (_all("title", "path"), _is_another_entry),
    (attrgetter("guid"), _is_another_entry),
    (attrgetter("link"), _is_another_entry),
    (lambda one: article_number(one.page, one.title), _is_another_article),
    (attrgetter("instant"), _is_not_an_edit),
    (_all("title", "page"), _is_not_a_copy),
    (_slug, _is_not_moved),
    (_all("title"), _is_not_a_half),
    (_all("title"), _is_not_redrawn),
)


def matches(document: Sequence[Entry], home: str, known: Sequence[Known]) -> dict[str, Known]:
    """Return the known entry for each guid of the document that has one; no known entry is used twice.

    `home` is the feed's own site: a link to its front page identifies no entry.
    """
    if not known:
        return {}
    entries = [(entry, Identifiers.of(entry, home)) for entry in document]
    stored = [(one, Identifiers.of(one, home)) for one in sorted(known, key=lambda one: one.first_seen)]
    settled = {(ids.guid, ids.title) for _, ids in stored}
    moved = {ids.title for _, ids in entries if (ids.guid, ids.title) not in settled} - {""}
    titles = {title for _, title in settled}
    places = _are_places(document, {ids.guid: ids.title for _, ids in stored})
    found: dict[str, Known] = {}
    taken: set[int] = set()

    def is_of_its_place(match: Known, entry: Entry) -> bool:
        # Some guids only say where an entry stands in the list. Then an undated entry without a link of its
        # own was not edited if its old or new title also appears under another guid, or if the titles have
        # nothing in common.
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
    # If one or two entries are all that was recognised, and each may be the next issue of a daily page, they
    # are new. Beside other entries that are as they were, an entry with a new date was edited.
    here = {entry.guid: entry for entry, _ in entries}
    if len(found) <= _PAGES and all(_is_next_issue(here[guid], match) for guid, match in found.items()):
        return {}
    return found


def _are_places(document: Sequence[Entry], titles: Mapping[str, str]) -> bool:
    """Return whether the guids of undated entries say where they stand in the list, and not which they are.

    This is so when the guids count the entries, or when none of several titles resembles the one that its
    guid had before.
    """
    undated = [entry for entry in document if entry.dated != "publisher"]
    numbers = [int(match[0]) for entry in undated if (match := _NUMBER.search(entry.guid))]
    if undated and any(numbers == list(range(first, first + len(undated))) for first in (0, 1)):
        return True
    pairs = [(entry.title, titles[guid]) for entry in undated if (guid := guid_of(entry)) in titles]
    return len(pairs) > 1 and not any(alike(*pair) for pair in pairs)


def _unique(
    entries: Sequence[tuple[Entry, Identifiers]], key_of: Callable[[Identifiers], Hashable]
) -> dict[Hashable, Entry]:
    """Return the entries by their keys, leaving out empty keys and those that several entries share."""
    keys = [key_of(ids) for _, ids in entries]
    counts = Counter(keys)
    return {
        key: entry
        for key, (entry, _) in zip(keys, entries, strict=True)
        if key not in _NOTHING and counts[key] == 1
    }


def _newest(
    known: Sequence[tuple[Known, Identifiers]], key_of: Callable[[Identifiers], Hashable]
) -> dict[Hashable, Known]:
    """Return the known entries by their keys, leaving out empty ones.

    Of several entries with one key the last one seen counts; of several that were seen at once, none.
    """
    first: dict[Hashable, Known] = {}
    equals: set[Hashable] = set()
    for one, ids in known:
        key = key_of(ids)
        before = first.get(key)
        if before and before.first_seen == one.first_seen:
            equals.add(key)
        else:
            equals.discard(key)
        first[key] = one
    return {key: one for key, one in first.items() if key not in _NOTHING and key not in equals}
