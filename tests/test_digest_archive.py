"""The archive over all days: its page, its chart and its feeds."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from xml.etree import ElementTree as ET

from monitor import languages
from monitor.digest import from_json, render_all, summarise
from monitor.digest.archive import files

DATA = Path(__file__).parent / "data" / "digests"
DIGEST = from_json((DATA / "en.json").read_text("utf-8"))
ENGLISH = languages.load("en")
ATOM = "{http://www.w3.org/2005/Atom}"


def day(back, **values):
    earlier = {"date": DIGEST.date - timedelta(days=back), "made_at": DIGEST.made_at - timedelta(days=back)}
    return summarise(replace(DIGEST, **earlier | values), ENGLISH)


def entries(feed):
    return ET.fromstring(feed).findall(f"{ATOM}entry")


def test_days_are_listed_newest_first_whatever_the_order_given():
    index = files([day(1), day(0), day(2)], ENGLISH, {"html": "html"}, "")["index.html"]
    assert re.findall(r'<h3><a href="([^"]+)"', index) == [
        "2026-11-23.html",
        "2026-11-22.html",
        "2026-11-21.html",
    ]
    assert "3 digests since 21 Nov 2026" in index


def test_days_link_to_the_formats_there_are():
    index = files([day(0)], ENGLISH, {"md": "md", "json": "json"}, "")["index.html"]
    assert re.findall(r'href="(2026[^"]+)"', index) == ["2026-11-23.md", "2026-11-23.md", "2026-11-23.json"]
    bare = files([day(0)], ENGLISH, {}, "")
    assert "2026-11-23." not in bare["index.html"]
    assert entries(bare["digests.atom"])[0].find(f"{ATOM}link") is None


def test_the_chart_has_a_row_for_each_theme_and_a_column_for_each_digest():
    index = files([day(back) for back in range(40)], ENGLISH, {}, "")["index.html"]
    rows = re.findall(r'<th scope="row">(.*?)</th>.*?aria-label="([\d ]+)"', index)
    assert [label for label, _ in rows][:2] == ["Leaks &amp; protest", "Unpaid labour"]
    assert dict(rows)["Copyright"].split() == ["1"] * 40
    assert "the tallest bar is 4" in index


def test_a_short_chart_begins_at_the_right():
    index = files([day(0)], ENGLISH, {}, "")["index.html"]
    assert f'aria-label="{"0 " * 29}1"' in index


def test_a_quiet_archive_has_no_chart():
    assert "Themes over time" not in files([day(0, stories=())], ENGLISH, {}, "")["index.html"]


def test_the_feed_of_stories_tells_each_story_once_as_it_was_told_last():
    renamed = tuple(replace(story, title="An older title") for story in DIGEST.stories[:1])
    told = entries(files([day(0), day(1, stories=renamed)], ENGLISH, {}, "")["stories.atom"])
    ids = [entry.findtext(f"{ATOM}id") for entry in told]
    assert len(ids) == len(set(ids)) == 5
    assert ids[0] == "tag:monitor.invalid,2026:story:9"
    assert "An older title" not in [entry.findtext(f"{ATOM}title") for entry in told]


def test_feeds_are_bounded_and_updated_with_the_newest_digest():
    made = files([day(back) for back in range(80)], ENGLISH, {"html": "html"}, "")
    assert len(entries(made["digests.atom"])) == 50
    assert ET.fromstring(made["digests.atom"]).findtext(f"{ATOM}updated") == "2026-11-23T06:00:04Z"


def test_a_digest_as_a_feed_has_its_stories():
    feed = render_all(DIGEST, ENGLISH).renderings["atom"]
    assert [entry.findtext(f"{ATOM}title") for entry in entries(feed)] == [
        story.title for story in DIGEST.stories
    ]
    assert (
        ET.fromstring(feed).findtext(f"{ATOM}id")
        == "tag:monitor.invalid,2026:0123456789abcdef:digest:2026-11-23"
    )


def test_themes_without_a_label_are_counted_after_the_others():
    story = replace(DIGEST.stories[1], themes=("retired", "copyright"))
    assert day(0, stories=(story,)).themes == (("Copyright", 4), ("retired", 4))
