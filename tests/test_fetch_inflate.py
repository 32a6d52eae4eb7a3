"""Decoding within a limit: whatever the pieces, the whole body comes out or the limit holds."""

from __future__ import annotations

import contextlib
import gzip
import random
import tracemalloc
import zlib
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.errors import FetchError
from monitor.fetch.inflate import Inflater, inflated

if TYPE_CHECKING:
    from collections.abc import Callable


def raw_deflate(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(data) + packer.flush()


ENCODERS: dict[str, list[Callable[[bytes], bytes]]] = {
    "identity": [bytes],
    "gzip": [gzip.compress, lambda data: gzip.compress(data[:5]) + gzip.compress(data[5:])],
    "deflate": [zlib.compress, raw_deflate],
}
CODINGS = [(name, encode) for name, encoders in ENCODERS.items() for encode in encoders]


def inflate(encoding: str, wire: bytes, *, limit: int = 10_000, step: int = 0) -> Inflater:
    inflater = Inflater(encoding, limit=limit)
    step = step or max(1, len(wire))
    for start in range(0, len(wire), step):
        inflater.feed(wire[start : start + step])
    return inflater


@given(st.binary(max_size=2000), st.sampled_from(CODINGS), st.integers(1, 700))
def test_bodies_come_out_as_they_went_in_however_they_are_cut(data, coding, step):
    encoding, encode = coding
    inflater = inflate(encoding, encode(data), step=step)
    assert inflater.body == data
    assert inflater.complete


@given(st.binary(min_size=1, max_size=500), st.sampled_from(CODINGS), st.data())
def test_a_cut_body_is_a_beginning_and_not_complete(data, coding, draw):
    encoding, encode = coding
    wire = encode(data)
    inflater = inflate(
        encoding, wire[: draw.draw(st.integers(1, len(wire) - 1) if len(wire) > 1 else st.just(1))]
    )
    assert data.startswith(inflater.body)
    if encoding != "identity" and len(inflater.body) < len(data):
        whole_member = inflater.body == data[:5] and encode is ENCODERS["gzip"][1]
        assert whole_member or not inflater.complete


@given(st.integers(0, 3000), st.integers(1, 2000), st.sampled_from(CODINGS), st.integers(1, 300))
def test_the_limit_holds_to_the_byte(size, limit, coding, step):
    encoding, encode = coding
    data = b"a" * size
    wire = encode(data)
    if max(size, len(wire)) <= limit:
        assert inflate(encoding, wire, limit=limit, step=step).body == data
    else:
        with pytest.raises(FetchError, match="larger than"):
            inflate(encoding, wire, limit=limit, step=step)


@given(st.binary(max_size=300), st.sampled_from(["gzip", "deflate"]))
def test_garbage_is_an_error_or_a_short_body_and_never_a_crash(wire, encoding):
    inflater = Inflater(encoding, limit=10_000)
    with contextlib.suppress(FetchError):
        inflater.feed(wire)
    assert len(inflater.body) <= 10_000


def test_limits_are_named_in_units_that_people_read():
    for limit, words in ((10_000_000, "10 MB"), (1_500_000, "1.5 MB"), (2_000, "2 kB"), (7, "7 bytes")):
        with pytest.raises(FetchError, match=f"larger than {words}$"):
            inflate("identity", b"x" * (limit + 1), limit=limit)


@pytest.mark.parametrize("padding", [bytes(1), bytes(512), b"\x1f", b"junk after the end"])
def test_padding_after_the_end_is_ignored(padding):
    inflater = inflate("gzip", gzip.compress(b"feed") + padding)
    assert inflater.body == b"feed"
    assert inflater.complete


def test_a_gzip_trailer_that_lies_is_corrupt():
    wire = bytearray(gzip.compress(b"feed"))
    wire[-6] ^= 1
    with pytest.raises(FetchError, match="corrupt"):
        inflate("gzip", bytes(wire))


def test_thousands_of_gzip_members_are_refused():
    with pytest.raises(FetchError, match="more than 16 members"):
        inflate("gzip", gzip.compress(b"") * 17)
    assert inflate("gzip", gzip.compress(b"x") * 16).body == b"x" * 16


def test_a_body_in_too_many_pieces_is_refused():
    with pytest.raises(FetchError, match="more than 50000 pieces"):
        inflate("identity", bytes(50_001), limit=100_000, step=1)
    assert inflate("identity", bytes(50_000), limit=100_000, step=1).complete


def test_a_bomb_never_grows_beyond_its_limit():
    bomb = gzip.compress(bytes(200_000_000), compresslevel=1)
    noise = gzip.compress(random.Random(1).randbytes(100))
    for wire in (bomb, noise + bomb):
        tracemalloc.start()
        with pytest.raises(FetchError, match="larger than 1 MB"):
            inflate("gzip", wire, limit=1_000_000, step=65_536)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert peak < 4_000_000


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "zstd"])
@pytest.mark.parametrize("step", [1, 2, 100])
def test_a_body_that_is_not_encoded_as_declared_is_taken_as_it_is(encoding, step):
    body = b"<?xml version='1.0'?><rss/>"
    inflater = inflate(encoding, body, step=step)
    assert (inflater.body, inflater.complete) == (body, True)


@pytest.mark.parametrize("step", [1, 2, 100])
def test_a_body_compressed_in_another_way_than_declared_is_decompressed(step):
    feed = b"<?xml version='1.0'?><rss/>"
    ways = {"deflate": gzip.compress(feed), "gzip": zlib.compress(feed), "br": gzip.compress(feed)}
    for declared, wire in ways.items():
        inflater = inflate(declared, wire, step=step)
        assert (inflater.body, inflater.complete) == (feed, True)


def test_an_encoding_that_was_not_asked_for_is_refused():
    with pytest.raises(FetchError, match="not asked for"):
        inflate("br", b"\x0b\x02\x80feed\x03")


def test_gzip_that_no_header_declared_is_inflated_within_the_limit():
    assert inflated(gzip.compress(b"feed"), 100) == b"feed"
    assert inflated(gzip.compress(gzip.compress(b"feed")), 100) == b"feed"
    assert inflated(b"feed", 100) == b"feed"
    with pytest.raises(FetchError, match="larger than"):
        inflated(gzip.compress(bytes(1000)), 100)
    with pytest.raises(FetchError, match="corrupt"):
        inflated(gzip.compress(b"feed")[:-8] + bytes(8), 100)
