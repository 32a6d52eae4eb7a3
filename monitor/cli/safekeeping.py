"""`backup`, `restore`: everything that belongs to the user in one file, and back."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from monitor.cli.output import local, say, show, working
from monitor.cli.session import UsageError, session
from monitor.errors import MonitorError
from monitor.text import counted


def register(app: typer.Typer) -> None:
    """Add these commands."""
    app.command()(backup)
    app.command()(restore)


def backup(
    context: typer.Context,
    file: Annotated[
        Path,
        typer.Argument(
            help="NAME.tar.gz for everything, NAME.db for the database alone.", metavar="FILE", dir_okay=False
        ),
    ],
) -> None:
    """Back up the database, configuration and digests; the service may run meanwhile.

    Secrets are not in it: keep the files and variables that hold them yourself.

    Example: monitor backup monitor-2024-12-10.tar.gz
    """
    from monitor import backups

    current = session(context)
    if not file.name:
        raise UsageError("give the backup a name, such as monitor.tar.gz")
    if not current.config().database.exists():
        raise MonitorError("there is no database yet; run `monitor poll` first")
    with current.reading() as (config, store), working("copying", quiet=current.quiet):
        there = file.exists()
        names = backups.write(config, store, file, now=current.now())
    show(f"wrote {file}: {counted(len(names), 'file')}{', over the earlier one' if there else ''}")
    if not backups.takes_everything(file):
        say("hint: this is only the database; a name in .tar.gz takes configuration and digests too")


def restore(
    context: typer.Context,
    file: Annotated[
        Path, typer.Argument(help="A file that `backup` wrote.", metavar="FILE", exists=True, dir_okay=False)
    ],
    replace: Annotated[
        bool, typer.Option("--replace", help="Set aside existing files; without it, they are kept.")
    ] = False,
) -> None:
    """Restore a backup: database, configuration and digests. Stop the service first.

    Example: monitor --config ~/monitor restore monitor-2024-12-10.tar.gz
    """
    from monitor import backups

    current = session(context)
    with working("bringing back", quiet=current.quiet):
        done = backups.restore(file, current.directory, replace=replace)
    loaded = current.config()
    show(*(f"kept  {path} (it was there; --replace sets it aside)" for path in done.kept))
    show(*(f"set aside {path}" for path in done.set_aside))
    made = f", as of {local(done.made_at, loaded.timezone)}" if done.made_at else ""
    show(f"restored {counted(len(done.written), 'file')} to {current.directory}{made}")
    say(
        f"Next: put back the secrets, then `{current.program} check`. The backup does not hold what was "
        "told after it was made: the next digest tells it again.",
    )
