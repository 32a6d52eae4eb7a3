from __future__ import annotations

from pathlib import Path

import pytest

from monitor.errors import ConfigError
from monitor.tag import load

STARTER = Path(__file__).parent.parent / "monitor" / "topic" / "themes.toml"
SMALL = """
[grades]
sure = 1.0
[fields]
title = 2
[glossary.any]
firm = ["OpenAI", "{maker}"]
[glossary.en]
maker = ["Midjourney"]
[hidden]
en = ["air strike"]
[beat.sora]
label = { en = "Sora", de = "Sora" }
threshold = 1.5
en.sure = ["Sora AND {firm}"]
[theme.protest]
label = { en = "Protest", de = "Protest" }
any.sure = ["petition*"]
"""


def faults(text: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        load(text, file="themes.toml")
    return [str(fault) for fault in caught.value.faults]


def test_a_small_file_becomes_rules() -> None:
    rules = load(SMALL, file="themes.toml")
    beat, theme = rules.targets
    assert (beat.slug, beat.kind, beat.threshold, len(beat.rules)) == ("sora", "beat", 1.5, 1)
    assert (theme.slug, theme.rules[0].language, theme.rules[0].weight) == ("protest", "any", 1.0)
    assert rules.fields.title == 2
    assert rules.glossary["firm"].includes["any"] == ("maker",)
    assert [label.label["de"] for label in rules.beats + rules.themes] == ["Sora", "Protest"]


def test_the_starter_file_has_the_beats_and_themes_of_the_guide() -> None:
    rules = load(STARTER.read_text(encoding="utf-8"), file="themes.toml")
    assert [label.slug for label in rules.beats] == ["sora", "ai-creative-labour"]
    assert [label.slug for label in rules.themes] == [
        "leak-protest", "unpaid-labour", "content-control", "compensation", "company-response", "labour-ethics",
        "copyright", "tech-creative-relations", "capabilities", "access-release", "misuse-safety", "human-creativity",
    ]  # fmt: skip
    assert all(label.label["en"] and label.label["de"] for label in rules.beats + rules.themes)


def test_bad_toml_is_one_fault_with_its_line() -> None:
    (fault,) = faults("[beat.sora\n")
    assert fault.startswith("themes.toml:1: ")


def test_all_faults_are_reported_at_once_with_key_and_line() -> None:
    found = faults(
        SMALL.replace("petition*", "petition**")
        .replace("{firm}", "{frim}")
        .replace("threshold = 1.5", "treshold = 1.5")
        .replace('en = ["air strike"]', 'fr = ["x"]')
    )
    assert found == [
        "themes.toml:11: hidden.fr: unknown key; known: en, de, any",
        "themes.toml:14: beat.sora.treshold: unknown key; did you mean 'threshold'?",
        "themes.toml:15: beat.sora.en.sure[1]: unknown list {frim}; did you mean 'firm'?",
        (
            "themes.toml:18: theme.protest.any.sure[1]: 'petition**' is not a word: "
            "letters, with * at an end or ~ before them"
        ),
    ]


@pytest.mark.parametrize(
    ("old", "new", "place", "message"),
    [
        ("sure = 1.0", 'sure = "1"', "grades.sure", "must be a number"),
        ("sure = 1.0", "label = 1.0", "grades.label", "another meaning"),
        ("title = 2", "titel = 2", "fields.titel", "did you mean 'title'"),
        ("title = 2", "title = true", "fields.title", "expected a number from 0"),
        ("title = 2", "title = -1", "fields.title", "expected a number from 0"),
        ("title = 2", "words = 400.5", "fields.words", "expected a whole number from 1"),
        ("title = 2", "words = 0", "fields.words", "expected a whole number from 1"),
        ("sure = 1.0", "sure = nan", "grades.sure", "within 1,000,000"),
        ("sure = 1.0", f"sure = 1{'0' * 400}", "grades.sure", "within 1,000,000"),
        ('"Midjourney"', "7", "glossary.en.maker[1]", "must be a text, not 7"),
        ('"Midjourney"', '"…"', "glossary.en.maker[1]", "without a word"),
        ('"Midjourney"', '"{firm}"', "glossary.any.firm", "includes itself"),
        ('"{maker}"', '"{makers}"', "glossary.any.firm[2]", "did you mean 'maker'"),
        ('["Midjourney"]', '"Midjourney"', "glossary.en.maker", "must be a list"),
        ("threshold = 1.5", "threshold = 0", "beat.sora.threshold", "more than 0"),
        (
            'label = { en = "Sora", de = "Sora" }',
            'label = { en = "" }',
            "beat.sora.label.en",
            "a text is needed",
        ),
        (
            'label = { en = "Sora", de = "Sora" }',
            'label = { qq = "Sora" }',
            "beat.sora.label.qq",
            "there is no language 'qq'",
        ),
        ("en.sure", "en.shure", "beat.sora.en.shure", "unknown grade; did you mean 'sure'"),
        ('en.sure = ["Sora AND {firm}"]', 'en = ["Sora"]', "beat.sora.en", "must be a table"),
        ("[beat.sora]", "[theme.sora]", "beat", "at least one beat"),
        ("[hidden]", "[hiden]", "hiden", "did you mean 'hidden'"),
    ],
)
def test_each_kind_of_fault_names_its_place(old: str, new: str, place: str, message: str) -> None:
    assert old in SMALL
    assert any(f": {place}" in fault and message in fault for fault in faults(SMALL.replace(old, new)))


def test_a_grade_at_fault_is_one_fault() -> None:
    assert faults(SMALL.replace("sure = 1.0", "sure = nan")) == [
        "themes.toml:3: grades.sure: must be a number within 1,000,000"
    ]


def test_an_outlet_has_a_name() -> None:
    assert faults('outlets = ["The Paper", "…", ""]\n' + SMALL) == [
        "themes.toml:1: outlets[2]: '…' is not the name of an outlet",
        "themes.toml:1: outlets[3]: '' is not the name of an outlet",
    ]


@pytest.mark.parametrize("bars", ["sure = 0.05", "near = 0.9", "perhaps = 0", "sure = 1.0"])
def test_bars_that_do_not_rise_are_a_fault(bars: str) -> None:
    (fault,) = faults(f"{bars}\n{SMALL}")
    assert fault.endswith("sure: near, perhaps and sure must rise between 0 and 1")
