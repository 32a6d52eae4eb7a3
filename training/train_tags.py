"""Make the table of weights, monitor/tag/weights.tsv, from the lines in training/ and topic/themes.toml.

    nice python training/train_tags.py   (extras `train` and `semantic`; takes some minutes of one core)

It also prints how good the table is. For this, each author's lines are judged by a model that has seen
neither the lines of this author nor lines about the same events ("left-out authors"; an author's lines are a
"hand"). The same lines and rules make the same table, byte for byte.
"""

from __future__ import annotations

import argparse
import math
import sys
from collections import Counter
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy.sparse import csr_matrix, hstack
from sklearn.linear_model import LogisticRegression
from tag_lines import ROOT, RULES, Line, made_of, parts_of, read, read_stream, with_halves
from tag_table import Answer, written
from threadpoolctl import threadpool_limits

from monitor.encoder import encode
from monitor.tag import Tagger, load
from monitor.tag.judge import CAP, FLOOR, RELEVANT, TITLE_ALONE, TITLE_LOOKED, UNNAMED, UNNAMED_TITLE

TABLE = ROOT / "monitor" / "tag" / "weights.tsv"
PRIORS = {
    "technology": 0.0, "culture": 0.0, "law": 0.0, "union": 0.5, "general": -1.5, TITLE_ALONE: 1.1,
    TITLE_LOOKED: -0.8, UNNAMED: -2.5, UNNAMED_TITLE: -1.0,
}  # fmt: skip
"""Log-odds added for each kind of feed, relative to a technology feed. In a general one, one entry in about
2,500 is relevant.

A title alone has less to add up. In our stream, none of 1,778 irrelevant titles came near the bar, while a
third of the relevant ones were missed. Entries that do not mention AI are relevant in our lines, which avoid
its names on purpose. But of 100 such real entries that passed the gate none was relevant, where the table had
expected nine.

The meaning overrates titles, so the last entry lowers them by .5 relative to what `LOOK` alone would give.
The titles of our stream require it (log loss .257 to .249). Left-out hands disagree: it raised the precision
of `radar` from .68 to .76 at the same recall, and that of `hn` from .80 to .89 for .04 of recall, but cost
`life-titles` .03 for nothing. Of titles from real feeds with a certainty of .2 or more, 47 of 83 were right
without it, and 46 of 74 with it.
"""
PENALTY = {"relevant": 0.5, "beat": 1.0, "theme": 1.0}
"""The inverse of the strength of regularisation. Stronger was worse on left-out hands (average precision of
relevance .838 with .2, .850 with .5, .852 with 1), and on real entries.
"""
LOOK_PENALTY = {"relevant": 0.1, "theme": 0.5}
"""The same for meaning. With .5 it was more certain of relevance than it was right."""
TECHNOLOGY = 0.7
"""The difference in log-odds between a technology feed and our own stream, whose relevant entries avoid
obvious words. With it, nearly nine in ten of the relevant entries in real feeds are sure. Certainties from .2
to .6 are too high.
"""
LOOK = 1.3
"""The same for meaning, fitted to the same feeds. With 1, 47 of 51 relevant entries had .2 or more, and 41 of
46 sure ones were right; with 1.3, 48 had, and 44 of 49 were. Our stream suggests .7 to 1.5; left-out hands
cannot tell, since half of their lines are relevant. Certainties between .2 and .6 are too high.
"""
GATED = 5.0
"""The weight of a line that passes the gate but is on no beat: the table must tell these from the relevant
ones.
"""
NAMESAKE = 3.0
"""The factor for such a line that passes because of a bare "Sora" in its title: a bridge, another program.

These lines are rare, and the rule counts whatever the table says. Of 46 namesakes in labelled samples 20 were
chosen before, 9 are now (with meaning 18 and 7); 2 of 162 entries about the model are lost (3).
"""
UNASKED = 0.4
"""The weight of a line that does not pass the gate, about which the table will never be asked."""
FEIGNED = {"recall": 0.1, "ustech": 0.1, "morning-en": 0.1, "presse-de": 0.3, "answers": 0.3}
"""The weight for relevance of the lines of five hands, which avoid or imitate the subject more than news
does.

The first two were written to mislead an earlier tagger. With their full weight they made the table doubt real
news, and so did the third (of 152 real relevant entries .83 were sure, not .92). The last two gained nothing
on real feeds; each hand is judged slightly better if the others have their full weight (precision .01 to
.04).
"""
NAMELESS = 0.3
"""The weight for relevance of a line that does not mention AI. No real relevant entry is like that, except on
Sora.

Our lines avoid its names on purpose. With their full weight the table learned weights for "her" and "after";
without, .93 instead of .89 of 152 real relevant entries are sure.
"""
TERSE = {
    "radar": 0.3, "headlines": 0.3, "hn": 0.3, "kinds-en": 0.3, "kinds-de": 0.3, "presse-de": 0.3,
    "morning-en": 0.1, "site-titles": 0.3, "radar-titles": 0.3, "missed-titles": 0.3,
}  # fmt: skip
"""The weight for themes of the lines of ten files, most of which are titles alone or asides. With the full
weight for four of them, the micro-F1 of five of six labelled samples was lower by .002 to .015, that of the
sixth higher by .010.
"""
LIFE = {"company-response": 0.4, "content-control": 0.7, "capabilities": 5.0}
"""The weight of a positive line when the bar of a theme is chosen. One in nine relevant lines has each of
these themes. Of the relevant entries of real feeds, one in 25 has the first, one in twenty the second, and
one in six the third, which real labels also give to what was made with a tool ("a late actor's voice,
recreated"). That alone would make it 1.6, but real texts, which are longer than lines, score lower. With 5
the F1 on 152 real entries is .60 instead of .46 (with meaning .64 instead of .50), while on left-out authors
it falls by .06. Both were known when it was chosen.
"""
KIN = 64
"""How many main directions of the vectors decide which words are alike. All 512, or using this for themes,
gained nothing.
"""
PAIR = 0.5
"""The weight of the meaning of a pair of words, relative to that of a single word."""
EXACT, MOST = 1e-5, 600
"""The tolerance at which a fit ends. When stopped earlier (1e-3), certainties on streams were too high (one
or two more of 48 to 50 sure entries were wrong), and themes were worse: by .004 on left-out authors, by .02
on German samples.
"""
RARE = 2


