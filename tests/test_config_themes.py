"""The user's themes.toml over the shipped one: what it adds, changes and leaves out; line numbers; other
topics.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from newsroom import THEMES

from monitor import config, tag
from monitor.config import themes
from monitor.errors import ConfigError
from monitor.tag import Tagger, load
from monitor.toml import TomlDocument

SHIPPED = """\
[grades]
sure = 1.0
hint = 0.35
[fields]
title = 2
[glossary.any]
union = ["Guild", "Alliance"]
[hidden]
en = ["air strike"]
[beat.labour]
label = { en = "Labour", de = "Arbeit" }
any.sure = ["{union}"]
[theme.music]
label = { en = "Music", de = "Musik" }
threshold = 1.5
any.sure = ["suno", "udio"]
en.hint = ["tune*"]
[theme.legacy]
label = { en = "Legacy" }
any.sure = ["old"]
"""


@pytest.fixture(autouse=True)
def shipped(tmp_path, monkeypatch):
    (tmp_path / "topic").mkdir()
    (tmp_path / "topic" / "themes.toml").write_text(SHIPPED)
    monkeypatch.setattr(themes, "TOPIC", tmp_path / "topic")
    themes._shipped_text.cache_clear()
    yield
    themes._shipped_text.cache_clear()


def rules(directory: Path, text: str):
    (directory / "themes.toml").write_text(text)
    return config.load_rules(directory)


def phrases(rules, slug: str) -> dict[str, list[str]]:
    (target,) = (target for target in rules.targets if target.slug == slug)
    found: dict[str, list[str]] = {}
    for rule in target.rules:
        found.setdefault(f"{rule.language}.{rule.grade}", []).append(rule.text)
    return found


def faults(directory: Path, text: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        rules(directory, text)
    return [str(fault) for fault in caught.value.faults]


def test_nothing_of_ones_own_is_the_shipped_file(tmp_path):
    assert config.load_rules(tmp_path) == load(SHIPPED, file="")
    assert rules(tmp_path, "# nothing\n") == load(SHIPPED, file="")


def test_phrases_are_added_and_values_take_the_place(tmp_path):
    text = """
    [glossary.any]
    union = ["Bund"]
    [hidden]
    de = ["Streikposten"]
    [theme.music]
    threshold = 1
    label = { de = "Klang", fr = "Musique" }
    any.sure = ["my band", "suno"]
    de.sure = ["Lied"]
    [theme.festivals]
    label = { en = "Festivals" }
    any.sure = ["festival*"]
    """
    found = rules(tmp_path, text)
    assert [label.slug for label in found.themes] == ["music", "legacy", "festivals"]
    assert phrases(found, "music") == {
        "any.sure": ["my band", "suno", "udio"], "de.sure": ["Lied"], "en.hint": ["tune*"],
    }  # fmt: skip
    music = found.themes[0]
    assert [music.in_language(code) for code in ("en", "de", "fr", "es")] == [
        "Music",
        "Klang",
        "Musique",
        "Music",
    ]
    assert next(target.threshold for target in found.targets if target.slug == "music") == 1
    assert len(found.glossary["union"].phrases["any"]) == 3
    assert [len(found.hidden[language]) for language in ("en", "de")] == [1, 1]


def test_what_is_shipped_can_be_left_out(tmp_path):
    text = """
    without = ["theme.legacy"]
    [theme.music]
    without = ["suno", "tune*"]
    [glossary]
    without = ["Alliance"]
    [hidden]
    without = ["air strike"]
    """
    found = rules(tmp_path, text)
    assert [label.slug for label in found.themes] == ["music"]
    assert phrases(found, "music") == {"any.sure": ["udio"]}
    assert len(found.glossary["union"].phrases["any"]) == 1
    assert not any(found.hidden.values())


@pytest.mark.parametrize(("beat", "hinted"), [("labour", True), ("pensions", False)])
def test_a_whole_file_for_another_topic_misses_nothing(tmp_path, beat, hinted):
    text = f'[grades]\nsure = 1.0\n[beat.{beat}]\nlabel = {{ en = "B" }}\nany.sure = ["b"]\n'
    assert bool(themes.hint(TomlDocument("themes.toml", text))) is hinted


def test_a_phrase_that_hardly_means_what_it_says_is_hinted_at(tmp_path):
    text = '[theme.music.en]\nsure = ["suno OR udio", "suno AND udio"]\n[glossary.any]\nunion = ["A OR B"]\n'
    assert [hint[:29] for hint in themes.doubts(TomlDocument("themes.toml", text))] == [
        "themes.toml: 'A OR B': OR is ",
        "themes.toml: 'suno OR udio': ",
    ]
    assert not list(themes.doubts(TomlDocument.read(config.starter() / "themes.toml")))
    assert not any(tag.doubt(phrase) for phrase in themes._texts(themes.shipped()))


def test_what_is_not_there_cannot_be_left_out(tmp_path):
    text = 'without = ["legacy", "theme.musik", "grades.sure"]\n[theme.music]\nwithout = [\n"suno",\n"sunoo"]\nany.sure = ["a"]\n[hidden]\nwithout = "x"\n'
    assert faults(tmp_path, text) == [
        "themes.toml:1: without[2]: 'theme.musik' is not among what is shipped; did you mean 'theme.music'?",
        "themes.toml:1: without[3]: 'grades.sure' is not among what is shipped; known: beat.labour, theme.music",
        "themes.toml:5: theme.music.without[2]: 'sunoo' is not among what is shipped; known: udio, tune*",
        "themes.toml:8: hidden.without: expected a list of texts in quotes",
    ]


def test_faults_have_the_lines_of_the_users_file(tmp_path):
    text = '# mine\n\n[theme.music]\nany.sure = [\n  "fine",\n  "not**",\n]\nany.sur = []\n[beet.x]\n'
    assert faults(tmp_path, text) == [
        "themes.toml:6: theme.music.any.sure[2]: 'not**' is not a word: letters, with * at an end or ~ before them",
        "themes.toml:8: theme.music.any.sur: unknown grade; did you mean 'sure'?",
        "themes.toml:9: beet: unknown key; did you mean 'beat'?",
    ]


def test_another_topic_starts_from_nothing_but_grades_and_fields(tmp_path):
    text = 'base = false\n[beat.pensions]\nlabel = { en = "Pensions" }\nany.sure = ["pension*"]\n'
    found = rules(tmp_path, text)
    assert [target.slug for target in found.targets] == ["pensions"]
    assert (found.grades, found.fields.title, found.glossary) == ({"sure": 1.0, "hint": 0.35}, 2, {})


def test_a_whole_file_of_version_1_0_stands_by_itself(tmp_path):
    found = rules(tmp_path, THEMES)
    assert [target.slug for target in found.targets] == [
        "sora",
        "ai-creative-labour",
        "leak-protest",
        "unpaid-labour",
    ]
    over = rules(tmp_path, "base = true\n" + THEMES)
    assert {"music", "sora"} <= {target.slug for target in over.targets}


def test_the_shipped_themes_are_without_fault(tmp_path, monkeypatch):
    monkeypatch.setattr(themes, "TOPIC", Path(config.__file__).parents[1] / "topic")
    themes._shipped_text.cache_clear()
    Tagger(rules(tmp_path, '[theme.copyright.any]\nsure = ["my very own phrase"]\n'))  # must not raise
    assert rules(tmp_path, (config.starter() / "themes.toml").read_text()) == config.load_rules(
        tmp_path / "topic" / ".."
    )


def test_what_the_head_of_the_starter_shows_is_without_fault(tmp_path, monkeypatch):
    monkeypatch.setattr(themes, "TOPIC", Path(config.__file__).parents[1] / "topic")
    themes._shipped_text.cache_clear()
    head = (config.starter() / "themes.toml").read_text().partition("# ANOTHER TOPIC")[0]
    blocks = [
        "\n".join(line[6:] for line in block.splitlines() if line.startswith("#     "))
        for block in head.split("#\n")
    ]
    examples = [block for block in blocks if block and not block.startswith("monitor ")]
    assert len(examples) == 5
    for example in examples:
        Tagger(rules(tmp_path, example))  # must not raise
