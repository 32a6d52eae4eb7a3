"""The language of rules: a line of themes.toml in, a `Condition` out. That file's head explains it to users.

rule  = part { ("AND" | "NOT") part }
part  = [scope ":"] term { ("NEAR" | "THEN") ["/" distance] [scope ":"] term }
term  = ( "{" list "}" | word ) { "{" list "}" | word }
word  = form { "|" form }            form = letters, with "*" at either end, or "~" before it
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal, cast
from unicodedata import normalize

from monitor.tag.words import Words, form

Scope = Literal["", "title", "lead", "often"]
SCOPES = ("title", "lead", "often")
DISTANCE = 8
"""How many words may be between two terms if a rule does not give a number."""
LONGEST = 12
"""How many words a phrase may have."""
_DIGITS = 6

# Only capitals: "and" and "not" are words that a phrase may contain.
_OPERATOR = re.compile(r"(?:^|\s+)(AND|NOT|(?:NEAR|THEN)(?:/\d+)?)(?:\s+|$)")
# Looks like an operator, but is read as a word.
_MEANT = re.compile(r"(?:^|\s)(OR|(?:AND|NOT|NEAR|THEN)(?:/\S*)?)(?=\s|$)")
_SCOPE = re.compile(r"([A-Za-z]+):\s*(?=\S)")
_LIST_INSIDE = re.compile(r"(\{[^{}]*\})")
_LIST = re.compile(r"\{([^{}]*)\}")
_FORM = re.compile(r"(?P<front>\*|~|)(?P<letters>[^\W_]+)(?P<back>\*?)")
# Only for phrases with wildcards, as `Words` would drop * and ~ with the other marks.
_MARKS = re.compile(r"[\s\-–—'’./&+,!?„“”\"]+")


class GrammarError(ValueError):
    """A rule cannot be read; the message says why."""


@dataclass(frozen=True, slots=True)
class Form:
    """One form of a word: `letters` are all of it, its beginning, end or inside, or its stem; or a number."""

    letters: str
    kind: Literal["whole", "beginning", "ending", "inside", "inflected", "number"] = "whole"


Slot = tuple[Form, ...]
"""Forms, of which a word must have one."""
Phrase = tuple[Slot, ...]
"""Words that follow each other directly."""


@dataclass(frozen=True, slots=True)
class Term:
    """A phrase, or any phrase of a glossary list, and where it must be."""

    scope: Scope = ""
    phrase: Phrase = ()
    list: str = ""
    text: str = ""
    """As written in the file."""


@dataclass(frozen=True, slots=True)
class Link:
    """How a term is tied to those before it: at most `distance` words apart, and after them if `ordered`."""

    distance: int
    ordered: bool


@dataclass(frozen=True, slots=True)
class Part:
    """Terms that are near each other: `links[i]` ties `terms[i + 1]` to those before it."""

    terms: tuple[Term, ...]
    links: tuple[Link, ...] = ()


@dataclass(frozen=True, slots=True)
class Condition:
    """The meaning of a rule: the entry has all of `needs` and none of `bars`."""

    needs: tuple[Part, ...]
    bars: tuple[Part, ...] = ()

    @property
    def lists(self) -> tuple[str, ...]:
        """The glossary lists that it refers to."""
        return tuple(term.list for part in (*self.needs, *self.bars) for term in part.terms if term.list)


def parse_rule(text: str) -> Condition:
    """Read a rule. Raises `GrammarError`."""
    first, *rest = _OPERATOR.split(_composed(text))
    needs: list[Part] = []
    bars: list[Part] = []
    part = _side_by_side(first)
    into = needs
    for operator, operand in zip(rest[::2], rest[1::2], strict=True):
        other = _side_by_side(operand)
        # NEAR and THEN bind more closely: they extend the current part, while AND and NOT begin another.
        if operator in {"AND", "NOT"}:
            into.append(part)
            part, into = other, bars if operator == "NOT" else needs
        else:
            part = Part(part.terms + other.terms, (*part.links, _link(operator), *other.links))
    into.append(part)
    return Condition(tuple(needs), tuple(bars))


def doubt(text: str) -> str:
    """Return why a valid rule probably does not mean what was intended, "" if nothing looks wrong.

    This is not an error, since version 1.0 accepted such rules, and existing files must still be accepted.
    """
    for operand in _OPERATOR.split(_composed(text))[::2]:
        if found := _MEANT.search(operand):
            if found[1] == "OR":
                return "OR is read as a word: write sue|sues for one of several words, else two phrases"
            return (
                f"{found[1]} is read as a word: write AND, NOT, NEAR, NEAR/3, THEN or THEN/3, one at a time"
            )
        if operand.strip().removesuffix(":") in SCOPES and operand.strip().endswith(":"):
            return f"{operand.strip()} is read as a word: a place stands before a phrase"
    return ""


def parse_phrase(text: str) -> Phrase:
    """Read words that follow each other. Raises `GrammarError`."""
    slots = tuple(slot for piece in _composed(text).split() for slot in _slots(piece))
    if not slots:
        raise GrammarError("a phrase without a word")
    if len(slots) > LONGEST:
        raise GrammarError(f"a phrase of more than {LONGEST} words")
    return slots


def _composed(text: str) -> str:
    """Return a text with composed letters, as entries have them; text copied from a PDF has not."""
    return text if text.isascii() else normalize("NFC", text)


def references(text: str) -> str:
    """Return the name of the list that a glossary item stands for, "" for a phrase."""
    match = _LIST.fullmatch(text.strip())
    return match.group(1).strip() if match else ""


def _side_by_side(text: str) -> Part:
    """Read a phrase that may contain lists; its pieces follow each other without a word between them."""
    scope, text = _scope(text.strip())
    pieces = [piece.strip() for piece in _LIST_INSIDE.split(text) if piece.strip()]
    if not pieces:
        raise GrammarError("an operator (AND, NOT, NEAR, THEN) needs a phrase on each side")
    terms = tuple(_term(scope, piece) for piece in pieces)
    return Part(terms, tuple(Link(0, ordered=True) for _ in terms[1:]))


def _scope(text: str) -> tuple[Scope, str]:
    match = _SCOPE.match(text)
    if not match:
        return "", text
    if match.group(1) not in SCOPES:
        raise GrammarError(f"unknown place {match.group(1)!r}: it is one of {', '.join(SCOPES)}")
    return cast("Scope", match.group(1)), text[match.end() :]


def _term(scope: Scope, piece: str) -> Term:
    if name := references(piece):
        return Term(scope, list=name, text=piece)
    if "{" in piece or "}" in piece:
        raise GrammarError("a { without its }: lists are written {name}")
    return Term(scope, parse_phrase(piece), text=piece)


def _link(operator: str) -> Link:
    name, _, number = operator.partition("/")
    if len(number) > _DIGITS:
        raise GrammarError(f"{name}/{number[:_DIGITS]}…: no text is so long")
    return Link(int(number) if number else DISTANCE, ordered=name == "THEN")


def _slots(piece: str) -> list[Slot]:
    """Read one piece without blanks: `sue|sues` is one slot, `AI-generated` is two."""
    if piece.isalnum():  # a plain word, as most are: saves half the time of reading the rules
        return [(Form(form(piece)),)]
    if piece == "#":
        return [(Form("#", "number"),)]
    if "|" in piece:
        return [tuple(_form(way) for way in piece.split("|"))]
    if "*" in piece or "~" in piece:
        return [(_form(part),) for part in _MARKS.split(piece) if part]
    return [(Form(form(raw)),) for raw in Words(piece).raw]


def _form(text: str) -> Form:
    match = _FORM.fullmatch(text)
    if not match:
        raise GrammarError(f"{text!r} is not a word: letters, with * at an end or ~ before them")
    front, back, letters = match["front"], match["back"], match["letters"]
    if front == "~":
        return Form(form(letters), "inflected")
    if front and back:
        # Unchanged: within a compound, what looks like an ending is not at its end.
        return Form(letters.lower(), "inside")
    # Unchanged: the "in" at the end of a beginning may belong to "Initiative", and is no feminine ending.
    if back:
        return Form(letters.lower(), "beginning")
    if front:
        return Form(form(letters), "ending")
    return Form(form(letters))
