from __future__ import annotations

import math
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from monitor.cluster import match
from monitor.cluster.affairs import RelatedStories, features, log_odds, names, parties, sought
from monitor.cluster.match import rarity
from monitor.models import Entry, PastStory, Story, TermCounts

NOW = datetime(2025, 11, 11, tzinfo=UTC)
COUNTS = {"@openai": 600, "openai": 600, "@netflix": 90, "netflix": 90, "mirelle": 12}
RARITY = rarity(TermCounts(documents=1000, counts=COUNTS))


def entry(title: str) -> Entry:
    return Entry(feed="f", title=title, language="en", published=NOW, first_seen=NOW)


def story(number: int, *titles: str, days: int = 0) -> Story:
    entries = tuple(map(entry, titles))
    at = NOW + timedelta(days=days)
    return Story(id=number, entries=entries, first_seen=at, last_seen=at, names=names(entries))


def related(one: Story, *others: Story, within: int = 180) -> tuple[int, ...]:
    return RelatedStories(map(PastStory.of, others), RARITY, timedelta(days=within)).related(one)


def test_what_several_stories_are_steps_after_is_sought_from_a_month_before_the_earliest():
    one, other = story(1, "Kestrel sued", days=9), story(2, "Mirelle sued")
    assert sought([one, other], RARITY).since == NOW - timedelta(days=30)


def test_names_are_players_names_and_title_words_of_a_fifth():
    found = set(names([*map(entry, ("GEMA sues", "GEMA wins", "Gema", "Zebra", "gnu"))]))
    assert {"@gema", "~zebra", "gnu"} <= found
    assert not {"~zebra", "gnu"} & set(names([*(entry("GEMA sues") for _ in range(9)), entry("Zebra, gnu")]))


def test_a_name_that_one_report_spells_as_one_is_one_in_all_languages():
    english = story(1, "Kestrel to replace dubbing actors")
    lone = replace(entry("Die Sprecher von Kestrel drohen mit Streik"), language="de")
    german = replace(english, id=2, entries=(lone,), names=names([lone]))
    assert {"kestrel"} == {name for name in german.names if "kestrel" in name}
    assert features(PastStory.of(english), PastStory.of(german), RARITY)["rarest_name"] > 3.5
    assert related(german, english) == (1,) == related(replace(english, id=2), replace(german, id=1))
    both = names([*english.entries, *german.entries])
    assert {"~kestrel"} == {name for name in both if "kestrel" in name}


def test_a_name_in_summaries_alone_names_no_story():
    by = replace(entry("Guild wants pay"), summary="They test for nothing. (Meridian Wire)")
    assert not any("meridian" in name for name in names([by]))


def test_the_weeks_of_a_round_up_are_no_affair():
    one, other = "KI-Update Deep-Dive: Kunst von Mirelle", "KI-Update Deep-Dive: Filme von Mirelle"
    assert related(story(2, other, days=7), story(1, one)) == ()
    assert related(story(2, other.removeprefix("KI-Update "), days=7), story(1, one)) == (1,)


def test_a_player_and_a_rare_word_make_an_affair():
    filing, ruling = (
        story(1, "GEMA sues OpenAI over lyrics"),
        story(2, "GEMA beats OpenAI over lyrics", days=30),
    )
    assert related(ruling, filing) == (1,)


def test_the_topic_makes_none():
    assert related(story(2, "OpenAI hires"), story(1, "OpenAI fires")) == ()


def test_words_alone_make_none():
    blue, red = story(2, "The zebra crossing painted blue"), story(1, "The zebra crossing painted red")
    assert related(blue, red) == ()
    shared = features(PastStory.of(blue), PastStory.of(red), RARITY)
    assert log_odds(shared, match.model().affairs) == -math.inf


def test_who_acts_is_shared_or_is_not():
    sued, again, other = (
        PastStory.of(story(number, f"Mirelle sued by {role}"))
        for number, role in enumerate(("film directors", "directors of two films", "voice actors"), 1)
    )
    assert [features(sued, one, RARITY)["roles"] for one in (again, other)] == [1, 0]


def test_a_firm_in_the_news_each_week_makes_none_with_common_words():
    one, other = story(1, "Netflix film by AI angers fans"), story(2, "Netflix film on music shown", days=3)
    assert related(other, one) == ()


def test_a_rare_player_alone_and_a_step_in_the_other_language_are_linked():
    filing = story(1, "Danish society Koda sues Suno over songs", "Koda takes song generator Suno to court")
    answer = story(2, "Suno weist Klage von Koda zurück", "Suno: Kodas Klage geht ins Leere", days=9)
    assert related(answer, filing) == (1,)


def test_two_countries_are_two_affairs():
    one = story(1, "Mirelle sued in Canada")
    there = story(2, "Judge in Paris hears case against Mirelle", days=8)
    here = story(3, "Judge in Canada hears case against Mirelle", days=8)
    nowhere = story(4, "Judge hears case against Mirelle", days=8)
    assert related(one, there, here, nowhere) == (3, 4)


def test_what_many_outlets_reported_is_likelier_of_one_affair_by_the_smaller_of_the_two():
    one, other = (PastStory.of(story(number, "Mirelle sued by film directors")) for number in (1, 2))
    found = [
        features(replace(one, sources=sources), replace(other, sources=8), RARITY)["sources_log"]
        for sources in (1, 4, 30)
    ]
    assert found == [0, pytest.approx(math.log(4)), pytest.approx(math.log(8))]


def test_a_compound_and_its_part_are_one_thing_shared():
    one, other = story(1, "Die Roboter-Märchen der Zebra"), story(2, "Roboter-Werber, sagt das Gnu", days=3)
    assert related(other, one) == ()


