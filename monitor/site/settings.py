"""What the user can set about the archive."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

from monitor.kinds import Kind
from monitor.values import web_address


def _base_url(value: object) -> str:
    """Read the address of the archive, with a slash at its end; "" for none."""
    return f"{web_address(value).rstrip('/')}/" if value != "" else ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Settings:
    """The archive: a web site of static pages in `[digest] output_dir`, for any file server or none."""

    TABLE: ClassVar[str] = "archive"

    base_url: Annotated[str, Kind(_base_url, "a web address")] = ""
    """Where the pages can be read on the web ("https://example.org/monitor/"): mails then link to them."""
