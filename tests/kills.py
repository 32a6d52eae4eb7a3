"""Kill `poll`, `digest --send`, `run` and `backup` at random moments, and check that all is right at the end.

    python tests/kills.py --kills 1000 [--seed N] [--keep DIR]

The feeds and the mail server are real ones on loopback. Each command is a process of its own, which gets
SIGKILL at a random moment within the time that it usually takes, or as soon as a mail was accepted but before
the program knows. Six hours pass between two kills, by the clock that the commands are given. The feeds have
validators, and show only their latest entries once a poll has finished, so that anything stored by halves
would be lost. `Ordeal.judge` says what must hold. A kill takes about a second of CPU.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import random
import signal
import sqlite3
import sys
import tempfile
import time
from collections import Counter, defaultdict
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from loopback import Reply
from newsroom import SETTINGS, START, Desk, item, reported, rss, serving
from smtp import inbox_in_a_thread

if TYPE_CHECKING:
    from datetime import datetime

    from loopback import Loopback, Request
    from smtp import Inbox

    from monitor.models import Delivery

FEEDS = 4
SHOWN = 12
"""Entries in a feed's document."""
STEP = timedelta(hours=6)
RECIPIENTS = ("ann@desk.test", "bob@desk.test", "eve@desk.test")
HELD = 16
"""The hour until which the mail of the last recipient is held back."""
COMMANDS = {"poll": 5, "send": 4, "run": 2, "backup": 1}
"""How often each command is drawn."""
ARGUMENTS = {"poll": ["poll"], "send": ["digest", "--send"], "run": ["run", "--log", "json"]}
PATIENCE = 60
SYLLABLES = [consonant + vowel for consonant in "bdfgklmnprst" for vowel in "aeio"]

_fork = multiprocessing.get_context("forkserver")
_fork.set_forkserver_preload([
    "feedparser", "httpx", "aiosmtplib", "jinja2", "css_inline", "apscheduler.schedulers.asyncio",
    "monitor.cli.running", "monitor.cli.digests", "monitor.cli.safekeeping", "monitor.pipeline", "monitor.service.serve",
])  # fmt: skip


def _command(arguments: list[str], output: str) -> None:
    """Run the program in a process that has its imports done, so that most kills hit its work."""
    handle = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    for standard in (1, 2):
        os.dup2(handle, standard)
    sys.argv = ["monitor", *arguments]
    from monitor import cli

    cli.main()


