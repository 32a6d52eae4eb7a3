"""Relevant entries to stories: one event told once, over days, across outlets and languages. Pure.

Open `assign.py` first: each new entry joins an open story or begins one. `day.py` is one day's decision,
`traits.py` what an entry says of its event, `kinds.py` the kind of it, `references.py` what came before it by
its own words, `match.py` how alike two are, `groups.py` takes the strongest links first and closes those that
`fusion.py` finds of one event, `reasons.py` says why each report is there, `choose.py` picks a story's title
and summary, `affairs.py` finds the other steps of its affair (`linked`, among the past stories that `earlier`
names), `lessons.py` is what the user's corrections teach, `encoder.py` the extra `semantic`. What the matcher
knows is data: `events.toml` is written by hand, `model.toml` and `kinds.tsv` by `training/train_stories.py`.
"""

from monitor.cluster.assign import assign, earlier, linked
from monitor.cluster.choose import choose, with_summary
from monitor.cluster.encoder import Encoder
from monitor.cluster.settings import Settings
from monitor.cluster.traits import terms

__all__ = [
    "Encoder",
    "Settings",
    "assign",
    "choose",
    "earlier",
    "linked",
    "terms",
    "with_summary",
]
