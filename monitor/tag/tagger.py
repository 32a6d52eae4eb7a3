"""Tag entries and explain the tags. Pure: the same rules, table and text always give the same answer."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

from monitor import encoder
from monitor.models import Tagging
from monitor.tag.explain import Explanation, Verdict
from monitor.tag.features import OPENING, Stems
from monitor.tag.grammar import GrammarError, parse_rule
from monitor.tag.judge import (
    RELEVANT,
    TITLE_ALONE,
    TITLE_LOOKED,
    UNNAMED,
    UNNAMED_TITLE,
    log_odds,
    probability,
    shipped,
)
from monitor.tag.matcher import Matcher, text_to_encode
from monitor.tag.personal import Example, Personal
from monitor.tag.rules import ANY, LANGUAGES, Rule
from monitor.tag.scoring import Scoring
from monitor.url import redact_url

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from monitor.models import Entry
    from monitor.tag.features import Features
    from monitor.tag.judge import Judge
    from monitor.tag.matcher import Lacking, Reading
    from monitor.tag.rules import Rules, Target

# Without the table: a beat that reaches this share of its threshold is a near miss.
_NEAR_SHARE = 0.5
# The log-odds that learning starts from for a marked entry that the gate stopped, as nothing learned opens
# the gate.
_LOWEST = -4.0
# How many words are stored as evidence for each tag.
_STORED = 5


@dataclass(frozen=True, kw_only=True, slots=True)
class Change:
    """An entry whose tags a phrase would change."""

    entry: Entry
    gains: tuple[str, ...]
    losses: tuple[str, ...]


class Sums(NamedTuple):
    """What the rules of each beat and theme add up to in an entry."""

    weighed: dict[str, float]
    """Those that the table weighs."""
    beside: dict[str, float]
    """Those that count beside it."""


class Tagger:
    """Gives entries beats, themes and certainty: rules are the gate, and the table decides after it."""

    def __init__(
        self,
        rules: Rules,
        *,
        judge: Judge | None = None,
        kinds: Mapping[str, str] | None = None,
        personal: Personal | None = None,
        semantic: bool = False,
    ) -> None:
        """Take the rules; a table, if not the shipped one; the kinds of feeds by address; the personal layer.

        With `semantic`, entries that pass the gate are judged by their meaning as well, if the encoder is
        installed.
        """
        self.rules = rules
        self._matchers: dict[str, Matcher] = {}
        self._stems: dict[str, Stems] = {}
        self._judge = (judge or shipped()) if rules.learned else None
        self._unseen = _unseen(rules, self._judge) if self._judge else frozenset[int]()
        self._kinds = kinds or {}
        self._personal = personal
        self._semantic = semantic and encoder.available()
        self._sure, self._perhaps = log_odds(rules.sure), log_odds(rules.perhaps)
        self._near = log_odds(rules.near)

    def tag(self, entry: Entry, *, kind: str = "") -> Tagging:
        """Return an entry's tags and certainty. `kind` is that of its feed, if the tagger does not know."""
        matcher = self._matcher(entry)
        reading = matcher.read(entry)
        if not matcher.matches(reading, "beat"):
            return Tagging()  # no rule of any beat holds, as in most entries of most feeds
        scoring = self._scoring(entry, matcher, reading, kind, personal=self._personal)
        if not scoring.judged:
            return self._by_rules(scoring, scoring.beats(chosen=False))
        relevance = scoring.relevance()
        # Too far from a near miss: beats and evidence, which take longer than the answer, are not needed.
        if relevance < self._near:
            return Tagging(certainty=round(probability(relevance), 4), score=self._score(relevance))
        return self._tagging(scoring, relevance, scoring.beats(chosen=self._chosen(scoring)))

    def explain(self, entry: Entry, *, kind: str = "", shown: int = 12) -> Explanation:
        """Return an entry's tagging, with the reasons for relevance and for each beat and theme.

        The `shown` weightiest words are listed for each; the others are added up.
        """
        matcher = self._matcher(entry)
        reading = matcher.read(entry)
        scoring = self._scoring(entry, matcher, reading, kind, personal=self._personal)
        tagging = self.tag(entry, kind=kind)
        relevance = scoring.relevance()
        beats = scoring.beats(chosen=self._chosen(scoring))
        themes = scoring.themes()
        if not tagging.relevant:
            themes = [replace(v, given=False, off_beat=v.given) for v in themes]
        verdicts = []
        for index, verdict in enumerate(beats + themes):
            evidence = scoring.matched(verdict.slug)
            if verdict.unit == "log-odds":
                evidence += scoring.arithmetic(verdict.slug, shown)
            lacking = _lacking(
                verdict, matcher.lacking(index, reading), gate=scoring.passes or not self._judge
            )
            verdicts.append(replace(verdict, evidence=evidence, lacking=lacking))
        return Explanation(
            tagging=tagging,
            relevance=Verdict(
                slug=RELEVANT,
                kind="relevance",
                total=round(relevance, 4),
                threshold=round(self._perhaps, 4),
                unit="log-odds",
                given=tagging.relevant,
                evidence=scoring.arithmetic(RELEVANT, shown) if scoring.judged else (),
            ),
            verdicts=tuple(verdicts),
            bars=(self.rules.perhaps, self.rules.sure),
        )

    def example(self, entry: Entry, answer: bool, *, weight: float = 1.0) -> Example:  # noqa: FBT001 - its label
        """Return an entry as an example for the personal layer, with what the table alone makes of it."""
        matcher = self._matcher(entry)
        scoring = self._scoring(entry, matcher, matcher.read(entry), "", personal=None)
        return Example(
            features=scoring.features(),
            feed=redact_url(entry.feed),
            start=max(scoring.relevance(), _LOWEST),
            answer=answer,
            weight=weight,
        )

    def own_targets(self) -> list[Target]:
        """Return the user's own beats and themes, which are those that the table does not know."""
        return [t for t in self.rules.targets if self._judge is None or not self._judge.covers(t.slug)]

    def sums(self, entry: Entry) -> Sums:
        """Return what the rules of each beat and theme add up to, in the order of the file, for training."""
        matcher = self._matcher(entry)
        apart = frozenset(id(rule) for target in self.rules.targets for rule in target.rules if rule.beside)
        scoring = Scoring(matcher, matcher.read(entry), unseen=apart)
        scoring.themes()
        slugs = [target.slug for target in self.rules.targets]
        weighed = {slug: scoring.sums.get(slug, 0.0) for slug in slugs}
        return Sums(weighed, {slug: scoring.unseen_sums.get(slug, 0.0) for slug in slugs})

    def rules_of(self, entry: Entry) -> dict[str, list[Rule]]:
        """Return the rules that hold in an entry, by beat and theme, for training."""
        matcher = self._matcher(entry)
        reading = matcher.read(entry)
        found = matcher.matches(reading, "beat") | matcher.matches(reading, "theme")
        return {matcher.targets[n].slug: [match.rule for match in matches] for n, matches in found.items()}

    def features(self, entry: Entry) -> Features:
        """Return the words and pairs of words of an entry that the table sees, for training."""
        reading = self._matcher(entry).read(entry)
        return self._stemmer(entry).features(reading.opening(OPENING))

    def named(self, entry: Entry) -> bool:
        """Return whether an entry mentions AI, for training."""
        matcher = self._matcher(entry)
        return matcher.named(matcher.read(entry))

    def _scoring(
        self, entry: Entry, matcher: Matcher, reading: Reading, kind: str, *, personal: Personal | None
    ) -> Scoring:
        kind = kind or self._kinds.get(entry.feed, "")
        return Scoring(
            matcher,
            reading,
            judge=self._judge,
            unseen=self._unseen,
            stems=self._stemmer(entry),
            meaning=(lambda: self._meaning_of(entry)) if self._semantic else None,
            prior=self._prior(kind, entry, named=matcher.named(reading)),
            personal=personal,
            feed=entry.feed,
        )

    def _meaning_of(self, entry: Entry) -> list[float]:
        found: list[float] = encoder.encode([text_to_encode(entry, self.rules.outlets)])[0].tolist()
        return found

    def _prior(self, kind: str, entry: Entry, *, named: bool) -> float:
        """Return what the kind of feed, and what an entry lacks, add to the log-odds of relevance."""
        if self._judge is None:
            return 0.0
        teaser = bool(entry.summary or entry.content)
        lacks = (
            "" if teaser else TITLE_ALONE,
            "" if teaser or not self._semantic else TITLE_LOOKED,
            "" if named else UNNAMED if teaser else UNNAMED_TITLE,
        )
        return sum(self._judge.priors.get(name, 0.0) for name in (kind, *lacks))

    def _chosen(self, scoring: Scoring) -> bool:
        """Return whether the table finds an entry relevant, apart from any beats of the user's own."""
        return scoring.judged and scoring.by_table() >= self._perhaps

    def _by_rules(self, scoring: Scoring, beats: list[Verdict]) -> Tagging:
        """Tag without the table: by beats that it does not know, or because the gate stays shut."""
        nearest = max(beats, key=lambda v: v.score, default=None)
        score = max(0.0, nearest.score) if nearest else 0.0
        relevance = scoring.relevance()
        if any(verdict.given for verdict in beats):
            return replace(self._tagging(scoring, relevance, beats), score=score)
        near = ""
        if self._judge is None and nearest and score >= _NEAR_SHARE:
            terms = replace(nearest, evidence=scoring.matched(nearest.slug)).quoted() or "no word"
            found, bar = nearest.total, nearest.threshold
            if nearest.unit == "log-odds":
                found, bar = probability(found), probability(bar)
            near = f"{nearest.slug} {found:.2f} of {bar:.2f} ({terms})"
        return Tagging(score=score, certainty=round(probability(relevance), 4), near=near)

    def _tagging(self, scoring: Scoring, relevance: float, beats: list[Verdict]) -> Tagging:
        given = [verdict for verdict in beats if verdict.given]
        certainty = round(probability(relevance), 4)
        if not given:
            nearest = max(beats, key=lambda verdict: verdict.score)
            terms = replace(nearest, evidence=scoring.matched(nearest.slug)).quoted() or "no word"
            near = f"{nearest.slug} {certainty:.2f} of {self.rules.perhaps:.2f} ({terms})"
            return Tagging(score=self._score(relevance), certainty=certainty, near=near)
        evidence = [piece for verdict in given for piece in scoring.matched(verdict.slug)]
        if scoring.judged:
            evidence += (replace(e, target=given[0].slug) for e in scoring.arithmetic(RELEVANT, _STORED))
        themes = [verdict for verdict in scoring.themes() if verdict.given]
        for verdict in themes:
            evidence += scoring.matched(verdict.slug)
            if verdict.unit == "log-odds":
                evidence += scoring.arithmetic(verdict.slug, _STORED)
        return Tagging(
            beats=tuple(verdict.slug for verdict in given),
            themes=tuple(verdict.slug for verdict in themes),
            score=self._score(relevance),
            evidence=tuple(evidence),
            certainty=certainty,
            shelf="sure" if relevance >= self._sure else "perhaps",
        )

    def _score(self, relevance: float) -> float:
        """Return certainty as a share of the bar: an entry is chosen from 1.0 on."""
        return round(probability(relevance) / self.rules.perhaps, 4)

    def try_phrase(
        self, phrase: str, target: str, entries: Iterable[Entry], *, grade: str = "sure", language: str = ANY
    ) -> list[Change]:
        """Return the entries whose tags would change if a rule were added to a beat or theme.

        Raises `GrammarError` for a rule that cannot be read, or an unknown target, grade or list.
        """
        # A new tagger with the rule, since another rule may bar what the phrase lets in.
        changed = Tagger(
            _with_rule(self.rules, phrase, target, grade, language),
            judge=self._judge,
            kinds=self._kinds,
            personal=self._personal,
            semantic=self._semantic,
        )
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
        # A text in another language is read by the rules of all, as names and quotations are the same there.
        key = language if language in LANGUAGES else ANY
        if key not in self._matchers:
            self._matchers[key] = Matcher(self.rules, LANGUAGES if key == ANY else (key,))
        return self._matchers[key]

    def _stemmer(self, entry: Entry) -> Stems:
        # One for all other languages, as each caches some megabytes of words.
        language = "de" if entry.language[:2].lower() == "de" else "en"
        if language not in self._stems:
            self._stems[language] = Stems(language, self._judge.parts if self._judge else frozenset())
        return self._stems[language]


