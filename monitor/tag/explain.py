"""Why an entry was chosen or not, and why it has its tags: in a few lines, in full, or as a dict."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

from monitor.tag.judge import MEANING, probability

if TYPE_CHECKING:
    from monitor.models import Evidence, Tagging

# This many fit on a line; `explain --all` shows the rest.
_QUOTED = 5
_LEGEND = "each number is a weight: 0.7 more doubles the odds, 0.7 less halves them; at 0 they are even"


@dataclass(frozen=True, kw_only=True, slots=True)
class Verdict:
    """The answer to one question: whether the entry is relevant, is on a beat, or has a theme."""

    slug: str
    kind: Literal["relevance", "beat", "theme"]
    total: float
    threshold: float
    unit: Literal["log-odds", "points"]
    """The table answers in log-odds; rules alone, in points."""
    given: bool
    off_beat: bool = False
    """It reached the threshold, but is not given because the entry is not relevant."""
    evidence: tuple[Evidence, ...] = ()
    lacking: str = ""
    """One line on what it would have needed to be given; "" if it is given."""

    @property
    def score(self) -> float:
        """What was found as a share of what was needed: 1.0 is just enough."""
        if self.unit == "points":
            return round(self.total / self.threshold, 4)
        # A threshold in log-odds may be 0, which nothing can be a share of, so probabilities are compared.
        return round(probability(self.total) / probability(self.threshold), 4)

    def with_answer(self, *, given: bool) -> Verdict:
        """Return the same verdict with another answer."""
        return self if given == self.given else replace(self, given=given)

    def quoted(self, *, against: bool = False) -> str:
        """Return the strongest terms that speak for it, or `against` it."""
        sign = -1 if against else 1
        found = sorted(
            # The base and the sums of rules are in no field, and have no words to quote.
            (e for e in self.evidence if e.field and e.weight * sign > 0),
            key=lambda e: -abs(e.weight),
        )
        return ", ".join(dict.fromkeys(f"“{item.term}”" for item in found[:_QUOTED])) if found else ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Explanation:
    """An entry's tagging, with the verdicts on relevance and on all beats and themes, in the file's order."""

    tagging: Tagging
    relevance: Verdict
    verdicts: tuple[Verdict, ...]
    bars: tuple[float, float]
    """The certainties from which an entry is chosen at all, and from which it is sure."""

    @property
    def nearest(self) -> Verdict | None:
        """The beat or theme that came nearest without being given; for an entry on no beat, only a beat."""
        wanted = {"beat", "theme"} if self.tagging.relevant else {"beat"}
        missed = [v for v in self.verdicts if not v.given and v.kind in wanted]
        return max(missed, key=lambda verdict: verdict.score, default=None)

    def to_dict(self) -> dict[str, Any]:
        """Return it as values for JSON."""
        nearest = self.nearest
        return {
            "beats": list(self.tagging.beats),
            "themes": list(self.tagging.themes),
            "score": self.tagging.score,
            "certainty": self.tagging.certainty,
            "shelf": self.tagging.shelf or None,
            "relevance": asdict(self.relevance) | {"score": self.relevance.score},
            "targets": [asdict(verdict) | {"score": verdict.score} for verdict in self.verdicts],
            "nearest": {"slug": nearest.slug, "score": nearest.score, "lacking": nearest.lacking}
            if nearest
            else None,
        }

    def lines(self) -> list[str]:
        """Render it for a person: certainty, what spoke for and against, its tags, the nearest other."""
        perhaps, sure = self.bars
        tagging = self.tagging
        bar = f"perhaps from {perhaps:.2f}, sure from {sure:.2f}"
        if not tagging.relevant and tagging.certainty >= perhaps:
            # The entry is on beats that only phrases or marks decide; the table's bars do not apply to them.
            bar = "no beat reaches its own bar"
        if meant := sum(e.weight for e in self.relevance.evidence if e.rule == MEANING):
            bar += f"; the meaning of the text counts {meant:+.2f}"
        found = [f"{tagging.shelf or 'not chosen'}: certainty {tagging.certainty:.2f} ({bar})"]
        first = [self.relevance, *(v for v in self.verdicts if v.kind == "beat")]
        best = max(first[1:], key=lambda v: v.score, default=self.relevance)
        spoke = self.relevance.quoted() or best.quoted()
        found.append(f"for it: {spoke or 'no word'}")
        if against := self.relevance.quoted(against=True) or best.quoted(against=True):
            found[-1] += f"; against it: {against}"
        given = [v for v in self.verdicts if v.given]
        if given:
            found.append("given: " + ", ".join(_named(v) for v in given))
        if nearest := self.nearest:
            found.append(f"nearest not given: {nearest.slug}: {nearest.lacking}")
        return found

    def arithmetic(self) -> list[str]:
        """Render everything that was counted, one piece per line."""
        found = []
        for verdict in (self.relevance, *self.verdicts):
            if verdict.evidence:
                mark = "given" if verdict.given else "not given"
                total = f"{verdict.total:+.2f}" + (" points" if verdict.unit == "points" else "")
                found.append(
                    f"{verdict.kind} {verdict.slug}: {mark}, {total}, needed {verdict.threshold:.2f}"
                )
                found += [f"  {item.weight:+.2f}  {item.quoted} ({item.rule})" for item in verdict.evidence]
        by_table = any(verdict.evidence and verdict.unit == "log-odds" for verdict in self.verdicts)
        return [_LEGEND, *found] if by_table else found


def _named(verdict: Verdict) -> str:
    terms = [e for e in sorted(verdict.evidence, key=lambda e: -e.weight) if e.field and e.weight > 0]
    return verdict.slug + (f" (“{terms[0].term}”)" if terms else "")
