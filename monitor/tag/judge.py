"""The table of weights: how far words, pairs of words and sums of rules speak for relevance and for each tag.

It is a logistic regression, made by `training/train_tags.py` from the lines in training/, and stored as a
table that a person can read (weights.tsv). Each column is a question: "relevant", then each beat and theme. A
cell is log-odds in thousandths; the bar of a beat or theme is 0. The column "relevant" is calibrated to the
real rate of news in a technology feed (about 1.6 % relevant); other kinds of feeds have a prior.
"""

from __future__ import annotations

from bisect import bisect
from functools import cache
from importlib import resources
from math import exp, log
from operator import add, mul
from typing import TYPE_CHECKING, Final, NamedTuple
from zlib import crc32

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from monitor.tag.features import Features, Quote
    from monitor.tag.rules import Rule

RELEVANT: Final = "relevant"
"""The question whether an entry is in scope at all."""
TITLE_ALONE: Final = "title alone"
"""The prior of an entry without a teaser."""
TITLE_LOOKED: Final = "title alone, looked at"
"""An addition to that prior when the meaning is also judged, since it overrates titles alone."""
UNNAMED: Final = "unnamed"
"""The prior of an entry that does not mention AI."""
UNNAMED_TITLE: Final = "unnamed title"
"""The same for a title without a teaser, which often has no room to mention it."""
MEANING: Final = "the meaning of the text"
"""What evidence calls the part that meaning adds."""
CAP: Final = 3.0
"""The most that the rules of one beat or theme count for when the table weighs them."""
# One strong sign against is enough; a lower sum says no more.
FLOOR: Final = -1.0
# The table holds whole thousandths: shorter than floats, and the same on every machine.
UNIT: Final = 1000
# When this many rows are cached, the cache is emptied; it takes 5 MB at most (20,000 rows took 15). The
# rows of an entry are read again in half a millisecond, and only if it passes the gate.
_REMEMBERED = 5_000
# Characters on a page of the table: some twenty rows.
_PAGE: Final = 1000
# How the row of a word or pair of words begins.
_WORD: Final = "w\t"
# How many words of the table an explanation lists; small weights tell nobody anything.
_SHOWN = 8

Row = tuple[tuple[int, float], ...]
"""Columns, each with its log-odds."""


class Contribution(NamedTuple):
    """A part of a sum of log-odds."""

    term: str
    field: str
    """"title", "summary" or "content"; "" for what is in no field."""
    weight: float
    why: str


class Meaning(NamedTuple):
    """What the meaning of a text adds to what its words say, if the encoder is installed.

    On real technology feeds of five months, nine in ten relevant entries were found at a precision of .84
    with it, .73 without it, and .55 by the vector alone.
    """

    share: float
    """What the table's own log-odds are multiplied by."""
    base: float
    weights: tuple[float, ...]

    def second(self, total: float, vector: Sequence[float]) -> float:
        """Return the log-odds of a question, given those of the table and the vector of the text."""
        meant: float = sum(map(mul, self.weights, vector))
        return self.share * total + self.base + meant


class KnownWords(NamedTuple):
    """The words and pairs of a text that the table knows, and what they add up to."""

    rows: Sequence[tuple[Quote, Row]]
    scale: float
    totals: Sequence[float]


