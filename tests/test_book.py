"""The pages in docs/ are true: their commands run, their settings load, their schemas and links are right."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import typer.main
from newsroom import at, polled, run

from monitor import config
from monitor.cli import application
from monitor.cli.export import SCHEMA
from monitor.config import tables
from monitor.config.load import declared_tables

DOCS = Path(__file__).resolve().parents[1] / "docs"
PAGES = sorted(DOCS.glob("*.md"))
README = DOCS.parent / "README.md"
OTHERS = [
    README,
    *(
        DOCS.parent / name
        for name in ("CONTRIBUTING.md", "RELEASING.md", "SECURITY.md", "training/README.md")
    ),
    *(DOCS.parent / "packaging" / name for name in ("compose.yaml", "Dockerfile", "monitor.service")),
    *sorted((DOCS.parent / ".github").rglob("*.*")),
]
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```", re.MULTILINE | re.DOTALL)


def blocks(page: Path, language: str) -> list[str]:
    return [text for kind, text in BLOCK.findall(page.read_text(encoding="utf-8")) if kind == language]


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = polled(tmp_path_factory.mktemp("desk"))
    assert run(directory, "digest", "--send", now=at(31)).code == 0
    return directory


# At the start of a line or after something that runs it; elsewhere the word is a user, a service or an image.
BEFORE = r"(?:^(?:#? *)?(?:- run: )?(?:\S*/)?|&& |--rm |exec monitor |\S*/bin/)"
CALL = re.compile(rf"{BEFORE}monitor ((?:(?! {{2}})[^|&;<>\n…`#])+)", re.MULTILINE)


def named_commands() -> list[tuple[str, str]]:
    """Return every call of monitor in the pages: in blocks, within lines, and in comments of files."""
    calls = set()
    # The page of commands is generated from the commands, and test_docs runs its examples.
    for page in (*(page for page in PAGES if page.name != "commands.md"), *OTHERS):
        text = page.read_text(encoding="utf-8")
        blocked = "\n".join(body for _, body in BLOCK.findall(text)) if page.suffix == ".md" else text
        found = [*re.findall(r"`monitor ([^`\n…;]+)", text), *CALL.findall(blocked)]
        calls |= {(page.name, call.strip()) for call in found}
    return sorted(calls)


@pytest.mark.parametrize(("page", "call"), named_commands())
def test_every_command_that_is_named_anywhere_is_one(
    page: str, call: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Includes commands that cannot be run in a test, as they ask questions or need the network or an
    administrator.
    """
    command: Any = typer.main.get_command(application())
    rest, context = shlex.split(call), None
    monkeypatch.chdir(tmp_path)
    for word in rest:
        if re.fullmatch(r"[\w-]+\.[\w.]+", word):
            Path(word).touch()  # a file that the user has at this point
    try:
        while rest or context is None:
            context = command.make_context("monitor", rest, parent=context)
            if not hasattr(command, "commands"):
                return
            rest = [*context._protected_args, *context.args]
            if rest:
                _, command, rest = command.resolve_command(context, rest)
                assert command is not None
                if not rest:
                    return  # only the name of a command: `monitor mark`
    except typer.Exit:
        pass  # `--version` ends at once


@pytest.mark.parametrize("page", [*PAGES, README], ids=lambda page: page.name)
def test_every_setting_that_is_named_is_one(page: Path) -> None:
    declared = {
        name: {setting.key for one in sharing for setting in tables.settings_of(one)}
        for name, sharing in declared_tables().items()
    }
    text = page.read_text(encoding="utf-8")
    named = re.findall(r"`\[(\w+)\](?: (\w+))?[^`]*`", text)
    assert [
        (table, key) for table, key in named if table not in declared or (key and key not in declared[table])
    ] == []


def with_commands() -> list[Path]:
    return [page for page in PAGES if blocks(page, "sh")]


@pytest.mark.parametrize("page", with_commands(), ids=lambda page: page.name)
def test_every_command_runs(page: Path, desk: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the order of the page, all in one folder; a comment says where another exit code is possible."""
    home = shutil.copytree(desk, tmp_path / "monitor")
    monkeypatch.setenv("MONITOR_CONFIG", str(home))
    monkeypatch.chdir(tmp_path)
    for line in "".join(blocks(page, "sh")).splitlines():
        words = shlex.split(line, comments=True)
        if not words:
            continue
        assert words[0] == "monitor", f"{page.name}: {line}"
        result = run(None, "--now", at(33).isoformat(), *words[1:])
        allowed = {0, 1} if "# exit 0 or 1" in line else {0}
        assert result.code in allowed, f"{page.name}: {line}\n{result.out}{result.err}"


@pytest.mark.parametrize("page", [page for page in PAGES if blocks(page, "toml")], ids=lambda page: page.name)
def test_every_setting_shown_loads(page: Path, desk: Path, tmp_path: Path) -> None:
    for number, text in enumerate(blocks(page, "toml")):
        name = re.match(r"# (\w+\.toml)\n", text)
        assert name is not None, f"{page.name}: a block of TOML begins with the file's name"
        copy = shutil.copytree(desk, tmp_path / str(number))
        if name[1] == "themes.toml":
            (copy / name[1]).write_text(text)
        else:
            with (copy / name[1]).open("a") as file:
                file.write(text)
        config.load(copy)  # must not raise


def test_the_files_that_readme_shows_are_a_configuration(tmp_path: Path) -> None:
    for text in blocks(README, "toml"):
        name = text.removeprefix("# ").partition("\n")[0]
        (tmp_path / name).write_text(text)
    shown = config.load(tmp_path)
    assert shown.digest.favour == ("copyright",)
    assert "https://outlet.example/feed" in [feed.url for feed in shown.feeds]


@pytest.mark.parametrize("page", [*PAGES, README], ids=lambda page: page.name)
def test_what_the_shell_would_run_is_shell(page: Path) -> None:
    for text in blocks(page, "bash"):
        done = subprocess.run(["bash", "-n"], input=text, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
    for line in "".join(blocks(page, "cron")).splitlines():
        assert re.fullmatch(r"(\S+ ){5}/\S+ .*>/dev/null", line)


def test_the_schema_of_the_export_stands_in_the_book() -> None:
    text = (DOCS / "formats.md").read_text(encoding="utf-8")
    for what, columns in SCHEMA.items():
        rows = "".join(f"| `{name}` | {meaning} |\n" for name, meaning in columns.items())
        assert f"### {what}\n\n| column | meaning |\n|---|---|\n{rows}" in text


@pytest.mark.parametrize("page", [*PAGES, README], ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    links = re.findall(r"\]\(([^)#\s]+)", page.read_text(encoding="utf-8"))
    lost = [link for link in links if "://" not in link and not (page.parent / link).exists()]
    assert lost == []


def test_every_page_is_in_the_table_of_contents() -> None:
    contents = (DOCS / "README.md").read_text(encoding="utf-8")
    assert [
        page.name for page in PAGES if page.name != "README.md" and f"({page.name})" not in contents
    ] == []
