"""Reads newsworthiness.toml: what a kind of event weighs, what it leaves open, and where a story stands."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from importlib import resources
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_DATA: Final = tomllib.loads(
    resources.files("monitor.digest").joinpath("newsworthiness.toml").read_text(encoding="utf-8")
)
KIND_WEIGHTS: Final[Mapping[str, float]] = _DATA["kinds"]
PENDING: Final = frozenset[str](_DATA["pending"])
"""Kinds of event after which something is still to come."""
OTHER: Final = "other"
"""The section of what none of the others wants."""


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
