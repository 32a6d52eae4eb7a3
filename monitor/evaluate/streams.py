"""How good the choosing is at the real rate of news, and whether certainty means what it says.

Takes records in the order in which they stood in a feed, nearly all of them irrelevant, and the tagger's
answers. Doubtful records, which two people could judge differently, do not count.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from monitor.evaluate.agreement import Figure

if TYPE_CHECKING:
    from collections.abc import Sequence

    from monitor.evaluate.records import Record
    from monitor.models import Tagging

_BINS = 10


@dataclass(frozen=True, slots=True)
class Bin:
    """Entries of like certainty, and how many of them are relevant."""

    low: float
    entries: int
    right: int
    promised: float
    """Their mean certainty: what `share` should be."""

    @property
    def share(self) -> float:
        """How many are relevant, as a share."""
        return self.right / self.entries


@dataclass(frozen=True, kw_only=True, slots=True)
class StreamScores:
    """Figures over one stream."""

    records: int
    relevant: int
    doubtful: int
    sure: Figure
    chosen: Figure
    near: Figure
    """Of the near misses: right is what should have been chosen."""
    reliability: tuple[Bin, ...]
    """The entries that the rules found anything for, by certainty."""

    def to_dict(self) -> dict[str, Any]:
        """Render as JSON-able values."""
        return {
            "records": self.records,
            "relevant": self.relevant,
            "doubtful": self.doubtful,
            "sure": self.sure.to_dict(),
            "chosen": self.chosen.to_dict(),
            "near": self.near.to_dict(),
            "reliability": [asdict(b) | {"share": round(b.share, 4)} for b in self.reliability],
        }


def score_stream(records: Sequence[Record], tagged: Sequence[Tagging]) -> StreamScores:
    """Compare the tagger's choices with the labels of the same records, in the same order."""
    pairs = [(r, t) for r, t in zip(records, tagged, strict=True) if not r.doubt]

    def figure(chosen: Sequence[bool]) -> Figure:
        found = list(zip(chosen, (r.relevant for r, _ in pairs), strict=True))
        return Figure(found.count((True, True)), found.count((True, False)), found.count((False, True)))

    # What the gate stopped is 0 by rule and says nothing of whether certainty is true.
    asked = [(r.relevant, t.certainty) for r, t in pairs if t.certainty > 0 and t.score > 0]
    groups: list[list[tuple[bool, float]]] = [[] for _ in range(_BINS)]
    for right, certainty in asked:
        groups[min(int(certainty * _BINS), _BINS - 1)].append((right, certainty))
    return StreamScores(
        records=len(pairs),
        relevant=sum(r.relevant for r, _ in pairs),
        doubtful=len(records) - len(pairs),
        sure=figure([t.shelf == "sure" for _, t in pairs]),
        chosen=figure([t.relevant for _, t in pairs]),
        near=figure([bool(t.near) for _, t in pairs]),
        reliability=tuple(
            Bin(
                low=place / _BINS,
                entries=len(group),
                right=sum(right for right, _ in group),
                promised=round(sum(certainty for _, certainty in group) / len(group), 4),
            )
            for place, group in enumerate(groups)
            if group
        ),
    )
