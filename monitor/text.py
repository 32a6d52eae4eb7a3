"""Functions from text to text that every package needs. Pure: no string makes any of them raise."""

from __future__ import annotations

import re
import unicodedata
from datetime import timedelta
from typing import Final

from selectolax.lexbor import LexborHTMLParser

# They become spaces before the tree is built: thousands in each other cost more than linear time.
_BLOCK_TAG: Final = re.compile(
    r"</?(?:address|article|aside|blockquote|br|button|caption|dd|details|div|dl|dt|fieldset|figcaption|figure"
    r"|footer|form|h[1-6]|header|hr|li|main|nav|ol|option|p|pre|section|summary|table|td|th|tr|ul)"
    r"""(?:\s(?:[^<>"']|"[^"<>]*"|'[^'<>]*')*)?/?>""",
    re.IGNORECASE,
)
_UNREADABLE: Final = "script style template iframe noembed noframes svg object textarea".split()
# Where none begins none is looked for in the tree, which takes half as long as to build it.
_SOME_UNREADABLE: Final = re.compile(rf"<(?:{'|'.join(_UNREADABLE)})", re.IGNORECASE)
# More than any summary needs; what stands behind it nobody would read.
_MAX_HTML: Final = 100_000

_EMOJI: Final = (
    "\u00a9\u00ae\u203c\u2049\u2122\u2139\u2190-\u2ad0\u2b00-\u2bff"
    "\u3030\u303d\u3297\u3299\U0001f000-\U0001faff"
)
_JOINERS: Final = "\u200d\ufe0e\ufe0f"
_UNSEEN: Final = (
    "\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180e\u200b\u200c"
    "\u200e\u200f\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0d\ufeff\uffa0\ufff9-\ufffb\ufffe\uffff\ud800-\udfff"
    "\U000e0000-\U000e0fff"
)
# Letters and digits of another style: bold and script ones (mathematical), as posts use them, and full-width
# ones. No phrase and no search finds "𝗢𝗽𝗲𝗻𝗔𝗜", and a screen reader spells it.
_STYLED: Final = "\U0001d400-\U0001d7ff\uff10-\uff19\uff21-\uff3a\uff41-\uff5a"
_SUSPECT: Final = re.compile(f"[{_UNSEEN}{_JOINERS}{_STYLED}]")
_STYLED_RUN: Final = re.compile(f"[{_STYLED}]+")
_UNWANTED: Final = re.compile(
    f"[{_UNSEEN}]+|(?<![{_EMOJI}{_JOINERS}])(?!(?<=[0-9#*])\ufe0f\u20e3)[{_JOINERS}]+"
)

_NON_ASCII: Final = re.compile(r"[^\x00-\x7f]+")
_PLAIN: Final = {
    **dict.fromkeys("„“”‟«»″〝〞", '"'),
    **dict.fromkeys("‚‘’‛‹›′`´ʼ", "'"),
    **dict.fromkeys("‐‑‒–—―−﹣－", "-"),
    **dict.fromkeys(
        "\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000",
        " ",
    ),
    "ä": "ae",
    "ö": "oe",
    "ü": "ue",
    "ß": "ss",
    "æ": "ae",
    "œ": "oe",
    "ø": "o",
    "đ": "d",
    "ł": "l",
    "ı": "i",
    "…": "...",
}


def _folding() -> dict[int, str | None]:
    """Return what letters are compared as: combining marks go, their bases stay."""
    table: dict[int, str | None] = dict.fromkeys(range(0x300, 0x370))
    for code in (*range(0xC0, 0x590), *range(0x1E00, 0x2000), *range(0xFB00, 0xFB07)):
        base = "".join(filter(str.isalnum, unicodedata.normalize("NFKD", chr(code).casefold())))
        if base and base != chr(code):
            table[code] = base
    return table | {ord(char): plain for char, plain in _PLAIN.items()}


_FOLDING: Final = _folding()
# What most German and English texts hold: replacing it first spares most of them the slow way.
_FREQUENT: Final = {char: _PLAIN[char] for char in "äöüß„“”’–…"}

_CP1252: Final = {
    ord(bytes([byte]).decode("cp1252", "ignore") or chr(byte)): chr(byte) for byte in range(0x80, 0xA0)
}
_TAIL: Final = "[\x80-\xbf" + "".join(map(chr, _CP1252)) + "]"
_GARBLED: Final = re.compile(f"[\xc2-\xdf]{_TAIL}|[\xe0-\xef]{_TAIL}{{2}}|[\xf0-\xf4]{_TAIL}{{3}}")
_UNMISTAKABLE: Final = re.compile(
    f"\xc3[\x80-\xbf€‚ƒ„†‡ˆ‰Š‹ŒŽ–™šœžŸ]|\xe2\u20ac{_TAIL}?|\xe2\u201a\xac|\xf0\u0178{_TAIL}{{2}}"
    r"|\xc2(?:[\xa0-\xbf]|(?=\s|$))"
)

# The beginning of anything above; looked for first, since umlauts make the patterns above slow.
_SUSPICIOUS: Final = re.compile(f"[\xc2-\xf4](?:{_TAIL}|(?<=\xc2)(?:\\s|$))")

