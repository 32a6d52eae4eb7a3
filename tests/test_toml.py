"""The lines of a TOML file: every key, element and table of any file that the standard library can read."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from monitor.toml import TomlDocument, shown

ROOT = Path(__file__).resolve().parents[1]
WILD = r'''# [not.a.table]
title = "a # no comment" # but this
"quoted key" = 'C:\path'
dotted . "k.e.y" = 1.5
when = 1979-05-27 07:32:00.5
text = """
[no.table]
a = "b\"""" # end
raw = @
x = 'y@'
list = [ # first
  "one", [2, 3.0], # two
  { a = "x", b = [ "y" ] },
]
[a.b]
c = { d.e = true }
[[feed]]
url = "1"
[feed.inner]
x = 1
[[feed]]
[[feed.list]]
z = 1
[[feed.list]]
z = 2
'''.replace("@", "'" * 3)


def values(value, place=()):
    """Yield every place of a document with its value."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from values(inner, (*place, key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from values(inner, (*place, index))
    else:
        yield place, value


@pytest.mark.parametrize(
    "text",
    [
        WILD,
        WILD.replace("\n", "\r\n"),
        *(path.read_text("utf-8") for path in sorted(ROOT.glob("monitor/**/*.toml"))),
        *(path.read_text("utf-8") for path in sorted(ROOT.glob("config/*.toml"))),
        (ROOT / "pyproject.toml").read_text("utf-8"),
    ],
)
def test_every_value_is_found_where_it_stands(text):
    document = TomlDocument("x", text)
    assert document.faults == []
    for place, value in values(document.data):
        spot = document.spots[place]
        there = tomllib.loads(f"value = {text[spot.value : spot.end]}")["value"]
        assert there == value, place
        assert text.count("\n", 0, spot.start) + 1 == spot.line


@pytest.mark.parametrize(
    ("place", "line"),
    [
        (("list", 1, 1), 12),
        (("list", 2, "b", 0), 13),
        (("a", "b", "c", "d", "e"), 16),
        (("feed",), 17),
        (("feed", 0, "inner", "x"), 20),
        (("feed", 1, "missing"), 21),
        (("feed", 1, "list", 1, "z"), 25),
        (("nowhere", 3), 0),
    ],
)
def test_a_place_has_its_line_or_that_of_what_is_around_it(place, line):
    assert TomlDocument("x", WILD).line(place) == line


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("a = 1\nb =\n", "x:2: invalid value"),
        ("a = [1,\n", "x:2: "),
        ('a = "', "x:1: "),
        ("a = 1\na = 2\n", "x:2: cannot overwrite a value"),
        (f"a = {'[' * 5000}{']' * 5000}", "x: brackets within"),
    ],
)
def test_what_is_no_toml_is_one_fault_with_its_line(text, fault):
    (found,) = TomlDocument("x", text).faults
    assert str(found).startswith(fault)


def test_places_are_shown_as_people_count():
    assert shown(("feed", 1, "tags", 0)) == "feed[2].tags[1]"


def test_a_number_that_python_does_not_read_is_a_fault():
    document = TomlDocument("x.toml", f"a = 1{'0' * 5000}")
    assert [fault.message for fault in document.faults] == ["a number has thousands of digits"]
