"""The curated list of feeds: its form, its coverage, and the script that maintains it."""

from __future__ import annotations

import importlib.util
import tomllib
from collections import Counter
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from newsroom import item, page, serving

from monitor.config import feedlist

ROOT = Path(__file__).resolve().parents[1]
spec = importlib.util.spec_from_file_location("check_feeds", ROOT / "packaging" / "check_feeds.py")
check_feeds = importlib.util.module_from_spec(spec)
spec.loader.exec_module(check_feeds)
FEEDS = tomllib.loads(check_feeds.LIST.read_text(encoding="utf-8"))["feed"]
TODAY = date(2026, 11, 28)


def test_the_list_is_in_form() -> None:
    assert check_feeds.faults(FEEDS, TODAY) == []


def test_it_reaches_over_all_groups_and_both_languages() -> None:
    on = [feed for feed in feedlist.curated().values() if feed.enabled]
    assert len(on) >= 80
    assert all(count >= 20 for count in Counter(feed.language for feed in on).values())
    tags = {tag for feed in feedlist.curated().values() for tag in feed.tags}
    assert tags >= {
        "actors", "voice actors", "writers", "translation", "translators", "game workers", "courts",
        "collecting societies", "journalists",
    }  # fmt: skip
    assert {"unions", "courts", "translation", "games", "law"} <= set(feedlist.groups())


def test_what_is_barred_is_off() -> None:
    assert [feed["url"] for feed in FEEDS if feed["robots"] == "bars" and feed.get("enabled", True)] == []


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"robots": "bars"}, "barred by robots.txt"), ({"seen": "2027-01-01"}, "still to come"),
        ({"seen": "soon"}, "a day that is none"), ({"language": "fr"}, "neither English"), ({"kind": ""}, "kind"),
        ({"group": ""}, "in no group"),
        ({"enabled": False}, "off without a reason"), ({"url": FEEDS[1]["url"].upper()}, "has no"),
    ],
)  # fmt: skip
def test_each_fault_of_form_is_named(change: dict[str, Any], fault: str) -> None:
    base = {"url": "https://a.test/", "title": "A", "language": "en", "group": "g", "kind": "law",
            "robots": "ok", "confidence": "high"}  # fmt: skip
    wrong = base | change | ({"title": ""} if "url" in change else {})
    assert any(fault in line for line in check_feeds.faults([wrong], TODAY))
    assert "is listed twice" in check_feeds.faults([base, base], TODAY)[0]


def test_the_day_of_the_last_sight_is_written_and_nothing_else() -> None:
    text = check_feeds.LIST.read_text(encoding="utf-8")
    for feed in (FEEDS[0], next(feed for feed in FEEDS if "seen" not in feed), FEEDS[-1]):
        after = tomllib.loads(check_feeds.with_seen(text, feed["url"], TODAY))["feed"]
        assert after == [one | ({"seen": "2026-11-28"} if one is feed else {}) for one in FEEDS]


async def test_a_feed_that_answers_is_alive(monkeypatch: pytest.MonkeyPatch) -> None:
    from newsroom import START

    from monitor import fetch

    local = fetch.Settings(allow_private_addresses=True, host_gap=fetch.Settings().host_gap * 0)
    monkeypatch.setattr(check_feeds.fetch, "Settings", lambda: local)
    with serving() as server:
        good = server.on("/a", page(item("x", "X")))
        found = await check_feeds.alive(
            [
                {"url": good, "robots": "ok"},
                {"url": server.url("/b"), "robots": "ok"},
                {"url": "x", "robots": "bars"},
            ],
            START,
        )
    assert found[good] == ""
    assert "404" in found[server.url("/b")]
    assert len(found) == 2
