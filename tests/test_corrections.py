from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from newsroom import THEMES, Desk, at, item, page, polled, run, serving

from monitor import config, corrections, store, stories, tag
from monitor.errors import MonitorError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from monitor.config import Config
    from monitor.models import Entry, Story
    from monitor.store import Store


@pytest.fixture
def desk(tmp_path: Path) -> Path:
    return polled(tmp_path / "desk")


@pytest.fixture
def opened(desk: Path) -> Iterator[Store]:
    with store.open(settings(desk).database) as found:
        found.feeds.sync(settings(desk).feeds, at(10))
        yield found


def settings(desk: Path) -> Config:
    return config.load(desk)


def entry(opened: Store, guid: str) -> Entry:
    return next(one for one in opened.entries.listing(everything=True) if one.guid == guid)


def test_an_entry_marked_out_leaves_its_story_and_comes_back(desk: Path, opened: Store) -> None:
    leak = entry(opened, "leak")
    after = corrections.mark(settings(desk), opened, leak.id, relevant=False, now=at(10))
    assert (after.tagging.beats, after.tagging.themes, after.tagging.corrected) == ((), (), True)
    assert [story.title.split()[0] for story in opened.stories.listing()] == ["AI"]
    back = corrections.mark(settings(desk), opened, leak.id, relevant=None, now=at(11))
    assert (back.tagging, back.tagging.corrected) == (leak.tagging, False)
    assert len(opened.stories.listing()) == 2


def test_an_entry_marked_in_gets_a_beat_and_a_story(desk: Path, opened: Store) -> None:
    river = entry(opened, "river")
    after = corrections.mark(
        settings(desk), opened, river.id, relevant=True, themes=["unpaid-labour"], now=at(10)
    )
    assert len(after.tagging.beats) == 1
    assert after.tagging.themes == ("unpaid-labour",)
    story = opened.stories.get(after.story or 0)
    assert story is not None
    assert (story.title, story.themes) == (river.title, ("unpaid-labour",))


def test_themes_of_a_mark_reach_the_story(desk: Path, opened: Store) -> None:
    leak = entry(opened, "leak")
    corrections.mark(settings(desk), opened, leak.id, relevant=True, themes=[], now=at(10))
    story = opened.stories.get(leak.story or 0)
    assert story is not None
    assert (story.beats, story.themes) == (("sora",), ())


def test_there_must_be_such_an_entry(desk: Path, opened: Store) -> None:
    with pytest.raises(MonitorError, match="no entry 999"):
        corrections.mark(settings(desk), opened, 999, relevant=True, now=at(10))


def test_retag_tells_changes_of_names_and_keeps_marks(desk: Path, opened: Store) -> None:
    choir = entry(opened, "choir")
    corrections.mark(settings(desk), opened, choir.id, relevant=True, now=at(10))
    (desk / "themes.toml").write_text(
        THEMES.replace('"AI AND artists"', '"bridge"').replace('unpaid"', 'closed"')
    )
    seen, changes = corrections.retag(settings(desk), opened, now=at(11))
    assert seen == 3
    assert {change.entry.guid for change in changes} == {"leak", "river"}
    leak = next(change for change in changes if change.entry.guid == "leak")
    assert set(leak.before.themes) - set(leak.after.themes) == {"unpaid-labour"}
    assert entry(opened, "choir").tagging.beats == ("ai-creative-labour",)
    assert entry(opened, "river").story
    assert corrections.retag(settings(desk), opened, now=at(12)) == (3, [])


def test_merged_and_split_stories_are_dressed_anew(desk: Path, opened: Store) -> None:
    leak, choir = entry(opened, "leak"), entry(opened, "choir")
    merged = corrections.merge(settings(desk), opened, choir.story or 0, leak.story or 0, now=at(10))
    assert {one.guid for one in merged.entries} == {"leak", "choir"}
    assert set(merged.beats) == {"sora", "ai-creative-labour"}
    remains, new = corrections.split(settings(desk), opened, merged.id, [leak.id], now=at(11))
    assert (remains.title, remains.beats) == (choir.title, ("ai-creative-labour",))
    assert (new.title, new.beats) == (leak.title, ("sora",))
    with pytest.raises(MonitorError):
        corrections.merge(settings(desk), opened, remains.id, 999, now=at(12))


def test_a_desk_without_feeds_has_nothing_to_tag_again(tmp_path: Path) -> None:
    empty = Desk(tmp_path / "desk", [])
    with empty.store() as opened:
        assert corrections.retag(empty.config, opened, now=at(9)) == (0, [])


