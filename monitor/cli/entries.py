"""`entries`, `search`: the stored entries, as a list for people, spreadsheets and programs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.text import Text

from monitor import values
from monitor.cli.output import (
    MOST,
    Csv,
    Json,
    Jsonl,
    Limit,
    entry_json,
    latest,
    local,
    say,
    say_rest,
    show,
    show_records,
    show_wrapped,
)
from monitor.cli.session import Session, UsageError, feed_named, session
from monitor.text import counted, fold
from monitor.url import host_of, redact_url

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from monitor.config import Config
    from monitor.models import Entry, Feed
    from monitor.site import SavedSearch

Theme = Annotated[str, typer.Option(help="Only this theme.", metavar="THEME")]
Beat = Annotated[str, typer.Option(help="Only this beat.", metavar="BEAT")]
FeedOption = Annotated[
    str, typer.Option("--feed", help="Only this feed, by its address or title.", metavar="FEED")
]
Language = Annotated[str, typer.Option(help='Only this language: "en", "de", …', metavar="CODE")]
Since = Annotated[
    str, typer.Option(help="First seen since then: a date, `7d`, `12h`, `yesterday`.", metavar="TIME")
]
Until = Annotated[str, typer.Option(help="First seen up to then; a date counts whole.", metavar="TIME")]

# Columns that are an entry's handle's.
_MARGIN = 8
# Words shown around what was found.
_SNIPPET = 24


def register(app: typer.Typer) -> None:
    """Add these commands."""
    app.command()(entries)
    app.command()(search)


def entries(
    context: typer.Context,
    everything: Annotated[bool, typer.Option("--all", help="Also those that are not relevant.")] = False,
    theme: Theme = "",
    beat: Beat = "",
    feed: FeedOption = "",
    language: Language = "",
    since: Since = "",
    until: Until = "",
    limit: Limit = None,
    marked: Annotated[
        bool, typer.Option("--marked", help="Only those that you corrected with `mark`.")
    ] = False,
    jsonl: Annotated[bool, typer.Option("--jsonl", help="As labelled lines for `evaluate`.")] = False,
    csv: Csv = False,
    json: Json = False,
) -> None:
    """List stored entries, newest first: the relevant ones, or all.

    Example: monitor entries --since 7d --theme copyright
    """
    from monitor import followed

    current = session(context)
    with current.reading() as (config, store):
        feeds = followed.named(config, store)
        wanted = _filters(current, config, feeds, theme, beat, feed, language, since, until)
        # What was marked "not relevant" is a correction like any other.
        everything, wanted["marked"] = everything or marked, marked
        most = latest(limit, since, json, jsonl, csv)
        found = store.entries.listing(everything=everything, limit=most, **wanted)
        total = store.entries.count(everything=everything, **wanted)
        is_empty = not found and not store.entries.count(everything=True)
    if jsonl and show_records((labelled(entry, feeds) for entry in found), jsonl=True, json=json, csv=csv):
        return
    if show_records(map(entry_json, found), json=json, csv=csv):
        return
    for entry in found:
        show_entry(entry, config, feeds)
    if is_empty:
        say("nothing is stored yet: `monitor poll` fetches the feeds")
    elif not found and marked:
        say("no marked entry matches")
    elif not found:
        say(
            "no stored entry matches"
            if everything
            else "no relevant entry matches; --all searches the others too"
        )
    say_rest(len(found), total, "entry", "entries")


def search(
    context: typer.Context,
    query: Annotated[
        str,
        typer.Argument(
            help='Words; "words in quotes" stand together; strike* begins a word.', metavar="QUERY"
        ),
    ] = "",
    saved: Annotated[
        str, typer.Option(help="A saved search of monitor.toml, instead of words.", metavar="NAME")
    ] = "",
    relevant: Annotated[bool, typer.Option("--relevant", help="Only relevant entries.")] = False,
    theme: Theme = "",
    beat: Beat = "",
    feed: FeedOption = "",
    language: Language = "",
    since: Since = "",
    until: Until = "",
    limit: Annotated[int, typer.Option(help="At most this many.", min=1, max=MOST, metavar="N")] = 50,
    jsonl: Jsonl = False,
    csv: Csv = False,
    json: Json = False,
) -> None:
    """Search the full text of all stored entries; relevant ones come first, then the best matches.

    Umlauts, ß and accents are found in every spelling: München, Muenchen, Munchen.

    Example: monitor search "strike* voice" --since 30d --language en
    """
    from monitor import followed, site

    if query and saved:
        raise UsageError("give words or --saved, not both")
    if not query and not saved:
        raise UsageError("give words to search for, or --saved with a name")
    current = session(context)
    with current.reading() as (config, store):
        feeds = followed.named(config, store)
        search = _saved(saved, config) if saved else site.SavedSearch(queries=(query,))
        theme = theme or search.theme
        wanted = _filters(current, config, feeds, theme, beat, feed, language, since, until)
        found = [
            entry
            for words in search.queries
            for entry in store.entries.search(words, limit=limit, everything=not relevant, **wanted)
        ]
    once = {entry.id: entry for entry in found}.values()
    # Of several queries too the relevant ones first.
    found = sorted(once, key=lambda entry: not entry.tagging.relevant)[:limit]
    query = " ".join(search.queries)
    if show_records(map(entry_json, found), json=json, jsonl=jsonl, csv=csv):
        return
    for entry in found:
        show_entry(entry, config, feeds, snippet(f"{entry.summary} {entry.content}", query))
    if not found:
        say("no stored entry contains all of these words" if query.strip() else "no words were given")
    elif len(found) == limit:
        say(f"only the first {counted(limit, 'entry', 'entries')}: --limit shows more")


def _saved(name: str, config: Config) -> SavedSearch:
    """Return the search that a configuration has under a name. Raises UsageError."""
    if name not in config.searches:
        known = values.likely(name, config.searches) if config.searches else "; monitor.toml names none"
        raise UsageError(f"there is no saved search {name!r}{known}")
    return config.searches[name]


def _filters(
    current: Session,
    config: Config,
    feeds: Mapping[str, Feed],
    theme: str,
    beat: str,
    feed: str,
    language: str,
    since: str,
    until: str,
) -> dict[str, Any]:
    """Read the options that both commands share. Raises UsageError for unknown names."""
    require_known("beat", beat, [label.slug for label in config.rules.beats])
    require_known("theme", theme, [label.slug for label in config.rules.themes])
    followed = [one.url for one in config.feeds]
    if feed and feed not in followed:
        named = feed_named(feed, feeds.values())
        if not named:
            strange = f"{redact_url(feed)} is not in feeds.toml{'' if followed else ', which is empty'}"
            if "://" not in feed:
                raise UsageError(f"no such feed: {strange}")
            # An address is mentioned but not refused: entries of a feed stay when it is no longer followed.
            say(strange)
        feed = named or feed
    return {
        "theme": theme,
        "beat": beat,
        "feed": feed,
        "language": language.lower(),
        "since": current.since(since, config.timezone),
        "until": current.until(until, config.timezone),
    }


def require_known(kind: str, slug: str, known: Sequence[str]) -> None:
    """Raise UsageError for an unknown beat or theme; "" stands for none."""
    if slug and slug not in known:
        raise UsageError(f"no such {kind}: {slug!r}{values.likely(slug, known)}")


def show_entry(entry: Entry, config: Config, feeds: Mapping[str, Feed], found: Text | None = None) -> None:
    """Print an entry for people: handle, date, labels, title, the words found in it, and its link."""
    about = labels_of((*entry.tagging.beats, *entry.tagging.themes), config)
    head = Text.assemble(
        f"{local(entry.published, config.timezone)}  {outlet_of(entry, feeds)}  ",
        (about or "not relevant", "cyan" if about else "dim"),
    )
    show_wrapped(head, indent=_MARGIN, first=Text(f"e{entry.id} ", "bold"))
    show_wrapped(entry.title, indent=_MARGIN)
    if found:
        show_wrapped(found, indent=_MARGIN)
    if entry.url:  # never wrapped: nobody could click a link that is cut in two
        show(Text.assemble(" " * _MARGIN, (entry.url, "dim")))


def labels_of(slugs: Iterable[str], config: Config) -> str:
    """Return beats and themes as the digest names them."""
    names = dict(config.labels)
    return ", ".join(names.get(slug, slug) for slug in slugs)


def snippet(text: str, query: str) -> Text | None:
    """Return the words around the first match of a query, with matches in bold; None without a match."""
    wanted = tuple(filter(None, (word.strip("\"*'.,;:()") for word in fold(query).split())))
    words = text.split()
    hits = {index for index, word in enumerate(words) if fold(word).strip("\"'.,;:()„“").startswith(wanted)}
    if not wanted or not hits:
        return None
    # A third before what was found: the rest of the sentence tells more than its beginning.
    start = max(min(hits) - _SNIPPET // 3, 0)
    shown = Text("… " if start else "", "dim")
    for index, word in enumerate(words[start : start + _SNIPPET], start):
        shown.append(word, "bold" if index in hits else "")
        shown.append(" ")
    shown.append("…" if start + _SNIPPET < len(words) else "")
    return shown


def outlet_of(entry: Entry, feeds: Mapping[str, Feed]) -> str:
    """Return the name of who published an entry, as the user knows it."""
    feed = feeds.get(entry.feed)
    return entry.outlet or (feed.title if feed else "") or host_of(entry.feed)


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
