"""The labelled lines as the training of the tagger sees them. Needs no extra."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from monitor.models import Entry
from monitor.parse import prose
from monitor.tag.features import HEAD, halves
from monitor.tag.judge import fingerprint
from monitor.tag.matcher import text_to_encode
from monitor.tag.scoring import GATE

if TYPE_CHECKING:
    from monitor.tag import Rules, Tagger

ROOT = Path(__file__).parent.parent
LINES = ROOT / "training" / "lines"
STREAM = ROOT / "tests" / "data" / "stream" / "own.jsonl"
RULES = ROOT / "monitor" / "topic" / "themes.toml"
NOW = datetime(2026, 1, 1, tzinfo=UTC)
COMMON = 20
"""German compounds are split at stems that are in at least this many lines; 4 and 8 were no better."""


@dataclass(frozen=True, slots=True)
class Line:
    author: str
    language: str
    event: str
    labels: frozenset[str]
    second: frozenset[str]
    """The second reader's labels, or the author's if there was no second reader."""
    kind: str
    features: dict[str, str]
    """The words and pairs that the table sees, each with the words as written."""
    scale: float
    meant: str
    """The text that is encoded for its meaning."""
    sums: tuple[float, ...]
    gated: bool
    """True if the rules that the table weighs let it through."""
    beside: bool
    """True if a rule that counts beside the table holds: a bare "Sora" in the title."""
    named: bool
    """True if it mentions AI at all."""


def read(tagger: Tagger) -> list[Line]:
    """Read the lines, by author."""
    return [_line(tagger, row, file.stem) for file in sorted(LINES.glob("*.jsonl")) for row in rows(file)]


def read_stream(tagger: Tagger) -> list[Line]:
    """Read our own stream, which has the real rate of news. It is for calibration, never for training."""
    return [_line(tagger, row, "stream") for row in rows(STREAM)]


def parts_of(lines: list[Line]) -> frozenset[str]:
    """Return the stems that German compounds are split at, which are words of their own in many lines."""
    counts = Counter(feature for line in lines if line.language == "de" for feature in line.features)
    return frozenset(
        stem for stem, count in counts.items() if count >= COMMON and len(stem) >= HEAD and stem.isalpha()
    )


def with_halves(lines: list[Line], parts: frozenset[str]) -> list[Line]:
    """Add the parts of German compounds to what the table sees; they have no text of their own."""
    return [_with_halves(line, parts) if line.language == "de" else line for line in lines]


def _with_halves(line: Line, parts: frozenset[str]) -> Line:
    stems = [feature for feature in line.features if " " not in feature]
    more = {half: "" for stem in stems for half in halves(stem, parts)}
    return replace(line, features=more | line.features)


def rows(file: Path) -> list[dict[str, Any]]:
    """Read a file of JSON lines."""
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]


def entry_of(row: dict[str, Any]) -> Entry:
    """Return a line as an entry, as a feed would bring it."""
    return Entry(
        feed="f",
        title=row["title"],
        summary=prose.without_boilerplate(row.get("summary") or ""),
        language=row["lang"],
        published=NOW,
        first_seen=NOW,
    )


def _line(tagger: Tagger, row: dict[str, Any], author: str) -> Line:
    entry = entry_of(row)
    sums, features = tagger.sums(entry), tagger.features(entry)
    thresholds = {target.slug: target.threshold for target in tagger.rules.targets if target.kind == "beat"}
    second = [*row.get("second_beats", row["beats"]), *row.get("second", row["themes"])]
    return Line(
        author=author,
        language=row["lang"],
        event=row.get("story") or row["id"],
        labels=frozenset([*row["beats"], *row["themes"]]),
        second=frozenset(second),
        kind=row.get("kind", ""),
        features={feature: quote.text.lower() for feature, quote in features.quotes.items()},
        scale=features.scale,
        meant=text_to_encode(entry, tagger.rules.outlets),
        sums=tuple(sums.weighed.values()),
        gated=any(sums.weighed[slug] >= GATE * bar for slug, bar in thresholds.items()),
        beside=any(sums.beside[slug] > 0 for slug in thresholds),
        named=tagger.named(entry),
    )


def made_of(rules: Rules) -> str:
    """Return a hash of the lines and rules that a table is made of, which shows when it is out of date."""
    found = hashlib.sha256()
    for file in (*sorted(LINES.glob("*.jsonl")), STREAM):
        found.update(file.read_bytes())
    for target in rules.targets:
        found.update("\n".join([target.slug, *sorted(map(fingerprint, target.rules))]).encode())
    found.update(repr((sorted(rules.glossary.items()), sorted(rules.hidden.items()), rules.outlets)).encode())
    return found.hexdigest()[:16]
