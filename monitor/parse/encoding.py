"""Bytes to text: what encoding a feed document really has, whatever it and its server declare."""

from __future__ import annotations

import codecs
import re
import sys
from contextlib import suppress
from typing import Final, NamedTuple

_MARKS: Final = (
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_UNMARKED: Final = (
    (b"<\x00\x00\x00", "utf-32-le"),
    (b"\x00\x00\x00<", "utf-32-be"),
    (b"<\x00", "utf-16-le"),
    (b"\x00<", "utf-16-be"),
)
_DECLARATION: Final = re.compile(
    rb"""<\?xml[^>]{0,200}?encoding\s*=\s*["']\s*([\w.:-]{1,40})""", re.IGNORECASE
)
_CHARSET: Final = re.compile(r"""charset\s*=\s*["']?\s*([\w.:-]{1,40})""", re.IGNORECASE)
# A list and not all that Python knows: "hex", "zip" and "idna" are codecs as well.
_KNOWN: Final = re.compile(
    r"utf-?8|utf8|us-?ascii|ascii|(?:iso-?)?8859-\d+|iso-?8859-\d+|latin-?\d+|(?:windows|cp)-?12\d\d|cp437|cp85\d|cp866"
    r"|koi8-[ru]|macintosh|mac-?roman|gb_?2312(?:-80)?|(?:x-)?gbk|gb18030|big5(?:-hkscs)?|euc-(?:jp|kr|cn)|shift[_-]jis"
    r"|(?:x-)?sjis|windows-31j|iso-2022-\w+|ks_c_5601-1987|windows-949|tis-620",
    re.IGNORECASE,
)
# What is meant by a name: an encoding that holds all of the named one and what is written beside it, as
# browsers have it (https://encoding.spec.whatwg.org/#names-and-labels).
_WIDER: Final = tuple(
    (re.compile(names, re.IGNORECASE), encoding)
    for names, encoding in (
        (r"us-?ascii|ascii|(?:iso-?)?8859-1|latin-?1", "cp1252"),
        (r"(?:iso-?)?8859-9|latin-?5", "cp1254"),
        (r"(?:iso-?)?8859-11|tis-620", "cp874"),
        (r"gb_?2312(?:-80)?|(?:x-)?gbk|euc-cn", "gb18030"),
        (r"shift[_-]jis|(?:x-)?sjis|windows-31j", "cp932"),
        (r"ks_c_5601-1987|euc-kr|windows-949", "cp949"),
        (r"big5", "big5hkscs"),
    )
)
_STRAY: Final = {0xDC00 + byte: bytes([byte]).decode("cp1252", "replace") for byte in range(0x80, 0x100)}
# Without a "+", which would make it three times as slow.
_ILLEGAL: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff\ud800-\udfff]")
# References in a row of which XML may forbid some: to controls, halves of a character, what lies beyond.
_REFERENCES: Final = re.compile(
    r"(?:&#(?:0*(?:[0-8]|1[124-9]|2\d|3[01]|5[5-7]\d{3}|[1-9]\d{6,11})|x0*(?:[0-8bcef]|1[0-9a-f]|d[89a-f][0-9a-f]{2}"
    r"|[1-9a-f][0-9a-f]{5,7}));)+",
    re.IGNORECASE,
)
_REFERENCE: Final = re.compile(r"&#(?:x([0-9a-f]+)|(\d+));", re.IGNORECASE)
_HEADER: Final = re.compile(r"<\?xml[^>]{0,300}\?>", re.IGNORECASE)
_BEGINNING: Final = re.compile(
    r"""\s*(?:<(?:\?xml|!--|!DOCTYPE\s+(?!html)|(?:[\w.-]+:)?(?:rss|feed|rdf)[\s>])|[{\[]\s*["{}\[\]])""",
    re.IGNORECASE,
)
_ROOT: Final = re.compile(r"<(?:\?xml\s|(?:[\w.-]+:)?(?:rss|feed|rdf)[\s>])", re.IGNORECASE)
_PAGE: Final = re.compile(r"<(?:!doctype\s+html|html|head|body)\b", re.IGNORECASE)
_JSON: Final = re.compile(r"""\{\s*"(?:version|title|items|home_page_url|feed_url|description)"\s*:""")
_START: Final = re.compile(r"[<{]")
_LEAD: Final = 4096


class Decoded(NamedTuple):
    """A document's text and one line on what its declarations got wrong ("" when nothing)."""

    text: str
    note: str


