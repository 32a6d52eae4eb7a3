"""The archive as a site: every page exists and is well formed, and a day writes only the pages it changes."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import timedelta
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET
from zoneinfo import ZoneInfo

import pytest
from newsroom import Desk, at, item, page, run, serving

from monitor import digest_output, site, store
from monitor.errors import ConfigError
from monitor.models import Join, digest_from_json
from monitor.site import contents, lists, pages
from monitor.site.charts import chart
from monitor.site.frame import month_of, page_stem, row, search_path, theme_path
from monitor.site.listing import listed

ATTACK = "</title><script>alert(1)</script> \"'><img src=x onerror=alert(1)> AI artists & more"


class Page(HTMLParser):
    """Collects what a page links to and consists of."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.tags: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.links += [value or "" for name, value in attrs if name in {"href", "src"}]


def handed(script: str) -> Any:
    """Return the data in a file of the search's index."""
    assert script.startswith("shard(")
    assert script.endswith(");\n")
    return json.loads(script[6:-3])


class Archive:
    """A desk whose feed is polled and whose digest is made day by day."""

    def __init__(self, directory: Path) -> None:
        self.desk = Desk(directory, [])

    @property
    def folder(self) -> Path:
        return self.desk.directory / "digests"

    def day(self, number: int, *items: str) -> None:
        with serving() as server:
            server.on("/a", page(*items))
            self.desk.follow([server.url("/a")])
            assert run(self.desk.directory, "poll", "--all", now=at(9, number)).code == 0
            run(self.desk.directory, "digest", "--send", now=at(7.5, number + 1))

    def update(self, folder: Path | None = None) -> int:
        loaded = self.desk.config
        with store.open(loaded.database, read_only=True) as opened:
            return site.update(opened, folder or self.folder, digest_output.site_of(loaded, opened))

    def written(self) -> dict[str, str]:
        return {
            str(p.relative_to(self.folder)): p.read_text("utf-8")
            for p in self.folder.rglob("*")
            if p.is_file()
        }


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Archive:
    made = Archive(tmp_path_factory.mktemp("archive"))
    leak = item(
        "leak", "Testers leak OpenAI tool Sora in protest", "They call it unpaid work.", published=at(8)
    )
    choir = item("choir", ATTACK, published=at(8))
    made.day(0, leak, choir)
    made.day(1, leak, choir)
    made.day(2, leak, choir, item("more", "OpenAI closes Sora after leak", published=at(8, 2)))
    return made


def relative(path: str, link: str) -> str:
    parts = path.split("/")[:-1]
    for part in link.split("#", maxsplit=1)[0].split("/"):
        parts = parts[:-1] if part == ".." else [*parts, part]
    return "/".join(parts)


