"""`stories`: which reports belong together, and the user's word on it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from monitor import languages
from monitor.cli.entries import Theme, labelled, labels_of, outlet_of, require_known
from monitor.cli.helping import Whole
from monitor.cli.output import (
    Csv,
    Json,
    Jsonl,
    Limit,
    latest,
    limit_option,
    local,
    say,
    say_rest,
    show_json,
    show_prose,
    show_records,
    story_json,
    utc,
)
from monitor.cli.session import entry_number, session, story_number
from monitor.errors import MonitorError
from monitor.text import clean, counted

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import tzinfo

    from monitor.config import Config
    from monitor.models import Correction, Entry, Feed, Join, Story

stories_app = typer.Typer(
    help="List stories with their reports; show, merge or split one.",
    invoke_without_command=True,
    rich_markup_mode=None,
)


def register(app: typer.Typer) -> None:
    """Add these commands."""
    app.add_typer(stories_app, name="stories", cls=Whole)


@stories_app.callback()
def stories(
    context: typer.Context,
    since: Annotated[str, typer.Option(help="With a report first seen since then.", metavar="TIME")] = "",
    theme: Theme = "",
    limit: Limit = None,
    jsonl: Jsonl = False,
    csv: Csv = False,
    json: Json = False,
) -> None:
    """List stories with their reports, latest first; or show, merge and split them.

    Example: monitor stories --since 7d
    """
    # The callback runs before each subcommand too.
    if context.invoked_subcommand is not None:
        return
    from monitor import digest, followed

    current = session(context)
    limit = latest(limit, since, json, jsonl, csv)
    with current.reading() as (config, store):
        start = current.since(since, config.timezone)
        require_known("theme", theme, [label.slug for label in config.rules.themes])
        found = store.stories.listing(since=start, theme=theme, limit=limit)
        total = store.stories.count(since=start, theme=theme)
        feeds = followed.named(config, store)
    scores = {story.id: digest.importance(story, feeds, config.digest).total for story in found}
    records = (story_json(story) | {"score": round(scores[story.id], 2)} for story in found)
    if show_records(records, json=json, jsonl=jsonl, csv=csv):
        return
    for story in found:
        _show_story(story, feeds, config, scores[story.id])
    if not found:
        say("no story matches" if theme or start else "there is no story yet")
    say_rest(len(found), total, "story", "stories")


def _show_story(story: Story, feeds: Mapping[str, Feed], config: Config, score: float) -> None:
    reports = len(story.reports)
    head = f"{counted(reports, 'report')}, {counted(story.sources, 'independent source')}, score {score:.1f}"
    show_prose(Text.assemble((f"{'s' + str(story.id):>6}  {clean(story.title)}", "bold")))
    show_prose(Text(f"        {_about(story, head, config)}", "cyan"))
    for report, copies in story.reports:
        show_prose(*_report_lines(report, copies, feeds, config))


def _report_lines(
    report: Entry, copies: Sequence[Entry], feeds: Mapping[str, Feed], config: Config
) -> Iterator[str]:
    """Write a report in one line, and where copies of it stood in another."""
    head = f"        {'e' + str(report.id):>7}  {local(report.published, config.timezone)}"
    yield f"{head}  {clean(outlet_of(report, feeds))}: {clean(report.title)}"
    if copies:
        names = dict.fromkeys(clean(outlet_of(copy, feeds)) for copy in copies)
        yield f"{'':>35}also in {', '.join(names)}"


def _about(story: Story, counts: str, config: Config) -> str:
    """Write what happened to whom, `counts`, and the themes, as the digest names them."""
    words = languages.load(config.language)
    parties = ", ".join(clean(words.party(party)) for party in story.parties)
    event = ": ".join(filter(None, (words.kind(story.kind), parties)))
    return "; ".join(filter(None, (event, counts, labels_of(story.themes, config) or "no theme")))


@stories_app.command("show")
def show_story(
    context: typer.Context,
    story: Annotated[str, typer.Argument(help="A story: s412 or 412.", metavar="STORY")],
    json: Json = False,
) -> None:
    """Show a story: every report and why it is there, and the timeline of its affair.

    Example: monitor stories show s412
    """
    from monitor import followed

    with session(context).reading() as (config, store):
        found = store.stories.get(story_number(story))
        if found is None:
            raise MonitorError(f"there is no story s{story_number(story)}")
        feeds = followed.named(config, store)
        steps = store.stories.affair(found.affair) if found.affair is not None else (found,)
        related = store.stories.get_many(set(found.related) - {step.id for step in steps})
    if json:
        show_json(
            story_json(found)
            | {"joins": [_join_json(join) for join in found.joins]}
            | {
                "affair_steps": [
                    {"id": one.id, "kind": one.kind, "title": one.title, "first_seen": utc(one.first_seen)}
                    for one in steps
                ]
            }
        )
        return
    _show_one(found, feeds, config)
    _show_steps(found, steps, config)
    if related:
        show_prose("", "Related:", *(f"  s{other.id}  {clean(other.title)}" for other in related))


def _show_one(story: Story, feeds: Mapping[str, Feed], config: Config) -> None:
    show_prose(Text.assemble((f"s{story.id}  {clean(story.title)}", "bold")))
    if story.first_title:
        show_prose(f"    began as: {clean(story.first_title)}")
    if story.summary:
        show_prose(f"    {clean(story.summary)}")
    counts = f"{counted(len(story.reports), 'report')}, {counted(story.sources, 'independent source')}"
    show_prose(Text(f"    {_about(story, counts, config)}", "cyan"))
    joins = {join.entry: join for join in story.joins}
    day = ""
    for report, copies in sorted(story.reports, key=lambda report: report.entry.published):
        if (its := local(report.published, config.timezone)[:10]) != day:
            day = its
            show_prose("", day)
        show_prose(*_report_lines(report, copies, feeds, config))
        join = joins[report.id]
        doubt = "IN DOUBT: " if join.doubtful and not join.pinned else ""
        show_prose(Text(f"{'':>18}{doubt}{join.reason}{'; set by hand' if join.pinned else ''}", "dim"))


def _show_steps(story: Story, steps: Sequence[Story], config: Config) -> None:
    if len(steps) < 2:  # noqa: PLR2004 - a step by itself is no affair
        return
    show_prose("", f"The affair, in {len(steps)} steps:")
    for step in steps:
        mark = ">" if step.id == story.id else " "
        day = local(min(entry.published for entry in step.entries), config.timezone)[:10]
        kind = f"{step.kind}: " if step.kind else ""
        show_prose(f"{mark} {day}  {'s' + str(step.id):<6} {kind}{clean(step.title)} ({len(step.reports)})")


def _join_json(join: Join) -> dict[str, object]:
    return {
        "entry": join.entry,
        "similarity": round(join.similarity, 3),
        "reason": join.reason,
        "doubtful": join.doubtful,
        "pinned": join.pinned,
        "copy_of": join.copy_of,
        "second_best": join.runner_up,
        "second_best_similarity": round(join.runner_up_similarity, 3),
    }


@stories_app.command()
def suspects(
    context: typer.Context,
    since: Annotated[str, typer.Option(help="With a report first seen since then.", metavar="TIME")] = "",
    limit: Annotated[int | None, limit_option("with --since, as JSON or CSV")] = None,
    jsonl: Jsonl = False,
    csv: Csv = False,
    json: Json = False,
) -> None:
    """List joins that are in doubt, with what speaks for and against each.

    A join just above the threshold is in doubt. So is one if the report might as well have joined another
    story: then both stories may be one.

    Example: monitor stories suspects --since 7d
    """
    from monitor import followed

    current = session(context)
    with current.reading() as (config, store):
        bar = config.cluster.threshold
        found = store.stories.in_doubt(current.since(since, config.timezone), rival=bar)
        feeds = followed.named(config, store)
        near = {join.runner_up for story in found for join in story.joins if join.runner_up}
        rivals = {number: store.stories.get(number) for number in near}
    doubts = [
        (story, join, entry)
        for story in found
        for join, entry in zip(story.joins, story.entries, strict=True)
        if not join.pinned and (join.doubtful or _rival(story, join, rivals, bar))
    ]
    shown = doubts[: latest(limit, since, json, jsonl, csv)]
    records = ({"story": story.id, **_join_json(join)} for story, join, _ in shown)
    if show_records(records, json=json, jsonl=jsonl, csv=csv):
        return
    for story, join, entry in shown:
        show_prose(Text.assemble((f"s{story.id}  {clean(story.title)}", "bold")))
        show_prose(*_report_lines(entry, (), feeds, config), f"{'':>18}{join.reason}")
        if rival := _rival(story, join, rivals, bar):
            also = f"similar to s{rival.id}, too ({join.runner_up_similarity:.2f}): {clean(rival.title)}"
            merging = f"are both one event? monitor stories merge s{story.id} s{rival.id}"
            show_prose(f"{'':>18}{also}", Text(f"{'':>18}{merging}", "dim"))
        if join.doubtful:
            hint = f"not the same event? monitor stories split s{story.id} e{entry.id}"
            show_prose(Text(f"{'':>18}{hint}", "dim"))
    if not doubts:
        say("no join is in doubt")
    say_rest(len(shown), len(doubts), "join in doubt", "joins in doubt")


def _rival(story: Story, join: Join, rivals: Mapping[int, Story | None], bar: float) -> Story | None:
    """Return the other story that a report might as well have joined."""
    rival = rivals.get(join.runner_up) if join.runner_up else None
    return rival if rival and rival.id != story.id and join.runner_up_similarity >= bar else None


@stories_app.command()
def merge(
    context: typer.Context,
    story: Annotated[str, typer.Argument(help="The story that stays: s412 or 412.", metavar="STORY")],
    other: Annotated[str, typer.Argument(help="The story that becomes part of it.", metavar="OTHER")],
) -> None:
    """Join two stories for good; clustering learns from it what is one event.

    Example: monitor stories merge s412 s415
    """
    from monitor import corrections

    current = session(context)
    into, gone = story_number(story), story_number(other)
    with current.writing() as (config, store):
        merged = corrections.merge(config, store, into, gone, now=current.now())
    show_prose(f"story s{merged.id} now has {counted(len(merged.reports), 'report')}: {clean(merged.title)}")


@stories_app.command()
def split(
    context: typer.Context,
    story: Annotated[str, typer.Argument(help="The story to take them from: s412 or 412.", metavar="STORY")],
    taken: Annotated[
        list[str],
        typer.Argument(help="The entries that belong to another story: e9071 or 9071.", metavar="ENTRY..."),
    ],
) -> None:
    """Take entries out of a story into one of their own, for good; clustering learns from that too.

    Example: monitor stories split s412 e9071
    """
    from monitor import corrections

    current = session(context)
    number, entries = story_number(story), [entry_number(one) for one in taken]
    with current.writing() as (config, store):
        rest, taken_out = corrections.split(config, store, number, entries, now=current.now())
    show_prose(
        f"story s{rest.id}: {counted(len(rest.reports), 'report')}",
        f"story s{taken_out.id} (new): {counted(len(taken_out.reports), 'report')}",
    )


@stories_app.command("corrections")
def show_corrections(
    context: typer.Context,
    in_words: Annotated[
        bool, typer.Option("--list", help="List them in words, the latest first, and how to take each back.")
    ] = False,
) -> None:
    """Print the entries of merges and splits as labelled lines, for `evaluate` and for training.

    Example: monitor stories corrections --list
    """
    from monitor import followed

    with session(context).reading() as (config, store):
        made = store.corrections.listing()
        ids = {entry for one in made for entry in (*one.entries, *one.others)}
        found = store.entries.get_many(ids)
        feeds = followed.named(config, store)
    if not ids and in_words:
        show_prose("no story has been merged or split yet")
        return
    if not ids:  # who trains or scores with them goes on with nothing
        raise MonitorError("no story has been merged or split yet")
    if not in_words:
        show_records((labelled(entry, feeds) for entry in found), jsonl=True)
        return
    entries = {entry.id: entry for entry in found}
    for one in reversed(made):
        _show_correction(one, entries, config.timezone)


def _show_correction(one: Correction, entries: Mapping[int, Entry], zone: tzinfo) -> None:
    """Print a merge or a split: when, what each side holds, and the command that takes it back."""
    from monitor import corrections

    some, others = (
        [entries[number] for number in side if number in entries] for side in (one.entries, one.others)
    )
    show_prose(f"{local(one.made_at, zone)}  {'put together' if one.together else 'taken apart'}:")
    for side in filter(None, (some, others)):
        more = f" and {counted(len(side) - 1, 'more report')}" if len(side) > 1 else ""
        show_prose(f"    {clean(side[0].title)} (e{side[0].id}){more}")
    contrary = corrections.contrary(some, others, together=one.together)
    if contrary is None:
        show_prose("    changed since; nothing to take back")
    elif contrary.other:
        show_prose(f"    to take it back: monitor stories merge s{contrary.story} s{contrary.other}")
    else:
        which = " ".join(f"e{number}" for number in contrary.entries)
        show_prose(f"    to take it back: monitor stories split s{contrary.story} {which}")
