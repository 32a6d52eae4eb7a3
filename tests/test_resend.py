"""`digest --send --resend`: a digest is sent again, and those who are new on the list get it too, once."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest
from newsroom import SETTINGS, Desk, at, item, page, run, serving
from smtp import Inbox, inbox_in_a_thread

from monitor import digest, outbox
from monitor.deliver import Mail
from monitor.store.deliveries import Deliveries

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from newsroom import Result

ANNA, BO, CY = "anna@x.test", "bo@x.test", "cy@x.test"
LEAK = "Artists leak OpenAI's Sora video tool in protest"
CHOIR = "AI choir angers artists in Graz"


@dataclass
class Office:
    """A desk that sends mail, and the mail that has arrived."""

    directory: Path
    box: Inbox
    last: list[str] = field(default_factory=list)
    """The texts of the mails whose recipients `arrived` has returned."""

    def sets(self, to: list[str], more: str = "", formats: str = '["md"]') -> None:
        """Write monitor.toml with these recipients and settings."""
        files = f"{SETTINGS}[digest]\nformats = {formats}\n"
        mail = f'host = "127.0.0.1"\nport = {self.box.port}\ntls = "none"\nfrom = "m@x.test"\nto = {to}\n'
        (self.directory / "monitor.toml").write_text(f"{files}[email]\n{mail}{more}")

    def sends(self, *options: str, hour: float = 9, day: int = 1) -> Result:
        return run(self.directory, "digest", "--send", *options, now=at(hour, day))

    def arrived(self) -> list[str]:
        """Return who got mails since the last call."""
        found = sorted(recipient for one in self.box.received for recipient in one.recipients)
        bodies = [one.message.get_body(("plain",)) for one in self.box.received]
        self.last = [body.get_content() for body in bodies if body]
        self.box.received.clear()
        return found


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    """A digest of two stories was made on Tuesday at 7 and sent to Anna."""
    with serving() as server, inbox_in_a_thread() as box:
        server.on("/a", page(item("leak", LEAK), item("choir", CHOIR, "They sing.")))
        one = Office(Desk(tmp_path / "desk", [server.url("/a")]).directory, box)
        one.sets([ANNA])
        assert run(one.directory, "poll", now=at(9)).code == 0
        assert one.sends(hour=7.5).code == 0
        assert one.arrived() == [ANNA]
        yield one


def test_a_new_recipient_gets_the_last_digest_by_a_resend_and_nothing_twice(office: Office) -> None:
    office.sets([ANNA, BO])
    assert office.sends().out == "no digest is due; nothing was sent\n"
    again = office.sends("--resend")
    assert again.code == 0
    assert office.arrived() == [ANNA, BO]
    assert all(LEAK in text for text in office.last)
    assert office.sends().out == "no digest is due; nothing was sent\n"
    assert office.sends("--resend", hour=10).code == 0
    assert office.arrived() == [ANNA, BO]
    # The next day's digest repeats none of it, not even for Bo, who changes to a weekly mail.
    office.sets([ANNA, BO], f'[email.only."{BO}"]\ndays = ["wed"]\n')
    assert office.sends(hour=7.5, day=2).code == 0
    assert office.arrived() == [ANNA, BO]
    assert not any(LEAK in text for text in office.last)


def test_each_who_is_new_gets_their_part_in_their_language_and_at_their_hour(office: Office) -> None:
    only = f'[email.only."{BO}"]\nthemes = ["leak-protest"]\nlanguage = "de"\n'
    later = f'[email.only."{CY}"]\ntime = "18:00"\n'
    # The files of that day keep the wording of that day.
    office.sets([ANNA, BO, CY], only + later)
    again = office.sends("--resend")
    assert (again.code, "email to cy@x.test: pending" in again.out) == (0, True)
    assert office.arrived() == [ANNA, BO]
    (part,) = (text for text in office.last if "Auswahl" in text)
    assert (LEAK in part, CHOIR in part, "Leck und Protest" in part) == (True, False, True)
    # It is held back until its hour even when it is requested again.
    assert office.sends("--resend", hour=10).code == 0
    assert office.arrived() == [ANNA, BO]
    assert office.sends(hour=18).code == 0
    assert office.arrived() == [CY]


def test_a_recipient_with_another_day_gets_it_with_their_next_mail_and_the_output_says_so(
    office: Office,
) -> None:
    office.sets([ANNA, BO], f'[email.only."{BO}"]\ndays = ["wed"]\n')
    again = office.sends("--resend")
    assert again.code == 0
    assert "digest of 2024-12-03: bo@x.test: their mail comes on another day, and holds it" in again.err
    assert office.arrived() == [ANNA]
    assert "bo@x.test" not in office.sends("--resend").err, "they are not new any more"
    assert office.arrived() == [ANNA]
    office.sends(hour=7.5, day=2)
    assert office.arrived() == [ANNA, BO]
    assert [LEAK in text for text in office.last].count(True) == 1


def test_recipients_who_would_get_nothing_of_it_are_named(office: Office) -> None:
    office.sets([ANNA, BO], f'min_score = 99\n[email.only."{BO}"]\nmin_score = 99\n')
    again = office.sends("--resend")
    assert (again.code, office.arrived()) == (0, [ANNA])
    assert "bo@x.test: it has nothing for them" in again.err


def test_a_format_that_was_added_is_written_and_the_files_of_that_day_stay_as_they_are(
    office: Office,
) -> None:
    before = (office.directory / "digests" / "2024-12-03.md").read_bytes()
    office.sets([ANNA, BO], f'[email.only."{BO}"]\nthemes = ["leak-protest"]\n', formats='["md", "json"]')
    settings = office.directory / "monitor.toml"
    settings.write_text(f'language = "de"\n{settings.read_text()}')
    assert office.sends("--resend").code == 0
    assert (office.directory / "digests" / "2024-12-03.md").read_bytes() == before
    assert LEAK in (office.directory / "digests" / "2024-12-03.json").read_text("utf-8")
    # Nor does it become a part in two languages.
    assert office.arrived() == [ANNA, BO]
    assert ["selection" in text for text in office.last].count(True) == 1
    assert not any("Leck und Protest" in text for text in office.last)


def test_a_recipient_who_returns_to_the_list_gets_the_mail_that_was_dropped(office: Office) -> None:
    office.sets([ANNA, BO], f'[email.only."{BO}"]\ntime = "12:00"\n')
    assert office.sends("--resend").code == 0
    office.sets([ANNA])
    assert office.sends(hour=13).code == 0
    assert office.sends("--resend", hour=14).code == 0
    assert office.arrived() == [ANNA, ANNA]
    office.sets([ANNA, BO])
    assert office.sends("--resend", hour=15).code == 0
    assert office.arrived() == [ANNA, BO]


def test_a_mail_that_cannot_be_made_is_reported_costs_no_other_and_can_be_requested_again(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    office.sets([ANNA, BO, CY], f'[email.only."{BO}"]\nthemes = ["leak-protest"]\n')
    with monkeypatch.context() as broken:
        broken.setattr(digest, "select", lambda *_arguments, **_named: 1 / 0)
        again = office.sends("--resend")
    assert again.code == 1
    assert "digest of 2024-12-03: email to bo@x.test: internal error: ZeroDivisionError" in again.err
    assert office.arrived() == [ANNA, CY]
    assert office.sends("--resend").code == 0
    assert office.arrived() == [ANNA, BO, CY]


def test_a_mail_that_could_not_be_made_then_is_named_and_comes_with_the_next(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only the last of the days it was to contain could be made now; the others would be lost."""
    office.sets([ANNA, BO], f'[email.only."{BO}"]\ndays = ["thu"]\n')
    office.sends(hour=7.5, day=2)
    with monkeypatch.context() as broken:
        broken.setattr(Mail, "prepare", lambda *_arguments, **_named: 1 / 0)
        assert office.sends(hour=7.5, day=3).code == 0
    office.arrived()
    again = office.sends("--resend", day=3)
    assert again.code == 1
    assert "digest of 2024-12-05: email to everybody: internal error: ZeroDivisionError" in again.err
    assert office.arrived() == []
    assert office.sends(hour=7.5, day=10).code == 0
    assert office.arrived() == [ANNA, BO]
    assert [LEAK in text for text in office.last].count(True) == 1