def _lacking(verdict: Verdict, nearest: Lacking | None, *, gate: bool) -> str:
    """Return why a verdict was not given, with the weightiest rule that lacks just one term."""
    if verdict.given:
        return ""
    if verdict.off_beat:
        return "enough for the theme, but the entry is on no beat"
    short = (
        f"{verdict.threshold - verdict.total:.2f} points short"
        if verdict.unit == "points"
        else f"{probability(verdict.total):.0%} sure, {probability(verdict.threshold):.0%} is needed"
    )
    if not gate:
        short += ", too little for the table to decide"
    if nearest is None:
        return short
    return f"{short}; `{nearest.rule.text}` (+{nearest.rule.weight:g}) lacks {nearest.term}"


def _names(tagging: Tagging) -> tuple[str, ...]:
    return (*tagging.beats, *tagging.themes)


def _with_rule(rules: Rules, phrase: str, target: str, grade: str, language: str) -> Rules:
    if grade not in rules.grades:
        raise GrammarError(f"unknown grade {grade!r}: it is one of {', '.join(rules.grades)}")
    known = [one.slug for one in rules.targets]
    if target not in known:
        raise GrammarError(f"unknown beat or theme {target!r}; there are {', '.join(known)}")
    condition = parse_rule(phrase)
    for name in condition.lists:
        if name not in rules.glossary:
            raise GrammarError(f"unknown list {{{name}}}")
    rule = Rule(text=phrase, grade=grade, weight=rules.grades[grade], language=language, condition=condition)
    targets = (replace(t, rules=(*t.rules, rule)) if t.slug == target else t for t in rules.targets)
    return replace(rules, targets=tuple(targets))


def _unseen(rules: Rules, judge: Judge) -> frozenset[int]:
    """Return the ids of the rules that the table was made without."""
    return frozenset(
        id(rule)
        for target in rules.targets
        for rule in target.rules
        if rule.beside or not judge.knows(target.slug, rule)
    )
