from __future__ import annotations

import json
import shutil
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
import smtp
from newsroom import SETTINGS, Desk, at, item, page, polled, run, serving

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from loopback import Loopback

LEAK = "Testers leak OpenAI tool Sora in protest"
MORNING = at(7, 1)
MAIL = '[email]\nhost = "127.0.0.1"\nport = {}\ntls = "none"\nfrom = "m@x.test"\nto = ["r@x.test"]\n'
LOG_IN = 'username = "me"\npassword_file = "password"\n'


def asks_for_a_password() -> smtp.Script:
    return smtp.Script(extensions=("AUTH PLAIN",), users={"me": "right"})


@contextmanager
def mailing(tmp_path: Path, script: smtp.Script, more: str = "") -> Iterator[tuple[Path, Loopback]]:
    """A desk that follows a feed with the leak and mails to a scripted server; `more` follows in [email]."""
    with serving() as server, smtp.scripted_in_a_thread(script):
        server.on("/a", page(item("leak", LEAK)))
        settings = SETTINGS + MAIL.format(script.port) + more
        yield Desk(tmp_path / "desk", [server.url("/a")], settings=settings).directory, server


@pytest.fixture(scope="module")
def polled_desk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return polled(tmp_path_factory.mktemp("desk"))


@pytest.fixture
def desk(polled_desk: Path, tmp_path: Path) -> Path:
    return shutil.copytree(polled_desk, tmp_path / "copy")


def files(directory: Path) -> dict[str, bytes]:
    """Read all files except the database's bookkeeping, which SQLite also creates when it only reads."""
    found = (
        path for path in directory.rglob("*") if path.is_file() and path.suffix not in {".db-shm", ".db-wal"}
    )
    return {str(path.relative_to(directory)): path.read_bytes() for path in found}


def test_looking_changes_nothing_at_all(desk: Path) -> None:
    before = files(desk)
    for arguments in ([], ["--date", "2024-12-02"], ["--since", "2024-12-01"], ["--format", "json"]):
        assert run(desk, "digest", *arguments, now=MORNING).code == 0
    for arguments in (["digests"], ["status"], ["entries"], ["stories"], ["search", "x"], ["explain", "x"]):
        run(desk, *arguments, now=MORNING)
    assert files(desk) == before


def test_looking_before_the_first_poll_makes_no_file(tmp_path: Path) -> None:
    desk = Desk(tmp_path / "desk", ["https://news.test/feed"])
    before = desk.files()
    for arguments in (["digest"], ["digests"], ["status"], ["entries"], ["stories"], ["search", "x"]):
        result = run(desk.directory, *arguments, now=MORNING)
        assert result.code in {0, 1}
        assert "Traceback" not in result.err
    assert desk.files() == before
    assert not (desk.directory / "data").exists()


def test_a_file_in_the_place_of_the_data_is_no_database_still_to_be_made(tmp_path: Path) -> None:
    desk = Desk(tmp_path / "desk", ["https://news.test/feed"]).directory
    (desk / "data").touch()
    for command in (
        ["status"],
        ["poll"],
        ["digest"],
        ["digest", "--send"],
        ["digests"],
        ["search", "x"],
        ["backup", tmp_path / "copy"],
        ["run"],
    ):
        result = run(desk, *command, now=MORNING)
        assert (result.code, result.out) == (2, "")
        assert result.err == f"monitor.toml: data_dir: {desk / 'data'} is not a folder\n"


def test_the_json_has_the_shape_of_the_contract(polled_desk: Path) -> None:
    made = run(polled_desk, "digest", "--format", "json", now=MORNING).json
    assert set(made) >= {"date", "window", "stories", "receipt"}
    assert (made["date"], made["window"]["to"]) == ("2024-12-03", "2024-12-03T07:00:00Z")
    story = next(story for story in made["stories"] if story["title"] == LEAK)
    assert set(story) >= {"id", "title", "url", "summary", "themes", "new", "sources", "entries"}
    (entry,) = story["entries"]
    assert set(entry) >= {"title", "url", "feed", "published", "new"}
    assert (entry["new"], entry["published"]) == (True, "2024-12-02T00:00:00Z")


