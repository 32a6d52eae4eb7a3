"""Decide which addresses may be connected to, by a table of the special address ranges. No I/O.

The table is our own (after IANA's special-purpose registries), since `ipaddress.is_global` differs between
Python versions and takes multicast, NAT64 and 6to4 addresses for global ones.
"""

from __future__ import annotations

import re
import socket
from contextlib import suppress
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import TYPE_CHECKING, NamedTuple

from monitor.url import known_to_dns

if TYPE_CHECKING:
    from collections.abc import Iterator

Address = IPv4Address | IPv6Address


class _Range(NamedTuple):
    network: IPv4Network | IPv6Network
    may_be_allowed: bool
    """The configuration may allow it, as for loopback and private networks."""
    name: str


def _range(network: str, name: str, *, may_be_allowed: bool = False) -> _Range:
    return _Range(ip_network(network), may_be_allowed, name)


# The first range that contains an address gives it its name, so cloud metadata comes before the networks
# around it.
_SPECIAL = (
    # Alibaba's. It lies in 100.64.0.0/10, which may be allowed.
    _range("100.100.100.200/32", "cloud metadata"),
    # Amazon's. It lies in fc00::/7, which may be allowed.
    _range("fd00:ec2::254/128", "cloud metadata"),
    _range("169.254.0.0/16", "link-local"),
    _range("fe80::/10", "link-local"),
    _range("127.0.0.0/8", "loopback", may_be_allowed=True),
    _range("::1/128", "loopback", may_be_allowed=True),
    _range("10.0.0.0/8", "private", may_be_allowed=True),
    _range("172.16.0.0/12", "private", may_be_allowed=True),
    _range("192.168.0.0/16", "private", may_be_allowed=True),
    # Carrier-grade NAT (RFC 6598), also used by overlay networks such as Tailscale.
    _range("100.64.0.0/10", "private", may_be_allowed=True),
    _range("fc00::/7", "private", may_be_allowed=True),
    _range("0.0.0.0/8", "unspecified"),
    _range("::/128", "unspecified"),
    _range("224.0.0.0/4", "multicast"),
    _range("ff00::/8", "multicast"),
    _range("192.0.2.0/24", "documentation"),
    _range("198.51.100.0/24", "documentation"),
    _range("203.0.113.0/24", "documentation"),
    _range("2001:db8::/32", "documentation"),
    _range("3fff::/20", "documentation"),
    _range("192.0.0.0/24", "reserved"),
    _range("192.88.99.0/24", "reserved"),
    _range("198.18.0.0/15", "reserved"),
    _range("240.0.0.0/4", "reserved"),
)

_RESERVED = _range("::/0", "reserved")
_GLOBAL_UNICAST = ip_network("2000::/3")
_PROTOCOLS = ip_network("2001::/23")
_TEREDO = ip_network("2001::/32")
_6TO4 = ip_network("2002::/16")
_NAT64_LOCAL = ip_network("64:ff9b:1::/48")
_TAIL_HOLDS_IPV4 = (
    ip_network("::/96"),  # IPv4-compatible, RFC 4291 2.5.5.1
    ip_network("::ffff:0:0/96"),  # IPv4-mapped, RFC 4291 2.5.5.2
    ip_network("::ffff:0:0:0/96"),  # IPv4-translated, RFC 2765
    ip_network("64:ff9b::/96"),  # NAT64, RFC 6052
)
# The positions of the four bytes for each prefix length that fits (RFC 6052, 2.2); octet 8 is skipped.
_NAT64_LAYOUTS = ((6, 7, 9, 10), (7, 9, 10, 11), (9, 10, 11, 12), (12, 13, 14, 15))
_NUMERIC = re.compile(r"[0-9a-fx.]+")
_PRIVATE_SUFFIXES = (".localhost", ".local", ".internal", ".lan", ".home.arpa")


def public(address: str) -> bool:
    """Return True if an address, and every address embedded in it, belongs to the public internet."""
    return all(_special_range(found) is None for found in _embedded_addresses(_parse(address)))


def forbidden_always(address: str) -> bool:
    """Return True if no setting may allow an address: link-local, metadata, multicast, unspecified, ..."""
    return any(
        special and not special.may_be_allowed
        for special in map(_special_range, _embedded_addresses(_parse(address)))
    )


def refusal(address: str, *, private_allowed: bool) -> str:
    """Return "" for an address that may be connected to, else what kind it is ("private", "link-local")."""
    ranges = [special for special in map(_special_range, _embedded_addresses(_parse(address))) if special]
    worst = min(ranges, key=lambda special: special.may_be_allowed, default=None)
    if worst is None or (worst.may_be_allowed and private_allowed):
        return ""
    return worst.name


def private_name(host: str) -> bool:
    """Return True if a host is private by its name alone: `localhost`, `nas`, `nas.local`, `0x7f.1`."""
    host = normalised(host)
    if address := literal(host):
        return not public(address)
    return "." not in host or host.endswith(_PRIVATE_SUFFIXES)


def literal(host: str) -> str:
    """Return the address that a host spells (decimal, octal, hexadecimal, short, zoned); "" for a name."""
    host = normalised(host)
    with suppress(ValueError):
        return str(_parse(host))
    with suppress(OSError):  # the system accepts `0x7f.1` as an address, though the standard does not
        return socket.inet_ntoa(socket.inet_aton(host)) if _NUMERIC.fullmatch(host) else ""
    return ""


def normalised(host: str) -> str:
    """Return a host in the form used for comparing: lower case, ASCII, no brackets, no final dot."""
    host = host.strip("[]").rstrip(".").lower()
    with suppress(ValueError):
        return known_to_dns(host).rstrip(".")
    return host


def _parse(address: str) -> Address:
    return ip_address(address.partition("%")[0])


def _special_range(address: Address) -> _Range | None:
    for special in _SPECIAL:
        if address.version == special.network.version and address in special.network:
            return special
    if isinstance(address, IPv4Address) or _translated(address):
        return None
    if address not in _GLOBAL_UNICAST or (address in _PROTOCOLS and address not in _TEREDO):
        return _RESERVED
    return None


def _translated(address: IPv6Address) -> bool:
    return address in _NAT64_LOCAL or any(address in network for network in _TAIL_HOLDS_IPV4)


def _embedded_addresses(address: Address) -> Iterator[Address]:
    """Yield an address and the IPv4 addresses that a translator or tunnel would extract from it."""
    yield address
    if not isinstance(address, IPv6Address):
        return
    packed = address.packed
    # `::` and `::1` lie in ::/96 as well, but embed nothing.
    if any(address in network for network in _TAIL_HOLDS_IPV4) and int(address) > 1:
        yield IPv4Address(packed[12:])
    if address in _NAT64_LOCAL:
        found = [IPv4Address(bytes(packed[index] for index in layout)) for layout in _NAT64_LAYOUTS]
        yield from [one for one in found if one.packed[0]] or found
    if address in _6TO4:
        yield IPv4Address(packed[2:6])
    if address in _TEREDO:
        yield IPv4Address(packed[4:8])
        # Teredo stores the client's address inverted (RFC 4380, 4).
        yield IPv4Address(bytes(byte ^ 0xFF for byte in packed[12:]))
