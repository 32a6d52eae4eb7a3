"""One entry stays one entry: a feed is followed over many documents, as the store would remember it."""

from __future__ import annotations

import time
import unicodedata
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.models import Document, Entry, Known
from monitor.parse.changes import Changes, compare
from monitor.parse.identifiers import fingerprint, is_home, made_up_guid, spellings
from monitor.parse.identity import matches
from monitor.url import canonical_url

START = datetime(2024, 12, 9, 12, tzinfo=UTC)
DAY, NOTHING = timedelta(days=1), timedelta(0)
BACKLOG = 2 * DAY


def entry(name: str, *, age: timedelta = timedelta(minutes=67), **fields: Any) -> Entry:
    """Return an entry as `Follower.poll` gets it: with its date relative to the start."""
    defaults = {
        "feed": "f",
        "guid": f"guid-{name}",
        "url": f"https://x.example/{name}",
        "title": f"Title {name}",
        "published": START - age,
        "first_seen": START,
    }
    return Entry(**{**defaults, **fields})


class Follower:
    """Polls a feed and remembers its entries."""

    def __init__(self, listed_since: datetime = START) -> None:
        self.known: dict[int, Known] = {}
        self.listed_since = listed_since
        self.now = START
        self.polls = 0

    def poll(self, *entries: Entry, after: timedelta = DAY, link: str = "") -> Changes:
        self.now += after if self.polls else timedelta(0)
        seen = tuple(
            replace(
                one, first_seen=self.now, published=one.published if one.dated == "publisher" else self.now
            )
            for one in entries
        )
        changes = compare(
            Document(entries=seen, link=link),
            tuple(self.known.values()),
            followed_since=START if self.polls else None,
            listed_since=self.listed_since,
            backlog=BACKLOG,
            now=self.now,
        )
        self.polls += 1
        self.remember(changes)
        return changes

    def remember(self, changes: Changes) -> None:
        for one in changes.new:
            self._know(replace(one, id=len(self.known) + 1))
        for one in changes.changed:
            self._know(one)
        guids = [one.guid for one in self.known.values()]
        assert len(set(guids)) == len(guids)

    def _know(self, one: Entry) -> None:
        self.known[one.id] = Known(
            id=one.id,
            guid=one.guid,
            url=one.url,
            title=one.title,
            fingerprint=fingerprint(one),
            outlet=one.outlet,
            published=one.published,
            dated=one.dated,
            first_seen=one.first_seen,
        )


def titles(entries: tuple[Entry, ...]) -> list[str]:
    return [one.title for one in entries]


def test_the_same_document_again_is_no_news() -> None:
    feed = Follower()
    assert titles(feed.poll(entry("a"), entry("b")).new) == ["Title a", "Title b"]
    again = feed.poll(entry("a"), entry("b"))
    assert again == Changes()


def test_an_edited_title_is_a_change_of_the_same_entry() -> None:
    feed = Follower()
    feed.poll(entry("a"))
    changes = feed.poll(entry("a", title="Corrected"))
    (changed,) = changes.changed
    assert (changed.id, changed.title, changed.first_seen, changed.changed_at) == (
        1,
        "Corrected",
        START,
        START + DAY,
    )
    assert not changes.new
    assert feed.poll(entry("a", title="Corrected")) == Changes()


@pytest.mark.parametrize("field", ["summary", "content", "url"])
def test_any_text_counts_as_a_change(field: str) -> None:
    feed = Follower()
    feed.poll(entry("a"))
    other: dict[str, Any] = {field: "https://x.example/other"}
    assert feed.poll(entry("a", **other)).changed


def test_white_space_is_no_change() -> None:
    assert fingerprint(entry("a", summary="one  two\n")) == fingerprint(entry("a", summary=" one two"))


def test_the_parts_of_a_fingerprint_do_not_run_together() -> None:
    assert fingerprint(entry("a", title="x", summary="y z")) != fingerprint(
        entry("a", title="x y", summary="z")
    )


def test_an_entry_that_leaves_and_returns_is_known() -> None:
    feed = Follower()
    feed.poll(entry("a"), entry("b"))
    feed.poll(entry("b"), after=30 * DAY)
    assert feed.poll(entry("a"), entry("b")) == Changes()


def test_a_guid_that_changes_at_each_request_is_found_by_its_link() -> None:
    feed = Follower()
    feed.poll(entry("a", guid="1"), entry("b", guid="2"))
    changes = feed.poll(entry("a", guid="3"), entry("b", guid="4"), entry("c", guid="5"))
    assert (titles(changes.new), changes.changed) == (["Title c"], ())


def test_entries_with_swapped_guids_are_known_by_their_links() -> None:
    feed = Follower()
    feed.poll(entry("a", guid="1"), entry("b", guid="2"))
    assert feed.poll(entry("a", guid="2"), entry("b", guid="1")) == Changes()


def test_an_edited_link_is_found_by_its_guid() -> None:
    feed = Follower()
    feed.poll(entry("a"))
    (changed,) = feed.poll(entry("a", url="https://x.example/a-better-slug")).changed
    assert changed.id == 1


def test_guid_and_link_edited_together_are_found_by_title_and_instant() -> None:
    feed = Follower()
    feed.poll(entry("a"))
    assert titles(feed.poll(entry("a", guid="new", url="https://x.example/new")).changed) == ["Title a"]


