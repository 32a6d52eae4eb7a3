"""Split text into words, in the same way for rules and for entries.

A word is a run of letters and digits, in lower case. Hyphens separate words (`AI-generated` is two), a
possessive `'s` is dropped, and `A.I.` is `ai`. All gendered forms of a German word become the masculine one:
`Künstler:innen`, `Künstler*innen`, `Künstler_innen`, `Künstler·innen`, `KünstlerInnen`, `Künstler/-innen`,
`Künstlerin` and the pair `Künstlerinnen und Künstler` are all read as `künstler`.
"""

from __future__ import annotations

import re
from itertools import islice

_GENDER = r"[:*·•/]-?[iI]n(?:nen)?\b|\([iI]n(?:nen)?\)"
# The look-ahead comes first, so that the long alternation is tried only where one of these marks follows.
_TOKEN = re.compile(rf"\w+(?:(?=[:*·•/('’.])(?:{_GENDER}|['’]s\b|(?<=\b[aA])\.[iI]\b\.?))?")
_PLAIN = re.compile(r"\w+")
# Chinese, Japanese and Korean join names in Latin letters to what follows: "OpenAI宣布关闭Sora" holds two.
_EASTERN = "\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff"
_JOINED = re.compile(rf"[^\W{_EASTERN}]+|(?:(?=\w)[{_EASTERN}])+")
_IS_EASTERN = re.compile(f"[{_EASTERN}]")
# Whether a text is in one of these scripts is looked for in so many letters at its beginning.
_BEGINNING = 100
_MARKS = ":*·•/('’"
_AI = ("A.I", "a.i", "A.i", "a.I")
# Only after endings that persons have, since "Disziplin" and "Medizin" end in -in too.
_FEMALE = re.compile(r"(\w{2,}(?:er|ist|eur|or|ent|ant|at|graf|graph|log|nom|iker))_?in(?:nen)?")
_NOT_LETTERS = re.compile(r"\W")
_PAIR = re.compile(r"innen\s+(?:und|oder|bzw|sowie)\b|\b(?:und|oder|bzw\.?|sowie)\s+\w+innen\b")
_JOINING = frozenset({"und", "oder", "bzw", "sowie"})


class Words:
    """The words of a text. `raw` has them in order and as written; `form` gives each as the rules see it."""

    __slots__ = ("_pieces", "_places", "_unplaced", "raw", "text")

    def __init__(self, text: str) -> None:
        self.text = text
        eastern = not text.isascii() and _IS_EASTERN.search(text, 0, _BEGINNING)
        self.raw: list[str] = (_JOINED if eastern else _TOKEN if _is_marked(text) else _PLAIN).findall(text)
        self._pieces: list[tuple[int, int]] | None = None
        self._places: list[tuple[int, int]] = []
        self._unplaced = (_JOINED if eastern else _TOKEN).finditer(text)
        if "innen" in text and _PAIR.search(text):
            self._join_pairs()

    def between(self, start: int, end: int) -> str:
        """Return the text from word `start` up to, but not including, word `end`, as written."""
        if end - start == 1 and self._pieces is None:
            return self.raw[start]
        first, last = start, end - 1
        if self._pieces is not None:
            first, last = self._pieces[first][0], self._pieces[last][1]
        self._places += (
            match.span() for match in islice(self._unplaced, max(0, last + 1 - len(self._places)))
        )
        return self.text[self._places[first][0] : self._places[last][1]]

    def _join_pairs(self) -> None:
        """Treat `Künstlerinnen und Künstler` as one word; remember which pieces each word is made of."""
        kept: list[str] = []
        pieces: list[tuple[int, int]] = []
        for place, raw in enumerate(self.raw):
            if len(kept) > 1 and kept[-1] in _JOINING and form(kept[-2]) == form(raw):
                del kept[-1], pieces[-1]
                pieces[-1] = (pieces[-1][0], place)
            else:
                kept.append(raw)
                pieces.append((place, place))
        self.raw, self._pieces = kept, pieces


def _is_marked(text: str) -> bool:
    """Return whether a text has a mark that may be part of a word; without one, a faster pattern will do."""
    return any(mark in text for mark in _MARKS) or any(written in text for written in _AI)


def form(raw: str) -> str:
    """Return a word's normal form: lower case, without possessive `'s`, without a feminine ending."""
    if not raw.isalnum():
        raw = raw[:-2] if raw[-2:] in {"'s", "’s"} else _NOT_LETTERS.sub("", raw)
    lower = raw.lower()
    if lower.endswith(("in", "innen")) and (match := _FEMALE.fullmatch(lower)):
        return match.group(1)
    return lower