# Sequences whose last character was lost: an undefined one, or a no-break space cut as white space.
_BEHEADED: Final = {"\xe2\u20ac": "”", "\xc2": " "}


def html_to_text(html: str) -> str:
    """Return what a reader of this HTML would read, as one clean line of plain text.

    Scripts, styles and embedded objects are dropped, blocks become spaces, entities characters;
    the images' `alt` texts stand in when there is nothing else. Only the first 100,000 characters are read.
    """
    if "<" not in html and "&" not in html:
        return clean(html)
    tree = LexborHTMLParser(_BLOCK_TAG.sub(" ", html[:_MAX_HTML]))
    if _SOME_UNREADABLE.search(html):
        tree.strip_tags(_UNREADABLE)
    if tree.body is None:
        return ""
    text = clean(tree.body.text(deep=True))
    return text or clean(" ".join(node.attributes.get("alt") or "" for node in tree.css("img[alt]")))


def clean(text: str) -> str:
    """Return `text` in NFC on one line: white space collapsed, everything unseen or misleading removed.

    Removed are control characters, NUL, surrogates, bidi controls, zero-width and tag characters;
    joiners and variation selectors stay where they make an emoji. Letters of another style become plain ones.
    Idempotent.
    """
    # Asked first: most English texts are ASCII, and need nothing of what follows.
    if not text.isascii():
        text = unicodedata.normalize("NFC", text)
        if _SUSPECT.search(text):
            text = _STYLED_RUN.sub(lambda run: unicodedata.normalize("NFKC", run[0]), text)
            text = unicodedata.normalize("NFC", _UNWANTED.sub("", text))
    elif not text.isprintable():
        text = _UNWANTED.sub("", text)
    return one_line(text)


def one_line(text: str) -> str:
    """Return `text` with a blank for each run of white space, and none around it."""
    if text.isprintable() and "  " not in text:
        return text.strip()  # the only white space that is printable is a blank
    return " ".join(text.split())


def fold(text: str) -> str:
    """Return `text` as it is compared: caseless, ä as ae, ß as ss, no other accents, plain quotes, dashes."""
    if text.isascii():
        return text.lower()
    text = unicodedata.normalize("NFC", text).lower()
    for char, plain in _FREQUENT.items():
        text = text.replace(char, plain)
    return text if text.isascii() else _NON_ASCII.sub(lambda run: run[0].translate(_FOLDING), text)


def repair_mojibake(text: str) -> str:
    """Return `text` with UTF-8 that was read as Windows-1252 put right, where that is certain; else as it is.

    Certain is a text that is ASCII but for such sequences: several, or one typical of Western languages.
    In a text that also has sound characters, only sequences that no language writes are put right.
    """
    if text.isascii() or not _SUSPICIOUS.search(text):
        return text
    found = _GARBLED.findall(text)
    typical = [garbled for garbled in found if _UNMISTAKABLE.fullmatch(garbled) or garbled[0] in "\xe2\xf0"]
    if found and _GARBLED.sub("", text).isascii() and (typical or len(found) > 2):  # noqa: PLR2004
        return _GARBLED.sub(_ungarble, text)
    return _UNMISTAKABLE.sub(_ungarble, text)


def _ungarble(match: re.Match[str]) -> str:
    if match[0] in _BEHEADED:
        return _BEHEADED[match[0]]
    try:
        return match[0].translate(_CP1252).encode("latin-1").decode("utf-8")
    except UnicodeError:
        return match[0]


_WORD: Final = re.compile(r"\w+")
# The share of words that titles of one entry have in common; edits keep more, in a feed of one topic two
# entries share up to .63 ("OpenAI's video generator Sora: ...").
_ALIKE: Final = 2 / 3
_CONTAINED: Final = 4


def alike(one: str, other: str) -> bool:
    """Return whether two titles may be one, edited: they share most words, or one holds the other."""
    first, second = set(_WORD.findall(fold(one))), set(_WORD.findall(fold(other)))
    shared, fewest = len(first & second), min(len(first), len(second))
    return 2 * shared >= _ALIKE * (len(first) + len(second)) or (shared == fewest >= _CONTAINED)


def shorten(text: str, limit: int) -> str:
    """Return `text` in at most `limit` characters, cut between words and marked with an ellipsis."""
    if len(text) <= limit:
        return text
    cut = text[: limit - 2]
    return (cut.rpartition(" ")[0] or cut).rstrip(" ,;:-–") + " …"


def counted(number: int, one: str, many: str = "") -> str:
    """Say how many: "1 feed", "3,000 feeds", "2 entries"."""
    return f"{number:,} {one if number == 1 else many or f'{one}s'}"


def span_in_words(span: timedelta) -> str:
    """Return a span in its largest fitting unit: "9 days", "1 hour"."""
    units = (("day", timedelta(days=1)), ("hour", timedelta(hours=1)), ("minute", timedelta(minutes=1)))
    name, unit = next(((name, unit) for name, unit in units if span >= unit), units[-1])
    return counted(max(1, round(span / unit)), name)
