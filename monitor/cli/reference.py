"""docs/commands.md and the manual page docs/monitor.1: every command with its options, as `--help` has them.

What a command does stands in its docstring and its parameters' help, and nowhere else; the pages are made of
them, and a test says when they are stale. Write them anew, in a checkout, with

    python -m monitor.cli.reference
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import typer.main

from monitor.cli import application
from monitor.cli.helping import GROUPS

if TYPE_CHECKING:
    from collections.abc import Iterator

_TYPE: Final = re.compile(r" <[\w ]+>$")
_REQUIRED: Final = re.compile(r" *\[required\]$")
_HEAD: Final = """\
# Every command

`monitor [--config DIR] [--now TIME] [--verbose | --quiet] COMMAND`

- The configuration is in `--config DIR`, else in `MONITOR_CONFIG`, else in `./config` if that holds a
  `monitor.toml`, else in the platform's folder (`~/.config/monitor`).
- Results go to standard output, everything else (progress, the log) to standard error. Colour and progress
  bars are shown only on a terminal; `NO_COLOR` is honoured.
- Exit codes: 0 done, 1 not done (or `status` found a problem), 2 wrong usage or configuration,
  130 interrupted.
- A story is written `s412` and an entry `e9071`; the bare number works as well. A TIME is ISO 8601, a date,
  `yesterday`, `7d` or `12h`.
- `--now TIME` sets the clock, to replay past days.

The program itself writes this page, so it says the same as `monitor COMMAND -h`.
"""


def commands() -> Iterator[tuple[str, Any]]:
    """Yield each command with its name ("feeds add"), in the order of `--help`."""
    root: Any = typer.main.get_command(application())
    for name in (name for group in GROUPS.values() for name in group):
        yield name, root.commands[name]
        for inner, below in getattr(root.commands[name], "commands", {}).items():
            yield f"{name} {inner}", below


class _Help(NamedTuple):
    """What `--help` says of a command."""

    group: str
    """The title of the group that it begins, "" for any other."""
    name: str
    usage: str
    paragraphs: list[str]
    parameters: list[tuple[str, str]]
    """Each as it is written, and what it means."""


def _helps() -> Iterator[_Help]:
    """Yield what is said of each command, in the order of `--help`."""
    titles = {names[0]: title for title, names in GROUPS.items()}
    for name, command in commands():
        context = command.make_context(name, [], resilient_parsing=True)
        records = (one.get_help_record(context) for one in command.params if one.name != "help")
        yield _Help(
            titles.get(name, ""),
            name,
            " ".join(["monitor", name, *command.collect_usage_pieces(context)]),
            [" ".join(text.split()) for text in (command.help or "").split("\n\n")],
            # That an argument is a text, its name says.
            [(_TYPE.sub("", written), meaning) for written, meaning in filter(None, records)],
        )


def page() -> str:
    """Return the page in Markdown."""
    parts = [_HEAD]
    for one in _helps():
        if one.group:
            parts.append(f"## {one.group}\n")
        text = "\n\n".join(map(_paragraph, one.paragraphs))
        parts.append(f"### monitor {one.name}\n\n{text}\n")
        if one.parameters:
            rows = (_row(*parameter) for parameter in one.parameters)
            parts.append("\n".join([f"| `{_cell(one.usage)}` | |", "|---|---|", *rows]) + "\n")
    return "\n".join(parts)


def manual() -> str:
    """Return the manual page, as man(7) wants it."""
    root: Any = typer.main.get_command(application())
    about, *_ = (root.help or "").split("\n\n")
    parts = [
        '.TH MONITOR 1 "" "sora-monitor" "User commands"',
        f".SH NAME\nmonitor \\- {_roff(' '.join(about.split()))}",
        ".SH SYNOPSIS\n.B monitor\n[\\-\\-config DIR] [\\-\\-now TIME] [\\-\\-verbose | \\-\\-quiet] COMMAND",
        ".SH DESCRIPTION",
        *(f".IP \\(bu 2\n{_roff(line)}" for line in re.findall(r"^- (.*(?:\n  .*)*)", _HEAD, re.MULTILINE)),
    ]
    for one in _helps():
        if one.group:
            parts.append(f".SH {one.group.upper()}")
        parts.append(f".SS {_roff(one.usage)}")
        parts += [f"{_roff(text)}\n.PP" for text in one.paragraphs]
        parts += [f".TP\n.B {_roff(written)}\n{_roff(meaning)}" for written, meaning in one.parameters]
    return "\n".join(parts) + "\n"


def _roff(text: str) -> str:
    """Write a text for man(7): no line of it begins a request, and a hyphen in an option stays one."""
    escaped = " ".join(text.replace("\\", "\\e").replace("-", "\\-").replace("`", "").split())
    plain = "".join(letter if letter.isascii() else f"\\[u{ord(letter):04X}]" for letter in escaped)
    return f"\\&{plain}" if plain.startswith((".", "'")) else plain


def _paragraph(text: str) -> str:
    before, found, line = text.partition("Example: ")
    return f"{before}Example: `{line}`" if found else before


def _row(written: str, meaning: str) -> str:
    """Return a parameter as a row; that it is required, the usage says."""
    return f"| `{_cell(written)}` | {_cell(_REQUIRED.sub('', meaning))} |"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


if __name__ == "__main__":
    root = Path(__file__).resolve().parents[2]
    (root / "docs" / "commands.md").write_text(page(), encoding="utf-8")
    (root / "docs" / "monitor.1").write_text(manual(), encoding="utf-8")
