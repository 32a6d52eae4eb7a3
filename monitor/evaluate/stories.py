"""How well stories match labelled ones: B-cubed and pairwise precision, recall and F1."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from itertools import count, groupby
from typing import TYPE_CHECKING

from monitor import cluster
from monitor.models import TermCounts

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Mapping, Sequence

    from monitor.models import Entry, Story


@dataclass(frozen=True, kw_only=True, slots=True)
class Agreement:
    """Precision, recall and their harmonic mean, 0 to 1."""

    precision: float
    recall: float
    f1: float


@dataclass(frozen=True, kw_only=True, slots=True)
class StoryScores:
    """Both measures; `records` is the number that they were taken over."""

    bcubed: Agreement
    pairwise: Agreement
    records: int


def score(pairs: Iterable[tuple[Hashable, Hashable]]) -> StoryScores:
    """Return how assigned stories agree with labelled ones; a pair a record: (labelled, assigned).

    B-cubed (Bagga and Baldwin, 1998): the mean over records of the share of its assigned story that is
    labelled alike, and of its labelled story that is assigned alike. Pairwise: over pairs of records. Nothing
    to get wrong counts as 1.
    """
    cells = Counter(pairs)
    gold: Counter[Hashable] = Counter()
    found: Counter[Hashable] = Counter()
    # Counted by cell: pairs one by one would be fifty million for ten thousand records.
    for (labelled, assigned), n in cells.items():
        gold[labelled] += n
        found[assigned] += n
    return StoryScores(
        bcubed=_agreement(
            _mean((n, n / found[assigned]) for (_, assigned), n in cells.items()),
            _mean((n, n / gold[labelled]) for (labelled, _), n in cells.items()),
        ),
        pairwise=_agreement(
            _share(_pairs(cells.values()), _pairs(found.values())),
            _share(_pairs(cells.values()), _pairs(gold.values())),
        ),
        records=sum(cells.values()),
    )


def _agreement(precision: float, recall: float) -> Agreement:
    total = precision + recall
    return Agreement(precision=precision, recall=recall, f1=2 * precision * recall / total if total else 0.0)


def _mean(weighted: Iterable[tuple[int, float]]) -> float:
    found = list(weighted)
    return sum(n * value for n, value in found) / sum(n for n, _ in found) if found else 1.0


def _pairs(sizes: Iterable[int]) -> int:
    return sum(size * (size - 1) // 2 for size in sizes)


def _share(part: int, whole: int) -> float:
    return part / whole if whole else 1.0


def replay(
    entries: Sequence[Entry],
    settings: cluster.Settings | None = None,
    *,
    vectors: Mapping[int, bytes] | None = None,
    daily: bool = True,
) -> list[str]:
    """Return a label for the story of each entry, "s1" for the first.

    Each day of publication is one poll; with `daily` off all entries are. The ids of entries do not matter:
    `vectors` goes by position, from 0.
    """
    settings = settings or cluster.Settings()
    numbered = [replace(entry, id=place, first_seen=entry.published) for place, entry in enumerate(entries)]
    stories: dict[int, Story] = {}
    numbers = count(1)
    seen: Counter[str] = Counter()
    documents = 0
    for _, poll in groupby(
        sorted(numbered, key=lambda e: e.published), key=lambda e: daily and e.published.date()
    ):
        new = list(poll)
        seen.update(term for entry in new for term in cluster.terms(entry))
        documents += len(new)
        # As the store would: only open stories are asked, though all are at hand here.
        start = new[0].published - settings.open_for
        still = [story for story in stories.values() if story.last_seen >= start]
        counts = TermCounts(documents=documents, counts=seen)
        for story in cluster.assign(new, still, counts, {}, settings, vectors=vectors):
            key = story.id or next(numbers)
            stories[key] = replace(story, id=key, absorbed=())
            for absorbed in story.absorbed:
                del stories[absorbed]
    found = {entry.id: f"s{key}" for key, story in stories.items() for entry in story.entries}
    return [found[place] for place in range(len(entries))]
