"""Rules compiled for one language: an entry's text in, the rules that hold out, each with what it matched."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import defaultdict
from functools import cache
from operator import itemgetter
from typing import TYPE_CHECKING, Literal, NamedTuple

from monitor.tag.grammar import LONGEST
from monitor.tag.lexicon import Hits, Lexicon
from monitor.tag.rules import ANY, Rules
from monitor.tag.words import Words

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from monitor.models import Entry
    from monitor.tag.grammar import Link, Part, Phrase, Scope, Term
    from monitor.tag.rules import Rule, Target

# Added to the places of each further field's words, so that nothing is near across fields.
_FIELD_GAP = 1_000_000
# `often:`, of a name that is also said in passing: once or twice is passing.
_OFTEN = 3
# German words are the longer ones, with six letters and a blank: a text is cut before it is read, not after.
_LETTERS_A_WORD = 7
# The encoder is fast for what is short; a teaser is hardly ever longer.
_MEANT_WORDS = 80
# The operand number of the phrases that hide what stands in them.
_HIDDEN = 0
# The glossary's list of what says that AI is spoken of at all.
_NAMED = "named"

Span = tuple[int, int]


class Match(NamedTuple):
    """A rule that holds, with the least weighty field that its words stand in."""

    rule: Rule
    field: str
    weight: float
    places: tuple[Span, ...]
    """Where the words stand; `Reading.quote` gives them. Fields follow each other at a distance."""


class Lacking(NamedTuple):
    """A rule that holds but for one term, and that term as the file has it."""

    rule: Rule
    term: str


class _Operand(NamedTuple):
    number: int
    scope: Scope


class _Chain(NamedTuple):
    number: int
    operands: tuple[_Operand, ...]
    links: tuple[Link, ...]


class Reporting(NamedTuple):
    """How texts say which outlet reports: "according to the Financial Times"."""

    words: frozenset[str]
    """The last words of the outlets' names: where none stands nothing is looked for, as in most texts."""
    phrase: re.Pattern[str]


class _Compiled(NamedTuple):
    rule: Rule
    target: int
    numbers: frozenset[int]
    """All operands that it needs."""
    needs: tuple[_Chain, ...]
    bars: tuple[_Chain, ...]


