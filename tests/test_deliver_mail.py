"""Mail over real sockets: what is sent, what is held back, and how each kind of trouble is judged."""

from __future__ import annotations

import asyncio
import base64
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
import smtp

from monitor.deliver import Secrets, mail
from monitor.deliver import smtp as smtp_channel
from monitor.errors import ConfigError, DeliveryError
from monitor.models import Headline, RenderedDigest

if TYPE_CHECKING:
    from collections.abc import Coroutine

NOW = datetime(2026, 11, 23, 6, 0, tzinfo=UTC)
PASSWORD = "correct horse"
EDITION = RenderedDigest(
    key="digest:2026-11-23",
    date=date(2026, 11, 23),
    made_at=NOW,
    language="en",
    subject="Sora: two stories",
    preheader="",
    headlines=(Headline(title="Studios sue", url="https://news.example/1", score=3.0),),
    renderings={},
    mail_text="Hello\n.\n..dots at the start\n",
    mail_html="<p>Hello</p>\n",
)


@pytest.fixture
def trusted(monkeypatch):
    """Make this machine trust the certificate of the test server."""
    monkeypatch.setenv("SSL_CERT_FILE", str(smtp.CERTIFICATE))


def channel(port, *, host="127.0.0.1", tls="none", to=("reader@example.org",), **more):
    return mail.Mail(
        mail.Settings(host=host, port=port, tls=tls, sender="Monitor <monitor@example.org>", to=to, **more)
    )


async def deliver(script: smtp.Script, **more) -> DeliveryError | None:
    """Send one message to a server that follows the script; return the error, if any."""
    async with smtp.scripted(script):
        sender = channel(script.port, **more)
        (delivery,) = sender.prepare(EDITION, now=NOW)
        error = await failure(sender.send(delivery))
    assert PASSWORD not in str(error)
    assert "\n" not in str(error)
    return error


async def failure(sending: Coroutine[None, None, None]) -> DeliveryError | None:
    try:
        await asyncio.wait_for(sending, 10)
    except DeliveryError as error:
        return error
    return None


async def test_a_real_server_gets_the_frozen_bytes_from_the_sender_for_the_recipient():
    async with smtp.inbox() as box:
        sender = channel(box.port)
        (delivery,) = sender.prepare(EDITION, now=NOW)
        await sender.send(delivery)
    (got,) = box.received
    assert (got.sender, got.recipients) == ("monitor@example.org", ("reader@example.org",))
    assert got.content == delivery.payload
    assert got.message["Message-ID"] == delivery.message_id
    body = got.message.get_body(("plain",)).get_content()
    assert body.replace("\r\n", "\n") == EDITION.mail_text


async def test_each_recipient_has_a_delivery_of_their_own():
    async with smtp.inbox() as box:
        sender = channel(box.port, to=("a@example.org", "B <b@example.org>"))
        deliveries = sender.prepare(EDITION, now=NOW)
        await asyncio.gather(*map(sender.send, deliveries))
    assert {got.recipients for got in box.received} == {("a@example.org",), ("b@example.org",)}
    assert len({delivery.message_id for delivery in deliveries}) == 2
    assert [delivery.recipient for delivery in deliveries] == ["a@example.org", "b@example.org"]
    assert all(len(got.message["To"].addresses) == 1 for got in box.received)


async def test_many_recipients_share_a_few_connections():
    async with smtp.scripted(smtp.Script()) as script:
        sender = channel(script.port, to=tuple(f"{number}@example.org" for number in range(20)))
        await asyncio.gather(*map(sender.send, sender.prepare(EDITION, now=NOW)))
    assert len({got.recipients for got in script.received}) == 20
    assert 1 < script.most_open <= 4


@pytest.mark.parametrize(("most", "goodbye"), [(1, 0.0), (2, 0.0), (1, 0.05)])
async def test_a_server_that_allows_few_sessions_at_a_time_has_all_mail_in_one_run(most, goodbye):
    async with smtp.scripted(smtp.Script(most_sessions=most, goodbye=goodbye)) as script:
        sender = channel(script.port, to=tuple(f"{number}@example.org" for number in range(9)))
        await asyncio.gather(*map(sender.send, sender.prepare(EDITION, now=NOW)))
    assert len({got.recipients for got in script.received}) == len(script.received) == 9


