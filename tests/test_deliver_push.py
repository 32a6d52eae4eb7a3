"""Push: a few headlines to a service, whose secret address is never shown."""

from __future__ import annotations

import asyncio
import json
import sys
from dataclasses import replace
from datetime import UTC, date, datetime
from importlib.util import find_spec

import pytest
import smtp

from monitor.deliver import Secrets, push
from monitor.errors import ConfigError, DeliveryError
from monitor.models import Headline, RenderedDigest

with_apprise = pytest.mark.skipif(find_spec("apprise") is None, reason="needs the extra")
NOW = datetime(2026, 11, 23, 6, 0, tzinfo=UTC)
KEY = "s3cr3t"
EDITION = RenderedDigest(
    key="digest:2026-11-23",
    date=date(2026, 11, 23),
    made_at=NOW,
    language="en",
    subject="Sora: two\n\nstories",
    preheader="",
    headlines=(
        Headline(title="Studios sue", url="https://news.example/1", score=3.0),
        Headline(title="Artists march", url="", score=1.0),
    ),
    renderings={},
)


def channel(*urls, **more):
    return push.Push(push.Settings(urls=urls or (f"ntfy://{KEY}@ntfy.example/sora",), **more))


def text_of(sender, edition=EDITION):
    (delivery,) = sender.prepare(edition, now=NOW)
    return delivery.payload.decode()


def test_subject_and_headlines():
    assert (
        text_of(channel()) == "Sora: two stories\n\n• Studios sue\n  https://news.example/1\n• Artists march"
    )


def test_only_the_first_headlines_and_only_those_that_reach_the_score():
    many = replace(EDITION, headlines=EDITION.headlines[:1] * 5 + EDITION.headlines[1:])
    assert "Artists" not in text_of(channel(), many)
    assert "Artists" not in text_of(channel(min_score=1.5))
    assert channel(min_score=3.5).prepare(EDITION, now=NOW) == ()


def test_a_quiet_day_is_reported_unless_a_score_is_asked_for():
    quiet = replace(EDITION, headlines=())
    assert text_of(channel(), quiet) == "Sora: two stories\n"
    assert channel(min_score=0.1).prepare(quiet, now=NOW) == ()


def test_no_score_holds_back_that_the_day_is_broken():
    broken = replace(EDITION, headlines=(), subject="Broken: nobody looked", conclusive=False)
    assert text_of(channel(min_score=0.1), broken) == "Broken: nobody looked\n"


def test_each_service_has_a_delivery_that_names_its_kind_alone():
    sender = channel(f"ntfy://{KEY}@a.example/x", f"mailto://{KEY}@b.example", f"ntfy://{KEY}@c.example/y")
    prepared = sender.prepare(EDITION, now=NOW)
    assert [delivery.recipient for delivery in prepared] == ["ntfy", "mailto", "ntfy-2"]
    assert KEY not in repr(sender) + repr(prepared)


def test_an_address_that_is_none_has_its_delivery_and_harms_no_other():
    sender = channel(f"ntfy://[{KEY}", f"{KEY}", f"slack://{KEY}")
    assert [delivery.recipient for delivery in sender.prepare(EDITION, now=NOW)] == [
        "ntfy",
        "service",
        "slack",
    ]
    assert sender.reaches("slack")
    assert not sender.reaches("discord")


@pytest.mark.parametrize("held", [" ", " \n\t"])
def test_a_secret_without_an_address_is_a_fault(held, tmp_path):
    with pytest.raises(ConfigError, match="urls_env: it holds no address"):
        push.Push.of(push.Settings(urls_env="URLS"), Secrets(tmp_path, {"URLS": held}))


async def test_a_service_that_is_configured_no_more():
    (delivery,) = channel().prepare(EDITION, now=NOW)
    with pytest.raises(DeliveryError, match="no longer configured") as caught:
        await channel("slack://x").send(delivery)
    assert caught.value.permanent


async def test_without_the_extra_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "apprise", None)
    (delivery,) = channel().prepare(EDITION, now=NOW)
    with pytest.raises(DeliveryError, match=r"sora-monitor\[apprise\]") as caught:
        await channel().send(delivery)
    assert not caught.value.permanent


@with_apprise
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
async def test_an_address_that_apprise_does_not_understand():
    sender = channel(f"nosuch://{KEY}@host")
    with pytest.raises(DeliveryError, match="nosuch: apprise does not understand") as caught:
        await sender.send(sender.prepare(EDITION, now=NOW)[0])
    assert caught.value.permanent
    assert KEY not in str(caught.value)


@with_apprise
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("status", [200, 500])
async def test_a_real_service_gets_title_and_text(status, caplog):
    taken = []

    async def serve(reader, writer):
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        length = int(head.partition("content-length: ")[2].split("\r\n")[0])
        taken.append(json.loads(await reader.readexactly(length)))
        writer.write(f"HTTP/1.1 {status} x\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode())
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        sender = channel(f"json://{KEY}:{KEY}@127.0.0.1:{port}/")
        (delivery,) = sender.prepare(EDITION, now=NOW)
        if status == 200:
            await sender.send(delivery)
        else:
            with pytest.raises(DeliveryError, match="json: the service did not take it") as caught:
                await sender.send(delivery)
            assert not caught.value.permanent
    assert taken[0]["title"] == "Sora: two stories"
    assert taken[0]["message"].startswith("• Studios sue\n  https://news.example/1")
    assert KEY not in caplog.text


@with_apprise
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
async def test_what_is_too_long_for_a_service_comes_in_parts(monkeypatch):
    from apprise.plugins.custom_json import NotifyJSON

    monkeypatch.setattr(NotifyJSON, "body_maxlen", 200)  # Discord's is 2,000, Pushover's 1,024
    taken = []

    async def serve(reader, writer):
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        length = int(head.partition("content-length: ")[2].split("\r\n")[0])
        taken.append(json.loads(await reader.readexactly(length))["message"])
        writer.write(b"HTTP/1.1 200 x\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        writer.close()

    links = [f"https://news.example/{n}{'x' * 90}" for n in range(5)]
    edition = replace(EDITION, headlines=tuple(Headline(title="T", url=link, score=3.0) for link in links))
    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        sender = channel(f"json://127.0.0.1:{server.sockets[0].getsockname()[1]}/")
        await sender.send(sender.prepare(edition, now=NOW)[0])
    assert len(taken) > 1
    assert all(len(message) <= 200 for message in taken)
    assert all(any(link in message for message in taken) for link in links)


@with_apprise
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
async def test_a_title_stays_text_where_the_service_takes_html():
    hostile = '<a href="http://evil.example/">Sign in</a><img src="http://evil.example/p.gif">'
    edition = replace(EDITION, headlines=(Headline(title=hostile, url="https://a.example", score=3.0),))
    async with smtp.inbox() as box:
        sender = channel(f"mailto://127.0.0.1:{box.port}?from=a@x.test&to=b@x.test")
        await sender.send(sender.prepare(edition, now=NOW)[0])
    parts = list(box.received[0].message.walk())
    assert not any(
        "<a href=" in part.get_content() for part in parts if part.get_content_type() == "text/html"
    )
    assert "Sign in" in box.received[0].message.get_body(("plain",)).get_content()
