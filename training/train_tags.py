"""Make the table of weights, monitor/tag/weights.tsv, from the lines in training/ and topic/themes.toml.

Run: nice python training/train_tags.py  (extras `train` and `semantic`; some two minutes of one core)
Prints what was measured by left-out authors: a model judges an author's lines that saw neither that author's
lines nor any of the same event. Deterministic: the same lines and rules make the same table, byte for byte.
"""

from __future__ import annotations

import argparse
import math
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from scipy.sparse import csr_matrix
from sklearn.linear_model import LogisticRegression
from threadpoolctl import threadpool_limits

from monitor.encoder import encode
from monitor.tag import Rules, Tagger, load
from monitor.tag.judge import CAP, FLOOR, RELEVANT, UNIT, fingerprint

sys.path.insert(0, str(Path(__file__).parent))
from tag_lines import ROOT, RULES, Line, made_of, read, read_stream

TABLE = ROOT / "monitor" / "tag" / "weights.tsv"
PRIORS = {"technology": 0.0, "culture": 0.0, "law": 0.0, "union": 0.5, "general": -1.5}
"""Log-odds by kind of feed beside a technology feed: a general one has a relevant entry in some 2,500."""
PENALTY = {"relevant": 0.3, "beat": 1.0, "theme": 1.0, "meaning": 0.5}
"""Inverse strength of regularisation: weaker was worse for relevance on streams, stronger for themes by
left-out authors."""
TECHNOLOGY = -1.0
"""What a technology feed takes off the log-odds of our own stream, which mixes all kinds: there the gate lets
four times as many others through."""
GATED = 10.0
"""How much a line without a beat counts that passes the gate: those are what the table must tell apart."""
RARE = 2
LEAST = 40
"""Features whose every weight is smaller, in thousandths, are left out of the table."""


class Matrix:
    """The lines as numbers: what words and pairs they hold, what their rules add up to."""

    def __init__(self, lines: list[Line], beats: int, targets: int) -> None:
        counts = Counter(feature for line in lines for feature in line.features)
        self.features = sorted(feature for feature, count in counts.items() if count >= RARE)
        column = {feature: place for place, feature in enumerate(self.features)}
        self.targets, width = targets, len(self.features)
        indices, data, starts = [], [], [0]
        for line in lines:
            row = row_of(line, column, targets)
            indices += [place for place, _ in row]
            data += [value for _, value in row]
            starts.append(len(indices))
        self.all = csr_matrix((data, indices, starts), shape=(len(lines), width + 2 * targets))
        self.beats = beats

    def of(self, kind: str) -> Any:
        """Give the columns that a question is judged by: relevance and beats by no theme's rules."""
        if kind == "theme":
            return self.all
        keep = np.ones(self.all.shape[1])
        for start in (len(self.features), len(self.features) + self.targets):
            keep[start + self.beats : start + self.targets] = 0
        return self.all.multiply(keep).tocsr()


def row_of(line: Line, column: dict[str, int], targets: int) -> list[tuple[int, float]]:
    """Give a line's numbers by column: its words and pairs, its rules' sums, and which sums suffice."""
    width = len(column)
    row = [(column[feature], line.scale) for feature in sorted(line.features) if feature in column]
    row += [(width + n, min(max(value, FLOOR), CAP)) for n, value in enumerate(line.sums) if value]
    return row + [(width + targets + n, 1.0) for n, value in enumerate(line.sums) if value >= 1]


def answers(lines: list[Line], name: str) -> tuple[Any, Any]:
    """Give both readers' answers to a question, 1.0 for yes."""
    every = ([line.labels for line in lines], [line.second for line in lines])
    first, second = (
        np.array([bool(labels) if name == RELEVANT else name in labels for labels in by], float)
        for by in every
    )
    return first, second


def fit(matrix: Any, first: Any, second: Any, weights: Any, rows: Any, penalty: float) -> tuple[Any, float]:
    """Train on rows; one on which the two readers differ counts half for each."""
    twice = rows[first[rows] != second[rows]]
    every = np.concatenate([rows, twice])
    labels = np.concatenate([first[rows], second[twice]])
    counts = weights[every] * np.where(first[every] != second[every], 0.5, 1.0)
    model = LogisticRegression(C=penalty, max_iter=400, tol=1e-3)
    model.fit(matrix[every], labels, sample_weight=counts)
    return model.coef_[0], float(model.intercept_[0])