@dataclass
class Ordeal:
    """A desk with its feeds and mail, and a record of what was served, sent and killed."""

    desk: Desk
    web: Loopback
    mail: Inbox
    draw: random.Random
    now: datetime = START + timedelta(hours=5)
    round: int = 0
    published: list[list[tuple[str, str, datetime]]] = field(
        default_factory=lambda: [[] for _ in range(FEEDS)]
    )
    polled: list[int] = field(default_factory=lambda: [0] * FEEDS)
    """How many entries each feed had when a poll last finished."""
    killed: set[int] = field(default_factory=set)
    """The rounds that ended with a kill."""
    letters: list[tuple[int, str, str, bytes]] = field(default_factory=list)
    """For each mail that arrived: round, recipient, Message-ID, bytes."""
    kills: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)
    usual: dict[str, float] = field(default_factory=lambda: defaultdict(lambda: 1.0))
    """Seconds that a command takes if nobody kills it."""

    def __post_init__(self) -> None:
        for number in range(FEEDS):
            self.publish(number)
            self.web.on(f"/{number}", partial(self._document, number))

    def publish(self, feed: int) -> None:
        count = sum(map(len, self.published))
        words = ["".join(self.draw.choices(SYLLABLES, k=4)) for _ in range(4)]
        self.published[feed].append((f"p{feed}-{count}", f"OpenAI's Sora: {' '.join(words)}", self.now))

    def _document(self, feed: int, request: Request) -> Reply:
        entries = self.published[feed][-max(SHOWN, len(self.published[feed]) - self.polled[feed]) :][::-1]
        tag = f'"{entries[0][0]}"'
        headers = {"Content-Type": "application/rss+xml", "ETag": tag}
        if request.headers.get("if-none-match") == tag:
            return Reply(status=304, headers=headers)
        written = (item(name, title, published=date) for name, title, date in entries)
        return Reply(rss(*written, title=f"Paper {feed}"), headers=headers)

    # rounds

    def endure(self, kills: int) -> None:
        """Kill this many commands. Three in ten may finish, to find out how long they take."""
        while self.kills.total() < kills:
            for feed in range(FEEDS):
                if self.draw.random() < 0.4:
                    self.publish(feed)
            name = self.draw.choices(list(COMMANDS), list(COMMANDS.values()))[0]
            lives = self.draw.random() < 0.3 or name not in self.usual
            self.play(
                name,
                None if lives else self.draw.uniform(0, 1.1) * self.usual[name],
                self.draw.random() < 0.2,
            )
            self.now += STEP

    def settle(self) -> None:
        """Let everything work for two days, and longer while any mail is held back."""
        for _ in range(4):
            self.play("poll", None)
            self.play("send", None)
            self.now += 2 * STEP
        while self.now.hour <= HELD:
            self.play("send", None)
            self.now += STEP
        self.play("send", None)

    def play(self, name: str, seconds: float | None, at_mail: bool = False) -> None:
        """Run a command and kill it after `seconds`; with None it may finish.

        With `at_mail` it is killed as soon as a mail from it has arrived, if one does.
        """
        self.round += 1
        before = len(self.mail.received)
        arguments = ARGUMENTS.get(name) or ["backup", str(self.desk.directory / "copies" / "copy.db")]
        options = ["--config", str(self.desk.directory), "--now", self.now.isoformat()]
        log = self.desk.directory / "log"
        process = _fork.Process(target=_command, args=([*options, *arguments], str(log)))
        process.start()
        started = time.monotonic()
        if name == "run" and seconds is None:
            seconds = 2 * max(self.usual["poll"], self.usual["send"])
            process.join(seconds)
            os.kill(process.pid, signal.SIGTERM)
            process.join(PATIENCE)
            self.usual[name] = seconds
        else:
            if at_mail and seconds is not None:
                while process.is_alive() and len(self.mail.received) == before:
                    process.join(0.005)
                    if name == "run" and time.monotonic() > started + seconds:
                        break
            else:
                process.join(PATIENCE if seconds is None else seconds)
            if seconds is None:
                self.usual[name] = max(time.monotonic() - started, 0.8 * self.usual[name])
            elif process.is_alive():
                process.kill()
                process.join()
                self.killed.add(self.round)
                self.kills[name] += 1
        if name == "poll" and self.round not in self.killed:
            self.polled = [*map(len, self.published)]
        known = {0, 1} if name == "send" else {0}  # 1: a delivery was given up
        if self.round not in self.killed and process.exitcode not in known:
            self.faults.append(f"round {self.round}: {name} ended with {process.exitcode}")
        process.close()
        self._look(before)

    def _look(self, before: int) -> None:
        """Record the mails that arrived, and check the database."""
        for one in self.mail.received[before:]:
            self.letters.append((self.round, one.recipients[0], one.message["message-id"], one.content))
        if not self.desk.config.database.exists():
            return
        with closing(sqlite3.connect(self.desk.config.database)) as db:
            for check in ("integrity_check", "foreign_key_check"):
                if (found := db.execute(f"pragma {check}").fetchall()) not in ([("ok",)], []):
                    self.faults.append(f"round {self.round}: {check}: {found[:3]}")

    # the end

    def judge(self) -> list[str]:
        """Return what is wrong: [] if every entry, digest, file and mail exists once and is whole."""
        wrong = list(self.faults)
        with self.desk.store() as store:
            digests = [store.digests.get(one.date) for one in store.digests.listing()]
            deliveries = store.deliveries.listing()
        with closing(sqlite3.connect(self.desk.config.database)) as db:
            stored = Counter(guid for (guid,) in db.execute("select guid from entries"))
            loose = db.execute("select count(*) from entries where relevant and story_id is null").fetchone()[
                0
            ]
            db.execute("insert into search_fts(search_fts) values ('integrity-check')")
        names = {name: title for feed in self.published for name, title, _ in feed}
        in_digests = Counter(title for one in digests for title in reported(one.digest()))
        wrong += [f"{name} is stored {stored[name]} times" for name in names if stored[name] != 1]
        wrong += [
            f"{title} is reported {in_digests[title]} times"
            for title in names.values()
            if in_digests[title] != 1
        ]
        wrong += [f"{loose} relevant entries are in no story"] if loose else []
        windows = [one.window for one in reversed(digests)]
        if any(one.end != next_.start for one, next_ in pairwise(windows)):
            wrong.append("the digests' windows have gaps or overlap")
        wrong += self._judge_mails(deliveries)
        folder = self.desk.config.files.output_dir
        for one in deliveries:
            given_up = one.state == "failed" and "may have arrived" in one.last_error  # killed five times
            if one.state not in {"sent", "superseded"} and not given_up:
                wrong.append(f"{one.edition} to {one.recipient} is {one.state}: {one.last_error}")
            if (
                one.channel == "files"
                and one.payload
                and (folder / one.recipient).read_bytes() != one.payload
            ):
                wrong.append(f"{one.recipient} is not what was frozen")
        folders = (self.desk.directory / place for place in ("copies", "digests", "data"))
        litter = [
            path.name for folder in folders for path in folder.glob(".*.*") if path.name != ".site.json"
        ]
        return wrong + ([f"left behind: {litter}"] if litter else [])

    def _judge_mails(self, deliveries: tuple[Delivery, ...]) -> list[str]:
        """Check that each mail arrived, and that one which arrived twice is the same and was hidden by a
        kill.
        """
        wrong = []
        came = defaultdict(list)
        for round_, recipient, message, content in self.letters:
            came[recipient, message].append((round_, content))
        wanted = {(one.recipient, one.message_id) for one in deliveries if one.channel == "email"}
        wrong += [f"never came: {mail}" for mail in wanted - came.keys()]
        wrong += [f"nobody ordered: {mail}" for mail in came.keys() - wanted]
        for mail, times in came.items():
            if len({content for _, content in times}) > 1:
                wrong.append(f"{mail} came with different bytes")
            if any(round_ not in self.killed for round_, _ in times[:-1]):
                wrong.append(f"{mail} came again though its first coming was known")
        return wrong

    def in_words(self) -> str:
        """Describe what was played."""
        doubles = len(self.letters) - len({letter[1:3] for letter in self.letters})
        kinds = ", ".join(f"{name} {count}" for name, count in self.kills.most_common())
        return (
            f"{self.kills.total()} kills ({kinds}) in {self.round} rounds, {(self.now - START).days} days; "
            f"{sum(map(len, self.published))} entries, {len(self.letters)} mails, {doubles} of them again after a kill"
        )


