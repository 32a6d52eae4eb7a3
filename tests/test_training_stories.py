"""The models of stories are made from the records in the project, and come out the same each time."""

from __future__ import annotations

import json
import sys
import tomllib
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from monitor.cluster import kinds, match

pytest.importorskip("sklearn")
TRAINING = Path(__file__).parents[1] / "training"
sys.path.insert(0, str(TRAINING))
import story_examples  # noqa: E402 - needs the path above
import train_kinds  # noqa: E402 - likewise
import train_stories  # noqa: E402 - likewise

TITLES = {
    "gema-ruling": "GEMA beats OpenAI in Munich",
    "gema-appeal": "OpenAI appeals after GEMA win in Munich",
    "dub-boycott": "Voice actors shun Netflix",
    "suno-deal": "Suno licenses Warner songs, GEMA looks on",
}


@pytest.fixture(scope="module")
def records(tmp_path_factory) -> Path:
    directory = tmp_path_factory.mktemp("stories")
    rows = [
        {
            "title": f"{title} {number}",
            "summary": f"{title}, says report {number}",
            "lang": "en",
            "source": f"o{number}.example",
            "url": f"https://o{number}.example/{event}",
            "published": f"2025-11-{10 + place * 2 + number:02}T08:00:00Z",
            "event": event,
            "affair": event.partition("-")[0],
            "step": event.partition("-")[2],
        }
        for place, (event, title) in enumerate(TITLES.items())
        for number in range(4)
    ]
    (directory / "one.jsonl").write_text("\n".join(map(json.dumps, rows)), "utf-8")
    return directory


def test_the_model_was_made_from_the_records_and_words_that_are_here():
    made = tomllib.loads(train_stories.MODEL.read_text("utf-8"))
    expected = train_stories.fingerprint()
    assert {name: made[name] for name in expected} == expected, "run training/train_stories.py"


def test_other_records_are_noticed(records):
    assert train_stories.fingerprint(records)["records"] != train_stories.fingerprint()["records"]


def test_records_are_whole():
    hands = story_examples.read()
    assert len(hands) >= 2
    for hand in hands:
        days: dict[str, Any] = {}
        for entry, event in zip(hand.entries, hand.events, strict=True):
            days.setdefault(event, []).append(entry.published)
            assert entry.title
            assert entry.language in {"en", "de"}
        assert all((max(found) - min(found)).days <= 14 for found in days.values())


def test_pairs_are_labelled_and_each_report_of_a_story_counts_alike(records):
    (hand,) = story_examples.read(records)
    found = list(story_examples.pairs(hand, {}))
    assert len(found) == 16 * 15 // 2
    assert sum(same for _, same, _ in found) == 4 * 6
    assert {round(counted, 3) for _, same, counted in found if same} == {0.667}
    assert set(found[0][0]) | {"bias"} == set(match.model().weights)


def test_late_reports_are_the_same_reports_and_the_first_of_each_event_stays(records):
    (hand,) = story_examples.read(records)
    late = story_examples.late(hand)
    assert late == story_examples.late(hand) != hand
    assert {(e.id, e.title) for e in late.entries} == {(e.id, e.title) for e in hand.entries}
    assert list(late.entries) == sorted(late.entries, key=lambda entry: entry.published)
    before = {entry.id: entry.published for entry in hand.entries}
    assert all(entry.published.date() >= before[entry.id].date() for entry in late.entries)
    begun = {event: entry for entry, event in zip(hand.entries[::-1], hand.events[::-1], strict=True)}
    assert set(begun.values()) <= set(late.entries)


def test_groups_follow_the_labels_and_have_the_features_that_are_weighed(records):
    (hand,) = story_examples.read(records)
    found = story_examples.groups(hand)
    assert sum(same for _, same, _ in found) >= 8, "four events of four reports each"
    assert {name for features, _, _ in found for name in features} | {"bias"} == set(match.model().fusion)


def test_steps_of_one_affair_are_labelled(records):
    (hand,) = story_examples.read(records)
    found = list(story_examples.steps(hand, {}))
    assert [same for _, same, _ in found] == [True, False, False]
    assert set(found[0][0]) | {"bias"} == set(match.model().affairs)


def test_kinds_are_learned_from_steps_and_the_same_records_give_the_same(records):
    found = train_kinds.read(records.glob("*.jsonl")) * 20
    model = train_kinds.fit(found)
    assert model.kinds == (kinds.NONE, "appeal", "ruling", "deal"), "a boycott is no kind that we tell"
    assert train_kinds.written(model) == train_kinds.written(train_kinds.fit(found))
    chances = [kinds.shares(features, model) for features, _, _ in found]
    assert [model.kinds[own.index(max(own))] for own in chances] == [kind for _, kind, _ in found]


def test_events_without_an_affair_belong_to_none(records):
    (hand,) = story_examples.read(records)
    found = story_examples.steps(replace(hand, affairs=("",) * len(hand.affairs)), {})
    assert not any(same for _, same, _ in found)


def test_reports_of_one_event_count_together_as_the_root_of_their_number(records):
    found = train_kinds.read(records.glob("*.jsonl"))
    assert {counted for _, _, counted in found} == {0.5}
    ((_, _, alone),) = train_kinds.examples([{"title": "T", "summary": "", "kind": ""}])
    assert alone == 1


def test_the_same_records_give_the_same_model(records, monkeypatch):
    monkeypatch.setattr(train_stories, "LEVEL", -9.0)  # of sixteen reports no pair is certain
    hands = story_examples.read(records)
    drawn = replace(hands[0], events=tuple(map(str, range(len(hands[0].entries)))))
    source, other = (train_stories.Source(drawn, {}, {"openai": 300.0}) for _ in range(2))
    other = replace(other, _kinds=source._kinds)
    model, again = train_stories.made(hands, source), train_stories.made(hands, other)
    assert train_stories.written(model, {}) == train_stories.written(again, {})
    read = tomllib.loads(train_stories.written(replace(model, topic=b"x"), {"records": "r"}))
    assert read["records"] == "r"
    assert read["background"] == {"300.0": "openai"}
    assert read["weights"]["words"] > 0 > read["weights"]["days"]


def test_the_trained_weights_have_the_expected_signs():
    weights = match.model().weights
    assert weights["words"] > 1
    assert weights["days"] < 0
    assert max(weights[name] for name in ("kind_differs", "places_differ", "players_lost_both")) < 0
