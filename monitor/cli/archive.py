"""`entries`, `search`, `stories`: what is stored, and the user's word on which reports belong together."""

from __future__ import annotations

import json as json_
import sys
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from monitor.cli.output import entry_json, entry_lines, local, show, show_json, story_json
from monitor.cli.session import UsageError, instant, session
from monitor.errors import MonitorError
from monitor.url import redact_url

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from monitor.config import Config
    from monitor.models import Entry, Feed, Story

Json = Annotated[bool, typer.Option("--json", help="As JSON.")]

stories_app = typer.Typer(
    help="Stories with their entries; merge and split them.",
    invoke_without_command=True,
    rich_markup_mode=None,
)


def register(app: typer.Typer) -> None:
    """Add these commands."""
    app.command()(entries)
    app.command()(search)


def entries(
    context: typer.Context,
    everything: Annotated[bool, typer.Option("--all", help="Also what is not relevant.")] = False,
    theme: Annotated[str, typer.Option(help="Only this theme.")] = "",
    beat: Annotated[str, typer.Option(help="Only this beat.")] = "",
    feed: Annotated[str, typer.Option(help="Only this feed.", metavar="URL")] = "",
    since: Annotated[str, typer.Option(help="First seen from here on.", metavar="TIME")] = "",
    limit: Annotated[int | None, typer.Option(help="At most so many.", min=1)] = None,
    marked: Annotated[bool, typer.Option("--marked", help="Only what was corrected with `mark`.")] = False,
    jsonl: Annotated[bool, typer.Option("--jsonl", help="As labelled lines for `evaluate`.")] = False,
    json: Json = False,
) -> None:
    """List stored entries, newest first: the relevant ones, or all."""
    from monitor import digest_input

    current = session(context)
    with current.reading() as (config, store):
        _check_names(config, beat=beat, theme=theme)
        if marked:
            found: Sequence[Entry] = store.entries.get_many([mark.entry for mark in store.marks.listing()])
        else:
            start = instant(since, config.timezone) if since else None
            found = store.entries.listing(
                everything=everything, since=start, beat=beat, theme=theme, feed=feed, limit=limit
            )
        feeds = digest_input.named_feeds(config, store)
    _show_entries(found, config, feeds, json=json, jsonl=jsonl)


def _check_names(config: Config, *, beat: str, theme: str) -> None:
    for given, kind, labels in (("beat", beat, config.rules.beats), ("theme", theme, config.rules.themes)):
        known = [label.slug for label in labels]
        if kind and kind not in known:
            raise UsageError(f"no such {given}: {kind!r}; there are {', '.join(known)}")


def _show_entries(
    found: Sequence[Entry], config: Config, feeds: Mapping[str, Feed], *, json: bool, jsonl: bool = False
) -> None:
    if jsonl:
        for entry in found:
            sys.stdout.write(json_.dumps(labelled(entry, feeds), ensure_ascii=False) + "\n")
    elif json:
        show_json([entry_json(entry) for entry in found])
    else:
        for entry in found:
            show(*entry_lines(entry, outlet_of(entry, feeds), config.timezone))


def outlet_of(entry: Entry, feeds: Mapping[str, Feed]) -> str:
    """Return the name of who published an entry, as the user knows it."""
    return entry.outlet or (feeds[entry.feed].title if entry.feed in feeds else redact_url(entry.feed))


def labelled(entry: Entry, feeds: Mapping[str, Feed]) -> dict[str, object]:
    """Write an entry as a labelled record, as `evaluate` reads them."""
    return {
        "id": f"entry-{entry.id}",
        "title": entry.title,
        "summary": entry.summary,
        "lang": entry.language,
        "source": outlet_of(entry, feeds),
        "url": entry.url or None,
        "published": entry.published.date().isoformat(),
        "beats": list(entry.tagging.beats),
        "themes": list(entry.tagging.themes),
        "story": f"story-{entry.story}" if entry.story else None,
    }


def search(
    context: typer.Context,
    query: Annotated[
        str, typer.Argument(help='Words; "words in quotes" stand together; strike* begins a word.')
    ],
    limit: Annotated[int, typer.Option(help="At most so many.", min=1)] = 50,
    json: Json = False,
) -> None:
    """Search the full text of all stored entries, best first."""
    from monitor import digest_input

    with session(context).reading() as (config, store):
        found = store.entries.search(query, limit=limit)
        feeds = digest_input.named_feeds(config, store)
    _show_entries(found, config, feeds, json=json)


@stories_app.callback()
def stories(
    context: typer.Context,
    since: Annotated[str, typer.Option(help="With a report first seen from here on.", metavar="TIME")] = "",
    limit: Annotated[int | None, typer.Option(help="At most so many.", min=1)] = None,
    json: Json = False,
) -> None:
    """List stories with their entries, latest first; or merge and split them."""
    if context.invoked_subcommand is not None:
        return
    from monitor import digest, digest_input

    current = session(context)
    with current.reading() as (config, store):
        start = instant(since, config.timezone) if since else None
        found = store.stories.listing(since=start, limit=limit)
        feeds = digest_input.named_feeds(config, store)
    scores = {story.id: digest.score(story, feeds, current.now()) for story in found}
    if json:
        show_json([story_json(story) | {"score": round(scores[story.id], 2)} for story in found])
        return
    for story in found:
        _show_story(story, feeds, config, scores[story.id])


def _show_story(story: Story, feeds: Mapping[str, Feed], config: Config, score: float) -> None:
    head = f"{len(story.entries)} reports, {story.sources} independent sources, score {score:.1f}"
    show(Text.assemble((f"{story.id:>5}  {story.title}", "bold")))
    show(Text(f"       {head}; {', '.join(story.themes) or 'no theme'}", "cyan"))
    for entry in story.entries:
        show(
            f"       {entry.id:>6}  {local(entry.published, config.timezone)}  "
            f"{outlet_of(entry, feeds)}: {entry.title}"
        )


@stories_app.command()
def merge(
    context: typer.Context,
    story: Annotated[int, typer.Argument(help="The story that stays.")],
    other: Annotated[int, typer.Argument(help="The story that becomes part of it.")],
) -> None:
    """Put two stories together, for good."""
    from monitor import corrections

    current = session(context)
    with current.writing() as (config, store):
        merged = corrections.merge(config, store, story, other, now=current.now())
    show(f"story {merged.id} now has {len(merged.entries)} reports: {merged.title}")


@stories_app.command()
def split(
    context: typer.Context,
    story: Annotated[int, typer.Argument(help="The story to take them from.")],
    taken: Annotated[
        list[int], typer.Argument(help="The entries that are another story.", metavar="ENTRY...")
    ],
) -> None:
    """Take entries out of a story into one of their own, for good."""
    from monitor import corrections

    current = session(context)
    with current.writing() as (config, store):
        remains, new = corrections.split(config, store, story, taken, now=current.now())
    show(
        f"story {remains.id}: {len(remains.entries)} reports",
        f"story {new.id} (new): {len(new.entries)} reports",
    )


@stories_app.command("corrections")
def export_corrections(context: typer.Context) -> None:
    """Print the entries of merges and splits as labelled lines, for `evaluate`."""
    from monitor import digest_input

    with session(context).reading() as (config, store):
        ids = {entry for c in store.stories.corrections() for entry in (c.entry, c.other)}
        found = store.entries.get_many(ids)
        feeds = digest_input.named_feeds(config, store)
    if not ids:
        raise MonitorError("no story was merged or split yet")
    _show_entries(found, config, feeds, json=False, jsonl=True)
