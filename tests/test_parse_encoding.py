"""What encoding a document really has."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.parse.encoding import decode

TEXT = "<a>Größe – „5 €“</a>"
DECLARED = '<?xml version="1.0" encoding="{}"?>'


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be"]
)
def test_unicode_is_known_by_its_bytes(encoding: str) -> None:
    assert decode(TEXT.encode(encoding)) == (TEXT, "")


@pytest.mark.parametrize(
    ("declared", "sent", "note"),
    [
        ("utf-8", "utf-8", ""),
        ("UTF8", "utf-8", ""),
        ("utf-16", "utf-8", "declared as utf-16, is utf-8"),
        ("iso-8859-1", "utf-8", "declared as iso-8859-1, is utf-8"),
        ("iso-8859-1", "cp1252", ""),
        ("windows-1252", "cp1252", ""),
        ("utf-8", "cp1252", "declared as utf-8, is utf-8 with stray bytes"),
        ("x-unheard-of", "cp1252", "declared as x-unheard-of, is utf-8 with stray bytes"),
        ("hex", "cp1252", "declared as hex, is utf-8 with stray bytes"),
        ("cp12999", "cp1252", "declared as cp12999, is utf-8 with stray bytes"),
        ("windows-1299", "cp1252", "declared as windows-1299, is utf-8 with stray bytes"),
        ("utf-16", "utf-16", ""),
    ],
)
def test_declarations_count_where_the_bytes_prove_nothing(declared: str, sent: str, note: str) -> None:
    assert decode((DECLARED.format(declared) + TEXT).encode(sent)) == (TEXT, note)


@pytest.mark.parametrize("encoding", ["iso-8859-7", "windows-1253"])
def test_other_alphabets(encoding: str) -> None:
    text = "<a>Καλημέρα</a>"
    assert decode((DECLARED.format(encoding) + text).encode(encoding)) == (text, "")


@pytest.mark.parametrize(
    ("declared", "sent", "text"),
    [
        ("gb2312", "gb18030", "<a>朱镕基</a>"),
        ("Shift_JIS", "cp932", "<a>①髙</a>"),
        ("euc-kr", "cp949", "<a>똠방각하</a>"),
        ("iso-8859-9", "cp1254", "<a>“İş”</a>"),
        ("big5", "big5hkscs", "<a>嘅</a>"),
    ],
)
def test_a_declared_encoding_is_read_as_the_wider_one_that_is_used_under_its_name(declared, sent, text):
    assert decode((DECLARED.format(declared) + text).encode(sent)) == (text, "")


def test_the_servers_declaration_counts_before_the_documents() -> None:
    body = (DECLARED.format("iso-8859-5") + "<a>Привет</a>").encode("windows-1251")
    assert decode(body, "text/xml; charset=windows-1251").text == "<a>Привет</a>"


def test_an_encoding_in_ascii_bytes_is_believed() -> None:
    text = "<a>こんにちは</a>"
    assert decode((DECLARED.format("iso-2022-jp") + text).encode("iso-2022-jp")).text == text


def test_one_stray_byte_spoils_nothing_else() -> None:
    assert decode("<a>schön ".encode() + b"gr\xfcn</a>").text == "<a>schön grün</a>"


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        ("\n <a/>", "<a/>"),
        ("junk before <a/>", "<a/>"),
        ('<!-- c --><?xml version="1.0"?><a/>', "<!-- c --><a/>"),
        ('\ufeff<?xml version="1.0"?><a/>', "<a/>"),
        ("<a>x\x08\x0b\x1fy\uffff</a>", "<a>xy</a>"),
        ("<a>&#0;&#8;&#x1F;&#x0c;&#9;&#10;&#13;&#32;&#127;</a>", "<a>&#9;&#10;&#13;&#32;&#127;</a>"),
        (' {"a": 1}', '{"a": 1}'),
        ("<br />\n<b>Warning</b>: {$x} in <b>f.php</b><br />\n<?xml version='1.0'?><rss/>", "<rss/>"),
        ("Deprecated: ${var} in f.php\n<feed xmlns='a'/>", "<feed xmlns='a'/>"),
        ('<b>Notice</b>: [x] {y}\n{"version": "1"}', '{"version": "1"}'),
        ("<html><pre><rss></pre></html>", "<html><pre><rss></pre></html>"),
        ("no mark-up", "no mark-up"),
    ],
)
def test_characters_that_no_parser_accepts_are_removed(raw: str, text: str) -> None:
    assert decode(raw.encode()).text == text


@given(
    st.binary()
    | st.builds(
        lambda name, rest: DECLARED.format(name).encode() + rest,
        st.text(alphabet="utf-816gbk0icpx", max_size=12),
        st.binary(),
    )
)
def test_any_bytes_are_a_text_that_can_be_encoded(body: bytes) -> None:
    text = decode(body, "text/xml; charset=punycode").text
    assert text.encode().decode() == text
