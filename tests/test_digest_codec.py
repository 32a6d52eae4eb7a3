"""A digest survives being written as JSON and read again, and the JSON has the form that scripts rely on."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from monitor import languages
from monitor.digest import summarise
from monitor.models import digest_from_json as from_json
from monitor.models import digest_to_json as to_json
from monitor.models import summary_from_json, summary_to_json

DATA = Path(__file__).parent / "data" / "digests"
STORED = {path.stem: path.read_text("utf-8") for path in DATA.glob("*.json")}
NOW = {code: STORED[code] for code in ("de", "en")}


@pytest.mark.parametrize("text", NOW.values(), ids=NOW)
def test_a_stored_digest_is_written_again_as_the_same_bytes(text):
    assert to_json(from_json(text)) == text


def test_a_digest_of_version_1_0_keeps_all_that_it_had():
    old = json.loads(STORED["stored-by-1.0"])
    again = json.loads(to_json(from_json(STORED["stored-by-1.0"])))
    assert {key: again[key] for key in old.keys() - {"stories", "receipt"}} == {
        key: old[key] for key in old.keys() - {"stories", "receipt"}
    }
    assert again["overview"]
    for story, before in zip(again["stories"], old["stories"], strict=True):
        assert {key: story[key] for key in before if key != "entries"} == {
            key: before[key] for key in before if key != "entries"
        }
        assert story["importance"] is None


def test_the_shape_is_the_one_that_scripts_rely_on():
    digest = json.loads(STORED["en"])
    assert digest["date"] == "2026-11-23"
    assert digest["window"] == {"from": "2026-11-22T06:00:04Z", "to": "2026-11-23T06:00:04Z"}
    story = digest["stories"][0]
    assert {"id", "title", "url", "summary", "themes", "new", "sources", "entries"} <= story.keys()
    assert {"lead", "section", "importance", "before", "after"} <= story.keys()
    assert story["importance"].keys() == {"certainty", "kind", "sources", "weight", "total"}
    assert digest["stories"][1]["before"] == [{"id": 99, "title": "The first open letter"}]
    assert {"id", "title", "url"} <= digest["perhaps"][0].keys()
    assert digest["late"][0]["late"]
    assert digest["receipt"]["held_back"] == 2
    assert {"title", "url", "feed", "published", "new"} <= story["entries"][0].keys()
    assert story["entries"][0]["feed"] == "https://***@feeds.example/3.xml"
    assert digest["receipt"]["feeds"][0].keys() >= {"url", "title", "state", "last_error"}


def test_a_key_of_a_later_version_is_passed_over_and_a_missing_one_has_its_default():
    plain = json.loads(STORED["en"])
    plain["invented_later"] = 1
    del plain["catches_up"]
    assert from_json(json.dumps(plain)) == from_json(STORED["en"])


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"date": 5}'])
def test_a_value_that_is_not_a_digest_is_refused(text):
    with pytest.raises((ValueError, KeyError, TypeError, AttributeError)):
        from_json(text)


def test_a_summary_comes_back_equal():
    summary = summarise(from_json(STORED["de"]), languages.load("de"))
    assert summary_from_json(summary_to_json(summary)) == summary
