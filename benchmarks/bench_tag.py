"""Measure how long tagging an entry takes, compared with one regular expression for each phrase.

    python benchmarks/bench_tag.py [ENTRIES]

The texts are made of the words below, 250 per entry; one entry in twenty is about the monitor's subject.
Times are CPU time, the median of three rounds.
"""

from __future__ import annotations

import random
import re
import statistics
import sys
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from monitor import encoder
from monitor.models import Entry
from monitor.tag import Rules, Tagger, load

if TYPE_CHECKING:
    from collections.abc import Callable

NOW = datetime(2026, 1, 1, tzinfo=UTC)
WORDS = re.compile(r"\w+")
ON_TOPIC = 20
"""One entry in this many is about the subject, and mentions it often."""
PLAIN = WORDS.findall("""
    the of and to in a for on with is that by at from as it was are be this have not they he she but or were
    had their an which you one all her his been more there when who will no out so said what up its about into
    than them can only other time new some could these two may first then do any like my now over such our
    man after also many must before back through years where much your way down should because long each just
    those people how too little state good very make world still see own men work here life both old off
    three home
    river council harbour weather minister budget rain season goal match striker road bridge school hospital
    market price growth factory garden station train ticket summer winter police court election village coast
""")
SUBJECT = WORDS.findall("""
    AI Sora OpenAI artists copyright strike union lawsuit licence consent voice actors deepfake royalties
    publishers training data musicians open letter unpaid authors Suno Midjourney video generator likeness
""")


def make(count: int, words: int = 250) -> list[Entry]:
    dice = random.Random(4)
    entries = []
    for number in range(count):
        pool = PLAIN + SUBJECT * 3 if number % ON_TOPIC == 0 else PLAIN
        text = [
            dice.choice(pool) + (f"{dice.randrange(99)}" if dice.random() < 0.02 else "")
            for _ in range(words)
        ]
        title, summary, content = (" ".join(text[a:b]) for a, b in ((0, 10), (10, 60), (60, words)))
        entries.append(
            Entry(
                feed="f",
                title=title,
                summary=summary,
                content=content,
                language="en",
                published=NOW,
                first_seen=NOW,
            )
        )
    return entries


def naive(rules: Rules) -> Callable[[Entry], int]:
    """Search for each phrase of the file in the lower-cased text, as a first version would do."""
    phrases = {
        term.text.lower().strip("*~")
        for target in rules.targets
        for rule in target.rules
        for part in rule.condition.needs
        for term in part.terms
        if not term.list
    }
    patterns = [re.compile(rf"\b{re.escape(phrase)}") for phrase in phrases]

    def tag(entry: Entry) -> int:
        text = f"{entry.title} {entry.summary} {entry.content}".lower()
        return sum(bool(pattern.search(text)) for pattern in patterns)

    return tag


def microseconds(work: Callable[[Entry], object], entries: list[Entry]) -> float:
    rounds = []
    for _ in range(3):
        start = time.process_time()
        for entry in entries:
            work(entry)
        rounds.append((time.process_time() - start) / len(entries) * 1e6)
    return statistics.median(rounds)


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 2_000
    path = Path(__file__).parent.parent / "monitor" / "topic" / "themes.toml"
    rules = load(path.read_text(encoding="utf-8"), file=path.name)
    entries = make(count)
    tagger = Tagger(rules)
    tagger.tag(entries[0])
    ours = microseconds(tagger.tag, entries)
    theirs = microseconds(naive(rules), entries[: max(20, count // 50)])
    relevant = sum(tagger.tag(entry).relevant for entry in entries)
    rows = sum(len(target.rules) for target in rules.targets)
    alone = Tagger(replace(rules, learned=False))
    by_rules = microseconds(alone.tag, entries)
    off_topic = microseconds(tagger.tag, [entry for n, entry in enumerate(entries) if n % ON_TOPIC])
    print(f"{rows} rules, {count} entries of 250 words, {relevant} relevant")
    print(f"tagger {ours:8.0f} us an entry, {off_topic:.0f} where off topic; 100,000 in {ours / 10:.0f} s")
    print(f"rules  {by_rules:8.0f} us, {by_rules / ours:.2f} times as long: without the learned table")
    if encoder.available():
        asked = entries[::ON_TOPIC]
        twice = Tagger(rules, semantic=True)
        twice.tag(asked[0])
        look = (microseconds(twice.tag, asked) - microseconds(tagger.tag, asked)) / 1000
        print(f"the second look {look:.1f} ms where it is asked for")
    print(f"naive  {theirs:8.0f} us, {theirs / ours:.0f} times as long, for phrases alone")


if __name__ == "__main__":
    main()
