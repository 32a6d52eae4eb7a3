"""Words and addresses: by example, and by properties that must hold for any string."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from monitor.text import canonical_url, clean, fold, host_of, html_to_text, redact_url, repair_mojibake

ANY = st.text() | st.text(
    alphabet="ab1 \x00\u200b\u200d\ufe0f\u20e3\u0301\u0338\u2add\U0001f469\ud800\u2028é<>&;#"
)
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
    ("html", "text"),
    [
        ("plain", "plain"),
        ("AT&amp;T &lt;b&gt;", "AT&T <b>"),
        ("a<b>b</b>c", "abc"),
        ("<p>one</p><p>two<br>three</p>four", "one two three four"),
        ("<ul><li>a<li>b</ul>", "a b"),
        ("x<script>alert('<p>')</script><style>p{}</style>y", "xy"),
        ("<iframe>inside</iframe>after", "after"),
        ("<head><title>No</title></head><body>Yes</body>", "Yes"),
        ("<img alt='A cat'><img alt='A dog'>", "A cat A dog"),
        ("<img alt='A cat'>and text", "and text"),
        ("<!-- hidden -->seen", "seen"),
        ("&nbsp;&#8222;Zitat&#8220;&nbsp;", "„Zitat“"),
        ("3 < 4 & 5", "3 < 4 & 5"),
        ("<p", ""),
        ("<frameset><frame></frameset>", ""),
        ("broken \ud83d <b>half</b>", "broken half"),
    ],
)
def test_html_to_text(html: str, text: str) -> None:
    assert html_to_text(html) == text


def test_html_to_text_reads_no_endless_text() -> None:
    assert len(html_to_text("<p>" + "word " * 100_000)) < 100_001


@given(ANY)
def test_html_to_text_gives_clean_text_of_anything(html: str) -> None:
    text = html_to_text(html)
    assert clean(text) == text


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        ("  a \t b\r\n c\u00a0d\u2028e\u3000 ", "a b c d e"),
        ("a\x00b\x07c\x1bd\x7fe\x9ff", "abcdef"),
        ("a\u202eb\u2066c\u200fd", "abcd"),
        ("ze\u200bro\u200cwi\u200ddth\ufeff\u2060", "zerowidth"),
        ("soft\u00adhyphen", "softhyphen"),
        ("tag\U000e0041\U000e007fged", "tagged"),
        ("e\u0301", "é"),
        ("lone \ud800 surrogate", "lone surrogate"),
        ("👩\u200d🎨 ❤\ufe0f 1\ufe0f\u20e3", "👩\u200d🎨 ❤\ufe0f 1\ufe0f\u20e3"),
        ("x\ufe0f\u200dy", "xy"),
        ("", ""),
    ],
)
def test_clean(raw: str, text: str) -> None:
    assert clean(raw) == text


@given(ANY)
@example("\u2add\ufe0f")
@example("👩\x00\ufe0f")
def test_clean_is_idempotent_and_fit_to_print(raw: str) -> None:
    text = clean(raw)
    assert clean(text) == text
    assert unicodedata.is_normalized("NFC", text)
    assert not any(unicodedata.category(char) in {"Cc", "Cs", "Zl", "Zp"} for char in text)
    assert "  " not in text
    assert text.strip() == text


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("OpenAI SORA", "openai sora"),
        ("Künstler ÄÖÜ Straße", "kuenstler aeoeue strasse"),
        ("Ku\u0308nstler", "kuenstler"),
        ("naïve Café Œuvre Ñandú", "naive cafe oeuvre nandu"),
        ("„Zitat“ ‚so‘ «quote» it’s", '"zitat" \'so\' "quote" it\'s'),
        ("2022–2024 — A‑B…", "2022-2024 - a-b..."),
        ("ﬁlm İstanbul ſo", "film istanbul so"),
        ("ΆΘΛΟΣ Ёлка", "αθλοσ елка"),
        ("日本語 😀", "日本語 😀"),
    ],
)
def test_fold(text: str, folded: str) -> None:
    assert fold(text) == folded


@given(ANY)
def test_fold_is_idempotent_and_case_blind(text: str) -> None:
    text = clean(text)
    assert fold(fold(text)) == fold(text)


@given(st.text(alphabet="abcÄÖÜäöüßÉéñŠ„“–’ "))
def test_fold_leaves_nothing_but_ascii_of_western_text(text: str) -> None:
    assert fold(text).isascii()
    assert fold(text.upper()) == fold(text)


@pytest.mark.parametrize(
    ("url", "canonical"),
    [
        ("https://a.example/x?utm_source=rss&b=2&UTM_Medium=x&a=1#top", "https://a.example/x?b=2&a=1"),
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


@given(URLS | st.text(), URLS)
@example("http://a/ %", "")
def test_canonical_url_is_idempotent_web_and_ascii(url: str, base: str) -> None:
    once = canonical_url(url, base)
    assert once.isascii()
    assert not once or once.startswith(("http://", "https://"))
    assert canonical_url(once) == once
    assert not set(once) & set("\"<>' \n") - {"'"}


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://User@News.Example:8080/x", "news.example"),
        ("http://[2001:DB8::1]/", "2001:db8::1"),
        ("https://müller.example/", "xn--mller-kva.example"),
        ("nonsense", ""),
        ("http://[", ""),
    ],
)
def test_host_of(url: str, host: str) -> None:
    assert host_of(url) == host


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://a.example/feed?x=1", "https://a.example/feed?x=1"),
        ("https://user:pass@a.example/feed", "https://***@a.example/feed"),
        ("https://token@a.example/feed", "https://***@a.example/feed"),
        ("https://u:p@ss@a.example/feed", "https://***@a.example/feed"),
        (
            "https://a.example/?token=abc&api_key=d&x=1&sig=e",
            "https://a.example/?token=***&api_key=***&x=1&sig=***",
        ),
        ("https://a.example/?keyword=sora&author_id=3", "https://a.example/?keyword=sora&author_id=***"),
        (
            "cannot reach https://u:p@a.example/x?auth=1 now",
            "cannot reach https://***@a.example/x?auth=*** now",
        ),
        ("https://medium.example/@writer", "https://medium.example/@writer"),
    ],
)
def test_redact_url(url: str, shown: str) -> None:
    assert redact_url(url) == shown


@given(st.text(alphabet="abc123!$%", min_size=4))
def test_redact_url_never_shows_a_password(password: str) -> None:
    assert f":{password}@" not in redact_url(f"https://user:{password}@a.example/")


@pytest.mark.parametrize(
    ("text", "repaired"),
    [
        ("grÃ¶ÃŸer", "größer"),
        ("â€žKunstâ€œ â€“ so", "„Kunst“ – so"),
        ("schön â€“ nicht", "schön – nicht"),
        ("he said â€œyesâ€", "he said “yes”"),
        ("RERÂ", "RER "),
        ("ÐŸÑ€Ð¸Ð²ÐµÑ‚", "Привет"),
        ("ðŸ˜€", "😀"),
        ("CafÃ\xa9", "Café"),
        ("Ã¤ and à…» alike", "ä and à…» alike"),
        ("größer", "größer"),
        ("NÃO", "NÃO"),
        ("CAFÉ»", "CAFÉ»"),
        ("Nestlé® and Citroën", "Nestlé® and Citroën"),
        ("„MENÜ“", "„MENÜ“"),
        ("Âge d’or", "Âge d’or"),
        ("Привет, «мир»", "Привет, «мир»"),
        ("ascii", "ascii"),
    ],
)
def test_repair_mojibake(text: str, repaired: str) -> None:
    assert repair_mojibake(text) == repaired


WORDS = [
    "schön",
    "„Größe“",
    "naïve",
    "été…»",
    "“Oh”",
    "–",
    "5€",
    "Ärger!",
    "SÃO",
    "É…»",
    "ä––",
    "à”“",
    "Âge",
    "’s",
]


@given(st.lists(st.sampled_from(WORDS), unique=True))
def test_repair_mojibake_leaves_good_western_text_alone(words: list[str]) -> None:
    assert repair_mojibake(" ".join(words)) == " ".join(words)


@given(st.text(alphabet="aeiou äöüßÄÖÜéèçñ„“‚‘’–—…€", min_size=1))
def test_repair_mojibake_undoes_a_double_encoding(text: str) -> None:
    garbled = text.encode().decode("cp1252", "replace")
    if "\ufffd" not in garbled:
        assert repair_mojibake(garbled) == text
