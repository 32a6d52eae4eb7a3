from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from loopback import Reply
from newsroom import Desk, run, serving

if TYPE_CHECKING:
    from pathlib import Path

ONE, TWO = "https://news.test/one", "https://reader:hunter2@news.test/two"
SHOWN = "https://***@news.test/two"


@pytest.fixture
def desk(tmp_path: Path) -> Path:
    return Desk(tmp_path / "desk", [ONE]).directory


def urls(desk: Path) -> list[str]:
    return [feed["url"] for feed in run(desk, "feeds", "list", "--json").json]


def test_a_feed_is_added_once_and_removed(desk: Path) -> None:
    added = run(desk, "feeds", "add", TWO, "--title", "Zwei", "--language", "de")
    assert (added.code, added.out) == (0, f"added {SHOWN}\n")
    assert "already" in run(desk, "feeds", "add", TWO).out
    listed = run(desk, "feeds", "list")
    assert listed.out.splitlines() == [ONE, f"{SHOWN}  Zwei"]
    assert "hunter2" not in listed.out
    assert run(desk, "feeds", "remove", ONE).code == 0
    assert urls(desk) == [SHOWN]
    assert run(desk, "feeds", "remove", ONE).code == 1


@pytest.mark.parametrize("url", ["news.test/feed", "ftp://news.test/", "file:///etc/passwd", ""])
def test_what_is_no_web_address_is_not_added(desk: Path, url: str) -> None:
    before = (desk / "feeds.toml").read_bytes()
    result = run(desk, "feeds", "add", url)
    assert (result.code, result.err.count("\n")) == (2, 1)
    assert (desk / "feeds.toml").read_bytes() == before


def test_what_was_exported_can_be_imported(desk: Path, tmp_path: Path) -> None:
    run(desk, "feeds", "add", TWO, "--title", "Zwei & Co")
    opml, other = tmp_path / "feeds.opml", Desk(tmp_path / "other", []).directory
    assert run(desk, "feeds", "export", opml).out == ""
    assert opml.read_text() == run(desk, "feeds", "export").out
    assert "hunter2" not in opml.read_text()
    first = run(other, "feeds", "import", opml)
    assert first.out == "added 1 feeds; 0 were in the list already\n"
    assert first.err.startswith(f"left out {SHOWN}: its secret was masked")
    assert run(other, "feeds", "import", opml).out == "added 0 feeds; 1 were in the list already\n"
    assert urls(other) == [ONE]


def test_a_file_that_is_no_opml_is_told_in_a_line(desk: Path, tmp_path: Path) -> None:
    (tmp_path / "x.opml").write_text("no opml at all")
    result = run(desk, "feeds", "import", tmp_path / "x.opml")
    assert result.code in {1, 2}
    assert result.err.count("\n") == 1


def test_the_feeds_of_a_site_are_discovered(desk: Path) -> None:
    link = b'<link rel="alternate" type="application/rss+xml" href="/feed.xml">'
    with serving() as server:
        site = server.on(
            "/", Reply(b"<html><head>" + link + b"</head></html>", headers={"Content-Type": "text/html"})
        )
        bare = server.on("/bare", Reply(b"<html></html>"))
        assert run(desk, "feeds", "discover", site).out == server.url("/feed.xml") + "\n"
        assert run(desk, "feeds", "discover", bare).code == 1
        lost = run(desk, "feeds", "discover", server.url("/lost", userinfo="reader:hunter2"))
    assert (lost.code, lost.err.count("\n")) == (1, 1)
    assert "404" in lost.err
    assert "hunter2" not in lost.err
