"""The table of weights: how far each word, pair of words and sum of rules speaks for relevance and each tag.

A logistic regression, made by `training/train_tags.py` from the lines in training/ and kept as a table that
a person can read (weights.tsv). A column a question: "relevant", then each beat and theme; a cell is
log-odds, in thousandths; 0 is the bar of a beat or theme. The column "relevant" is calibrated: its log-odds
are those of the real rate of news in a technology feed (some 1.6 % relevant); other kinds of feeds have
their prior.
"""

from __future__ import annotations

from bisect import bisect_left
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
"""The name of the question whether an entry is in scope at all."""
TITLE_ALONE: Final = "title alone"
"""The name of the prior of an entry without a teaser."""
TITLE_LOOKED: Final = "title alone, looked at"
"""The name of what is added to that one where the second look is asked, which promises too much of titles."""
UNNAMED: Final = "unnamed"
"""The name of the prior of an entry that names nothing of AI."""
UNNAMED_TITLE: Final = "unnamed title"
"""The same of a title without a teaser, which often has no room to name it."""
MEANING: Final = "the meaning of the text"
"""What evidence calls the part of the second look."""
CAP: Final = 3.0
"""What the rules of one beat or theme can add up to at most before the table weighs them."""
# Further down a sum says no more: one strong sign against is enough.
FLOOR: Final = -1.0
# Whole thousandths: shorter than floats, and alike on every machine.
UNIT: Final = 1000
_REMEMBERED = 20_000
# How the row of a word, or of a pair of words, begins.
_WORD: Final = "w\t"
# What an explanation names by itself of a table's words; the tail of small weights tells nobody anything.
_SHOWN = 8

Row = tuple[tuple[int, float], ...]
"""Column and log-odds."""


class Contribution(NamedTuple):
    """A part of a total of log-odds."""

    term: str
    field: str
    """ "title", "summary", "content"; "" for what stands nowhere in particular."""
    weight: float
    why: str


class Meaning(NamedTuple):
    """The second look: what the meaning of a text says beside its words, where the encoder is installed.

    On real feeds, nine in ten of what is relevant were found at a precision of .84 with it and .73 without
    (technology, five months); a vector alone had .55.
    """

    share: float
    """What the table's own log-odds count beside it."""
    base: float
    weights: tuple[float, ...]

    def second(self, total: float, vector: Sequence[float]) -> float:
        """Give the log-odds of a question, given what the table says and what the text means."""
        meant: float = sum(map(mul, self.weights, vector))
        return self.share * total + self.base + meant


class KnownWords(NamedTuple):
    """What the table says of a text's words and pairs: those that it knows, and what they add up to."""

    rows: Sequence[tuple[Quote, Row]]
    scale: float
    totals: Sequence[float]


class Judge:
    """The table, read. Rows are kept as text and read when asked for: most words are never met."""

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
        head, _, rows = text.partition(f"\n{_WORD}")
        # Kept as lines in order, and read when met: of some 90,000 rows a run meets a part, and as a
        # dictionary they take twice the memory and ten times as long to load.
        self._rows = sorted(f"{_WORD}{rows}".splitlines())
        for line in head.splitlines():
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
        """Say whether the table has a column for a beat or theme."""
        return slug in self.columns

    def knows(self, slug: str, rule: Rule) -> bool:
        """Say whether a rule was in themes.toml when the table was made."""
        return fingerprint(rule) in self._known.get(slug, ())

    def read(self, features: Features) -> KnownWords:
        """Look up what the table says of the words and pairs of a text."""
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
        """Give the log-odds of every question, given what the rules of each beat and theme add up to."""
        totals = list(map(add, self._base, words.totals))
        for slug, value in sums.items():
            for place, weight in self._sums.get(slug, ()):
                totals[place] += weight * clipped(value)
            # A step beside the slope: rules that reach a threshold say more than their points.
            if value >= 1:
                for place, weight in self._passes.get(slug, ()):
                    totals[place] += weight
        return {name: totals[place] for name, place in self.columns.items()}

    def contributions(
        self, name: str, words: KnownWords, sums: Mapping[str, float], *, shown: int = _SHOWN
    ) -> list[Contribution]:
        """Account for one total: the weightiest words, the rules' sums, and all else; they add up to it."""
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
            start = f"{_WORD}{feature}\t"
            place = bisect_left(self._rows, start)
            if place == len(self._rows) or not self._rows[place].startswith(start):
                # Most words are in no row: remembered, they would crowd out those that are.
                return ()
            if len(self._read) >= _REMEMBERED:
                self._read.clear()
            row = self._read[feature] = _row(self._rows[place].removeprefix(start))
        return row


def clipped(value: float) -> float:
    """Give a sum of rules as the table weighs it."""
    return min(max(value, FLOOR), CAP)


def probability(total: float) -> float:
    """Turn log-odds into a probability."""
    # `exp` overflows from 710 on; 30 is certain enough.
    return 1 / (1 + exp(-max(min(total, 30.0), -30.0)))


def log_odds(share: float) -> float:
    """Turn a probability strictly between 0 and 1 into log-odds."""
    return log(share / (1 - share))


def fingerprint(rule: Rule) -> str:
    """Tell a rule from others: by its language, grade and text."""
    # A checksum: the table need not repeat every rule.
    return f"{crc32(f'{rule.language} {rule.grade} {rule.text}'.encode()):x}"


@cache
def shipped() -> Judge:
    """Read the table that comes with the program."""
    file = resources.files("monitor.tag") / "weights.tsv"
    return Judge(file.read_text(encoding="utf-8"))


def _row(text: str) -> Row:
    """Read `0:120 5:-80`: columns and thousandths."""
    cells = (cell.partition(":") for cell in text.split())
    return tuple((int(place), int(value) / UNIT) for place, _, value in cells)
