"""Editions as files in a folder: whole or not at all, and under names of our own making."""

from __future__ import annotations

import asyncio
import os
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Final

from monitor.errors import DeliveryError
from monitor.models import Delivery

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from monitor.models import RenderedDigest

_SAFE_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9.-]{0,99}")
_UNSAFE: Final = re.compile(r"[^A-Za-z0-9]+")


@dataclass(frozen=True, kw_only=True, slots=True)
class Settings:
    """Where editions are written, and in which formats ("md", "html", "text", "json", "atom")."""

    output_dir: Path
    formats: tuple[str, ...] = ("md", "html")


@dataclass(frozen=True, slots=True)
class Files:
    """Writes `2026-11-23.md` and its like, one delivery a file."""

    settings: Settings
    name: ClassVar[str] = "files"

    def prepare(self, edition: RenderedDigest, *, now: datetime) -> tuple[Delivery, ...]:
        """Freeze one file for each format that the edition has, then the archive's own files."""
        stem = file_stem(edition)
        chosen = {
            f"{stem}.{'txt' if format_ == 'text' else format_}": edition.renderings[format_]
            for format_ in self.settings.formats
            if format_ in edition.renderings
        }
        archive = edition.files if self.settings.formats else {}
        return tuple(
            Delivery(
                edition=edition.key,
                channel=self.name,
                recipient=_checked(name),
                payload=content.encode("utf-8", "replace"),
                created_at=now,
            )
            for name, content in {**chosen, **archive}.items()
        )

    async def send(self, delivery: Delivery) -> None:
        """Write the file; raise a transient DeliveryError when the folder cannot be written."""
        path = self.settings.output_dir / _checked(delivery.recipient)
        try:
            await asyncio.to_thread(write_atomically, path, delivery.payload)
        except OSError as error:
            reason = error.strerror or type(error).__name__
            raise DeliveryError(f"cannot write {path}: {reason}", permanent=False) from error


def file_stem(edition: RenderedDigest) -> str:
    """Name an edition: the date for a digest, date and key for anything else."""
    if edition.key.startswith("digest:"):
        return edition.date.isoformat()
    return f"{edition.date.isoformat()}-{_UNSAFE.sub('-', edition.key).strip('-')}"


def write_atomically(path: Path, content: bytes) -> None:
    """Replace a file in one step that survives a power cut; a reader sees the old or the new, whole.

    A half-written temporary file of an earlier try is overwritten. Raises OSError.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.part")
    try:
        with temporary.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _checked(name: str) -> str:
    if not _SAFE_NAME.fullmatch(name):
        raise DeliveryError(f"{name!r} is not a file name that the monitor writes", permanent=True)
    return name
