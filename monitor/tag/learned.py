"""What was learned from labelled lines, beside the rules: how far each word speaks for each beat and theme.

A linear model, trained by `training/train.py` and kept as a table that a person can read (learned.tsv). It
adds up: the sums of the rules, a weight for each distinct word of the title and of the text's opening, and a
base. Its currency is the rules' own, so a total is held against the same threshold. themes.toml switches it
on with `learned = true`; without it, and for what the table does not know, the rules decide alone.
"""

from __future__ import annotations

from functools import cache
from importlib import resources
from math import sqrt
from typing import TYPE_CHECKING, NamedTuple
from zlib import crc32

from monitor.tag.rules import LANGUAGES
from monitor.tag.vocabulary import Row, Vocabulary, numbers
from monitor.tag.words import form

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from monitor.tag.rules import Rule

CAP = 2.0
"""What the rules of one beat or theme can add up to at most before the table weighs them."""
OPENING = 80
"""How many words of a title, and of the text below it, are heard."""
_SHOWN = 5
_WORTH_SHOWING = 0.05
_REMEMBERED = 50_000
"""Distinct words remembered for a language before the memory starts anew: some 60 MB at most."""


class Share(NamedTuple):
    """A part of a total that the table accounts for."""

    term: str
    field: str
    """ "title", "summary", "content"; "" for what stands nowhere in particular."""
    weight: float
    why: str = "learned: word"


class Learned:
    """The table, read."""

    def __init__(self, text: str) -> None:
        self._places: dict[str, int] = {}
        self._known: dict[str, frozenset[str]] = {}
        self.base: Row = ()
        self.rules: dict[str, Row] = {}
        rows: dict[str, dict[str, str]] = {language: {} for language in LANGUAGES}
        for line in text.splitlines():
            kind, _, rest = line.partition("\t")
            if kind in rows:
                word, _, row = rest.partition("\t")
                rows[kind][word] = row
            elif line and not line.startswith("#"):
                self._head(kind, rest.split("\t"))
        self._vocabularies = {name: Vocabulary(rows[name], name, len(self.base)) for name in LANGUAGES}
        self._heard: dict[tuple[str, ...], dict[str, tuple[str, Row]]] = {}

    def _head(self, kind: str, cells: list[str]) -> None:
        if kind == "targets":
            self._places = {slug: place for place, slug in enumerate(cells)}
        elif kind == "base":
            self.base = numbers(cells)
        elif kind == "rules":
            self.rules[cells[0]] = numbers(cells[1:])
        elif kind == "known":
            self._known[cells[0]] = frozenset(cells[1].split())
        else:
            raise ValueError(f"learned.tsv: unknown row {kind!r}")

    def covers(self, slug: str) -> bool:
        """Say whether the table has weights for a beat or theme."""
        return slug in self._places

    def knows(self, slug: str, rule: Rule) -> bool:
        """Say whether a rule was in themes.toml when the table was made."""
        return fingerprint(rule) in self._known.get(slug, ())

    def listen(self, said: Mapping[str, Sequence[str]], languages: tuple[str, ...]) -> Opinion:
        """Hear words as they stand, by field."""
        known = self._heard.setdefault(languages, {})
        found = [
            known.get(raw) or self._look_up(raw, known, languages) for words in said.values() for raw in words
        ]
        return Opinion(self, said, found)

    def place(self, slug: str) -> int:
        """Say in which column a beat or theme stands."""
        return self._places[slug]

    def _look_up(
        self, raw: str, known: dict[str, tuple[str, Row]], languages: tuple[str, ...]
    ) -> tuple[str, Row]:
        if len(known) >= _REMEMBERED:
            known.clear()
        word = form(raw)
        rows = (row for name in languages if (row := self._vocabularies[name].row(word)))
        known[raw] = found = word, next(rows, ())
        return found


class Opinion:
    """What the table makes of one entry's words."""

    __slots__ = ("_found", "_heard", "_learned", "_rows", "_said", "_scale", "_where")

    def __init__(
        self, learned: Learned, said: Mapping[str, Sequence[str]], found: Sequence[tuple[str, Row]]
    ) -> None:
        """Take what was said, by field, and for each word of it in turn its normal form and its row."""
        self._learned = learned
        self._said = said
        self._found = found
        self._heard = dict(found)
        self._rows = [row for row in self._heard.values() if row]
        self._scale = 1 / sqrt(len(self._heard) or 1)
        self._where: dict[str, tuple[str, str]] = {}

    def total(self, slug: str, sums: Mapping[str, float]) -> float:
        """Weigh a beat or theme, given what the known rules of each add up to (absent: 0)."""
        place = self._learned.place(slug)
        return self._words(place) + sum(self._by_rules(slug, sums).values())

    def shares(self, slug: str, sums: Mapping[str, float]) -> list[Share]:
        """Account for the total beside the sum of the target's own rules, which is shown by its matches."""
        place = self._learned.place(slug)
        weights = [(abs(row[place]) * self._scale, word) for word, row in self._heard.items() if row]
        weighty = [word for weight, word in sorted(weights)[: -_SHOWN - 1 : -1] if weight >= _WORTH_SHOWING]
        shown = [Share(*self._stands(word), self._heard[word][place] * self._scale) for word in weighty]
        rest = self._words(place) - sum(share.weight for share in shown)
        by_rules = self._by_rules(slug, sums)
        own = by_rules.pop(slug, 0.0) - sums.get(slug, 0.0)
        shown += [
            Share(other, "", weight, "learned: its rules") for other, weight in by_rules.items() if weight
        ]
        if own:
            shown.append(Share("", "", own, "learned: how far its own rules count"))
        return [*shown, Share("", "", rest, "learned: base and other words")]

    def _words(self, place: int) -> float:
        """Add up the base and all words."""
        return self._learned.base[place] + sum([row[place] for row in self._rows]) * self._scale

    def _stands(self, word: str) -> tuple[str, str]:
        """Give a word as it first stands, and the field."""
        if not self._where:
            stand = ((raw, field) for field, words in self._said.items() for raw in words)
            for (heard, _), place in zip(self._found, stand, strict=True):
                self._where.setdefault(heard, place)
        return self._where[word]

    def _by_rules(self, slug: str, sums: Mapping[str, float]) -> dict[str, float]:
        """Say what each target's rules bring; what speaks against another target speaks for nothing here."""
        rules, place = self._learned.rules, self._learned.place(slug)
        return {
            name: min(total if name == slug else max(total, 0.0), CAP) * rules[name][place]
            for name, total in sums.items()
            if name in rules
        }


@cache
def shipped() -> Learned:
    """Read the table that comes with the program."""
    file = resources.files("monitor.tag") / "learned.tsv"
    return Learned(file.read_text(encoding="utf-8"))


def fingerprint(rule: Rule) -> str:
    """Tell a rule from others: by its language, grade and text."""
    return f"{crc32(f'{rule.language} {rule.grade} {rule.text}'.encode()):x}"
