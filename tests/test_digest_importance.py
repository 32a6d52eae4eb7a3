"""The order of a digest: each part of a story's importance by itself, and the section that a story is in."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from monitor.digest import Settings, importance
from monitor.digest.importance import SECTIONS, order, section
from monitor.models import DigestStory, Entry, Feed, Story, StoryEntry, Tagging

NOW = datetime(2026, 11, 23, 6, 0, tzinfo=UTC)
FEED = "https://a.example/feed"
SURE = Tagging(beats=("sora",), certainty=0.8, shelf="sure")
ENTRY = Entry(feed=FEED, title="T", published=NOW, first_seen=NOW, tagging=SURE)
STORY = Story(entries=(ENTRY,), beats=("sora",), themes=("pay",), first_seen=NOW, last_seen=NOW)
SETTINGS = Settings()


def tagged(**values):
    return replace(STORY, entries=(replace(ENTRY, tagging=Tagging(beats=("sora",), **values)),))


@pytest.mark.parametrize(
    ("story", "certainty"),
    [
        (STORY, 0.8),
        (replace(STORY, entries=(*tagged(certainty=0.3).entries, ENTRY)), 0.8),
        (tagged(certainty=0.3, corrected=True), 1.0),
        (tagged(score=3.0), 0.5),
        (tagged(score=60.0), 0.95),
    ],
)
def test_the_surest_report_counts_the_users_word_above_it_and_an_old_score_where_there_is_no_more(
    story, certainty
):
    assert importance(story, {}, SETTINGS).certainty == certainty


@pytest.mark.parametrize(
    ("kind", "weight"), [("ruling", 2.0), ("opinion", 0.6), ("", 1.0), ("never heard", 1.0)]
)
def test_the_kind_of_event_weighs_what_the_data_say(kind, weight):
    assert importance(replace(STORY, kind=kind), {}, SETTINGS).kind == weight


@pytest.mark.parametrize(("sources", "part"), [(0, 1.0), (1, 1.0), (2, 2.0), (4, 3.0), (8, 4.0)])
def test_each_doubling_of_the_sources_counts_the_same(sources, part):
    assert importance(replace(STORY, sources=sources), {}, SETTINGS).sources == part


@pytest.mark.parametrize(
    ("settings", "feed", "weight"),
    [
        (SETTINGS, 2.0, 2.0),
        (Settings(favour=("pay",)), 1.0, 1.5),
        (Settings(favour=("sora",), play_down=("pay",)), 2.0, 1.5),
        (Settings(play_down=("other",)), 1.0, 1.0),
    ],
)
def test_the_users_feeds_themes_and_beats_weigh(settings, feed, weight):
    assert importance(STORY, {FEED: Feed(url=FEED, weight=feed)}, settings).weight == weight


def test_the_total_is_the_product_of_its_parts():
    ruling = replace(STORY, kind="ruling", sources=4)
    found = importance(ruling, {FEED: Feed(url=FEED, weight=0.5)}, SETTINGS)
    assert found.total == pytest.approx(0.8 * 2.0 * 3.0 * 0.5)


def shown(number, score, *, age=0, new=True):
    report = StoryEntry(
        entry=number, title="T", url="", feed=FEED, outlet="", language="", dated="publisher", new=True,
        published=NOW - timedelta(hours=age),
    )  # fmt: skip
    return DigestStory(
        id=number, title="T", url="", summary="", summary_outlet="", beats=(), themes=(), new=new, day=1,
        sources=1, score=score, languages=(), first_seen=NOW, last_seen=NOW, reports=(report,),
    )  # fmt: skip


def test_importance_decides_whether_new_or_not_and_freshness_only_between_equals():
    stories = [shown(1, 1.0, age=9), shown(2, 1.0), shown(3, 2.0, age=40, new=False), shown(4, 1.0)]
    assert [story.id for story in sorted(stories, key=order)] == [3, 2, 4, 1]


@pytest.mark.parametrize(
    ("beats", "themes", "kind", "name"),
    [
        (["sora"], ["access-release", "capabilities"], "launch", "sora"),
        (["ai-creative-labour"], ["labour-ethics"], "strike", "work"),
        (["sora"], ["copyright"], "ruling", "law"),
        (["ai-creative-labour"], ["copyright"], "", "law"),
        (["ai-creative-labour"], ["copyright"], "settlement", "law"),
        (["ai-creative-labour"], ["labour-ethics", "leak-protest"], "settlement", "work"),
        (["ai-creative-labour"], ["labour-ethics", "leak-protest"], "deal", "work"),
        (["ai-creative-labour"], ["compensation"], "deal", "deals"),
        (["ai-creative-labour"], ["misuse-safety"], "incident", "tools"),
        (["ai-creative-labour"], ["human-creativity"], "opinion", "debate"),
        (["pensions"], ["annuities"], "", "other"),
    ],
)
def test_a_story_stands_where_most_speaks_for_it(beats, themes, kind, name):
    assert section(beats, themes, kind) == name
    assert name in SECTIONS


@pytest.mark.parametrize("theme", ["leak-protest", "access-release", "capabilities"])
def test_a_theme_alone_makes_no_story_one_of_sora(theme):
    assert section(["ai-creative-labour"], [theme], "leak") != "sora"
