"""One readable line on why an entry is in its story."""

from __future__ import annotations

from typing import TYPE_CHECKING

from monitor.cluster.traits import surfaces

if TYPE_CHECKING:
    from collections.abc import Sequence

    from monitor.cluster.match import Weighed
    from monitor.models import Entry

_SHOWN = 5

BEGAN = "began the story"
COPY = "copy of a report in it: same link, identifier or text"


def reason(
    entry: Entry, own: Weighed, others: Sequence[Weighed], probability: float, threshold: float
) -> str:
    """Return what an entry shares with the others of its story, the rarest first."""
    shared = {
        word: weight for word, weight in own.words.items() if any(word in other.words for other in others)
    }
    names = own.traits.names & {name for other in others for name in other.traits.names}
    numbers = own.traits.numbers & {number for other in others for number in other.traits.numbers}
    ranked = sorted(shared, key=lambda word: (-shared[word], word))
    shown = surfaces(entry)
    parts = [
        _part("names", [shown[word] for word in ranked if word in names]),
        _part("numbers", sorted(numbers)),
        _part("words", [shown[word].lower() for word in ranked if word not in names]),
        _days(min(abs(own.traits.day - other.traits.day) for other in others)),
        f"similarity {probability:.2f} (threshold {threshold:.2f})",
    ]
    return " · ".join(part for part in parts if part)


def _part(label: str, found: Sequence[str]) -> str:
    return f"{label}: {', '.join(found[:_SHOWN])}" if found else ""


def _days(days: float) -> str:
    whole = round(days)
    return "same day" if whole == 0 else f"{whole} day{'s' if whole > 1 else ''} apart"
