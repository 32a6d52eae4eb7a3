"""Documents and what must be read from them, as pairs of files in data/feeds."""

from __future__ import annotations

import json
from dataclasses import MISSING, fields
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from monitor.errors import ParseError
from monitor.models import Document, Entry, Feed, Hints
from monitor.parse import prose
from monitor.parse.reader import read

DATA = Path(__file__).parent / "data" / "feeds"
CASES = sorted(path for path in DATA.iterdir() if path.suffix != ".json")
NOW = datetime(2024, 12, 12, 12, tzinfo=UTC)
URL = "https://host.example/feeds/all.xml"


def read_case(path: Path, circumstances: dict[str, str]) -> Document:
    return read(
        path.read_bytes(),
        url=circumstances.get("url", URL),
        content_type=circumstances.get("content_type", ""),
        feed=Feed(url=URL, language=circumstances.get("language", "")),
        now=NOW,
    )


def plain(value: object) -> object:
    """Return a value as the expectations write it: as JSON, without default values."""
    match value:
        case Document() | Entry() | Hints():
            pairs = [(field, getattr(value, field.name)) for field in fields(value)]
            return {
                field.name: plain(part)
                for field, part in pairs
                if part != (field.default if field.default is not MISSING else None)
                and field.name not in {"feed", "first_seen"}
            }
        case datetime():
            return "now" if value == NOW else value.isoformat()
        case timedelta():
            return value.total_seconds()
        case frozenset():
            return sorted(value)
        case tuple():
            return [plain(part) for part in value]
    return value


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_each_sample_document_gives_what_stands_beside_it(path: Path) -> None:
    expected = json.loads(path.with_suffix(".json").read_text("utf-8"))
    circumstances = expected.pop("given", {})
    try:
        found = plain(read_case(path, circumstances))
    except ParseError as error:
        found = {"error": str(error)}
    assert found == expected


def test_every_case_is_expected_and_every_expectation_has_a_case() -> None:
    assert {path.stem for path in CASES} == {path.stem for path in DATA.glob("*.json")}


def rss(*items: str) -> bytes:
    entries = "".join(f"<item>{item}</item>" for item in items)
    return f'<rss version="2.0"><channel><title>T</title>{entries}</channel></rss>'.encode()


def entries(body: bytes, **given: Any) -> tuple[Entry, ...]:
    return read(body, url=URL, feed=Feed(url=URL), now=NOW, **given).entries


def test_entries_over_the_cap_are_left_out_and_noted() -> None:
    body = rss(*(f"<title>{n}</title><link>https://x.example/{n}</link>" for n in range(5)))
    document = read(body, url=URL, feed=Feed(url=URL), now=NOW, max_entries=2)
    assert [entry.title for entry in document.entries] == ["0", "1"]
    assert document.note == document.losses == "3 older entries over the limit left out"
    assert document.complete


def test_entries_of_json_over_the_cap_are_left_out_and_noted() -> None:
    items = ",".join(f'{{"id":"{n}","title":"{n}"}}' for n in range(5))
    document = read(f'{{"items":[{items}]}}'.encode(), url=URL, feed=Feed(url=URL), now=NOW, max_entries=2)
    assert [entry.title for entry in document.entries] == ["0", "1"]
    assert document.note == "3 older entries over the limit left out"


def test_texts_are_capped() -> None:
    text = "Wort " * 20_000
    (entry,) = entries(
        rss(f"<title>{text}</title><description>{text}</description><guid>{'g' * 5000}</guid>")
    )
    assert len(entry.title) <= 300
    assert len(entry.summary) <= 2_000
    assert 19_000 < len(entry.content) <= 20_000
    assert len(entry.guid) < 500


def test_a_body_that_might_be_a_path_is_not_opened() -> None:
    with pytest.raises(ParseError, match="not a feed: plain text"):
        entries(__file__.encode())


def test_a_guid_that_is_not_a_web_address_is_not_a_link() -> None:
    (entry,) = entries(rss("<title>x</title><guid>file:///etc/passwd</guid>"))
    assert entry.url == ""


@pytest.mark.parametrize(
    ("fault", "seen"), [(ValueError, ParseError), (RecursionError, ParseError), (MemoryError, MemoryError)]
)
def test_whatever_breaks_the_parser_is_a_parse_error_except_a_lack_of_memory(
    monkeypatch: pytest.MonkeyPatch, fault: type[Exception], seen: type[Exception]
) -> None:
    def broken(*_: object, **__: Any) -> None:
        raise fault

    monkeypatch.setattr("feedparser.parse", broken)
    with pytest.raises(seen):
        entries(rss("<title>x & not well-formed</title>"))


