from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest
from loopback import Reply
from newsroom import Desk, at, item, page, polled, run, serving

if TYPE_CHECKING:
    from pathlib import Path

FEED = {
    "url", "title", "state", "last_status", "last_error", "consecutive_failures", "last_poll_at",
    "last_success_at", "next_poll_at", "entries",
}  # fmt: skip


@pytest.fixture(scope="module")
def polled_desk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return polled(tmp_path_factory.mktemp("desk"))


def test_the_json_has_the_shape_of_the_contract(polled_desk: Path) -> None:
    status = run(polled_desk, "status", "--json", now=at(10)).json
    assert set(status) >= {"feeds", "last_poll", "last_digest", "deliveries", "healthy"}
    good, bad = status["feeds"]
    assert set(good) >= FEED
    assert (good["state"], good["last_status"], good["entries"], good["title"]) == ("ok", 200, 3, "The Paper")
    assert (good["last_poll_at"], good["last_error"]) == ("2024-12-02T09:00:00Z", "")
    assert (bad["state"], bad["last_status"], bad["consecutive_failures"]) == ("failing", 500, 1)
    assert bad["last_error"].count("\n") == 0 != len(bad["last_error"])
    assert bad["last_success_at"] is None
    assert (status["last_poll"]["feeds"], status["last_poll"]["failed"]) == (2, 1)
    assert (status["last_digest"], status["deliveries"]) == (None, [])


def test_a_feed_that_never_answered_needs_a_human(polled_desk: Path) -> None:
    result = run(polled_desk, "status", "--json", now=at(10))
    assert (result.code, result.json["healthy"]) == (1, False)
    shown = run(polled_desk, "status", now=at(10))
    assert shown.code == 1
    assert "needs your attention" in shown.out
    assert "hunter2" not in shown.out + result.out


def test_all_is_well_when_all_feeds_answer(tmp_path: Path) -> None:
    with serving() as server:
        server.on("/a", page(item("x", "X")))
        desk = Desk(tmp_path / "desk", [server.url("/a")]).directory
        run(desk, "poll", now=at(9))
    result = run(desk, "status", "--json", now=at(10))
    assert (result.code, result.json["healthy"]) == (0, True)
    assert run(desk, "status", now=at(10)).out.startswith("all is well\n\n")


def test_a_digest_that_waits_to_be_sent_is_due_now(polled_desk: Path, tmp_path: Path) -> None:
    desk = shutil.copytree(polled_desk, tmp_path / "copy")
    waiting = run(desk, "status", now=at(10)).out
    assert "\nnext digest  due now\n" in waiting
    assert "\nnext poll    due now\n" in waiting
    assert "\nnext poll    2024-12-02 09:3" in run(desk, "status", now=at(9.1)).out
    assert run(desk, "digest", "--send", now=at(10)).code == 0
    assert "\nnext digest  2024-12-03 07:00\n" in run(desk, "status", now=at(10)).out


def test_what_a_feed_that_is_gone_last_answered_is_shown_once(tmp_path: Path) -> None:
    with serving() as server:
        server.on("/a", Reply(status=410))
        desk = Desk(tmp_path / "desk", [server.url("/a")]).directory
        run(desk, "poll", now=at(9))
    _, feeds = run(desk, "status", now=at(10)).out.split("\nfeeds ")
    assert feeds.partition("last poll")[0].count("HTTP 410") == 1


def test_before_the_first_poll_every_feed_is_new(tmp_path: Path) -> None:
    desk = Desk(tmp_path / "desk", ["https://news.test/feed"]).directory
    status = run(desk, "status", "--json").json
    assert [feed["state"] for feed in status["feeds"]] == ["new"]
    assert status["last_poll"] is None


def test_a_broken_database_is_a_problem_in_json_too(tmp_path: Path) -> None:
    desk = Desk(tmp_path / "desk", ["https://news.test/feed"])
    database = desk.directory / "data" / "monitor.db"
    database.parent.mkdir(exist_ok=True)
    database.write_bytes(b"no database " * 1000)
    result = run(desk.directory, "status", "--json")
    assert (result.code, result.json["feeds"], result.json["healthy"]) == (1, [], False)
    assert "monitor.db" in result.json["problems"][0]["what"]
