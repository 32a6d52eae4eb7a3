"""What the table of weights sees of an entry: the stems of its words, and pairs of stems side by side.

Takes the words of the title and of the text's opening as they stand; gives each feature once, with the words
that stand for it. Pairs matter: with them alone the themes rose from .704 to .738 (left-out authors), while
letters, chains of three and nearest neighbours added nothing.
"""

from __future__ import annotations

from math import sqrt
from typing import TYPE_CHECKING, NamedTuple

import Stemmer

from monitor.tag.words import form

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

OPENING = 80
"""How many words of a title, and of the text below it, are seen."""
STRENGTH = 3.0
"""What all words of an entry weigh together, beside the rules' sums: the best of 1.5, 3 and 6."""
# Distinct words remembered for a language before the memory starts anew: some 8 MB at most.
_REMEMBERED = 50_000


class Quote(NamedTuple):
    """Where a feature first stands: the text verbatim, and its field."""

    text: str
    field: str


class Features(NamedTuple):
    """The features of an entry."""

    quotes: Mapping[str, Quote]
    scale: float
    """What one feature counts: a long text's words count less each."""


class Stems:
    """Words to stems in one language. Other languages are cut as English is: only names matter there."""

    def __init__(self, language: str) -> None:
        self._stem = Stemmer.Stemmer("german" if language == "de" else "english").stemWord
        self._known: dict[str, str] = {}

    def features(self, fields: Mapping[str, Sequence[str]]) -> Features:
        """Give the features of words, by field."""
        quotes: dict[str, Quote] = {}
        singles: set[str] = set()
        for field, words in fields.items():
            # Anew for each field: a title's last word and the first below it are no pair.
            before = raw_before = ""
            for raw in words:
                stem = self._known.get(raw) or self._look_up(raw)
                quotes.setdefault(stem, Quote(raw, field))
                singles.add(stem)
                if before:
                    quotes.setdefault(f"{before} {stem}", Quote(f"{raw_before} {raw}", field))
                before, raw_before = stem, raw
        # The root, as in a vector of length one: else three words of a title would outweigh an article.
        return Features(quotes, STRENGTH / sqrt(len(singles) or 1))

    def _look_up(self, raw: str) -> str:
        if len(self._known) >= _REMEMBERED:
            self._known.clear()
        found = self._known[raw] = self._stem(form(raw)) or raw
        return found
