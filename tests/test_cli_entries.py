"""`entries` and `search` as lists: for people on a terminal, for spreadsheets, and for programs."""

from __future__ import annotations

import csv
import io
import json
import os
import pty
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from newsroom import Desk, at, item, page, run, serving

from monitor.cli.entries import snippet
from monitor.cli.session import UsageError, entry_number, instant, story_number

if TYPE_CHECKING:
    from pathlib import Path

LONG = (
    "Testers leak the OpenAI tool Sora in protest against unpaid work that studios of all sizes profit from"
)


@pytest.fixture(scope="module")
def polled_desk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Polled at nine: two relevant entries, one in German on another subject, one that looks like a formula."""
    directory = tmp_path_factory.mktemp("desk")
    with serving() as server:
        server.on(
            "/a",
            page(
                item("leak", LONG, "They call it unpaid."),
                item("sum", "=HYPERLINK(1) OpenAI and Sora", "Munich, not the leak"),
                item("street", "Die Straße nach München ist gesperrt", "Kein leak"),
            ),
        )
        desk = Desk(directory, [server.url("/a")], names={server.url("/a"): "The Paper"})
        assert run(desk.directory, "poll", now=at(9)).code == 0
    return directory


def on_terminal(desk: Path, *arguments: str, columns: int = 80) -> str:
    """Run the program on a terminal of this width."""
    primary, secondary = pty.openpty()
    environ = {**os.environ, "COLUMNS": str(columns), "TERM": "dumb"}
    command = [sys.executable, "-m", "monitor", "--config", str(desk), *arguments]
    with subprocess.Popen(command, stdout=secondary, stderr=secondary, stdin=secondary, env=environ):
        os.close(secondary)
        shown = b""
        while True:
            try:
                part = os.read(primary, 65536)
            except OSError:  # raised by Linux when the other side has closed
                break
            if not part:
                break
            shown += part
    os.close(primary)
    return shown.decode().replace("\r\n", "\n")


def test_lists_fit_the_terminal_and_break_no_word(polled_desk: Path) -> None:
    for arguments in (("entries",), ("search", "unpaid"), ("stories",)):
        shown = on_terminal(polled_desk, *arguments)
        assert set(LONG.split()) <= set(shown.split()), arguments
    assert max(map(len, on_terminal(polled_desk, "entries").splitlines())) <= 80
    assert LONG in run(polled_desk, "entries").out, "in a pipe each line is whole"


def test_a_saved_search_is_called_by_its_name(polled_desk: Path, tmp_path: Path) -> None:
    desk = shutil.copytree(polled_desk, tmp_path / "saved")
    file = desk / "monitor.toml"
    assert "monitor.toml names none" in run(desk, "search", "--saved", "Mine").err
    searches = '[archive.search.Mine]\nqueries = ["bridge", "unpaid", "leak*"]\ntheme = ""\n'
    file.write_text(file.read_text("utf-8") + searches)
    both = {e["id"] for query in ("unpaid", "leak*") for e in run(desk, "search", query, "--json").json}
    found = run(desk, "search", "--saved", "Mine", "--json").json
    assert {one["id"] for one in found} >= both
    assert [bool(one["beats"]) for one in found] == sorted(
        (bool(one["beats"]) for one in found), reverse=True
    )
    assert len(run(desk, "search", "--saved", "Mine", "--limit", "1", "--json").json) == 1
    assert "did you mean 'Mine'" in run(desk, "search", "--saved", "Mien").err
    assert run(desk, "search", "unpaid", "--saved", "Mine").code == 2
    assert "give words to search for" in run(desk, "search").err


def test_labels_stand_where_people_read_and_slugs_where_programs_do(polled_desk: Path) -> None:
    shown = run(polled_desk, "entries").out
    assert "Sora, Leak and protest, Unpaid labour" in shown
    assert "leak-protest" not in shown
    assert run(polled_desk, "entries", "--theme", "leak-protest", "--json").json[0]["themes"]


def test_a_spreadsheet_runs_no_title(polled_desk: Path) -> None:
    rows = list(csv.DictReader(io.StringIO(run(polled_desk, "entries", "--csv").out)))
    assert {row["title"] for row in rows} == {LONG, "'=HYPERLINK(1) OpenAI and Sora"}
    assert rows[0]["beats"] == "sora"


def test_one_form_at_a_time(polled_desk: Path) -> None:
    assert run(polled_desk, "search", "leak", "--csv", "--json").code == 2
    lines = run(polled_desk, "search", "unpaid", "--jsonl").out.splitlines()
    assert [json.loads(line)["guid"] for line in lines] == ["leak"]


def test_search_puts_the_relevant_first_and_shows_what_it_found(polled_desk: Path) -> None:
    shown = run(polled_desk, "search", "leak").out
    assert shown.index("Testers leak") < shown.index("gesperrt")
    assert "Kein leak" in shown
    assert "gesperrt" not in run(polled_desk, "search", "leak", "--relevant").out


@pytest.mark.parametrize("query", ["münchen", "muenchen", "munchen", "MÜNCHEN", "straße", "strasse"])
def test_umlauts_are_found_in_every_spelling(polled_desk: Path, query: str) -> None:
    assert [found["guid"] for found in run(polled_desk, "search", query, "--json").json] == ["street"]


def test_search_is_narrowed_by_theme_time_and_language(polled_desk: Path) -> None:
    def guids(*options: str, day: int = 0) -> set[str]:
        return {
            e["guid"] for e in run(polled_desk, "search", "leak", "--json", *options, now=at(12, day)).json
        }

    assert guids() == {"leak", "sum", "street"}
    assert guids("--theme", "unpaid-labour") == {"leak"}
    assert guids("--since", "2h") == set()
    assert guids("--since", "4h") == {"leak", "sum", "street"}
    assert guids("--since", "yesterday", day=1) == {"leak", "sum", "street"}
    assert guids("--since", "yesterday", "--until", "yesterday", day=2) == set()
    assert guids("--language", "de") == set(), "the feed says that it is English"


def test_what_is_empty_says_so_beside_the_result(polled_desk: Path) -> None:
    for arguments in (("entries", "--since", "2h"), ("search", "nowhere"), ("search", " ")):
        result = run(polled_desk, *arguments, now=at(12))
        assert (result.code, result.out) == (0, "")
        assert result.err.count("\n") == 1
    assert (
        run(polled_desk, "entries", "--theme", "leakprotest")
        .err.strip()
        .endswith("did you mean 'leak-protest'?")
    )
    assert "is not in feeds.toml" in run(polled_desk, "entries", "--feed", "https://nowhere.test/").err


def test_moments_are_read_in_the_zone_of_the_user() -> None:
    from zoneinfo import ZoneInfo

    berlin, now = ZoneInfo("Europe/Berlin"), at(23.5)
    assert instant("yesterday", berlin, now=now) == at(-1)
    assert instant("yesterday", berlin, now=now, end_of_day=True) == at(23)
    assert instant(" 36h ", berlin, now=now) == at(-12.5)
    assert instant("2024-12-02T08:00", berlin, now=now) == at(7)
    for rubbish in (
        "",
        "7",
        "7 days",
        "-7d",
        "tomorrow",
        "2024-13-01",
        "99999999999d",
        "0001-12-31T23:00Z",
        "½d",
    ):
        with pytest.raises(UsageError):
            instant(rubbish, berlin, now=now)


def test_handles_name_an_entry_or_a_story() -> None:
    assert (entry_number("e9071"), entry_number(" 12 "), story_number("S412")) == (9071, 12, 412)
    for rubbish in ("s12", "e", "", "e-1", "x", "e1.5", "²", "e" + "9" * 40):
        with pytest.raises(UsageError):
            entry_number(rubbish)


def test_a_snippet_begins_before_the_first_hit_and_marks_all() -> None:
    words = " ".join(f"w{number}" for number in range(100))
    found = snippet(f"{words} Straße {words} streik", "strasse")
    assert found is not None
    assert "w99 Straße w0" in found.plain
    assert found.plain.startswith("… ")
    assert len(found.plain.split()) <= 26
    assert snippet(words, "nothing") is None
    assert snippet(words, '"') is None


@pytest.mark.parametrize(
    "arguments", [("stories",), ("digests",), ("feeds", "list"), ("feeds", "list", "--curated")]
)
def test_every_list_is_there_for_spreadsheets_and_programs(
    polled_desk: Path, arguments: tuple[str, ...]
) -> None:
    records = run(polled_desk, *arguments, "--json").json
    lines = run(polled_desk, *arguments, "--jsonl").out.splitlines()
    assert [json.loads(line) for line in lines] == records
    assert len(list(csv.DictReader(io.StringIO(run(polled_desk, *arguments, "--csv").out)))) == len(records)


def test_the_shell_completes_commands() -> None:
    environ = {
        **os.environ,
        "_MONITOR_COMPLETE": "complete_bash",
        "COMP_WORDS": "monitor sear",
        "COMP_CWORD": "1",
    }
    code = "import sys; sys.argv = ['monitor']; from monitor.__main__ import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", code], env=environ, capture_output=True, text=True, check=False
    )
    assert done.stdout.split() == ["search"]


@pytest.mark.parametrize("command", [("entries",), ("search", "leak"), ("stories", "list")])
def test_a_limit_that_no_database_takes_is_wrong_usage(polled_desk: Path, command: tuple[str, ...]) -> None:
    result = run(polled_desk, *command, "--limit", "99999999999999999999")
    assert (result.code, result.out, "Traceback" in result.err) == (2, "", False)


def test_a_feed_that_nobody_knows_is_wrong_usage(polled_desk: Path) -> None:
    result = run(polled_desk, "entries", "--feed", "nix")
    assert (result.code, result.out, result.err.count("\n")) == (2, "", 1)
    assert run(polled_desk, "entries", "--feed", "the paper").code == 0


def test_a_feed_is_named_as_it_is_printed(tmp_path: Path) -> None:
    with serving() as server:
        server.on("/a", page(item("leak", LONG)))
        one, two, other = (server.url("/a") + query for query in ("?at=1", "?at=2", "?of=3"))
        desk = Desk(tmp_path, [one, two, other], names={one: "One", two: "Two", other: "Three"}).directory
        assert run(desk, "poll", "--feed", server.url("/a") + "?of=***", now=at(9)).code == 0
        several = run(desk, "poll", "--feed", server.url("/a") + "?at=***", now=at(9))
    assert (several.code, several.err.count("\n")) == (2, 1)
    assert "(One, Two): give the full address" in several.err
    for name in (other, server.url("/a") + "?of=***", "three"):
        assert [e["guid"] for e in run(desk, "entries", "--all", "--feed", name, "--json").json] == ["leak"]
    assert run(desk, "search", "leak", "--feed", server.url("/a") + "?at=***").code == 2
    assert run(desk, "feeds", "disable", server.url("/a") + "?of=***").code == 0