@pytest.mark.parametrize(
    ("format_", "sign"), [("md", "# "), ("html", "<html"), ("text", LEAK), ("atom", "<feed")]
)
def test_each_format_tells_the_news(polled_desk: Path, tmp_path: Path, format_: str, sign: str) -> None:
    result = run(polled_desk, "digest", "--format", format_, now=MORNING)
    assert sign in result.out
    assert "Testers leak OpenAI" in result.out
    assert "\x1b" not in result.out
    assert "hunter2" not in result.out
    target = tmp_path / "out"
    written = run(polled_desk, "digest", "--format", format_, "-o", target, now=MORNING)
    assert (written.code, written.out, target.read_text()) == (0, "", result.out)


def test_a_file_that_cannot_be_written_is_reported_in_a_line(polled_desk: Path, tmp_path: Path) -> None:
    result = run(polled_desk, "digest", "-o", tmp_path / "no" / "file", now=MORNING)
    assert (result.code, result.err.count("\n")) == (1, 1)


@pytest.mark.parametrize(
    "arguments",
    [
        ["--format", "pdf"],
        ["--resend"],
        ["--send", "--date", "2024-12-02"],
        ["--send", "-o", "x"],
        ["--send", "--format", "md"],
        ["--date", "2024-12-02", "--since", "2024-12-01"],
        ["--date", "tomorrow"],
        ["--date", "2030-01-01"],
        ["--since", "2024-12-05", "--until", "2024-12-04"],
    ],
)
def test_what_makes_no_sense_is_wrong_usage_in_one_line(polled_desk: Path, arguments: list[str]) -> None:
    result = run(polled_desk, "digest", *arguments, now=MORNING)
    assert (result.code, result.out, result.err.count("\n")) == (2, "", 1)


def test_a_window_tells_what_was_seen_in_it(polled_desk: Path) -> None:
    def stories(*arguments: str) -> int:
        return len(run(polled_desk, "digest", "--format", "json", *arguments, now=at(12, 3)).json["stories"])

    assert stories("--since", "2024-12-02", "--until", "2024-12-02") == 2
    assert stories("--since", "2024-12-02T08:00Z", "--until", "2024-12-02T09:30Z") == 2
    assert stories("--since", "2024-12-03T12:00Z") == 0
    assert stories("--date", "2024-12-02") == 2


def test_a_window_of_days_names_them_and_calls_nothing_new_today(polled_desk: Path) -> None:
    days = run(polled_desk, "digest", "--since", "2024-11-28", "--until", "2024-12-02", now=at(12, 3)).out
    assert "Thursday, 28 November 2024 to Monday, 2 December 2024" in days
    assert "new today" not in days
    day = run(polled_desk, "digest", "--since", "2024-12-02", "--until", "2024-12-02", now=at(12, 3)).out
    assert (" to Monday" in day, "new today" in day) == (False, True)


def test_what_is_still_to_come_is_no_part_of_a_window(polled_desk: Path) -> None:
    asked = ("--since", "2024-12-02", "--until", "2024-12-20", "--format", "json")
    made = run(polled_desk, "digest", *asked, now=at(12, 3)).json
    assert made["window"] == {"from": "2024-12-02T00:00:00Z", "to": "2024-12-05T12:00:00Z"}


def test_sent_once_listed_and_sent_again_with_the_same_bytes(desk: Path) -> None:
    first = run(desk, "digest", "--send", now=MORNING)
    assert first.code == 0
    assert "sent" in first.out
    folder = desk / "digests"
    written = files(folder)
    assert {"2024-12-03.md", "2024-12-03.html"} <= set(written)
    assert run(desk, "digest", "--send", now=MORNING).out == "no digest is due; nothing was sent\n"
    (listed,) = run(desk, "digests", "--json").json
    assert (listed["date"], listed["stories"]) == ("2024-12-03", 2)
    assert {delivery["state"] for delivery in listed["deliveries"]} == {"sent"}
    assert "2024-12-03  2 stories" in run(desk, "digests").out
    shutil.rmtree(folder)
    assert run(desk, "digest", "--send", "--resend", now=at(9, 1)).code == 0
    assert files(folder) == written
    assert len(run(desk, "digests", "--json").json) == 1
    frozen = run(desk, "digest", "--date", "2024-12-03", "--format", "md", now=at(9, 5)).out
    assert frozen.encode() == written["2024-12-03.md"]
    assert run(desk, "digest", "--format", "json", now=at(9, 1)).json["stories"] == []