def test_a_resend_for_one_reaches_nobody_else(office: Office) -> None:
    office.sets([ANNA, BO, CY], formats='["md", "json"]')
    again = office.sends("--resend", "--for", BO.upper())
    assert again.code == 0
    assert office.arrived() == [BO]
    assert "archive" not in again.out, "files and archive are nobody's mail"
    assert not (office.directory / "digests" / "2024-12-03.json").exists()
    assert office.sends("--resend", "--for", ANNA, hour=10).code == 0
    assert office.arrived() == [ANNA]
    # However the address is written in the list by now.
    office.sets([ANNA.capitalize(), BO, CY])
    assert office.sends("--resend", "--for", ANNA, hour=10.5).code == 0
    assert office.arrived() == [ANNA]
    assert office.sends("--resend", hour=11).code == 0
    assert office.arrived() == [ANNA, BO, CY], (
        "what is sent to one alone leaves the others as new as they were"
    )


def test_a_resend_for_one_says_what_it_cannot_do(office: Office) -> None:
    office.sets([ANNA, BO], f'[email.only."{BO}"]\ndays = ["fri"]\n')
    assert office.sends("--for", ANNA).code == 2
    assert "gets no mail; did you mean" in office.sends("--resend", "--for", "ana@x.test").err
    assert "their mail comes on another day" in office.sends("--resend", "--for", BO).err
    # The second digest was made with Bo on the list, and is kept for Friday, so its bytes are not missing.
    assert office.sends(hour=7.5, day=2).code == 0
    assert "their mail comes on another day" in office.sends("--resend", "--for", BO, day=2).err
    assert office.arrived() == [ANNA]


def test_a_crash_between_the_two_halves_of_a_resend_loses_and_doubles_nothing(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_arguments: object, **_named: object) -> None:
        raise KeyboardInterrupt

    office.sets([ANNA, BO])
    for where, name in ((Deliveries, "cover"), (outbox, "send_due")):
        with monkeypatch.context() as broken:
            broken.setattr(where, name, interrupted)
            assert office.sends("--resend").code == 130
        assert office.arrived() == []
    assert office.sends().code == 0
    assert office.arrived() == [ANNA, BO]
    assert office.sends().out == "no digest is due; nothing was sent\n"