@pytest.mark.parametrize("dated", ["publisher", "missing", "future"])
def test_an_edit_without_a_date_leaves_the_entry_where_it_was(dated: str) -> None:
    feed = Follower()
    (first,) = feed.poll(entry("a", dated=dated)).new
    (edited,) = feed.poll(entry("a", dated="missing", summary="Corrected"), after=20 * DAY).changed
    assert (edited.published, edited.dated) == (first.published, dated)
    stated = entry("a", summary="Corrected again", published=START + DAY)
    (edited,) = feed.poll(stated).changed
    assert (edited.published, edited.dated) == (START + DAY, "publisher")


def test_half_an_entry_is_known_by_its_title_for_two_weeks() -> None:
    for after, new in ((13 * DAY, []), (15 * DAY, ["Title a"])):
        feed = Follower()
        feed.poll(entry("a", guid=made_up_guid("Title a", ""), url="", dated="missing"))
        assert titles(feed.poll(entry("a"), after=after).new) == new


def test_title_and_instant_of_undated_entries_say_nothing() -> None:
    feed = Follower()
    feed.poll(entry("a", dated="missing"))
    changes = feed.poll(
        entry("a", guid="new", url="https://x.example/new", dated="missing"), after=timedelta(0)
    )
    assert titles(changes.new) == ["Title a"]


def test_a_link_shared_by_many_identifies_none() -> None:
    feed = Follower()
    shared = "https://x.example/live"
    feed.poll(entry("a", url=shared), entry("b", url=shared))
    changes = feed.poll(entry("b", url=shared), entry("c", url=shared), entry("d", url=shared))
    assert (titles(changes.new), changes.changed) == (["Title c", "Title d"], ())


def test_a_link_shared_within_one_document_identifies_none() -> None:
    feed = Follower()
    shared = "https://x.example/live"
    feed.poll(entry("a", url=shared))
    assert titles(feed.poll(entry("b", url=shared), entry("c", url=shared)).new) == ["Title b", "Title c"]


def test_a_link_to_the_front_page_identifies_none() -> None:
    feed = Follower()
    home = "https://x.example/news"
    feed.poll(entry("a", url=home), link=home)
    assert titles(feed.poll(entry("b", url=home), link=home).new) == ["Title b"]


def test_a_guid_used_again_for_something_else_is_new_and_gets_a_guid_of_its_own() -> None:
    feed = Follower()
    feed.poll(entry("a", guid="1"))
    later = entry("b", guid="1", age=-7 * DAY)
    (new,) = feed.poll(later, after=8 * DAY).new
    assert new.guid == "1 ~2"
    assert feed.poll(later) == Changes()


def test_a_link_used_again_for_something_else_is_new() -> None:
    feed = Follower()
    weekly = "https://x.example/this-week"
    feed.poll(entry("a", url=weekly))
    assert titles(feed.poll(entry("b", url=weekly, age=-7 * DAY), after=8 * DAY).new) == ["Title b"]


def test_guid_and_link_together_outweigh_another_title_and_date() -> None:
    feed = Follower()
    feed.poll(entry("a", guid="tag:x,2024:17"))
    changes = feed.poll(entry("a", guid="tag:x,2024:17", title="Rewritten", age=-7 * DAY), after=8 * DAY)
    assert titles(changes.changed) == ["Rewritten"]


def test_a_guid_that_serves_one_after_the_other_is_the_last_ones() -> None:
    feed = Follower()
    feed.poll(entry("a", guid="1"))
    feed.poll(entry("a", guid="1", title="Quite another matter", age=-30 * DAY), after=30 * DAY)
    third = entry("a", guid="1", title="Something third and new", age=-60 * DAY)
    assert titles(feed.poll(third, after=30 * DAY).new) == ["Something third and new"]
    edited = feed.poll(entry("a", guid="1", title="Something third and newer", age=-60 * DAY))
    assert [one.id for one in edited.changed] == [3]
    assert [known.guid for known in feed.known.values()] == ["1", "1 ~2", "1 ~3"]


GUIDE = {"guid": "https://x.example/?p=77", "url": "https://x.example/guide"}
TODAY = {"url": "https://x.example/briefing/today", "guid": "https://x.example/briefing/today"}


@pytest.mark.parametrize(
    ("before", "after", "apart"),
    [
        pytest.param(GUIDE, GUIDE, 365 * DAY, id="an old guid and link, a year later"),
        pytest.param(TODAY, TODAY, DAY, id="the page of the day"),
        pytest.param(TODAY, TODAY, DAY / 4, id="the page of the hour"),
        pytest.param({**TODAY, "guid": "1"}, {**TODAY, "guid": "2"}, DAY / 100, id="one link, own guids"),
        pytest.param({"guid": "N/A"}, {"guid": "N/A"}, DAY / 100, id="one guid, own links"),
        pytest.param(
            {**TODAY, "dated": "missing"}, {**TODAY, "dated": "missing"}, DAY, id="undated, one link"
        ),
        pytest.param({"guid": "x", "url": ""}, {"guid": "x", "url": ""}, DAY, id="one guid, no link"),
        pytest.param(
            {"url": "https://x.example/live#1", "guid": "https://x.example/live#1"},
            {"url": "https://x.example/live#2", "guid": "https://x.example/live#2"},
            DAY / 100,
            id="links that differ in the fragment",
        ),
    ],
)
def test_another_title_and_date_make_another_entry(
    before: dict[str, Any], after: dict[str, Any], apart: timedelta
) -> None:
    """The document holds only the latest entry each time."""
    feed = Follower()
    feed.poll(entry("a", title="Studio signs licence deal with a video generator", age=NOTHING, **before))
    changes = feed.poll(
        entry("b", title="Court bans clips of voice actors", age=-apart, **after), after=apart
    )
    assert (titles(changes.new), changes.changed) == (["Court bans clips of voice actors"], ())


