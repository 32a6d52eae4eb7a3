"""Checks the curated list of feeds, monitor/topic/feeds.toml.

python packaging/check_feeds.py            the form of the list: exit 1 with a line for each fault
python packaging/check_feeds.py --online   also asks the feeds that robots.txt does not bar, and sets
                                           `seen` to today for each that answers with a feed
"""

from __future__ import annotations

import asyncio
import re
import sys
import tomllib
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from monitor import fetch
from monitor.config.feedlist import same_address
from monitor.errors import ParseError
from monitor.models import Feed, FeedState
from monitor.parse.settings import Settings
from monitor.parse.worker import Parser

LIST = Path(__file__).resolve().parents[1] / "monitor" / "topic" / "feeds.toml"
KINDS = {"technology", "culture", "law", "union", "general"}
ROBOTS = {"ok", "bars", "unknown"}
CONFIDENCE = {"high", "medium", "low"}


def faults(feeds: list[dict[str, Any]], today: date) -> list[str]:
    """Return what is wrong with the form of the list, a line each."""
    found = []
    seen: set[str] = set()
    groups: list[str] = []
    for feed in feeds:
        url = feed.get("url", "")
        checks = {
            "is listed twice": same_address(url) not in seen,
            "has no title": bool(feed.get("title")),
            "is neither English nor German": feed.get("language") in {"en", "de"},
            "is in no group": bool(feed.get("group")),
            "has no kind that there is": feed.get("kind") in KINDS,
            'says nothing of robots.txt: "ok", "bars" or "unknown"': feed.get("robots") in ROBOTS,
            'has no confidence: "high", "medium" or "low"': feed.get("confidence") in CONFIDENCE,
            "is barred by robots.txt and yet on": feed.get("robots") != "bars"
            or feed.get("enabled") is False,
            "is off without a reason in robots or terms": feed.get("enabled", True)
            or feed["robots"] == "bars"
            or bool(feed.get("terms")),
            "was seen on a day that is none, or is still to come": _past(feed.get("seen"), today),
            "stands apart from its group": feed.get("group") in groups[-1:]
            or feed.get("group") not in groups,
        }
        found += [f"{url}: {fault}" for fault, good in checks.items() if not good]
        seen.add(same_address(url))
        groups.append(str(feed.get("group")))
    return found


def _past(day: object, today: date) -> bool:
    if day is None:
        return True
    try:
        return date.fromisoformat(str(day)) <= today
    except ValueError:
        return False


def with_seen(text: str, url: str, day: date) -> str:
    """Return the list's text with the day on which a feed was seen alive."""
    blocks = text.split("[[feed]]\n")
    for index, block in enumerate(blocks):
        if tomllib.loads(block.split("\n#")[0]).get("url") == url and index:
            line = f'seen = "{day}"\n'
            changed, count = re.subn(r'^seen = ".*"\n', line, block, flags=re.MULTILINE)
            blocks[index] = (
                changed
                if count
                else re.sub(r'^(confidence = ".*"\n)', rf"\g<1>{line}", block, flags=re.MULTILINE)
            )
    return "[[feed]]\n".join(blocks)


async def alive(feeds: list[dict[str, Any]], now: datetime) -> dict[str, str]:
    """Ask the feeds; return the fault of each that does not answer with a feed, "" for the others."""
    asked = [Feed(url=feed["url"]) for feed in feeds if feed["robots"] != "bars"]
    answers: dict[str, str] = {}
    async with fetch.Fetcher(fetch.Settings()) as fetcher, Parser(Settings()) as parser:
        async for response in fetcher.fetch_all([(feed, FeedState(url=feed.url)) for feed in asked], now=now):
            fault = response.error
            if not fault:
                try:
                    await parser.parse(response, response.feed, now=now)
                except ParseError as error:
                    fault = str(error)
            answers[response.feed.url] = fault
    return answers


def main() -> int:
    """Check the list, and with --online the feeds; return the exit code."""
    now = datetime.now(UTC)  # noqa: TID251 - the clock of a program of its own
    text = LIST.read_text(encoding="utf-8")
    feeds = tomllib.loads(text)["feed"]
    wrong = faults(feeds, now.date())
    for line in wrong:
        print(line)
    if not wrong and "--online" in sys.argv[1:]:
        for url, fault in asyncio.run(alive(feeds, now)).items():
            print(f"{url}: {fault or 'alive'}")
            text = text if fault else with_seen(text, url, now.date())
        LIST.write_text(text, encoding="utf-8")
    print(f"{len(feeds)} feeds, {len(wrong)} faults in the form of the list")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
