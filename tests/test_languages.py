"""Every language is complete, and writes dates, counts and ages as is usual in it."""

from __future__ import annotations

import re
import tomllib
from datetime import UTC, date, datetime, timedelta
from importlib import resources
from pathlib import Path
from string import Formatter

import pytest

from monitor import languages
from monitor.cluster.reasons import AGAINST
from monitor.digest.importance import KIND_WEIGHTS, SECTIONS
from monitor.digest.wording import Wording
from monitor.text import span_in_words

ENGLISH = languages.load("en")
OTHERS = [code for code in languages.AVAILABLE if code != "en"]
SOURCES = [
    path.read_text("utf-8")
    for package in ("digest", "site", "web", "cli")
    for path in Path(languages.__file__).parents[1].glob(f"{package}/**/*.*")
    if path.suffix in {".py", ".html"}
]


def placeholders(pattern):
    return sorted(name for _, name, _, _ in Formatter().parse(pattern) if name is not None)


def test_english_and_german_are_there():
    assert {"de", "en"} <= set(languages.AVAILABLE)


@pytest.mark.parametrize("code", OTHERS)
def test_a_language_says_all_that_english_says_with_the_same_placeholders(code):
    other = languages.load(code)
    assert other.texts.keys() == ENGLISH.texts.keys()
    assert other.plurals.keys() == ENGLISH.plurals.keys()
    assert other.kinds.keys() == ENGLISH.kinds.keys()
    assert other.roles.keys() == ENGLISH.roles.keys()
    assert other.formats.keys() == ENGLISH.formats.keys()
    for key, sentence in other.texts.items():
        assert placeholders(sentence) == placeholders(ENGLISH.texts[key]), key


@pytest.mark.parametrize("code", languages.AVAILABLE)
def test_a_language_has_every_name_and_both_forms_of_every_noun(code):
    language = languages.load(code)
    assert language.code == code
    assert language.name
    assert all(sentence == sentence.strip() != "" for sentence in language.texts.values())
    assert all(set(forms) == {"one", "other"} for forms in language.plurals.values())
    assert all(placeholders(form) == ["n"] for forms in language.plurals.values() for form in forms.values())
    for names, count in (("months", 12), ("months_short", 12), ("weekdays", 7), ("weekdays_short", 7)):
        assert len(set(language.formats[names])) == count


@pytest.mark.parametrize("code", languages.AVAILABLE)
def test_quiet_and_broken_never_begin_alike(code):
    texts = languages.load(code).texts
    quiet = texts["state_quiet"].split(":")[0]
    assert all(
        not texts[key].startswith(quiet) for key in ("state_feeds", "state_no_feeds", "state_no_polls")
    )


def test_a_language_has_all_that_the_digest_asks_of_one():
    asked = {name for name in vars(Wording) if not name.startswith("_")}
    assert asked <= {name for name in dir(languages.Language) if not name.startswith("_")}
    assert {"text", "plural", "moment"} <= asked


def test_every_section_and_every_kind_that_weighs_something_has_a_name():
    assert {f"section_{name}" for name in SECTIONS} <= ENGLISH.texts.keys()
    assert KIND_WEIGHTS.keys() - {"report", "other"} == ENGLISH.kinds.keys()
    assert ENGLISH.kind("invented") == ""


def test_every_part_that_somebody_may_play_has_a_name():
    events = tomllib.loads(resources.files("monitor.cluster").joinpath("events.toml").read_text("utf-8"))
    assert events["roles"].keys() == ENGLISH.roles.keys()
    assert ENGLISH.party("OpenAI") == "OpenAI"


@pytest.mark.parametrize("code", OTHERS)
def test_a_reason_is_written_in_the_language_whole_or_in_its_parts(code):
    other = languages.load(code)
    assert [written for written in AGAINST.values() if other.reason(written) == written] == []
    against = "against: same outlet, another kind of event (incident, not hearing or launch)"
    assert not re.search("against|outlet|kind|hearing| or ", other.reason(f"1 day apart · {against}"))
    assert "“A · B; same day”" not in other.reason("not a feed: an HTML page titled “A · B; same day”")
    assert "A · B; same day" in other.reason("not a feed: an HTML page titled “A · B; same day”")
    assert other.reason("names: Same, Day · HTTP 503 Slow down").endswith("Same, Day · HTTP 503 Slow down")
    assert other.reason("") == ENGLISH.reason("") == ""
    assert ENGLISH.reason(against) == against


@pytest.mark.parametrize(
    ("first", "second"), [(timedelta(days=9), timedelta(hours=5)), (timedelta(days=1),) * 2]
)
def test_what_is_noted_of_a_silent_feed_is_written_in_german(first, second):
    usual = span_in_words(second).removeprefix("1 ")
    written = languages.load("de").reason(
        f"nothing new for {span_in_words(first)}; usually one every {usual}; "
        "leads to another feed, https://parked.example/: `monitor feeds move` takes it over"
    )
    assert not re.search("nothing|new|usually|day|hour|another|takes", written)


def test_no_sentence_is_left_that_the_digest_does_not_use():
    named = {
        key
        for source in SOURCES
        for pair in re.findall(r"""["'](\w+)["']|words\.(\w+)""", source)
        for key in pair
    }
    made_up = ("state_", "problem_", "section_", "trouble_", "advice_", "why_")
    unused = {key for key in (*ENGLISH.texts, *ENGLISH.plurals) if key not in named}
    assert {key for key in unused if not key.startswith(made_up)} == set()


@pytest.mark.parametrize(
    ("code", "short", "long"),
    [
        ("en", "1 Mar 2026", "Sunday, 1 March 2026"),
        ("de", "1. März 2026", "Sonntag, 1. März 2026"),
    ],
)
def test_dates(code, short, long):
    language = languages.load(code)
    assert language.date(date(2026, 3, 1)) == short
    assert language.long_date(date(2026, 3, 1)) == long


def test_instants():
    instant = datetime(2026, 11, 23, 7, 5, tzinfo=UTC)
    assert ENGLISH.moment(instant) == "Mon 23 Nov, 07:05"
    assert ENGLISH.short_date(instant) == "23 Nov"
    assert languages.load("de").month(instant) == "November 2026"
    assert languages.load("de").moment(instant) == "Mo, 23. Nov. 07:05"


def test_numbers():
    assert ENGLISH.number(1234567) == "1,234,567"
    assert languages.load("de").number(1234567) == "1.234.567"
    assert ENGLISH.decimal(0.85) == "0.85"
    assert languages.load("de").decimal(2.25) == "2,25"


@pytest.mark.parametrize(
    ("n", "english", "german"),
    [
        (0, "0 stories", "0 Meldungen"),
        (1, "1 story", "1 Meldung"),
        (1204, "1,204 stories", "1.204 Meldungen"),
    ],
)
def test_counts(n, english, german):
    assert ENGLISH.plural("stories", n) == english
    assert languages.load("de").plural("stories", n) == german


def test_sentences_are_filled_and_an_unknown_language_is_refused():
    assert ENGLISH.text("day", n=4) == "day 4"
    with pytest.raises(KeyError):
        languages.load("../en")


@pytest.mark.parametrize("brand", ["Sora {beta}", "{", "a } b", "{0}", "100 % {{news}}"])
def test_a_name_of_the_digest_means_what_it_says(brand: str) -> None:
    words = languages.load("en", brand)
    assert words.text("brand") == brand
    subject = words.text("subject_quiet", brand=words.text("brand"), date="2 Dec 2024")
    assert subject == f"Quiet, nothing sure – {brand}, 2 Dec 2024"
