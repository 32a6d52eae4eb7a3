"""Compare monitor with other programs on three polls of N feeds: CPU and wall seconds, peak memory, ratios.

    python benchmarks/poll.py [--feeds N] [--small] [--reader PYTHON] [--only NAME ...]

The feeds come from farm.py, in a process of its own. Each program polls them three times: all new, nothing
changed, a tenth of the feeds changed. Everything is measured in one run, since figures from different runs
cannot be compared. CPU is the user and system seconds of all of a program's processes, including their start;
memory is the sum of their resident sets, sampled. What each program stored is compared with what the farm
served.

    monitor  with tags, stories and the full-text index, like `monitor poll --all`
    httpx    only conditional requests, nothing is read: no program that uses httpx can cost less
    plain    httpx + feedparser + sqlite-utils in a loop, as one might write it in an afternoon
    reader   the library `reader`, if --reader names a Python that has it (it needs 3.12)
"""

from __future__ import annotations

import argparse
import compileall
import json
import os
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

HERE = Path(__file__).parent
PHASES = ("first", "same", "tenth")
SETTINGS = """\
user_agent = "monitor-benchmark (+https://example.org)"
[poll]
host_gap = 0
allow_private_addresses = true
timeout = "60s"
[stories]
semantic = false
"""
HTTPX = """
import asyncio, json, sys, httpx
async def main(addresses, state):
    try: known = json.load(open(state))
    except OSError: known = {}
    limit = asyncio.Semaphore(16)
    async with httpx.AsyncClient(timeout=60) as client:
        async def get(address):
            async with limit:
                reply = await client.get(address, headers=known.get(address, {}))
            if tag := reply.headers.get("etag"): known[address] = {"If-None-Match": tag}
        await asyncio.gather(*map(get, addresses))
    json.dump(known, open(state, "w"))
asyncio.run(main(open(sys.argv[1]).read().split(), sys.argv[2]))
"""
PLAIN = """
import asyncio, json, sys, feedparser, httpx, sqlite_utils
async def main(addresses, path):
    db = sqlite_utils.Database(path)
    table, state = db["entries"], db["feeds"]
    known = {row["url"]: row["etag"] for row in state.rows} if state.exists() else {}
    limit = asyncio.Semaphore(16)
    async with httpx.AsyncClient(timeout=60) as client:
        async def get(address):
            async with limit:
                headers = {"If-None-Match": known[address]} if known.get(address) else {}
                reply = await client.get(address, headers=headers)
            if reply.status_code == 304: return
            parsed = feedparser.parse(reply.content)
            table.insert_all(({"feed": address, "id": e.get("id") or e.get("link"), "title": e.get("title"),
                "link": e.get("link"), "summary": e.get("summary"), "published": e.get("published")}
                for e in parsed.entries), pk=("feed", "id"), ignore=True)
            state.upsert({"url": address, "etag": reply.headers.get("etag")}, pk="url")
        await asyncio.gather(*map(get, addresses))
asyncio.run(main(open(sys.argv[1]).read().split(), sys.argv[2]))
"""
READER = """
import sys
from reader import make_reader
with make_reader(sys.argv[2]) as reader:
    for address in open(sys.argv[1]).read().split(): reader.add_feed(address, exist_ok=True)
    reader.update_feeds(workers=4, scheduled=False)
"""


@dataclass(frozen=True)
class Cost:
    """What one poll took: CPU and wall seconds, peak memory in MB, and how much was stored at the end."""

    cpu: float
    wall: float
    memory: float
    stored: int


class Program:
    """A program that polls, with a folder of its own."""

    def __init__(
        self, name: str, command: list[str], stored: Callable[[Path], int | None], folder: Path
    ) -> None:
        self.name, self.command, self.folder = name, command, folder
        self._stored = stored

    def poll(self) -> Cost:
        """Run it once."""
        began, before = time.monotonic(), os.times()
        with (self.folder / "log").open("ab") as log:
            process = subprocess.Popen(self.command, cwd=self.folder, stdout=log, stderr=log)
            peak = Peak(process.pid)
            code = process.wait()
        after = os.times()
        if code:
            raise SystemExit(f"{self.name} ended with {code}: see {self.folder / 'log'}")
        cpu = after.children_user + after.children_system - before.children_user - before.children_system
        return Cost(cpu, time.monotonic() - began, peak.stop() / 1e6, self._stored(self.folder) or 0)


class Peak:
    """The largest sum of the resident memory of a process and its children that was observed."""

    def __init__(self, pid: int) -> None:
        self._pid, self._peak, self._done = pid, 0, threading.Event()
        self._thread = threading.Thread(target=self._watch)
        self._thread.start()

    def stop(self) -> int:
        """Return it in bytes."""
        self._done.set()
        self._thread.join()
        return self._peak

    def _watch(self) -> None:
        while not self._done.wait(0.05):
            parents = {}
            for status in Path("/proc").glob("[0-9]*/stat"):
                try:
                    fields = status.read_text().rpartition(")")[2].split()
                except OSError:
                    continue
                parents[int(status.parent.name)] = (int(fields[1]), int(fields[21]))
            family = {self._pid}
            while more := {pid for pid, (parent, _) in parents.items() if parent in family} - family:
                family |= more
            pages = sum(size for pid, (_, size) in parents.items() if pid in family)
            self._peak = max(self._peak, pages * os.sysconf("SC_PAGE_SIZE"))