def test_after_so_many_marks_it_learns_by_itself_unless_reported_not_to(
    desk: Path, opened: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(corrections, "_EACH", 2)
    corrections.mark(settings(desk), opened, entry(opened, "leak").id, relevant=False, now=at(10))
    assert corrections.learn_if_due(settings(desk), opened) is None
    corrections.mark(settings(desk), opened, entry(opened, "choir").id, relevant=True, now=at(10))
    off = replace(settings(desk), own_rules=replace(settings(desk).rules, learn=False))
    assert corrections.learn_if_due(off, opened) is None
    learned = corrections.learn_if_due(settings(desk), opened)
    assert learned is not None
    assert learned.marks == 2
    assert corrections.learn_if_due(settings(desk), opened) is None
    assert corrections.forget(opened).marks == 0
    corrections.mark(settings(desk), opened, entry(opened, "river").id, relevant=False, now=at(11))
    assert corrections.learn_if_due(settings(desk), opened) is None, "one more mark brings nothing back"


def both_marked(desk: Path, opened: Store, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Mark two entries as not relevant, which is enough to learn from; return their numbers."""
    monkeypatch.setattr(corrections, "_EACH", 2)
    marked = [entry(opened, guid).id for guid in ("leak", "choir")]
    for number in marked:
        corrections.mark(settings(desk), opened, number, relevant=False, now=at(10))
    return marked


def test_what_was_learned_of_marks_goes_with_them(
    desk: Path, opened: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    marked = both_marked(desk, opened, monkeypatch)
    assert corrections.learn_if_due(settings(desk), opened)
    for number in marked:
        corrections.mark(settings(desk), opened, number, relevant=None, now=at(11))
    assert corrections.learn_if_due(settings(desk), opened) == tag.Personal()
    assert not opened.note(tag.PERSONAL)


def test_copies_of_one_text_teach_once_and_as_the_latest_mark_says(tmp_path: Path) -> None:
    title, text = "AI choir angers artists in Graz", "They sing what they never agreed to. " * 6
    with serving() as server:
        feeds = [server.on(f"/{n}", page(item(f"c{n}", title, text), title=f"P{n}")) for n in range(3)]
        desk = Desk(tmp_path / "copies", feeds)
        assert run(desk.directory, "poll", now=at(9)).code == 0
    with desk.store() as opened:
        opened.feeds.sync(desk.config.feeds, at(10))
        numbers = [one.id for one in opened.entries.listing()]
        corrections.mark(desk.config, opened, numbers[0], relevant=False, now=at(10))
        once = corrections.learn(desk.config, opened)
        for number in numbers[1:]:
            corrections.mark(desk.config, opened, number, relevant=False, now=at(11))
        assert len(numbers) == 3
        assert replace(corrections.learn(desk.config, opened), marks=1, feeds={}) == replace(once, feeds={})
        assert max(once.words.values()) < 0
        corrections.mark(desk.config, opened, numbers[1], relevant=True, now=at(12))
        assert min(corrections.learn(desk.config, opened).words.values()) >= 0


def test_what_was_chosen_long_before_the_marks_teaches_nothing_and_a_marked_text_once(tmp_path: Path) -> None:
    with serving() as server:
        old = item("old", "AI zeppelin angers artists")
        new = [item("one", "AI choir angers artists"), item("two", "AI ballet angers artists")]
        desk = Desk(tmp_path / "times", [server.on("/a", page(old), page(old, *new))])
        assert run(desk.directory, "poll", now=at(9)).code == 0
        assert run(desk.directory, "poll", now=at(9, 3)).code == 0
    with desk.store() as opened:
        opened.feeds.sync(desk.config.feeds, at(10, 3))
        corrections.mark(desk.config, opened, entry(opened, "one").id, relevant=False, now=at(10, 3))
        words = corrections.learn(desk.config, opened).words
    # Entries that were next to the marked ones and left unmarked count too, but less than a mark.
    assert words["choir"] < 0 < words["ballet"] < -words["choir"] * 0.75
    assert not any("zeppelin" in name for name in words)


def test_marks_that_say_otherwise_are_learned_from_anew(
    desk: Path, opened: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    marked = both_marked(desk, opened, monkeypatch)
    before = corrections.learn_if_due(settings(desk), opened)
    assert before is not None
    corrections.mark(settings(desk), opened, marked[0], relevant=True, now=at(11))
    assert corrections.learn_if_due(settings(desk), opened) is None
    corrections.mark(settings(desk), opened, marked[1], relevant=True, now=at(11))
    after = corrections.learn_if_due(settings(desk), opened)
    assert after is not None
    assert min(before.words.values()) < 0 < min(after.words.values())
    assert corrections.learn_if_due(settings(desk), opened) is None
    # Marks from before everything was forgotten do not count towards learning again.
    corrections.mark(settings(desk), opened, marked[0], relevant=False, now=at(12))
    corrections.forget(opened)
    corrections.mark(settings(desk), opened, marked[1], relevant=False, now=at(13))
    assert corrections.learn_if_due(settings(desk), opened) is None


def test_a_mark_on_what_has_no_text_any_more_keeps_its_themes(desk: Path, opened: Store) -> None:
    leak = entry(opened, "leak")
    assert leak.tagging.themes
    opened._db.change("update entries set title = 'Protest' where id = ?", [leak.id])
    opened.upkeep.purge(at(20), at(20), relevant=True)
    for beats in ((), ("ai-creative-labour",)):
        after = corrections.mark(settings(desk), opened, leak.id, relevant=True, beats=beats, now=at(21))
        assert after.tagging.themes == leak.tagging.themes


def test_a_mark_on_what_has_its_text_judges_its_themes_anew(desk: Path, opened: Store) -> None:
    leak = entry(opened, "leak")
    opened._db.change("update entries set title = 'Protest', summary = 'In the park' where id = ?", [leak.id])
    after = corrections.mark(settings(desk), opened, leak.id, relevant=True, now=at(11))
    assert not set(after.tagging.themes) & set(leak.tagging.themes)


def test_themes_of_an_earlier_mark_go_with_it_where_there_is_no_text_any_more(
    desk: Path, opened: Store
) -> None:
    leak = entry(opened, "leak")
    opened.upkeep.purge(at(20), at(20), relevant=True)
    mine = ("unpaid-labour",)
    marked = corrections.mark(settings(desk), opened, leak.id, relevant=True, themes=mine, now=at(21))
    assert marked.tagging.themes == mine
    marked = corrections.mark(settings(desk), opened, leak.id, relevant=True, now=at(22))
    assert marked.tagging.themes == ("leak-protest",)


def test_what_has_no_text_any_more_is_not_tagged_again(desk: Path, opened: Store) -> None:
    """By its title alone it would leave its story, as it was chosen for a text that retention removed."""
    leak = entry(opened, "leak")
    opened._db.change("update entries set title = 'Protest' where id = ?", [leak.id])
    opened.upkeep.purge(at(20), at(20), relevant=True)
    found = corrections.retag(settings(desk), opened, now=at(21))
    kept = opened.entries.get(leak.id)
    assert kept is not None
    assert (kept.tagging.beats, kept.story) == (leak.tagging.beats, leak.story)
    assert (found.entries, found.changes) == (1, [])


def test_a_retag_lets_others_write_between_its_stories(
    desk: Path, opened: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(corrections, "_AT_ONCE", 1)
    changed = THEMES.replace('["leak*"]', '["zebra"]').replace('["unpaid"]', '["artists"]')
    (desk / "themes.toml").write_text(changed)
    refresh = corrections.refresh_stories
    turns = 0

    def beside(config: Config, found: Store, stories: Iterable[int]) -> tuple[Story, ...]:
        nonlocal turns
        turns += 1
        done = refresh(config, found, stories)
        assert len(done) == 1
        return done

    monkeypatch.setattr(corrections, "refresh_stories", beside)
    corrections.retag(settings(desk), opened, now=at(10))
    assert turns == len(opened.stories.listing()) == 2
    assert not any("leak-protest" in story.themes for story in opened.stories.listing())


def test_a_story_is_chosen_anew_once_however_many_of_its_reports_are_marked(
    desk: Path, opened: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    refreshed: list[int] = []
    refresh = corrections.refresh_stories

    def counted(config, store, these):
        refreshed.extend(these)
        return refresh(config, store, refreshed)

    monkeypatch.setattr(corrections, "refresh_stories", counted)
    leak = entry(opened, "leak")
    copies = [replace(leak, id=0, guid=f"leak-{n}", url=f"https://{n}.test/leak") for n in range(3)]
    added = opened.entries.add([replace(copy, story=None) for copy in copies], lambda one: one.guid)
    stories.cluster_entries_blocking(settings(desk), opened, now=at(9))
    story = opened.stories.get(leak.story)
    assert {one.id for one in added} < {one.id for one in story.entries}
    refreshed.clear()
    numbers = [one.id for one in story.entries]
    done = corrections.mark_all(settings(desk), opened, numbers, relevant=False, now=at(10))
    assert refreshed == [story.id]
    assert not any(one.tagging.relevant for one in done.after.values())
    assert opened.stories.get(leak.story) is None
