"""Relevant entries to stories: one event told once, over days, across outlets and languages. Pure.

Open `assign` first: each new entry joins an open story or begins one. `match` says how alike two entries are,
`groups` closes the strongest links first, `choose` picks a story's title and summary, `encoder` is the `semantic`
extra.
"""

from monitor.cluster.assign import assign
from monitor.cluster.choose import choose, dressed
from monitor.cluster.encoder import Encoder
from monitor.cluster.match import TermCounts
from monitor.cluster.related import Past
from monitor.cluster.replay import replay
from monitor.cluster.scoring import Agreement, StoryScores, score
from monitor.cluster.settings import Settings
from monitor.cluster.traits import terms

__all__ = [
    "Agreement",
    "Encoder",
    "Past",
    "Settings",
    "StoryScores",
    "TermCounts",
    "assign",
    "choose",
    "dressed",
    "replay",
    "score",
    "terms",
]
