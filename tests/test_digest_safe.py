"""The last safeguard: lines stay single lines, and links lead to the web or nowhere."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.digest.safe import line, link


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://a.example/x?y=1&z=2", "https://a.example/x?y=1&z=2"),
        ("HTTP://A.example", "http://a.example/"),
        (
            "https://a.example/ö (1)[2]<3>'4'\"5\"",
            "https://a.example/%C3%B6%20%281%29%5B2%5D%3C3%3E%274%27%225%22",
        ),
        ("http://[::1]/x", "http://[::1]/x"),
        ("https://user:pass@a.example/", "https://a.example/"),
        ("javascript:alert(1)", ""),
        ("JaVaScRiPt://a.example/%0aalert(1)", ""),
        ("data:text/html,<script>", ""),
        ("vbscript:x", ""),
        ("//a.example/x", ""),
        ("/local", ""),
        ("https://", ""),
        ("http://[broken", ""),
        ("https://a.example/" + "x" * 2000, ""),
        ("", ""),
    ],
)
def test_only_web_addresses_are_links(url, expected):
    assert link(url) == expected


@given(st.one_of(st.text(), st.text().map(lambda rest: "https://a.example/" + rest)))
def test_any_link_is_plain_web_or_nothing(url):
    assert re.fullmatch(r"(https?://[!#-&*-;=?-Z_a-z~]+(\[[0-9a-f:.]+\])?[!#-&*-;=?-Z_a-z~]*)?", link(url))
    assert link(link(url)) == link(url)


def test_a_long_line_is_cut_at_a_word_with_an_ellipsis():
    assert line("one two, three", 10) == "one two…"
    assert line("one two", 7) == "one two"
    assert line("x" * 20, 10) == "x" * 9 + "…"


@given(st.text(), st.integers(2, 50))
def test_any_text_becomes_one_bounded_line(raw, limit):
    result = line(raw, limit)
    assert len(result) <= limit
    assert result.splitlines() in ([], [result])
