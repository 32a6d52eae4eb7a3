"""Full-text search: how text is indexed, and how a user's query is put to FTS5."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from monitor.text import fold

# A quote that nobody closes reaches to the end of the query.
_PHRASE: Final = re.compile(r'"([^"]*)"?|([^\s"]+)')
_WORD: Final = re.compile(r"\w+")


def index_text(*texts: str) -> str:
    """Return text as the index holds it: folded, words with accents or umlauts also in their bare spelling.

    "München" is found as münchen, muenchen and munchen, "Straße" as strasse.
    """
    text = " ".join(filter(None, texts))
    if text.isascii():
        return text.lower()
    bare = (_bare(word) for word in text.split() if not word.isascii())
    return " ".join([fold(text), *bare])


def match_expression(query: str) -> str:
    """Return a query in FTS5's language, where nothing in it is an operator; "" when no word is in it.

    All words must occur; "words in quotes" stand together; a star ends the beginning of a word: `strike*`.
    """
    phrases = []
    for quoted, plain in _PHRASE.findall(query):
        words = _WORD.findall(fold(quoted or plain))
        if words:
            # Quoted, whatever stands in it: bare, `a OR` and `"brennt` are errors to FTS5, and `title:` a
            # column.
            phrases.append(f'"{" ".join(words)}"' + "*" * plain.endswith("*"))
    return " AND ".join(phrases)


def _bare(word: str) -> str:
    parts = unicodedata.normalize("NFD", word.casefold())
    return "".join(char for char in parts if not unicodedata.combining(char))