def test_only_the_feeds_own_front_page_is_refused_as_guid() -> None:
    body = (
        '<feed xmlns="http://www.w3.org/2005/Atom"><title>T</title><link href="https://list.example/"/>'
        "<entry><id>https://list.example/</id><title>a</title></entry>"
        "<entry><id>https://new.example/</id><title>b</title></entry></feed>"
    )
    own, foreign = entries(body.encode())
    assert own.guid != "https://list.example/"
    assert foreign.guid == "https://new.example/"


def test_the_same_document_gives_the_same_entries() -> None:
    body = (DATA / "no-guids.xml").read_bytes()
    later = read(body, url=URL, feed=Feed(url=URL), now=NOW + timedelta(days=9))
    assert [entry.guid for entry in entries(body)] == [entry.guid for entry in later.entries]


PIECES = st.sampled_from(
    ['<rss version="2.0">', "<rss", "<channel>", "</channel>", "</rss>", "<item>", "</item>", '<feed xmlns="http://www.w3.org/2005/Atom">\n    ', "</feed>", "<entry>", "</entry>", "<title>", "</title>", '<title type="xhtml">', "<link>", '<link href="//[x"/>', "</link>", "<guid>", "</guid>\n    ", "<pubDate>Mon, 99 Foo 0000 99:99:99 +9999", "</pubDate>", "<![CDATA[", "]]>", '<!DOCTYPE x [<!ENTITY a "b">]>', "&a;", "&#0;", "&#xD800;\n    ", '<content type="application/octet-stream" mode="base64">', "</content>", "<x:channel>", '<source url="x">', "</source>", "{", "}", "[", "]\n    ", '"items":', '"id":', "1e999", "null", ",", '"', "<author>", "</author>", "a@b.c (x)", "\x00", "\ud7ff", "é", "\ufeff", "<media:description>", "http://x/", "<ttl>9\n    ", "<dc:date>", "</dc:date>", "<html>", "<div>", "<content:encoded>", "--><!--", '<?xml version="1.0" encoding="utf-7"?>']
)  # fmt: skip


@given(st.lists(PIECES, max_size=25).map("".join).map(str.encode) | st.binary(max_size=200))
def test_anything_is_a_document_or_a_parse_error(body: bytes) -> None:
    try:
        document = read(body, url=URL, feed=Feed(url=URL), now=NOW)
    except ParseError:
        return
    assert len({entry.guid for entry in document.entries}) == len(document.entries)
    for entry in document.entries:
        assert entry.guid
        assert entry.published.utcoffset() == timedelta(0)
        assert entry.published <= NOW + timedelta(hours=1)
        assert not entry.url or entry.url.startswith(("http://", "https://"))
        assert "\n" not in entry.title


@given(st.integers(0, 2_000), st.sampled_from(CASES))
@example(485, next(path for path in CASES if path.stem == "repeated-entry"))
def test_a_document_may_break_off_anywhere(place: int, path: Path) -> None:
    body = path.read_bytes()
    try:
        document = read(body[: min(place, len(body) - 1)], url=URL, feed=Feed(url=URL), now=NOW)
    except ParseError:
        return
    assert not document.entries or document.complete or "breaks off" in document.note
    # One more: a repeated entry is not recognised if the second is cut off before its link.
    assert len(document.entries) <= len(read(body, url=URL, feed=Feed(url=URL), now=NOW).entries) + 1


@pytest.mark.parametrize("none", ["(no title)", "Untitled", "[Ohne Titel]"])
def test_where_there_is_no_title_the_text_begins_with_one(none: str) -> None:
    told, bare, one = entries(
        rss(
            f"<title>{none}</title><guid>1</guid><description>Actors leave the set. A second.</description>",
            f"<title>{none}</title><guid>2</guid>",
            "<title>Untitled Goose Game</title><guid>3</guid><description>New.</description>",
        )
    )
    assert (told.title, bare.title) == ("Actors leave the set. A second.", none)
    assert (one.title, one.summary) == ("Untitled Goose Game", "New.")


