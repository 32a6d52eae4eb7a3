"""Repairing feeds' mark-up, reading their hints, and describing documents that are not feeds."""

from __future__ import annotations

from datetime import timedelta
from time import process_time

import pytest

from monitor.models import Hints
from monitor.parse.markup import Markup, describe, prepare
from monitor.parse.markup import head as head_of
from monitor.parse.xmlfeed import hints

RSS = "<rss><channel><title>T</title>{}</channel></rss>"
RDF = "<rdf:RDF xmlns:rdf='r'><channel></channel>{}</rdf:RDF>"
ATOM = "<feed>{}</feed>"


@pytest.mark.parametrize(
    ("shell", "item"),
    [(RSS, "<item>{}</item>"), (RDF, "<item>{}</item>"), (ATOM, "<entry>{}</entry>")],
)
def test_entries_over_the_cap_are_cut_off_and_the_rest_closed(shell: str, item: str) -> None:
    body = "".join(item.format(n) for n in range(4))
    kept = shell.format("".join(item.format(n) for n in range(2)))
    assert prepare(shell.format(body), 2) == Markup(kept, complete=True, left_out=2)


@pytest.mark.parametrize("element", ["pubDate", "dc:date", "updated"])
def test_over_the_cap_the_newest_are_kept_wherever_they_stand(element: str) -> None:
    items = [f"<item><t>{n}</t><{element}>2024-12-{n:02}</{element}></item>" for n in (1, 2, 3, 9, 4)]
    kept = prepare(RSS.format("".join(["<item>undated</item>", *items])), 2)
    assert kept == Markup(RSS.format("".join(items[3:])), complete=True, left_out=4)


def test_over_the_cap_numeric_dates_are_read_as_most_of_them_are() -> None:
    items = [f"<item><pubDate>{n:02}/12/2024</pubDate></item>" for n in range(1, 32)]
    assert prepare(RSS.format("".join(items)), 3).text == RSS.format("".join(items[-3:]))


@pytest.mark.parametrize("title", ["a & b", "Straße & Fluß & Maß & " + 40 * "ß"])
def test_text_after_the_root_element_is_removed(title: str) -> None:
    text = RSS.format(f"<item><title>{title}</title></item>")
    repaired = text.replace("&", "&amp;")
    for rest in ("<br />\n<b>Notice</b>", "<item>in x.php</item> " + 30 * "on line 3 "):
        assert prepare(text + rest, 9) == Markup(repaired, complete=True, left_out=0)


