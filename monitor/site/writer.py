"""Bring the archive's pages up to date: write what a day has changed, and nothing else.

Takes the store and a folder; gives files. No page needs a server or JavaScript. `.site.json` in the folder
says what the pages hold: the last change of a story, the last digest, the themes of each month, the names of
feeds, and a fingerprint of everything else that shapes the pages (words, labels, templates). If the
fingerprint differs or is missing, or an earlier copy of the database was put back, all pages are written.

A day costs the same after years, and on the last of a month as on its first: what grows is kept by month,
with a file of what is listed of each story, lists have a limit, and where a story stood before it changed is
read from its own page.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter, defaultdict
from dataclasses import asdict, dataclass, field
from datetime import date
from functools import partial
from importlib import resources
from pathlib import PurePath
from typing import TYPE_CHECKING, Final, NamedTuple

from monitor import __version__, handles
from monitor.digest import atom
from monitor.disk import write_atomically
from monitor.errors import is_unexpected, raise_unexpected
from monitor.site import contents, listing, lists, pages
from monitor.site.frame import (
    affair_path,
    day_path,
    listing_path,
    month_of,
    month_path,
    page_stem,
    search_path,
    story_path,
    theme_path,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
    from pathlib import Path

    from monitor.models import Story
    from monitor.site.frame import Site
    from monitor.site.settings import SavedSearch
    from monitor.store import Culprit, Store

_STATE: Final = ".site.json"
# Stories read at once, with all their entries: an archive that is written anew has thousands.
_BATCH: Final = 200
_FEED: Final = 30
_PLACE: Final = re.compile(r'data-month="(\d{4}-\d\d)" data-listed="(\w+)"(?: data-affair="(\d+)")?')


@dataclass(frozen=True, slots=True)
class _State:
    """What the pages in a folder already hold."""

    fingerprint: str
    revision: int = 0
    digest: int = 0
    made_at: str = ""
    """When that digest was made, as it is stored."""
    themes: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    """How many stories that began in a month ("2026-11") have each theme."""
    outlets: Mapping[str, str] = field(default_factory=dict)
    """How each feed was named, by its row id."""
    owed: Sequence[str] = ()
    """Handles of stories, and pages, that a bug of ours kept out: they are tried again each time."""


def update(store: Store, folder: Path, site: Site) -> int:
    """Bring the pages in a folder up to date; return how many were written. Raises OSError and StoreError.

    A page is replaced in one step, and the state is written last, so an update that is stopped halfway is
    simply done again. If a page fails over a story, by a bug of ours, the story is left out and named on the
    page; the error is raised once everything else is written.
    """
    return _Update(store, folder, site).run()


class _Listing(NamedTuple):
    """How a story is listed on other pages."""

    month: str = ""
    shown: str = ""
    """A fingerprint of what they say of it."""
    affair: int | None = None


@dataclass(slots=True)
class _Touched:
    """What changed stories affect besides their own pages."""

    months: defaultdict[str, set[int]] = field(default_factory=lambda: defaultdict(set))
    """Months that list them, or did."""
    steps: defaultdict[int, set[int]] = field(default_factory=lambda: defaultdict(set))
    """Changed steps of affairs."""
    left: set[int] = field(default_factory=set)
    """Affairs that lost a step."""


class _Update:
    """One bringing up to date."""

    def __init__(self, store: Store, folder: Path, site: Site) -> None:
        self._store = store
        self._folder = folder
        self._site = site
        self._written = 0
        self._themes: dict[str, Mapping[str, int]] = {}
        self._owed: dict[str, Exception] = {}
        """What a bug of ours kept out: stories by their handles, and whole pages."""

    def run(self) -> int:
        state = self._state()
        changes = self._store.overview.changes(state.revision, state.digest)
        self._themes = dict(state.themes)
        outlets = self._outlets()
        renamed = [int(feed) for feed, name in outlets.items() if state.outlets.get(feed, name) != name]
        owed = [handle.number for one in state.owed if (handle := handles.read(one))]
        stories = tuple(dict.fromkeys((*changes.stories, *self._store.overview.of_feeds(renamed), *owed)))
        if stories:
            # Pages tell what the months hold: stopped half way they no longer do, and all is done over.
            (self._folder / _STATE).unlink(missing_ok=True)
        everything = state.revision == 0
        listed = self._stories(stories, anew=stories if everything else owed)
        days = {*changes.digests, *_stems("days/", state.owed)}
        for day in sorted(days):
            self._bring(day_path(date.fromisoformat(day)), partial(self._day, date.fromisoformat(day)))
        # A page that leaves something out says so, for which it must meet it.
        whole = everything or bool(state.owed or self._owed)
        for name in sorted({*listed, *_stems("months/", state.owed), *(day[:7] for day in days)}):
            self._bring(month_path(name), partial(self._month, name, None if whole else listed[name]))
        self._write("search/index.js", lists.search_contents(self._themes))
        if changes.stories or state.owed or everything or self._themes.keys() != state.themes.keys():
            self._theme_pages()
            self._search_pages()
            self._bring("affairs.html", self._affairs_list)
        if changes.digests or state.owed or everything:
            self._bring("index.html", self._first_pages)
        if everything:
            self._assets()
        # Last: a run that is stopped before has its pages written once more.
        self._remember(
            _State(
                fingerprint=state.fingerprint,
                revision=changes.revision,
                digest=changes.digest,
                made_at=changes.made_at,
                themes=self._themes,
                outlets=outlets,
                owed=list(self._owed),
            )
        )
        raise_unexpected("writing the archive", list(dict.fromkeys(self._owed.values())))
        return self._written

    def _bring(self, path: str, make: Callable[[Site], Mapping[str, str | None]]) -> None:
        """Write pages, and remove those that are None; leave out stories over which making them fails."""

        def made(faults: Sequence[Culprit]) -> tuple[Mapping[str, str | None], Sequence[Culprit]]:
            return make(self._site.without(faults)), faults

        try:
            found, faults = self._store.without_culprits(made)
        except Exception as bug:
            if not is_unexpected(bug):
                raise
            self._owed[path] = bug
            return
        for name, content in found.items():
            if content is None:
                (self._folder / name).unlink(missing_ok=True)
            else:
                self._write(name, content)
        for fault in faults:
            self._owed[fault.handle] = fault.bug
            # Digests lead to it: one that was there stays as it was.
            own = int(fault.handle[1:])
            if not (self._folder / story_path(own)).exists():
                self._write(story_path(own), pages.broken(own, fault.title, self._site.without([fault])))

    def _outlets(self) -> dict[str, str]:
        """Return how the pages name each feed that has brought an entry."""
        return {
            str(number): self._site.feeds[url].title if url in self._site.feeds else ""
            for number, url in self._store.feeds.ids().items()
        }

    def _day(self, day: date, site: Site) -> dict[str, str | None]:
        stored = self._store.digests.get(day)
        return {day_path(day): pages.day(stored.digest(), site)} if stored else {}

    def _stories(self, changed: Sequence[int], *, anew: Collection[int]) -> defaultdict[str, set[int]]:
        """Write the pages of changed stories and of their affairs; return by month what is listed otherwise.

        Stories in `anew` are among these even if the month says the same of them as before.
        """
        touched = _Touched()
        for start in range(0, len(changed), _BATCH):
            batch = changed[start : start + _BATCH]
            self._bring("stories/", lambda _, batch=batch: self._batch(batch, anew, touched))  # type: ignore[misc]  # mypy infers no defaults of lambdas
            if bug := self._owed.pop("stories/", None):  # nobody's own: none of the batch was written
                self._owed |= dict.fromkeys((f"s{number}" for number in batch), bug)
        for affair in {*touched.steps, *touched.left}:
            steps = None if affair in touched.left else touched.steps[affair]
            self._bring(affair_path(affair), partial(self._affair, affair, steps))
        touched.months.pop("", None)
        return touched.months

    def _batch(self, batch: Sequence[int], anew: Collection[int], touched: _Touched) -> dict[str, str | None]:
        """Make the pages of stories that are in no affair, or no longer; note what else they affect."""
        made: dict[str, str | None] = {}
        titles = self._store.overview.titles(batch)
        found = {story.id: story for story in self._store.stories.get_many(batch, whole=False)}
        for number in batch:
            if number in titles and number not in found:
                continue  # it is passed over
            before = self._printed(number)
            # The steps that stay behind name it still, and nothing in the store says any more that it was
            # one.
            if before.affair is not None and (number not in found or found[number].affair != before.affair):
                touched.left.add(before.affair)
            present = self._store.stories.resolve(number)
            if present != number:
                # A page that somebody may have linked to: after a merge it says where the story went.
                made[story_path(number)] = pages.moved(number, present, self._site)
            elif number not in found:
                made[story_path(number)] = pages.gone(number, self._site)
            after = self._present(found.get(number))
            if number in anew or (before.month, before.shown) != (after.month, after.shown):
                touched.months[before.month].add(number)
                touched.months[after.month].add(number)
        for story in found.values():
            if story.affair is None:
                made[story_path(story.id)] = pages.story(story, [story], self._site)
            else:
                touched.steps[story.affair].add(story.id)
        return made

    def _present(self, story: Story | None) -> _Listing:
        """Return how a story is listed from now on."""
        if story is None:
            return _Listing()
        return _Listing(month_of(story, self._site), listing.fingerprint(listing.listed(story, self._site)))

    def _printed(self, story: int) -> _Listing:
        """Return how a story was listed when its page was written."""
        try:
            found = _PLACE.search((self._folder / story_path(story)).read_text("utf-8"))
        except (OSError, ValueError):
            found = None
        return _Listing(found[1], found[2], int(found[3]) if found[3] else None) if found else _Listing()

    def _affair(self, affair: int, changed: Collection[int] | None, site: Site) -> dict[str, str | None]:
        """Make an affair's page and those of its steps near a changed one; `changed` None means all steps."""
        steps = self._store.stories.affair(affair)
        there = [at for at, step in enumerate(steps) if changed is None or step.id in changed]
        near = {at for at in range(len(steps)) if any(abs(at - other) <= pages.NEAR for other in there)}
        made = {story_path(steps[at].id): pages.story(steps[at], steps, site) for at in sorted(near)}
        return made | {affair_path(affair): pages.affair(affair, steps, site) if len(steps) > 1 else None}

    def _month(self, name: str, changed: Collection[int] | None, site: Site) -> dict[str, str | None]:
        """Make a month's page and search file; `changed` None means that all of its stories are read."""
        kept = None if changed is None else self._kept(name)
        if changed is None or kept is None:
            stories = contents.stories_of_month(name, self._store, site.timezone)
            by_id = {}
        else:
            stories = self._store.stories.get_many(changed, whole=False)
            by_id = {one.id: one for one in kept if one.id not in changed}
        by_id |= {one.id: listing.listed(one, site) for one in stories if month_of(one, site) == name}
        listed = [by_id[number] for number in sorted(by_id)]
        self._themes[name] = dict(Counter(theme for one in listed for theme in one.themes))
        return {
            month_path(name): lists.month(name, contents.days_of_month(name, self._store), listed, site),
            f"search/{name}.js": lists.search_shard(name, listed),
            listing_path(name): listing.to_json(listed),
        }

    def _kept(self, name: str) -> list[listing.Listed] | None:
        """Return how the stories of a month were listed; None when all of them must be read."""
        try:
            return listing.from_json((self._folder / listing_path(name)).read_text("utf-8"))
        except (OSError, ValueError, TypeError):
            return None

    def _theme_pages(self) -> None:
        """Write the pages of all themes, as nothing says which of them a story has lost."""
        months = sorted(self._themes)
        counts = {
            slug: {month: self._themes[month].get(slug, 0) for month in months} for slug in self._site.themes
        }
        for slug, by_month in counts.items():
            self._bring(theme_path(slug), partial(self._theme, slug, by_month))
        stems = set(map(page_stem, self._site.themes))
        for page in (self._folder / "themes").glob("*"):
            if page.stem not in stems and page.suffix in {".html", ".atom"}:  # in themes.toml no more
                page.unlink()
        self._write("themes.html", lists.themes(counts, self._site))

    def _theme(self, slug: str, counts: Mapping[str, int], site: Site) -> dict[str, str | None]:
        stories = contents.of_theme(slug, self._store)
        feed = pages.theme_feed(slug, stories[:_FEED], site) if stories else None
        return {
            theme_path(slug): pages.theme(slug, stories, counts, site),
            f"themes/{page_stem(slug)}.atom": feed,
        }

    def _search_pages(self) -> None:
        """Write the pages and feeds of saved searches."""
        for name, search in self._site.searches.items():
            self._bring(search_path(name), partial(self._search, name, search))
        stems = set(map(page_stem, self._site.searches))
        for page in (self._folder / "searches").glob("*"):
            if page.stem not in stems and page.suffix in {".html", ".atom"}:  # saved no more
                page.unlink()

    def _search(self, name: str, search: SavedSearch, site: Site) -> dict[str, str | None]:
        stories = contents.of_search(search, self._store)
        feed = pages.search_feed(name, stories[:_FEED], site) if stories else None
        return {
            search_path(name): pages.search(name, stories, site),
            f"searches/{page_stem(name)}.atom": feed,
        }

    def _affairs_list(self, site: Site) -> dict[str, str | None]:
        """Make the list of the affairs that went on last."""
        return {"affairs.html": lists.affairs(contents.affairs(self._store), site)}

    def _first_pages(self, site: Site) -> dict[str, str | None]:
        """Make the first page and the feeds of digests and stories."""
        days = contents.last_days(self._store)
        made: dict[str, str | None] = {"index.html": lists.index(days, self._store.overview.months(), site)}
        if days:
            latest = days[::-1]
            made["digests.atom"] = atom.digests(latest, site.words, site.origin)
            made["stories.atom"] = atom.stories(latest, site.words, site.origin)
        return made

    def _assets(self) -> None:
        self._write("search.html", lists.search(self._site))
        for name in ("site.css", "search.js"):
            self._write(name, self._site.asset(name))

    def _write(self, path: str, content: str) -> None:
        """Replace a file unless it has the same content, so that unchanged pages are not touched."""
        # A title may hold half of a surrogate pair, which UTF-8 has no bytes for.
        there, data = self._folder / path, content.encode("utf-8", "replace")
        if not there.is_file() or there.read_bytes() != data:
            write_atomically(there, data)
            self._written += 1

    def _state(self) -> _State:
        fingerprint = _fingerprint(self._site)
        try:
            found = json.loads((self._folder / _STATE).read_text("utf-8"))
            known = _State(
                fingerprint=found["fingerprint"],
                revision=int(found["revision"]),
                digest=int(found["digest"]),
                made_at=str(found["made_at"]),
                themes=dict(found["themes"]),
                outlets=dict(found["outlets"]),
                owed=list(map(str, found.get("owed", ()))),
            )
        # Whatever is wrong with it: the pages can always be written from the store.
        except (OSError, ValueError, KeyError, TypeError):
            return _State(fingerprint)
        is_ours = self._store.overview.has_seen(known.revision, known.digest, known.made_at)
        return known if is_ours and known.fingerprint == fingerprint else _State(fingerprint)

    def _remember(self, state: _State) -> None:
        self._write(_STATE, json.dumps(asdict(state)) + "\n")


def _stems(folder: str, owed: Iterable[str]) -> set[str]:
    """Return the days or months whose pages are owed."""
    return {PurePath(page).stem for page in owed if page.startswith(folder)}


def _fingerprint(site: Site) -> str:
    """Return a value that changes when all pages would look different."""
    # The version too: what a page holds may change without any template.
    shape = [__version__, site.words.code, site.timezone.key, site.origin, *site.themes]
    shape += [f"{slug}={label}" for slug, label in (*site.labels.items(), *site.formats.items())]
    shape += [repr(site.searches)]
    packages = ("monitor.site", "monitor.digest")
    folders = [resources.files(package).joinpath("templates") for package in packages]
    files = sorted((file for folder in folders for file in folder.iterdir()), key=lambda file: file.name)
    shape += [repr(site.words), *(file.read_text("utf-8") for file in files)]
    return hashlib.sha256("\0".join(shape).encode()).hexdigest()[:32]