def test_there_is_nothing_to_send_again_before_the_first_digest(desk: Path) -> None:
    result = run(desk, "digest", "--send", "--resend", now=at(9))
    assert (result.code, result.err.count("\n")) == (1, 1)


def test_a_delivery_that_fails_is_exit_1_and_waits(tmp_path: Path) -> None:
    with serving() as server:
        server.on("/a", page(item("leak", LEAK)))
        desk = Desk(tmp_path / "desk", [server.url("/a")], settings=SETTINGS + MAIL.format(1)).directory
        assert run(desk, "poll", now=at(9)).code == 0
    result = run(desk, "digest", "--send", now=MORNING)
    assert result.code == 1
    assert "email to r@x.test: pending" in result.out
    assert (desk / "digests" / "2024-12-03.md").exists()
    status = run(desk, "status", "--json", now=MORNING)
    assert "pending" in {delivery["state"] for delivery in json.loads(status.out)["deliveries"]}
    (desk / "monitor.toml").write_text(SETTINGS)
    off = run(desk, "digest", "--send", now=at(7.1, 1))
    assert (off.code, off.out) == (0, "no digest is due; nothing was sent\n"), "mail is switched off now"


def test_a_mail_that_failed_at_its_first_try_is_in_the_next_digests_receipt(tmp_path: Path) -> None:
    with mailing(tmp_path, smtp.Script(replies={"RCPT": "550 no such user r@x.test"})) as (desk, _):
        assert run(desk, "poll", now=at(6)).code == 0
        assert run(desk, "digest", "--send", now=at(7)).code == 1
    told = run(desk, "digest", now=MORNING).out
    assert "email to r…@x.test: refused: 550 no such user r…@x.test" in told, "other recipients read it too"


def test_what_waits_for_a_repaired_log_in_is_tried_at_once_and_what_waits_otherwise_is_reported(
    tmp_path: Path,
) -> None:
    script = asks_for_a_password()
    with mailing(tmp_path, script, LOG_IN) as (desk, _):
        (desk / "password").write_text("wrong")
        (desk / "password").chmod(0o600)
        run(desk, "poll", now=at(9))
        refused = run(desk, "digest", "--send", now=MORNING)
        assert (refused.code, "log-in refused: 535" in refused.out) == (1, True)
        (problem,) = run(desk, "status", "--json", now=MORNING).json["problems"]
        assert "email to r@x.test waiting: log-in refused" in problem["what"]
        assert "digest --send" in problem["do"]
        (desk / "password").write_text("right")
        script.replies["RCPT"] = "451 later"
        late = run(desk, "digest", "--send", now=at(9, 1))
        assert "email to r@x.test: pending (refused: 451 later); next try 2024-12-03 09:" in late.out
        waiting = run(desk, "digest", "--send", now=at(9.01, 1))
        assert waiting.code == 1
        assert waiting.out.startswith(
            "no digest is due; nothing was sent\nstill waiting:\ndigest of 2024-12-03: email"
        )
        assert script.received == []
        del script.replies["RCPT"]
        assert run(desk, "digest", "--send", "--resend", now=at(9.02, 1)).code == 0
    assert len(script.received) == 1


def test_a_password_that_cannot_be_read_keeps_no_file_from_being_written_and_its_mail_waits(
    tmp_path: Path,
) -> None:
    script = asks_for_a_password()
    alert = '[alert]\nchannels = ["email"]\nmin_score = 0\nmin_sources = 1\n'
    with mailing(tmp_path, script, LOG_IN + alert) as (desk, _):
        reason = "monitor.toml: email.password_file: cannot read password: No such file or directory"
        polled = run(desk, "poll", now=at(6, 1))
        assert (polled.code, reason in polled.err) == (0, True)
        locked = run(desk, "digest", "--send", now=MORNING)
        assert (locked.code, locked.err) == (2, f"{reason}\n")
        assert {"2024-12-03.md", "index.html"} <= set(files(desk / "digests"))
        (problem,) = run(desk, "status", "--json", now=MORNING).json["problems"]
        assert problem["what"] == f"email to r@x.test (1 digest, 1 alert) waiting: {reason}"
        (desk / "password").write_text("right")
        reason = (
            f"monitor.toml: email.password_file: others can read {desk / 'password'}: run chmod 600 on it"
        )
        (desk / "password").chmod(0o644)
        assert run(desk, "digest", "--send", now=at(7.2, 1)).err == f"{reason}\n"
        assert script.received == []
        (desk / "password").chmod(0o600)
        for hour in (7.3, 7.4):
            assert run(desk, "digest", "--send", now=at(hour, 1)).code == 0
        assert run(desk, "status", now=at(7.5, 1)).code == 0
    assert sorted("Dec 2024" in one.message["Subject"] for one in script.received) == [False, True]


