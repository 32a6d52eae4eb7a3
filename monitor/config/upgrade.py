"""Upgrade a configuration of version 1.0: the user's changes stay, the rest comes from the package.

In 1.0, `init` wrote the whole list of feeds and all themes into the user's folder. What the user changed
there is found by comparing the files with those of 1.0, which are kept in `topic/1.0`. monitor.toml gets the
settings that are new. No key was renamed, but scores are products now and were sums before, so an alert from
10 on, which 1.0 wrote as the default, would hardly ever come. Takes texts and gives texts; the user's
comments stay beside what they belong to.
"""

from __future__ import annotations

import gzip
import re
import tomllib
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from monitor.config import feedlist, tables, themes
from monitor.config.feedlist import same_address
from monitor.config.own import differences
from monitor.config.places import FILES, TOPIC, starter
from monitor.config.subscriptions import written
from monitor.models import Feed
from monitor.toml import TomlDocument, spelt

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from monitor.config.own import Difference
    from monitor.toml import Comment, Place

# A group of which the user has kept this share is followed from now on.
_HALF: Final = 0.5


def _of_1_0(name: str) -> str:
    return gzip.decompress((TOPIC / "1.0" / f"{name}.gz").read_bytes()).decode()


def lift_feeds(text: str) -> str | None:
    """Return a feeds.toml of 1.0 as groups and what differs from them; None when there is nothing to lift."""
    document = TomlDocument(feedlist.NAME, text)
    before = _of_1_0(feedlist.NAME)
    old = {same_address(table["url"]): table for table in tomllib.loads(before)["feed"]}
    listed = {same_address(str(table.get("url"))): table for table in document.data.get("feed", [])}
    if document.faults or "follow" in document.data or not listed.keys() & old.keys():
        return None
    # Comments that version 1.0 wrote are not the user's, and go with what they stood beside.
    known = set(map(str.strip, before.splitlines()))
    groups = [group for group in feedlist.groups() if _kept(group, old, listed)]
    parts = [_starter_head(feedlist.NAME), f"follow = {spelt(groups)}"]
    for index, (address, table) in enumerate(listed.items()):
        comments, body = _table(document, index, known)
        kept = _feed_table(address, table, old.get(address), groups, body)
        if kept != body:
            comments += _comments_in(document, index, known)
        if kept or comments:
            parts.append("\n".join(filter(None, [*comments, kept])))
    # A curated feed that the user had taken out of the file must not come back with its group.
    gone = [
        feed.url
        for address, feed in feedlist.curated().items()
        if feed.group in groups and address in old and address not in listed
    ]
    parts += [f"[[feed]]\nurl = {spelt(url)}\nenabled = false" for url in gone]
    tail = document.text[max(spot.end for spot in document.spots.values()) :].partition("\n")[2]
    parts.append("\n".join(line for line in map(str.strip, tail.splitlines()) if line and line not in known))
    return "\n\n".join(filter(None, parts)) + "\n"


def _kept(group: str, old: Mapping[str, Any], listed: Mapping[str, Any]) -> bool:
    members = [a for a, feed in feedlist.curated().items() if feed.group == group and a in old]
    on = [a for a in members if a in listed and listed[a].get("enabled", True)]
    return bool(members) and len(on) >= _HALF * len(members)


def _feed_table(
    address: str, table: Mapping[str, Any], old: Mapping[str, Any] | None, groups: list[str], body: str
) -> str:
    """Return what is still to be said of a feed: all of it, what differs, or nothing."""
    shipped = feedlist.curated().get(address)
    if shipped is None:
        return body
    followed = shipped.group in groups
    changed = {key: value for key, value in table.items() if old is None or old.get(key) != value}
    differs = _over_curated({**changed, "url": table["url"], "enabled": table.get("enabled", True)})
    if differs.keys() == {"url"} and followed and shipped.enabled:
        return ""
    if differs.keys() == {"url", "enabled"} and not followed:  # it is off with its group
        return ""
    return "\n".join(["[[feed]]", *(f"{key} = {spelt(value)}" for key, value in differs.items())])


