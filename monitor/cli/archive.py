"""`stories`: which reports belong together, and the user's word on it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from monitor.cli.entries import labelled, outlet_of
from monitor.cli.output import Json, local, show, show_json, show_records, story_json
from monitor.cli.session import session
from monitor.errors import MonitorError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from monitor.config import Config
    from monitor.models import Feed, Story

stories_app = typer.Typer(
    help="Stories with their entries; merge and split them.",
    invoke_without_command=True,
    rich_markup_mode=None,
)


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
        start = current.since(since, config.timezone)
        found = store.stories.listing(since=start, limit=limit)
        feeds = digest_input.named_feeds(config, store)
    scores = {story.id: digest.importance(story, feeds, config.digest).total for story in found}
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
    show_records((labelled(entry, feeds) for entry in found), jsonl=True)
