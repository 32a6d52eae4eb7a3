"""Back up everything that belongs to the user into one file, and restore it.

A file name that ends in .tar, .tar.gz or .tgz takes the database, the configuration and the digests; any
other name takes only a copy of the database, as in version 1.0. Secrets are not part of a backup: they come
from the environment or from files of their own. Takes a Config and a Store, gives files; raises StoreError
and ConfigError.
"""

from __future__ import annotations

import io
import json
import shutil
import tarfile
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

from monitor import __version__
from monitor import store as store_package
from monitor.config import FILES, load
from monitor.digest import FORMATS
from monitor.disk import replacing, scratch
from monitor.errors import ConfigError, StoreError
from monitor.lock import sole_sender

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from monitor.config import Config
    from monitor.store import Store

DATABASE: Final = "data/monitor.db"
_CONFIG: Final = "config"
_DIGESTS: Final = "digests"
_NOTE: Final = "backup.json"
_ARCHIVES: Final = (".tar", ".tar.gz", ".tgz")
# How digests and the pages over them end. The folder is the user's: the database may lie in it, a password,
# earlier backups, the Thumbs.db of a file server.
_WRITTEN: Final = frozenset(
    {f".{one.suffix}" for one in FORMATS.values()} | {".html", ".css", ".js", ".json"}
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Restored:
    """What came back, and what was there and stayed."""

    written: tuple[Path, ...]
    kept: tuple[Path, ...]
    set_aside: tuple[Path, ...]
    """What was there before, under its new name."""
    made_at: datetime | None
    """When the backup was made; None for a plain copy of the database."""


def takes_everything(target: Path) -> bool:
    """Say whether a backup of this name holds more than the database."""
    return target.name.endswith(_ARCHIVES)


def write(config: Config, store: Store, target: Path, *, now: datetime) -> list[str]:
    """Write a backup, complete or not at all, that only its owner can read; return what is in it.

    An earlier backup there is replaced, any other file is left alone. Raises StoreError.
    """
    if target.exists() and takes_everything(target) and not _is_ours(target):
        raise StoreError(f"{target} exists and is not a backup: give another name, or remove it")
    # As in version 1.0, whose cron lines must go on working.
    if not takes_everything(target):
        store.backup(target)
        return [DATABASE]
    try:
        with replacing(target, private=True) as draft, scratch(target) as copy:
            store.backup(copy)
            with draft.open("wb") as file:
                names = _pack(config, copy, file, now, compressed=not target.name.endswith(".tar"))
    except OSError as error:
        raise StoreError(f"the backup {target} cannot be written: {error.strerror}") from error
    return names


def _is_ours(target: Path) -> bool:
    try:
        with tarfile.open(target) as archive:
            first = archive.next()
            return first is not None and first.name == _NOTE
    except (tarfile.TarError, OSError, EOFError):
        return False


def _pack(
    config: Config, database: Path, file: io.BufferedWriter, now: datetime, *, compressed: bool
) -> list[str]:
    note = {"made_at": f"{now:%Y-%m-%dT%H:%M:%SZ}", "version": __version__}
    # What a link in the configuration leads to, and not the link: elsewhere it would lead nowhere.
    mode: Literal["w:gz", "w"] = "w:gz" if compressed else "w"
    with tarfile.open(fileobj=file, mode=mode, dereference=True) as archive:
        content = json.dumps(note).encode()
        member = tarfile.TarInfo(_NOTE)
        member.size = len(content)
        archive.addfile(member, io.BytesIO(content))
        for name, path in _files(config, database):
            archive.add(path, name, recursive=False)
        return [name for name in archive.getnames() if name != _NOTE]


def _files(config: Config, database: Path) -> Iterator[tuple[str, Path]]:
    """Name what goes in, without links among the digests: they might lead to what is nobody's backup."""
    yield DATABASE, database
    for name in FILES:
        if (config.directory / name).is_file():
            yield f"{_CONFIG}/{name}", config.directory / name
    folder = config.files.output_dir
    for path in sorted(folder.rglob("*")) if folder.is_dir() else ():
        if path.is_file() and not path.is_symlink() and path.suffix in _WRITTEN:
            yield f"{_DIGESTS}/{path.relative_to(folder).as_posix()}", path


def restore(source: Path, directory: Path, *, replace: bool = False) -> Restored:
    """Bring a backup back into a configuration directory: its database, then configuration and digests.

    What is there stays: a database in the way is refused, a file of the configuration or a digest kept. With
    `replace` what differs is set aside first, under a name that ends in ".before", also a configuration that
    does not load. Raises BusyError where a service is at work, StoreError and ConfigError.
    """
    with suppress(ConfigError), sole_sender(load(directory).data_dir):
        pass  # before anything is set aside
    try:
        if not source.stat().st_size:  # SQLite would take an empty file for an empty database
            raise StoreError(f"{source} is empty")
        with ExitStack() as stack:
            if not tarfile.is_tarfile(source):
                # Before the configuration is looked for: it may be in the backup that was meant.
                if not store_package.is_database(source):
                    raise StoreError(
                        f"{source} is not a backup made by monitor: neither an archive nor a database"
                    )
                config = load(directory)
                with sole_sender(config.data_dir):
                    written, aside = _place_database(source, config.database, replace=replace)
                return Restored(written=(written,), kept=(), set_aside=aside, made_at=None)
            archive = stack.enter_context(tarfile.open(source))
            scratch = Path(stack.enter_context(TemporaryDirectory()))
            members = _unpack(archive, scratch)
            if DATABASE not in members:
                raise StoreError(f"{source} is not a backup made by monitor: it holds no {DATABASE}")
            return _bring_back(members, directory, replace=replace)
    except (tarfile.TarError, EOFError, UnicodeDecodeError, ValueError) as error:
        raise StoreError(f"{source} is damaged: {error}") from error
    except OSError as error:
        raise StoreError(f"{error.filename or source} cannot be read or written: {error.strerror}") from error


def _unpack(archive: tarfile.TarFile, scratch: Path) -> dict[str, Path]:
    """Unpack what a backup may hold, and nothing else: plain files under names of ours, never outside."""
    found = {}
    for number, member in enumerate(archive):
        path = PurePosixPath(member.name)
        # By name, one by one: a backup may come from anywhere, and tar knows absolute paths, links and "..".
        ours = member.name in {_NOTE, DATABASE, *(f"{_CONFIG}/{name}" for name in FILES)}
        digest = path.parts[:1] == (_DIGESTS,) and not path.is_absolute() and ".." not in path.parts
        content = archive.extractfile(member) if member.isreg() and (ours or digest) else None
        if content is not None:
            found[member.name] = scratch / str(number)
            with found[member.name].open("wb") as file:
                shutil.copyfileobj(content, file)
    return found


def _bring_back(members: dict[str, Path], directory: Path, *, replace: bool) -> Restored:
    """Place the configuration first: it says where the database and the digests belong."""
    made_at = _made_at(members)
    directory.mkdir(parents=True, exist_ok=True)
    found = ((members.get(f"{_CONFIG}/{name}"), directory / name) for name in FILES)
    settings = _place([(source, target) for source, target in found if source], replace=replace)
    config = load(directory)
    folder = config.files.output_dir
    with sole_sender(config.data_dir):
        database, aside = _place_database(members[DATABASE], config.database, replace=replace)
        digests = _place(
            [
                (source, folder.joinpath(*PurePosixPath(name).parts[1:]))
                for name, source in members.items()
                if name.startswith(f"{_DIGESTS}/")
            ],
            replace=replace,
        )
    return Restored(
        written=(*settings.written, database, *digests.written),
        kept=settings.kept + digests.kept,
        set_aside=settings.set_aside + aside + digests.set_aside,
        made_at=made_at,
    )


def _made_at(members: dict[str, Path]) -> datetime | None:
    """Return when a backup was made; None where it does not say. Raises ValueError, StoreError."""
    note = json.loads(members[_NOTE].read_text("utf-8")) if _NOTE in members else {}
    if not isinstance(note, dict):
        raise StoreError(f"{_NOTE} in it is not what `backup` writes")
    return datetime.fromisoformat(str(note["made_at"])) if "made_at" in note else None


class _Placed(NamedTuple):
    """What became of files."""

    written: tuple[Path, ...]
    kept: tuple[Path, ...]
    set_aside: tuple[Path, ...]


def _place(pairs: Iterable[tuple[Path, Path]], *, replace: bool) -> _Placed:
    """Bring files to their places; what is there under their names is kept, or set aside to `replace` it."""
    written, kept, aside = list[Path](), list[Path](), list[Path]()
    for source, named in pairs:
        target = named.resolve()  # behind a link both: what is set aside, and what takes its place
        if target.exists() and target.read_bytes() == source.read_bytes():
            continue
        if target.exists() and not replace:
            kept.append(target)
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        with replacing(target) as draft:
            shutil.copyfile(source, draft)
            aside += _set_aside(target)
        written.append(target)
    return _Placed(tuple(written), tuple(kept), tuple(aside))


def _place_database(source: Path, named: Path, *, replace: bool) -> tuple[Path, tuple[Path, ...]]:
    """Bring a database to its place; return that, and what was set aside. Raises StoreError."""
    target = named.resolve()
    if target.exists() and not replace:
        raise StoreError(f"{target} already exists: --replace sets it aside first")
    target.parent.mkdir(parents=True, exist_ok=True)
    with replacing(target, private=True) as draft:
        shutil.copyfile(source, draft)
        # Looked over, and brought up to date, before it takes the other's place.
        with store_package.open(draft) as opened:
            opened.check()
        aside = _set_aside(target)
    return target, tuple(aside)


def _set_aside(target: Path) -> list[Path]:
    """Give what is in the way a name that nothing has yet, a database with its write-ahead log.

    A log goes also where its database is gone: SQLite would play it into whatever takes that place.
    """
    there = [ending for ending in ("", "-wal", "-shm") if _beside(target, ending).exists()]
    number, new = 2, _beside(target, ".before")
    while any(_beside(new, ending).exists() for ending in there):
        number, new = number + 1, _beside(target, f".before-{number}")
    return [_beside(target, ending).rename(_beside(new, ending)) for ending in there][:1]


def _beside(path: Path, ending: str) -> Path:
    return path.with_name(path.name + ending)
