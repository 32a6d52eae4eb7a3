from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tagging import entry

from monitor.errors import ConfigError
from monitor.tag import Rules, Tagger, load
from monitor.tag.learned import Learned, fingerprint, shipped

if TYPE_CHECKING:
    from monitor.models import Entry

STARTER = load(
    (Path(__file__).parent.parent / "monitor" / "topic" / "themes.toml").read_text(encoding="utf-8"),
    file="themes.toml",
)
TAGGERS = (Tagger(STARTER), Tagger(replace(STARTER, learned=False)))
RULES = """
    learned = true
    [grades]
    sure = 1.0
    never = -9.0
    [fields]
    title = 1.0
    [beat.b]
    label = { en = "B", de = "B" }
    any.sure = ["Sora"]
    any.never = ["airline"]
    [theme.t]
    label = { en = "T", de = "T" }
    any.sure = ["letter"]
    [theme.u]
    label = { en = "U", de = "U" }
    any.sure = ["money", "letter"]
    any.never = ["boring"]
    """


def table(rules: Rules, *words: str) -> Learned:
    known = "\n".join(
        f"known\t{target.slug}\t{' '.join(map(fingerprint, target.rules))}" for target in rules.targets
    )
    return Learned(
        "\n".join(
            [
                "# a note",
                "targets\tb\tt",
                "base\t-500\t-200",
                "rules\tb\t1000\t100",
                "rules\tt\t0\t1000",
                "rules\tu\t0\t-300",
                known,
                *words,
            ]
        )
    )


def tagger(*words: str, text: str = RULES) -> Tagger:
    rules = load(text, file="themes.toml")
    return Tagger(rules, table=table(load(RULES, file="themes.toml"), *words))


def totals(of: Tagger, text: Entry) -> dict[str, float]:
    return {verdict.slug: verdict.total for verdict in of.explain(text).verdicts}


def test_words_add_to_the_rules_by_the_root_of_how_many_they_are() -> None:
    knowing = tagger("en\tactors\t\t900", "en\tangry\t\t-300")
    assert totals(knowing, entry("Sora actors"))["t"] == pytest.approx(-0.2 + 0.1 + 0.9 / 2**0.5, abs=1e-4)
    assert (
        totals(knowing, entry("Sora actors", "actors, actors"))["t"]
        == totals(knowing, entry("Sora actors"))["t"]
    )
    four = totals(knowing, entry("Sora actors", "very angry"))["t"]
    assert four == pytest.approx(-0.2 + 0.1 + 0.6 / 4**0.5, abs=1e-4)


def test_a_word_counts_in_its_language_and_in_every_form() -> None:
    knowing = tagger("de\tkünstler\t\t2000")
    given = {
        (title, language): "t" in knowing.tag(entry(f"Sora {title}", language=language)).themes
        for title in ("Künstlerinnen", "KünstlerInnen")
        for language in ("de", "en", "fr")
    }
    assert given == {key: key[1] != "en" for key in given}


def test_the_table_can_take_a_theme_back_and_other_rules_bear_on_it() -> None:
    knowing = tagger("en\tloud\t\t-2000")
    assert knowing.tag(entry("Sora letter")).themes == ("u",)
    assert totals(knowing, entry("Sora letter"))["t"] == pytest.approx(-0.2 + 0.1 + 1.0 - 0.3)
    assert "t" not in knowing.tag(entry("Sora letter loud")).themes


def test_a_beat_that_rules_give_stays_given_and_one_without_a_rule_is_not() -> None:
    hinted = RULES.replace('any.sure = ["Sora"]', 'any.sure = ["Sora"]\n    any.hint = ["clips"]', 1)
    hinted = hinted.replace("sure = 1.0", "sure = 1.0\n    hint = 0.3", 1)
    knowing = tagger("en\tstudio\t9000", "en\tdull\t-9000", text=hinted)
    assert knowing.tag(entry("Sora dull")).beats == ("b",)
    assert totals(knowing, entry("Sora dull"))["b"] == 1.0
    assert knowing.tag(entry("studio clips")).beats == ("b",)
    assert knowing.tag(entry("clips")).beats == ()
    assert knowing.tag(entry("studio")).beats == ()
    assert knowing.tag(entry("studio clips airline")).beats == ()


def test_what_speaks_against_one_theme_speaks_for_no_other() -> None:
    assert totals(tagger(), entry("Sora boring"))["t"] == totals(tagger(), entry("Sora"))["t"]


def test_what_explains_agrees_with_what_tags_to_the_last_digit() -> None:
    text = entry("Sora actors one two three four five six seven eight nine ten eleven")
    given = []
    for weight in range(3_955, 3_975):
        knowing = tagger(f"en\tactors\t\t{weight}")
        tagging = knowing.tag(text)
        assert knowing.explain(text).tagging == tagging
        assert ("t" in tagging.themes) is any(found.target == "t" for found in tagging.evidence)
        given.append(tagging.themes)
    assert set(given) == {(), ("t",)}


