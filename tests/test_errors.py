from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from monitor.errors import culprits

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