async def test_a_server_that_is_too_busy_is_not_asked_again_at_once():
    script = smtp.Script(replies={"MAIL": "421 4.3.2 too busy"})
    error = await deliver(script)
    assert (error and error.permanent, script.commands.count("QUIT")) == (False, 0)
    assert [line.split()[0] for line in script.commands] == ["EHLO", "MAIL"]


@pytest.mark.parametrize("code", [421, 432])
async def test_whoever_was_refused_beside_others_is_tried_once_more_alone(code):
    async with smtp.scripted(smtp.Script(replies={"MAIL": f"{code} 4.3.2 too many"})) as script:
        sender = channel(script.port, to=("a@example.org", "b@example.org", "c@example.org"))
        sending = map(sender.send, sender.prepare(EDITION, now=NOW))
        errors = await asyncio.gather(*sending, return_exceptions=True)
    assert [isinstance(error, DeliveryError) and error.permanent for error in errors] == [False] * 3
    assert [line.split()[0] for line in script.commands].count("MAIL") == 6


def test_an_edition_without_a_story_that_reaches_the_score_is_not_mailed():
    assert channel(1, min_score=3.1).prepare(EDITION, now=NOW) == ()
    assert len(channel(1, min_score=3.0).prepare(EDITION, now=NOW)) == 1


def test_no_score_holds_back_that_the_day_is_broken():
    assert len(channel(1, min_score=3.1).prepare(replace(EDITION, conclusive=False), now=NOW)) == 1


def test_without_a_minimum_even_a_quiet_day_is_mailed():
    quiet = RenderedDigest(
        key="digest:2026-11-24", date=EDITION.date, made_at=NOW, language="en", subject="Quiet",
        preheader="", headlines=(), renderings={}, mail_text=EDITION.mail_text, mail_html=EDITION.mail_html,
    )  # fmt: skip
    assert len(channel(1).prepare(quiet, now=NOW)) == 1


def test_the_password_shows_in_no_representation():
    assert PASSWORD not in repr(channel(1, password=PASSWORD))


async def test_starttls_comes_before_the_password_and_the_message(trusted):
    script = smtp.Script(extensions=("STARTTLS", "AUTH PLAIN LOGIN"), users={"me": PASSWORD})
    error = await deliver(script, host="localhost", tls="starttls", username="me", password=PASSWORD)
    assert error is None
    (got,) = script.received
    assert got.encrypted
    assert got.user == "me"
    verbs = [line.split()[0] for line in script.commands]
    assert verbs[:6] == ["EHLO", "STARTTLS", "EHLO", "AUTH", "MAIL", "RCPT"]


async def test_tls_from_the_first_byte(trusted):
    script = smtp.Script(implicit_tls=True, extensions=("AUTH PLAIN",), users={"me": PASSWORD})
    assert await deliver(script, host="localhost", tls="tls", username="me", password=PASSWORD) is None
    assert script.received[0].encrypted


@pytest.mark.parametrize(
    ("script", "tls", "trust", "words"),
    [
        (smtp.Script(extensions=("AUTH PLAIN",)), "starttls", True, "does not offer STARTTLS"),
        (
            smtp.Script(extensions=("STARTTLS", "AUTH PLAIN"), replies={"STARTTLS": "454 not now"}),
            "starttls", True, "454 not now",
        ),
        (smtp.Script(extensions=("STARTTLS", "AUTH PLAIN")), "starttls", False, "cannot be trusted"),
        (smtp.Script(implicit_tls=True, extensions=("AUTH PLAIN",)), "tls", False, "cannot be trusted"),
        (smtp.Script(extensions=("AUTH PLAIN",), hold="connect"), "tls", True, "no connection"),
    ],
)  # fmt: skip
async def test_without_safe_tls_there_is_neither_password_nor_message(monkeypatch, script, tls, trust, words):
    if trust:
        monkeypatch.setenv("SSL_CERT_FILE", str(smtp.CERTIFICATE))
    error = await deliver(
        script, host="localhost", tls=tls, username="me", password=PASSWORD, timeout=timedelta(seconds=1)
    )
    assert error is not None
    assert words in str(error)
    assert not error.permanent
    assert not script.received
    assert not any(line.startswith(("AUTH", "MAIL")) for line in script.commands)


async def test_another_service_on_that_port_is_no_mail_server():
    error = await deliver(smtp.Script(replies={"connect": "SSH-2.0-OpenSSH_9.2"}))
    assert error is not None
    assert "no mail server" in str(error)
    assert "SSH-2.0-OpenSSH_9.2" in str(error)
    assert not error.permanent


