"""`setup`: six questions, then a configuration that loads, feeds and mail that were tried, a valid service."""

from __future__ import annotations

import os
import plistlib
import pty
import shlex
import shutil
import subprocess
import sys
from errno import ENOSPC
from pathlib import Path
from threading import Timer

import pytest
from newsroom import run
from smtp import Script, inbox_in_a_thread, scripted_in_a_thread

from monitor import config, languages
from monitor.service import install


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"HOME": str(tmp_path), "LANG": "de_AT.UTF-8", "TZ": "Europe/Vienna"}.items():
        monkeypatch.setenv(name, value)
    for name in ("LC_ALL", "MONITOR_SMTP_PASSWORD", "MONITOR_CONFIG"):
        monkeypatch.delenv(name, raising=False)


def test_yes_takes_the_defaults_of_this_machine(tmp_path: Path) -> None:
    result = run(tmp_path / "new", "setup", "--yes", "--no-check")
    assert result.code == 0, result.err
    loaded = config.load(tmp_path / "new")
    assert (loaded.language, loaded.timezone.key) == ("de", "Europe/Vienna")
    assert "email" not in loaded.channel_settings
    assert len(loaded.feeds) > 80
    assert run(tmp_path / "new", "check").code == 0


def test_flags_answer_for_scripts(tmp_path: Path) -> None:
    new = tmp_path / "new"
    (tmp_path / "secret").write_text("hunter2")
    (tmp_path / "secret").chmod(0o600)
    flags = {
        "--language": "en", "--timezone": "America/New_York", "--time": "6:30", "--follow": "unions, courts",
        "--mail-to": "Jo Doe <jo@gmx.de>", "--password-file": tmp_path / "secret", "--service": "cron",
    }  # fmt: skip
    result = run(new, "setup", "--yes", "--no-check", *(part for pair in flags.items() for part in pair))
    assert result.code == 0, result.err
    loaded = config.load(new)
    assert (loaded.language, f"{loaded.digest.time:%H:%M}") == ("en", "06:30")
    assert {feed.group for feed in loaded.feeds} == {"unions", "courts"}
    mail = loaded.channel_settings["email"]
    assert (mail.host, mail.username, mail.to) == ("mail.gmx.net", "jo@gmx.de", ("Jo Doe <jo@gmx.de>",))
    assert sys.executable in result.out
    assert "hunter2" not in result.out + result.err + (new / "monitor.toml").read_text()


def test_a_service_alone_is_offered_for_a_configuration_that_is_there(tmp_path: Path) -> None:
    new = tmp_path / "new"
    run(new, "setup", "--yes", "--no-check")
    before = (new / "monitor.toml").read_text()
    result = run(new, "setup", "--service", "cron")
    assert result.code == 0, result.err
    assert f"--config {new}" in result.out
    assert "poll" in result.out
    assert run(new, "setup", "--yes", "--service", "cron", "--language", "en").code == 2
    assert (new / "monitor.toml").read_text() == before


@pytest.mark.parametrize(
    "flags",
    [
        ["--language", "xx"], ["--timezone", "Mars"], ["--time", "25:00"], ["--follow", "unions,fishing"],
        ["--mail-to", "nobody"], ["--mail-to", "a@b.de", "--tls", "ssl"], ["--service", "windows"],
        ["--test-mail"], ["--host", "smtp.news.test"], ["--password-file", "secret"], ["--from", "jo@news.test"],
        ["--follow", " , "], ["--follow", ""], ["--tls", ""], ["--service", ""], ["--language", ""], ["--port", "25"],
        ["--mail-to", "a@b.de", "--host", ""], ["--mail-to", "a@b.de", "--from", ""],
    ],
)  # fmt: skip
def test_a_flag_that_makes_no_sense_is_wrong_usage(tmp_path: Path, flags: list[str]) -> None:
    result = run(tmp_path / "new", "setup", "--yes", "--no-check", *flags)
    assert (result.code, "Traceback" in result.err) == (2, False)
    assert next(flag for flag in reversed(flags) if flag.startswith("--")) in result.err


