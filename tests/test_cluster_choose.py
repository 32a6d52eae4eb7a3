from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from monitor.cluster import Settings, choose, with_summary
from monitor.models import Entry, Join, Story, Tagging

NOW = datetime(2025, 11, 11, 12, tzinfo=UTC)
PLAIN = "Munich court rules that ChatGPT reproduced GEMA's song lyrics"


def entry(number: int, title: str, summary: str = "", language: str = "en") -> Entry:
    return Entry(
        id=number,
        feed=f"https://o{number}.example/",
        title=title,
        summary=summary,
        language=language,
        published=NOW,
        first_seen=NOW,
    )


@pytest.mark.parametrize(
    "other",
    [
        "KI-Update kompakt: GEMA, court rules ChatGPT reproduced song lyrics, Munich, chips",
        "Did ChatGPT reproduce GEMA's song lyrics? A Munich court rules",
        "MUNICH COURT RULES CHATGPT REPRODUCED GEMA'S SONG LYRICS",
        "What the Munich court's ruling on GEMA's song lyrics and ChatGPT means for you",
        "[Removed] Munich court rules that ChatGPT reproduced GEMA's song lyrics",
        "“Theft”: Munich court rules ChatGPT reproduced GEMA's song lyrics",
        "Lyrics",
    ],
)
def test_a_sober_title_goes_before_a_loud_one(other):
    assert choose([entry(1, other), entry(2, PLAIN)], "en").id == 2


def test_the_central_title_goes_before_one_from_the_edge():
    entries = [
        entry(1, "Licensing bodies elsewhere watch the outcome with interest"),
        entry(2, PLAIN),
        entry(3, "ChatGPT reproduced song lyrics, court in Munich rules for GEMA"),
    ]
    assert choose(entries, "en").id in {2, 3}


def test_the_digest_language_is_preferred():
    german = entry(1, "Landgericht München: ChatGPT gibt GEMA-Liedtexte wieder", language="de")
    assert choose([german, entry(2, PLAIN)], "de").id == 1
    assert choose([german, entry(2, PLAIN)], "en").id == 2


def test_the_original_is_the_same_in_whatever_order_the_store_gives_the_entries_of_one_poll():
    later = replace(entry(1, PLAIN), url="https://wire.example/1", tagging=Tagging(themes=("copyright",)))
    first = replace(later, id=2, published=NOW - timedelta(hours=1), tagging=Tagging(themes=("labour",)))
    first = replace(first, feed="https://other.example/")
    joins = tuple(Join(entry=one.id, similarity=1.0, reason="") for one in (later, first))
    for entries in ((later, first), (first, later)):
        story = Story(entries=entries, joins=joins, first_seen=NOW, last_seen=NOW)
        made = with_summary(story, {}, Settings())
        assert made.themes == ("labour",)
        assert [report.entry.id for report in made.reports] == [2]


def test_the_order_of_entries_does_not_matter():
    same = [entry(1, PLAIN), entry(2, PLAIN)]
    assert choose(same, "en") == choose(same[::-1], "en")


def story(*entries: Entry) -> Story:
    return with_summary(Story(entries=entries, first_seen=NOW, last_seen=NOW), {}, Settings(language="en"))


def test_title_and_summary_are_verbatim_and_of_one_entry_where_it_has_both():
    shown = story(entry(1, PLAIN, "Nine songs were at issue."), entry(2, "Lyrics: GEMA wins", "Other words."))
    assert (shown.title, shown.summary, shown.lead) == (PLAIN, "Nine songs were at issue.", 1)


def test_a_lead_without_a_summary_borrows_one_in_its_language():
    german = entry(2, "München: Gericht gibt GEMA bei Liedtexten recht", "Neun Lieder.", "de")
    english = entry(3, "Why lyrics?", "The court in Munich ruled on nine songs.")
    shown = story(replace(entry(1, PLAIN), summary=""), german, english)
    assert (shown.title, shown.summary) == (PLAIN, english.summary)


def test_a_story_without_any_summary_has_none():
    assert story(entry(1, PLAIN)).summary == ""


def test_a_round_up_lends_no_summary():
    assert (
        story(entry(1, PLAIN), entry(2, "KI-Update kompakt: GEMA, Chips", "Of everything a little.")).summary
        == ""
    )


def test_of_a_large_story_the_first_and_the_last_are_read_and_all_are_counted():
    many = [replace(entry(n, f"Gnu {n} court"), feed=f"https://o{n:03}.example/") for n in range(1, 501)]
    better = "Court rules: Gnu copied Netflix and GEMA"
    many[250] = replace(many[250], title=better, tagging=Tagging(beats=("sora",)))
    many[3] = replace(many[3], title="Court rules: Gnu copied Netflix")
    bare = Story(entries=tuple(many), first_seen=NOW, last_seen=NOW)
    found = with_summary(bare, {}, Settings())
    assert choose(many, "en").title == better
    assert found.title == many[3].title, "the better one stands in the middle"
    assert (found.sources, found.beats) == (500, ("sora",))
