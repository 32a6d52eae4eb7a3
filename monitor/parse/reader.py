"""Read one feed document: bytes in, a `Document` of plain, dated, identified entries out. Pure."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final, NamedTuple

from monitor.errors import place_of
from monitor.models import Document, Entry
from monitor.parse import dates, jsonfeed, prose, xmlfeed
from monitor.parse.encoding import decode
from monitor.parse.identifiers import digest_of, is_home, made_up_guid
from monitor.parse.prose import detect, primary
from monitor.parse.settings import MAX_ENTRIES
from monitor.text import clean, counted, fold, shorten
from monitor.url import canonical_url, host_of, site_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import datetime

    from monitor.models import Feed
    from monitor.parse.raw import RawEntry, RawFeed

_MAX_GUID: Final = 500
_MAX_AUTHOR: Final = 200
_HEADING: Final = 100
# What WordPress, Tumblr and others write where an author gave no title.
_UNTITLED: Final = re.compile(
    r"[(\[]?(?:no title|untitled|ohne titel|kein titel|sans titre|sin t[ií]tulo|senza titolo)[)\]]?",
    re.IGNORECASE,
)
# This many titles are enough to tell the language of a document.
_TITLES: Final = 50
# What programs write when they have no guid.
_NO_GUID: Final = re.compile(
    r"n/?a|none|null|nil|nan|undefined|unknown|not available|no guid|guid|id|true|false|tba|[\W_0]*",
    re.IGNORECASE,
)
_DOUBLED: Final = re.compile(r"(?:<!\[CDATA\[\s*|https?:/*(?=https?://))+", re.IGNORECASE)
# Aggregators whose feeds link to pages of their own. What they say of an entry's outlet is believed.
_SYNDICATORS: Final = frozenset(
    {"google.com", "bing.com", "msn.com", "yahoo.com", "apple.news", "flipboard.com"}
)

FORMATS: Final[tuple[tuple[Callable[[str], bool], Callable[[str, int], RawFeed]], ...]] = (
    (lambda text: text.startswith("{"), jsonfeed.read),
    (lambda _: True, xmlfeed.read),
)
"""The reader of each format, preceded by the test whether it can read a text; the first that can reads it."""


def read(
    body: bytes,
    *,
    url: str,
    content_type: str = "",
    feed: Feed,
    now: datetime,
    max_entries: int = MAX_ENTRIES,
) -> Document:
    """Return the feed document in `body`, which came from `url`.

    RSS 0.9x, 1.0 and 2.0, Atom 0.3 and 1.0 and JSON Feed, well formed or not, whatever encoding and content
    type they declare. An empty channel is a document without entries; what is not a feed raises ParseError.
    Entries over `max_entries` are left out, the oldest first, and so are those that cannot be read; the
    document's `note` says so. Undated entries are dated `now`.
    """
    text, note = decode(body, content_type)
    read_raw = next(read_raw for is_it, read_raw in FORMATS if is_it(text))
    raw = read_raw(text, max_entries)
    context = _Context(raw, feed, url, now)
    entries, faults = context.entries(raw.entries)
    # A half without its title could not be recognised later.
    broken = context.entries([raw.broken] if raw.broken and raw.broken.title else []).entries
    # Its guid is made of its title, whatever guid it has: a better one may have been cut off.
    halves = [replace(half, guid=made_up_guid(half.title, "")) for half in broken]
    distinct = _distinct([*entries, *halves])
    whole = len(_distinct(entries)) if halves else len(distinct)
    older = counted(raw.left_out, "older entry", "older entries")
    losses = f"{older} over the limit left out" if raw.left_out else ""
    unread = f"{len(faults)} entries could not be read ({faults[0]})" if faults else ""
    odd = ("" if raw.complete else "breaks off before its end", "" if raw.entries else "holds no entries")
    return Document(
        title=prose.title(raw.title),
        language=primary(raw.language),
        link=context.home,
        entries=distinct[:whole],
        hints=raw.hints,
        complete=raw.complete,
        broken=next(iter(distinct[whole:]), None),
        note="; ".join(filter(None, (note, losses, unread, *odd))),
        losses=losses,
        faults=unread,
    )


class _Read(NamedTuple):
    """What reading a list of items gave."""

    entries: list[Entry]
    faults: list[str]
    """For each entry that could not be read because of a bug of ours, the place of the bug."""


@dataclass(slots=True)
class _Context:
    """What the entries of one document have in common."""

    raw: RawFeed
    feed: Feed
    url: str
    now: datetime
    home: str = field(init=False)
    """The website of the feed, "" if unknown. Relative links are resolved against it."""
    host: str = field(init=False)
    title: str = field(init=False)
    language: str = field(init=False)
    """What the user says it is, else what the document says."""
    detected: str = ""
    """If neither says anything: the language of most of the titles."""
    day_first: bool = field(init=False)
    """Whether numeric dates have the day before the month."""
    cited: dict[str, set[str]] = field(init=False)
    """By site, the outlets that are named for links to it."""

    def __post_init__(self) -> None:
        self.home = canonical_url(self.raw.link, self.url) if self.raw.link else ""
        self.host = host_of(self.home)
        self.title = prose.title(self.raw.title)
        self.language = primary(self.feed.language) or primary(self.raw.language)
        if not self.language:
            self.detected = detect(". ".join(prose.title(item.title) for item in self.raw.entries[:_TITLES]))
        tag = self.feed.language or self.raw.language or self.detected
        stated = (text for item in self.raw.entries for text in (item.published, item.updated))
        self.day_first = dates.day_first(stated, tag, self.now)
        self.cited = defaultdict(set)
        for item in self.raw.entries:
            if item.source:
                self.cited[site_of(self._link(item))].add(fold(prose.title(item.source)))

    def entries(self, items: Iterable[RawEntry]) -> _Read:
        """Read the items that have any content."""
        entries, faults = list[Entry](), list[str]()
        for item in items:
            try:
                entries += [self.entry(item)] if item.has_content else []
            except Exception as bug:  # noqa: BLE001 - a bug of ours in one entry must not cost the others
                faults.append(place_of(bug))
        return _Read(entries, faults)

    def entry(self, item: RawEntry) -> Entry:
        link = self._link(item)
        outlet = prose.title(item.source)
        outlet = "" if outlet == self.title else outlet
        stated_title = prose.title_without(outlet, prose.title(item.title))
        title = "" if _UNTITLED.fullmatch(stated_title) else stated_title
        summary, content = prose.body(item.summary, item.content, title, outlet)
        title = title or prose.beginning(summary or content, _HEADING) or stated_title
        stated = (item.published, item.updated)
        published, dated = dates.judge(stated, self.now, day_first=self.day_first)
        updated = dates.parse(item.updated, day_first=self.day_first)
        theirs = bool(outlet) and self._published_by(item, link)
        return Entry(
            feed=self.feed.url,
            guid=self._guid(item, link, title),
            url=link,
            title=title,
            summary=summary,
            content=content,
            author=shorten(prose.plain(item.author), _MAX_AUTHOR),
            language=primary(item.language)
            or self.language
            or detect(f"{title}. {summary}")
            or self.detected,
            outlet=outlet if theirs else "",
            citing="" if theirs else outlet,
            published=published,
            dated=dated,
            updated=updated if updated and published < updated <= self.now + dates.TOLERANCE else None,
            first_seen=self.now,
        )

    def _link(self, item: RawEntry) -> str:
        """Return an entry's link; a relative one is resolved against the site, not the feed's own address."""
        link = _DOUBLED.sub("", item.link.strip().removesuffix("]]>")).strip(' <>"')
        if link[:4].lower() == "http":
            link = link.replace("\\", "/")  # as browsers do
        host, _, place = link.partition("/")
        forgotten = bool(place) and host.lower() in {self.host, host_of(self.url)} - {""}
        if link[:4].lower() == "www." or forgotten:  # its scheme was left out
            link = f"//{link}"
        return canonical_url(link, self.home or self.url) if link else ""

    def _published_by(self, item: RawEntry, link: str) -> bool:
        """Return whether the outlet that an entry names published it, which its link must confirm.

        A feed that links to itself only cites the outlets it names, and so does one that names several
        outlets for links to one site. If it were believed, it could pass for any number of independent
        sources.
        """
        site = site_of(link)
        own = {site_of(self.feed.url), site_of(self.url), site_of(self.home)}
        if own & _SYNDICATORS:
            return True
        if not site or site in own or len(self.cited[site]) > 1:
            return False
        return not item.source_url or site_of(item.source_url) in {site, ""}

    def _guid(self, item: RawEntry, link: str, title: str) -> str:
        """Return the publisher's guid, else the link, else one made up. The feed's own front page is neither.

        The front page of another site is a guid all the same: aggregators report new sites.
        """
        guid = clean(item.guid)
        foreign = self.home and host_of(guid) != self.host
        if not _NO_GUID.fullmatch(guid) and (foreign or not is_home(guid, self.home)):
            return guid if len(guid) <= _MAX_GUID else digest_of(guid)
        if link and not is_home(link, self.home):
            return link
        return made_up_guid(title, clean(item.published or item.updated))


def _distinct(entries: list[Entry]) -> tuple[Entry, ...]:
    """Return the entries without repeats; link, title and date make a guid unique that several share."""
    entries = list({(one.guid, one.url, *_known_by(one)): one for one in reversed(entries)}.values())[::-1]
    for added in (_link_beside_guid, _title_and_date):
        shared = Counter(entry.guid for entry in entries)
        entries = [
            replace(entry, guid=f"{entry.guid} {added(entry)}".strip()) if shared[entry.guid] > 1 else entry
            for entry in entries
        ]
    return tuple({entry.guid: entry for entry in reversed(entries)}.values())[::-1]


def _link_beside_guid(entry: Entry) -> str:
    return "" if entry.url == entry.guid else entry.url


def _title_and_date(entry: Entry) -> str:
    return made_up_guid(entry.title, _known_by(entry)[1])


def _known_by(entry: Entry) -> tuple[str, str]:
    """Return what an entry without guid and link is recognised by: its title and its publisher's date."""
    return fold(entry.title), entry.published.isoformat() if entry.dated == "publisher" else ""
