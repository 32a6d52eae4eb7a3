from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import count

import pytest

from monitor.cluster import Settings, assign, match, terms
from monitor.cluster.day import Index
from monitor.cluster.match import rarity
from monitor.models import Entry, Story, TermCounts

START = datetime(2025, 11, 10, tzinfo=UTC)
RARITY = rarity(TermCounts(documents=100, counts={"common": 90, "rare": 1}))


def test_the_nearest_share_the_rarest_terms():
    index = Index(RARITY)
    index.add(1, {"common"})
    index.add(2, {"rare"})
    index.add(3, {"common", "rare"})
    assert index.nearest({"common", "rare"}, without=9) == [3, 2, 1]
    assert index.nearest({"common", "rare"}, without=3) == [2, 1]
    assert index.nearest({"unheard"}, without=9) == []


def test_the_list_is_short_however_many_share_a_term():
    index = Index(RARITY)
    for group in range(300):
        index.add(group, {"rare"})
    assert index.nearest({"rare"}, without=0) == list(range(1, 13))


def test_a_term_that_hundreds_share_is_passed_over():
    index = Index(RARITY)
    for group in range(500):
        index.add(group, {"common"} if group else {"common", "rare"})
    assert index.nearest({"common", "rare"}, without=9) == [0]


def entry(number: int, word: str) -> Entry:
    return Entry(
        id=number,
        feed=f"https://o{number % 50}.example/",
        title=f"Studio {word} sues over voices",
        summary=f"The case of {word} was filed in the morning, says a reporter.",
        language="en",
        published=START + timedelta(minutes=number),
        first_seen=START + timedelta(minutes=number),
    )


@pytest.mark.parametrize("opened", [50, 400])
def test_comparisons_do_not_grow_with_the_stories(opened, monkeypatch):
    numbers = count()
    real = match.features

    def counted(*args):
        next(numbers)
        return real(*args)

    monkeypatch.setattr(match, "features", counted)
    entries = [entry(number, f"Q{number:x}zz") for number in range(opened)]
    stories = [
        Story(id=e.id + 1, entries=(e,), first_seen=e.first_seen, last_seen=e.first_seen) for e in entries
    ]
    new = [entry(opened + number, f"Q{number:x}zz") for number in range(20)]
    counts = TermCounts(documents=opened + 20, counts=Counter(t for e in (*entries, *new) for t in terms(e)))
    grown = assign(new, stories, counts, {}, Settings())
    assert {story.id for story in grown} == set(range(1, 21))
    assert next(numbers) <= 20 * 12 * 4
