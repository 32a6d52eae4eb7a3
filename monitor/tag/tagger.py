"""Entry in, tags out, and the reasons for them. Pure: the same rules and text give the same answer."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from monitor.models import Evidence, Tagging
from monitor.tag.explain import Explanation, Verdict
from monitor.tag.grammar import GrammarError, parse_rule
from monitor.tag.matcher import Match, Matcher
from monitor.tag.rules import ANY, LANGUAGES, Rule, Rules

if TYPE_CHECKING:
    from collections.abc import Iterable

    from monitor.models import Entry
    from monitor.tag.matcher import Reading

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
        _, verdicts = self._judge(entry)
        return _tagging(verdicts)

    def explain(self, entry: Entry) -> Explanation:
        """Say what an entry is about, and for every beat and theme why or what was lacking."""
        reading, verdicts = self._judge(entry)
        matcher = self._matcher(entry)
        lacking = [
            replace(verdict, lacking=_lacking(verdict, matcher, index, reading))
            for index, verdict in enumerate(verdicts)
        ]
        return Explanation(tagging=_tagging(verdicts), verdicts=tuple(lacking))

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

    def _judge(self, entry: Entry) -> tuple[Reading, list[Verdict]]:
        matcher = self._matcher(entry)
        reading = matcher.read(entry)
        verdicts = []
        for target, matches in zip(self.rules.targets, matcher.matches(reading), strict=True):
            total = sum(match.weight for match in matches)
            verdicts.append(
                Verdict(
                    slug=target.slug,
                    kind=target.kind,
                    total=round(total, 4),
                    threshold=target.threshold,
                    given=round(total, 4) >= target.threshold,
                    evidence=_evidence(target.slug, matches),
                )
            )
        relevant = any(verdict.given for verdict in verdicts if verdict.kind == "beat")
        if not relevant:
            verdicts = [replace(v, given=False, off_beat=v.given) for v in verdicts]
        return reading, verdicts


def _evidence(slug: str, matches: list[Match]) -> tuple[Evidence, ...]:
    ordered = sorted(matches, key=lambda match: (-abs(match.weight), match.rule.text))
    return tuple(
        Evidence(
            target=slug,
            term=match.term,
            rule=f"{match.rule.grade}: {match.rule.text}",
            field=match.field,
            weight=round(match.weight, 4),
        )
        for match in ordered
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


def _lacking(verdict: Verdict, matcher: Matcher, index: int, reading: Reading) -> str:
    if verdict.given:
        return ""
    if verdict.off_beat:
        return "enough for the theme, but the entry is on no beat"
    short = f"{verdict.threshold - verdict.total:.2f} short of {verdict.threshold:.2f}"
    nearest = matcher.lacking(index, reading)
    if nearest is None:
        return short
    rule, missing = nearest
    return f"{short}; `{rule.text}` (+{rule.weight:g}) lacks {missing[0]}"


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
