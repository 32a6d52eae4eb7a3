"""The digest's own words, dates and numbers: one TOML file for each language, and nothing else to add."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass, field, replace
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Mapping

_FOLDER: Final = resources.files(__name__)
_SUFFIX: Final = ".toml"

AVAILABLE: Final = tuple(
    sorted(file.name.removesuffix(_SUFFIX) for file in _FOLDER.iterdir() if file.name.endswith(_SUFFIX))
)
"""The codes of the languages that the digest can be written in."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Language:
    """One language's wording. Two are equal when their codes are."""

    code: str
    """Primary language subtag (BCP 47)."""
    name: str = field(compare=False)
    """The language's name in itself."""
    texts: Mapping[str, str] = field(compare=False)
    """Sentences by key, with `{placeholders}`."""
    plurals: Mapping[str, Mapping[str, str]] = field(compare=False)
    """Counted nouns by key, each as `one` and `other`, with `{n}`."""
    kinds: Mapping[str, str] = field(compare=False)
    """Names of kinds of event."""
    roles: Mapping[str, str] = field(compare=False)
    """What parties without a name are called."""
    formats: Mapping[str, Any] = field(compare=False)
    """Patterns of dates, times and numbers, and the names in them."""
    reasons: Mapping[str, str] = field(compare=False)
    """English reasons of polls and joins, and the same in this language; see `reason`."""

    def text(self, key: str, **values: object) -> str:
        """Return the sentence of that key with its placeholders filled."""
        return self.texts[key].format(**values)

    def plural(self, key: str, n: int) -> str:
        """Return a count and its noun: `1 story`, `1,204 stories`."""
        return self.plurals[key]["one" if n == 1 else "other"].format(n=self.number(n))

    def kind(self, name: str) -> str:
        """Return the name of a kind of event: `ruling`; "" for one that has none here."""
        return self.kinds.get(name, "")

    def party(self, name: str) -> str:
        """Return what a party of an event is called: `artists`; one that has a name keeps it."""
        return self.roles.get(name, name)

    def reason(self, text: str) -> str:
        """Return an English reason in this language; parts that have no words here stay as they are."""
        # Of several parts, unless a strange title looks like them: then it is one.
        parts = re.split(r"( · |; )", text)
        translated = [part if number % 2 else self._phrase(part) for number, part in enumerate(parts)]
        whole = None if all(translated) else self._phrase(text)
        return whole or "".join(own or part for own, part in zip(translated, parts, strict=True))

    def _phrase(self, text: str) -> str | None:
        if text in self.reasons:
            return self.reasons[text]
        for pattern, (known, wording) in _patterns(self.code).items():
            if found := pattern.fullmatch(text):
                parts = zip(found.groups(), re.findall(r"\{\*?\}", known), strict=True)
                return wording.format(*(self._each(part) if slot == "{*}" else part for part, slot in parts))
        return None

    def _each(self, words: str) -> str:
        """Translate a list of phrases and names of kinds."""
        parts = re.split(r"((?:, | or )(?![^(]*\)))", words)
        named = {**self.reasons, **self.kinds}
        return "".join(named.get(part) or self._phrase(part) or part for part in parts)

    def number(self, n: int) -> str:
        """Return a whole number with the language's thousands separator."""
        # Not `locale`: it is one for the whole process, and knows only what the machine has installed.
        return f"{n:,}".replace(",", self.formats["thousands"])

    def decimal(self, value: float) -> str:
        """Return a number below a thousand with two decimal places."""
        return f"{value:.2f}".replace(".", self.formats["decimal"])

    def date(self, day: dt.date) -> str:
        """Return a day with its year: `23 Nov 2026`."""
        return self._day("date", day)

    def short_date(self, day: dt.date) -> str:
        """Return a day of this year: `23 Nov`."""
        return self._day("short_date", day)

    def month(self, day: dt.date) -> str:
        """Return a day's month: `November 2026`."""
        return self._day("month", day)

    def long_date(self, day: dt.date) -> str:
        """Return a day in full: `Monday, 23 November 2026`."""
        return self._day("long_date", day)

    def moment(self, instant: dt.datetime) -> str:
        """Return day and wall time of an instant in the user's zone: `Mon 23 Nov, 07:00`."""
        return self._day("moment", instant)

    def _day(self, pattern: str, day: dt.date) -> str:
        names = self.formats
        return str(names[pattern]).format(
            day=day.day,
            month=names["months"][day.month - 1],
            month_short=names["months_short"][day.month - 1],
            weekday=names["weekdays"][day.weekday()],
            weekday_short=names["weekdays_short"][day.weekday()],
            year=day.year,
            time=f"{day:%H:%M}",
        )


@cache
def load(code: str, brand: str = "") -> Language:
    """Return the language with that code, read once; raise KeyError if it has no file here.

    `brand` is what the user calls the digest; "" means the language's own name for it.
    """
    if code not in AVAILABLE:
        raise KeyError(code)
    if brand:
        plain = load(code)
        # Its braces are the user's own: "{beta}" stands for nothing here.
        own = brand.replace("{", "{{").replace("}", "}}")
        return replace(plain, texts={**plain.texts, "brand": own})
    data = tomllib.loads((_FOLDER / f"{code}{_SUFFIX}").read_text("utf-8"))
    return Language(
        code=code,
        name=data["name"],
        texts=data["texts"],
        plurals=data["plurals"],
        kinds=data["kinds"],
        roles=data["roles"],
        formats=data["formats"],
        reasons=data.get("reasons", {}),
    )


@cache
def _patterns(code: str) -> dict[re.Pattern[str], tuple[str, str]]:
    """Return the patterns for a language's reasons that have blanks to fill, with both wordings."""
    found = {}
    for known, wording in load(code).reasons.items():
        pattern = re.sub(r"\\\{(\\\*)?\\\}", "(.+?)", re.escape(known))
        if pattern != re.escape(known):
            found[re.compile(pattern)] = (known, wording.replace("{*}", "{}"))
    return found
