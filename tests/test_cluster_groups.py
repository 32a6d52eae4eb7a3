from __future__ import annotations

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.cluster.groups import Link, group


def grouping(groups: int, scores: dict[tuple[int, int], float], *, near=None, **more) -> list[int]:
    def link(one: int, other: int) -> Link:
        return Link.of([scores.get((one, other), -6.0)])

    return group(groups, set(scores) if near is None else near, link, **({"threshold": 0.0} | more))


def test_a_strong_link_is_closed_and_a_weak_one_not():
    assert grouping(3, {(0, 1): 2.0, (1, 2): -2.0}) == [0, 0, 2]


def test_a_chain_does_not_hold():
    assert grouping(3, {(0, 1): 3.0, (1, 2): 1.5}) == [0, 0, 2]
    assert grouping(3, {(0, 1): 3.0, (1, 2): 1.5, (0, 2): 1.0}) == [0, 0, 0]


def test_of_two_links_beyond_the_ceiling_the_nearer_is_closed_first():
    # Two open stories, and a report that resembles both; it went to the older one.
    assert grouping(3, {(0, 2): 6.1, (1, 2): 10.0}, cannot_link={(0, 1)}) == [0, 1, 1]


def test_the_strongest_link_is_closed_first():
    assert grouping(3, {(0, 1): 1.0, (1, 2): 3.0}) == [0, 1, 1]


def test_the_whole_groups_are_asked_before_a_link_is_closed_and_those_refused_never_meet():
    asked = []

    def closes(one, other, link):
        asked.append((tuple(one), tuple(other), link.pairs))
        return len(one) + len(other) < 4

    scores = {(0, 1): 5.0, (2, 3): 4.0, (0, 2): 3.0, (0, 3): 3.0, (1, 2): 3.0, (1, 3): 3.0}
    assert grouping(4, scores, closes=closes) == [0, 0, 2, 2]
    assert asked == [((0,), (1,), 1), ((2,), (3,), 1), ((0, 1), (2, 3), 4)]


def test_parted_groups_never_meet_not_even_over_a_third():
    scores = {(0, 1): 6.0, (0, 2): 5.0, (1, 2): 6.0}
    assert grouping(3, scores, cannot_link={(0, 2)}) == [0, 0, 2]
    assert grouping(3, scores, cannot_link={(0, 1), (0, 2), (1, 2)}) == [0, 1, 2]


def test_a_group_that_absorbed_a_parted_one_is_parted_too():
    scores = {(0, 1): 6.0, (0, 2): 5.5, (0, 3): 6.0, (1, 2): 6.0, (1, 3): 5.0, (2, 3): 6.0}
    roots = grouping(4, scores, cannot_link={(2, 3)})
    assert roots[2] != roots[3]


def test_pairs_that_were_not_near_are_compared_before_they_count():
    scores = {(0, 1): 6.0, (1, 2): 1.5, (0, 2): 1.0}
    assert grouping(3, scores, near={(0, 1), (1, 2)}) == [0, 0, 0]
    assert grouping(3, {**scores, (0, 2): -6.0}, near={(0, 1), (1, 2)}) == [0, 0, 2]


def test_a_pair_that_was_not_near_may_be_the_loudest():
    asked = []

    def closes(_one, _other, link):
        asked.append(link)
        return True

    grouping(3, {(0, 1): 6.0, (1, 2): 5.0, (0, 2): 9.0}, near={(0, 1), (1, 2)}, closes=closes)
    assert asked == [Link(1, 6.0, 6.0, 6.0), Link(2, 11.0, 6.0, 9.0)]


def test_of_hundreds_that_are_alike_not_every_pair_is_compared():
    compared = []

    def link(one: int, other: int) -> Link:
        compared.append((one, other))
        return Link.of([5.0])

    number = 400
    near = {(one, other) for one in range(number) for other in range(one + 1, min(number, one + 13))}
    assert group(number, near, link, threshold=0.0) == [0] * number
    assert len(compared) < number * number / 8


def test_of_two_crowds_that_were_not_near_some_pairs_stand_for_all():
    compared, asked = set(), {}

    def link(one: int, other: int) -> Link:
        compared.add((one, other))
        return Link.of([6.0 if (one < 20) == (other < 20) else 3.0])

    def closes(one, other, link):
        asked[len(one), len(other)] = link
        return True

    crowds, between = (range(20), range(20, 40)), 40
    near = {pair for crowd in crowds for pair in combinations(crowd, 2)} | {(0, between), (20, between)}
    assert group(41, near, link, threshold=0.0, closes=closes) == [0] * 41
    assert sum(one < 20 <= other < between for one, other in compared) == 24
    assert asked[20, 21] == Link(20 * 21, 20 * 21 * 3.0, 3.0, 3.0)


def test_pairs_that_are_not_compared_count_like_those_that_are():
    asked = {}

    def closes(one, other, link):
        asked[len(one), len(other)] = link
        return True

    old, new, newest = range(30), 30, 31
    scores = dict.fromkeys(combinations(old, 2), 6.0) | {(one, newest): 4.0 for one in old}
    near = {*scores, (new, newest)}
    scores |= {(new, newest): 5.0} | {(one, new): 2.0 for one in old}
    assert grouping(32, scores, near=near, closes=closes) == [0] * 32
    assert asked[30, 2] == Link(60, 30 * 4.0 + 30 * 2.0, 4.0, 4.0)


@pytest.mark.parametrize(("joining", "pairs", "total"), [(3, 30, 120.0), (4, 34, 128.0)])
def test_a_large_group_s_link_stands_for_a_tenth_as_many_that_join_it(joining, pairs, total):
    asked = {}

    def closes(one, other, link):
        asked[len(one), len(other)] = link
        return True

    large, small, third = range(30), range(30, 30 + joining), 30 + joining
    scores = {pair: 6.0 for some in (large, small) for pair in combinations(some, 2)}
    scores |= {(one, other): 5.0 for one in large for other in small} | {(one, third): 4.0 for one in large}
    near = {*scores}
    scores |= {(one, third): 2.0 for one in small}
    assert grouping(third + 1, scores, near=near, closes=closes) == [0] * (third + 1)
    assert asked[30 + joining, 1] == Link(pairs, total, 4.0, 4.0)


def test_one_pair_cannot_shout_down_the_rest():
    assert Link.of([1000.0]) == Link(1, 6.0, 6.0, 1000.0)


@given(st.lists(st.floats(-8, 8), min_size=15, max_size=15), st.floats(-2, 2))
def test_a_grouping_is_a_partition_that_names_each_cluster_by_its_lowest(values, threshold):
    scores = dict(zip(combinations(range(6), 2), values, strict=True))
    roots = grouping(6, scores, threshold=threshold)
    assert all(roots[root] == root <= number for number, root in enumerate(roots))
    assert roots == grouping(6, scores, threshold=threshold)
