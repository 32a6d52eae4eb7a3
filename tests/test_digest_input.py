from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Literal

import pytest
from editions import freeze, summary
from newsroom import SETTINGS, Desk, at, item, logged, made, page, polled, reported, run, serving

from monitor import config, corrections, digest, digest_input, digest_output, followed, store, stories
from monitor.models import Entry, FeedHealth, FeedPoll, Join, Poll, Story, Tagging, Window

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime
    from pathlib import Path

    from monitor.config import Config
    from monitor.store import Store

BOTH = ["AI choir angers artists in Graz", "Testers leak OpenAI tool Sora in protest"]


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Config:
    return config.load(polled(tmp_path_factory.mktemp("desk")))


@pytest.fixture
def opened(settings: Config) -> Iterator[Store]:
    with store.open(settings.database, read_only=True) as found:
        yield found


def test_a_preview_holds_what_the_next_digest_would_tell(settings: Config, opened: Store) -> None:
    made = digest_input.preview(settings, opened, now=at(12))
    assert reported(made) == BOTH
    assert made.window.end == at(12)
    assert reported(digest_input.preview(settings, opened, now=at(7, 1))) == BOTH


def test_a_review_covers_its_window_and_no_more(settings: Config, opened: Store) -> None:
    made = digest_input.review(settings, opened, start=at(8), end=at(10), now=at(0, 9))
    assert (reported(made), made.window) == (BOTH, Window(start=at(8), end=at(10)))
    assert reported(digest_input.review(settings, opened, start=at(0, 1), end=at(0, 2), now=at(0, 9))) == []


def test_a_day_without_a_digest_reaches_from_the_last_one_made_to_its_midnight(
    settings: Config, tmp_path: Path
) -> None:
    def window(day: int, now: datetime) -> Window | None:
        made = digest_input.of_day(settings, own, at(0, day).date(), now=now)
        assert made is None or made.date == at(0, day).date()
        return made.window if made else None

    with store.open(tmp_path / "own.db") as own:
        own.feeds.sync(settings.feeds, at(0))
        first = freeze(own, at(9))
        assert window(0, at(0, 9)) == first.window
        assert window(1, at(0, 9)) == Window(start=at(9), end=at(0, 2))
        assert window(1, at(12, 1)) == Window(start=at(9), end=at(12, 1))
        assert window(3, at(0, 9)) == Window(start=at(7, 2), end=at(0, 4))
        assert window(9, at(7, 8)) is None


