from __future__ import annotations

import pytest

from monitor.tag.grammar import (
    DISTANCE,
    Form,
    GrammarError,
    Link,
    doubt,
    parse_phrase,
    parse_rule,
    references,
)


def slots(text: str) -> list[list[tuple[str, str]]]:
    return [[(way.letters, way.kind) for way in slot] for slot in parse_phrase(text)]


def test_words_are_whole_unless_marked() -> None:
    assert slots("Open letter*") == [[("open", "whole")], [("letter", "beginning")]]
    assert slots("*klage *streik* ~vergüten #") == [
        [("klage", "ending")],
        [("streik", "inside")],
        [("vergüten", "inflected")],
        [("#", "number")],
    ]


def test_alternatives_fill_one_slot() -> None:
    assert slots("sue|sues|sued OpenAI") == [
        [("sue", "whole"), ("sues", "whole"), ("sued", "whole")],
        [("openai", "whole")],
    ]


def test_a_phrase_is_read_like_a_text() -> None:
    assert parse_phrase("AI-generated") == parse_phrase("ai generated")
    assert parse_phrase("Künstlerinnen") == ((Form("künstler"),),)
    assert parse_phrase("ver.di") == parse_phrase("ver di")
    assert parse_phrase("Simon & Schuster") == parse_phrase("Simon Schuster")


def test_operators_build_a_condition() -> None:
    condition = parse_rule("unpaid NEAR/6 work AND title: {ai} NOT lead: robot NOT {bird}")
    near, listed = condition.needs
    assert near.links == (Link(6, ordered=False),)
    assert [term.text for term in near.terms] == ["unpaid", "work"]
    assert (listed.terms[0].list, listed.terms[0].scope) == ("ai", "title")
    assert [(part.terms[0].text, part.terms[0].scope) for part in condition.bars] == [
        ("robot", "lead"),
        ("{bird}", ""),
    ]
    assert condition.lists == ("ai", "bird")


def test_then_is_ordered_and_the_distance_has_a_default() -> None:
    assert parse_rule("a THEN b").needs[0].links == (Link(DISTANCE, ordered=True),)


def test_a_list_in_a_phrase_stands_next_to_its_words() -> None:
    (part,) = parse_rule("striking {role} today").needs
    assert [term.text for term in part.terms] == ["striking", "{role}", "today"]
    assert part.links == (Link(0, ordered=True), Link(0, ordered=True))


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        ("", "needs a phrase"),
        ("AND letter", "needs a phrase"),
        ("open letter NEAR", "needs a phrase"),
        ("body: letter", "unknown place 'body'"),
        ("{ai", "lists are written"),
        (f"open NEAR/{'9' * 5000} letter", "no text is so long"),
        ("pay|{ai}", "not a word"),
        ("a** b", "not a word"),
        ("“…”", "without a word"),
        ("one two three four five six seven eight nine ten eleven twelve thirteen", "more than 12 words"),
    ],
)
def test_what_cannot_be_read_is_refused(rule: str, message: str) -> None:
    with pytest.raises(GrammarError, match=message):
        parse_rule(rule)


@pytest.mark.parametrize(
    ("rule", "word"),
    [
        ("book OR dataset", "OR "),
        ("book NEAR/x dataset", "NEAR/x "),
        ("book AND AND dataset", "AND "),
        ("book dataset AND NEAR", "NEAR "),
        ("title:", "title: "),
    ],
)
def test_a_valid_rule_that_is_probably_a_mistake_is_doubted(rule: str, word: str) -> None:
    parse_rule(rule)  # version 1.0 accepted it
    assert doubt(rule).startswith(f"{word}is read as a word")


@pytest.mark.parametrize(
    "rule", ["title: Sora AND app NOT airline", "a or b", "ORF", "THEN-and-now", "x NEAR/3 y", "Sora:"]
)
def test_a_clear_rule_is_not_doubted(rule: str) -> None:
    assert doubt(rule) == ""


def test_only_a_whole_item_refers_to_a_list() -> None:
    assert references(" {ai_firm} ") == "ai_firm"
    assert references("an {ai_firm}") == ""


def test_decomposed_letters_are_composed() -> None:
    assert parse_phrase("Ku\u0308nstler*") == parse_phrase("K\u00fcnstler*")
    assert parse_rule("Ku\u0308nstler AND Go\u0308tter*") == parse_rule("K\u00fcnstler AND G\u00f6tter*")