class TestPages:
    def test_there_is_a_page_for_everything(self, archive: Archive) -> None:
        there = archive.written().keys()
        assert {"index.html", "affairs.html", "themes.html", "search.html", "site.css", "search.js"} <= there
        assert {f"days/2024-12-0{day}.html" for day in (3, 4, 5)} <= there
        assert {"months/2024-12.html", "search/2024-12.js", "themes/leak-protest.html"} <= there
        assert len([path for path in there if path.startswith("stories/")]) >= 2

    def test_every_link_within_the_archive_leads_to_a_file(self, archive: Archive) -> None:
        there = archive.written()
        for path, text in there.items():
            if path.endswith(".html"):
                inner = [link for link in Page(text).links if "://" not in link and not link.startswith("#")]
                missing = [link for link in inner if relative(path, link) not in there]
                assert missing == [], path

    def test_a_theme_without_stories_has_no_feed_to_lead_to(self, archive: Archive) -> None:
        loaded = archive.desk.config
        with store.open(loaded.database, read_only=True) as opened:
            ours = digest_output.site_of(loaded, opened)
        assert not [link for link in Page(pages.theme("x", [], {}, ours)).links if link.endswith(".atom")]

    def test_no_page_runs_anything_but_the_search_and_what_feeds_say_is_text(self, archive: Archive) -> None:
        for path, text in archive.written().items():
            if path.startswith(("days/", "stories/", "months/", "themes/", "index")) and path.endswith(
                ".html"
            ):
                assert not {"script", "img", "style", "iframe"} & set(Page(text).tags), path
                assert not re.search(r"\son\w+=|javascript:|\sstyle=", re.sub(r'"[^"]*"', '""', text)), path
                assert "default-src 'none'" in text

    def test_feeds_and_the_index_of_the_search_are_well_formed(self, archive: Archive) -> None:
        there = archive.written()
        origin = set()
        for path in ("digests.atom", "stories.atom", "themes/leak-protest.atom"):
            root = ET.fromstring(there[path].encode())
            origin.add(root[0].text.split(":")[2])
            assert root.findall("{http://www.w3.org/2005/Atom}entry")
        assert len(origin) == 1
        assert re.fullmatch("[0-9a-f]{16}", origin.pop())
        shard = handed(there["search/2024-12.js"])
        assert {story["id"] for story in shard["stories"]} == {
            path[8:-5] for path in there if path.startswith("stories/")
        }
        assert handed(there["search/index.js"]) == {"months": ["2024-12"]}

    def test_the_page_of_themes_says_how_many_stories_each_has_from_the_first_month_on(
        self, archive: Archive
    ) -> None:
        themes = archive.written()["themes.html"]
        counts = dict(re.findall(r'themes/([a-z-]+)\.html">[^<]*</a></h2>\s*<p class="m">(\d+) stor', themes))
        assert counts["leak-protest"] != "0"
        assert counts.keys() >= {"leak-protest", "unpaid-labour"}

    def test_a_quiet_day_takes_one_line(self, archive: Archive) -> None:
        index = archive.written()["index.html"]
        assert 'Quiet: <a href="days/2024-12-04.html">4 Dec</a>' in index
        assert '<a href="days/2024-12-03.html">Tuesday, 3 December 2024</a>' in index

    def test_a_day_has_trends_and_receipt_whatever_the_digest_shows(self, archive: Archive) -> None:
        there = archive.written()
        assert "Themes over 14 days" not in there["2024-12-05.md"]
        assert "Themes over 14 days" in there["days/2024-12-05.html"]
        assert "1 feed, " in there["days/2024-12-05.html"]

    def test_a_story_says_why_its_reports_are_together_and_carries_its_handles(
        self, archive: Archive
    ) -> None:
        story = next(
            text
            for text in archive.written().values()
            if "Testers leak OpenAI tool Sora in protest</a></h1>" in text
        )
        assert "They call it unpaid work." in story
        assert '<span class="handle">s' in story
        assert "monitor stories show s" in story
        assert 'href="../themes/leak-protest.html"' in story

    def test_hostile_words_stand_as_words(self, archive: Archive) -> None:
        loaded = archive.desk.config
        with store.open(loaded.database, read_only=True) as opened:
            ours = digest_output.site_of(loaded, opened)
            shown = opened.stories.listing()[0]
        entries = tuple(
            replace(
                entry, title=ATTACK, outlet=ATTACK, citing=ATTACK, language=ATTACK, url="javascript:alert(1)"
            )
            for entry in shown.entries
        )
        joins = tuple(replace(join, reason=ATTACK) for join in shown.joins)
        hostile = replace(
            shown,
            sources=3,
            title=ATTACK,
            summary=ATTACK,
            entries=entries,
            joins=joins,
            themes=(ATTACK,),
            parties=(ATTACK,),
        )
        for text in (
            pages.story(hostile, [hostile, shown], ours),
            pages.theme("x", [hostile], {}, ours),
            pages.affair(1, [hostile], ours),
            lists.month("2024-12", [], [listed(hostile, ours)], ours),
        ):
            made = Page(text)
            assert not {"script", "img"} & set(made.tags)
            assert not [link for link in made.links if link.startswith("javascript")]
            assert "&lt;/title&gt;&lt;script&gt;alert(1)" in text
        ET.fromstring(pages.theme_feed("x", [hostile], ours).encode())
        assert ATTACK in handed(lists.search_shard("2024-12", [listed(hostile, ours)]))["stories"][0]["title"]