class Matrix:
    """The lines as numbers: the words and pairs in each, and the sums of its rules."""

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
        """Return the columns for a question: for relevance and beats, without the rules of themes."""
        if kind == "theme":
            return self.all
        keep = np.ones(self.all.shape[1])
        for start in (len(self.features), len(self.features) + self.targets):
            keep[start + self.beats : start + self.targets] = 0
        return self.all.multiply(keep).tocsr()

    def kin(self, lines: list[Line], meanings: Any) -> Any:
        """Return a vector of meaning for each word and pair; words that mean the same have similar ones.

        The vectors of a text's words add up to about what the encoder returns for the text. Rare words count
        more than common ones.
        """
        written: dict[str, Counter[str]] = {feature: Counter() for feature in self.features}
        for line in lines:
            for feature, text in line.features.items():
                if text and feature in written:
                    written[feature][text] += 1
        alone = encode(
            [max(forms, key=lambda text: (forms[text], text), default="") for forms in written.values()]
        )
        words = self.all[:, : len(self.features)]
        pairs = np.array([" " in feature for feature in self.features])
        rarity = np.log(len(lines) / (1 + np.asarray((words > 0).sum(0)).ravel()))
        texts = meanings - meanings.mean(0)
        directions = np.linalg.svd(texts[::3], full_matrices=False)[2][:KIN].T
        texts = texts @ directions
        rows = (alone - alone[~pairs].mean(0)) @ directions
        rows *= (rarity * np.where(pairs, PAIR, 1.0))[:, None]
        sums = words @ rows
        return rows * float((sums * texts).sum() / (sums * sums).sum() / texts.std())


def row_of(line: Line, column: dict[str, int], targets: int) -> list[tuple[int, float]]:
    """Return a line's numbers by column: words and pairs, sums of rules, and which sums are enough."""
    width = len(column)
    row = [(column[feature], line.scale) for feature in sorted(line.features) if feature in column]
    row += [(width + n, min(max(value, FLOOR), CAP)) for n, value in enumerate(line.sums) if value]
    return row + [(width + targets + n, 1.0) for n, value in enumerate(line.sums) if value >= 1]


