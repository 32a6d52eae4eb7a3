"""One day's new entries beside the stories that are open on it: who belongs to whom, and why in a line."""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from monitor.cluster import fusion
from monitor.cluster.affairs import kind
from monitor.cluster.candidates import LATEST, order
from monitor.cluster.copies import Copies
from monitor.cluster.events import knowledge
from monitor.cluster.groups import group
from monitor.cluster.match import probability
from monitor.cluster.reasons import Reasons
from monitor.models import Join, Story

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from monitor.cluster.candidates import Candidate, Candidates
    from monitor.cluster.groups import Link
    from monitor.cluster.lessons import Apart
    from monitor.cluster.match import Rarity
    from monitor.models import Entry

# Stories that one entry is compared with.
_MOST = 12
# A term that more open stories share is passed over.
_POSTINGS = 400
# Log-odds above the bar up to which a join is in doubt.
_DOUBT = 0.7

_BEGAN = "began the story"
_COPY = "copy of a report in the story: same link, identifier or text"


class _RunnerUp(NamedTuple):
    """The story that was second best, and how near it was, 0 to 1."""

    story: int | None = None
    similarity: float = 0.0


class DayClustering:
    """Groups of candidates by number: first the open stories, then each new entry with its copies."""

    def __init__(
        self,
        stories: Sequence[Story],
        new: Sequence[Entry],
        candidates: Candidates,
        *,
        bar: float,
        crowd: float,
        apart: Apart,
        step: Callable[[], None],
    ) -> None:
        self._stories, self._candidates, self._apart, self._step = stories, candidates, apart, step
        self._bar, self._crowd = bar, crowd
        self._whole = fusion.Groups()
        self._groups = [[self._candidate(entry) for entry in story.entries] for story in stories]
        self._copies: set[int] = set()
        self._place([self._candidate(entry) for entry in sorted(new, key=order)])
        self._home = {m.entry.id: number for number, members in enumerate(self._groups) for m in members}
        self._links: dict[tuple[int, int], Link] = {}
        self._near = self._neighbours()

    def changed(self) -> Iterator[Story]:
        """Yield the stories, old and new (id 0), that have taken in new entries."""
        clusters: dict[int, list[int]] = {}
        for number, root in enumerate(self._roots()):
            clusters.setdefault(root, []).append(number)
        for root, numbers in clusters.items():
            entries = [member for number in numbers for member in self._groups[number]]
            old = self._stories[root] if root < len(self._stories) else None
            if old is None or len(entries) > len(old.entries):
                yield self._story(old, sorted(entries, key=lambda member: order(member.entry)))

    def _candidate(self, entry: Entry) -> Candidate:
        self._step()
        return self._candidates.of(entry)

    def _link(self, one: int, other: int) -> Link:
        """Compare two groups, once: a cache around a closure would keep the day's work in a cycle."""
        self._step()
        if (one, other) not in self._links:
            self._links[one, other] = self._candidates.link(self._groups[one], self._groups[other])
        return self._links[one, other]

    def _place(self, new: Sequence[Candidate]) -> None:
        """Put each new entry with the report that it is a copy of, or by itself."""
        known = Copies()
        for number, members in enumerate(self._groups):
            for member in members:
                known.add(member.entry, number)
        for member in new:
            # A split outlasts a copy: what the user took apart is not joined for its text.
            homes = [number for number in known.groups(member.entry) if not self._barred(member, number)]
            number = homes[0] if homes else len(self._groups)
            if homes:
                self._copies.add(member.entry.id)
                self._groups[number].append(member)
            else:
                self._groups.append([member])
            known.add(member.entry, number)

    def _barred(self, member: Candidate, number: int) -> bool:
        return self._apart.any([member.entry.id], [other.entry.id for other in self._groups[number]])

    def _neighbours(self) -> dict[int, list[int]]:
        """Return for each new group those that share the most telling terms with it."""
        index = Index(self._candidates.rarity)
        terms = [frozenset[str]().union(*(m.traits.terms() for m in members)) for members in self._groups]
        for number, found in enumerate(terms):
            index.add(number, found)
        near = {}
        for number in range(len(self._stories), len(self._groups)):
            self._step()
            near[number] = index.nearest(terms[number], without=number)
        return near

    def _roots(self) -> list[int]:
        return group(
            len(self._groups),
            {(min(pair), max(pair)) for one, near in self._near.items() for pair in ((one, n) for n in near)},
            self._link,
            threshold=fusion.FLOOR,
            closes=self._closes,
            fixed=len(self._stories),
            cannot_link=self._apart.groups(self._home),
        )

    def _joined(self, numbers: Iterable[int]) -> fusion.Group:
        return self._whole.of([member for number in numbers for member in self._groups[number]])

    def _closes(self, one: Sequence[int], other: Sequence[int], link: Link) -> bool:
        self._step()
        return fusion.closes(self._joined(one), self._joined(other), link, self._crowd, self._bar)

    def _story(self, old: Story | None, members: Sequence[Candidate]) -> Story:
        """Return a story of these members; what was known of an old one stays."""
        joins = {join.entry: join for join in old.joins} if old else {}
        entries = tuple(member.entry for member in members)
        base = old or Story(
            entries=entries, first_seen=entries[0].first_seen, last_seen=entries[-1].first_seen
        )
        reasons = Reasons(members, self._candidates)
        found = tuple(
            joins.get(member.entry.id)
            or self._join(member, members, old, reasons, began=old is None and place == 0)
            for place, member in enumerate(members)
        )
        related = base.related if old else self._steps(members)
        return replace(base, entries=entries, joins=found, related=related)

    def _steps(self, members: Sequence[Candidate]) -> tuple[int, ...]:
        """Return the open stories that new reports answer: as likely theirs as can be, but for the step."""
        own, near = (
            kind([member.entry for member in members]),
            self._near.get(self._home[members[0].entry.id], ()),
        )
        bar = self._bar + self._crowd  # where more comes, more is alike by chance
        return tuple(
            story.id
            for number in sorted(near)
            if number < len(self._stories) and (story := self._stories[number]).id > 0
            if frozenset((own, story.kind)) in knowledge().apart
            if self._candidates.link(members, self._groups[number], steps=True).strength() >= bar
        )

    def _join(
        self,
        member: Candidate,
        members: Sequence[Candidate],
        own: Story | None,
        reasons: Reasons,
        *,
        began: bool,
    ) -> Join:
        """Return why a new member is among the members of its story."""
        self._step()
        second = self._runner_up(member, own)
        similarity, why, doubtful = 1.0, _BEGAN, False
        if member.entry.id in self._copies:
            why = _COPY
        elif not began:
            others = [other for other in members if other is not member]
            link = self._candidates.link([member], others)
            sure = fusion.log_odds(self._whole.of([member]), self._whole.of(others), link, self._crowd)
            similarity, doubtful = probability(sure), sure < self._bar + _DOUBT
            why = reasons.of(member, others[-LATEST:], similarity, probability(self._bar))
        return Join(
            entry=member.entry.id,
            similarity=similarity,
            reason=why,
            runner_up=second.story,
            runner_up_similarity=second.similarity,
            doubtful=doubtful,
        )

    def _runner_up(self, member: Candidate, own: Story | None) -> _RunnerUp:
        """Return the open story, other than its own, that a new member was nearest to."""
        mine = self._home[member.entry.id]
        rivals = [
            (self._link(number, mine).strength(), -number)
            for number in self._near.get(mine, ())
            if number < len(self._stories) and self._stories[number] is not own
        ]
        if not rivals:
            return _RunnerUp()
        # By their links, and both groups as a whole for the nearest alone: of all it was a third of the work.
        number = -max(rivals)[1]
        link = self._link(number, mine)
        sure = fusion.log_odds(self._joined([number]), self._joined([mine]), link, self._crowd)
        return _RunnerUp(self._stories[number].id, probability(sure))


