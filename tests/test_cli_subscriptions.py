from __future__ import annotations

import json
import subprocess
import sys
import threading
from typing import TYPE_CHECKING

import pytest
from loopback import Reply, redirect
from newsroom import Desk, at, item, page, run, serving

from monitor import config
from monitor.config import feedlist
from monitor.config.subscriptions import Subscriptions
from monitor.lock import sole_editor, sole_sender
from monitor.models import Feed

if TYPE_CHECKING:
    from pathlib import Path

ONE, TWO = "https://news.test/one", "https://reader:hunter2@news.test/two"
SHOWN = "https://***@news.test/two"
LEAK = item("leak", "Testers leak OpenAI tool Sora in protest")


@pytest.fixture
def desk(tmp_path: Path) -> Path:
    return Desk(tmp_path / "desk", [ONE]).directory


def run_apart(desk: Path, *arguments: str) -> int:
    """Run the program in a process of its own."""
    command = [sys.executable, "-m", "monitor", "--config", str(desk), *arguments]
    return subprocess.run(command, capture_output=True, check=False, timeout=60).returncode


def urls(desk: Path) -> list[str]:
    return [feed["url"] for feed in run(desk, "feeds", "list", "--json").json]


def test_a_feed_is_added_once_and_removed(desk: Path) -> None:
    added = run(desk, "feeds", "add", TWO, "--title", "Zwei", "--language", "de", "--no-check")
    assert (added.code, added.out) == (0, f"added {SHOWN}: Zwei\n")
    assert "already" in run(desk, "feeds", "add", TWO, "--no-check").out
    listed = run(desk, "feeds", "list")
    assert listed.out.split() == ["your", "own:", "new", ONE, "new", "Zwei", SHOWN]
    assert "hunter2" not in listed.out
    assert run(desk, "feeds", "remove", ONE).code == 0
    assert urls(desk) == [SHOWN]
    assert run(desk, "feeds", "remove", ONE).code == 1


@pytest.mark.parametrize(
    "arguments",
    [
        ["news"],
        ["ftp://news.test/"],
        ["file:///etc/passwd"],
        [""],
        ["https://news.test:80443/feed"],
        ["https://***@news.test/two"],
        [TWO, "--language", "xx"],
        [TWO, "--kind", "sport"],
    ],
)
def test_what_is_not_right_is_not_added(desk: Path, arguments: list[str]) -> None:
    before = (desk / "feeds.toml").read_bytes()
    result = run(desk, "feeds", "add", *arguments, "--no-check")
    assert (result.code, result.err.count("\n")) == (2, 1)
    assert (desk / "feeds.toml").read_bytes() == before


def test_an_address_is_looked_at_before_it_is_added(desk: Path) -> None:
    before = (desk / "feeds.toml").read_bytes()
    with serving() as server:
        good = server.on("/feed", page(LEAK, title="The Paper"))
        site = server.on(
            "/",
            Reply(
                b'<link rel="alternate" type="application/rss+xml" href="/gone.xml">'
                b'<link rel="alternate" type="application/rss+xml" href="/feed">',
                headers={"Content-Type": "text/html"},
            ),
        )
        lost = run(desk, "feeds", "add", server.url("/lost"))
        bare = run(desk, "feeds", "add", server.on("/bare", Reply(b"<html></html>")))
        assert (lost.code, bare.code) == (1, 1)
        assert "404" in lost.err
        assert "the page names no feed" in bare.err
        assert (desk / "feeds.toml").read_bytes() == before
        added = run(desk, "feeds", "add", site)
        assert (added.code, added.out) == (0, f"added {good}: The Paper\n")
        assert "The Paper: 1 entry, newest " in added.err
    assert urls(desk) == [ONE, good]


def test_a_feed_that_a_site_does_not_name_is_looked_for_at_the_usual_places(desk: Path) -> None:
    nothing = Reply(b"<html><title>Home</title></html>", headers={"Content-Type": "text/html"})
    with serving() as server:
        site = server.on("/home", nothing)
        server.on("/home/feed", nothing)  # as sites answer any path
        feed = server.on("/home/rss.xml", page(LEAK, title="The Paper"))
        assert run(desk, "feeds", "add", site).out == f"added {feed}: The Paper\n"


