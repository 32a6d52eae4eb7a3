"""Addresses: publishers' links in one spelling, and feeds' addresses without anything that may be secret."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from monitor.url import canonical_url, holds_secret, host_of, redact, redact_url

URLS = st.builds(
    "".join,
    st.lists(
        st.sampled_from(
            [
                "http:",
                "https:",
                "//",
                "/",
                "?",
                "&",
                "=",
                "#",
                "@",
                ":",
                "[",
                "]",
                "%41",
                "%",
                "ä",
                " ",
                "a.b",
                "utm_source",
                "url",
                "8080",
                "\n",
            ]
        )
    ),
)


@pytest.mark.parametrize(
    ("url", "canonical"),
    [
        ("https://a.example/x?utm_source=rss&b=2&UTM_Medium=x&a=1#top", "https://a.example/x?b=2&a=1#top"),
        ("https://a.example/live#post-3", "https://a.example/live#post-3"),
        ("https://a.example/x#ref=rss&xtor=RSS-1", "https://a.example/x"),
        ("https://a.example/x#:~:text=words", "https://a.example/x"),
        ("HTTPS://A.Example:443/Path", "https://a.example/Path"),
        ("http://a.example:80", "http://a.example/"),
        ("http://a.example:8080/", "http://a.example:8080/"),
        ("https://user:secret@a.example./x", "https://a.example/x"),
        ("https://müller.example/straße?q=ä", "https://xn--mller-kva.example/stra%C3%9Fe?q=%C3%A4"),
        ("https://a.example/a%2Fb c", "https://a.example/a%2Fb%20c"),
        ("https://a.example/?p=5&wt_mc=rss.x&fbclid=1&at_medium=RSS&ns_mchannel=rss&mc_cid=1", "https://a.example/?p=5"),
        ("https://a.example/x?src=rss", "https://a.example/x"),
        ("https://a.example/x?source=rsstop&ref=rss&rss=1", "https://a.example/x"),
        ("https://a.example/x?source=paper", "https://a.example/x?source=paper"),
        ("https://a.example/x?", "https://a.example/x"),
        ("https://[2001:DB8::1]:8443/x", "https://[2001:db8::1]:8443/x"),
        ("http://www.bing.com/news/apiclick.aspx?ref=r&url=https%3a%2f%2fb.example%2fx%3futm_source%3dy&c=1", "https://b.example/x"),
        ("http://www.bing.com/news/apiclick.aspx?ref=r", "http://www.bing.com/news/apiclick.aspx?ref=r"),
        ("https://www.google.com/url?url=https://b.example/&ct=1", "https://b.example/"),
        ("https://notbing.com/news/apiclick.aspx?url=https://b.example/", "https://notbing.com/news/apiclick.aspx?url=https://b.example/"),
        ("  https://a.example/\n x ", "https://a.example/%20x"),
        ("javascript:alert(1)", ""),
        ("data:text/html,x", ""),
        ("ftp://a.example/x", ""),
        ("/relative", ""),
        ("http://", ""),
        ("http://[::1/x", ""),
        ("http://[::1]@80[https://x/", ""),
        ("http://[::1]@[:", ""),
        ("https://a．/x", "https://a/x"),
        ("http:// a b/", ""),
        ("http://a<b/", ""),
        ("http://a.example:99999/", ""),
        ("http://" + "ä" * 70 + ".example/", ""),
        ("", ""),
    ],
)  # fmt: skip
def test_canonical_url(url: str, canonical: str) -> None:
    assert canonical_url(url) == canonical


def test_canonical_url_resolves_against_its_base() -> None:
    assert canonical_url("../b?x=1", "https://a.example/c/d/") == "https://a.example/c/b?x=1"
    assert canonical_url("//b.example/x", "http://a.example/") == "http://b.example/x"
    assert canonical_url("mailto:x@y.example", "http://a.example/") == ""


# From parts of addresses: random letters would never put two brackets where they look like a host.
PIECES = st.lists(
    st.sampled_from(
        ["http://", "//", "[", "]", "::1", "[::1]", "[v1.a]", "@", ":", "80", "/", "?", "#", "．", "℀"]
    ),
    max_size=9,
).map("".join)


@given(URLS | st.text() | PIECES | PIECES.map("http://".__add__), URLS)
@example("http://a/ %", "")
def test_canonical_url_is_idempotent_web_and_ascii(url: str, base: str) -> None:
    once = canonical_url(url, base)
    assert once.isascii()
    assert not once or once.startswith(("http://", "https://"))
    assert bool(urlsplit(once).hostname) is bool(once), "nobody else could split it"
    assert canonical_url(once) == once
    assert not set(once) & set("\"<>' \n") - {"'"}


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://User@News.Example:8080/x", "news.example"),
        ("http://[2001:DB8::1]/", "2001:db8::1"),
        ("https://müller.example/", "xn--mller-kva.example"),
        ("https://STRAẞE.example/", "xn--strae-oqa.example"),
        ("https://☃。example/", "xn--n3h.example"),
        ("nonsense", ""),
        ("http://[", ""),
    ],
)
def test_host_of(url: str, host: str) -> None:
    assert host_of(url) == host


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://a.example/feed.xml", "https://a.example/feed.xml"),
        ("https://a.example/feed?x=1", "https://a.example/feed?x=***"),
        ("https://a.example/?feed", "https://a.example/?feed"),
        ("https://a.example/?a1b2c3d4e5f6", "https://a.example/?***"),
        ("https://user:pass@a.example/feed", "https://***@a.example/feed"),
        ("https://token@a.example/feed", "https://***@a.example/feed"),
        ("https://u:p@ss@a.example/feed", "https://***@a.example/feed"),
        ("https://a.example/?pass=a&code=b;hash=&x", "https://a.example/?pass=***&code=***;hash=&x"),
        ("https://a.example/feed#access_token=abc", "https://a.example/feed#access_token=***"),
        ("https://a.example/feed;jsessionid=abc/x", "https://a.example/feed;jsessionid=***/x"),
        ("https://a.example/private-0123456789abcdef0123/basic.ics", "https://a.example/***/basic.ics"),
        ("https://a.example/s3cr3tT0k3n/feed.xml", "https://a.example/***/feed.xml"),
        ("https://a.example/feeds/tA1b2C3d4E5f6G7h8.xml", "https://a.example/feeds/***.xml"),
        ("https://a.example/123e4567-e89b-12d3-a456-426614174000/", "https://a.example/***/"),
        ("https://medium.example/@writer", "https://medium.example/@writer"),
        (
            "https://a.example/2026/11/28/openai-sora-2-and-the-iphone17promax",
            "https://a.example/2026/11/28/openai-sora-2-and-the-iphone17promax",
        ),
        ("nonsense", "nonsense"),
    ],
)
def test_redact_url(url: str, shown: str) -> None:
    assert redact_url(url) == shown


@given(st.text(alphabet="abc123!$%", min_size=4))
def test_redact_url_never_shows_a_password(password: str) -> None:
    assert f":{password}@" not in redact_url(f"https://user:{password}@a.example/")


@given(URLS | st.text())
def test_what_is_redacted_stays_as_it_is(url: str) -> None:
    once = redact_url(url)
    assert redact_url(once) == once


def test_addresses_are_redacted_within_a_line() -> None:
    line = "cannot reach https://u:p@a.example/x?auth=1 now, nor smtp://me:pw@mail.example"
    assert redact(line) == "cannot reach https://***@a.example/x?auth=*** now, nor smtp://***@mail.example"


@pytest.mark.parametrize(
    ("url", "secret"),
    [
        ("https://x.example/feed?p=hunter2", True), ("https://x.example/feed?pin=1234", True),
        ("https://x.example/feed?api=abc", True), ("https://x.example/feed?login=ann", True),
        ("https://x.example/feed?a1b2c3d4e5f6", True), ("https://x.example/feed?rss", False),
        ("https://x.example/feed?format=rss", False), ("https://x.example/?p=412", False),
        ("https://x.example/search?q=sora", False), ("https://x.example/feed?capital=rome", False),
    ],
)  # fmt: skip
def test_addresses_that_must_not_be_passed_on(url, secret):
    assert holds_secret(url) is secret
