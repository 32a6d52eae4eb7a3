"""Full-text search: how text is indexed, and how a user's query is put to FTS5."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import Final

from monitor.text import fold

# A quote that is not closed extends to the end of the query.
_PHRASE: Final = re.compile(r'"([^"]*)"?|([^\s"]+)')
_WORD: Final = re.compile(r"\w+")
_UMLAUT: Final = re.compile(r"(?<=[aou])e")


def spellings(*texts: str) -> str:
    """Return the words of texts that are also spelt otherwise: "München" is muenchen, "Straße" is strasse.

    Each once. That it is munchen as well the index knows: it takes letters without their accents.
    """
    words = {word for text in texts if not text.isascii() for word in text.split() if not word.isascii()}
    return " ".join(sorted({spelt for word in words if (spelt := _spelt_otherwise(word))}))


# Cached: "für" occurs in every second German sentence, and this took a twentieth of a first poll.
@lru_cache(maxsize=10_000)
def _spelt_otherwise(word: str) -> str:
    folded = fold(word)
    return "" if folded == _bare(word) else folded


def match_expression(query: str) -> str:
    """Return a query in FTS5's language, where nothing in it is an operator; "" when no word is in it.

    All words must occur; "words in quotes" stand together; a star ends the beginning of a word: `strike*`.
    """
    phrases = []
    for quoted, plain in _PHRASE.findall(query):
        spelt = dict.fromkeys(" ".join(_WORD.findall(written)) for written in _written(quoted or plain))
        # Always quoted: without quotes, `a OR` and `"brennt` are errors in FTS5, and `title:` is a column.
        either = [f'"{words}"' + "*" * plain.endswith("*") for words in spelt if words]
        phrases += [f"({' OR '.join(either)})"] if either else []
    return " AND ".join(phrases)


def _written(phrase: str) -> tuple[str, ...]:
    """Return the spellings in which a phrase may stand in the index."""
    folded = fold(phrase)
    if " " not in phrase:
        return folded, _bare(phrase)
    # Other spellings of words stand by themselves in the index, where no phrase goes on: "in Muenchen" is
    # found in "in München" only as that is written, without its accents.
    plain = _UMLAUT.sub("", folded)
    return folded, _bare(phrase), plain, folded.replace("ss", "ß"), plain.replace("ss", "ß")


def _bare(text: str) -> str:
    parts = unicodedata.normalize("NFD", text.lower())
    return "".join(char for char in parts if not unicodedata.combining(char))
