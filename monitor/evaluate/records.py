"""Labelled records as JSON lines, as `evaluate` and `tag --jsonl` read and write them."""

from __future__ import annotations

import json
import math
import re
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

from monitor.errors import ConfigError, Fault
from monitor.models import FEED_KINDS, Entry
from monitor.parse import prose
from monitor.text import clean, counted

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from monitor.models import Tagging

_TEXTS = ("title", "summary", "content", "lang", "source", "url", "author")
# What a reader with errors="surrogateescape" makes of bytes that are no UTF-8.
_BROKEN = re.compile("[\udc80-\udcff]")
# Faults that are named one by one.
_SHOWN = 20
_HALF = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True, kw_only=True, slots=True)
class Record:
    """An entry as a JSON line gives it, with the labels that a person gave it."""

    id: str
    entry: Entry
    beats: tuple[str, ...] = ()
    themes: tuple[str, ...] = ()
    story: str | None = None
    kind: str = ""
    """What its feed writes of, "" when unknown."""
    doubt: bool = False
    """Two people could decide differently on whether it is relevant."""
    raw: dict[str, Any] = field(default_factory=dict, hash=False)
    """The line as it was, with fields that we know nothing of."""

    @property
    def relevant(self) -> bool:
        """True when a person put it in scope."""
        return bool(self.beats)


def read(text: str, *, file: str, now: datetime) -> list[Record]:
    """Read JSON lines; empty lines are passed over, unknown fields kept, missing ones empty.

    Bytes that are no UTF-8 come as `surrogateescape` makes them, so that their line can be named.
    An undated record counts as published `now`. Raises `ConfigError` with the faults and their lines.
    """
    faults: list[Fault] = []
    records: list[Record] = []
    # Not `splitlines`: JSON may hold U+2028 bare, which that takes for the end of a line.
    for number, line in enumerate(text.removeprefix("\N{ZERO WIDTH NO-BREAK SPACE}").split("\n"), 1):
        if line.strip():
            try:
                records.append(_record(_loaded(line), number, now))
            except json.JSONDecodeError as error:
                faults.append(Fault(file, f"line {number}", f"is not JSON, from character {error.colno} on"))
            except (ValueError, RecursionError) as error:
                faults.append(Fault(file, f"line {number}", " ".join(str(error).split())))
    if len(faults) > _SHOWN:  # a file of another kind has a fault in each of its lines
        more = f"and {counted(len(faults) - _SHOWN, 'more line')} like that"
        faults = [*faults[:_SHOWN], Fault(file, "", more)]
    if faults:
        raise ConfigError(faults)
    return records


def _loaded(line: str) -> Any:
    """Read a line; halves of a character, which JSON lets stand alone and no output holds, become U+FFFD."""
    if _BROKEN.search(line):
        raise ValueError("is not UTF-8 text")
    value = json.loads(line, parse_constant=_finite, parse_float=_finite)
    if "\\ud" not in line.lower():
        return value
    return json.loads(_HALF.sub("\N{REPLACEMENT CHARACTER}", json.dumps(value, ensure_ascii=False)))


def _finite(written: str) -> float:
    """Read a number; NaN and Infinity are none in JSON, and could only be written back as such."""
    value = float(written)
    if not math.isfinite(value):
        raise ValueError(f"is no JSON that can be written back: {written} is not a finite number")
    return value


def write(record: Record, tagging: Tagging, story: str | int | None = None) -> str:
    """Give a record back as one JSON line, with the tagger's answer in place of labels."""
    answer = {
        "beats": list(tagging.beats),
        "themes": list(tagging.themes),
        "story": story,
        "score": tagging.score,
        "certainty": tagging.certainty,
        "evidence": [asdict(found) for found in tagging.evidence],
    }
    if tagging.shelf:
        answer["shelf"] = tagging.shelf
    return json.dumps({k: v for k, v in record.raw.items() if k != "shelf"} | answer, ensure_ascii=False)


def _record(raw: object, number: int, now: datetime) -> Record:
    if not isinstance(raw, dict):
        raise ValueError("must be a JSON object")  # noqa: TRY004 - one kind of error for every bad line
    texts = {name: _text(raw, name) for name in _TEXTS}
    if not texts["title"] and not texts["summary"]:
        raise ValueError("needs a title or a summary")
    published = _instant(raw.get("published"))
    # As they come off an entry of a feed, or lines would be judged otherwise than the service judges them.
    title, summary, content = (clean(texts[name]) for name in ("title", "summary", "content"))
    entry = Entry(
        feed=texts["source"],
        guid=str(raw.get("id", "")),
        url=texts["url"],
        title=title,
        summary=prose.without_boilerplate(summary),
        content=prose.without_boilerplate(content),
        author=texts["author"],
        language=texts["lang"] or prose.detect(f"{title}. {summary}"),
        published=published or now,
        dated="publisher" if published else "missing",
        first_seen=published or now,
    )
    story = raw.get("story")
    return Record(
        id=str(raw.get("id", number)),
        entry=entry,
        beats=_slugs(raw, "beats"),
        themes=_slugs(raw, "themes"),
        story=None if story is None else str(story),
        kind=_kind(raw),
        doubt=raw.get("doubt") is True,
        raw=raw,
    )


def _text(raw: dict[str, Any], name: str) -> str:
    value = raw.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise ValueError(f"{name} must be a text, not {value!r}")  # noqa: TRY004 - faults are ValueErrors
    return value


def _slugs(raw: dict[str, Any], name: str) -> tuple[str, ...]:
    value = raw.get(name) or []
    if not isinstance(value, list) or not all(isinstance(slug, str) for slug in value):
        raise ValueError(f"{name} must be a list of texts, not {value!r}")
    return tuple(value)


def _kind(raw: dict[str, Any]) -> str:
    kind = _text(raw, "kind")
    if kind and kind not in FEED_KINDS:
        raise ValueError(f"kind must be one of {', '.join(FEED_KINDS)}, not {kind!r}")
    return kind


def _instant(value: object) -> datetime | None:
    """Read a date or instant, ISO 8601 or RFC 822 as feeds write it, as UTC; one without an offset is UTC."""
    if value is None or value == "":
        return None
    if not isinstance(value, str):
        raise ValueError(f"published must be a date (ISO 8601 or RFC 822), not {value!r}")  # noqa: TRY004 - faults are ValueErrors
    for read_as in (datetime.fromisoformat, parsedate_to_datetime):
        with suppress(ValueError, OverflowError):  # a year of twenty digits, the last hour of the calendar
            found = read_as(value)
            return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    raise ValueError(f"published must be a date (ISO 8601 or RFC 822), not {value!r}")


def unknown_slugs(records: Sequence[Record], known: Iterable[str], *, file: str) -> list[Fault]:
    """Name labels that are no beat or theme of themes.toml."""
    slugs = frozenset(known)
    return [
        Fault(file, f"record {record.id}", f"unknown beat or theme {slug!r}")
        for record in records
        for slug in (*record.beats, *record.themes)
        if slug not in slugs
    ]
