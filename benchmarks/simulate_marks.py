"""What the user's marks give: a person marks ten false alarms a week; what changes in the weeks after?

Run: nice python benchmarks/simulate_marks.py STREAM.jsonl [...]  (labelled records in the order of a feed)
The stream is shuffled (several times, since a feed holds few events twice) and parted into sixteen weeks. In
the first eight the person looks at what was chosen at the lowered bar (--bar) and marks up to ten false
alarms a week, at times (--slips) a right one by mistake. Then the personal layer learns, and the second eight
weeks are chosen with it and without.
"""

from __future__ import annotations

import argparse
import json
import random
from pathlib import Path

from monitor.evaluate import Record, read
from monitor.tag import Example, Personal, Tagger, learn, load

ROOT = Path(__file__).parent.parent
WEEKS, MARKS = 16, 10
UNMARKED = 0.25


def simulate(
    records: list[Record], tagger: Tagger, *, seed: int, bar: float, slips: float
) -> tuple[int, int, int, int, int]:
    """Return false alarms and relevant entries chosen in the second half, without and with the layer, and
    the relevant ones there were."""
    dice = random.Random(seed)
    shuffled = records[:]
    dice.shuffle(shuffled)
    size = len(shuffled) // WEEKS
    weeks = [shuffled[n * size : (n + 1) * size] for n in range(WEEKS)]
    examples: list[Example] = []
    for week in weeks[: WEEKS // 2]:
        chosen = [r for r in week if tagger.tag(r.entry).certainty >= bar]
        wrong = [r for r in chosen if not r.relevant or dice.random() < slips][:MARKS]
        examples += [tagger.example(r.entry, False) for r in wrong]
        marked = {r.id for r in wrong}
        examples += [tagger.example(r.entry, True, weight=UNMARKED) for r in chosen if r.id not in marked]
    words, feeds = learn(examples)
    taught = Tagger(tagger.rules, personal=Personal(words, feeds, {}, len(examples)))
    counts = [0, 0, 0, 0, 0]
    for record in (r for week in weeks[WEEKS // 2 :] for r in week):
        counts[4] += record.relevant
        for place, of in enumerate((tagger, taught)):
            if of.tag(record.entry).certainty >= bar:
                counts[2 * place + record.relevant] += 1
    return counts[0], counts[1], counts[2], counts[3], counts[4]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", nargs="+", type=Path)
    parser.add_argument("--bar", type=float, help="default: as shipped")
    parser.add_argument("--slips", type=float, default=0.0)
    parser.add_argument("--runs", type=int, default=10)
    options = parser.parse_args()
    rules = load((ROOT / "monitor" / "topic" / "themes.toml").read_text(encoding="utf-8"), file="themes.toml")
    bar = rules.perhaps if options.bar is None else options.bar
    tagger = Tagger(rules)
    from datetime import UTC, datetime

    now = datetime(2026, 1, 1, tzinfo=UTC)
    records = [
        record
        for file in options.files
        for record in read(file.read_text(encoding="utf-8"), file=file.name, now=now)
        if not record.doubt
    ]
    totals = [0] * 5
    for seed in range(options.runs):
        found = simulate(records, tagger, seed=seed, bar=bar, slips=options.slips)
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
