"""How good the tagger is: its tags compared with labels that people gave.

Themes are counted over all records, so a theme given to an entry that is not relevant is a false one too.
Macro is the mean of the themes' F1. A figure whose denominator is zero is 0.0.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from monitor.evaluate.records import Record
    from monitor.models import Evidence, Tagging
    from monitor.tag import Rules

Pair = tuple["Record", "Tagging"]


@dataclass(frozen=True, slots=True)
class Figure:
    """Counts of right, wrong and missed answers, and what follows from them."""

    right: int = 0
    wrong: int = 0
    missed: int = 0

    @property
    def precision(self) -> float:
        """The share of answers that are right."""
        return _share(self.right, self.right + self.wrong)

    @property
    def recall(self) -> float:
        """The share of what there was to find that was found."""
        return _share(self.right, self.right + self.missed)

    @property
    def f1(self) -> float:
        """The harmonic mean of precision and recall."""
        return _share(2 * self.right, 2 * self.right + self.wrong + self.missed)

    def to_dict(self) -> dict[str, float]:
        """Render as JSON-able values."""
        return {
            "precision": round(self.precision, 4),
            "recall": round(self.recall, 4),
            "f1": round(self.f1, 4),
            "right": self.right,
            "wrong": self.wrong,
            "missed": self.missed,
        }


@dataclass(frozen=True, kw_only=True, slots=True)
class Scores:
    """Figures over one set of records."""

    records: int
    relevance: Figure
    beats: dict[str, Figure]
    themes: dict[str, Figure]
    micro: Figure

    @property
    def macro(self) -> float:
        """The mean of the themes' F1, over themes that occur in the labels or the answers."""
        found = [figure.f1 for figure in self.themes.values() if figure != Figure()]
        return _share(sum(found), len(found))

    def to_dict(self) -> dict[str, Any]:
        """Render as JSON-able values, in the contract's shape."""
        return {
            "relevance": self.relevance.to_dict(),
            "beats": {slug: figure.to_dict() for slug, figure in self.beats.items()},
            "themes": {
                "micro": self.micro.to_dict(),
                "macro": {"f1": round(self.macro, 4)},
                **{slug: figure.to_dict() for slug, figure in self.themes.items()},
            },
            "records": self.records,
        }


@dataclass(frozen=True, kw_only=True, slots=True)
class Mistake:
    """A record on which the tagger and the person disagree."""

    record: Record
    wrong: tuple[str, ...]
    missed: tuple[str, ...]
    relevance: bool
    """They disagree on whether it is relevant at all."""
    evidence: tuple[Evidence, ...]
    """What spoke for the wrong tags."""


def score(records: Sequence[Record], tagged: Sequence[Tagging], rules: Rules) -> Scores:
    """Compare the tagger's answers with the labels of the same records, in the same order."""
    pairs = list(zip(records, tagged, strict=True))
    beats = {label.slug: _figure(pairs, _of_beat(label.slug)) for label in rules.beats}
    themes = {label.slug: _figure(pairs, _of_theme(label.slug)) for label in rules.themes}
    return Scores(
        records=len(pairs),
        relevance=_figure(pairs, lambda record, tagging: (record.relevant, tagging.relevant)),
        beats=beats,
        themes=themes,
        micro=_sum(themes.values()),
    )


def by_language(records: Sequence[Record], tagged: Sequence[Tagging], rules: Rules) -> dict[str, Scores]:
    """Score the records of each language by themselves; "" holds those that name none."""
    groups: dict[str, list[Pair]] = {}
    for pair in zip(records, tagged, strict=True):
        # "en-US" and "en" are one language to whoever reads the table.
        groups.setdefault(pair[0].entry.language[:2], []).append(pair)
    return {
        language: score([r for r, _ in pairs], [t for _, t in pairs], rules)
        for language, pairs in sorted(groups.items())
    }


def mistakes(
    records: Sequence[Record], tagged: Sequence[Tagging], *, relevance_alone: bool = False
) -> list[Mistake]:
    """List the disagreements, worst first: on relevance, then by how many tags differ."""
    found = []
    for record, tagging in zip(records, tagged, strict=True):
        given, wanted = {*tagging.beats, *tagging.themes}, {*record.beats, *record.themes}
        if given != wanted and (record.relevant != tagging.relevant or not relevance_alone):
            wrong = tuple(sorted(given - wanted))
            found.append(
                Mistake(
                    record=record,
                    wrong=wrong,
                    missed=tuple(sorted(wanted - given)),
                    relevance=record.relevant != tagging.relevant,
                    evidence=tuple(item for item in tagging.evidence if item.target in wrong),
                )
            )
    return sorted(found, key=lambda m: (not m.relevance, -len(m.wrong) - len(m.missed), m.record.id))


def _of_beat(slug: str) -> Callable[[Record, Tagging], tuple[bool, bool]]:
    return lambda record, tagging: (slug in record.beats, slug in tagging.beats)


def _of_theme(slug: str) -> Callable[[Record, Tagging], tuple[bool, bool]]:
    return lambda record, tagging: (slug in record.themes, slug in tagging.themes)


def _figure(pairs: Iterable[Pair], answers: Callable[[Record, Tagging], tuple[bool, bool]]) -> Figure:
    counts = Counter(answers(record, tagging) for record, tagging in pairs)
    return Figure(counts[True, True], counts[False, True], counts[True, False])


def _sum(figures: Iterable[Figure]) -> Figure:
    found = list(figures)
    return Figure(sum(f.right for f in found), sum(f.wrong for f in found), sum(f.missed for f in found))


def _share(part: float, whole: float) -> float:
    return part / whole if whole else 0.0
