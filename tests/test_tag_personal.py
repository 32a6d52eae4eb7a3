"""The personal layer: what it learns from marks, and what marks cannot spoil."""

from __future__ import annotations

import random
from dataclasses import replace
from math import log
from pathlib import Path

import pytest
from tagging import entry

from monitor.tag import Example, Personal, Tagger, learn, learn_own, load
from monitor.tag.features import Features, Quote
from monitor.tag.judge import probability
from monitor.tag.personal import MOST, MOST_DOWN, Own

STARTER = load(
    (Path(__file__).parent.parent / "monitor" / "topic" / "themes.toml").read_text(encoding="utf-8"),
    file="themes.toml",
)
TAGGER = Tagger(STARTER)
ALARM = "AI startup sells a dubbing tool to creators, version {n}"
RIGHT = "Illustrators sue an AI firm over training on their drawings, hearing {n}"


def taught(examples: list[Example]) -> Tagger:
    words, feeds = learn(examples)
    return Tagger(STARTER, personal=Personal(words, feeds, {}, len(examples)))


def test_marks_lower_what_is_like_them_and_leave_the_rest() -> None:
    marked = [TAGGER.example(entry(ALARM.format(n=n)), False) for n in range(10)]
    read = [TAGGER.example(entry(RIGHT.format(n=n)), True, weight=0.25) for n in range(10)]
    after = taught(marked + read)
    alike, right = entry(ALARM.format(n=99)), entry(RIGHT.format(n=99))
    assert after.explain(alike).relevance.total < TAGGER.explain(alike).relevance.total - 0.5
    assert after.tag(right).certainty >= TAGGER.tag(right).certainty - 0.02


def test_what_right_and_wrong_have_in_common_teaches_less() -> None:
    kinds = ("a chess robot", "shopping bots", "an office planner", "cheap chips", "a fridge", "maps")
    alarm, right = (
        "AI firm shows {} to the press and to creators",
        "Illustrators say to the AI firm that {} and more were taken to train it",
    )
    marked = [TAGGER.example(entry(alarm.format(kind)), False) for kind in kinds]
    read = [
        TAGGER.example(entry(right.format(kind)), True, weight=0.25) for kind in ("maps", "comics", "logos")
    ]
    words, _ = learn(marked + read)
    assert words["press"] < -0.4
    assert min(words[name] for name in ("ai", "to", "and", "the", "firm")) > words["press"] / 2
    # Without right examples no word is known to be common, so each in the marked entries counts alike.
    alone = learn(marked).words
    assert alone["to"] == pytest.approx(alone["press"])


