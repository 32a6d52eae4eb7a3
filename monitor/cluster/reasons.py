"""One readable line on why an entry is in its story: what speaks for it, what against."""

from __future__ import annotations

from typing import TYPE_CHECKING

from monitor.cluster import match
from monitor.cluster.candidates import compare
from monitor.cluster.traits import surfaces

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from monitor.cluster.candidates import Candidate, Candidates

_SHOWN = 5
# Log-odds from which a feature against a join is named.
_AGAINST = 0.25
_MOST_AGAINST = 3

BEGAN = "began the story"
COPY = "copy of a report in the story: same link, identifier or text"

# What features against a join are called; the others (days, parts of a likeness) say nothing alone.
_WORDS = {
    "players_differ": "other parties",
    "players_lost": "a party in one title only",
    "players_lost_both": "each title has a party of its own",
    "first_player_differs": "another party first",
    "kind_differs": "another kind of event",
    "kinds_differ": "no kind of event in common",
    "kinds_lost": "a step in one title only",
    "kinds_lost_both": "each title has a step of its own",
    "names_lost_both": "each title has a name of its own",
    "roles_lost_both": "each title has a role of its own",
    "subjects_lost_both": "each title has a subject of its own",
    "numbers_differ": "other figures",
    "places_differ": "another place",
    "same_source": "same outlet",
    "topic_differs": "one is on the main topic, one is not",
}


def reason(
    member: Candidate,
    others: Sequence[Candidate],
    candidates: Candidates,
    similarity: float,
    threshold: float,
) -> str:
    """Return what an entry shares with the others of its story, the rarest first, and how near it is."""
    own, theirs = member.weighed.traits.text, [other.weighed.traits.text for other in others]
    weights, shown = member.weighed.stems.squares, surfaces(member.entry)
    words = own.stems & frozenset().union(*(other.stems for other in theirs))
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
        _part("against", _against(member, others, candidates)),
        f"similarity {similarity:.2f} (threshold {threshold:.2f})",
    )
    return " · ".join(filter(None, parts))


def _against(member: Candidate, others: Sequence[Candidate], candidates: Candidates) -> list[str]:
    """Return what speaks most against its being of one event with the report that is nearest to it."""
    nearest = max(
        (compare(member, other) for other in others), key=lambda found: match.score(found, candidates.own)
    )
    weights = match.model().semantic if "likeness" in nearest else match.model().weights
    costs = sorted((weights[name] * value, name) for name, value in nearest.items() if name in _WORDS)
    return [_named(name, member, others) for cost, name in costs[:_MOST_AGAINST] if cost < -_AGAINST]


def _named(name: str, member: Candidate, others: Sequence[Candidate]) -> str:
    if name != "kind_differs":
        return _WORDS[name]
    kinds = sorted({other.weighed.traits.kind for other in others} - {"", member.weighed.traits.kind})
    return (
        f"{_WORDS[name]} ({member.weighed.traits.kind}, not {' or '.join(kinds)})" if kinds else _WORDS[name]
    )


def _part(label: str, found: Iterable[str]) -> str:
    shown = list(dict.fromkeys(found))[:_SHOWN]
    return f"{label}: {', '.join(shown)}" if shown else ""
