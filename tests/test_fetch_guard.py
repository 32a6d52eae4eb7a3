"""Which addresses may be connected to, as tables of all the spellings that an attacker may use."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.fetch import guard

PUBLIC = ["8.8.8.8", "1.1.1.1", "100.63.255.255", "100.128.0.1", "172.32.0.1", "192.0.1.1", "223.255.255.255"]
PUBLIC_6 = ["2606:4700::1111", "2a00:1450:4001::2004", "2400:cb00::1", "2001:200::1"]
MAY_BE_ALLOWED = {
    "127.0.0.1": "loopback",
    "127.255.255.254": "loopback",
    "10.0.0.1": "private",
    "172.16.0.1": "private",
    "172.31.255.255": "private",
    "192.168.1.1": "private",
    "100.64.0.1": "private",
    "100.127.255.255": "private",
}
MAY_BE_ALLOWED_6 = {"::1": "loopback", "fc00::1": "private", "fd12:3456::1": "private"}
FORBIDDEN = {
    "169.254.169.254": "link-local",
    "169.254.0.1": "link-local",
    "100.100.100.200": "cloud metadata",
    "0.0.0.0": "unspecified",
    "0.1.2.3": "unspecified",
    "224.0.0.1": "multicast",
    "239.255.255.250": "multicast",
    "255.255.255.255": "reserved",
    "240.0.0.1": "reserved",
    "192.0.0.8": "reserved",
    "192.88.99.1": "reserved",
    "198.18.0.1": "reserved",
    "198.19.255.255": "reserved",
    "192.0.2.1": "documentation",
    "198.51.100.1": "documentation",
    "203.0.113.1": "documentation",
}
FORBIDDEN_6 = {
    "fe80::1": "link-local",
    "fe80::1%eth0": "link-local",
    "febf::1%25eth0": "link-local",
    "fd00:ec2::254": "cloud metadata",
    "::": "unspecified",
    "ff02::1": "multicast",
    "ff0e::1": "multicast",
    "fec0::1": "reserved",
    "100::1": "reserved",
    "4000::1": "reserved",
    "2001:2::1": "reserved",
    "2001:20::1": "reserved",
    "2001:db8::1": "documentation",
    "3fff::1": "documentation",
}


def mapped(v4: str) -> str:
    return f"::ffff:{v4}"


def compatible(v4: str) -> str:
    return f"::{v4}"


def translated(v4: str) -> str:
    return f"::ffff:0:{v4}"


def nat64(v4: str) -> str:
    return f"64:ff9b::{v4}"


def nat64_local_96(v4: str) -> str:
    return f"64:ff9b:1:abcd::{v4}"


def nat64_local_48(v4: str) -> str:
    a = IPv4Address(v4).packed
    return str(IPv6Address(bytes.fromhex("0064ff9b0001") + a[:2] + b"\0" + a[2:] + bytes(5)))


def nat64_local_56(v4: str) -> str:
    a = IPv4Address(v4).packed
    return str(IPv6Address(bytes.fromhex("0064ff9b000180") + a[:1] + b"\0" + a[1:] + bytes(4)))


def nat64_local_64(v4: str) -> str:
    return str(IPv6Address(bytes.fromhex("0064ff9b00018080") + b"\0" + IPv4Address(v4).packed + bytes(3)))


def six_to_four(v4: str) -> str:
    return str(IPv6Address(b"\x20\x02" + IPv4Address(v4).packed + bytes(10)))


def teredo_server(v4: str) -> str:
    client = bytes(byte ^ 0xFF for byte in IPv4Address("8.8.8.8").packed)
    return str(IPv6Address(bytes.fromhex("20010000") + IPv4Address(v4).packed + bytes(4) + client))


def teredo_client(v4: str) -> str:
    client = bytes(byte ^ 0xFF for byte in IPv4Address(v4).packed)
    return str(IPv6Address(bytes.fromhex("20010000") + IPv4Address("8.8.8.8").packed + bytes(4) + client))


WRAPPINGS = [
    mapped,
    compatible,
    translated,
    nat64,
    nat64_local_96,
    nat64_local_48,
    nat64_local_56,
    nat64_local_64,
    six_to_four,
    teredo_server,
    teredo_client,
]


@pytest.mark.parametrize("address", PUBLIC + PUBLIC_6)
def test_public_addresses_pass(address):
    assert guard.public(address)
    assert not guard.forbidden_always(address)
    assert guard.refusal(address, private_allowed=False) == ""


@pytest.mark.parametrize(("address", "kind"), (MAY_BE_ALLOWED | MAY_BE_ALLOWED_6).items())
def test_private_addresses_pass_only_when_allowed(address, kind):
    assert not guard.public(address)
    assert not guard.forbidden_always(address)
    assert guard.refusal(address, private_allowed=False) == kind
    assert guard.refusal(address, private_allowed=True) == ""


@pytest.mark.parametrize(("address", "kind"), (FORBIDDEN | FORBIDDEN_6).items())
def test_no_setting_opens_the_others(address, kind):
    assert not guard.public(address)
    assert guard.forbidden_always(address)
    assert guard.refusal(address, private_allowed=False) == kind
    assert guard.refusal(address, private_allowed=True) == kind


@pytest.mark.parametrize("wrap", WRAPPINGS)
def test_an_address_inside_another_is_judged_as_itself(wrap):
    assert guard.public(wrap("8.8.8.8"))
    for address in MAY_BE_ALLOWED:
        assert guard.refusal(wrap(address), private_allowed=False), wrap(address)
        assert not guard.public(wrap(address))
    for address in FORBIDDEN.keys() - {"0.0.0.0", "0.1.2.3"}:
        assert guard.refusal(wrap(address), private_allowed=True), wrap(address)
        assert guard.forbidden_always(wrap(address))


@given(st.ip_addresses(v=4).filter(lambda address: address.packed[0]), st.sampled_from(WRAPPINGS))
def test_wrapping_never_makes_an_address_more_reachable(address, wrap):
    if not guard.public(str(address)):
        assert not guard.public(wrap(str(address)))
    if guard.forbidden_always(str(address)):
        assert guard.refusal(wrap(str(address)), private_allowed=True)


@given(st.ip_addresses())
def test_the_three_judgements_agree(address):
    text = str(address)
    assert guard.public(text) == (not guard.refusal(text, private_allowed=False))
    assert guard.forbidden_always(text) == bool(guard.refusal(text, private_allowed=True))


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("2130706433", "127.0.0.1"),
        ("0x7f000001", "127.0.0.1"),
        ("0x7F.1", "127.0.0.1"),
        ("0177.0.0.1", "127.0.0.1"),
        ("017700000001", "127.0.0.1"),
        ("127.1", "127.0.0.1"),
        ("0", "0.0.0.0"),
        ("127.0.0.1.", "127.0.0.1"),
        ("[::1]", "::1"),
        ("[::FFFF:7f00:1]", "::ffff:127.0.0.1"),
        ("fe80::1%eth0", "fe80::1"),
        ("8.8.8.8", "8.8.8.8"),
        ("example.org", ""),
        ("face.de", ""),
        ("0x.de", ""),
        ("1.2.3.4 x", ""),
        ("", ""),
    ],
)
def test_every_spelling_of_an_address_is_read(host, address):
    found = guard.literal(host)
    assert (IPv6Address(found) if ":" in found else found) == (
        IPv6Address(address) if ":" in address else address
    )


@pytest.mark.parametrize(
    "host",
    [
        "localhost",
        "LOCALHOST.",
        "a.localhost",
        "nas",
        "nas.local",
        "x.internal",
        "r.home.arpa",
        "10.0.0.1",
        "0x7f.1",
    ],
)
def test_private_hosts_are_known_by_their_spelling(host):
    assert guard.private_name(host)


@pytest.mark.parametrize(
    ("host", "form"),
    [
        ("Feed.Example.", "feed.example"),
        ("[::1]", "::1"),
        ("Bücher.example", "xn--bcher-kva.example"),
        ("ü" * 70, "ü" * 70),
    ],
)
def test_hosts_are_compared_in_one_form(host, form):
    assert guard.normalised(host) == form


@pytest.mark.parametrize(
    "host", ["example.org", "localhost.example.org", "8.8.8.8", "2606:4700::1111", "bücher.de"]
)
def test_public_hosts_are_not_taken_for_private(host):
    assert not guard.private_name(host)
