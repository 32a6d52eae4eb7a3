"""Find every phrase of the rules in a list of words, in one pass.

Takes numbered operands, which are sets of phrases; gives the places where each is found. Each word of a text
is looked up once: which phrases begin with it, and which slots of a phrase it fits. The answer is cached,
since a language has few distinct words. So wildcards and stems cost nothing when a word is met again, and the
time depends on the length of the text, not on the number of rules.
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
# When this many words of a language are cached, the cache is emptied; it takes 7 MB at most.
_REMEMBERED = 30_000

# Beginnings and endings are indexed by this many letters, or by fewer if one of them is shorter.
_EDGE = 2

Tail = tuple[tuple[int, ...], tuple[int, ...]]
"""What must follow the first word of a phrase: slot numbers, and the operands that the phrase belongs to."""
Hits = dict[int, list[tuple[int, int]]]
"""For each operand number the word spans [start, end) where it was found, in order."""


class _Start(NamedTuple):
    """The phrases that begin with a word."""

    alone: tuple[int, ...]
    """The operands of which the word alone is a phrase."""
    seconds: frozenset[int]
    """The slots of the second words of longer phrases."""
    longer: dict[int, list[Tail]]
    """The longer phrases, by the slot of their second word: what follows that word."""


class Lexicon:
    """The phrases of numbered operands, to be found in texts of one language, or of several."""

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
        """For each word met so far, the slots that it fits."""
        self._starts: dict[str, _Start] = {}
        """The words met so far that begin a phrase, which most words do not."""

    def find(self, raw: Sequence[str], base: int, hits: Hits) -> None:
        """Add to `hits` where each phrase is found in a field, whose first word has the place `base`."""
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
        """Add the phrases of two words or more that begin at a place of the text."""
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
        """Look up the words that are not in the cache."""
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
        """Return whether the words fit the slots, one for each."""
        return len(words) == len(rest) and all(
            slot in self._fits[word] for slot, word in zip(rest, words, strict=True)
        )

    def _fitting(self, form: str) -> Iterable[int]:
        """Yield the slots that a word fits."""
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
    """Return each distinct phrase with all the operands that it belongs to."""
    found: dict[Phrase, dict[int, None]] = defaultdict(dict)
    for number, phrases in enumerate(operands):
        for phrase in phrases:
            found[phrase][number] = None
    return {phrase: tuple(numbers) for phrase, numbers in found.items()}


def _alternation(forms: Mapping[str, object]) -> re.Pattern[str] | None:
    return re.compile("|".join(map(re.escape, forms))) if forms else None


def _by_edge(forms: Mapping[str, list[int]], edge: slice) -> dict[str, list[tuple[str, list[int]]]]:
    """Return beginnings or endings with their slots, shortest first, by the letters at the word's edge.

    Nine words in ten have no entry there, and need no further comparison.
    """
    found: dict[str, list[tuple[str, list[int]]]] = defaultdict(list)
    for letters in sorted(forms, key=len):
        found[letters[edge]].append((letters, forms[letters]))
    return dict(found)
