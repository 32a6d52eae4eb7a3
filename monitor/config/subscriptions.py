"""Edits of feeds.toml for the user: every other line, comments included, stays as it is.

An edit is made in memory, checked as `load` would check it, and only then written: in one step, keeping the
file's mode and owner, and the place behind a link.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from monitor import setting_kinds, values
from monitor.config import feedlist, tables
from monitor.config.feedlist import NAME, same_address
from monitor.disk import write_atomically
from monitor.errors import ConfigError, Fault, MonitorError
from monitor.models import Feed
from monitor.toml import TomlDocument, spelt
from monitor.url import redact_url

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path


def _fitting(wanted: str, known: Mapping[str, Feed]) -> Feed | None:
    """Return the one feed of these that is named so; raise MonitorError when several may be."""
    titles = {feed: feed.title.casefold() for feed in known.values() if feed.title and wanted}
    for fits in (
        [feed for feed in known.values() if redact_url(feed.url) == wanted.strip()],
        [feed for feed, title in titles.items() if title == wanted.casefold()],
        [feed for feed, title in titles.items() if wanted.casefold() in title],
    ):
        # The whole address, then a whole title, then a part of one: the first that names exactly one.
        if len(fits) == 1:
            return fits[0]
        if fits:
            names = ", ".join(f"{feed.title} ({redact_url(feed.url)})" for feed in fits)
            raise MonitorError(f"{wanted!r} may be one of several: {names}; give the full address")
    return None


class Subscriptions:
    """A feeds.toml being edited; `save` writes it. Raises ConfigError when it cannot be read."""

    def __init__(self, directory: Path) -> None:
        self._path = directory / NAME
        document = TomlDocument.read(self._path)
        self._read = document.text
        self._take(document)

    # Version 1.0 wrote the file unchecked: one imported address with port 99999 made every later command
    # fail.
    def _take(self, document: TomlDocument) -> None:
        """Continue with a document, provided that it loads."""
        feeds = feedlist.read(document)
        if document.faults:
            raise ConfigError(document.sorted_faults())
        self._document = document
        self._feeds = {same_address(feed.url): feed for feed in feeds}

    @property
    def feeds(self) -> tuple[Feed, ...]:
        """The feeds that are followed or listed, with what the curated list says of them."""
        return tuple(self._feeds.values())

    def find(self, wanted: str) -> Feed:
        """Return the feed with an address or title; a curated one that is not followed only if no other fits.

        The address may be spelt differently or masked, and the title may be only a part of it. Raises
        MonitorError.
        """
        known = {**feedlist.curated(), **self._feeds}
        if found := known.get(same_address(wanted.strip())):
            return found
        # Followed feeds come first: "Kultur" means the user's own feed, however many curated feeds have that
        # name.
        for among in (self._feeds, known):
            if found := _fitting(wanted, among):
                return found
        raise MonitorError(f"{redact_url(wanted) or repr(wanted)} is not in the list")

    def add(self, feeds: Iterable[Feed]) -> list[Feed]:
        """Append those feeds that are not listed yet, switched on or off, and return them."""
        new = {same_address(feed.url): feed for feed in feeds if same_address(feed.url) not in self._feeds}
        self._append(*new.values())
        return list(new.values())

    def remove(self, feed: Feed) -> bool:
        """Remove a feed; False when it could only be switched off, because its group is followed."""
        index = self._index(feed)
        if index is not None:
            self._cut(index)
        if same_address(feed.url) in self._feeds:
            self._append(Feed(url=feed.url, enabled=False))
            return False
        return True

    def switch(self, feed: Feed, *, on: bool) -> None:
        """Start or stop polling a feed."""
        index = self._index(feed)
        if index is None:
            if on != (feed.enabled and same_address(feed.url) in self._feeds):
                self._append(Feed(url=feed.url, enabled=on))
            return
        if not on:
            self._set(index, "enabled", value=False)
            return
        table = self._tables()[index]
        shipped = feedlist.curated().get(same_address(feed.url))
        if table.keys() <= {"url", "enabled"} and self._follows(feed) and shipped and shipped.enabled:
            self._cut(index)  # nothing is left that the curated list does not say
        elif "enabled" in table:
            self._set(index, "enabled", value=True)

    def rename(self, feed: Feed, title: str) -> None:
        """Give a feed the title that the digest shows for it."""
        if self._index(feed) is None:
            self._append(Feed(url=feed.url))
        index = self._index(feed)
        assert index is not None
        self._set(index, "title", value=title)

    def move(self, feed: Feed, url: str) -> None:
        """Follow a feed at another address, with all its settings.

        Raises MonitorError when that address is followed already.
        """
        is_another = same_address(url) != same_address(feed.url)
        if is_another and same_address(url) in self._feeds:
            raise MonitorError(
                f"{redact_url(url)} is in the list already; `monitor feeds remove` takes one of the two out"
            )
        index = self._index(feed)
        moved = replace(feed, url=url)
        if index is None:
            self._append(moved)
        else:
            there = self._tables()[index].keys()
            self._set(index, "url", value=url)
            # What the curated list said of it goes with it.
            new = written(moved).items() if same_address(feed.url) in feedlist.curated() else ()
            for key, value in new:
                if key not in there:
                    self._set(index, key, value=value)
        if is_another and self._follows(feed):
            self._append(Feed(url=feed.url, enabled=False))

    def save(self) -> None:
        """Write the file. Raises MonitorError when that fails; the old file is then unchanged."""
        if TomlDocument.read(self._path).text != self._read:
            raise MonitorError(
                f"{NAME} was changed by somebody else meanwhile: it was left as it is; run this again"
            )
        write(self._path, self._document.text)
        self._read = self._document.text

    def _tables(self) -> list[dict[str, Any]]:
        return list(self._document.data.get("feed", []))

    def _index(self, feed: Feed) -> int | None:
        """Return which [[feed]] of the file is about a feed."""
        key = same_address(feed.url)
        own = (i for i, table in enumerate(self._tables()) if same_address(str(table.get("url"))) == key)
        return next(own, None)

    def _follows(self, feed: Feed) -> bool:
        """Tell whether a feed is followed with its group, whatever else the file says."""
        shipped = feedlist.curated().get(same_address(feed.url))
        return shipped is not None and shipped.group in feedlist.follow(self._document)

    def _append(self, *feeds: Feed) -> None:
        text = self._document.text
        for feed in feeds:
            table = "".join(f"{key} = {spelt(value)}\n" for key, value in written(feed).items())
            text = f"{text.rstrip()}\n\n[[feed]]\n{table}".lstrip("\n")
        self._edit(text)

    def _cut(self, index: int) -> None:
        """Take a table out; comments behind it belong to what follows."""
        text, (start, end) = self._document.text, self._span(index)
        end = _end_of_line(text, end)
        while end < len(text) and not text[end : _end_of_line(text, end)].strip():
            end = _end_of_line(text, end)
        self._edit(text[:start] + text[end:])

    def _set(self, index: int, key: str, *, value: object) -> None:
        """Give a key of a table a value, in its place or behind the table's last key."""
        text, spot = self._document.text, self._document.spots.get(("feed", index, key))
        if spot is not None:
            self._edit(text[: spot.value] + spelt(value) + text[spot.end :])
            return
        end = _end_of_line(text, self._span(index)[1])
        before = text[:end] if text[:end].endswith("\n") else text[:end] + "\n"
        self._edit(f"{before}{key} = {spelt(value)}\n{text[end:]}")

    def _span(self, index: int) -> tuple[int, int]:
        """Return where a [[feed]] begins and where its last value ends."""
        spots = self._document.spots
        head = spots[("feed", index)]
        if not self._document.text.startswith("[[", head.start):
            fault = Fault(NAME, f"feed[{index + 1}]", "is no [[feed]] table: edit the file", line=head.line)
            raise ConfigError([fault])
        return head.start, max(spot.end for place, spot in spots.items() if place[:2] == ("feed", index))

    def _edit(self, text: str) -> None:
        if "\r\n" in self._read:  # as Notepad writes it; a list of two kinds of line ends is none's
            text = re.sub(r"\r?\n", "\r\n", text)
        self._take(TomlDocument(NAME, text))


