"""A digest says "quiet" only if the feeds were read; everything else is called broken."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from monitor import languages
from monitor.digest import Settings, outcome, render_all, worth_sending
from monitor.digest.headline import subject, summary
from monitor.digest.page import Caps
from monitor.digest.view import view
from monitor.models import FeedHealth
from monitor.models import digest_from_json as from_json

DATA = Path(__file__).parent / "data" / "digests"
NEWS = from_json((DATA / "en.json").read_text("utf-8"))
ENGLISH, GERMAN = languages.load("en"), languages.load("de")
CAPS = Caps(stories=9, reports=9, lines=9, summary=999)


def day(*states, polls=9, stories=()):
    feeds = tuple(
        FeedHealth(url=f"https://{n}.example", title="", state=state) for n, state in enumerate(states)
    )
    return replace(NEWS, stories=stories, perhaps=(), receipt=replace(NEWS.receipt, feeds=feeds, polls=polls))


QUIET = day(*["ok"] * 40, "failing")
UNREACHED = day("ok", "ok", "disabled")
UNREACHED = replace(UNREACHED, receipt=replace(UNREACHED.receipt, unreached_since=NEWS.window.start))
BROKEN = day(*["ok"] * 29, *["failing"] * 12)


@pytest.mark.parametrize(
    ("digest", "expected"),
    [
        (NEWS, "news"),
        (QUIET, "quiet"),
        (day("ok", "silent"), "quiet"),
        (day("ok", "disabled", "disabled"), "quiet"),
        (BROKEN, "broken"),
        (day("ok", "ok", "ok", "failing"), "broken"),
        (day("ok", "ok", "ok", "ok", "failing"), "quiet"),
        (day("ok", "gone"), "broken"),
        (day("new"), "broken"),
        (day("disabled"), "broken"),
        (day(), "broken"),
        (day("ok", polls=0), "broken"),
        (UNREACHED, "broken"),
    ],
)
def test_silence_is_quiet_only_where_enough_feeds_answered(digest, expected):
    assert outcome(digest) == expected


def test_only_a_quiet_digest_is_ever_held_back():
    eager, reserved = Settings(send_if_empty=True), Settings(send_if_empty=False)
    assert worth_sending(QUIET, eager)
    assert not worth_sending(QUIET, reserved)
    assert worth_sending(replace(QUIET, perhaps=NEWS.perhaps), reserved)
    assert worth_sending(BROKEN, reserved)
    assert worth_sending(NEWS, reserved)


def test_channels_know_on_which_days_silence_means_nothing():
    days = (NEWS, QUIET, BROKEN, replace(BROKEN, stories=NEWS.stories))
    assert [render_all(day, ENGLISH).conclusive for day in days] == [True, True, False, False]


def test_the_top_line_says_what_the_day_was():
    assert summary(NEWS, ENGLISH) == "5 stories, 8 new reports, 4 sources"
    unsure = replace(QUIET, perhaps=NEWS.perhaps)
    assert summary(unsure, ENGLISH) == "Quiet: nothing that is sure; 40 of 41 feeds answered"
    assert summary(QUIET, ENGLISH) == "Quiet: nothing new; 40 of 41 feeds answered"
    assert summary(BROKEN, ENGLISH) == "Broken: 12 of 41 feeds gave no answer, so nothing can be concluded"
    assert summary(day(), ENGLISH).startswith("Broken: no feed is followed")
    assert summary(day("ok", polls=0), ENGLISH).startswith("Broken: no feed was polled")
    assert summary(BROKEN, GERMAN).startswith("Gestört: 12 von 41 Feeds")


def test_the_subject_tells_quiet_from_broken_too():
    assert subject(QUIET, ENGLISH) == "Quiet, nothing sure – Sora monitor, 23 Nov 2026"
    assert subject(BROKEN, ENGLISH) == "BROKEN: 12 of 41 feeds gave no answer – Sora monitor, 23 Nov 2026"
    assert (
        subject(day("ok", polls=0), GERMAN)
        == "GESTÖRT: kein Feed wurde abgerufen – Sora-Monitor, 23. Nov. 2026"
    )


@pytest.mark.parametrize(
    ("feeds", "english", "german"), [(1, "1 of 1 feed", "1 von 1 Feed"), (2, "2 of 2 feeds", "2 von 2 Feeds")]
)
def test_plurals_are_right_in_both_languages(feeds, english, german):
    quiet = day(*["ok"] * feeds)
    assert summary(quiet, ENGLISH) == f"Quiet: nothing new; {english} answered"
    assert summary(quiet, GERMAN) == f"Ruhig: nichts Neues; {german} mit Antwort"


def test_news_from_too_few_feeds_is_marked_incomplete():
    assert view(NEWS, ENGLISH, CAPS).notices == ()
    assert view(day("ok", "failing", stories=NEWS.stories), ENGLISH, CAPS).notices == (
        "Incomplete: 1 of 2 feeds did not answer; there may be more news than this.",
    )
    assert "no feed was polled" in view(day("ok", polls=0, stories=NEWS.stories), ENGLISH, CAPS).notices[0]


def test_while_our_network_is_down_no_feed_has_answered_though_none_is_failing():
    assert summary(UNREACHED, ENGLISH) == "Broken: 2 of 2 feeds gave no answer, so nothing can be concluded"
    shown = view(replace(UNREACHED, stories=NEWS.stories), ENGLISH, CAPS)
    assert shown.notices == ("Incomplete: 2 of 2 feeds did not answer; there may be more news than this.",)
    assert shown.receipt.line.startswith("2 feeds, 2 without an answer")
    assert "No network" in [note.label for note in shown.receipt.notes if note.bad]