@pytest.mark.parametrize(
    ("before", "after", "apart"),
    [
        pytest.param(GUIDE, GUIDE, DAY, id="an article of yesterday"),
        pytest.param(TODAY, TODAY, DAY / 100, id="within minutes, even under a general link"),
        pytest.param({"url": "https://x.example/2024/12/court-bans-clips"}, {"url": "https://x.example/2024/12/court-bans-clips"}, DAY / 2, id="the link of one article"),
        pytest.param({}, {"url": "https://x.example/renamed"}, timedelta(0), id="a guid, another link, the same date"),
    ],
)  # fmt: skip
def test_a_headline_written_anew_is_an_edit(
    before: dict[str, Any], after: dict[str, Any], apart: timedelta
) -> None:
    feed = Follower()
    feed.poll(entry("a", title="Studio signs licence deal with a video generator", age=NOTHING, **before))
    changes = feed.poll(entry("a", title="Quite another headline", age=-apart, **after), after=apart)
    assert [one.id for one in changes.changed] == [1]
    assert not changes.new


@pytest.mark.parametrize("dated", ["publisher", "missing"])
@pytest.mark.parametrize(
    ("guid", "url"),
    [
        ("https://x.example/?p={}", "https://x.example/{}"),
        ("https://www.x.example/?p={}", "https://www.x.example/{}/"),
        ("tag:x.example,2024:{}", "http://x.example/{}"),
        ("{}", "https://elsewhere.example/{}"),
    ],
)
def test_a_site_that_moves_repeats_nothing(dated: str, guid: str, url: str) -> None:
    feed = Follower()
    old = [entry(n, guid=f"http://x.example/?p={n}", url=f"http://x.example/{n}", dated=dated) for n in "123"]
    feed.poll(*old)
    moved = [entry(n, guid=guid.format(n), url=url.format(n), dated=dated) for n in "123"]
    assert not feed.poll(*moved).new
    assert feed.poll(*moved) == Changes()


@pytest.mark.parametrize(
    "path",
    [
        "news/{}-union-sues-studio",
        "{}-union-sues-studio.html",
        "/en//{}-union-sues-studio/index.php?from=feed",
        "s1xyz/2024/12/{}-union-sues-studio",
        "1733738400/2024/12/{}-union-sues-studio",
    ],
)
def test_undated_entries_under_new_paths_are_known_by_title_text_and_the_name_of_the_page(path: str) -> None:
    feed = Follower()
    old = [f"https://x.example/2024/12/{n}-union-sues-studio" for n in "123"]
    feed.poll(*(entry(url[26], guid=url, url=url, dated="missing") for url in old))
    moved = [f"https://x.example/{path.format(n)}" for n in "123"]
    changes = feed.poll(
        *(entry(n, guid=url, url=url, dated="missing") for n, url in zip("123", moved, strict=True))
    )
    assert (len(changes.changed), changes.new) == (3, ())


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("2024/12/02/briefing-17", "2024/12/03/briefing-17"),
        ("20241202/briefing-17", "20241203/briefing-17"),
        ("02-12-2024/briefing-17", "03-12-2024/briefing-17"),
        ("2024/w49/briefing-17", "2024/w50/briefing-17"),
        ("dec/2/briefing-17", "dec/3/briefing-17"),
        ("a/briefing", "b/briefing"),
        ("a/1", "a/2"),
    ],
)
def test_an_undated_column_without_a_text_is_new_at_each_page(first: str, second: str) -> None:
    feed = Follower()
    feed.poll(entry("a", guid=first, url=f"https://x.example/{first}", dated="missing"))
    changes = feed.poll(entry("a", guid=second, url=f"https://x.example/{second}", dated="missing"))
    assert len(changes.new) == 1


def test_guids_that_are_places_in_a_list_replace_no_undated_entry() -> None:
    feed = Follower()
    for newest in range(1, 8):
        shown = range(newest, max(0, newest - 3), -1)
        changes = feed.poll(
            *(entry(f"of {n}", guid=f"{place}", url="", dated="missing") for place, n in enumerate(shown))
        )
        assert titles(changes.new) == [f"Title of {newest}"]


MORNING = ["Testers leak Sora", "Choir angers artists", "Judge rules on copyright"]
EVENING = ["Union strikes at studio", "Composer sues label", "Painters win pay"]


