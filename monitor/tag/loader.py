"""Read themes.toml into `Rules`, reporting every fault with its key and line."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from monitor import setting_kinds, values
from monitor.errors import ConfigError
from monitor.tag.grammar import GrammarError, parse_phrase, parse_rule, references
from monitor.tag.rules import ANY, LANGUAGES, NEAR, PERHAPS, SURE, Fields, GlossaryList, Rule, Rules, Target
from monitor.toml import TomlDocument
from monitor.values import likely

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from monitor.tag.grammar import Phrase

_HEAVIEST = 1_000_000
_SECTIONS = (*LANGUAGES, ANY)
_WEIGHT: setting_kinds.Kind[Any] = setting_kinds.number(0, 100)
# A text of zero words would be read as nothing, and nothing would be chosen.
_FIELDS: dict[str, setting_kinds.Kind[Any]] = {
    "words": setting_kinds.whole(1, 100_000),
    "lead_words": setting_kinds.whole(0, 100_000),
}
_TOP = (
    "learned",
    "learn",
    "sure",
    "perhaps",
    "near",
    "outlets",
    "fields",
    "grades",
    "glossary",
    "hidden",
    "beat",
    "theme",
)


def load(text: str, *, file: str, data: dict[str, Any] | None = None) -> Rules:
    """Read the text of a themes.toml. Raises `ConfigError` with every fault found in it.

    `data` is the content of the file after it was laid over another one; faults refer to the lines of `text`.
    """
    document = TomlDocument(file, text)
    if document.faults:
        raise ConfigError(document.faults)
    rules = _Reader(document).rules(document.data if data is None else data)
    if document.faults:
        raise ConfigError(document.sorted_faults())
    return rules


class _Item(NamedTuple):
    """A text in a list, and its key: `theme.music.en.sure[3]`."""

    key: str
    text: str


@dataclass(slots=True)
class _Reader:
    """Walks through the tables of the file; collects faults instead of stopping at the first."""

    document: TomlDocument
    lists: tuple[str, ...] = ()
    grades: dict[str, float] = field(default_factory=dict)

    def rules(self, data: dict[str, Any]) -> Rules:
        self._known(data, _TOP, "")
        self.grades = self._grades(self._table(data, "grades", ""))
        tables = {name: self._table(data, name, "") for name in ("glossary", "hidden", "beat", "theme")}
        self._known(tables["glossary"], _SECTIONS, "glossary")
        self.lists = tuple(
            dict.fromkeys(name for t in tables["glossary"].values() if isinstance(t, dict) for name in t)
        )
        glossary = self._glossary(tables["glossary"])
        targets = [
            *(self._target("beat", slug, tables["beat"]) for slug in tables["beat"]),
            *(self._target("theme", slug, tables["theme"]) for slug in tables["theme"]),
        ]
        # An empty table is the same mistake as a missing one.
        if not tables["beat"]:
            self._fault("beat", "at least one beat is needed: no entry could be relevant")
        return Rules(
            targets=tuple(targets),
            glossary=glossary,
            hidden=self._hidden(tables["hidden"]),
            grades=self.grades,
            fields=self._fields(self._table(data, "fields", "")),
            learned=self._switch(data, "learned", default=False),
            learn=self._switch(data, "learn", default=True),
            outlets=self._outlets(data),
            **self._bars(data),
        )

    def _outlets(self, data: dict[str, Any]) -> tuple[str, ...]:
        found = self._strings(data, "outlets", "")
        for item in found:
            if not re.search(r"\w", item.text):
                self._fault(item.key, f"{item.text!r} is not the name of an outlet")
        return tuple(item.text for item in found)

    def _bars(self, data: dict[str, Any]) -> dict[str, float]:
        """Read the certainties from which an entry is sure, perhaps, and a near miss, in falling order."""
        bars = {"sure": SURE, "perhaps": PERHAPS, "near": NEAR}
        for name in bars:
            if name in data and self._number(data[name], name):
                bars[name] = float(data[name])
        if not 0 < bars["near"] <= bars["perhaps"] <= bars["sure"] < 1:
            self._fault("sure", "near, perhaps and sure must rise between 0 and 1")
            return {}
        return bars

    def _switch(self, data: dict[str, Any], name: str, *, default: bool) -> bool:
        value = data.get(name, default)
        if not isinstance(value, bool):
            self._fault(name, f"must be true or false, not {value!r}")
        return value is True

    def _grades(self, table: dict[str, Any]) -> dict[str, float]:
        # An invalid grade is still known as a grade, or each phrase under it would be another fault.
        return {
            name: float(value) if self._number(value, f"grades.{name}") else 0.0
            for name, value in table.items()
            if self._free_name(name)
        }

    def _free_name(self, name: str) -> bool:
        if name in {"label", "threshold", *_SECTIONS}:
            self._fault(f"grades.{name}", "this name has another meaning in a beat or theme")
            return False
        return True

    def _fields(self, table: dict[str, Any]) -> Fields:
        names = tuple(item.name for item in fields(Fields))
        self._known(table, names, "fields")
        found: dict[str, Any] = {}
        for name in filter(names.__contains__, table):
            try:
                found[name] = _FIELDS.get(name, _WEIGHT).read(table[name])
            except ValueError as error:
                self._fault(f"fields.{name}", str(error))
        return Fields(**found)

    def _hidden(self, table: dict[str, Any]) -> dict[str, tuple[Phrase, ...]]:
        self._known(table, _SECTIONS, "hidden")
        return {
            language: tuple(self._phrases(self._strings(table, language, "hidden"))) for language in _SECTIONS
        }

    def _glossary(self, table: dict[str, Any]) -> dict[str, GlossaryList]:
        phrases: dict[str, dict[str, tuple[Phrase, ...]]] = {name: {} for name in self.lists}
        includes: dict[str, dict[str, tuple[str, ...]]] = {name: {} for name in self.lists}
        for language in _SECTIONS:
            section = self._table(table, language, "glossary")
            for name in section:
                items = self._strings(section, name, f"glossary.{language}")
                plain = [item for item in items if not references(item.text)]
                phrases[name][language] = tuple(self._phrases(plain))
                includes[name][language] = tuple(
                    other
                    for item in items
                    if (other := references(item.text)) and self._list_exists(other, item.key)
                )
        found = {name: GlossaryList(phrases=phrases[name], includes=includes[name]) for name in self.lists}
        self._no_circles(found)
        return found

    def _no_circles(self, glossary: Mapping[str, GlossaryList]) -> None:
        direct = {name: {o for g in item.includes.values() for o in g} for name, item in glossary.items()}
        for name in glossary:
            # Step by step, since a list may include itself by way of any number of others.
            reached, ahead = set(), set(direct[name])
            while ahead:
                reached |= ahead
                ahead = {other for step in ahead for other in direct[step]} - reached
            if name in reached:
                # The first language in which it includes any list, where a person will look first.
                language = next(key for key, others in glossary[name].includes.items() if others)
                self._fault(f"glossary.{language}.{name}", "this list includes itself")

    def _target(self, kind: Literal["beat", "theme"], slug: str, tables: dict[str, Any]) -> Target:
        place = f"{kind}.{slug}"
        table = self._table(tables, slug, kind)
        self._known(table, ("label", "threshold", *_SECTIONS), place)
        threshold = table.get("threshold", 1.0)
        if not self._number(threshold, f"{place}.threshold"):
            threshold = 1.0
        elif threshold <= 0:
            self._fault(f"{place}.threshold", "must be more than 0")
        return Target(
            slug=slug,
            kind=kind,
            label=self._label(table, place, slug),
            threshold=float(threshold),
            rules=tuple(rule for language in _SECTIONS for rule in self._rules(table, language, place)),
        )

    def _label(self, table: dict[str, Any], place: str, slug: str) -> dict[str, str]:
        """Read the names shown to users, by language. One is enough, as other languages fall back to it."""
        label = self._table(table, "label", place)
        found: dict[str, str] = {}
        for language, name in label.items():
            try:
                known = values.language(language)
            except ValueError as error:
                self._fault(f"{place}.label.{language}", str(error))
                continue
            if isinstance(name, str) and name.strip():
                found[known] = name
            else:
                self._fault(f"{place}.label.{language}", "a text is needed: what users see")
        if not label:
            self._fault(f"{place}.label", 'a text is needed: what users see, as in { en = "…" }')
        return found or {"en": slug}

    def _rules(self, table: dict[str, Any], language: str, place: str) -> Iterable[Rule]:
        section = self._table(table, language, place)
        self._known(section, tuple(self.grades), f"{place}.{language}", "grade")
        for grade in section:
            for key, text in self._strings(section, grade, f"{place}.{language}"):
                try:
                    condition = parse_rule(text)
                except GrammarError as error:
                    self._fault(key, str(error))
                    continue
                exist = [self._list_exists(name, key) for name in condition.lists]
                if all(exist) and grade in self.grades:
                    yield Rule(
                        text=text,
                        grade=grade,
                        weight=self.grades[grade],
                        language=language,
                        condition=condition,
                    )

    def _phrases(self, items: Iterable[_Item]) -> Iterable[Phrase]:
        for item in items:
            try:
                yield parse_phrase(item.text)
            except GrammarError as error:
                self._fault(item.key, str(error))

    def _list_exists(self, name: str, key: str) -> bool:
        if name in self.lists:
            return True
        self._fault(key, f"unknown list {{{name}}}{likely(name, self.lists)}")
        return False

    def _table(self, data: dict[str, Any], name: str, place: str) -> dict[str, Any]:
        value = data.get(name, {})
        if isinstance(value, dict):
            return value
        self._fault(_join(place, name), "must be a table")
        return {}

    def _strings(self, data: dict[str, Any], name: str, place: str) -> list[_Item]:
        values = data.get(name, [])
        if not isinstance(values, list):
            self._fault(_join(place, name), "must be a list of texts")
            return []
        found = []
        for index, value in enumerate(values):
            key = f"{_join(place, name)}[{index}]"
            if isinstance(value, str):
                found.append(_Item(key, value))
            else:
                self._fault(key, f"must be a text, not {value!r}")
        return found

    def _number(self, value: object, place: str) -> bool:
        # TOML's true is an int in Python, but not a weight. Neither is nan.
        if isinstance(value, int | float) and not isinstance(value, bool):
            if -_HEAVIEST <= value <= _HEAVIEST:
                return True
            self._fault(place, f"must be a number within {_HEAVIEST:,}")
        else:
            self._fault(place, f"must be a number, not {value!r}")
        return False

    def _known(self, table: Mapping[str, Any], known: tuple[str, ...], place: str, what: str = "key") -> None:
        for name in table:
            if name not in known:
                self._fault(_join(place, name), f"unknown {what}{likely(name, known)}")

    def _fault(self, place: str, message: str) -> None:
        """Note a fault at a key such as `theme.music.en.sure[3]`."""
        # Split it into keys and positions, by which the document finds the line.
        parts = re.finditer(r"\[(\d+)\]|([^.\[\]]+)", place)
        self.document.fault(tuple(int(part[1]) if part[1] else part[2] for part in parts), message)


def _join(place: str, name: str) -> str:
    return f"{place}.{name}" if place else name
