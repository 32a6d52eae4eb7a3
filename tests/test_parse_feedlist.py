"""Reading and writing OPML, and the feeds that pages name."""

from __future__ import annotations

from time import monotonic

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from monitor.errors import ParseError
from monitor.parse.feedlist import Outline, discover, read_opml, write_opml
from monitor.text import clean

WORDS = st.text(max_size=12).map(clean)
TAGS = st.from_regex(r"[a-z][a-z-]{0,8}", fullmatch=True)
FEEDS = st.lists(
    st.builds(
        Outline,
        url=st.from_regex(r"https?://[a-z]{1,9}\.example/[a-z?=&]{0,9}", fullmatch=True),
        title=WORDS,
        language=st.sampled_from(["", "en", "de"]),
        tags=st.lists(TAGS, unique=True, max_size=3).map(tuple),
        own=st.dictionaries(st.sampled_from(["weight", "enabled", "family"]), WORDS.filter(bool)),
    ),
    unique_by=lambda feed: feed.url,
    max_size=5,
)


@given(FEEDS, WORDS)
def test_what_is_written_is_read_back(feeds: list[Outline], title: str) -> None:
    assert read_opml(write_opml(feeds, title=title).encode()) == tuple(feeds)


def test_folders_and_categories_become_tags() -> None:
    body = b"""<?xml version="1.0"?><opml version="1.0"><head/><body>
      <outline text="Film"><outline text="Trade"><outline text="The Reel" xmlUrl="https://reel.example/feed" category="/unions,Film"/></outline></outline>
      <outline title="Kurier" TEXT="other" XMLURL="https://kurier.example/feed?a=1&b=2" language="de-AT"/>
      <outline text="https://bare.example/" xmlUrl="https://bare.example/"/>
      <outline text="Again" xmlUrl="https://reel.example/feed"/>
      <outline text="Local" xmlUrl="file:///etc/passwd"/><outline text="Odd" xmlUrl="http://[x"/><outline text="A note"/>
    </body></opml>"""
    assert read_opml(body) == (
        Outline("https://reel.example/feed", "The Reel", tags=("Film", "Trade", "unions")),
        Outline("https://kurier.example/feed?a=1&b=2", "Kurier", "de"),
        Outline("https://bare.example/"),
        Outline("file:///etc/passwd", "Local"),
        Outline("http://[x", "Odd"),
    )


def test_folders_may_nest_without_end() -> None:
    body = (
        "<opml>"
        + '<outline text="x">' * 5_000
        + '<outline xmlUrl="http://a.example/"/>'
        + "</outline>" * 5_000
        + "</opml>"
    )
    assert read_opml(body.encode()) == (Outline("http://a.example/", tags=("x",)),)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "not an OPML list"),
        (b"<opml><body>", "not an OPML list"),
        (b"<rss/>", "not an OPML list: its root is <rss>"),
        (b'<!DOCTYPE opml [<!ENTITY a "b">]><opml>&a;</opml>', "declares XML entities"),
    ],
)
def test_a_document_that_is_not_a_list_is_reported(body: bytes, message: str) -> None:
    with pytest.raises(ParseError, match=message):
        read_opml(body)


def test_lists_of_the_wild() -> None:
    body = """<opml xmlns="http://opml.org/spec2" xmlns:x="urn:x"><body>
      <outline text="B&uuml;hne&nbsp;&amp; Film &bogus; &lt;3" xmlUrl="https://stage.example/feed?a=1&b=2"/>
      <outline text="Guild" xmlUrl="feed://guild.example/news.xml" x:language="qq"/>
      <outline text="Court" xmlUrl="FEED:https://court.example/news"/>
      <outline text="Page" htmlUrl="https://page.example/"/><outline text="Other" type="include" url="https://x.example/l.opml"/>
      <outline text="Upper" xmlUrl="HTTPS://upper.example/Feed"/></body></opml>"""
    assert read_opml(body.encode()) == (
        Outline("https://stage.example/feed?a=1&b=2", "Bühne & Film &bogus; <3"),
        Outline("http://guild.example/news.xml", "Guild", "qq"),
        Outline("https://court.example/news", "Court"),
        Outline("", "Page"),
        Outline("", "Other"),
        Outline("https://upper.example/Feed", "Upper"),
    )


@given(st.binary(max_size=200) | st.text().map(str.encode))
def test_anything_is_a_list_or_a_parse_error(body: bytes) -> None:
    try:
        found = read_opml(body)
    except ParseError:
        found = ()
    assert all(feed.url for feed in found)


PAGE = """<html><head><base href="/blog/"><link rel="stylesheet" href="x.css">
<link rel="alternate" type="application/rss+xml" href="/blog/comments/feed/">
<link rel="alternate" type="application/rss+xml; charset=utf-8" title="All" href="feed/">
<link rel="feed" href="/all.atom"><link rel="stylesheet feed" type="text/css" href="/feed.css">
<LINK REL="alternate nofollow" TYPE="application/atom+xml" HREF="https://other.example/atom.xml">
<link rel="alternate" type="application/feed+json" href="feed.json">
<link rel="alternate" hreflang="de" href="/de/"><link rel="alternate" type="application/rss+xml">
<link rel="alternate" type="application/rss+xml" href="javascript:alert(1)">
</head><body><a href="/rss.xml">RSS</a><a href="news/feed">Feed</a><a href="/feedback">No</a><a href="/?feed=rss2">No</a>
<a href="http://[bad/feed">No</a><a>none</a><a href="feed/">again</a></body>"""


def test_discover_names_declared_feeds_first_and_comments_last() -> None:
    assert discover(PAGE, "https://site.example/page") == (
        "https://site.example/blog/feed/",
        "https://site.example/all.atom",
        "https://other.example/atom.xml",
        "https://site.example/blog/feed.json",
        "https://site.example/rss.xml",
        "https://site.example/blog/news/feed",
        "https://site.example/blog/comments/feed/",
    )


@example("<![;", "")
@given(st.text(alphabet="<>link a='\"rel=href /feed![]-&;"), st.text(alphabet="htp:/[]x"))
def test_discover_takes_any_page(page: str, base: str) -> None:
    assert all(url.startswith(("http://", "https://")) for url in discover(page, base))


def test_discover_reads_no_endless_page() -> None:
    began = monotonic()
    assert discover("<a " * 2_000_000, "https://x.example/") == ()
    assert monotonic() - began < 10
