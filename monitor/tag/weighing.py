"""What was found in an entry, weighed: a verdict on each beat and theme. Pure.

The rules' sum decides, unless the learned table knows the target. Then for a theme the table's total decides;
a beat that the rules give stays given, and where they found anything for it the table can add what was
lacking. Phrases that came into themes.toml after the table was made count beside it, and what they add up to
by themselves is never taken away.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from monitor.models import Evidence
from monitor.tag.explain import Verdict
from monitor.tag.learned import OPENING, Share

if TYPE_CHECKING:
    from collections.abc import Sequence

    from monitor.tag.learned import Learned, Opinion
    from monitor.tag.matcher import Match, Matcher, Reading
    from monitor.tag.rules import Target

NEAR = 0.5
"""From this share of its threshold on, a beat that was not given is a near miss."""
_VISIBLE = 0.001


class Weighing:
    """One entry on the scales. Beats are weighed first: the rules of beats bear on the themes."""

    def __init__(
        self,
        matcher: Matcher,
        reading: Reading,
        *,
        learned: Learned | None = None,
        own: frozenset[int] = frozenset(),
    ) -> None:
        self._matcher = matcher
        self._reading = reading
        self._learned = learned
        self._opinion: Opinion | None = None
        self._own = own
        self.sums: dict[str, float] = {}
        """What the rules of each target add up to, without those that the table does not know."""

    def verdicts(self, kind: Literal["beat", "theme"], *, every: bool = False) -> list[Verdict]:
        """Weigh the beats or the themes; without `every`, pass over those that nothing was found for."""
        found = self._matcher.matches(self._reading, kind)
        targets = self._matcher.targets
        own = {
            index: sum(m.weight for m in matches if id(m.rule) in self._own)
            for index, matches in found.items()
        }
        for index, matches in found.items():
            self.sums[targets[index].slug] = sum(match.weight for match in matches) - own[index]
        return [
            self._verdict(target, found.get(index, ()), own.get(index, 0.0), every=every)
            for index, target in enumerate(targets)
            if target.kind == kind and (every or index in found or self._may_add(target))
        ]

    def _may_add(self, target: Target) -> bool:
        """Say whether the table can give a target that no rule found anything for: a theme, no beat."""
        return target.kind == "theme" and self._learned is not None and self._learned.covers(target.slug)

    def _heard(self, learned: Learned) -> Opinion:
        """Ask the table, once, and only when its answer counts: most entries are off the subject."""
        if self._opinion is None:
            self._opinion = learned.listen(self._reading.opening(OPENING), self._matcher.languages)
        return self._opinion

    def _verdict(self, target: Target, matches: Sequence[Match], own: float, *, every: bool) -> Verdict:
        by_rules = self.sums.get(target.slug, 0.0) + own
        total = round(self._total(target, by_rules, own), 4)
        evidence: tuple[Evidence, ...] = ()
        if every or total >= target.threshold * (NEAR if target.kind == "beat" else 1):
            evidence = self._evidence(target.slug, matches)
            if total != round(by_rules, 4):
                evidence += self._shares(target.slug, total - by_rules)
        return Verdict(
            slug=target.slug,
            kind=target.kind,
            total=total,
            threshold=target.threshold,
            given=total >= target.threshold,
            evidence=evidence,
        )

    def _total(self, target: Target, by_rules: float, own: float) -> float:
        if self._learned is None or not self._learned.covers(target.slug):
            return by_rules
        if target.kind == "beat" and by_rules <= 0:
            return by_rules
        total = self._heard(self._learned).total(target.slug, self.sums) + own
        if target.kind == "beat":
            return max(total, by_rules)
        return max(total, own) if own > 0 else total

    def _shares(self, slug: str, difference: float) -> tuple[Evidence, ...]:
        """Name what the table adds to the rules' sum, so that the evidence adds up to the total."""
        assert self._opinion is not None
        shares = self._opinion.shares(slug, self.sums)
        kept = difference - sum(share.weight for share in shares)
        if abs(kept) >= _VISIBLE:
            shares.append(Share("", "", kept, "learned: newer phrases count in full"))
        return tuple(
            Evidence(
                target=slug,
                term=share.term,
                rule=share.why,
                field=share.field,
                weight=round(share.weight, 4),
            )
            for share in shares
        )

    def _evidence(self, slug: str, matches: Sequence[Match]) -> tuple[Evidence, ...]:
        return tuple(
            Evidence(
                target=slug,
                term=self._reading.quote(match),
                rule=f"{match.rule.grade}: {match.rule.text}",
                field=match.field,
                weight=round(match.weight, 4),
            )
            for match in matches
        )
