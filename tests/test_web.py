"""The reading page, used over loopback as a browser does: it shows, corrects as the commands do, and refuses
requests that do not come from its own pages.
"""

from __future__ import annotations

import re
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from contextlib import contextmanager, suppress
from html import unescape
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import httpx
import pytest
from newsroom import SETTINGS, Desk, at, item, page, run, serving
from starlette.responses import Response

from monitor import store, web
from monitor.cli.session import Session
from monitor.web import app
from monitor.web.guard import refusal

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

ATTACK = "</title><script>alert(1)</script> \"'><img src=x onerror=alert(1)> AI artists & more"
NOW = at(13, 1)


class Parsed(HTMLParser):
    """The tags of a page, each with its attributes."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {name: value or "" for name, value in attrs}))

    def of(self, tag: str) -> list[dict[str, str]]:
        return [attrs for name, attrs in self.tags if name == tag]


class Browser:
    """Sends requests like a browser, follows answers to forms, and presses only buttons that exist."""

    def __init__(self, address: str) -> None:
        self.client = httpx.Client(base_url=address, follow_redirects=True, timeout=30)
        self.own = {"Origin": address, "Sec-Fetch-Site": "same-origin"}

    def get(self, path: str) -> Parsed:
        answer = self.client.get(path)
        assert answer.status_code == 200, (path, answer.text)
        return Parsed(answer.text)

    def fields(self, path: str) -> dict[str, str]:
        """Return the hidden fields of a page's forms."""
        hidden = {f["name"]: f["value"] for f in self.get(path).of("input") if f.get("type") == "hidden"}
        return {"token": hidden["token"], "back": path}

    def press(self, path: str, action: str, which: str) -> httpx.Response:
        """Press one of the buttons beside stories and reports."""
        return self.post(action, self.fields(path) | {"which": self.meant(path, action, which)})

    def meant(self, path: str, action: str, which: str) -> str:
        """Return the story or report that a button beside it stands for."""
        buttons = [b for b in self.get(path).of("button") if b.get("formaction") == action]
        return next(b["value"] for b in buttons if b["aria-label"].endswith(f": {which}"))

    def post(self, action: str, data: Mapping[str, str | list[str]], **headers: Any) -> httpx.Response:
        return self.client.post(action, data=data, headers=self.own | headers)


