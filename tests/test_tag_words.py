from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.tag.words import Words, form


def forms(text: str) -> list[str]:
    return [form(raw) for raw in Words(text).raw]


@pytest.mark.parametrize(
    "written",
    [
        "Künstler:innen",
        "Künstler*innen",
        "Künstler_innen",
        "Künstler·innen",
        "Künstler/-innen",
        "Künstler/innen",
        "KünstlerInnen",
        "Künstler(innen)",
        "Künstlerinnen",
        "Künstlerin",
        "Künstler:in",
        "Künstlerinnen und Künstler",
        "Künstler und Künstlerinnen",
        "Künstlerinnen oder Künstler",
        "Künstler",
    ],
)
def test_gendered_forms_have_one_normal_form(written: str) -> None:
    assert forms(f"viele {written} warnen") == ["viele", "künstler", "warnen"]


def test_words_that_only_look_feminine_stay() -> None:
    assert forms("Berlin und Medizin darin, ein Termin") == [
        "berlin",
        "und",
        "medizin",
        "darin",
        "ein",
        "termin",
    ]


def test_a_pair_is_one_word_that_spans_both() -> None:
    pair = Words("freie Künstlerinnen und Künstler hier")
    assert len(pair.raw) == 3
    assert pair.between(1, 2) == "Künstlerinnen und Künstler"
    assert pair.between(1, 3) == "Künstlerinnen und Künstler hier"


def test_two_different_professions_stay_two_words() -> None:
    assert forms("Musikerinnen und Sänger") == ["musiker", "und", "sänger"]


def test_hyphens_separate_words_and_possessives_are_dropped() -> None:
    assert forms("OpenAI's AI-generated “clips”, the artists’ own") == [
        "openai", "ai", "generated", "clips", "the", "artists", "own",
    ]  # fmt: skip


def test_dotted_ai_is_ai_but_a_sentence_end_is_not() -> None:
    assert forms("A.I. and a.i. but data.It") == ["ai", "and", "ai", "but", "data", "it"]


def test_names_are_parted_from_scripts_that_put_no_blanks_around_them() -> None:
    assert forms("OpenAI宣布关闭Sora视频应用") == ["openai", "宣布关闭", "sora", "视频应用"]
    assert forms("動画生成AI「Sora」を終了") == ["動画生成", "ai", "sora", "を終了"]
    assert forms("오픈AI가 Sora를 접는다") == ["오픈", "ai", "가", "sora", "를", "접는다"]
    assert Words("Sora之死，AI视频").between(0, 3) == "Sora之死，AI"


def test_between_gives_the_text_as_it_stood() -> None:
    words = Words("  The  “Open\tLetter” — now")
    assert words.between(1, 3) == "Open\tLetter"


@given(st.text())
def test_any_text_can_be_read_and_every_word_stands_in_it(text: str) -> None:
    words = Words(text)
    for place in range(len(words.raw)):
        assert words.between(place, place + 1) in text


@given(
    st.lists(st.sampled_from(["Künstlerinnen", "und", "Künstler", "oder", "Autor:innen", "x"]), max_size=12)
)
def test_pairs_never_lose_their_place(pieces: list[str]) -> None:
    text = " ".join(pieces)
    words = Words(text)
    if words.raw:
        assert words.between(0, len(words.raw)) == text
