"""What commands print: results to standard output, everything else to standard error."""

from __future__ import annotations

import json
import sys
from datetime import datetime
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.text import Text

from monitor.url import redact_url

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import tzinfo

    from monitor.models import Entry, Story


def stdout() -> Console:
    """Return the console for results: never wraps, colours only on a terminal (and not with NO_COLOR)."""
    return Console(file=sys.stdout, soft_wrap=True, highlight=False, markup=False, emoji=False)


def stderr() -> Console:
    """Return the console for everything that is not the result."""
    return Console(file=sys.stderr, soft_wrap=True, highlight=False, markup=False, emoji=False)


def show(*lines: str | Text) -> None:
    """Print lines of the result; their text is taken as it is, whatever it looks like."""
    console = stdout()
    for line in lines:
        console.print(line if isinstance(line, Text) else Text(line))


def say(*lines: str) -> None:
    """Print lines that are not the result."""
    console = stderr()
    for line in lines:
        console.print(Text(line))


def show_json(value: Any) -> None:
    """Print a value as JSON."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False, indent=2) + "\n")


def progress(*, quiet: bool) -> Progress:
    """Return a progress bar on standard error; it draws only on a terminal and goes when it is done."""
    console = stderr()
    return Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        console=console,
        transient=True,
        disable=quiet or not console.is_terminal,
    )


def utc(moment: datetime | None) -> str | None:
    """Write an instant as the contract wants it: ISO 8601 in UTC with Z, to the second."""
    return None if moment is None else f"{moment.replace(tzinfo=None):%Y-%m-%dT%H:%M:%S}Z"


def local(moment: datetime | None, zone: tzinfo) -> str:
    """Write an instant for a reader, "never" for none."""
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
    }


def entry_lines(entry: Entry, outlet: str, zone: tzinfo) -> Iterable[Text]:
    """Write an entry for a reader in two lines, and a third for its link."""
    about = ", ".join((*entry.tagging.beats, *entry.tagging.themes)) or "not relevant"
    yield Text.assemble(
        (f"{entry.id:>6}  ", "bold"), f"{local(entry.published, zone)}  {outlet}  ", (about, "cyan")
    )
    yield Text(f"        {entry.title}")
    if entry.url:
        yield Text(f"        {entry.url}", "dim")
