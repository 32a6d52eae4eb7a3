"""Make the learned table: `python training/train.py > monitor/tag/learned.tsv` (extras `train`, `semantic`).

A logistic regression a beat and theme over three kinds of features, each of which ends up as plain numbers in
the table: what the rules of themes.toml add up to, which words the title and summary have, and what these
words mean (the encoder's vectors of single words, so that a word of few lines borrows from its neighbours in
either language). Thresholds are set where lines of authors that were left out score best; how well they do,
by theme, goes to standard error. The same lines and rules give the same table. It takes a few minutes.
"""

from __future__ import annotations

import json
import math
import sys
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from scipy.sparse import csr_matrix, diags, hstack
from sklearn.linear_model import LogisticRegression
from threadpoolctl import threadpool_limits

from monitor.cluster.encoder import Encoder
from monitor.models import Entry
from monitor.tag import Rules, Tagger, load
from monitor.tag.learned import CAP, OPENING, fingerprint
from monitor.tag.matcher import texts
from monitor.tag.words import Words, form

HERE = Path(__file__).parent
RULES = HERE.parent / "monitor" / "topic" / "themes.toml"
LINES = HERE / "lines"
NOW = datetime(2026, 1, 1, tzinfo=UTC)
PENALTY = 0.3
WORD, MEANING = 2.5, 1 / 3
"""How strongly a word itself and its meaning may speak, against the rules."""
CAUTION = 2.3
"""Log-odds from which the table puts an entry on a beat that the rules did not: ten to one."""
RARE = 2
"""A word of fewer lines speaks by its meaning alone."""
COMMON = 6.0
"""The most that a word's rarity weighs, as the logarithm of lines a line with it."""
LEAST_OWN = 1.0
"""The least that a target's own rules count, in log-odds: huge numbers would tell a reader nothing."""
LEAST_SHOWN = 10
"""Words whose every number is smaller, in thousandths, are left out of the table."""


@dataclass(frozen=True, slots=True)
class Line:
    author: str
    event: str
    language: str
    labels: frozenset[str]
    second: frozenset[str]
    """The second reader's labels; the author's where nobody read it again."""
    words: frozenset[str]
    entry: Entry


class Fit(NamedTuple):
    """A model of one target: coefficients in the order of the features, and the base."""

    weights: Any
    base: float


def read() -> list[Line]:
    found = []
    for file in sorted(LINES.glob("*.jsonl")):
        for line in file.read_text(encoding="utf-8").splitlines():
            row = json.loads(line)
            entry = Entry(
                feed="f",
                title=row["title"],
                summary=row["summary"],
                content="",
                language=row["lang"],
                published=NOW,
                first_seen=NOW,
            )
            said = [raw for text in texts(entry).values() for raw in Words(text).raw[:OPENING]]
            found.append(
                Line(
                    author=file.stem,
                    event=row["story"] or f"{file.stem}:{row['id']}",
                    language=row["lang"],
                    labels=frozenset([*row["beats"], *row["themes"]]),
                    second=frozenset([*row["beats"], *row.get("second", row["themes"])]),
                    words=frozenset(map(form, said)),
                    entry=entry,
                )
            )
    return found


class Features:
    """The lines as numbers; and back, from coefficients to the numbers of the table."""

    def __init__(self, lines: list[Line], rules: Rules) -> None:
        self.lines = lines
        self.slugs = [target.slug for target in rules.targets]
        self.beats = len(rules.beats)
        self.sums = self._sums(lines, rules)
        self.spoken = sorted({(line.language, word) for line in lines for word in line.words})
        self._column = {pair: column for column, pair in enumerate(self.spoken)}
        self._meaning = self._meanings()
        self.said = self._said()

    def of(self, place: int, count: int) -> Any:
        """Give the numbers that a target is judged by: the sums of `count` targets' rules, and what is said.

        What speaks against another target speaks for nothing here, so its sum is at least 0.
        """
        sums = np.clip(self.sums[:, :count], 0, CAP)
        sums[:, place] = np.minimum(self.sums[:, place], CAP)
        return hstack([csr_matrix(sums), self.said]).tocsr()

    def rows(self, weights: Any) -> Any:
        """Give what each word of each language adds, from the coefficients of words and meanings."""
        words, meaning = weights[: len(self.spoken)], weights[len(self.spoken) :]
        return words * WORD * self._frequent + self._meaning @ meaning

    @staticmethod
    def _sums(lines: list[Line], rules: Rules) -> Any:
        tagger = Tagger(rules)
        return np.array([list(tagger.sums(line.entry).values()) for line in lines], dtype=np.float32)

    def _meanings(self) -> Any:
        """Give each word's vector, without what all words have in common, by how telling the word is."""
        forms = sorted({word for _, word in self.spoken})
        vectors = dict(zip(forms, Encoder().encode(forms), strict=True))
        mean = np.mean(list(vectors.values()), axis=0)
        counts = Counter(word for line in self.lines for word in line.words)
        rarity = {word: min(math.log(len(self.lines) / counts[word]), COMMON) for word in forms}
        return np.array(
            [(vectors[word] - mean) * rarity[word] * MEANING for _, word in self.spoken], dtype=np.float32
        )

    def _said(self) -> Any:
        """A row a line: its words, and the sum of their meanings, both by the root of how many they are."""
        places = [
            (n, self._column[line.language, word]) for n, line in enumerate(self.lines) for word in line.words
        ]
        rows, columns = zip(*places, strict=True)
        shape = (len(self.lines), len(self.spoken))
        present = csr_matrix((np.ones(len(places), np.float32), (rows, columns)), shape=shape)
        self._frequent = np.asarray(present.sum(0)).ravel() >= RARE
        present = diags([1 / math.sqrt(len(line.words) or 1) for line in self.lines]) @ present
        return hstack([present @ diags(self._frequent * WORD), csr_matrix(present @ self._meaning)]).tocsr()


