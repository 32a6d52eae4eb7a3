"""Gather relevant entries into stories, so that each event is told once: over days, outlets and languages.

Nothing here reads or writes a database. Start with `assign.py`: each new entry joins an open story or begins
one. The other modules:

- `day.py` decides for the entries of one day.
- `traits.py` reads what an entry says about its event, `kinds.py` what kind of event it is, `figures.py` its
  figures, and `references.py` which earlier acts it refers to.
- `match.py` says how alike two entries are, and `candidates.py` keeps what was compared.
- `groups.py` takes the strongest links first. `fusion.py` decides whether the two groups of a link are of one
  event.
- `copies.py` finds reports with the same text, and counts independent sources.
- `reasons.py` says why each report is in its story. `choose.py` picks a story's title and summary.
- `affairs.py` finds the other steps of a story's affair (`linked`, among the past stories that `earlier`
  names).
- `lessons.py` learns from the user's corrections. `encoder.py` is the extra `semantic`.

What the matcher knows is data: `events.toml` is written by hand, `model.toml` and `kinds.tsv` are made by
`training/train_stories.py`.
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
