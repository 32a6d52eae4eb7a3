"""The ranking's parts, each by itself."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from monitor.digest.rank import score
from monitor.models import Entry, Feed, Story, Tagging

NOW = datetime(2026, 11, 23, 6, 0, tzinfo=UTC)
FEED = "https://a.example/feed"
ENTRY = Entry(feed=FEED, title="T", published=NOW, first_seen=NOW, tagging=Tagging(beats=("sora",)))
STORY = Story(entries=(ENTRY,), first_seen=NOW, last_seen=NOW)


def tagged(**values):
    return replace(STORY, entries=(replace(ENTRY, tagging=Tagging(beats=("sora",), **values)),))


@pytest.mark.parametrize(
    ("story", "expected"),
    [
        (STORY, 1.0),
        (replace(STORY, beats=("sora", "other")), 3.0),
        (replace(STORY, themes=("a", "b")), 1.5),
        (replace(STORY, themes=("a", "b", "c", "d", "e", "f")), 2.0),
        (replace(STORY, sources=2), 3.0),
        (replace(STORY, sources=8), 7.0),
        (replace(STORY, sources=0), 1.0),
        (tagged(score=1.5), 1.5),
        (tagged(score=30.0), 2.0),
        (tagged(score=0.0, corrected=True), 2.0),
    ],
)
def test_each_part_adds_what_is_documented(story, expected):
    assert score(story, {}, NOW) == expected


@pytest.mark.parametrize(("hours", "expected"), [(0, 1.0), (12, 0.5), (24, 0.25), (-3, 1.0)])
def test_freshness_halves_every_twelve_hours_and_the_future_is_no_advantage(hours, expected):
    entry = replace(ENTRY, published=NOW - timedelta(hours=hours))
    assert score(replace(STORY, entries=(entry,)), {}, NOW) == expected


@pytest.mark.parametrize(
    ("weight", "expected"), [(1.0, 1.0), (2.0, 2.0), (0.5, 0.0), (1000.0, 3.0), (0.0, 0.0)]
)
def test_the_heaviest_feed_counts_within_bounds(weight, expected):
    assert score(STORY, {FEED: Feed(url=FEED, weight=weight)}, NOW) == expected


def test_a_score_is_never_below_zero():
    old = replace(STORY, entries=(replace(ENTRY, published=NOW - timedelta(days=30)),))
    assert score(old, {FEED: Feed(url=FEED, weight=0.1)}, NOW) == 0.0
