from __future__ import annotations

from datetime import UTC, datetime

import pytest

from monitor.cluster import terms
from monitor.cluster.events import knowledge
from monitor.cluster.traits import Traits, surfaces, traits
from monitor.models import Entry


def entry(title: str, summary: str = "", language: str = "en") -> Entry:
    at = datetime(1970, 1, 2, 12, tzinfo=UTC)
    return Entry(feed="f", title=title, summary=summary, language=language, published=at, first_seen=at)


def seen(title: str, summary: str = "", language: str = "en") -> Traits:
    return traits(entry(title, summary, language))


def test_words_meet_across_inflection_compounds_and_languages():
    english, german = (
        seen("Copyrighted songs and musicians"),
        seen("Musiker und Musikverlage: Copyright", language="de"),
    )
    assert {"copyr", "music"} <= english.text.words
    assert {"copyr", "musik"} <= german.text.words
    assert {"copyright", "music"} <= english.text.subjects & german.text.subjects


def test_stop_words_of_both_languages_and_single_letters_say_nothing():
    assert seen("The AI and a company: x", "Die KI und der Konzern").text.words == set()


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("$1.5 billion for 500,000 books", {"1.5", "500000"}),
        ("1,5 Milliarden für 500.000 Bücher", {"1.5", "500000"}),
        ("In 2025, 7 of 10 agreed; 11,000 signed.", {"10", "11000"}),
        ("Eleven thousand replies, forty-eight hours, two hundred people", {"11000", "48", "200"}),
        ("Zwölf von fünfunddreißig Stimmen, eight hundred", {"12", "35", "800"}),
        ("Elftausend Antworten, zweiundzwanzig Regisseure und zweihundert Leute", {"11000", "22", "200"}),
        ("One of hundreds, often alone; neun von ihnen", set()),
    ],
)
def test_figures_are_one_in_both_notations_and_years_are_none(text, numbers):
    assert seen(text).text.numbers == numbers


@pytest.mark.parametrize(
    ("text", "language", "players"),
    [
        ("Universal Music sues", "en", {"umg"}),
        ("UMG klagt", "de", {"umg"}),
        ("ScarJo speaks", "en", {"scarlettjohansson"}),
        ("Scarlett Johansson spricht", "de", {"scarlettjohansson"}),
        ("SAG-AFTRA's strike", "en", {"sagaftra"}),
        ("an apple a day", "en", set()),
        ("ver.di und BFFS", "de", {"bffs"}),
    ],
)
def test_players_have_many_spellings_and_capitals(text, language, players):
    assert seen(text, language=language).text.players == tuple(players)


def test_in_a_headline_in_capitals_a_name_is_what_nobody_writes_small():
    headline = "Harrow Is Releasing a Massive Free Collection of Ballads"
    assert {"harrow", "massive"} <= seen(headline).capitals
    own = seen(headline, "Harrow calls the massive collection a gift.")
    assert "harrow" in own.title.names
    assert "massive" not in own.title.names
    assert "harrow" not in own.capitals, "the summary knows it too"
    assert seen("OpenAI blames its massive outage on Harrow").capitals == set()
    assert seen("Harrow Singt Neue Balladen Heute", language="de").capitals == set()


def test_names_are_capitalised_words_and_in_german_no_mere_nouns():
    assert "luisi" in seen("Der Film von Peter Luisi lief im Kino", language="de").text.names
    assert "laion" in seen("Die Bilder von LAION", language="de").text.names
    assert "baum" not in seen("Ein Baum und ein Zebra", language="de").text.names
    assert seen("A ruling on Zelda").text.names == {"zelda"}


def test_kinds_and_places():
    english, german = seen("Judge rules in Munich"), seen("Urteil in München", language="de")
    assert (english.kind, german.kind) == ("ruling", "ruling")
    assert english.text.places == german.text.places == {"de"}
    assert "filing" in seen("Sammelklage eingereicht", language="de").text.kinds


def test_the_kind_of_an_entry_is_that_of_its_title_before_that_which_counts_more():
    protest = seen("Artists stage protest", "A court ruled in their favour.")
    assert (protest.kind, protest.text.kinds) == ("protest", ("ruling", "protest"))
    assert seen("Artists meet", "A court ruled in their favour.").kind == "ruling"


@pytest.mark.parametrize(
    ("english", "german", "place"),
    [
        ("US judge rules", "Urteil in den USA", "us"),
        ("Suno sued in the U.S.", "Klage in Kalifornien gegen Suno", "us"),
        ("Ireland publishes bill", "Irland will Gesichter schützen", "ie"),
        ("Case opens in Oslo", "Prozess in Norwegen beginnt", "no"),
        ("Montreal artists strike", "Streik in Québec", "ca"),
        ("Ghent tribunal", "Belgisches Gericht", "be"),
    ],
)
def test_a_country_is_one_in_both_languages_and_by_its_cities(english, german, place):
    assert seen(english).text.places == seen(german, language="de").text.places == {place}


def test_us_is_a_country_in_capitals_alone():
    assert seen("They asked us to pay").text.places == set()


def test_a_case_is_named_after_its_plaintiff_or_its_defendant():
    assert seen("Bartz settlement filed").text.players == seen("Anthropic settles").text.players


def test_terms_are_what_the_archive_counts():
    assert terms(entry("GEMA songs")) == {"gema", "songs", "@gema", "=music"}


def test_the_day_counts_from_1970():
    assert seen("x").day == 1.5


def test_surfaces_are_the_words_as_they_stand():
    wanted = {
        "christie": "Christie",
        "auction": "auction",
        "auction-": "Auction-house",
        "house": "house",
    }
    assert surfaces(entry("Christie's auction of Pens", "An Auction-house"), wanted.keys()) == wanted


def test_the_lexicon_has_no_word_twice_for_two_players():
    import tomllib
    from importlib.resources import files

    from monitor.text import fold

    players = tomllib.loads(files("monitor.cluster").joinpath("events.toml").read_text("utf-8"))["players"]
    spellings = [fold(name) for names in players.values() for name in names]
    assert len(spellings) == len(set(spellings))
    assert "the" in knowledge().stop