def left_out(
    lines: list[Line],
    matrix: Any,
    first: Any,
    second: Any,
    weights: Any,
    rows: Any,
    *,
    folds: int,
    penalty: float,
) -> Any:
    """Score each row by a model that saw neither its author nor its event."""
    scores = np.full(len(lines), np.nan)
    authors = sorted({lines[n].author for n in rows})
    sizes = Counter(lines[n].author for n in rows)
    groups: list[list[str]] = [[] for _ in range(folds)]
    for author in sorted(authors, key=lambda a: (-sizes[a], a)):
        min(groups, key=lambda group: sum(sizes[a] for a in group)).append(author)
    for group in filter(None, groups):
        theirs = np.array([n for n in rows if lines[n].author in group])
        events = {lines[n].event for n in theirs}
        others = np.array([n for n in rows if lines[n].author not in group and lines[n].event not in events])
        coefficients, base = fit(matrix, first, second, weights, others, penalty)
        scores[theirs] = matrix[theirs] @ coefficients + base
    return scores


def best_bar(scores: Any, shares: Any) -> float:
    """Find where F1 is best (the middle of a plateau); shares say how many of the readers gave the label."""
    steps = np.linspace(-2.5, 1.0, 71)
    values = np.array([f1(scores > step, shares) for step in steps])
    return float(steps[values >= values.max() - 0.004].mean())


def f1(given: Any, shares: Any) -> float:
    return float(2 * (given * shares).sum() / max(1.0, given.sum() + shares.sum()))


class Calibration:
    """Our own stream, at the real rate of news: what makes sums log-odds of life.

    Lines are written to be hard, half of them relevant: what they promise is too modest by far at the rate of
    life. The stream was not trained on; two numbers, slope and offset, are all that is taken from it.
    """

    def __init__(self, tagger: Tagger) -> None:
        self.lines = [line for line in read_stream(tagger) if line.gated]
        self.truth = [bool(line.labels) for line in self.lines]
        print(f"our stream: {sum(self.truth)} relevant of {len(self.truth)} gated", file=sys.stderr)

    def sums(self, coefficients: Any, base: float, column: dict[str, int], targets: int) -> Any:
        rows = (row_of(line, column, targets) for line in self.lines)
        return np.array([base + sum(coefficients[place] * value for place, value in row) for row in rows])

    def fit(self, sums: Any) -> tuple[float, float]:
        """Find slope and offset."""
        model = LogisticRegression(C=1.0, max_iter=200)
        model.fit(sums.reshape(-1, 1), self.truth)
        return float(model.coef_[0][0]), float(model.intercept_[0]) + TECHNOLOGY


