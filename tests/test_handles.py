"""Handles are read in the same way by every command and by the reading page."""

from __future__ import annotations

import pytest

from monitor import handles


@pytest.mark.parametrize(
    ("text", "handle"),
    [
        ("s412", ("s", 412)),
        (" E9071\n", ("e", 9071)),
        ("17", ("", 17)),
        ("1" * 15, ("", int("1" * 15))),
    ],
)
def test_a_handle_is_read_in_capitals_and_with_blanks_around_it(text, handle):
    assert handles.read(text) == handle


@pytest.mark.parametrize("text", ["", "s", "a12", "s 12", "e-1", "1.5", "٣", "1" * 16, "s12 e13"])
def test_any_other_text_is_no_handle(text):
    assert handles.read(text) is None