def test_push_whose_addresses_cannot_be_read_is_made_up_for_once_they_can(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pushed: list[str] = []
    monkeypatch.setattr(
        "monitor.deliver.push._notify", lambda _url, _name, subject, _body: pushed.append(subject)
    )
    push = '[apprise]\nurls_file = "urls"\n[alert]\nchannels = ["apprise"]\nmin_score = 0\nmin_sources = 1\n'
    with serving() as server:
        server.on("/a", page(item("leak", LEAK)))
        desk = Desk(tmp_path / "desk", [server.url("/a")], settings=SETTINGS + push).directory
        urls = desk / "urls"
        assert "urls_file: cannot read urls" in run(desk, "poll", now=at(6, 1)).err
        urls.write_text("json://x.test json://y.test")
        urls.chmod(0o600)
        assert run(desk, "poll", now=at(6.5, 1)).code == 0
        assert ["Dec 2024" in subject for subject in pushed] == [False, False], "it waited for its addresses"
        pushed.clear()
        urls.rename(desk / "elsewhere")
        for _ in range(2):
            assert run(desk, "digest", "--send", now=MORNING).code == 2
        (problem,) = run(desk, "status", "--json", now=MORNING).json["problems"]
        assert "apprise to everybody given up: monitor.toml: apprise.urls_file: cannot" in problem["what"]
        assert problem["do"] == "fix that, then run `monitor digest --send`: it tries at once"
        (desk / "elsewhere").rename(urls)
        for hour in (7.3, 7.4):
            assert run(desk, "digest", "--send", now=at(hour, 1)).code == 0
        assert run(desk, "status", now=at(7.5, 1)).code == 0
    assert ["Dec 2024" in subject for subject in pushed] == [True, True]


def test_an_address_that_refused_for_days_gets_them_as_one_mail_and_each_news_once(tmp_path: Path) -> None:
    towns = ["Rome", "Oslo", "Graz", "Lima", "Riga", "Bonn", "Kiel"]
    script = smtp.Script(replies={"RCPT": "550 nobody here"})
    with mailing(tmp_path, script) as (desk, server):
        for day in range(len(towns)):
            news = (
                item(town, f"OpenAI tool Sora opens in {town}", published=at(5, then))
                for then, town in enumerate(towns[: day + 1])
            )
            server.on("/a", page(*news))
            run(desk, "poll", now=at(6, day))
            if day == 5:
                del script.replies["RCPT"]
            assert run(desk, "digest", "--send", now=at(7.1, day)).code == (day < 5)
        assert run(desk, "status", now=at(7.2, 6)).code == 0
    told = [one.message.get_body(("plain",)).get_content() for one in script.received]
    assert [[town in text for town in towns] for text in told] == [
        [False] * 5 + [True, False],
        [True] * 5 + [False, True],
    ]


def test_a_window_is_dated_by_the_last_day_that_it_covers(polled_desk: Path) -> None:
    made = run(polled_desk, "digest", "--until", "2024-12-02", "--format", "json", now=at(12, 5)).json
    assert made["date"] == "2024-12-02"


def test_a_dash_is_standard_output(
    polled_desk: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for command in (("digest", "-o", "-"), ("report", "-o", "-"), ("feeds", "export", "-")):
        result = run(polled_desk, *command, now=MORNING)
        assert (result.code, bool(result.out)) == (0, True)
        assert "wrote" not in result.err
    assert not [*tmp_path.iterdir()]