def test_a_months_chart_counts_what_is_also_in_another_outlet_once(archive: Archive) -> None:
    loaded = archive.desk.config
    with store.open(loaded.database, read_only=True) as opened:
        ours = digest_output.site_of(loaded, opened)
        shown = opened.stories.listing()[0]
    first, next_day = shown.entries[0], shown.entries[0].first_seen + timedelta(days=1)
    copy = Join(entry=99, similarity=1.0, reason="same text")
    for copy_of, bars in ((first.id, 0), (None, 1)):
        entries = (first, replace(first, id=99, first_seen=next_day))
        story = replace(shown, entries=entries, joins=(shown.joins[0], replace(copy, copy_of=copy_of)))
        those = [listed(story, ours)]
        assert handed(lists.search_shard("2024-12", those))["stories"][0]["reports"] == 1 + bars
        assert lists.month("2024-12", [], those, ours).count('id="month"') == bars


class TestBringingUpToDate:
    def test_without_news_nothing_is_written(self, archive: Archive) -> None:
        assert archive.update() == 0

    def test_without_a_new_digest_none_of_the_last_two_months_is_read(
        self, archive: Archive, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        read: list[object] = []
        monkeypatch.setattr(contents, "last_days", read.append)
        archive.update()
        assert read == []

    def test_a_day_reads_of_its_month_only_what_has_changed(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        made = Archive(tmp_path / "own")
        with monkeypatch.context() as patch:
            made.day(0, item("a", "AI choir angers artists in Graz", published=at(8)))
            # Nothing may be read whole from now on.
            patch.delattr(contents, "stories_of_month")
            made.day(1, item("b", "OpenAI closes Sora after leak", published=at(8, 1)))
            written = made.written()
        shown = handed(written["search/2024-12.js"])["stories"]
        assert [one["title"][:12] for one in shown] == ["OpenAI close", "AI choir ang"]
        (made.folder / ".site.json").unlink()
        assert made.update() == 1, "all is as if it had been written at once"
        # What is kept of a month may be lost or damaged: then it is read from the store.
        (made.folder / "months/2024-12.json").write_text("[{}]")
        made.day(2, item("c", "Testers leak OpenAI tool Sora in protest", published=at(8, 2)))
        assert len(handed(made.written()["search/2024-12.js"])["stories"]) == 3
        (made.folder / ".site.json").unlink()
        assert made.update() == 1

    def test_in_an_empty_folder_all_is_written_again_as_it_is(self, archive: Archive, tmp_path: Path) -> None:
        archive.update(tmp_path)
        ours = {path: text for path, text in archive.written().items() if not re.match(r"2024-|\.", path)}
        again = {
            str(p.relative_to(tmp_path)): p.read_text("utf-8") for p in tmp_path.rglob("*") if p.is_file()
        }
        assert {path: text for path, text in again.items() if not path.startswith(".")} == ours

    def test_a_page_that_was_lost_half_way_comes_back(self, archive: Archive) -> None:
        before = archive.written()
        (archive.folder / ".site.json").write_text("{broken")
        (archive.folder / "months/2024-12.html").unlink()
        assert archive.update() == 2
        assert archive.written() == before

    def test_a_story_that_is_merged_leaves_a_pointer_and_so_does_one_that_is_gone(
        self, tmp_path: Path
    ) -> None:
        made = Archive(tmp_path / "own")
        made.day(
            0,
            item("a", "AI choir angers artists in Graz"),
            item("b", "Testers leak OpenAI tool Sora"),
            item("c", "AI art fair: artists stay away"),
        )
        stories = run(made.desk.directory, "stories", "--json", now=at(8, 1)).json
        one, other, third = sorted(story["id"] for story in stories)
        assert run(made.desk.directory, "stories", "merge", one, other, now=at(9, 1)).code == 0
        entry = next(story["entries"][0] for story in stories if story["id"] == third)
        assert run(made.desk.directory, "mark", entry, "--not-relevant", now=at(9, 1)).code == 0
        made.update()
        there = made.written()
        assert f"is part of story s{one} now" in there[f"stories/s{other}.html"]
        # The page of the day that reported it still leads there.
        assert f"Nothing is left of story s{third}" in there[f"stories/s{third}.html"]
        assert f"s{third}" not in there["search/2024-12.js"]

    def test_a_pointer_leads_on_when_its_story_is_merged_too(self, tmp_path: Path) -> None:
        made = Archive(tmp_path / "own")
        titles = (
            "AI choir angers artists in Graz",
            "Testers leak OpenAI tool Sora",
            "AI artists meet in Rome",
        )
        made.day(0, *(item(title[:5], title) for title in titles))
        stories = run(made.desk.directory, "stories", "--json", now=at(8, 1)).json
        one, other, third = sorted(story["id"] for story in stories)
        for into, gone in ((other, third), (one, other)):
            assert run(made.desk.directory, "stories", "merge", into, gone, now=at(9, 1)).code == 0
            made.update()
        assert f"is part of story s{one} now" in made.written()[f"stories/s{third}.html"]
        for entry in (story["entries"][0] for story in stories):
            assert run(made.desk.directory, "mark", entry, "--not-relevant", now=at(9, 1)).code == 0
        made.update()
        assert f"Nothing is left of story s{third}" in made.written()[f"stories/s{third}.html"]

    def test_an_affair_is_no_more_when_its_steps_are_one_story(self, tmp_path: Path) -> None:
        made = Archive(tmp_path / "own")
        made.day(0, item("a", "Testers leak OpenAI tool Sora"), item("b", "AI choir angers artists in Graz"))
        with store.open(made.desk.config.database) as opened:
            one, other = opened.stories.listing()[::-1]
            opened.stories.save([replace(step, affair=one.id) for step in (one, other)])
        made.update()
        before = made.written()
        assert f'href="s{other.id}.html"' in before[f"stories/s{one.id}.html"].replace("../stories/", "")
        assert f"affairs/a{one.id}.html" in before
        assert f"affairs/a{one.id}.html" in before["affairs.html"]

        run(made.desk.directory, "stories", "merge", one.id, other.id, now=at(9, 1))
        made.update()
        after = made.written()
        assert not [path for path, text in after.items() if f"affairs/a{one.id}" in path + text]

    def test_a_step_that_leaves_is_named_by_no_other(self, tmp_path: Path) -> None:
        made = Archive(tmp_path / "own")
        titles = (
            "Testers leak OpenAI tool Sora",
            "AI choir angers artists in Graz",
            "AI art fair: artists go",
        )
        made.day(0, *(item(title, title) for title in titles))
        with store.open(made.desk.config.database) as opened:
            one, other, third = opened.stories.listing()[::-1]
            opened.stories.save([replace(step, affair=one.id) for step in (one, other, third)])
        made.update()
        assert f"stories/s{third.id}.html" in made.written()[f"stories/s{one.id}.html"]
        with store.open(made.desk.config.database) as opened:
            opened.stories.save([replace(third, affair=None)])
        made.update()
        assert f"stories/s{third.id}.html" not in made.written()[f"stories/s{one.id}.html"]

    def test_a_long_affair_is_named_in_part_and_written_in_part(self, tmp_path: Path) -> None:
        made = Archive(tmp_path / "own")
        made.day(0, item("a", "Testers leak OpenAI tool Sora"))
        with store.open(made.desk.config.database) as opened:
            (one,) = opened.stories.listing()
            ours = digest_output.site_of(made.desk.config, opened)
        steps = [replace(one, id=number, affair=1) for number in range(1, 31)]
        text = pages.story(steps[15], steps, ours)
        named = [n for n in range(1, 31) if f"stories/s{n}.html" in text]
        assert named == [*range(11, 16), *range(17, 22)]

    def test_a_later_step_writes_no_month_anew(self, tmp_path: Path) -> None:
        made = Archive(tmp_path / "own")
        made.day(0, item("a", "Testers leak OpenAI tool Sora"), item("b", "AI choir angers artists in Graz"))
        month = made.folder / "months" / "2024-12.html"
        with store.open(made.desk.config.database) as opened:
            one, other = opened.stories.listing()[::-1]
            opened.stories.save([replace(step, affair=one.id) for step in (one, other)])
        made.update()
        assert f"affairs/a{one.id}.html" in made.written()[f"stories/s{other.id}.html"]
        month.unlink()
        made.update()
        assert not month.exists()
        run(made.desk.directory, "mark", one.entries[0].id, "--not-relevant", now=at(9, 1))
        made.update()
        assert month.exists()
        assert f"stories/s{one.id}.html" not in month.read_text("utf-8")

    def test_a_months_silence_stands_in_a_themes_chart(self, tmp_path: Path) -> None:
        made = Archive(tmp_path / "own")
        made.day(0, item("a", "Testers leak OpenAI tool Sora"))
        made.day(40, item("b", "AI choir angers artists in Graz", published=at(8, 40)))
        page_of_theme = made.written()["themes/leak-protest.html"]
        assert re.findall(r'class="bar"', page_of_theme) == ['class="bar"']
        assert "2025-01" in page_of_theme

    def test_a_theme_has_all_of_its_stories_also_of_months_that_its_chart_leaves_out(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(pages, "_CHARTED", 2)
        made = Archive(tmp_path / "own")
        for number, who in ((0, "Testers"), (40, "Guild"), (70, "Studio")):
            made.day(number, item(who, f"{who} leak OpenAI tool Sora", published=at(8, number)))
        themes = made.written()["themes.html"]
        assert '<p class="m">3 stories</p>' in themes
        assert re.findall(r'class="bar"', themes) == ['class="bar"'] * 2

    def test_pages_name_a_feed_as_it_is_named_now(self, tmp_path: Path) -> None:
        with serving() as server:
            # Its address is stored without the key.
            url = server.url("/a?key=hunter2")
            server.on("/a", page(item("a", "Testers leak OpenAI tool Sora")))
            desk = Desk(tmp_path / "own", [url], names={url: "The Paper"})
            run(desk.directory, "poll", now=at(5))
            run(desk.directory, "digest", "--send", now=at(7))
        (told,) = (desk.directory / "digests" / "stories").iterdir()
        assert "The Paper · " in told.read_text("utf-8")
        for names, feeds, shown in (({url: "The Post"}, [url], "The Post"), ({}, [], "127.0.0.1")):
            desk.names = names
            desk.follow(feeds)
            digest_output.write_archive(desk.config, told.parents[1])
            assert f"{shown} · " in told.read_text("utf-8")

    def test_names_that_leave_the_same_as_a_file_name_have_files_of_their_own(self) -> None:
        names = ["a b", "a-b", "a/b", "ä", "/", ".", "n" * 101, "n" * 300]
        assert len({page_stem(name) for name in names}) == len(names)
        assert len({theme_path(name) for name in names}) == len(names)
        assert len({search_path(name) for name in names}) == len(names)
        assert page_stem("a-b") == "a-b"
        assert all(len(page_stem(name)) < 120 and "/" not in page_stem(name) for name in names)

    def test_a_saved_search_has_a_page_and_a_feed_while_it_is_saved(self, tmp_path: Path) -> None:
        made = Archive(tmp_path / "own")
        settings = made.desk.directory / "monitor.toml"
        plain = settings.read_text("utf-8")
        settings.write_text(
            f'{plain}[archive.search."Leaks & <b>"]\nqueries = ["leak* protest", "Graz"]\n'
            '[archive.search.None]\nqueries = ["river"]\n[archive.search.Unpaid]\nqueries = ["graz", "leak"]\n'
            f'theme = "unpaid-labour"\n[archive.search.{"N" * 300}]\nqueries = ["river"]\n'
        )
        river = item("river", "River bridge closed in Graz")
        leak = item("leak", "Testers leak OpenAI tool Sora in protest", "They call it unpaid work.")
        made.day(0, leak, river)
        made.day(1, leak, river, item("choir", "AI choir angers artists in Graz", published=at(8, 1)))
        there = made.written()
        stem = page_stem("Leaks & <b>")
        told = there[f"searches/{stem}.html"]
        assert told.index("AI choir angers artists in Graz") < told.index("Testers leak OpenAI tool Sora")
        assert "River bridge" not in told
        assert "Leaks &amp; &lt;b&gt;" in told
        feed = ET.fromstring(there[f"searches/{stem}.atom"].encode())
        assert len(feed.findall("{http://www.w3.org/2005/Atom}entry")) == 2
        assert "AI choir" not in there["searches/Unpaid.html"]
        assert "Testers leak" in there["searches/Unpaid.html"]
        assert "searches/None.atom" not in there
        assert {f"searches/{stem}.html", "searches/None.html"} <= set(Page(there["search.html"]).links)
        settings.write_text(f'{plain}[archive.search.None]\nqueries = ["river"]\n')
        made.update()
        left = [path for path in made.written() if path.startswith("searches/")]
        assert left == ["searches/None.html"]

    def test_a_themes_page_lists_the_stories_that_have_it(self, tmp_path: Path) -> None:
        made = Archive(tmp_path / "own")
        made.day(
            0, item("a", "Testers leak OpenAI tool Sora"), item("b", "Leak: AI choir angers artists in Graz")
        )
        with store.open(made.desk.config.database) as opened:
            kept, other = opened.stories.listing()
            opened.stories.save([replace(other, themes=())])  # only one of its reports has it
        made.update()
        for path in ("themes/leak-protest.html", "themes/leak-protest.atom"):
            found = re.findall(r"(?:/s|story:)(\d+)", made.written()[path])
            assert set(map(int, found)) == {kept.id}
        themes = made.desk.directory / "themes.toml"
        themes.write_text(themes.read_text().replace("leak-protest", "leaks"))
        made.update()
        assert not list((made.folder / "themes").glob("leak-protest.*"))
        assert (made.folder / "themes/leaks.html").is_file()

    def test_a_run_that_is_stopped_is_done_over(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        made = Archive(tmp_path / "own")
        made.day(0, item("a", "Testers leak OpenAI tool Sora"))
        with store.open(made.desk.config.database) as opened:
            (one,) = opened.stories.listing()
            opened.stories.save([replace(one, title="Sora leaked")])

        def stopped(*_: object) -> str:
            raise OSError(28, "No space left on device")

        with monkeypatch.context() as patched:
            patched.setattr(lists, "month", stopped)
            with pytest.raises(OSError, match="No space"):
                made.update()
        made.update()
        there = made.written()
        assert "Sora leaked" in there[f"stories/s{one.id}.html"]
        assert "Sora leaked" in there["search/2024-12.js"]

    def test_a_story_that_a_merge_puts_into_another_month_is_listed_there_alone(self, tmp_path: Path) -> None:
        made, anew = Archive(tmp_path / "own"), tmp_path / "anew"
        made.day(0, item("a", "Testers leak OpenAI tool Sora"), item("b", "AI choir angers artists in Graz"))
        made.day(40, item("c", "Studio closes Sora of OpenAI", published=at(8, 40)))
        with store.open(made.desk.config.database) as opened:
            late, *_, early = sorted(opened.stories.listing(), key=lambda one: one.first_seen, reverse=True)
        assert run(made.desk.directory, "stories", "merge", f"s{late.id}", f"s{early.id}").code == 0
        made.update()
        there = made.written()
        assert f"s{late.id}" in {one["id"] for one in handed(there["search/2024-12.js"])["stories"]}
        assert handed(there["search/2025-01.js"])["stories"] == []
        made.update(anew)
        pages_anew = {str(path.relative_to(anew)) for path in anew.rglob("*") if path.is_file()}
        for path in pages_anew - {".site.json"}:
            assert there[path] == (anew / path).read_text("utf-8"), path

    def test_the_state_of_the_pages_is_the_folders_own(self, archive: Archive, tmp_path: Path) -> None:
        (tmp_path / ".site.json").write_text(
            '{"fingerprint": "of another time", "revision": 999, "digest": 999}'
        )
        archive.update(tmp_path)
        assert (tmp_path / "index.html").is_file()
        assert json.loads((tmp_path / ".site.json").read_text())["revision"] < 999


def test_an_earlier_copy_of_the_database_that_was_put_back_has_all_of_its_pages(tmp_path: Path) -> None:
    made, copy = Archive(tmp_path / "own"), tmp_path / "copy.db"
    made.day(0, item("a", "Testers leak OpenAI tool Sora"))
    assert run(made.desk.directory, "backup", copy).code == 0
    for number in (1, 2):
        made.day(
            number, item(f"b{number}", f"Studio {number} sues OpenAI over Sora", published=at(8, number))
        )
    assert run(made.desk.directory, "restore", copy, "--replace").code == 0
    for number in (5, 6):  # as many digests and changes as were made after the copy
        made.day(
            number, item(f"c{number}", f"Guild {number} strikes over Sora of OpenAI", published=at(8, number))
        )
    there = made.written()
    links = (link.split("#")[0] for link in Page(there["index.html"]).links if "://" not in link)
    linked = {relative("index.html", link) for link in links if link}
    assert "days/2024-12-08.html" in linked
    assert linked <= there.keys()
    with store.open(made.desk.config.database) as opened:
        stories = opened.stories.listing()
    assert any(one.title.startswith("Guild") for one in stories)
    assert all(one.title in there[f"stories/s{one.id}.html"] for one in stories)


def test_a_theme_of_any_name_stays_in_its_folder() -> None:
    assert re.fullmatch(r"themes/etc-x-y-[0-9a-f]{6}\.html", theme_path("../../etc/x y"))
    assert theme_path("leak-protest") == "themes/leak-protest.html"


def test_a_theme_of_any_name_has_ids_that_are_some(archive: Archive) -> None:
    loaded = archive.desk.config
    with store.open(loaded.database, read_only=True) as opened:
        shown, stories = digest_output.site_of(loaded, opened), opened.stories.listing()
    made = pages.theme_chart("AI & art", {"2024-11": 1, "2024-12": 2}, shown)
    assert made.id == f"theme-{page_stem('AI & art')}"
    assert " " not in made.id, "with a blank it would name two elements"
    assert f":theme:{page_stem('AI & art')}</id>" in pages.theme_feed("AI & art", stories, shown)


def test_the_search_dates_a_story_by_the_users_day_and_says_its_language_as_all_pages_do(
    archive: Archive,
) -> None:
    loaded = archive.desk.config
    with store.open(loaded.database, read_only=True) as opened:
        ours = replace(digest_output.site_of(loaded, opened), timezone=ZoneInfo("Europe/Berlin"))
        story = opened.stories.listing()[0]
    assert month_of(replace(story, first_seen=at(23.5, 29)), ours) == "2025-01"
    published = tuple(replace(one, published=at(23.5, 29)) for one in story.entries)
    late = replace(story, entries=published, first_seen=at(9, 40))  # with a feed that is followed since then
    assert row(late, ours)["note"].startswith("1 Jan 2025")
    old = replace(story, entries=tuple(replace(one, backlog=True) for one in story.entries))
    assert (len(listed(story, ours).seen), listed(old, ours).seen) == (len(story.reports), [])
    french = replace(late, entries=tuple(replace(one, language="fr") for one in late.entries))
    found = handed(lists.search_shard("2025-01", [listed(late, ours), listed(french, ours)]))["stories"]
    assert [(one["day"], one["language"]) for one in found] == [("2025-01-01", ""), ("2025-01-01", "fr")]
    assert found[0]["when"] == "1 Jan 2025"


def test_a_digest_of_version_1_0_has_its_day(archive: Archive) -> None:
    loaded = archive.desk.config
    with store.open(loaded.database, read_only=True) as opened:
        ours = digest_output.site_of(loaded, opened)
    stored = Path(__file__).parent / "data" / "digests" / "stored-by-1.0.json"
    text = pages.day(digest_from_json(stored.read_text("utf-8")), ours)
    assert "Monday, 23 November 2026" in text
    assert 'href="../stories/s17.html"' in text
    assert "HTTP 503 Service Unavailable" in text


@pytest.mark.parametrize("count", [0, 1])
def test_a_chart_of_nothing_is_none(count: int) -> None:
    assert chart("x", "X", [("a", 0)] * count) is None
    assert chart("x", "X", [("a", 5)] * count) is None


def test_a_chart_has_a_bar_for_each_step_and_few_dates() -> None:
    made = chart("x", "X", [(str(day), day) for day in range(31)])
    assert made is not None
    assert len(made.bars) == 31
    assert made.bars[-1].height == made.height
    assert made.bars[0].height == 0
    assert sum(bar.marked for bar in made.bars) <= 5
    assert all(bar.x >= 0 and bar.x + bar.width <= made.width for bar in made.bars)


def test_what_is_favoured_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="did you mean 'unpaid-labour'"):
        _ = Desk(tmp_path / "a", [], settings='[digest]\nfavour = ["unpaid-labor"]\n').config
    assert Desk(tmp_path / "b", [], settings='[digest]\nplay_down = ["sora"]\n').config.digest.play_down == (
        "sora",
    )


def test_the_address_of_the_archive_is_checked_and_ends_with_a_slash(tmp_path: Path) -> None:
    desk = Desk(tmp_path / "a", [], settings='[archive]\nbase_url = "https://example.org/monitor"\n')
    assert desk.config.digest.archive_url == "https://example.org/monitor/"
    with pytest.raises(ConfigError, match="base_url"):
        _ = Desk(tmp_path / "b", [], settings='[archive]\nbase_url = "example"\n').config
