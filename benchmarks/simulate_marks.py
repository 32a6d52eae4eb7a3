"""Simulate what a user gains who marks ten false alarms a week.

    nice python benchmarks/simulate_marks.py STREAM.jsonl [...]   (labelled records in the order of a feed)

The stream is shuffled (several times, since a feed reports few events twice) and divided into sixteen weeks.
In the first eight the user looks at what was chosen with a lowered bar (--bar) and marks up to ten false
alarms a week, sometimes (--slips) a relevant entry by mistake. Then the personal layer learns, and the
entries of the other eight weeks are chosen with it and without it. A few entries just above the bar decide
about the figures, and these differ with each new table. So --blur moves the log-odds of every entry at random
in each shuffle, by as much as two tables differ (0.35), in order to measure the layer and not the place of
these few.
"""

from __future__ import annotations

import argparse
import json
import random
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from monitor.evaluate import read
from monitor.tag import Example, Personal, Tagger, learn, load
from monitor.tag.judge import log_odds

ROOT = Path(__file__).parent.parent
WEEKS, MARKS = 16, 10
UNMARKED = 0.25
STOPPED = -3.0
"""Lower than any bar: `Tagger.example` gives -4 to what the gate stopped."""


class Judged(NamedTuple):
    """A record, and what the table makes of it."""

    relevant: bool
    example: Example


def simulate(
    records: list[Judged], *, seed: int, bar: float, slips: float, blur: float
) -> tuple[int, int, int, int, int]:
    """Return false alarms and relevant entries chosen in the second half, without and with the layer.

    The last number is that of all relevant entries there. `bar` is in log-odds.
    """
    dice = random.Random(seed)
    shuffled = [
        Judged(relevant, replace(example, start=example.start + dice.gauss(0, blur)))
        for relevant, example in records
    ]
    dice.shuffle(shuffled)
    size = len(shuffled) // WEEKS
    weeks = [shuffled[n * size : (n + 1) * size] for n in range(WEEKS)]
    examples: list[Example] = []
    for week in weeks[: WEEKS // 2]:
        chosen = [one for one in week if one.example.start >= bar]
        wrong = [one for one in chosen if not one.relevant or dice.random() < slips][:MARKS]
        examples += [replace(one.example, answer=False) for one in wrong]
        marked = set(map(id, wrong))
        examples += [replace(one.example, weight=UNMARKED) for one in chosen if id(one) not in marked]
    words, feeds = learn(examples)
    taught = Personal(words, feeds, {}, len(examples))
    counts = [0, 0, 0, 0, 0]
    for relevant, example in (one for week in weeks[WEEKS // 2 :] for one in week):
        counts[4] += relevant
        # No mark lets through what the gate stopped.
        delta = taught.delta(example.features, example.feed) if example.start > STOPPED else 0.0
        for place, total in enumerate((example.start, example.start + delta)):
            if total >= bar:
                counts[2 * place + relevant] += 1
    return counts[0], counts[1], counts[2], counts[3], counts[4]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", nargs="+", type=Path)
    parser.add_argument("--bar", type=float, help="default: as shipped")
    parser.add_argument("--slips", type=float, default=0.0)
    parser.add_argument("--runs", type=int, default=10)
    parser.add_argument("--blur", type=float, default=0.0, help="in log-odds, one standard deviation")
    parser.add_argument("--semantic", action="store_true", help="with the second look")
    options = parser.parse_args()
    rules = load((ROOT / "monitor" / "topic" / "themes.toml").read_text(encoding="utf-8"), file="themes.toml")
    bar = rules.perhaps if options.bar is None else options.bar
    tagger = Tagger(rules, semantic=options.semantic)
    now = datetime(2026, 1, 1, tzinfo=UTC)
    records = [
        Judged(record.relevant, tagger.example(record.entry, True))
        for file in options.files
        for record in read(file.read_text(encoding="utf-8"), file=file.name, now=now)
        if not record.doubt
    ]
    totals = [0] * 5
    for seed in range(options.runs):
        found = simulate(records, seed=seed, bar=log_odds(bar), slips=options.slips, blur=options.blur)
        totals = [a + b for a, b in zip(totals, found, strict=True)]
    alarms, right, fewer, still, relevant = totals
    print(
        json.dumps(
            {
                "false alarms": [alarms, fewer],
                "fewer": round(1 - fewer / max(1, alarms), 3),
                "recall": [round(right / relevant, 3), round(still / relevant, 3)],
                "lost": round((right - still) / relevant, 3),
            }
        )
    )


if __name__ == "__main__":
    main()
