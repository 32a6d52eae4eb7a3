from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from monitor.errors import ConfigError
from monitor.evaluate import records
from monitor.models import Evidence, Tagging

NOW = datetime(2026, 1, 2, tzinfo=UTC)
LINE = {
    "id": "x-1", "title": "T", "summary": "S", "lang": "de", "source": "o.example", "url": "https://o.example/1",
    "published": "2025-03-04", "beats": ["sora"], "themes": ["copyright"], "story": "s", "note": "kept",
}  # fmt: skip


def read(*lines: object) -> list[records.Record]:
    text = "\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines)
    return records.read(text, file="r.jsonl", now=NOW)


def test_a_line_is_an_entry_with_its_labels() -> None:
    (record,) = read(LINE)
    entry = record.entry
    assert (entry.title, entry.summary, entry.language, entry.feed) == ("T", "S", "de", "o.example")
    assert (entry.published, entry.dated, entry.guid) == (
        datetime(2025, 3, 4, tzinfo=UTC),
        "publisher",
        "x-1",
    )
    assert (record.id, record.beats, record.themes, record.story) == ("x-1", ("sora",), ("copyright",), "s")
    assert record.relevant


def test_a_line_is_read_as_an_entry_of_a_feed_is() -> None:
    # Decomposed letters, blanks of any kind, and no language.
    (record,) = read({"title": "Ku\u0308nstler klagen  gegen\u00a0Bild-KI", "summary": "Sie fordern\nGeld."})
    entry = record.entry
    assert (entry.title, entry.summary) == ("K\u00fcnstler klagen gegen Bild-KI", "Sie fordern Geld.")
    assert entry.language == "de"


def test_missing_fields_are_empty_and_an_undated_record_is_from_now() -> None:
    first, second = read({"title": "A"}, "", {"summary": "B", "published": "", "story": None})
    assert (first.id, second.id) == ("1", "3")
    assert (second.entry.title, second.entry.published, second.entry.dated) == ("", NOW, "missing")
    assert (second.story, second.relevant) == (None, False)


def test_instants_become_utc() -> None:
    (record,) = read({"title": "A", "published": "2025-03-04T01:00:00+02:00"})
    assert record.entry.published == datetime(2025, 3, 3, 23, tzinfo=UTC)


def test_dates_are_read_as_feeds_write_them() -> None:
    for written in ("Tue, 04 Mar 2025 01:00:00 +0200", "Mon, 3 Mar 2025 23:00:00 GMT"):
        (record,) = read({"title": "A", "published": written})
        assert record.entry.published == datetime(2025, 3, 3, 23, tzinfo=UTC)


def test_an_entry_that_was_not_chosen_is_on_no_shelf() -> None:
    (record,) = read(LINE | {"shelf": "sure"})
    assert "shelf" not in json.loads(records.write(record, Tagging()))


def test_a_record_is_written_back_with_the_answer_and_all_it_had() -> None:
    (record,) = read(LINE)
    found = Evidence(target="sora", term="Ü", rule="sure: Ü", field="title", weight=1.25)
    answer = Tagging(
        beats=("sora",), themes=(), score=1.25, evidence=(found,), certainty=0.42, shelf="perhaps"
    )
    line = records.write(record, answer, 7)
    assert "Ü" in line
    assert json.loads(line) == LINE | {
        "themes": [],
        "story": 7,
        "score": 1.25,
        "certainty": 0.42,
        "shelf": "perhaps",
        "evidence": [{"target": "sora", "term": "Ü", "rule": "sure: Ü", "field": "title", "weight": 1.25}],
    }


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{", "line 2: is not JSON, from character 2 on"),
        ("[1]", "line 2: must be a JSON object"),
        ("{}", "line 2: needs a title or a summary"),
        ({"title": 3}, "line 2: title must be a text, not 3"),
        ({"title": "A", "beats": "sora"}, "line 2: beats must be a list of texts"),
        ({"title": "A", "themes": [1]}, "line 2: themes must be a list of texts"),
        ({"title": "A", "published": "yesterday"}, "line 2: published must be a date"),
        ({"title": "A", "published": 5}, "line 2: published must be a date"),
        ({"title": "A", "published": "9999-12-31T23:00:00-05:00"}, "line 2: published must be a date"),
        (
            {"title": "A", "published": f"Mon, {9 * 10**20} Jan 2020 10:00"},
            "line 2: published must be a date",
        ),
        ({"title": "A", "kind": "sport"}, "line 2: kind must be one of technology, culture"),
        ("[" * 100_000, "line 2: "),
    ],
)
def test_faults_name_their_line(line: object, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read(LINE, line, "{")
    first, second = caught.value.faults
    assert f"r.jsonl: {message}" in str(first)
    assert second.place == "line 3"


def test_a_file_of_another_kind_is_one_fault_and_not_a_thousand() -> None:
    with pytest.raises(ConfigError) as caught:
        read(*["a,b,c"] * 1000)
    assert len(caught.value.faults) == 21
    assert str(caught.value.faults[-1]).endswith("and 980 more lines like that")


def test_labels_that_nobody_knows_are_named() -> None:
    found = records.unknown_slugs(read(LINE), ["sora"], file="r.jsonl")
    assert [str(fault) for fault in found] == ["r.jsonl: record x-1: unknown beat or theme 'copyright'"]


def test_a_byte_order_mark_and_half_a_character_are_no_fault() -> None:
    text = '\ufeff{"title": "a\\ud83d\\ude00b\\udc00"}\n'
    (record,) = records.read(text, file="r.jsonl", now=NOW)
    assert record.entry.title == "a😀b\N{REPLACEMENT CHARACTER}"
    assert records.write(record, Tagging()).encode()


def test_values_that_could_not_be_written_back_are_named_with_their_line_or_replaced() -> None:
    (record,) = read('{"title": "a\\ud800 Sora"}')
    assert record.entry.title == "a\N{REPLACEMENT CHARACTER} Sora"
    broken = b'{"title": "\xff"}'.decode(errors="surrogateescape")
    with pytest.raises(ConfigError) as caught:
        read({"title": "x"}, '{"title": "x", "n": NaN}', '{"title": "x", "big": 1e999}', broken)
    assert [str(fault).split(":")[1].strip() for fault in caught.value.faults] == [
        "line 2",
        "line 3",
        "line 4",
    ]