def written(feed: Feed) -> dict[str, object]:
    """Return what a [[feed]] has to say: nothing that is the default or that the curated list says."""
    shipped = feedlist.curated().get(same_address(feed.url))
    table: dict[str, object] = {}
    for setting in tables.settings_of(Feed):
        value = getattr(feed, setting.field)
        is_new = setting.key in {"url", "enabled"} or value != getattr(shipped, setting.field, None)
        if is_new and value != setting.default:
            table[setting.key] = setting.kind.write(value)
    return table


def feed_of(url: str, texts: Mapping[str, str], *, lenient: bool = False) -> Feed:
    """Make a feed from texts: options of a command, or attributes of an OPML list; "" says nothing.

    Raises ValueError when the address is not valid or, unless `lenient`, when another value is not.
    """
    found: dict[str, Any] = {"url": values.web_address(url)}
    for setting in tables.settings_of(Feed):
        if setting.key == "url" or not texts.get(setting.key):
            continue
        try:
            found[setting.field] = _of_text(setting.kind, texts[setting.key])
        except ValueError as error:
            if not lenient:
                raise ValueError(f"{setting.key}: {error}") from error
    return Feed(**found)


def _of_text(kind: setting_kinds.Kind[Any], text: str) -> object:
    """Read a value from an attribute: as a text, or else as the number or switch that the text spells."""
    try:
        return kind.read(text)
    except ValueError:
        # OPML has texts alone: weight="2" and enabled="false" are read as TOML would have them.
        value = TomlDocument("", f"value = {text}").data.get("value")
        if value is None:
            raise
        return kind.read(value)


def to_attributes(feed: Feed) -> dict[str, str]:
    """Return what an OPML list says of a feed beside address, title, language and categories."""
    found = {}
    standard = {"url", "title", "language"}
    # A category is a path, and a comma ends it: a tag that has either stands in an attribute of our own.
    if all(tag.strip(" /") == tag and "," not in tag for tag in feed.tags):
        standard.add("tags")
    for setting in tables.settings_of(Feed):
        value = getattr(feed, setting.field)
        if setting.key not in standard and value != setting.default:
            plain = setting.kind.write(value)
            found[setting.key] = plain if isinstance(plain, str) else spelt(plain)
    return found


def write(path: Path, text: str) -> None:
    """Replace a file of the configuration. Raises ConfigError; the old one then stands."""
    try:
        write_atomically(path, text.encode())
    except OSError as error:
        raise ConfigError([Fault(str(path), "", f"cannot be written: {error.strerror}")]) from error


def _end_of_line(text: str, place: int) -> int:
    end = text.find("\n", place)
    return len(text) if end < 0 else end + 1
