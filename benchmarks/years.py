"""Live through three years of the service within minutes, to see what becomes slower and what grows.

    python benchmarks/years.py [--days N] [--entries N] [--copied MONTHS] [--keep DIR]

45 feeds bring 1,000 entries a day. Three in a hundred are on the subject, most of them in stories of several
reports. Each morning the digest is made, its files and the archive's pages are written, and texts older than
the retention are removed. All of this is monitor's own code with its own database. The network and the
reading of feeds are left out, as they do not depend on the age of the database (see poll.py), and so is
tagging: entries come with their tags.

Printed are CPU seconds in this process, as medians over the days of the first and the last month, and over
the last ten days of the first month: that month begins empty, but by then it has as many open stories and
pages as any. `poll` is what the store does for 45 documents of 20 entries, half an entry of which is new on
average, and the clustering of the new ones; `digest` is composing and freezing it; `pages` is the archive's
day; `delivery` is writing the digest's files; `retention` finds nothing to remove in the first three months,
and a day's texts on each later day; the others are the commands. The start of the program, which is the same
for all commands, is not included.

`--copied 34` lives through one month, adds 34 months by copying its rows (with other ids, addresses and
dates, and without the texts that retention would have removed), and lives through one more month: three years
in a tenth of the time. As the copied months mention the same names as the first one, new stories share rare
names with as many old ones as possible. The pages of copied stories are not written.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import sqlite3
import statistics
import sys
import tempfile
import time
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from typer.testing import CliRunner

from monitor import config as configuration
from monitor import digest_output, pipeline, responses
from monitor import store as storage
from monitor.cli import application
from monitor.models import Document, Entry, Evidence, Feed, FeedPoll, Findings, Poll, Response, Tagging
from monitor.parse import identifiers
from monitor.parse.changes import compare
from monitor.stories import cluster_entries_blocking

if TYPE_CHECKING:
    from collections.abc import Iterator

    from monitor.config import Config
    from monitor.store import Store

FEEDS = 45
START = datetime(2024, 1, 1, 5, tzinfo=UTC)
ON_SUBJECT = 0.03
POLLS = 24
"""Polls of each feed in a day, as the log shows."""
SETTINGS = """\
timezone = "UTC"
user_agent = "monitor-benchmark (+https://example.org)"
[stories]
semantic = false
"""
COMMANDS = {
    "search": ("search", "studio contract", "--json"),
    "entries": ("entries", "--limit", "50", "--json"),
    "status": ("status", "--json"),
    "stories": ("stories", "--since", "7d", "--json"),
    "digests": ("digests", "--limit", "50", "--json"),
}
SYLLABLES = [consonant + vowel for consonant in "bdfghklmnprs" for vowel in "aeio"]
COMMON = "the a of to in and for on with at by from is was are has will after over new".split()
SUBJECT = "studio contract voice actors union court ruling Sora OpenAI training data licence strike".split()


class World:
    """What happens: the entries of each day, made up from a seed."""

    def __init__(self, feeds: tuple[Feed, ...], entries: int) -> None:
        self.draw = random.Random(1)
        self.feeds, self.entries, self.number = feeds, entries, 0
        self.words = ["".join(self.draw.choices(SYLLABLES, k=self.draw.randint(2, 4))) for _ in range(20_000)]
        self.sentences = [self._sentence(20) for _ in range(3_000)]
        self.events: list[list[str]] = []

    def day(self, now: datetime) -> list[Entry]:
        """Make up a day's entries. Two out of three on the subject report an event of these days."""
        self.events = self.events[-8:] + [self._name() for _ in range(8)]
        return [self._entry(now) for _ in range(self.entries)]

    def _name(self) -> list[str]:
        return [self.draw.choice(self.words).title() for _ in range(3)]

    def _sentence(self, words: int) -> str:
        return " ".join(
            self.draw.choice(COMMON if self.draw.random() < 0.4 else self.words) for _ in range(words)
        )

    def _text(self, sentences: int) -> str:
        return ". ".join(self.draw.choices(self.sentences, k=sentences))

    def _entry(self, now: datetime) -> Entry:
        self.number += 1
        feed = self.draw.choice(self.feeds)
        link = f"{feed.url.rpartition('/')[0]}/{self.number}-{self.draw.choice(self.words)}"
        tagging, title = Tagging(), self._sentence(8)
        if self.draw.random() < ON_SUBJECT:
            event = self.draw.choice(self.events) if self.draw.random() < 0.67 else self._name()
            title = " ".join([*event, *self.draw.sample(SUBJECT, 3), self._sentence(2)])
            tagging = Tagging(
                beats=("ai-creative-labour",),
                themes=("contracts",),
                score=2.0,
                certainty=0.9,
                shelf="sure",
                evidence=(
                    Evidence(target="contracts", term="contract", rule="contract", field="title", weight=1),
                ),
            )
        moment = now - timedelta(minutes=self.draw.randint(1, 1400))
        return Entry(
            feed=feed.url,
            guid=link,
            url=link,
            title=title,
            summary=f"{title}. {self._text(2)}",
            content=self._text(10) if self.draw.random() < 0.3 else "",
            language="en",
            published=moment,
            first_seen=moment,
            tagging=tagging,
        )


