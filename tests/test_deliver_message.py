"""The mail message: its headers, its two equivalent parts, and the same bytes each time it is made."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, date, datetime
from email import message_from_bytes
from email.header import decode_header, make_header
from email.policy import default as modern
from email.utils import parseaddr

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.deliver import message
from monitor.models import RenderedDigest
from monitor.text import clean

EDITION = RenderedDigest(
    key="digest:2026-11-23",
    date=date(2026, 11, 23),
    made_at=datetime(2026, 11, 23, 6, 0, 5, tzinfo=UTC),
    language="de",
    subject="Sora: drei Geschichten – Künstler klagen",
    preheader="",
    headlines=(),
    renderings={},
    mail_text="Grüße\n",
    mail_html="<p>Grüße</p>\n",
)


def build(
    edition=EDITION, *, sender="Monitor <monitor@example.org>", recipient="reader@example.net", html=True
):
    return message.build(edition, sender=sender, recipient=recipient, html=html)


def parsed(edition=EDITION, **more):
    return message_from_bytes(build(edition, **more).content, policy=modern)


def body(mail, kind):
    return mail.get_body((kind,)).get_content().replace("\r\n", "\n")


def test_a_mail_has_these_headers_and_no_others():
    mail = parsed()
    assert dict(mail.items()) == {
        "Subject": "Sora: drei Geschichten – Künstler klagen",
        "From": "Monitor <monitor@example.org>",
        "To": "reader@example.net",
        "Date": "Mon, 23 Nov 2026 06:00:05 +0000",
        "Message-ID": build().id,
        "List-Id": "monitor <digest.monitor.example.org>",
        "List-Unsubscribe": "<mailto:monitor@example.org?subject=unsubscribe>",
        "Auto-Submitted": "auto-generated",
        "X-Auto-Response-Suppress": "OOF, AutoReply",
        "Content-Language": "de",
        "MIME-Version": "1.0",
        "Content-Type": mail["Content-Type"],
    }
    assert mail.get_content_type() == "multipart/alternative"


def test_text_comes_before_html():
    parts = list(parsed().iter_parts())
    assert [part.get_content_type() for part in parts] == ["text/plain", "text/html"]
    assert [body(parsed(), kind) for kind in ("plain", "html")] == ["Grüße\n", "<p>Grüße</p>\n"]


def test_without_html_a_mail_is_plain_text():
    mail = parsed(html=False)
    assert mail.get_content_type() == "text/plain"
    assert mail["Content-Language"] == "de"
    assert body(mail, "plain") == "Grüße\n"


def test_the_golden_bytes():
    """If the bytes change between versions, a resent digest is a different message; so change this only on
    purpose.
    """
    content = build().content
    boundary = re.search(rb'boundary="(=[0-9a-f]{32}=)"', content)[1]
    id_ = build().id.encode()
    assert content.replace(boundary, b"BOUNDARY") == (
        b"Subject: =?utf-8?q?Sora=3A_drei_Geschichten_=E2=80=93_K=C3=BCnstler_klagen?=\r\n"
        b"From: Monitor <monitor@example.org>\r\n"
        b"To: reader@example.net\r\n"
        b"Date: Mon, 23 Nov 2026 06:00:05 +0000\r\n"
        b"Message-ID: " + id_ + b"\r\n"
        b"List-Id: monitor <digest.monitor.example.org>\r\n"
        b"List-Unsubscribe: <mailto:monitor@example.org?subject=unsubscribe>\r\n"
        b"Auto-Submitted: auto-generated\r\nX-Auto-Response-Suppress: OOF, AutoReply\r\n"
        b"MIME-Version: 1.0\r\n"
        b'Content-Type: multipart/alternative;\r\n boundary="BOUNDARY"\r\n'
        b"Content-Language: de\r\n"
        b"\r\n"
        b"--BOUNDARY\r\n"
        b'Content-Type: text/plain; charset="utf-8"\r\n'
        b"Content-Transfer-Encoding: quoted-printable\r\n"
        b"\r\n"
        b"Gr=C3=BC=C3=9Fe\r\n"
        b"\r\n"
        b"--BOUNDARY\r\n"
        b'Content-Type: text/html; charset="utf-8"\r\n'
        b"Content-Transfer-Encoding: quoted-printable\r\n"
        b"MIME-Version: 1.0\r\n"
        b"\r\n"
        b"<p>Gr=C3=BC=C3=9Fe</p>\r\n"
        b"\r\n"
        b"--BOUNDARY--\r\n"
    )


def test_the_message_id_depends_on_edition_and_recipient_and_on_nothing_else():
    changed = replace(EDITION, subject="Other", mail_text="x", mail_html="y")
    assert build(changed).id == build().id
    assert build(recipient="Reader <READER@example.net>").id == build().id
    assert build(recipient="other@example.net").id != build().id
    assert build(replace(EDITION, key="digest:2026-11-24")).id != build().id
    assert re.fullmatch(r"<digest-2026-11-23\.[0-9a-f]{32}@example\.org>", build().id)


@pytest.mark.parametrize(
    "written",
    ["", "reader", "reader@", "@example.org", "a b@example.org", "a@example.org\r\nBcc: b@example.org"],
)  # fmt: skip
def test_an_invalid_address_is_refused(written):
    with pytest.raises(ValueError, match=r"is not an email address|one line|one email"):
        message.parse_address(written)


@pytest.mark.parametrize(
    ("written", "known_as"),
    [
        ("post@bühne.example", "post@xn--bhne-0ra.example"),
        ("Bühne <post@BÜHNE.example>", "post@xn--bhne-0ra.example"),
        ("a@straße.example", "a@xn--strae-oqa.example"),
        ("pöst@bühne.example", "pöst@xn--bhne-0ra.example"),
    ],
)
def test_a_domain_of_any_script_is_written_as_dns_knows_it(written, known_as):
    assert message.parse_address(written).addr_spec == message.address_spec(written) == known_as


def test_a_domain_that_cannot_be_is_refused():
    with pytest.raises(ValueError, match="expected a host"):
        message.parse_address("a@ü..example")
    assert message.address_spec("a@ü..example") == "a@ü..example"


def test_an_address_with_letters_outside_ascii_stands_as_it_is_in_the_header():
    content = build(recipient="Pöst <pöst@bühne.example>").content
    assert "To: Pöst <pöst@xn--bhne-0ra.example>".encode() in content
    assert message_from_bytes(content, policy=modern)["Subject"] == EDITION.subject


def test_an_encoded_word_in_a_subject_stays_what_it_looks_like():
    mail = parsed(replace(EDITION, subject="=?utf-8?q?a=0D=0ABcc:_b@example.org?= x"))
    assert mail["Subject"] == "= ?utf-8?q?a=0D=0ABcc:_b@example.org?= x"
    assert mail["Bcc"] is None


@pytest.mark.parametrize("words", range(50, 80))
def test_a_subject_is_folded_without_a_second_space(words):
    subject = f"{'a' * words} – Sora-Monitor, 15. Jan. 2025: {'ö' * 40} ß b"
    edition = replace(EDITION, subject=subject)
    assert parsed(edition)["Subject"].strip() == subject
    assert b"a \r\n" not in build(edition).content.partition(b"\r\n\r\n")[0]


@pytest.mark.parametrize(
    "title",
    [
        "Harvard and Google to release 1 million public-domain books as AI… – Sora-Monitor, 9. Dez. 2024",
        "Überblick: 1 Million Überblick AI… OpenAI’s Werke “quoted” und Werke KI “quoted” release – KI AI…",
    ],
)
def test_no_space_is_lost_where_a_line_breaks_between_two_words_outside_ascii(title):
    content = build(replace(EDITION, subject=title), recipient=f'"{title}" <reader@example.net>').content
    # As mail programs read it: the space between two encoded words does not count (RFC 2047, 6.2).
    read = message_from_bytes(content)
    assert str(make_header(decode_header(read["Subject"]))) == title
    name, address = parseaddr(read["To"])
    assert (str(make_header(decode_header(name))), address) == (title, "reader@example.net")
    assert all(len(line) <= 76 for line in content.partition(b"\r\n\r\n")[0].split(b"\r\n"))


any_text = st.text(st.characters(), max_size=400)


@given(subject=any_text | st.text("aä \n\r\v\x00=?\u2028\ud800\u202e", max_size=300))
def test_no_subject_breaks_out_of_its_header(subject):
    mail = parsed(replace(EDITION, subject=subject))
    assert list(mail.keys()) == list(parsed().keys())
    assert len(mail["Subject"]) <= 200
    assert body(mail, "plain") == "Grüße\n"


@given(subject=st.text(st.characters(categories=["L", "N", "P", "Zs"]), max_size=150))
def test_a_clean_subject_arrives_as_it_was(subject):
    composed = clean(subject).replace("=?", "= ?")
    assert parsed(replace(EDITION, subject=subject))["Subject"] == composed


@given(
    plain=any_text | st.text("-=.\r\nF rom\x00\x85\u2028", max_size=300),
    html=any_text | st.just("x" * 3000) | st.just("--=\r\n--\r\n"),
)
def test_any_content_arrives_whole_in_short_clean_lines(plain, html):
    edition = replace(EDITION, mail_text=plain, mail_html=html)
    content = build(edition).content
    lines = content.split(b"\r\n")
    assert all(len(line) <= 998 and b"\r" not in line and b"\n" not in line for line in lines)
    assert all(len(line) <= 76 for line in lines[lines.index(b"") :])
    assert content.isascii()
    assert b"\x00" not in content
    assert content == build(edition).content
    mail = message_from_bytes(content, policy=modern)
    assert len(list(mail.iter_parts())) == 2
    for kind, given_text in (("plain", plain), ("html", html)):
        sent = given_text.encode("utf-8", "replace").decode()
        assert _unix(body(mail, kind)).rstrip("\n") == _unix(sent).rstrip("\n")


def _unix(content: str) -> str:
    return content.replace("\r\n", "\n").replace("\r", "\n")
