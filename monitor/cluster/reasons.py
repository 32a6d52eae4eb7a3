"""Say in one line why a report is in its story: what it shares with the others, and what speaks against it.

Takes the candidates of a story, gives a line for each: "names: Gema · 2 days apart · similarity 0.91 …".
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from itertools import chain
from typing import TYPE_CHECKING

from monitor.cluster import match
from monitor.cluster.candidates import compare
from monitor.cluster.traits import surfaces

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from collections.abc import Set as AbstractSet

    from monitor.cluster.candidates import Candidate, Candidates

_SHOWN = 5
# A feature against a join is named if it takes more than this from the log-odds.
_NAMED = 0.25
_MOST_AGAINST = 3

AGAINST = {
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
    "topic_differs": "only one is on the main topic",
}
"""What features against a join are called. The others (days, parts of a likeness) say nothing alone."""


class Reasons:
    """What the members of one story share, counted once for all of them."""

    def __init__(self, members: Sequence[Candidate], candidates: Candidates) -> None:
        texts = [member.traits.text for member in members]
        self._candidates = candidates
        self._stems = Counter(chain.from_iterable(text.stems for text in texts))
        self._names = Counter(chain.from_iterable(text.names for text in texts))
        self._numbers = Counter(chain.from_iterable(text.numbers for text in texts))
        self._subjects = Counter(chain.from_iterable(text.subjects for text in texts))
        self._kinds = {member.traits.kind for member in members}
        self._days = sorted(member.day for member in members)

    def of(self, member: Candidate, latest: Sequence[Candidate], similarity: float, threshold: float) -> str:
        """Return what a member shares with the others, the rarest first, and how similar it is.

        What speaks against it comes from comparing it with the most similar of the `latest` others.
        """
        own = member.traits.text
        weights = member.weighed.squares
        names = _shared(own.names, self._names)
        words = sorted(_shared(own.stems, self._stems), key=lambda word: (-weights[word], word))
        named = [word for word in words if word in names][:_SHOWN]
        others = [word for word in words if word not in names][:_SHOWN]
        shown = surfaces(member.entry, {*named, *others})
        days = round(self._days_to_the_nearest(member.day))
        parts = (
            _part("names", (shown[word] for word in named)),
            _part("numbers", sorted(_shared(own.numbers, self._numbers))),
            _part("words", (shown[word].lower() for word in others)),
            _part("subjects", sorted(_shared(own.subjects, self._subjects))),
            "same day" if days == 0 else f"{days} day{'s' if days > 1 else ''} apart",
            _part("against", self._against(member, latest)),
            f"similarity {similarity:.2f} (threshold {threshold:.2f})",
        )
        return " · ".join(filter(None, parts))

    def _days_to_the_nearest(self, day: float) -> float:
        place = bisect_left(self._days, day)
        beside = self._days[max(0, place - 1) : place] + self._days[place + 1 : place + 2]
        return min(abs(day - other) for other in beside)

    def _against(self, member: Candidate, latest: Sequence[Candidate]) -> list[str]:
        """Return what speaks most against one event, compared with the report that it is most similar to."""
        nearest = compare(member, max(latest, key=lambda other: self._candidates.score(member, other)))
        weights = match.model().semantic if "likeness" in nearest else match.model().weights
        costs = sorted((weights[name] * nearest[name], name) for name in weights.keys() & AGAINST.keys())
        return [self._named(name, member) for cost, name in costs[:_MOST_AGAINST] if cost < -_NAMED]

    def _named(self, name: str, member: Candidate) -> str:
        own = member.traits.kind
        kinds = sorted(self._kinds - {"", own}) if name == "kind_differs" else []
        return f"{AGAINST[name]} ({own}, not {' or '.join(kinds)})" if kinds else AGAINST[name]


def _shared(own: AbstractSet[str], found: Mapping[str, int]) -> AbstractSet[str]:
    """Return the terms of a member that another member has, too."""
    return {term for term in own if found[term] > 1}


def _part(label: str, found: Iterable[str]) -> str:
    shown = list(dict.fromkeys(found))[:_SHOWN]
    return f"{label}: {', '.join(shown)}" if shown else ""
