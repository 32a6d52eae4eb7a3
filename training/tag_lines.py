"""The labelled lines as training sees them, and the name of what a table was made of. Needs no extra."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from monitor.models import Entry
from monitor.tag import Rules, Tagger
from monitor.tag.judge import fingerprint
from monitor.tag.scoring import GATE

ROOT = Path(__file__).parent.parent
LINES = ROOT / "training" / "lines"
RULES = ROOT / "monitor" / "topic" / "themes.toml"
NOW = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Line:
    author: str
    event: str
    labels: frozenset[str]
    second: frozenset[str]
    """The second reader's labels; the author's where nobody read it again."""
    kind: str
    features: frozenset[str]
    scale: float
    sums: tuple[float, ...]
    gated: bool


def read(rules: Rules) -> list[Line]:
    tagger = Tagger(replace(rules, learned=False))
    thresholds = {target.slug: target.threshold for target in rules.targets if target.kind == "beat"}
    found = []
    for file in sorted(LINES.glob("*.jsonl")):
        for line in file.read_text(encoding="utf-8").splitlines():
            row = json.loads(line)
            entry = Entry(
                feed="f",
                title=row["title"],
                summary=row["summary"],
                language=row["lang"],
                published=NOW,
                first_seen=NOW,
            )
            sums = tagger.sums(entry)
            features = tagger.features(entry)
            second = [*row.get("second_beats", row["beats"]), *row.get("second", row["themes"])]
            found.append(
                Line(
                    author=row.get("author", file.stem),
                    event=row.get("story") or row["id"],
                    labels=frozenset([*row["beats"], *row["themes"]]),
                    second=frozenset(second),
                    kind=row.get("kind", ""),
                    features=frozenset(features.quotes),
                    scale=features.scale,
                    sums=tuple(sums.values()),
                    gated=any(sums[slug] >= GATE * bar for slug, bar in thresholds.items()),
                )
            )
    return found


def made_of(rules: Rules) -> str:
    """Name the lines and rules that a table is made of: it is stale when they change."""
    found = hashlib.sha256()
    for file in sorted(LINES.glob("*.jsonl")):
        found.update(file.read_bytes())
    for target in rules.targets:
        found.update("\n".join([target.slug, *sorted(map(fingerprint, target.rules))]).encode())
    found.update(repr((sorted(rules.glossary.items()), sorted(rules.hidden.items()), rules.outlets)).encode())
    return found.hexdigest()[:16]
