from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from monitor.cluster import Encoder
from monitor.cluster.candidates import Candidates, compare
from monitor.cluster.copies import Sources
from monitor.cluster.encoder import likeness, topic, unpack, without_topic
from monitor.cluster.match import rarity
from monitor.encoder import DIMENSIONS
from monitor.models import Entry, TermCounts

pytestmark = pytest.mark.skipif(not Encoder.available(), reason="the semantic extra is not installed")


def entry(number: int, title: str, summary: str = "") -> Entry:
    at = datetime(2025, 1, 1, tzinfo=UTC)
    return Entry(id=number, feed="f", title=title, summary=summary, published=at, first_seen=at)


@pytest.fixture(scope="module")
def encoder() -> Encoder:
    return Encoder()


def test_one_event_in_two_languages_is_nearer_than_two_events(encoder):
    vectors = encoder.vectors(
        [
            entry(1, "Voice actors boycott Netflix over AI clause", "They refuse to sign the new contract."),
            entry(
                2,
                "Synchronsprecher boykottieren Netflix",
                "Den neuen Vertrag wollen sie nicht unterschreiben.",
            ),
            entry(3, "Court rules on song lyrics", "The collecting society wins in Munich."),
        ]
    )
    first, second, third = (unpack(vectors[number]) for number in (1, 2, 3))
    assert likeness(first, second) > likeness(first, third) + 0.2
    assert likeness(first, second) == pytest.approx(likeness(second, first), abs=1e-5)
    assert likeness(first, first) == pytest.approx(1.0, abs=0.35)


@pytest.mark.parametrize(
    ("first", "second", "asked"), [("en", "de", True), ("en", "en", False), ("", "de", False)]
)
def test_meaning_is_asked_of_two_languages_alone(first, second, asked):
    one, other = (replace(entry(n, f"Title {n}"), language=code) for n, code in ((1, first), (2, second)))
    rows = b"\x00\x3c" * (2 * DIMENSIONS)
    made = Candidates(rarity(TermCounts(counts={})), Sources({}), {1: rows, 2: rows})
    assert ("likeness" in compare(made.of(one), made.of(other))) == asked


def test_meaning_says_nothing_where_both_have_a_report_in_one_language():
    one, other, third = (
        replace(entry(n, title), language=code)
        for n, title, code in ((1, "A levy", "en"), (2, "Abgabe kommt", "de"), (3, "Six foxes", "en"))
    )
    rows = b"\x00\x3c" * (2 * DIMENSIONS)
    made = Candidates(rarity(TermCounts(counts={})), Sources({}), dict.fromkeys((1, 2, 3), rows))
    english, german, also_english = (made.of(each) for each in (one, other, third))
    words = Candidates(rarity(TermCounts(counts={})), Sources({}), {})
    plain = [words.of(each) for each in (one, other, third)]
    assert made.link([english], [german]).best > words.link(plain[:1], plain[1:2]).best
    assert made.link([english], [german, also_english]) == words.link(plain[:1], plain[1:])


def test_nothing_is_encoded_twice(encoder):
    known = encoder.vectors([entry(1, "A title")])
    assert encoder.vectors([entry(1, "A title")], known) == {}
    assert set(encoder.vectors([entry(1, "A title"), entry(2, "Another")], known)) == {2}


def test_a_stored_vector_is_two_rows_of_half_floats(encoder):
    (vector,) = encoder.vectors([entry(5, "A title")]).values()
    assert len(vector) == 2 * 2 * DIMENSIONS
    title, summary = unpack(vector)
    assert (title == summary).all()


def test_what_all_texts_share_is_taken_out():
    import numpy as np

    rows = np.random.default_rng(7).normal(size=(40, DIMENSIONS)) + 5 * np.eye(DIMENSIONS)[0]
    left = without_topic(rows, topic(rows, 2))
    assert np.allclose(np.linalg.norm(left, axis=1), 1, atol=1e-3)
    assert abs(left[:, 0].mean()) < 0.05