@contextmanager
def opened(desk: Path) -> Iterator[Browser]:
    with web.listen(0) as taken:
        port = taken.getsockname()[1]
        server = web.server(Session(chosen_directory=desk, fixed_now=NOW), port)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [taken]})
        thread.start()
        try:
            browser = Browser(f"http://127.0.0.1:{port}")
            with browser.client:
                yield browser
        finally:
            server.should_exit = True
            thread.join()


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three stories, one with two reports, an entry that is not relevant, and a digest of all."""
    directory = tmp_path_factory.mktemp("desk")
    leak = item("leak", "Testers leak OpenAI tool Sora in protest", "They call it <b>unpaid</b> work.")
    same = item("same", "Testers leak OpenAI tool Sora in protest against unpaid work")
    choir = item("choir", "AI choir angers artists in Graz")
    river = item("river", "River bridge closed for repairs")
    with serving() as server:
        server.on("/a", page(leak, choir, river, item("attack", "AI artists & more")))
        server.on("/b", page(same, title="The Globe"))
        Desk(directory, [server.url("/a"), server.url("/b")])
        assert run(directory, "poll", now=at(9)).code == 0
        with sqlite3.connect(directory / "data" / "monitor.db") as connection:
            # Reading removes tags from titles; this is in case it should ever fail.
            for table in ("entries", "stories"):
                connection.execute(f"update {table} set title = ? where title like 'AI artists%'", [ATTACK])
        connection.close()
        assert run(directory, "digest", "--send", now=at(7.5, 1)).code == 0
    return directory


@pytest.fixture(scope="module")
def shown(made: Path) -> Iterator[Browser]:
    """The page of a desk that no test changes."""
    with opened(made) as browser:
        yield browser


@pytest.fixture
def desk(made: Path, tmp_path: Path) -> Path:
    return shutil.copytree(made, tmp_path / "desk")


@pytest.fixture
def browser(desk: Path) -> Iterator[Browser]:
    with opened(desk) as found:
        yield found


def entry(desk: Path, guid: str) -> int:
    return next(e["id"] for e in run(desk, "entries", "--all", "--json").json if e["guid"] == guid)


def story(desk: Path, guid: str) -> int:
    return next(e["story"] for e in run(desk, "entries", "--all", "--json").json if e["guid"] == guid)


def dump(desk: Path) -> list[str]:
    """Everything in a database, as SQL."""
    with sqlite3.connect(desk / "data" / "monitor.db") as connection:
        lines = list(connection.iterdump())
    connection.close()
    return lines


# What is shown


def test_it_opens_with_the_last_digest_and_leads_everywhere(shown: Browser) -> None:
    first = shown.client.get("/")
    assert str(first.url).endswith("/days/2024-12-03.html")
    seen, waiting = set(), {"/days/2024-12-03.html"}
    while waiting:
        path = waiting.pop()
        seen.add(path)
        answer = shown.client.get(path)
        assert answer.status_code == 200, path
        assert answer.headers["cache-control"] == "no-store"
        for link in Parsed(answer.text).of("a"):
            target = urlsplit(str(answer.url.join(link["href"])))
            if target.netloc == answer.url.netloc.decode() and target.path not in seen:
                waiting.add(target.path)
    for wanted in ("days/next", r"stories/s\d+", r"entries/e\d+", "themes/leak-protest", "months/2024-12"):
        assert any(re.fullmatch(f"/{wanted}.html", path) for path in seen), wanted
    assert {"/index.html", "/themes.html", "/affairs.html", "/search.html", "/corrections.html"} <= seen


def test_no_page_needs_javascript_or_anything_from_elsewhere(shown: Browser, made: Path) -> None:
    for path in ("/", f"/stories/s{story(made, 'leak')}.html", "/search.html?q=AI", "/corrections.html"):
        parsed = shown.get(path)
        assert {tag for tag, _ in parsed.tags}.isdisjoint({"script", "img", "iframe", "object"})
        assert [link["href"] for link in parsed.of("link") if "site.css" not in link["href"]] == []
    assert "digest.css" not in shown.client.get("/site.css").text


def test_hostile_titles_stay_text(shown: Browser, made: Path) -> None:
    number = entry(made, "attack")
    for path in ("/", f"/entries/e{number}.html", "/search.html?q=artists", f"/search.html?q={ATTACK}"):
        text = shown.client.get(path).text
        assert "alert(1)" in text
        assert "<script" not in text
        assert not any("onerror" in attrs for _, attrs in Parsed(text).tags)
    asked = shown.client.get("/why.html", params={"asked": f"{ATTACK} and more"})
    assert asked.status_code == 200
    assert "<script" not in asked.text


def test_why_says_what_the_command_says(shown: Browser, made: Path) -> None:
    number = entry(made, "river")
    told = run(made, "why", f"e{number}", "--json", now=NOW).json
    found = shown.client.get("/why.html", params={"asked": "https://news.test/river"})
    assert str(found.url).endswith(f"/entries/e{number}.html")
    lines = [re.sub("<.*?>", "", line) for line in re.findall("<dd>(.*?)</dd>", found.text)]
    wanted = [told[key]["text"] for key in ("followed", "known", "chosen", "reported", "instead")]
    assert list(map(unescape, lines)) == wanted
    unknown = shown.client.get("/why.html", params={"asked": "https://elsewhere.test/x"}).text
    assert "elsewhere.test is not followed" in unknown
    assert shown.client.get("/why.html", params={"asked": "e999"}).status_code == 404


def test_search_finds_what_the_command_finds(shown: Browser, made: Path) -> None:
    found = re.findall(r'id="(e\d+)"', shown.client.get("/search.html", params={"q": "AI OR river"}).text)
    wanted = [f"e{one['id']}" for one in run(made, "search", "AI OR river", "--json").json]
    assert found == wanted
    chosen = shown.client.get("/search.html", params={"q": "river", "relevant": "on"}).text
    assert f"e{entry(made, 'river')}" not in chosen


def test_a_saved_search_has_a_page(made: Path, tmp_path: Path) -> None:
    desk = shutil.copytree(made, tmp_path / "saved")
    (desk / "monitor.toml").write_text(f'{SETTINGS}[archive.search."Graz & more"]\nqueries = ["graz", "x"]\n')
    with opened(desk) as browser:
        (path,) = [a["href"] for a in browser.get("/search.html").of("a") if "searches/" in a["href"]]
        assert "AI choir angers artists in Graz" in browser.client.get(path).text
        assert "Testers leak" not in browser.client.get(path).text
        assert browser.client.get("/searches/other.html").status_code == 404


def test_what_needs_a_human_stands_on_top(shown: Browser, made: Path, tmp_path: Path) -> None:
    assert (
        "problem" not in run(made, "status", now=NOW).out
        or "needs your attention" in shown.client.get("/").text
    )
    with opened(shutil.copytree(made, tmp_path / "late")) as browser:
        (tmp_path / "late" / "feeds.toml").write_text("")
        page = browser.client.get("/").text
        assert "<b>1 problem needs your attention:</b> no feed is followed" in page
        assert "add one: <code>monitor feeds add ADDRESS</code>" in page


def test_what_does_not_exist_is_said_on_a_page(shown: Browser) -> None:
    for path in (
        "/nope",
        "/days/2020-01-01.html",
        "/days/x.html",
        "/months/1999-01.html",
        "/themes/none.html",
    ):
        answer = shown.client.get(path)
        assert (answer.status_code, "There is no such page." in answer.text) == (404, True), path
    for path in (
        "/stories/s999.html",
        "/entries/e999.html",
        "/affairs/a9.html",
        *(f"/{kind}{10**30}.html" for kind in ("stories/s", "entries/e", "affairs/a")),
    ):
        answer = shown.client.get(path)
        assert answer.status_code == 404, path
        for link in (*Parsed(answer.text).of("link"), *Parsed(answer.text).of("a")):
            assert shown.client.get(link["href"]).status_code == 200, (path, link)


def test_before_the_first_poll_there_is_a_page_too(tmp_path: Path) -> None:
    with opened(Desk(tmp_path / "new", []).directory) as browser:
        for path in (
            "/",
            "/index.html",
            "/search.html?q=x",
            "/corrections.html",
            "/themes.html",
            "/affairs.html",
        ):
            assert browser.client.get(path).status_code == 200, path
        assert not (tmp_path / "new" / "data" / "monitor.db").exists()


ENGLISH = re.compile(r"\b(the|were|it|is|are|of|not|no|yes|by|for|seen|nothing|story|feeds?|needs?)\b")


def test_it_speaks_german(made: Path, tmp_path: Path) -> None:
    desk = shutil.copytree(made, tmp_path / "de")
    (desk / "monitor.toml").write_text(f'language = "de"\n{SETTINGS}')
    run(desk, "mark", f"e{entry(desk, 'choir')}", "--not-relevant")
    asked = [f"e{one['id']}" for one in run(desk, "entries", "--all", "--json").json]
    asked += [
        "https://elsewhere.test/x",
        "https://news.test/unseen",
        "Robots paint in Rome",
        "AI artists sing",
    ]
    with opened(desk) as browser:
        for one in asked:
            text = browser.client.get("/why.html", params={"asked": one}).text
            above = re.findall(r"<summary><b>.*?</b>(.*?)</summary>", text) + re.findall(
                "<li>(.*?)</li>", text
            )
            for said in (*above, *re.findall("<dd>(.*?)</dd>", text)):
                # Quotations, commands and names of feeds stay as they are.
                plain = re.sub(
                    r"“[^”]*”|„[^“]*“|`[^`]*`|monitor (?:\w+ )+\S*[^;]*|http\S+", "", unescape(said)
                )
                assert not ENGLISH.search(plain), said
        number = entry(desk, "leak")
        text = browser.client.get(f"/entries/e{number}.html").text
        assert "gehört nicht dazu" in text
        assert "Themen festlegen" in text


def test_a_text_in_another_language_than_the_page_says_which(
    shown: Browser, made: Path, tmp_path: Path
) -> None:
    """Otherwise a screen reader would pronounce English as German."""
    desk = shutil.copytree(made, tmp_path / "de")
    (desk / "monitor.toml").write_text(f'language = "de"\n{SETTINGS}')
    with sqlite3.connect(desk / "data" / "monitor.db") as connection:
        connection.execute("update entries set language = 'en'")
    connection.close()
    one, lead = story(desk, "leak"), entry(desk, "leak")
    run(desk, "mark", f"e{lead}", "--relevant")
    pages = (
        f"/stories/s{one}.html",
        f"/entries/e{lead}.html",
        "/search.html?q=sora",
        "/corrections.html",
        f"/themes/{next(s for s in run(desk, 'stories', '--json').json if s['id'] == one)['themes'][0]}.html",
    )
    with opened(desk) as browser:
        for path in pages:
            text = browser.client.get(path).text
            assert re.search(r'<a href="[^"]*" lang="en">Testers leak OpenAI', text), path
        assert '<bdi lang="en">They call it unpaid work.</bdi>' in browser.client.get(pages[0]).text
    assert ' lang="' not in shown.client.get(f"/stories/s{one}.html").text.replace('<html lang="en"', "")


def test_it_says_in_german_why_something_was_not_done(made: Path, tmp_path: Path) -> None:
    desk = shutil.copytree(made, tmp_path / "de")
    (desk / "monitor.toml").write_text(f'language = "de"\n{SETTINGS}')
    whole, lone = f"s{story(desk, 'leak')}", f"s{story(desk, 'choir')}"
    refused = [
        ("/merge", {"story": whole, "other": other}) for other in ("s999", "e1", "x", whole, "", "s1 s2")
    ]
    refused += [
        ("/split", {"story": whole, "which": f"e{entry(desk, 'choir')}"}),
        ("/split", {"story": lone, "which": f"e{entry(desk, 'choir')}"}),
        ("/mark/relevant", {"which": "e999"}),
        ("/mark/relevant", {"which": "s999"}),
        ("/mark/relevant", {}),
        ("/mark/themes", {"which": "e1", "theme": "x"}),
        ("/mark/beats", {"which": "e1", "beat": "x"}),
        ("/mark/beats", {"which": "e1"}),
    ]
    with opened(desk) as browser:
        carried = browser.fields("/corrections.html")
        said = [browser.post(action, {**carried, **form}) for action, form in refused]
        said += [browser.client.get("/why.html", params={"asked": asked}) for asked in ("s999", "e999")]
    for answer in said:
        assert answer.status_code in {404, 409}
        (lead,) = re.findall(r'</h1>\s*<p class="m">(.*?)</p>', answer.text)
        assert not ENGLISH.search(lead), lead


def test_a_broken_configuration_is_reported_and_can_be_repaired_while_it_runs(
    browser: Browser, desk: Path
) -> None:
    right = (desk / "monitor.toml").read_text()
    (desk / "monitor.toml").write_text("timezone = 'Nowhere/Else'\n")
    answer = browser.client.get("/")
    assert answer.status_code == 503
    assert "Nowhere/Else" in answer.text
    (desk / "monitor.toml").write_text(right)
    assert browser.client.get("/").status_code == 200


# What is corrected: each button does what the command does, down to every row


@pytest.fixture
def twin(desk: Path, tmp_path: Path) -> Path:
    """A copy of the desk, for the command."""
    return shutil.copytree(desk, tmp_path / "twin")


@pytest.mark.parametrize(("guid", "said"), [("leak", "not-relevant"), ("river", "relevant")])
def test_a_mark_is_that_of_the_command_and_is_taken_back(
    browser: Browser, desk: Path, twin: Path, guid: str, said: str
) -> None:
    number = entry(desk, guid)
    path = f"/entries/e{number}.html"
    done = browser.press(path, f"/mark/{said}", f"e{number}")
    assert (done.status_code, done.url.path, done.url.fragment) == (200, path, f"e{number}")
    assert "your mark" in done.text
    assert run(twin, "mark", f"e{number}", f"--{said}", now=NOW).code == 0
    assert dump(desk) == dump(twin)
    browser.press("/corrections.html", "/mark/clear", f"e{number}")
    assert run(twin, "mark", f"e{number}", "--clear", now=NOW).code == 0
    assert dump(desk) == dump(twin)


def test_a_whole_story_is_marked_and_taken_back_from_the_digest(
    browser: Browser, desk: Path, twin: Path
) -> None:
    number, day = story(desk, "leak"), "/days/2024-12-03.html"
    assert browser.press(day, "/mark/not-relevant", f"s{number}").url.path == day
    assert run(twin, "mark", f"s{number}", "--not-relevant", now=NOW).code == 0
    assert dump(desk) == dump(twin)
    assert browser.client.get(f"/stories/s{number}.html").status_code == 404
    both = next(
        b["value"]
        for b in browser.get(day).of("button")
        if b.get("formaction") == "/mark/clear" and " " in b["value"]
    )
    browser.press(day, "/mark/clear", both)
    again = story(desk, "leak")
    assert again == story(desk, "same")
    # The digest stays as it was made, and its buttons know where its reports are now.
    assert sorted(browser.meant(day, "/mark/not-relevant", f"s{again}").split()) == sorted(both.split())


def test_a_story_of_which_nothing_is_left_leads_to_the_corrections(browser: Browser, desk: Path) -> None:
    number = story(desk, "choir")
    done = browser.press(f"/stories/s{number}.html", "/mark/not-relevant", f"s{number}")
    assert done.url.path == "/corrections.html"
    assert "AI choir" in done.text


def test_a_page_of_before_a_merge_judges_what_it_shows_and_no_more(browser: Browser, desk: Path) -> None:
    into, gone = story(desk, "leak"), story(desk, "choir")
    day, kept, page = "/days/2024-12-03.html", f"/stories/s{into}.html", f"/stories/s{gone}.html"
    seen = [browser.meant(path, "/mark/not-relevant", f"s{gone}") for path in (page, day)]
    themes = browser.get(page).of("input")
    seen.append(next(one["value"] for one in themes if one.get("name") == "which"))
    browser.post("/merge", {**browser.fields(kept), "story": f"s{into}", "other": f"s{gone}"})
    assert seen == [f"e{entry(desk, 'choir')}"] * 3
    browser.post("/mark/not-relevant", browser.fields(kept) | {"which": seen[0]})
    assert story(desk, "leak") == story(desk, "same") == into
    assert "choir" not in browser.client.get(kept).text.partition('id="correct"')[0]


def test_themes_are_set_as_the_command_sets_them(browser: Browser, desk: Path, twin: Path) -> None:
    number = entry(desk, "leak")
    path = f"/entries/e{number}.html"
    boxes = [b for b in browser.get(path).of("input") if b.get("name") == "theme"]
    assert {b["value"] for b in boxes if "checked" in b} == {"leak-protest", "unpaid-labour"}
    themes = ["unpaid-labour"]
    browser.post("/mark/themes", {**browser.fields(path), "which": f"e{number}", "theme": themes})
    assert run(twin, "mark", f"e{number}", "--relevant", "--theme", themes[0], now=NOW).code == 0
    assert dump(desk) == dump(twin)
    boxes = [b for b in browser.get(path).of("input") if b.get("name") == "theme"]
    assert {b["value"] for b in boxes if "checked" in b} == {"unpaid-labour"}
    strange = {**browser.fields(path), "which": f"e{number}", "theme": "nonsense"}
    assert browser.post("/mark/themes", strange).status_code == 409
    assert dump(desk) == dump(twin)


def test_beats_are_set_as_the_command_sets_them_and_leave_the_themes_alone(
    browser: Browser, desk: Path, twin: Path
) -> None:
    number = entry(desk, "leak")
    path = f"/entries/e{number}.html"

    def given(kind: str) -> set[str | None]:
        boxes = [box for box in browser.get(path).of("input") if box.get("name") == kind]
        return {box["value"] for box in boxes if "checked" in box}

    assert given("beat") == {"sora"}
    form = {**browser.fields(path), "which": f"e{number}"}
    browser.post("/mark/themes", {**form, "theme": "unpaid-labour"})
    browser.post("/mark/beats", {**form, "beat": ["ai-creative-labour", "sora"]})
    assert (given("beat"), given("theme")) == ({"ai-creative-labour", "sora"}, {"unpaid-labour"})
    run(twin, "mark", f"e{number}", "--theme", "unpaid-labour", now=NOW)
    run(twin, "mark", f"e{number}", "--beat", "ai-creative-labour", "--beat", "sora", now=NOW)
    assert dump(desk) == dump(twin)
    for strange in ({}, {"beat": "nonsense"}, {"beat": ["sora", "unpaid-labour"]}):
        assert browser.post("/mark/beats", {**form, **strange}).status_code == 409
    assert dump(desk) == dump(twin)


def test_a_report_is_split_off_and_put_back(browser: Browser, desk: Path, twin: Path) -> None:
    whole, taken = story(desk, "leak"), entry(desk, "same")
    path = f"/stories/s{whole}.html"
    boxes = [b for b in browser.get(path).of("input") if b.get("form") == "split"]
    assert f"e{taken}" in [b["value"] for b in boxes]
    done = browser.post("/split", {**browser.fields(path), "story": f"s{whole}", "which": f"e{taken}"})
    assert run(twin, "stories", "split", f"s{whole}", f"e{taken}", now=NOW).code == 0
    assert dump(desk) == dump(twin)
    new = story(desk, "same")
    assert done.url.path == f"/stories/s{new}.html"
    browser.post("/merge", {**browser.fields("/corrections.html"), **contrary(browser, "/merge")})
    assert run(twin, "stories", "merge", f"s{whole}", f"s{new}", now=NOW).code == 0
    assert dump(desk) == dump(twin)
    assert str(browser.client.get(f"/stories/s{new}.html").url).endswith(path)


def contrary(browser: Browser, action: str) -> dict[str, str]:
    """Return the fields of the form in the list of corrections that undoes the latest one."""
    tags = iter(browser.get("/corrections.html").tags)
    assert any(tag == "form" and attrs["action"] == action for tag, attrs in tags)
    return {
        attrs["name"]: attrs["value"]
        for (tag, attrs), _ in zip(tags, range(4), strict=False)
        if tag == "input"
    }


def test_stories_are_put_together_and_taken_apart(browser: Browser, desk: Path, twin: Path) -> None:
    into, gone = story(desk, "leak"), story(desk, "choir")
    path = f"/stories/s{into}.html"
    assert f"s{gone}" in [option["value"] for option in browser.get(path).of("option")]
    done = browser.post("/merge", {**browser.fields(path), "story": f"s{into}", "other": f" S{gone} "})
    assert done.url.path == path
    assert run(twin, "stories", "merge", f"s{into}", f"s{gone}", now=NOW).code == 0
    assert dump(desk) == dump(twin)
    browser.post("/split", contrary(browser, "/split"))
    assert story(desk, "choir") != story(desk, "leak") == story(desk, "same")


@pytest.mark.parametrize("other", ["", "s999", "e1", "s", "x", "s1 s2", "s" + "9" * 40, "-1", "²"])
def test_a_merge_that_is_not_possible_is_reported(browser: Browser, desk: Path, other: str) -> None:
    before, into = dump(desk), story(desk, "leak")
    path = f"/stories/s{into}.html"
    answer = browser.post("/merge", {**browser.fields(path), "story": f"s{into}", "other": other})
    assert answer.status_code == 409
    assert "That did not work" in answer.text
    assert dump(desk) == before


def test_ten_marks_are_learned_from_as_by_the_command(browser: Browser, desk: Path, twin: Path) -> None:
    number = entry(desk, "river")
    for _ in range(2):
        run(desk, "mark", f"e{number}", "--not-relevant", now=NOW)
    shutil.rmtree(twin)
    shutil.copytree(desk, twin)
    with store.open(desk / "data" / "monitor.db") as a, store.open(twin / "data" / "monitor.db") as b:
        for one in (a, b):
            one.set_note("forgotten_marks", "20")  # more than ten marks were made since
    browser.press(f"/entries/e{number}.html", "/mark/clear", f"e{number}")
    run(twin, "mark", f"e{number}", "--clear", now=NOW)
    assert dump(desk) == dump(twin)
    run(desk, "mark", f"e{number}", "--not-relevant", now=NOW)
    assert run(desk, "learn", now=NOW).code == 0
    assert "Learned from 1 mark; " in browser.client.get("/corrections.html").text


def test_it_works_while_a_poll_is_under_way(browser: Browser, desk: Path) -> None:
    number = entry(desk, "leak")
    loaded = Session(chosen_directory=desk).config()
    code = (
        "import asyncio, pathlib, sys; from monitor import store\n"
        f"opened = store.open(pathlib.Path({str(loaded.database)!r}))\n"
        "async def hold():\n    async with opened.poll_lock(): print('held', flush=True); sys.stdin.read()\n"
        "asyncio.run(hold())"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as poll:
        assert poll.stdout is not None
        assert poll.stdout.readline() == "held\n"
        browser.press(f"/entries/e{number}.html", "/mark/not-relevant", f"e{number}")
        assert poll.poll() is None
        poll.communicate()
    assert run(desk, "entries", "--marked", "--json").json[0]["id"] == number


def test_a_correction_waits_for_who_writes(browser: Browser, desk: Path) -> None:
    number = entry(desk, "leak")
    fields = browser.fields(f"/entries/e{number}.html") | {"which": f"e{number}"}
    with store.open(Session(chosen_directory=desk).config().database) as other:
        done: list[int] = []
        with other.transaction():
            other.set_note("busy", "1")
            thread = threading.Thread(
                target=lambda: done.append(browser.post("/mark/not-relevant", fields).status_code)
            )
            thread.start()
            thread.join(0.3)
            assert done == []
        thread.join()
        assert done == [200]


def test_requests_take_turns(made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing below the page was written for threads."""
    both, met = threading.Barrier(2), []

    def slow(_desk: object, _request: object) -> Response:
        with suppress(threading.BrokenBarrierError):
            both.wait(0.3)
            met.append(True)
        return Response()

    monkeypatch.setitem(app._READ, "/themes.html", slow)
    with opened(made) as browser:
        asking = [threading.Thread(target=browser.client.get, args=["/themes.html"]) for _ in range(2)]
        for thread in asking:
            thread.start()
        for thread in asking:
            thread.join()
    assert met == []


