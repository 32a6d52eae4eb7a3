"""What two reports share and lack, and what makes them two events although everything else agrees."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from monitor.cluster import match
from monitor.cluster.match import rarity
from monitor.cluster.traits import traits
from monitor.models import Entry, TermCounts

NOW = datetime(2025, 3, 10, tzinfo=UTC)
RARITY = rarity(TermCounts(documents=0, counts={}))
TEXT = "Zanderlin Quorb spoke of 1,234 drawings that Yvette Marwood had made of the Blivet."


def entry(title: str, summary: str = TEXT) -> Entry:
    return Entry(feed="f", title=title, summary=summary, language="en", published=NOW, first_seen=NOW)


def found(one: Entry, other: Entry, sources: tuple[str, str] = ("one", "two")) -> dict[str, float]:
    first, second = (match.weigh(traits(e), RARITY, s) for e, s in zip((one, other), sources, strict=True))
    return match.features(first, second)


def test_the_same_words_are_one_event():
    assert match.score(found(entry("Quorb shows his Blivet"), entry("The Blivet of Quorb"))) > 2


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Artists leak Quorb's Blivet", "Quorb shuts down Blivet"),
        ("Illustrators sue Quorb over Blivet", "Quorb licenses Blivet"),
        ("Judge in Munich rules on Quorb's Blivet", "Judge in Delhi rules on Quorb's Blivet"),
        ("Judge rules on Blivet of Anthropic", "Judge rules on Blivet of Meta"),
    ],
)
def test_another_step_country_or_party_is_another_event_whatever_else_agrees(one, other):
    assert match.score(found(entry(one), entry(other))) < -3


def test_a_step_that_a_title_tells_as_past_is_not_its_own():
    apart = found(
        entry("Artists leak Quorb's Blivet"), entry("How Quorb's Blivet was leaked after a shutdown")
    )
    assert not apart["steps_differ"]


def test_europe_may_be_any_country_of_it():
    assert not found(entry("EU court rules on Blivet"), entry("Blivet ruling heard in Germany"))[
        "places_differ"
    ]


def test_one_outlet_that_writes_again_days_later_tells_another_event():
    one, other = entry("Quorb shows his Blivet"), entry("The Blivet of Quorb")
    later = replace(other, published=NOW + timedelta(days=3))
    assert match.score(found(one, later, ("one", "one"))) < -3
    assert match.score(found(one, later)) > match.score(found(one, later, ("one", "one")))


def test_a_round_figure_tells_less_than_an_exact_one():
    def shared(figure: str) -> float:
        return found(entry("Quorb", f"They drew {figure} birds."), entry("Blivet", f"Of {figure} birds."))[
            "numbers"
        ]

    assert shared("500") < shared("487")


def test_words_of_the_lexicon_are_no_rare_word_that_two_reports_share():
    generic = found(entry("Lawsuit over songs", "Judge"), entry("Lawsuit over songs", "Court"))
    assert generic["rarest"] == 0
    assert found(entry("Lawsuit over Blivet", ""), entry("Blivet songs", ""))["rarest"] > 0


def test_a_name_that_two_reports_share_is_distinguished_from_a_word():
    name = found(entry("Lawsuit over Blivet", ""), entry("Blivet songs", ""))
    word = found(entry("Lawsuit over blivet", ""), entry("Songs on a blivet", ""))
    assert name["rarest"] == word["rarest"] == name["rarest_name"] > word["rarest_name"] == 0


def test_what_only_a_headline_in_capitals_makes_a_name_is_none_where_the_other_report_writes_it_small():
    headline, plain = entry("Quorb Shows Zelda a Massive Blivet", ""), "Zelda sings of a"
    assert found(headline, entry(f"{plain} massive thing", ""))["rarest_name"] > 0, "Zelda is a name in both"
    assert found(headline, entry("His massive thing", ""))["rarest_name"] == 0
    assert found(headline, entry("His massive thing", ""))["rarest"] > 0
    assert found(headline, entry("The Blivet of a king", ""))["rarest_name"] > 0


PAIRS = [
    ("Disney sues Quorb over Blivet", "Quorb's blivet copied by all, says studio"),
    ("Lawsuit over Blivet", "Songs on a blivet"),
    ("Disney, Netflix, Midjourney and Anthropic meet", "Judge in Munich rules on songs"),
]


@pytest.mark.parametrize(("one", "other"), PAIRS)
def test_the_order_of_two_reports_makes_no_difference(one, other):
    assert found(entry(one, ""), entry(other, "")) == found(entry(other, ""), entry(one, ""))


def test_a_title_that_stands_whole_in_the_other_report_is_inside_of_it():
    whole = found(entry("Blivet of Quorb", ""), entry("Something else", "The Blivet of Quorb, at last."))
    assert whole["title_inside"] == pytest.approx(1)


def test_what_a_title_tells_is_lost_where_all_of_the_other_report_lacks_it():
    title = "Disney, Netflix, Midjourney and Anthropic meet"
    lacking = found(entry(title, ""), entry("Quorb shows his Blivet"))
    assert lacking["players_lost"] == 3, "and no more, however many there are"
    assert lacking["players_lost_both"] == 0
    told = found(entry(title, ""), entry("A meeting", f"{title}."))
    assert told["players_lost"] == 0


def test_of_the_names_that_the_other_report_lacks_the_rarest_counts():
    known = rarity(TermCounts(documents=1000, counts={"quorb": 500, "blivet": 5}))
    one, other = (
        match.weigh(traits(entry(title, "")), known, "")
        for title in ("Quorb meets Blivet", "Nothing of either")
    )
    assert match.features(one, other)["names_lost"] == pytest.approx(known.weight("blivet") / 10)


def test_where_the_encoder_is_asked_words_or_meaning_may_join():
    one, other = entry("Quorb shows his Blivet"), entry("The Blivet of Quorb")
    asked = found(one, other) | {"languages_differ": 1.0}
    words = match.score(asked)

    def score(likeness: float) -> float:
        return match.score(asked | {"likeness": likeness})

    assert score(-0.5) == score(0.0) == words, "words join what meaning does not"
    assert score(1.0) > words + 0.5
