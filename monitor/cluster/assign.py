"""Entries to stories: each new entry joins an open story or begins one. Pure; the order of arrival does not matter."""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from monitor.cluster import match
from monitor.cluster.candidates import Index
from monitor.cluster.choose import dressed
from monitor.cluster.copies import Copies, source
from monitor.cluster.encoder import likeness, unpack
from monitor.cluster.groups import Link, group
from monitor.cluster.reasons import BEGAN, COPY, reason
from monitor.cluster.related import Affairs, Past
from monitor.cluster.traits import traits
from monitor.models import Entry, Feed, Join, Story

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from collections.abc import Set as AbstractSet

    from monitor.cluster.settings import Settings

_MEMBERS = 24
"""Members of a large story that an entry is compared with: its latest."""


@dataclass(frozen=True, slots=True)
class _Member:
    """An entry as the matcher sees it."""

    entry: Entry
    weighed: match.Weighed
    terms: frozenset[str]
    vector: Any
    copy: bool = False
    """Of a report that was there before it."""


def assign(
    new: Sequence[Entry],
    stories: Sequence[Story],
    counts: match.TermCounts,
    feeds: Mapping[str, Feed],
    settings: Settings,
    *,
    vectors: Mapping[int, bytes] | None = None,
    cannot: AbstractSet[tuple[int, int]] = frozenset(),
    past: Sequence[Past] = (),
) -> tuple[Story, ...]:
    """Return the stories that are new (id 0) or changed when `new` entries, which have ids, arrive.

    `stories` are the open ones: those with a report within `settings.open_for`. An entry that is in one of them
    already stays there and its text is renewed. `counts` are those of the archive, `new` included, for the terms of
    all these entries. With `vectors` (`Encoder.vectors`, by entry id) the semantic model decides. `cannot` holds the
    pairs of entry ids that the reader has parted. `past` are closed stories that new ones may be linked to.
    """
    rarity = match.rarity(counts)
    board = _Board(_renewed(stories, new), new, rarity, feeds, settings, vectors or {}, cannot)
    affairs = Affairs([*past, *(Past.of(story) for story in stories)], rarity, settings.related_for)
    before = {story.id: story for story in stories}
    arrived = {entry.id for entry in new}
    found = []
    for root, members in board.clusters():
        if any(member.entry.id in arrived for member in members):
            story = dressed(board.story(root, members), feeds, settings)
            story = replace(story, related=tuple(dict.fromkeys((*story.related, *affairs.related(story)))))
            if story != before.get(story.id):
                found.append(story)
    return tuple(found)


def order(entry: Entry) -> tuple[object, ...]:
    """Return the key that puts entries in one order whatever the order of their arrival."""
    return (entry.first_seen, entry.published, entry.feed, entry.guid, entry.url, entry.title, entry.id)


def _renewed(stories: Sequence[Story], new: Sequence[Entry]) -> list[Story]:
    """Return the stories by id, with the present texts of their entries."""
    present = {entry.id: entry for entry in new}
    return [
        replace(story, entries=tuple(present.get(entry.id, entry) for entry in story.entries))
        for story in sorted(stories, key=lambda story: story.id)
    ]


