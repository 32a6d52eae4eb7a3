"""Where passwords come from: the environment, a file of the reader's own, or systemd's credentials."""

from __future__ import annotations

import stat
from pathlib import Path
from typing import TYPE_CHECKING

from monitor.errors import ConfigError, Fault

if TYPE_CHECKING:
    from collections.abc import Mapping

_OTHERS = stat.S_IRWXG | stat.S_IRWXO


def read(*, env: str = "", file: str = "", folder: Path, environ: Mapping[str, str]) -> str:
    """Return the secret that the variable `env` or the file `file` holds; "" when neither is named.

    A relative `file` is one of systemd's credentials (`LoadCredential=`, in
    `$CREDENTIALS_DIRECTORY`) when there is one of that name, else relative to `folder`. A file that
    others may read is refused; systemd guards its own. Raises ConfigError, whose fault is placed at
    "password_env" or "password_file" and has no file name.
    """
    if env:
        return _from_environment(env, environ)
    if file:
        return _from_file(file, folder, environ.get("CREDENTIALS_DIRECTORY", ""))
    return ""


def _from_environment(name: str, environ: Mapping[str, str]) -> str:
    if not (secret := environ.get(name, "")):
        raise _fault("password_env", f"the environment variable {name} is not set")
    return secret


def _from_file(file: str, folder: Path, credentials: str) -> str:
    granted = Path(credentials, file) if credentials and not Path(file).is_absolute() else None
    try:
        if granted is not None and granted.is_file():
            return _first_line(granted)
        path = folder / Path(file).expanduser()
        if path.stat().st_mode & _OTHERS:
            raise _fault("password_file", f"others can read {path}: run chmod 600 on it")
        return _first_line(path)
    except OSError as error:
        raise _fault("password_file", f"cannot read {file}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise _fault("password_file", f"{file} is not UTF-8 text") from error


def _first_line(path: Path) -> str:
    lines = path.read_text("utf-8").splitlines()
    if not lines or not lines[0]:
        raise _fault("password_file", f"{path.name} is empty")
    return lines[0]


def _fault(place: str, message: str) -> ConfigError:
    return ConfigError([Fault("", place, message)])
