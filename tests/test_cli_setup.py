from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from loopback import Reply
from newsroom import SETTINGS, START, Desk, item, page, run, serving

if TYPE_CHECKING:
    from pathlib import Path


def test_init_writes_what_check_accepts_and_never_overwrites(tmp_path: Path) -> None:
    target = tmp_path / "new"
    assert run(None, "init", target).code == 0
    assert run(target, "check").code == 0
    (target / "feeds.toml").write_text("# mine\n")
    (target / "themes.toml").unlink()
    again = run(None, "init", target)
    assert again.code == 0
    assert "kept" in again.out
    assert (target / "feeds.toml").read_text() == "# mine\n"
    assert (target / "themes.toml").exists()


def test_check_hints_that_no_feed_is_followed(tmp_path: Path) -> None:
    desk = Desk(tmp_path / "desk", ["https://news.test/feed"]).directory
    assert "no feed is followed" not in run(desk, "check").err
    (desk / "feeds.toml").write_text('[[feed]]\nurl = "https://news.test/feed"\nenabled = false\n')
    checked = run(desk, "check")
    assert (checked.code, "hint: no feed is followed yet" in checked.err) == (0, True)


def test_check_tells_every_fault_of_every_file_in_a_line_each(tmp_path: Path) -> None:
    desk = tmp_path / "desk"
    Desk(
        desk, ["ftp://news.test/feed"], settings='languag = "en"\n[poll]\ninterval = "soon"\nconcurency = 3\n'
    )
    (desk / "themes.toml").write_text('[beat.sora]\nlabel = "x"\nany.sur = ["a"]\n')
    result = run(desk, "check")
    lines = result.err.splitlines()
    assert (result.code, result.out) == (2, "")
    for name, word in (
        ("monitor.toml", "languag"), ("monitor.toml", "poll.interval"), ("monitor.toml", "poll.concurency"),
        ("feeds.toml", "url"), ("themes.toml", "sur"),
    ):  # fmt: skip
        assert [line for line in lines if line.startswith(name) and word in line], (name, word, lines)
    assert run(desk, "poll").err == result.err


def test_a_directory_without_configuration_is_a_fault(tmp_path: Path) -> None:
    result = run(tmp_path, "check")
    assert (result.code, result.err.count("\n")) == (2, 1)
    assert "monitor init" in result.err


def test_online_names_each_feed_that_is_none_and_stores_nothing(tmp_path: Path) -> None:
    with serving() as server:
        good, html = server.on("/a", page(item("x", "X"))), server.on("/b", Reply(b"<html>no feed</html>"))
        desk = Desk(tmp_path / "desk", [good])
        before = desk.files()
        assert run(desk.directory, "check", "--online").code == 0
        assert desk.files() == before
        secret = server.url("/lost", userinfo="reader:hunter2")
        desk.follow([good, html, secret])
        result = run(desk.directory, "check", "--online")
    assert result.code == 1
    assert "1 of 3 feeds answer with a feed" in result.out
    assert [line for line in result.out.splitlines() if line.startswith(html)]
    assert "hunter2" not in result.out + result.err


def test_online_tells_that_the_mail_server_is_away(tmp_path: Path) -> None:
    mail = '[email]\nhost = "127.0.0.1"\nport = 1\ntls = "none"\nfrom = "m@example.org"\nto = ["r@example.org"]\n'
    with serving() as server:
        desk = Desk(tmp_path / "desk", [server.on("/a", page(item("x", "X")))], settings=SETTINGS + mail)
        result = run(desk.directory, "check", "--online")
    assert result.code == 1
    assert "email: " in result.out


def test_online_tells_of_each_feed_that_answers_and_of_a_network_that_is_down(tmp_path: Path) -> None:
    with serving() as server:
        good = server.on("/a", page(item("x", "X"), item("y", "Y", published=START - timedelta(days=1))))
        desk = Desk(tmp_path / "desk", [good])
        shown = run(desk.directory, "check", "--online").out
        assert "ok  The Paper, 2 entries, newest 2024-12-02 00:00, one every day" in shown
    desk.follow(["http://127.0.0.1:1/a", "http://127.0.0.1:1/b"])
    down = run(desk.directory, "check", "--online")
    assert down.code == 1
    assert "none of 2 feeds could be reached" in down.out


def test_each_fault_is_reported_once_and_beside_others(tmp_path: Path) -> None:
    desk = Desk(
        tmp_path / "desk", [], settings='language = "la"\ntimezone = "Mars/X"\ndata_dir = 5\n'
    ).directory
    (desk / "feeds.toml").write_text('follow = ["nix"]\n')
    result = run(desk, "check")
    assert (result.code, result.err.count("\n")) == (2, 4), result.err
    for word in ("'la'", "Mars/X", "data_dir", "'nix'"):
        assert word in result.err


def test_init_names_the_folder_that_it_was_given(tmp_path: Path) -> None:
    for told in (run(None, "init", tmp_path / "a b").err, run(tmp_path / "a b", "init").err):
        assert f"monitor --config '{tmp_path}/a b' check" in told.replace("\n", " ")


def test_one_feed_alone_says_nothing_of_our_network(tmp_path: Path) -> None:
    desk = Desk(tmp_path / "desk", ["http://127.0.0.1:1/feed"]).directory
    checked = run(desk, "check", "--online")
    assert checked.code == 1
    assert "own network" not in checked.out
    assert "http://127.0.0.1:1/feed: " in checked.out