def test_each_word_is_learned_by_what_it_tells_until_the_marks_draw_it_no_further(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("monitor.tag.personal._ROUNDS", 600)  # to the very end
    texts = {"all half right": True, "all more": True, "all other": True, "all half wrong": False}
    examples = [
        Example(
            features=Features({word: Quote(word, "title") for word in text.split()}, 0.5),
            feed="f",
            start=0.0,
            answer=answer,
        )
        for text, answer in texts.items()
    ]
    words, feeds = learn(examples)
    # All four contain the first word; one of three right ones has the second, and the wrong one has it too.
    shared = {"all": log(4) / log(5), "half": log(4 / 3) / log(5), "right": 0.0, "wrong": 0.0}
    for word, much in shared.items():
        tells = 1 - 0.3 * much
        drawn = sum(
            0.5 * tells * (one.answer - probability(0.5 * sum(map(words.__getitem__, quotes)) + feeds["f"]))
            for one in examples
            if word in (quotes := one.features.quotes)
        )
        # As strongly as the weight is pulled towards zero.
        assert words[word] / tells * 0.1 == pytest.approx(drawn, rel=0.1), word


def test_three_marks_of_one_feed_do_not_silence_it_and_many_alike_do_not_run_away() -> None:
    marked = [TAGGER.example(entry(ALARM.format(n=n)), False) for n in range(3)]
    assert learn(marked).feeds.get("f", 0.0) > -0.1
    assert min(learn(marked * 30).words.values()) > -2.5


def test_ten_wrong_marks_cannot_spoil_it() -> None:
    wrong = [TAGGER.example(entry(RIGHT.format(n=n)), False) for n in range(10)]
    after = taught(wrong)
    other = entry("Voice actors strike over AI clones of their voices", "The union wants consent and pay.")
    assert after.tag(other).shelf == TAGGER.tag(other).shelf == "sure"


def test_it_moves_no_entry_further_than_it_may() -> None:
    huge = Personal(dict.fromkeys(("ai", "illustr", "sue"), -99.0), {"f": -99.0}, {}, 1)
    text = entry(RIGHT.format(n=1))
    before = TAGGER.explain(text).relevance.total
    after = Tagger(STARTER, personal=huge).explain(text).relevance
    assert after.total == pytest.approx(before - MOST_DOWN, abs=1e-3)
    keen = Personal(dict.fromkeys(("ai", "illustr", "sue"), 99.0), {"f": 99.0}, {}, 1)
    after = Tagger(STARTER, personal=keen).explain(text).relevance
    assert after.total == pytest.approx(before + MOST, abs=1e-3)
    assert any(e.rule == "learned from your marks" for e in after.evidence)


def test_what_was_learned_is_kept_shown_and_nothing_at_first() -> None:
    words, feeds = learn([TAGGER.example(entry(ALARM.format(n=n)), False) for n in range(10)])
    layer = Personal(words, feeds, {}, 10)
    assert Personal.from_json(layer.to_json()) == layer
    assert layer.lines({})[0].startswith("learned from 10 marks")
    assert any(line.startswith("less relevant, words: ") for line in layer.lines({}))
    assert Personal.from_json("") == Personal()
    assert learn([]) == ({}, {})


OWN = """
    [theme.weather]
    label = { en = "Weather", de = "Wetter" }
    any.never = ["no such phrase"]
    """


def test_a_theme_of_the_user_s_own_is_learned_from_thirty_marks() -> None:
    text = (Path(__file__).parent.parent / "monitor" / "topic" / "themes.toml").read_text(encoding="utf-8")
    rules = load(text + OWN, file="themes.toml")
    tagger = Tagger(rules)
    assert [target.slug for target in tagger.own_targets()] == ["weather"]
    storm = "Illustrators sue AI firm: drawings of storm and rain number {n} copied"
    calm = "Novelists sue AI firm: chapters of romance number {n} copied"
    examples = [tagger.example(entry(storm.format(n=n)), True) for n in range(15)]
    assert learn_own(examples) is None
    examples += [tagger.example(entry(calm.format(n=n)), False) for n in range(15)]
    own = learn_own(examples)
    assert own is not None
    after = Tagger(rules, personal=Personal(own={"weather": own}, marks=30))
    assert "weather" in after.tag(entry("Painters sue AI firm: pictures of storm and rain copied")).themes
    assert "weather" not in after.tag(entry("Poets sue AI firm: romance copied")).themes
    assert "weather" not in tagger.tag(entry(storm.format(n=1))).themes


@pytest.mark.parametrize(("right", "wrong", "sign"), [(10, 30, -1), (30, 10, 1)])
def test_how_much_is_about_a_theme_of_the_user_s_own_is_learned_too(
    right: int, wrong: int, sign: int
) -> None:
    storm, calm = (TAGGER.example(entry(f"Drawings of {what}"), what == "rain") for what in ("rain", "roses"))
    own = learn_own([storm] * right + [calm] * wrong)
    assert own is not None
    assert own.base * sign > 0.01


GARDENS = """
    [beat.gardens]
    label = { en = "Gardens" }
    any.sure = ["rhododendron"]
    any.hint = ["garden"]
    """


@pytest.mark.parametrize("learned", ["true", "false"])
def test_a_beat_of_the_user_s_own_goes_on_being_given_when_marks_have_taught_it(learned: str) -> None:
    text = (Path(__file__).parent.parent / "monitor" / "topic" / "themes.toml").read_text(encoding="utf-8")
    rules = load(text.replace("learned = true", f"learned = {learned}") + GARDENS, file="themes.toml")
    plain = Tagger(rules)
    good, bad = "Rhododendron number {n} blooms in spring", "Rhododendron tram line number {n} delayed"
    examples = [plain.example(entry(good.format(n=n)), True) for n in range(10)]
    examples += [plain.example(entry(bad.format(n=n)), False) for n in range(10)]
    own = learn_own(examples)
    assert own is not None
    after = Tagger(rules, personal=Personal(own={"gardens": own}, marks=20))
    bloom, tram = entry("Rhododendron blooms early in spring"), entry("Rhododendron tram line delayed again")
    assert after.tag(bloom).beats == after.explain(bloom).tagging.beats == ("gardens",)
    assert (after.tag(tram).beats, after.explain(tram).tagging.beats) == ((), ())
    lines = after.explain(tram).lines()
    assert lines[0].startswith("not chosen")
    assert "50% is needed" in lines[-1]
    # Nothing learned opens the gate.
    assert not after.tag(entry("Spring blooms early")).relevant


def test_a_near_miss_of_a_taught_beat_is_named_by_its_certainty() -> None:
    rules = load(f"[grades]\nsure = 1.0\nhint = 0.35\n{GARDENS}", file="themes.toml")
    tagging = Tagger(rules, personal=Personal(own={"gardens": Own(-0.2, {})})).tag(entry("Rhododendron"))
    assert tagging.near == "gardens 0.45 of 0.50 (“Rhododendron”)"


def test_hundreds_of_marks_that_differ_are_fitted_and_run_away_to_nothing() -> None:
    dice = random.Random(5)
    vocabulary = [f"word{n}" for n in range(400)]

    def example(n: int) -> Example:
        title = (
            f"the ai of a in to and for {'good' if n % 2 else 'bad'} {' '.join(dice.sample(vocabulary, 8))}"
        )
        # Three in ten marks disagree with their words.
        return replace(TAGGER.example(entry(title), (dice.random() > 0.3) == bool(n % 2)), start=0.0)

    examples = [example(n) for n in range(150)]
    words, feeds = learn(examples)
    layer, own = Personal(words, feeds), learn_own(examples)
    assert own is not None
    assert max(map(abs, [*words.values(), *feeds.values(), *own.words.values()])) < 5
    assert all((layer.delta(e.features, e.feed) > 0) == e.answer for e in examples)
    assert all((own.total(e.features) > 0) == e.answer for e in examples)


def test_what_the_gate_stopped_is_learned_from_as_unlikely_and_not_as_impossible() -> None:
    assert TAGGER.example(entry("Bridge closed for repairs"), True).start == -4.0
