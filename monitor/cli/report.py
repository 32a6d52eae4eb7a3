"""`report`: an overview of a period on one page, for a meeting or an article."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from monitor.cli.entries import require_known
from monitor.cli.output import Output, is_file, results, say
from monitor.cli.session import UsageError, session
from monitor.errors import raise_unexpected

if TYPE_CHECKING:
    from collections.abc import Sequence

    from monitor.store import Culprit

FORMATS = ("md", "html", "json")
_USUAL = timedelta(days=90)


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(report)


def report(
    context: typer.Context,
    since: Annotated[str, typer.Option(help="From then on; default: the last 90 days.", metavar="TIME")] = "",
    until: Annotated[str, typer.Option(help="Up to then; a date counts whole.", metavar="TIME")] = "",
    theme: Annotated[str, typer.Option(help="Only stories with this theme.", metavar="THEME")] = "",
    format_: Annotated[
        str, typer.Option("--format", help=f"One of {', '.join(FORMATS)}.", metavar="FORMAT")
    ] = "md",
    output: Output = None,
) -> None:
    """Print an overview of a period: affairs, what is pending, themes over time, who reported most.

    Example: monitor report --since 30d --format md -o month.md
    """
    from monitor import digest_output
    from monitor.site import period

    current = session(context)
    if format_ not in FORMATS:
        raise UsageError(f"no such format: {format_!r}; there are {', '.join(FORMATS)}")
    with current.reading() as (config, store):
        require_known("theme", theme, [label.slug for label in config.rules.themes])
        window = current.window(since, until, config.timezone, usual=_USUAL)

        def made(faults: Sequence[Culprit]) -> tuple[str, Sequence[Culprit]]:
            site = digest_output.site_of(config, store).without(faults)
            found = digest_output.period(
                config, store, site, since=window.start, until=window.end, theme=theme
            )
            if format_ == "json":
                return json.dumps(period.to_dict(found), ensure_ascii=False, indent=2) + "\n", faults
            text = period.to_html(found, site) if format_ == "html" else period.to_markdown(found, site)
            return text, faults

        text, faults = store.without_culprits(made)
    with results(output) as file:
        file.write(text)
    if is_file(output):
        say(f"wrote {output}")
    raise_unexpected("making the report", [fault.bug for fault in faults])
