"""Find what a story is known by, and the affair that it is a step of: a ruling follows a filing."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from datetime import timedelta
from typing import TYPE_CHECKING

from monitor.cluster import kinds, match
from monitor.cluster.references import ROUND_UP
from monitor.cluster.traits import PLAYER, ROLE, SUBJECT, traits
from monitor.models import PastStory, Sought

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
    from collections.abc import Set as AbstractSet

    from monitor.cluster.match import Rarity
    from monitor.cluster.traits import Traits
    from monitor.models import Entry, Story

# How many stories one story is linked to at most.
_MOST = 5
_PARTIES = 6
# How many reports decide what kind of event a story tells: a hundred more say the same.
_ENOUGH = 24
NAME, PLACE = "~", "&"
"""Marks of names that are no players: words that are spelt like names, and countries."""
TELLS, REFERS = "!", "<"
"""Marks of acts: titles tell `!leak`, or with a player `!leak@sora`; `<leak@sora` is referred to."""
_LABELS = PLAYER + SUBJECT + ROLE + PLACE + TELLS + REFERS
# What has these marks is not weighed by how rare it is.
_UNWEIGHED = ROLE + PLACE + TELLS + REFERS
# A story is known by a name that stands in at least one in so many reports. Titles vary, and many leave out
# the firm: with one in three, too few names were left. What one report of many mentions in passing names no
# story.
_ONE_IN = 5
# The same for acts: what happened is what many titles tell.
_ONE_IN_TELLS = 3
# The least weight of the rarest shared name. Words alone make no affair, nor does a firm that is in the news
# every week.
_NAME = 3.5
# Added to the squares of the names' weights, so that two titles of three words are not alike because they
# share one.
_FEW_NAMES = 50.0
# Days beyond which more make no difference: most affairs take weeks, but a case takes years.
_LONG = 60
# Reports that refer to an act mean one of this last time, not one of long ago.
_REFERRED = timedelta(days=30)
# How many sources must have told an act before later reports take it for known.
_TOLD_BY = 2
# What was leaked may be launched later. No report of a launch says so, but it is the end of that affair.
_LEAK, _LAUNCH = "leak", "launch"
# A step in court mostly follows another step in court.
_IN_COURT = frozenset({"filing", "hearing", "ruling", "appeal", "settlement"})
_SUIT = "filing"
_ROLES = 2
# The share of the likeliest step in how much a story is like an affair (the rest is the mean over all
# steps), and the least log-odds that a step counts with.
_NEAREST, _UNLIKELY = 0.7, -6.0


def names(entries: Sequence[Entry]) -> tuple[str, ...]:
    """Return what a story is known by: players, names and words in its titles that many reports have."""
    own = [traits(entry) for entry in entries]
    headlined = frozenset[str]().union(*(each.title.stems for each in own))
    # In German a single noun cannot be told from a name by its spelling. So what any report spells like a
    # name is one in all of them; a headline in capitals does not count, if another report writes the word
    # small.
    spelt = frozenset[str]().union(*((each.text.names - each.capitals) & each.specific for each in own))
    in_capitals = frozenset[str]().union(*(each.capitals & each.specific for each in own))
    spelt |= in_capitals.difference(*(each.text.small for each in own))
    found = Counter(name for each in own for name in _names(each))
    return tuple(
        sorted(
            NAME + name if name in spelt else name
            for name, n in found.items()
            if n * (_ONE_IN_TELLS if name[0] == TELLS else _ONE_IN) >= len(entries)
            # In a title, where bylines never stand.
            and (name[0] in _LABELS or name in headlined)
        )
    )


def kind(entries: Sequence[Entry]) -> str:
    """Return the kind of event that these entries tell, taken together; "" for none."""
    found = [kinds.chances(entry.title, entry.summary) for entry in entries[:_ENOUGH]]
    return kinds.told(kinds.together(found)) if found else kinds.NONE


def parties(entries: Sequence[Entry]) -> tuple[str, ...]:
    """Return the parties that a third of the entries or more name: names as they are spelt, then roles."""
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


def sought(stories: Sequence[Story], rarity: Rarity) -> Sought:
    """Return which past stories `RelatedStories` needs for these stories, and few more."""
    return Sought(
        names=frozenset(key for story in stories for name in story.names for key in _spellings(name, rarity)),
        stories=frozenset(other for story in stories for other in story.related),
        since=min(story.last_seen for story in stories) - _REFERRED,
    )


class RelatedStories:
    """Past stories by their rare names, by which stories of one affair find each other."""

    def __init__(self, stories: Iterable[PastStory], rarity: Rarity, within: timedelta) -> None:
        self._rarity, self._within = rarity, within
        self._stories = {story.id: story for story in stories}
        self._affairs: defaultdict[int, list[PastStory]] = defaultdict(list)
        # There may be thousands, so no more is done here than must be.
        self._known: defaultdict[str, list[int]] = defaultdict(list)
        for story in self._stories.values():
            self._affairs[story.affair or story.id].append(story)
            for name in story.names:
                self._known[name].append(story.id)

    def related(self, story: Story) -> tuple[int, ...]:
        """Return the ids of stories that are likely to be steps of one affair with it, the likeliest first.

        A round-up has none: it tells of many affairs, and its weeks would find each other by the column's
        name.
        """
        if all(ROUND_UP.search(entry.title) for entry in story.entries):
            return ()
        own = PastStory.of(story)
        shared = {spelling for name in own.names for spelling in _spellings(name, self._rarity)}
        keys = {key for spelling in shared for key in self._known.get(spelling, ())} - {story.id}
        found = [
            (-chance, key)
            for key in keys
            if abs(story.last_seen - self._stories[key].last_seen) <= self._within
            if (chance := self._chance(own, self._stories[key])) >= 0
        ]
        return tuple(key for _, key in sorted(found)[:_MOST])

    def referred(self, story: Story) -> tuple[int, ...]:
        """Return the ids of the stories whose acts a story refers to as done, if the topic itself did them.

        If the parties have a rare name, only that name makes an affair.
        """
        if all(ROUND_UP.search(entry.title) for entry in story.entries):
            return ()
        whose: defaultdict[str, set[str]] = defaultdict(set)
        for act, player in (name.split(PLAYER) for name in story.names if name[0] == REFERS):
            whose[act[1:]].add(PLAYER + player)
        found = [self._done(story, kind, players) for kind, players in sorted(whose.items())]
        topic = self._topic(story.names)
        # The product and its maker must both be named: others launch things for those who use the product.
        if len(topic) > 1 and any(f"{TELLS}{_LAUNCH}{player}" in story.names for player in topic):
            found.append(self._done(story, _LEAK, topic, alone=True))
        return tuple(dict.fromkeys(key for key in found if key is not None))

    def _done(self, story: Story, kind: str, players: AbstractSet[str], *, alone: bool = False) -> int | None:
        """Return the story of such an act in the last weeks; of several the one that most sources tell.

        With `alone` it must name these players and no others that are the topic.
        """
        if not players or players != self._topic(players):
            return None
        acts = {f"{REFERS}{kind}{player}" for player in players}
        known = [
            (tells, past.sources, past.last_seen, key)
            for key, past in self._stories.items()
            # Later stories have higher ids. What only one outlet told, no other outlet takes for known.
            if (not story.id or key < story.id) and past.sources >= _TOLD_BY and past.names >= players
            if (tells := kind == past.kind or TELLS + kind in past.names) or not acts.isdisjoint(past.names)
            if past.last_seen >= story.last_seen - _REFERRED
            if not alone or self._topic(past.names) == players
        ]
        return max(known)[-1] if known else None

    def _topic(self, names: Iterable[str]) -> AbstractSet[str]:
        """Return the players among names that are the topic itself."""
        return {name for name in names if name[0] == PLAYER and not self._rarity.telling(name)}

    def affair(self, story: Story, related: Sequence[int], answered: Collection[int] = ()) -> int | None:
        """Return the affair of a story: of its related stories' affairs, the one that it is most like.

        All steps of an affair count, because the nearest step alone would chain one affair to the next. A
        story that it answers is enough, however. A related story without an affair founds one, which has its
        id.
        """
        own = PastStory.of(story)
        near: dict[int, float] = {}
        for one in (self._stories[key] for key in related if key in self._stories):
            affair = one.affair or one.id
            least = 0.0 if one.id in answered else -math.inf
            near[affair] = max(near.get(affair, least), least)
        found = [(max(least, self._strength(own, self._affairs[key])), -key) for key, least in near.items()]
        strength, affair = max(found, default=(-math.inf, 0))
        return -affair if strength >= 0 else None

    def _chance(self, one: PastStory, other: PastStory) -> float:
        return log_odds(features(one, other, self._rarity), match.model().affairs)

    def _strength(self, one: PastStory, steps: Sequence[PastStory]) -> float:
        chances = [max(_UNLIKELY, self._chance(one, step)) for step in steps if step.id != one.id]
        if not chances:
            return -math.inf
        return _NEAREST * max(chances) + (1 - _NEAREST) * math.fsum(chances) / len(chances)


def features(one: PastStory, other: PastStory, rarity: Rarity) -> dict[str, float]:
    """Return what speaks for two stories being steps of one affair: what they share, and how rare it is."""
    mine, theirs = _weights(one.names, rarity), _weights(other.names, rarity)
    shared = mine.keys() & theirs.keys()
    named = {_bare(name) for name in one.names | other.names if _is_name(name)}
    lengths = (_FEW_NAMES + math.fsum(weight**2 for weight in own.values()) for own in (mine, theirs))
    countries, abroad = (frozenset(n for n in story.names if n[0] == PLACE) for story in (one, other))
    return {
        "rarest": max((mine[name] for name in shared), default=0.0),
        "rarest_name": max((mine[name] for name in shared & named), default=0.0),
        "names": math.fsum(mine[name] ** 2 for name in shared) / math.sqrt(math.prod(lengths)),
        "days_log": math.log1p(min(_LONG, abs(one.last_seen - other.last_seen).days)),
        "roles": float(min(_ROLES, sum(name[0] == ROLE for name in one.names & other.names))),
        "places_differ": float(bool(countries and abroad) and countries.isdisjoint(abroad)),
        "sources_log": math.log(max(1, min(one.sources, other.sources))),
        "court_of_one": float((one.kind in _IN_COURT) != (other.kind in _IN_COURT)),
        "two_suits": float(one.kind == other.kind == _SUIT),
    }


def log_odds(found: Mapping[str, float], weights: Mapping[str, float]) -> float:
    """Return the log-odds that two stories are of one affair; minus infinity without a rare shared name."""
    return match.weighed(found, weights) if found["rarest_name"] >= _NAME else -math.inf


def _spellings(name: str, rarity: Rarity) -> Iterator[str]:
    """Yield how a rare name may be written among the names of another story; nothing for a common one."""
    bare = _bare(name)
    if name[0] in _UNWEIGHED or rarity.weight(bare) < _NAME:
        return
    yield bare if name[0] == PLAYER else NAME + bare
    if name[0] == NAME:  # other stories may have it as an ordinary word
        yield bare


def _weights(names: Iterable[str], rarity: Rarity) -> dict[str, float]:
    # A compound's parts stand beside it. With the compound they would be counted twice.
    bare = (_bare(name) for name in names if name[0] not in _UNWEIGHED and "-" not in name)
    return {name: rarity.weight(name) for name in bare}


def _bare(name: str) -> str:
    return name.removeprefix(NAME)


def _is_name(name: str) -> bool:
    return name[0] in (PLAYER, NAME)


def _names(own: Traits) -> frozenset[str]:
    """Return what a report may be known by; names are not marked yet."""
    words = (own.text.names | own.title.specific) & own.specific
    players = {PLAYER + player for player in own.text.players}
    subjects = {SUBJECT + subject for subject in own.title.subjects}
    labels = {ROLE + role for role in own.text.roles} | {PLACE + place for place in own.text.places}
    acts = {TELLS + kind for kind in own.title.kinds}
    acts |= {f"{TELLS}{kind}{PLAYER}{player}" for player, kind in own.tells}
    acts |= {f"{REFERS}{kind}{PLAYER}{player}" for player, kind in own.refers}
    return frozenset(words | players | subjects | labels | acts)