def test_a_story_is_not_its_own_relative_and_time_limits():
    one, other = story(1, "GEMA lyrics Munich"), story(2, "GEMA lyrics Munich", days=40)
    assert related(one, one) == ()
    assert related(one, other) == (2,)
    assert related(one, other, within=30) == ()


def test_the_nearest_come_first_and_not_too_many():
    others = [story(n, "GEMA lyrics") for n in range(2, 9)]
    nearest = story(9, "GEMA lyrics Munich Landgericht")
    assert related(story(1, "GEMA lyrics Munich Landgericht"), *others, nearest) == (9, 2, 3, 4, 5)


def test_a_step_in_court_is_likelier_of_an_affair_in_court_and_two_suits_are_two():
    filing, ruling, launch, suit = (
        replace(PastStory.of(story(number, "Mirelle and the film directors")), kind=kind)
        for number, kind in enumerate(("filing", "ruling", "launch", "filing"), 1)
    )
    found = [features(filing, other, RARITY) for other in (ruling, launch, suit)]
    assert [one["court_of_one"] for one in found] == [0, 1, 0]
    assert [one["two_suits"] for one in found] == [0, 0, 1]
    likely, less, least = (log_odds(one, match.model().affairs) for one in found)
    assert likely > less > least


def test_a_step_joins_the_affair_that_it_is_like_as_a_whole():
    mixed = [(1, "Mirelle sued by film directors"), *((n, "Zebra Records sues Gnu") for n in range(10, 15))]
    steps = [replace(PastStory.of(story(number, title)), affair=1) for number, title in mixed]
    steps.append(PastStory.of(story(4, "Mirelle answers film directors")))
    everything = RelatedStories(steps, RARITY, timedelta(days=180))
    again = story(5, "Mirelle and a film", days=12)
    assert everything.affair(again, [1]) is None, "one step of six is near"
    assert everything.affair(again, [1], answered=[1]) == 1
    assert everything.affair(again, [1, 4]) == 4
    assert everything.affair(again, [77]) is None
    assert everything.affair(story(4, "Mirelle answers film directors"), [4]) is None


SORA = rarity(TermCounts(documents=1000, counts={**COUNTS, "@sora": 500}))


def referred(one: Story, *others: Story) -> tuple[int, ...]:
    return RelatedStories(map(PastStory.of, others), SORA, timedelta(days=180)).referred(one)


def told(number: int, *titles: str, days: int = 0, kind: str = "", sources: int = 4) -> Story:
    return replace(story(number, *titles, days=days), kind=kind, sources=sources)


LEAK = told(1, "Artists leak OpenAI's Sora", "Testers leak Sora", kind="leak")


@pytest.mark.parametrize(
    "title",
    [
        "OpenAI offers artists money after the leak",
        "OpenAI zahlt Künstlern nach dem Sora-Leak",
        "What the Sora leak showed",
        "Sora's leak, frame by frame",
    ],
)
def test_a_story_of_the_topic_follows_the_act_that_it_refers_to(title):
    assert referred(told(9, title, days=3), LEAK) == (1,)


@pytest.mark.parametrize(
    ("title", "days"),
    [
        ("OpenAI gives Sora a new button", 3),
        ("OpenAI answers after the verdict on Sora", 3),
        ("Netflix changes rules after leak of OpenAI memo", 3),
        ("What the Sora leak showed", 90),
        ("The week in AI: the Sora leak, a deal, a strike", 3),
    ],
)
def test_nothing_else_follows_it(title, days):
    assert referred(told(9, title, days=days), LEAK) == ()


def test_whose_name_stands_beside_the_act_did_it_whoever_else_is_named():
    assert referred(told(9, "Netflix changes rules after Sora leak", days=3), LEAK) == (1,)


def test_what_one_outlet_reported_and_what_came_later_is_not_taken_for_known():
    later = told(9, "What the Sora leak showed", days=1)
    assert referred(later, replace(LEAK, sources=1)) == ()
    assert referred(later, replace(LEAK, id=10)) == ()


def test_of_several_acts_the_one_most_reports_are_about_counts_and_a_reference_to_it_is_enough():
    small = told(2, "Sora leaks again", days=1, kind="leak", sources=2)
    pause = told(3, "OpenAI pauses Sora after leak", days=1, kind="response", sources=9)
    later = told(9, "What the Sora leak showed", days=2)
    assert referred(later, small, LEAK, pause) == (1,)
    assert referred(later, pause) == (3,)


def test_a_launch_ends_what_the_leak_began_where_its_maker_launches_it():
    launch = told(9, "OpenAI launches Sora", days=10, kind="launch")
    assert referred(launch, LEAK) == (1,)
    assert referred(told(9, "Reelspun launches rival of Sora", days=10, kind="launch"), LEAK) == ()
    assert referred(launch, told(1, "OpenAI memo leaks", kind="leak")) == ()
    bare = told(1, "Testers leak Sora", kind="leak")
    assert referred(told(9, "Reelspun launches Sora import", days=10, kind="launch"), bare) == ()


def test_of_a_rare_party_no_reference_makes_an_affair():
    ruling = told(1, "GEMA beats OpenAI in court", kind="ruling")
    assert referred(told(9, "After GEMA ruling OpenAI appeals", days=3), ruling) == ()


def test_a_party_is_spelt_as_the_reports_spell_it():
    entries = told(1, "Artists ask Christie’s to call off its AI auction", kind="protest").entries
    assert parties(entries)[0] == "Christie’s"