def test_no_account_and_no_feeds_are_answers_too(tmp_path: Path) -> None:
    flags = ("--mail-to", "a@news.test", "--host", "localhost", "--username", "-", "--follow", "none")
    assert run(tmp_path / "new", "setup", "--yes", "--no-check", *flags).code == 0
    loaded = config.load(tmp_path / "new")
    assert loaded.feeds == ()
    mail = loaded.channel_settings["email"]
    assert (mail.host, mail.username, mail.password_file) == ("localhost", "", "")


def test_nothing_that_is_there_is_overwritten(tmp_path: Path) -> None:
    assert run(None, "init", tmp_path).code == 0
    before = (tmp_path / "monitor.toml").read_text()
    assert run(tmp_path, "setup", "--yes", "--no-check").code == 2
    assert (tmp_path / "monitor.toml").read_text() == before
    assert run(tmp_path / "other", "setup", "--no-check").code == 2, "nobody there to ask"


def test_a_test_mail_goes_through_the_account(tmp_path: Path) -> None:
    with inbox_in_a_thread() as box:
        result = run(
            tmp_path / "new", "setup", "--yes", "--no-check", "--test-mail", "--mail-to", "jo@news.test",
            "--host", "127.0.0.1", "--port", box.port, "--tls", "none", "--username", "-",
        )  # fmt: skip
    assert result.code == 0, result.out + result.err
    assert "the server accepted it for jo@news.test" in result.out
    assert len(box.received) == 1


def test_an_account_that_fails_is_reported_and_the_configuration_stays(tmp_path: Path) -> None:
    result = run(
        tmp_path / "new", "setup", "--yes", "--no-check", "--test-mail", "--mail-to", "jo@news.test",
        "--host", "127.0.0.1", "--port", 1, "--tls", "none", "--username", "-",
    )  # fmt: skip
    assert result.code == 1
    assert "test mail: " in result.out
    assert run(tmp_path / "new", "check").code == 0


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("smtp.news.test:465", ("smtp.news.test", 465, "tls")),
        ("smtp.news.test:2525", ("smtp.news.test", 2525, "starttls")),
        ("smtp.news.test", ("smtp.news.test", 587, "starttls")),
        ("[::1]:25", ("::1", 25, "starttls")),
        ("::1", ("::1", 587, "starttls")),
    ],
)
def test_the_mail_server_may_bring_its_port(
    tmp_path: Path, host: str, expected: tuple[str, int, str]
) -> None:
    flags = ["--mail-to", "jo@news.test", "--username", "-", "--host", host]
    assert run(tmp_path / "new", "setup", "--yes", "--no-check", *flags).code == 0
    mail = config.load(tmp_path / "new").channel_settings["email"]
    assert (mail.host, mail.port, mail.tls) == expected


def test_tls_from_the_start_has_a_port_of_its_own(tmp_path: Path) -> None:
    flags = ["--mail-to", "jo@news.test", "--username", "-", "--tls", "tls"]
    assert run(tmp_path / "new", "setup", "--yes", "--no-check", *flags).code == 0
    assert run(tmp_path / "own", "setup", "--yes", "--no-check", *flags, "--port", 994).code == 0
    assert (
        "password"
        not in (tmp_path / "new" / "monitor.toml").read_text().partition("[email]")[2].partition("[")[0]
    )
    ports = [config.load(tmp_path / name).channel_settings["email"].port for name in ("new", "own")]
    assert ports == [465, 994]


@pytest.mark.parametrize("host", ["https://smtp.news.test", "smtp.news.test:0", "smtp.news.test:mail", ":25"])
def test_what_is_no_mail_server_is_wrong_usage(tmp_path: Path, host: str) -> None:
    flags = ["--mail-to", "jo@news.test", "--host", host]
    assert run(tmp_path / "new", "setup", "--yes", "--no-check", *flags).code == 2
    assert not (tmp_path / "new").exists()


