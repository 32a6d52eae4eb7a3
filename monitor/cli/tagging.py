"""`explain`, `mark`, `learn`, `retag`, `themes test`: why an entry was chosen, and correcting it."""

from __future__ import annotations

import re
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer

from monitor import handles
from monitor.cli.entries import require_known
from monitor.cli.helping import Whole
from monitor.cli.output import Json, entry_json, local, say, show, show_json, show_prose, working
from monitor.cli.session import Session, UsageError, entry_number, session, story_number
from monitor.errors import ConfigError, Fault, MonitorError
from monitor.text import counted
from monitor.url import canonical_url, redact_url

if TYPE_CHECKING:
    from collections.abc import Sequence

    from monitor.models import Entry, Importance, Story, Tagging
    from monitor.store import Store
    from monitor.tag import Explanation, Tagger

_URL = re.compile(r"https?://\S+", re.IGNORECASE)

themes_app = typer.Typer(
    help="Try a phrase before you write it into themes.toml.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


def register(app: typer.Typer) -> None:
    """Add these commands."""
    app.command()(explain)
    app.command()(mark)
    app.command()(learn)
    app.command()(retag)
    app.add_typer(themes_app, name="themes", cls=Whole)


def explain(
    context: typer.Context,
    text: Annotated[
        str,
        typer.Argument(
            help="A text whose first line is the title; an entry (e9071), story (s412) or URL.",
            metavar="TEXT",
        ),
    ] = "",
    entry: Annotated[str, typer.Option(help="A stored entry.", metavar="ID")] = "",
    url: Annotated[str, typer.Option(help="A stored entry's address.", metavar="URL")] = "",
    all_: Annotated[bool, typer.Option("--all", help="Show everything that was counted.")] = False,
    json: Json = False,
) -> None:
    """Say why an entry was chosen or not, why it has its beats and themes, and why it is in its story.

    Example: monitor explain "Testers leak OpenAI tool Sora in protest"
    """
    if sum(map(bool, (text, entry, url))) != 1:
        raise UsageError("give a text, --entry or --url")
    current = session(context)
    story = None
    named = handles.read(text)
    if named and named.kind:
        text, entry = "", text
    elif _URL.fullmatch(text):
        text, url = "", text
    elif named:
        # A number that no entry has may be a headline.
        with current.reading() as (_, store):
            if store.entries.get(named.number):
                text, entry = "", text
    if text:
        from monitor.why import entry_of_text

        chosen, tagger = entry_of_text(text, current.now()), _tagger(current)
    else:
        chosen, story, tagger = _stored(current, entry, url)
    explanation = tagger.explain(chosen)
    importance = _importance(current, story) if story else None
    if json:
        found = _explanation_json(chosen, explanation, story)
        show_json(found | ({"importance": asdict(importance)} if importance else {}))
        return
    show_prose(chosen.title, *_verdict_lines(chosen, explanation), *_story_lines(chosen, story))
    if importance:
        show(
            f"importance {importance.total:g} = certainty {importance.certainty:g} x kind {importance.kind:g}"
            f" x sources {importance.sources:g} x weight {importance.weight:g}"
        )
    if all_:
        show_prose("", *explanation.arithmetic())


def _verdict_lines(entry: Entry, explanation: Explanation) -> list[str]:
    """Explain an entry: its mark, or its stored tags if they differ from today's; then today's reasons."""
    lines, stored, today = explanation.lines(), entry.tagging, explanation.tagging
    if stored.corrected:
        word, else_ = f"{'' if stored.relevant else 'not '}relevant, by your mark", "without it"
    elif entry.id and (stored.shelf, _about(stored)) != (today.shelf, _about(today)):
        word = stored.shelf or ("chosen" if stored.relevant else "not chosen")
        word, else_ = f"{word} when it was tagged", "asked anew today"
    else:
        return lines
    return [word + (f": {_about(stored)}" if stored.relevant else ""), f"{else_} {lines[0]}", *lines[1:]]


def _tagger(current: Session) -> Tagger:
    """Return a tagger as the service would use it or, without a configuration, with the shipped themes."""
    from monitor.config import is_configured
    from monitor.tag import PERSONAL

    if not is_configured(current.directory):
        return current.tagger()
    config = current.config()
    if config.database.exists():
        with current.reading() as (_, store):
            return config.tagger(store.note(PERSONAL))
    return config.tagger("")


def _is_story(text: str) -> bool:
    handle = handles.read(text)
    return handle is not None and handle.kind == "s"


def _found(store: Store, handle: str, url: str) -> Entry:
    """Return the entry with a number or an address; for a story, its leading entry. Raises MonitorError."""
    if not handle:
        found = next(iter(store.entries.find_by_url(canonical_url(url))), None)
    elif _is_story(handle):
        story = store.stories.get(story_number(handle))
        found = store.entries.get(story.lead) if story else None
    else:
        found = store.entries.get(entry_number(handle))
    if found is None:
        raise MonitorError(f"no such entry is stored: {handle or redact_url(url)}")
    return found


class _Stored(NamedTuple):
    """A stored entry, its story, and the tagger that explains it today."""

    entry: Entry
    story: Story | None
    tagger: Tagger


def _stored(current: Session, handle: str, url: str) -> _Stored:
    from monitor.tag import PERSONAL

    with current.reading() as (config, store):
        found = _found(store, handle, url)
        story = store.stories.get(found.story) if found.story else None
        return _Stored(found, story, config.tagger(store.note(PERSONAL)))


def _importance(current: Session, story: Story) -> Importance:
    """Return how important a story is, with the parts of it."""
    from monitor import digest, followed

    with current.reading() as (config, store):
        return digest.importance(story, followed.named(config, store), config.digest)


def _story_lines(entry: Entry, story: Story | None) -> list[str]:
    if story is None:
        return []
    join = next(join for join in story.joins if join.entry == entry.id)
    line = f"story s{story.id}: {story.title} ({join.reason}"
    if join.runner_up is not None:
        line += f"; second best: s{join.runner_up}, similarity {join.runner_up_similarity:.2f}"
    return [f"{line})"]


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
    which: Annotated[
        list[str] | None,
        typer.Argument(help="Entries (9071 or e9071), or all entries of a story (s412).", metavar="ENTRY..."),
    ] = None,
    url: Annotated[str, typer.Option(help="The entry with this address.", metavar="URL")] = "",
    not_relevant: Annotated[bool, typer.Option("--not-relevant", help="It is out of scope.")] = False,
    relevant: Annotated[bool, typer.Option("--relevant", help="It is in scope.")] = False,
    theme: Annotated[
        list[str] | None,
        typer.Option(
            help="Its theme; can be repeated; replaces the themes it had.",
            metavar="THEME",
        ),
    ] = None,
    beat: Annotated[list[str] | None, typer.Option(help="Its beat; can be repeated.", metavar="BEAT")] = None,
    clear: Annotated[bool, typer.Option("--clear", help="Take the correction back.")] = False,
) -> None:
    """Correct entries; the correction survives every later `retag`, and `learn` learns from it.

    Example: monitor mark e9071 --relevant --theme copyright
    """
    if bool(which) == bool(url):
        raise UsageError("name an entry (9071 or e9071), a story (s412) or --url")
    if sum((not_relevant, clear, relevant or bool(theme) or bool(beat))) != 1:
        raise UsageError("give one of --not-relevant, --relevant (with --theme, --beat) or --clear")
    from monitor import corrections

    current = session(context)
    with current.writing() as (config, store):
        for kind, given, labels in (
            ("beat", beat, config.rules.beats),
            ("theme", theme, config.rules.themes),
        ):
            for name in given or ():
                require_known(kind, name, [label.slug for label in labels])
        numbers = _marked_entries(store, which or (), url)
        after, learned = corrections.mark_all(
            config,
            store,
            numbers,
            relevant=None if clear else not not_relevant,
            beats=tuple(beat or ()),
            themes=None if theme is None else tuple(theme),
            now=current.now(),
        )
        for number, entry in after.items():
            show(f"e{number}: {_about(entry.tagging) if entry else 'there is no mark to take back'}")
        if not_relevant and len(after) > 1:  # a story without reports has no number any more
            say(f"to take it back: monitor mark {' '.join(f'e{number}' for number in after)} --clear")
        if theme:
            say(f"the only themes from now on: {', '.join(theme)}")
        if learned and learned.marks:
            say(f"learned from {counted(learned.marks, 'mark')}; `monitor learn --show` lists it")
        elif learned:
            say("there are no marks left, so nothing is learned from them any more")


