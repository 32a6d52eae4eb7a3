"""A TOML file as the user wrote it: what it says, the line of each key, and every fault found in it.

Takes text, gives a `TomlDocument`. The standard library's reader keeps no positions, so they are found here
by a second, lenient walk over text that it has accepted. That walk is made only to report a fault or to edit
a file.
"""

from __future__ import annotations

import json
import re
import tomllib
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from monitor.errors import Fault

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

Place = tuple[str | int, ...]
"""Where something stands: ("feed", 1, "url") is the second feed's address."""

# Strings of several lines first: a `"` begins them too. Three to five quotes close one, as two may belong to
# it (TOML 1.0).
_TOKEN: Final = re.compile(
    r'(?P<string>"""(?:[^\\]|\\.)*?"{3,5}|\'\'\'.*?\'{3,5}|"(?:[^"\\\n]|\\.)*"|\'[^\'\n]*\')'
    r"|(?P<comment>\#[^\n]*)|(?P<newline>\n)|(?P<mark>[\[\]{}=,.])|(?P<bare>[^\s\[\]{}=,.\"'#]+)",
    re.DOTALL,
)


class Comment(NamedTuple):
    """A comment as it stands there: its line, counted from 1, where it begins, and its text with the `#`."""

    line: int
    start: int
    text: str


class Spot(NamedTuple):
    """Where a key or a table's head stands: its line, counted from 1, and the text from `start` to `end`."""

    line: int
    start: int
    value: int
    """Where the value begins; for a table's head, its end."""
    end: int


class TomlDocument:
    """One file. `data` is what it says; faults are noted as they are found and reported together."""

    def __init__(self, name: str, text: str) -> None:
        self.name = name
        self.text = text
        self.data: dict[str, Any] = {}
        self.faults: list[Fault] = []
        try:
            self.data = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            # The one place where Python 3.11 says the line: it has no attributes for it before 3.14.
            message, _, where = str(error).partition(" (at ")
            line = re.search(r"line (\d+)", where)
            at = int(line[1]) if line else text.count("\n") + 1
            self.faults.append(Fault(name, "", message.lower().replace("toml", "TOML"), line=at))
        except ValueError:  # of more digits than Python reads
            self.faults.append(Fault(name, "", "a number has thousands of digits"))
        except RecursionError:
            self.faults.append(Fault(name, "", "brackets within brackets without end"))

    @classmethod
    def read(cls, path: Path) -> TomlDocument:
        """Read a file. A missing one says nothing; what keeps one from being read is its first fault."""
        try:
            # With "-sig": Notepad puts a byte order mark in front, which TOML does not allow.
            return cls(path.name, path.read_bytes().decode("utf-8-sig"))
        except FileNotFoundError:
            return cls(path.name, "")
        except UnicodeDecodeError as error:
            document = cls(path.name, "")
            line = error.object.count(b"\n", 0, error.start) + 1
            document.faults.append(Fault(path.name, "", "not valid UTF-8 text", line=line))
            return document
        except OSError as error:
            document = cls(path.name, "")
            reason = (error.strerror or "cannot be read").lower()
            document.faults.append(Fault(str(path), "", reason))
            return document

    def fault(self, place: Place, message: str) -> None:
        """Note what is wrong at a place, with its line."""
        self.faults.append(Fault(self.name, shown(place), message, line=self.line(place)))

    def sorted_faults(self) -> list[Fault]:
        """Return the faults in the order of the file's lines."""
        return sorted(self.faults, key=lambda fault: fault.line)

    def line(self, place: Place) -> int:
        """Return the line of a place or of the first thing in it, else of what is around it; 0 for none."""
        while place:
            if place in self.spots:
                return self.spots[place].line
            inside = [spot.line for other, spot in self.spots.items() if other[: len(place)] == place]
            if inside:
                return min(inside)
            place = place[:-1]
        return 0

    @cached_property
    def spots(self) -> dict[Place, Spot]:
        """Where every key, element and table's head stands."""
        return dict(_Walk(self.text).statements())

    @cached_property
    def comments(self) -> tuple[Comment, ...]:
        """Every comment, in order."""
        found = (token for token in _tokens(self.text) if token.kind == "comment")
        return tuple(Comment(token.line, token.start, token.text.rstrip()) for token in found)