def test_a_configuration_that_does_not_load_leaves_room_for_another_try(tmp_path: Path) -> None:
    (tmp_path / "new").mkdir()
    (tmp_path / "new" / "feeds.toml").write_text("url = 7")
    assert run(tmp_path / "new", "setup", "--yes", "--no-check").code == 2
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["feeds.toml"]
    (tmp_path / "new" / "feeds.toml").unlink()
    assert run(tmp_path / "new", "setup", "--yes", "--no-check").code == 0


def test_files_that_are_kept_are_not_said_to_be_written(tmp_path: Path) -> None:
    new = tmp_path / "new"
    new.mkdir()
    (new / "feeds.toml").write_text("# mine\n")
    refused = run(new, "setup", "--yes", "--no-check", "--follow", "unions")
    assert (refused.code, "feeds.toml already" in refused.err) == (2, True)
    result = run(new, "setup", "--yes", "--no-check")
    assert result.out.splitlines() == [
        f"wrote {new / 'monitor.toml'}", f"kept  {new / 'feeds.toml'} (it was there)", f"wrote {new / 'themes.toml'}",
    ]  # fmt: skip
    assert (new / "feeds.toml").read_text() == "# mine\n"


def test_a_disk_error_leaves_room_for_another_try(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write = Path.write_text

    def full(path: Path, text: str, encoding: str) -> int:
        if path.name == "themes.toml":
            raise OSError(ENOSPC, "No space left on device")
        return write(path, text, encoding)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_text", full)
        result = run(tmp_path / "new", "setup", "--yes", "--no-check")
    assert (result.code, "No space left" in result.err) == (2, True)
    assert run(tmp_path / "new", "setup", "--yes", "--no-check").code == 0


def test_a_link_of_the_user_s_stays(tmp_path: Path) -> None:
    link = tmp_path / "new" / "themes.toml"
    link.parent.mkdir()
    link.symlink_to(tmp_path / "nowhere")
    run(tmp_path / "new", "setup", "--yes", "--no-check")
    assert link.is_symlink()
    assert not (tmp_path / "nowhere").exists()


def test_a_password_file_is_found_from_where_it_was_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("secret").write_text("hunter2")
    Path("secret").chmod(0o600)
    flags = ["--mail-to", "jo@news.test", "--password-file", "secret"]
    assert run(tmp_path / "new", "setup", "--yes", "--no-check", *flags).code == 0
    assert run(tmp_path / "new", "check").code == 0
    (tmp_path / "other").mkdir()
    shutil.copy2("secret", tmp_path / "other" / "secret")
    assert run(tmp_path / "other", "setup", "--yes", "--no-check", *flags).code == 0
    assert config.load(tmp_path / "other").channel_settings["email"].password_file == "secret"


def test_the_test_mail_speaks_the_digests_language(tmp_path: Path) -> None:
    with inbox_in_a_thread() as box:
        result = run(
            tmp_path / "new", "setup", "--yes", "--no-check", "--test-mail", "--mail-to", "jo@news.test",
            "--host", f"127.0.0.1:{box.port}", "--tls", "none", "--username", "-", "--language", "de", "--time", "7",
        )  # fmt: skip
    assert result.code == 0, result.out + result.err
    assert box.received[0].message["Subject"] == "Probe: die Mail von Sora-Monitor kommt an"


def on_a_terminal(directory: Path, *flags: object, answers: dict[str, str]) -> tuple[int, str]:
    """Run setup on a terminal and type each answer when its question has appeared; return how it ended.

    After a hidden question a blank appears once input is no longer discarded, so wait for it.
    """
    primary, secondary = pty.openpty()
    command = [sys.executable, "-m", "monitor", "--config", str(directory), "setup", *map(str, flags)]
    with subprocess.Popen(
        command, stdin=secondary, stdout=secondary, stderr=secondary, start_new_session=True
    ) as program:
        os.close(secondary)
        patience = Timer(60, program.kill)
        patience.start()
        shown, seen, waiting = "", 0, list(answers.items())
        while True:
            try:
                shown += os.read(primary, 65536).decode()
            except OSError:
                break
            while waiting and (at := shown.find(waiting[0][0], seen)) >= 0:
                seen = at + len(waiting[0][0])
                os.write(primary, f"{waiting.pop(0)[1]}\n".encode())
        patience.cancel()
    os.close(primary)
    return program.returncode, shown


def test_it_asks_on_a_terminal_until_an_answer_fits(tmp_path: Path) -> None:
    known = ", ".join(languages.AVAILABLE)
    answers = {
        f"({known}) [de]: ": "xx",
        f"there is no 'xx'; known: {known}": "EN",
        "2 Time zone [Europe/Vienna]: ": "Europe/Berlin",
        "due [07:00]: ": "noon",
        "expected a time of day": "8",
        "only files) []: ": "",
        "all, or none [all]: ": "unions",
        "launchd, cron, none)": "none",
    }
    code, shown = on_a_terminal(tmp_path / "new", "--no-check", "--test-mail", answers=answers)
    assert code == 0, shown
    assert "no test mail, then" in shown
    loaded = config.load(tmp_path / "new")
    assert (loaded.language, f"{loaded.digest.time:%H:%M}") == ("en", "08:00")
    assert {feed.group for feed in loaded.feeds} == {"unions"}


def test_a_refused_password_is_asked_for_again(tmp_path: Path) -> None:
    (tmp_path / "feeds.toml").write_text("")  # no feeds to try
    script = Script(extensions=("AUTH PLAIN",), users={"jo": "right"})
    with scripted_in_a_thread(script):
        flags = (
            "--language", "en", "--timezone", "Europe/Berlin", "--time", "7", "--mail-to", "jo@news.test",
            "--host", f"127.0.0.1:{script.port}", "--tls", "none", "--username", "jo", "--from", "jo@news.test",
            "--service", "none",
        )  # fmt: skip
        answers = {
            "where there are such): ": "wrong",
            "(Enter: leave it): ": "right",
            "Send a test mail now?": "y",
        }
        code, shown = on_a_terminal(tmp_path, *flags, answers=answers)
        assert code == 0, shown
        assert shown.index("Trying feeds and mail") < shown.index("log-in refused: 535")
        assert shown.count("log-in refused: 535") == 1
        assert len(script.received) == 1
        assert (tmp_path / "smtp-password").read_text() == "right\n"
        # With an existing configuration a test mail is sent too; nothing else is asked or written.
        before = (tmp_path / "monitor.toml").read_text()
        again = run(tmp_path, "setup", "--test-mail")
        assert (again.code, len(script.received)) == (0, 2), again.out + again.err
        (tmp_path / "smtp-password").write_text("mistyped")
        refused = run(tmp_path, "setup", "--test-mail")
        assert (refused.code, "log-in refused" in refused.out) == (1, True)
    assert (tmp_path / "monitor.toml").read_text() == before


def test_without_the_password_no_test_mail_is_offered(tmp_path: Path) -> None:
    (tmp_path / "feeds.toml").write_text("")
    flags = (
        "--no-check", "--language", "en", "--timezone", "Europe/Berlin", "--time", "7", "--mail-to", "jo@news.test",
        "--host", "smtp.news.test", "--username", "jo", "--from", "jo@news.test", "--service", "none",
    )  # fmt: skip
    code, shown = on_a_terminal(tmp_path, *flags, answers={"where there are such): ": ""})
    assert (code, "Send a test mail now?" in shown) == (0, False), shown
    assert "`setup --test-mail` tries it then" in " ".join(shown.split())


def test_no_password_is_asked_for_that_another_file_holds(tmp_path: Path) -> None:
    (tmp_path / "feeds.toml").write_text("")
    (tmp_path / "smtp-password").write_text("of an earlier try")
    (tmp_path / "mine").write_text("wrong")
    (tmp_path / "mine").chmod(0o600)
    script = Script(extensions=("AUTH PLAIN",), users={"jo": "right"})
    with scripted_in_a_thread(script):
        flags = (
            "--language", "en", "--timezone", "Europe/Berlin", "--time", "7", "--mail-to", "jo@news.test",
            "--host", f"127.0.0.1:{script.port}", "--tls", "none", "--username", "jo", "--from", "jo@news.test",
            "--service", "none", "--password-file", "mine",
        )  # fmt: skip
        code, shown = on_a_terminal(tmp_path, *flags, answers={"Send a test mail now?": "n"})
    assert (code, "log-in refused: 535" in shown) == (1, True), shown
    assert "Enter: leave it" not in shown
    assert (tmp_path / "smtp-password").read_text() == "of an earlier try"


def test_a_test_mail_needs_an_account(tmp_path: Path) -> None:
    run(tmp_path, "setup", "--yes", "--no-check")
    result = run(tmp_path, "setup", "--test-mail")
    assert (result.code, "no [email]" in result.out) == (1, True)


def test_a_unit_for_another_configuration_is_not_passed_off_as_this_one_s(tmp_path: Path) -> None:
    for name in ("one", "other"):
        run(tmp_path / name, "setup", "--yes", "--no-check")
    assert "wrote" in run(tmp_path / "one", "setup", "--service", "systemd").out
    kept = run(tmp_path / "one", "setup", "--service", "systemd").out
    assert ("kept" in kept, "would be written now" in kept) == (True, False)
    assert "would be written now" in run(tmp_path / "other", "setup", "--service", "systemd").out


PROGRAM = ["/opt/my python/bin/python", "-m", "monitor"]
CONFIG = Path("/home/jo/100% news")


def test_the_unit_is_sound(tmp_path: Path) -> None:
    unit = install.systemd([sys.executable, "-m", "monitor"], CONFIG, tmp_path)
    assert unit.path == tmp_path / ".config/systemd/user/monitor.service"
    assert '--config "/home/jo/100%% news" run' in unit.text
    if verify := shutil.which("systemd-analyze"):
        file = tmp_path / "monitor.service"
        file.write_text(unit.text)
        done = subprocess.run([verify, "--user", "verify", file], capture_output=True, text=True, check=False)
        assert "monitor.service" not in done.stderr, done.stderr


def test_the_agent_is_a_property_list(tmp_path: Path) -> None:
    agent = install.launchd(PROGRAM, CONFIG, tmp_path)
    assert plistlib.loads(agent.text.encode())["ProgramArguments"] == [
        *PROGRAM,
        "--config",
        str(CONFIG),
        "run",
    ]


def test_the_cron_line_runs_with_an_empty_environment(tmp_path: Path) -> None:
    """Like cron: five fields, then sh with a minimal environment, and `%` ends the line unless it is escaped."""
    folder = tmp_path / "100% news"
    assert run(folder, "setup", "--yes", "--no-check", "--follow", "courts").code == 0
    (folder / "feeds.toml").write_text("")
    (line,) = install.cron([sys.executable, "-m", "monitor"], folder).text.splitlines()
    command = line.split(None, 5)[5].replace("\\%", "%")
    done = subprocess.run(
        ["/bin/sh", "-c", command],
        env={"HOME": str(tmp_path), "PATH": "/usr/bin:/bin", "PYTHONPATH": os.environ.get("PYTHONPATH", "")},
        cwd="/", capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout, done.stderr) == (0, "", ""), shlex.join([command])
    assert command.index(" poll ") < command.index(" digest --send ")
