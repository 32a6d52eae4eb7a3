"""Judge one entry: how certain it is that it is relevant, which beats it is on, which themes it has. Pure.

Rules are the gate: if those of every beat add up to less than `GATE` of its threshold, nothing more is done
(86 in 100 entries of a technology feed, 994 in 1,000 of a general one). After it the table of weights
decides, for or against, by words, pairs of words and the sums of rules. Words without the gate were useless
at the real rate of news (precision .12, against .80 with it). Beats and themes that the table does not know
are decided by the points of their rules alone, and so are all of them with `learned = false`. The table
cannot outvote rules that were added to themes.toml after it was made: what these add up to holds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal

from monitor.models import Evidence
from monitor.tag.explain import Verdict
from monitor.tag.features import OPENING
from monitor.tag.judge import MEANING, RELEVANT, Contribution

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from monitor.tag.features import Features, Stems
    from monitor.tag.judge import Judge, KnownWords
    from monitor.tag.matcher import Match, Matcher, Reading
    from monitor.tag.personal import Own, Personal
    from monitor.tag.rules import Target

GATE: Final = 0.3
"""The share of a beat's threshold that rules must reach before the table is asked."""
# The log-odds (probability .9) of an entry that the user's own rules choose by themselves.
_OWN: Final = 2.2
# What each point of the user's own rules adds to the log-odds.
_OWN_POINT: Final = 2.0
# Smaller weights would be shown as 0.00, so they are left out.
_VISIBLE: Final = 0.005
_AT_THRESHOLD: Final = 0.85
# Without the table: the log-odds of an entry that just reaches the threshold (probability .7), and what each
# further share of the threshold adds.
_A_POINT: Final = 3.0


