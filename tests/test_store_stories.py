"""Stories in a real file: saving, news, the user's merges and splits, and the counts that clustering keeps."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random

import pytest
from editions import freeze

from monitor import cluster, store
from monitor.errors import StoreError
from monitor.models import (
    Correction,
    Delivery,
    Entry,
    Feed,
    Join,
    PastStory,
    Sought,
    Story,
    Tagging,
    TermCounts,
    Window,
)

NOW = datetime(2026, 11, 23, 7, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
DAY = Window(start=NOW - timedelta(days=1), end=NOW)
FEED = Feed(url="https://outlet.example/feed")
RELEVANT = Tagging(beats=("sora",), themes=("consent",), score=1.5)


@pytest.fixture
def opened(tmp_path):
    """Return a store with six relevant entries, an hour apart, the last of them seen just now."""
    with store.open(tmp_path / "monitor.db") as opened:
        opened.feeds.sync([FEED], NOW)
        opened.entries.add([entry(number) for number in range(1, 7)], lambda one: one.title)
        yield opened


def entry(number: int, **changes) -> Entry:
    seen = NOW - (6 - number) * HOUR
    text = {"guid": str(number), "title": f"Title {number}", "summary": f"Summary {number}"}
    return Entry(
        **{"feed": FEED.url, **text, "published": seen, "first_seen": seen, "tagging": RELEVANT, **changes}
    )


def story(opened, *numbers: int, **changes) -> Story:
    entries = opened.entries.get_many(numbers)
    joins = [Join(entry=one.id, similarity=0.5, reason=f"because {one.id}", runner_up=9) for one in entries]
    defaults = {
        "entries": entries,
        "joins": tuple(joins),
        "title": entries[0].title,
        "summary": entries[0].summary,
        "lead": entries[0].id,
        "beats": ("sora",),
        "themes": ("unpaid", "consent"),
        "first_seen": entries[0].first_seen,
        "last_seen": entries[-1].first_seen,
        "sources": len(entries),
    }
    return Story(**{**defaults, **changes})


def save(opened, *groups: tuple[int, ...]) -> tuple[Story, ...]:
    return opened.stories.save([story(opened, *group) for group in groups])


def members(opened, number: int) -> list[int]:
    return [one.id for one in opened.stories.get(number).entries]


def test_a_story_comes_back_as_it_was_stored(opened):
    (saved,) = save(opened, (1, 2, 4))
    assert saved.id == 1
    assert {one.story for one in saved.entries} == {1}
    assert opened.stories.get(1) == saved
    assert opened.entries.get(4).story == 1
    assert opened.stories.get(2) is None


def test_a_saved_story_grows_and_changes(opened):
    save(opened, (1, 2), (3,))
    grown = story(opened, 1, 2, 5, id=1, title="Title 5", lead=5, themes=())
    (saved,) = opened.stories.save([grown])
    assert opened.stories.get(1) == saved
    assert saved.title == "Title 5"
    with pytest.raises(StoreError, match="no story s77"):
        opened.stories.save([replace(grown, id=77)])


def test_an_entry_that_moves_leaves_its_former_story_whole(opened):
    save(opened, (1, 2), (3,))
    opened.stories.save([story(opened, 1, 3)])
    assert [one.id for one in opened.stories.listing()] == [3, 1]
    remains = opened.stories.get(1)
    assert [one.id for one in remains.entries] == [2]
    assert (remains.lead, remains.title, remains.first_seen) == (2, "Title 2", NOW - 4 * HOUR)


def test_the_number_of_a_story_that_went_is_not_given_again(opened):
    save(opened, (1,), (2,))
    opened.entries.set_taggings({2: Tagging()}, NOW)
    assert opened.stories.get(2) is None
    assert save(opened, (3,))[0].id == 3


def test_open_and_listing_go_by_the_latest_entry(opened):
    save(opened, (1, 6), (2,), (4,))
    assert [one.id for one in opened.stories.open(NOW - 2 * HOUR)] == [1, 3]
    assert [one.id for one in opened.stories.listing()] == [1, 3, 2]
    assert [one.id for one in opened.stories.listing(since=NOW - 2 * HOUR, limit=1)] == [1]
    assert [one.id for one in opened.stories.get_many([3, 1, 3])] == [1, 3]


def past(opened, *names: str, since=NOW - 9 * HOUR, stories=(), recent=NOW + HOUR) -> list[int]:
    sought = Sought(names=frozenset(names), stories=frozenset(stories), since=recent)
    return [one.id for one in opened.stories.past(since, sought)]


def test_past_stories_are_found_by_a_name_by_their_ids_and_by_when_they_were_seen_and_so_are_their_affairs(
    opened,
):
    opened.stories.save([story(opened, 1, names=("OpenAI", "Münster")), story(opened, 2, names=("Halle",)),
                         story(opened, 3, names=("Halle",)), story(opened, 6, affair=1, kind="ruling")])  # fmt: skip
    assert opened.stories.past(NOW - 5 * HOUR, Sought(frozenset({"Münster"}), frozenset(), NOW + HOUR)) == (
        PastStory(id=1, names=frozenset({"OpenAI", "Münster"}), last_seen=NOW - 5 * HOUR, affair=1),
        PastStory(id=4, names=frozenset(), last_seen=NOW, affair=1, kind="ruling"),
    )
    assert past(opened, "Halle") == [2, 3]
    assert past(opened, "Halle", since=NOW - 3 * HOUR) == [3]
    assert past(opened, stories=[2, 4]) == [1, 2, 4]
    assert past(opened, stories=[4], since=NOW - 3 * HOUR) == [4], "nor of its affair what is too old"
    assert past(opened, stories=[1], since=NOW - 3 * HOUR) == [], "nor of what is too old its affair"
    assert past(opened, recent=NOW - 3 * HOUR) == [1, 3, 4]
    assert past(opened, "Hall") == past(opened) == []
    opened.stories.save([replace(opened.stories.get(2), names=("Jena",))])
    assert (past(opened, "Halle"), past(opened, "Jena")) == ([3], [2])
    opened.stories.save([replace(opened.stories.get(1), affair=None)])  # as read before it began an affair
    assert past(opened, stories=[4]) == past(opened, stories=[1]) == [1, 4]


def test_what_a_story_is_linked_to_needs_no_others_than_those_sought(opened):
    draw = Random(5)
    topic, rare = ["@openai", "@sora"], ["~kestrel", "kestrel", "@gema", "@mirelle", "~blivet", "quorb"]
    acts = ["!leak", "!leak@sora", "!leak@openai", "<leak@sora", "<leak@openai", "!launch@sora", "=court"]
    counts = TermCounts(documents=9000, counts={"@openai": 3000, "@sora": 3000})
    every = Sought(frozenset(), frozenset(), NOW - timedelta(days=9999))
    found = Counter[str]()
    for number in range(150):
        at = NOW + timedelta(days=5 * number)
        names = {*draw.sample(topic, draw.randint(0, 2)), *draw.sample(acts, draw.randint(0, 4)),
                 *draw.sample(rare, draw.choice([0, 0, 1, 2]))}  # fmt: skip
        kind = draw.choice(["", "leak", "ruling", "filing"])
        # What a new story answers is known when its reports are clustered.
        answered = (draw.randint(max(1, number - 9), number),) if number and draw.random() < 0.05 else ()
        (added,) = opened.entries.add([replace(entry(99 + number), first_seen=at)], lambda one: one.title)
        new = Story(entries=(added,), title=added.title, lead=added.id, names=tuple(sorted(names)), kind=kind,
                    related=answered, sources=draw.randint(1, 3), first_seen=at, last_seen=at)  # fmt: skip
        since = at - timedelta(days=540)
        known, all_ = (opened.stories.past(since, what) for what in (cluster.earlier([new], counts), every))
        one, other = (cluster.linked([new], some, counts, cluster.Settings()) for some in (known, all_))
        assert one == other
        opened.stories.save(one)
        by_id = {past.id: past for past in all_}
        found["read"] += len(known)
        found["stored"] += len(all_)
        found["of long ago"] += any(at - by_id[key].last_seen > timedelta(days=90) for key in one[0].related)
        found["referred to"] += any(not by_id[key].names & {*rare} for key in one[0].related)
        found["affairs"] += one[0].affair is not None
    assert found["read"] < found["stored"] / 2
    assert min(found["of long ago"], found["referred to"], found["affairs"]) > 5


def test_related_stories_know_each_other(opened):
    save(opened, (1,), (2,))
    opened.stories.save([story(opened, 3, related=(2, 1, 99))])
    opened.stories.save([story(opened, 1, id=1)])
    assert [opened.stories.get(number).related for number in (1, 2, 3)] == [(3,), (3,), (1, 2)]


def test_news_is_unreported_relevant_and_no_backlog(opened):
    opened.entries.add(
        [entry(7, backlog=True, first_seen=NOW), entry(8, tagging=Tagging(), first_seen=NOW)], lambda _: ""
    )
    save(opened, (1, 2), (3,), (7,))
    freeze(opened, NOW, start=DAY.start, reported=[1, 3])
    assert opened.stories.news(DAY) == {2, 4, 5, 6}
    assert opened.stories.news(DAY, reported=True) == {1, 2, 3, 4, 5, 6}
    assert [one.id for one in opened.stories.with_news(DAY)] == [1]
    assert [one.id for one in opened.stories.with_news(DAY, reported=True)] == [1, 2]
    assert opened.stories.reported([1, 3]) == {1}


def test_the_window_of_a_review_is_open_at_its_start_and_closed_at_its_end(opened):
    window = Window(start=NOW - 3 * HOUR, end=NOW - HOUR)
    assert opened.stories.news(window, reported=True) == {4, 5}
    assert opened.stories.news(window) == {1, 2, 3, 4, 5}


def test_a_merge_holds_and_keeps_the_address(opened):
    save(opened, (1, 2), (3, 4), (5,))
    opened.stories.save([story(opened, 5, id=3, related=(2,))])
    merged = opened.corrections.merge(1, 2, NOW)
    assert [one.id for one in merged.entries] == [1, 2, 3, 4]
    assert merged.last_seen == NOW - 2 * HOUR
    assert (merged.title, merged.lead, merged.related) == ("Title 1", 1, (3,))
    assert all(join.pinned for join in merged.joins)
    assert merged.joins[2].reason == "merged with story 2 by hand"
    assert opened.stories.get(2) == merged
    opened.corrections.merge(3, 2, NOW + HOUR)
    assert opened.stories.resolve(2) == opened.stories.resolve(1) == 3
    assert members(opened, 1) == [1, 2, 3, 4, 5]


def test_the_number_of_an_absorbed_story_leads_to_the_one_that_took_it_in(opened):
    save(opened, (1,), (2, 3), (4,), (5,))
    opened.stories.save([story(opened, 4, id=3, related=(2,), affair=2), story(opened, 2, 3, id=2, affair=2)])
    alert = Delivery(edition="alert:2", channel="email", recipient="a", payload=b"!", created_at=NOW)
    assert opened.deliveries.alert(2, [alert], NOW)
    # One of the same step may know the absorbed story by its former number.
    one, other = story(opened, 1, 2, 3, id=1, absorbed=(2,)), story(opened, 5, id=4, related=(2,))
    saved, _ = opened.stories.save([one, other])
    assert saved.absorbed == ()
    assert opened.stories.get(2) == opened.stories.get(1)
    assert members(opened, 1) == [1, 2, 3]
    assert opened.stories.get(1).related == (3, 4)
    assert [step.id for step in opened.stories.affair(2)] == [1, 3]
    assert 1 in opened.deliveries.alerted([1])
    assert opened.corrections.listing() == (), "it is no word of the user's"


def test_a_pin_outlives_a_later_save(opened):
    save(opened, (1, 2), (3,))
    opened.corrections.merge(1, 2, NOW)
    opened.stories.save([story(opened, 1, 2, 3, 6, id=1)])
    assert [join.pinned for join in opened.stories.get(1).joins] == [True, True, True, False]


def test_a_split_makes_a_related_story(opened):
    save(opened, (1, 2, 3, 4))
    rest, new = opened.corrections.split(1, [1, 4], NOW)
    assert ([one.id for one in rest.entries], [one.id for one in new.entries]) == ([2, 3], [1, 4])
    assert (rest.lead, rest.title, rest.sources) == (2, "Title 2", 2)
    assert (new.lead, new.title, new.summary) == (1, "Title 1", "Summary 1")
    assert (new.first_seen, new.last_seen) == (NOW - 5 * HOUR, NOW - 2 * HOUR)
    assert rest.related == (new.id,)
    assert all(join.pinned for join in (*rest.joins, *new.joins))


def test_corrections_name_the_entries_of_both_sides_in_the_order_of_the_user(opened):
    save(opened, (1, 2), (3,))
    opened.corrections.merge(1, 2, NOW)
    opened.corrections.split(1, [3], NOW + HOUR)
    assert opened.corrections.listing() == (
        Correction(entries=(1, 2), others=(3,), together=True, made_at=NOW),
        Correction(entries=(1, 2), others=(3,), together=False, made_at=NOW + HOUR),
    )


def test_steps_of_an_affair_know_the_one_before_and_the_one_after(opened):
    save(opened, (1,), (3,))
    opened.stories.save([story(opened, 5, affair=1), story(opened, 2, id=0, affair=1)])
    assert [(one.id, one.before, one.after) for one in opened.stories.affair(1)] == [
        (1, None, 4),
        (4, 1, 3),
        (3, 4, None),
    ]
    assert opened.stories.get(2).affair is None


def test_two_affairs_whose_steps_are_one_story_are_one_affair(opened):
    save(opened, (1,), (2,), (3,), (4,))
    opened.stories.save(
        [story(opened, n, id=n, affair=affair) for n, affair in ((1, 1), (2, 1), (3, 3), (4, 3))]
    )
    opened.corrections.merge(2, 3, NOW)
    assert sorted(one.id for one in opened.stories.affair(1)) == [1, 2, 4]
    assert opened.stories.affair(3) == ()


def test_a_step_that_grows_while_its_affair_becomes_part_of_another_goes_with_it(opened):
    save(opened, (1,), (2,), (3,), (4,))
    opened.stories.save(
        [story(opened, n, id=n, affair=affair) for n, affair in ((1, 1), (2, 1), (3, 3), (4, 3))]
    )
    met, grown = story(opened, 2, 3, id=2, affair=1, absorbed=(3,)), story(opened, 4, 5, id=4, affair=3)
    opened.stories.save([met, grown])
    assert [one.id for one in opened.stories.affair(1)] == [1, 2, 4]


def test_doubts_are_kept_until_the_user_decides(opened):
    doubtful = Join(entry=2, similarity=0.63, reason="hardly", doubtful=True, copy_of=1)
    sure = Join(entry=1, similarity=1.0, reason="began the story")
    opened.stories.save([story(opened, 1, 2, joins=(sure, doubtful)), story(opened, 3)])
    (found,) = opened.stories.in_doubt()
    assert found.joins == (sure, doubtful)
    assert found.reports == ((found.entries[0], (found.entries[1],)),)
    assert opened.stories.in_doubt(NOW) == ()
    opened.corrections.merge(1, 2, NOW)
    assert opened.stories.in_doubt() == ()


def test_a_copy_is_counted_in_no_theme_bar(opened):
    joins = (Join(entry=1, similarity=1.0, reason=""), Join(entry=2, similarity=1.0, reason="", copy_of=1))
    opened.stories.save([story(opened, 1, 2, joins=joins)])
    assert len(opened.overview.themes_since(NOW - 9 * HOUR)) == 5


def test_merging_two_large_stories_writes_a_row_an_entry(opened):
    numbers = range(100, 1100)
    opened.entries.add([entry(6, guid=str(n), title=f"Title {n}") for n in numbers], lambda one: one.title)
    ids = [one.id for one in opened.entries.listing(everything=True) if int(one.guid) >= 100]
    save(opened, tuple(ids[:500]), tuple(ids[500:]))
    opened.corrections.merge(1, 2, NOW)
    (correction,) = opened.corrections.listing()
    assert (len(correction.entries), len(correction.others)) == (500, 500)
    assert len(members(opened, 1)) == 1000


@pytest.mark.parametrize("numbers", [(), (1, 2), (1, 3), (99,)])
def test_an_impossible_split_is_refused(opened, numbers):
    save(opened, (1, 2), (3,))
    with pytest.raises(StoreError, match=r"is not in story s1|names some entries of story s1"):
        opened.corrections.split(1, numbers, NOW)
    assert members(opened, 1) == [1, 2]
    assert opened.corrections.listing() == ()


def test_an_impossible_merge_is_refused(opened):
    save(opened, (1,), (2,))
    opened.corrections.merge(1, 2, NOW)
    with pytest.raises(StoreError, match="one story already"):
        opened.corrections.merge(1, 2, NOW)
    with pytest.raises(StoreError, match="no story s8"):
        opened.corrections.merge(1, 8, NOW)


def test_an_alert_is_for_a_story_and_for_those_merged_into_it(opened):
    save(opened, (1,), (2,), (3,))
    alert = Delivery(edition="alert:2", channel="email", recipient="a", payload=b"!", created_at=NOW)
    assert opened.deliveries.alert(2, [alert], NOW)
    opened.corrections.merge(1, 2, NOW)
    assert opened.deliveries.alerted([1, 2, 3]) == {1, 2}


def test_the_terms_of_an_entry_are_counted_once(opened):
    assert opened.terms.counts(["sora"]) == TermCounts(documents=0, counts={})
    opened.terms.add({1: frozenset({"sora", "ruling"}), 2: frozenset({"sora"})})
    opened.terms.add({2: frozenset({"sora"}), 3: frozenset(), 4: frozenset({"münchen", "sora"})})
    found = opened.terms.counts(["sora", "münchen", "nothing"])
    assert found == TermCounts(documents=4, counts={"sora": 3, "münchen": 1})


def test_vectors_are_kept_by_model(opened):
    opened.terms.save_vectors("small", {1: b"\x00\x01", 2: b"two"})
    opened.terms.save_vectors("large", {1: b"L"})
    opened.terms.save_vectors("small", {2: b"new"})
    assert opened.terms.vectors("small", [1, 2, 3]) == {1: b"\x00\x01", 2: b"new"}
    assert opened.terms.vectors("large", [1, 2]) == {1: b"L"}
    with pytest.raises(StoreError, match="FOREIGN KEY"):
        opened.terms.save_vectors("small", {99: b""})
