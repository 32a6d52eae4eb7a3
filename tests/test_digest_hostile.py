"""Whatever a feed contains is shown as text, in valid documents, and nothing in it ever becomes active."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from monitor import languages
from monitor.digest import atom, render_all, summarise
from monitor.digest.markdown import escape
from monitor.digest.safe import line
from monitor.models import digest_from_json as from_json
from monitor.models import digest_to_json as to_json

DATA = Path(__file__).parent / "data" / "digests"
PLAIN = json.loads((DATA / "en.json").read_text("utf-8"))
ENGLISH = languages.load("en")
FREE = {
    "title",
    "summary",
    "summary_outlet",
    "outlet",
    "url",
    "feed",
    "language",
    "why",
    "last_error",
    "note",
    "first_title",
    "kind",
    "parties",
}
ATTACKS = (
    "AA",  # a language too, so that titles are marked as being in it
    "<script>alert(1)</script><img src=x onerror=alert(1)>",
    "\"><svg onload=alert(1)>' onmouseover='x",
    "[x](javascript:alert(1)) ![i](https://e.example/p.png) <https://e.example> https://e.example www.e.example",
    "\n# Heading\n\n- item\n\n```\ncode\n```\n\n| a | b |\n|--|--|\n\n[ref]: https://e.example\n---\n",
    "]]></content></entry><entry>&#60;b&gt; &copy; &\x00\x0b\ufffe\ud800\u2028\u202e",
    "{{ 7 * 7 }} {% raw %} --><!-- <!--[if mso]> </style></title><style>*{}",
    "https://e.example/?a=1&copy;=2&lt;(x)[y]'z'\"w\"",
    "- 1) a\t+ b = c ~~d~~ ^e^ $f$ :smile: a@b.example **g** _h_ `i` \\ \\* !",
)
MARKDOWN = MarkdownIt("commonmark").enable(["table", "strikethrough"])
ALLOWED = {
    "a", "b", "bdi", "body", "div", "h1", "h2", "h3", "h4", "head", "html", "meta", "p", "span", "style", "table",
    "tbody", "td", "th", "title", "tr",
}  # fmt: skip
ATTRIBUTES = {
    "align", "bgcolor", "border", "aria-label", "aria-roledescription", "cellpadding", "cellspacing", "charset", "class", "content",
    "dir", "height", "href", "http-equiv", "id", "lang", "name", "role", "scope", "style", "width",
}  # fmt: skip
HREF = re.compile(r"(https?://[!-~]+|#story-\d+|stories/s\d+\.html)")


def poisoned(text):
    """Return the sample digest with every text replaced that a feed or a server can choose."""

    def swap(value, key=""):
        if isinstance(value, dict):
            return {name: swap(inner, name) for name, inner in value.items()}
        if isinstance(value, list):
            return [swap(inner, key) for inner in value]
        replaced = key in FREE or key in {"gaps", "related", "failed_deliveries", "labels"}
        return text if replaced and isinstance(value, str) else value

    plain = swap(PLAIN)
    plain["labels"] = [[slug, text] for slug, _ in PLAIN["labels"]]
    plain["receipt"]["faults"] = [f"s1, {text}: internal error"]
    for story in plain["stories"]:
        story["url"] = f"https://a.example/{text}"
    return from_json(json.dumps(plain))


class Reader(HTMLParser):
    """Collects tags, attributes and visible text."""

    def __init__(self):
        super().__init__()
        self.tags, self.attributes, self.links, self.text, self.last = set(), set(), [], [], ""

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}
        self.links += [value for name, value in attrs if name == "href"]
        self.last = tag

    def handle_data(self, data):
        if self.last != "style":
            self.text.append(data)


def rendered(text):
    return render_all(poisoned(text), ENGLISH)


hostile = given(
    st.text() | st.lists(st.sampled_from(list("<>&\"'`*_[]()#|~\\:@!-+=. \n\t1a")), max_size=40).map("".join)
)


def attacks(test):
    for attack in ATTACKS:
        test = example(attack)(test)
    return settings(max_examples=settings.default.max_examples // 4)(hostile(test))


@attacks
def test_the_json_comes_back_equal_and_can_be_written(text):
    digest = poisoned(text)
    stored = to_json(digest)
    assert from_json(stored) == digest
    stored.encode("utf-8")


@attacks
def test_the_html_holds_our_tags_alone_and_links_to_the_web(text):
    html = rendered(text).renderings["html"]
    reader = Reader()
    reader.feed(html)
    assert reader.tags <= ALLOWED
    assert reader.attributes <= ATTRIBUTES
    assert all(HREF.fullmatch(str(link)) for link in reader.links)
    assert line(text, 300) in " ".join("".join(reader.text).split())
    html.encode("utf-8")


@attacks
def test_the_markdown_holds_our_structure_alone(text):
    md = rendered(text).renderings["md"]
    body = md.split("---\n\n", 1)[1]
    tokens = MARKDOWN.parse(body)
    inline = [child for token in tokens for child in token.children or ()]
    raw = [token.content for token in (*tokens, *inline) if token.type in {"html_block", "html_inline"}]
    assert all(re.fullmatch(r'<a id="story-\d+">|</a>', html) for html in raw)
    links = [child.attrGet("href") for child in inline if child.type == "link_open"]
    assert all(HREF.fullmatch(str(link)) for link in links)
    assert not any(child.type in {"image", "code_inline", "s_open"} for child in inline)
    assert not any(token.type in {"fence", "code_block", "ordered_list_open"} for token in tokens)
    assert [token.tag for token in tokens if token.type == "heading_open"] == HEADINGS
    md.encode("utf-8")


@attacks
def test_escaped_text_reads_as_that_text(text):
    words = line(text)
    (*_, shown) = [token.content for token in MARKDOWN.parseInline(escape(words))[0].children] or [""]
    assert "".join(child.content for child in MARKDOWN.parseInline(escape(words))[0].children) == words
    assert shown in words
    assert all(
        token.type in {"paragraph_open", "inline", "paragraph_close"}
        for token in MARKDOWN.parse(escape(words))
    )


@attacks
def test_the_feeds_are_well_formed(text):
    made = rendered(text)
    days = [summarise(poisoned(text), ENGLISH)]
    for feed in (made.renderings["atom"], atom.digests(days, ENGLISH, ""), atom.stories(days, ENGLISH, "")):
        root = ET.fromstring(feed.encode("utf-8"))
        assert {child.tag.partition("}")[2] for child in root} <= {
            "id",
            "title",
            "updated",
            "author",
            "link",
            "entry",
        }


@attacks
def test_the_plain_text_has_no_line_wider_than_a_screen_but_for_links(text):
    plain = rendered(text).renderings["text"]
    wide = [row for row in plain.splitlines() if len(row) > 78]
    assert all(row.strip().startswith("https://a.example/") for row in wide)
    plain.encode("utf-8")


@attacks
def test_the_subject_is_one_bounded_line(text):
    made = rendered(text)
    assert made.subject.splitlines() == [made.subject]
    assert len(made.subject) <= 120
    assert len(made.preheader) <= 160


HEADINGS = [
    token.tag
    for token in MARKDOWN.parse(rendered("Words").renderings["md"].split("---\n\n", 1)[1])
    if token.type == "heading_open"
]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("plain words, nothing more.", "plain words, nothing more."),
        ("1. of May", "1\\. of May"),
        ("AI-generated: a *star*", "AI-generated: a \\*star\\*"),
        ("- dash", "\\- dash"),
        ("law | unions", "law \\| unions"),
        ("www.example", "www\\.example"),
        ("https://x", "https\\://x"),
        ("at 07:00, R&D", "at 07:00, R&D"),
        ("&copy; :smile:", "\\&copy; \\:smile:"),
    ],
)
def test_only_what_means_something_is_escaped(words, expected):
    assert escape(words) == expected