async def test_a_certificate_for_another_name_is_not_trusted(trusted, monkeypatch):
    script = smtp.Script(extensions=("STARTTLS",))
    error = await deliver(script, host="127.0.0.2", tls="starttls")
    assert error is not None
    assert not script.received


async def test_no_password_in_clear_to_another_machine():
    sender = channel(25, host="mail.example.org", username="me", password=PASSWORD)
    (delivery,) = sender.prepare(EDITION, now=NOW)
    with pytest.raises(DeliveryError, match="unencrypted") as caught:
        await sender.send(delivery)
    assert caught.value.delay == smtp_channel.USER_DELAY


async def test_a_wrong_password_is_tried_once_shown_without_itself_and_not_hammered():
    script = smtp.Script(extensions=("AUTH PLAIN LOGIN",), users={"me": "another"})
    error = await deliver(script, username="me", password=PASSWORD)
    assert error is not None
    assert "log-in refused: 535" in str(error)
    assert base64.b64encode(f"\0me\0{PASSWORD}".encode()).decode() not in str(error)
    assert not error.permanent
    assert error.delay >= timedelta(hours=1)
    assert sum(line.startswith("AUTH") for line in script.commands) == 1


async def test_a_server_that_knows_the_older_log_in_alone():
    script = smtp.Script(extensions=("AUTH LOGIN",), users={"me": PASSWORD})
    assert await deliver(script, username="me", password=PASSWORD) is None
    assert script.received[0].user == "me"


async def test_a_server_without_a_known_log_in():
    error = await deliver(smtp.Script(extensions=("AUTH XOAUTH2",)), username="me", password=PASSWORD)
    assert error is not None
    assert "offers no way to log in" in str(error)


@pytest.mark.parametrize(
    ("place", "reply", "permanent"),
    [
        ("connect", "421 too busy", False),
        ("connect", "554 go away", False),
        ("EHLO", "501 no such name", False),
        ("MAIL", "550 sender unknown", False),
        ("RCPT", "450 4.2.0 greylisted", False),
        ("RCPT", "550 greylisting in action, come back", False),
        ("RCPT", "550 no such user", True),
        ("RCPT", "552 5.2.2 mailbox full", False),
        ("DATA", "550 5.4.5 Daily user sending quota exceeded.", False),
        ("DATA", "550 5.7.0 sending limit exceeded", False),
        ("RCPT", "550 you.example has exceeded the max emails per hour (200/200) allowed", False),
        ("RCPT", "550 user over quota", False),
        ("RCPT", "550 4.2.1 come back", False),
        ("RCPT", "550 5.1.1 no such user", True),
        (".", "552 5.3.4 too big", True),
        ("DATA", "451 later", False),
        ("DATA", "554 no", True),
        (".", "452 disk full", False),
        (".", "552 too large", True),
    ],
)
async def test_4xx_is_tried_again_and_5xx_of_the_message_is_final(place, reply, permanent):
    error = await deliver(smtp.Script(replies={place: reply}))
    assert error is not None
    assert error.permanent is permanent
    assert reply.split(maxsplit=1)[-1] in str(error)


@pytest.mark.parametrize(
    ("place", "reply", "blocked"),
    [
        ("connect", "554 go away", True),
        ("EHLO", "501 no such name", True),
        ("MAIL", "550 sender unknown", True),
        ("AUTH", "535 no", True),
        ("AUTH", "454 later", False),
        ("connect", "421 busy", False),
        ("MAIL", "452 later", False),
        ("RCPT", "550 no such user", False),
    ],
)
async def test_an_error_that_only_the_user_can_fix_is_marked(place, reply, blocked):
    script = smtp.Script(extensions=("AUTH PLAIN",), users={"me": PASSWORD}, replies={place: reply})
    error = await deliver(script, username="me", password=PASSWORD)
    assert error is not None
    assert error.blocked is blocked


@pytest.mark.parametrize(
    ("place", "reply"),
    [("RCPT", "252 cannot verify"), ("RCPT", "251 will forward"), (".", "200 ok"), (".", "251 fine")],
)
async def test_a_message_accepted_with_another_code_is_accepted(place, reply):
    script = smtp.Script(replies={place: reply})
    assert await deliver(script) is None
    assert len(script.received) == 1


async def test_a_server_that_knows_helo_alone_gets_its_mail_but_no_password_in_clear():
    script = smtp.Script(replies={"EHLO": "502 what"})
    assert await deliver(script) is None
    assert [line.split()[0] for line in script.commands][:3] == ["EHLO", "HELO", "MAIL"]
    error = await deliver(smtp.Script(replies={"EHLO": "502 what"}), tls="starttls", host="localhost")
    assert error is not None
    assert "does not offer STARTTLS" in str(error)


