from __future__ import annotations

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.evaluate.stories import score

PAIRS = st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 3)), min_size=1, max_size=12)


def test_scores_are_those_worked_out_by_hand():
    found = score([("a", 1), ("a", 1), ("a", 2), ("b", 2)])
    assert found.records == 4
    assert found.bcubed.precision == pytest.approx((1 + 1 + 0.5 + 0.5) / 4)
    assert found.bcubed.recall == pytest.approx((2 / 3 + 2 / 3 + 1 / 3 + 1) / 4)
    assert [found.pairwise.precision, found.pairwise.recall] == pytest.approx([1 / 2, 1 / 3])
    assert found.pairwise.f1 == pytest.approx(0.4)


def test_agreement_and_nothing_are_perfect():
    for pairs in ([("a", 1), ("b", 2)], []):
        found = score(pairs)
        assert found.bcubed.f1 == found.pairwise.f1 == 1.0


def test_no_pair_right_is_zero_and_no_error():
    assert score([("a", 1), ("b", 1), ("a", 2), ("b", 2)]).pairwise.f1 == 0.0


@given(PAIRS)
def test_the_fast_sums_are_those_of_the_definition(pairs):
    size = len(pairs)
    alike = [[(g == h, s == t) for h, t in pairs] for g, s in pairs]
    precision = sum(sum(g and s for g, s in row) / sum(s for _, s in row) for row in alike) / size
    recall = sum(sum(g and s for g, s in row) / sum(g for g, _ in row) for row in alike) / size
    both = sum(g == h and s == t for (g, s), (h, t) in combinations(pairs, 2))
    assigned = sum(s == t for (_, s), (_, t) in combinations(pairs, 2))
    found = score(pairs)
    assert found.bcubed.precision == pytest.approx(precision)
    assert found.bcubed.recall == pytest.approx(recall)
    assert found.pairwise.precision == pytest.approx(both / assigned if assigned else 1.0)


@given(PAIRS)
def test_swapping_the_sides_swaps_precision_and_recall(pairs):
    there, back = score(pairs), score((assigned, labelled) for labelled, assigned in pairs)
    assert there.bcubed.precision == pytest.approx(back.bcubed.recall)
    assert there.pairwise.recall == pytest.approx(back.pairwise.precision)
