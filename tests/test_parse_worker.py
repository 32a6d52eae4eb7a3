"""Reading in a process that can be killed: documents that are slow, grow or crash it, and no process left
behind.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import monotonic

import pytest

from monitor.errors import ParseError
from monitor.models import Document, Feed, Response
from monitor.parse.settings import Settings
from monitor.parse.worker import Parser

NOW = datetime(2024, 12, 12, 12, tzinfo=UTC)
FEED = Feed(url="https://x.example/feed", language="en")
GOOD = b'<rss version="2.0"><channel><title>T</title><item><title>A</title><link>/a</link></item></channel></rss>'
SLOW = (
    b"<rss><channel>"
    + (b"<item><title>x & y</title>" + b"<b>a</b>" * 100 + b"</item>") * 2_000
    + b"</channel></rss>"
)
"""Large and not well-formed, so feedparser has to read it, which takes many seconds."""
SWELLING = b"<rss><channel><item><title>" + "ä".encode() * 20_000_000 + b"</title></item></channel></rss>"


async def parse(parser: Parser, body: bytes) -> Document:
    return await parser.parse(Response(feed=FEED, url="https://x.example/feed", body=body), FEED, now=NOW)


def pids(parser: Parser) -> list[int]:
    return [parser._worker.process.pid] if parser._worker else []


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def environment(pid: int) -> bytes:
    return Path(f"/proc/{pid}/environ").read_bytes()


async def test_documents_come_back_as_values() -> None:
    async with Parser(Settings()) as parser:
        document = await parse(parser, GOOD)
    assert document.title == "T"
    assert [entry.url for entry in document.entries] == ["https://x.example/a"]
    assert document.entries[0].feed == FEED.url
    assert document.entries[0].first_seen == NOW


async def test_the_settings_reach_the_process() -> None:
    async with Parser(Settings(max_entries=0)) as parser:
        document = await parse(parser, GOOD)
    assert document.entries == ()
    assert document.note.startswith("1 older entry over the limit")


async def test_a_document_that_is_not_a_feed_is_reported_and_the_process_lives_on() -> None:
    async with Parser(Settings()) as parser:
        with pytest.raises(ParseError, match="an HTML page titled “Denied”"):
            await parse(parser, b"<html><title>Denied</title></html>")
        before = pids(parser)
        await parse(parser, GOOD)
        assert pids(parser) == before


async def test_a_slow_document_ends_at_the_deadline_and_its_process_with_it() -> None:
    async with Parser(Settings(timeout=timedelta(seconds=1))) as parser:
        await parse(parser, GOOD)
        (pid,) = pids(parser)
        began = monotonic()
        with pytest.raises(ParseError, match="took longer than 1 s to read"):
            await parse(parser, SLOW)
        assert monotonic() - began < 5
        assert not alive(pid)
        assert (await parse(parser, GOOD)).title == "T"
        assert pids(parser) != [pid]


@pytest.mark.skipif(sys.platform != "linux", reason="other systems do not say how much memory is mapped")
async def test_a_document_that_needs_too_much_memory_is_stopped() -> None:
    async with Parser(Settings(memory=150 * 2**20)) as parser:
        with pytest.raises(ParseError, match="memory"):
            await parse(parser, SWELLING)
        assert (await parse(parser, GOOD)).title == "T"


async def test_a_process_that_dies_costs_one_document_only() -> None:
    async with Parser(Settings()) as parser:
        await parse(parser, GOOD)
        (pid,) = pids(parser)
        os.kill(pid, signal.SIGKILL)
        with pytest.raises(ParseError, match="broke the reading process"):
            await parse(parser, GOOD)
        assert (await parse(parser, GOOD)).title == "T"


async def test_a_process_that_died_while_nobody_asked_costs_nothing() -> None:
    async with Parser(Settings()) as parser:
        await parse(parser, GOOD)
        assert parser._worker is not None
        parser._worker.process.kill()
        await parser._worker.process.wait()
        assert (await parse(parser, GOOD)).title == "T"


async def test_many_documents_at_once_take_turns_in_one_process() -> None:
    async with Parser(Settings()) as parser:
        documents = await asyncio.gather(*(parse(parser, GOOD) for _ in range(20)))
        assert len({document.title for document in documents}) == 1
        assert len(pids(parser)) == 1


async def test_a_process_that_had_nothing_to_read_for_long_ends_and_the_next_document_starts_another() -> (
    None
):
    async with Parser(Settings()) as parser:
        await parser.rest()
        await parse(parser, GOOD)
        (pid,) = pids(parser)
        await parser.rest()
        assert pids(parser) == [pid]
        await parser.rest(timedelta(0))
        assert not alive(pid)
        assert (await parse(parser, GOOD)).title == "T"


async def test_leaving_ends_every_process() -> None:
    async with Parser(Settings()) as parser:
        await asyncio.gather(*(parse(parser, GOOD) for _ in range(4)))
        started = pids(parser)
    assert started
    assert not any(map(alive, started))


async def test_a_cancelled_document_ends_its_process() -> None:
    async with Parser(Settings()) as parser:
        await parse(parser, GOOD)
        (pid,) = pids(parser)
        task = asyncio.create_task(parse(parser, SLOW))
        await asyncio.sleep(0)
        assert not pids(parser)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert not alive(pid)
        assert (await parse(parser, GOOD)).title == "T"


async def test_nothing_is_started_before_it_is_needed() -> None:
    async with Parser(Settings()) as parser:
        assert pids(parser) == []


@pytest.mark.parametrize("program", ["/bin/false", "/nowhere/python"])
async def test_a_process_that_cannot_start_is_an_error_of_ours(
    monkeypatch: pytest.MonkeyPatch, program: str
) -> None:
    monkeypatch.setattr(sys, "executable", program)
    async with Parser(Settings()) as parser:
        with pytest.raises(ParseError, match="did not start"):
            await parse(parser, GOOD)


async def test_an_interrupt_at_the_terminal_does_not_reach_the_processes() -> None:
    async with Parser(Settings()) as parser:
        await parse(parser, GOOD)
        (pid,) = pids(parser)
        assert os.getsid(pid) == pid


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="needs /proc")
async def test_secrets_of_the_environment_do_not_reach_the_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SMTP_PASSWORD", "hunter2")
    async with Parser(Settings()) as parser:
        await parse(parser, GOOD)
        (pid,) = pids(parser)
        assert b"hunter2" not in environment(pid)