def _marked_entries(store: Store, which: Sequence[str], url: str) -> list[int]:
    """Return the entries that are meant; for a story, all of its entries. Raises MonitorError."""
    found = [] if which else [_found(store, "", url).id]
    for one in which:
        if _is_story(one):
            story = store.stories.get(story_number(one))
            if story is None:
                raise MonitorError(f"there is no story {one}")
            found += [entry.id for entry in story.entries]
        else:
            found.append(_found(store, one, "").id)
    return list(dict.fromkeys(found))


def learn(
    context: typer.Context,
    shown: Annotated[bool, typer.Option("--show", help="List what was learned; change nothing.")] = False,
    forget: Annotated[
        bool, typer.Option("--forget", help="Forget what was learned; your marks stay.")
    ] = False,
    json: Json = False,
) -> None:
    """Learn from your marks: small weights on top of the shipped table, on this machine.

    Example: monitor learn --show
    """
    if shown and forget:
        raise UsageError("give --show or --forget, not both")
    from monitor import corrections, followed
    from monitor.tag import PERSONAL, Personal

    current = session(context)
    with current.reading() if shown else current.writing() as (config, store):
        if shown:
            personal = Personal.from_json(store.note(PERSONAL))
        else:
            personal = corrections.forget(store) if forget else corrections.learn(config, store)
        titles = {
            redact_url(url): feed.title for url, feed in followed.named(config, store).items() if feed.title
        }
    if json:
        show_json(personal.to_dict())
        return
    if forget:
        show("forgotten; your marks stay")
    elif not personal.marks:
        show("nothing is learned yet: mark entries (monitor mark), then run monitor learn")
    else:
        show_prose(*personal.lines(titles))


