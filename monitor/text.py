"""Text in, text out: what every package needs of words and addresses. Pure; nothing raises on any string."""

from __future__ import annotations

import re
import unicodedata
from typing import Final
from urllib.parse import parse_qsl, quote, urljoin, urlsplit, urlunsplit

from selectolax.lexbor import LexborHTMLParser

_BLOCK_TAG: Final = re.compile(
    r"</?(?:address|article|aside|blockquote|br|button|caption|dd|details|div|dl|dt|fieldset|figcaption|figure"
    r"|footer|form|h[1-6]|header|hr|li|main|nav|ol|option|p|pre|section|summary|table|td|th|tr|ul)\b",
    re.IGNORECASE,
)
_UNREADABLE: Final = [
    "script",
    "style",
    "template",
    "iframe",
    "noembed",
    "noframes",
    "svg",
    "object",
    "textarea",
]
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
_SUSPECT: Final = re.compile(f"[{_UNSEEN}{_JOINERS}]")
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
_FREQUENT: Final = {char: _PLAIN[char] for char in "äöüß„“”’–…"}
"""What most German and English texts hold: replacing it first spares most of them the slow way."""

_TRACKING: Final = re.compile(
    r"utm_\w*|wt_z?mc\w*|at_\w+|ns_\w+|mtm_\w+|pk_\w+|piwik_\w+|hsa_\w+|guce_\w+|guccounter|fbclid|gclid|gclsrc|dclid"
    r"|gbraid|wbraid|msclkid|yclid|twclid|igshid|mc_[ce]id|_hsenc|_hsmi|mkt_tok|cmpid|ocid|ito|ftag|ncid|smid|xtor|xtref"
    r"|feedtype|feedname|__twitter_impression|oc",
    re.IGNORECASE,
)
_RSS_MARK: Final = re.compile(
    r"(?:ref|src|source|from|via|partner|emc|cmp|mod|seid|campaign|medium)=rss\w*|(?:from)?rss(?:=\w*)?",
    re.IGNORECASE,
)
_WRAPPERS: Final = {"/news/apiclick.aspx": ("bing.com", "url"), "/url": ("google.com", "url")}
_HOST: Final = re.compile(r"[a-z0-9._-]*")
_URL_NOISE: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]+")
_SAFE: Final = "%/:@!$&'()*+,;=~"

_CREDENTIALS: Final = re.compile(r"(?<=://)[^/?#\s]*@")
_SECRET: Final = re.compile(
    r"([?&;#][^=&;#\s]*(?:token|key(?!word)|auth|sig(?![hn]t)|secret|passw|pwd|session|credential|sid|jwt)[^=&;#\s]*=)[^&;#\s]+",
    re.IGNORECASE,
)

_CP1252: Final = {
    ord(bytes([byte]).decode("cp1252", "ignore") or chr(byte)): chr(byte) for byte in range(0x80, 0xA0)
}
_TAIL: Final = "[\x80-\xbf" + "".join(map(chr, _CP1252)) + "]"
_GARBLED: Final = re.compile(f"[\xc2-\xdf]{_TAIL}|[\xe0-\xef]{_TAIL}{{2}}|[\xf0-\xf4]{_TAIL}{{3}}")
_UNMISTAKABLE: Final = re.compile(
    f"\xc3[\x80-\xbf€‚ƒ„†‡ˆ‰Š‹ŒŽ–™šœžŸ]|\xe2\u20ac{_TAIL}?|\xe2\u201a\xac|\xf0\u0178{_TAIL}{{2}}"
    r"|\xc2(?:[\xa0-\xbf]|(?=\s|$))"
)

_BEHEADED: Final = {"\xe2\u20ac": "”", "\xc2": " "}
"""Sequences whose last character was lost: an undefined one, or a no-break space cut as white space."""


def html_to_text(html: str) -> str:
    """Return what a reader of this HTML would read, as one clean line of plain text.

    Scripts, styles and embedded objects are dropped, blocks become spaces, entities characters;
    the images' `alt` texts stand in when there is nothing else. Only the first 100,000 characters are read.
    """
    if "<" not in html and "&" not in html:
        return clean(html)
    tree = LexborHTMLParser(_BLOCK_TAG.sub(r" \g<0>", _sound(html[:_MAX_HTML])))
    tree.strip_tags(_UNREADABLE)
    if tree.body is None:
        return ""
    text = clean(tree.body.text(deep=True))
    return text or clean(" ".join(node.attributes.get("alt") or "" for node in tree.css("img[alt]")))