def decode(body: bytes, content_type: str = "") -> Decoded:
    """Return the text of a document without byte order mark, XML declaration and what XML forbids.

    A mark decides, then the pattern of the first bytes; bytes that are sound UTF-8 are UTF-8 whatever is
    declared; then the server's word, then the document's (RFC 7303, but proof goes before words). What fits
    nothing is read as UTF-8, its stray bytes as Windows-1252. Never fails.
    """
    body = body.removeprefix(codecs.BOM_UTF8)
    declared = _declared(body, content_type)
    mark = _detect(body)
    text, encoding = _sound(body) if not mark.encoding and not _is_stateful(body, declared) else None, "utf-8"
    if text is None:
        likely = mark.encoding or next(filter(_KNOWN.fullmatch, declared), "utf-8")
        text, encoding = _decode(body[mark.length :], likely)
    stated = declared[0].lower() if declared else ""
    wrong = stated and not body.isascii() and not _same(stated, encoding)
    return Decoded(_tidy(text), f"declared as {stated}, is {encoding}" if wrong else "")


def _declared(body: bytes, content_type: str) -> tuple[str, ...]:
    served, stated = _CHARSET.search(content_type), _DECLARATION.search(body[:_LEAD])
    return tuple(filter(None, (served and served[1], stated and stated[1].decode("ascii", "replace"))))


class _Mark(NamedTuple):
    encoding: str
    length: int
    """Bytes before the text."""


def _detect(body: bytes) -> _Mark:
    """Return what the first bytes say of the encoding, "" for nothing."""
    for mark, encoding in _MARKS:
        if body.startswith(mark):
            return _Mark(encoding, len(mark))
    return _Mark(next((encoding for start, encoding in _UNMARKED if body.startswith(start)), ""), 0)


def _is_stateful(body: bytes, declared: tuple[str, ...]) -> bool:
    """Return True for an encoding that spells everything in ASCII bytes, so that they prove nothing."""
    return body.isascii() and any(name.lower().startswith("iso-2022") for name in declared)


def _sound(body: bytes) -> str | None:
    """Return the text if the bytes prove to be UTF-8: its sequences do not come about by chance."""
    try:
        return body.decode()
    except UnicodeDecodeError:
        return None


class _Text(NamedTuple):
    text: str
    encoding: str
    """What it proved to be."""


def _decode(body: bytes, encoding: str) -> _Text:
    encoding = _meant(encoding)
    with suppress(LookupError):  # a name that nobody knows is read as UTF-8
        if codecs.lookup(encoding).name != "utf-8":
            return _Text(body.decode(encoding, "replace"), encoding.lower())
    return _Text(body.decode("utf-8", "surrogateescape").translate(_STRAY), "utf-8 with stray bytes")


def _meant(name: str) -> str:
    return next((encoding for names, encoding in _WIDER if names.fullmatch(name)), name)


def _same(stated: str, encoding: str) -> bool:
    if _meant(stated) == encoding:
        return True
    if stated.startswith(("utf-16", "utf-32")):
        return encoding.startswith(stated[:6])
    try:
        return codecs.lookup(stated) == codecs.lookup(encoding)
    except LookupError:
        return False


def _tidy(text: str) -> str:
    """Return the document from its beginning on, without what no XML parser takes."""
    text = text[_start(text) :]
    text = (_HEADER.sub("", text[:_LEAD]) + text[_LEAD:]).lstrip()
    text = _ILLEGAL.sub("", text)
    return _REFERENCES.sub(_allowed, text) if "&#" in text else text


def _allowed(match: re.Match[str]) -> str:
    """Return the characters of references, without those that XML forbids.

    Programs that know UTF-16 alone write an emoji as two, one to each half: XML parsers stop there.
    """
    codes = (int(code, 16) if code else int(number) for code, number in _REFERENCE.findall(match[0]))
    text = "".join(chr(code) for code in codes if ord(" ") <= code <= sys.maxunicode)
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "ignore")


def _start(text: str) -> int:
    """Return where the document begins: notices of a web server's programs may stand before it.

    They may hold mark-up and braces of their own; so a feed's root counts, unless it stands within a page.
    """
    if _BEGINNING.match(text):
        return 0
    root, page = _ROOT.search(text), _PAGE.search(text)
    if root and not (page and page.start() < root.start()):
        return root.start()
    start = (None if page else _JSON.search(text)) or _START.search(text)
    return start.start() if start else 0
