"""Why an entry has its tags, and why not others: for people (`lines`) and for programs (`to_dict`)."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from monitor.models import Evidence, Tagging


@dataclass(frozen=True, kw_only=True, slots=True)
class Verdict:
    """What the rules of one beat or theme, and the learned table, made of an entry."""

    slug: str
    kind: Literal["beat", "theme"]
    total: float
    threshold: float
    given: bool
    off_beat: bool = False
    """Its total sufficed, but the entry is on no beat: it is not given."""
    evidence: tuple[Evidence, ...] = ()
    lacking: str = ""
    """In one line what would have made it given; "" when it is."""

    @property
    def score(self) -> float:
        """The total as a share of the threshold: 1.0 is just enough."""
        return round(self.total / self.threshold, 4)

    def line(self) -> str:
        """Render as one line with its strongest terms."""
        found = sorted((e for e in self.evidence if e.field and e.weight > 0), key=lambda e: -e.weight)
        terms = ", ".join(f"“{item.term}”" for item in found[:3]) or "no word"
        return f"{self.slug} {self.total:.2f} of {self.threshold:.2f} ({terms})"


@dataclass(frozen=True, kw_only=True, slots=True)
class Explanation:
    """An entry's tagging with the verdict on every beat and theme, in the order of themes.toml."""

    tagging: Tagging
    verdicts: tuple[Verdict, ...]

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
            "targets": [asdict(verdict) | {"score": verdict.score} for verdict in self.verdicts],
            "nearest": {"slug": nearest.slug, "score": nearest.score, "lacking": nearest.lacking}
            if nearest
            else None,
        }

    def lines(self) -> list[str]:
        """Render for a reader, a line a verdict with its evidence under it; without evidence, none."""
        found = [f"relevant: {'yes' if self.tagging.relevant else 'no'} (score {self.tagging.score:.2f})"]
        for verdict in self.verdicts:
            if verdict.evidence:
                mark = "given" if verdict.given else "not given"
                found.append(
                    f"{verdict.kind} {verdict.slug}: {mark}, {verdict.total:.2f} of {verdict.threshold:.2f}"
                )
                found += [f"  {item.weight:+.2f}  {item.quoted} ({item.rule})" for item in verdict.evidence]
        if nearest := self.nearest:
            found.append(f"nearest not given: {nearest.slug}: {nearest.lacking}")
        return found
