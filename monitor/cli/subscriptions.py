"""`feeds`: the subscription list."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from monitor import values
from monitor.cli.output import say, show, show_json
from monitor.cli.session import UsageError, session
from monitor.errors import MonitorError
from monitor.models import Feed
from monitor.url import redact_url

app = typer.Typer(help="The subscription list: feeds.toml.", no_args_is_help=True, rich_markup_mode=None)


@app.command("list")
def list_feeds(
    context: typer.Context,
    json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> None:
    """List the feeds."""
    feeds = session(context).config().feeds
    if json:
        show_json(
            [
                {
                    "url": redact_url(feed.url),
                    "title": feed.title,
                    "language": feed.language,
                    "tags": list(feed.tags),
                    "family": feed.family,
                    "enabled": feed.enabled,
                }
                for feed in feeds
            ]
        )
        return
    show(
        *(
            f"{redact_url(feed.url)}  {feed.title}{'' if feed.enabled else '  (off)'}".rstrip()
            for feed in feeds
        )
    )


@app.command()
def add(
    context: typer.Context,
    url: Annotated[str, typer.Argument(help="The feed's address.")],
    title: Annotated[str, typer.Option(help="How the digest names it.")] = "",
    language: Annotated[str, typer.Option(help='"en", "de", …')] = "",
) -> None:
    """Add a feed to feeds.toml."""
    from monitor.config import subscriptions

    try:
        feed = Feed(url=values.web_address(url), title=values.text(title), language=values.language(language))
    except ValueError as error:
        raise UsageError(str(error)) from None
    added, _ = subscriptions.add(session(context).directory, [feed])
    show(f"added {redact_url(url)}" if added else f"{redact_url(url)} is in the list already")
    session(context).config()


@app.command()
def remove(context: typer.Context, url: Annotated[str, typer.Argument(help="The feed's address.")]) -> None:
    """Take a feed out of feeds.toml; its entries stay in the archive."""
    from monitor.config import subscriptions

    if not subscriptions.remove(session(context).directory, url):
        raise MonitorError(f"{redact_url(url)} is not in the list")
    show(f"removed {redact_url(url)}")


@app.command("import")
def import_opml(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="An OPML file.", exists=True, dir_okay=False)],
) -> None:
    """Add the feeds of an OPML file."""
    from monitor.config import subscriptions
    from monitor.parse.feedlist import read_opml

    good: list[Feed] = []
    for feed in read_opml(file.read_bytes()):
        try:
            good.append(replace(feed, url=values.web_address(feed.url)))
        except ValueError as error:
            say(f"left out {redact_url(feed.url)}: {error}")
    added, present = subscriptions.add(session(context).directory, good)
    show(f"added {len(added)} feeds; {len(present)} were in the list already")


@app.command()
def export(
    context: typer.Context,
    file: Annotated[Path | None, typer.Argument(help="Default: standard output.")] = None,
) -> None:
    """Write the feeds as OPML; credentials in addresses are masked."""
    from monitor.parse.feedlist import write_opml

    feeds = [replace(feed, url=redact_url(feed.url)) for feed in session(context).config().feeds]
    text = write_opml(feeds, title="monitor")
    if file is None:
        show(text.rstrip("\n"))
        return
    file.write_text(text, encoding="utf-8")
    say(f"wrote {len(feeds)} feeds to {file}")


@app.command()
def discover(context: typer.Context, url: Annotated[str, typer.Argument(help="A page of the site.")]) -> None:
    """Find the feeds of a site."""
    from monitor import fetch
    from monitor.parse import feedlist

    _require_http(url)
    config = session(context).config()

    async def page() -> tuple[str, ...]:
        async with fetch.Fetcher(config.fetch) as fetcher:
            response = await fetcher.get(url)
        if response.error:
            raise MonitorError(f"{redact_url(url)}: {response.error}")
        return feedlist.discover(response.body.decode("utf-8", "replace"), response.url)

    found = asyncio.run(page())
    if not found:
        raise MonitorError(f"{redact_url(url)} names no feed")
    show(*found)


def _require_http(url: str) -> None:
    try:
        values.web_address(url)
    except ValueError as error:
        raise UsageError(str(error)) from None