@pytest.mark.parametrize(
    "piece",
    ["<![CDATA[", "<category><![CDATA[", "<category><![CDATA[<category>]]>", "<media:description><![CDATA[",
     "<author>a<b/>", "<ttl> ", "<item>", "<a>", "<a", "<!--", "</a><b>"],
)  # fmt: skip
def test_hostile_mark_up_costs_linear_time(piece: str) -> None:
    """Four times the length once took sixteen times as long: 20 s for 160 KB."""

    def seconds(length: int) -> float:
        text = RSS.format("<item><description>d</description>" + piece * (length // len(piece)))
        began = process_time()
        hints(head_of(prepare(text, 2_000).text))
        return process_time() - began

    assert seconds(160_000) < 8 * max(seconds(40_000), 0.02)


def test_a_prefixed_channel_is_closed_under_its_prefix() -> None:
    text = "<x:rss xmlns:x='u'><x:channel><x:item></x:item><x:item></x:item></x:channel></x:rss>"
    assert prepare(text, 1).text == "<x:rss xmlns:x='u'><x:channel><x:item></x:item></x:channel></x:rss>"


@pytest.mark.parametrize(
    "space", ["http://www.w3.org/1999/xhtml", "http://www.itunes.com/dtds/podcast-1.0.dtd"]
)
def test_a_namespace_of_the_rss_element_is_removed(space: str) -> None:
    text = f"<rss version='2.0' xmlns:a='{space}' xmlns = '{space}' b='c>d'><channel><item xmlns='{space}'/></channel></rss>"
    assert prepare(text, 9).text == text.replace(f" xmlns = '{space}'", "")


def test_without_a_root_nothing_is_closed() -> None:
    assert prepare("<item></item><item></item>", 1).text == "<item></item>"


WHOLE = "<title>B</title><a:link href='x>y'/>"


@pytest.mark.parametrize(
    ("rest", "kept"),
    [
        ("<item><title>Half", ""),
        ("<item><title>Half</ti", ""),
        (f"<item>{WHOLE}", f"<item>{WHOLE}</item>"),
        (f"<x:Item a='1'>{WHOLE}<guid>12", f"<x:Item a='1'>{WHOLE}</x:Item>"),
        (f"<item>{WHOLE}<description><![CDATA[</description><p>", f"<item>{WHOLE}</item>"),
        (f"<item>{WHOLE}<author><name>Ann</name>", f"<item>{WHOLE}</item>"),
        (f"<item>{WHOLE}<d><br>a<p>b</D><!-- <e></e>", f"<item>{WHOLE}<d><br>a<p>b</D></item>"),
        (f"<item>{WHOLE}</item><item></p><title>", f"<item>{WHOLE}</item>"),
    ],
)
def test_an_entry_that_breaks_off_keeps_its_whole_elements(rest: str, kept: str) -> None:
    found = prepare("<rss><channel><item><title>A</title></item>" + rest, 9)
    assert found.text == f"<rss><channel><item><title>A</title></item>{kept}</channel></rss>"
    assert (found.complete, found.broken) == (False, bool(kept) and not rest.startswith(f"{kept}<"))


def test_persons_are_shortened() -> None:
    long = "a" * 100_000
    for element in (
        f"<author>{long}</author>",
        f"<dc:creator><![CDATA[{long}]]></dc:creator>",
        f"<name x='1'>{long}</name>",
    ):
        assert len(prepare(RSS.format(element), 9).text) < 1_000


def test_only_captions_beside_summaries_go() -> None:
    caption = "<media:description>C</media:description>"
    assert caption in prepare(RSS.format(f"<item>{caption}</item>"), 9).text
    assert (
        "<media:d" not in prepare(RSS.format(f"<item>{caption}<description>S</description></item>"), 9).text
    )
    long = caption.replace("C", " <![CDATA[<b>]]> ")
    assert "<media:d" not in prepare(RSS.format(f"<item>{long}<summary>S</summary></item>"), 9).text


@pytest.mark.parametrize(
    "element",
    [
        "<category>x</category>",
        "<category term='x'/>",
        "<dc:subject><![CDATA[a]]> b</dc:subject>",
        "<slash:comments>1</slash:comments>",
    ],
)
def test_elements_that_nobody_reads_are_removed(element: str) -> None:
    assert prepare(RSS.format(f"<item>{element}<title>x</title></item>"), 9).text == RSS.format(
        "<item><title>x</title></item>"
    )


@pytest.mark.parametrize(
    ("text", "repaired"),
    [
        ("R & D", "R &amp; D"),
        ("a?b=1&c=2", "a?b=1&amp;c=2"),
        ("&nbsp;&ouml;", "\u00a0ö"),
        ("&bogus;", "&amp;bogus;"),
        ("& &amp; &#8211; &#x2013;", "&amp; &amp; &#8211; &#x2013;"),
        ("& <![CDATA[a & b]]>", "&amp; <![CDATA[a & b]]>"),
    ],
)
def test_stray_ampersands_and_html_entities_are_repaired(text: str, repaired: str) -> None:
    assert prepare(RSS.format(text), 9).text == RSS.format(repaired)


def test_well_formed_mark_up_stays_as_it_is() -> None:
    text = RSS.format("<item><title>A &amp; B &#160;</title></item>")
    assert prepare(text, 9).text == text


def test_declared_entities_stay_as_they_are() -> None:
    text = '<!DOCTYPE rss [<!ENTITY x "y">]>' + RSS.format("&x; & &z;")
    assert prepare(text, 9).text == text


def test_an_undeclared_prefix_goes_and_a_declared_one_stays() -> None:
    assert (
        prepare("<rss><x:channel><x:item/></x:channel></rss>", 9).text
        == "<rss><channel><item/></channel></rss>"
    )
    declared = "<rss xmlns:x='u'><x:channel>&</x:channel></rss>"
    assert prepare(declared, 9).text == declared.replace("&", "&amp;")


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        ("", Hints()),
        ("<ttl>60</ttl>", Hints(period=timedelta(hours=1))),
        ("<ttl> 5 </ttl><sy:updatePeriod>hourly</sy:updatePeriod>", Hints(period=timedelta(hours=1))),
        ("<sy:updatePeriod>Daily</sy:updatePeriod><sy:updateFrequency>4</sy:updateFrequency>", Hints(period=timedelta(hours=6))),
        ("<sy:updatePeriod>daily</sy:updatePeriod><sy:updateFrequency>0</sy:updateFrequency>", Hints(period=timedelta(days=1))),
        ("<ttl>99999999999</ttl>", Hints(period=timedelta(days=365))),
        ("<ttl>0</ttl><ttl>-5</ttl>", Hints()),
        ("<ttl>soon</ttl><sy:updatePeriod>often</sy:updatePeriod>", Hints()),
        ("<skipHours><hour>0</hour><hour> 23 </hour><hour>24</hour></skipHours>", Hints(skip_hours=frozenset({0, 23}))),
        ("<skipDays><day>Monday</day><day>Sunday</day><day>Feast</day></skipDays>", Hints(skip_days=frozenset({0, 6}))),
        ("<item><ttl>60</ttl></item>", Hints()),
        ("<ttl>²</ttl><skipHours><hour>²</hour><hour>31</hour></skipHours>", Hints()),
        ("<sy:updatePeriod>daily</sy:updatePeriod><sy:updateFrequency>³</sy:updateFrequency>", Hints(period=timedelta(days=1))),
    ],
)  # fmt: skip
def test_hints(head: str, expected: Hints) -> None:
    assert hints(head_of(RSS.format(head))) == expected


@pytest.mark.parametrize(
    ("text", "description"),
    [
        ("", "an empty document"),
        (" \n", "an empty document"),
        ("<!DOCTYPE html><title>A &amp; B</title>", "an HTML page titled “A & B”"),
        ("<html><body>x", "an HTML page"),
        ("<html><title> </title>", "an HTML page"),
        (
            "<opml version='2.0'><head/><body/></opml>",
            "a list of feeds (OPML), which `monitor feeds import` takes",
        ),
        ("[1]", "JSON of another kind"),
        ("<note/>", "XML of another kind (<note/>)"),
        ("Too\nmany", "plain text (Too many)"),
    ],
)
def test_describe(text: str, description: str) -> None:
    assert describe(text) == description
