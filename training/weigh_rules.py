"""Print for each rule of themes.toml what it gains and loses by itself, so that bad ones can be removed.

    nice python training/weigh_rules.py [TARGET] [--stream FILE]   (extra `train`; takes a minute of one core)

Each rule is compared with what words and pairs of words already say about the lines (learned from other
authors). Its score is what it would add, in standard deviations (Rao's score test): from 2 on it is worth
having, below 0 it does harm. For beats, whose rules are the gate, `alone` counts the relevant and the other
entries that only this rule lets through. With --stream the same is counted for a labelled stream.
"""

from __future__ import annotations

import argparse
from collections import Counter, defaultdict
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from tag_lines import LINES, RULES, entry_of, read, rows
from threadpoolctl import threadpool_limits
from train_tags import PENALTY, Matrix, answers, left_out

from monitor.tag import Tagger, load


def fired(tagger: Tagger, files: list[Path]) -> list[dict[str, list[Any]]]:
    """Return for each entry of the files the rules that hold, by target."""
    return [tagger.rules_of(entry_of(row)) for file in files for row in rows(file)]


def gate(
    entries: list[dict[str, list[Any]]], relevant: list[bool], beats: list[str]
) -> dict[int, Counter[bool]]:
    """Return how many entries only one rule lets through, for each rule, by whether they are relevant."""
    alone: dict[int, Counter[bool]] = defaultdict(Counter)
    for rules, answer in zip(entries, relevant, strict=True):
        open_ = [rule for beat in beats for rule in rules.get(beat, ()) if rule.weight > 0]
        if len(open_) == 1:
            alone[id(open_[0])][answer] += 1
    return alone


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("target", nargs="?", default="")
    parser.add_argument("--stream", type=Path)
    options = parser.parse_args()
    threadpool_limits(1)
    rules = load(RULES.read_text(encoding="utf-8"), file=RULES.name)
    tagger = Tagger(replace(rules, learned=False))
    lines = read(tagger)
    held = fired(tagger, sorted(LINES.glob("*.jsonl")))
    beats = [label.slug for label in rules.beats]
    alone = gate(held, [bool(line.labels) for line in lines], beats)
    real: dict[int, Counter[bool]] = {}
    if options.stream:
        answers_ = [bool(row.get("relevant") or row.get("beats")) for row in rows(options.stream)]
        real = gate(fired(tagger, [options.stream]), answers_, beats)
    matrix = Matrix(lines, len(beats), len(rules.targets))
    words = matrix.all[:, : len(matrix.features)].tocsr()
    ones, everything = np.ones(len(lines)), np.arange(len(lines))
    relevant = np.array([n for n, line in enumerate(lines) if line.labels])
    for target in rules.targets:
        if options.target not in {"", target.slug}:
            continue
        first, second = answers(lines, target.slug)
        rows_ = everything if target.kind == "beat" else relevant
        scores = left_out(lines, words, first, second, ones, rows_, folds=5, penalty=PENALTY[target.kind])
        chances, truth = 1 / (1 + np.exp(-scores)), (first + second) / 2
        places: dict[int, list[int]] = defaultdict(list)
        for n in rows_.tolist():
            for rule in held[n].get(target.slug, ()):
                places[id(rule)].append(n)
        print(f"{target.slug}: score, lines, right, alone (right/wrong), on the stream")
        for rule in target.rules:
            at = np.array(places[id(rule)], int)
            missing = float((truth[at] - chances[at]).sum())
            spread = float((chances[at] * (1 - chances[at])).sum()) ** 0.5 or 1.0
            score = missing / spread * (1 if rule.weight > 0 else -1)
            one, live = alone[id(rule)], real.get(id(rule), Counter())
            print(
                f"{score:+6.1f} {len(at):6} {truth[at].sum():7.1f} {one[True]:5}/{one[False]:<5} "
                f"{live[True]:3}/{live[False]:<3} {rule.language} {rule.grade}: {rule.text}"
            )


if __name__ == "__main__":
    main()
