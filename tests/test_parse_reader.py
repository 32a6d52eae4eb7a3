"""Documents and what must be read from them, as pairs of files in data/feeds."""

from __future__ import annotations

import json
from dataclasses import MISSING, fields
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.errors import ParseError
from monitor.models import Document, Entry, Feed, Hints
from monitor.parse import read

DATA = Path(__file__).parent / "data" / "feeds"
CASES = sorted(path for path in DATA.iterdir() if path.suffix != ".json")
NOW = datetime(2024, 12, 12, 12, tzinfo=UTC)
URL = "https://host.example/feeds/all.xml"


def read_case(path: Path, given: dict[str, str]) -> Document:
    return read(
        path.read_bytes(),
        url=given.get("url", URL),
        content_type=given.get("content_type", ""),
        feed=Feed(url=URL, language=given.get("language", "")),
        now=NOW,
    )


def told(value: object) -> object:
    """Return a value as the expectations spell it: JSON, without what is as by default."""
    match value:
        case Document() | Entry() | Hints():
            pairs = [(field, getattr(value, field.name)) for field in fields(value)]
            return {
                field.name: told(part)
                for field, part in pairs
                if part != (field.default if field.default is not MISSING else None)
                and field.name not in {"feed", "first_seen"}
            }
        case datetime():
            return "now" if value == NOW else value.isoformat()
        case timedelta():
            return value.total_seconds()
        case frozenset():
            return sorted(value)
        case tuple():
            return [told(part) for part in value]
    return value


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_document(path: Path) -> None:
    expected = json.loads(path.with_suffix(".json").read_text("utf-8"))
    given = expected.pop("given", {})
    try:
        found = told(read_case(path, given))
    except ParseError as error:
        found = {"error": str(error)}
    assert found == expected
