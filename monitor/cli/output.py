"""What commands print: results to standard output, everything else to standard error.

On a terminal, lines are wrapped between words at its width. In a pipe each line stays whole, so that `grep`
finds what it looks for.
"""

from __future__ import annotations

import csv as csv_
import json
import os
import sys
from contextlib import contextmanager, nullcontext
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, cast

import typer

from monitor.cli.session import UsageError
from monitor.disk import replacing
from monitor.errors import MonitorError
from monitor.text import counted
from monitor.url import redact_url

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from datetime import tzinfo
    from typing import Self, TextIO, TypeGuard

    from rich.console import Console
    from rich.progress import Progress
    from rich.text import Text

    from monitor.models import Entry, Poll, Story

# More than any database holds; SQLite takes no number of more than 64 bits.
MOST: Final = 1_000_000_000
# How much of a growing list people see, unless they say how many or since when: the stories of three years
# are 13,000 lines and take 3 s to write. Programs get everything.
LATEST: Final = 50

Json = Annotated[bool, typer.Option("--json", help="As JSON.")]
Jsonl = Annotated[bool, typer.Option("--jsonl", help="As JSON, one record a line.")]
Output = Annotated[Path | None, typer.Option("--output", "-o", help="Write to this file.", metavar="FILE")]
Csv = Annotated[bool, typer.Option("--csv", help="As CSV, for a spreadsheet.")]


def limit_option(whole: str) -> Any:
    """Return the option that limits a growing list; `whole` says how to get all of it."""
    about = f"At most this many; by default {LATEST}, or all {whole}."
    return typer.Option(help=about, min=1, max=MOST, metavar="N", show_default=False)


Limit = Annotated[int | None, limit_option("with --since, as JSON or CSV")]

# The width of a pipe: wider than any line.
_UNBOUND: Final = 100_000
# What makes a spreadsheet take a cell for a formula.
_FORMULA: Final = tuple("=+-@\t\r")


def stdout() -> Console:
    """Return the console for results: never wraps, colours only on a terminal (and not with NO_COLOR)."""
    from rich.console import Console

    # Made for each call, as tests and pipes replace the stream. Without mark-up: "[bold]" in a title is text.
    return Console(file=sys.stdout, soft_wrap=True, highlight=False, markup=False, emoji=False)


def stderr() -> Console:
    """Return the console for everything that is not the result."""
    from rich.console import Console

    return Console(file=sys.stderr, soft_wrap=True, highlight=False, markup=False, emoji=False)


def show(*lines: str | Text) -> None:
    """Print lines of the result; their text is printed as it is, whatever it looks like."""
    if _written_plainly(lines, sys.stdout):
        return
    from rich.text import Text

    console = stdout()
    for line in lines:
        console.print(line if isinstance(line, Text) else Text(line))


def _written_plainly(lines: Sequence[str | Text], stream: TextIO) -> bool:
    """Write lines that rich would not change, without loading it: a twelfth of a short poll."""
    if _is_terminal(stream) or not all(isinstance(line, str) and line.isprintable() for line in lines):
        return False
    stream.writelines(f"{line}\n" for line in lines)
    stream.flush()  # so that results and what is said of them stay in order
    return True


def _is_terminal(stream: TextIO) -> bool:
    """Tell whether rich would take a stream for a terminal."""
    return stream.isatty() or bool({"FORCE_COLOR", "TTY_COMPATIBLE"} & os.environ.keys())


def show_prose(*lines: str | Text) -> None:
    """Print lines of the result; on a narrow terminal they are wrapped under their own indent."""
    from rich.text import Text

    for line in lines:
        text = Text.assemble(line)
        indent = len(text.plain) - len(text.plain.lstrip(" "))
        show_wrapped(text[indent:], indent=indent)


def is_file(output: Path | None) -> TypeGuard[Path]:
    """Tell whether results go to a file; "-" means standard output, as everywhere."""
    return output is not None and str(output) != "-"


@contextmanager
def results(output: Path | None, *, private: bool = False) -> Iterator[TextIO]:
    """Yield standard output, or a file that appears when it is complete; `private` ones are their owner's.

    "-" is standard output, too. What is not a regular file (/dev/stdout, a pipe) is written directly. Raises
    MonitorError.
    """
    if not is_file(output):
        yield sys.stdout
        return
    # A draft would take the place of /dev/stdout itself.
    plain = output.is_file() or not output.exists()
    try:
        with replacing(output, private=private) if plain else nullcontext(output) as path:  # noqa: SIM117
            with path.open("w", encoding="utf-8", newline="") as file:
                yield file
    except OSError as error:
        raise MonitorError(f"{output} cannot be written: {error.strerror}") from error


def say(*lines: str) -> None:
    """Print lines that are not the result; on a narrow terminal they are wrapped between words."""
    if _written_plainly(lines, sys.stderr):
        return
    from rich.text import Text

    console = stderr()
    for line in lines:
        console.print(Text(line), soft_wrap=not console.is_terminal)


def latest(limit: int | None, *whole: object) -> int | None:
    """Return how many records to list: `limit`, or all if one of `whole` is set, or LATEST."""
    return LATEST if limit is None and not any(whole) else limit


def say_rest(shown: int, total: int, name: str, plural: str) -> None:
    """Say how long a list is when only a part of it was shown, and how to see the rest."""
    if shown < total:
        say(f"the latest {shown} of {counted(total, name, plural)}: --limit {total} shows all")