class Stopwatch:
    """CPU seconds by what they were spent on, one list for each month that is measured."""

    def __init__(self) -> None:
        self.seen: dict[str, list[float]] = {}

    @contextmanager
    def measuring(self, what: str) -> Iterator[None]:
        """Measure the CPU seconds of the block."""
        started = time.process_time()
        yield
        self.seen.setdefault(what, []).append(time.process_time() - started)

    def medians(self, last: int = 0) -> dict[str, float]:
        """Return the median for each; over the `last` measurements only, if that is not 0."""
        return {what: statistics.median(times[-last:]) for what, times in self.seen.items()}


def take_in(store: Store, entries: list[Entry], feeds: tuple[Feed, ...], now: datetime) -> None:
    """Store a day's entries and log its polls, in one transaction."""
    with store.transaction():
        store.entries.add(entries, identifiers.fingerprint)
        for feed in feeds:
            for hour in range(POLLS):
                at = now - timedelta(hours=hour)
                store.polls.log_feed(FeedPoll(feed=feed.url, at=at, status=200))
        lines = [FeedPoll(feed=feed.url, at=now, status=200) for feed in feeds]
        store.polls.log(Poll.of(lines, now - timedelta(minutes=1), timedelta(seconds=20), outage=False))
        store.upkeep.forget_polls(now)


def poll(
    config: Config, store: Store, latest: dict[str, list[Entry]], fresh: list[Entry], now: datetime
) -> None:
    """Do what a poll does except fetching, reading and tagging."""
    due = pipeline.due_feeds(config, store, now=now, every=True)
    for feed, state in due:
        new = [entry for entry in fresh if entry.feed == feed.url]
        document = Document(entries=(*new, *latest.get(feed.url, ())[-20:]))
        guids, urls = identifiers.spellings(document)
        known = store.entries.known(feed.url, guids=guids, urls=urls, newest=len(document.entries) + 200)
        changes = compare(
            document,
            known,
            followed_since=START,
            listed_since=START,
            backlog=config.digest.backlog,
            now=now,
        )
        found = Findings(new=changes.new, changed=changes.changed, document=document)
        response = Response(feed=feed, url=feed.url, status=200, body=b"x")
        asyncio.run(responses.keep(config, store, response, state, found, now=now))
    cluster_entries_blocking(config, store, now=now)


MONTH = 30
LATER = "strftime('%Y-%m-%dT%H:%M:%S', {0}, :days || ' days') || '.000000Z'"
COPIES = {
    "stories": {
        "id": "id + :stories",
        "lead_id": "lead_id + :entries",
        "affair_id": "affair_id + :stories",
    },
    "entries": {
        "id": "id + :entries",
        "story_id": "story_id + :stories",
        "guid": "guid || '-' || :month",
        "url": "url || '-' || :month",
        "reported_in": "date(reported_in, :days || ' days')",
        "summary": "case when relevant or :kept then summary else '' end",
        "spellings": "case when relevant or :kept then spellings else '' end",
        "content": "case when relevant or :kept then content else '' end",
        "text_removed_at": f"case when relevant or :kept then null else {LATER.format('first_seen')} end",
    },
    "story_names": {"story_id": "story_id + :stories"},
    "joins": {"entry_id": "entry_id + :entries", "runner_up": "null", "copy_of": "copy_of + :entries"},
    "entry_beats": {"entry_id": "entry_id + :entries"},
    "entry_themes": {"entry_id": "entry_id + :entries"},
    "evidence": {"id": "null", "entry_id": "entry_id + :entries"},
    "digests": {"date": "date(date, :days || ' days')", "number": "number + :month * 30"},
    "deliveries": {
        "id": "null",
        "edition": "'digest:' || date(substr(edition, 8), :days || ' days')",
        "message_id": "message_id || :month",
        "payload": "x''",
    },
}
"""What differs in a copy of a table's rows. Besides, instants in all columns move on by a month for each
copy.
"""
INSTANTS = ("published", "first_seen", "last_seen", "news_at", "window_start", "window_end", "made_at")