def test_several_are_added_and_each_that_cannot_be_is_named(desk: Path) -> None:
    with serving() as server:
        first, second = (server.on(path, page(LEAK, title=path)) for path in ("/one", "/two"))
        result = run(desk, "feeds", "add", first, server.url("/lost"), "ftp://news.test/", second)
        assert (result.code, result.out.count("added")) == (2, 2)
        assert ("/lost: HTTP 404" in result.err, "ftp://news.test/" in result.err) == (True, True)
        assert urls(desk) == [ONE, first, second]
        assert run(desk, "feeds", "add", first, second, "--title", "Both").code == 2


def test_an_address_without_a_scheme_is_asked_for_both_ways(desk: Path) -> None:
    with serving() as server:
        url = server.on("/feed", page(LEAK, title="The Paper"))
        assert run(desk, "feeds", "add", url.removeprefix("http://")).out == f"added {url}: The Paper\n"
        gone = run(desk, "feeds", "add", server.url("/gone").removeprefix("http://"))
    assert (gone.code, "https://" in gone.err) == (1, True)
    assert urls(desk) == [ONE, url]


def test_a_curated_feed_that_is_added_keeps_its_curated_name(
    desk: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serving() as server:
        url = server.on("/feed", page(LEAK, title="The Paper: all headlines"))
        (tmp_path / "feeds.toml").write_text(
            f'[[feed]]\nurl = "{url}"\ntitle = "The Paper"\ngroup = "press"\n'
        )
        monkeypatch.setattr(feedlist, "TOPIC", tmp_path)
        feedlist.curated.cache_clear()
        try:
            assert run(desk, "feeds", "add", url).code == 0
            listed = run(desk, "feeds", "list", "--json").json
        finally:
            monkeypatch.undo()
            feedlist.curated.cache_clear()
    assert [feed["title"] for feed in listed if feed["url"] == url] == ["The Paper"]


def test_feeds_that_look_alike_masked_fare_each_for_itself(tmp_path: Path) -> None:
    with serving() as server:
        good = server.on("/alerts/0a1b2c3d4e5f6a7b", page(LEAK))
        bad = server.on("/alerts/1a1b2c3d4e5f6a7b", Reply(status=500))
        directory = Desk(tmp_path / "desk", [good, bad]).directory
        run(directory, "poll", now=at(9))
    words = run(directory, "feeds", "list", now=at(10)).out.split()
    assert [word for word in words if word in {"ok", "failing"}] == ["ok", "failing"]


def test_a_feed_that_is_added_while_another_is_looked_at_stays(desk: Path) -> None:
    with serving() as server:
        slow = server.on("/slow", Reply(page(LEAK).body, headers={"Content-Type": "text/xml"}, delay=1.0))
        looking = threading.Thread(target=run_apart, args=(desk, "feeds", "add", slow))
        looking.start()
        while not server.requests:
            looking.join(0.01)
        assert run(desk, "feeds", "add", TWO, "--no-check").code == 0
        looking.join()
    assert urls(desk) == [ONE, SHOWN, slow]


def test_edits_wait_for_each_other(desk: Path) -> None:
    adding = threading.Thread(target=run_apart, args=(desk, "feeds", "add", TWO, "--no-check"))
    with sole_editor(desk):
        listed = Subscriptions(desk)
        adding.start()
        adding.join(1.5)
        listed.add([Feed(url="https://news.test/three")])
        listed.save()
    adding.join()
    assert urls(desk) == [ONE, "https://news.test/three", SHOWN]


def test_a_feed_is_added_under_the_name_that_it_gives_itself(desk: Path) -> None:
    with serving() as server:
        url = server.on("/feed", page(LEAK, title="👨\u200d💻 Blog"))
        assert run(desk, "feeds", "add", url).out == f"added {url}: 👨\u200d💻 Blog\n"


@pytest.mark.parametrize(
    ("meant", "url"),
    [
        ("news.test/feed", "https://news.test/feed"),
        ("feed://news.test/feed", "https://news.test/feed"),
        ("feed:http://news.test/feed", "http://news.test/feed"),
        ("@guild@social.test", "https://social.test/@guild.rss"),
        (
            "UC-0123456789abcdefghijk",
            "https://www.youtube.com/feeds/videos.xml?channel_id=UC-0123456789abcdefghijk",
        ),
    ],
)
def test_sites_and_handles_are_understood(desk: Path, meant: str, url: str) -> None:
    assert run(desk, "feeds", "add", meant, "--no-check").code == 0
    assert config.load(desk).feeds[-1].url == url


def test_a_feed_is_switched_and_renamed(desk: Path) -> None:
    assert run(desk, "feeds", "disable", ONE).code == 0
    assert not config.load(desk).feeds[0].enabled
    assert "off" in run(desk, "feeds", "list").out
    assert run(desk, "feeds", "rename", ONE, "The One").code == 0
    assert run(desk, "feeds", "enable", "the one").out == "on: The One\n"
    assert run(desk, "feeds", "list", "--json").json[0]["title"] == "The One"
    unknown = run(desk, "feeds", "enable", "nope")
    assert (unknown.code, unknown.err) == (1, "monitor: nope is not in the list\n")


def test_where_a_service_has_the_old_list_the_command_says_so(desk: Path) -> None:
    with sole_sender(config.load(desk).data_dir):
        result = run(desk, "feeds", "disable", ONE)
    assert (result.code, result.out) == (0, f"off: {ONE}\n")
    assert "the running service uses it after a reload" in result.err
    assert run(desk, "feeds", "enable", ONE).err == ""


def test_the_curated_list_is_shown_by_group_and_a_feed_of_it_followed(desk: Path) -> None:
    shown = run(desk, "feeds", "list", "--curated").out
    assert "unions:\n  off " in shown
    listed = run(desk, "feeds", "list", "--curated", "--json").json
    assert not any("***" in feed["url"] for feed in listed), (
        "addresses that hold no secret are there to be copied"
    )
    assert "***" not in shown
    chosen = next(feed for feed in listed if feed["group"] == "unions")
    assert not any(feed["enabled"] for feed in listed)
    assert run(desk, "feeds", "enable", chosen["url"]).code == 0
    assert chosen["url"] in urls(desk)
    assert run(desk, "feeds", "remove", chosen["url"]).out == f"removed {chosen['url']}\n"
    gone = run(desk, "feeds", "remove", chosen["url"])
    assert (gone.code, gone.err) == (1, f"monitor: {chosen['url']} is not followed\n")


def test_a_feed_that_is_not_followed_is_not_named(desk: Path) -> None:
    before = (desk / "feeds.toml").read_text()
    other = next(iter(feedlist.curated()))
    found = run(desk, "feeds", "rename", other, "Mine")
    assert (found.code, found.err) == (1, f"monitor: {other} is not followed\n")
    assert (desk / "feeds.toml").read_text() == before


def test_a_followed_group_keeps_a_removed_feed_off(desk: Path) -> None:
    (desk / "feeds.toml").write_text('follow = ["unions"]\n')
    first = config.load(desk).feeds[0]
    removed = run(desk, "feeds", "remove", first.url)
    assert removed.out == f"switched off {first.url}\n"
    assert "you follow its group 'unions'" in removed.err
    assert not config.load(desk).feeds[0].enabled


def test_health_is_shown_at_a_glance(tmp_path: Path) -> None:
    with serving() as server:
        good, bad = server.on("/a", page(LEAK)), server.on("/b", Reply(status=500))
        desk = Desk(tmp_path / "desk", [good, bad]).directory
        run(desk, "poll", now=at(9))
    shown = run(desk, "feeds", "list", now=at(9)).out
    assert "  ok       The Paper  1 entry, newest seen" in shown
    assert "  failing  " in shown
    assert "500" in shown


def test_a_list_without_feeds_says_what_to_do(tmp_path: Path) -> None:
    desk = Desk(tmp_path / "desk", []).directory
    assert "monitor feeds add ADDRESS" in run(desk, "feeds", "list").err


def test_a_permanent_redirect_is_followed_when_its_user_says_so(tmp_path: Path) -> None:
    with serving() as server:
        new = server.on("/new", page(LEAK))
        old = server.on("/old", Reply(status=301, headers={"Location": "/new"}))
        desk = Desk(tmp_path / "desk", [old]).directory
        for hour in (9, 10, 11):
            run(desk, "poll", "--all", now=at(hour))
        moved = run(desk, "feeds", "move", old, now=at(12))
    assert (moved.code, moved.out) == (0, f"{old} is now {new}\n")
    assert urls(desk) == [new]


def test_a_feed_is_moved_before_anything_was_polled(desk: Path) -> None:
    assert run(desk, "feeds", "move", ONE, "news.test/new", "--no-check").code == 0
    assert urls(desk) == ["https://news.test/new"]
    assert not (desk / "data").exists()
    assert run(desk, "feeds", "move", "https://news.test/new", "ftp://x", "--no-check").code == 2


def test_a_moved_feed_stays_the_same_feed(tmp_path: Path) -> None:
    with serving() as server:
        old, new = server.on("/old", page(LEAK)), server.on("/new", page(LEAK))
        desk = Desk(tmp_path / "desk", [old]).directory
        assert run(desk, "poll", now=at(9)).code == 0
        unsaid = run(desk, "feeds", "move", old)
        assert (unsaid.code, "name the new address" in unsaid.err) == (1, True)
        moved = run(desk, "feeds", "move", old, new, now=at(9))
        assert (moved.code, moved.out) == (0, f"{old} is now {new}\n")
        assert run(desk, "poll", "--all", now=at(12)).code == 0
    (feed,) = run(desk, "status", "--json", now=at(12)).json["feeds"]
    assert (feed["url"], feed["entries"]) == (new, 1)


def test_a_feed_that_moved_where_it_was_redirected_to_is_not_asked_to_move_again(tmp_path: Path) -> None:
    with serving() as server:
        new = server.on("/new", page(LEAK))
        old = server.on("/old", redirect(new, status=301))
        desk = Desk(tmp_path / "desk", [old]).directory
        for hour in (9, 12, 15, 18, 21):
            run(desk, "poll", "--all", now=at(hour))
        assert "`monitor feeds move` takes it over" in run(desk, "feeds", "list", now=at(22)).out
        assert run(desk, "feeds", "move", old, now=at(22)).code == 0
    assert "moved for good" not in run(desk, "feeds", "list", now=at(22)).out


def test_a_name_means_a_feed_that_is_followed_before_those_of_the_curated_list(desk: Path) -> None:
    add = ("feeds", "add", "https://radio.test/kultur", "--no-check", "--title", "Radio Kultur")
    assert run(desk, *add).code == 0
    assert run(desk, "feeds", "disable", "kultur").out == "off: Radio Kultur\n"
    several = run(desk, "feeds", "enable", "Deutschlandfunk")
    assert (several.code, "may be one of several" in several.err) == (1, True)


@pytest.mark.parametrize("tags", ['["film", "stage"]', '["film, stage", "stage"]', '["/a/b/", "stage"]'])
def test_what_was_exported_can_be_imported_whole(desk: Path, tmp_path: Path, tags: str) -> None:
    own = f"""
[[feed]]
url = "https://film.test/feed?format=rss"
title = "Film & Bühne"
language = "de"
tags = {tags}
interval = "6h"
weight = 0.5
family = "F"
kind = "culture"
group = "mine"
enabled = false
private_host = "box.local"
"""
    (desk / "feeds.toml").write_text((desk / "feeds.toml").read_text() + own)
    before = config.load(desk).feeds
    opml, other = tmp_path / "feeds.opml", Desk(tmp_path / "other", []).directory
    assert run(desk, "feeds", "export", opml).out == ""
    assert opml.read_text() == run(desk, "feeds", "export").out
    first = run(other, "feeds", "import", opml)
    assert first.out == "added 2 of 2 feeds; in the list already: 0, left out: 0\n"
    assert config.load(other).feeds == before
    again = run(other, "feeds", "import", opml)
    assert again.out == "added 0 of 2 feeds; in the list already: 2, left out: 0\n"


def test_secrets_are_exported_only_when_asked_for(desk: Path, tmp_path: Path) -> None:
    run(desk, "feeds", "add", TWO, "--no-check")
    opml, other = tmp_path / "feeds.opml", Desk(tmp_path / "other", []).directory
    masked = run(desk, "feeds", "export", opml)
    assert "1 address with a secret masked" in masked.err
    assert "hunter2" not in opml.read_text()
    left = run(other, "feeds", "import", opml)
    assert "left out: 1" in left.out
    assert f"({SHOWN}): its secret was masked" in left.err
    assert urls(other) == [ONE]
    run(desk, "feeds", "export", opml, "--with-secrets")
    assert opml.stat().st_mode & 0o077 == 0
    run(other, "feeds", "import", opml)
    assert [feed.url for feed in config.load(other).feeds] == [ONE, TWO]


def test_each_subscription_that_is_left_out_is_named(desk: Path, tmp_path: Path) -> None:
    opml = tmp_path / "x.opml"
    opml.write_text(
        '<opml><body><outline text="Letter" xmlUrl="newsletter://box.test/7"/>'
        '<outline text="Bad" xmlUrl="https://bad.test:80443/"/>'
        '<outline text="Page" htmlUrl="https://page.test/"/>'
        '<outline text="Good" xmlUrl="feed://good.test/"/></body></opml>'
    )
    result = run(desk, "feeds", "import", opml)
    assert result.code == 0
    assert urls(desk) == [ONE, "http://good.test/"]
    assert result.out == "added 1 of 4 feeds; in the list already: 0, left out: 3\n"
    assert "left out Letter (newsletter://box.test/7): expected an address" in result.err
    assert "left out Bad (https://bad.test:80443/)" in result.err
    assert "left out Page: it names no feed" in result.err


def test_a_list_comes_through_a_pipe(desk: Path, tmp_path: Path) -> None:
    listed = run(desk, "feeds", "export").out
    other = Desk(tmp_path / "other", []).directory
    assert run(other, "feeds", "import", "-", stdin=listed).code == 0
    assert urls(other) == [ONE]


def test_a_file_that_is_no_opml_is_reported_in_a_line(desk: Path, tmp_path: Path) -> None:
    (tmp_path / "x.opml").write_text("no opml at all")
    result = run(desk, "feeds", "import", tmp_path / "x.opml")
    assert result.code in {1, 2}
    assert result.err.count("\n") == 1


def test_an_export_that_cannot_be_written_is_reported_in_a_line(desk: Path) -> None:
    result = run(desk, "feeds", "export", "/nonexistent/x")
    assert (result.code, result.err) == (
        1,
        "monitor: /nonexistent/x cannot be written: No such file or directory\n",
    )


def test_the_feeds_of_a_site_are_discovered(desk: Path) -> None:
    link = b'<link rel="alternate" type="application/rss+xml" href="/feed.xml">'
    with serving() as server:
        site = server.on(
            "/", Reply(b"<html><head>" + link + b"</head></html>", headers={"Content-Type": "text/html"})
        )
        bare, feed = server.on("/bare", Reply(b"<html></html>")), server.on("/feed.xml", page())
        assert run(desk, "feeds", "discover", site).out == f"{feed}\n"
        assert run(desk, "feeds", "discover", feed).out == f"{feed}\n", "it is one itself"
        assert run(desk, "feeds", "discover", bare).code == 1
        lost = run(desk, "feeds", "discover", server.url("/lost", userinfo="reader:hunter2"))
    assert (lost.code, lost.err.count("\n")) == (1, 1)
    assert "404" in lost.err
    assert "hunter2" not in lost.err


def test_a_page_in_any_encoding_names_its_feeds(desk: Path) -> None:
    link = '<html><head><link rel="alternate" type="application/rss+xml" href="/ü.xml"></head></html>'
    with serving() as server:
        feed, _ = server.url("/ü.xml"), server.on("/%C3%BC.xml", page(LEAK))
        for name, encoding in (("/a", "utf-16"), ("/b", "latin-1"), ("/c", "utf-8")):
            headers = {"Content-Type": f"text/html; charset={encoding}"}
            address = server.on(name, Reply(link.encode(encoding), headers=headers))
            assert run(desk, "feeds", "discover", address).out == f"{feed}\n"
        assert "added" in run(desk, "feeds", "add", address).out
        assert feed in urls(desk)


def test_a_page_whose_feeds_are_none_says_so(desk: Path) -> None:
    link = b'<html><link rel="alternate" type="application/rss+xml" href="/gone.xml"></html>'
    with serving() as server:
        address = server.on("/", Reply(link, headers={"Content-Type": "text/html"}))
        result = run(desk, "feeds", "add", address)
        assert result.code == 1
        assert (
            f"it names feeds, but none of them can be read: {server.url('/gone.xml')} (HTTP 404" in result.err
        )
        assert run(desk, "feeds", "discover", server.url("/gone.xml")).code == 1
        server.on("/", Reply(b"<html></html>"))
        assert "the page names no feed" in run(desk, "feeds", "add", address).err
        assert "names no feed" in run(desk, "feeds", "discover", address).err
    assert run(desk, "feeds", "discover", "nowhere").code == 2


def test_a_password_goes_along_where_a_feed_has_moved_on_its_host(tmp_path: Path) -> None:
    with serving() as server:
        old, new = server.url("/old", userinfo="me:hunter2"), server.url("/new", userinfo="me:hunter2")
        server.on("/old", redirect("/new", 301))
        server.on("/new", page(LEAK))
        desk = Desk(tmp_path / "desk", []).directory
        assert run(desk, "feeds", "add", old).code == 0
        assert "hunter2" in (desk / "feeds.toml").read_text()
        desk = Desk(tmp_path / "other", [old]).directory
        for hour in range(3):
            assert run(desk, "poll", "--all", now=at(hour)).code == 0
        assert run(desk, "feeds", "move", old, now=at(4)).code == 0
        assert json.dumps(new) in (desk / "feeds.toml").read_text()


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["move", "nobody", "https://news.test/x"], 1, "not in the list"),
        (["move", ONE, "x"], 2, "expected an address"),
        (["move", ONE], 1, "has not said that it moved"),
        (["move", "https://deadline.com/feed/", "https://news.test/x"], 1, "is not followed"),
        (["remove", "https://deadline.com/feed/"], 1, "is not followed"),
        (["rename", ONE, "a\x07b"], 2, "control characters"),
        (["import", "/proc/self/mem"], 1, "cannot be read"),
    ],
)
def test_what_cannot_be_done_to_the_list_is_reported_in_a_line(desk: Path, arguments, code, words) -> None:
    before = (desk / "feeds.toml").read_bytes()
    result = run(desk, "feeds", *arguments)
    assert (result.code, result.err.count("\n")) == (code, 1)
    assert words in result.err
    assert (desk / "feeds.toml").read_bytes() == before


def test_an_opml_without_feeds_is_reported(desk: Path, tmp_path: Path) -> None:
    (tmp_path / "a.opml").write_text("<opml><body/></opml>")
    result = run(desk, "feeds", "import", tmp_path / "a.opml")
    assert (result.code, "names no feed" in result.err) == (1, True)


def test_a_feed_without_a_name_of_the_users_is_called_by_its_own(desk: Path) -> None:
    assert run(desk, "feeds", "rename", ONE, "").out == f"{ONE} is now called by its own title\n"
