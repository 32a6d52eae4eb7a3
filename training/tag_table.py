"""Write monitor/tag/weights.tsv in the format that `tag/judge.py` reads. Needs no extra."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from monitor.tag.judge import RELEVANT, UNIT, fingerprint

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from monitor.tag import Rules

LEAST = 40
"""Features are left out of the table if all their weights are smaller than this, in thousandths."""


@dataclass(frozen=True)
class Answer:
    """What was learned about a question, and the scores that it gives to the lines.

    If possible, each line is scored by a model that has not seen it.
    """

    weights: Any
    base: float
    scores: Any

    def barred(self, bar: float) -> Answer:
        """Move the bar, from which the answer is yes, to 0."""
        return Answer(self.weights, self.base - bar, self.scores - bar)


def written(
    features: Sequence[str],
    rules: Rules,
    tables: Sequence[Answer],
    looks: Mapping[str, Answer],
    priors: Mapping[str, float],
    parts: frozenset[str],
    name: str,
) -> str:
    """Return the table as text: head, German parts, base, priors, meanings, sums, known rules, words."""
    slugs = [target.slug for target in rules.targets]
    width = len(features)
    out = [
        "# Made by training/train_tags.py from training/lines and topic/themes.toml, read by tag/judge.py.",
        "# Thousandths of log-odds, column:weight. Do not edit: change lines or rules, and train anew.",
        _cells("made of", [name]),
        _cells("parts", [" ".join(sorted(parts))]),
        _cells("columns", [RELEVANT, *slugs]),
        _cells("base", [round(answer.base * UNIT) for answer in tables]),
        *(_cells("meaning", [slug, _look(answer)]) for slug, answer in looks.items()),
        *(_cells("prior", [kind, round(value * UNIT)]) for kind, value in priors.items()),
    ]
    for head, start in (("sum", width), ("passes", width + len(slugs))):
        out += [_cells(head, [slug, _row(tables, start + place, 1)]) for place, slug in enumerate(slugs)]
    out += [_cells("known", [t.slug, " ".join(sorted(map(fingerprint, t.rules)))]) for t in rules.targets]
    out += [
        _cells("w", [feature, row])
        for place, feature in enumerate(features)
        if (row := _row(tables, place, LEAST))
    ]
    return "\n".join(out) + "\n"


def _look(answer: Answer) -> str:
    share, *weights = (float(weight) for weight in answer.weights)
    return " ".join(str(round(value * UNIT)) for value in (share, answer.base, *weights))


def _row(tables: Sequence[Answer], place: int, least: int) -> str:
    weights = [round(float(answer.weights[place]) * UNIT) for answer in tables]
    return " ".join(f"{n}:{weight}" for n, weight in enumerate(weights) if abs(weight) >= least)


def _cells(kind: str, cells: Sequence[object]) -> str:
    return "\t".join([kind, *map(str, cells)])