def _sound(text: str) -> str:
    """Return `text` without lone surrogates, which no encoder takes."""
    return text.encode("utf-8", "ignore").decode()


def clean(text: str) -> str:
    """Return `text` in NFC on one line: white space collapsed, everything unseen or misleading removed.

    Removed are control characters, NUL, surrogates, bidi controls, zero-width and tag characters;
    joiners and variation selectors stay where they make an emoji. Idempotent.
    """
    if not text.isascii():
        text = unicodedata.normalize("NFC", text)
        if _SUSPECT.search(text):
            text = unicodedata.normalize("NFC", _UNWANTED.sub("", text))
    elif not text.isprintable():
        text = _UNWANTED.sub("", text)
    return " ".join(text.split())


def fold(text: str) -> str:
    """Return `text` as it is compared: caseless, ä as ae, ß as ss, no other accents, plain quotes, dashes."""
    if text.isascii():
        return text.lower()
    text = unicodedata.normalize("NFC", text).lower()
    for char, plain in _FREQUENT.items():
        text = text.replace(char, plain)
    return text if text.isascii() else _NON_ASCII.sub(_fold_run, text)


def _fold_run(match: re.Match[str]) -> str:
    return match[0].translate(_FOLDING)


def canonical_url(url: str, base: str = "") -> str:
    """Return the one spelling under which a link is known, resolved against `base`; "" unless it is http(s).

    Credentials, fragment, default port and tracking parameters go, scheme and host are lower-cased (IDN as
    punycode), the address behind a Bing or Google redirect is taken out; path, percent-encoding and the order
    of the other parameters stay. Idempotent.
    """
    try:
        parts = urlsplit(urljoin(base, _URL_NOISE.sub("", url).strip()))
        host, port = _ascii_host(parts.hostname or ""), parts.port
    except ValueError:
        return ""
    if parts.scheme not in {"http", "https"} or not host:
        return ""
    wrapper, parameter = _WRAPPERS.get(parts.path, ("", ""))
    if wrapper and (host == wrapper or host.endswith("." + wrapper)):
        target = canonical_url(dict(parse_qsl(parts.query)).get(parameter, ""))
        if target:
            return target
    if port is not None and port != {"http": 80, "https": 443}[parts.scheme]:
        host = f"{host}:{port}"
    path = quote(parts.path, safe=_SAFE) or "/"
    return urlunsplit((parts.scheme, host, path, _own_query(parts.query), ""))


def _own_query(query: str) -> str:
    pairs = quote(query, safe=_SAFE + "?").split("&")
    return "&".join(
        pair
        for pair in pairs
        if pair and not _TRACKING.fullmatch(pair.partition("=")[0]) and not _RSS_MARK.fullmatch(pair)
    )


def _ascii_host(host: str) -> str:
    """Return the host in ASCII, an IPv6 address in its brackets; raise ValueError if it cannot be one."""
    host = host.rstrip(".")
    if ":" in host:
        return f"[{host}]"
    host = host if host.isascii() else host.encode("idna").decode().lower()
    if not _HOST.fullmatch(host):
        raise ValueError(host)
    return host


def host_of(url: str) -> str:
    """Return the lower-case ASCII host of a URL, without port; "" when it has none."""
    try:
        return _ascii_host(urlsplit(url).hostname or "").strip("[]")
    except ValueError:
        return ""


def redact_url(url: str) -> str:
    """Return a URL, or text with URLs in it, fit for eyes: credentials and what looks secret as `***`."""
    return _SECRET.sub(r"\1***", _CREDENTIALS.sub("***@", url))


def repair_mojibake(text: str) -> str:
    """Return `text` with UTF-8 that was read as Windows-1252 put right, where that is certain; else as it is.

    Certain is a text that is ASCII but for such sequences: several, or one typical of Western languages.
    In a text that also has sound characters, only sequences that no language writes are put right.
    """
    if text.isascii():
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
