"""What themes.toml says, as values: targets with their rules, the glossary, weights. No matching here."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from monitor.tag.grammar import Condition, Phrase

LANGUAGES = ("en", "de")
ANY = "any"
"""The name of what counts in every language."""
SURE, PERHAPS, NEAR = 0.6, 0.3, 0.12

BESIDE = "beside"
"""The grade of rules that count beside the table."""


@dataclass(frozen=True, slots=True)
class Label:
    """A beat or theme and what to call it, by language."""

    slug: str
    label: Mapping[str, str]

    def in_language(self, language: str) -> str:
        """Return its name in a language, else in English, else in any that it has."""
        return self.label.get(language) or self.label.get("en") or next(iter(self.label.values()))


@dataclass(frozen=True, kw_only=True, slots=True)
class Rule:
    """One line of themes.toml: when `condition` holds, `weight` speaks for (or against) its target."""

    text: str
    """As it stands in the file."""
    grade: str
    weight: float
    language: str
    """ "en", "de" or "any"."""
    condition: Condition

    @property
    def beside(self) -> bool:
        """Whether it counts beside the table, which is made without it and cannot outvote it.

        For what a person decides and lines teach badly: as one rule among others "title: Sora" was weighed
        down to a third, and "Goodbye to Sora", the whole news of its end, was not chosen.
        """
        return self.grade == BESIDE


@dataclass(frozen=True, kw_only=True, slots=True)
class Target:
    """A beat or theme: given to an entry whose rules sum up to `threshold`."""

    slug: str
    kind: Literal["beat", "theme"]
    label: Mapping[str, str]
    threshold: float
    rules: tuple[Rule, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class GlossaryList:
    """Phrases under one name, by language; `includes` names further lists whose phrases are in it too."""

    phrases: Mapping[str, tuple[Phrase, ...]]
    includes: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Fields:
    """What a match weighs by where it stands, and how far a text is read.

    The first `lead_words` words below the title say what an entry is about; the rest of a summary weighs as
    content does.
    """

    title: float = 1.25
    summary: float = 1.0
    content: float = 0.5
    lead_words: int = 40
    words: int = 400


@dataclass(frozen=True, kw_only=True, slots=True)
class Rules:
    """Everything that themes.toml says. Made by `load`, used by `Tagger`."""

    targets: tuple[Target, ...]
    glossary: Mapping[str, GlossaryList] = field(default_factory=dict)
    hidden: Mapping[str, tuple[Phrase, ...]] = field(default_factory=dict)
    """Phrases, by language, that hide what stands inside them ("air strike" is no strike)."""
    grades: Mapping[str, float] = field(default_factory=dict)
    fields: Fields = Fields()
    learned: bool = False
    """Whether the table that was learned from labelled lines decides behind the rules."""
    learn: bool = True
    """Whether the user's marks are learned from, after each ten of them."""
    sure: float = SURE
    """The certainty from which an entry is told as a story."""
    perhaps: float = PERHAPS
    """The certainty from which it is shown at all, on a line of its own."""
    near: float = NEAR
    """The certainty from which an entry that was not chosen is named as a near miss."""
    outlets: tuple[str, ...] = ()
    """Names of outlets that report: "according to" one of them makes it no party."""

    @property
    def beats(self) -> tuple[Label, ...]:
        """The beats, in the file's order."""
        return self._labels("beat")

    @property
    def themes(self) -> tuple[Label, ...]:
        """The themes, in the file's order."""
        return self._labels("theme")

    def _labels(self, kind: str) -> tuple[Label, ...]:
        return tuple(Label(target.slug, target.label) for target in self.targets if target.kind == kind)
