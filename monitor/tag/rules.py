"""What themes.toml says, as values: beats and themes with their rules, the glossary, weights and bars."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from monitor.tag.grammar import Condition, Phrase

LANGUAGES = ("en", "de")
ANY = "any"
"""The language of phrases that count in every language."""
SURE, PERHAPS, NEAR = 0.6, 0.3, 0.12

BESIDE = "beside"
"""The grade of rules that count beside the table of weights."""


@dataclass(frozen=True, slots=True)
class Label:
    """A beat or theme, and its name in each language."""

    slug: str
    label: Mapping[str, str]

    def in_language(self, language: str) -> str:
        """Return its name in a language, else in English, else in any language that it has."""
        return self.label.get(language) or self.label.get("en") or next(iter(self.label.values()))


@dataclass(frozen=True, kw_only=True, slots=True)
class Rule:
    """One line of themes.toml: if `condition` holds, `weight` is added to the sum of its target."""

    text: str
    """As written in the file."""
    grade: str
    weight: float
    language: str
    """"en", "de" or "any"."""
    condition: Condition

    @property
    def beside(self) -> bool:
        """True if it counts beside the table, which is trained without it and cannot outvote it.

        This is for what a person decides and what labelled lines teach badly. As one rule among others,
        "title: Sora" was weighed down to a third, and "Goodbye to Sora", the news of its end, was not chosen.
        """
        return self.grade == BESIDE


@dataclass(frozen=True, kw_only=True, slots=True)
class Target:
    """A beat or theme, given to an entry if the weights of its rules that hold add up to `threshold`."""

    slug: str
    kind: Literal["beat", "theme"]
    label: Mapping[str, str]
    threshold: float
    rules: tuple[Rule, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class GlossaryList:
    """The phrases of a glossary list, by language. `includes` names lists whose phrases belong to it too."""

    phrases: Mapping[str, tuple[Phrase, ...]]
    includes: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Fields:
    """What a match counts in each field, and how much of a text is read.

    The first `lead_words` words below the title say what an entry is about; the rest of a summary counts like
    content.
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
    """Phrases, by language, that hide what is within them: no strike is found in "air strike"."""
    grades: Mapping[str, float] = field(default_factory=dict)
    fields: Fields = Fields()
    learned: bool = False
    """True if the table of weights decides about entries that the rules let pass."""
    learn: bool = True
    """True if the tagger learns from the user's marks, each time there are ten more."""
    sure: float = SURE
    """The certainty from which an entry is reported as a story."""
    perhaps: float = PERHAPS
    """The certainty from which it is shown at all, on a line of its own."""
    near: float = NEAR
    """The certainty from which an entry that was not chosen is listed as a near miss."""
    outlets: tuple[str, ...] = ()
    """Names of outlets. One that only reports ("according to the Financial Times") is not what a text is
    about.
    """

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
