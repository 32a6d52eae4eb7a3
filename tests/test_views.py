"""All views of what was reported agree: weeks are played, and after each day every view is compared with the
others.

These are a digest's formats, its receipt and the database, the archive and one that is written from nothing,
stories as commands, export and pages count them, and what `why` says of what the digests really contain. The
user's acts in between (marks, merges, splits, feeds renamed and removed, other themes) are where views come
to differ.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import re
from collections import Counter
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

import pytest
from newsroom import SETTINGS, THEMES, Desk, at, item, rss, run

from monitor import corrections, digest, digest_output, languages, pipeline
from monitor.digest.formats import message
from monitor.digest.importance import order
from monitor.models import Response
from monitor.parse.reader import read
from monitor.tools import Tools

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from monitor.models import Digest, Feed
    from monitor.store.connection import Connection

FEEDS = ("https://a.test/feed", "https://b.test/feed?key=hunter2", "https://c.test/feed")
NAMES = dict(zip(FEEDS, ("The Paper", "The Post", "The Echo"), strict=True))
EVENTS = (
    (
        "Testers leak OpenAI tool Sora in protest",
        "They call it unpaid work, and say so in a letter of theirs.",
    ),
    (
        "AI choir angers artists in Graz",
        "The painters and singers of Graz object to what a studio has made of them.",
    ),
    (
        "OpenAI opens Sora to all of Europe",
        "The tool makes films of twenty seconds, and is open to whoever pays.",
    ),
    (
        "Artists sue an AI firm over portraits in Rome",
        "A court in Rome hears what painters say of their portraits.",
    ),
    (
        "Sora leak: OpenAI closes the test",
        "Nobody may try it until the firm has read what the testers have written.",
    ),
    ("River bridge closed for repairs", "It opens again in spring."),
)


SEEDS = range(1, 41 if os.environ.get("HUNT") else 3)


class Play:
    """Three feeds and a user, whose acts are drawn from a seed."""

    def __init__(self, directory: Path, seed: int) -> None:
        self.desk = Desk(
            directory, FEEDS, SETTINGS + '[digest]\nmax_stories = 2\nformats = ["md"]\n', dict(NAMES)
        )
        self.draw = random.Random(seed)
        self.items: dict[str, list[str]] = {url: [] for url in FEEDS}
        self.number = 0
        self.store = self.desk.store()
        self.config = self.desk.config
        self.now = at(4)

    def publish(self) -> None:
        for _ in range(self.draw.choice([1, 3])):
            title, text = self.draw.choice(EVENTS)
            self.number += 1
            old = timedelta(days=self.draw.choice([0, 0, 0, 9]))
            # The same text in several feeds, some under the same link, some under another title.
            link = self.draw.choice([f"wire/{title[:4]}", str(self.number)])
            title = self.draw.choice([title, title, f"{title}, part {self.number}"])
            for url in self.draw.sample(FEEDS, self.draw.choice([1, 1, 2])):
                found = item(link, title, text, published=self.now - old)
                guid = f"<guid>{self.number}</guid>"
                self.items[url].insert(0, re.sub("<guid>.*?</guid>", guid, found))

    def correct(self) -> None:
        store, now = self.store, self.now
        stories = self.store.stories.listing(limit=8)
        large = [story for story in stories if len(story.entries) > 1]
        entry = self.draw.choice(self.store.entries.listing(everything=True, limit=12)).id
        match self.draw.randrange(6):
            case 0:
                corrections.mark(self.config, store, entry, relevant=self.draw.random() < 0.5, now=now)
            case 1 if len(stories) > 1:
                one, other = self.draw.sample(stories, 2)
                corrections.merge(self.config, store, one.id, other.id, now=now)
            case 2 if large:
                story = self.draw.choice(large)
                corrections.split(self.config, store, story.id, [story.entries[0].id], now=now)
            case 3:
                self.desk.names[FEEDS[0]] = self.draw.choice(["The Paper", "The Daily Paper"])
                self.desk.follow(FEEDS)
                self.config = self.desk.config
            case 4:
                self.desk.follow(self.draw.choice([FEEDS, FEEDS[1:]]))
                self.config = self.desk.config
            case 5:
                themes = self.draw.choice([THEMES, THEMES.replace('["unpaid"]', '["unpaid", "portrait*"]')])
                (self.desk.directory / "themes.toml").write_text(themes)
                self.config = self.desk.config
                corrections.retag(self.config, store, now=now)

    def tick(self) -> None:
        config = self.config
        tools = Tools(config)
        tools.fetcher = tools.parser = self  # type: ignore[assignment]  # plays both

        async def run_once() -> None:
            await pipeline.poll(config, self.store, now=self.now, every=True, tools=tools)
            await pipeline.publish(config, self.store, config.channels(), now=self.now)

        asyncio.run(run_once())

    async def fetch_all(self, due: Any, *, now: datetime) -> Any:
        for feed, _ in due:
            yield Response(feed=feed, url=feed.url, status=200, body=rss(*self.items[feed.url]))

    async def parse(self, response: Response, feed: Feed, *, now: datetime) -> Any:
        return read(response.body, url=response.url, content_type="", feed=feed, now=now)

    def digests(self) -> list[Digest]:
        """Return all digests, the oldest first."""
        found = [self.store.digests.get(one.date) for one in reversed(self.store.digests.listing())]
        return [one.digest() for one in found if one is not None]


@pytest.mark.parametrize("seed", SEEDS)
def test_every_view_of_what_was_reported_agrees_with_every_other(tmp_path: Path, seed: int) -> None:
    play = Play(tmp_path / "desk", seed)
    for day in range(6):
        for hour in (5, 7.5, 16):
            play.now = at(hour, day)
            play.publish()
            if day or hour > 5:
                play.correct()
            play.tick()
            if hour == 7.5:
                forms_agree(play.digests()[-1])
                figures_agree(play, play.digests()[-1])
        told_once(play)
        archive_agrees(play, tmp_path / f"anew-{day}")
        stories_agree(play)
    why_agrees(play)
    # Views of nothing would all agree.
    assert len(play.digests()) == 6
    assert any(made.stories for made in play.digests())
    play.store.close()


def handles(text: str) -> list[str]:
    """Return the handles in a text in order, without those in addresses."""
    return re.findall(
        r"(?<![\w/.#=-])[se]\d+\b(?!-)", re.sub(r"\]\([^)]*\)|https?://\S+|<a[^>]*>|</a>", " ", text)
    )


def forms_agree(made: Digest) -> None:
    words = languages.load(made.language, made.title)
    forms = {name: digest.render(made, words, name) for name in ("md", "text", "html", "json", "atom")}
    ours = handles(re.sub(r"(?s)^.*<body", "", forms["html"]))
    mail = message(made, words)
    assert handles(forms["md"].partition("\n---\n")[2]) == ours
    # Text names a story before its reports; HTML has both at the end.
    assert sorted(handles(forms["text"])) == sorted(handles(mail.text)) == sorted(ours)
    assert handles(re.sub(r"(?s)^.*<body", "", mail.html)) == ours
    shown = json.loads(forms["json"])
    ids = [story["id"] for story in shown["stories"]]
    assert {handle for handle in ours if handle[0] == "s"} >= {f"s{number}" for number in ids}
    found = ET.fromstring(forms["atom"]).iter("{http://www.w3.org/2005/Atom}id")
    assert [one.text.rpartition(":")[2] for one in found][1:] == [str(number) for number in ids]


def figures_agree(play: Play, made: Digest) -> None:
    db: Connection = play.store._db
    start, end = (f"{moment:%Y-%m-%dT%H:%M:%S.%f}Z" for moment in (made.window.start, made.window.end))
    within = f"from entries where first_seen > '{start}' and first_seen <= '{end}'"
    receipt = made.receipt
    for figure, condition in (
        (receipt.entries, ""),
        (receipt.relevant, "and relevant"),
        (receipt.held_back, "and relevant and backlog"),
    ):
        assert db.value(f"select count(*) {within} {condition}") == figure
    new = [report for story in made.stories for report in story.reports if report.new]
    assert receipt.reports == len(new)
    assert receipt.stories == len(made.stories)
    assert receipt.late == sum(report.late for report in new)
    # No news is left that no digest has reported or ever will: it would be read again each day.
    assert db.value(f"select count(*) from entries where relevant and not backlog and shelf = 'sure'"
                    f" and reported_in is null and news_at <= '{end}'") == 0  # fmt: skip


def told_once(play: Play) -> None:
    told = Counter[int]()
    for made in play.digests():
        told.update(made.reported)
    assert [entry for entry, times in told.items() if times > 1] == []
    assert {
        row["id"] for row in play.store._db.rows("select id from entries where reported_in is not null")
    } == set(told)


def archive_agrees(play: Play, anew: Path) -> None:
    folder = play.desk.directory / "digests"
    digest_output.write_archive(play.config, folder)
    digest_output.write_archive(play.config, anew)
    ours, theirs = (
        {
            str(path.relative_to(root)): path.read_bytes()
            for path in root.rglob("*")
            if (path.is_file() and not re.match(r"\.|\d{4}-\d\d-\d\d\.", path.name))
            or path.parent.name == "days"
        }
        for root in (folder, anew)
    )
    assert ours.keys() == theirs.keys()
    assert [path for path in ours if ours[path] != theirs[path]] == []
    for path, page in ours.items():
        links = re.findall(r'href="([^"#:]+)"', page.decode()) if path.endswith(".html") else []
        missing = [link for link in links if not (anew / path).parent.joinpath(link).exists()]
        assert [link for link in missing if not link.endswith(".md")] == [], path


def stories_agree(play: Play) -> None:
    directory, anew = play.desk.directory, play.desk.directory / "digests"
    stories = {story.id: story for story in play.store.stories.listing()}
    counts = {number: len(story.reports) for number, story in stories.items()}
    lines = run(directory, "export", "stories", now=play.now).out.splitlines()
    assert {one["id"]: one["reports"] for one in map(json.loads, lines)} == counts
    shard = json.loads((anew / "search/2024-12.js").read_text("utf-8")[6:-3])
    assert {int(one["id"][1:]): one["reports"] for one in shard["stories"]} == counts
    assert {one["id"] for one in run(directory, "stories", "--json", now=play.now).json} == counts.keys()
    for theme in ("leak-protest", "unpaid-labour"):
        listed = re.findall(r"/s(\d+)\.html", (anew / f"themes/{theme}.html").read_text("utf-8"))
        assert set(map(int, listed)) == {number for number, story in stories.items() if theme in story.themes}
    for story in stories.values():
        originals = {join.entry for join in story.joins if not join.copy_of}
        assert {report.entry.id for report in story.reports} == originals


def why_agrees(play: Play) -> None:
    told = {entry: made for made in play.digests() for entry in made.reported}
    for entry in play.draw.sample(sorted(told), 5):
        found = run(play.desk.directory, "why", f"e{entry}", "--json", now=play.now).json["reported"]
        ranked = sorted(told[entry].stories, key=order)
        where = [
            (place, report)
            for place, story in enumerate(ranked, 1)
            for report in story.reports
            if entry in {report.entry, *(copy.entry for copy in report.also_in)}
        ]
        if not where:
            assert entry in told[entry].copies
            assert "only repeats" in found["text"] or "you marked this article" in found["text"]
            continue
        (place, report), *_ = where
        assert str(told[entry].date) in found["text"]
        assert ("in one line" in found["text"]) is (place > 2)
        assert ("also in" in found["text"]) is (report.entry != entry)
