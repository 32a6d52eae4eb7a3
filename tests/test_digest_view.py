"""What a page shows of a digest: lead, sections, lines and receipt, the same in text, Markdown and HTML."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from monitor import languages
from monitor.digest import html, markdown, plain
from monitor.digest.headline import preheader, subject
from monitor.digest.page import Caps
from monitor.digest.view import report_line, story_view, view
from monitor.models import Copy, FeedHealth
from monitor.models import digest_from_json as from_json

DATA = Path(__file__).parent / "data" / "digests"
DIGEST = from_json((DATA / "en.json").read_text("utf-8"))
ENGLISH = languages.load("en")
WIDE = Caps(stories=99, reports=99, lines=99, summary=9999)
STORY = next(story for story in DIGEST.stories if story.id == 17)
RULING = DIGEST.stories[0]


def page(digest=DIGEST, caps=WIDE, **options):
    return view(digest, ENGLISH, caps, **options)


def shown(story=STORY, caps=WIDE, **options):
    return story_view(story, DIGEST, ENGLISH, caps, **options)


def everywhere(shown):
    return [" ".join(render(shown).split()) for render in (plain.render, markdown.render, html.render)]


def test_the_lead_opens_the_page_and_is_not_there_again_in_its_section():
    made = page()
    assert (made.lead.handle, made.lead.meta[:3]) == ("s9", ("ruling", "3 sources", "2 languages"))
    assert [section.title for section in made.sections] == ["Sora", "Work & unions", "Other"]
    for document in everywhere(made):
        assert document.count("Autorinnen klagen weiter") in {1, 3}  # HTML also has it as its title and label
        assert document.index("Autorinnen klagen") < document.index("Testers share access")


def test_subject_and_preheader_are_the_lead():
    assert subject(DIGEST, ENGLISH).startswith("Autorinnen klagen weiter")
    assert preheader(DIGEST, ENGLISH).startswith("ruling · 3 sources · 2 languages. Das Gericht")
    long = replace(DIGEST, stories=(replace(RULING, title="word " * 60),))
    assert subject(long, ENGLISH).endswith("… – Sora monitor, 23 Nov 2026")


def test_a_day_without_a_sure_story_says_so_and_shows_what_is_perhaps():
    unsure = replace(DIGEST, stories=(), receipt=replace(DIGEST.receipt, feeds=DIGEST.receipt.feeds[:1]))
    made = page(unsure)
    assert made.state == "Quiet: nothing that is sure; 1 of 1 feed answered"
    for document in everywhere(made):
        assert document.index("nothing that is sure") < document.index("A museum hangs")
        assert "e51" in document


def test_what_is_perhaps_and_also_in_other_outlets_is_one_line_that_names_them():
    unsure = DIGEST.perhaps[0]
    copies = tuple(Copy(entry=n, outlet=outlet, url="") for n, outlet in ((52, "B Daily"), (53, "B Daily")))
    made = page(replace(DIGEST, perhaps=(replace(unsure, also_in=copies),)))
    assert made.perhaps[0].note.split(" · ")[1] == "also in B Daily"


def test_the_most_important_are_reported_in_full_and_the_rest_in_a_line_each():
    made = page(replace(DIGEST, max_stories=2))
    assert [len(section.stories) for section in made.sections] == [1, 0, 0]
    line = made.sections[1].lines[0]
    assert (line.handle, line.note) == ("s21", "Stage & Screen · vote · new today")


def test_a_story_of_sections_that_are_no_more_stands_where_it_would_now():
    moved = replace(STORY, lead=False, section="retired", kind="strike", beats=(), themes=())
    assert page(replace(DIGEST, stories=(RULING, moved))).sections[0].title == "Work & unions"


def test_the_only_new_report_of_a_day_is_shown_however_many_old_ones_have_the_storys_title():
    new, old = RULING.reports[0], RULING.reports[-1]
    assert (new.new, old.new) == (True, False)
    told = replace(old, title=RULING.title)
    old_ones = [replace(told, entry=n, url=f"https://o{n}.example/", outlet=f"Outlet {n}") for n in range(3)]
    fresh = replace(
        new, entry=9, url="https://n.example/", outlet="The Herald", title="Judge explains the ruling"
    )
    going_on = replace(RULING, reports=(fresh, replace(told, url=RULING.url), *old_ones))
    assert shown(going_on, replace(WIDE, reports=2)).also[0].text == "Judge explains the ruling"


def test_new_is_marked_and_a_continuing_story_says_since_when():
    assert shown().meta[-1] == "new today"
    assert shown(RULING).meta[-1] == "day 4, 1 new report"


def test_other_outlets_stand_in_one_line_with_language_and_day_where_they_differ():
    assert [(line.text, line.note) for line in shown().also] == [
        ("Evening Ledger", ""),
        ("Tagesblatt", "DE"),
        ("Stage & Screen", ""),
    ]
    assert [line.note for line in shown(RULING).also] == ["20 Nov", "EN, 20 Nov"]


def test_a_repetition_is_shown_beside_its_report_with_its_link_if_that_differs():
    (copy,) = shown().also[0].also_in
    assert (copy.text, copy.url) == ("Ledger Sunday", "https://outlet9.example/copy/2")
    first, *others = STORY.reports
    twice = tuple(Copy(entry=90 + n, outlet=name) for n, name in enumerate(["Post", first.outlet, "Post"]))
    made = shown(replace(STORY, reports=(replace(first, also_in=twice), *others)))
    assert [(line.text, line.url) for line in made.also_in] == [("Post", "")]


def test_a_further_report_of_an_outlet_is_named_by_its_title_or_numbered_when_it_has_the_same():
    again = replace(STORY.reports[0], entry=9, url="https://a.example/9")
    other = replace(again, entry=10, title="Company answers testers")
    twice = shown(replace(STORY, reports=(STORY.reports[0], again, other)))
    assert [(line.text, line.note) for line in twice.also] == [
        ("Morning Ledger (2)", ""),
        ("Company answers testers", "Morning Ledger"),
    ]


def test_a_story_reported_before_lists_its_latest_new_reports_by_title():
    first, *_ = STORY.reports
    news = [
        replace(first, entry=20 + n, url=f"https://n.example/{n}", title=f"Turn {n}", outlet=f"Outlet {n}")
        for n in range(5)
    ]
    old = replace(STORY.reports[1], new=False, also_in=())
    went_on = replace(STORY, new=False, reports=(*news, replace(first, new=False), old))
    assert [line.text for line in shown(went_on).also] == [
        "Turn 0", "Turn 1", "Turn 2", "Outlet 3", "Outlet 4", old.outlet,
    ]  # fmt: skip
    assert shown(went_on).also[0].note.startswith("Outlet 0, new")
    # The subject is an earlier day's; what is new is next to it.
    led = replace(DIGEST, stories=(replace(went_on, lead=True),))
    assert preheader(led, ENGLISH).endswith(". Turn 0")
    alike = replace(went_on, reports=(replace(news[0], title=first.title), replace(first, new=False)))
    assert [line.text for line in shown(alike).also] == ["Outlet 0"]
    assert alike.summary[:60] in preheader(replace(DIGEST, stories=(alike,)), ENGLISH)


def test_the_report_that_speaks_for_its_story_is_known_by_title_where_all_have_one_link():
    newer = replace(STORY.reports[0], entry=9, title="Another day")
    made = shown(replace(STORY, reports=(newer, STORY.reports[0])))
    assert made.entries == ("e1", "e9")
    assert made.also[0].text == "Another day"


def test_the_outlet_that_cites_another_is_named_first():
    citing = replace(STORY.reports[1], citing="Reuters", also_in=())
    assert (
        shown(replace(STORY, reports=(STORY.reports[0], citing))).also[0].text
        == "Evening Ledger (citing Reuters)"
    )


def test_a_time_is_reported_where_it_differs_by_a_day_and_late_where_it_matters():
    old = replace(STORY.reports[1], published=STORY.first_seen - timedelta(days=400), also_in=())
    undated = replace(old, dated="missing", published=STORY.first_seen - timedelta(days=9), late=True)
    reports = shown(replace(STORY, reports=(STORY.reports[0], old, undated))).also
    assert [line.note for line in reports] == ["19 Oct 2025", "seen 14 Nov, seen late"]


def test_a_digest_of_several_days_says_when_and_repeats_no_day_within_a_story():
    week = replace(DIGEST, window=replace(DIGEST.window, start=DIGEST.window.end - timedelta(days=7)))
    first, second, *_ = STORY.reports
    days = (
        first,
        replace(second, also_in=()),
        replace(second, published=first.published - timedelta(days=2)),
    )
    made = story_view(replace(STORY, reports=days), week, ENGLISH, WIDE)
    assert (made.notes, [line.note for line in made.also]) == (("23 Nov",), ["Evening Ledger", "21 Nov"])
    assert report_line(first, week, ENGLISH).note.endswith(" · 23 Nov")
    assert "Nov" not in report_line(first, DIGEST, ENGLISH).note


def test_a_story_with_one_report_and_no_neighbours_is_brief():
    vote = next(story for story in DIGEST.stories if story.id == 21)
    assert shown(vote).brief
    assert not shown().brief
    assert len(shown(replace(vote, summary="word " * 200)).teaser) <= 180


def test_a_story_that_went_on_says_how_it_began():
    for document in everywhere(page()):
        assert "began as: Autorinnen verklagen KI-Firma" in document


@pytest.mark.parametrize(
    ("archive", "before", "after"),
    [
        (None, "", "#story-33"),
        ("", "stories/s99.html", "#story-33"),
        ("https://a.example/", "https://a.example/stories/s99.html", "#story-33"),
    ],
)
def test_the_steps_before_and_after_link_to_the_page_or_the_archive(archive, before, after):
    made = shown(anchors={33}, archive=archive)
    assert (made.before.url, made.after.url) == (before, after)


def test_handles_are_shown_in_every_form():
    for document in everywhere(page()):
        assert all(handle in document for handle in ("s17", "e2", "s33", "e51", "e90"))


def test_what_is_over_a_limit_is_counted_in_every_format():
    caps = replace(WIDE, stories=1, reports=1, lines=2)
    feeds = tuple(
        FeedHealth(url=f"https://{n}.example", title=f"F{n}", state="failing", last_error=f"HTTP 50{n}")
        for n in range(5)
    )
    crowd = tuple(replace(STORY, id=100 + n, score=0.9 - n / 10) for n in range(5))
    digest = replace(DIGEST, stories=(RULING, *crowd), receipt=replace(DIGEST.receipt, feeds=feeds))
    for document in everywhere(page(digest, caps)):
        assert "and 1 more report" in document
        assert document.count("and 3 more") == 2
        assert "F1" in document
        assert "F2" not in document


def test_a_long_teaser_is_cut_at_a_word():
    assert shown(caps=replace(WIDE, summary=30)).teaser == "A group of invited artists…"


def test_a_digest_that_catches_up_says_so_in_title_subject_and_notice():
    late = replace(
        DIGEST, catches_up=True, window=replace(DIGEST.window, start=DIGEST.window.end - timedelta(days=3))
    )
    assert page(late).heading == "Friday, 20 November 2026 to Monday, 23 November 2026"
    assert subject(late, ENGLISH).endswith("Sora monitor, 20 Nov 2026 to 23 Nov 2026")
    assert all("This digest catches up" in document for document in everywhere(page(late)))


def test_quiet_and_broken_look_different_in_every_form():
    quiet = replace(DIGEST, stories=(), perhaps=())
    broken = replace(quiet, receipt=replace(DIGEST.receipt, polls=0))
    for calm, alarm in zip(everywhere(page(quiet)), everywhere(page(broken)), strict=True):
        assert "Quiet: nothing new; 6 of 7 feeds answered" in calm
        assert "Quiet" not in alarm
        assert "Broken: no feed was polled, so nothing can be concluded" in alarm
    assert 'class="state quiet"' in html.render(page(quiet))
    assert 'class="state broken"' in html.render(page(broken))


def test_trends_are_measured_against_the_busiest_day_of_all_themes():
    bars = {trend.label: trend.sparkline for trend in page().trends}
    assert bars == {
        "Leaks & protest": "········▃···▃█",
        "Labour ethics": "····▃········▃",
        "Copyright": "▃·····▃···▃▆·▃",
    }


def test_no_trends_are_reported_to_be_none():
    for document in everywhere(page(replace(DIGEST, trends=()))):
        assert "No theme had a report in these 14 days." in document


def test_trends_and_near_misses_are_shown_weekly_and_in_the_archive():
    plainly = replace(DIGEST, overview=False)
    for document in everywhere(page(plainly)):
        assert "Near misses" not in document
        assert "Themes over 14 days" not in document
    for document in everywhere(page(plainly, everything=True)):
        assert "Near misses" in document
        assert "Themes over 14 days" in document


def receipt(**values):
    made = page(replace(DIGEST, receipt=replace(DIGEST.receipt, **values))).receipt
    return made.line, {note.label: note for note in made.notes}


WELL: dict[str, Any] = {
    "feeds": (FeedHealth(url="https://a.example", title="A", state="ok"),) * 42,
    "gaps": (),
    "near_misses": (),
    "failed_deliveries": (),
    "held_back": 0,
    "unnamed": 0,
}


def test_the_receipt_is_one_line_when_all_is_well():
    assert receipt(**WELL) == ("42 feeds, 1,204 entries, nothing lost", {})
    assert receipt(**WELL | {"feeds": (), "entries": 0})[0] == "0 feeds, none polled"


@pytest.mark.parametrize(
    ("trouble", "line"),
    [
        ({"polls": 0}, "42 feeds, none polled"),
        ({"gaps": (("A", 1),)}, "42 feeds, 1,204 entries; some entries were missed between two polls"),
        (
            {"feeds": (*WELL["feeds"], FeedHealth(url="u", title="B", state="gone"))},
            "43 feeds, 1 without an answer; 1,204 entries",
        ),
    ],
)
def test_it_never_says_that_nothing_was_lost_when_something_may_be(trouble, line):
    words, notes = receipt(**WELL | trouble)
    assert words == line
    assert all(note.bad and note.advice for note in notes.values())
    assert notes


def test_the_receipt_names_each_trouble_with_its_reason_and_what_to_do():
    line, notes = receipt()
    assert line == "7 feeds, 1 without an answer; 1,204 entries"
    assert notes["Failing"].bad
    assert notes["Failing"].lines[0].note == (
        "HTTP 503 Service Unavailable (12 failures in a row; last good answer Fri 20 Nov, 05:00)"
    )
    assert "monitor feeds discover SITE" in notes["Failing"].advice
    assert notes["Silent"].lines[0].note == "no new entry for 9 days, usually one a day"
    assert [line.text for line in notes["Missed between two polls"].lines] == ["Stage & Screen (2×)"]
    assert notes["Near misses"].lines[0].note.endswith("no creative person is named (score 0.85)")
    assert notes["Not delivered"].bad
    assert "2 relevant entries of newly followed feeds are too old to be news" in notes


def test_a_network_that_is_down_takes_one_line_of_the_receipt():
    down = [
        FeedHealth(url=f"https://{n}.example", title=f"F{n}", state="failing", last_error="name not found")
        for n in range(30)
    ]
    receipt = replace(DIGEST.receipt, feeds=tuple(down))
    notes = {note.label: note for note in page(replace(DIGEST, receipt=receipt)).receipt.notes}
    (line,) = notes["Failing"].lines
    assert line.text == "F0, F1, F2, F3, F4, F5, F6, F7 and 22 more"
    assert line.note.startswith("name not found")


def test_a_problem_of_weeks_is_shown_with_its_reason_once_a_week():
    end = DIGEST.window.end
    silent = [
        FeedHealth(url=f"https://{n}.example", title=f"F{n}", state="silent", note=f"nothing new for {n} days",
                   newest_entry_at=end - timedelta(days=n))
        for n in (9, 20, 30)
    ]  # fmt: skip
    gone = FeedHealth(url="https://g.example", title="G", state="gone", note="HTTP 410", last_success_at=end)
    calm = replace(DIGEST, overview=False, receipt=replace(DIGEST.receipt, feeds=(*silent, gone)))
    (quiet,) = (note for note in page(calm).receipt.notes if note.label == "Silent")
    assert [(line.text, line.note) for line in quiet.lines] == [
        ("F9", "nothing new for 9 days"),
        ("F20, F30", "for more than two weeks"),
    ]
    lasting = replace(calm, receipt=replace(calm.receipt, feeds=(*silent[1:], gone)))
    (known,) = (note for note in page(lasting).receipt.notes if note.label == "Silent")
    assert (bool(quiet.advice), known.advice) == (True, "")
    (weekly,) = (note for note in page(replace(calm, overview=True)).receipt.notes if note.label == "Silent")
    assert [line.text for line in weekly.lines] == ["F9", "F20", "F30"]
    (ended,) = (note for note in page(calm).receipt.notes if note.bad and note.label == "Gone for good")
    assert ended.lines[0].note == "HTTP 410"
    never = tuple(replace(gone, last_success_at=None, consecutive_failures=n, title=f"N{n}") for n in (2, 3))
    asked = page(replace(calm, receipt=replace(calm.receipt, feeds=never)))
    (ended,) = (note for note in asked.receipt.notes if note.label == "Gone for good")
    assert [(line.text, line.note) for line in ended.lines] == [
        ("N2", "HTTP 410"),
        ("N3", "for more than two weeks"),
    ]


def test_of_feeds_that_were_never_polled_nothing_more_is_reported():
    fresh = tuple(FeedHealth(url=f"https://{n}.example", title=f"F{n}", state="new") for n in range(3))
    made = page(replace(DIGEST, receipt=replace(DIGEST.receipt, feeds=fresh, polls=0)))
    assert made.receipt.notes[0].label == "Not polled"
    assert "F1" not in plain.render(made)


@pytest.mark.parametrize(
    ("health", "name", "note"),
    [
        (
            FeedHealth(url="https://a.example", title="", state="failing", consecutive_failures=1),
            "https://a.example",
            "no reason given (1 failure; never answered)",
        ),
        (FeedHealth(url="u", title="Gone", state="gone", last_error="HTTP 410"), "Gone", "HTTP 410"),
        (FeedHealth(url="u", title="Gone", state="gone", note="gone since May"), "Gone", "gone since May"),
        (FeedHealth(url="u", title="New", state="new"), "New", ""),
        (
            FeedHealth(url="u", title="F", state="new", last_error="refused by https://me:pw@a.example/x"),
            "F",
            "refused by https://***@a.example/x",
        ),
    ],
)
def test_a_feeds_trouble(health, name, note):
    _, notes = receipt(**WELL | {"feeds": (health,)})
    (line,) = next(part.lines for part in notes.values() if part.lines)
    assert (line.text, line.note) == (name, note)