def _about(tagging: Tagging) -> str:
    return ", ".join((*tagging.beats, *tagging.themes)) or "not relevant"


def retag(
    context: typer.Context,
    since: Annotated[str, typer.Option(help="Only entries first seen since then.", metavar="TIME")] = "",
) -> None:
    """Tag the stored entries again with the present themes, and say what changed.

    Example: monitor retag --since 30d
    """
    from monitor import corrections

    current = session(context)
    with current.writing() as (config, store), working("tagging again", quiet=current.quiet):
        start = current.since(since, config.timezone)
        seen, changes = corrections.retag(config, store, now=current.now(), since=start)
    for entry, before, after in changes:
        show(f"{f'e{entry.id}':>6}  {_difference(before, after)}  {entry.title}")
    gained = sum(after.relevant and not before.relevant for _, before, after in changes)
    lost = sum(before.relevant and not after.relevant for _, before, after in changes)
    show(
        f"{seen} entries tagged again: {len(changes)} changed, {gained} became relevant, {lost} no longer are"
    )


def _difference(before: Tagging, after: Tagging) -> str:
    old, new = {*before.beats, *before.themes}, {*after.beats, *after.themes}
    return " ".join(
        (*(f"+{name}" for name in sorted(new - old)), *(f"-{name}" for name in sorted(old - new)))
    )


@themes_app.command("test")
def try_phrase(
    context: typer.Context,
    phrase: Annotated[
        str, typer.Argument(help="The phrase, as it would stand in themes.toml.", metavar="PHRASE")
    ],
    target: Annotated[str, typer.Option(help="The beat or theme it would be added to.", metavar="THEME")],
    language: Annotated[str, typer.Option(help='"en", "de" or "any".', metavar="CODE")] = "any",
    grade: Annotated[
        str,
        typer.Option(help="The list it would stand in, such as sure, likely or against.", metavar="LIST"),
    ] = "sure",
    since: Annotated[str, typer.Option(help="Only entries first seen since then.", metavar="TIME")] = "",
) -> None:
    """Show which stored entries would gain or lose a label by a phrase, before you write it into the file.

    Example: monitor themes test "open letter" --target leak-protest
    """
    from monitor import tag as package

    require_known("language of phrases", language, (package.ANY, *package.LANGUAGES))
    if reason := package.doubt(phrase):
        say(f"hint: {reason}")
    current = session(context)
    with current.reading() as (config, store), working("trying the phrase", quiet=current.quiet):
        require_known("beat or theme", target, [one.slug for one in config.rules.targets])
        require_known("list of phrases", grade, list(config.rules.grades))
        start = current.since(since, config.timezone)
        everything = (entry for batch in store.entries.iterate(start) for entry in batch)
        try:
            changes = config.tagger(store.note(package.PERSONAL)).try_phrase(
                phrase, target, everything, grade=grade, language=language
            )
        except package.GrammarError as error:
            raise ConfigError([Fault("", repr(phrase), str(error))]) from error
    for change in changes:
        names = " ".join((*(f"+{name}" for name in change.gains), *(f"-{name}" for name in change.losses)))
        show(
            f"{f'e{change.entry.id}':>6}  {names}  {local(change.entry.published, config.timezone)}  "
            f"{change.entry.title}"
        )
    gains, losses = sum(bool(c.gains) for c in changes), sum(bool(c.losses) for c in changes)
    show(f"{counted(gains, 'entry', 'entries')} would gain, {losses} would lose")
