"""Addresses: one spelling for each publisher's link, and what may be shown of our feeds' addresses.

Links belong to publishers and are shown as they are. The address of a feed belongs to the user: it may hold a
password, a token or a private name anywhere, so everything that could be one is masked. Pure: no string makes
any of these functions raise.
"""

from __future__ import annotations

import re
from ipaddress import ip_address
from typing import Final
from urllib.parse import parse_qsl, quote, urljoin, urlsplit, urlunsplit

DEFAULT_PORTS: Final = {"http": 80, "https": 443}
SLUG: Final = re.compile(r"[0-9]|(?:[^/?-]+-){3}")
"""What makes an address that of one article: a number, or a title of four words."""

# Parameters that say how a reader came: one article shared in five ways would be five links. The libraries
# that were tried left the German wt_mc in, or took every parameter out.
_TRACKING: Final = re.compile(
    r"utm_\w*|wt_z?mc\w*|at_\w+|ns_\w+|mtm_\w+|pk_\w+|piwik_\w+|hsa_\w+|guce_\w+|guccounter|fbclid|gclid|gclsrc|dclid"
    r"|gbraid|wbraid|msclkid|yclid|twclid|igshid|mc_[ce]id|_hsenc|_hsmi|mkt_tok|cmpid|ocid|ito|ftag|ncid|smid|xtor|xtref"
    r"|echobox|intcid|feedtype|feedname|__twitter_impression|oc",
    re.IGNORECASE,
)
# By name and value: `?source=rss` says where a reader came from, any other `?source=` may name the page.
_RSS_MARK: Final = re.compile(
    r"(?:ref|src|source|from|via|partner|emc|cmp|mod|seid|campaign|medium)=rss\w*|(?:from)?rss(?:=\w*)?",
    re.IGNORECASE,
)
# There is nothing to resolve; `urljoin` takes longer than all else that is done to a link.
_WHOLE: Final = re.compile(r"https?://[^/?#;][^;]*", re.IGNORECASE)
# Alerts link to the search engine, which redirects: the article's own address stands in a parameter.
_WRAPPERS: Final = {"/news/apiclick.aspx": ("bing.com", "url"), "/url": ("google.com", "url")}
_HOST: Final = re.compile(r"[a-z0-9._-]*")
_LONGEST_LABEL: Final = 63
# Enough for the outlets that we know; the public suffix list has thousands of lines, and goes stale.
_SECOND_LEVEL: Final = frozenset({"ac", "co", "com", "edu", "gov", "net", "ne", "or", "org"})
# Where each name below the host is another publisher.
_SHARED_HOSTS: Final = (".substack.com", ".wordpress.com", ".blogspot.com", ".medium.com", ".github.io")
_URL_NOISE: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]+")
_SAFE: Final = "%/:@!$&'()*+,;=~"

_ADDRESS: Final = re.compile(r"[a-z][a-z0-9+.-]*://[^\s<>\"“”]+", re.IGNORECASE)
_PARTS: Final = re.compile(
    r"([a-z][a-z0-9+.-]*://)(?:([^/?#]*)@)?([^/?#]*)([^?#]*)(\?[^#]*)?(#.*)?", re.IGNORECASE | re.DOTALL
)
_VALUE: Final = re.compile(r"(?<==)[^&;#]+")
_MASK: Final = "***"
_HEX: Final = re.compile(r"(?=[a-f]*[0-9])(?=[0-9]*[a-f])[0-9a-f]{16,}", re.IGNORECASE)
# `key(?!word)`, `sig(?![hn]t)`: not ?keyword=, ?sight=, ?signup=.
_TELLING: Final = re.compile(
    r"token|key(?!word)|auth|sig(?![hn]t)|secret|pass|pwd|pw\b|session|credential|sid\b|jwt|code|user|uid\b|login|access"
    r"|\bpin\b|\bapi\b|hash",
    re.IGNORECASE,
)
_TERSE: Final = 2
_WORD_WITH_DIGITS: Final = re.compile(r"(?=.*[0-9])(?=.*[a-z]).{6,}", re.IGNORECASE)
_MIXED: Final = re.compile(
    r"(?=.{16})(?:[a-z]+[0-9]+|[0-9]+[a-z]+)[a-z0-9]*"
    r"|(?=.{10})[a-z]*(?:[0-9]+[a-z]+){2,}[0-9]*",  # "a1b2c3d4e5", but not "iphone17promax"
    re.IGNORECASE,
)


def canonical_url(url: str, base: str = "") -> str:
    """Return the one spelling under which a link is known, resolved against `base`; "" unless it is http(s).

    Credentials, default port and tracking parameters go, scheme and host are lower-cased (IDN as punycode),
    the address behind a Bing or Google redirect is taken out; path, percent-encoding and the order of the
    other parameters stay. So does a fragment that names a place: posts of one live page differ in nothing
    else. Idempotent.
    """
    try:
        url = _URL_NOISE.sub("", url).strip()
        parts = urlsplit(url if _WHOLE.fullmatch(url) else urljoin(base, url))
        host, port = _ascii_host(parts.hostname or ""), parts.port
    except ValueError:
        return ""
    if parts.scheme not in DEFAULT_PORTS or not host:
        return ""
    wrapper, parameter = _WRAPPERS.get(parts.path, ("", ""))
    if wrapper and (host == wrapper or host.endswith("." + wrapper)):
        target = canonical_url(dict(parse_qsl(parts.query)).get(parameter, ""))
        if target:
            return target
    if port is not None and port != DEFAULT_PORTS[parts.scheme]:
        host = f"{host}:{port}"
    # "%" is safe here: what was encoded stays as it is, and nothing is encoded twice.
    path = quote(parts.path, safe=_SAFE) or "/"
    # `#:~:text=…` (WICG text fragments) is where a reader should scroll to, put there by search engines.
    fragment = "" if parts.fragment.startswith(":~:") else _own_pairs(parts.fragment)
    return urlunsplit((parts.scheme, host, path, _own_pairs(parts.query), fragment))


