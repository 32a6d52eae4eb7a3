"""What is learned from the user's merges and splits."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta

from monitor.cluster import match, terms
from monitor.cluster.candidates import Candidates
from monitor.cluster.copies import Sources
from monitor.cluster.lessons import Apart, learn
from monitor.models import Correction, Entry, TermCounts

NOW = datetime(2025, 11, 10, tzinfo=UTC)
TITLES = (
    "Narrators win first round against Harrow",
    "Court orders Harrow to pull seven cloned voices",
    "Harrow hires a new head of sales in Austin",
    "Stage union balks at body scans in Leeds",
)
ENTRIES = {
    number: Entry(id=number, feed="f", title=title, language="en", published=NOW, first_seen=NOW)
    for number, title in enumerate(TITLES, 1)
}


def candidates() -> Candidates:
    counts = Counter(term for entry in ENTRIES.values() for term in terms(entry))
    return Candidates(match.rarity(TermCounts(documents=4, counts=counts)), Sources({}), {})


def correction(
    some: tuple[int, ...], others: tuple[int, ...], *, together: bool, hours: int = 0
) -> Correction:
    return Correction(entries=some, others=others, together=together, made_at=NOW + timedelta(hours=hours))


def strength(own: dict[str, float], one: int = 1, other: int = 2) -> float:
    from monitor.cluster.candidates import compare

    made = candidates()
    found = compare(made.of(ENTRIES[one]), made.of(ENTRIES[other]))
    return match.score(found, own) + own.get("bias", 0.0)


def test_a_merge_draws_such_reports_together_and_a_split_parts_them():
    before = strength({})
    merged = learn([correction((1,), (2,), together=True)], ENTRIES, candidates())
    split = learn([correction((1,), (2,), together=False)], ENTRIES, candidates())
    assert strength(split) < before < strength(merged)


def test_no_number_of_corrections_turns_the_model_over():
    own = learn([correction((1,), (2,), together=False)] * 200, ENTRIES, candidates())
    assert abs(own["bias"]) <= 0.5
    for name, change in own.items():
        if name != "bias":
            assert abs(change) <= 0.25 * abs(match.model().weights[name]) + 1e-9


def test_without_texts_or_corrections_nothing_is_learned():
    assert learn([], ENTRIES, candidates()) == {}
    assert learn([correction((1,), (2,), together=True)], {}, candidates()) == {}


def test_the_last_word_counts():
    apart = Apart([correction((1, 2), (3,), together=False)])
    assert apart(1, 3)
    assert apart(3, 2)
    assert not apart(1, 2)
    assert not apart(1, 4)
    again = Apart([*apart.corrections, correction((1, 2), (3,), together=True, hours=1)])
    assert not again(1, 3)


def test_groups_that_hold_the_two_sides_never_meet():
    apart = Apart([correction((1, 2), (3,), together=False)])
    assert apart.groups({1: 0, 2: 0, 3: 5, 4: 7}) == {(0, 5)}
    assert apart.any([4, 3], [2])
    assert not apart.any([4], [1, 2, 3])


def test_a_split_of_a_thousand_costs_no_pairs():
    apart = Apart([correction(tuple(range(1000)), tuple(range(1000, 2000)), together=False)])
    assert apart.any([5], [1999])
    assert sum(len(sides) for sides in apart._sides.values()) == 2000
