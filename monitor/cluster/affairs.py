"""What a story is known by, and the affair that it is a step of: the ruling after the filing."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING

from monitor.cluster.traits import PLAYER, ROLE, SUBJECT, traits

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import timedelta

    from monitor.cluster.match import Rarity
    from monitor.models import Entry, PastStory, Story

# Weights of the two rarest names or words that two stories must share to be steps of one affair, and of the
# rarest name among them. A sum of weights, as it was, let a firm that is often in the news and a common word
# make an affair; the story that came second when an entry was joined was another step in half the cases only.
_RAREST, _SECOND, _NAME = 4.3, 3.5, 4.0
# Stories that one story is linked to.
_MOST = 5
_PARTIES = 6
NAME = "~"
"""Mark of those names by which a story is known that are no players."""
_MARKS, _LABELS = PLAYER + NAME, PLAYER + SUBJECT
_TITLE_COUNTS = 2


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


def kind(entries: Iterable[Entry]) -> str:
    """Return the kind of event that most entries speak of, titles before summaries; "" for none."""
    found: Counter[str] = Counter()
    for entry in entries:
        if told := _kind(entry):
            found[told] += _TITLE_COUNTS if traits(entry).title.kinds else 1
    return min(found, key=lambda kind: (-found[kind], kind), default="")


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
        """Return the ids of stories that share a rare name and more, those that share the most first."""
        shared: defaultdict[int, dict[str, float]] = defaultdict(dict)
        for name in story.names:
            weight = self._rarity.weight(name.removeprefix(NAME))
            for key in self._named.get(name, ()) if weight >= _SECOND else ():
                shared[key][name] = weight
        shared.pop(story.id, None)
        found = [
            (-math.fsum(weights.values()), key)
            for key, weights in shared.items()
            if _one_affair(weights)
            if abs(story.last_seen - self._stories[key].last_seen) <= self._within
        ]
        return tuple(key for _, key in sorted(found)[:_MOST])

    def affair(self, related: Sequence[int]) -> int | None:
        """Return the affair of the nearest of these stories; one that had none founds it, by its own id."""
        nearest = next((self._stories[key] for key in related if key in self._stories), None)
        return (nearest.affair or nearest.id) if nearest else None


def _kind(entry: Entry) -> str:
    own = traits(entry)
    if own.title.kinds or not own.kind:
        return own.kind
    # A teaser leads with its news: "introduced Sora 2 … The product is no longer available" is a launch.
    first = replace(entry, title=entry.summary.split(". ")[0], summary="")
    return traits(first).kind or own.kind


def _one_affair(shared: Mapping[str, float]) -> bool:
    """Return whether what two stories share, with its weights, is enough for one affair."""
    named = max((weight for name, weight in shared.items() if name[0] in _MARKS), default=0.0)
    # A name and a word of one spelling are one thing shared, not two; so are a compound and its parts.
    things = {
        name.removeprefix(NAME): weight
        for name, weight in shared.items()
        if "-" not in name and (name[0] != SUBJECT or weight >= _RAREST)
    }
    rarest, second = (*sorted(things.values(), reverse=True), 0.0, 0.0)[:2]
    return named >= _NAME and rarest >= _RAREST and second >= _SECOND


def _names(entry: Entry) -> frozenset[str]:
    own = traits(entry)
    named = own.text.names & own.specific
    players = {PLAYER + player for player in own.text.players}
    subjects = {SUBJECT + subject for subject in own.title.subjects}
    return (
        ((own.title.specific & own.specific) - named) | {NAME + name for name in named} | players | subjects
    )