@pytest.mark.parametrize(
    ("written", "title"),
    [
        ("&#xD83D;&#xDE00; &#55357;&#56832;", "😀 😀"),
        ("a&#xD83D; b&#xDE00; &#xDE00;&#xD83D;", "a b"),
        ("&#x110000;a&#9999999;", "a"),
        ("&#x10FFFD;&#44032;&#55203;", "\U0010fffd가힣"),
    ],
)
@pytest.mark.parametrize("other", ["", "<x:y/>"], ids=["quick", "feedparser"])
def test_a_reference_that_xml_forbids_does_not_lose_the_feed(written: str, title: str, other: str) -> None:
    (entry,) = entries(rss(f"<title>{written}</title><guid>1</guid>{other}"))
    assert entry.title == title


def test_numbers_in_json_are_as_they_are_written() -> None:
    one, other = entries(
        b'{"items":[{"id":%b,"title":"x","date_published":1733738400},{"id":"https://x.example/a-b-c-d","title":"y"}]}'
        % (b"9" * 5000)
    )
    assert (len(one.guid), one.published, one.dated) == (
        32,
        datetime(2024, 12, 9, 10, tzinfo=UTC),
        "publisher",
    )
    assert other.url == other.guid


def test_bare_line_ends_and_tabs_in_json_cost_nothing() -> None:
    body = b'{"items":[{"title":"a"},{"title":"b","content_text":"one\n\ttwo"},{"title":"c"}]}'
    document = read(body, url="https://x.example/feed", feed=Feed(url="https://x.example/feed"), now=NOW)
    assert ([one.title for one in document.entries], document.complete) == (["a", "b", "c"], True)


def test_a_comma_too_many_in_json_costs_nothing() -> None:
    body = rb'{"items":[{"title":"a","url":"https://x.example/1",},{"title":"b,] \",}",},],}'
    assert [one.title for one in entries(body)] == ["a", 'b,] ",}']
    assert entries(rb'{"items":[{"title":"a",},{"title":"b,') != ()
    with pytest.raises(ParseError):  # at once, not comma by comma
        entries(b'{"items":[1' + b"," * 100_000 + b"]}")


@pytest.mark.parametrize("items", ["", ', "items": null'])
def test_a_json_feed_without_items_is_an_empty_one(items: str) -> None:
    assert entries(f'{{"version": "https://jsonfeed.org/version/1.1"{items}}}'.encode()) == ()
    with pytest.raises(ParseError):
        entries(f'{{"version": "3"{items}}}'.encode())


def test_what_an_entry_says_of_other_pages_is_not_its_own() -> None:
    other = "<title>Other</title><link>https://x.example/2</link><item><title>y</title></item>"
    (entry,) = entries(
        rss(
            f"<title>x</title><link>https://x.example/1</link><relatedArticles><related>{other}</related></relatedArticles>"
        )
    )
    assert (entry.title, entry.url) == ("x", "https://x.example/1")
    # Without an end it could be everything that follows.
    whole = "<title>a</title><related>b</related></item><item>"
    found = entries(rss(f"{whole}<title>x</title><link>https://x.example/1</link><related>{other}"))
    assert [one.title for one in found][:2] == ["a", "x"]
    assert len(found) > 2
    assert len({one.title for one in found}) == len(found)


def test_an_entry_leads_to_its_content_where_that_lies_elsewhere() -> None:
    body = "<feed xmlns='http://www.w3.org/2005/Atom'><title>F</title><entry><id>a</id><title>x</title><content type='text/html' src='https://x.example/1'/></entry></feed>"
    (entry,) = entries(body.encode())
    assert entry.url == "https://x.example/1"


def test_json_nested_too_deeply_or_with_fields_of_any_type() -> None:
    with pytest.raises(ParseError, match="nested too deeply"):
        entries(b'{"items":' + b"[" * 200_000)
    (entry,) = entries(b'{"items":[{"id":true,"title":1.5,"authors":"x","author":["y"],"summary":{}}]}')
    assert (entry.title, entry.author, entry.summary) == ("1.5", "", "")


def test_a_relative_link_leads_to_the_site_and_not_to_where_the_feed_is_kept() -> None:
    body = "<rss><channel><link>https://site.example/news/</link><item><title>x</title><link>/a</link></item></channel></rss>"
    (entry,) = entries(body.encode())
    assert entry.url == "https://site.example/a"


