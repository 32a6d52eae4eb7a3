"""What a form asks to correct, done by the functions that the commands call; returns the page to show next.

Handles are written as digests print them: "s412" means a whole story, "e9071" one entry; several are
separated by blanks.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, Protocol

from monitor import corrections, handles
from monitor.errors import MonitorError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from monitor.config import Config
    from monitor.store import Store

    Form = Mapping[str, list[str]]

# An address of this page: "//elsewhere" and "/\\elsewhere" lead away from it.
_PAGE: Final = re.compile(r"/(?!/)[!-\[\]-~]*")


class Action(Protocol):
    """Does what a form asks, and returns the page to show. Raises MonitorError."""

    def __call__(self, config: Config, store: Store, form: Form, *, now: datetime) -> str:
        """Do it."""


def mark(config: Config, store: Store, form: Form, *, now: datetime, relevant: bool | None) -> str:
    """Set or take back the user's mark of entries."""
    corrections.mark_all(config, store, _entries(form, store), relevant=relevant, now=now)
    return _back(form, store)


def themes(config: Config, store: Store, form: Form, *, now: datetime) -> str:
    """Set the themes of entries, in place of those they had."""
    wanted, known = form.get("theme", []), {theme.slug for theme in config.rules.themes}
    if not known.issuperset(wanted):
        raise MonitorError("that theme no longer exists: reload the page")
    corrections.mark_all(config, store, _entries(form, store), relevant=True, themes=wanted, now=now)
    return _back(form, store)


def beats(config: Config, store: Store, form: Form, *, now: datetime) -> str:
    """Set the beats of entries, in place of those they had."""
    wanted, known = form.get("beat", []), {beat.slug for beat in config.rules.beats}
    if not known.issuperset(wanted):
        raise MonitorError("that beat no longer exists: reload the page")
    if not wanted:
        raise MonitorError("choose a beat; what is on none is not relevant, which has a button of its own")
    corrections.mark_all(config, store, _entries(form, store), relevant=True, beats=wanted, now=now)
    return _back(form, store)


def merge(config: Config, store: Store, form: Form, *, now: datetime) -> str:
    """Merge another story into this one."""
    merged = corrections.merge(config, store, _story(form, "story"), _story(form, "other"), now=now)
    return f"/stories/s{merged.id}.html"


def split(config: Config, store: Store, form: Form, *, now: datetime) -> str:
    """Take reports out of a story into a story of their own."""
    story, taken = _story(form, "story"), _entries(form, store)
    return f"/stories/s{corrections.split(config, store, story, taken, now=now).taken.id}.html"


def _entries(form: Form, store: Store) -> list[int]:
    """Return the entries that are meant; for a story, all of its entries."""
    found: list[int] = []
    for handle in " ".join(form.get("which", [])).split():
        named = _read(handle)
        if named.kind == "s":
            story = store.stories.get(named.number)
            if story is None:
                raise MonitorError(f"there is no story {handle}")
            found += [entry.id for entry in story.entries]
        else:
            found.append(named.number)
    if not found:
        raise MonitorError("nothing was chosen")
    return list(dict.fromkeys(found))


def _story(form: Form, name: str) -> int:
    named = _read(form.get(name, [""])[0])
    if named.kind == "e":
        raise MonitorError(f"e{named.number} is a report; a story's number begins with s")
    return named.number


def _read(handle: str) -> handles.Handle:
    found = handles.read(handle)
    if found is None:
        raise MonitorError(f"{handle!r} names neither a story (s12) nor a report (e12)")
    return found


def _back(form: Form, store: Store) -> str:
    """Return the page that the form was on, at the same place."""
    page, which = form.get("back", [""])[0], " ".join(form.get("which", [])).partition(" ")[0]
    if not _PAGE.fullmatch(page):
        return "/"
    own = re.fullmatch(r"/stories/s(\d{1,15})\.html", page)
    if own and store.stories.get(int(own[1])) is None:
        return "/corrections.html"  # the story is gone, but here the correction can be taken back
    place = handles.read(which)
    return f"{page}#{place.kind}{place.number}" if place else page
