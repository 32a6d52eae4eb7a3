from __future__ import annotations

import json
import random
import tomllib

import pytest

from monitor.cluster import match
from monitor.cluster.encoder import DIMENSIONS, Encoder
from monitor.cluster.train import Corpus, examples, fit, read, train

TITLES = {
    "a": "GEMA beats OpenAI in Munich",
    "b": "Voice actors shun Netflix",
    "c": "Suno licenses Warner songs",
}


@pytest.fixture
def corpus(tmp_path) -> Corpus:
    records = [
        {
            "title": f"{title} {number}",
            "summary": f"{title}, says report {number}",
            "lang": "en",
            "source": f"o{number}.example",
            "url": "",
            "published": f"2025-11-{10 + place * 2 + number:02}",
            "beats": ["sora"],
            "story": story,
        }
        for place, (story, title) in enumerate(TITLES.items())
        for number in range(4)
    ]
    records += [records[0] | {"beats": []}, records[0] | {"published": None}]
    one, two = tmp_path / "one.jsonl", tmp_path / "two.jsonl"
    one.write_text("\n".join(map(json.dumps, records[:6])) + "\n\n", "utf-8")
    two.write_text("\n".join(map(json.dumps, records[6:])), "utf-8")
    return read(f"{one},{two}")


def test_relevant_dated_records_of_all_files_are_read(corpus):
    assert len(corpus.entries) == len(corpus.stories) == 12
    assert set(corpus.stories) == set(TITLES)


def test_pairs_are_labelled(corpus):
    found = list(examples(corpus))
    assert len(found) == 12 * 11 // 2
    assert sum(same for _, same in found) == 3 * 6
    assert set(found[0][0]) | {"bias"} == set(match.model().weights)


def test_the_regression_finds_what_decides():
    draw = random.Random(1)
    rows = [({"decides": draw.gauss(0, 1), "noise": draw.gauss(0, 1)}, False) for _ in range(300)]
    weights = fit([(row, row["decides"] > 0.5) for row, _ in rows])
    assert weights["decides"] > 1
    assert abs(weights["noise"]) < 0.3
    assert weights["bias"] / weights["decides"] == pytest.approx(-0.5, abs=0.2)


@pytest.mark.skipif(not Encoder.available(), reason="the semantic extra is not installed")
def test_a_model_is_whole_and_the_same_each_time(corpus):
    import numpy as np

    def encode(texts):
        rows = np.array([np.random.default_rng(len(text)).normal(size=DIMENSIONS) for text in texts])
        return rows / np.linalg.norm(rows, axis=1, keepdims=True)

    text = train([corpus], encode)
    made = tomllib.loads(text)
    assert made["documents"] == 12
    assert set(made["weights"]) == set(match.model().weights)
    assert set(made["semantic"]) == set(match.model().semantic)
    assert "gema" in made["background"]["4"].split()
    assert train([corpus], encode) == text
