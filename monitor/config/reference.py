"""Texts made from the declared settings: the starter monitor.toml and the page of all settings.

A setting's type, default and docstring are written in its package's `Settings` and nowhere else. These texts
are made from them, and a test fails when they are out of date. To write them again, in a checkout:

    python -m monitor.config.reference
"""

from __future__ import annotations

import ast
import inspect
import textwrap
from dataclasses import MISSING
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from monitor import digest, languages
from monitor.config import feedlist, tables
from monitor.config.load import declared_tables
from monitor.deliver import CHANNELS
from monitor.models import Feed
from monitor.toml import spelt

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from monitor.config.tables import Setting

# Where the remark behind a setting begins.
_COLUMN: Final = 36
_WIDTH: Final = 120
_HEAD: Final = """\
# monitor.toml - the settings of monitor.
#
# Every setting has a default; the values below are the defaults, and a line that begins with "#"
# shows a setting that is not set: take the "#" away to set it, or to switch a whole table on.
# `monitor check` reports every mistake in this folder at once.
# Durations: "90s", "30m", "6h", "1d", "2w", or seconds as a number. Sizes: "500kB", "10MB".
# Relative paths are relative to this folder; "~" is your home directory.
"""
_PAGE_HEAD: Final = """\
# Every setting

The configuration is three files in one folder. Everything except the feeds has a default. `monitor check`
reports all faults at once, each with its file, line and key. Durations are written `"90s"`, `"30m"`, `"6h"`,
`"1d"`, `"2w"`, or as a number of seconds; sizes `"500kB"`, `"10MB"`. Relative paths are relative to the
folder, and `~` is your home directory. Secrets are never written into these files: a setting names the
environment variable or the file that holds one.

The program itself writes this page, so it is always true.

# monitor.toml
"""
_FEEDS_HEAD: Final = """\
# feeds.toml

`follow = ["technology", "unions"]` at its head follows whole groups of the curated list:
{groups}. `monitor feeds list --curated` shows what is in them.

Each feed of your own is a `[[feed]]` table, in which only `url` is required. If the address is in the curated
list, the table needs only what should differ from there, or `enabled = false`.
"""


def starter() -> str:
    """Return the starter monitor.toml: every setting with its default, what is off commented out."""
    return _HEAD + "".join(f"\n{text}" for text in _tables())


def settings_page() -> str:
    """Return the page of all settings, in Markdown."""
    parts = [_PAGE_HEAD]
    for name, sharing in declared_tables().items():
        title = f"## [{_head_of(name, sharing)}]" if name else "## At the head of the file"
        if _is_off(name, sharing):
            title += " (off while it is missing)"
        parts.append(f"{title}\n\n{_prose(sharing[0])}\n\n{_rows(sharing)}")
    groups = ", ".join(f"`{group}`" for group in feedlist.groups())
    return "\n".join([*parts, _FEEDS_HEAD.format(groups=groups), _rows([Feed])])


def _tables() -> Iterator[str]:
    """Yield each table as it stands in a file."""
    for name, sharing in declared_tables().items():
        off = _is_off(name, sharing)
        head = [f"[{_head_of(name, sharing)}]"] if name else []
        remark = textwrap.wrap(_prose(sharing[0]), 100) if name else []
        lines = [
            *head,
            *(
                line
                for declared in sharing
                for setting in tables.settings_of(declared)
                for line in _lines(setting, meanings(declared)[setting.field], is_off=off)
            ),
        ]
        body = [f"# {line}" if off and not line.startswith("#") else line for line in lines]
        yield "\n".join([*(f"# {line}" for line in remark), *body]) + "\n"


def _is_off(name: str, sharing: Iterable[type[Any]]) -> bool:
    return "." in name or any(tables.is_optional(declared) for declared in sharing)


def _head_of(name: str, sharing: Sequence[type[Any]]) -> str:
    """Return a table's name as it stands in a file: one within another has a name of the user's behind it."""
    return f'{name}."{sharing[0].NAME}"' if "." in name else name


def _lines(setting: Setting, meaning: str, *, is_off: bool) -> Iterator[str]:
    """Yield a setting's line, its remark behind it where there is room, else above it."""
    shows_example = setting.example is not None
    value = setting.example if shows_example else setting.kind.write(setting.default)
    text = f"{setting.key} = {spelt(value)}"
    if (shows_example and not is_off) or setting.key.endswith("_file"):  # a secret has one place
        text = f"# {text}"
    beside = f"{text:<{_COLUMN}}# {meaning}" if len(text) < _COLUMN else f"{text}  # {meaning}"
    if not meaning:
        yield text
    elif len(beside) <= _WIDTH:
        yield beside
    else:
        yield from (f"# {line}" for line in textwrap.wrap(meaning, _WIDTH - 4))
        yield text


def _rows(sharing: Iterable[type[Any]]) -> str:
    lines = ["| setting | is | default | |", "|---|---|---|---|"]
    for declared in sharing:
        for setting in tables.settings_of(declared):
            default = "required"
            if setting.default is not MISSING:
                default = f"`{spelt(setting.kind.write(setting.default))}`".replace('`""`', "none")
            meaning = meanings(declared)[setting.field].replace("|", "\\|")
            lines.append(f"| `{setting.key}` | {setting.kind.name} | {default} | {meaning} |")
    return "\n".join(lines) + "\n"


def meanings(declared: type[Any]) -> dict[str, str]:
    """Return what the docstring under each field says, by the field's name."""
    # Python keeps no docstring of a field: they are read from the source.
    source = Path(inspect.getfile(declared)).read_text(encoding="utf-8")
    body = next(
        node.body
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.ClassDef) and node.name == declared.__name__
    )
    found: dict[str, str] = {}
    for field, below in zip(body, [*body[1:], None], strict=True):
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name):
            text = below.value if isinstance(below, ast.Expr) else None
            found[field.target.id] = _filled(ast.literal_eval(text) if isinstance(text, ast.Constant) else "")
    return found


def _prose(declared: type[Any]) -> str:
    return _filled(declared.__doc__ or "")


def _filled(text: str) -> str:
    """Return a docstring on one line, with the members of the registries that it names."""
    members = {"languages": languages.AVAILABLE, "formats": digest.FORMATS, "channels": CHANNELS}
    for name, known in members.items():
        text = text.replace(f"{{{name}}}", ", ".join(f'"{one}"' for one in known))
    return " ".join(text.split())


def texts(root: Path) -> dict[Path, str]:
    """Return what is made of the declarations, by the file of a checkout that holds it."""
    return {
        root / "config" / "monitor.toml": starter(),
        root / "docs" / "settings.md": settings_page(),
    }


if __name__ == "__main__":
    for path, text in texts(Path(__file__).resolve().parents[2]).items():
        path.write_text(text, encoding="utf-8")
