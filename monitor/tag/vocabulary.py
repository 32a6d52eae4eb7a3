"""The words of the learned table in one language: of a word, its row; of a new one, what its kin suggests."""

from __future__ import annotations

from typing import TYPE_CHECKING

import Stemmer

from monitor.tag.lexicon import STEMMERS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

UNIT = 1000
"""The table's numbers are thousandths of a threshold of 1.0."""
_LEAST_PART = 5
"""How many letters a part of a compound has at least, without the letters that link it."""
_LINKS = ("", "s", "es", "n", "en", "er")

Row = tuple[float, ...]
"""A weight for each beat and theme, in the order of the table's head; () where nothing is known."""


class Vocabulary:
    """Rows by word. They are kept as the file has them, and read when asked for."""

    def __init__(self, rows: Mapping[str, str], language: str, width: int) -> None:
        self._rows = rows
        self._compounds = language == "de"
        self._width = width
        self._stemmer = Stemmer.Stemmer(STEMMERS[language])
        longest_first = sorted(rows, key=len, reverse=True)
        self._stems = dict(zip(self._stemmer.stemWords(longest_first), longest_first, strict=True))
        """The shortest word of each stem: its base form, as a rule."""

    def row(self, word: str) -> Row:
        """Give the row of a word, else of one with its stem, else the mean of a compound's two parts."""
        if known := self._known(word):
            return self._read(known)
        return self._compound(word) if self._compounds else ()

    def _read(self, known: str) -> Row:
        row = numbers(self._rows[known].split("\t"))
        return row + (0.0,) * (self._width - len(row))

    def _known(self, word: str) -> str:
        """Find a word of the table: the same, or one with the same stem."""
        return word if word in self._rows else self._stems.get(self._stemmer.stemWord(word), "")

    def _compound(self, word: str) -> Row:
        for cut in range(_LEAST_PART, len(word) - _LEAST_PART + 1):
            tail = word[cut:]
            if tail in self._rows and (head := self._head(word[:cut])):
                parts = zip(self._read(head), self._read(tail), strict=True)
                return tuple((first + second) / 2 for first, second in parts)
        return ()

    def _head(self, part: str) -> str:
        """Find a compound's first part, without the letters that link it (Urheberrecht-s-klage)."""
        heads = (part.removesuffix(link) for link in _LINKS if part.endswith(link))
        return next(
            (known for head in heads if len(head) >= _LEAST_PART and (known := self._known(head))), ""
        )


def numbers(cells: Iterable[str]) -> Row:
    """Read cells of the table; an empty one is 0."""
    return tuple(int(cell or 0) / UNIT for cell in cells)
