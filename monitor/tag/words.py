"""Text to words: the one reading of a text that rules and entries share.

A word is a run of letters and digits, in lower case. Hyphens part words (`AI-generated` is two), a possessive
`'s` is dropped, `A.I.` is `ai`. German gendered forms have one normal form, the plain one: `Künstler:innen`,
`Künstler*innen`, `Künstler_innen`, `Künstler·innen`, `KünstlerInnen`, `Künstler/-innen`, `Künstlerin` and the pair
`Künstlerinnen und Künstler` are all read as `künstler`.
"""

from __future__ import annotations

import re
from typing import NamedTuple

_GENDER = r"(?:[:*·•/]-?[iI]n(?:nen)?\b|\([iI]n(?:nen)?\))"
_TOKEN = re.compile(rf"\b[aA]\.[iI]\b\.?|\w{{4,}}{_GENDER}|\w+(?:['’]s\b)?")
_FEMALE = re.compile(r"(\w{2,}(?:er|ist|eur|or|ent|ant|at|graf|graph|log|nom|iker))_?in(?:nen)?")
_NOT_LETTERS = re.compile(r"[^\w]")
_JOINING = frozenset({"und", "oder", "bzw", "sowie"})


class Word(NamedTuple):
    """A word as rules see it, and where it stands in the text."""

    form: str
    start: int
    end: int


def words(text: str) -> list[Word]:
    """Read a text as words, in order; a gendered pair is one word that spans both."""
    found: list[Word] = []
    paired = False
    for match in _TOKEN.finditer(text):
        raw = match.group()
        form = raw.lower() if raw.isalnum() else _normal(raw)
        if form.endswith(("in", "innen")):
            form = singular(form)
        word = Word(form, match.start(), match.end())
        if form in _JOINING:
            paired = True
        elif paired:
            paired = False
            if len(found) > 1 and found[-2].form == form and found[-1].form in _JOINING:
                word = Word(form, found[-2].start, word.end)
                del found[-2:]
        found.append(word)
    return found


def singular(form: str) -> str:
    """Take the feminine ending off a German word for a person (`autorinnen` to `autor`); others stay."""
    match = _FEMALE.fullmatch(form)
    return match.group(1) if match else form


def _normal(raw: str) -> str:
    if raw[1:2] == ".":
        return "ai"
    if raw[-2:] in {"'s", "’s"}:
        raw = raw[:-2]
    form = _NOT_LETTERS.sub("", raw).lower()
    return form.replace("_innen", "innen").replace("_in", "in") if "_in" in form else form
