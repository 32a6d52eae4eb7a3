"""Tools: what is dear is made once, and an archive is not looked at twice."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from newsroom import SETTINGS, START, Desk

from monitor import encoder
from monitor.models import Entry
from monitor.tools import Tools


@pytest.mark.parametrize(("count", "looks"), [(3, 3), (301, 0)])
async def test_what_comes_by_the_hundred_is_judged_by_its_words_alone(tmp_path, monkeypatch, count, looks):
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
