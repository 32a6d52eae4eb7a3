"""`why`: the first question of every user, answered in five lines by the package `why`."""

from __future__ import annotations

from typing import Annotated, Final

import typer
from rich.text import Text

from monitor.cli.output import Json, show, show_json, show_wrapped
from monitor.cli.session import UsageError, session

_QUESTIONS: Final = {
    "followed": "Followed",
    "known": "Seen",
    "chosen": "Chosen",
    "reported": "Reported",
    "instead": "To change it",
}


def register(app: typer.Typer) -> None:
    """Add this command."""
    app.command()(why)


def why(
    context: typer.Context,
    asked: Annotated[
        str,
        typer.Argument(
            help="An address, an entry (e12), a story (s4), or a headline.", metavar="URL|ENTRY|TEXT"
        ),
    ],
    json: Json = False,
) -> None:
    """Say in five lines why something was or was not reported, and what would have caught it.

    Example: monitor why https://outlet.example/2024/12/10/story.html
    """
    from monitor import why as package

    if not asked.strip():
        raise UsageError("ask about an address, an entry such as e12, or a headline")
    current = session(context)
    with current.reading() as (config, store):
        answer = package.ask(config, store, asked, now=current.now())
    if json:
        show_json(answer.to_dict())
        return
    if answer.title:
        show(Text.assemble((f"e{answer.entry}  " if answer.entry else "", "bold"), answer.title))
    width = max(map(len, _QUESTIONS.values())) + 2
    for line in answer.lines:
        show_wrapped(line.text, indent=width, first=Text(f"{_QUESTIONS[line.question]}:", "cyan"))
