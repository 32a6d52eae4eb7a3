from __future__ import annotations

import re
from typing import TYPE_CHECKING

from loopback import Reply
from newsroom import SETTINGS, Desk, at, item, page, run, serving
from smtp import inbox_in_a_thread

from monitor.cluster import traits
from monitor.lock import sole_sender

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def test_a_poll_is_summed_up_and_its_failures_are_named_without_secrets(tmp_path: Path) -> None:
    with serving() as server:
        good, bad = server.on("/a", page(item("x", "X"))), server.url("/b", userinfo="reader:hunter2")
        server.on("/b", Reply(status=500))
        desk = Desk(tmp_path / "desk", [good, bad]).directory
        first = run(desk, "poll", now=at(9))
        assert first.code == 0
        assert first.out == "2 feeds polled: 1 ok (0 not modified), 1 failing; 1 new entry, 0 changed\n"
        assert first.err.startswith(server.url("/b", userinfo="***") + ": ")
        again = run(desk, "poll", now=at(9)).out
        assert re.fullmatch(r"no feed is due before 2024-12-02 (09|1\d):\d\d\n", again), again
        assert run(desk, "--quiet", "poll", "--all", now=at(9)).err == ""
        only = run(desk, "poll", "--feed", good, "--json", now=at(9))
    assert "hunter2" not in first.out + first.err + only.out
    assert (only.json["feeds"], only.json["new"], only.json["started_at"]) == (1, 0, "2024-12-02T09:00:00Z")
    assert [line["url"] for line in only.json["polled"]] == [good]


def test_a_poll_without_feeds_says_what_lacks(tmp_path: Path) -> None:
    assert "monitor feeds add" in run(Desk(tmp_path / "desk", []).directory, "poll").out


def test_a_poll_that_reached_nothing_is_exit_1_and_a_feed_that_answers_badly_is_not(tmp_path: Path) -> None:
    with serving() as server:
        gone, bad = server.url("/gone"), server.on("/b", Reply(status=500))
        desk = Desk(tmp_path / "desk", [bad])
        assert run(desk.directory, "poll", now=at(9)).code == 0
    desk.follow([gone])
    assert run(desk.directory, "poll", now=at(9)).code == 1
    desk.follow([gone, bad])
    assert run(desk.directory, "poll", "--feed", gone, now=at(12)).code == 0
    everything = run(desk.directory, "poll", "--all", now=at(15))
    assert (everything.code, "our network is down" in everything.out) == (1, True)


def test_a_poll_sends_what_waits_and_makes_alerts(tmp_path: Path) -> None:
    mail = (
        '[email]\nhost = "127.0.0.1"\nport = {}\ntls = "none"\nfrom = "m@news.test"\nto = ["r@news.test"]\n'
    )
    loud = "[alert]\nmin_score = 0.0\nmin_sources = 1\n"
    with serving() as server, inbox_in_a_thread() as box:
        server.on("/a", page(item("leak", "Testers leak OpenAI tool Sora in protest")))
        desk = Desk(tmp_path / "desk", [server.url("/a")], settings=SETTINGS + mail.format(1) + loud)
        first = run(desk.directory, "poll", now=at(6))
        assert "alert on story 1: email to r@news.test: pending" in first.err
        assert "next try 2024-12-02 06:0" in first.err
        Desk(desk.directory, desk.feeds, settings=SETTINGS + mail.format(box.port) + loud)
        second = run(desk.directory, "poll", now=at(6.25))
    assert (second.code, second.out[:21]) == (0, "no feed is due before")
    assert second.err == "alert on story 1: email to r@news.test: sent\n"
    assert [mail.recipients for mail in box.received] == [("r@news.test",)]


def test_a_bug_over_one_entry_holds_up_no_mail(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mail = '[email]\nhost = "127.0.0.1"\nport = {}\ntls = "none"\nfrom = "m@x.test"\nto = ["r@x.test"]\n'
    read = traits._traits

    def poisoned(heading, *others):
        if "choir" in heading:
            raise ZeroDivisionError("poison")
        return read(heading, *others)

    with serving() as server, inbox_in_a_thread() as box:
        server.on("/a", page(item("leak", "Testers leak OpenAI tool Sora in protest")))
        desk = Desk(tmp_path / "desk", [server.url("/a")], settings=SETTINGS + mail.format(1))
        assert run(desk.directory, "poll", now=at(6)).code == 0
        assert "refused" in run(desk.directory, "digest", "--send", now=at(7)).out
        Desk(desk.directory, desk.feeds, settings=SETTINGS + mail.format(box.port))
        server.on("/a", page(item("choir", "AI choir angers artists in Graz")))
        monkeypatch.setattr(traits, "_traits", poisoned)
        result = run(desk.directory, "poll", "--all", now=at(12))
        assert (result.code, "ZeroDivisionError" in result.err) == (1, True)
        assert [mail.recipients for mail in box.received] == [("r@x.test",)]


def test_a_poll_goes_on_without_a_secret_and_says_what_it_keeps(tmp_path: Path) -> None:
    secret = '[email]\nhost = "x.test"\nfrom = "m@news.test"\nto = ["r@news.test"]\npassword_env = "NOT_SET_HERE"\n'
    with serving() as server:
        server.on("/a", page(item("x", "X")))
        desk = Desk(tmp_path / "desk", [server.url("/a")], settings=SETTINGS + secret + "[alert]\n").directory
        result = run(desk, "poll", now=at(9))
    assert (result.code, result.out.startswith("1 feed polled: 1 ok")) == (0, True)
    assert "what needs a secret was not sent" in result.err
    assert "NOT_SET_HERE is not set" in result.err


def test_beside_the_service_a_poll_leaves_sending_to_it(tmp_path: Path) -> None:
    with serving() as server:
        server.on("/a", page(item("x", "X")))
        desk = Desk(
            tmp_path / "desk", [server.url("/a")], settings=SETTINGS + '[alert]\nchannels = ["files"]\n'
        )
        with sole_sender(desk.config.data_dir):
            result = run(desk.directory, "poll", now=at(9))
    assert (result.code, result.err) == (0, "")


def test_a_clock_that_went_back_is_reported(tmp_path: Path) -> None:
    with serving() as server:
        server.on("/a", page(item("x", "X")))
        desk = Desk(tmp_path / "desk", [server.url("/a")]).directory
        run(desk, "poll", now=at(9, 365))
        result = run(desk, "poll", now=at(9))
        assert result.out.startswith("1 feed polled")
        assert "the clock went back from 2025-12-02 09:00 to 2024-12-02 09:00 UTC" in result.err
        assert "the clock went back" not in run(desk, "poll", now=at(9)).err
        (problem,) = run(desk, "status", "--json", now=at(9.5)).json["problems"]
        assert problem["what"].startswith("the clock went back")


def test_only_feeds_of_the_list_can_be_polled(tmp_path: Path) -> None:
    desk = Desk(tmp_path / "desk", ["https://news.test/feed"]).directory
    result = run(desk, "poll", "--feed", "https://x:hunter2@other.test/")
    assert (result.code, result.err.count("\n")) == (2, 1)
    assert "hunter2" not in result.err
