"""Tools: what is expensive is made once, and an archive is not judged twice."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from types import SimpleNamespace

import pytest
from newsroom import SETTINGS, START, Desk

from monitor import encoder
from monitor.models import Entry
from monitor.tools import Tools


@pytest.mark.parametrize(("count", "looks"), [(3, 3), (301, 0)])
async def test_hundreds_of_entries_are_judged_by_words_alone(tmp_path, monkeypatch, count, looks):
    asked: list[str] = []

    def encode(texts: list[str]) -> list[SimpleNamespace]:
        asked.extend(texts)
        return [SimpleNamespace(tolist=lambda: [0.0] * encoder.DIMENSIONS)] * len(texts)

    monkeypatch.setattr(encoder, "available", lambda: True)
    monkeypatch.setattr(encoder, "encode", encode)
    desk = Desk(
        tmp_path, ["https://a.test/"], settings=SETTINGS.replace("semantic = false", "semantic = true")
    )
    (tmp_path / "themes.toml").write_text("")
    entries = [
        Entry(
            feed="https://a.test/",
            guid=str(n),
            url="",
            title="OpenAI's Sora",
            published=START,
            first_seen=START,
        )
        for n in range(count)
    ]
    tools = Tools(desk.config)
    tagged, faults = await tools.tagged(entries, "")
    assert (len(tagged), faults, len(asked)) == (count, (), looks)
    assert all(entry.tagging.relevant for entry in tagged)
    assert tools.tagger("") is tools.tagger("")


async def test_memory_is_given_back_once_after_entries_were_tagged(tmp_path, monkeypatch):
    trimmed: list[bool] = []
    monkeypatch.setattr("monitor.tools._trim", lambda: trimmed.append(True))
    desk = Desk(tmp_path, ["https://a.test/"])
    entry = Entry(
        feed="https://a.test/", guid="1", url="", title="OpenAI's Sora", published=START, first_seen=START
    )
    async with Tools(desk.config) as tools:
        await tools.rest()
        assert not trimmed
        before = await tools.tagged([entry], "")
        await tools.rest()
        await tools.rest()
        assert len(trimmed) == 1
        assert await tools.tagged([entry], "") == before
        await tools.rest()
        assert len(trimmed) == 2


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another C library")
def test_free_memory_goes_back_to_the_system():
    lines = (
        "from pathlib import Path",
        "from monitor.tools import _trim",
        "rows = [b'x' * 5000 for _ in range(4000)]",
        "rows = rows[::500]  # they hold the heap's top",
        "pages = lambda: int(Path('/proc/self/statm').read_text().split()[1])",
        "before = pages(); _trim(); print(before - pages())",
    )
    done = subprocess.run(
        [sys.executable, "-c", "\n".join(lines)], capture_output=True, text=True, check=True
    )
    assert int(done.stdout) * os.sysconf("SC_PAGE_SIZE") > 10_000_000
