"""Where passwords come from: the environment, a file of the user's, or a systemd credential.

Takes the name of a variable or file and gives its content; raises ConfigError and never shows a secret.
"""

from __future__ import annotations

import stat
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from monitor import values
from monitor.errors import ConfigError, Fault

if TYPE_CHECKING:
    from collections.abc import Mapping

_OTHERS = stat.S_IRWXG | stat.S_IRWXO
_ENTER = stat.S_IXGRP | stat.S_IXOTH
_WRITE = stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH
# Only these: a password may well end in a blank.
_LINE_ENDS = "\r\n"


@dataclass(frozen=True, slots=True)
class Secrets:
    """Where the secrets of one configuration are looked for: its folder and the environment."""

    folder: Path
    environ: Mapping[str, str] = field(repr=False)

    def read(self, name: str, *, env: str, file: str) -> str:
        """Return the secret of that name, "" when neither place is named. Raises ConfigError."""
        return read(name, env=env, file=file, folder=self.folder, environ=self.environ)


def read(name: str, *, env: str = "", file: str = "", folder: Path, environ: Mapping[str, str]) -> str:
    """Return the secret that the variable `env` or the file `file` holds; "" when neither is named.

    A relative `file` is a systemd credential (`LoadCredential=`, in `$CREDENTIALS_DIRECTORY`) if there is one
    of that name, and otherwise relative to `folder`. A file that others may read is refused unless they
    cannot get to it: systemd guards its credentials, a container its /run/secrets, and a directory that only
    its owner may enter guards what is in it. Raises ConfigError, whose fault names no file and has the place
    `<name>_env` or `<name>_file`.
    """
    try:
        if env:
            return _from_environment(env, environ)
        return _from_file(file, folder, environ.get("CREDENTIALS_DIRECTORY", "")) if file else ""
    except ValueError as error:
        raise ConfigError([Fault("", f"{name}_{'env' if env else 'file'}", str(error))]) from error


def _from_environment(variable: str, environ: Mapping[str, str]) -> str:
    if not (secret := environ.get(variable, "").strip(_LINE_ENDS)):
        raise ValueError(f"the environment variable {variable} is not set")
    return secret


def _from_file(file: str, folder: Path, credentials: str) -> str:
    granted = Path(credentials, file) if credentials and not Path(file).is_absolute() else None
    try:
        if granted is not None and granted.is_file():
            return _content(granted)
        path = folder / values.path(file)
        if path.stat().st_mode & _OTHERS and not _is_out_of_reach(path.resolve()):
            raise ValueError(f"others can read {path}: run chmod 600 on it")
        return _content(path)
    except OSError as error:
        raise ValueError(f"cannot read {file}: {error.strerror}") from error


def _is_out_of_reach(path: Path) -> bool:
    """Say whether other users cannot get to a file although its mode lets them read it.

    Containers pass secrets with mode 0444 on a file system where nobody can chmod. A file that its owner may
    write is not such a case: it can be made private, and should be.
    """
    if path.is_relative_to("/run/secrets"):
        return True
    return not path.stat().st_mode & _WRITE and not path.parent.stat().st_mode & _ENTER


def _content(path: Path) -> str:
    """Read a secret without what editors add: a byte order mark at the start, line ends at the end."""
    try:
        secret = path.read_bytes().decode("utf-8-sig").rstrip(_LINE_ENDS)
    except UnicodeDecodeError as error:
        raise ValueError(f"{path.name} is not UTF-8 text") from error
    if not secret:
        raise ValueError(f"{path.name} is empty")
    return secret