# Who is kept out


def refused(browser: Browser, desk: Path, answer: httpx.Response, status: int) -> None:
    assert answer.status_code == status
    assert run(desk, "entries", "--marked", "--json").json == []
    assert answer.headers["content-security-policy"].startswith("default-src 'none'")


def test_a_form_of_nobody_changes_nothing(browser: Browser, desk: Path) -> None:
    number = entry(desk, "leak")
    path = f"/entries/e{number}.html"
    good = browser.fields(path) | {"which": f"e{number}"}
    for token in ("", "x", good["token"] + "x", "ü"):
        refused(browser, desk, browser.post("/mark/not-relevant", good | {"token": token}), 403)
    without = {key: value for key, value in good.items() if key != "token"}
    refused(browser, desk, browser.post("/mark/not-relevant", without), 403)
    with opened(desk) as later:
        answer = later.post("/mark/not-relevant", good)
        refused(browser, desk, answer, 403)
        assert "was restarted after this page was opened" in answer.text
    for headers in (
        {"Origin": "http://evil.test"},
        {"Origin": "null"},
        {"Origin": browser.own["Origin"].replace("http:", "https:")},
        {"Origin": "http://localhost:1"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Host": "evil.test"},
        {"Host": "127.0.0.1"},
        {"Host": "127.0.0.1.evil.test:80"},
    ):
        refused(browser, desk, browser.post("/mark/not-relevant", good, **headers), 403)
    bare = browser.client.post("/mark/not-relevant", data=good)
    refused(browser, desk, bare, 403)
    assert browser.post("/mark/not-relevant", good).status_code == 200
    assert len(run(desk, "entries", "--marked", "--json").json) == 1


def test_a_name_that_leads_here_is_not_ours(shown: Browser) -> None:
    port = shown.client.base_url.port
    for host in (
        "evil.test",
        f"evil.test:{port}",
        "127.0.0.1:1",
        f"127.0.0.1.evil.test:{port}",
        f"[::1]:{port}",
        "",
    ):
        answer = shown.client.get("/", headers={"Host": host})
        assert answer.status_code == 403, host
        assert "Sora" not in answer.text
    assert shown.client.get("/", headers={"Host": f"LOCALHOST:{port}"}).status_code == 200


def test_other_pages_may_link_here_and_nothing_else(shown: Browser) -> None:
    for site in ("cross-site", "same-site"):
        link = {"Sec-Fetch-Site": site, "Sec-Fetch-Mode": "navigate"}
        assert shown.client.get("/", headers=link).status_code == 200
        for mode in ("no-cors", "cors"):
            asked = shown.client.get("/site.css", headers={"Sec-Fetch-Site": site, "Sec-Fetch-Mode": mode})
            assert asked.status_code == 403


def test_reading_changes_nothing(browser: Browser, desk: Path) -> None:
    number, before = entry(desk, "leak"), dump(desk)
    token = browser.fields("/corrections.html")["token"]
    for action in app._WRITE:
        for method in ("GET", "HEAD", "PUT", "DELETE"):
            query = {"token": token, "which": f"e{number}", "story": "s1", "other": "s2"}
            answer = browser.client.request(method, action, params=query, headers=browser.own)
            assert answer.status_code in {404, 405}, (method, action)
    for path in (
        "/",
        "/days/next.html",
        f"/entries/e{number}.html",
        "/search.html?q=Sora",
        "/corrections.html",
    ):
        assert browser.client.get(path).status_code == 200
    assert dump(desk) == before


def test_bodies_are_bounded(browser: Browser, desk: Path) -> None:
    fields = browser.fields("/corrections.html")
    big = browser.post("/mark/not-relevant", fields | {"which": "e1 " * 200_000})
    refused(browser, desk, big, 413)

    def endless() -> Iterator[bytes]:
        yield from (b"x" * 65536 for _ in range(100))

    form = {"Content-Type": "application/x-www-form-urlencoded"}
    refused(browser, desk, browser.client.post("/merge", content=endless(), headers=browser.own | form), 413)
    many = "&".join(f"a{n}=" for n in range(10_000))
    refused(browser, desk, browser.client.post("/merge", content=many, headers=browser.own | form), 400)
    refused(
        browser, desk, browser.client.post("/merge", content=b"\xff\xfe", headers=browser.own | form), 400
    )
    json = browser.client.post("/mark/clear", json=fields, headers=browser.own)
    refused(browser, desk, json, 415)
    refused(browser, desk, browser.client.post("/merge", files={"a": b"b"}, headers=browser.own), 415)
    assert browser.client.get("/search.html", params={"q": "(a " * 5000}).status_code == 200
    assert browser.client.get("/why.html", params={"asked": "AI “artists” " * 1000}).status_code == 200


def test_who_is_slow_is_let_go(made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(app, "_PATIENCE", 0.2)
    head = b"POST /merge HTTP/1.1\r\nHost: %s\r\nOrigin: http://%s\r\nContent-Length: 100\r\n"
    head += b"Content-Type: application/x-www-form-urlencoded\r\n\r\na="
    with opened(made) as browser:
        url = browser.client.base_url
        host = url.netloc
        for sent, answer in (
            (b"", b""),
            (b"GET / HTTP/1.1\r\nHos", b""),
            (b"GET / HTTP/1.1\r\nX: " + b"x" * 100_000, b"HTTP/1.1 400"),
            (head % (host, host), b"HTTP/1.1 408"),
        ):
            with socket.create_connection((url.host, url.port), timeout=20) as waiting:
                waiting.sendall(sent)
                assert waiting.recv(12) == answer
        assert browser.client.get("/").status_code == 200


@pytest.mark.parametrize(
    "path",
    [
        "/../monitor.toml",
        "/..%2f..%2fmonitor.toml",
        "/%2e%2e/%2e%2e/etc/passwd",
        "/themes/..%2F..%2F..%2Fetc%2Fpasswd.html",
        "/days/..%2f..%2fmonitor.toml%00.html",
        "/stories/s1/../../../monitor.toml",
        "//etc/passwd",
        "/themes/{{7*7}}.html",
    ],
)
def test_no_path_leads_to_a_file(shown: Browser, path: str) -> None:
    url = shown.client.base_url
    host = url.netloc
    with socket.create_connection((url.host, url.port), timeout=20) as raw:
        raw.sendall(b"GET %s HTTP/1.1\r\nHost: %s\r\n\r\n" % (path.encode(), host))
        answer = b"".join(iter(lambda: raw.recv(65536), b""))
    assert answer.startswith(b"HTTP/1.1 404")
    assert b"allow_private_addresses" not in answer
    assert b"root:" not in answer
    assert b"49" not in answer.partition(b"\r\n\r\n")[2]


@pytest.mark.parametrize(
    "back", ["//evil.test", "https://evil.test/", "/\\evil.test", "/x\r\nSet-Cookie: a=b", "", "javascript:1"]
)
def test_a_form_leads_back_to_this_page_alone(browser: Browser, desk: Path, back: str) -> None:
    number = entry(desk, "leak")
    fields = browser.fields("/corrections.html") | {"which": f"e{number}", "back": back}
    answer = browser.client.post(
        "/mark/not-relevant", data=fields, headers=browser.own, follow_redirects=False
    )
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    assert "set-cookie" not in answer.headers


def test_it_listens_on_this_machine_alone(shown: Browser) -> None:
    with web.listen(0) as taken:
        assert taken.getsockname()[0] == "127.0.0.1"
        with pytest.raises(web.app.MonitorError, match=f"port {taken.getsockname()[1]} cannot be used"):
            web.listen(taken.getsockname()[1])
    assert refusal("GET", {"host": "127.0.0.1"}, 80) == ""  # as browsers leave out HTTP's own port


# The command


def test_the_command_says_where_and_ends_with_ctrl_c(made: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "monitor", "--config", made, "serve", "--port", "0"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as served:
        assert served.stdout is not None
        address = served.stdout.readline().strip()
        assert httpx.get(address, follow_redirects=True).status_code == 200
        began = time.monotonic()
        served.send_signal(signal.SIGINT)
        out, err = served.communicate(timeout=20)
        assert (served.returncode, out) == (0, "")
        assert "Traceback" not in err
        assert time.monotonic() - began < 10


def test_a_fault_is_reported_before_anything_is_opened(desk: Path) -> None:
    with web.listen(0) as taken:
        busy = run(desk, "serve", "--port", taken.getsockname()[1])
    assert busy.code == 1
    assert "cannot be used: Address already in use" in busy.err
    (desk / "monitor.toml").write_text("nonsense")
    assert run(desk, "serve").code == 2
