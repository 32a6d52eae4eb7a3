"""`config`: what the user has changed in the configuration, and upgrading an older one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from monitor.cli.helping import Whole
from monitor.cli.output import say, show, show_prose
from monitor.cli.session import session
from monitor.disk import replacing, write_atomically
from monitor.errors import ConfigError, Fault
from monitor.lock import sole_editor

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

config_app = typer.Typer(
    help="Show what you have changed in the configuration, or upgrade an older one.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


def register(app: typer.Typer) -> None:
    """Add these commands."""
    app.add_typer(config_app, name="config", cls=Whole)


@config_app.command()
def diff(context: typer.Context) -> None:
    """Show what you have changed from what comes with monitor: settings, feeds, phrases.

    Example: monitor config diff
    """
    from monitor.config import FILES, own
    from monitor.toml import TomlDocument

    current = session(context)
    config = current.config()
    # Of a file of 1.0 what is the user's in it: it differs from what is shipped today in thousands of lines.
    lifted = dict(_lifted(current.directory))
    for name, differences in zip(FILES, (own.settings, own.subscriptions, own.phrases), strict=True):
        path = current.directory / name
        is_old = path in lifted
        document = TomlDocument(name, lifted[path]) if is_old else TomlDocument.read(path)
        show(f"{name}{', as `monitor config upgrade` would write it' if is_old else ''}:")
        for line in list(differences(document)) or ["nothing of your own"]:
            # An address stays whole, to be copied.
            (show if "://" in line else show_prose)(f"  {line}")
    say(*(f"hint: {hint}" for hint in config.hints))


@config_app.command()
def upgrade(
    context: typer.Context,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what would be written.")] = False,
) -> None:
    """Upgrade a configuration of version 1.0: your changes stay, and the rest comes with monitor from now on.

    The old files are kept beside the new ones as FILE.1.0.

    Example: monitor config upgrade
    """
    from monitor.config import load

    directory = session(context).directory
    before = {feed.url for feed in load(directory).feeds if feed.enabled}
    with sole_editor(directory):
        lifted = dict(_lifted(directory))
        if not lifted:
            show("nothing to upgrade: these files are as version 1.1 reads them")
            return
        for path, text in lifted.items():
            if dry_run:
                show(f"{path}:", text)
            else:
                show(f"upgraded {path}; the old one is {_lift(path, text).name}")
    after = {feed.url for feed in load(directory).feeds if feed.enabled}
    if new := after - before:
        show(f"{len(new)} feeds are new: they belong to groups that you follow (`monitor feeds list`)")


def _lift(path: Path, text: str) -> Path:
    """Write the new file; return where the old one is kept. Raises ConfigError; the old file is then back."""
    from monitor.config import load
    from monitor.config.subscriptions import write

    kept, old = path.with_name(f"{path.name}.1.0"), path.read_bytes()
    try:
        # It may hold addresses with passwords in them.
        with replacing(kept, private=True) as draft:
            draft.write_bytes(old)
            draft.chmod(path.stat().st_mode & 0o777)
    except OSError as error:
        raise ConfigError([Fault(str(kept), "", f"cannot be written: {error.strerror}")]) from error
    write(path, text)
    # Loaded as every command would load it: if that fails, the old file is put back at once.
    try:
        load(path.parent)
    except ConfigError:
        write_atomically(path, old)
        raise
    return kept


def _lifted(directory: Path) -> Iterator[tuple[Path, str]]:
    from monitor.config import FILES
    from monitor.config.upgrade import lift_feeds, lift_settings, lift_themes

    for name, lift in zip(FILES, (lift_settings, lift_feeds, lift_themes), strict=True):
        path = directory / name
        text = lift(path.read_text(encoding="utf-8-sig")) if path.is_file() else None
        if text is not None:
            yield path, text
