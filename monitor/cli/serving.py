"""`serve`: the reading page, to read and correct in a browser on this machine."""

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
            help="The port on 127.0.0.1; 0 takes any that is free.", min=0, max=65535, metavar="PORT"
        ),
    ] = _PORT,
    open_: Annotated[bool, typer.Option("--open", help="Open it in the browser.")] = False,
) -> None:
    """Read, search, ask why and correct in a browser on this machine, until Ctrl-C.

    Nobody else can reach it: it listens only on the machine's own address.

    Example: monitor serve --open
    """
    from monitor import web

    current = session(context)
    current.config()  # its faults are reported here, and not in the browser
    with web.listen(port) as taken:
        address = f"http://127.0.0.1:{taken.getsockname()[1]}/"
        show(address)
        if not current.quiet:
            say("It runs until Ctrl-C.")
        if open_:
            # In a thread, because a browser in the terminal does not return until it is closed.
            threading.Thread(target=webbrowser.open, args=[address], daemon=True).start()
        web.serve(current, taken)
