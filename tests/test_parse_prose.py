"""Making plain text of titles and summaries, and detecting its language."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.parse import prose
from monitor.parse.prose import detect, primary
from monitor.text import clean

SENTENCE = "This sentence is about the strike of actors. "


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        ("Film &amp; Art", "Film & Art"),
        ("Film &amp;amp; Art", "Film & Art"),
        ("&lt;b&gt;Bold&lt;/b&gt; claim", "Bold claim"),
        ("<![CDATA[<b>Bold</b> &amp; claim]]>", "Bold & claim"),
        ("&lt;![CDATA[Bold claim]]&gt;", "Bold claim"),
        ("<i>Really</i> so", "Really so"),
        ("List<String> in x < y", "List<String> in x < y"),
        ("AT&T, R&D", "AT&T, R&D"),
        ("grÃ¼n", "grün"),
        ("  two\n lines ", "two lines"),
        ("<section>Walk out.</section>", "Walk out."),
        ("<figure><figcaption>A line</figcaption></figure>Text", "A line Text"),
        ('<time datetime="x">Today</time> <video src="a"></video>there', "Today there"),
        ("<!-- wp:paragraph -->Text<!-- /wp:paragraph -->", "Text"),
        ("<o:p>Text</o:p> <amp-img src='x'></amp-img>here", "Text here"),
        ("<!--[if gte mso 9]>x<![endif]-->Text <?php x ?>here", "Text here"),
        (f'<img src="data:image/png;base64,{"iVBORw0K" * 40_000}==">Text here', "Text here"),
        ("Text here <!-- more", "Text here"),
        ('Text here <a href="https://x.example/a-long', "Text here"),
        ("x <y = 3", "x <y = 3"),
    ],
)
def test_plain(raw: str, text: str) -> None:
    assert prose.plain(raw) == text


@given(st.text())
def test_plain_is_clean(raw: str) -> None:
    assert clean(prose.plain(raw)) == prose.plain(raw)


@pytest.mark.parametrize(
    ("outlet", "title", "without"),
    [
        ("The Lantern", "Deal - or none - The Lantern", "Deal - or none"),
        ("the lantern", "Deal - The Lantern", "Deal"),
        ("Other", "Deal - The Lantern", "Deal - The Lantern"),
        ("", "Deal - ", "Deal - "),
        ("The Lantern", " - The Lantern", " - The Lantern"),
        ("The Lantern", "The Lantern", "The Lantern"),
    ],
)
def test_title_without(outlet: str, title: str, without: str) -> None:
    assert prose.title_without(outlet, title) == without


@pytest.mark.parametrize(
    ("summary", "content", "heading", "expected"),
    [
        ("Short.", "", "H", ("Short.", "")),
        ("Short.", "<p>Long text.</p>", "H", ("Short.", "Long text.")),
        ("Same.", "Same.", "H", ("Same.", "")),
        ("<p>Same.</p>", "Same.", "H", ("Same.", "")),
        ("", "One. Two.", "H", ("One. Two.", "")),
        ("Heading.", "", "Heading", ("", "")),
        ("heading", "Text.", "Heading", ("", "Text.")),
        ("", "Heading: Text.", "Heading", ("Text.", "Heading: Text.")),
        ("", "", "H", ("", "")),
    ],
)
def test_summary_and_content(summary: str, content: str, heading: str, expected: tuple[str, str]) -> None:
    assert prose.body(summary, content, heading, "") == expected


def test_a_summary_that_is_the_whole_text_becomes_the_content() -> None:
    text = (SENTENCE * 40).strip()
    summary, content = prose.body(text, "", "H", "")
    assert content == text
    assert len(summary) <= 500
    assert summary.endswith("actors.")


@pytest.mark.parametrize(
    ("summary", "outlet", "expected"),
    [
        ("Heading The Lantern Another heading", "The Lantern", ""),
        ("Heading - The Lantern", "The Lantern", ""),
        ("Heading The Lantern tells more", "", "Heading The Lantern tells more"),
        ("Heading goes on", "The Lantern", "Heading goes on"),
    ],
)
def test_an_aggregators_list_of_headings_is_no_summary(summary: str, outlet: str, expected: str) -> None:
    assert prose.body(summary, "", "Heading", outlet)[0] == expected


@pytest.mark.parametrize(
    "tail",
    [
        "The post Heading appeared first on Blog.",
        "The post Heading first appeared on Blog.",
        "Der Beitrag Heading erschien zuerst auf Blog.",
        "L’article Heading est apparu en premier sur Blog.",
        "L'articolo Heading sembra essere il primo su Blog.",
        "© 2024 The Lantern. All rights reserved. For personal use only.",
        "© 2026 All rights reserved. For personal use only.",
        "Score: 121 Comments: 154 By: zebra",
        "Score: 772 Comments: 565 By: sora Discussion: https://news.ycombinator.com/item?id=47508246",
        "Continue reading",
        "Continue reading →",
        "Continue reading “Heading”",
        "Read more...",
        "Read the full story at The Lantern",
        "Read more of this story at Slashdot.",
        "Weiterlesen …",
        "Den ganzen Artikel lesen",
        "[mehr]",
        "submitted by /u/somebody to r/film [link] [comments]",
        "Article URL: https://x.example/ Comments URL: https://y.example/ Points: 5 # Comments: 3",
        "Continue reading The post Heading appeared first on Blog.",
    ],
)
def test_boilerplate_is_removed(tail: str) -> None:
    assert prose.without_boilerplate(f"Actors vote. {tail}") == "Actors vote."


@pytest.mark.parametrize(
    "text",
    [
        "Readers continue reading novels.",
        "The post office appeared closed.",
        "© 2024 is no summary",
        "Score: 3 Comments: none",
        "They read more books",
        "Mehr lesen macht klug.",
    ],
)
def test_what_only_looks_like_boilerplate_stays(text: str) -> None:
    assert prose.without_boilerplate(text) == text


def test_an_ellipsis_in_brackets_is_one_without() -> None:
    assert prose.without_boilerplate("Actors vote [...]") == "Actors vote …"
    assert prose.without_boilerplate("[link] [comments]") == ""


def test_beginning_ends_with_a_sentence_when_it_can() -> None:
    assert prose.beginning("One. Two is longer. Three.", 22) == "One. Two is longer."
    assert prose.beginning("No end in sight for this text", 15) == "No end in …"
    assert prose.beginning("Short", 15) == "Short"


@pytest.mark.parametrize(
    ("tag", "subtag"),
    [("en-US", "en"), ("de_AT", "de"), ("DE", "de"), (" fr ", "fr"), ("German", "de"), ("deu", "de"), ("", ""), ("x", ""), ("klingonisch", ""), ("en us", "")],
)  # fmt: skip
def test_primary(tag: str, subtag: str) -> None:
    assert primary(tag) == subtag


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("The union of actors has signed an agreement about digital replicas", "en"),
        ("Die Gewerkschaft der Schauspieler hat einen Vertrag über Kopien unterschrieben", "de"),
        ("OK", ""),
        ("12345 67890 !!! 12345 67890", ""),
        ("", ""),
    ],
)
def test_detect(text: str, language: str) -> None:
    assert detect(text) == language


@given(st.from_regex(prose._TAIL))
def test_a_tail_is_looked_for_wherever_there_is_one(text: str) -> None:
    assert prose._has_tail(text.rstrip("\n"))
