"""Text functions: by examples, and by properties that hold for any string."""

from __future__ import annotations

import unicodedata
from datetime import timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from monitor.text import clean, fold, html_to_text, repair_mojibake, shorten, span_in_words

ANY = st.text() | st.text(
    alphabet="ab1 \x00\u200b\u200d\ufe0f\u20e3\u0301\u0338\u2add\U0001f469\ud800\u2028é<>&;#"
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
        ("𝗢𝗽𝗲𝗻𝗔𝗜’s 𝒮𝑜𝓇𝒶 ＯｐｅｎＡＩ １２", "OpenAI’s Sora OpenAI 12"),
        ("＜ｂ＞", "＜b＞"),
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


@pytest.mark.parametrize(
    ("span", "words"),
    [(timedelta(seconds=5), "1 minute"), (timedelta(minutes=100), "2 hours"), (timedelta(days=9), "9 days")],
)
def test_spans_in_words(span: timedelta, words: str) -> None:
    assert span_in_words(span) == words


@given(st.text(), st.integers(3, 50))
def test_shorten_keeps_its_limit(text: str, limit: int) -> None:
    short = shorten(text, limit)
    assert len(short) <= limit
    assert short == text or short.endswith("…")
