"""Entry in, tags out, and the reasons for them. Pure: the same rules and text give the same answer."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from monitor.models import Tagging
from monitor.tag import learned
from monitor.tag.explain import Explanation, Verdict
from monitor.tag.grammar import GrammarError, parse_rule
from monitor.tag.matcher import Matcher
from monitor.tag.rules import ANY, LANGUAGES, Rule
from monitor.tag.weighing import NEAR, Weighing

if TYPE_CHECKING:
    from collections.abc import Iterable

    from monitor.models import Entry
    from monitor.tag.learned import Learned
    from monitor.tag.matcher import Reading
    from monitor.tag.rules import Rules


@dataclass(frozen=True, kw_only=True, slots=True)
class Change:
    """An entry whose tags a phrase would change."""

    entry: Entry
    gains: tuple[str, ...]
    losses: tuple[str, ...]


class Tagger:
    """Gives entries beats and themes: by the rules of themes.toml, and by what was learned beside them."""

    def __init__(self, rules: Rules, *, table: Learned | None = None) -> None:
        """Take rules, and a learned table other than the shipped one; it counts if the rules say so."""
        self.rules = rules
        self._matchers: dict[str, Matcher] = {}
        self._learned = (table or learned.shipped()) if rules.learned else None
        self._own = _own_rules(rules, self._learned) if self._learned else frozenset[int]()

    def tag(self, entry: Entry) -> Tagging:
        """Say what an entry is about. An entry without a beat has no theme either."""
        matcher = self._matcher(entry)
        weighing = self._weighing(matcher, matcher.read(entry))
        verdicts = weighing.verdicts("beat")
        if any(verdict.given for verdict in verdicts):
            verdicts += weighing.verdicts("theme")
        return _tagging(verdicts)

    def explain(self, entry: Entry) -> Explanation:
        """Say what an entry is about, and for every beat and theme why or what was lacking."""
        matcher = self._matcher(entry)
        reading = matcher.read(entry)
        weighing = self._weighing(matcher, reading)
        beats = weighing.verdicts("beat", every=True)
        themes = weighing.verdicts("theme", every=True)
        if not any(verdict.given for verdict in beats):
            themes = [replace(verdict, given=False, off_beat=verdict.given) for verdict in themes]
        verdicts = [
            replace(verdict, lacking=_lacking(verdict, matcher.lacking(index, reading)))
            for index, verdict in enumerate(beats + themes)
        ]
        return Explanation(tagging=_tagging(verdicts), verdicts=tuple(verdicts))

    def sums(self, entry: Entry) -> dict[str, float]:
        """Say what the rules of each beat and theme add up to, in the file's order, for training."""
        matcher = self._matcher(entry)
        weighing = Weighing(matcher, matcher.read(entry))
        weighing.verdicts("beat")
        weighing.verdicts("theme")
        return {target.slug: weighing.sums.get(target.slug, 0.0) for target in self.rules.targets}

    def try_phrase(
        self, phrase: str, target: str, entries: Iterable[Entry], *, grade: str = "sure", language: str = ANY
    ) -> list[Change]:
        """Say what a rule would change if it were added to a beat or theme.

        Raises `GrammarError` for a rule that cannot be read, an unknown target, grade or list.
        """
        changed = Tagger(_with_rule(self.rules, phrase, target, grade, language), table=self._learned)
        found = []
        for entry in entries:
            before, after = _names(self.tag(entry)), _names(changed.tag(entry))
            if before != after:
                gains = tuple(name for name in after if name not in before)
                losses = tuple(name for name in before if name not in after)
                found.append(Change(entry=entry, gains=gains, losses=losses))
        return found

    def _matcher(self, entry: Entry) -> Matcher:
        language = entry.language[:2].lower()
        key = language if language in LANGUAGES else ANY
        if key not in self._matchers:
            self._matchers[key] = Matcher(self.rules, LANGUAGES if key == ANY else (key,))
        return self._matchers[key]

    def _weighing(self, matcher: Matcher, reading: Reading) -> Weighing:
        return Weighing(matcher, reading, learned=self._learned, own=self._own)


def _tagging(verdicts: list[Verdict]) -> Tagging:
    beats = tuple(verdict.slug for verdict in verdicts if verdict.given and verdict.kind == "beat")
    themes = tuple(verdict.slug for verdict in verdicts if verdict.given and verdict.kind == "theme")
    nearest = max((v for v in verdicts if v.kind == "beat"), key=lambda v: v.score, default=None)
    near = ""
    if nearest and not beats and nearest.score >= NEAR:
        near = nearest.line()
    return Tagging(
        beats=beats,
        themes=themes,
        score=max(0.0, nearest.score) if nearest else 0.0,
        evidence=tuple(found for verdict in verdicts if verdict.given for found in verdict.evidence),
        near=near,
    )


def _lacking(verdict: Verdict, nearest: tuple[Rule, str] | None) -> str:
    """Say what kept a verdict from being given, with the weightiest rule that failed by one term."""
    if verdict.given:
        return ""
    if verdict.off_beat:
        return "enough for the theme, but the entry is on no beat"
    short = f"{verdict.threshold - verdict.total:.2f} short of {verdict.threshold:.2f}"
    if nearest is None:
        return short
    rule, missing = nearest
    return f"{short}; `{rule.text}` (+{rule.weight:g}) lacks {missing}"


def _names(tagging: Tagging) -> tuple[str, ...]:
    return (*tagging.beats, *tagging.themes)


def _with_rule(rules: Rules, phrase: str, target: str, grade: str, language: str) -> Rules:
    if grade not in rules.grades:
        raise GrammarError(f"unknown grade {grade!r}: it is one of {', '.join(rules.grades)}")
    if target not in {known.slug for known in rules.targets}:
        raise GrammarError(f"unknown beat or theme {target!r}")
    condition = parse_rule(phrase)
    for name in condition.lists:
        if name not in rules.glossary:
            raise GrammarError(f"unknown list {{{name}}}")
    rule = Rule(text=phrase, grade=grade, weight=rules.grades[grade], language=language, condition=condition)
    targets = (replace(t, rules=(*t.rules, rule)) if t.slug == target else t for t in rules.targets)
    return replace(rules, targets=tuple(targets))


def _own_rules(rules: Rules, table: Learned) -> frozenset[int]:
    """Tell the rules that the table was made without, by identity."""
    return frozenset(
        id(rule) for target in rules.targets for rule in target.rules if not table.knows(target.slug, rule)
    )