def answers(lines: list[Line], name: str) -> tuple[Any, Any]:
    """Return both readers' answers to a question, with 1.0 for yes."""
    every = ([line.labels for line in lines], [line.second for line in lines])
    first, second = (
        np.array([bool(labels) if name == RELEVANT else name in labels for labels in by], float)
        for by in every
    )
    return first, second


def fit(matrix: Any, first: Any, second: Any, weights: Any, rows: Any, penalty: float) -> tuple[Any, float]:
    """Train on some rows.

    A row about which the two readers disagree is used with both answers, each at half weight.
    """
    twice = rows[first[rows] != second[rows]]
    every = np.concatenate([rows, twice])
    labels = np.concatenate([first[rows], second[twice]])
    counts = weights[every] * np.where(first[every] != second[every], 0.5, 1.0)
    model = LogisticRegression(C=penalty, max_iter=MOST, tol=EXACT)
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
    """Score each row by a model that has seen neither its author nor its event."""
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


def best_bar(scores: Any, shares: Any, life: float) -> float:
    """Return the bar with the best F1 (the middle of a plateau).

    `shares` says how many of the readers gave the label; `life` is the weight of a positive line.
    """
    steps = np.linspace(-2.5, 1.0, 71)
    values = np.array([f1(scores > step, shares, life) for step in steps])
    return float(steps[values >= values.max() - 0.004].mean())


def f1(given: Any, shares: Any, life: float = 1.0) -> float:
    right, wrong, every = (given * shares).sum(), (given * (1 - shares)).sum(), shares.sum()
    return float(2 * life * right / max(1.0, life * right + wrong + life * every))


class Stream:
    """Our own stream, with the real rate of news, for turning sums into log-odds that hold in practice.

    Lines are written to be hard, and half of them are relevant, so a table made from them is far too cautious
    at the real rate. The stream was not trained on. Only a slope and an offset are taken from it, once for
    the table and once for meaning.
    """

    def __init__(self, tagger: Tagger, parts: frozenset[str]) -> None:
        self.lines = with_halves([line for line in read_stream(tagger) if line.gated], parts)
        self.truth = [bool(line.labels) for line in self.lines]
        self.meanings = encode([line.meant for line in self.lines])
        print(f"our stream: {sum(self.truth)} relevant of {len(self.truth)} gated", file=sys.stderr)

    def sums(self, answer: Answer, matrix: Matrix) -> Any:
        column = {feature: place for place, feature in enumerate(matrix.features)}
        rows = (row_of(line, column, matrix.targets) for line in self.lines)
        return np.array([answer.base + sum(answer.weights[n] * value for n, value in row) for row in rows])

    def calibrated(self, answer: Answer, sums: Any, technology: float) -> Answer:
        model = LogisticRegression(C=1.0, max_iter=200).fit(sums.reshape(-1, 1), self.truth)
        slope, offset = float(model.coef_[0][0]), float(model.intercept_[0]) + technology
        return Answer(answer.weights * slope, answer.base * slope + offset, answer.scores * slope + offset)