@pytest.mark.parametrize(
    "guids", ["123", "012", "abc", ["news-1", "news-2", "news-3"], ["lead", "left", "right"]]
)
@pytest.mark.parametrize("url", ["", "https://x.example/news"])
def test_a_list_that_is_all_new_under_the_guids_of_its_places_is_all_new(guids: list[str], url: str) -> None:
    def shown(those: list[str]) -> list[Entry]:
        marks = zip(those, guids, strict=True)
        return [entry(title, title=title, guid=guid, url=url, dated="missing") for title, guid in marks]

    feed = Follower()
    feed.poll(*shown(MORNING))
    changes = feed.poll(*shown(EVENING))
    assert (titles(changes.new), changes.changed) == (EVENING, ())
    again = feed.poll(*shown(EVENING))
    assert (again.new, again.changed) == ((), ())
    # Known entries that come back are recognised, and a title with more words is an edit.
    changes = feed.poll(*shown([MORNING[0], EVENING[0], EVENING[1]]))
    assert (changes.new, changes.changed) == ((), ())
    changes = feed.poll(*shown([f"{EVENING[0]} in Graz", *EVENING[1:]]))
    assert (changes.new, titles(changes.changed)) == ((), [f"{EVENING[0]} in Graz"])


def test_an_entry_that_leaves_a_list_of_places_is_not_overwritten() -> None:
    feed = Follower()
    feed.poll(*(entry(title, guid=f"{place}", url="", dated="missing") for place, title in enumerate("abc")))
    shown = enumerate(["new", "a", "b"])
    changes = feed.poll(*(entry(title, guid=f"{place}", url="", dated="missing") for place, title in shown))
    assert (titles(changes.new), changes.changed) == (["Title new"], ())


def test_an_undated_article_at_a_place_keeps_its_own_link() -> None:
    feed = Follower()
    own = "https://x.example/2024/testers-leak-openai-tool-sora"
    feed.poll(entry("a", title="Testers leak Sora", guid="1", url=own, dated="missing"))
    changes = feed.poll(entry("a", title="OpenAI shuts access", guid="1", url=own, dated="missing"))
    assert (changes.new, titles(changes.changed)) == ((), ["OpenAI shuts access"])


def test_one_of_several_undated_entries_under_one_title_is_edited() -> None:
    feed = Follower()
    feed.poll(*(entry(n, title="Podcast", dated="missing") for n in "abc"))
    edited = (entry(n, title="Podcast" + " of today" * (n == "c"), dated="missing") for n in "abc")
    changes = feed.poll(*edited)
    assert (titles(changes.changed), changes.new) == (["Podcast of today"], ())


def test_spellings_of_an_address() -> None:
    guids, urls = spellings(Document(entries=(entry("17", guid="guid-17", url="https://www.x.example/a"),)))
    assert "http://x.example/a/" in urls
    assert guids == {"guid-17"}


def test_an_entry_repeated_in_one_document_is_one() -> None:
    feed = Follower()
    twice = (entry("a", guid="1"), entry("a", guid="1 2"))
    assert len(feed.poll(*twice).new) == 1
    again = feed.poll(*twice)
    assert not again.new
    assert not again.changed


def test_another_text_under_a_columns_title_is_not_a_repetition() -> None:
    column: dict[str, Any] = {"title": "News in brief", "url": "https://x.example/brief", "dated": "missing"}
    items = [entry("", guid=str(number), summary=f"Text {number}.", **column) for number in (1, 2, 2, 3)]
    assert len(Follower().poll(*items[:2], replace(items[2], guid="2b"), items[3]).new) == 3


def test_without_link_repeats_are_kept_apart() -> None:
    assert len(Follower().poll(entry("a", guid="1", url=""), entry("a", guid="2", url="")).new) == 2


@pytest.mark.parametrize("dated", ["publisher", "missing"])
def test_the_id_of_a_visit_in_the_link_does_not_make_an_entry_new(dated: str) -> None:
    follower = Follower()
    for visit in range(4):
        url = f"https://x.example/article.php?id=7&PHPSESSID={visit}"
        changes = follower.poll(entry("a", guid=url, url=url, dated=dated))
        assert len(changes.new) == (visit == 0)


@pytest.mark.parametrize("dated", ["publisher", "missing"])
@pytest.mark.parametrize(
    ("title", "url"),
    [
        ("Sora lands ({} comments)", "https://x.example/a?comments={}"),
        ("Sora lands [{} Kommentare]", "https://x.example/a?x=1&k={}"),
        ("Sora lands · {} points, {} comments", "https://x.example/a?c={}&from=7"),
        ("Sora lands", "https://x.example/a?num_comments={}"),
    ],
)
def test_a_count_in_title_and_link_does_not_make_an_entry_new(title: str, url: str, dated: str) -> None:
    follower = Follower()
    for count in (3, 4, 17):
        link = url.format(count)
        changes = follower.poll(
            entry("a", title=title.format(count, count), guid=link, url=link, dated=dated)
        )
        assert len(changes.new) == (count == 3)


def test_each_comment_on_a_page_is_an_entry() -> None:
    follower = Follower()
    for number in (1, 2, 3):
        link = f"https://x.example/a#comment-{number}"
        other = f"https://x.example/a?comment={number}"
        new = follower.poll(
            *(entry("a", title="Re: Sora", guid=url, url=url, age=-number * DAY) for url in (link, other))
        ).new
        assert len(new) == 2


@pytest.mark.parametrize("dated", ["publisher", "missing"])
def test_however_a_link_writes_its_letters_it_is_one(dated: str) -> None:
    follower = Follower()
    spelt = (
        "künstler",
        unicodedata.normalize("NFD", "künstler"),
        "k%c3%bcnstler",
        "k%C3%BCnstler",
        "ku%CC%88nstler",
    )
    for number, word in enumerate(spelt):
        link = f"https://x.example/{word}"
        changes = follower.poll(entry("a", guid=link, url=canonical_url(link), dated=dated))
        assert len(changes.new) == (number == 0)


