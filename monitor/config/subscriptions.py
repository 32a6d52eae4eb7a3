"""Edits of feeds.toml on the user's behalf: every other line, comments too, stays as it is."""

from __future__ import annotations

import json
import re
import tomllib
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from monitor.errors import ConfigError, Fault

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from monitor.models import Feed

NAME = "feeds.toml"
_HEADER = re.compile(r"\s*\[\[\s*feed\s*\]\]")


def add(directory: Path, feeds: Sequence[Feed]) -> tuple[list[str], list[str]]:
    """Append feeds to feeds.toml: the addresses added, and those that were there already."""
    text = _text(directory / NAME)
    known = {table.get("url") for table in _tables(text)}
    added: list[str] = []
    present: list[str] = []
    for feed in feeds:
        if feed.url in known:
            present.append(feed.url)
            continue
        known.add(feed.url)
        added.append(feed.url)
        text = f"{text.rstrip()}\n\n{_table(feed)}".lstrip("\n")
    if added:
        _write(directory / NAME, text)
    return added, present


def remove(directory: Path, url: str) -> bool:
    """Take a feed out of feeds.toml; False when it was not there."""
    text = _text(directory / NAME)
    tables = _tables(text)
    position = next((i for i, table in enumerate(tables) if table.get("url") == url), None)
    if position is None:
        return False
    lines = text.splitlines(keepends=True)
    start, end = _span(lines, position)
    shorter = "".join(lines[:start] + lines[end:])
    if _tables(shorter) != tables[:position] + tables[position + 1 :]:
        raise ConfigError([Fault(NAME, f"feed[{position + 1}]", "cannot be removed here; edit the file")])
    _write(directory / NAME, shorter)
    return True


def _span(lines: list[str], position: int) -> tuple[int, int]:
    """Find the lines of one [[feed]] table; comments behind it belong to what follows."""
    headers = [number for number, line in enumerate(lines) if _HEADER.match(line)]
    start, end = list(pairwise([*headers, len(lines)]))[position]
    while end > start and (not lines[end - 1].strip() or lines[end - 1].lstrip().startswith("#")):
        end -= 1
    while end < len(lines) and not lines[end].strip():
        end += 1
    return start, end


def _table(feed: Feed) -> str:
    """Write a feed as TOML; a JSON string or list of strings is a TOML one too."""
    values = {
        "url": feed.url,
        "title": feed.title,
        "language": feed.language,
        "family": feed.family,
        "tags": list(feed.tags),
    }
    lines = [f"{key} = {json.dumps(value, ensure_ascii=False)}" for key, value in values.items() if value]
    return "\n".join(["[[feed]]", *lines, *([] if feed.enabled else ["enabled = false"])]) + "\n"


def _tables(text: str) -> list[dict[str, Any]]:
    try:
        return list(tomllib.loads(text).get("feed", []))
    except tomllib.TOMLDecodeError as error:
        raise ConfigError([Fault(NAME, "", f"cannot be edited: {error}")]) from error


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return ""


def _write(path: Path, text: str) -> None:
    """Replace the file in one step, so that a full disk or a crash never leaves half a list."""
    draft = path.with_suffix(".toml.new")
    try:
        draft.write_text(text, encoding="utf-8")
        draft.replace(path)
    except OSError as error:
        raise ConfigError([Fault(str(path), "", f"cannot be written: {error.strerror}")]) from error