class _Board:
    """The groups of one poll: the open stories, in order, then each new entry with its copies."""

    def __init__(
        self,
        stories: Sequence[Story],
        new: Sequence[Entry],
        rarity: match.Rarity,
        feeds: Mapping[str, Feed],
        settings: Settings,
        vectors: Mapping[int, bytes],
        cannot: AbstractSet[tuple[int, int]],
    ) -> None:
        self.stories, self.rarity, self.feeds, self.settings, self.vectors = (
            stories,
            rarity,
            feeds,
            settings,
            vectors,
        )
        self.apart = cannot | {(other, one) for one, other in cannot}
        self.groups: dict[int, list[_Member]] = {}
        self.copies = Copies()
        for key, story in enumerate(stories):
            self.groups[key] = [self._member(entry) for entry in story.entries]
            for entry in story.entries:
                self.copies.add(entry, key)
        told = {entry.id for story in stories for entry in story.entries}
        fresh = {entry.id: entry for entry in new if entry.id not in told}
        for entry in sorted(fresh.values(), key=order):
            self._place(entry)
        self.home = {member.entry.id: key for key, members in self.groups.items() for member in members}
        self.links = self._links()
        self.nearest: defaultdict[int, list[tuple[float, int]]] = defaultdict(list)
        for (one, other), link in self.links.items():
            if one < len(stories):
                pairs = len(self.groups[one]) * len(self.groups[other])
                self.nearest[other].append((link.strength(pairs), one))

    def _member(self, entry: Entry, *, copy: bool = False) -> _Member:
        own = traits(entry)
        vector = self.vectors.get(entry.id)
        return _Member(
            entry,
            match.weigh(own, self.rarity, source(entry, self.feeds)),
            own.terms(),
            unpack(vector) if vector else None,
            copy,
        )

    def _place(self, entry: Entry) -> None:
        """Put a new entry with the report that it is a copy of, or by itself."""
        for key in self.copies.groups(entry):
            if not any((entry.id, member.entry.id) in self.apart for member in self.groups[key]):
                self.groups[key].append(self._member(entry, copy=True))
                break
        else:
            key = len(self.groups)
            self.groups[key] = [self._member(entry)]
        self.copies.add(entry, key)

    def _links(self) -> dict[tuple[int, int], Link]:
        """Compare each new group with the groups that share the most telling terms with it."""
        index = Index(self.rarity)
        terms = {key: frozenset[str]().union(*(m.terms for m in group)) for key, group in self.groups.items()}
        for key, found in terms.items():
            index.add(key, found)
        pairs = {
            (min(key, other), max(key, other))
            for key in range(len(self.stories), len(self.groups))
            for other in index.nearest(terms[key], without=key)
        }
        return {
            (one, other): self._link(self.groups[one], self.groups[other])
            for one, other in sorted(pairs)
            if self._in_time(one, other)
        }

    def _in_time(self, one: int, other: int) -> bool:
        """Return whether some report of one group came while the other was open."""
        days = self.settings.open_for.total_seconds() / 86400
        first = [member.weighed.traits.day for member in self.groups[one]]
        second = [member.weighed.traits.day for member in self.groups[other]]
        return max(min(first), min(second)) - min(max(first), max(second)) <= days

    def _link(self, one: Sequence[_Member], other: Sequence[_Member]) -> Link:
        link = Link()
        for a in one[-_MEMBERS:]:
            for b in other[-_MEMBERS:]:
                link.add(match.score(match.features(a.weighed, b.weighed, _likeness(a, b))))
        return link

    def clusters(self) -> list[tuple[int, list[_Member]]]:
        """Return the groups that the poll's links make, by key."""
        threshold = math.log(self.settings.threshold / (1 - self.settings.threshold))
        home = self.home
        apart = {(home[one], home[other]) for one, other in self.apart if one in home and other in home}
        roots = group(
            {key: len(members) for key, members in self.groups.items()},
            self.links,
            threshold=threshold,
            fixed=len(self.stories),
            cannot={(one, other) for one, other in apart if one != other},
        )
        found: dict[int, list[_Member]] = {}
        for key, root in roots.items():
            found.setdefault(root, []).extend(self.groups[key])
        return sorted(found.items())

    def story(self, root: int, members: Sequence[_Member]) -> Story:
        """Return a cluster as a story; what an open story holds stays as it was."""
        old = self.stories[root] if root < len(self.stories) else None
        joins = {join.entry: join for join in old.joins} if old else {}
        ranked = sorted(members, key=lambda member: order(member.entry))
        for place, member in enumerate(ranked):
            if member.entry.id not in joins:
                joins[member.entry.id] = self._join(member, ranked, root, began=place == 0)
        entries = tuple(member.entry for member in ranked)
        base = old or Story(
            entries=entries, first_seen=entries[0].first_seen, last_seen=entries[-1].first_seen
        )
        return replace(base, entries=entries, joins=tuple(joins[entry.id] for entry in entries))

    def _join(self, member: _Member, members: Sequence[_Member], root: int, *, began: bool) -> Join:
        others = [other for other in members if other is not member]
        runner_up, second = self._runner_up(member, root)
        similarity, why = 1.0, COPY if member.copy else BEGAN
        if others and not began and not member.copy:
            link = self._link([member], others)
            similarity = match.probability(link.strength(link.pairs))
            weighed = [other.weighed for other in others]
            why = reason(member.entry, member.weighed, weighed, similarity, self.settings.threshold)
        return Join(
            entry=member.entry.id,
            similarity=similarity,
            reason=why,
            runner_up=runner_up,
            runner_up_similarity=second,
        )

    def _runner_up(self, member: _Member, root: int) -> tuple[int | None, float]:
        """Return the open story, other than its own, that an entry was nearest to, and how near."""
        others = [
            (strength, one) for strength, one in self.nearest[self.home[member.entry.id]] if one != root
        ]
        if not others:
            return None, 0.0
        strength, key = max(others, key=lambda found: (found[0], -found[1]))
        return self.stories[key].id, match.probability(strength)


def _likeness(one: _Member, other: _Member) -> float | None:
    return None if one.vector is None or other.vector is None else likeness(one.vector, other.vector)