def _over_curated(table: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return of a feed's keys those that the curated list says otherwise."""
    feed = tables.read(Feed, TomlDocument("", ""), (), table)
    return table if feed is None else written(feed)


class _Table(NamedTuple):
    """A [[feed]] as the user left it."""

    comments: list[str]
    """Those above it that are the user's own."""
    body: str


def _table(document: TomlDocument, index: int, known: set[str]) -> _Table:
    """Return a [[feed]] by its number."""
    spots = document.spots
    start = spots[("feed", index)].start
    end = max(spot.end for place, spot in spots.items() if place[:2] == ("feed", index))
    lines = document.text[:start].splitlines()
    above: list[str] = []
    while lines and (not lines[-1].strip() or lines[-1].lstrip().startswith("#")):
        above.insert(0, lines.pop().strip())
    comments = [line for line in above if line and line not in known]
    newline = document.text.find("\n", end)
    return _Table(comments, document.text[start : len(document.text) if newline < 0 else newline].strip())


def _comments_in(document: TomlDocument, index: int, known: set[str]) -> Iterator[str]:
    """Yield what the user remarked in a [[feed]]: behind its values, and on lines between them."""
    start = document.spots[("feed", index)].start
    last = max(spot.line for place, spot in document.spots.items() if place[:2] == ("feed", index))
    yield from (
        comment.text
        for comment in _own_comments(document, known)
        if comment.start > start and comment.line <= last
    )


def _own_comments(document: TomlDocument, known: set[str]) -> Iterator[Comment]:
    """Yield the comments that do not stand on a line of 1.0."""
    rows = document.text.splitlines()
    for comment in document.comments:
        if rows[comment.line - 1].strip() not in known:
            yield comment


def lift_themes(text: str) -> str | None:
    """Return a whole themes.toml of 1.0 as what differs from the shipped one; None when it is none.

    A whole file for another topic is marked as that.
    """
    document = TomlDocument(themes.NAME, text)
    if document.faults or "base" in document.data or not themes.stands_alone(document):
        return None
    before = _of_1_0(themes.NAME)
    old = tomllib.loads(before)
    if not document.data["beat"].keys() & old["beat"].keys():
        return f"base = false\n\n{text}"
    shipped = themes.shipped()
    found = list(differences(document.data, old))
    known = set(map(str.strip, before.splitlines()))
    remarks = _remarks(document, known)
    lines = _without(found, shipped)
    for table, more in _added(found, document, remarks):
        lines.setdefault(table, []).append(more)
    parts = [_starter_head(themes.NAME)]
    for table in sorted(lines, key=bool):  # what stands at the head of the file comes first
        above = [remark for depth in range(1, len(table) + 1) for remark in remarks.pop(table[:depth], ())]
        head = [f"[{'.'.join(map(_key, table))}]"] if table else []
        parts.append("\n".join([*above, *head, *lines[table]]))
    # What stood beside nothing that is still there.
    text = "\n\n".join(parts) + "\n"
    there = {line.strip() for line in text.splitlines()}
    left = [comment.text for comment in _own_comments(document, known) if comment.text not in there]
    return "\n".join([text, *left, ""]) if left else text


def _without(found: Iterable[Difference], shipped: Any) -> dict[Place, list[str]]:
    """Return by table what the user has taken out and what is still shipped: whole targets, and phrases."""
    left_out: dict[Place, list[str]] = {}
    for item in found:
        kind, *rest = item.place or ("",)
        if item.sign != "-":
            continue
        if kind in {"beat", "theme"} and not rest and item.value in shipped[kind]:
            left_out.setdefault((), []).append(f"{kind}.{item.value}")
        elif item.value in (_at(shipped, item.place) or ()) and isinstance(_at(shipped, item.place), list):
            table = item.place[:2] if kind in {"beat", "theme"} else item.place[:1]
            left_out.setdefault(table, []).append(item.value)
    return {table: [f"without = {_list(items, {})}"] for table, items in left_out.items()}


def _added(
    found: Iterable[Difference], document: TomlDocument, remarks: dict[Place, list[str]]
) -> Iterator[tuple[Place, str]]:
    """Yield what the user added or changed: the table, and what to write there."""
    lists: dict[Place, list[Any]] = {}
    for item in found:
        if isinstance(_at(document.data, item.place), list):
            lists.setdefault(item.place, []).extend([item.value] if item.sign == "+" else [])
        elif item.sign != "-":
            line = f"{_key(item.place[-1])} = {spelt(item.value)}"
            yield item.place[:-1], "\n".join([*remarks.pop(item.place, ()), line])
    for place, items in lists.items():
        there = _at(document.data, place)
        beside = {value: remarks.get((*place, there.index(value)), []) for value in items}
        if items:
            told = {remark for each in beside.values() for remark in each}
            above = [remark for remark in remarks.pop(place, ()) if remark not in told]
            yield place[:-1], "\n".join([*above, f"{_key(place[-1])} = {_list(items, beside)}"])


def _remarks(document: TomlDocument, known: set[str]) -> dict[Place, list[str]]:
    """Return the user's comments above and behind each thing that has a line."""
    rows = document.text.splitlines()
    own = {comment.line: comment.text for comment in _own_comments(document, known)}
    found: dict[Place, list[str]] = {}
    for place, spot in document.spots.items():
        above: list[str] = []
        number = spot.line - 1
        while number in own and rows[number - 1].lstrip().startswith("#"):
            above.insert(0, own[number])
            number -= 1
        end = spot.line + document.text.count("\n", spot.start, spot.end)
        behind = document.text[spot.end :].partition("\n")[0].lstrip(" ,\t]\r")
        if end in own and behind.startswith("#"):
            above.append(own[end])
        if above:
            found[place] = above
    return found


def _list(items: Iterable[Any], remarks: Mapping[Any, list[str]]) -> str:
    lines = []
    for item in items:
        lines += [f"  {remark}" for remark in remarks.get(item, [])]
        lines.append(f"  {spelt(item)},")
    return "\n".join(["[", *lines, "]"])


def _starter_head(name: str) -> str:
    """Return what the starter file says at its head, before its first key."""
    lines = (starter() / name).read_text(encoding="utf-8").splitlines()
    head = []
    for line in lines:
        if line and not line.startswith("#"):
            break
        head.append(line)
    return "\n".join(head).strip()


def _at(data: Any, place: Place) -> Any:
    for part in place:
        data = data.get(part) if isinstance(data, dict) else None
    return data


def _key(part: str | int) -> str:
    text = str(part)
    return text if text.replace("-", "").replace("_", "").isalnum() and text.isascii() else spelt(text)


# --- monitor.toml


# A line that version 1.0 wrote at the head of the file, and what stands there since.
_SINCE: Final = (
    '# shows a setting that is not set: take the "#" away to set it. `monitor check` reports every mistake.'
)
OF_1_0: Final = (
    "# shows a setting that is not set. `monitor check` reports every mistake in this folder at once."
)
_NEW: Final = {
    "digest": ("favour", "play_down", "overview"),
    "retention": ("deliveries",),
    "archive": ("base_url",),
}
_HEAD: Final = re.compile(r"#? ?\[(\w+)\]\s*$")
_KEY: Final = re.compile(r"(#? ?)(\w+)\s*=\s*")
_SCORE: Final = re.compile(r"(#? ?min_score\s*=\s*)(\d+(?:\.\d+)?)")
_ALERT: Final = "4.0"
_MEANING: Final = (
    "# Since 1.1 a ruling with three sources has about 5, a launch with three 2.5, a very large story 10."
)


def lift_settings(text: str) -> str | None:
    """Return a monitor.toml of 1.0 with what is new since; None for a file that 1.0 did not write."""
    if OF_1_0 not in text:
        return None
    lines = list(_with_scores(text.replace(OF_1_0, _SINCE).splitlines()))
    here = list(_walk(lines))
    mentioned = {(table, key) for _, table, key in here}
    last = {table: index for index, table, _ in here}
    new: dict[str, list[str]] = {}
    shipped = (starter() / FILES[0]).read_text(encoding="utf-8").splitlines()
    for index, table, key in _walk(shipped):
        if key in _NEW.get(table, ()) and (table, key) not in mentioned:
            new.setdefault(table, []).extend(_off(_with_remark(shipped, index)))
    for table in sorted(new, key=lambda name: last.get(name, len(lines)), reverse=True):
        if table in last:
            lines[last[table] + 1 : last[table] + 1] = new[table]
        else:
            head = next(index for index, name, key in _walk(shipped) if name == table and not key)
            lines += ["", *_with_remark(shipped, head), *new[table]]
    return "\n".join(lines) + "\n"


class _Line(NamedTuple):
    """A line that sets or shows a setting."""

    row: int
    table: str
    key: str
    """ "" for a table's head."""


def _walk(lines: Iterable[str]) -> Iterator[_Line]:
    """Yield the line of each setting, whether it is set or shown, and each table's head."""
    table = ""
    for index, line in enumerate(lines):
        if head := _HEAD.match(line):
            table = head[1]
            yield _Line(index, table, "")
        elif key := _KEY.match(line):
            yield _Line(index, table, key[2])


def _with_remark(lines: list[str], index: int) -> list[str]:
    """Return a line with the remark that stands above it."""
    start = index
    while start and lines[start - 1].startswith("# ") and not _KEY.match(lines[start - 1]):
        start -= 1
    return lines[start : index + 1]


def _off(lines: Iterable[str]) -> Iterator[str]:
    yield from (line if line.startswith("#") else f"# {line}" for line in lines)


def _with_scores(lines: list[str]) -> Iterator[str]:
    """Yield the lines with the old default of an alert put right, and a remark at each other score."""
    table_of = {index: table for index, table, _ in _walk(lines)}
    for index, line in enumerate(lines):
        found = _SCORE.match(line)
        if found is None or float(found[2]) == 0:
            yield line
        elif table_of[index] == "alert" and float(found[2]) == 10:  # noqa: PLR2004 - the default of 1.0
            yield f"{found[1]}{_ALERT:<{len(found[2])}}{line[found.end() :]}"
        else:
            yield from (line,) if found[1].startswith("#") else (_MEANING, line)