def test_a_review_of_a_past_day_does_not_tell_how_feeds_fare_today(
    settings: Config, opened: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = FeedHealth(url="https://a.test", title="A", state="ok", last_success_at=at(9, 60))
    fares = [
        replace(known, state="silent", note="nothing new for 60 days"),
        replace(known, state="failing", last_error="HTTP 503"),
        replace(known, state="failing", last_success_at=at(9, -1)),
        replace(known, state="failing", last_success_at=None),
        replace(known, state="disabled"),
    ]
    monkeypatch.setattr(followed, "healths", lambda *_, **__: fares)
    past = digest_input.review(settings, opened, start=at(8), end=at(10), now=at(0, 61))
    assert [one.state for one in past.receipt.feeds] == ["ok", "ok", "failing", "failing", "disabled"]
    assert not any(one.note for one in past.receipt.feeds)
    today = digest_input.review(settings, opened, start=at(8), end=at(10), now=at(12))
    assert [one.state for one in today.receipt.feeds] == [one.state for one in fares]


def test_a_window_in_which_no_poll_was_due_is_no_breakage_and_one_without_due_polls_is(
    settings: Config, opened: Store
) -> None:
    states = opened.feeds.states(settings.feeds)
    last = max(state.last_poll_at for state in states.values() if state.last_poll_at)
    due = min(state.next_poll_at for state in states.values() if state.next_poll_at)

    def polls(start: datetime, end: datetime) -> tuple[int, bool]:
        window = Window(start=start, end=end)
        found = digest_input.collect(settings, opened, window, now=end)
        return found.polls, found.idle

    minute = timedelta(minutes=1)
    assert polls(last + minute, last + 2 * minute) == (0, True)
    assert polls(last + minute, due + minute) == (0, False)
    assert polls(last - 99 * minute, last - 98 * minute) == (0, False)


def polled_once(start: datetime, *, outage: bool = False) -> Poll:
    return logged(start, finished_at=start + timedelta(minutes=1), outage=outage)


def test_an_entry_on_the_edge_of_two_windows_counts_in_the_earlier_only(tmp_path: Path) -> None:
    desk = Desk(tmp_path / "own", ["https://a.example/feed"])
    loaded, edges = desk.config, (at(7), at(7, 1))
    near, unsure = Tagging(score=0.8, near="sora: the name alone"), Tagging(beats=("sora",), shelf="perhaps")
    with desk.store() as opened:
        opened.feeds.sync(loaded.feeds, at(0))
        for edge in edges:
            opened.polls.log(polled_once(edge))
            opened.polls.log_feed(FeedPoll(feed="https://a.example/feed", at=edge, status=200, gap=True))
            for number, tagging in enumerate((near, unsure)):
                one = Entry(feed="https://a.example/feed", guid=f"{edge}{number}", title="One", published=edge,
                            first_seen=edge, tagging=tagging)  # fmt: skip
                opened.entries.add([one], lambda _: "")
        found = digest_input.collect(loaded, opened, Window(start=edges[0], end=edges[1]), now=at(8, 1))
    assert (found.polls, found.entries, found.relevant) == (1, 2, 1)
    assert [times for _, times in found.gaps] == [1]
    assert [
        entry.first_seen for entry in (*found.near_misses, *(report.entry for report in found.perhaps))
    ] == [edges[1]] * 2


@pytest.mark.parametrize(("minutes", "down"), [(62, True), (60, False)])
def test_a_restarting_router_does_not_make_a_day_broken(tmp_path: Path, minutes: int, down: bool) -> None:
    desk = Desk(tmp_path / "own", ["https://a.example/feed"])
    with desk.store() as opened:
        opened.feeds.sync(desk.config.feeds, at(0))
        opened.polls.log(polled_once(at(6)))
        opened.polls.log(polled_once(at(6.5), outage=True))
        window = Window(start=at(0), end=at(6) + timedelta(minutes=minutes))
        found = digest_input.collect(desk.config, opened, window, now=window.end)
    assert found.unreached_since == (at(6) + timedelta(minutes=1) if down else None)


def test_counts_and_health_stand_behind_a_digest(settings: Config, opened: Store) -> None:
    found = digest_input.collect(settings, opened, Window(start=at(0), end=at(12)), now=at(12))
    assert (found.polls, found.entries, found.relevant) == (1, 3, 2)
    assert [(health.state, health.entries) for health in found.healths] == [("ok", 3), ("failing", 0)]
    assert [slug for slug, _ in found.labels] == [
        "sora",
        "ai-creative-labour",
        "leak-protest",
        "unpaid-labour",
    ]
    assert (found.failed_deliveries, found.gaps) == ([], [])


def test_a_feed_is_called_as_the_user_then_as_the_publisher_calls_it(
    settings: Config, opened: Store, tmp_path: Path
) -> None:
    good, bad = settings.feeds
    names = followed.named(settings, opened)
    assert names[good.url].title == "The Paper"
    assert "hunter2" not in names[bad.url].title
    own = Desk(tmp_path / "own", [good.url], names={good.url: "My paper"}).config
    assert followed.named(own, opened)[good.url].title == "My paper"


def test_a_rendering_has_every_format_of_the_settings(settings: Config, opened: Store) -> None:
    edition = digest_output.rendered(settings, digest_input.preview(settings, opened, now=at(7, 1)))
    assert edition.key == "digest:2024-12-03"
    assert {"md", "html"} <= set(edition.renderings)
    assert all(title in edition.renderings["md"].replace("\\", "") for title in BOTH)


def test_what_may_be_in_scope_is_reported_once_in_lines_of_its_own_and_waits_for_no_later_digest(
    tmp_path: Path,
) -> None:
    desk = Desk(tmp_path / "own", ["https://a.example/feed"])
    loaded = desk.config
    with desk.store() as opened:
        opened.install(at(0))
        opened.feeds.sync(loaded.feeds, at(0))
        unsure = Tagging(beats=("sora",), certainty=0.4, shelf="perhaps")
        entries = [
            Entry(feed="https://a.example/feed", guid=str(n), title=f"Perhaps {n}", published=at(8), first_seen=at(8),
                  tagging=replace(unsure, certainty=0.3 + n / 100))
            for n in range(7)
        ]  # fmt: skip
        opened.entries.add(entries, lambda entry: entry.guid)
        first = digest_input.preview(loaded, opened, now=at(12))
        assert [report.title for report in first.perhaps] == [f"Perhaps {n}" for n in (6, 5, 4, 3, 2)]
        assert (first.stories, first.receipt.unnamed) == ((), 2)
        opened.digests.freeze(first, summary(first.date, at(12)), ())
        assert digest_input.preview(loaded, opened, now=at(14)).perhaps == ()
        assert digest_input.preview(loaded, opened, now=at(14)).receipt.unnamed == 0
        looked_back = digest_input.review(loaded, opened, start=at(0), end=at(13), now=at(14))
        assert len(looked_back.perhaps) == 5
        # A recipient who did not get that digest gets its five entries, and five of the new ones.
        opened.entries.add(
            [replace(one, guid=f"new {one.guid}", title=f"New: {one.title}", first_seen=at(15)) for one in entries],
            lambda entry: entry.guid,
        )  # fmt: skip
        window = Window(start=at(0), end=at(16))
        several = digest_input.collect(loaded, opened, window, now=at(16), again=[first])
        due = digest.Due(date=at(16).date(), window=window)
        told = digest.compose(due, several, loaded.digest, at(16))
        assert {report.entry for report in first.perhaps} < {report.entry for report in told.perhaps}
        assert (len(told.perhaps), told.receipt.unnamed) == (10, 4)


def test_the_receipt_counts_sources_as_stories_do(tmp_path: Path) -> None:
    other = item("b", f"{LEAK} against unpaid work", "A letter on Hugging Face says why.", published=at(5))
    with serving() as server:
        server.on("/a", page(item("a", LEAK, HUGGING, published=at(5)), title="Paper Technology"))
        server.on("/b", page(other, title="Paper Culture"))
        desk = Desk(tmp_path / "own", [server.url("/a"), server.url("/b")])
        run(desk.directory, "poll", now=at(6))
    with desk.store() as opened:
        shown = digest_input.preview(desk.config, opened, now=at(7))
    assert (shown.receipt.reports, [story.sources for story in shown.stories]) == (2, [1])
    assert shown.receipt.sources == 1


def test_one_link_in_two_feeds_is_one_line_and_not_repeated_from_a_third(tmp_path: Path) -> None:
    feeds = [f"https://{name}.example/feed" for name in "abc"]
    desk = Desk(tmp_path / "own", feeds)
    unsure = Tagging(beats=("sora",), certainty=0.4, shelf="perhaps")

    def brought(feed: str, hour: int) -> Entry:
        return Entry(feed=feed, guid=feed, url="https://x.example/story", title="Perhaps", tagging=unsure,
                     published=at(8), first_seen=at(hour))  # fmt: skip

    with desk.store() as opened:
        opened.install(at(0))
        opened.feeds.sync(desk.config.feeds, at(0))
        opened.entries.add([brought(feeds[0], 8), brought(feeds[1], 9)], lambda entry: entry.guid)
        first = digest_input.preview(desk.config, opened, now=at(12))
        assert [len(report.also_in) for report in first.perhaps] == [1]
        assert len(first.reported) == 2
        opened.digests.freeze(first, summary(first.date, at(12)), ())
        (third,) = opened.entries.add([brought(feeds[2], 13)], lambda entry: entry.guid)
        later = digest_input.preview(desk.config, opened, now=at(14))
        # `why` says that it is repeated, not that there was no room.
        assert (later.perhaps, later.copies, later.receipt.unnamed) == ((), (third.id,), 0)
        # The page of the day of an outlet with two feeds, whose link proves nothing there.
        next_one = [
            replace(brought(feed, 15), guid=f"{feed}2", title="Perhaps the next") for feed in feeds[:2]
        ]
        opened.entries.add(next_one, lambda entry: entry.guid)
        (line,) = digest_input.preview(desk.config, opened, now=at(16)).perhaps
        assert (line.title, len(line.also_in)) == ("Perhaps the next", 1)


def test_what_may_be_in_scope_and_repeats_a_story_has_no_line_of_its_own(tmp_path: Path) -> None:
    polled_desk = config.load(polled(tmp_path / "desk"))
    with store.open(polled_desk.database) as opened:
        (first, *_) = (story.entries[0] for story in opened.stories.listing())
        twin = replace(first, id=0, guid="twin", feed=next(iter(polled_desk.feeds)).url, first_seen=at(11),
                       tagging=replace(first.tagging, certainty=0.4, shelf="perhaps"))  # fmt: skip
        (added,) = opened.entries.add([twin], lambda entry: entry.guid)
        made = digest_input.preview(polled_desk, opened, now=at(12))
    assert (made.perhaps, made.receipt.unnamed) == ((), 0)
    assert added.id in made.reported


@pytest.mark.parametrize(("hour", "backlog"), [(8, True), (13, False)])
def test_unreported_entries_of_a_story_take_no_line_from_those_that_may_be_in_scope(
    tmp_path: Path, hour: int, backlog: bool
) -> None:
    feeds = [f"https://{name}.example/feed" for name in "abc"]
    desk = Desk(tmp_path / "own", feeds)
    sure = Tagging(beats=("sora",), certainty=1.0, shelf="sure")
    told, twin, unsure = (
        Entry(feed=feed, guid=feed, url=f"https://x.example/{page}", title=f"Title {page}", tagging=sure,
              published=at(8), first_seen=at(8))
        for feed, page in zip(feeds, ["told", "twin", "twin"], strict=True)
    )  # fmt: skip
    twin = replace(twin, first_seen=at(hour), backlog=backlog)
    unsure = replace(unsure, tagging=replace(sure, certainty=0.4, shelf="perhaps"))
    with desk.store() as opened:
        opened.feeds.sync(desk.config.feeds, at(0))
        *both, line = opened.entries.add([told, twin, unsure], lambda entry: entry.guid)
        joins = tuple(Join(entry=one.id, similarity=1.0, reason="") for one in both)
        opened.stories.save([Story(entries=tuple(both), joins=joins, lead=both[0].id, title="Title",
                                   first_seen=at(8), last_seen=at(hour))])  # fmt: skip
        made = digest_input.review(desk.config, opened, start=at(0), end=at(12), now=at(14))
    assert [report.entry for story in made.stories for report in story.reports if report.new] == [both[0].id]
    assert [report.entry for report in made.perhaps] == [line.id]


def test_a_look_back_tells_what_was_news_then_whatever_became_relevant_since(tmp_path: Path) -> None:
    feeds = [f"https://{name}.example/feed" for name in "ab"]
    desk = Desk(tmp_path / "own", feeds)
    sure = Tagging(beats=("sora",), certainty=1.0, shelf="sure")
    both = [
        Entry(feed=feed, guid=feed, url="https://x.example/story", title="Title", tagging=tagging,
              published=at(8), first_seen=at(8))
        for feed, tagging in zip(feeds, [Tagging(), sure], strict=True)
    ]  # fmt: skip
    with desk.store() as opened:
        opened.install(at(0))
        opened.feeds.sync(desk.config.feeds, at(0))
        twin, first = opened.entries.add(both, lambda entry: entry.guid)
        joined = Join(entry=first.id, similarity=1.0, reason="")
        (story,) = opened.stories.save(
            [
                Story(
                    entries=(first,),
                    joins=(joined,),
                    lead=first.id,
                    title="Title",
                    first_seen=at(8),
                    last_seen=at(8),
                )
            ]
        )
        made = digest_input.preview(desk.config, opened, now=at(12))
        opened.digests.freeze(made, summary(made.date, at(12)), ())
        opened.entries.set_taggings({twin.id: sure}, at(9, 3))
        copy = replace(joined, entry=twin.id, copy_of=first.id)
        opened.stories.save([replace(story, entries=(twin, first), joins=(copy, joined))])
        made = digest_input.preview(desk.config, opened, now=at(12, 3))
        assert (made.stories, made.copies) == ((), (twin.id,))
        opened.digests.freeze(made, summary(made.date, at(12, 3)), ())
        assert reported(digest_input.review(desk.config, opened, start=at(0), end=at(12), now=at(12, 4))) == [
            "Title"
        ]


def test_an_entry_without_room_hides_nobody_elses_line_on_a_later_day(tmp_path: Path) -> None:
    feeds = [f"https://{name}.example/feed" for name in "ab"]
    desk = Desk(tmp_path / "own", feeds)

    def brought(feed: str, number: int, hour: int) -> Entry:
        unsure = Tagging(beats=("sora",), certainty=0.4 + number / 100, shelf="perhaps")
        url = f"https://x.example/story-{number}"
        return Entry(feed=feed, guid=url, url=url, title=f"Perhaps {number}", tagging=unsure,
                     published=at(8), first_seen=at(hour))  # fmt: skip

    with desk.store() as opened:
        opened.install(at(0))
        opened.feeds.sync(desk.config.feeds, at(0))
        opened.entries.add([brought(feeds[0], number, 8) for number in range(6)], lambda entry: entry.guid)
        first = digest_input.preview(desk.config, opened, now=at(12))
        assert (len(first.perhaps), first.receipt.unnamed) == (5, 1)
        opened.digests.freeze(first, summary(first.date, at(12)), ())
        opened.entries.add([brought(feeds[1], number, 13) for number in range(6)], lambda entry: entry.guid)
        later = digest_input.preview(desk.config, opened, now=at(14))
    assert [report.title for report in later.perhaps] == ["Perhaps 0"], "no digest had told of it"
    assert len(later.copies) == 5


LEAK = "Testers leak OpenAI tool Sora in protest"
HUGGING = (
    "They put it on Hugging Face without a word, for three hours, in all resolutions, and signed a letter."
)


@pytest.mark.parametrize(
    ("link", "title", "day", "marked", "again"),
    [
        ("2024/12/02/leak", LEAK, 1, True, False),
        ("2024/12/02/leak", f"{LEAK} [video]", 20, False, False),
        # The page that HN linked to on its first day, which reports something else by now.
        ("2024/12/02/leak", "OpenAI shuts down Sora for good", 20, False, True),
        # An outlet's page of the day, from a feed that had not used it before.
        ("live", "Hollywood's union strikes over OpenAI and Sora", 20, False, True),
    ],
)
def test_a_reported_entry_is_not_repeated_from_another_feed_whatever_became_of_its_story(
    tmp_path: Path, link: str, title: str, day: int, *, marked: bool, again: bool
) -> None:
    def brought(title: str, text: str, when: datetime) -> str:
        return item("x", title, text, published=when).replace(
            "https://news.test/x", f"https://news.test/{link}"
        )

    alerts = '[digest]\nbacklog = "30d"\n[alert]\nchannels = ["files"]\nmin_score = 0\nmin_sources = 1\n'
    with serving() as server:
        server.on("/a", page(brought(LEAK, HUGGING, at(6))))
        server.on("/b", page(item("other", "Nothing of the kind")))
        desk = Desk(tmp_path / "own", [server.url("/a"), server.url("/b")], settings=SETTINGS + alerts)
        run(desk.directory, "poll", now=at(6.5))
        run(desk.directory, "digest", "--send", now=at(7))
        with desk.store() as opened:
            (told,) = opened.entries.listing()
            assert opened.entries.reported_in(told.id) == at(7).date()
        if marked:
            run(desk.directory, "mark", f"e{told.id}", "--not-relevant", now=at(8))
        server.on("/b", page(brought(title, "" if title != LEAK else HUGGING, at(6, day))))
        run(desk.directory, "poll", "--all", now=at(6.5, day))
        run(desk.directory, "digest", "--send", now=at(7, day))
        with desk.store() as opened:
            (new,) = (one for one in opened.entries.listing() if one.id != told.id)
            assert reported(made(opened, day)) == ([title] if again else [])
            assert opened.entries.reported_in(new.id) == at(7, day).date()
            made_alerts = {
                one.edition for one in opened.deliveries.listing() if one.edition.startswith("alert:")
            }
            assert len(made_alerts) == 1 + again
        answer = run(desk.directory, "why", f"e{new.id}", "--json", now=at(8, day)).json["reported"]
        assert answer["answer"] == ("yes" if again else "no")
        if not again:
            because = "you marked this article" if marked else "it only repeats a report that was told before"
            assert answer["text"].startswith(f"no: {because}")
            assert " in story " not in answer["text"]


def test_what_the_user_split_is_reported_although_its_link_was(tmp_path: Path) -> None:
    with serving() as server:
        server.on("/a", page(item("2024/leak", LEAK, HUGGING)))
        server.on("/b", page(item("other", "Nothing of the kind")))
        desk = Desk(tmp_path / "own", [server.url("/a"), server.url("/b")])
        run(desk.directory, "poll", now=at(6.5))
        run(desk.directory, "digest", "--send", now=at(7))
        server.on("/b", page(item("2024/leak", LEAK, HUGGING)))
        run(desk.directory, "poll", "--all", now=at(8))
        with desk.store() as opened:
            (story,) = opened.stories.listing()
        last = max(entry.id for entry in story.entries)
        run(desk.directory, "stories", "split", f"s{story.id}", f"e{last}", now=at(9))
        with desk.store() as opened:
            assert reported(digest_input.preview(desk.config, opened, now=at(12))) == [LEAK]


def test_a_line_under_perhaps_that_the_user_rejected_is_not_repeated_from_another_feed(
    tmp_path: Path,
) -> None:
    feeds = [f"https://{name}.example/feed" for name in "ab"]
    desk = Desk(tmp_path / "own", feeds)
    unsure = Tagging(beats=("sora",), certainty=0.4, shelf="perhaps")
    one, other = (
        Entry(feed=feed, guid=feed, url="https://x.example/story", title="Perhaps", tagging=unsure,
              published=at(8), first_seen=at(hour))
        for feed, hour in zip(feeds, (8, 13), strict=True)
    )  # fmt: skip
    with desk.store() as opened:
        opened.install(at(0))
        opened.feeds.sync(desk.config.feeds, at(0))
        (told,) = opened.entries.add([one], lambda entry: entry.guid)
        first = digest_input.preview(desk.config, opened, now=at(12))
        opened.digests.freeze(first, summary(first.date, at(12)), ())
        corrections.mark(desk.config, opened, told.id, relevant=False, now=at(12.5))
        (again,) = opened.entries.add([other], lambda entry: entry.guid)
        made = digest_input.preview(desk.config, opened, now=at(14))
    assert (made.perhaps, made.copies) == ((), (again.id,))


@pytest.mark.parametrize("shelf", ["sure", "perhaps"])
def test_what_the_user_rejected_before_its_digest_is_not_reported_from_another_feed(
    tmp_path: Path, shelf: Literal["sure", "perhaps"]
) -> None:
    feeds = [f"https://{name}.example/feed" for name in "ab"]
    desk = Desk(tmp_path / "own", feeds)
    tagging = Tagging(beats=("sora",), certainty=0.6, shelf=shelf)
    url = "https://x.example/2024/story"

    def brought(feed: str, hour: int, **changes: Any) -> Entry:
        made = Entry(
            feed=feed, guid=feed, url=url, title="Sora", tagging=tagging, published=at(8), first_seen=at(hour)
        )
        return replace(made, **changes)

    with desk.store() as opened:
        opened.install(at(0))
        opened.feeds.sync(desk.config.feeds, at(0))
        (first,) = opened.entries.add([brought(feeds[0], 8)], lambda entry: entry.guid)
        stories.cluster_entries_blocking(desk.config, opened, now=at(8))
        corrections.mark(desk.config, opened, first.id, relevant=False, now=at(9))
        again, other = opened.entries.add(
            [
                brought(feeds[1], 10),
                brought(feeds[1], 10, guid="other", url=f"{url}-2", title="Other news of Sora"),
            ],
            lambda entry: entry.guid,
        )
        stories.cluster_entries_blocking(desk.config, opened, now=at(10))
        made = digest_input.preview(desk.config, opened, now=at(12))
        assert [*reported(made), *(line.title for line in made.perhaps)] == ["Other news of Sora"]
        assert set(made.reported) == {again.id, other.id}
        coming = run(desk.directory, "why", f"e{again.id}", "--json", now=at(12)).json["reported"]
        # What was reported before the mark stays reported, and a look back shows it.
        assert not digest_input.review(desk.config, opened, start=at(0), end=at(8.5), now=at(12)).copies
        opened.digests.freeze(made, summary(made.date, at(12)), ())
    answer = run(desk.directory, "why", f"e{again.id}", "--json", now=at(13)).json
    assert coming == answer["reported"]
    assert (
        f"you marked this article, from another feed, as not relevant (e{first.id})"
        in answer["reported"]["text"]
    )
    assert answer["instead"]["text"].endswith(f"mark e{first.id} --clear")