def show_json(value: Any) -> None:
    """Print a value as JSON."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False, indent=2) + "\n")


def show_records(
    records: Iterable[Mapping[str, Any]], *, json: bool = False, jsonl: bool = False, csv: bool = False
) -> bool:
    """Print records in the format that was asked for; return False if none was: then people want words.

    Raises UsageError for two formats at once.
    """
    if json + jsonl + csv > 1:
        raise UsageError("--json, --jsonl and --csv exclude each other")
    if json:
        show_json(list(records))
    elif jsonl:
        write_jsonl(records, sys.stdout)
    elif csv:
        write_csv(records, sys.stdout)
    return json or jsonl or csv


def write_jsonl(records: Iterable[Mapping[str, Any]], file: TextIO) -> None:
    """Write records as JSON, one a line."""
    file.writelines(json.dumps(record, ensure_ascii=False) + "\n" for record in records)


def write_csv(records: Iterable[Mapping[str, Any]], file: TextIO, columns: Sequence[str] = ()) -> None:
    """Write records of one shape as CSV with a header: `columns`, or else those of the first record.

    Lists are joined by "; ". Titles are strangers' words: one that a spreadsheet would run as a formula gets
    an apostrophe in front.
    """
    # The module ends lines as Windows does, by RFC 4180; `cut` and `diff` would see a stray character.
    writer = csv_.writer(file, lineterminator="\n")
    if columns:
        writer.writerow(columns)
    for record in records:
        if not columns:
            columns = list(record)
            writer.writerow(columns)
        writer.writerow(map(_cell, record.values()))


def _cell(value: object) -> object:
    if isinstance(value, list) and not any(isinstance(item, dict | list) for item in value):
        value = "; ".join(map(str, value))
    elif isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False)
    # True and False are words of Python; spreadsheets in other languages know neither.
    elif isinstance(value, bool):
        return int(value)
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value


def width() -> int:
    """Return how wide a line of the result may be: the terminal's width; unlimited in a pipe."""
    console = stdout()
    return console.width if console.is_terminal else _UNBOUND


def show_wrapped(text: str | Text, *, indent: int = 0, first: str | Text = "") -> None:
    """Print one line of the result after `first`; on a narrow terminal it is wrapped between words."""
    from rich.text import Text

    console, label = stdout(), Text.assemble(first)
    label.pad_right(max(indent - label.cell_len, 0))
    for part in Text.assemble(text).wrap(console, max(width() - indent, 20)):
        part.rstrip()
        console.print(label + part)
        label = Text(" " * indent)


def progress(*, quiet: bool, counted: bool = True) -> Progress:
    """Return a progress bar on standard error; it is drawn only on a terminal and disappears when done.

    Without `counted` it shows only the time that has passed.
    """
    if quiet or not _is_terminal(sys.stderr):
        return cast("Progress", _NoProgress())
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    console = stderr()
    return Progress(
        TextColumn("{task.description}", markup=False),
        *([BarColumn(), MofNCompleteColumn()] if counted else []),
        TimeElapsedColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )


class _NoProgress:
    """What stands for a bar where none is drawn."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def add_task(self, *_: object, **__: object) -> int:
        return 0

    def advance(self, *_: object) -> None:
        pass

    def update(self, *_: object, **__: object) -> None:
        pass


@contextmanager
def working(label: str, *, quiet: bool) -> Iterator[None]:
    """Show that something is going on, and for how long, when nobody can say how much of it is left."""
    with progress(quiet=quiet, counted=False) as bar:
        bar.add_task(label, total=None)
        yield


def utc(moment: datetime | None) -> str | None:
    """Write an instant as the contract wants it: ISO 8601 in UTC with Z, to the second."""
    return None if moment is None else f"{moment.replace(tzinfo=None):%Y-%m-%dT%H:%M:%S}Z"


def local(moment: datetime | None, zone: tzinfo) -> str:
    """Write an instant for the user, "never" for none."""
    return "never" if moment is None else f"{moment.astimezone(zone):%Y-%m-%d %H:%M}"


def entry_json(entry: Entry) -> dict[str, Any]:
    """Write an entry as the contract's JSON."""
    return {
        "id": entry.id,
        "feed": redact_url(entry.feed),
        "guid": entry.guid,
        "url": entry.url,
        "title": entry.title,
        "summary": entry.summary,
        "published": utc(entry.published),
        "dated": entry.dated,
        "first_seen": utc(entry.first_seen),
        "language": entry.language,
        "outlet": entry.outlet,
        "beats": list(entry.tagging.beats),
        "themes": list(entry.tagging.themes),
        "score": round(entry.tagging.score, 3),
        "certainty": round(entry.tagging.certainty, 3),
        **({"shelf": entry.tagging.shelf} if entry.tagging.shelf else {}),
        "corrected": entry.tagging.corrected,
        "evidence": [
            {
                "target": e.target,
                "term": e.term,
                "rule": e.rule,
                "field": e.field,
                "weight": round(e.weight, 3),
            }
            for e in entry.tagging.evidence
        ],
        "story": entry.story,
    }


def story_json(story: Story) -> dict[str, Any]:
    """Write a story as the contract's JSON."""
    return {
        "id": story.id,
        "title": story.title,
        "summary": story.summary,
        "first_seen": utc(story.first_seen),
        "last_seen": utc(story.last_seen),
        "beats": list(story.beats),
        "themes": list(story.themes),
        "entries": [entry.id for entry in story.entries],
        "sources": story.sources,
        "related": list(story.related),
        "first_title": story.first_title,
        "kind": story.kind,
        "parties": list(story.parties),
        "affair": story.affair,
        "before": story.before,
        "after": story.after,
        "copies": {join.entry: join.copy_of for join in story.joins if join.copy_of},
    }


def poll_json(poll: Poll) -> dict[str, object]:
    """Write the figures of a poll as JSON."""
    return {
        "started_at": utc(poll.started_at),
        "finished_at": utc(poll.finished_at),
        **poll.figures(),
        "outage": poll.outage,
    }
