"""Entry in, tags out, and the reasons for them. Pure: the same rules and text give the same answer."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from monitor.models import Evidence, Tagging
from monitor.tag.explain import Explanation, Verdict
from monitor.tag.grammar import GrammarError, parse_rule
from monitor.tag.matcher import Match, Matcher
from monitor.tag.rules import ANY, LANGUAGES, Rule

if TYPE_CHECKING:
    from collections.abc import Iterable

    from monitor.models import Entry
    from monitor.tag.rules import Rules, Target

NEAR = 0.5
"""From this share of its threshold on, a beat that was not given is a near miss."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Change:
    """An entry whose tags a phrase would change."""

    entry: Entry
    gains: tuple[str, ...]
    losses: tuple[str, ...]


class Tagger:
    """Gives entries their beats and themes by the rules of themes.toml."""

    def __init__(self, rules: Rules) -> None:
        self.rules = rules
        self._matchers: dict[str, Matcher] = {}

    def tag(self, entry: Entry) -> Tagging:
        """Say what an entry is about. An entry without a beat has no theme either."""
        matcher = self._matcher(entry)
        reading = matcher.read(entry)
        verdicts = self._verdicts(matcher.matches(reading, "beat"), "beat")
        if any(verdict.given for verdict in verdicts):
            verdicts += self._verdicts(matcher.matches(reading, "theme"), "theme")
        return _tagging(verdicts)

    def explain(self, entry: Entry) -> Explanation:
        """Say what an entry is about, and for every beat and theme why or what was lacking."""
        matcher = self._matcher(entry)
        reading = matcher.read(entry)
        beats = self._verdicts(matcher.matches(reading, "beat"), "beat", every=True)
        themes = self._verdicts(matcher.matches(reading, "theme"), "theme", every=True)
        if not any(verdict.given for verdict in beats):
            themes = [replace(verdict, given=False, off_beat=verdict.given) for verdict in themes]
        verdicts = [
            replace(verdict, lacking=_lacking(verdict, matcher.lacking(index, reading)))
            for index, verdict in enumerate(beats + themes)
        ]
        return Explanation(tagging=_tagging(verdicts), verdicts=tuple(verdicts))

    def try_phrase(
        self, phrase: str, target: str, entries: Iterable[Entry], *, grade: str = "sure", language: str = ANY
    ) -> list[Change]:
        """Say what a rule would change if it were added to a beat or theme.

        Raises `GrammarError` for a rule that cannot be read, an unknown target, grade or list.
        """
        changed = Tagger(_with_rule(self.rules, phrase, target, grade, language))
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

    def _verdicts(
        self, found: dict[int, list[Match]], kind: Literal["beat", "theme"], *, every: bool = False
    ) -> list[Verdict]:
        """Sum up what was found for each target; without `every`, for targets that anything was found for."""
        return [
            _verdict(target, found.get(index, []))
            for index, target in enumerate(self.rules.targets)
            if target.kind == kind and (every or index in found)
        ]


def _verdict(target: Target, matches: list[Match]) -> Verdict:
    total = round(sum(match.weight for match in matches), 4)
    return Verdict(
        slug=target.slug,
        kind=target.kind,
        total=total,
        threshold=target.threshold,
        given=total >= target.threshold,
        evidence=_evidence(target.slug, matches),
    )


def _evidence(slug: str, matches: list[Match]) -> tuple[Evidence, ...]:
    return tuple(
        Evidence(
            target=slug,
            term=match.term,
            rule=f"{match.rule.grade}: {match.rule.text}",
            field=match.field,
            weight=round(match.weight, 4),
        )
        for match in matches
    )


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
