"""How important a story is, as a product that the user can work out by hand; and its section. Pure.

    importance = certainty x kind x sources x weight, where

    certainty  the calibrated probability that its surest report is in scope, 0 to 1 (1 after `mark`)
    kind       what the kind of event weighs: a ruling 2, a launch 1, an opinion 0.6 (newsworthiness.toml)
    sources    1 for one independent source, 2 for two, 3 for four, 4 for eight: one more for each doubling
    weight     the weight of its heaviest feed (feeds.toml), times 1.5 for a theme that the user favours and
               0.5 for one that is played down (`[digest] favour`, `play_down`)

10 is a very large story. It is a product and not a sum, because with a sum many sources of something doubtful
could lead, and new stories stood above yesterday's ruling: both happened in eight months of real digests.
Freshness only breaks ties.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from importlib import resources
from math import log2
from typing import TYPE_CHECKING, Final

from monitor.models import Importance

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from monitor.digest.settings import Settings
    from monitor.models import DigestStory, Feed, Story, Tagging

_DATA: Final = tomllib.loads(
    resources.files("monitor.digest").joinpath("newsworthiness.toml").read_text(encoding="utf-8")
)
KIND_WEIGHTS: Final[Mapping[str, float]] = _DATA["kinds"]
PENDING: Final = frozenset[str](_DATA["pending"])
"""Kinds of event after which something is still to come."""
OTHER: Final = "other"
"""The section for stories that belong in no other."""

_FAVOURED: Final = 1.5
_PLAYED_DOWN: Final = 0.5
# In five months of a real feed, of what version 1.0 chose, .80 was right from a score of 4, .91 from 5.
_SURE_SCORE: Final = 6.0


def importance(story: Story, feeds: Mapping[str, Feed], settings: Settings) -> Importance:
    """Return how important a story is, with the parts of it."""
    certainty = max(certainty_of(entry.tagging) for entry in story.entries)
    kind = KIND_WEIGHTS.get(story.kind, 1.0)
    # A logarithm: the fortieth outlet says less than the second.
    sources = 1.0 + log2(max(story.sources, 1))
    # Only its heaviest feed: a sum would count again what the sources count already.
    weight = max(feeds[entry.feed].weight if entry.feed in feeds else 1.0 for entry in story.entries)
    weight *= _preference({*story.beats, *story.themes}, settings)
    return Importance(
        certainty=round(certainty, 3),
        kind=kind,
        sources=round(sources, 3),
        weight=weight,
        total=round(certainty * kind * sources * weight, 3),
    )


def order(story: DigestStory) -> tuple[float, float, int]:
    """Return a sort key: the most important story first; of equals, the one with the newest report."""
    return -story.score, -max(report.published.timestamp() for report in story.reports), story.id


def certainty_of(tagging: Tagging) -> float:
    """Return how likely an entry is in scope; for one tagged by version 1.0, estimated from its score."""
    if tagging.corrected:
        return 1.0
    return tagging.certainty or min(max(tagging.score / _SURE_SCORE, 0.1), 0.95)


def _preference(slugs: Collection[str], settings: Settings) -> float:
    favoured = _FAVOURED if any(slug in settings.favour for slug in slugs) else 1.0
    return favoured * (_PLAYED_DOWN if any(slug in settings.play_down for slug in slugs) else 1.0)


@dataclass(frozen=True, slots=True)
class SectionRule:
    """What speaks for a section, and how much."""

    name: str
    weights: Mapping[tuple[str, str], float]
    """By ("beats", "kinds" or "themes", slug)."""


def _rule(table: Mapping[str, Mapping[str, float]]) -> SectionRule:
    weights = {
        (part, slug): weight
        for part in ("beats", "kinds", "themes")
        for slug, weight in table.get(part, {}).items()
    }
    return SectionRule(str(table["name"]), weights)


_RULES: Final = tuple(map(_rule, _DATA["sections"]))
SECTIONS: Final = (*(rule.name for rule in _RULES), OTHER)
"""The names of all sections, in the order in which they are shown."""


def section(beats: Iterable[str], themes: Iterable[str], kind: str) -> str:
    """Return the name of the section that a story stands in."""
    signs = [("kinds", kind), *(("beats", beat) for beat in beats), *(("themes", theme) for theme in themes)]
    scores = {rule.name: sum(rule.weights.get(sign, 0.0) for sign in signs) for rule in _RULES}
    best = max(scores, key=lambda name: scores[name])
    return best if scores[best] > 0 else OTHER
