from __future__ import annotations

import csv
import json
import re
import shutil
from typing import TYPE_CHECKING, Any

import editions
import pytest
from newsroom import at, polled, run

from monitor import store
from monitor.models import Entry, Join, Story

if TYPE_CHECKING:
    from pathlib import Path

ENTRY = {
    "id", "feed", "guid", "url", "title", "summary", "published", "first_seen", "language", "beats", "themes",
    "score", "evidence", "story",
}  # fmt: skip
STORY = {"id", "title", "first_seen", "last_seen", "themes", "entries", "sources"}


@pytest.fixture(scope="module")
def polled_desk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return polled(tmp_path_factory.mktemp("desk"))


@pytest.fixture
def desk(polled_desk: Path, tmp_path: Path) -> Path:
    """A copy that tests may write to."""
    return shutil.copytree(polled_desk, tmp_path / "copy")


def titles(desk: Path, *arguments: str) -> set[str]:
    return {entry["title"].split()[0] for entry in run(desk, *arguments, "--json").json}


def test_entries_have_the_shape_of_the_contract(polled_desk: Path) -> None:
    found = run(polled_desk, "entries", "--json").json
    leak = next(entry for entry in found if entry["guid"] == "leak")
    assert set(leak) >= ENTRY
    assert leak["beats"] == ["sora"]
    assert sorted(leak["themes"]) == ["leak-protest", "unpaid-labour"]
    assert leak["summary"] == "They call it unpaid work."
    assert leak["published"] == "2024-12-02T00:00:00Z"
    assert leak["first_seen"] == "2024-12-02T09:00:00Z"
    assert {evidence["target"] for evidence in leak["evidence"]} == {"sora", "leak-protest", "unpaid-labour"}
    assert leak["story"]


def test_entries_are_chosen_by_each_filter(polled_desk: Path) -> None:
    feed = run(polled_desk, "feeds", "list", "--json").json[0]["url"]
    assert titles(polled_desk, "entries") == {"Testers", "AI"}
    assert titles(polled_desk, "entries", "--all") == {"Testers", "AI", "River"}
    assert titles(polled_desk, "entries", "--beat", "ai-creative-labour") == {"AI"}
    assert titles(polled_desk, "entries", "--theme", "leak-protest") == {"Testers"}
    assert titles(polled_desk, "entries", "--feed", feed) == {"Testers", "AI"}
    assert titles(polled_desk, "entries", "--feed", "https://nowhere.test/") == set()
    assert titles(polled_desk, "entries", "--since", "2024-12-02T08:00Z") == {"Testers", "AI"}
    assert titles(polled_desk, "entries", "--since", "2024-12-03") == set()
    assert len(titles(polled_desk, "entries", "--limit", "1")) == 1


@pytest.mark.parametrize(
    "arguments",
    [("--theme", "protest"), ("--beat", "x"), ("--since", "tomorrow"), ("--limit", "0"), ("--limit", "x")],
)
def test_filters_that_make_no_sense_are_wrong_usage(polled_desk: Path, arguments: tuple[str, str]) -> None:
    result = run(polled_desk, "entries", *arguments)
    assert (result.code, result.out) == (2, "")
    assert "Traceback" not in result.err


def test_entries_for_a_reader_carry_no_escape_codes(polled_desk: Path) -> None:
    result = run(polled_desk, "entries")
    assert "Testers leak OpenAI tool Sora in protest" in result.out
    assert "\x1b" not in result.out + result.err


def test_entries_as_labelled_lines_can_be_evaluated(polled_desk: Path, tmp_path: Path) -> None:
    labelled = tmp_path / "labelled.jsonl"
    labelled.write_text(run(polled_desk, "entries", "--all", "--jsonl").out)
    assert len([json.loads(line) for line in labelled.read_text().splitlines()]) == 3
    assert run(polled_desk, "evaluate", labelled, "--json").json["relevance"]["f1"] == 1.0


def test_search_finds_words_in_title_and_summary(polled_desk: Path) -> None:
    assert titles(polled_desk, "search", "unpaid") == {"Testers"}
    assert titles(polled_desk, "search", "bridge closed") == {"River"}
    assert titles(polled_desk, "search", "nowhere") == set()


@pytest.mark.parametrize(
    "query",
    [
        " ", '"', '"""', "'", "*", "**", "(", ")", "a OR", "AND", "NOT", "NEAR(", "title:", "^", "-", "--",
        "+", ":", "{", "}", "\\", "%", "_", "; drop table entries", "' or 1=1 --", "\0", "\x1b[31m", "🎨", "x" * 10_000,
        "NEAR(a b, 99999)", 'a" OR "b', "-leak", "\udcff",
    ],
)  # fmt: skip
def test_no_query_can_break_the_search(polled_desk: Path, query: str) -> None:
    result = run(polled_desk, "search", "--json", "--", query)
    assert (result.code, result.err) == (0, "")
    assert isinstance(result.json, list)


def test_stories_have_the_shape_of_the_contract(polled_desk: Path) -> None:
    found = run(polled_desk, "stories", "--json").json
    assert len(found) == 2
    assert all(set(story) >= STORY for story in found)
    ids = {entry["id"]: entry["story"] for entry in run(polled_desk, "entries", "--json").json}
    assert {entry: story["id"] for story in found for entry in story["entries"]} == ids
    assert run(polled_desk, "stories", "--since", "2024-12-03", "--json").json == []
    assert "1 report, 1 independent source," in run(polled_desk, "stories").out


