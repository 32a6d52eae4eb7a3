"""The rules of one language, compiled: an entry in, the rules that hold and the words they matched out."""

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

# Added to the places of each further field, so that nothing is near across fields.
_FIELD_GAP = 1_000_000
# For `often:`, that is, a name that may be mentioned in passing: once or twice is in passing.
_OFTEN = 3
# An upper estimate (German words have six letters and a blank), since a text is cut before it is split.
_LETTERS_A_WORD = 7
# Short texts are encoded quickly, and few teasers are longer.
_MEANT_WORDS = 80
# The operand number of the phrases that hide what is within them.
_HIDDEN = 0
# The glossary list of words that show that AI is mentioned at all.
_NAMED = "named"

Span = tuple[int, int]


class Match(NamedTuple):
    """A rule that holds, with the field of its words; of several fields, the one with the least weight."""

    rule: Rule
    field: str
    weight: float
    places: tuple[Span, ...]
    """The places of the words; `Reading.quote` returns the words. Fields are far apart."""


class Lacking(NamedTuple):
    """A rule that lacks one term, and that term as written in the file."""

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
    """How texts say which outlet reported something: "according to the Financial Times"."""

    words: frozenset[str]
    """The last words of the outlets' names. Most texts have none of them, and need no search."""
    phrase: re.Pattern[str]


class _Compiled(NamedTuple):
    rule: Rule
    target: int
    numbers: frozenset[int]
    """All operands that it needs."""
    needs: tuple[_Chain, ...]
    bars: tuple[_Chain, ...]


class Reading:
    """An entry's text after one reading: where every phrase of the rules was found in it."""

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
        """Return the field of a span."""
        return self._names[span[0] // _FIELD_GAP - 1]

    def quote(self, match: Match) -> str:
        """Return the words that made a rule hold, as the entry has them."""
        if len(match.places) == 1:
            return self._text(match.places[0])
        return " … ".join(dict.fromkeys(map(self._text, match.places)))

    def verbatim(self, words: str, field: str) -> str:
        """Return words as the field has them, with an ellipsis if there is more than a blank between them."""
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
        """Return the field of a span, and the weight of a match there."""
        number, word = divmod(span[0], _FIELD_GAP)
        name, weight = self._places[number - 1]
        if name == "summary" and word >= self._fields.lead_words:
            return name, self._fields.content
        return name, weight

    def opening(self, words: int) -> dict[str, Sequence[str]]:
        """Return the first words of the title and of the text below it, as written, by field."""
        below = next((name for name in self._names if name != "title"), "title")
        return {name: self._words[name].raw[:words] for name in ("title", below) if name in self._words}

    def spans(self, operand: _Operand) -> Sequence[Span]:
        """Return where an operand was found, within its scope."""
        if not operand.scope:
            return self.hits.get(operand.number, ())
        if operand not in self._scoped:
            self._scoped[operand] = self._within(operand)
        return self._scoped[operand]

    def first(self, chain: _Chain) -> Span | None:
        """Return the first place where a chain of terms holds, including the words between near terms."""
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
        """Return whether a text mentions AI or a word that stands for it; True if no list has such words."""
        return self._named is None or bool(reading.hits.get(self._named))

    def matches(self, reading: Reading, kind: Literal["beat", "theme"]) -> dict[int, list[Match]]:
        """Return the rules that hold, by the number of their target in the order of the file."""
        by_key = self._by_key[kind]
        found: dict[int, list[Match]] = {}
        present = reading.hits.keys()
        # A text meets few of all rules, so only those are looked at whose rarest operand it has.
        for number in present & by_key.keys():
            for compiled in by_key[number]:
                if compiled.numbers <= present and (match := self._holds(compiled, reading)):
                    found.setdefault(compiled.target, []).append(match)
        return {target: _without_repeats(matches) for target, matches in found.items()}

    def lacking(self, target: int, reading: Reading) -> Lacking | None:
        """Return the weightiest rule of a target that lacks just one term."""
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
                # Indexed by the operand with the fewest phrases: without it in the text, the rule is not
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
        """Return the operand number of a list, or of a phrase if no list is named."""
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
    """Return the texts of an entry by field; its title without the name of who reported it."""
    title = _byline(outlets).sub("", entry.title) if entry.title.endswith(")") else entry.title
    return {"title": title, "summary": entry.summary, "content": entry.content}


@cache
def _byline(outlets: tuple[str, ...]) -> re.Pattern[str]:
    """Match what aggregators add to a title: `(Ada Lovelace/The Paper)`, `(Reuters)`.

    Any other words in brackets may be what the entry is about. When "(Sora)", "(Sora/Veo)" or "(New York
    Times v. OpenAI)" were removed, such news was lost.
    """
    names = "|".join(map(re.escape, outlets)) or "(?!)"
    author = r"[^()/]*\s[^\W\d_][^()/]*/[^()]*"
    return re.compile(rf"\s\((?=[A-Z])(?:{author}|[^()]*(?<!\w)(?:{names})[^\w()]*)\)$")


def _words(text: str, count: int, reporting: Reporting | None) -> Words:
    """Return the words at the beginning of a text, without phrases that only say who reported it."""
    words = Words(_opening(text, count))
    if reporting is None or reporting.words.isdisjoint(words.raw):
        return words
    return Words(_opening(reporting.phrase.sub(" ", _opening(text, 2 * count)), count))


def text_to_encode(entry: Entry, outlets: tuple[str, ...]) -> str:
    """Return the text to be encoded: the title, and the beginning of what is below it."""
    title, summary, content = texts(entry, outlets).values()
    below = _opening(summary or content, _MEANT_WORDS)
    return f"{title}. {below}"


def _reporting(outlets: Sequence[str]) -> Reporting | None:
    """Match "according to the Financial Times": an outlet that only reports is not involved.

    One false alarm in ten on a technology feed came from the name of an outlet that was taken for a publisher
    in a dispute.
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


def _without_repeats(matches: list[Match]) -> list[Match]:
    """Keep one of several rules that consist of the same phrase (`Klage*`, `*klage`): the weightiest."""
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
    """Yield, one at a time, the windows that have one of the other spans near, extended by it."""
    for window in windows:
        if merged := _joined(window, others, link):
            yield merged


def _joined(window: Span, others: Sequence[Span], link: Link) -> Span | None:
    """Extend a window by the first of the other spans that is near it; these are in order."""
    start, end = window
    reach = link.distance
    # Spans are ordered by their start: one that ends near the window may begin a whole phrase earlier.
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
    # Chinese and Japanese have no blanks between words.
    return text if len(text) <= limit else text[:limit].rpartition(" ")[0] or text[:limit]
