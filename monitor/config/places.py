"""Where the configuration is found, and the starter configuration that `init` writes."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from platformdirs import user_config_path

from monitor import values
from monitor.errors import ConfigError, Fault

if TYPE_CHECKING:
    from collections.abc import Mapping

FILES = ("monitor.toml", "feeds.toml", "themes.toml")
TOPIC: Final = Path(__file__).resolve().parents[1] / "topic"
"""What is shipped and upgraded with the package: the curated feeds, the themes, the files of 1.0."""


def find(chosen: Path | None, environ: Mapping[str, str], *, here: Path) -> Path:
    """Find the configuration directory: `chosen`, else $MONITOR_CONFIG, else ./config, else the user's.

    The directory need not exist. For one of its files, its directory is taken. `./config` counts only if it
    holds a monitor.toml. Raises ConfigError for a name that cannot be a path.
    """
    if named := environ.get("MONITOR_CONFIG", "") if chosen is None else str(chosen):
        try:
            found = values.path(named)  # the shell has put `~` in its place, systemd and cron have not
        except ValueError as error:
            raise ConfigError([Fault(named, "", str(error))]) from error
        return found.parent if found.name in FILES and os.path.isfile(found) else found  # noqa: PTH113 - never raises
    # Only with a monitor.toml in it: many projects have a folder of that name.
    if (here / "config" / FILES[0]).is_file():
        return here / "config"
    return user_config_path("monitor", appauthor=False)


def is_configured(directory: Path) -> bool:
    """Tell whether a directory holds a configuration: one of the files is enough."""
    return any((directory / name).is_file() for name in FILES)


def require(directory: Path) -> None:
    """Raise ConfigError if there is no configuration: an empty folder is more likely a mistyped name."""
    if not is_configured(directory):
        raise ConfigError(
            [Fault(str(directory), "", "no configuration here; `monitor setup` or `monitor init` writes one")]
        )


def starter() -> Path:
    """Return the starter configuration's directory: beside the code when installed, else the checkout's."""
    package = Path(__file__).resolve().parents[1]
    installed = package / "starter"
    return installed if installed.is_dir() else package.parent / "config"


class Starter(NamedTuple):
    """What happened to the starter's files."""

    written: list[Path]
    kept: list[Path]
    """They existed already and were left alone."""


def write_starter(directory: Path) -> Starter:
    """Copy the starter configuration.

    Raises ConfigError when the directory cannot be written.
    """
    written: list[Path] = []
    kept: list[Path] = []
    try:
        directory.mkdir(parents=True, exist_ok=True)
        for name in FILES:
            target = directory / name
            try:
                # "x": between a look and the writing somebody may have made the file.
                with target.open("x", encoding="utf-8") as file:
                    file.write((starter() / name).read_text(encoding="utf-8"))
                written.append(target)
            except FileExistsError:
                kept.append(target)
    except OSError as error:
        raise ConfigError([Fault(str(directory), "", f"cannot be written: {error.strerror}")]) from error
    return Starter(written, kept)
