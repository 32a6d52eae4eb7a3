"""`explain`, `mark`, `retag`, `themes test`, `tag`, `evaluate`: why an entry was chosen, what to change."""

from __future__ import annotations

import sys
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from monitor.cli.output import entry_json, local, show, show_json
from monitor.cli.session import Session, UsageError, session
from monitor.errors import ConfigError, Fault, MonitorError
from monitor.models import Entry

if TYPE_CHECKING:
    from collections.abc import Sequence

    from monitor.cluster import StoryScores
    from monitor.models import Story, Tagging
    from monitor.tag import Explanation, Rules
    from monitor.tag.records import Record
    from monitor.tag.scoring import Figure, Scores

Json = Annotated[bool, typer.Option("--json", help="As JSON.")]

themes_app = typer.Typer(
    help="Themes: try a phrase before it is written down.", no_args_is_help=True, rich_markup_mode=None
)


def register(app: typer.Typer) -> None:
    """Add these commands."""
    app.command()(explain)
    app.command()(mark)
    app.command()(retag)
    app.command()(tag)
    app.command()(evaluate)


def explain(
    context: typer.Context,
    text: Annotated[str, typer.Argument(help="A text; its first line is the title.")] = "",
    entry: Annotated[int | None, typer.Option(help="A stored entry.", metavar="ID")] = None,
    url: Annotated[str, typer.Option(help="A stored entry's address.")] = "",
    json: Json = False,
) -> None:
    """Say why an entry has its beats and themes, or none, and why it is in its story."""
    if sum((bool(text), entry is not None, bool(url))) != 1:
        raise UsageError("give a text, --entry or --url")
    from monitor import tag as package

    current = session(context)
    if text:
        title, _, rest = text.strip().partition("\n")
        chosen, story = _entry_of_text(title, rest, current.now()), None
        rules = current.rules()
    else:
        chosen, story, rules = _stored(current, entry, url)
    explanation = package.Tagger(rules).explain(chosen)
    if json:
        show_json(_explanation_json(chosen, explanation, story))
        return
    show(chosen.title, *explanation.lines())
    if chosen.tagging.corrected:
        show(f"corrected by hand: {_about(chosen.tagging)}")
    show(*_story_lines(chosen, story))


def _entry_of_text(title: str, summary: str, now: datetime) -> Entry:
    return Entry(feed="", title=title, summary=summary.strip(), published=now, first_seen=now)


def _stored(current: Session, number: int | None, url: str) -> tuple[Entry, Story | None, Rules]:
    from monitor.url import canonical_url

    with current.reading() as (config, store):
        if number is not None:
            found = store.entries.get(number)
        else:
            found = next(iter(store.entries.find_by_url(canonical_url(url))), None)
        if found is None:
            raise MonitorError("no such entry is stored")
        story = store.stories.get(found.story) if found.story else None
        return found, story, config.rules


def _story_lines(entry: Entry, story: Story | None) -> list[str]:
    if story is None:
        return []
    join = next(join for join in story.joins if join.entry == entry.id)
    lines = [f"story {story.id}: {story.title}", f"  {join.reason}"]
    if join.runner_up is not None:
        lines.append(f"  second best: story {join.runner_up} (similarity {join.runner_up_similarity:.2f})")
    return lines


def _explanation_json(entry: Entry, explanation: Explanation, story: Story | None) -> dict[str, Any]:
    found: dict[str, Any] = {"title": entry.title, **explanation.to_dict()}
    if entry.id:
        found["entry"] = entry_json(entry)
    if story is not None:
        join = next(join for join in story.joins if join.entry == entry.id)
        found["story"] = {
            "id": story.id,
            "title": story.title,
            "similarity": round(join.similarity, 3),
            "reason": join.reason,
            "pinned": join.pinned,
            "second_best": join.runner_up,
            "second_best_similarity": round(join.runner_up_similarity, 3),
        }
    return found


def mark(
    context: typer.Context,
    entry: Annotated[int, typer.Argument(help="The entry's number.")],
    not_relevant: Annotated[bool, typer.Option("--not-relevant", help="It is out of scope.")] = False,
    relevant: Annotated[bool, typer.Option("--relevant", help="It is in scope.")] = False,
    theme: Annotated[list[str] | None, typer.Option(help="It is about this; may be given again.")] = None,
    beat: Annotated[list[str] | None, typer.Option(help="Which beat; may be given again.")] = None,
    clear: Annotated[bool, typer.Option("--clear", help="Take the correction back.")] = False,
) -> None:
    """Correct an entry; the correction holds against every later re-tagging."""
    if sum((not_relevant, clear, relevant or bool(theme) or bool(beat))) != 1:
        raise UsageError("say one of --not-relevant, --relevant (with --theme, --beat) or --clear")
    from monitor import corrections

    current = session(context)
    with current.writing() as (config, store):
        for given, labels in ((beat, config.rules.beats), (theme, config.rules.themes)):
            known = [label.slug for label in labels]
            if strange := [name for name in given or () if name not in known]:
                raise UsageError(f"no such name: {', '.join(strange)}; there are {', '.join(known)}")
        after = corrections.mark(
            config,
            store,
            entry,
            relevant=None if clear else not not_relevant,
            beats=tuple(beat or ()),
            themes=None if theme is None else tuple(theme),
            now=current.now(),
        )
    show(f"entry {entry}: {_about(after.tagging)}")


