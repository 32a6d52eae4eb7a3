"""`export`: what is stored, for other programs and for spreadsheets, in a schema that does not change.

`SCHEMA` is the promise: names, order and meaning of the columns; docs/formats.md is held to it by a test. A
later version may add columns at the end, never rename, reorder or remove one.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from monitor.cli.entries import Since
from monitor.cli.output import Output, is_file, progress, results, say, utc, write_csv, write_jsonl
from monitor.cli.session import UsageError, session
from monitor.text import counted
from monitor.url import redact_url

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from monitor.models import Entry, Story
    from monitor.store import Store

Record = dict[str, Any]

SCHEMA: Final = {
    "entries": {
        "id": "number of the entry, for ever; `e12` on the command line",
        "story": "number of its story, empty when it has none",
        "feed": "address of the feed that brought it; secrets and query values as `***`; `--feed` takes it",
        "outlet": "who published it where the feed is an aggregator's, else empty",
        "url": "its link, empty when it has none",
        "title": "its title, plain text",
        "summary": "its teaser, plain text; empty once retention has removed it",
        "author": "as the feed names them",
        "language": "ISO 639-1, empty when nobody knows",
        "published": "the publisher's instant, else `first_seen`",
        "dated": "`publisher`, or why the date is ours: `missing`, `future`, `absurd`",
        "first_seen": "when it first stood in the feed for us",
        "changed_at": "when its text last changed, empty for never",
        "backlog": "it was old when its feed was new: stored, never told as news",
        "late": "its date lies long before `first_seen`",
        "beats": "what makes it relevant; empty for the rest",
        "themes": "what it is about",
        "score": "the tagger's score, 1.0 is the bar",
        "certainty": "how likely it is relevant, 0 to 1",
        "shelf": "`sure`, `perhaps`, or empty when it was not chosen",
        "corrected": "beats and themes are the user's, set with `mark`",
        "reported_in": "date of the digest that told of it, empty for none",
    },
    "stories": {
        "id": "number of the story; `s412` on the command line",
        "title": "title of its leading entry, verbatim",
        "summary": "teaser of an entry, verbatim",
        "url": "link of its leading entry",
        "first_seen": "when its first entry was seen",
        "last_seen": "when its latest entry was seen",
        "beats": "of its entries",
        "themes": "of its entries",
        "reports": "how many reports it has; copies of a text are one",
        "sources": "how many independent sources: copies of a text and outlets of a family count once",
        "entries": "their numbers",
        "related": "numbers of earlier and later stories of the same affair",
    },
    "marks": {
        "entry": "number of the entry that was corrected",
        "url": "its link",
        "title": "its title",
        "relevant": "the user's word: in scope or not",
        "beats": "the user's beats",
        "themes": "the user's themes, where `themes_set` is true; else those that the tagger finds hold",
        "themes_set": "the user said which themes",
        "made_at": "when",
    },
}


def register(app: typer.Typer) -> None:
    """Add this command."""
    app.command()(export)


def export(
    context: typer.Context,
    what: Annotated[str, typer.Argument(help="entries, stories or marks.", metavar="WHAT")] = "entries",
    since: Since = "",
    everything: Annotated[bool, typer.Option("--all", help="Also entries that are not relevant.")] = False,
    format_: Annotated[str, typer.Option("--format", help="jsonl or csv.", metavar="FORMAT")] = "jsonl",
    output: Output = None,
) -> None:
    """Write entries, stories or marks as JSON lines or CSV, in a stable schema.

    Example: monitor export stories --since 30d --format csv -o stories.csv
    """
    from monitor import values

    if what not in SCHEMA:
        raise UsageError(f"there is no {what!r} to export{values.likely(what, SCHEMA)}")
    if format_ not in {"jsonl", "csv"}:
        raise UsageError(f"no such format: {format_!r}{values.likely(format_, ['jsonl', 'csv'])}")
    current = session(context)
    # A progress bar between the printed records would spoil both.
    quiet = current.quiet or (sys.stdout.isatty() and not is_file(output))
    with current.reading() as (config, store), store.snapshot(), progress(quiet=quiet) as bar:
        start = current.since(since, config.timezone)
        if what == "entries":
            records = _entries(store, start, everything=everything)
        else:
            records = (
                # In the order of what came first, as entries are: what is appended tomorrow comes at the end.
                map(_story, reversed(store.stories.listing(since=start)))
                if what == "stories"
                else _marks(store, start)
            )
        task = bar.add_task(what, total=None)
        count = 0

        def watched() -> Iterator[Record]:
            nonlocal count
            for count, record in enumerate(records, 1):
                bar.update(task, completed=count)
                yield record

        with results(output) as file:
            if format_ == "csv":
                write_csv(watched(), file, [*SCHEMA[what]])
            else:
                write_jsonl(watched(), file)
    if is_file(output):
        say(f"wrote {counted(count, 'record')} to {output}")
    elif not count:
        say(f"there are no {what} to export")


def _entries(store: Store, since: datetime | None, *, everything: bool) -> Iterator[Record]:
    for batch in store.entries.iterate(since):
        yield from (_entry(entry, store) for entry in batch if everything or entry.tagging.relevant)


def _entry(entry: Entry, store: Store) -> Record:
    reported = store.entries.reported_in(entry.id)
    return {
        "id": entry.id,
        "story": entry.story,
        "feed": redact_url(entry.feed),
        "outlet": entry.outlet,
        "url": entry.url,
        "title": entry.title,
        "summary": entry.summary,
        "author": entry.author,
        "language": entry.language,
        "published": utc(entry.published),
        "dated": entry.dated,
        "first_seen": utc(entry.first_seen),
        "changed_at": utc(entry.changed_at),
        "backlog": entry.backlog,
        "late": entry.late,
        "beats": list(entry.tagging.beats),
        "themes": list(entry.tagging.themes),
        "score": round(entry.tagging.score, 3),
        "certainty": round(entry.tagging.certainty, 3),
        "shelf": entry.tagging.shelf,
        "corrected": entry.tagging.corrected,
        "reported_in": reported.isoformat() if reported else None,
    }


def _story(story: Story) -> Record:
    return {
        "id": story.id,
        "title": story.title,
        "summary": story.summary,
        "url": story.leading.url,
        "first_seen": utc(story.first_seen),
        "last_seen": utc(story.last_seen),
        "beats": list(story.beats),
        "themes": list(story.themes),
        "reports": len(story.reports),
        "sources": story.sources,
        "entries": [entry.id for entry in story.entries],
        "related": list(story.related),
    }


def _marks(store: Store, since: datetime | None) -> Iterator[Record]:
    marks = [mark for mark in store.marks.listing() if since is None or mark.made_at >= since]
    entries = {entry.id: entry for entry in store.entries.get_many(mark.entry for mark in marks)}
    for mark in marks:
        yield {
            "entry": mark.entry,
            "url": entries[mark.entry].url,
            "title": entries[mark.entry].title,
            "relevant": mark.relevant,
            "beats": list(mark.beats),
            "themes": list(mark.themes or ()),
            "themes_set": mark.themes is not None,
            "made_at": utc(mark.made_at),
        }
