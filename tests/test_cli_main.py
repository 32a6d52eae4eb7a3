from __future__ import annotations

import os
import shlex
import subprocess
import sys
from pathlib import Path
from typing import IO, Any
from unittest.mock import Mock

import pytest
import typer
from newsroom import Desk, run

from monitor import __version__, cli
from monitor.errors import ConfigError, Fault, StoreError


@pytest.fixture
def desk(tmp_path: Path) -> Path:
    return Desk(tmp_path / "desk", ["https://news.test/feed"]).directory


def test_help_and_version_are_results() -> None:
    assert run(None, "--version").out == f"monitor {__version__}\n"
    shown = run(None, "--help")
    assert shown.code == 0
    for command in ("init", "poll", "digest", "status", "feeds", "demo", "backup"):
        assert f"  {command} " in shown.out


@pytest.mark.parametrize(
    "arguments",
    [["nonsense"], ["poll", "--nonsense"], ["--now", "soon", "status"], ["-v", "-q", "status"], ["mark"]],
)
def test_wrong_usage_is_exit_2_on_standard_error(desk: Path, arguments: list[str]) -> None:
    result = run(None, "--config", desk, *arguments)
    assert (result.code, result.out) == (2, "")
    assert result.err
    assert "Traceback" not in result.err


@pytest.mark.parametrize(
    "arguments",
    [
        ["--config", "", "feeds", "list"],
        ["--now", "", "status"],
        ["retag", "--since", ""],
        ["entries", "--since="],
        ["export", "-o", ""],
    ],
)
def test_an_option_s_empty_value_is_wrong_usage(desk: Path, monkeypatch, arguments: list[str]) -> None:
    # What "$DAY" becomes in a script if DAY was never set; `retag` would take it for everything.
    monkeypatch.setenv("MONITOR_CONFIG", str(desk))
    result = run(None, *arguments)
    assert (result.code, result.out) == (2, "")
    assert result.err.startswith("monitor: -")
    assert "has an empty value" in result.err


def test_an_empty_word_and_an_equals_sign_at_the_end_are_no_empty_value(desk: Path) -> None:
    assert "give words to search for" in run(desk, "search", "--", "").err
    assert "no such entry" in run(desk, "explain", "--url=https://news.test/?page=").err


@pytest.mark.parametrize("command", [["explain", "OpenAI Sora"], ["tag"], ["evaluate", "-"]])
def test_a_directory_that_was_named_is_there(tmp_path: Path, command: list[str]) -> None:
    # Its themes are the user's own; if its name were mistyped, the shipped ones would answer.
    result = run(tmp_path / "typo", *command, stdin='{"title": "OpenAI Sora"}')
    assert (result.code, result.out, result.err.count("\n")) == (2, "", 1)
    assert "no configuration here" in result.err


def test_a_faulty_configuration_is_reported_before_a_text_is_explained(desk: Path) -> None:
    (desk / "monitor.toml").write_text("[pol]\n")
    result = run(desk, "explain", "OpenAI Sora")
    assert (result.code, result.out) == (2, "")
    assert "monitor.toml:1: pol" in result.err


def test_a_damaged_database_is_reported_in_a_line(desk: Path) -> None:
    (desk / "data").mkdir()
    (desk / "data" / "monitor.db").write_bytes(b"no database" * 1000)
    result = run(desk, "entries")
    assert (result.code, result.out, result.err.count("\n")) == (1, "", 1)


