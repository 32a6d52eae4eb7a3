"""Turn the bytes of a feed document into text, whatever encoding it and its server declare."""

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
# A list of our own, since Python also knows codecs that are not encodings of text: "hex", "zip", "idna".
_KNOWN: Final = re.compile(
    r"utf-?8|utf8|us-?ascii|ascii|(?:iso-?)?8859-\d+|iso-?8859-\d+|latin-?\d+|(?:windows|cp)-?12\d\d|cp437|cp85\d|cp866"
    r"|koi8-[ru]|macintosh|mac-?roman|gb_?2312(?:-80)?|(?:x-)?gbk|gb18030|big5(?:-hkscs)?|euc-(?:jp|kr|cn)|shift[_-]jis"
    r"|(?:x-)?sjis|windows-31j|iso-2022-\w+|ks_c_5601-1987|windows-949|tis-620",
    re.IGNORECASE,
)
# What a declared name is read as: an encoding that contains the declared one and what is mixed with it in
# practice, as in browsers (https://encoding.spec.whatwg.org/#names-and-labels).
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
# A "+" at the end would make it three times as slow.
_ILLEGAL: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff\ud800-\udfff]")
# Consecutive references, some of which XML may forbid: to control characters, surrogates, or beyond Unicode.
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
    """A document's text, and one line on which of its declarations was wrong ("" if none)."""

    text: str
    note: str


def decode(body: bytes, content_type: str = "") -> Decoded:
    """Return a document's text without byte order mark, XML declaration and characters that XML forbids.

    The encoding is that of the byte order mark, else that of the pattern of the first bytes; else UTF-8 if
    the bytes are valid UTF-8, whatever is declared; else what the server declares, then what the document
    declares (the order of RFC 7303, except that evidence comes before declarations). If nothing fits, it is
    UTF-8 with stray bytes in Windows-1252. Never fails.
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
    """How many bytes come before the text."""


def _detect(body: bytes) -> _Mark:
    """Return the encoding that the first bytes prove, "" if they prove none."""
    for mark, encoding in _MARKS:
        if body.startswith(mark):
            return _Mark(encoding, len(mark))
    return _Mark(next((encoding for start, encoding in _UNMARKED if body.startswith(start)), ""), 0)


def _is_stateful(body: bytes, declared: tuple[str, ...]) -> bool:
    """Return True for an encoding that uses ASCII bytes only, so that valid UTF-8 proves nothing."""
    return body.isascii() and any(name.lower().startswith("iso-2022") for name in declared)


def _sound(body: bytes) -> str | None:
    """Return the text if the bytes are valid UTF-8, which does not happen by chance."""
    try:
        return body.decode()
    except UnicodeDecodeError:
        return None


class _Text(NamedTuple):
    text: str
    encoding: str
    """The encoding that it turned out to have."""


def _decode(body: bytes, encoding: str) -> _Text:
    encoding = _meant(encoding)
    with suppress(LookupError):  # an unknown name is read as UTF-8
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
    """Return the text from the beginning of the document, without what no XML parser accepts."""
    text = text[_start(text) :]
    text = (_HEADER.sub("", text[:_LEAD]) + text[_LEAD:]).lstrip()
    text = _ILLEGAL.sub("", text)
    return _REFERENCES.sub(_allowed, text) if "&#" in text else text


def _allowed(match: re.Match[str]) -> str:
    """Return the characters that references stand for, without those that XML forbids.

    Programs that only know UTF-16 write an emoji as two references, one for each half, and XML parsers stop
    there.
    """
    codes = (int(code, 16) if code else int(number) for code, number in _REFERENCE.findall(match[0]))
    text = "".join(chr(code) for code in codes if ord(" ") <= code <= sys.maxunicode)
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "ignore")


def _start(text: str) -> int:
    """Return where the document begins; messages of the web server's programs may precede it.

    Such messages may contain mark-up and braces, so the root element of a feed decides, unless it is within
    an HTML page.
    """
    if _BEGINNING.match(text):
        return 0
    root, page = _ROOT.search(text), _PAGE.search(text)
    if root and not (page and page.start() < root.start()):
        return root.start()
    start = (None if page else _JSON.search(text)) or _START.search(text)
    return start.start() if start else 0
