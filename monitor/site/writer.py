"""Brings the archive's pages up to date: what a day changes is written anew, and nothing else.

Takes the store and a folder, gives files; no page needs a server or JavaScript. `.site.json` in the folder
says what the pages hold: the last change of a story, the last digest, and a fingerprint of all that shapes
them (words, labels, templates). With another fingerprint, or none, everything is written.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from importlib import resources
from typing import TYPE_CHECKING, Final

from monitor import __version__
from monitor.digest import atom
from monitor.disk import write_atomically
from monitor.site import lists, pages
from monitor.site.frame import affair_path, day_path, month_path, story_path, theme_path, theme_stem

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence
    from pathlib import Path

    from monitor.models import DigestSummary, Story
    from monitor.site.frame import Site
    from monitor.store import Store

_STATE: Final = ".site.json"
_BATCH: Final = 200
# Stories on the page of a theme, affairs on theirs.
_LISTED: Final = 60
_FEED: Final = 30
_CHARTED: Final = timedelta(days=2 * 366)
# How far back the days on the first page reach: three months at least.
_RECENT: Final = timedelta(days=100)


@dataclass(frozen=True, slots=True)
class _State:
    """What the pages in a folder already hold."""

    fingerprint: str
    revision: int = 0
    digest: int = 0


def update(store: Store, folder: Path, site: Site) -> int:
    """Bring the pages in a folder up to date; return how many were written. Raises OSError and StoreError.

    A page is replaced in one step, and the state last: whoever stops it half way has it done over.
    """
    return _Update(store, folder, site).run()


class _Update:
    """One bringing up to date."""

    def __init__(self, store: Store, folder: Path, site: Site) -> None:
        self._store = store
        self._folder = folder
        self._site = site
        self._written = 0

    def run(self) -> int:
        state = self._state()
        changes = self._store.overview.changes(state.revision, state.digest)
        touched = self._stories(changes.stories)
        for day in map(date.fromisoformat, changes.digests):
            stored = self._store.digests.get(day)
            if stored is not None:
                made = stored.digest()
                self._write(day_path(day), pages.day(made, self._site))
        months = {f"{self._site.day(story.first_seen):%Y-%m}" for story in touched}
        gone = set(changes.stories) - {story.id for story in touched}
        self._months(months | {day[:7] for day in changes.digests} | self._months_of(gone))
        if changes.stories or state.revision == 0:
            self._themes()
            self._affairs_list()
        self._first_pages()
        if state.revision == 0:
            self._assets()
        self._remember(_State(state.fingerprint, changes.revision, changes.digest))
        return self._written

    def _stories(self, changed: Sequence[int]) -> list[Story]:
        """Write the pages of changed stories and of their affairs; return the stories."""
        touched: list[Story] = []
        affairs: set[int] = set()
        for start in range(0, len(changed), _BATCH):
            batch = changed[start : start + _BATCH]
            found = {story.id: story for story in self._store.stories.get_many(batch)}
            for number in batch:
                present = self._store.stories.resolve(number)
                if present != number:
                    self._write(story_path(number), pages.moved(number, present, self._site))
                elif number not in found:
                    (self._folder / story_path(number)).unlink(missing_ok=True)
            for story in found.values():
                if story.affair is None:
                    self._write(story_path(story.id), pages.story(story, [story], self._site))
                else:
                    affairs.add(story.affair)
            touched += found.values()
        for affair in affairs:
            self._affair(affair)
        return touched

    def _affair(self, affair: int) -> None:
        """Write the pages of an affair and of its steps: each of them names the others."""
        steps = self._store.stories.affair(affair)
        for step in steps:
            self._write(story_path(step.id), pages.story(step, steps, self._site))
        if len(steps) > 1:
            self._write(affair_path(affair), pages.affair(affair, steps, self._site))

    def _months_of(self, gone: Collection[int]) -> set[str]:
        """Return in which months stories stand that are no more: only the pages still know."""
        shards = (self._folder / "search").glob("????-??.json") if gone else ()
        texts = {path.stem: path.read_text("utf-8") for path in shards}
        return {month for month, text in texts.items() if any(f'"id":"s{number}"' in text for number in gone)}

    def _months(self, names: Iterable[str]) -> None:
        for name in names:
            first = lists.first_of(name)
            after = (first + timedelta(days=32)).replace(day=1)
            start, end = (
                datetime.combine(day, time(), self._site.timezone).astimezone(UTC) for day in (first, after)
            )
            stories = self._store.stories.get_many(self._store.overview.begun(start, end))
            self._write(month_path(name), lists.month(name, self._days(first, after), stories, self._site))
            self._write(f"search/{name}.json", lists.search_shard(name, stories, self._site.labels))
        there = [path.stem for path in (self._folder / "search").glob("????-??.json")]
        self._write("search/index.json", lists.search_contents(there))

    def _themes(self) -> None:
        """Write all themes: which ones a story has lost, nothing tells."""
        counts = self._store.overview.themes_by_month(self._newest() - _CHARTED)
        for slug in self._site.themes:
            self._theme(slug, counts.get(slug, {}))
        self._write("themes.html", lists.themes(counts, self._site))

    def _theme(self, slug: str, counts: Mapping[str, int]) -> None:
        order = self._store.overview.of_theme(slug, _LISTED)
        found = {story.id: story for story in self._store.stories.get_many(order)}
        stories = [found[number] for number in order if number in found]
        self._write(theme_path(slug), pages.theme(slug, stories, counts, self._site))
        if stories:
            self._write(
                f"themes/{theme_stem(slug)}.atom", pages.theme_feed(slug, stories[:_FEED], self._site)
            )

    def _affairs_list(self) -> None:
        """Write the list of the affairs that went on last."""
        recent = self._store.stories.listing(limit=_LISTED)
        numbers = dict.fromkeys(story.affair for story in recent if story.affair is not None)
        affairs = [(number, self._store.stories.affair(number)) for number in numbers]
        lasting = [(number, steps) for number, steps in affairs if len(steps) > 1]
        self._write("affairs.html", lists.affairs(lasting, self._site))

    def _first_pages(self) -> None:
        """Write the first page and the feeds of digests and stories."""
        newest = self._newest().date()
        days = self._days(newest - _RECENT, newest + timedelta(days=2))
        if not days:
            return
        self._write("index.html", lists.index(days, self._store.overview.months(), self._site))
        latest = days[::-1]
        words, origin = self._site.words, self._site.origin
        self._write("digests.atom", atom.digests(latest, words, origin))
        self._write("stories.atom", atom.stories(latest, words, origin))

    def _assets(self) -> None:
        self._write("search.html", lists.search(self._site))
        for name in ("site.css", "search.js"):
            self._write(name, self._site.asset(name))

    def _days(self, first: date, end: date) -> list[DigestSummary]:
        return list(self._store.overview.digests_between(first, end))

    def _newest(self) -> datetime:
        made = self._store.digests.last_made()
        return made.made_at if made else datetime.min.replace(tzinfo=UTC) + _CHARTED

    def _write(self, path: str, content: str) -> None:
        """Replace a file, unless it holds just that: a page that is done over is not touched."""
        there, data = self._folder / path, content.encode("utf-8", "replace")
        if not there.is_file() or there.read_bytes() != data:
            write_atomically(there, data)
            self._written += 1

    def _state(self) -> _State:
        fingerprint = _fingerprint(self._site)
        try:
            found = json.loads((self._folder / _STATE).read_text("utf-8"))
            known = _State(found["fingerprint"], int(found["revision"]), int(found["digest"]))
        except (OSError, ValueError, KeyError, TypeError):
            return _State(fingerprint)
        return known if known.fingerprint == fingerprint else _State(fingerprint)

    def _remember(self, state: _State) -> None:
        held = {"fingerprint": state.fingerprint, "revision": state.revision, "digest": state.digest}
        self._write(_STATE, json.dumps(held) + "\n")


def _fingerprint(site: Site) -> str:
    """Return what changes when every page would look different."""
    shape = [__version__, site.words.code, site.timezone.key, site.origin, *site.themes]
    shape += [f"{slug}={label}" for slug, label in (*site.labels.items(), *site.formats.items())]
    packages = ("monitor.site", "monitor.digest")
    folders = [resources.files(package).joinpath("templates") for package in packages]
    files = sorted((file for folder in folders for file in folder.iterdir()), key=lambda file: file.name)
    shape += [repr(site.words), *(file.read_text("utf-8") for file in files)]
    return hashlib.sha256("\0".join(shape).encode()).hexdigest()[:32]
