"""Finds every phrase of the rules in a list of words, in one pass.

Each word of the text is looked up once: which phrases begin with it, which slots of a phrase it can fill. The
answer is remembered, since a language has few distinct words; so wildcards and stems cost nothing after the
first meeting, and the time a text takes grows with its length, not with the number of rules.
"""

from __future__ import annotations

import re
from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple

import Stemmer

from monitor.tag.words import form as normal_form

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from monitor.tag.grammar import Form, Phrase, Slot

STEMMERS = {"en": "english", "de": "german"}
# Distinct words remembered before the memory starts anew: some 12 MB at most, in each language.
_REMEMBERED = 50_000

# By so many letters beginnings and endings are looked up; by fewer where one is shorter.
_EDGE = 2

Tail = tuple[tuple[int, ...], tuple[int, ...]]
"""What must follow a first word: slot numbers, and the operands that the whole phrase belongs to."""
Hits = dict[int, list[tuple[int, int]]]
"""Operand number to the word spans [start, end) where it was found, in order."""


class _Start(NamedTuple):
    """What a word is the first word of."""

    alone: tuple[int, ...]
    """The operands of which it is a whole phrase."""
    seconds: frozenset[int]
    """The slots of the words that follow it in longer phrases."""
    longer: dict[int, list[Tail]]
    """Those phrases, by the slot of their second word: what follows that."""


class Lexicon:
    """The phrases of numbered operands, ready to be found in texts of one language (or of several)."""

    def __init__(self, operands: Sequence[Iterable[Phrase]], languages: Sequence[str]) -> None:
        self._stemmers = [Stemmer.Stemmer(STEMMERS[language]) for language in languages]
        self._forms: dict[str, dict[str, list[int]]] = {
            kind: defaultdict(list)
            for kind in ("whole", "beginning", "ending", "inside", "inflected", "number")
        }
        self._slots: dict[Slot, int] = {}
        self._tails: dict[int, list[Tail]] = defaultdict(list)
        for phrase, numbers in _by_phrase(operands).items():
            head, *rest = (self._slot(slot) for slot in phrase)
            self._tails[head].append((tuple(rest), numbers))
        self._inside = _alternation(self._forms["inside"])
        self._edge = min((_EDGE, *map(len, self._forms["beginning"]), *map(len, self._forms["ending"])))
        self._beginnings = _by_edge(self._forms["beginning"], slice(self._edge))
        self._endings = _by_edge(self._forms["ending"], slice(-self._edge, None))
        self._fits: dict[str, tuple[int, ...]] = {}
        """Of each word met, the slots that it fits."""
        self._starts: dict[str, _Start] = {}
        """The words met that begin a phrase; most words do not."""

    def find(self, raw: Sequence[str], base: int, hits: Hits) -> None:
        """Add to `hits` where each phrase stands in a field's words, the first of which has place `base`."""
        self._meet(raw)
        fits, starts = self._fits, self._starts
        for place, word in enumerate(raw):
            if word not in starts:
                continue
            alone, seconds, _ = starts[word]
            start = base + place
            for operand in alone:
                hits.setdefault(operand, []).append((start, start + 1))
            following = fits[raw[place + 1]] if place + 1 < len(raw) else ()
            if following and not seconds.isdisjoint(following):
                self._find_longer(raw, place, start, hits)

    def _find_longer(self, raw: Sequence[str], place: int, start: int, hits: Hits) -> None:
        """Add the phrases of two words and more that begin at a place of the text."""
        longer = self._starts[raw[place]].longer
        for slot in self._fits[raw[place + 1]]:
            for rest, operands in longer.get(slot, ()):
                if not rest or self._continues(rest, raw[place + 2 : place + 2 + len(rest)]):
                    for operand in operands:
                        hits.setdefault(operand, []).append((start, start + 2 + len(rest)))

    def _slot(self, slot: Slot) -> int:
        number = self._slots.get(slot)
        if number is None:
            number = self._slots[slot] = len(self._slots)
            for form in slot:
                for key in self._keys(form):
                    self._forms[form.kind][key].append(number)
        return number

    def _keys(self, form: Form) -> set[str]:
        if form.kind == "inflected":
            return {stemmer.stemWord(form.letters) for stemmer in self._stemmers}
        return {form.letters}

    def _meet(self, raw: Sequence[str]) -> None:
        """Look up the words that were not met before."""
        if len(self._fits) >= _REMEMBERED:
            self._fits.clear()
            self._starts.clear()
        for word in set(raw).difference(self._fits):
            slots = self._fits[word] = tuple(dict.fromkeys(self._fitting(normal_form(word))))
            alone: dict[int, None] = {}
            longer: dict[int, list[Tail]] = {}
            for rest, operands in (tail for slot in slots for tail in self._tails.get(slot, ())):
                if rest:
                    longer.setdefault(rest[0], []).append((rest[1:], operands))
                else:
                    alone |= dict.fromkeys(operands)
            if alone or longer:
                self._starts[word] = _Start(tuple(alone), frozenset(longer), longer)

    def _continues(self, rest: Sequence[int], words: Sequence[str]) -> bool:
        """Say whether the words fit the slots, one each."""
        return len(words) == len(rest) and all(
            slot in self._fits[word] for slot, word in zip(rest, words, strict=True)
        )

    def _fitting(self, form: str) -> Iterable[int]:
        """Name the slots that a word can fill."""
        yield from self._forms["whole"].get(form, ())
        if form.isdecimal():
            yield from self._forms["number"].get("#", ())
        for edge, known, fits in (
            (form[: self._edge], self._beginnings, form.startswith),
            (form[-self._edge :], self._endings, form.endswith),
        ):
            for letters, slots in known.get(edge, ()):
                if fits(letters):
                    yield from slots
        if inflected := self._forms["inflected"]:
            for stem in {stemmer.stemWord(form) for stemmer in self._stemmers}:
                yield from inflected.get(stem, ())
        if self._inside and self._inside.search(form):
            for letters, slots in self._forms["inside"].items():
                if letters in form:
                    yield from slots


def _by_phrase(operands: Sequence[Iterable[Phrase]]) -> Mapping[Phrase, tuple[int, ...]]:
    """Turn operands inside out: each distinct phrase with all operands that it belongs to."""
    found: dict[Phrase, dict[int, None]] = defaultdict(dict)
    for number, phrases in enumerate(operands):
        for phrase in phrases:
            found[phrase][number] = None
    return {phrase: tuple(numbers) for phrase, numbers in found.items()}


def _alternation(forms: Mapping[str, object]) -> re.Pattern[str] | None:
    return re.compile("|".join(map(re.escape, forms))) if forms else None


def _by_edge(forms: Mapping[str, list[int]], edge: slice) -> dict[str, list[tuple[str, list[int]]]]:
    """Return beginnings or endings with their slots, the short first, by the two letters at the edge.

    Nine words of ten have none there: they need no further look.
    """
    found: dict[str, list[tuple[str, list[int]]]] = defaultdict(list)
    for letters in sorted(forms, key=len):
        found[letters[edge]].append((letters, forms[letters]))
    return dict(found)
