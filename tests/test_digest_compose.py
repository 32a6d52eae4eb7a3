"""What a digest contains: news but no backlog, each report once, the most important story first."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from monitor.digest import DigestInput, Due, Settings, compose, present
from monitor.models import Entry, Feed, FeedHealth, Join, Report, Story, Tagging, Window

END = datetime(2026, 11, 23, 6, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
DUE = Due(date=date(2026, 11, 23), window=Window(start=END - 24 * HOUR, end=END))
FEEDS = {
    url: Feed(url=url, title=title, family=family)
    for url, title, family in (
        ("https://a.example/feed", "Morning Ledger", "Ledger Group"),
        ("https://b.example/feed", "Evening Ledger", "ledger group"),
        ("https://me:secret@c.example/feed", "", ""),
    )
}
A, B, C = FEEDS
SETTINGS = Settings()


def entry(number, *, age=3.0, feed=A, **values):
    seen = END - age * HOUR
    defaults = {
        "id": number,
        "feed": feed,
        "url": f"https://a.example/{number}",
        "title": f"Title {number}",
        "language": "en",
        "published": seen,
        "first_seen": seen,
        "tagging": Tagging(beats=("sora",), score=1.5),
    }
    return Entry(**(defaults | values))


def story(number, *entries, **values):
    defaults = {
        "id": number,
        "entries": entries,
        "title": entries[0].title,
        "lead": entries[0].id,
        "beats": ("sora",),
        "first_seen": min(report.first_seen for report in entries),
        "last_seen": max(report.first_seen for report in entries),
        "sources": len(entries),
    }
    return Story(**(defaults | values))


def made(*stories, settings=SETTINGS, old=(), **digest_input):
    """Compose a digest in which all reports are news if seen in time, except those in `old`."""
    news = {report.id for one in stories for report in one.entries if report.first_seen <= END} - set(old)
    made_of = {"stories": stories, "news": news, "reported": old, "feeds": FEEDS} | digest_input
    return compose(DUE, DigestInput(**made_of), settings, END)


def test_a_story_with_a_new_report_is_reported_with_all_its_reports_new_ones_first():
    shown = made(story(7, entry(1, age=50), entry(2, age=5), entry(3, age=2)), old={1}).stories
    assert [(report.entry, report.new) for report in shown[0].reports] == [(3, True), (2, True), (1, False)]
    assert not shown[0].new


def test_a_story_is_new_until_a_digest_has_reported_of_it():
    assert made(story(7, entry(1))).stories[0].new
    assert not made(story(7, entry(1), entry(2)), old={1}).stories[0].new
    # A look back at a day whose digest was made: what it reported was new then.
    assert made(story(7, entry(1)), reported={1}).stories[0].new


def test_entries_that_are_not_news_put_no_story_in_the_digest():
    assert made(story(7, entry(1)), old={1}).stories == ()
    assert made(story(7, entry(1, age=-1))).stories == ()


def test_news_of_the_store_is_reported_although_a_wrong_clock_saw_it_later():
    digest_input = DigestInput(stories=[story(7, entry(1, age=-40 * 24))], news={1}, feeds=FEEDS)
    (shown,) = compose(DUE, digest_input, Settings(), END).stories
    assert ([report.entry for report in shown.reports], shown.day) == ([1], 1)


def test_what_was_reported_is_an_older_report_of_a_story_that_has_news():
    shown = made(story(7, entry(1), entry(2)), old={1}).stories[0]
    assert [(report.entry, report.new) for report in shown.reports] == [(2, True), (1, False)]


def test_a_report_seen_after_the_window_is_left_out_of_the_story():
    shown = made(story(7, entry(1), entry(2, age=-1))).stories[0]
    assert [report.entry for report in shown.reports] == [1]
    assert (shown.sources, shown.last_seen) == (1, END - 3 * HOUR)


def test_when_the_lead_was_seen_later_the_first_report_speaks_for_the_story():
    late = entry(2, age=-1, title="Later", summary="Later words")
    shown = made(story(7, entry(1, summary="Early words"), late, title="Later", lead=2)).stories[0]
    assert (shown.title, shown.summary, shown.url) == ("Title 1", "Early words", "https://a.example/1")


def test_a_late_report_says_so_and_the_receipt_counts_it():
    shown = made(story(7, entry(1, late=True), entry(2), entry(3, late=True)), old={3}, held_back=4)
    assert {report.entry: report.late for report in shown.stories[0].reports} == {1: True, 2: False, 3: True}
    assert [report.entry for report in shown.late] == [1]
    assert (shown.receipt.late, shown.receipt.held_back) == (1, 4)


def test_summary_outlet_and_link_are_the_leads_and_the_feeds_address_holds_no_secret():
    link = "https://c.example/article.pl?sid=4711&author=jane"
    found = made(story(7, entry(1, feed=C, url=link, summary="Words"), summary="Words"))
    shown = found.stories[0]
    assert (shown.summary, shown.summary_outlet) == ("Words", "c.example")
    assert "secret" not in shown.reports[0].feed
    assert shown.url == shown.reports[0].url == link


def test_an_aggregators_source_is_the_outlet():
    assert made(story(7, entry(1, outlet="Stage & Screen"))).stories[0].reports[0].outlet == "Stage & Screen"


def test_text_is_cleaned_on_its_way_in():
    assert made(story(7, entry(1), title="A\u202e\n\x00title")).stories[0].title == "A title"


@pytest.mark.parametrize(("hours", "day"), [(1, 1), (23, 1), (25, 2), (47, 2), (49, 3), (-5, 1)])
def test_the_day_counts_from_digest_to_digest(hours, day):
    assert made(story(7, entry(1, age=hours), entry(2))).stories[0].day == day


def test_the_steps_before_and_after_are_linked_when_their_titles_are_known():
    stories = story(7, entry(1), related=(8, 9), before=8, after=11), story(8, entry(2), before=10, after=7)
    shown = made(*stories, titles={9: "Kin", 11: "After"}).stories
    seven = next(one for one in shown if one.id == 7)
    assert [link.title for link in (*seven.before, *seven.after)] == ["Title 2", "After"]
    assert seven.related == ((8, "Title 2"), (9, "Kin"))
    eight = next(one for one in shown if one.id == 8)
    assert [link.title for link in (*eight.before, *eight.after)] == ["Title 1"]


def test_a_story_that_went_on_keeps_the_title_under_which_it_began():
    assert made(story(7, entry(1), first_title="It begins")).stories[0].first_title == "It begins"


def test_the_most_important_leads_and_the_others_follow_by_section_and_importance():
    opinion = story(1, entry(1), kind="opinion", themes=("human-creativity",), beats=("x",))
    ruling = story(2, entry(2), kind="ruling", themes=("copyright",), beats=("x",))
    large = story(
        3, *(entry(n, feed=f"https://{n}.example/") for n in range(10, 14)), kind="ruling", beats=("x",)
    )
    launch = story(4, entry(4), entry(5, feed=C), kind="launch")
    shown = made(opinion, ruling, launch, large, old={13}).stories
    assert [(one.id, one.section, one.lead) for one in shown] == [
        (3, "law", True),
        (4, "sora", False),
        (2, "law", False),
        (1, "debate", False),
    ]


def copied(*entries, of):
    """Return the joins of entries that are all copies of one of them."""
    return tuple(
        Join(entry=one.id, similarity=1.0, reason="", copy_of=None if one.id == of else of) for one in entries
    )


def test_a_copy_is_no_report_of_its_own_and_a_later_one_is_no_news():
    both = entry(1), entry(2, feed=B)
    shown = made(story(7, *both, sources=2, joins=copied(*both, of=1)))
    assert [(r.entry, [c.outlet for c in r.also_in]) for r in shown.stories[0].reports] == [
        (1, ["Evening Ledger"])
    ]
    assert (shown.reported, shown.stories[0].sources, shown.receipt.reports) == ((1, 2), 1, 1)
    later = made(story(7, *both, joins=copied(*both, of=1)), old={1})
    assert (later.stories, later.copies, later.reported) == ((), (2,), (2,))


def test_a_copy_of_a_held_back_entry_is_reported_and_one_of_a_reported_entry_is_not():
    both = entry(1, backlog=True), entry(2, feed=B)
    joined = story(7, *both, joins=copied(*both, of=1), lead=2, title="Title 2")
    shown = made(joined, news={2})
    assert [(r.entry, r.new) for r in shown.stories[0].reports] == [(2, True)]
    assert shown.reported == (2, 1)
    later = made(joined, old={1})
    assert (later.stories, later.copies) == ((), (2,))


def test_the_original_speaks_for_a_report_though_a_copy_of_the_same_poll_was_stored_before_it():
    both = entry(1), entry(2, feed=B)
    joined = story(7, *both, joins=copied(*both, of=2), lead=9)
    (report,) = made(joined).stories[0].reports
    assert (report.entry, [copy.entry for copy in report.also_in]) == (2, [1])


def test_the_copy_that_the_title_is_from_speaks_for_its_report():
    both = entry(1), entry(2, feed=B)
    shown = made(story(7, *both, joins=copied(*both, of=1), lead=2, title="Title 2"))
    assert [(r.entry, [c.entry for c in r.also_in]) for r in shown.stories[0].reports] == [(2, [1])]


def test_what_may_be_in_scope_makes_at_most_five_lines_and_is_reported():
    unsure = [entry(n, tagging=Tagging(beats=("x",), certainty=n / 10, shelf="perhaps")) for n in range(1, 8)]
    shown = made(perhaps=[Report(one) for one in unsure])
    assert [report.entry for report in shown.perhaps] == [7, 6, 5, 4, 3]
    assert (shown.stories, shown.reported) == ((), (7, 6, 5, 4, 3))
    assert shown.receipt.unnamed == 2
    # If entries named by earlier digests are reported again, they take no room from the others.
    again = made(perhaps=[Report(one) for one in unsure], named={1, 7})
    assert [report.entry for report in again.perhaps] == [7, 6, 5, 4, 3, 2, 1]
    assert again.receipt.unnamed == 0
    assert [
        report.entry for report in made(perhaps=[Report(unsure[0], (unsure[1],))], named={2}).perhaps
    ] == [1]


def test_copies_of_what_may_be_in_scope_are_one_line_and_all_reported():
    shown = made(perhaps=[Report(entry(1), (entry(2, feed=B),))], repeated=[3])
    assert [(line.entry, [copy.outlet for copy in line.also_in]) for line in shown.perhaps] == [
        (1, ["Evening Ledger"])
    ]
    assert (shown.reported, shown.receipt.unnamed) == ((1, 2, 3), 0)


def test_trends_and_near_misses_come_with_the_first_digest_of_a_week():
    monday, tuesday = DUE, replace(DUE, window=Window(start=END, end=END + 24 * HOUR))
    overview: Any
    for overview, expected in (("weekly", [True, False]), ("daily", [True, True]), ("never", [False, False])):
        settings = Settings(overview=overview)
        digests = [compose(due, DigestInput(feeds=FEEDS), settings, END) for due in (monday, tuesday)]
        assert [digest.overview for digest in digests] == expected


def test_the_order_of_the_input_does_not_matter():
    stories = [story(number, entry(number)) for number in range(1, 6)]
    assert made(*stories) == made(*reversed(stories))


def test_the_receipt_counts_new_reports_and_a_publisher_once():
    shown = made(
        story(7, entry(1), entry(2, feed=B), entry(3, feed=C), entry(4, age=40)),
        old={4},
        polls=5,
        publishers={1: "family:ledger", 2: "family:ledger", 3: "site:c.example", 4: "site:d.example"},
    ).receipt
    assert (shown.stories, shown.reports, shown.sources, shown.polls) == (1, 3, 2, 5)


def test_the_receipt_keeps_what_it_was_given():
    health = FeedHealth(url=A, title="Morning Ledger", state="ok")
    receipt = made(
        healths=[health],
        entries=9,
        relevant=4,
        gaps=[("Morning Ledger", 2)],
        failed_deliveries=["mail: 550\nno such user"],
        version="1.0.0",
    ).receipt
    assert (receipt.feeds, receipt.entries, receipt.relevant) == ((health,), 9, 4)
    assert receipt.gaps == (("Morning Ledger", 2),)
    assert receipt.failed_deliveries == ("mail: 550 no such user",)


def test_five_near_misses_the_nearest_first_and_none_that_is_relevant():
    near = [entry(n, tagging=Tagging(score=n / 10, near=f"sora: lacks {n}")) for n in range(1, 8)]
    relevant = entry(8, tagging=Tagging(beats=("sora",), near="x", score=0.99))
    hopeless = entry(9, tagging=Tagging(score=0.98))
    misses = made(near_misses=[*near, relevant, hopeless]).receipt.near_misses
    assert [miss.entry for miss in misses] == [7, 6, 5, 4, 3]
    assert misses[0].why == "sora: lacks 7"


def test_trends_count_fourteen_days_back_from_the_windows_end_in_the_order_of_the_labels():
    recent = [
        (END, ("copyright", "leak")),
        (END - 23 * HOUR, ("leak",)),
        (END - 25 * HOUR, ("leak",)),
        (END - 14 * 24 * HOUR + HOUR, ("leak",)),
        (END - 14 * 24 * HOUR, ("leak",)),
        (END + HOUR, ("leak",)),
    ]
    trends = made(recent=recent, labels=[("leak", "Leaks"), ("pay", "Pay"), ("copyright", "©")]).trends
    assert [trend.theme for trend in trends] == ["leak", "copyright"]
    assert trends[0].counts == (1, *[0] * 11, 1, 2)


def test_a_story_is_presented_for_an_alert_with_all_its_reports_new():
    shown = present(story(7, entry(1), entry(2, language="de")), FEEDS, SETTINGS, END)
    assert shown.new
    assert all(report.new for report in shown.reports)
    assert shown.languages == ("de", "en")


def test_a_reports_date_says_where_it_comes_from():
    undated = replace(entry(1), dated="missing")
    assert made(story(7, undated)).stories[0].reports[0].dated == "missing"
