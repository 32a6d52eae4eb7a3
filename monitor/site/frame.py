"""What all pages of the archive share: words, labels, and filling in a template. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from datetime import timedelta
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, Final

from monitor.digest.html import environment
from monitor.digest.safe import foreign, line, title

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import date, datetime
    from zoneinfo import ZoneInfo

    from monitor.digest.wording import Wording
    from monitor.models import Feed, Story
    from monitor.site.settings import SavedSearch

# The sentences that templates name.
_WORDS: Final = (
    "after", "also", "also_in", "before", "began_as", "themes", "site_affair", "site_as_table",
    "site_catches_up", "site_commands", "site_days", "site_months", "site_most_reported", "site_newest",
    "site_not_found", "site_parties", "site_reports", "site_saved", "site_search_label",
    "site_search_without", "site_skip", "site_why",
)  # fmt: skip

# "../x" is a slug that TOML allows.
_UNSAFE: Final = re.compile(r"[^A-Za-z0-9_-]+")
# A file's name may have 255 bytes, and has more while it is written.
_LONGEST_STEM: Final = 100


@dataclass(frozen=True, kw_only=True, slots=True)
class Site:
    """What shapes the archive's pages: words, time zone, labels, feeds."""

    words: Wording
    timezone: ZoneInfo
    labels: Mapping[str, str]
    """Labels of beats and themes by their slugs."""
    themes: Sequence[str]
    """The themes, each of which has a page, in the order of themes.toml."""
    feeds: Mapping[str, Feed]
    """Subscriptions by address, each with a name."""
    formats: Mapping[str, str]
    """The files that each day has, by format, each with the end of its name."""
    origin: str
    """The installation's own part of its Atom ids."""
    searches: Mapping[str, SavedSearch] = field(default_factory=dict)
    """Searches that have a page, by their names."""
    packages: tuple[str, ...] = ("monitor.site", "monitor.digest")
    """Those whose templates are filled, the first before the others."""
    common: Mapping[str, Any] = field(default_factory=dict)
    """What every page is given, whatever it says itself."""
    faults: tuple[str, ...] = ()
    """What the page does not show, by a bug of ours."""

    def without(self, those: Iterable[object]) -> Site:
        """Return the site for a page that leaves these out, and says so."""
        said = (self.words.text("site_fault", what=line(one, 400)) for one in map(str, those))
        return replace(self, faults=tuple(said))

    def fill(self, template: str, *, here: str, title: str, depth: int = 0, **values: Any) -> str:
        """Return a page; `here` is its own path, `depth` how many folders below the first page it is."""
        text = self.words.text
        navigation = (
            (text("site_digests"), "index.html"),
            (text("themes"), "themes.html"),
            (text("site_affairs"), "affairs.html"),
            (text("site_search"), "search.html"),
        )
        shared = {
            "site": {"language": self.words.code, "brand": text("brand")},
            "words": {key: text(key) for key in _WORDS},
            "navigation": navigation,
            "title": title,
            "here": here,
            # Relative, so that the pages work from a disk, below any path of a server, and after a move.
            "root": "../" * depth,
            "feeds": (),
            "faults": self.faults,
            "chart": None,
            "place": None,
        }
        return environment(*self.packages).get_template(template).render(shared | values | dict(self.common))

    def asset(self, name: str) -> str:
        """Return a file that the pages share."""
        return environment(*self.packages).get_template(name).render()

    def label(self, slug: str) -> str:
        """Return the label of a beat or theme; its slug when it has none any more."""
        return line(self.labels.get(slug, slug))

    def local(self, instant: datetime) -> datetime:
        """Return the instant in the user's zone."""
        return instant.astimezone(self.timezone)

    def day(self, instant: datetime) -> date:
        """Return the user's day of an instant."""
        return self.local(instant).date()


def row(story: Story, site: Site) -> dict[str, str]:
    """Return a story as a line of a list."""
    notes = (
        site.words.date(began(story, site)),
        site.words.kind(story.kind),
        site.words.plural("sources", story.sources) if story.sources > 1 else "",
    )
    return {
        "page": story_path(story.id),
        "title": title(story.title),
        "language": foreign(story.leading.language, site.words.code),
        "note": " · ".join(filter(None, notes)),
        "handle": f"s{story.id}",
    }


def began(story: Story, site: Site) -> date:
    """Return the user's day on which the first report of a story was published.

    Not on which it was seen: what a newly followed feed brings along would all be of the day it was followed.
    """
    return site.day(min(entry.published for entry in story.entries))


def month_of(story: Story, site: Site) -> str:
    """Return the month ("2026-11") whose page lists a story: that in which it was seen first."""
    return f"{site.day(story.first_seen):%Y-%m}"


def story_path(story: int) -> str:
    """Return where a story's page lies."""
    return f"stories/s{story}.html"


def day_path(day: date) -> str:
    """Return where a day's page lies."""
    return f"days/{day.isoformat()}.html"


def month_path(month: str) -> str:
    """Return where the page of a month ("2026-11") lies."""
    return f"months/{month}.html"


def listing_path(month: str) -> str:
    """Return where is kept how the stories of a month are listed."""
    return f"months/{month}.json"


def theme_path(theme: str) -> str:
    """Return where a theme's page lies."""
    return f"themes/{page_stem(theme)}.html"


def search_path(name: str) -> str:
    """Return where the page of a saved search lies."""
    return f"searches/{page_stem(name)}.html"


def page_stem(name: str) -> str:
    """Return a theme's slug or a saved search's name as a file name: quoted in TOML, both may hold anything.

    A name that cannot be a file name gets a hash, so that "a b" and "a/b" have files of their own.
    """
    plain = _UNSAFE.sub("-", name).strip("-")[:_LONGEST_STEM]
    if plain == name:
        return plain
    own = blake2b(name.encode("utf-8", "replace"), digest_size=3).hexdigest()
    return f"{plain}-{own}".strip("-")


def affair_path(affair: int) -> str:
    """Return where an affair's page lies."""
    return f"affairs/a{affair}.html"


def per_day(days: Iterable[date], first: date, last: date, site: Site) -> list[tuple[str, int]]:
    """Count days from the first to the last, by the label of each."""
    counts = {first + timedelta(days=step): 0 for step in range((last - first).days + 1)}
    for day in days:
        if day in counts:
            counts[day] += 1
    return [(site.words.short_date(day), count) for day, count in counts.items()]