def test_the_environment_names_the_configuration(desk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MONITOR_CONFIG", str(desk))
    assert "https://news.test/feed\n" in run(None, "feeds", "list").out


@pytest.mark.parametrize(
    "environment",
    [
        {"PYTHONIOENCODING": "ascii"},
        {"LC_ALL": "POSIX", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"},
        {"COLUMNS": "0"},
    ],
)
def test_texts_come_whole_into_a_pipe_in_any_locale(desk: Path, environment: dict[str, str]) -> None:
    command = [sys.executable, "-m", "monitor", "--config", str(desk), "explain", "“Sora” 😀"]
    done = subprocess.run(command, capture_output=True, env={**os.environ, **environment}, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
    assert "“Sora” 😀" in done.stdout.decode()


def test_a_closed_pipe_and_no_terminal(desk: Path) -> None:
    """As a process whose reader goes away at once: no message, and no colours."""
    program = [sys.executable, "-m", "monitor", "--config", str(desk)]
    Desk(desk, [f"https://news.test/{number}" for number in range(3000)])
    with subprocess.Popen(
        [*program, "feeds", "list"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        process.stdout.close()
        complaint = process.stderr.read()
    assert complaint == b""
    assert process.returncode in {0, 1}
    shown = subprocess.run([*program, "status"], capture_output=True, check=False)
    assert b"\x1b" not in shown.stdout + shown.stderr


def as_process(
    desk: Path, *arguments: str, stdout: int | IO[str] = subprocess.PIPE
) -> subprocess.CompletedProcess[str]:
    program = [sys.executable, "-m", "monitor", "--config", str(desk), *arguments]
    return subprocess.run(program, stdout=stdout, stderr=subprocess.PIPE, text=True, check=False)


def test_a_full_output_is_exit_1_and_one_line(desk: Path) -> None:
    with Path("/dev/full").open("w") as full:
        done = as_process(desk, "feeds", "list", stdout=full)
    assert done.returncode == 1
    assert done.stderr == "monitor: standard output or the disk: No space left on device\n"


def test_a_closed_output_is_no_trouble(desk: Path) -> None:
    command = shlex.join([sys.executable, "-m", "monitor", "--config", str(desk), "feeds", "list"])
    program = f"{command} >&- 2>&-"
    assert subprocess.run(["sh", "-c", program], check=False).returncode == 0


def test_a_closed_input_is_an_empty_one(desk: Path) -> None:
    command = shlex.join([sys.executable, "-m", "monitor", "--config", str(desk), "tag"])
    done = subprocess.run(["sh", "-c", f"{command} <&-"], capture_output=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


@pytest.mark.parametrize(
    ("trouble", "code", "words"),
    [
        (StoreError("the disk is full"), 1, "monitor: the disk is full\n"),
        (ExceptionGroup("x", [StoreError("the disk is full"), StoreError("the disk is full")]), 1, "monitor: the disk is full\n"),
        (ConfigError([Fault("a.toml", "b", "c")]), 2, "a.toml: b: c\n"),
        (PermissionError(13, "Permission denied", "/srv/x"), 1, "monitor: /srv/x: Permission denied\n"),
        (UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid start byte"), 1, None),
    ],
)  # fmt: skip
def test_no_traceback_for_what_is_no_bug(desk: Path, monkeypatch, trouble, code, words) -> None:
    monkeypatch.setattr("monitor.store.open", Mock(side_effect=trouble))
    result = run(desk, "entries")
    assert (result.code, result.out) == (code, "")
    assert words is None or result.err == words
    assert "Traceback" not in result.err


def test_a_bug_of_ours_shows_where_and_says_where_to_report_it(desk: Path, monkeypatch) -> None:
    bug = ExceptionGroup("polling", [StoreError("the disk is full"), KeyError("x")])
    monkeypatch.setattr("monitor.store.open", Mock(side_effect=bug))
    result = run(desk, "entries")
    assert result.code == 1
    assert result.err.startswith("monitor: the disk is full\n")
    assert "KeyError: 'x'" in result.err
    assert f"This is a bug in monitor {__version__}, and not your fault" in result.err.splitlines()[-2]
    assert "report it" in result.err.splitlines()[-1]


def test_a_past_at_the_beginning_of_the_calendar_is_wrong_usage(desk: Path) -> None:
    for of in (("--date", "0001-01-01"), ("--since", "0001-01-02", "--until", "0001-01-03")):
        result = run(desk, "digest", *of)
        assert (result.code, result.out, result.err.count("\n")) == (2, "", 1)


@pytest.mark.parametrize("now", ["0001-01-01", "1969-12-31", "9999-12-31T23:59:59Z"])
def test_a_clock_at_the_ends_of_the_calendar_is_wrong_usage(desk: Path, now: str) -> None:
    for command in ("status", "digest", "report"):
        result = run(None, "--config", desk, "--now", now, command)
        assert (result.code, result.out, result.err.count("\n")) == (2, "", 1)


@pytest.mark.parametrize(("module", "names"), cli.COMMANDS.items())
def test_of_the_modules_only_those_are_loaded_whose_commands_are_asked_for(
    module: str, names: tuple[str, ...]
) -> None:
    for name in names:
        root: Any = typer.main.get_command(cli.application(["--quiet", name, "something"]))
        assert sorted(root.commands) == sorted(names), f"{module} registers others"


def test_all_commands_are_there_when_none_is_named() -> None:
    root: Any = typer.main.get_command(cli.application(["strange"]))
    assert sorted(root.commands) == sorted(name for names in cli.COMMANDS.values() for name in names)
    for arguments in (["--help", "poll"], ["--config", "report", "--help"], ["-q", "-h", "poll"]):
        assert run(None, *arguments).out == run(None, "--help").out
    assert "Did you mean 'poll'" in run(None, "--config", "report", "pol").err
    assert "Did you mean 'poll'" in run(None, "pol").err