def test_a_link_to_another_language_edition_is_not_new_although_its_date_is_todays() -> None:
    follower = Follower()
    for day, language in enumerate(("en", "es", "pt-br", "fr")):
        link = f"https://x.example/{language}/blog/union"
        changes = follower.poll(entry("a", guid=link, url=link, age=-day * DAY, summary="Text."))
        assert len(changes.new) == (day == 0)


def test_a_blog_that_moves_and_writes_midnight_in_another_zone_repeats_nothing() -> None:
    follower = Follower()
    before: dict[str, Any] = {
        "guid": "/2024/12/9/union-sues-the-studio",
        "url": "https://x.example/2024/12/9/union-sues-the-studio.html",
    }
    after: dict[str, Any] = {
        "guid": "https://x.example/blog/union-sues-the-studio/",
        "url": "https://x.example/blog/union-sues-the-studio/",
    }
    follower.poll(entry("a", **before))
    assert not follower.poll(entry("a", age=timedelta(hours=2), **after)).new
    # The same text a day later is a new entry.
    url = "https://x.example/daily/union-sues-the-studio/"
    assert follower.poll(entry("a", age=timedelta(hours=2) - DAY, guid=url, url=url)).new
    assert follower.poll(
        entry("a", age=-DAY, **{**after, "url": "https://x.example/9/union-sues-the-studio"}, title="B")
    ).new


def test_an_article_whose_guid_is_made_of_its_headline_keeps_its_date() -> None:
    follower = Follower()
    article: dict[str, Any] = {
        "url": "https://x.example/2024/12/court-bans-clips",
        "age": timedelta(minutes=7),
    }
    follower.poll(entry("a", guid="9f2c", title="Studio signs licence deal", **article))
    changes = follower.poll(entry("a", guid="77ab", title="Why the unions fear it", **article))
    assert (len(changes.changed), changes.new) == (1, ())
    # A page of the day may be dated midnight twice, which is not the real time.
    for hour in (0, 23):
        midnight: dict[str, Any] = {**article, "age": START - START.replace(hour=hour)}
        follower = Follower()
        follower.poll(entry("b", guid="1", title="Court bans clips of voice actors", **midnight))
        assert follower.poll(entry("b", guid="2", title="Minister wants a levy", **midnight)).new


@pytest.mark.parametrize(
    ("fields", "apart"),
    [
        pytest.param({"guid": "{}", "url": "https://x.example/{}"}, NOTHING, id="one instant"),
        pytest.param({"url": "https://x.example/{}"}, START - START.replace(hour=0), id="one day, no guid"),
        pytest.param({"url": "https://x.example/{}"}, START - START.replace(hour=23), id="of Berlin"),
        pytest.param({"guid": "{}", "url": "https://x.example/"}, timedelta(hours=1), id="links home"),
        pytest.param({"guid": "{}", "url": "https://x.example/brief"}, timedelta(hours=1), id="one link"),
        pytest.param({"guid": "{}", "url": "https://x.example/brief", "dated": "missing"}, DAY, id="undated"),
        pytest.param({"url": "https://x.example/brief"}, timedelta(hours=6), id="one page"),
        pytest.param(
            {"guid": "{}", "url": "https://x.example/letter", "title": "What the week in AI has brought"},
            7 * DAY,
            id="longer title",
        ),
    ],
)
def test_each_text_under_a_columns_title_is_news(fields: dict[str, str], apart: timedelta) -> None:
    def item(number: int, at: timedelta, **more: Any) -> Entry:
        given = {"title": "News in brief"} | {key: value.format(number) for key, value in fields.items()}
        given.setdefault("guid", given["url"])
        return entry("", summary=f"Text {number}.", age=at, **{**given, **more})

    follower = Follower()
    midnight = "guid" not in fields and "{}" in fields["url"]
    ages = [apart, apart, apart] if midnight else [-n * apart for n in range(3)]
    for number, age in enumerate(ages):
        changes = follower.poll(item(number, age), after=apart or DAY)
        assert len(changes.new) == 1
    # The text of the last one under another guid is the same entry, with a guid drawn anew.
    if "guid" in fields:
        assert not follower.poll(item(2, ages[2], guid="anew"), after=DAY / 9).new


def test_a_short_title_moves_with_its_site_though_its_text_is_edited() -> None:
    follower = Follower()
    age = timedelta(minutes=7)
    follower.poll(
        entry("", title="Strike", guid="https://a.example/?p=1", url="https://a.example/strike", age=age)
    )
    moved: dict[str, Any] = {
        "guid": "https://b.example/?p=1",
        "url": "https://b.example/news/strike",
        "summary": "More.",
    }
    assert follower.poll(entry("", title="Strike", age=age, **moved)).changed


