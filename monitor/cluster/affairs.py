"""What a story is known by, and the affair that it is a step of: the ruling after the filing."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from typing import TYPE_CHECKING

from monitor.cluster import kinds, match
from monitor.cluster.traits import PLAYER, ROLE, SUBJECT, traits
from monitor.models import PastStory

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import timedelta

    from monitor.cluster.match import Rarity
    from monitor.models import Entry, Story

# Stories that one story is linked to.
_MOST = 5
_PARTIES = 6
# Reports that decide what kind of event it is: a hundred more say the same.
_ENOUGH = 24
NAME, PLACE = "~", "&"
"""Marks of those names by which a story is known that are no players: words spelt as names, and countries."""
_MARKS, _LABELS = PLAYER + NAME, PLAYER + SUBJECT + ROLE + PLACE
# What says nothing of how rare it is: its weight is none of a name's.
_UNWEIGHED = ROLE + PLACE
# What the rarest name shared must weigh: words alone make no affair, nor does a firm in the news each week.
_NAME = 3.5
# Beside the squares of names' weights, so that two titles of three words are not alike for sharing one.
_FEW_NAMES = 50.0
# Days from which on more make no difference: the hands' affairs take weeks, a case takes years.
_LONG = 14


def names(entries: Sequence[Entry]) -> tuple[str, ...]:
    """Return what a story is known by: players, names and words that stand in a title and in many reports."""
    headlined = frozenset[str]().union(*(traits(entry).title.stems for entry in entries))
    found = Counter(name for entry in entries for name in _names(entry))
    # A third, so that one report's digression does not name the story; and in a title, as bylines never do.
    return tuple(
        sorted(
            name
            for name, n in found.items()
            if 3 * n >= len(entries) and (name[0] in _LABELS or name.removeprefix(NAME) in headlined)
        )
    )


def kind(entries: Sequence[Entry]) -> str:
    """Return the kind of event that entries tell together; "" for none."""
    found = [kinds.chances(entry.title, entry.summary) for entry in entries[:_ENOUGH]]
    return kinds.told(kinds.together(found)) if found else kinds.NONE


def parties(entries: Sequence[Entry]) -> tuple[str, ...]:
    """Return who did it to whom: names, as they are spelt, of at least a third of the entries; then roles."""
    spelt: defaultdict[str, Counter[str]] = defaultdict(Counter)
    found: Counter[str] = Counter()
    for entry in entries:
        own = traits(entry)
        for player, words in own.spelt:
            spelt[player][words] += 1
        found.update([player for player, _ in own.spelt], **{ROLE + role: 1 for role in own.text.roles})
    common = [party for party, n in found.most_common() if 3 * n >= len(entries)]
    named = [spelt[party].most_common(1)[0][0] for party in common if party in spelt]
    roles = [party.removeprefix(ROLE) for party in common if party not in spelt]
    return tuple((named + roles)[:_PARTIES])


class RelatedStories:
    """Stories by their rare names, so that those of one affair find each other."""

    def __init__(self, stories: Iterable[PastStory], rarity: Rarity, within: timedelta) -> None:
        self._rarity, self._within = rarity, within
        self._stories = {story.id: story for story in stories}
        self._named: defaultdict[str, list[int]] = defaultdict(list)
        for story in self._stories.values():
            for name in story.names:
                self._named[name].append(story.id)

    def related(self, story: Story) -> tuple[int, ...]:
        """Return the ids of stories that are likely steps of one affair with it, the likeliest first."""
        own, weights = PastStory.of(story), match.model().affairs
        weighed = _weights(own.names, self._rarity)
        rare = [name for name, weight in weighed.items() if name[0] in _MARKS and weight >= _NAME]
        keys = {key for name in rare for key in self._named.get(name, ())} - {story.id}
        near = ((key, features(own, self._stories[key], self._rarity)) for key in keys)
        found = [
            (-chance, key)
            for key, shared in near
            if abs(story.last_seen - self._stories[key].last_seen) <= self._within
            if (chance := log_odds(shared, weights)) >= 0
        ]
        return tuple(key for _, key in sorted(found)[:_MOST])

    def affair(self, related: Sequence[int]) -> int | None:
        """Return the affair of the nearest of these stories; one that had none founds it, by its own id."""
        nearest = next((self._stories[key] for key in related if key in self._stories), None)
        return (nearest.affair or nearest.id) if nearest else None


def features(one: PastStory, other: PastStory, rarity: Rarity) -> dict[str, float]:
    """Return what speaks for two stories being steps of one affair: what they share, the rarer the more."""
    mine, theirs = _weights(one.names, rarity), _weights(other.names, rarity)
    shared = mine.keys() & theirs.keys()
    lengths = (_FEW_NAMES + math.fsum(weight**2 for weight in own.values()) for own in (mine, theirs))
    countries, abroad = (frozenset(n for n in story.names if n[0] == PLACE) for story in (one, other))
    return {
        "rarest": max((mine[name] for name in shared), default=0.0),
        "rarest_name": max((mine[name] for name in shared if name[0] in _MARKS), default=0.0),
        "names": math.fsum(mine[name] ** 2 for name in shared) / math.sqrt(math.prod(lengths)),
        "days_log": math.log1p(min(_LONG, abs(one.last_seen - other.last_seen).days)),
        "roles": float(any(name[0] == ROLE for name in one.names & other.names)),
        "places": float(bool(countries & abroad)),
        "places_differ": float(bool(countries and abroad) and countries.isdisjoint(abroad)),
        "sources_log": math.log(max(1, min(one.sources, other.sources))),
    }


def log_odds(found: Mapping[str, float], weights: Mapping[str, float]) -> float:
    """Return how likely such two stories are of one affair, even at 0; never without a rare name."""
    return match.weighed(found, weights) if found["rarest_name"] >= _NAME else -math.inf


def _weights(names: Iterable[str], rarity: Rarity) -> dict[str, float]:
    # The parts of a compound stand beside it: together they would be one thing counted twice.
    weighed = (name for name in names if name[0] not in _UNWEIGHED and "-" not in name)
    return {name: rarity.weight(name.removeprefix(NAME)) for name in weighed}


def _names(entry: Entry) -> frozenset[str]:
    own = traits(entry)
    named = own.text.names & own.specific
    players = {PLAYER + player for player in own.text.players}
    subjects = {SUBJECT + subject for subject in own.title.subjects}
    labels = {ROLE + role for role in own.text.roles} | {PLACE + place for place in own.text.places}
    words = (own.title.specific & own.specific) - named
    return frozenset(words | {NAME + name for name in named} | players | subjects | labels)
