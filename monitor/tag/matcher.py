"""Rules compiled for one language: an entry's text in, the rules that hold out, each with what it matched."""

from __future__ import annotations

from collections import defaultdict
from operator import itemgetter
from typing import TYPE_CHECKING, NamedTuple

from monitor.tag.lexicon import Hits, Lexicon
from monitor.tag.rules import ANY, Rules
from monitor.tag.words import words

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from monitor.models import Entry
    from monitor.tag.grammar import Link, Part, Phrase, Scope, Term
    from monitor.tag.rules import Fields, Rule, Target
    from monitor.tag.words import Word

_FIELD_GAP = 1_000_000
"""Added to the places of each further field's words, so that nothing is near across fields."""
_OFTEN = 3
_HIDDEN = 0
"""The operand number of the phrases that hide what stands in them."""

Span = tuple[int, int]


class Match(NamedTuple):
    """A rule that holds: the words that made it hold, verbatim, and the least weighty field they stand in."""

    rule: Rule
    term: str
    field: str
    weight: float


class _Operand(NamedTuple):
    number: int
    scope: Scope


class _Chain(NamedTuple):
    operands: tuple[_Operand, ...]
    links: tuple[Link, ...]


class _Compiled(NamedTuple):
    rule: Rule
    target: int
    needs: tuple[_Chain, ...]
    bars: tuple[_Chain, ...]


