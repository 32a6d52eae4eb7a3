from __future__ import annotations

from datetime import UTC, datetime

import pytest

from monitor.cluster.copies import Copies, independent_sources, source
from monitor.models import Entry, Feed

NOW = datetime(2026, 1, 1, tzinfo=UTC)
WIRE = (
    "Actors in three cities walked out on Monday after talks over the use of synthetic voices broke down, "
    "their union said, adding that studios had refused to name the productions in which voices were cloned."
)


def entry(number: int, **fields) -> Entry:
    given = {
        "feed": f"https://f{number}.example/rss",
        "url": f"https://www.f{number}.example/a",
        "title": f"Title {number}",
    }
    return Entry(id=number, published=NOW, first_seen=NOW, **(given | fields))


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ({"url": "https://x.example/1"}, {"url": "https://x.example/1"}, True),
        ({"guid": "https://x.example/?p=1"}, {"guid": "https://x.example/?p=1"}, True),
        ({"guid": "urn:uuid:8d1c"}, {"guid": "urn:uuid:8d1c"}, True),
        ({"guid": "1"}, {"guid": "1"}, False),
        ({"summary": WIRE}, {"summary": WIRE.replace("Monday", "Tuesday")}, True),
        ({"summary": WIRE}, {"summary": WIRE[: len(WIRE) // 2]}, True),
        (
            {"summary": WIRE},
            {"summary": "Something else altogether, of which no three words in a row are there."},
            False,
        ),
        ({"title": "Open thread"}, {"title": "Open thread"}, False),
        ({"url": ""}, {"url": ""}, False),
    ],
)
def test_what_makes_two_entries_one_report(one, other, same):
    known = Copies()
    known.add(entry(1, **one), 7)
    assert known.groups(entry(2, **other)) == ([7] if same else [])


def test_the_surest_copy_comes_first():
    known = Copies()
    known.add(entry(1, summary=WIRE), 1)
    known.add(entry(2, url="https://x.example/1"), 2)
    assert known.groups(entry(3, url="https://x.example/1", summary=WIRE)) == [2, 1]


def test_who_speaks():
    family = Feed(url="https://f1.example/rss", family="Verlag")
    assert source(entry(1), {family.url: family}) == "family:verlag"
    assert source(entry(1, outlet="The Paper"), {family.url: family}) == "source:the paper"
    assert source(entry(1), {}) == "source:f1.example"
    assert source(entry(1, url="", feed="radar"), {}) == "source:radar"


def test_copies_bind_sources_together_even_in_a_chain():
    entries = [
        entry(1),
        entry(2),
        entry(3, url="https://www.f1.example/b", summary=WIRE),
        entry(4, url="https://www.f2.example/b", summary=WIRE),
        entry(5),
    ]
    assert independent_sources(entries, {}) == 2
    assert independent_sources(entries[:2], {}) == 2
    assert independent_sources([], {}) == 0