class Reading:
    """An entry's text, read once: where every phrase of the rules stands in it."""

    def __init__(
        self, entry: Entry, lexicon: Lexicon, rules: Rules, reporting: Reporting | None = None
    ) -> None:
        fields, there = rules.fields, texts(entry, rules.outlets)
        self._words = {name: _words(text, fields.words, reporting) for name, text in there.items() if text}
        self._names = tuple(self._words)
        self._fields = fields
        self._places = [(name, float(getattr(fields, name))) for name in self._names]
        self._scoped: dict[_Operand, Sequence[Span]] = {}
        self._found: dict[int, Span | None] = {}
        self._texts: dict[Span, str] = {}
        self.hits: Hits = {}
        for number, read in enumerate(self._words.values(), 1):
            lexicon.find(read.raw, number * _FIELD_GAP, self.hits)
        if hidden := self.hits.pop(_HIDDEN, None):
            self._hide(hidden)

    def field(self, span: Span) -> str:
        """Name the field that a span stands in."""
        return self._names[span[0] // _FIELD_GAP - 1]

    def quote(self, match: Match) -> str:
        """Give the words that made a rule hold, as the entry has them."""
        if len(match.places) == 1:
            return self._text(match.places[0])
        return " … ".join(dict.fromkeys(map(self._text, match.places)))

    def verbatim(self, words: str, field: str) -> str:
        """Give words as the field has them, with an ellipsis where more than a blank parts them."""
        if not field or words in self._words[field].text:
            return words
        return words.replace(" ", " … ")

    def _text(self, span: Span) -> str:
        if span not in self._texts:
            number, start = divmod(span[0], _FIELD_GAP)
            words = self._words[self._names[number - 1]]
            self._texts[span] = words.between(start, start + span[1] - span[0])
        return self._texts[span]

    def place(self, span: Span) -> tuple[str, float]:
        """Name the field that a span stands in, and what a match there weighs."""
        number, word = divmod(span[0], _FIELD_GAP)
        name, weight = self._places[number - 1]
        if name == "summary" and word >= self._fields.lead_words:
            return name, self._fields.content
        return name, weight

    def opening(self, words: int) -> dict[str, Sequence[str]]:
        """Give the title's words and the first of the text below it, as they stand, by field."""
        below = next((name for name in self._names if name != "title"), "title")
        return {name: self._words[name].raw[:words] for name in ("title", below) if name in self._words}

    def spans(self, operand: _Operand) -> Sequence[Span]:
        """Say where an operand stands, within its scope."""
        if not operand.scope:
            return self.hits.get(operand.number, ())
        if operand not in self._scoped:
            self._scoped[operand] = self._within(operand)
        return self._scoped[operand]

    def first(self, chain: _Chain) -> Span | None:
        """Find the first place where a chain of terms holds; the words between near terms are part of it."""
        if chain.number not in self._found:
            self._found[chain.number] = _first(chain, self)
        return self._found[chain.number]

    def _within(self, operand: _Operand) -> Sequence[Span]:
        found = self.hits.get(operand.number, ())
        if operand.scope == "often":
            return found if len(found) >= _OFTEN else ()
        return [span for span in found if self._leads(span, title_only=operand.scope == "title")]

    def _leads(self, span: Span, *, title_only: bool) -> bool:
        if self.field(span) == "title":
            return True
        first = next((name for name in self._names if name != "title"), "")
        return not title_only and self.field(span) == first and span[0] % _FIELD_GAP < self._fields.lead_words

    def _hide(self, hidden: Sequence[Span]) -> None:
        for number, spans in list(self.hits.items()):
            self.hits[number] = [span for span in spans if not _is_hidden(span, hidden)]


class Matcher:
    """The rules that count in one language, compiled once."""

    def __init__(self, rules: Rules, languages: Sequence[str]) -> None:
        self._rules = rules
        self._reporting = _reporting(rules.outlets)
        self.targets = rules.targets
        self.languages = tuple(languages)
        self._languages = (*languages, ANY)
        self._numbers: dict[tuple[str, str | Phrase], int] = {}
        self._chains: dict[Part, _Chain] = {}
        self._phrases: list[tuple[Phrase, ...]] = [
            tuple(phrase for language in self._languages for phrase in rules.hidden.get(language, ()))
        ]
        self._by_key: dict[str, dict[int, list[_Compiled]]] = {"beat": {}, "theme": {}}
        self._by_target: dict[int, list[_Compiled]] = defaultdict(list)
        for index, target in enumerate(rules.targets):
            self._compile(index, target)
        self._named = self._number(_NAMED, ()) if _NAMED in rules.glossary else None
        self._lexicon = Lexicon(self._phrases, languages)

    def read(self, entry: Entry) -> Reading:
        """Find every phrase of the rules in an entry."""
        return Reading(entry, self._lexicon, self._rules, self._reporting)

    def named(self, reading: Reading) -> bool:
        """Say whether a text names AI at all, or what stands for it; always where no list says what does."""
        return self._named is None or bool(reading.hits.get(self._named))

    def matches(self, reading: Reading, kind: Literal["beat", "theme"]) -> dict[int, list[Match]]:
        """Find the rules that hold, by the number of their target in the file's order."""
        by_key = self._by_key[kind]
        found: dict[int, list[Match]] = {}
        present = reading.hits.keys()
        # Of all rules a text meets a few: only those are looked at whose rarest operand it has.
        for number in present & by_key.keys():
            for compiled in by_key[number]:
                if compiled.numbers <= present and (match := self._holds(compiled, reading)):
                    found.setdefault(compiled.target, []).append(match)
        return {target: _once(matches) for target, matches in found.items()}

    def lacking(self, target: int, reading: Reading) -> Lacking | None:
        """Name the weightiest rule of a target that holds but for one term."""
        best: Lacking | None = None
        for rule, _, _, needs, _ in self._by_target[target]:
            if rule.weight <= 0 or (best and rule.weight <= best.rule.weight):
                continue
            terms = [term for part in rule.condition.needs for term in part.terms]
            operands = [operand for chain in needs for operand in chain.operands]
            missing = [t for t, operand in zip(terms, operands, strict=True) if not reading.spans(operand)]
            if len(missing) == 1 and len(terms) > 1:
                best = Lacking(rule, missing[0].text)
        return best

    def _compile(self, index: int, target: Target) -> None:
        for rule in target.rules:
            if rule.language in self._languages:
                needs = tuple(self._chain(part) for part in rule.condition.needs)
                bars = tuple(self._chain(part) for part in rule.condition.bars)
                numbers = frozenset(operand.number for chain in needs for operand in chain.operands)
                compiled = _Compiled(rule, index, numbers, needs, bars)
                # Under the operand with the fewest phrases: where that does not stand, the rule is not even
                # looked at.
                rarest = min(numbers, key=lambda number: (len(self._phrases[number]), number))
                self._by_key[target.kind].setdefault(rarest, []).append(compiled)
                self._by_target[index].append(compiled)

    def _chain(self, part: Part) -> _Chain:
        if part not in self._chains:
            operands = tuple(self._operand(term) for term in part.terms)
            self._chains[part] = _Chain(len(self._chains), operands, part.links)
        return self._chains[part]

    def _operand(self, term: Term) -> _Operand:
        return _Operand(self._number(term.list, term.phrase), term.scope)

    def _number(self, name: str, phrase: Phrase) -> int:
        """Give the operand number of a list, or of a phrase where no list is named."""
        key = ("list", name) if name else ("phrase", phrase)
        if key not in self._numbers:
            self._numbers[key] = len(self._phrases)
            self._phrases.append(tuple(self._listed(name)) if name else (phrase,))
        return self._numbers[key]

    def _listed(self, name: str) -> Iterator[Phrase]:
        entry = self._rules.glossary[name]
        for language in self._languages:
            yield from entry.phrases.get(language, ())
            for included in entry.includes.get(language, ()):
                yield from self._listed(included)

    def _holds(self, compiled: _Compiled, reading: Reading) -> Match | None:
        found: list[Span] = []
        for chain in compiled.needs:
            span = reading.first(chain)
            if span is None:
                return None
            found.append(span)
        if compiled.bars and any(reading.first(chain) for chain in compiled.bars):
            return None
        places = [reading.place(span) for span in found]
        name, weight = min(places, key=itemgetter(1)) if len(places) > 1 else places[0]
        return Match(compiled.rule, name, compiled.rule.weight * weight, tuple(found))


def texts(entry: Entry, outlets: tuple[str, ...]) -> dict[str, str]:
    """Give an entry's text by field, its title without who reported it."""
    title = _byline(outlets).sub("", entry.title) if entry.title.endswith(")") else entry.title
    return {"title": title, "summary": entry.summary, "content": entry.content}


@cache
def _byline(outlets: tuple[str, ...]) -> re.Pattern[str]:
    """Match what aggregators add to a title: `(Ada Lovelace/The Paper)`, `(Reuters)`.

    Any other words in brackets may be what it is about: without "(Sora)", "(Sora/Veo)" and "(New York Times
    v. OpenAI)" such news was lost.
    """
    names = "|".join(map(re.escape, outlets)) or "(?!)"
    author = r"[^()/]*\s[^\W\d_][^()/]*/[^()]*"
    return re.compile(rf"\s\((?=[A-Z])(?:{author}|[^()]*(?<!\w)(?:{names})[^\w()]*)\)$")


def _words(text: str, count: int, reporting: Reporting | None) -> Words:
    """Read the opening of a text, without who reported it."""
    words = Words(_opening(text, count))
    if reporting is None or reporting.words.isdisjoint(words.raw):
        return words
    return Words(_opening(reporting.phrase.sub(" ", _opening(text, 2 * count)), count))


def meant(entry: Entry, outlets: tuple[str, ...]) -> str:
    """Give the text whose meaning is looked at: the title, and the opening of what stands below it."""
    title, summary, content = texts(entry, outlets).values()
    below = _opening(summary or content, _MEANT_WORDS)
    return f"{title}. {below}"


def _reporting(outlets: Sequence[str]) -> Reporting | None:
    """Match "according to the Financial Times": an outlet that reports is no party to what it reports.

    One false alarm in ten on a technology feed came from an outlet's name read as a publisher in a dispute.
    """
    if not outlets:
        return None
    names = "|".join(re.escape(name) for name in sorted(outlets, key=len, reverse=True))
    name = rf"(?:the |The |der |die |das |dem )?(?:{names})(?:['’]s?)?\b"
    before = (
        r"(?:[Aa]ccording to|[Aa]s reported by|[Ff]irst reported by|[Rr]eported by|told|[Ii]n an interview"
        r" with|[Aa] report (?:in|by|from)|[Rr]eports? (?:in|by|from)|spoke to|[Ll]aut"
        r"|[Nn]ach Angaben (?:von|der|des)"
        r"|[Ii]m Gespräch mit|[Gg]egenüber|[Bb]ericht (?:der|des|von)|sagte)"
    )
    after = r"(?:reports?|reported|has learned|first reported|writes|schreibt|berichtet\w*|zufolge|meldet\w*)"
    phrase = re.compile(
        rf"\b{before} (?:a report (?:in|by|from) )?{name}|(?:\b[Ww]ie )?\b{name} {after}\b"
        rf"|\b{after} {name}(?=[,.:;)]|$)"
    )
    words = {re.findall(r"\w+", outlet)[-1] for outlet in outlets}
    return Reporting(frozenset(word + ending for word in words for ending in ("", "'s", "’s")), phrase)


def _once(matches: list[Match]) -> list[Match]:
    """Let a phrase count once where several rules name it alone (`Klage*`, `*klage`): by the weightiest."""
    ordered = sorted(matches, key=lambda match: (-abs(match.weight), match.rule.text))
    kept: dict[object, Match] = {}
    for match in ordered:
        alone = len(match.places) == 1 and len(match.rule.condition.needs[0].terms) == 1
        kept.setdefault(match.places if alone else id(match.rule), match)
    return list(kept.values())


def _first(chain: _Chain, reading: Reading) -> Span | None:
    windows: Iterable[Span] = reading.spans(chain.operands[0])
    for link, operand in zip(chain.links, chain.operands[1:], strict=True):
        windows = _widened(windows, reading.spans(operand), link)
    return next(iter(windows), None)


def _widened(windows: Iterable[Span], others: Sequence[Span], link: Link) -> Iterator[Span]:
    """Yield, as they are asked for, the windows that have one of the other spans near, widened by it."""
    for window in windows:
        if merged := _joined(window, others, link):
            yield merged


def _joined(window: Span, others: Sequence[Span], link: Link) -> Span | None:
    """Widen a window by the first of the other spans, which are in order, that is near it."""
    start, end = window
    reach = link.distance
    # Spans are in the order of their starts: one that ends near may begin a whole phrase earlier.
    earliest = end if link.ordered else start - reach - LONGEST
    for other_start, other_end in others[bisect_left(others, (earliest, 0)) :]:
        if other_start > end + reach:
            break
        if other_start >= end or start - reach <= other_end <= start:
            return min(start, other_start), max(end, other_end)
    return None


def _is_hidden(span: Span, hidden: Sequence[Span]) -> bool:
    return any(start <= span[0] and span[1] <= end and (start, end) != span for start, end in hidden)


def _opening(text: str, count: int) -> str:
    """Cut a long text near its first `count` words, between two words."""
    limit = count * _LETTERS_A_WORD
    # Chinese and Japanese have no blanks between their words.
    return text if len(text) <= limit else text[:limit].rpartition(" ")[0] or text[:limit]
