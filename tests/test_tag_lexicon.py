from __future__ import annotations

from typing import TYPE_CHECKING

from monitor.tag import lexicon
from monitor.tag.grammar import parse_phrase
from monitor.tag.lexicon import Hits, Lexicon
from monitor.tag.words import Words

if TYPE_CHECKING:
    import pytest


def find(
    phrases: list[list[str]], text: str, languages: tuple[str, ...] = ("en", "de"), base: int = 0
) -> Hits:
    hits: Hits = {}
    operands = [[parse_phrase(phrase) for phrase in group] for group in phrases]
    Lexicon(operands, languages).find(Words(text).raw, base, hits)
    return hits


def test_every_phrase_is_found_where_it_stands() -> None:
    found = find(
        [["open letter", "letter"], ["open letter to us"], ["blank"]], "An open letter to us, a letter"
    )
    assert found == {0: [(1, 3), (2, 3), (6, 7)], 1: [(1, 5)]}


def test_places_count_from_the_base() -> None:
    assert find([["a b"]], "a b", base=100) == {0: [(100, 102)]}


def test_a_phrase_does_not_run_over_the_end() -> None:
    assert find([["open letter to"]], "an open letter") == {}


def test_one_phrase_may_belong_to_several_lists() -> None:
    assert find([["Sora"], ["sora", "veo"]], "Sora") == {0: [(0, 1)], 1: [(0, 1)]}


def test_a_word_of_several_forms_counts_once() -> None:
    assert find([["*streik*", "streik*", "*streik"]], "Streik") == {0: [(0, 1)]}


def test_beginnings_and_endings_may_be_of_one_letter() -> None:
    assert find([["a*", "auto*"], ["auto*"]], "Apfel Auto a") == {0: [(0, 1), (1, 2), (2, 3)], 1: [(1, 2)]}
    assert find([["*t", "*streikt"], ["*streikt"]], "bestreikt Mut") == {0: [(0, 1), (1, 2)], 1: [(0, 1)]}


def test_inflections_follow_the_language() -> None:
    assert find([["~vergüten"]], "vergütet", ("de",)) == {0: [(0, 1)]}
    assert find([["~strike"]], "strikes", ("en",)) == {0: [(0, 1)]}


def test_the_memory_of_words_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lexicon, "_REMEMBERED", 3)
    hits: Hits = {}
    known = Lexicon([[parse_phrase("w9")]], ("en",))
    known.find([f"w{number}" for number in range(20)], 0, hits)
    assert hits == {0: [(9, 10)]}
    known.find(["w9", "w1"], 100, hits)
    assert hits == {0: [(9, 10), (100, 101)]}
    assert len(known._fits) == 2
