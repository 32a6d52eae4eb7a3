from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.errors import DamageError, StoreError, culprits, each, raise_unexpected

if TYPE_CHECKING:
    from collections.abc import Sequence


@given(st.sets(st.integers(0, 40)), st.integers(0, 41))
def test_culprits_are_those_that_an_attempt_fails_over(bad: set[int], count: int) -> None:
    def attempt(some: Sequence[int]) -> None:
        for one in some:
            if one in bad:
                raise ValueError(one)

    found = culprits(range(count), attempt)
    assert [one for one, _ in found] == [one for one in range(count) if one in bad]
    assert [bug.args[0] for _, bug in found] == [one for one, _ in found]


def test_what_is_expected_has_no_culprit() -> None:
    def attempt(_: Sequence[int]) -> None:
        raise StoreError("the disk is full")

    with pytest.raises(StoreError, match="full"):
        culprits([1, 2], attempt)


def test_of_two_that_fail_only_together_the_later_is_left_out() -> None:
    def attempt(some: Sequence[int]) -> None:
        if {2, 5} <= set(some):
            raise ValueError

    assert [one for one, _ in culprits(range(9), attempt)] == [5]


def test_what_fails_without_any_of_them_is_nobodys() -> None:
    tried: list[Sequence[int]] = []

    def attempt(some: Sequence[int]) -> None:
        tried.append(some)
        raise ValueError

    assert culprits(range(1000), attempt) == []
    assert tried == [()]


def test_each_is_done_by_itself_and_what_is_expected_is_raised() -> None:
    def do(one: int) -> int:
        if one in {2, 3}:
            raise (DamageError if one == 2 else KeyError)("bad")
        if one > 8:
            raise OSError("the disk is full")
        return one * one

    done, bugs = each(range(5), do)
    assert done == {0: 0, 1: 1, 4: 16}
    assert {one: type(bug) for one, bug in bugs.items()} == {2: DamageError, 3: KeyError}
    with pytest.raises(OSError, match="full"):
        each([9], do)


def test_no_bugs_raise_nothing() -> None:
    raise_unexpected("polling", [])
    with pytest.raises(ExceptionGroup, match="polling met errors that nobody expected"):
        raise_unexpected("polling", [ValueError("bug")])