@pytest.mark.parametrize("password", [PASSWORD, "wrong"])
async def test_a_server_that_offers_cram_md5_alone(password):
    script = smtp.Script(extensions=("AUTH CRAM-MD5",), users={"me": PASSWORD})
    error = await deliver(script, username="me", password=password)
    assert (error is None) is (password == PASSWORD)
    assert error is None or error.blocked


@pytest.mark.parametrize("reply", ["504 5.7.4 unrecognized authentication type", "502 Invalid input"])
async def test_a_way_to_log_in_that_the_server_only_names_is_passed_over(reply):
    script = smtp.Script(
        extensions=("AUTH PLAIN LOGIN",), users={"me": PASSWORD}, replies={"AUTH PLAIN": reply}
    )
    assert await deliver(script, username="me", password=PASSWORD) is None
    script.extensions = ("AUTH PLAIN",)
    error = await deliver(script, username="me", password=PASSWORD)
    assert error is not None
    assert (str(error) == f"refused: {reply}", error.blocked) == (True, True)


async def test_tls_on_a_port_that_starts_in_clear_is_reported_in_words():
    error = await deliver(smtp.Script(), tls="tls")
    assert error is not None
    assert "does not speak TLS from the first byte" in str(error)
    assert (error.permanent, error.blocked) == (False, True)


async def test_a_port_that_wants_tls_from_the_start_is_reported_in_words():
    sender = channel(465, host="localhost", tls="starttls")
    (delivery,) = sender.prepare(EDITION, now=NOW)
    with pytest.raises(DeliveryError, match='set tls = "tls"'):
        await sender.send(delivery)


async def test_a_host_name_that_cannot_be_is_a_trouble_like_others():
    sender = channel(25, host="smtp..example.org")
    (delivery,) = sender.prepare(EDITION, now=NOW)
    with pytest.raises(DeliveryError, match="no such host name"):
        await sender.send(delivery)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("mail.example.org", "mail.example.org"),
        ("anna_laptop.lan", "[127.0.0.1]"),
        ("laptop", "[127.0.0.1]"),
        ("-a.example", "[127.0.0.1]"),
    ],
)
async def test_ehlo_names_a_host_name_or_an_address(monkeypatch, name, words):
    monkeypatch.setattr(smtp_channel.socket, "gethostname", lambda: name)
    script = smtp.Script()
    assert await deliver(script) is None
    assert script.commands[0] == f"EHLO {words}"


async def test_an_address_outside_ascii_goes_where_the_server_knows_such():
    script = smtp.Script(extensions=("SMTPUTF8",))
    assert await deliver(script, to=("pöst@bühne.example",)) is None
    assert script.received[0].recipients == ("pöst@xn--bhne-0ra.example",)
    assert "MAIL FROM:<monitor@example.org> SMTPUTF8" in script.commands


async def test_an_address_outside_ascii_is_a_fault_of_its_own_elsewhere():
    script = smtp.Script()
    error = await deliver(script, to=("pöst@bühne.example",))
    assert error is not None
    assert "letters outside ASCII before the @: pöst@" in str(error)
    assert error.permanent


def test_an_address_that_no_message_can_be_made_for_harms_no_other():
    good, bad = channel(25, to=("a@example.org", "b@ü..example")).prepare(EDITION, now=NOW)
    assert (good.state, bad.state, bad.recipient) == ("pending", "failed", "b@ü..example")
    assert "is not an email address" in bad.last_error


def test_a_bug_over_one_recipients_message_harms_no_other(monkeypatch):
    build = mail.message.build

    def poisoned(edition, *, recipient, **rest):
        if recipient.startswith("b"):
            raise ZeroDivisionError("poison")
        return build(edition, recipient=recipient, **rest)

    monkeypatch.setattr(mail.message, "build", poisoned)
    good, bad = channel(25, to=("a@example.org", "b@example.org")).prepare(EDITION, now=NOW)
    assert (good.state, bad.state, bad.recipient) == ("pending", "failed", "b@example.org")
    assert bad.last_error.startswith("internal error: ZeroDivisionError at test_deliver_mail.py:")


def test_recipients_on_the_list_are_reached():
    sender = channel(25, to=("A <a@bühne.example>",))
    assert sender.reaches("a@xn--bhne-0ra.example")
    assert sender.reaches("A@xn--bhne-0ra.example")
    assert not sender.reaches("b@example.org")