def _own_pairs(query: str) -> str:
    if not query:
        return ""
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
        # "http://[::1]@80[https://x/" has one that only looks so, and no part of the library splits it again.
        ip_address(host)
        return f"[{host}]"
    host = known_to_dns(host).rstrip(".")
    if not _HOST.fullmatch(host):
        raise ValueError(host)
    return host


def known_to_dns(host: str) -> str:
    """Return a host in lower case and ASCII, as browsers ask for it; raise ValueError when it cannot be one.

    Mapped by UTS 46 and without its transition, as they do, and not held against IDNA 2008, which forbids the
    emoji of domains that exist. For IDNA 2003, in the standard library, "ß" is "ss": somebody else's domain.
    """
    if host.isascii():
        return host.lower()
    import idna

    labels = [
        label if label.isascii() else f"xn--{label.encode('punycode').decode()}"
        for label in idna.uts46_remap(host, std3_rules=False).split(".")
    ]
    if max(map(len, labels)) > _LONGEST_LABEL:
        raise ValueError("a part of it is too long")
    return ".".join(labels)


def with_ascii_host(url: str) -> str:
    """Return an address with its host as DNS knows it; raise ValueError when it cannot be one."""
    parts = urlsplit(url)
    user, at, place = parts.netloc.rpartition("@")
    return url if place.isascii() else urlunsplit(parts._replace(netloc=user + at + known_to_dns(place)))


def with_user_of(url: str, other: str) -> str:
    """Return an address with the user and password of another one on the same host, where that has any."""
    user, at, _ = urlsplit(other).netloc.rpartition("@")
    parts = urlsplit(url)
    if not at or "@" in parts.netloc or host_of(url) != host_of(other):
        return url
    return urlunsplit(parts._replace(netloc=f"{user}@{parts.netloc}"))


def host_of(url: str) -> str:
    """Return the lower-case ASCII host of a URL, without port; "" when it has none."""
    try:
        return _ascii_host(urlsplit(url).hostname or "").strip("[]")
    except ValueError:
        return ""


def has_place(url: str) -> bool:
    """Say whether a link leads past a front page; not what is no address."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return bool(parts.path.strip("/") or parts.query)


def is_of_one(address: str) -> bool:
    """Say whether a link or guid looks like that of one article, not of a page that changes."""
    scheme, found, rest = address.partition("://")
    host, slash, place = (rest if found else scheme).partition("/")
    return SLUG.search(place if slash else host) is not None


def site_of(url: str) -> str:
    """Return the site that a URL is of, "" when it has no host: www.bbc.co.uk is bbc.co.uk."""
    host = host_of(url)
    labels = host.split(".")
    if labels[-1].isdigit():
        return host
    country = len(labels) > 2 and len(labels[-1]) == 2 and labels[-2] in _SECOND_LEVEL  # noqa: PLR2004 - co.uk
    return ".".join(labels[-3 if country or host.endswith(_SHARED_HOSTS) else -2 :])


def redact_url(url: str) -> str:
    """Return the address of one of our feeds fit for eyes: all that can hold a secret as `***`.

    Masked are user and password, each value of the query, and parts of the path that look drawn by lot. A
    list of suspicious names was tried before: ?pass=, ?code= and Reddit's ?feed= were not on it. Idempotent.
    """
    match = _PARTS.fullmatch(url)
    if match is None:  # no address, which may hold a password all the same
        return f"{_MASK}{url[url.rindex('@') :]}" if "@" in url else url
    scheme, user, host, path, query, fragment = (part or "" for part in match.groups())
    return "".join((
        scheme,
        f"{_MASK}@" if user else "",
        host,
        "/".join(map(_segment, path.split("/"))),
        _VALUE.sub(_MASK, query) if "=" in query else query[:1] + _segment(query[1:]),
        _VALUE.sub(_MASK, fragment),
    ))  # fmt: skip


def holds_secret(url: str) -> bool:
    """Say whether an address likely holds a secret, and so must not be handed on.

    That is a user or password, a parameter with a telling name, anything drawn by lot, and what may be a
    password under a name of a letter or two. For eyes far more is masked (`redact_url`), but a list in which
    ?format=rss is masked could not be read back.
    """
    match = _PARTS.fullmatch(url)
    if match is None:
        return True
    _, user, _, path, query, fragment = (part or "" for part in match.groups())
    pairs = [pair.partition("=") for part in (query, fragment) for pair in re.split("[?&;#]", part)]
    words = [word for name, _, value in pairs for word in re.split(r"[+\s]|%20", value or name)]
    return (
        bool(user)
        or any(value and _TELLING.search(name) for name, _, value in pairs)
        or any(len(name) <= _TERSE and _WORD_WITH_DIGITS.fullmatch(value) for name, _, value in pairs)
        or any(_segment(word) != word for word in (*words, *path.split("/")))
    )


def redact(text: str) -> str:
    """Return a line of text with each address in it redacted."""
    return _ADDRESS.sub(lambda match: redact_url(match[0]), text)


def _segment(segment: str) -> str:
    """Return one part of a path, masked where it looks like a key; its ending (".xml") stays."""
    if ";" in segment:
        segment = _VALUE.sub(_MASK, segment)
    name, dot, ending = segment.partition(".")
    drawn_by_lot = _HEX.fullmatch(name.replace("-", "")) or any(
        map(_MIXED.fullmatch, re.split(r"[-_~]", name))
    )
    return f"{_MASK}{dot}{ending}" if drawn_by_lot else segment
