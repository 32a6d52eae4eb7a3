"""What every page needs: configuration, store and clock, words, notices, and what its forms carry."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from monitor import digest_output, health
from monitor.digest.safe import line
from monitor.errors import MonitorError
from monitor.site.frame import day_path

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from monitor.config import Config
    from monitor.site import Site
    from monitor.store import Culprit, Store

_PACKAGES: Final = ("monitor.web", "monitor.site", "monitor.digest")


class MissingError(MonitorError):
    """There is no such page."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Desk:
    """What pages are made from."""

    config: Config
    store: Store
    site: Site
    now: datetime
    faults: Sequence[Culprit]
    """What is left out of this page because of a bug of ours."""

    def text(self, key: str, **values: object) -> str:
        """Return a sentence in the user's language."""
        return self.site.words.text(key, **values)

    def refusal(self, reason: str) -> str:
        """Return why something cannot be done, in the user's language if there are words for it."""
        return self.site.words.reason(reason)

    def message(self, words: str) -> str:
        """Return a page that says one thing."""
        return self.site.fill(
            "list.html", here="", title=self.text("web_sorry"), lead=line(words, 1000), groups=()
        )

    def told(self, **values: Any) -> Site:
        """Return the site with further values for every template."""
        return replace(self.site, common={**self.site.common, **values})


def lay(
    config: Config,
    store: Store,
    *,
    now: datetime,
    token: str,
    here: str,
    faults: Sequence[Culprit] = (),
) -> Desk:
    """Prepare what a page needs; `here` is its address, to which its forms return."""
    site = digest_output.site_of(config, store).without(faults)
    text = site.words.text
    last = store.digests.last_made()
    status = health.status(config, store, now=now)
    navigation = (
        (text("web_today"), day_path(last.date) if last else "index.html"),
        (text("web_next"), "days/next.html"),
        (text("site_digests"), "index.html"),
        (text("themes"), "themes.html"),
        (text("site_affairs"), "affairs.html"),
        (text("site_search"), "search.html"),
        (text("web_corrections"), "corrections.html"),
    )
    problems = [
        (
            line(_in_words(one, site)),
            line(site.words.reason(one.do)),
            site.words.moment(site.local(one.since)) if one.since else "",
        )
        for one in status.problems
    ]
    common = {
        "navigation": navigation if last else navigation[1:],
        "root": "/",
        "feeds": (),  # a newsreader takes the archive's
        "note": "",
        "several": False,
        "problems": problems,
        "needs": site.words.plural("problems", len(problems)),
        "say": text,
        "marks": {mark.entry: mark for mark in store.marks.listing()},
        "token": token,
        "back": here,
    }
    site = replace(site, packages=_PACKAGES, formats={}, common=common)
    return Desk(config=config, store=store, site=site, now=now, faults=faults)


def _in_words(problem: health.Problem, site: Site) -> str:
    """Describe a problem in the user's language; a feed's problem begins with the feed's name."""
    if problem.ours:
        return site.words.reason(problem.what)
    before, _, reason = problem.what.partition(": ")
    words = site.words.reason(reason)
    # A feed's name may hold a colon itself.
    while words == reason and ": " in reason:
        name, _, reason = reason.partition(": ")
        before, words = f"{before}: {name}", site.words.reason(reason)
    return f"{before}: {words}"