def spelt(value: object) -> str:
    """Write a string, number, boolean or list of them as TOML; JSON is the same but for DEL."""
    # TOML 1.0 forbids DEL in a string and JSON does not: a title that held one made feeds.toml unreadable.
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def shown(place: Place) -> str:
    """Write a place as a person counts it: `feed[1].url` is the first feed's."""
    parts = (f"[{part + 1}]" if isinstance(part, int) else f".{_key(part)}" for part in place)
    return "".join(parts).removeprefix(".")


def _key(name: str) -> str:
    """Return a key as it stands in a file: in quotes unless it is bare."""
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else spelt(name)


class _Token(NamedTuple):
    kind: str
    text: str
    line: int
    start: int
    end: int


_END: Final = _Token("end", "", 0, 0, 0)


class _Walk:
    """Reads the tokens of text that is known to be TOML, and so need not be judged again."""

    def __init__(self, text: str) -> None:
        self._tokens = list(_tokens(text))
        self._next = 0
        self._lengths: dict[Place, int] = {}
        """How many tables each array of tables has had so far."""

    def statements(self) -> Iterator[tuple[Place, Spot]]:
        table: Place = ()
        while (token := self._peek()).kind != "end":
            if token.text == "[" and token.kind == "mark":
                table, spot = self._head()
                yield table, spot
            else:
                yield from self._assignment(table)

    def _head(self) -> tuple[Place, Spot]:
        """Read `[table]` or `[[table]]`: the place that the keys below it belong to."""
        first = self._take()
        is_array = self._tokens[self._next].text == "["
        if is_array:
            self._take()
        *outer, last = self._key()
        place: Place = ()
        for part in outer:
            place = self._within((*place, part))
        place = (*place, last)
        if is_array:
            self._lengths[place] = self._lengths.get(place, 0) + 1
            self._take()
        end = self._take().end
        return self._within(place), Spot(first.line, first.start, end, end)

    def _within(self, place: Place) -> Place:
        return (*place, self._lengths[place] - 1) if place in self._lengths else place

    def _key(self) -> list[str]:
        parts = [_name(self._take())]
        while self._peek().text == ".":
            self._take()
            parts.append(_name(self._take()))
        return parts

    def _assignment(self, table: Place) -> Iterator[tuple[Place, Spot]]:
        first = self._peek()
        place = (*table, *self._key())
        self._take()  # the equals sign
        yield from self._value(place, first)

    def _value(self, place: Place, first: _Token) -> Iterator[tuple[Place, Spot]]:
        """Read a value; the place's own spot comes after those of what lies in it."""
        opening = self._take()
        end = opening
        if opening.text == "[":
            index = 0
            while (token := self._peek()).text != "]" and token.kind != "end":
                if token.text == ",":
                    self._take()
                    index += 1
                else:
                    yield from self._value((*place, index), token)
            end = self._take()
        elif opening.text == "{":
            while (token := self._peek()).text != "}" and token.kind != "end":
                if token.text == ",":
                    self._take()
                else:
                    yield from self._assignment(place)
            end = self._take()
        elif opening.kind == "bare":
            while self._goes_on():  # 1.5 and 1979-05-27 07:32:00 are several tokens
                end = self._take()
        yield place, Spot(first.line, first.start, opening.start, end.end)

    def _goes_on(self) -> bool:
        following = self._tokens[self._next] if self._next < len(self._tokens) else _END
        return following.text == "." or following.kind == "bare"

    def _peek(self) -> _Token:
        """Return the next token that says something."""
        while self._next < len(self._tokens) and self._tokens[self._next].kind in {"comment", "newline"}:
            self._next += 1
        return self._tokens[self._next] if self._next < len(self._tokens) else _END

    def _take(self) -> _Token:
        token = self._peek()
        self._next += 1
        return token


def _tokens(text: str) -> Iterator[_Token]:
    line = 1
    for match in _TOKEN.finditer(text):
        yield _Token(match.lastgroup or "", match[0], line, match.start(), match.end())
        line += match[0].count("\n")


def _name(token: _Token) -> str:
    return str(tomllib.loads(f"key = {token.text}")["key"]) if token.kind == "string" else token.text
