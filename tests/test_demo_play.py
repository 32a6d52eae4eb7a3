from __future__ import annotations

import asyncio
from contextlib import closing
from datetime import date
from typing import TYPE_CHECKING

import pytest

from monitor import store
from monitor.demo import outlet as outlets
from monitor.demo import play
from monitor.demo.play import DAYS, POLLS
from monitor.errors import ConfigError

if TYPE_CHECKING:
    from pathlib import Path

    from monitor.demo import DemoResult
    from monitor.models import Digest, DigestStory

WIRE = "Artists in protest give public three hours of OpenAI's secret video tool"


@pytest.fixture(scope="module")
def lines() -> list[str]:
    return []


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory, lines: list[str]) -> DemoResult:
    return asyncio.run(play(tmp_path_factory.mktemp("a demo"), lines.append))


def reported(digest: Digest) -> list[str]:
    return [report.title for story in digest.stories for report in story.reports if report.new]


def leak(digest: Digest) -> DigestStory:
    (story,) = [story for story in digest.stories if WIRE in {report.title for report in story.reports}]
    return story


@pytest.mark.xdist_group("demo")
class TestPlay:
    def test_each_day_has_exactly_one_digest(self, demo: DemoResult) -> None:
        assert [digest.date for digest in demo.digests] == [date(2024, 12, day) for day in range(3, 8)]
        with closing(store.open(demo.config.database)) as opened:
            assert [stored.date for stored in opened.digests.listing()] == [
                digest.date for digest in reversed(demo.digests)
            ]

    def test_the_leak_is_one_story_with_sources_in_both_languages(self, demo: DemoResult) -> None:
        story = leak(demo.digests[0])
        assert set(story.languages) == {"de", "en"}
        assert {"leak-protest", "unpaid-labour"} <= set(story.themes)
        assert story.sources >= 5

    def test_a_wire_text_in_two_papers_is_one_source(self, demo: DemoResult) -> None:
        story = leak(demo.digests[0])
        (wire,) = [report for report in story.reports if report.title == WIRE]
        assert {wire.outlet, *(copy.outlet for copy in wire.also_in)} == {"Harbour Herald", "Northern Post"}
        assert story.sources == len({report.outlet for report in story.reports})

    def test_launch_answer_and_rush_are_three_events_though_one_firm_and_one_day_have_them(
        self, demo: DemoResult
    ) -> None:
        stories = [{report.title for report in story.reports} for story in demo.digests[-1].stories]
        answer = {
            "OpenAI offers paid residencies after Sora protest",
            "OpenAI will Künstler nach Sora-Protest bezahlen",
        }
        assert answer in stories
        (launch,) = [told for told in stories if "OpenAI launches Sora for Plus and Pro subscribers" in told]
        assert not [title for title in launch if "protest" in title.lower() or "rush" in title]

    def test_leak_answer_and_launch_are_steps_of_one_affair(self, demo: DemoResult) -> None:
        with closing(store.open(demo.config.database)) as opened:
            steps = [story.title for story in opened.stories.affair(leak(demo.digests[0]).id)]
        assert steps == [
            leak(demo.digests[0]).title,
            "OpenAI pauses Sora access after leak: nobody has to take part, company says",
            "What the Sora leak showed: fast clips, wobbly hands",
            "OpenAI launches Sora for Plus and Pro subscribers",
            "Video-KI Sora gestartet: Fachleute warnen vor Fälschungen",
            "OpenAI offers paid residencies after Sora protest",
        ]

    def test_the_archive_lies_beside_the_digests(self, demo: DemoResult) -> None:
        folder = demo.config.directory / "digests"
        assert folder / "index.html" in demo.files
        for digest in demo.digests:
            assert (folder / "days" / f"{digest.date}.html").is_file()
            assert all((folder / "stories" / f"s{story.id}.html").is_file() for story in digest.stories)
        assert list((folder / "affairs").glob("a*.html"))

    def test_nothing_is_reported_twice_not_even_the_edited_entry(self, demo: DemoResult) -> None:
        new = [
            (report.entry, report.url)
            for digest in demo.digests
            for story in digest.stories
            for report in story.reports
            if report.new
        ]
        assert len(new) == len(set(new)) > 25

    def test_the_edited_entry_is_kept_under_its_new_title(self, demo: DemoResult) -> None:
        edited = next(entry for one in outlets.load() for entry in one.entries if entry.edits)
        ((_, title),) = edited.edits
        assert edited.title in reported(demo.digests[0])
        assert title not in [new for digest in demo.digests for new in reported(digest)]
        with closing(store.open(demo.config.database)) as opened:
            assert [entry.url for entry in opened.entries.search(title)] == [edited.url]

    def test_noise_stays_outside(self, demo: DemoResult) -> None:
        text = " ".join(new for digest in demo.digests for new in reported(digest))
        for word in ("Kingdom Hearts", "sora rail", "Mortgage", "Chip", "Flowframe", "apps", "Orchester"):
            assert word not in text

    def test_what_is_older_than_the_monitor_is_no_news(self, demo: DemoResult) -> None:
        assert not [new for new in reported(demo.digests[0]) if "behind closed doors" in new]
        with closing(store.open(demo.config.database)) as opened:
            assert [entry.backlog for entry in opened.entries.search("behind closed doors")] == [True]

    def test_the_receipt_names_the_failing_outlet_and_only_it(self, demo: DemoResult) -> None:
        states = [{feed.title: feed.state for feed in digest.receipt.feeds} for digest in demo.digests]
        assert set(states[0].values()) == {"ok"}
        assert {title for title, state in states[-1].items() if state != "ok"} == {"Stimme & Recht"}
        assert demo.digests[-1].receipt.gaps == ()

    def test_each_poll_and_each_digest_is_reported_in_one_line(
        self, demo: DemoResult, lines: list[str]
    ) -> None:
        assert len(demo.digests) == len(DAYS)
        assert len(lines) == len(DAYS) * (len(POLLS) + 2)
        assert lines[0] == "Monday 02 December 2024"
        assert lines[1].startswith("  09:00  8 feeds polled, ")

    def test_every_digest_is_a_file_in_each_form(self, demo: DemoResult) -> None:
        names = {path.name for path in demo.files}
        for digest in demo.digests:
            assert {f"{digest.date}.md", f"{digest.date}.html"} <= names


def test_a_directory_with_something_else_in_it_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "monitor.toml").write_text("language = 'de'\n")
    (tmp_path / "data").mkdir()
    with pytest.raises(ConfigError, match="something other"):
        asyncio.run(play(tmp_path, print))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data", "monitor.toml"]


def test_a_file_is_no_directory(tmp_path: Path) -> None:
    (tmp_path / "demo").write_text("")
    with pytest.raises(ConfigError, match="cannot be used"):
        asyncio.run(play(tmp_path / "demo", print))