def test_a_headline_edited_with_its_link_and_guid_keeps_its_instant_or_its_number() -> None:
    def headed(title: str, slug: str, **fields: Any) -> Entry:
        return entry(
            slug, guid=f"https://x.example/{slug}", url=f"https://x.example/{slug}", title=title, **fields
        )

    follower = Follower()
    follower.poll(headed("Actors in Rome walk out", "actors-walk-out"))
    assert follower.poll(headed("Actors in Rome and Milan walk out", "actors-of-rome-and-milan")).changed
    # Another part of a series, an entry that only has the same day, and one with other words are not edits.
    assert follower.poll(headed("Actors in Rome and Milan walk out, part 2", "part-two")).new
    assert follower.poll(headed("A minister wants a levy", "levy")).new
    for hour, name in ((12, "Singers"), (4, "Dubbers"), (17.5, "Painters")):
        midnight = timedelta(hours=hour)  # in London, Los Angeles, Delhi
        assert follower.poll(headed(f"{name} in Graz sue", name, age=midnight)).new
        assert follower.poll(headed(f"{name} in Graz sue again", f"{name}-again", age=midnight)).new
    for number, dated in (("1234567", "missing"), ("a-3f1c2b9e-4a01", "publisher")):
        follower = Follower()
        follower.poll(headed("Actors in Rome walk out", f"p/actors-{number}.html", dated=dated))
        new_head = headed("Das sagt die Union", f"p/union-{number}.html", dated=dated, age=-DAY)
        assert follower.poll(new_head).changed
        assert follower.poll(headed("Quite another", f"p/other-{number}.html", age=-30 * DAY)).new
    for post in ("#5", "#6", "?post=7", "?post=8"):
        assert follower.poll(headed(f"Other words of {post}", f"live-7654321{post}")).new
    assert follower.poll(headed("Monday", "p/day-20241209")).new
    assert follower.poll(headed("What else was there", "p/night-20241209", age=-DAY)).new


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param("judge-frees-500000", "500000-authors-may-claim", id="round figure"),
        pytest.param("Union has 123,456 members: union-has-123456", "members-123456", id="figure of a title"),
        pytest.param("1234567th-clip", "1234567th-song", id="ordinal"),
        pytest.param("fabaceae", "how-we-drew-fabaceae", id="word of a to f"),
        pytest.param("news/1001234-strike", "video/1001234-how-it-works", id="two sections"),
        pytest.param("what-came-241205.html", "what-else-was-there-241205.html", id="day"),
        pytest.param("vorschau-05122024", "rueckblick-05122024", id="day, day first"),
        pytest.param("first-2024120507", "second-2024120507", id="hour"),
        pytest.param("films-of-202412", "best-songs-202412", id="month"),
        pytest.param("live-1234567-post-5", "live-1234567-post-6", id="post of a live page"),
        pytest.param("67810584/complaint-67810584", "67810584/reply-67810584", id="case"),
        pytest.param("chip-285123-tested", "prices-of-chip-285123-fall", id="product"),
    ],
)
def test_a_number_that_is_not_an_articles_own_does_not_join_two_articles(before: str, after: str) -> None:
    follower = Follower()
    for age, named in ((DAY, before), (NOTHING, after)):
        title, _, link = named.rpartition(": ")
        url = f"https://x.example/{link}"
        article = entry("", guid=url, url=url, title=title or f"Words {len(named)}", age=age)
        assert len(follower.poll(article, entry("another")).new) == (2 if named == before else 1)


@pytest.mark.parametrize("fields", [TODAY, {"guid": "latest", "url": "https://x.example/show"}])
def test_the_page_of_the_day_is_another_each_day_though_its_title_stays(fields: dict[str, Any]) -> None:
    follower = Follower()
    for day in range(3):
        changes = follower.poll(entry("Briefing", age=-day * DAY, summary=f"News {day}.", **fields))
        assert len(changes.new) == 1
    assert follower.poll(
        entry("Briefing", age=-2 * DAY, summary="News 2, more.", **fields), after=DAY / 9
    ).changed
    # An entry that only has a new date is the same one; beside others that are unchanged, it was edited.
    assert follower.poll(entry("Briefing", age=-5 * DAY, summary="News 2, more.", **fields)) == Changes()
    others = [entry(name) for name in "abc"]
    follower.poll(*others, entry("Briefing", age=-6 * DAY, summary="Edited.", **fields))
    assert follower.poll(*others, entry("Briefing", age=-7 * DAY, summary="Again.", **fields)).changed


@pytest.mark.parametrize(("pages", "new"), [("ab", 2), ("abc", 0)])
def test_more_pages_than_two_that_are_dated_anew_with_other_texts_are_articles_edited(
    pages: str, new: int
) -> None:
    def issue(day: int) -> list[Entry]:
        links = [(page, f"https://x.example/{page}") for page in pages]
        return [
            entry(page, guid=link, url=link, age=-day * DAY, summary=f"Text {day}.") for page, link in links
        ]

    follower = Follower()
    follower.poll(*issue(0))
    assert len(follower.poll(*issue(1)).new) == new


def test_an_entry_without_guid_and_link_that_is_dated_anew_each_time_is_one() -> None:
    follower = Follower()
    for visit in range(4):
        changes = follower.poll(
            entry("a", guid=f"made of {visit}", url="", age=-visit * DAY, summary="Same.")
        )
        assert len(changes.new) == (visit == 0)
    assert len(follower.poll(entry("a", guid="b", url="", age=-5 * DAY, summary="Other.")).new) == 1


def test_a_column_of_one_title_is_new_in_each_number() -> None:
    follower = Follower()
    for number in range(4):
        url = f"https://x.example/show?number={number}"
        changes = follower.poll(entry("a", guid=url, url=url, age=-number * DAY, title="The week in Sora"))
        assert len(changes.new) == 1


