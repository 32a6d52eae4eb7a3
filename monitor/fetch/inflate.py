"""Decode compressed bodies within a limit that no input exceeds, however small, not even for a moment."""

from __future__ import annotations

import zlib

from monitor.errors import FetchError

# How zlib.decompressobj tells the three formats apart.
_GZIP, _ZLIB, _RAW = 31, 15, -15
_GZIP_MAGIC = b"\x1f\x8b"
# A body with more gzip members than this is an attack on our time,
_MEMBERS = 16

# as is one in more pieces: a body sent in chunks of one byte costs seconds.
_PIECES = 50_000

# How feeds begin that are not compressed, whatever their headers say. A lone "{" may begin raw deflate.
_PLAIN = (b"<?xml", b"<rss", b"<feed", b"<rdf:", b"<!--", b"\xef\xbb\xbf<")


def inflated(body: bytes, limit: int) -> bytes:
    """Decompress gzip that no header declared: a feed that is a .gz file, or was compressed twice."""
    for _ in range(2):
        if body.startswith(_GZIP_MAGIC):
            inflater = Inflater("gzip", limit=limit)
            inflater.feed(body)
            body = inflater.body
    return body


class Inflater:
    """Decodes a body that arrives in pieces: identity, gzip (RFC 1952), deflate (RFC 1950 or raw RFC 1951).

    The first bytes count for more than the declared encoding: a body that begins like a feed is used as it
    is, and one that is compressed in another of these formats is decompressed in that one.

    Raises FetchError if the body is larger than `limit` bytes, before or after decoding, if it is corrupt, or
    if it is cut up in a way that only costs time.
    """

    def __init__(self, encoding: str, *, limit: int) -> None:
        self._encoding = encoding
        self._limit = limit
        self._received = 0
        self._pieces = 0
        self._held = b""
        self._members = 0
        self._inflate: zlib._Decompress | None = None
        self._body = bytearray()

    def feed(self, data: bytes) -> None:
        """Take the next piece as it came over the wire."""
        self._received += len(data)
        self._pieces += 1
        if self._pieces > _PIECES:
            raise FetchError(f"the body comes in more than {_PIECES} pieces")
        if self._received > self._limit:
            raise _too_large(self._limit)
        if self._encoding == "identity":
            self._body += data
            return
        try:
            self._decode(data)
        except zlib.error as error:
            raise FetchError(f"the {self._encoding} body is corrupt") from error

    @property
    def body(self) -> bytes:
        """What has been decoded so far."""
        return bytes(self._body)

    @property
    def complete(self) -> bool:
        """False while the end of a compressed body is missing."""
        if self._encoding == "identity":
            return True
        if self._inflate is None:
            return self._members > 0 or not self._received
        return self._inflate.eof

    def _decode(self, data: bytes) -> None:
        while data:
            if self._inflate is None:
                data = self._begin(data)
                continue
            # One more than the limit, since zlib takes 0 for "no limit".
            self._body += self._inflate.decompress(data, self._limit + 1 - len(self._body))
            if len(self._body) > self._limit:
                raise _too_large(self._limit)
            data = self._inflate.unconsumed_tail
            if self._inflate.eof:
                data = self._inflate.unused_data
                self._inflate = None

    def _begin(self, data: bytes) -> bytes:
        """Start the next compressed stream; return the data to decode, b"" while its header is incomplete."""
        self._held, data = b"", self._held + data
        if len(data) < max(map(len, _PLAIN)) and any(start.startswith(data) for start in _PLAIN):
            self._held = data
            return b""
        if len(data) < len(_GZIP_MAGIC):
            self._held = data
            return b""
        if not self._members:
            self._encoding = self._seen(data)
        if self._encoding == "identity":
            self._body += data
            return b""
        if self._members and (self._encoding != "gzip" or not data.startswith(_GZIP_MAGIC)):
            self._held = b""  # padding after the end
            return b""
        self._members += 1
        if self._members > _MEMBERS:
            raise FetchError(f"the gzip body has more than {_MEMBERS} members")
        self._inflate = zlib.decompressobj(self._window(data))
        return data

    def _seen(self, data: bytes) -> str:
        """Return the encoding of a body by its first bytes, or the declared one if they do not tell."""
        if data.startswith(_PLAIN if self._encoding == "deflate" else (*_PLAIN, b"{")):
            return "identity"
        if data.startswith(_GZIP_MAGIC):
            return "gzip"
        if self._encoding == "gzip" and _is_zlib(data):
            return "deflate"
        if self._encoding not in {"gzip", "deflate"}:
            raise FetchError(f"the body has an encoding that was not asked for ({self._encoding})")
        return self._encoding

    def _window(self, data: bytes) -> int:
        if self._encoding == "gzip":
            return _GZIP
        # In RFC 9110 "deflate" means the zlib format, but many servers send raw deflate.
        return _ZLIB if _is_zlib(data) else _RAW


def _is_zlib(data: bytes) -> bool:
    return data[0] & 0x0F == zlib.DEFLATED and int.from_bytes(data[:2], "big") % 31 == 0


def _too_large(limit: int) -> FetchError:
    return FetchError(f"the body is larger than {_size(limit)}")


def _size(count: int) -> str:
    for unit, size in (("MB", 1_000_000), ("kB", 1_000)):
        if count >= size:
            return f"{count / size:.3g} {unit}"
    return f"{count} bytes"