def rows(path: str, query: str) -> Callable[[Path], int]:
    """Return a function that counts rows of a database in a program's folder."""

    def count(folder: Path) -> int:
        with sqlite3.connect(f"file:{folder / path}?mode=ro", uri=True) as db:
            return int(db.execute(query).fetchone()[0])

    return count


def programs(folder: Path, addresses: list[str], reader: str) -> list[Program]:
    """Set up each program."""
    listed = folder / "addresses"
    listed.write_text("\n".join(addresses))
    own = {name: folder / name for name in ("monitor", "httpx", "plain", "reader")}
    for place in own.values():
        place.mkdir()
    compileall.compile_dir(HERE.parent / "monitor", quiet=1)  # as pip does when it installs a program
    subprocess.run([sys.executable, "-m", "monitor", "-q", "init", own["monitor"]], check=True)
    (own["monitor"] / "monitor.toml").write_text(SETTINGS)
    feeds = "\n".join(f'[[feed]]\nurl = "{address}"' for address in addresses)
    (own["monitor"] / "feeds.toml").write_text(feeds)
    monitor = [sys.executable, "-m", "monitor", "-q", "--config", str(own["monitor"]), "poll", "--all"]

    def script(python: str, text: str) -> list[str]:
        return [python, "-c", text, str(listed), "state"]

    counted = (
        rows("data/monitor.db", "select count(*) from entries"),
        rows("state", "select count(*) from entries"),
    )
    made = [
        Program("monitor", monitor, counted[0], own["monitor"]),
        Program("httpx", script(sys.executable, HTTPX), lambda _: None, own["httpx"]),
        Program("plain", script(sys.executable, PLAIN), counted[1], own["plain"]),
    ]
    return made + ([Program("reader", script(reader, READER), counted[1], own["reader"])] if reader else [])


def ask(port: int, path: str) -> int:
    """Send a request to the farm itself."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}") as reply:
        return int(reply.read())


def warm(port: int, addresses: list[str]) -> None:
    """Have the farm generate all documents now, so that it does not compete for the processor later."""
    for phase in (1, 3):
        ask(port, f"/_phase/{phase}")
        for address in addresses:
            request = urllib.request.Request(address, headers={"Accept-Encoding": "gzip"})
            with urllib.request.urlopen(request) as reply:
                reply.read()


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--feeds", type=int, default=300)
    parser.add_argument("--reader", default="", help="a Python that has the library `reader`")
    parser.add_argument("--only", nargs="*", default=[])
    parser.add_argument("--small", action="store_true", help="feeds of five short entries")
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args()
    feeds = ["--feeds", str(chosen.feeds), *(["--small"] if chosen.small else [])]
    farm = subprocess.Popen([sys.executable, HERE / "farm.py", *feeds], stdout=subprocess.PIPE, text=True)
    assert farm.stdout
    port = int(farm.stdout.readline())
    try:
        from farm import Farm

        costs: dict[str, list[Cost]] = {}
        expected = [ask(port, f"/_phase/{phase}") for phase in (1, 2, 3)]
        addresses = Farm(chosen.feeds).addresses(port)
        warm(port, addresses)
        with tempfile.TemporaryDirectory() as folder:
            wanted = programs(Path(folder), addresses, chosen.reader)
            for program in wanted:
                if chosen.only and program.name not in chosen.only:
                    continue
                for phase in (1, 2, 3):
                    ask(port, f"/_phase/{phase}")
                    costs.setdefault(program.name, []).append(program.poll())
    finally:
        farm.kill()
    if chosen.json:
        print(json.dumps({name: [vars(cost) for cost in three] for name, three in costs.items()}))
        return
    print(f"{chosen.feeds} feeds, {expected[0]} entries, {expected[2]} in the end\n")
    print(
        f"{'':10}"
        + "".join(f"{phase + ': CPU s':>14} {'wall':>6} {'MB':>5} {'stored':>7}" for phase in PHASES)
    )
    for name, three in costs.items():
        cells = (f"{c.cpu:14.2f} {c.wall:6.1f} {c.memory:5.0f} {c.stored or '':>7}" for c in three)
        print(f"{name:10}" + "".join(cells))
    for base in ("reader", "plain", "httpx"):
        if base in costs and "monitor" in costs:
            ratios = (a.cpu / b.cpu for a, b in zip(costs["monitor"], costs[base], strict=True))
            print(f"monitor / {base}: " + " / ".join(f"{ratio:.2f}" for ratio in ratios))
    if "monitor" in costs and [cost.stored for cost in costs["monitor"]] != expected:
        raise SystemExit(
            f"monitor stored {[cost.stored for cost in costs['monitor']]}, the farm has {expected}"
        )


if __name__ == "__main__":
    main()