def test_new_entries_keep_the_order_of_the_document() -> None:
    assert titles(Follower().poll(*map(entry, "dbca")).new) == ["Title d", "Title b", "Title c", "Title a"]


def test_a_first_document_is_backlog_but_for_the_last_days() -> None:
    changes = Follower().poll(
        entry("now"),
        entry("just", age=BACKLOG),
        entry("old", age=BACKLOG + timedelta(seconds=1)),
        entry("undated", dated="missing"),
        entry("ahead", dated="future"),
    )
    assert [(one.title, one.backlog) for one in changes.new] == [
        ("Title now", False),
        ("Title just", False),
        ("Title old", True),
        ("Title undated", True),
        ("Title ahead", False),
    ]


@pytest.mark.parametrize(
    ("waited", "news"),
    [
        (timedelta(0), ["just"]),
        (5 * DAY, ["just", "since", "eve"]),
        (400 * DAY, ["just", "since", "eve", "fortnight"]),
        (-400 * DAY, ["just"]),
    ],
    ids=["read at once", "failed for five days", "clock was back", "clock was ahead"],
)
def test_what_a_feed_brought_while_it_could_not_be_read_is_late(waited: timedelta, news: list[str]) -> None:
    ages = {
        "just": BACKLOG,
        "since": 4 * DAY,
        "eve": 5 * DAY + BACKLOG,
        "fortnight": 10 * DAY,
        "old": 17 * DAY,
    }
    changes = Follower(listed_since=START - waited).poll(*(entry(name, age=ages[name]) for name in ages))
    assert [one.title for one in changes.new if not one.backlog] == [f"Title {name}" for name in news]
    assert [one.late for one in changes.new if not one.backlog] == [name != "just" for name in news]


def test_later_nothing_is_held_back_and_what_has_an_old_date_is_late() -> None:
    feed = Follower()
    feed.poll(entry("a"))
    changes = feed.poll(entry("undated", dated="missing"), entry("old", age=10 * DAY), entry("a"))
    assert [(one.backlog, one.late) for one in changes.new] == [(False, False), (False, True)]


def test_a_document_of_only_newer_entries_has_a_gap_before_it() -> None:
    feed = Follower()
    assert not feed.poll(entry("a"), entry("b")).gap
    assert not feed.poll(entry("b"), entry("c", age=-DAY / 2)).gap
    assert feed.poll(entry("x", age=-DAY), entry("y", age=-DAY)).gap


def test_a_pinned_entry_does_not_hide_a_gap_and_a_withdrawn_one_makes_none() -> None:
    pinned = entry("pinned", age=90 * DAY)
    feed = Follower()
    feed.poll(pinned, *(entry(n, age=DAY) for n in "abcde"))
    assert feed.poll(pinned, *(entry(n, age=-DAY) for n in "vwxyz")).gap
    assert not feed.poll(pinned, *(entry(n, age=-DAY) for n in "vwxy"), entry("new", age=-2 * DAY)).gap


@pytest.mark.parametrize("dated", ["publisher", "missing"])
def test_a_pinned_entry_with_a_new_date_each_time_does_not_hide_a_gap(dated: str) -> None:
    feed = Follower()
    feed.poll(entry("pinned", dated=dated), *(entry(n, age=2 * DAY) for n in "abcde"))
    feed.poll(entry("pinned", dated=dated, age=-DAY), *(entry(n, age=2 * DAY) for n in "abcde"))
    later = [entry(n, age=-1.9 * DAY) for n in "vwxyz"]
    assert feed.poll(entry("pinned", dated=dated, age=-2 * DAY), *later).gap


def test_a_lone_entry_without_a_date_is_not_pinned_where_none_has_one() -> None:
    feed = Follower()
    feed.poll(*(entry(n, dated="missing") for n in "abc"))
    assert not feed.poll(*(entry(n, dated="missing") for n in "vwxyza")).gap


def test_an_edit_among_a_few_new_entries_is_not_a_pinned_entry() -> None:
    feed = Follower()
    feed.poll(*(entry(n, age=DAY) for n in "abc"))
    assert not feed.poll(*(entry(n, age=-DAY) for n in "xyz"), entry("a", age=-DAY, title="Title a!")).gap


@pytest.mark.parametrize(("newer", "gap"), [("vwxy", True), ("vwx", False)])
def test_one_of_five_may_be_older_than_all_that_was_known(newer: str, gap: bool) -> None:
    feed = Follower()
    feed.poll(*(entry(n) for n in "abc"))
    assert feed.poll(entry("older", age=2 * DAY), *(entry(n, age=-DAY) for n in newer)).gap == gap


@pytest.mark.parametrize(
    ("complete", "awaits_rest", "gap"), [(True, True, True), (False, True, False), (False, False, True)]
)
def test_entries_that_may_still_come_are_not_a_gap(complete: bool, awaits_rest: bool, gap: bool) -> None:
    feed = Follower()
    feed.poll(*(entry(n) for n in "abc"))
    newer = tuple(entry(n, age=-DAY, first_seen=START + DAY) for n in "vwxyz")
    changes = compare(
        Document(entries=newer, complete=complete),
        tuple(feed.known.values()),
        followed_since=START,
        listed_since=START,
        backlog=BACKLOG,
        now=START + DAY,
        awaits_rest=awaits_rest,
    )
    assert changes.gap == gap