def fit(features: Any, lines: list[Line], target: str, chosen: Any) -> Fit:
    """Train on the chosen lines; one on which the two readers differ counts half for each."""
    twice = [n for n in chosen if (target in lines[n].labels) != (target in lines[n].second)]
    rows = np.concatenate([chosen, twice]).astype(int)
    answers = [target in lines[n].labels for n in chosen] + [target in lines[n].second for n in twice]
    halved = set(twice)
    weights = [0.5 if n in halved else 1.0 for n in rows]
    model = LogisticRegression(C=PENALTY, max_iter=500, tol=1e-3)
    model.fit(features[rows], answers, sample_weight=weights)
    return Fit(model.coef_[0], float(model.intercept_[0]))


def left_out(features: Any, lines: list[Line], target: str, chosen: Any) -> Any:
    """Score each chosen line by a model that saw neither its author nor its event."""
    scores = np.zeros(len(lines))
    for author in sorted({lines[n].author for n in chosen}):
        theirs = [n for n in chosen if lines[n].author == author]
        events = {lines[n].event for n in theirs}
        others = np.array([n for n in chosen if lines[n].author != author and lines[n].event not in events])
        model = fit(features, lines, target, others)
        scores[theirs] = features[theirs] @ model.weights + model.base
    return scores


def threshold(scores: Any, shares: Any) -> float:
    """Find where F1 is best (the middle of a plateau); shares say how many of the readers gave the label."""
    steps = np.linspace(-2.0, 0.5, 51)
    values = np.array([_f1(scores > step, shares) for step in steps])
    return float(steps[values >= values.max() - 0.005].mean())


def _f1(given: Any, shares: Any) -> float:
    return float(2 * (given * shares).sum() / max(1.0, given.sum() + shares.sum()))


def column(
    features: Features, weights: Fit, *, own: int, count: int, shift: float, level: float
) -> tuple[list[int], list[int], int]:
    """Turn a model into a column of the table: rules, words, base.

    Its total reaches `level`, the target's threshold, where its log-odds reach `shift`; its own rules weigh
    1, or less where they hardly count.
    """
    unit = max(float(weights.weights[own]), LEAST_OWN)
    rules = [_thousandths(value / unit) for value in weights.weights[:count]]
    words = [_thousandths(value / unit) for value in features.rows(weights.weights[count:])]
    return rules, words, _thousandths(level + (weights.base - shift) / unit)


def _thousandths(value: float) -> int:
    return round(float(value) * 1000)


def main() -> None:
    rules = load(RULES.read_text(encoding="utf-8"), file=RULES.name)
    lines = read()
    threadpool_limits(1)  # the matrices are sparse: more threads only wait for each other
    features = Features(lines, rules)
    relevant = np.array([n for n, line in enumerate(lines) if line.labels])
    columns, report = [], []
    for place, target in enumerate(rules.targets):
        count = features.beats if target.kind == "beat" else len(rules.targets)
        judged, level = features.of(place, count), target.threshold
        if target.kind == "beat":
            open_ = np.nonzero(features.sums[:, place] < target.threshold)[0]
            model = fit(judged, lines, target.slug, open_)
            columns.append(column(features, model, own=place, count=count, shift=CAUTION, level=level))
            continue
        shares = np.array(
            [((target.slug in line.labels) + (target.slug in line.second)) / 2 for line in lines]
        )
        scores = left_out(judged, lines, target.slug, relevant)
        shift = threshold(scores[relevant], shares[relevant])
        report.append(f"{target.slug} {_f1(scores[relevant] > shift, shares[relevant]):.3f}")
        model = fit(judged, lines, target.slug, relevant)
        columns.append(column(features, model, own=place, count=count, shift=shift, level=level))
    print("\n".join(report), file=sys.stderr)
    sys.stdout.write(table(features, rules, columns))


def table(features: Features, rules: Rules, columns: list[tuple[list[int], list[int], int]]) -> str:
    """Write the table out: head, base, rules, known rules, words."""
    out = [
        "# Made by training/train.py from training/lines and config/themes.toml; see monitor/tag/learned.py."
    ]
    out.append(
        "# Thousandths of a threshold, a column a beat or theme. Do not edit: change lines, and train anew."
    )
    out.append(_cells("targets", features.slugs))
    out.append(_cells("base", [base for _, _, base in columns]))
    for place, slug in enumerate(features.slugs):
        out.append(_cells("rules", [slug, *(r[place] if place < len(r) else 0 for r, _, _ in columns)]))
    out += [_cells("known", [t.slug, " ".join(sorted(map(fingerprint, t.rules)))]) for t in rules.targets]
    for number, (language, word) in enumerate(features.spoken):
        row = [words[number] for _, words, _ in columns]
        if max(map(abs, row)) >= LEAST_SHOWN:
            out.append(_cells(language, [word, *(value or "" for value in row)]))
    return "\n".join(out) + "\n"


def _cells(kind: str, cells: list[Any]) -> str:
    return "\t".join([kind, *map(str, cells)])


if __name__ == "__main__":
    main()
