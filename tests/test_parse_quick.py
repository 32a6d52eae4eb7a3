"""`quick` and feedparser give equal results: on all documents we have, and on whatever hypothesis generates."""

from __future__ import annotations

from pathlib import Path
from unittest.mock import patch
from xml.sax.saxutils import escape, quoteattr

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.errors import ParseError
from monitor.parse import quick, xmlfeed
from monitor.parse.encoding import decode

FEEDS = sorted(
    path
    for path in (Path(__file__).parent / "data" / "feeds").iterdir()
    if path.suffix in {".xml", ".rss", ".atom", ".rdf"}
)
RSS = '<rss version="2.0" {}><channel><title>Outlet</title><link>https://o.example/</link>{}</channel></rss>'
NAMESPACES = (
    'xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:media="http://search.yahoo.com/mrss/" '
    'xmlns:content="http://purl.org/rss/1.0/modules/content/" xmlns:atom="http://www.w3.org/2005/Atom" '
    'xmlns:dcterms="http://purl.org/dc/terms/" xmlns:slash="http://purl.org/rss/1.0/modules/slash/" '
    'xmlns:itunes="http://www.itunes.com/dtds/podcast-1.0.dtd"'
)
ITEM = "<item><title>{}</title><link>https://o.example/1</link><description>{}</description></item>"


def slowly(text: str):
    with patch.object(quick, "parse", return_value=None):
        return xmlfeed.read(text, 2000)


def is_quick(text: str) -> bool:
    return quick.parse(text, 2000) is not None


@pytest.mark.parametrize("path", FEEDS, ids=lambda path: path.name)
def test_every_document_reads_alike(path):
    text = decode(path.read_bytes()).text
    if is_quick(text):
        assert xmlfeed.read(text, 2000) == slowly(text)


def test_most_documents_are_read_quickly():
    taken = [path.name for path in FEEDS if is_quick(decode(path.read_bytes()).text)]
    assert {"rss20-ordinary.xml", "atom10.xml"} & set(taken) or len(taken) >= len(FEEDS) // 3, taken


TEXT = st.text(
    st.sampled_from("abc äöß€–“”\u0085\u0092Ã¤ \t\n&<>;'\"#123/")
    | st.characters(blacklist_categories=["Cs", "Cc"]),
    max_size=30,
)
NAMES = st.sampled_from([
    "title", "link", "description", "summary", "content", "content:encoded", "guid", "id", "pubDate", "published",
    "updated", "dc:date", "dc:creator", "dc:title", "author", "managingEditor", "name", "email", "source", "category",
    "comments", "enclosure", "media:title", "media:description", "media:content", "media:group", "slash:comments",
    "atom:link", "atom:author", "dcterms:issued", "itunes:author", "itunes:summary", "image", "language", "other", "Title",
    "rights", "contributor",
])  # fmt: skip
ATTRIBUTES = st.dictionaries(
    st.sampled_from(["isPermaLink", "href", "url", "rel", "type", "xml:lang", "lang", "domain", "xml:base"]),
    st.sampled_from([
        "true", "false", "https://o.example/2", "alternate", "enclosure", "self", "text", "html", "xhtml", "text/html",
        "application/pdf", "en", "de_AT", "",
    ]),
    max_size=2,
)  # fmt: skip


@st.composite
def elements(draw, depth: int = 0) -> str:
    name, attributes = draw(NAMES), draw(ATTRIBUTES)
    within = escape(draw(TEXT))
    if draw(st.booleans()):
        within = f"<![CDATA[{draw(TEXT).replace(']]>', '')}]]>"
    if depth < 2 and draw(st.integers(0, 5)) == 0:
        within += "".join(draw(st.lists(elements(depth + 1), max_size=2)))
    written = "".join(f" {key}={quoteattr(value)}" for key, value in attributes.items())
    return f"<{name}{written}>{within}</{name}>"


@st.composite
def documents(draw) -> str:
    items = [
        f"<item>{''.join(draw(st.lists(elements(), max_size=5)))}</item>"
        for _ in range(draw(st.integers(0, 2)))
    ]
    before = "".join(draw(st.lists(elements(), max_size=2))) if draw(st.integers(0, 3)) == 0 else ""
    kind = draw(st.sampled_from(["rss", "atom"]))
    if kind == "rss":
        return RSS.format(NAMESPACES, before + "".join(items))
    entries = "".join(items).replace("item>", "entry>")
    lang = draw(st.sampled_from(["", ' xml:lang="de"', ' xml:lang="en_US"']))
    return f'<feed xmlns="http://www.w3.org/2005/Atom" {NAMESPACES}{lang}><title>Outlet</title>{before}{entries}</feed>'


@settings(max_examples=2 * settings.default.max_examples)
@given(documents())
def test_where_quick_has_an_answer_feedparser_has_the_same(text):
    answer = quick.parse(text, 2000)
    if answer is None:
        return
    try:
        expected = slowly(text)
    except ParseError:
        pytest.fail("feedparser sees no feed")
    assert xmlfeed.read(text, 2000) == expected


@pytest.mark.parametrize(
    "text",
    [
        RSS.format("", "<item><title>A &amp; B</title></item>"),
        RSS.format("", ITEM.format("Sora", "&lt;p&gt;Text&lt;/p&gt;")),
        RSS.format(NAMESPACES, ITEM.format("Sora", "<![CDATA[<p>Text</p>]]>")),
        (
            '<feed xmlns="http://www.w3.org/2005/Atom"><title>O</title><entry><id>1</id><title>T</title>'
            '<link href="https://o.example/1"/><author><name>Ann</name></author></entry></feed>'
        ),
        (
            '<rdf:RDF xmlns="http://purl.org/rss/1.0/" xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
            '<channel rdf:about="https://o.example/"><title>O</title></channel>'
            '<item rdf:about="https://o.example/1"><title>T</title></item></rdf:RDF>'
        ),
    ],
)
def test_plain_documents_are_read_quickly(text):
    assert is_quick(text)
    assert xmlfeed.read(text, 2000) == slowly(text)


@pytest.mark.parametrize(
    "text",
    [
        RSS.format("", ITEM.format("A & B", "")),
        RSS.format("", ITEM.format("A <b>B</b>", "")),
        RSS.format("", "<item><description>A</description><description>B</description></item>"),
        RSS.format('xmlns:dc="https://elsewhere.example/"', "<item><dc:creator>A</dc:creator></item>"),
        RSS.format('xml:base="https://o.example/"', ITEM.format("A", "")),
        "<!DOCTYPE rss [<!ENTITY a 'b'>]>" + RSS.format("", ITEM.format("&a;", "")),
        '<html><head><title>"Not a feed"</title></head></html>',
        "",
    ],
)
def test_other_documents_are_left_to_feedparser(text):
    assert not is_quick(text)
