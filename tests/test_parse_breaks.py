"""Documents that break off at any byte and are complete later: each entry is reported once, and none is lost."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.errors import ParseError
from monitor.models import Entry, Feed, FeedState, Known
from monitor.parse.changes import compare
from monitor.parse.identifiers import fingerprint
from monitor.parse.reader import read

URL = "https://host.example/feeds/all.xml"
NOW = datetime(2024, 12, 12, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
NUMBERS = (1, 2, 3)
TITLES = {
    1: "Actors sue over a video",
    2: "Judges read the “Sora” & contract",
    3: "Studios licence three voices",
}


def rss(*elements: str) -> bytes:
    """Return a document whose entries have these elements, in this order."""
    items = "".join(
        f"<item>{''.join(elements).format(n=n, title=f'<![CDATA[{TITLES[n]}]]>')}</item>\n" for n in NUMBERS
    )
    return f'<rss version="2.0"><channel><title>T</title><link>https://host.example/</link>{items}</channel></rss>'.encode()


def atom() -> bytes:
    entries = "".join(
        f'<entry><id>urn:{n}</id><title type="text">{TITLES[n].replace("&", "&amp;")}</title>'
        f'<link href="https://host.example/{n}"/><author><name>A</name></author>'
        f"<updated>2024-12-12T0{n}:00:00Z</updated><summary>The text, all of it.</summary></entry>"
        for n in NUMBERS
    )
    return f'<feed xmlns="http://www.w3.org/2005/Atom"><title>T</title>{entries}</feed>'.encode()


def json_feed(indent: int | None = None) -> bytes:
    items = [
        {"id": n, "url": f"/{n}", "title": TITLES[n], "date_published": f"2024-12-12T0{n}:00:00Z",
         "content_text": 'The text, {all} of "it".', "tags": [{"a": n}]}
        for n in NUMBERS
    ]  # fmt: skip
    page = {"title": "T", "home_page_url": "https://other.example/", "items": items, "next_url": "x"}
    return json.dumps(page, indent=indent, ensure_ascii=False).encode()


TITLE, LINK, GUID = (
    "<title>{title}</title>",
    "<link>https://host.example/a/{n}</link>",
    "<guid isPermaLink='false'>guid-{n}</guid>",
)
DATE = "<pubDate>Thu, 12 Dec 2024 0{n}:00:00 GMT</pubDate>"
TEXT = "<description><![CDATA[<p>The text,<br>all of it.</p>]]></description>"
DOCUMENTS = {
    "rss": rss(TITLE, LINK, GUID, DATE, TEXT),
    "guid-last": rss(TITLE, TEXT, LINK, DATE, GUID),
    "text-first": rss(TEXT, TITLE, DATE, LINK),
    "undated": rss(TITLE, TEXT, LINK),
    "no-link": rss(TITLE, DATE, GUID),
    "title-alone": rss(TITLE, TEXT),
    "one-guid": rss("<guid>same</guid>", TITLE, LINK, DATE),
    "one-link": rss(TITLE, "<link>https://host.example/today-in-brief-and-more</link>", GUID, DATE),
    "atom": atom(),
    "json": json_feed(),
    "json-indented": json_feed(2),
}


class Follower:
    """Reads what a feed serves as the pipeline does, and remembers what was reported."""

    def __init__(self) -> None:
        self.known: dict[str, Known] = {}
        self.texts: dict[str, Entry] = {}
        self.told: Counter[str] = Counter()
        self.state = FeedState(url=URL)
        self.now = NOW

    def poll(self, body: bytes, *, awaits_rest: bool = True) -> None:
        self.now += HOUR
        try:
            document = read(body, url=URL, feed=Feed(url=URL), now=self.now)
        except ParseError:
            return
        changes = compare(
            document,
            tuple(self.known.values()),
            followed_since=NOW,
            listed_since=NOW,
            backlog=timedelta(days=2),
            now=self.now,
            awaits_rest=awaits_rest,
        )
        for one in changes.new:
            self._know(replace(one, id=len(self.known) + 1))
            self.told[one.title] += 1
        for one in changes.changed:
            assert len(one.summary) >= len(self.texts[one.guid].summary), "a text is overwritten by less"
            self._know(one)

    def _know(self, one: Entry) -> None:
        self.texts[one.guid] = one
        self.known[one.guid] = Known(
            id=one.id, guid=one.guid, url=one.url, title=one.title, fingerprint=fingerprint(one),
            published=one.published, dated=one.dated, first_seen=one.first_seen,
        )  # fmt: skip


ONCE = Counter(TITLES.values())
name = st.sampled_from(sorted(DOCUMENTS))


@given(name, st.lists(st.integers(0, 2_000), min_size=1, max_size=3))
def test_an_entry_that_breaks_off_and_comes_again_complete_is_reported_once(
    name: str, places: list[int]
) -> None:
    whole, feed = DOCUMENTS[name], Follower()
    for place in places:
        feed.poll(whole[: min(place, len(whole) - 1)])
        assert feed.told <= ONCE
    feed.poll(whole)
    assert feed.told == ONCE


@given(name, st.integers(0, 2_000))
def test_an_entry_that_never_comes_complete_is_reported_in_the_end_and_once(name: str, place: int) -> None:
    """Also when it is complete after that; and known entries keep their text."""
    whole, feed = DOCUMENTS[name], Follower()
    cut = whole[: min(place, len(whole) - 1)]
    feed.poll(cut, awaits_rest=False)
    feed.poll(cut, awaits_rest=False)
    assert feed.told <= ONCE
    feed.poll(whole)
    feed.poll(cut, awaits_rest=False)
    assert feed.told == ONCE


@pytest.mark.parametrize("name", ["rss", "atom", "json", "json-indented", "title-alone"])
def test_all_complete_entries_of_a_document_that_breaks_off_can_be_taken(name: str) -> None:
    cut = DOCUMENTS[name][: DOCUMENTS[name].rindex(b"The text")]
    document = read(cut, url=URL, feed=Feed(url=URL), now=NOW)
    assert [one.title for one in document.entries] == [TITLES[1], TITLES[2]]
    assert document.broken is not None
    assert (document.broken.title, document.broken.summary) == (TITLES[3], "")


@pytest.mark.parametrize("name", ["rss", "atom", "json"])
def test_nothing_is_taken_of_an_incomplete_entry_over_the_limit(name: str) -> None:
    cut = DOCUMENTS[name][: DOCUMENTS[name].rindex(b"The text")]
    document = read(cut, url=URL, feed=Feed(url=URL), now=NOW, max_entries=1)
    assert (len(document.entries), document.broken) == (1, None)


def test_half_a_number_is_not_read_as_a_number() -> None:
    body = b'{"items": [{"title": "a"}, {"title": 19'
    assert read(body, url=URL, feed=Feed(url=URL), now=NOW).broken is None
    whole = read(body + b'84, "url": "', url=URL, feed=Feed(url=URL), now=NOW).broken
    assert whole is not None
    assert whole.title == "1984"
