"""How good the choosing is: labelled records compared with the tagger's answers."""

from __future__ import annotations

from monitor.evaluate.agreement import Figure, Mistake, Scores, by_language, mistakes, score
from monitor.evaluate.records import Record, read, unknown_slugs, write
from monitor.evaluate.streams import Bin, StreamScores, score_stream

__all__ = [
    "Bin",
    "Figure",
    "Mistake",
    "Record",
    "Scores",
    "StreamScores",
    "by_language",
    "mistakes",
    "read",
    "score",
    "score_stream",
    "unknown_slugs",
    "write",
]