def _about(tagging: Tagging) -> str:
    return ", ".join((*tagging.beats, *tagging.themes)) or "not relevant"


def retag(
    context: typer.Context,
    since: Annotated[str, typer.Option(help="Only entries first seen from here on.", metavar="TIME")] = "",
) -> None:
    """Apply the present themes to stored entries, and say what changed."""
    from monitor import corrections

    current = session(context)
    with current.writing() as (config, store):
        start = current.since(since, config.timezone)
        seen, changes = corrections.retag(config, store, now=current.now(), since=start)
    for entry, before, after in changes:
        show(f"{entry.id:>6}  {_difference(before, after)}  {entry.title}")
    gained = sum(after.relevant and not before.relevant for _, before, after in changes)
    lost = sum(before.relevant and not after.relevant for _, before, after in changes)
    show(
        f"{seen} entries tagged again: {len(changes)} changed, {gained} became relevant, {lost} ceased to be"
    )


def _difference(before: Tagging, after: Tagging) -> str:
    old, new = {*before.beats, *before.themes}, {*after.beats, *after.themes}
    return " ".join(
        (*(f"+{name}" for name in sorted(new - old)), *(f"-{name}" for name in sorted(old - new)))
    )


@themes_app.command("test")
def try_phrase(
    context: typer.Context,
    phrase: Annotated[str, typer.Argument(help="As it would stand in themes.toml.")],
    target: Annotated[str, typer.Option(help="The beat or theme it would be added to.")],
    language: Annotated[str, typer.Option(help='"en", "de" or "any".')] = "any",
    grade: Annotated[str, typer.Option(help="The list of rules it would stand in.")] = "sure",
    since: Annotated[str, typer.Option(help="Only entries first seen from here on.", metavar="TIME")] = "",
) -> None:
    """Show what a phrase would gain and lose over the stored entries, before it is written into the file."""
    from monitor import tag as package

    current = session(context)
    with current.reading() as (config, store):
        start = current.since(since, config.timezone)
        everything = (entry for batch in store.entries.iterate(start) for entry in batch)
        try:
            changes = package.Tagger(config.rules).try_phrase(
                phrase, target, everything, grade=grade, language=language
            )
        except package.GrammarError as error:
            raise ConfigError([Fault("", repr(phrase), str(error))]) from error
    for change in changes:
        names = " ".join((*(f"+{name}" for name in change.gains), *(f"-{name}" for name in change.losses)))
        show(
            f"{change.entry.id:>6}  {names}  {local(change.entry.published, config.timezone)}  "
            f"{change.entry.title}"
        )
    gains, losses = sum(bool(c.gains) for c in changes), sum(bool(c.losses) for c in changes)
    show(f"{gains} entries would gain, {losses} would lose")


def tag(
    context: typer.Context,
    jsonl: Annotated[bool, typer.Option("--jsonl", help="JSON lines in and out (the only form).")] = False,
) -> None:
    """Tag records from standard input, JSON lines in and out; touches no database."""
    del jsonl
    from monitor import cluster
    from monitor import tag as package
    from monitor.tag import records

    current = session(context)
    tagger = package.Tagger(current.rules())
    read = records.read(sys.stdin.read(), file="standard input", now=current.now())
    taggings = [tagger.tag(record.entry) for record in read]
    chosen = [index for index, tagging in enumerate(taggings) if tagging.relevant]
    chosen.sort(key=lambda index: read[index].entry.published)
    tagged = [replace(read[index].entry, tagging=taggings[index]) for index in chosen]
    stories = dict(zip(chosen, cluster.replay(tagged, vectors=_vectors(tagged)), strict=True))
    for index, (record, tagging) in enumerate(zip(read, taggings, strict=True)):
        sys.stdout.write(records.write(record, tagging, stories.get(index)) + "\n")


def _vectors(entries: Sequence[Entry]) -> dict[int, bytes] | None:
    """Return the entries' vectors by position, where the `semantic` extra is installed."""
    from monitor import cluster

    if not entries or not cluster.Encoder.available():
        return None
    numbered = [replace(entry, id=index) for index, entry in enumerate(entries)]
    return cluster.Encoder().vectors(numbered, {})


