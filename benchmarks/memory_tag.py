"""What the tagger alone takes of memory, beside a process that has read everything else.

Run: python benchmarks/memory_tag.py [FILE.jsonl ...] (default: training/lines, 53,000 texts in two languages)
Prints MB of resident memory over what the process had with the store imported: once rules and table are
loaded, at most while they were loaded, and after so many texts, whose words the tagger remembers for a while.
Linux alone, in a fresh process.
"""

from __future__ import annotations

import json
import resource
import sys
from datetime import UTC, datetime
from pathlib import Path

import monitor.store  # noqa: F401 - what else a process has
from monitor.models import Entry

ROOT = Path(__file__).parent.parent
NOW = datetime(2026, 1, 1, tzinfo=UTC)


def resident() -> float:
    """Return MB that the process has now."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.partition("VmRSS:")[2].split()[0]) / 1024


def main() -> None:
    files = [Path(name) for name in sys.argv[1:]] or sorted((ROOT / "training" / "lines").glob("*.jsonl"))
    before = resident()
    # Only now: what the tagger imports is part of what it takes.
    from monitor.tag import Tagger, load

    rules = load((ROOT / "monitor" / "topic" / "themes.toml").read_text(encoding="utf-8"), file="themes.toml")
    tagger = Tagger(rules)

    def tag(title: str, summary: str, language: str) -> None:
        tagger.tag(
            Entry(feed="f", title=title, summary=summary, language=language, published=NOW, first_seen=NOW)
        )

    for language in ("en", "de", "fr"):
        tag("AI: Sora", "", language)
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"loaded, asked in three languages: {resident() - before:.0f} MB, at most {most - before:.0f}")
    count = 0
    for file in files:
        with file.open(encoding="utf-8") as lines:
            for row in map(json.loads, lines):
                tag(row["title"], row.get("summary") or "", row.get("lang") or "en")
                count += 1
    print(f"after {count:,} texts: {resident() - before:.0f} MB")


if __name__ == "__main__":
    main()