def test_a_first_document_without_entries_leaves_the_backlog_to_the_next() -> None:
    feed = Follower()
    feed.poll()
    changes = feed.poll(entry("old", age=9 * DAY), entry("now", age=-DAY), entry("undated", dated="missing"))
    assert [(one.backlog, one.late) for one in changes.new] == [(True, False), (False, False), (False, False)]


def test_an_archive_that_is_opened_at_once_is_held_back() -> None:
    feed = Follower()
    feed.poll(entry("a"))
    old = [entry(str(n), age=n * 30 * DAY) for n in range(1, 21)]
    changes = feed.poll(entry("b", age=-2 * DAY), *old, after=5 * DAY)
    assert {one.title: one.late for one in changes.new if not one.backlog} == {"Title b": True}
    assert sum(one.backlog for one in changes.new) == 20


def test_there_is_no_gap_if_old_entries_appear_or_none() -> None:
    feed = Follower()
    feed.poll(entry("a"))
    assert not feed.poll(entry("old", age=9 * DAY), entry("new", age=-DAY)).gap
    assert not feed.poll().gap


def test_no_gap_before_the_first_entries() -> None:
    feed = Follower()
    feed.poll()
    assert not feed.poll(entry("a")).gap


def drawn(token: str, *, hours: int, title: str = "Studio signs away its voices, writers walk out") -> Entry:
    """Return an entry of a news search, whose guid and link are one token."""
    return entry(token, url=f"https://x.example/articles/{token}", title=title, age=timedelta(hours=-hours))


def test_an_article_whose_guid_link_and_hour_are_drawn_anew_is_still_that_article() -> None:
    feed = Follower()
    feed.poll(drawn("CBMi7wFBVV95cUxN", hours=0))
    for hour, token in enumerate(("CBMi8AFBVV95cUxO", "CBMi9QFBVV95cUxP", "CBMi1gFBVV95cUxQ"), 1):
        assert not feed.poll(drawn(token, hours=hour), after=timedelta(hours=3)).new


@pytest.mark.parametrize(
    "other",
    [
        drawn("CBMi8AFBVV95cUxO", hours=24),
        drawn("CBMi8AFBVV95cUxO", hours=1, title="In brief"),
        replace(drawn("CBMi8AFBVV95cUxO", hours=1), summary="Another text."),
        replace(drawn("CBMi8AFBVV95cUxO", hours=1), url="https://x.example/other/CBMi8AFBVV95cUxO"),
        drawn("writers-walk-out-again", hours=1),
        replace(drawn("CBMi8AFBVV95cUxO", hours=1), outlet="Another paper"),
    ],
    ids=[
        "another day",
        "a column's title",
        "another text",
        "another place",
        "a written link",
        "another outlet",
    ],
)
def test_a_like_title_alone_makes_no_drawn_link_that_of_a_known_article(other: Entry) -> None:
    feed = Follower()
    feed.poll(drawn("CBMi7wFBVV95cUxN", hours=0, title=other.title))
    assert feed.poll(other, after=timedelta(hours=3)).new


def test_a_hostile_link_takes_no_time_to_be_compared() -> None:
    feed, title = Follower(), "Studio signs away its voices, writers walk out"
    bomb = "aA1" * 800
    feed.poll(entry("a", url=f"https://x.example/{bomb}.", title=title))
    began = time.process_time()
    feed.poll(entry("b", url=f"https://x.example/{bomb}!", title=title, age=timedelta(hours=-2)))
    assert time.process_time() - began < 2


@pytest.mark.parametrize(
    ("url", "home", "expected"),
    [
        ("https://x.example/", "", True),
        ("https://x.example", "", True),
        ("https://x.example/?p=5", "", False),
        ("https://x.example/news", "https://x.example/news", True),
        ("https://x.example/news", "https://x.example/", False),
        ("guid-17", "", False),
        ("", "", False),
        ("http://[", "", False),
    ],
)
def test_is_home(url: str, home: str, expected: bool) -> None:
    assert is_home(url, home) is expected


ENTRIES = st.builds(
    entry,
    st.sampled_from("abc"),
    age=st.integers(-3, 3).map(lambda days: days * DAY),
    guid=st.sampled_from(["1", "2", "3"]),
    url=st.sampled_from(["", "https://x.example/", "https://x.example/1", "https://x.example/2"]),
    title=st.sampled_from(["One", "Two", ""]),
    dated=st.sampled_from(["publisher", "missing"]),
)
DOCUMENTS = st.lists(st.lists(ENTRIES, unique_by=lambda one: one.guid, max_size=3), max_size=4)


@given(DOCUMENTS)
def test_no_entry_is_new_twice_in_a_row_and_ids_stay_unique_whatever_comes(
    documents: list[list[Entry]],
) -> None:
    feed = Follower()
    for entries in documents:
        matched = [one.id for one in matches(entries, "", tuple(feed.known.values())).values()]
        assert len(set(matched)) == len(matched)
        feed.poll(*entries)
        assert not feed.poll(*entries, after=NOTHING).new


def test_the_first_entries_of_an_empty_feed_are_backlog_only_if_from_before_we_followed_it() -> None:
    feed = Follower()
    feed.poll()
    feed.poll(after=10 * DAY)
    (first, second) = feed.poll(entry("since", age=-DAY), entry("before", age=DAY)).new
    assert (first.backlog, first.late) == (False, True)
    assert (second.backlog, second.late) == (True, False)
