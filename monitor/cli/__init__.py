"""The commands of the monitor; the only package that prints. Each module holds the commands of one concern.

Heavy libraries are imported inside the commands that need them, and of the modules here only the one with the
command in question, so that `--help` answers at once.
"""

from __future__ import annotations

import gc
import sys
from importlib import import_module
from itertools import pairwise, takewhile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from monitor.cli import helping
from monitor.cli.ending import ending, open_streams
from monitor.cli.session import Session, UsageError, clock

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

COMMANDS: Final = {
    "configuration": ("config",),
    "digests": ("digest", "digests"),
    "entries": ("entries", "search"),
    "evaluating": ("evaluate", "tag"),
    "export": ("export",),
    "health": ("status",),
    "report": ("report",),
    "running": ("demo", "poll", "replay", "run"),
    "safekeeping": ("backup", "restore"),
    "serving": ("serve",),
    "setup": ("check", "init"),
    "stories": ("stories",),
    "subscriptions": ("feeds",),
    "tagging": ("explain", "learn", "mark", "retag", "themes"),
    "why": ("why",),
    "wizard": ("setup",),
}
"""The modules here, and which commands each registers."""


def application(asked: Collection[str] = ()) -> typer.Typer:
    """Make the program with the modules of the commands in `asked`, or with all of them.

    Loading all of them, and reading the options of forty commands, takes a tenth of a short command's time.
    """
    app = typer.Typer(
        name="monitor",
        cls=helping.Grouped,
        help="Watches news feeds for stories about Sora and about AI and creative labour; one digest a day."
        "\n\n`monitor COMMAND --help` explains each command; begin with `monitor setup`.",
        no_args_is_help=True,
        # Otherwise "[a word]" in a help text would be taken for a style.
        rich_markup_mode=None,
        # Errors are handled in `ending`: a frame around a traceback makes it hard to log and to report.
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(options)
    for module in [one for one, names in COMMANDS.items() if not set(names).isdisjoint(asked)] or COMMANDS:
        import_module(f"{__name__}.{module}").register(app)
    return app


def _version(wanted: bool) -> None:
    if wanted:
        from monitor import __version__

        sys.stdout.write(f"monitor {__version__}\n")
        raise typer.Exit


def options(
    context: typer.Context,
    config: Annotated[
        Path | None, typer.Option(help="Configuration directory.", metavar="DIR", show_default=False)
    ] = None,
    now: Annotated[
        str, typer.Option(help="Set the clock (ISO 8601), to replay past days.", metavar="TIME")
    ] = "",
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Say more, on standard error.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Say only what went wrong.")] = False,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Take the global options."""
    del version
    if verbose and quiet:
        raise UsageError("--verbose and --quiet exclude each other")
    context.obj = Session(
        chosen_directory=config, fixed_now=clock(now) if now else None, verbose=verbose, quiet=quiet
    )


def main() -> None:
    """Run the command line: exit 0 done, 1 not done, 2 wrong usage or configuration, 130 interrupted."""
    open_streams()
    # Modules, rules and entries never become cyclic garbage: looking for it took a sixth of each command's
    # time.
    gc.freeze()
    gc.set_threshold(20_000, 20, 100)
    gc.enable()
    with ending():
        arguments = sys.argv[1:]
        _refuse_empty(arguments)
        application(_named(arguments))()


def _named(arguments: Sequence[str]) -> list[str]:
    """Return the arguments among which the command may be, without the values of --config and --now.

    A configuration folder named `report` is not the command. Nothing after `--help` counts: `monitor --help
    list` is about all commands.
    """
    words = (word for option, word in pairwise(["", *arguments]) if option not in {"--config", "--now"})
    return list(takewhile(lambda word: word not in {"-h", "--help"}, words))


def _refuse_empty(arguments: Sequence[str]) -> None:
    """Refuse options with an empty value. Raises UsageError.

    `retag --since "$DAY"` in a script that never set DAY would mean everything, and `--now ""` would mean
    today.
    """
    for option, value in pairwise(["", *takewhile(lambda argument: argument != "--", arguments)]):
        name, equals, text = value.partition("=")
        if (option.startswith("-") and not value) or (name.startswith("--") and equals and not text):
            raise UsageError(f"{name or option} has an empty value")
