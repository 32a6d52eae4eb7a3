from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest

from monitor.demo import outlet as outlets
from monitor.demo.formats import FORMATS

TEXT = """
name = "Tide Table"
language = "en"
format = "rss"
home = "https://tide.example/"
about = "Water"
window = 2

[[outage]]
since = 2024-12-04T06:00:00+01:00
status = 503
body = "gone fishing"

[[outage]]
since = 2024-12-05T06:00:00+01:00
status = 200
body = "<p>back soon"

[[entry]]
at = 2024-12-02T08:00:00+01:00
title = "Ebb & flow: über alles"
summary = "One"

[[entry.edit]]
at = 2024-12-02T09:00:00+01:00
title = "Second thoughts"

[[entry.edit]]
at = 2024-12-02T10:00:00+01:00
title = "Third thoughts"

[[entry]]
at = 2024-12-03T08:00:00+01:00
title = "Later"
summary = "Two"

[[entry]]
at = 2024-12-02T12:00:00+01:00
title = "Between"
summary = "Three"
"""


def at(day: int, hour: int) -> datetime:
    return datetime(2024, 12, day, hour - 1, tzinfo=UTC)


@pytest.fixture
def outlet() -> outlets.Outlet:
    return outlets.read("tide", TEXT)


def test_a_document_holds_the_newest_entries_that_are_out_newest_first(outlet: outlets.Outlet) -> None:
    assert outlet.entries_at(at(2, 7)) == ()
    assert [entry.title for entry in outlet.entries_at(at(2, 12))] == ["Between", "Third thoughts"]
    assert [entry.title for entry in outlet.entries_at(at(3, 8))] == ["Later", "Between"]


@pytest.mark.parametrize(
    ("hour", "title", "updated"),
    [(8, "Ebb & flow: über alles", 8), (9, "Second thoughts", 9), (11, "Third thoughts", 10)],
)
def test_an_edited_entry_has_the_title_of_the_hour_and_keeps_its_link(
    outlet: outlets.Outlet, hour: int, title: str, updated: int
) -> None:
    (entry,) = outlet.entries_at(at(2, hour))
    assert (entry.title, entry.updated) == (title, at(2, updated))
    assert entry.url == "https://tide.example/2024/12/02/ebb-flow-ueber-alles"


def test_the_latest_outage_that_has_begun_holds(outlet: outlets.Outlet) -> None:
    assert outlet.outage_at(at(4, 5)) is None
    assert outlet.outage_at(at(4, 6)) == outlet.outages[0]
    assert outlet.outage_at(at(5, 6)) == outlet.outages[1]


def test_the_bundled_outlets_are_as_various_as_the_demo_promises() -> None:
    found = outlets.load()
    assert len(found) == 8
    assert Counter(outlet.language for outlet in found) == {"en": 4, "de": 4}
    assert {outlet.format for outlet in found} == set(FORMATS)
    assert [outlet.slug for outlet in found if outlet.delay] == ["tagesrundschau"]
    assert [outlet.slug for outlet in found if outlet.outages] == ["stimme-und-recht"]
    assert [outlet.slug for outlet in found if any(entry.edits for entry in outlet.entries)] == ["bytewise"]


def test_the_bundled_outlets_reach_no_real_address() -> None:
    for outlet in outlets.load():
        assert outlet.home == f"https://{outlet.slug}.example/"
        assert len({entry.url for entry in outlet.entries}) == len(outlet.entries)


def test_two_outlets_print_the_same_wire_text() -> None:
    texts = Counter((entry.title, entry.summary) for outlet in outlets.load() for entry in outlet.entries)
    assert sorted(title for (title, _), count in texts.items() if count > 1) == [
        "Artists in protest give public three hours of OpenAI's secret video tool",
        "Artists' union demands pay for testing of Sora",
    ]


def test_no_entry_falls_out_of_a_document_within_half_a_day() -> None:
    for outlet in outlets.load():
        for entry in outlet.entries:
            assert entry.url in {shown.url for shown in outlet.entries_at(entry.at + timedelta(hours=12))}
