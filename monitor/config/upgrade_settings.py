"""A monitor.toml of version 1.0 lifted over: it shows what is new, and what changed its meaning is put right.

No key was renamed. But scores are products now and were sums: an alert from 10 on, the default that 1.0 wrote
down, would hardly ever come. Takes a text, gives a text; every line of the user's stays where it is.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from monitor.config.places import FILES, starter

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

# A line that version 1.0 wrote at the head of the file, and what stands there since.
_SINCE: Final = (
    '# shows a setting that is not set: take the "#" away to set it. `monitor check` reports every mistake.'
)
OF_1_0: Final = (
    "# shows a setting that is not set. `monitor check` reports every mistake in this folder at once."
)
_NEW: Final = {
    "digest": ("favour", "play_down", "overview"),
    "retention": ("deliveries",),
    "archive": ("base_url",),
}
_HEAD: Final = re.compile(r"#? ?\[(\w+)\]\s*$")
_KEY: Final = re.compile(r"(#? ?)(\w+) = ")
_SCORE: Final = re.compile(r"(#? ?min_score = )([\d.]+)")
_ALERT: Final = "4.0"
_MEANING: Final = (
    "# Since 1.1 a ruling with three sources has about 5, a launch with three 2.5, a very large story 10."
)


def lift_settings(text: str) -> str | None:
    """Return a monitor.toml of 1.0 with what is new since; None for a file that 1.0 did not write."""
    if OF_1_0 not in text:
        return None
    lines = list(_with_scores(text.replace(OF_1_0, _SINCE).splitlines()))
    here = list(_walk(lines))
    mentioned = {(table, key) for _, table, key in here}
    last = {table: index for index, table, _ in here}
    new: dict[str, list[str]] = {}
    shipped = (starter() / FILES[0]).read_text(encoding="utf-8").splitlines()
    for index, table, key in _walk(shipped):
        if key in _NEW.get(table, ()) and (table, key) not in mentioned:
            new.setdefault(table, []).extend(_off(_with_remark(shipped, index)))
    for table in sorted(new, key=lambda name: last.get(name, len(lines)), reverse=True):
        if table in last:
            lines[last[table] + 1 : last[table] + 1] = new[table]
        else:
            head = next(index for index, name, key in _walk(shipped) if name == table and not key)
            lines += ["", *_with_remark(shipped, head), *new[table]]
    return "\n".join(lines) + "\n"


def _walk(lines: Iterable[str]) -> Iterator[tuple[int, str, str]]:
    """Yield each setting with its line and table, whether it is set or shown; a table's head with no key."""
    table = ""
    for index, line in enumerate(lines):
        if head := _HEAD.match(line):
            table = head[1]
            yield index, table, ""
        elif key := _KEY.match(line):
            yield index, table, key[2]


def _with_remark(lines: list[str], index: int) -> list[str]:
    """Return a line with the remark that stands above it."""
    start = index
    while start and lines[start - 1].startswith("# ") and not _KEY.match(lines[start - 1]):
        start -= 1
    return lines[start : index + 1]


def _off(lines: Iterable[str]) -> Iterator[str]:
    yield from (line if line.startswith("#") else f"# {line}" for line in lines)


def _with_scores(lines: list[str]) -> Iterator[str]:
    """Yield the lines with the old default of an alert put right, and a remark at each other score."""
    tables = {index: table for index, table, _ in _walk(lines)}
    for index, line in enumerate(lines):
        found = _SCORE.match(line)
        if found is None or float(found[2]) == 0:
            yield line
        elif tables[index] == "alert" and float(found[2]) == 10:  # noqa: PLR2004 - the default of 1.0
            yield f"{found[1]}{_ALERT:<{len(found[2])}}{line[found.end() :]}"
        else:
            yield from (line,) if found[1].startswith("#") else (_MEANING, line)