class Scoring:
    """The answers about one entry, each computed when it is asked for."""

    def __init__(
        self,
        matcher: Matcher,
        reading: Reading,
        *,
        judge: Judge | None = None,
        unseen: frozenset[int] = frozenset(),
        stems: Stems | None = None,
        meaning: Callable[[], Sequence[float]] | None = None,
        prior: float = 0.0,
        personal: Personal | None = None,
        feed: str = "",
    ) -> None:
        """`unseen` holds the ids of the rules that the table `judge` was made without.

        `meaning` returns the vector of the text. As this takes some milliseconds, it is only called after the
        gate.
        """
        self._matcher = matcher
        self._reading = reading
        self._judge = judge
        self._unseen = unseen
        self._stems = stems
        self._meaning = meaning
        self._vector: Sequence[float] | None = None
        self._prior = prior
        self._personal = personal
        self._feed = feed
        self._thresholds = {target.slug: target.threshold for target in matcher.targets}
        self._features: Features | None = None
        self._words: KnownWords | None = None
        self._totals: dict[str, float] | None = None
        self.sums: dict[str, float] = {}
        """For each target, the sum of its rules that the table knows."""
        self.unseen_sums: dict[str, float] = {}
        """For each target, the sum of its rules that the table does not know."""
        self._matches: dict[str, Sequence[Match]] = {}
        self._find("beat")

    @property
    def passes(self) -> bool:
        """True if the rules of some beat reach the gate."""
        return any(self._share(target) >= GATE for target in self.targets("beat"))

    @property
    def judged(self) -> bool:
        """True if the table decides on relevance: the gate is open, and it knows a beat that opened it."""
        return self._judge is not None and any(
            self._judge.covers(target.slug) and self._share(target) >= GATE for target in self.targets("beat")
        )

    def targets(self, kind: Literal["beat", "theme"]) -> list[Target]:
        """Return the beats or the themes, in the order of the file."""
        return [target for target in self._matcher.targets if target.kind == kind]

    def relevance(self) -> float:
        """Return the log-odds that the entry is relevant, by the table or by a beat of the user's own."""
        # When the table decides, a beat of the user's own counts only if the entry is on it. A hint of one
        # ("garden") once made an entry relevant that the table had refused, and gave it the nearest shipped
        # beat.
        found = [
            self._own_total(target)
            for target in self.targets("beat")
            if not self._covers(target)
            and self._share(target) > 0
            and (not self.judged or self._verdict(target).given)
        ]
        if self.judged:
            found.append(self.by_table())
        return max(found, default=-30.0)

    def by_table(self) -> float:
        """Return the log-odds that the entry is relevant, by the table and by what counts beside it."""
        total = self._second_look(RELEVANT) + self._prior
        if self._personal:
            total += self._personal.delta(self.features(), self._feed)
        covered = [target for target in self.targets("beat") if self._covers(target)]
        total += _OWN_POINT * max(0.0, *(self.unseen_sums.get(target.slug, 0.0) for target in covered))
        if any(self.unseen_sums.get(target.slug, 0.0) >= target.threshold for target in covered):
            # A table that never met the user's own phrase cannot know better.
            total = max(total, _OWN)
        return total

    def _second_look(self, name: str) -> float:
        """Return the table's log-odds of a question, adjusted by the meaning of the text if available."""
        total = self._answers()[name]
        look = self._judge.meanings.get(name) if self._judge else None
        if look is None or self._meaning is None:
            return total
        if self._vector is None:
            self._vector = self._meaning()
        return look.second(total, self._vector)

    def beats(self, *, chosen: bool) -> list[Verdict]:
        """Return the verdict on each beat; an entry that the table has `chosen` gets at least the nearest."""
        targets = self.targets("beat")
        verdicts = [self._verdict(target) for target in targets]
        asked = [v for target, v in zip(targets, verdicts, strict=True) if self._covers(target)]
        given = [v for v in verdicts if v.given and (chosen or v not in asked)]
        # A relevant entry needs a beat.
        if chosen and not given and asked:
            given = [max(asked, key=lambda verdict: verdict.total)]
        return [v.with_answer(given=v in given) for v in verdicts]

    def themes(self) -> list[Verdict]:
        """Return the verdict on each theme."""
        self._find("theme")
        return [self._verdict(target) for target in self.targets("theme")]

    def features(self) -> Features:
        """Return the words and pairs of words that the table sees."""
        if self._features is None:
            assert self._stems is not None
            self._features = self._stems.features(self._reading.opening(OPENING))
        return self._features

    def _read(self) -> KnownWords:
        if self._words is None:
            assert self._judge is not None
            self._words = self._judge.read(self.features())
        return self._words

    def arithmetic(self, name: str, shown: int) -> tuple[Evidence, ...]:
        """Return all parts of the log-odds of a question: the table's, and what counts beside it."""
        own = self._personal.own.get(name) if self._personal else None
        if own is not None:
            whole = Contribution("", "", own.total(self.features()), "learned from your marks")
            return self._evidence(name, [whole])
        assert self._judge is not None
        parts = self._judge.contributions(name, self._read(), self._asked_sums(), shown=shown)
        meant = self._second_look(name) - self._answers()[name]
        parts.append(Contribution("", "", meant, MEANING))
        if name == RELEVANT:
            total = self.by_table()
            parts.append(
                Contribution("", "", self._prior, "the kind of feed, a missing teaser, no mention of AI")
            )
            if self._personal:
                delta = self._personal.delta(self.features(), self._feed)
                parts.append(Contribution("", "", delta, "learned from your marks"))
        else:
            total = self._answer(name)
        newer = total - sum(part.weight for part in parts)
        parts.append(Contribution("", "", newer, "phrases newer than the table"))
        if name == RELEVANT:
            parts.append(Contribution("", "", self.relevance() - total, "a beat of your own"))
        return self._evidence(name, parts)

    def _evidence(self, name: str, parts: Sequence[Contribution]) -> tuple[Evidence, ...]:
        return tuple(
            Evidence(
                target=name,
                term=self._reading.verbatim(part.term, part.field),
                rule=part.why,
                field=part.field,
                weight=round(part.weight, 4),
            )
            for part in parts
            if abs(part.weight) >= _VISIBLE
        )

    def matched(self, slug: str) -> tuple[Evidence, ...]:
        """Return the rules of a beat or theme that hold, with their points."""
        return tuple(
            Evidence(
                target=slug,
                term=self._reading.quote(match),
                rule=f"{match.rule.grade}: {match.rule.text}",
                field=match.field,
                weight=round(match.weight, 4),
            )
            for match in self._matches.get(slug, ())
        )

    def _find(self, kind: Literal["beat", "theme"]) -> None:
        for index, matches in self._matcher.matches(self._reading, kind).items():
            slug = self._matcher.targets[index].slug
            own = sum(match.weight for match in matches if id(match.rule) in self._unseen)
            self._matches[slug] = matches
            self.unseen_sums[slug] = own
            self.sums[slug] = sum(match.weight for match in matches) - own
        self._totals = None

    def _covers(self, target: Target) -> bool:
        return self._judge is not None and self._judge.covers(target.slug)

    def _share(self, target: Target) -> float:
        """Return the points of a target's rules as a share of its threshold."""
        slug = target.slug
        return (self.sums.get(slug, 0.0) + self.unseen_sums.get(slug, 0.0)) / target.threshold

    def _own_total(self, target: Target) -> float:
        """Return the log-odds of a target that the table does not know, by its points or the user's marks."""
        taught = self._taught(target)
        if taught is None:
            return _AT_THRESHOLD + _A_POINT * (self._share(target) - 1)
        return taught.total(self.features())

    def _taught(self, target: Target) -> Own | None:
        """Return what marks taught about a target of the user's own; about a beat, only after the gate."""
        if self._personal is None or (target.kind == "beat" and self._share(target) < GATE):
            return None
        return self._personal.own.get(target.slug)

    def _asked_sums(self) -> dict[str, float]:
        """Return the sums that the table weighs; those of 0 say nothing."""
        return {slug: value for slug, value in self.sums.items() if value}

    def _answers(self) -> dict[str, float]:
        assert self._judge is not None
        if self._totals is None:
            self._totals = self._judge.totals(self._read(), self._asked_sums())
        return self._totals

    def _answer(self, slug: str) -> float:
        """Return the log-odds of a beat or theme. Rules that the table does not know hold by themselves."""
        own = self.unseen_sums.get(slug, 0.0)
        total = self._second_look(slug) + _OWN_POINT * own
        return max(total, _OWN) if own >= self._thresholds[slug] else total

    def _verdict(self, target: Target) -> Verdict:
        threshold = 0.0
        if self._covers(target) and self.judged:
            total = self._answer(target.slug)
        elif self._taught(target):
            total = self._own_total(target)
        else:  # rounded before they are compared, or .9999999 would be too little
            total, threshold = round(self._share(target) * target.threshold, 4), target.threshold
        return Verdict(
            slug=target.slug,
            kind=target.kind,
            total=round(total, 4),
            threshold=threshold,
            unit="points" if threshold else "log-odds",
            given=total >= threshold,
        )