def second_look(
    lines: list[Line], log_odds: Any, first: Any, weights: Any, stream: Calibration, sums: Any
) -> list[float]:
    """Learn what the meaning of a text says beside the table: the table's share, a base, a weight a number.

    Beside what the table says of lines by left-out authors, as it will have to say it of news; a vector alone
    was far worse, and trained with the words in one no better.
    """
    model = LogisticRegression(C=PENALTY["meaning"], max_iter=400, tol=1e-3)
    model.fit(
        np.column_stack([log_odds, encode([line.meant for line in lines])]), first, sample_weight=weights
    )
    looked = np.column_stack([sums, encode([line.meant for line in stream.lines])]) @ model.coef_[0]
    slope, offset = stream.fit(looked)
    share, *meaning = (float(weight) * slope for weight in model.coef_[0])
    return [share, offset, *meaning]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folds", type=int, default=10)
    folds = parser.parse_args().folds
    threadpool_limits(1)  # sparse matrices: more threads only wait for each other, for minutes
    rules = load(RULES.read_text(encoding="utf-8"), file=RULES.name)
    tagger = Tagger(replace(rules, learned=False))
    lines = read(tagger)
    beats = sum(target.kind == "beat" for target in rules.targets)
    matrix = Matrix(lines, beats, len(rules.targets))
    everything = np.arange(len(lines))
    relevant = np.array([n for n in everything if lines[n].labels])
    gated = np.array([line.gated for line in lines])
    column = {feature: place for place, feature in enumerate(matrix.features)}
    stream, look = Calibration(tagger), list[float]()
    columns: list[tuple[Any, float]] = []
    for name, kind in [(RELEVANT, "beat"), *((t.slug, t.kind) for t in rules.targets)]:
        of, (first, second) = matrix.of(kind), answers(lines, name)
        rows = everything if name == RELEVANT else relevant
        penalty = PENALTY[RELEVANT if name == RELEVANT else kind]
        weights = np.ones(len(lines))
        if name == RELEVANT:
            weights[gated & (first == 0)] = GATED
        scores = left_out(lines, of, first, second, weights, rows, folds=folds, penalty=penalty)
        coefficients, base = fit(of, first, second, weights, rows, penalty)
        if name == RELEVANT:
            sums = stream.sums(coefficients, base, column, len(rules.targets))
            slope, offset = stream.fit(sums)
            coefficients, base = coefficients * slope, base * slope + offset
            scores = scores * slope + offset
            report_relevance(scores, first > 0, gated)
            look = second_look(lines, scores, first, weights, stream, sums * slope + offset)
        else:
            shares = (first + second) / 2
            bar = best_bar(scores[rows], shares[rows]) if kind == "theme" else 0.0
            base -= bar
            print(
                f"{name:24} F1 {f1(scores[rows] > bar, shares[rows]):.3f} of {int(first[rows].sum())}",
                file=sys.stderr,
            )
        columns.append((coefficients, base))
    TABLE.write_text(table(matrix, rules, columns, look, made_of(rules)), encoding="utf-8")


def report_relevance(log_odds: Any, relevant: Any, gated: Any) -> None:
    """Say how left-out lines fare, which are harder than life: few of the others pass the gate."""
    print(
        f"gate: {gated[relevant].mean():.3f} of relevant lines pass, {gated[~relevant].mean():.3f} of others",
        file=sys.stderr,
    )
    for bar in (0.2, 0.6):
        given = gated & (log_odds >= math.log(bar / (1 - bar)))
        right, every = int((given & relevant).sum()), int(given.sum())
        print(f"left out, from {bar}: {right} right of {every}, of {int(relevant.sum())}", file=sys.stderr)


def table(
    matrix: Matrix, rules: Rules, columns: list[tuple[Any, float]], look: list[float], name: str
) -> str:
    """Write the table out: head, base, priors, the second look, the rules' sums, known rules, words."""
    slugs = [target.slug for target in rules.targets]
    width = len(matrix.features)
    out = [
        "# Made by training/train_tags.py from training/lines and topic/themes.toml, read by tag/judge.py.",
        "# Thousandths of log-odds, column:weight. Do not edit: change lines or rules, and train anew.",
        _cells("made of", [name]),
        _cells("columns", [RELEVANT, *slugs]),
        _cells("base", [round(base * UNIT) for _, base in columns]),
        _cells("meaning", [" ".join(str(round(value * UNIT)) for value in look)]),
        *(_cells("prior", [kind, round(value * UNIT)]) for kind, value in PRIORS.items()),
    ]
    for head, start in (("sum", width), ("passes", width + len(slugs))):
        out += [_cells(head, [slug, _row(columns, start + place, 1)]) for place, slug in enumerate(slugs)]
    out += [_cells("known", [t.slug, " ".join(sorted(map(fingerprint, t.rules)))]) for t in rules.targets]
    out += [
        _cells("w", [feature, row])
        for place, feature in enumerate(matrix.features)
        if (row := _row(columns, place, LEAST))
    ]
    return "\n".join(out) + "\n"


def _row(columns: list[tuple[Any, float]], place: int, least: int) -> str:
    weights = [round(float(coefficients[place]) * UNIT) for coefficients, _ in columns]
    return " ".join(f"{n}:{weight}" for n, weight in enumerate(weights) if abs(weight) >= least)


def _cells(kind: str, cells: list[Any]) -> str:
    return "\t".join([kind, *map(str, cells)])


if __name__ == "__main__":
    main()