class Judge:
    """The table. Its rows, sorted by word, stay text until they are needed, as most words are never met."""

    def __init__(self, text: str) -> None:
        self.columns: dict[str, int] = {}
        self.made_of = ""
        self.parts: frozenset[str] = frozenset()
        """The stems that German compounds are made of."""
        self.priors: dict[str, float] = {}
        self.meanings: dict[str, Meaning] = {}
        self._base: list[float] = []
        self._sums: dict[str, Row] = {}
        self._passes: dict[str, Row] = {}
        self._known: dict[str, frozenset[str]] = {}
        self._read: dict[str, Row] = {}
        words = text.find(f"\n{_WORD}")
        if words < 0:
            words = len(text)
        self._pages = _pages(text, words) or [""]
        for line in text[:words].splitlines():
            if line and not line.startswith("#"):
                kind, _, rest = line.partition("\t")
                self._head(kind, rest.split("\t"))

    def _head(self, kind: str, cells: list[str]) -> None:
        match kind:
            case "made of":
                self.made_of = cells[0]
            case "parts":
                self.parts = frozenset(cells[0].split())
            case "columns":
                self.columns = {name: place for place, name in enumerate(cells)}
            case "base":
                self._base = [int(cell) / UNIT for cell in cells]
            case "sum":
                self._sums[cells[0]] = _row(" ".join(cells[1:]))
            case "passes":
                self._passes[cells[0]] = _row(" ".join(cells[1:]))
            case "prior":
                self.priors[cells[0]] = int(cells[1]) / UNIT
            case "meaning":
                share, base, *weights = (int(cell) / UNIT for cell in cells[1].split())
                self.meanings[cells[0]] = Meaning(share, base, tuple(weights))
            case "known":
                self._known[cells[0]] = frozenset(cells[1].split())
            case _:
                raise ValueError(f"weights.tsv: unknown row {kind!r}")

    def covers(self, slug: str) -> bool:
        """Return whether the table has a column for a beat or theme."""
        return slug in self.columns

    def knows(self, slug: str, rule: Rule) -> bool:
        """Return whether a rule was in themes.toml when the table was made."""
        return fingerprint(rule) in self._known.get(slug, ())

    def read(self, features: Features) -> KnownWords:
        """Look up the words and pairs of a text."""
        totals = [0.0] * len(self._base)
        rows = []
        for feature, quote in features.quotes.items():
            row = self._row(feature)
            if row:
                rows.append((quote, row))
                for place, weight in row:
                    totals[place] += weight * features.scale
        return KnownWords(rows, features.scale, totals)

    def totals(self, words: KnownWords, sums: Mapping[str, float]) -> dict[str, float]:
        """Return the log-odds of every question; `sums` are those of the rules of each beat and theme."""
        totals = list(map(add, self._base, words.totals))
        for slug, value in sums.items():
            for place, weight in self._sums.get(slug, ()):
                totals[place] += weight * clipped(value)
            # A step as well as a slope, since rules that reach a threshold say more than their points.
            if value >= 1:
                for place, weight in self._passes.get(slug, ()):
                    totals[place] += weight
        return {name: totals[place] for name, place in self.columns.items()}

    def contributions(
        self, name: str, words: KnownWords, sums: Mapping[str, float], *, shown: int = _SHOWN
    ) -> list[Contribution]:
        """Return the parts of a sum of log-odds: the weightiest words, the sums of rules, and the rest."""
        place = self.columns[name]
        rest = self._base[place]
        found = [(quote, w * words.scale) for quote, row in words.rows for at, w in row if at == place]
        found.sort(key=lambda part: -abs(part[1]))
        rest += sum(weight for _, weight in found[shown:])
        rules = []
        for slug, value in sums.items():
            weight = dict(self._sums.get(slug, ())).get(place, 0.0) * clipped(value)
            if value >= 1:
                weight += dict(self._passes.get(slug, ())).get(place, 0.0)
            if weight:
                rules.append(Contribution(slug, "", weight, "the sum of its rules"))
        named = [Contribution(quote.text, quote.field, weight, "learned") for quote, weight in found[:shown]]
        return [*named, *rules, Contribution("", "", rest, "base and other words")]

    def _row(self, feature: str) -> Row:
        row = self._read.get(feature)
        if row is None:
            # "\n" sorts after "\t" and before anything a longer word could go on with, so that the page
            # before that place is the one that may hold the row.
            page = self._pages[bisect(self._pages, f"\n{_WORD}{feature}\n") - 1]
            _, found, rest = page.partition(f"\n{_WORD}{feature}\t")
            if not found:
                # Most words have no row. Cached, they would crowd out those that have one.
                return ()
            if len(self._read) >= _REMEMBERED:
                self._read.clear()
            row = self._read[feature] = _row(rest.partition("\n")[0])
        return row


def clipped(value: float) -> float:
    """Return a sum of rules within the bounds in which the table weighs it."""
    return min(max(value, FLOOR), CAP)


def probability(total: float) -> float:
    """Return the probability for log-odds."""
    # `exp` overflows beyond 710; 30 is certain enough.
    return 1 / (1 + exp(-max(min(total, 30.0), -30.0)))


def log_odds(share: float) -> float:
    """Return the log-odds for a probability, which must be strictly between 0 and 1."""
    return log(share / (1 - share))


def fingerprint(rule: Rule) -> str:
    """Return a checksum of a rule's language, grade and text."""
    # A checksum is enough to tell rules apart; the table need not repeat them.
    return f"{crc32(f'{rule.language} {rule.grade} {rule.text}'.encode()):x}"


@cache
def shipped() -> Judge:
    """Return the table that comes with the program."""
    file = resources.files("monitor.tag") / "weights.tsv"
    return Judge(file.read_text(encoding="utf-8"))


def _pages(text: str, start: int) -> list[str]:
    """Split the rows from `start` on into pages, in which words are looked up.

    As a list of lines, the 132,000 rows took 7 MB more.
    """
    pages = []
    while start < len(text) - 1:  # at its last character the text ends with a line break
        end = text.find("\n", start + _PAGE)
        end = len(text) if end < 0 else end
        pages.append(text[start:end])
        start = end
    return pages


def _row(text: str) -> Row:
    """Read `0:120 5:-80`, which are columns and thousandths."""
    cells = (cell.partition(":") for cell in text.split())
    return tuple((int(place), int(value) / UNIT) for place, _, value in cells)
