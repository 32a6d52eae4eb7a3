from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.errors import StoreError, culprits, raise_unexpected

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


def test_no_bugs_raise_nothing() -> None:
    raise_unexpected("polling", [])
    with pytest.raises(ExceptionGroup, match="polling met errors that nobody expected"):
        raise_unexpected("polling", [ValueError("bug")])