def test_stories_of_a_theme_are_listed_and_an_unknown_one_is_named(polled_desk: Path) -> None:
    every = run(polled_desk, "stories", "--json").json
    theme = every[0]["themes"][0]
    found = run(polled_desk, "stories", "--theme", theme, "--json").json
    assert found == [story for story in every if theme in story["themes"]]
    assert run(polled_desk, "stories", "--theme", "nonsense").code == 2
    assert "no story matches" in run(polled_desk, "stories", "--since", "2030-01-01").err


def test_stories_are_merged_and_split_for_good(desk: Path) -> None:
    one, other = run(desk, "stories", "--json").json
    assert run(desk, "stories", "corrections").code == 1
    assert run(desk, "stories", "corrections", "--list").code == 0
    assert run(desk, "stories", "merge", one["id"], other["id"]).code == 0
    (merged,) = run(desk, "stories", "--json").json
    assert sorted(merged["entries"]) == sorted(one["entries"] + other["entries"])
    assert run(desk, "stories", "split", merged["id"], other["entries"][0]).code == 0
    assert run(desk, "retag", now=at(10)).code == 0
    assert len(run(desk, "stories", "--json").json) == 2
    assert run(desk, "stories", "merge", 98, 99).code == 1
    assert len(run(desk, "stories", "corrections").out.splitlines()) == 2


def test_merges_and_splits_are_listed_with_the_command_that_takes_each_back(desk: Path) -> None:
    one, other = run(desk, "stories", "--json").json
    run(desk, "stories", "merge", one["id"], other["id"])
    told = run(desk, "stories", "corrections", "--list").out
    assert one["title"] in told
    assert other["title"] in told
    undoing = told.partition("monitor ")[2].splitlines()[0].split()
    assert undoing[:3] == ["stories", "split", f"s{one['id']}"]
    assert run(desk, *undoing).code == 0
    latest, _, first = run(desk, "stories", "corrections", "--list").out.partition("put together")
    assert "changed since; nothing to take back" in first
    assert run(desk, *latest.partition("monitor ")[2].splitlines()[0].split()).code == 0
    assert len(run(desk, "stories", "--json").json) == 1


def fill(desk: Path, number: int) -> None:
    """Add relevant entries, each a story by itself with a doubtful join, and as many digests."""
    with store.open(desk / "data" / "monitor.db") as opened, opened.transaction():
        like = opened.entries.listing()[0]
        for day in range(1, number + 1):
            seen = at(12, day)
            text: dict[str, Any] = {
                "guid": str(day),
                "url": f"https://news.test/{day}",
                "title": f"Day {day}",
            }
            new = Entry(feed=like.feed, **text, published=seen, first_seen=seen, tagging=like.tagging)
            (entry,) = opened.entries.add([new], lambda entry: entry.title)
            join = Join(entry=entry.id, similarity=0.5, reason="alike", doubtful=True)
            shared: dict[str, Any] = {
                "entries": (entry,),
                "joins": (join,),
                "first_seen": seen,
                "last_seen": seen,
            }
            theme = "leak-protest" if day % 2 else "unpaid-labour"
            opened.stories.save([Story(title=new.title, lead=entry.id, sources=1, themes=(theme,), **shared)])
            editions.freeze(opened, seen, day=seen.date())


@pytest.fixture(scope="module")
def long_followed(polled_desk: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    desk = shutil.copytree(polled_desk, tmp_path_factory.mktemp("long") / "desk")
    fill(desk, 60)
    return desk


@pytest.mark.parametrize(
    ("command", "total", "many"),
    [
        ("entries", 62, "62 entries"),
        ("entries --all", 63, "63 entries"),
        ("stories", 62, "62 stories"),
        ("stories suspects", 60, "60 joins in doubt"),
        ("digests", 60, "60 digests"),
    ],
)
def test_people_see_the_latest_of_a_long_list_and_how_to_see_the_rest(
    long_followed: Path, command: str, total: int, many: str
) -> None:
    def heads(*arguments: object) -> list[str]:
        result = run(long_followed, *command.split(), *arguments)
        assert result.err == ""
        return re.findall(r"^ {0,5}(?:[es]|20)\d", result.out, re.MULTILINE)

    few = run(long_followed, *command.split())
    assert few.err == f"the latest 50 of {many}: --limit {total} shows all\n"
    assert len(heads("--limit", total)) == len(run(long_followed, *command.split(), "--json").json) == total
    assert len(run(long_followed, *command.split(), "--jsonl").out.splitlines()) == total
    assert len(list(csv.DictReader(run(long_followed, *command.split(), "--csv").out.splitlines()))) == total
    if command != "digests":
        assert len(heads("--since", "2024-12-01")) == total
        assert "Day 60\n" in few.out
        assert "Day 10\n" not in few.out


@pytest.mark.parametrize("command", ["entries", "stories", "digests"])
def test_programs_get_all_of_a_long_list(long_followed: Path, command: str) -> None:
    lines, rows = (run(long_followed, command, form) for form in ("--jsonl", "--csv"))
    assert len(lines.out.splitlines()) == len(rows.out.splitlines()) - 1 >= 60
    assert lines.err == rows.err == ""


def test_the_rest_of_a_theme_is_counted_by_itself(long_followed: Path) -> None:
    few = run(long_followed, "stories", "--theme", "leak-protest", "--limit", "3")
    assert few.err == "the latest 3 of 31 stories: --limit 31 shows all\n"
    assert len(re.findall("^ *s", few.out, re.MULTILINE)) == 3
    assert "unpaid" not in few.out.lower()
