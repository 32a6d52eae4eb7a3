"""What a page says of a digest: caps, ages, days, groups and the receipt, in text, Markdown and HTML alike."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from monitor import languages
from monitor.digest import from_json, html, markdown, plain
from monitor.digest.view import Caps, subject, view
from monitor.models import FeedHealth

DATA = Path(__file__).parent / "data" / "digests"
DIGEST = from_json((DATA / "en.json").read_text("utf-8"))
ENGLISH = languages.load("en")
WIDE = Caps(stories=99, reports=99, lines=99, summary=9999)
STORY = DIGEST.stories[0]


def page(digest=DIGEST, caps=WIDE, language=ENGLISH):
    return view(digest, language, caps)


def everywhere(shown):
    return [" ".join(render(shown).split()) for render in (plain.render, markdown.render, html.render)]


def crowd(count, **values):
    stories = tuple(replace(STORY, id=100 + n, score=9.0 - n, **values) for n in range(count))
    return replace(DIGEST, stories=stories)


def test_stories_are_in_sections_new_before_continuing():
    shown = page()
    assert [section.title for section in shown.sections] == ["New", "Continuing"]
    assert [story.anchor for section in shown.sections for story in section.stories] == [
        "story-17",
        "story-21",
        "story-9",
    ]


def test_meta_says_age_for_a_new_story_and_the_day_for_a_continuing_one():
    new, continuing = page().sections[0].stories[0], page().sections[1].stories[0]
    assert new.meta == ("6 hours ago", "4 reports", "3 sources", "DE EN")
    assert continuing.meta == ("day 4", "1 new report", "3 sources", "DE EN")


def test_the_best_stories_are_told_in_full_whether_new_or_not_and_the_rest_by_theme():
    small = [replace(STORY, id=n, sources=1, themes=("capabilities",), score=5.0) for n in range(1, 5)]
    large = replace(STORY, id=9, new=False, sources=6, score=4.0)
    shown = page(replace(DIGEST, stories=(*small, large), max_stories=2))
    assert [story.anchor for section in shown.sections for story in section.stories] == ["story-1", "story-9"]
    assert [(group.label, len(group.lines)) for group in shown.groups] == [("Capabilities", 3)]


def test_groups_follow_the_order_of_the_themes_and_a_story_without_any_is_still_told():
    stories = [
        replace(STORY, id=1, themes=("capabilities",)),
        replace(STORY, id=2, themes=("leak-protest", "capabilities")),
        replace(STORY, id=3, themes=(), beats=("sora",)),
        replace(STORY, id=4, themes=(), beats=()),
        replace(STORY, id=5, themes=("retired-theme",)),
    ]
    shown = page(replace(DIGEST, stories=tuple(stories), max_stories=0))
    assert [group.label for group in shown.groups] == [
        "Sora",
        "Leaks & protest",
        "Capabilities",
        "Other",
        "retired-theme",
    ]


@pytest.mark.parametrize(("sources", "new", "note"), [(1, True, "new"), (6, False, "6 sources · day 2")])
def test_one_line_of_a_group_names_outlet_sources_and_state(sources, new, note):
    digest = replace(DIGEST, stories=(replace(STORY, sources=sources, new=new, day=2),), max_stories=0)
    assert page(digest).groups[0].lines[0].note == f"Morning Ledger · {note}"


def test_what_is_over_a_cap_is_counted_in_every_form():
    caps = replace(WIDE, stories=1, reports=1, lines=2)
    feeds = tuple(FeedHealth(url=f"https://{n}.example", title=f"F{n}", state="failing") for n in range(5))
    digest = crowd(6)
    digest = replace(digest, receipt=replace(digest.receipt, feeds=feeds))
    for document in everywhere(page(digest, caps)):
        assert "and 3 more reports" in document
        assert document.count("and 3 more") == 3
        assert "F1" in document
        assert "F2" not in document


def test_one_hidden_report_is_one_report():
    assert page(caps=replace(WIDE, reports=3)).sections[0].stories[0].more == "and 1 more report"


def test_a_long_summary_is_cut_at_a_word():
    cut = page(caps=replace(WIDE, summary=30)).sections[0].stories[0].summary
    assert cut == "A group of invited artists…"


def test_a_report_titled_like_its_story_is_shown_by_its_outlet_alone():
    reports = page().sections[0].stories[0].reports
    assert [(report.title, report.outlet) for report in reports[:2]] == [
        ("", "Morning Ledger"),
        ("Testers share access to Sora in protest", "Evening Ledger"),
    ]


def test_a_report_of_another_year_has_its_year_and_one_without_a_date_says_when_it_was_seen():
    old = replace(STORY.reports[0], published=STORY.first_seen - timedelta(days=400))
    undated = replace(STORY.reports[1], dated="missing")
    reports = (
        page(replace(DIGEST, stories=(replace(STORY, reports=(old, undated)),)))
        .sections[0]
        .stories[0]
        .reports
    )
    assert reports[0].notes[0] == "19 Oct 2025"
    assert reports[1].notes[0] == "seen 23 Nov, 03:10"


def test_related_stories_are_linked_when_they_are_on_the_page():
    assert page().sections[0].stories[0].related == (
        ("Voice actors vote for <b>consent</b> clause & pay", "story-21"),
        ("The first open letter", ""),
    )


def test_a_digest_that_catches_up_says_so_in_title_subject_and_notice():
    late = replace(
        DIGEST, catches_up=True, window=replace(DIGEST.window, start=DIGEST.window.end - timedelta(days=3))
    )
    assert page(late).heading == "20 Nov 2026 to Monday, 23 November 2026"
    assert subject(late, ENGLISH).startswith("Sora monitor, 20 Nov 2026 to 23 Nov 2026: 5 stories")
    assert all("This digest catches up" in document for document in everywhere(page(late)))


def test_quiet_and_broken_look_different_in_every_form():
    quiet = replace(DIGEST, stories=())
    broken = replace(quiet, receipt=replace(DIGEST.receipt, polls=0))
    for calm, alarm in zip(everywhere(page(quiet)), everywhere(page(broken)), strict=True):
        assert "Quiet: nothing new; 6 of 7 feeds answered" in calm
        assert "Quiet" not in alarm
        assert "Broken: no feed was polled, nothing can be concluded" in alarm
    assert 'class="lead quiet"' in html.render(page(quiet))
    assert 'class="lead broken"' in html.render(page(broken))


def test_trends_are_measured_against_the_busiest_day_of_all_themes():
    bars = {trend.label: trend.sparkline for trend in page().trends}
    assert bars == {
        "Leaks & protest": "········▃···▃█",
        "Labour ethics": "····▃········▃",
        "Copyright": "▃·····▃···▃▆·▃",
    }


def test_no_trends_are_said_to_be_none():
    for document in everywhere(page(replace(DIGEST, trends=()))):
        assert "No theme had a report in these 14 days." in document


def receipt(**values):
    shown = page(replace(DIGEST, receipt=replace(DIGEST.receipt, **values)))
    return {note.label: note for note in shown.receipt}


def test_the_receipt_names_each_trouble_with_its_reason():
    notes = receipt()
    assert notes["Feeds"].text == "8 feeds followed: 5 ok, 1 failing, 1 silent, 1 switched off"
    assert notes["Failing"].bad
    assert notes["Failing"].lines[0].note == (
        "HTTP 503 Service Unavailable (12 failures in a row; last good answer Fri 20 Nov, 05:00)"
    )
    assert notes["Silent"].lines[0].note == "no new entry for 9 days, usually one a day"
    assert notes["Entries"].text == "1,204 entries seen in 336 polls, 11 relevant"
    assert notes["Told here"].text == "8 new reports in 5 stories from 4 sources"
    assert [line.text for line in notes["Fell through"].lines] == ["Stage & Screen (2×)"]
    assert notes["Near misses"].lines[0].note.endswith("no creative person is named (score 0.85)")
    assert notes["Deliveries failed"].bad
    assert notes["Made"].text == "Mon 23 Nov, 07:00, monitor 1.0.0"


def test_a_receipt_without_trouble_has_no_empty_lists():
    feeds = (FeedHealth(url="https://a.example", title="A", state="ok"),)
    notes = receipt(feeds=feeds, gaps=(), near_misses=(), failed_deliveries=())
    assert list(notes) == ["Feeds", "Entries", "Told here", "Fell through", "Window", "Made"]
    assert notes["Fell through"].text == "no entry between two polls, as far as we know"
    assert receipt(feeds=())["Feeds"].text == "0 feeds"


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
        (FeedHealth(url="u", title="New", state="new"), "New", "no reason given"),
        (
            FeedHealth(url="u", title="F", state="new", last_error="refused by https://me:pw@a.example/x"),
            "F",
            "refused by https://***@a.example/x",
        ),
    ],
)
def test_a_feeds_trouble(health, name, note):
    (line,) = next(part.lines for part in receipt(feeds=(health,)).values() if part.lines)
    assert (line.text, line.note) == (name, note)
