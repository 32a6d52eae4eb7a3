"""`tag`, `evaluate`: tag lines, and say how good choosing, themes and stories are against labelled ones."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from monitor.cli.output import Json, say, show, show_json, working
from monitor.cli.session import Session, UsageError, read_bytes, session
from monitor.errors import ConfigError
from monitor.text import counted

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from monitor.evaluate import Figure, Mistake, Record, Scores, StreamScores
    from monitor.evaluate.stories import StoryScores
    from monitor.models import Entry
    from monitor.tag import Rules

_STANDARD_INPUT: Final = "standard input"


def register(app: typer.Typer) -> None:
    """Add these commands."""
    app.command()(tag)
    app.command()(evaluate)


def evaluate(
    context: typer.Context,
    files: Annotated[
        list[Path] | None,
        typer.Argument(
            help="Labelled JSON lines; - is standard input.",
            metavar="FILE...",
            exists=True,
            dir_okay=False,
            allow_dash=True,
        ),
    ] = None,
    marked: Annotated[
        bool, typer.Option("--marked", help="Also score against what you corrected with `mark`.")
    ] = False,
    stream: Annotated[
        bool,
        typer.Option(
            "--stream",
            help="The files are whole feeds, in order: score choosing at the rate at which news comes.",
        ),
    ] = False,
    worst: Annotated[
        int, typer.Option(help="How many of the worst errors to show.", min=0, metavar="N")
    ] = 10,
    json: Json = False,
) -> None:
    """Score the tagger and the stories against labelled lines.

    Example: monitor evaluate --marked
    """
    from monitor import evaluate as package

    current = session(context)
    rules = current.rules()
    read = [record for path in files or () for record in _records(path, current, rules)]
    read += _marked(current) if marked else []
    if not read:
        advice = "there are no marks yet; `monitor mark` makes them" if marked else "give a FILE, or --marked"
        raise UsageError(f"nothing to score: {advice}")
    tagger = current.tagger()
    with working("tagging", quiet=current.quiet):
        tagged = [tagger.tag(record.entry, kind=record.kind) for record in read]
    if stream:
        of_stream = package.score_stream(read, tagged)
        as_json, table = of_stream.to_dict(), _stream_table(of_stream)
    else:
        scores = package.score(read, tagged, rules)
        languages, stories = package.by_language(read, tagged, rules), _story_scores(read)
        as_json, table = _scores_json(scores, languages, stories), _table(scores, languages, stories)
    if json:
        show_json(as_json)
        return
    show(*table)
    scored = [(r, t) for r, t in zip(read, tagged, strict=True) if not (stream and r.doubt)]
    for mistake in package.mistakes(*zip(*scored, strict=True), relevance_alone=stream)[:worst]:
        show(*_mistake_lines(mistake))


def _story_scores(read: Sequence[Record]) -> StoryScores:
    """Score the stories of the relevant records that name theirs, clustered day by day."""
    from monitor.evaluate.stories import score

    named = sorted((r for r in read if r.relevant and r.story), key=lambda r: r.entry.published)
    found = _replayed([record.entry for record in named])
    return score(zip((record.story for record in named), found, strict=True))


def _mistake_lines(mistake: Mistake) -> Iterator[str]:
    yield ""
    yield f"{mistake.record.id}  {mistake.record.entry.title}"
    yield f"    wrong: {', '.join(mistake.wrong) or '-'}   missed: {', '.join(mistake.missed) or '-'}"
    for e in mistake.evidence:
        yield f"    {e.target} {e.weight:+.2f} {e.quoted}"


def _records(path: Path, current: Session, rules: Rules) -> list[Record]:
    from monitor import evaluate as package

    file = _STANDARD_INPUT if str(path) == "-" else str(path)
    read = package.read(_text(path), file=file, now=current.now())
    known = [label.slug for label in (*rules.beats, *rules.themes)]
    if faults := package.unknown_slugs(read, known, file=file):
        raise ConfigError(faults)
    return read


def _text(file: Path) -> str:
    # What is no UTF-8 is refused with its line, not where Python happens to meet it.
    return read_bytes(file).decode("utf-8-sig", "surrogateescape")


def _marked(current: Session) -> list[Record]:
    from monitor.evaluate import Record

    with current.reading() as (_, store):
        entries = store.entries.get_many([mark.entry for mark in store.marks.listing()])
    return [
        Record(id=f"entry-{entry.id}", entry=entry, beats=entry.tagging.beats, themes=entry.tagging.themes)
        for entry in entries
    ]


def _stream_table(scores: StreamScores) -> list[str]:
    """Lay out the precision and recall of sure and of all chosen entries, and how reliable certainty is."""
    lines = [
        f"{scores.records} records, {scores.relevant} relevant ({scores.doubtful} doubtful left out)",
        "",
    ]
    lines.append(f"{'':28}precision  recall    F1  chosen")
    for title, figure in (("sure", scores.sure), ("sure and perhaps", scores.chosen)):
        chosen = figure.right + figure.wrong
        lines.append(f"{title:28}{figure.precision:9.2f}{figure.recall:8.2f}{figure.f1:6.2f}{chosen:8}")
    near = scores.near
    lines.append(f"{'near misses':28}{near.precision:9.2f}{'':14}{near.right + near.wrong:8}")
    lines += ["", f"{'certainty':28}entries   right   share  promised"]
    lines += [
        f"{f'{b.low:.1f} to {b.low + 0.1:.1f}':28}{b.entries:7}{b.right:8}{b.share:8.2f}{b.promised:10.2f}"
        for b in scores.reliability
    ]
    return lines


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
    """Lay the figures out, a row for each beat and theme that anybody named, F1 by language at the end."""
    named = {name: one for name, one in languages.items() if name}
    lines = [
        counted(scores.records, "record"),
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
        if figure.right + figure.wrong + figure.missed
    ]
    lines += [
        row(slug, figure, [one.themes[slug] for one in named.values()])
        for slug, figure in scores.themes.items()
        if figure.right + figure.wrong + figure.missed
    ]
    lines.append(row("themes, micro", scores.micro, [one.micro for one in named.values()]))
    lines.append(
        f"{'themes, macro':28}{'':17}{scores.macro:6.2f}{'':9}"
        + "".join(f"{o.macro:6.2f}" for o in named.values())
    )
    if not stories.records:
        return lines
    for title, value in (("stories, B-cubed", stories.bcubed), ("stories, pairwise", stories.pairwise)):
        lines.append(f"{title:28}{value.precision:9.2f}{value.recall:8.2f}{value.f1:6.2f}{stories.records:7}")
    return lines


def tag(
    context: typer.Context,
    jsonl: Annotated[bool, typer.Option("--jsonl", help="JSON lines in and out (the only form).")] = False,
) -> None:
    """Tag records from standard input, JSON lines in and out, without the database.

    Example: monitor tag --jsonl < lines.jsonl
    """
    # Scripts give the flag since 1.0; there is no other form.
    del jsonl
    from monitor import evaluate

    current = session(context)
    tagger = current.tagger()
    if sys.stdin.isatty():
        say("reading JSON lines from the terminal; Ctrl-D ends them")
    read = evaluate.read(_text(Path("-")), file=_STANDARD_INPUT, now=current.now())
    taggings = [tagger.tag(record.entry, kind=record.kind) for record in read]
    sure = [index for index, tagging in enumerate(taggings) if tagging.shelf == "sure"]
    # Stories depend on the order in which reports come: as the days brought them, not as the file has them.
    sure.sort(key=lambda index: read[index].entry.published)
    found = _replayed([replace(read[index].entry, tagging=taggings[index]) for index in sure])
    stories = dict(zip(sure, found, strict=True))
    for index, (record, tagging) in enumerate(zip(read, taggings, strict=True)):
        sys.stdout.write(evaluate.write(record, tagging, stories.get(index)) + "\n")


def _replayed(entries: Sequence[Entry]) -> list[str]:
    """Cluster entries as if they came day by day; return the name of each one's story."""
    from monitor import cluster
    from monitor.evaluate.stories import replay

    vectors = None
    if entries and cluster.Encoder.available():
        numbered = [replace(entry, id=index) for index, entry in enumerate(entries)]
        vectors = cluster.Encoder().vectors(numbered, {})
    return replay(entries, vectors=vectors)
