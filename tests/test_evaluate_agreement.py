from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from monitor.evaluate import Figure, Record, agreement, read
from monitor.models import Evidence, Tagging
from monitor.tag import Rules, load

NOW = datetime(2026, 1, 2, tzinfo=UTC)


def rules() -> Rules:
    label = 'label = { en = "L", de = "L" }\n'
    return load(
        "".join(f"[{name}]\n{label}" for name in ("beat.b", "theme.t", "theme.u", "theme.v")), file="f"
    )


def record(number: int, beats: list[str], themes: list[str], lang: str = "en") -> Record:
    line = {"id": str(number), "title": "T", "lang": lang, "beats": beats, "themes": themes}
    return read(json.dumps(line), file="r", now=NOW)[0]


RECORDS = [
    record(1, ["b"], ["t"]),
    record(2, ["b"], ["t", "u"], "de"),
    record(3, [], []),
    record(4, ["b"], []),
]
WRONG = Evidence(target="u", term="x", rule="r", field="title", weight=1.0)
ANSWERS = [
    Tagging(beats=("b",), themes=("t", "u"), evidence=(WRONG,)),
    Tagging(beats=("b",), themes=("t",)),
    Tagging(beats=("b",), themes=("u",)),
    Tagging(),
]


def test_figures_count_right_wrong_and_missed() -> None:
    scores = agreement.score(RECORDS, ANSWERS, rules())
    assert scores.relevance == scores.beats["b"] == Figure(2, 1, 1)
    assert (scores.relevance.precision, scores.relevance.recall) == pytest.approx((2 / 3, 2 / 3))
    assert scores.themes == {"t": Figure(2, 0, 0), "u": Figure(0, 2, 1), "v": Figure()}
    assert scores.micro == Figure(2, 2, 1)
    assert scores.micro.f1 == pytest.approx(4 / 7)


def test_macro_is_the_mean_over_themes_that_occur() -> None:
    assert agreement.score(RECORDS, ANSWERS, rules()).macro == pytest.approx(0.5)
    assert agreement.score([], [], rules()).macro == 0.0


def test_scores_have_the_contract_s_shape() -> None:
    found = agreement.score(RECORDS, ANSWERS, rules()).to_dict()
    assert found["records"] == 4
    assert found["relevance"] == {
        "precision": 0.6667, "recall": 0.6667, "f1": 0.6667, "right": 2, "wrong": 1, "missed": 1,
    }  # fmt: skip
    assert found["themes"]["macro"] == {"f1": 0.5}
    assert set(found["themes"]) == {"micro", "macro", "t", "u", "v"}


def test_each_language_is_scored_by_itself() -> None:
    found = agreement.by_language(RECORDS, ANSWERS, rules())
    assert {language: scores.records for language, scores in found.items()} == {"de": 1, "en": 3}
    assert found["de"].micro == Figure(1, 0, 1)


def test_the_worst_mistakes_come_first_with_their_evidence() -> None:
    found = agreement.mistakes(RECORDS, ANSWERS)
    assert [(m.record.id, m.wrong, m.missed, m.relevance) for m in found] == [
        ("3", ("b", "u"), (), True),
        ("4", (), ("b",), True),
        ("1", ("u",), (), False),
        ("2", (), ("u",), False),
    ]
    assert found[2].evidence == (WRONG,)


def test_records_and_answers_must_pair_up() -> None:
    with pytest.raises(ValueError, match="shorter"):
        agreement.score(RECORDS, ANSWERS[:1], rules())
