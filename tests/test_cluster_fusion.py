"""What only whole groups of reports show: the step they report, their outlets, what all of them add."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from itertools import count

import pytest

from monitor.cluster import fusion, match
from monitor.cluster.candidates import Candidates
from monitor.cluster.copies import Sources
from monitor.cluster.groups import Link
from monitor.models import Entry, TermCounts

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
NUMBERS = count(1)
LINK = Link.of([1.0, 2.0, 3.0, 2.0])


def group(*texts: str, after: timedelta = timedelta(0), outlet: str = ""):
    """Return a group of reports, each an hour after the one before, from different outlets unless one is
    given.

    A text is a title, preceded by "de: " if it is German, and may be followed by " | " and its teaser.
    """
    candidates = Candidates(match.rarity(TermCounts(documents=0, counts={})), Sources({}), {})
    found = []
    for place, text in enumerate(texts):
        title, _, summary = text.removeprefix("de: ").partition(" | ")
        number = next(NUMBERS)
        host = outlet or f"o{number}.example"
        published = NOW + after + timedelta(hours=place)
        found.append(
            candidates.of(
                Entry(
                    id=number,
                    feed=f"https://{host}/feed",
                    url=f"https://{host}/{number}",
                    title=title,
                    summary=summary,
                    language="de" if text.startswith("de: ") else "en",
                    published=published,
                    first_seen=published,
                )
            )
        )
    return fusion.Groups().of(found)


STRIKE = ("Harrow narrators walk out over cloned voices", "Narrators at Harrow go on strike over AI voices")
END = ("Harrow narrators end strike after talks in Bristol", "Bristol talks end narrators' walkout at Harrow")


def features(one, other, crowd=0.0):
    return fusion.features(one, other, LINK, crowd)


def test_the_order_of_two_groups_makes_no_difference():
    one, other = group(*STRIKE), group(*END, after=timedelta(days=2))
    assert features(one, other) == features(other, one)
    assert fusion.log_odds(one, other, LINK, 1.0) == fusion.log_odds(other, one, LINK, 1.0)


def test_two_that_begin_at_one_moment_have_an_order_too():
    one, other = group("Disney sues Midjourney"), group("Netflix and Disney sue Midjourney")
    assert features(one, other) == features(other, one)


def test_all_that_is_weighed_is_found_and_the_rest_is_the_bias():
    assert set(features(group(*STRIKE), group(*END))) | {"bias"} == set(match.model().fusion)


def test_the_next_morning_is_no_other_day():
    one = group(*STRIKE)
    assert features(one, group(*END, after=timedelta(hours=17)))["another_day"] == 0
    assert features(one, group(*END, after=timedelta(hours=18)))["another_day"] == 1
    assert features(one, group(*END, after=timedelta(hours=17)))["days_log"] == math.log(2), "by date it is"


def test_of_two_groups_that_overlap_the_one_that_began_first_is_the_earlier():
    one = group(*("Disney sues Midjourney",) * 20)
    other = group(*("Netflix and Anthropic sue Midjourney",) * 2, after=timedelta(hours=9))
    assert (features(one, other)["players_new"], features(one, other)["players_gone"]) == (2, 1)


def test_of_a_large_group_the_latest_reports_are_read():
    one = group("Netflix sues Midjourney", *("Disney sues Midjourney",) * 24)
    assert features(one, group("Netflix sues Midjourney", after=timedelta(days=1)))["players_new"] == 1


def test_a_day_later_in_the_other_language_is_seen():
    one, next_day = group(*STRIKE), timedelta(days=1)
    german = "de: Harrow: Sprecher im Streik"
    assert features(one, group(german, after=next_day))["a_day_across"] == 1
    assert features(one, group(german))["a_day_across"] == 0
    assert features(one, group(*END, after=next_day))["a_day_across"] == 0
    assert features(one, group(german, *END, after=next_day))["a_day_across"] == 0, "both languages"


@pytest.mark.parametrize(
    ("one", "other", "grounded"),
    [
        ("OpenAI blames a massive outage", "OpenAI funds a dataset", 0),
        ("OpenAI blames telemetry", "Telemetry took OpenAI down", 1),
        ("Disney sues OpenAI", "OpenAI answers Disney", 1),
        ("OpenAI cuts 1.200 jobs", "1,200 are laid off by OpenAI", 1),
        ("OpenAI cuts jobs | It was 1,200.", "OpenAI lays off | To the 1,200 it says sorry.", 1),
        ("OpenAI falters | By telemetry.", "OpenAI is down | Telemetry again.", 1),
    ],
)
def test_the_firm_of_the_day_and_an_ordinary_word_are_no_ground(one, other, grounded):
    assert features(group(one), group(other))["grounded"] == grounded


def test_an_outlet_that_reports_in_both_groups_tells_a_second_step():
    one, other = group(*STRIKE, outlet="harrow.example"), group(*END, outlet="harrow.example")
    assert features(one, other)["outlets"] == features(one, other)["outlets_share"] == 1
    assert features(one, group(*END))["outlets"] == 0
    assert fusion.log_odds(one, other, LINK, 0.0) < fusion.log_odds(one, group(*END), LINK, 0.0)


def test_a_word_that_the_later_titles_share_and_no_earlier_report_has_is_new():
    found = features(group(*STRIKE), group(*END, after=timedelta(days=1)))
    assert found["word_new"] > 1, "Bristol"
    mixed = group(*END, "Harrow pays", "Harrow pays more", "Harrow pays most", after=timedelta(days=1))
    assert features(group(*STRIKE), mixed)["word_new"] == 0, "Bristol is in two of five"
    later = group("Harrow strike goes on", "Narrators still on strike at Harrow", after=timedelta(days=1))
    assert features(group(*STRIKE), later)["word_new"] == 0


def test_a_party_of_the_later_titles_that_no_earlier_report_names_is_new():
    one = group("Disney sues Midjourney", "Midjourney sued by Disney")
    other = group("Netflix sues Midjourney", "Midjourney sued by Netflix", after=timedelta(days=1))
    assert (features(one, other)["players_new"], features(one, other)["players_gone"]) == (1, 1)


def test_a_step_that_one_group_alone_tells_is_new_and_gone():
    one = group("OpenAI launches Sora for Plus subscribers", "Sora launches for Plus and Pro")
    other = group("Disney sues OpenAI over Sora", "Lawsuit: Disney sues over Sora", after=timedelta(days=1))
    assert (features(one, other)["kinds_new"], features(one, other)["kinds_gone"]) == (1, 1)
    assert (features(one, one)["kinds_new"], features(one, one)["kinds_gone"]) == (0, 0)


@pytest.mark.parametrize(
    ("one", "other", "alike", "differ"),
    [
        ("118 sue Suno", "118 go to court", 1, 0),
        ("118 sue Suno", "90 sue Suno", 0, 1),
        ("118 sue", "Suit", 0, 0),
    ],
)
def test_figures_differ_where_both_have_some_and_none_in_common(one, other, alike, differ):
    found = features(group(one), group(other))
    assert (found["numbers"], found["numbers_differ"]) == (alike, differ)


def test_a_round_up_beside_a_report_is_seen():
    one, other = group("The week in AI: Disney, Midjourney, Suno"), group("Disney sues Midjourney")
    assert (features(one, other)["round_up"], features(one, one)["round_up"]) == (1, 0)


def test_where_more_comes_groups_must_be_more_alike():
    one, other = group(*STRIKE), group(*END)
    assert fusion.log_odds(one, other, LINK, 2.0) < fusion.log_odds(one, other, LINK, 0.0)


@pytest.mark.parametrize("bar", [-50.0, 50.0])
def test_a_group_is_closed_from_the_bar_on(bar):
    assert fusion.closes(group(*STRIKE), group(*END), LINK, 0.0, bar) is (bar < 0)
