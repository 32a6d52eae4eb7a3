"""Measure how often the right story leads the digest, by playing a labelled stream day by day.

    python benchmarks/lead.py STREAM.jsonl [--kind technology] [--without-encoder]

A stream is everything that a feed reader received, in order, one JSON object a line as for `evaluate
--stream`. Each has `seen` (when it first appeared in its feed), `relevant` (true, false, or null if nobody
judged it) and `doubt` (two people could disagree). Days count if their digest has a relevant story.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from monitor import config, digest, digest_input, languages, store, stories
from monitor.evaluate import records
from monitor.models import DigestStory, Window


class Days:
    """A store that is filled from the stream, and its digests."""

    def __init__(self, folder: Path, lines: list[dict[str, Any]], kind: str, *, encoder: bool) -> None:
        (folder / "monitor.toml").write_text(f"[stories]\nsemantic = {str(encoder).lower()}\n", "utf-8")
        sources = sorted({line["source"] for line in lines})
        feed = '[[feed]]\nurl = "https://{0}/feed"\ntitle = "{0}"\nkind = "{1}"\n'
        (folder / "feeds.toml").write_text("\n".join(feed.format(one, kind) for one in sources), "utf-8")
        self.config = config.load(folder)
        self.store = store.open(self.config.database)
        self.labels = {line["id"]: line for line in lines}
        self.kind, self.guids = kind, dict[int, str]()
        self.tagger = self.config.tagger("")

    def day(self, read: list[records.Record], window: Window) -> tuple[DigestStory, ...]:
        """Store what arrived in a window and return the stories of its digest."""
        entries = [
            replace(
                one.entry,
                id=0,
                guid=one.id,
                feed=f"https://{self.labels[one.id]['source']}/feed",
                first_seen=datetime.fromisoformat(self.labels[one.id]["seen"]),
                tagging=self.tagger.tag(one.entry, kind=self.kind),
            )
            for one in read
        ]
        for entry in self.store.entries.add(entries, lambda entry: entry.guid):
            self.guids[entry.id] = entry.guid
        stories.cluster_entries_blocking(self.config, self.store, now=window.end)
        due = digest.Due(date=window.end.date(), window=window)
        collected = digest_input.collect(self.config, self.store, window, now=window.end)
        made = digest.compose(due, collected, self.config.digest, window.end)
        self.store.digests.freeze(made, digest.summarise(made, languages.load("en")), ())
        return made.stories

    def is_right(self, story: DigestStory, *, doubtful: bool) -> bool:
        """Return whether a report of the story is labelled relevant, or in doubt if `doubtful`."""
        found = [self.labels[self.guids[report.entry]] for report in story.reports]
        return any(line["relevant"] and (doubtful or not line["doubt"]) for line in found)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("stream", type=Path)
    parser.add_argument("--kind", default="technology")
    parser.add_argument("--without-encoder", action="store_true")
    given = parser.parse_args()
    text = given.stream.read_text("utf-8")
    lines = [json.loads(line) for line in text.splitlines() if line.strip()]
    seen = {line["id"]: datetime.fromisoformat(line["seen"]) for line in lines}
    read = records.read(text, file=str(given.stream), now=max(seen.values()))
    with tempfile.TemporaryDirectory() as folder:
        days = Days(Path(folder), lines, given.kind, encoder=not given.without_encoder)
        start = min(seen.values()).replace(hour=6, minute=0, second=0) - timedelta(days=1)
        days.store.install(start)
        days.store.feeds.sync(days.config.feeds, start)
        told, led = {True: 0, False: 0}, {True: 0, False: 0}
        while start < max(seen.values()):
            window = Window(start=start, end=start + timedelta(days=1))
            start = window.end
            shown = days.day([one for one in read if window.start < seen[one.id] <= window.end], window)
            for doubtful in (True, False):
                right = [story for story in shown if days.is_right(story, doubtful=doubtful)]
                told[doubtful] += bool(right)
                led[doubtful] += any(story.lead for story in right)
                if right and doubtful and not any(story.lead for story in right):
                    print(
                        f"{window.end:%Y-%m-%d}  {shown[0].title} ({shown[0].kind}) before {right[0].title}"
                    )
        for doubtful, words in ((True, "relevant"), (False, "relevant beyond doubt")):
            print(f"days with a story that is {words}: {told[doubtful]}; one of them leads: {led[doubtful]}")


if __name__ == "__main__":
    main()
