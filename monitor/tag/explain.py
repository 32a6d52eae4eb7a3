"""Why an entry was chosen or not, and has its tags: in five lines, or all of it; for programs as a dict."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

from monitor.tag.judge import MEANING, probability

if TYPE_CHECKING:
    from monitor.models import Evidence, Tagging

# So many fit on a line, and are read; `explain --all` has the rest.
_QUOTED = 5
_LEGEND = "each number is a weight: 0.7 more doubles the odds, 0.7 less halves them; at 0 they are even"


@dataclass(frozen=True, kw_only=True, slots=True)
class Verdict:
    """The answer to one question: is the entry relevant, is it on a beat, has it a theme."""

    slug: str
    kind: Literal["relevance", "beat", "theme"]
    total: float
    threshold: float
    unit: Literal["log-odds", "points"]
    """The table answers in log-odds, rules alone in points."""
    given: bool
    off_beat: bool = False
    """Its total sufficed, but the entry was not chosen: it is not given."""
    evidence: tuple[Evidence, ...] = ()
    lacking: str = ""
    """In one line what would have made it given; "" when it is."""

    @property
    def score(self) -> float:
        """How much of what was needed was found: 1.0 is just enough."""
        if self.unit == "points":
            return round(self.total / self.threshold, 4)
        # A threshold in log-odds may be 0, of which nothing is a share; its probability is not.
        return round(probability(self.total) / probability(self.threshold), 4)

    def but(self, *, given: bool) -> Verdict:
        """Return it with another answer."""
        return self if given == self.given else replace(self, given=given)

    def quoted(self, *, against: bool = False) -> str:
        """Name the strongest terms that speak for it, or against it."""
        sign = -1 if against else 1
        found = sorted(
            # What stands in no field (the base, a sum of rules) has no words to quote.
            (e for e in self.evidence if e.field and e.weight * sign > 0),
            key=lambda e: -abs(e.weight),
        )
        return ", ".join(dict.fromkeys(f"“{item.term}”" for item in found[:_QUOTED])) if found else ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Explanation:
    """An entry's tagging; the verdict on relevance and on every beat and theme, in themes.toml's order."""

    tagging: Tagging
    relevance: Verdict
    verdicts: tuple[Verdict, ...]
    bars: tuple[float, float]
    """The certainties from which an entry is chosen at all, and from which it is sure."""

    @property
    def nearest(self) -> Verdict | None:
        """The beat or theme that was not given and came nearest; for an entry on no beat, a beat."""
        wanted = {"beat", "theme"} if self.tagging.relevant else {"beat"}
        missed = [v for v in self.verdicts if not v.given and v.kind in wanted]
        return max(missed, key=lambda verdict: verdict.score, default=None)

    def to_dict(self) -> dict[str, Any]:
        """Render as JSON-able values."""
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
        """Render for a person: how certain, what spoke for it and against it, its tags, the nearest other."""
        perhaps, sure = self.bars
        tagging = self.tagging
        bar = f"perhaps from {perhaps:.2f}, sure from {sure:.2f}"
        if not tagging.relevant and tagging.certainty >= perhaps:
            # Of beats that phrases alone decide, or marks: these bars are the table's.
            bar = "no beat reaches its own bar"
        if meant := sum(e.weight for e in self.relevance.evidence if e.rule == MEANING):
            bar += f"; what the text means counts {meant:+.2f}"
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
        """Render all that was counted, a line a piece."""
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
