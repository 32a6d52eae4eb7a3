from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from newsroom import Desk, run

from monitor import __version__

if TYPE_CHECKING:
    from pathlib import Path


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


def test_a_damaged_database_is_told_in_a_line(desk: Path) -> None:
    (desk / "data").mkdir()
    (desk / "data" / "monitor.db").write_bytes(b"no database" * 1000)
    result = run(desk, "entries")
    assert (result.code, result.out, result.err.count("\n")) == (1, "", 1)


def test_the_environment_names_the_configuration(desk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MONITOR_CONFIG", str(desk))
    assert run(None, "feeds", "list").out == "https://news.test/feed\n"


def test_a_closed_pipe_and_no_terminal(desk: Path) -> None:
    """As a process: whoever reads goes away at once; nothing is said about it, and nothing is coloured."""
    program = [sys.executable, "-m", "monitor", "--config", str(desk)]
    Desk(desk, [f"https://news.test/{number}" for number in range(3000)])
    with subprocess.Popen(
        [*program, "feeds", "list"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        process.stdout.close()
        said = process.stderr.read()
    assert said == b""
    assert process.returncode in {0, 1}
    shown = subprocess.run([*program, "status"], capture_output=True, check=False)
    assert b"\x1b" not in shown.stdout + shown.stderr
