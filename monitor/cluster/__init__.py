"""Relevant entries to stories: one event told once, over days, across outlets and languages. Pure.

Open `assign.py` first: each new entry joins an open story or begins one. `board.py` is one day's decision,
`match.py` says how alike two entries are, `groups.py` closes the strongest links first, `choose.py` picks a
story's title and summary, `encoder.py` is the `semantic` extra. What the matcher knows is data:
`lexicon.toml` is written by hand, `model.toml` by `train.py`.
"""

from monitor.cluster.assign import assign
from monitor.cluster.choose import choose, with_summary
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
    "replay",
    "score",
    "terms",
    "with_summary",
]
