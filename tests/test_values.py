"""Each kind of value is read by one function: what it accepts, what it refuses, and that it reads what it
writes.
"""

from __future__ import annotations

from datetime import timedelta
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor import setting_kinds, values


@pytest.mark.parametrize(
    ("text", "expected"),
    [("90s", 90), ("30m", 1800), ("1.5h", 5400), ("1d", 86400), ("2w", 1209600), (45, 45)],
)
def test_durations(text, expected):
    assert values.duration(text) == timedelta(seconds=expected)


@pytest.mark.parametrize(
    "text", ["", "30", "30 minutes", "-1s", -5, True, None, 0, "1y", [], float("nan"), 1e30]
)
def test_what_is_no_duration(text):
    with pytest.raises(ValueError, match="expected a duration"):
        values.duration(text)


def test_sizes():
    assert values.size("10MB") == 10_000_000
    assert values.size("1.5kb") == 1500
    assert values.size(512) == 512
    assert values.written_size(1500) == "1500B"
    assert values.written_size(1_500_000) == "1500kB"


@given(st.integers(1, 10**9))
def test_what_is_written_is_read_again(number):
    assert values.size(values.written_size(number)) == number
    assert values.duration(values.written_duration(timedelta(seconds=number))) == timedelta(seconds=number)


@pytest.mark.parametrize(
    "name", ["👨\u200d💻 Blog", "Le\u00a0Monde", "東京\u3000新聞", "\U0001fae8 News", "\uf8ff Insider"]
)
def test_names_as_sites_have_them(name):
    assert values.text(name) == name


@pytest.mark.parametrize(
    "name",
    ["two\nlines", "a\tb", "\x7f", "\u2028", "\u202egnp.exe", "zero\u200bwidth", "no char\uffff", "\ud800"],
)
def test_what_is_no_name(name):
    with pytest.raises(ValueError, match="on one line"):
        values.text(name)


@pytest.mark.parametrize(
    ("judge", "number"),
    [
        (values.duration, 10**400),
        (values.size, "9" * 400 + "MB"),
        (setting_kinds.number(0).read, 10**400),
        (setting_kinds.number(0).read, float("inf")),
        (setting_kinds.whole(1, 5).read, 10**400),
    ],
)
def test_very_long_numbers(judge, number):
    with pytest.raises(ValueError, match="expected"):
        judge(number)


def test_no_time_at_all_is_written_in_seconds():
    assert values.written_duration(timedelta(0)) == "0s"


def test_two_weeks_are_written_in_days():
    assert values.written_duration(timedelta(days=14)) == "14d"


@pytest.mark.parametrize(
    ("written", "address"),
    [
        ("a@x.example", ("", "a", "x.example")),
        (" Ada Example <ada@x.example> ", ("Ada Example", "ada", "x.example")),
        ('"Example, Ada" <ada+news@x.example>', ("Example, Ada", "ada+news", "x.example")),
        ("mörfelden@bücher.example", ("", "mörfelden", "xn--bcher-kva.example")),
    ],
)
def test_mailboxes(written, address):
    assert values.mailbox(written) == address


@pytest.mark.parametrize(
    "text",
    ["", "me", "a@", "@x.example", "a@x.example, b@x.example", "a@x.example; b@x.example", "a b@x.example",
     "a@x.example b@x.example", "a@x.example\nBcc: b@x.example", "A <a@x.example> B <b@x.example>", "a@x..example", "a@-x.example", 7, None, ["a@x.example"]],
)  # fmt: skip
def test_what_is_no_mailbox_or_more_than_one(text):
    with pytest.raises(ValueError, match=r"address|text"):
        values.mailbox(text)


@pytest.mark.parametrize("several", ["a@x.example; b@y.example", "a@x.example,b@y.example", "a@b@x.example"])
def test_several_mailboxes_in_one_text_are_reported_as_such(several):
    with pytest.raises(ValueError, match="expected one email address and no more"):
        values.mailbox(several)


@pytest.mark.parametrize(
    "text", ["https://x.example/feed", " HTTP://x.example:8080/?q=a ", "https://[::1]/f"]
)
def test_web_addresses(text):
    assert values.web_address(text) == text.strip()


@pytest.mark.parametrize(
    "text",
    ["", "x.example/feed", "ftp://x.example/", "https://", "https://x.example:80443/f", "https://x.example:0/f",
     "https://x.example/a b", "https://***@x.example/f", "https://x.example/f?token=***", "https://[::1/f", "http://a..b/f", 3],
)  # fmt: skip
def test_what_is_no_web_address(text):
    with pytest.raises(ValueError, match=r".+"):
        values.web_address(text)


@pytest.mark.parametrize(
    ("text", "primary"), [("de", "de"), ("de-AT", "de"), ("EN_us", "en"), ("", ""), ("gsw", "gsw")]
)
def test_languages(text, primary):
    assert values.language(text) == primary


@pytest.mark.parametrize("text", ["xx", "german", "d", "de at", "12", None])
def test_what_is_no_language(text):
    with pytest.raises(ValueError, match=r"language|text"):
        values.language(text)


@pytest.mark.parametrize(
    ("text", "end"), [("tsl", "; did you mean 'tls'?"), ("x", " (got 'x')"), (7, " (got 7)"), (["tls"], "")]
)  # fmt: skip
def test_what_is_none_of_some_names(text, end):
    with pytest.raises(ValueError, match="expected one of") as refused:
        setting_kinds.choice("starttls", "tls").read(text)
    assert str(refused.value) == f'expected one of "starttls", "tls"{end}'


def test_a_recipient_listed_twice_gets_one_mail():
    kind = next(note for note in get_args(setting_kinds.Mailboxes) if isinstance(note, setting_kinds.Kind))
    assert kind.read(["Ada <a@x.example>", "b@x.example", "A@x.example", "a@X.example"]) == (
        "Ada <a@x.example>",
        "b@x.example",
    )


@pytest.mark.parametrize(
    ("text", "host"),
    [
        ("SMTP.Example.org", "smtp.example.org"), ("localhost", "localhost"), ("127.0.0.1", "127.0.0.1"),
        ("::1", "::1"), ("straße.example", "xn--strae-oqa.example"), ("mail_1.example.", "mail_1.example"),
    ],
)  # fmt: skip
def test_hosts(text, host):
    assert values.host(text) == host


@pytest.mark.parametrize(
    "text",
    ["https://me:hunter2@[::1/f", "https://me:hunter2@x.example:99999/f", "https://me:hunter2@a..b/", "me:hunter2@x.example/f",
     "https://me:hunter2 @x.example/f", "ftp://me:hunter2@x.example/"],
)  # fmt: skip
def test_a_password_shows_in_no_fault(text):
    with pytest.raises(ValueError, match=r".+") as caught:
        values.web_address(text)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "smtp..example.org",
        "https://smtp.example.org",
        "smtp.example.org:587",
        "a b",
        "x" * 64,
        "-a.example",
        None,
    ],
)
def test_what_is_no_host(text):
    with pytest.raises(ValueError, match=r"host|text"):
        values.host(text)


def test_a_name_that_is_the_beginning_of_a_known_one_is_meant_for_it():
    assert values.meant("Tech", ["search", "technology"]) == "; did you mean 'technology'?"
    assert values.meant("te", ["search", "technology"]) == ""