class Reading:
    """An entry's text, read once: where every phrase of the rules stands in it."""

    def __init__(self, entry: Entry, lexicon: Lexicon, fields: Fields) -> None:
        self._texts = {"title": entry.title, "summary": entry.summary, "content": entry.content}
        self._words: dict[str, list[Word]] = {}
        self._fields = fields
        self.hits: Hits = {}
        for name, text in self._texts.items():
            if text:
                read = words(text) if name != "content" else words(_opening(text, fields.content_words))
                self._words[name] = read
                self._collect(lexicon.find([word.form for word in read]), len(self._words))
        self._names = tuple(self._words)

    def field(self, span: Span) -> str:
        """Name the field that a span stands in."""
        return self._names[span[0] // _FIELD_GAP - 1]

    def text(self, span: Span) -> str:
        """Give a span's words as the entry has them."""
        name = self.field(span)
        read, base = self._words[name], span[0] // _FIELD_GAP * _FIELD_GAP
        return self._texts[name][read[span[0] - base].start : read[span[1] - base - 1].end]

    def place(self, span: Span) -> tuple[str, float]:
        """Name the field that a span stands in, and what a match there weighs."""
        name = self.field(span)
        if name == "summary" and span[0] % _FIELD_GAP >= self._fields.lead_words:
            return name, self._fields.content
        return name, float(getattr(self._fields, name))

    def spans(self, operand: _Operand) -> Sequence[Span]:
        """Say where an operand stands, within its scope."""
        found = self.hits.get(operand.number, [])
        if not found or not operand.scope:
            return found
        if operand.scope == "often":
            return found if len(found) >= _OFTEN else []
        return [span for span in found if self._leads(span, title_only=operand.scope == "title")]

    def _leads(self, span: Span, *, title_only: bool) -> bool:
        if self.field(span) == "title":
            return True
        first = next((name for name in self._names if name != "title"), "")
        return not title_only and self.field(span) == first and span[0] % _FIELD_GAP < self._fields.lead_words

    def _collect(self, found: Hits, field_number: int) -> None:
        base = field_number * _FIELD_GAP
        hidden = found.pop(_HIDDEN, [])
        for number, spans in found.items():
            seen = [
                (start + base, end + base) for start, end in spans if not _is_hidden((start, end), hidden)
            ]
            if seen:
                self.hits.setdefault(number, []).extend(seen)


class Matcher:
    """The rules that count in one language, compiled once."""

    def __init__(self, rules: Rules, languages: Sequence[str]) -> None:
        self._rules = rules
        self._languages = (*languages, ANY)
        self._numbers: dict[tuple[str, str | Phrase], int] = {}
        self._phrases: list[tuple[Phrase, ...]] = [
            tuple(phrase for language in self._languages for phrase in rules.hidden.get(language, ()))
        ]
        self._by_key: dict[int, list[_Compiled]] = defaultdict(list)
        self.by_target: dict[int, list[_Compiled]] = defaultdict(list)
        for index, target in enumerate(rules.targets):
            self._compile(index, target)
        self._lexicon = Lexicon(self._phrases, languages)

    def read(self, entry: Entry) -> Reading:
        """Find every phrase of the rules in an entry."""
        return Reading(entry, self._lexicon, self._rules.fields)

    def matches(self, reading: Reading) -> list[list[Match]]:
        """Find the rules that hold, for each target in the file's order."""
        found: list[list[Match]] = [[] for _ in self._rules.targets]
        for number in reading.hits:
            for compiled in self._by_key.get(number, ()):
                if match := self._holds(compiled, reading):
                    found[compiled.target].append(match)
        return found

    def lacking(self, target: int, reading: Reading) -> tuple[Rule, tuple[str, ...]] | None:
        """Name the weightiest rule of a target that holds but for one part, and what that part found nothing of."""
        best: tuple[Rule, tuple[str, ...]] | None = None
        for compiled in self.by_target[target]:
            if len(compiled.needs) + len(compiled.needs[0].links) < 2 or compiled.rule.weight <= 0:  # noqa: PLR2004
                continue
            missing = tuple(
                _describe(term)
                for part, chain in zip(compiled.rule.condition.needs, compiled.needs, strict=True)
                for term, operand in zip(part.terms, chain.operands, strict=True)
                if not reading.spans(operand)
            )
            if len(missing) == 1 and (best is None or compiled.rule.weight > best[0].weight):
                best = (compiled.rule, missing)
        return best

    def _compile(self, index: int, target: Target) -> None:
        for rule in target.rules:
            if rule.language in self._languages:
                needs = tuple(self._chain(part) for part in rule.condition.needs)
                bars = tuple(self._chain(part) for part in rule.condition.bars)
                compiled = _Compiled(rule, index, needs, bars)
                numbers = (operand.number for chain in needs for operand in chain.operands)
                self._by_key[min(numbers, key=lambda number: len(self._phrases[number]))].append(compiled)
                self.by_target[index].append(compiled)

    def _chain(self, part: Part) -> _Chain:
        return _Chain(tuple(self._operand(term) for term in part.terms), part.links)

    def _operand(self, term: Term) -> _Operand:
        key = ("list", term.list) if term.list else ("phrase", term.phrase)
        if key not in self._numbers:
            self._numbers[key] = len(self._phrases)
            self._phrases.append(tuple(self._listed(term.list)) if term.list else (term.phrase,))
        return _Operand(self._numbers[key], term.scope)

    def _listed(self, name: str) -> Iterator[Phrase]:
        entry = self._rules.glossary[name]
        for language in self._languages:
            yield from entry.phrases.get(language, ())
            for included in entry.includes.get(language, ()):
                yield from self._listed(included)

    def _holds(self, compiled: _Compiled, reading: Reading) -> Match | None:
        found: list[Span] = []
        for chain in compiled.needs:
            spans = _first(chain, reading)
            if not spans:
                return None
            found += spans
        if any(_first(chain, reading) for chain in compiled.bars):
            return None
        name, weight = min(map(reading.place, found), key=itemgetter(1))
        return Match(compiled.rule, " … ".join(dict.fromkeys(map(reading.text, found))), name, compiled.rule.weight * weight)


def _first(chain: _Chain, reading: Reading) -> list[Span]:
    """Find the first place where a chain of terms holds; the words between near terms are part of it."""
    windows = reading.spans(chain.operands[0])
    for link, operand in zip(chain.links, chain.operands[1:], strict=True):
        others = reading.spans(operand)
        windows = [merged for window in windows for merged in _joined(window, others, link)]
        if not windows:
            return []
    return [min(windows)] if windows else []


def _joined(window: Span, others: Sequence[Span], link: Link) -> Iterator[Span]:
    start, end = window
    for other_start, other_end in others:
        after = other_start - end
        before = start - other_end
        if 0 <= after <= link.distance or (not link.ordered and 0 <= before <= link.distance):
            yield min(start, other_start), max(end, other_end)


def _is_hidden(span: Span, hidden: Sequence[Span]) -> bool:
    return any(start <= span[0] and span[1] <= end and (start, end) != span for start, end in hidden)


def _opening(text: str, count: int) -> str:
    """Cut a text after roughly its first `count` words (at most 12 letters a word)."""
    return text[: count * 12]


def _describe(term: Term) -> str:
    if term.list:
        return f"a word of {{{term.list}}}"
    return " ".join("|".join(_written(form) for form in slot) for slot in term.phrase)


def _written(form: object) -> str:
    return str(form)