def ordeal(directory: Path, kills: int, seed: int) -> tuple[list[str], str]:
    """Play this many kills; return what is wrong at the end, and a description of what was played."""
    with ExitStack() as stack:
        web, mail = stack.enter_context(serving()), stack.enter_context(inbox_in_a_thread())
        email = f"""[email]
host = "127.0.0.1"
port = {mail.port}
tls = "none"
from = "monitor@desk.test"
to = {json.dumps(RECIPIENTS)}
[email.only."{RECIPIENTS[-1]}"]
time = "{HELD}:00"
"""
        settings = SETTINGS.replace("host_gap = 0", 'host_gap = 0\nmax_interval = "2h"') + email
        mail.pause = 0.02
        desk = Desk(directory / "desk", [web.url(f"/{number}") for number in range(FEEDS)], settings)
        (desk.directory / "copies").mkdir()
        played = Ordeal(desk, web, mail, random.Random(seed))
        played.endure(kills)
        played.settle()
        played.play("backup", None)
        return played.judge(), played.in_words()


def main() -> None:
    """Play and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", type=Path, help="a folder for the desk; default: a temporary one")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        place = chosen.keep or Path(folder)
        place.mkdir(parents=True, exist_ok=True)
        wrong, words = ordeal(place, chosen.kills, chosen.seed)
    sys.stdout.write("\n".join([words, *(wrong or ["all is right"]), ""]))
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
