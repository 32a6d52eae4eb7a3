"""`report`: a period in one page."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from markdown_it import MarkdownIt
from newsroom import at, polled, run
from test_site import ATTACK, Page

from monitor import config, digest_output, store
from monitor.models import Join
from monitor.site import period

if TYPE_CHECKING:
    from pathlib import Path

BOTH = ["AI choir angers artists in Graz", "Testers leak OpenAI tool Sora in protest"]


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return polled(tmp_path_factory.mktemp("desk"))


def report(desk: Path, *options: str) -> Any:
    return run(desk, "report", *options, now=at(12))


def test_a_report_holds_what_was_seen_in_its_period(desk: Path) -> None:
    text = report(desk).out
    assert all(title in text for title in BOTH)
    assert "2 stories, 2 reports, 1 outlet" in text
    assert "The Paper — 2" in text
    later = run(desk, "report", "--since", "1d", now=at(10, 5))
    assert (later.code, "0 stories, 0 reports, 0 outlets" in later.out) == (0, True)


def test_a_theme_leaves_the_others_out(desk: Path) -> None:
    text = report(desk, "--theme", "leak-protest").out
    assert BOTH[1] in text
    assert BOTH[0] not in text
    assert "only Leak and protest" in text


def test_as_json_and_as_html_into_a_file(desk: Path, tmp_path: Path) -> None:
    found = report(desk, "--format", "json").json
    assert sorted(line["text"] for line in found["most_reported"]) == BOTH
    assert found["months"] == ["2024-12"]
    assert {theme["theme"]: theme["entries"] for theme in found["themes"]}["Unpaid labour"] == [1]
    out = tmp_path / "report.html"
    assert report(desk, "--format", "html", "-o", str(out)).code == 0
    page = Page(out.read_text("utf-8"))
    assert "script" not in page.tags
    assert all(link.startswith("https://news.test/") for link in page.links)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--theme", "nonsense"], "no such theme: 'nonsense'; known: leak-protest"),
        (["--format", "pdf"], "no such format: 'pdf'"),
        (["--since", "2031-01-01"], "there is no time between"),
        (["--since", "gestern abend"], "is not a time"),
    ],
)
def test_rubbish_is_refused_in_one_line(desk: Path, options: list[str], message: str) -> None:
    refused = report(desk, *options)
    assert (refused.code, message in refused.err) == (2, True)


def test_affairs_have_their_steps_and_what_is_open_is_pending(desk: Path) -> None:
    loaded = config.load(desk)
    with store.open(loaded.database, read_only=True) as opened:
        site = digest_output.site_of(loaded, opened)
        shown = opened.stories.listing()[0]
    suit = replace(
        shown, id=1, title="Authors sue", kind="filing", first_seen=at(9), parties=("Authors", "court")
    )
    ruling = replace(shown, id=2, title="Judge rules", kind="ruling", first_seen=at(10))
    vote = replace(shown, id=3, title=ATTACK, kind="vote", first_seen=at(11), parties=(ATTACK,))
    made = period.compose([suit, ruling, vote], [[suit, ruling]], site, since=at(0), until=at(12))
    assert [step.handle for step in made.affairs[0].steps] == ["s1", "s2"]
    assert [line.handle for line in made.pending] == ["s3"]
    assert {line.text for line in made.parties} >= {"Authors", "courts"}
    markdown = period.to_markdown(made, site)
    assert not [token for token in MarkdownIt("commonmark").parse(markdown) if token.type.startswith("html")]
    assert "script" not in Page(period.to_html(made, site)).tags
    linked = period.compose([suit], [], site, since=at(0), until=at(12), archive="https://a.example/m/")
    assert linked.most_reported[0].url == "https://a.example/m/stories/s1.html"
    (first,), copy = shown.entries, replace(shown.entries[0], id=99)
    joins = (*shown.joins, Join(entry=99, similarity=1.0, reason="same text", copy_of=first.id))
    twice = replace(shown, entries=(first, copy), joins=joins)
    found = period.compose([twice], [], site, since=at(0), until=at(12))
    assert "1 report," in found.summary
    assert {sum(counts) for _, counts in found.themes} == {1}
    assert [line.note for line in found.outlets] == ["1"], "an outlet has one report once, in whatever feeds"
    later = replace(ruling, entries=(replace(first, first_seen=first.first_seen + timedelta(days=61)),))
    long = period.compose([suit, later], [], site, since=at(0), until=at(0, 99))
    assert long.months == ("2024-12", "2025-01", "2025-02"), "a month without a report is no gap"
    assert {counts for _, counts in long.themes} == {(1, 0, 1)}
    # Another day of a running column under the same link: two reports, as in the digest.
    days = (first, replace(copy, title="Another day"))
    column = replace(twice, entries=days, joins=(*shown.joins, replace(joins[-1], copy_of=None)))
    assert "2 reports," in period.compose([column], [], site, since=at(0), until=at(12)).summary
    none = period.compose([suit], [[suit, ruling]], site, since=at(12), until=at(12) + timedelta(hours=1))
    assert not none.affairs, "none of its steps was in the period"
    assert re.match("0 stories", none.summary)


def test_a_day_that_counts_whole_is_the_last_that_is_named(desk: Path) -> None:
    text = run(desk, "report", "--since", "2024-12-01", "--until", "2024-12-02", now=at(12, 3)).out
    assert text.startswith("# Sora monitor · 1 Dec 2024 to 2 Dec 2024\n")
