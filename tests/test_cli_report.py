"""`report`: a period on one page."""

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
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from monitor.models import Story
    from monitor.site import Site
    from monitor.site.period import Period

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


@pytest.fixture(scope="module")
def site(desk: Path) -> Site:
    loaded = config.load(desk)
    with store.open(loaded.database, read_only=True) as opened:
        return digest_output.site_of(loaded, opened)


@pytest.fixture(scope="module")
def shown(desk: Path) -> Story:
    """A story with one report, from which tests make others."""
    with store.open(config.load(desk).database, read_only=True) as opened:
        return opened.stories.listing()[0]


def composed(
    site: Site, *stories: Story, affairs: Iterable[Sequence[Story]] = (), archive: str = ""
) -> Period:
    return period.compose(stories, affairs, site, since=at(0), until=at(12), archive=archive)


def test_affairs_have_their_steps_and_what_is_open_is_pending(shown: Story, site: Site) -> None:
    suit = replace(shown, id=1, title="Authors sue", kind="filing", first_seen=at(9))
    ruling = replace(shown, id=2, title="Judge rules", kind="ruling", first_seen=at(10))
    vote = replace(shown, id=3, title="Parliament votes", kind="vote", first_seen=at(11))
    made = composed(site, suit, ruling, vote, affairs=[[suit, ruling], [vote]])
    assert [[step.handle for step in affair.steps] for affair in made.affairs] == [["s1", "s2"]]
    assert [line.handle for line in made.pending] == ["s3"]
    later = at(12) + timedelta(hours=1)
    none = period.compose([suit], [[suit, ruling]], site, since=at(12), until=later)
    assert not none.affairs, "none of its steps was in the period"
    assert re.match("0 stories", none.summary)


def test_one_party_in_two_spellings_is_counted_once_under_the_more_frequent(shown: Story, site: Site) -> None:
    made = composed(
        site, *(replace(shown, id=n, parties=(name,)) for n, name in enumerate(["Gema", "GEMA", "GEMA"]))
    )
    assert [(line.text, line.note) for line in made.parties] == [("GEMA", "3")]


def test_only_several_sources_are_counted_beside_a_story(shown: Story, site: Site) -> None:
    notes = [line.note for line in composed(site, shown, replace(shown, id=99, sources=2)).most_reported]
    assert ["sources" in note for note in notes] == [True, False]
    assert "source" not in notes[1]


def test_what_the_world_wrote_is_text_in_every_format(shown: Story, site: Site) -> None:
    made = composed(site, replace(shown, title=ATTACK, parties=("Authors", "court", ATTACK)))
    assert {line.text for line in made.parties} >= {"Authors", "courts"}
    markdown = period.to_markdown(made, site)
    assert not [token for token in MarkdownIt("commonmark").parse(markdown) if token.type.startswith("html")]
    assert "script" not in Page(period.to_html(made, site)).tags


def test_an_archive_on_the_web_is_linked_instead_of_the_first_report(shown: Story, site: Site) -> None:
    (line,) = composed(site, replace(shown, id=1), archive="https://a.example/m/").most_reported
    assert line.url == "https://a.example/m/stories/s1.html"


def test_a_copy_is_no_report_of_its_own(shown: Story, site: Site) -> None:
    (first,), copy = shown.entries, replace(shown.entries[0], id=99)
    joins = (*shown.joins, Join(entry=99, similarity=1.0, reason="same text", copy_of=first.id))
    twice = replace(shown, entries=(first, copy), joins=joins)
    made = composed(site, twice)
    assert "1 report," in made.summary
    assert {sum(counts) for _, counts in made.themes} == {1}
    assert [line.note for line in made.outlets] == ["1"], "an outlet has one report once, in whatever feeds"
    # Another day of a column under the same link: two reports, as in the digest.
    days = (first, replace(copy, title="Another day"))
    column = replace(twice, entries=days, joins=(*shown.joins, replace(joins[-1], copy_of=None)))
    assert "2 reports," in composed(site, column).summary


def test_a_month_without_a_report_is_no_gap(shown: Story, site: Site) -> None:
    (first,) = shown.entries
    later = replace(shown, id=99, entries=(replace(first, first_seen=first.first_seen + timedelta(days=61)),))
    made = period.compose([shown, later], [], site, since=at(0), until=at(0, 99))
    assert made.months == ("2024-12", "2025-01", "2025-02")
    assert {counts for _, counts in made.themes} == {(1, 0, 1)}


def test_a_day_that_counts_whole_is_the_last_that_is_named(desk: Path) -> None:
    text = run(desk, "report", "--since", "2024-12-01", "--until", "2024-12-02", now=at(12, 3)).out
    assert text.startswith("# Sora monitor · 1 Dec 2024 to 2 Dec 2024\n")
