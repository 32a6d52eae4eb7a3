"""What is shipped beside the program is sound, as far as a machine without systemd's or docker's daemon can tell."""

from __future__ import annotations

import json
import re
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from newsroom import at, polled, run

from monitor import store

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[1]
PACKAGING = ROOT / "packaging"
DATASETTE = json.loads((PACKAGING / "datasette.json").read_text(encoding="utf-8"))["databases"]["monitor"]


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return polled(tmp_path_factory.mktemp("desk"))


@pytest.fixture(scope="module")
def database(desk: Path) -> Iterator[sqlite3.Connection]:
    path = desk / "data" / "monitor.db"
    store.open(path).close()
    with closing(sqlite3.connect(path)) as db:
        yield db


def columns(database: sqlite3.Connection, table: str) -> set[str]:
    return {row[1] for row in database.execute(f"pragma table_info({table})")}


def test_datasette_is_told_of_every_table_and_of_none_that_there_is_not(database: sqlite3.Connection) -> None:
    kinds = "type in ('table', 'view')"
    there = {row[0] for row in database.execute(f"select name from sqlite_master where {kinds}")}
    shown = DATASETTE["tables"]
    assert there - set(shown) == set(), "a new table is described or hidden"
    assert set(shown) - there <= {"sqlite_stat1"}


def test_datasette_describes_columns_that_there_are(database: sqlite3.Connection) -> None:
    for name, table in DATASETTE["tables"].items():
        named = {*table.get("columns", ()), *table.get("facets", ()), *table.get("sortable_columns", ())}
        assert named <= columns(database, name), name
        assert table.get("hidden") or table.get("title"), name


@pytest.mark.parametrize("name", DATASETTE["queries"])
def test_the_ready_queries_find_what_the_desk_holds(database: sqlite3.Connection, name: str) -> None:
    rows = database.execute(DATASETTE["queries"][name]["sql"], {"words": "leak"}).fetchall()
    assert len(rows) == {"search": 1, "themes_by_week": 2, "feeds_by_yield": 1}.get(name, 0)


def test_the_system_unit_is_sound(tmp_path: Path) -> None:
    verify = shutil.which("systemd-analyze")
    text = (PACKAGING / "monitor.service").read_text(encoding="utf-8")
    assert "--config /etc/monitor run" in text
    if verify is None:
        return
    unit = tmp_path / "monitor.service"
    unit.write_text(text.replace("/opt/monitor/bin/monitor", "/bin/sh"))
    done = subprocess.run([verify, "verify", unit], capture_output=True, text=True, check=False)
    assert [line for line in done.stderr.splitlines() if "monitor.service" in line] == []


def test_the_recipes_name_files_that_there_are() -> None:
    compose = (PACKAGING / "compose.yaml").read_text(encoding="utf-8")
    docker = (PACKAGING / "Dockerfile").read_text(encoding="utf-8")
    copied = {
        name for line in re.findall(r"^COPY (?!--)(.*) \S+$", docker, re.MULTILINE) for name in line.split()
    }
    assert [name for name in copied if not (ROOT / name).exists()] == []
    kept = set(re.findall(r"^!(\S+)$", (PACKAGING / "Dockerfile.dockerignore").read_text(), re.MULTILINE))
    assert copied <= kept
    arguments = set(re.findall(r"^ARG (\w+)", docker, re.MULTILINE))
    assert set(re.findall(r"^        (\w+): \$\{", compose, re.MULTILINE)) == arguments
    assert "\t" not in compose


def test_the_container_is_well_while_it_polls(desk: Path) -> None:
    docker = (PACKAGING / "Dockerfile").read_text(encoding="utf-8")
    command = json.loads(re.search(r"^HEALTHCHECK .* CMD (\[.*\])$", docker, re.MULTILINE)[1])
    assert command[0] == "monitor"
    assert run(desk, *command[1:], now=at(9.5)).code == 0, "one of the two feeds fails, and that is no reason"
    assert run(desk, *command[1:], now=at(9, 40)).code == 1, "nothing was polled for weeks"


def test_every_pinned_package_has_a_hash_and_no_address() -> None:
    plain = (ROOT / "constraints.txt").read_text(encoding="utf-8")
    hashed = (ROOT / "constraints-hashed.txt").read_text(encoding="utf-8")
    pins = set(re.findall(r"^([\w.-]+==\S+)", plain, re.MULTILINE))
    without_extras = re.sub(r"^([\w.-]+)\[.*?\]==", r"\1==", hashed, flags=re.MULTILINE)
    assert pins == set(re.findall(r"^([\w.-]+==\S+)", without_extras, re.MULTILINE))
    assert "://" not in hashed
    blocks = re.split(r"^(?=[\w.-]+==)", without_extras, flags=re.MULTILINE)[1:]
    assert [block.split()[0] for block in blocks if "--hash=sha256:" not in block] == []


def test_the_check_of_licences_passes_here() -> None:
    script = PACKAGING / "check_licences.py"
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
