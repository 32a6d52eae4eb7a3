"""One readable line on why an entry is in its story."""

from __future__ import annotations

from typing import TYPE_CHECKING

from monitor.cluster.traits import surfaces

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from monitor.cluster.member import Member

_SHOWN = 5

BEGAN = "began the story"
COPY = "copy of a report in the story: same link, identifier or text"


def reason(member: Member, others: Sequence[Member], similarity: float, threshold: float) -> str:
    """Return what an entry shares with the others of its story, the rarest first, and how near it is."""
    own, theirs = member.weighed.traits, [other.weighed.traits for other in others]
    weights, shown = member.weighed.words.squares, surfaces(member.entry)
    words = own.words & frozenset().union(*(other.words for other in theirs))
    names = own.names & frozenset().union(*(other.names for other in theirs))
    numbers = own.numbers & frozenset().union(*(other.numbers for other in theirs))
    subjects = own.subjects & frozenset().union(*(other.subjects for other in theirs))
    ranked = sorted(words, key=lambda word: (-weights[word], word))
    days = round(min(abs(member.day - other.day) for other in others))
    parts = (
        _part("names", (shown[word] for word in ranked if word in names)),
        _part("numbers", sorted(numbers)),
        _part("words", (shown[word].lower() for word in ranked if word not in names)),
        _part("subjects", sorted(subjects)),
        "same day" if days == 0 else f"{days} day{'s' if days > 1 else ''} apart",
        f"similarity {similarity:.2f} (threshold {threshold:.2f})",
    )
    return " · ".join(filter(None, parts))


def _part(label: str, found: Iterable[str]) -> str:
    shown = list(dict.fromkeys(found))[:_SHOWN]
    return f"{label}: {', '.join(shown)}" if shown else ""