def evaluate(
    context: typer.Context,
    files: Annotated[
        list[Path] | None, typer.Argument(help="Labelled JSON lines.", exists=True, dir_okay=False)
    ] = None,
    marked: Annotated[
        bool, typer.Option("--marked", help="Also score against what was corrected with `mark`.")
    ] = False,
    worst: Annotated[int, typer.Option(help="How many of the worst errors to show.", min=0)] = 10,
    json: Json = False,
) -> None:
    """Score the tagger and the stories against labelled lines."""
    from monitor import cluster
    from monitor import tag as package
    from monitor.tag import scoring

    current = session(context)
    rules = current.rules()
    read = [record for path in files or () for record in _records(path, current, rules)]
    read += _marked(current) if marked else []
    if not read:
        raise UsageError("nothing to score: give a FILE, or --marked")
    tagger = package.Tagger(rules)
    tagged = [tagger.tag(record.entry) for record in read]
    scores = scoring.score(read, tagged, rules)
    languages = scoring.by_language(read, tagged, rules)
    in_stories = sorted((r for r in read if r.relevant and r.story), key=lambda r: r.entry.published)
    entries = [record.entry for record in in_stories]
    found = cluster.replay(entries, vectors=_vectors(entries))
    stories = cluster.score(zip((record.story for record in in_stories), found, strict=True))
    if json:
        show_json(_scores_json(scores, languages, stories))
        return
    show(*_table(scores, languages, stories))
    for mistake in scoring.mistakes(read, tagged)[:worst]:
        show("", f"{mistake.record.id}  {mistake.record.entry.title}")
        show(f"    wrong: {', '.join(mistake.wrong) or '-'}   missed: {', '.join(mistake.missed) or '-'}")
        terms = (f"{e.target} {e.weight:+.2f} {e.quoted}" for e in mistake.evidence)
        show(*(f"    {term}" for term in terms))


def _records(path: Path, current: Session, rules: Rules) -> list[Record]:
    from monitor.tag import records

    read = records.read(path.read_text(encoding="utf-8-sig"), file=str(path), now=current.now())
    known = [label.slug for label in (*rules.beats, *rules.themes)]
    if faults := records.unknown_slugs(read, known, file=str(path)):
        raise ConfigError(faults)
    return read


def _marked(current: Session) -> list[Record]:
    from monitor.tag.records import Record

    with current.reading() as (_, store):
        entries = store.entries.get_many([mark.entry for mark in store.marks.listing()])
    return [
        Record(id=f"entry-{entry.id}", entry=entry, beats=entry.tagging.beats, themes=entry.tagging.themes)
        for entry in entries
    ]


def _scores_json(scores: Scores, languages: dict[str, Scores], stories: StoryScores) -> dict[str, Any]:
    def agreement(value: Any) -> dict[str, float]:
        return {"precision": value.precision, "recall": value.recall, "f1": value.f1}

    return {
        **scores.to_dict(),
        "stories": {
            "bcubed": agreement(stories.bcubed),
            "pairwise": agreement(stories.pairwise),
            "records": stories.records,
        },
        "languages": {name: one.to_dict() for name, one in languages.items()},
    }


def _table(scores: Scores, languages: dict[str, Scores], stories: StoryScores) -> list[str]:
    """Lay the figures out, a row for each beat and theme, F1 by language at the end."""
    named = {name: one for name, one in languages.items() if name}
    lines = [
        f"{scores.records} records",
        "",
        f"{'':28}precision  recall    F1   gold  " + "".join(f"{n:>6}" for n in named),
    ]

    def row(title: str, figure: Figure, by: list[Figure]) -> str:
        share = "".join(f"{one.f1:6.2f}" for one in by)
        gold = figure.right + figure.missed
        return f"{title:28}{figure.precision:9.2f}{figure.recall:8.2f}{figure.f1:6.2f}{gold:7}  {share}"

    lines.append(row("relevance", scores.relevance, [one.relevance for one in named.values()]))
    lines += [
        row(slug, figure, [one.beats[slug] for one in named.values()])
        for slug, figure in scores.beats.items()
    ]
    lines += [
        row(slug, figure, [one.themes[slug] for one in named.values()])
        for slug, figure in scores.themes.items()
    ]
    lines.append(row("themes, micro", scores.micro, [one.micro for one in named.values()]))
    lines.append(
        f"{'themes, macro':28}{'':17}{scores.macro:6.2f}{'':9}"
        + "".join(f"{o.macro:6.2f}" for o in named.values())
    )
    for title, value in (("stories, B-cubed", stories.bcubed), ("stories, pairwise", stories.pairwise)):
        lines.append(f"{title:28}{value.precision:9.2f}{value.recall:8.2f}{value.f1:6.2f}{stories.records:7}")
    return lines
