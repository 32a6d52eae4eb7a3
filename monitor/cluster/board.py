"""One day's new entries beside the stories that are open on it: who belongs to whom."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING

from monitor.cluster.candidates import Index
from monitor.cluster.copies import Copies
from monitor.cluster.groups import group
from monitor.cluster.match import probability
from monitor.cluster.member import Member, Members, link, order
from monitor.cluster.reasons import BEGAN, COPY, reason
from monitor.models import Join, Story

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from collections.abc import Set as AbstractSet

    from monitor.models import Entry


_QUIET = 10
"""Entries a day up to which days are as those that the model was trained on."""
_CROWDED = 0.5
"""How much the bar rises with a crowded day: chance likeness grows with the number of entries."""


class Board:
    """Groups of members by number: first the open stories, then each new entry with its copies."""

    def __init__(
        self,
        stories: Sequence[Story],
        new: Sequence[Entry],
        members: Members,
        *,
        threshold: float,
        cannot_link: AbstractSet[tuple[int, int]],
    ) -> None:
        self._stories = stories
        self._cannot_link = cannot_link | {(other, one) for one, other in cannot_link}
        self._groups = [[members.of(entry) for entry in story.entries] for story in stories]
        self._copies: set[int] = set()
        self._place([members.of(entry) for entry in sorted(new, key=order)])
        self._bar = _log_odds(threshold) + _CROWDED * math.log(max(1, self._crowd(new) / _QUIET))
        self._home = {m.entry.id: number for number, members in enumerate(self._groups) for m in members}
        self._link = cache(lambda one, other: link(self._groups[one], self._groups[other]))
        self._near = self._neighbours(Index(members.rarity))

    def grown(self) -> Iterator[Story]:
        """Yield the stories, old and new (id 0), that have taken in new entries."""
        clusters: dict[int, list[int]] = {}
        for number, root in enumerate(self._roots()):
            clusters.setdefault(root, []).append(number)
        for root, numbers in clusters.items():
            entries = [member for number in numbers for member in self._groups[number]]
            old = self._stories[root] if root < len(self._stories) else None
            if old is None or len(entries) > len(old.entries):
                yield self._story(old, sorted(entries, key=lambda member: order(member.entry)))

    def _place(self, new: Sequence[Member]) -> None:
        """Put each new entry with the report that it is a copy of, or by itself."""
        known = Copies()
        for number, members in enumerate(self._groups):
            for member in members:
                known.add(member.entry, number)
        for member in new:
            homes = [number for number in known.groups(member.entry) if not self._apart(member, number)]
            number = homes[0] if homes else len(self._groups)
            if homes:
                self._copies.add(member.entry.id)
                self._groups[number].append(member)
            else:
                self._groups.append([member])
            known.add(member.entry, number)

    def _crowd(self, new: Sequence[Entry]) -> int:
        """Return how many entries, old and new, are of the day of the new ones."""
        days = {entry.published.date() for entry in new}
        return sum(member.entry.published.date() in days for members in self._groups for member in members)

    def _apart(self, member: Member, number: int) -> bool:
        return any((member.entry.id, other.entry.id) in self._cannot_link for other in self._groups[number])

    def _neighbours(self, index: Index) -> dict[int, list[int]]:
        """Return for each new group those that share the most telling terms with it."""
        terms = [frozenset[str]().union(*(m.terms for m in members)) for members in self._groups]
        for number, found in enumerate(terms):
            index.add(number, found)
        fresh = range(len(self._stories), len(self._groups))
        return {number: index.nearest(terms[number], without=number) for number in fresh}

    def _roots(self) -> list[int]:
        home = self._home
        linked = {(home[a], home[b]) for a, b in self._cannot_link if a in home and b in home}
        return group(
            len(self._groups),
            {(min(pair), max(pair)) for one, near in self._near.items() for pair in ((one, n) for n in near)},
            self._link,
            threshold=self._bar,
            fixed=len(self._stories),
            cannot_link={(a, b) for a, b in linked if a != b},
        )

    def _story(self, old: Story | None, members: Sequence[Member]) -> Story:
        """Return a story of these members; what was known of an old one stays."""
        joins = {join.entry: join for join in old.joins} if old else {}
        entries = tuple(member.entry for member in members)
        base = old or Story(
            entries=entries, first_seen=entries[0].first_seen, last_seen=entries[-1].first_seen
        )
        found = tuple(
            joins.get(member.entry.id) or self._join(member, members, old, began=old is None and place == 0)
            for place, member in enumerate(members)
        )
        return replace(base, entries=entries, joins=found)

    def _join(self, member: Member, members: Sequence[Member], own: Story | None, *, began: bool) -> Join:
        """Return why a new member is among the members of its story."""
        others = [other for other in members if other is not member]
        runner_up, second = self._runner_up(member, own)
        similarity, why = 1.0, BEGAN
        if member.entry.id in self._copies:
            why = COPY
        elif not began:
            similarity = probability(link([member], others).strength)
            why = reason(member, others, similarity, probability(self._bar))
        return Join(
            entry=member.entry.id,
            similarity=similarity,
            reason=why,
            runner_up=runner_up,
            runner_up_similarity=second,
        )

    def _runner_up(self, member: Member, own: Story | None) -> tuple[int | None, float]:
        """Return the open story, other than its own, that a new member was nearest to, and how near."""
        mine = self._home[member.entry.id]
        rivals = [
            (self._link(number, mine).strength, -self._stories[number].id)
            for number in self._near.get(mine, ())
            if number < len(self._stories) and self._stories[number] is not own
        ]
        strength, key = max(rivals, default=(0.0, 0))
        return (-key, probability(strength)) if key < 0 else (None, 0.0)


def _log_odds(chance: float) -> float:
    return math.log(chance / (1 - chance))