@pytest.mark.parametrize(
    ("item", "link"),
    [
        ("<guid>12345</guid>", ""),
        ("<guid>/2024/12/x</guid>", "https://host.example/2024/12/x"),
        ("<link>http://https://x.example/1</link>", "https://x.example/1"),
        ("<link>&lt;![CDATA[ https://x.example/1 ]]&gt;</link>", "https://x.example/1"),
        ("<link>host.example/1</link>", "https://host.example/1"),
        ("<link>&lt;https://x.example/1&gt;</link>", "https://x.example/1"),
        ("<link>https:\\\\x.example\\1</link>", "https://x.example/1"),
        ("<link>https://x.example/1</link><related><link>https://x.example/2</link></related>", "https://x.example/1"),
        ("<guid isPermaLink='false'>https://x.example/?p=1</guid>", "https://x.example/?p=1"),
        ("<link>https://x.example/1.pdf</link>", "https://x.example/1.pdf"),
        ("<link> www.x.example/1 </link>", "https://www.x.example/1"),
        ("<enclosure url='https://x.example/1.mp3' type='audio/mpeg'/>", "https://x.example/1.mp3"),
        ("<atom:link xmlns:atom='http://www.w3.org/2005/Atom' rel='alternate' type='application/pdf' href='https://x.example/2.pdf'/>", "https://x.example/2.pdf"),
    ],
)  # fmt: skip
def test_where_an_entry_leads(item: str, link: str) -> None:
    (entry,) = entries(rss(f"<title>x</title>{item}"))
    assert entry.url == link


def cited(
    *items: tuple[str, str, str], feed: str = URL, home: str = "https://blog.example/"
) -> list[tuple[str, str]]:
    """Read items, each of a link, a source and its address; return `outlet` and `citing` of each."""
    made = "".join(
        f'<item><title>{link}</title><link>{link}</link><source url="{address}">{source}</source></item>'
        for link, source, address in items
    )
    body = f"<rss><channel><title>Blog</title><link>{home}</link>{made}</channel></rss>"
    document = read(body.encode(), url=feed, feed=Feed(url=feed), now=NOW)
    return [(entry.outlet, entry.citing) for entry in document.entries]


def test_an_outlet_is_believed_where_the_link_leads_to_it() -> None:
    reuters = ("https://www.reuters.com/1", "Reuters", "https://feeds.reuters.com/all")
    bbc = ("https://www.bbc.co.uk/1", "BBC", "")
    assert cited(reuters, bbc) == [("Reuters", ""), ("BBC", "")]
    google = (
        ("https://news.google.com/a", "Reuters", "https://www.reuters.com"),
        ("https://news.google.com/b", "BBC", "https://www.bbc.com"),
    )
    assert cited(*google, feed="https://news.google.com/rss", home="https://news.google.com/") == [
        ("Reuters", ""),
        ("BBC", ""),
    ]


def test_a_feed_that_links_to_itself_only_cites() -> None:
    own = ("https://blog.example/1", "Reuters", "https://www.reuters.com")
    assert cited(own) == [("", "Reuters")]
    both = [("https://evil.example/1", "Reuters", ""), ("https://evil.example/2", "BBC", "")]
    assert cited(*both) == [("", "Reuters"), ("", "BBC")]
    assert cited(("https://evil.example/1", "Reuters", "https://www.reuters.com")) == [("", "Reuters")]
    assert cited(("https://news.google.com/a", "Reuters", ""), ("https://news.google.com/b", "BBC", "")) == [
        ("", "Reuters"),
        ("", "BBC"),
    ]


def test_a_bug_in_one_entry_costs_that_entry_and_says_where(monkeypatch: pytest.MonkeyPatch) -> None:
    title = prose.title

    def broken(raw: str) -> str:
        if raw == "poison":
            raise KeyError(raw)
        return title(raw)

    monkeypatch.setattr(prose, "title", broken)
    body = rss("<title>a</title>", "<title>poison</title>", "<title>b</title>")
    document = read(body, url=URL, feed=Feed(url=URL, language="en"), now=NOW)
    assert [entry.title for entry in document.entries] == ["a", "b"]
    assert document.faults.startswith(
        "1 entries could not be read (internal error: KeyError at test_parse_reader.py:"
    )


def test_placeholders_are_not_taken_for_guids() -> None:
    for guid in ("N/A", "none", "0", "-", "undefined"):
        (entry,) = entries(
            rss(f"<title>x</title><guid isPermaLink='false'>{guid}</guid><link>https://x.example/1</link>")
        )
        assert entry.guid == "https://x.example/1"


def test_entries_that_share_a_guid_are_kept_apart_by_what_they_are_and_not_by_their_place() -> None:
    posts = [f"<title>Post {n}</title><guid>g</guid><link>https://x.example/live</link>" for n in range(3)]
    first, second = entries(rss(*posts[:2])), entries(rss(posts[2], *posts[:2]))
    assert {entry.guid for entry in first} < {entry.guid for entry in second}
