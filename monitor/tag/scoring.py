"""One entry, judged: how certain it is that it is relevant, on which beats it is, which themes it has. Pure.

Rules are the gate: where those of the beats add up to less than `GATE` nothing more is asked (86 in 100
entries of a technology feed, 994 in 1,000 of a general one). Behind it the table of weights decides in both
directions from words, pairs of words and the rules' sums. Words without the gate were useless at the real
rate (precision .12 where the gated had .80). Beats and themes that the table does not know, and all of them
with `learned = false`, are decided by their rules' points alone. Rules that came into themes.toml after the
table was made cannot be outvoted by it: what they add up to by themselves holds.
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
"""The share of a beat's threshold that rules must find before the table is asked."""
# The log-odds (.9) of an entry that the user's own rules choose by themselves.
_OWN: Final = 2.2
# What a point of the user's own rules adds in log-odds.
_OWN_POINT: Final = 2.0
# What is smaller is shown as 0.00: left out.
_VISIBLE: Final = 0.005
_AT_THRESHOLD: Final = 0.85
# Rules alone: log-odds of an entry just at the threshold (.7), and what each further share of it adds.
_A_POINT: Final = 3.0


class Scoring:
    """The questions to one entry, answered when they are asked."""

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
        """Take what was read, and the table with what it does not know (rules by identity).

        `meaning` gives the text's vector, which takes some milliseconds: it is asked behind the gate alone.
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
        """What the rules of each target add up to, without those that the table does not know."""
        self.own: dict[str, float] = {}
        """What those add up to that the table does not know."""
        self._matches: dict[str, Sequence[Match]] = {}
        self._find("beat")

    @property
    def passes(self) -> bool:
        """Whether the rules of any beat found enough for the table to be asked."""
        return any(self._share(target) >= GATE for target in self.targets("beat"))

    @property
    def judged(self) -> bool:
        """Whether the table answers whether the entry is relevant: it knows a beat, and the gate is open."""
        return self._judge is not None and any(
            self._judge.covers(target.slug) and self._share(target) >= GATE for target in self.targets("beat")
        )

    def targets(self, kind: Literal["beat", "theme"]) -> list[Target]:
        """Give the beats or the themes, in the file's order."""
        return [target for target in self._matcher.targets if target.kind == kind]

    def relevance(self) -> float:
        """Give the log-odds that the entry is relevant: by the table, or by a beat of the user's own."""
        # Beside the table a beat of the user's own counts where the entry is on it: a hint of one ("garden")
        # once made what the table had refused relevant, and so gave it the shipped beat that came nearest.
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
        """Give the log-odds that the entry is relevant by the table and what counts beside it."""
        total = self._second_look(RELEVANT) + self._prior
        if self._personal:
            total += self._personal.delta(self.features(), self._feed)
        covered = [target for target in self.targets("beat") if self._covers(target)]
        total += _OWN_POINT * max(0.0, *(self.own.get(target.slug, 0.0) for target in covered))
        if any(self.own.get(target.slug, 0.0) >= target.threshold for target in covered):
            # What a phrase of the user's own chooses is chosen: a table that never met it cannot know better.
            total = max(total, _OWN)
        return total

    def _second_look(self, name: str) -> float:
        """Give the table's log-odds of a question, with what the text means where that can be asked."""
        total = self._answers()[name]
        look = self._judge.meanings.get(name) if self._judge else None
        if look is None or self._meaning is None:
            return total
        if self._vector is None:
            self._vector = self._meaning()
        return look.second(total, self._vector)

    def beats(self, *, chosen: bool) -> list[Verdict]:
        """Say on which beats the entry is; where the table has `chosen` it, on the likeliest at least."""
        targets = self.targets("beat")
        verdicts = [self._verdict(target) for target in targets]
        asked = [v for target, v in zip(targets, verdicts, strict=True) if self._covers(target)]
        given = [v for v in verdicts if v.given and (chosen or v not in asked)]
        # Chosen is chosen: an entry that the table finds relevant has at least the beat that came nearest.
        if chosen and not given and asked:
            given = [max(asked, key=lambda verdict: verdict.total)]
        return [v.but(given=v in given) for v in verdicts]

    def themes(self) -> list[Verdict]:
        """Say for each theme whether the text speaks of it."""
        self._find("theme")
        return [self._verdict(target) for target in self.targets("theme")]

    def features(self) -> Features:
        """Give the words and pairs of words that the table sees."""
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
        """Account for the log-odds of a question, by the table and what counts beside it."""
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
                Contribution("", "", self._prior, "the kind of feed, a missing teaser, no name of AI")
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
        """Give the rules of a beat or theme that hold, with their points."""
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
            self.own[slug] = own
            self.sums[slug] = sum(match.weight for match in matches) - own
        self._totals = None

    def _covers(self, target: Target) -> bool:
        return self._judge is not None and self._judge.covers(target.slug)

    def _share(self, target: Target) -> float:
        """Give the rules' points as a share of the threshold."""
        slug = target.slug
        return (self.sums.get(slug, 0.0) + self.own.get(slug, 0.0)) / target.threshold

    def _own_total(self, target: Target) -> float:
        """Give the log-odds of a target that the table does not know, by its points and the user's marks."""
        taught = self._taught(target)
        if taught is None:
            return _AT_THRESHOLD + _A_POINT * (self._share(target) - 1)
        return taught.total(self.features())

    def _taught(self, target: Target) -> Own | None:
        """Give what marks taught of a target of the user's own; of a beat only behind the gate."""
        if self._personal is None or (target.kind == "beat" and self._share(target) < GATE):
            return None
        return self._personal.own.get(target.slug)

    def _asked_sums(self) -> dict[str, float]:
        """Give the sums that bear on other questions: what speaks against one theme speaks for no other."""
        return {slug: value for slug, value in self.sums.items() if value}

    def _answers(self) -> dict[str, float]:
        assert self._judge is not None
        if self._totals is None:
            self._totals = self._judge.totals(self._read(), self._asked_sums())
        return self._totals

    def _answer(self, slug: str) -> float:
        """Give the log-odds of a beat or theme; phrases that the table does not know hold by themselves."""
        own = self.own.get(slug, 0.0)
        total = self._second_look(slug) + _OWN_POINT * own
        return max(total, _OWN) if own >= self._thresholds[slug] else total

    def _verdict(self, target: Target) -> Verdict:
        threshold = 0.0
        if self._covers(target) and self.judged:
            total = self._answer(target.slug)
        elif self._taught(target):
            total = self._own_total(target)
        else:  # points are rounded before they are held against the bar, or .9999999 would miss it
            total, threshold = round(self._share(target) * target.threshold, 4), target.threshold
        return Verdict(
            slug=target.slug,
            kind=target.kind,
            total=round(total, 4),
            threshold=threshold,
            unit="points" if threshold else "log-odds",
            given=total >= threshold,
        )
