"""Lower limits for the figures on the project's own labelled samples, slightly below what was measured."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from monitor.cluster import Encoder
from monitor.evaluate import read
from monitor.evaluate.stories import replay, score

if TYPE_CHECKING:
    from monitor.models import Entry

SAMPLES = Path(__file__).parent / "data" / "labelled" / "samples.jsonl"


@pytest.fixture(scope="module")
def labelled() -> tuple[list[Entry], list[str | None]]:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    records = [
        record
        for record in read(SAMPLES.read_text("utf-8"), file=SAMPLES.name, now=now)
        if record.relevant and record.entry.dated == "publisher"
    ]
    records.sort(key=lambda record: record.entry.published)
    entries = [replace(record.entry, id=number) for number, record in enumerate(records)]
    return entries, [record.story for record in records]


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