class Index:
    """Terms to the groups of entries that hold them: which are worth a comparison, bounded in cost."""

    def __init__(self, rarity: Rarity) -> None:
        self._rarity = rarity
        self._postings: defaultdict[str, list[int]] = defaultdict(list)

    def add(self, group: int, terms: Iterable[str]) -> None:
        """Enter a group under its terms."""
        for term in terms:
            self._postings[term].append(group)

    def nearest(self, terms: Iterable[str], *, without: int) -> list[int]:
        """Return the groups that share the most of these terms, by weight, best first; equal ones by key."""
        weights: defaultdict[int, float] = defaultdict(float)
        # In order, since sums of floats depend on it: the same entries must give the same stories.
        for term in sorted(terms):
            groups = self._postings.get(term, ())
            if len(groups) <= _POSTINGS:
                weight = self._rarity.weight(term)
                for group in groups:
                    weights[group] += weight
        weights.pop(without, None)
        return sorted(weights, key=lambda group: (-weights[group], group))[:_MOST]


def crowd(entries: Iterable[Entry], day: int, days: int) -> float:
    """Return the logarithm of how many entries a day the last days brought; 0 for one and fewer.

    Chance likeness grows with what there is to be like: the bar rises by a part of it.
    """
    recent = sum(0 <= day - entry.published.toordinal() <= days for entry in entries)
    return math.log(max(1.0, recent / (days + 1)))
