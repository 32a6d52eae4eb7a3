"""Floors under the figures on the project's own labelled samples, a little below what is measured."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from monitor.cluster import Encoder
from monitor.evaluate.stories import replay, score
from monitor.models import Entry

SAMPLES = Path(__file__).parent / "data" / "labelled" / "samples.jsonl"


@pytest.fixture(scope="module")
def labelled() -> tuple[list[Entry], list[str]]:
    lines = SAMPLES.read_text("utf-8").splitlines()
    records = [record for record in map(json.loads, lines) if record["beats"] and record["published"]]
    records.sort(key=lambda record: record["published"])
    return [entry(number, record) for number, record in enumerate(records)], [r["story"] for r in records]


def entry(number: int, record: dict[str, str]) -> Entry:
    published = datetime.fromisoformat(record["published"]).replace(tzinfo=UTC)
    return Entry(
        id=number,
        feed=record["source"],
        url=record["url"],
        title=record["title"],
        summary=record["summary"],
        language=record["lang"],
        published=published,
        first_seen=published,
    )


@pytest.mark.parametrize("daily", [True, False])
def test_without_the_encoder(labelled, daily):
    entries, stories = labelled
    found = score(zip(stories, replay(entries, daily=daily), strict=True)).bcubed
    assert found.precision >= 0.99
    assert found.f1 >= 0.95


@pytest.mark.skipif(not Encoder.available(), reason="the semantic extra is not installed")
def test_with_the_encoder(labelled):
    entries, stories = labelled
    vectors = Encoder().vectors(entries)
    found = score(zip(stories, replay(entries, vectors=vectors), strict=True)).bcubed
    assert found.precision >= 0.99
    assert found.f1 >= 0.95


def test_pairs_are_seldom_wrong(labelled):
    entries, stories = labelled
    found = score(zip(stories, replay(entries), strict=True)).pairwise
    assert found.precision >= 0.98


def test_labels_do_not_depend_on_the_order_of_the_records(labelled):
    entries, _ = labelled
    labels = replay(entries)
    assert replay(entries[::-1])[::-1] == labels
    assert replay([]) == []
