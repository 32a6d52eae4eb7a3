"""`serve`: the page to read in and to correct, for a browser on this machine."""

from __future__ import annotations

import threading
import webbrowser
from typing import Annotated, Final

import typer

from monitor.cli.output import say, show
from monitor.cli.session import session

_PORT: Final = 8733


def register(app: typer.Typer) -> None:
    """Add this command."""
    app.command()(serve)


def serve(
    context: typer.Context,
    port: Annotated[
        int,
        typer.Option(
            help="Where it listens on 127.0.0.1; 0 is any free one.", min=0, max=65535, metavar="PORT"
        ),
    ] = _PORT,
    open_: Annotated[bool, typer.Option("--open", help="Open it in the browser.")] = False,
) -> None:
    """Read, search, ask why and correct in a browser on this machine, until Ctrl-C.

    Nobody else can reach it: it listens on the machine's own address alone.

    Example: monitor serve --open
    """
    from monitor import web

    current = session(context)
    current.config()  # a fault of it is told here, and not in the browser
    with web.listen(port) as taken:
        address = f"http://127.0.0.1:{taken.getsockname()[1]}/"
        show(address)
        if not current.quiet:
            say("It is there until Ctrl-C.")
        if open_:
            # In a thread: a browser in the terminal keeps who opened it waiting.
            threading.Thread(target=webbrowser.open, args=[address], daemon=True).start()
        web.serve(current, taken)
