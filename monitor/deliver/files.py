"""Write editions as files in a folder: whole or not at all, and only under names of our own making.

`Files` freezes the files of each digest. `Archive` stands for the pages over all digests, which are made from
the store when they are written: when they were frozen with each digest, the database grew with the square of
the days.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Mapping  # noqa: TC003 - config reads the annotations at run time
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from tempfile import TemporaryFile
from typing import TYPE_CHECKING, ClassVar, Final, Self

from monitor.disk import obstacle, write_atomically
from monitor.errors import DeliveryError, StoreError
from monitor.models import Delivery, is_digest_key
from monitor.setting_kinds import FilePath, Texts  # noqa: TC001 - config reads the annotations at run time

if TYPE_CHECKING:
    from datetime import datetime

    from monitor.deliver.secrets import Secrets
    from monitor.models import RenderedDigest

# Checked again although we made them: recipients come from the database, which others can write to.
_SAFE_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9.-]{0,99}")
_UNSAFE: Final = re.compile(r"[^A-Za-z0-9]+")


@dataclass(frozen=True, kw_only=True, slots=True)
class Settings:
    """Where editions are written, and in which formats."""

    TABLE: ClassVar[str] = "digest"

    formats: Texts = ("md", "html")
    """Files to write: {formats}."""
    output_dir: FilePath = Path("digests")
    """The folder: one file for each day and format, and an index.html over all days."""
    suffixes: Mapping[str, str] = field(default_factory=dict, hash=False)
    """The end of a format's file names, where it is not the format's name."""


@dataclass(frozen=True, slots=True)
class Files:
    """Writes `2026-11-23.md` and its like, one delivery a file."""

    settings: Settings
    name: ClassVar[str] = "files"
    latest_only: ClassVar[bool] = False
    declared: ClassVar[type[Settings]] = Settings

    @classmethod
    def of(cls, settings: Settings, secrets: Secrets) -> Self:
        """Make the channel; it needs no secret."""
        del secrets
        return cls(settings)

    def missing(self) -> str:
        """Say why the folder cannot be written; "" when it can."""
        return unwritable(self.settings.output_dir)

    async def check(self) -> str:
        """Say where the files will be."""
        return f"{self.settings.output_dir} can be written"

    def prepare(self, edition: RenderedDigest, *, now: datetime) -> tuple[Delivery, ...]:
        """Freeze one file for each format that the edition has."""
        stem = file_stem(edition)
        chosen = {
            f"{stem}.{self.settings.suffixes.get(format_, format_)}": edition.renderings[format_]
            for format_ in self.settings.formats
            if format_ in edition.renderings
        }
        return tuple(
            Delivery(
                edition=edition.key,
                channel=self.name,
                recipient=_checked(name),
                payload=content.encode("utf-8", "replace"),
                created_at=now,
            )
            for name, content in chosen.items()
        )

    def reaches(self, recipient: str) -> bool:  # noqa: ARG002 - a file of an earlier choice of formats is one
        """Take every file: its name is its recipient."""
        return True

    async def send(self, delivery: Delivery) -> None:
        """Write the file; raise a transient DeliveryError when the folder cannot be written."""
        path = self.settings.output_dir / _checked(delivery.recipient)
        await _in_a_thread(self.settings.output_dir, partial(write_atomically, path, delivery.payload))


@dataclass(frozen=True, slots=True)
class Archive:
    """Brings the pages over all digests up to date; of its deliveries only the latest counts."""

    settings: Settings
    write: Callable[[Path], None]
    """Writes the pages into a folder. It runs in a thread, and raises OSError or StoreError."""
    name: ClassVar[str] = "archive"
    latest_only: ClassVar[bool] = True

    def prepare(self, edition: RenderedDigest, *, now: datetime) -> tuple[Delivery, ...]:
        """Call for the pages after a digest or an alert, whose message leads to them."""
        if not self.settings.formats:
            return ()
        return (
            Delivery(
                edition=edition.key, channel=self.name, recipient="index.html", payload=b"", created_at=now
            ),
        )

    def reaches(self, recipient: str) -> bool:  # noqa: ARG002 - there is one
        """Take the one delivery that there is."""
        return True

    async def send(self, delivery: Delivery) -> None:  # noqa: ARG002 - the store has what it tells
        """Write the pages; raise a transient DeliveryError when that cannot be done."""
        folder = self.settings.output_dir
        await _in_a_thread(folder, partial(self.write, folder))


async def _in_a_thread(folder: Path, write: Callable[[], None]) -> None:
    try:
        # A disk on the network may hang for minutes, and the loop with it.
        await asyncio.to_thread(write)
    except OSError as error:
        # "File exists" is what the system says where a file has the folder's name.
        reason = obstacle(folder) or error.strerror or type(error).__name__
        raise DeliveryError(f"cannot write into {folder}: {reason}", permanent=False) from error
    except StoreError as error:
        raise DeliveryError(f"cannot write into {folder}: {error}", permanent=False) from error


def unwritable(folder: Path) -> str:
    """Say why a folder cannot be created or written; "" when it can. Leaves nothing behind."""
    if reason := obstacle(folder):
        return reason
    there = next(place for place in (folder, *folder.parents) if place.exists())
    try:
        with TemporaryFile(dir=there):  # permissions alone do not say it: root has all, also in /proc
            return ""
    except OSError as error:
        return f"{there} cannot be written: {error.strerror or error}"


def file_stem(edition: RenderedDigest) -> str:
    """Name an edition: the date for a digest, date and key for anything else."""
    if is_digest_key(edition.key):
        return edition.date.isoformat()
    return f"{edition.date.isoformat()}-{_UNSAFE.sub('-', edition.key).strip('-')}"


def _checked(name: str) -> str:
    if not _SAFE_NAME.fullmatch(name):
        raise DeliveryError(f"{name!r} is not a file name that monitor writes", permanent=True)
    return name