def age(database: Path, months: int) -> None:
    """Append copies of the first month to a database, as the months after it."""
    with sqlite3.connect(database) as db:
        triggers = db.execute("select name, sql from sqlite_master where type = 'trigger'").fetchall()
        for name, _ in triggers:
            db.execute(f"drop trigger {name}")
        for table in COPIES:
            db.execute(f"create temp table first_{table} as select * from {table}")
        size = {
            table: db.execute(f"select max(id) from {table}").fetchone()[0]
            for table in ("entries", "stories")
        }
        for month in range(1, months + 1):
            kept = month > months - 3
            shift = {"month": month, "days": f"+{month * MONTH}", "kept": kept}
            shift |= {table: number * month for table, number in size.items()}
            for table, other in COPIES.items():
                columns = [row[1] for row in db.execute(f"pragma table_info({table})")]
                changed = {name: LATER.format(name) for name in INSTANTS} | other
                made = ", ".join(changed.get(column, column) for column in columns)
                where = "where entry_id in (select id from first_entries where relevant or :kept)"
                db.execute(
                    f"insert into {table} select {made} from first_{table}"
                    f" {where if table == 'evidence' else ''}",
                    shift,
                )
        db.execute("update term_counts set entries = entries * ?", [months + 1])
        db.execute("update meta set value = value * ? where key = 'counted_entries'", [months + 1])
        db.execute("update feeds set entries = (select count(*) from entries where feed_id = feeds.id)")
        db.execute("insert into search_fts(search_fts) values ('rebuild')")
        for _, sql in triggers:
            db.execute(sql)


def live(
    config: Config, days: int, entries: int, copied: int = 0
) -> tuple[Stopwatch, Stopwatch, dict[str, float]]:
    """Live through the days; return what the first and the last thirty took, and sizes in MB."""
    first, last, sizes = Stopwatch(), Stopwatch(), {}
    world = World(config.feeds, entries)
    runner, app = CliRunner(), application()
    for number in range(days):
        if copied and number == MONTH:
            age(config.database, copied)
        now = START + timedelta(days=number if number < MONTH else number + copied * MONTH)
        early, late = number < min(30, days // 2), number >= days - min(30, days // 2)
        watch = first if early else last if late else Stopwatch()
        with storage.open(config.database) as store:
            store.feeds.sync(config.feeds, now)
            store.install(now)
            store.clock.observe(now)
            today = world.day(now)
            take_in(store, today, config.feeds, now)
            latest: dict[str, list[Entry]] = {}
            for entry in today:
                latest.setdefault(entry.feed, []).append(entry)
            fresh = [replace(entry, first_seen=now) for entry in world.day(now)[: FEEDS // 2]]
            with watch.measuring("poll"):
                poll(config, store, latest, fresh, now)
            morning = now.replace(hour=7)
            with watch.measuring("digest"):
                asyncio.run(pipeline.make_due_digest(config, store, config.channels(), now=morning))
            # Before the delivery, which would write them too.
            with watch.measuring("pages"):
                digest_output.write_archive(config, config.files.output_dir)
            with watch.measuring("delivery"):
                asyncio.run(pipeline.deliver(config, store, config.channels(), now=morning))
            with watch.measuring("retention"):
                store.upkeep.forget(config.retention, morning)
                store.upkeep.tidy(morning)
        if early or late:
            for name, arguments in COMMANDS.items():
                clock = ["--config", str(config.directory), "--now", morning.isoformat()]
                with watch.measuring(name):
                    done = runner.invoke(app, [*clock, *arguments])
                if done.exception and not isinstance(done.exception, SystemExit):
                    raise done.exception
        if number in {29, days - 1}:
            folder = config.files.output_dir
            sizes[f"database, day {number + 1}"] = config.database.stat().st_size / 1e6
            sizes[f"digests and pages, day {number + 1}"] = (
                sum(file.stat().st_size for file in folder.rglob("*") if file.is_file()) / 1e6
            )
            print(f"day {number + 1}", sizes, file=sys.stderr)
        elif number % 100 == 0:
            print(f"day {number + 1}: {time.process_time():.0f} s of CPU", file=sys.stderr)
    return first, last, sizes


def main() -> None:
    """Live through the days and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--days", type=int, default=1095)
    parser.add_argument("--entries", type=int, default=1000)
    parser.add_argument("--copied", type=int, default=0, metavar="MONTHS", help="copies of the first month")
    parser.add_argument("--keep", type=Path, help="an empty folder for the database and the digests")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        place = chosen.keep or Path(folder)
        place.mkdir(parents=True, exist_ok=True)
        (place / "monitor.toml").write_text(SETTINGS)
        feeds = (f'[[feed]]\nurl = "https://outlet{n}.example/feed"\n' for n in range(FEEDS))
        (place / "feeds.toml").write_text("\n".join(feeds))
        os.environ["NO_COLOR"] = "1"
        first, last, sizes = live(configuration.load(place), chosen.days, chosen.entries, chosen.copied)
    days = chosen.days + chosen.copied * MONTH
    print(f"{days} days of {chosen.entries} entries; CPU ms a time, medians\n")
    print(f"{'':10} {'first month':>12} {'its last ten':>12} {'last month':>12} {'ratio to both':>14}")
    filled = first.medians(10)
    for what, early in first.medians().items():
        late = last.medians()[what]
        ratios = f"{late / early:7.2f} {late / filled[what]:6.2f}"
        print(f"{what:10} {early * 1000:12.1f} {filled[what] * 1000:12.1f} {late * 1000:12.1f} {ratios:>14}")
    print("\n" + "\n".join(f"{what}: {size:.1f} MB" for what, size in sizes.items()))


if __name__ == "__main__":
    main()
