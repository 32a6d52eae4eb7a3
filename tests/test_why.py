"""`why` answers in five lines: each stage at which news can be lost, and what would have caught it."""

from __future__ import annotations

import re
import shutil
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from newsroom import SETTINGS, Desk, at, item, page, run, serving

from monitor import config, store
from monitor.store.values import format_utc
from monitor.why import asked_site, same_title

if TYPE_CHECKING:
    from pathlib import Path

NEAR = "Robot choir angers painters in Graz"
THEMES = """\
[grades]
sure = 1.0
weak = 0.6
[beat.ai-creative-labour]
label = { en = "AI and creative labour", de = "KI und Kreativarbeit" }
any.sure = ["AI AND artists"]
any.weak = ["painters"]
[theme.protest]
label = { en = "Protest", de = "Protest" }
any.sure = ["protest"]
"""


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two days: an old entry of a new feed, one reported, one nearly chosen, one that came after the digest."""
    directory = tmp_path_factory.mktemp("desk")
    shown = item("told", "AI artists protest in Rome")
    near = item("near", NEAR, "The painters object.")
    old = item("old", "AI artists met a month ago", published=at(0, -30))
    with serving() as server:
        url = server.url("/a")
        desk = Desk(directory, [url], settings=SETTINGS, names={url: "The Paper"})
        (directory / "themes.toml").write_text(THEMES)
        server.on("/a", page(shown, near, old))
        assert run(directory, "poll", now=at(5)).code == 0
        assert run(directory, "digest", "--send", now=at(7)).code == 0
        server.on("/a", page(item("late", "AI artists win a prize"), shown, near, old))
        assert run(directory, "poll", "--all", now=at(12)).code == 0
    assert desk.directory == directory
    return directory


def answers(desk: Path, asked: str) -> dict[str, str]:
    found = run(desk, "why", asked, "--json", now=at(13)).json
    return {key: found[key]["answer"] for key in ("followed", "known", "chosen", "reported", "instead")}


def number(desk: Path, guid: str) -> int:
    return next(e["id"] for e in run(desk, "entries", "--all", "--json").json if e["guid"] == guid)


def test_what_was_reported_names_its_digest_story_and_place(desk: Path) -> None:
    entry = number(desk, "told")
    assert answers(desk, f"e{entry}") == {
        "followed": "yes", "known": "yes", "chosen": "yes", "reported": "yes", "instead": "no",
    }  # fmt: skip
    shown = run(desk, "why", entry, now=at(13)).out
    assert len(shown.splitlines()) == 6, "a title and five lines"
    assert "in the digest of 2024-12-02 in story s" in shown
    assert "its only story" in shown
    assert f"monitor mark e{entry} --not-relevant" in shown


def test_what_is_also_in_another_outlet_was_reported_with_it(tmp_path: Path) -> None:
    text = (
        "The painters, singers and writers of Rome object to what the studios have trained on their works. "
        * 3
    )
    with serving() as server:
        urls = [server.url("/a"), server.url("/b")]
        desk = Desk(
            tmp_path / "desk", urls, names=dict(zip(urls, ("The Paper", "The Post"), strict=True))
        ).directory
        for path, guid in (("/a", "first"), ("/b", "second")):
            server.on(path, page(item(guid, "AI artists protest in Rome against OpenAI and Sora", text)))
        assert run(desk, "poll", now=at(5)).code == 0
        assert run(desk, "digest", "--send", now=at(7)).code == 0
    story = run(desk, "stories", "--json").json[0]
    assert len(story["copies"]) == 1
    (original,) = story["copies"].values()
    for guid in ("first", "second"):
        handle = f"e{number(desk, guid)}"
        assert answers(desk, handle)["reported"] == "yes"
        shown = run(desk, "why", handle, now=at(13)).out
        assert "its only story" in shown
        assert (f"as “also in” with e{original}" in shown) is (handle != f"e{original}")
    with serving() as server:
        url = server.url("/c")
        Desk(desk, [*urls, url], names={url: "The Echo"})
        server.on("/c", page(item("third", "AI artists protest in Rome against OpenAI and Sora", text)))
        assert run(desk, "poll", now=at(12)).code == 0
    coming = run(desk, "why", f"e{number(desk, 'third')}", "--json", now=at(13)).json["reported"]
    assert run(desk, "digest", "--send", now=at(7, 1)).code == 0
    found = run(desk, "why", f"e{number(desk, 'third')}", "--json", now=at(8, 1)).json["reported"]
    assert coming == found, "it waits for no digest"
    assert found["answer"] == "no"
    assert "only repeats a report that was told before in story s" in found["text"]


def test_a_story_with_one_line_is_explained_by_its_importance_and_not_by_its_section(tmp_path: Path) -> None:
    with serving() as server:
        url = server.url("/a")
        desk = Desk(tmp_path / "desk", [url], settings=SETTINGS + "[digest]\nmax_stories = 2\n").directory
        ruling = item("ruling", "Court rules that AI firm owes artists in Rome royalties")
        deal = item("deal", "Larkvoice signs licensing deal: AI may sing like the artists of Graz")
        column = item("column", "Opinion: what OpenAI has Sora for")
        server.on("/a", page(ruling, deal, column))
        assert run(desk, "poll", now=at(5)).code == 0
        assert run(desk, "digest", "--send", now=at(7)).code == 0
    text = (desk / "digests" / "2024-12-02.md").read_text("utf-8")
    # The section of Sora comes before that of deals.
    assert text.index("](https://news.test/column)") < text.index("](https://news.test/deal)")
    assert "- [Opinion: what OpenAI has Sora for]" in text
    for guid, in_one_line in (("ruling", False), ("deal", False), ("column", True)):
        assert ("in one line" in run(desk, "why", f"e{number(desk, guid)}", now=at(8)).out) is in_one_line


def test_a_near_miss_gets_the_phrase_that_would_have_caught_it(desk: Path) -> None:
    for asked in (f"e{number(desk, 'near')}", "https://news.test/near", NEAR.upper() + "!"):
        assert answers(desk, asked) == {
            "followed": "yes", "known": "yes", "chosen": "no", "reported": "no", "instead": "yes",
        }  # fmt: skip
    shown = run(desk, "why", NEAR, now=at(13)).out
    assert "“painters”" in shown
    assert 'monitor themes test "Robot choir" --target ai-creative-labour' in shown
    assert "0 other entries" in shown


def test_the_proposed_phrase_does_what_it_says(desk: Path) -> None:
    tried = run(desk, "themes", "test", "Robot choir", "--target", "ai-creative-labour")
    assert "1 entry would gain" in tried.out


def test_what_waits_and_what_was_held_back(desk: Path) -> None:
    assert answers(desk, "https://news.test/late")["reported"] == "waiting"
    assert "2024-12-03 07:00" in run(desk, "why", "AI artists win a prize", now=at(13)).out
    held = run(desk, "why", "https://news.test/old", now=at(13)).out
    assert answers(desk, "https://news.test/old")["reported"] == "held back"
    assert "[digest] backlog is 2d" in held


def test_what_was_not_sure_enough_for_its_day_waits_for_no_other(desk: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(desk, copy)
    near, late = number(desk, "near"), number(desk, "late")
    with store.open(config.load(copy).database) as opened:
        shown = opened.entries.get(late)
        assert shown is not None
        unsure = replace(shown.tagging, shelf="perhaps", certainty=0.3)
        opened.entries.set_taggings(dict.fromkeys((near, late), unsure), at(12))
        # One of them became unsure before the digest of seven o'clock, which did not list it.
        opened.entries._db.change("update entries set news_at = ? where id = ?", [format_utc(at(6)), near])
    found = answers(copy, f"e{near}")
    assert (found["chosen"], found["reported"], found["instead"]) == ("perhaps", "no", "yes")
    assert answers(copy, f"e{late}")["reported"] == "waiting"
    assert run(copy, "digest", "--send", now=at(7, 1)).code == 0
    found = run(copy, "why", f"e{late}", "--json", now=at(8, 1)).json["reported"]
    assert (found["answer"], found["text"].endswith(", among those that are not sure")) == ("yes", True)


def test_an_address_that_nobody_brought(desk: Path) -> None:
    assert answers(desk, "https://elsewhere.test/x") == {
        "followed": "no", "known": "no", "chosen": "unknown", "reported": "no", "instead": "yes",
    }  # fmt: skip
    shown = run(desk, "why", "elsewhere.test/x").out
    assert "elsewhere.test is not followed\n" in shown
    assert re.search(r"monitor feeds add https://elsewhere\.test(?!/)", shown), (
        "the site, not the one address"
    )


def test_entries_of_a_feed_no_longer_followed_say_so(desk: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(desk, tmp_path / "copy")
    (url,) = (feed["url"] for feed in run(copy, "feeds", "list", "--json").json)
    assert run(copy, "feeds", "remove", url).code == 0
    assert f"{url} is not followed any more\n" in run(copy, "why", f"e{number(copy, 'told')}").out


def test_a_part_of_a_headline_is_not_claimed_to_be_in_no_feed(desk: Path) -> None:
    assert "no feed has brought it under this title" in run(desk, "why", "AI artists protest in").out


def test_a_story_of_the_digest_may_be_asked_about_by_its_number(desk: Path) -> None:
    (story,) = (s for s in run(desk, "stories", "--json").json if "Rome" in s["title"])
    told = f"e{number(desk, 'told')}"
    for command in ("why", "explain"):
        assert run(desk, command, f"s{story['id']}").out == run(desk, command, told).out
        missing = run(desk, command, "s999")
        assert (missing.code, missing.out) == (1, "")


def test_an_address_is_explained_without_an_option(desk: Path) -> None:
    url = next(e["url"] for e in run(desk, "entries", "--json").json if "Rome" in e["title"])
    assert run(desk, "explain", url).out == run(desk, "explain", "--url", url).out


def test_a_text_is_judged_by_todays_themes(desk: Path) -> None:
    assert answers(desk, "AI wins over artists")["chosen"] == "yes"
    assert answers(desk, "Bread is dearer")["chosen"] == "no"


@pytest.mark.parametrize(
    "rubbish",
    ["\0", "http://[", "http://", "e", "🎨", '"', "a" * 9000, "--", "://x", "x/", "\x1b[31m", "a.b/"],
)
def test_any_question_gets_an_answer(desk: Path, rubbish: str) -> None:
    result = run(desk, "why", "--", rubbish)
    assert (result.code, result.err) == (0, "")


def test_questions_that_make_no_sense(desk: Path) -> None:
    assert run(desk, "why", " ").code == 2
    assert run(desk, "why", "e999").code == 1


def test_a_mark_is_named_and_wins(desk: Path, tmp_path: Path) -> None:
    import shutil

    copy = shutil.copytree(desk, tmp_path / "copy")
    entry = number(copy, "near")
    assert run(copy, "mark", entry, "--relevant", "--beat", "ai-creative-labour", now=at(12.5)).code == 0
    assert answers(copy, f"e{entry}")["chosen"] == "yes"
    assert "you marked it on 2024-12-02 12:30" in run(copy, "why", entry, now=at(13)).out


@pytest.mark.parametrize(
    ("url", "site"),
    [
        ("https://feeds.bbci.co.uk/news", "bbci.co.uk"), ("https://www.spiegel.de/x", "spiegel.de"),
        ("spiegel.de/x", "spiegel.de"), ("https://someone.substack.com/p/x", "someone.substack.com"),
        ("http://127.0.0.1:80/", "127.0.0.1"), ("nonsense", "nonsense"), ("", ""),
    ],
)  # fmt: skip
def test_the_site_of_an_address(url: str, site: str) -> None:
    assert asked_site(url) == site


def test_titles_are_the_same_whatever_their_quotes() -> None:
    assert same_title("„Größe“ – ein Test", 'Groesse" - Ein Test!')
    assert not same_title("One test", "Two tests")
