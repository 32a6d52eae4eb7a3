"""What the user can set about the archive."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

from monitor.setting_kinds import Example, Kind, Text, listed
from monitor.values import text, web_address


def _base_url(value: object) -> str:
    """Read the address of the archive, with a slash at its end; "" for none."""
    return f"{web_address(value).rstrip('/')}/" if value != "" else ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Settings:
    """The archive: a web site of static pages in `[digest] output_dir`, for any file server or none."""

    TABLE: ClassVar[str] = "archive"

    base_url: Annotated[str, Kind(_base_url, "a web address")] = ""
    """The address of the pages on the web ("https://example.org/monitor/"); mails then link to them."""


def _words(value: object) -> str:
    """Read words to search for."""
    if not any(letter.isalnum() for letter in text(value)):
        raise ValueError("expected words to search for")
    return text(value)


@dataclass(frozen=True, kw_only=True, slots=True)
class SavedSearch:
    """A search with a page and an Atom feed in the archive: the newest stories with a report it finds."""

    TABLE: ClassVar[str] = "archive.search"
    NAME: ClassVar[str] = "Strikes"

    queries: Annotated[
        tuple[str, ...], listed(Kind(_words, "words to search for"), least=1), Example(["strike*", "Streik*"])
    ]
    """As typed in a search: a report must hold all words of one of these queries."""
    theme: Annotated[Text, Example("labour-ethics")] = ""
    """Only reports on this theme."""
