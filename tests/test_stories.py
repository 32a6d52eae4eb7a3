"""Clustering entries in a real store: what was read is checked again before anything is written."""

from __future__ import annotations

import asyncio
import threading
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from newsroom import at, made, polled, reported, run

from monitor import cluster, config, corrections, store, stories
from monitor.models import Story, Tagging

if TYPE_CHECKING:
    from pathlib import Path

    from monitor.models import Entry


@pytest.fixture
def desk(tmp_path: Path) -> Path:
    return polled(tmp_path / "desk")


def unclustered(desk: Path) -> store.Store:
    """Open the store of a desk after taking all of its stories apart."""
    opened = store.open(config.load(desk).database)
    opened.feeds.sync(config.load(desk).feeds, at(10))
    with opened.transaction():
        opened.stories._db.change("delete from joins")
        opened.stories._db.change("update entries set story_id = null")
        opened.stories._db.change("delete from stories")
    return opened


def test_every_sure_entry_gets_its_story_once(desk: Path) -> None:
    with unclustered(desk) as opened:
        found = stories.cluster_entries_blocking(config.load(desk), opened, now=at(10))
        assert len(found) == 2
        assert stories.cluster_entries_blocking(config.load(desk), opened, now=at(11)) == set()


def test_nothing_is_locked_while_it_is_decided(desk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    decide = cluster.assign

    def beside(*args, **kwargs):
        with store.open(config.load(desk).database) as other:
            other.set_note("tests", "another wrote meanwhile")
        return decide(*args, **kwargs)

    monkeypatch.setattr(cluster, "assign", beside)
    with unclustered(desk) as opened:
        found = asyncio.run(stories.cluster_entries(config.load(desk), opened, now=at(10)))
        assert len(found.stories) == 2
        assert opened.note("tests") == "another wrote meanwhile"


@pytest.mark.parametrize(("days", "joins"), [(12, True), (45, False)])
def test_what_comes_late_joins_the_story_that_was_open_on_its_day(
    desk: Path, days: int, *, joins: bool
) -> None:
    settings = config.load(desk)
    with store.open(settings.database) as opened:
        leak = next(one for one in opened.entries.listing() if one.guid == "leak")
        text = "The letter of the testers who protest says why."
        late = replace(leak, id=0, guid="late", url="https://other.test/late", title=f"{leak.title} against OpenAI",
                       summary=text, published=leak.published + timedelta(days=1),
                       first_seen=at(10, days), late=True)  # fmt: skip
        opened.feeds.sync(settings.feeds, at(10, days))
        (added,) = opened.entries.add([late], lambda entry: entry.guid)
        stories.cluster_entries_blocking(settings, opened, now=at(10, days))
        assert (opened.entries.get(added.id).story == leak.story) is joins


LEAKS = ("Sora leak: testers of OpenAI protest", "Why the testers leak OpenAI's tool Sora in protest")


def report(like: Entry, number: int, day: int) -> Entry:
    url, seen = f"https://other{number}.test/leak", at(10, day)
    return replace(like, id=0, guid=url, url=url, title=LEAKS[number], published=seen, first_seen=seen)


def two_stories_of_the_leak(opened: store.Store, settings: config.Config) -> tuple[Entry, Story]:
    """Return the report of the leak and a second story of it: as if that had been nothing like the first."""
    opened.feeds.sync(settings.feeds, at(10))
    leak = next(one for one in opened.entries.listing() if one.guid == "leak")
    (other,) = opened.entries.add([report(leak, 0, 0)], lambda entry: entry.guid)
    alone = Story(entries=(other,), title=other.title, first_seen=at(10), last_seen=at(10))
    (second,) = opened.stories.save([alone])
    return leak, second


def test_two_stories_that_were_told_become_one_and_nothing_is_told_again(desk: Path) -> None:
    settings = config.load(desk)
    with store.open(settings.database) as opened:
        leak, second = two_stories_of_the_leak(opened, settings)
    assert run(desk, "digest", "--send", now=at(8, 1)).code == 0
    with store.open(settings.database) as opened:
        before = made(opened, 1)
        assert {leak.story, second.id} <= {story.id for story in before.stories}
        opened.entries.add([report(leak, 1, 1)], lambda entry: entry.guid)
        assert stories.cluster_entries_blocking(settings, opened, now=at(10, 1)) == {leak.story}
    assert run(desk, "digest", "--send", now=at(8, 2)).code == 0
    with store.open(settings.database) as opened:
        assert made(opened, 1) == before
        (told,) = made(opened, 2).stories
        assert (told.id, told.new, len(told.reports)) == (leak.story, False, 3)
        assert reported(made(opened, 2)) == [LEAKS[1]]
    shown = run(desk, "stories", "show", f"s{second.id}").out
    assert f"s{leak.story}  " in shown
    assert f"began s{second.id} (e{second.entries[0].id}), now part of this story" in " ".join(shown.split())


@pytest.mark.parametrize("kept", [0, 1])
def test_two_stories_that_the_user_merges_while_they_are_found_to_be_one_are_one(
    desk: Path, monkeypatch: pytest.MonkeyPatch, kept: int
) -> None:
    decide, tries = cluster.assign, []
    settings = config.load(desk)
    with store.open(settings.database) as opened:
        leak, second = two_stories_of_the_leak(opened, settings)
        both = (leak.story, second.id)
        (last,) = opened.entries.add([report(leak, 1, 1)], lambda entry: entry.guid)

        def beside(*args, **kwargs):
            tries.append(1)
            if len(tries) == 1:
                with store.open(settings.database) as other:
                    other.corrections.merge(both[kept], both[1 - kept], at(10, 1))
            return decide(*args, **kwargs)

        monkeypatch.setattr(cluster, "assign", beside)
        assert stories.cluster_entries_blocking(settings, opened, now=at(10, 1)) == {both[kept]}
        assert opened.stories.get(both[1 - kept]) == opened.stories.get(both[kept])
        assert {leak.id, last.id} <= opened.stories.members([both[kept]]).keys()


def test_deciding_ends_when_nobody_waits_for_it_any_more(desk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    began, cancelled, ended = threading.Event(), threading.Event(), list[str]()

    def beside(*_, step, **__):
        step()
        began.set()
        cancelled.wait(10)
        try:
            step()
            ended.append("went on")
        except BaseException:
            ended.append("ended")
            raise

    async def stop() -> None:
        task = asyncio.create_task(stories.cluster_entries(config.load(desk), opened, now=at(10)))
        await asyncio.to_thread(began.wait, 10)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        cancelled.set()

    monkeypatch.setattr(cluster, "assign", beside)
    with unclustered(desk) as opened:
        asyncio.run(stop())
        assert ended == ["ended"]
        assert opened.stories.listing() == ()


def test_what_another_decided_meanwhile_stands(desk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    decide, tries = cluster.assign, []

    def beside(*args, **kwargs):
        tries.append(1)
        if len(tries) == 1:
            with store.open(config.load(desk).database) as other:
                stories.cluster_entries_blocking(config.load(desk), other, now=at(10))
        return decide(*args, **kwargs)

    monkeypatch.setattr(cluster, "assign", beside)
    with unclustered(desk) as opened:
        assert stories.cluster_entries_blocking(config.load(desk), opened, now=at(10)) == set()
        assert len(opened.stories.listing()) == 2


def test_an_entry_that_left_its_story_meanwhile_is_not_put_back(
    desk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    decide, tries = cluster.assign, []
    settings = config.load(desk)
    with store.open(settings.database) as opened:
        opened.feeds.sync(settings.feeds, at(10))
        leak = next(one for one in opened.entries.listing() if one.guid == "leak")
        (copy,) = opened.entries.add([replace(leak, guid="copy")], lambda _: "")

        def beside(*args, **kwargs):
            tries.append(1)
            if len(tries) == 1:
                with store.open(settings.database) as other:
                    other.entries.set_taggings({leak.id: Tagging()}, at(10))
            return decide(*args, **kwargs)

        monkeypatch.setattr(cluster, "assign", beside)
        stories.cluster_entries_blocking(settings, opened, now=at(10))
        assert [one.story is None for one in opened.entries.get_many([leak.id, copy.id])] == [True, False]


@pytest.mark.parametrize("beside", [False, True])
def test_a_story_whose_affair_cannot_be_sought_is_stored_without_one(
    desk: Path, monkeypatch: pytest.MonkeyPatch, *, beside: bool
) -> None:
    linked = cluster.linked

    def poisoned(some, *args, **kwargs):
        if any("leak" in story.title for story in some):
            raise ZeroDivisionError
        return tuple(replace(story, affair=1) for story in linked(some, *args, **kwargs))

    monkeypatch.setattr(cluster, "linked", poisoned)
    with unclustered(desk) as opened:
        if beside:
            bugs = asyncio.run(stories.cluster_entries(config.load(desk), opened, now=at(10))).bugs
        else:
            with pytest.raises(ExceptionGroup) as raised:
                stories.cluster_entries_blocking(config.load(desk), opened, now=at(10))
            bugs = raised.value.exceptions
        assert [type(bug) for bug in bugs] == [ZeroDivisionError]
        found = {("leak" in one.title): one.affair for one in opened.stories.listing()}
        assert found == {True: None, False: 1}


def test_the_commands_show_a_story_with_its_reasons(desk: Path) -> None:
    shown = run(desk, "stories", "show", "s1").out
    assert shown.startswith("s1  ")
    assert "began the story" in shown
    found = run(desk, "stories", "show", "1", "--json").json
    assert found["joins"][0]["reason"] == "began the story"
    assert found["affair_steps"] == [
        {"id": 1, "kind": found["kind"], "title": found["title"], "first_seen": found["first_seen"]}
    ]


@pytest.mark.parametrize("handle", ["e1", "nonsense", "-1"])
def test_what_names_no_story_is_wrong_usage(desk: Path, handle: str) -> None:
    assert run(desk, "stories", "show", "--", handle).code == 2


def test_a_story_that_is_not_there_is_reported(desk: Path) -> None:
    result = run(desk, "stories", "show", "s99")
    assert (result.code, "no story s99" in result.err) == (1, True)


def test_a_report_that_might_as_well_be_of_another_story_is_suspect_until_both_are_one(desk: Path) -> None:
    with store.open(config.load(desk).database) as opened:
        first, second = sorted(opened.stories.listing(), key=lambda one: one.id)
        (join,) = first.joins
        near = replace(join, runner_up=second.id, runner_up_similarity=0.71)
        opened.stories.save([replace(first, joins=(near,))])
    (suspect,) = run(desk, "stories", "suspects", "--json").json
    assert (suspect["entry"], suspect["second_best"]) == (join.entry, second.id)
    shown = run(desk, "stories", "suspects").out
    assert f"similar to s{second.id}, too (0.71): {second.title}" in " ".join(shown.split())
    assert f"monitor stories merge s{first.id} s{second.id}" in " ".join(shown.split())
    assert "monitor stories split" not in shown
    assert run(desk, "stories", "merge", f"s{first.id}", f"s{second.id}").code == 0
    assert "no join is in doubt" in run(desk, "stories", "suspects").err


def test_no_suspects_is_reported_and_merging_takes_handles(desk: Path) -> None:
    assert "no join is in doubt" in run(desk, "stories", "suspects").err
    assert run(desk, "stories", "suspects", "--json").json == []
    assert "story s1 now has 2 reports" in run(desk, "stories", "merge", "s1", "s2").out
    entry = run(desk, "stories", "--json").json[0]["entries"][1]
    assert "story s3 (new): 1 report" in run(desk, "stories", "split", "s1", f"e{entry}").out
    with store.open(config.load(desk).database) as opened:
        merged, split = opened.corrections.listing()
        assert (merged.together, split.together) == (True, False)
        assert corrections.retag(config.load(desk), opened, now=at(12))[0] == 3
        assert len(opened.stories.listing()) == 2
