"""Decide for one day's new entries which open story each belongs to, or which others, and say why."""

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

# How many groups one new entry is compared with.
_MOST = 12
# A term that more groups than this share is ignored.
_POSTINGS = 400
# A join whose log-odds are less than this above the bar is in doubt.
_DOUBT = 0.7
MEETING = 2.0
"""Log-odds above the bar from which two stored stories become one.

Both may have been told, so this must be surer than a join: of such meetings at the bar, two in
three were right with each author left out.
"""

_BEGAN = "began the story"
_COPY = "copy of a report in the story: same link, identifier or text"


class _RunnerUp(NamedTuple):
    """The story that was second best, and how similar it was, 0 to 1."""

    story: int | None = None
    similarity: float = 0.0


class DayClustering:
    """Numbered groups of candidates: first the open stories, then each new entry with its copies."""

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
        """Yield the stories, old ones and new ones (id 0), that have got new entries."""
        clusters: dict[int, list[int]] = {}
        for number, root in enumerate(self._roots()):
            clusters.setdefault(root, []).append(number)
        for numbers in clusters.values():
            members = [member for number in numbers for member in self._groups[number]]
            old = [self._stories[number] for number in numbers if number < len(self._stories)]
            if len(members) > sum(len(story.entries) for story in old):
                yield self._story(old, sorted(members, key=lambda member: order(member.entry)))

    def _candidate(self, entry: Entry) -> Candidate:
        self._step()
        return self._candidates.of(entry)

    def _link(self, one: int, other: int) -> Link:
        """Compare two groups, each pair of them once."""
        self._step()
        if (one, other) not in self._links:
            self._links[one, other] = self._candidates.link(self._groups[one], self._groups[other])
        return self._links[one, other]

    def _place(self, new: Sequence[Candidate]) -> None:
        """Put each new entry into the group of the report that it is a copy of, or into one of its own."""
        known = Copies()
        for number, members in enumerate(self._groups):
            for member in members:
                known.add(member.entry, number)
        for member in new:
            # Not even a copy joins a story that the user took it out of.
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
        """Return, for each new group, the groups that share the rarest terms with it."""
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
            stored=len(self._stories),
            cannot_link=self._apart.groups(self._home),
        )

    def _joined(self, numbers: Iterable[int]) -> fusion.Group:
        return self._whole.of([member for number in numbers for member in self._groups[number]])

    def _closes(self, one: Sequence[int], other: Sequence[int], link: Link) -> bool:
        self._step()
        meet = max(min(one), min(other)) < len(self._stories)
        bar = self._bar + MEETING if meet else self._bar
        return fusion.closes(self._joined(one), self._joined(other), link, self._crowd, bar)

    def _story(self, old: Sequence[Story], members: Sequence[Candidate]) -> Story:
        """Return the story of these members.

        What was known of an old one stays. Of several the one that was stored first takes in the others.
        """
        entries = tuple(member.entry for member in members)
        bare = Story(entries=entries, first_seen=entries[0].first_seen, last_seen=entries[-1].first_seen)
        base, *others = sorted(old, key=lambda story: (story.id <= 0, story.id)) or [bare]
        reasons = Reasons(members, self._candidates)
        joins = {join.entry: join for story in old for join in story.joins}
        joins |= {join.entry: join for join in (self._meeting(one, members, reasons) for one in others)}
        found = tuple(
            joins.get(member.entry.id)
            or self._join(member, members, old, reasons, began=not old and place == 0)
            for place, member in enumerate(members)
        )
        absorbed = [number for story in others for number in (story.id, *story.absorbed)]
        related = (
            [number for story in (base, *others) for number in story.related] if old else self._steps(members)
        )
        return replace(
            base,
            entries=entries,
            joins=found,
            affair=next((story.affair for story in (base, *others) if story.affair is not None), None),
            related=tuple(number for number in dict.fromkeys(related) if number not in {base.id, *absorbed}),
            absorbed=(*base.absorbed, *absorbed),
        )

    def _meeting(self, absorbed: Story, members: Sequence[Candidate], reasons: Reasons) -> Join:
        """Return why a story is part of this one now, as the reason of the report that it began with."""
        own = {entry.id for entry in absorbed.entries}
        its = [member for member in members if member.entry.id in own]
        rest = [member for member in members if member.entry.id not in own]
        link = self._candidates.link(its, rest)
        sure = fusion.log_odds(self._whole.of(its), self._whole.of(rest), link, self._crowd)
        bar = self._bar + MEETING
        why = reasons.of(its[0], rest[-LATEST:], probability(sure), probability(bar))
        if absorbed.id > 0:
            more = "".join(f", e{member.entry.id}" for member in its[1:])
            why = f"began s{absorbed.id} (e{its[0].entry.id}{more}), now part of this story · {why}"
        return Join(
            entry=its[0].entry.id,
            similarity=probability(sure),
            reason=why,
            doubtful=sure < bar + _DOUBT,
        )

    def _steps(self, members: Sequence[Candidate]) -> tuple[int, ...]:
        """Return the open stories that new reports answer.

        Such a story would be theirs, if it were not another step of its affair.
        """
        own, near = (
            kind([member.entry for member in members]),
            self._near.get(self._home[members[0].entry.id], ()),
        )
        bar = self._bar + self._crowd  # the more entries come, the more are alike by chance
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
        own: Sequence[Story],
        reasons: Reasons,
        *,
        began: bool,
    ) -> Join:
        """Return why a new member is in its story."""
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

    def _runner_up(self, member: Candidate, own: Sequence[Story]) -> _RunnerUp:
        """Return the open story, apart from those that are now its own, that a new member was nearest to."""
        home, mine = self._home[member.entry.id], {story.id for story in own}
        rivals = [
            (self._link(number, home).strength(), -number)
            for number in self._near.get(home, ())
            if number < len(self._stories) and self._stories[number].id not in mine
        ]
        if not rivals:
            return _RunnerUp()
        # The nearest is chosen by its link. Only that one is weighed as a whole: weighing all was a third of
        # the work.
        number = -max(rivals)[1]
        link = self._link(number, home)
        sure = fusion.log_odds(self._joined([number]), self._joined([home]), link, self._crowd)
        return _RunnerUp(self._stories[number].id, probability(sure))


class Index:
    """An index of groups by their terms: it says, at a bounded cost, which groups are worth a comparison."""

    def __init__(self, rarity: Rarity) -> None:
        self._rarity = rarity
        self._postings: defaultdict[str, list[int]] = defaultdict(list)

    def add(self, group: int, terms: Iterable[str]) -> None:
        """Enter a group under each of its terms."""
        for term in terms:
            self._postings[term].append(group)

    def nearest(self, terms: Iterable[str], *, without: int) -> list[int]:
        """Return the groups that share most of these terms by weight, the best first."""
        weights: defaultdict[int, float] = defaultdict(float)
        # Sorted, because sums of floats depend on their order, and the same entries must give the same
        # stories.
        for term in sorted(terms):
            groups = self._postings.get(term, ())
            if len(groups) <= _POSTINGS:
                weight = self._rarity.weight(term)
                for group in groups:
                    weights[group] += weight
        weights.pop(without, None)
        return sorted(weights, key=lambda group: (-weights[group], group))[:_MOST]


def crowd(entries: Iterable[Entry], day: int, days: int) -> float:
    """Return the logarithm of how many entries a day the last days brought; 0 for one a day or fewer.

    The more entries there are, the more of them are alike by chance. So the model weighs this against a join.
    """
    recent = sum(0 <= day - entry.published.toordinal() <= days for entry in entries)
    return math.log(max(1.0, recent / (days + 1)))
