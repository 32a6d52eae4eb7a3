"""Tag entries: takes an entry, gives its beats, its themes, how certain they are and the evidence for each.

`loader` reads the rules from themes.toml; `tagger.Tagger` is what other packages use.
"""

from __future__ import annotations

from monitor.tag.explain import Explanation, Verdict
from monitor.tag.grammar import GrammarError, doubt
from monitor.tag.loader import load
from monitor.tag.personal import PERSONAL, Example, Personal, learn, learn_own
from monitor.tag.rules import ANY, LANGUAGES, Label, Rules
from monitor.tag.tagger import Change, Tagger

__all__ = [
    "ANY",
    "LANGUAGES",
    "PERSONAL",
    "Change",
    "Example",
    "Explanation",
    "GrammarError",
    "Label",
    "Personal",
    "Rules",
    "Tagger",
    "Verdict",
    "doubt",
    "learn",
    "learn_own",
    "load",
]