async def test_a_connection_lost_before_the_message_is_tried_again():
    error = await deliver(smtp.Script(drop="DATA"))
    assert error is not None
    assert (error.permanent, error.delay) == (False, timedelta(0))


@pytest.mark.parametrize("place", ["body", "."])
async def test_a_connection_lost_in_or_after_the_message_is_unconfirmed_and_waits(place):
    script = smtp.Script(drop=place)
    error = await deliver(script)
    assert error is not None
    assert str(error).startswith("unconfirmed")
    assert not error.permanent
    assert error.delay >= mail.Settings(host="", sender="", to=()).patience + timedelta(minutes=10)


@pytest.mark.parametrize(
    "script", [smtp.Script(hold="."), smtp.Script(drop="."), smtp.Script(replies={".": "\r\n250 ok"})]
)
async def test_a_message_without_an_answer_that_can_be_read_is_unconfirmed(script):
    error = await deliver(script, patience=timedelta(seconds=0.2))
    assert error is not None
    assert str(error).startswith("unconfirmed")
    assert (error.unconfirmed, error.permanent) == (True, False)


async def test_a_server_that_falls_silent_earlier_is_not_waited_for_longer_than_the_timeout():
    error = await deliver(smtp.Script(hold="MAIL"), timeout=timedelta(seconds=0.2))
    assert error is not None
    assert (error.permanent, error.delay) == (False, timedelta(0))


@pytest.mark.parametrize(
    "script", [smtp.Script(drop="QUIT"), smtp.Script(hold="QUIT"), smtp.Script(replies={"QUIT": "500 no"})]
)
async def test_an_error_at_quit_is_not_a_failure_and_not_waited_for(script):
    assert await deliver(script) is None
    assert len(script.received) == 1


async def test_a_server_that_is_not_there():
    script = smtp.Script()
    async with smtp.scripted(script):
        pass
    sender = channel(script.port)
    (delivery,) = sender.prepare(EDITION, now=NOW)
    with pytest.raises(DeliveryError, match="Connection refused") as caught:
        await sender.send(delivery)
    assert not caught.value.permanent


async def test_cancelled_in_mid_message_it_leaves_no_connection_behind():
    async with smtp.scripted(smtp.Script(hold=".")) as script:
        sender = channel(script.port)
        task = asyncio.create_task(sender.send(sender.prepare(EDITION, now=NOW)[0]))
        await asyncio.wait_for(script.reached.wait(), 10)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task


async def test_a_second_try_sends_the_same_bytes():
    script = smtp.Script(drop=".")
    async with smtp.scripted(script):
        sender = channel(script.port)
        (delivery,) = sender.prepare(EDITION, now=NOW)
        for _ in range(2):
            with pytest.raises(DeliveryError):
                await sender.send(delivery)
    first, second = script.received
    assert first.content == second.content == delivery.payload


async def test_check_logs_in_and_sends_nothing(trusted):
    script = smtp.Script(extensions=("STARTTLS", "AUTH PLAIN"), users={"me": PASSWORD})
    async with smtp.scripted(script):
        settings = channel(
            script.port, host="localhost", tls="starttls", username="me", password=PASSWORD
        ).settings
        await mail.Mail(settings).check()
    verbs = [line.split()[0] for line in script.commands]
    assert verbs == ["EHLO", "STARTTLS", "EHLO", "AUTH", "NOOP", "QUIT"]
    assert not script.received


async def test_check_reports_what_a_delivery_would():
    async with smtp.scripted(smtp.Script(replies={"NOOP": "421 closing"})) as script:
        with pytest.raises(DeliveryError, match="421 closing"):
            await channel(script.port).check()


def test_a_password_of_several_lines_is_a_fault_before_a_server_counts_it(tmp_path):
    settings = replace(channel(25).settings, username="me", password_file="pw")
    (tmp_path / "pw").write_text("# of the union's mailbox\ncorrect horse\n")
    (tmp_path / "pw").chmod(0o600)
    with pytest.raises(ConfigError, match="password_file: it holds several lines") as caught:
        mail.Mail.of(settings, Secrets(tmp_path, {}))
    assert "horse" not in str(caught.value)
    (tmp_path / "pw").write_text(f"{PASSWORD}\n")
    assert mail.Mail.of(settings, Secrets(tmp_path, {})).settings.password == PASSWORD
