"""The language of rules: a line of themes.toml to a `Condition`. The file's header explains it to its reader.

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
"""How many words may stand between two terms when a rule names no number."""
LONGEST = 12
"""How many words a phrase may have."""
_DIGITS = 6

# Capitals alone: "and" and "not" are words that phrases hold.
_OPERATOR = re.compile(r"(?:^|\s+)(AND|NOT|(?:NEAR|THEN)(?:/\d+)?)(?:\s+|$)")
# What was meant as one, and is read as a word.
_MEANT = re.compile(r"(?:^|\s)(OR|(?:AND|NOT|NEAR|THEN)(?:/\S*)?)(?=\s|$)")
_SCOPE = re.compile(r"([A-Za-z]+):\s*(?=\S)")
_LIST_INSIDE = re.compile(r"(\{[^{}]*\})")
_LIST = re.compile(r"\{([^{}]*)\}")
_FORM = re.compile(r"(?P<front>\*|~|)(?P<letters>[^\W_]+)(?P<back>\*?)")
# For phrases with wildcards alone: `Words` would drop the * and ~ with the other marks.
_MARKS = re.compile(r"[\s\-–—'’./&+,!?„“”\"]+")


class GrammarError(ValueError):
    """A rule cannot be read; the message says what is wrong with it."""


@dataclass(frozen=True, slots=True)
class Form:
    """One way to write a word: `letters` whole, as its beginning, end or inside, inflected; or a number."""

    letters: str
    kind: Literal["whole", "beginning", "ending", "inside", "inflected", "number"] = "whole"


Slot = tuple[Form, ...]
"""Forms of which a word must have one."""
Phrase = tuple[Slot, ...]
"""Words that stand side by side."""


@dataclass(frozen=True, slots=True)
class Term:
    """A phrase, or any phrase of a glossary list, with where it must stand."""

    scope: Scope = ""
    phrase: Phrase = ()
    list: str = ""
    text: str = ""
    """As the file has it."""


@dataclass(frozen=True, slots=True)
class Link:
    """How a term is tied to the ones before it: at most `distance` words apart, after them when `ordered`."""

    distance: int
    ordered: bool


@dataclass(frozen=True, slots=True)
class Part:
    """Terms that stand near each other: `links[i]` ties `terms[i + 1]` to those before it."""

    terms: tuple[Term, ...]
    links: tuple[Link, ...] = ()


@dataclass(frozen=True, slots=True)
class Condition:
    """A rule's meaning: all of `needs` and none of `bars` are found in the entry."""

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
        # NEAR and THEN bind more closely: they lengthen the part that stands, AND and NOT begin another.
        if operator in {"AND", "NOT"}:
            into.append(part)
            part, into = other, bars if operator == "NOT" else needs
        else:
            part = Part(part.terms + other.terms, (*part.links, _link(operator), *other.links))
    into.append(part)
    return Condition(tuple(needs), tuple(bars))


def doubt(text: str) -> str:
    """Return why a rule that can be read hardly means what it says, "" where nothing speaks against it.

    No error: it was none in version 1.0, and a file that stands must go on to be read.
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
    """Read words that stand side by side. Raises `GrammarError`."""
    slots = tuple(slot for piece in _composed(text).split() for slot in _slots(piece))
    if not slots:
        raise GrammarError("a phrase without a word")
    if len(slots) > LONGEST:
        raise GrammarError(f"a phrase of more than {LONGEST} words")
    return slots


def _composed(text: str) -> str:
    """Give a text's letters whole, as those of entries are: what is copied from a PDF has them in parts."""
    return text if text.isascii() else normalize("NFC", text)


def references(text: str) -> str:
    """Name the list that a glossary item stands for, "" for a plain phrase."""
    match = _LIST.fullmatch(text.strip())
    return match.group(1).strip() if match else ""


def _side_by_side(text: str) -> Part:
    """Read a phrase, with or without lists in it: its pieces follow each other without a word between."""
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
    """Read one blank-free piece: `sue|sues` is one slot, `AI-generated` are two."""
    if piece.isalnum():  # most are one plain word: half of the time that it takes to read the rules
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
        # As it stands: inside a compound no ending is at its end.
        return Form(letters.lower(), "inside")
    # A beginning is no word yet: its "in" may belong to "Initiative" and is no feminine ending.
    if back:
        return Form(letters.lower(), "beginning")
    if front:
        return Form(form(letters), "ending")
    return Form(form(letters))