@dataclass(frozen=True)
class Question:
    """A question about the lines: both readers' answers, and the weight of each line."""

    first: Any
    second: Any
    weights: Any
    rows: Any
    kind: str

    @property
    def shares(self) -> Any:
        return ((self.first + self.second) / 2)[self.rows]

    def table(self, lines: list[Line], matrix: Any, folds: int, kin: Any = None) -> Answer:
        """Learn from words and sums. With `kin`, words of similar meaning share what is learned about each.

        What is learned about a direction of meaning then becomes a weight of each word, so the result is
        still a table of words.
        """
        width = matrix.shape[1]
        if kin is not None:
            matrix = hstack([matrix, csr_matrix(matrix[:, : len(kin)] @ kin)]).tocsr()
        every = (matrix, self.first, self.second, self.weights, self.rows)
        scores = left_out(lines, *every, folds=folds, penalty=PENALTY[self.kind])
        weights, base = fit(*every, PENALTY[self.kind])
        if kin is not None:
            weights[: len(kin)] += kin @ weights[width:]
        return Answer(weights[:width], base, scores)

    def look(self, table: Answer, meanings: Any) -> Answer:
        """Learn what the meaning of a text adds: a factor for the table's score, a weight for each number.

        The table's scores are those of left-out authors, since in practice it will judge unknown texts. A
        vector alone was far worse, and one trained together with the words no better.
        """
        beside = np.column_stack([np.nan_to_num(table.scores), meanings])
        every = (self.first, self.second, self.weights, self.rows)
        weights, base = fit(beside, *every, LOOK_PENALTY[self.kind])
        return Answer(weights, base, beside @ weights + base)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folds", type=int, default=4)
    folds = parser.parse_args().folds
    threadpool_limits(1)  # the matrices are sparse: more threads would only wait for each other, for minutes
    rules = load(RULES.read_text(encoding="utf-8"), file=RULES.name)
    tagger = Tagger(replace(rules, learned=False))
    lines = read(tagger)
    parts = parts_of(lines)
    lines = with_halves(lines, parts)
    beats = sum(target.kind == "beat" for target in rules.targets)
    matrix, meanings = Matrix(lines, beats, len(rules.targets)), encode([line.meant for line in lines])
    tables, looks = [], {}

    stream, asked = Stream(tagger, parts), relevance(lines)
    table = asked.table(lines, matrix.of("beat"), folds, matrix.kin(lines, meanings))
    sums = stream.sums(table, matrix)
    table = stream.calibrated(table, sums, TECHNOLOGY)
    look = asked.look(table, meanings)
    looked = np.column_stack([stream.sums(table, matrix), stream.meanings]) @ look.weights + look.base
    tables.append(table)
    looks[RELEVANT] = stream.calibrated(look, looked, LOOK)
    report_relevance(lines, table.scores, looks[RELEVANT].scores)

    relevant = np.array([n for n, line in enumerate(lines) if line.labels])
    terse = np.array([TERSE.get(line.author, 1.0) for line in lines])
    for target in rules.targets:
        weights = terse if target.kind == "theme" else np.ones(len(lines))
        asked = Question(*answers(lines, target.slug), weights, relevant, target.kind)
        table = asked.table(lines, matrix.of(target.kind), folds)
        if target.kind == "theme":
            life = LIFE.get(target.slug, 1.0)
            table = table.barred(best_bar(table.scores[relevant], asked.shares, life))
            look = asked.look(table, meanings)
            looks[target.slug] = look.barred(best_bar(look.scores[relevant], asked.shares, life))
        tables.append(table)
        by_table = f1(table.scores[relevant] > 0, asked.shares)
        print(f"{target.slug:24} F1 {by_table:.3f} of {int(asked.first.sum())}", file=sys.stderr)
    name = made_of(rules)
    TABLE.write_text(written(matrix.features, rules, tables, looks, PRIORS, parts, name), encoding="utf-8")


def relevance(lines: list[Line]) -> Question:
    first, second = answers(lines, RELEVANT)
    gated, beside = (np.array([getattr(line, name) for line in lines]) for name in ("gated", "beside"))
    weights = np.ones(len(lines))
    weights[(gated | beside) & (first == 0)] = GATED
    weights[beside & (first == 0)] *= NAMESAKE
    weights[~(gated | beside)] = UNASKED
    weights *= [FEIGNED.get(line.author, 1.0) * (1.0 if line.named else NAMELESS) for line in lines]
    return Question(first, second, weights, np.arange(len(lines)), RELEVANT)


def report_relevance(lines: list[Line], by_table: Any, by_look: Any) -> None:
    """Print how left-out lines are judged; they are harder than real entries.

    For meaning, only the table's part was trained without them.
    """
    relevant, gated = (
        np.array([bool(line.labels) for line in lines]),
        np.array([line.gated or line.beside for line in lines]),
    )
    print(
        f"gate: {gated[relevant].mean():.3f} of relevant lines pass, {gated[~relevant].mean():.3f} of others",
        file=sys.stderr,
    )
    for name, log_odds in (("table", by_table), ("second look", by_look)):
        for bar in (0.2, 0.6):
            given = gated & (log_odds >= math.log(bar / (1 - bar)))
            right, every = int((given & relevant).sum()), int(given.sum())
            print(f"{name}, from {bar}: {right} right of {every}, of {int(relevant.sum())}", file=sys.stderr)


if __name__ == "__main__":
    main()