def test_rules_beyond_the_cap_are_accounted_for() -> None:
    many = RULES.replace('any.sure = ["letter"]', 'any.sure = ["letter", "petition", "boycott"]', 1)
    rules = load(many, file="themes.toml")
    knowing = Tagger(rules, table=table(rules))
    tagging = knowing.tag(entry("Sora letter petition boycott"))
    assert totals(knowing, entry("Sora letter petition boycott"))["t"] == pytest.approx(
        -0.2 + 0.1 + 2.0 - 0.3
    )
    assert [e.weight for e in tagging.evidence if e.rule == "learned: how far its own rules count"] == [-1.0]
    assert sum(e.weight for e in tagging.evidence if e.target == "t") == pytest.approx(1.6)


def test_a_target_that_the_table_does_not_know_is_left_to_the_rules() -> None:
    assert totals(tagger(), entry("Sora", "some money"))["u"] == 1.0


def test_rules_newer_than_the_table_count_in_full() -> None:
    newer = RULES.replace('any.sure = ["letter"]', 'any.sure = ["letter", "walkout"]', 1)
    assert tagger(text=newer).tag(entry("Sora walkout")).themes == ("t",)
    assert totals(tagger(text=newer), entry("Sora walkout"))["t"] == 1.0
    assert totals(tagger(), entry("Sora walkout"))["t"] == pytest.approx(-0.1)


def test_without_the_switch_the_rules_decide_alone() -> None:
    words = "en\tactors\t\t9000"
    off = RULES.replace("learned = true", "learned = false")
    assert totals(tagger(words, text=off), entry("actors letter")) == {"b": 0.0, "t": 1.0, "u": 1.0}
    with pytest.raises(ConfigError, match="must be true or false"):
        load(RULES.replace("learned = true", 'learned = "yes"'), file="themes.toml")


def test_the_evidence_names_words_other_rules_and_the_rest() -> None:
    knowing = tagger("en\tactors\t\t4000", "en\tfrom\t\t20")
    tagging = knowing.tag(entry("Sora money from actors"))
    assert [(e.term, e.rule, e.field, e.weight) for e in tagging.evidence if e.target == "t"] == [
        ("actors", "learned: word", "title", 2.0),
        ("b", "learned: its rules", "", 0.1),
        ("u", "learned: its rules", "", -0.3),
        ("", "learned: base and other words", "", -0.19),
    ]
    lines = knowing.explain(entry("Sora money from actors")).lines()
    assert "  +2.00  “actors” in the title (learned: word)" in lines
    assert "  -0.19  all else (learned: base and other words)" in lines


def test_long_texts_are_heard_at_their_opening() -> None:
    knowing = tagger("en\tactors\t\t9000")
    assert "t" in knowing.tag(entry("Sora", "one " * 79 + "actors")).themes
    assert "t" not in knowing.tag(entry("Sora", "one " * 80 + "actors")).themes
    assert "t" in knowing.tag(entry("Sora", "", "actors")).themes
    assert "t" not in knowing.tag(entry("Sora", "a summary", "actors")).themes


def test_the_memory_of_words_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("monitor.tag.learned._REMEMBERED", 3)
    knowing = tagger("en\tactors\t\t4000")
    first = knowing.tag(entry("Sora actors", " ".join(f"w{number}" for number in range(40))))
    assert knowing.tag(entry("Sora actors", " ".join(f"w{number}" for number in range(40)))) == first
    assert knowing._learned is not None
    assert max(map(len, knowing._learned._heard.values())) <= 3


def test_a_table_with_an_unknown_row_is_refused() -> None:
    with pytest.raises(ValueError, match="unknown row 'words'"):
        Learned("words\tx\t1")


def test_the_shipped_table_covers_the_starter_and_both_languages() -> None:
    assert STARTER.learned
    assert all(shipped().covers(target.slug) for target in STARTER.targets)
    told = {
        language: TAGGERS[0].tag(entry("Sora", text, language=language)).themes
        for language, text in (("en", "copyright lawsuit"), ("de", "Klage wegen Urheberrecht"))
    }
    assert told == {"en": ("copyright",), "de": ("copyright",)}


WORDS = st.sampled_from(
    [
        "Sora",
        "AI",
        "actors",
        "strike",
        "unpaid",
        "licence",
        "deepfake",
        "studio",
        "launch",
        "the",
        "of",
        "Künstler",
        "2026",
        ".",
    ]
)


@settings(max_examples=60, deadline=None)
@given(
    title=st.lists(WORDS, max_size=8),
    summary=st.lists(WORDS, max_size=20),
    language=st.sampled_from(["en", "de", ""]),
)
def test_evidence_adds_up_to_the_total(title: list[str], summary: list[str], language: str) -> None:
    text = entry(" ".join(title), " ".join(summary), language=language)
    for of in TAGGERS:
        for verdict in of.explain(text).verdicts:
            assert sum(e.weight for e in verdict.evidence) == pytest.approx(verdict.total, abs=2e-3)
