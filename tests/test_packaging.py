"""What is shipped beside the program is valid, as far as can be checked without systemd or a Docker daemon."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import sqlite3
import subprocess
import sys
import textwrap
import tomllib
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from newsroom import at, polled, run

from monitor import config, store

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


def test_datasette_knows_every_table_and_none_that_there_is_not(
    database: sqlite3.Connection,
) -> None:
    kinds = "type in ('table', 'view')"
    there = {row[0] for row in database.execute(f"select name from sqlite_master where {kinds}")}
    described = DATASETTE["tables"]
    assert there - set(described) == set(), "a new table is described or hidden"
    assert set(described) - there <= {"sqlite_stat1"}


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


COMPOSE = yaml.safe_load((PACKAGING / "compose.yaml").read_text(encoding="utf-8"))
DOCKERFILE = (PACKAGING / "Dockerfile").read_text(encoding="utf-8")
WORKFLOW = yaml.safe_load((ROOT / ".github" / "workflows" / "check.yml").read_text(encoding="utf-8"))
# What a service of ours may contain, by the Compose specification.
SERVICE = {
    "image", "build", "restart", "stop_grace_period", "init", "read_only", "tmpfs", "cap_drop", "security_opt",
    "pids_limit", "mem_limit", "secrets", "environment", "volumes",
}  # fmt: skip


def test_compose_says_what_its_specification_knows() -> None:
    name, service = next(iter(COMPOSE["services"].items()))
    assert (name, set(COMPOSE)) == ("monitor", {"name", "services", "secrets"})
    assert set(service) <= SERVICE
    assert set(service["secrets"]) == set(COMPOSE["secrets"])
    build = service["build"]
    assert (PACKAGING / build["context"]).resolve() == ROOT
    assert (ROOT / build["dockerfile"]).is_file()
    arguments = dict(re.findall(r"^ARG (\w+)=(\S*)$", DOCKERFILE, re.MULTILINE))
    defaults = {key: re.fullmatch(r"\$\{\w+:-(.*)\}", value)[1] for key, value in build["args"].items()}
    assert defaults == {key: value.strip('"') for key, value in arguments.items()}
    assert service["volumes"] == [f"./data:{re.search(r'^VOLUME (.*)$', DOCKERFILE, re.MULTILINE)[1]}"]


def scripts(page: Path) -> list[str]:
    """Return the shell commands that a page tells its user to run."""
    blocks = re.findall(
        r"^ *```bash\n(.*?)^ *```", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL
    )
    return list(map(textwrap.dedent, blocks))


def stand_ins(folder: Path, **bodies: Any) -> dict[str, str]:
    """Make programs that stand in for those of a whole machine; return an environment that finds them first."""
    folder.mkdir()
    for name, body in bodies.items():
        program = folder / name
        program.write_text(f"#!/bin/sh\n{body}\n", encoding="utf-8")
        program.chmod(0o755)
    path = f"{ROOT}:{os.environ.get('PYTHONPATH', '')}"
    return {"PATH": f"{folder}:/usr/bin:/bin", "HOME": str(folder), "PYTHONPATH": path, "LC_ALL": "C"}


def test_the_base_image_is_pinned_by_the_releases_own_command(tmp_path: Path) -> None:
    shutil.copytree(PACKAGING, tmp_path / "packaging")
    (command,) = scripts(ROOT / "RELEASING.md")
    digest = f"sha256:{'0a' * 32}"
    environment = stand_ins(tmp_path / "bin", docker=f"echo {digest}")
    for _ in range(2):  # an existing digest is replaced by the next
        subprocess.run(["/bin/sh", "-ec", command], cwd=tmp_path, env=environment, check=True)
    assert re.search(r"^ARG PYTHON=python:3\.13-slim@sha256:[0-9a-f]{64}$", DOCKERFILE, re.MULTILINE)
    pinned = f"python:3.13-slim@{digest}"
    assert f"\nARG PYTHON={pinned}\n" in (tmp_path / "packaging" / "Dockerfile").read_text()
    composed = yaml.safe_load((tmp_path / "packaging" / "compose.yaml").read_text())
    assert composed["services"]["monitor"]["build"]["args"]["PYTHON"] == f"${{PYTHON:-{pinned}}}"


def test_the_system_recipe_makes_a_service(tmp_path: Path) -> None:
    """Runs the recipe's own lines in a folder that stands for the whole machine, with stand-ins for root and
    systemd.
    """
    pages = scripts(ROOT / "docs" / "running.md")
    recipe = next(text for text in pages if "useradd" in text)
    beside = next(text for text in pages if "sudo -u monitor" in text)
    (tmp_path / "etc" / "systemd" / "system").mkdir(parents=True)
    environment = stand_ins(
        tmp_path / "bin",
        sudo='[ "$1" = -u ] && shift 2; exec "$@"',
        # Stands in for `python3 -m venv FOLDER` and its pip.
        python3=f"""mkdir -p "$3/bin"
            printf '#!/bin/sh\nexec "{sys.executable}" -m monitor "$@"\n' > "$3/bin/monitor"
            printf '#!/bin/sh\n' > "$3/bin/pip"; chmod +x "$3/bin/pip" "$3/bin/monitor" """,
        useradd=":",
        sudoedit=":",
        systemctl="echo $* >> ~/asked",
    )

    def run_here(text: str) -> subprocess.CompletedProcess[str]:
        here = re.sub(r"(?<![\w~/.-])/(opt|etc|var)/", rf"{tmp_path}/\1/", text)
        command = ["/bin/sh", "-ec", here]
        return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)

    done = run_here(recipe)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "bin" / "asked").read_text() == "enable --now monitor\n"
    assert (tmp_path / "etc" / "monitor" / "smtp-password").stat().st_mode & 0o777 == 0o600
    made, state = config.load(tmp_path / "etc" / "monitor"), tmp_path / "var" / "lib" / "monitor"
    assert (made.data_dir, made.files.output_dir) == (state / "data", state / "digests")
    unit = (tmp_path / "etc" / "systemd" / "system" / "monitor.service").read_text()
    assert unit == (PACKAGING / "monitor.service").read_text()
    asked = run_here(beside.splitlines()[0])
    assert asked.returncode == 1, asked.stderr
    assert "nothing has ever been polled" in asked.stdout or "has no database yet" in asked.stderr, asked


def test_the_workflow_runs_what_readme_says_and_what_there_is() -> None:
    jobs: dict[str, Any] = WORKFLOW["jobs"]
    steps = {name: [step["run"] for step in job["steps"] if "run" in step] for name, job in jobs.items()}
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert " && ".join(steps["tests"]) in readme, "what is checked is what README has people run"
    words = {word for runs in steps.values() for run in runs for word in shlex.split(run)}
    files = {word for word in words if re.search(r"^(?!\.venv/|-).*(/|\.txt$)", word)}
    assert files >= {"packaging/check_licences.py", "packaging/compose.yaml", "constraints-hashed.txt"}
    assert [name for name in files if not (ROOT / name).exists()] == []
    uses = [step["uses"] for job in jobs.values() for step in job["steps"] if "uses" in step]
    assert all(re.fullmatch(r"[\w-]+/[\w-]+@v\d+", use) for use in uses)
    oldest = jobs["tests"]["strategy"]["matrix"]["python"][0]
    assert tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["requires-python"] == f">={oldest}"
    assert WORKFLOW["permissions"] == {"contents": "read"}


def test_what_runs_before_a_commit_is_there_and_every_form_is_yaml() -> None:
    hooks = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"][0]["hooks"]
    programs = {hook["entry"].split()[0] for hook in hooks}
    assert programs == {f".venv/bin/{name}" for name in ("ruff", "mypy", "python")}
    assert (ROOT / hooks[-1]["entry"].split()[1]).is_file()
    forms = list((ROOT / ".github" / "ISSUE_TEMPLATE").glob("*.yml"))
    assert forms
    assert all(yaml.safe_load(form.read_text(encoding="utf-8")) for form in forms)


def test_the_container_is_well_while_it_polls(desk: Path) -> None:
    command = json.loads(re.search(r"^HEALTHCHECK .* CMD (\[.*\])$", DOCKERFILE, re.MULTILINE)[1])
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
