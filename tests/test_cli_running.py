from __future__ import annotations

from typing import TYPE_CHECKING

from loopback import Reply
from newsroom import Desk, at, item, page, run, serving

if TYPE_CHECKING:
    from pathlib import Path


def test_a_poll_is_summed_up_and_its_failures_are_named_without_secrets(tmp_path: Path) -> None:
    with serving() as server:
        good, bad = server.on("/a", page(item("x", "X"))), server.url("/b", userinfo="reader:hunter2")
        server.on("/b", Reply(status=500))
        desk = Desk(tmp_path / "desk", [good, bad]).directory
        first = run(desk, "poll", now=at(9))
        assert first.code == 0
        assert first.out == "2 feeds polled: 1 ok (0 not modified), 1 failing; 1 new entries, 0 changed\n"
        assert first.err.startswith(server.url("/b", userinfo="***") + ": ")
        assert run(desk, "poll", now=at(9)).out == "no feed is due\n"
        assert run(desk, "--quiet", "poll", "--all", now=at(9)).err == ""
        only = run(desk, "poll", "--feed", good, "--json", now=at(9))
    assert "hunter2" not in first.out + first.err + only.out
    assert (only.json["feeds"], only.json["new"], only.json["started_at"]) == (1, 0, "2024-12-02T09:00:00Z")
    assert [line["url"] for line in only.json["polled"]] == [good]


def test_only_feeds_of_the_list_can_be_polled(tmp_path: Path) -> None:
    desk = Desk(tmp_path / "desk", ["https://news.test/feed"]).directory
    result = run(desk, "poll", "--feed", "https://x:hunter2@other.test/")
    assert (result.code, result.err.count("\n")) == (2, 1)
    assert "hunter2" not in result.err
