"""The pages: the archive's own pages made from the store as it stands now, and four more.

Two templates of this package replace the archive's: `base.html` has the notices at the top, and
`handles.html` puts buttons where the archive only has names.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import TYPE_CHECKING, Any, Final

from starlette.responses import HTMLResponse, RedirectResponse, Response

from monitor import corrections as corrections_of
from monitor import digest_input, tag
from monitor.digest import outlet_of
from monitor.digest.safe import foreign, line, link, title
from monitor.errors import MonitorError
from monitor.site import contents, lists
from monitor.site import pages as archive
from monitor.site.frame import day_path, page_stem, row, story_path, theme_path
from monitor.site.listing import listed
from monitor.web.desk import Desk, MissingError
from monitor.why import ask

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from starlette.requests import Request

    from monitor.models import Correction, Digest, Entry, Story
    from monitor.why import Answer

_FOUND: Final = 50
# Stories offered for merging with another: those of the last weeks, the latest first.
_OFFERED: Final = 100
_CORRECTIONS: Final = 50
# Characters of what is searched or asked for: longer than any address.
_LONGEST: Final = 2000

_LARGEST: Final = 2**63 - 1

Maker = Callable[[Desk, "Request"], Response]


def latest(desk: Desk, _request: Request) -> Response:
    """Redirect to the last digest or, before the first, to what it will hold."""
    last = desk.store.digests.last_made()
    return RedirectResponse("/" + (day_path(last.date) if last else "days/next.html"), 302)


def style(desk: Desk, _request: Request) -> Response:
    """Return the style sheet."""
    return Response(desk.site.asset("site.css"), media_type="text/css")


def missing(desk: Desk, _request: Request) -> Response:
    """Say that there is nothing here."""
    raise MissingError(desk.text("web_missing"))


def index(desk: Desk, _request: Request) -> Response:
    """Show the newest days and all months."""
    return _html(lists.index(contents.last_days(desk.store), desk.store.overview.months(), desk.site))


def day(desk: Desk, request: Request) -> Response:
    """Show a digest as it was made."""
    try:
        found = desk.store.digests.get(date.fromisoformat(request.path_params["day"]))
    except ValueError:
        found = None
    if found is None:
        return missing(desk, request)
    return _html(archive.day(found.digest(), desk.told(homes=_homes(found.digest(), desk))))


def coming(desk: Desk, _request: Request) -> Response:
    """Show what the next digest would hold."""
    made = digest_input.preview(desk.config, desk.store, now=desk.now, faults=desk.faults)
    due = desk.site.words.moment(
        desk.site.local(digest_input.next_due(desk.config, desk.store, now=desk.now))
    )
    note = desk.text("web_next_note", when=due)
    return _html(archive.day(made, desk.told(here="days/next.html", note=note, homes=_homes(made, desk))))


def _homes(made: Digest, desk: Desk) -> dict[int, dict[str, str]]:
    """Return the story that each report of a digest is in now: corrections may have moved it."""
    ids = [report.entry for story in made.stories for report in story.reports]
    found = {entry.id: entry.story for entry in desk.store.entries.get_many(ids, whole=False) if entry.story}
    homes = {
        one.id: {"handle": f"s{one.id}", "which": _all_of(one)}
        for one in desk.store.stories.get_many(found.values(), whole=False)
    }
    return {entry: homes[story] for entry, story in found.items() if story in homes}


def _all_of(story: Story) -> str:
    """Return the handles of all entries that a story holds now.

    The story's own handle would mean what it holds when the button is pressed: after a merge, another story
    too.
    """
    return " ".join(f"e{entry.id}" for entry in story.entries)


def month(desk: Desk, request: Request) -> Response:
    """Show a month."""
    name = request.path_params["month"]
    if name not in desk.store.overview.months():
        return missing(desk, request)
    stories = contents.stories_of_month(name, desk.store, desk.site.timezone)
    days = contents.days_of_month(name, desk.store)
    return _html(lists.month(name, days, [listed(story, desk.site) for story in stories], desk.site))


def story(desk: Desk, request: Request) -> Response:
    """Show a story, with its timeline and what can be corrected about it."""
    number = _number(desk, request)
    found = desk.store.stories.get(number)
    if found is None:
        return HTMLResponse(archive.gone(number, desk.site), 404)
    if found.id != number:
        return RedirectResponse(f"/{story_path(found.id)}", 302)
    steps = desk.store.stories.affair(found.affair) if found.affair is not None else (found,)
    others = desk.store.stories.listing(limit=_OFFERED)
    site = desk.told(
        several=len(found.reports) > 1,
        which=_all_of(found),
        **_boxes(desk, found.beats, found.themes),
        others=[(f"s{other.id}", title(other.title, 100)) for other in others if other.id != number],
    )
    return _html(archive.story(found, steps, site))


def _number(desk: Desk, request: Request) -> int:
    """Return the number in an address. Raises MissingError for more than SQLite's integers hold."""
    number: int = request.path_params["number"]
    if number > _LARGEST:
        raise MissingError(desk.text("web_missing"))
    return number


def themes(desk: Desk, _request: Request) -> Response:
    """Show all themes, each with its newest story."""
    rows = []
    for slug in desk.site.themes:
        newest = desk.store.stories.get_many(desk.store.overview.of_theme(slug, 1), whole=False)
        notes = (
            desk.site.words.date(desk.site.day(one.last_seen)) + f" · {title(one.title)}" for one in newest
        )
        page = {"page": theme_path(slug), "title": desk.site.label(slug), "handle": ""}
        rows.append(page | {"note": next(notes, "")})
    name = desk.text("themes")
    return _html(desk.site.fill("list.html", here="themes.html", title=name, lead="", groups=[("", rows)]))


def theme(desk: Desk, request: Request) -> Response:
    """Show a theme's newest stories."""
    stem = request.path_params["stem"]
    slug = next((slug for slug in desk.site.themes if page_stem(slug) == stem), None)
    if slug is None:
        return missing(desk, request)
    return _html(archive.theme(slug, contents.of_theme(slug, desk.store), {}, desk.site))


def affairs(desk: Desk, _request: Request) -> Response:
    """Show the affairs that went on last."""
    return _html(lists.affairs(contents.affairs(desk.store), desk.site))


def affair(desk: Desk, request: Request) -> Response:
    """Show an affair's steps."""
    number = _number(desk, request)
    steps = desk.store.stories.affair(number)
    return _html(archive.affair(number, steps, desk.site)) if steps else missing(desk, request)


def search(desk: Desk, request: Request) -> Response:
    """Show the entries that contain all words of a query."""
    query, only = request.query_params.get("q", "")[:_LONGEST], "relevant" in request.query_params
    found = desk.store.entries.search(query, limit=_FOUND, everything=not only)
    text = desk.site.words.text
    count = text("site_found", n=len(found)) if found else text("site_not_found") if query.strip() else ""
    rows = [_listed(entry, desk) for entry in found]
    return _html(
        desk.site.fill(
            "search.html",
            here="search.html",
            title=text("site_search"),
            query=query,
            only=only,
            count=count,
            rows=rows,
            saved=lists.saved(desk.site),
        )
    )


def saved_search(desk: Desk, request: Request) -> Response:
    """Show the newest stories that a saved search finds."""
    stem = request.path_params["stem"]
    for name, search in desk.site.searches.items():
        if page_stem(name) == stem:
            return _html(archive.search(name, contents.of_search(search, desk.store), desk.site))
    return missing(desk, request)


def why(desk: Desk, request: Request) -> Response:
    """Answer why something was or was not reported, by its address or its headline."""
    asked = request.query_params.get("asked", "").strip()[:_LONGEST]
    if not asked:
        return RedirectResponse("/search.html", 302)
    try:
        answer = ask(desk.config, desk.store, asked, now=desk.now)
    except MonitorError as error:
        raise MissingError(str(error)) from None
    if answer.entry:
        return RedirectResponse(f"/entries/e{answer.entry}.html", 302)
    return _html(_entry_page(answer, None, desk))


def entry(desk: Desk, request: Request) -> Response:
    """Show an entry: why it was or was not reported, and everything that can be corrected about it."""
    found = desk.store.entries.get(_number(desk, request))
    if found is None:
        return missing(desk, request)
    answer = ask(desk.config, desk.store, f"e{found.id}", now=desk.now)
    return _html(_entry_page(answer, found, desk))


def _entry_page(answer: Answer, found: Entry | None, desk: Desk) -> str:
    words = desk.site.words
    inside = desk.store.stories.get(found.story) if found and found.story else None
    return desk.site.fill(
        "entry.html",
        here="",
        title=title(answer.title or answer.asked),
        url=link(found.url) if found else "",
        language=foreign(found.language, words.code) if found else "",
        handle=f"e{found.id}" if found else "",
        row=_listed(found, desk) if found else None,
        teaser=line(found.summary, 600) if found else "",
        answers=[
            (words.text(f"why_{one.question}"), line(words.reason(one.text), 1000)) for one in answer.lines
        ],
        story=None if inside is None else row(inside, desk.site) | {"several": len(inside.entries) > 1},
        **(_boxes(desk, found.tagging.beats, found.tagging.themes) if found else {}),
    )


def _boxes(desk: Desk, beats: Sequence[str], themes: Sequence[str]) -> dict[str, Any]:
    """Return every beat and theme with its label, and whether it is ticked."""
    known = {"beat_boxes": desk.config.rules.beats, "theme_boxes": desk.config.rules.themes}
    return {
        name: [(one.slug, desk.site.label(one.slug), one.slug in (*beats, *themes)) for one in labels]
        for name, labels in known.items()
    }


def _listed(entry: Entry, desk: Desk) -> dict[str, Any]:
    """Return an entry as a line of a list."""
    tagging, words = entry.tagging, desk.site.words
    about = ", ".join(map(desk.site.label, (*tagging.beats, *tagging.themes)))
    unsure = f" ({words.text('web_perhaps')})" if tagging.shelf == "perhaps" else ""
    notes = (
        line(outlet_of(entry, desk.site.feeds)),
        words.date(desk.site.day(entry.published)),
        about + unsure if tagging.relevant else words.text("web_unchosen"),
    )
    return {
        "title": title(entry.title),
        "url": link(entry.url),
        "language": foreign(entry.language, words.code),
        "note": " · ".join(filter(None, notes)),
        "handle": f"e{entry.id}",
        "sure": tagging.relevant and not unsure,
    }


def corrections(desk: Desk, _request: Request) -> Response:
    """Show the user's latest corrections, each with a way to take it back if that is possible."""
    marks = sorted(desk.store.marks.listing(), key=lambda mark: mark.made_at, reverse=True)[:_CORRECTIONS]
    entries = {entry.id: entry for entry in desk.store.entries.get_many(mark.entry for mark in marks)}
    learned = tag.Personal.from_json(desk.store.note(tag.PERSONAL)).marks
    words = desk.store.corrections.listing()[: -_CORRECTIONS - 1 : -1]
    return _html(
        desk.site.fill(
            "corrections.html",
            here="corrections.html",
            title=desk.text("web_corrections"),
            learned=desk.text("web_learned", n=desk.site.words.plural("marks", learned)) if learned else "",
            rows=[_listed(entries[mark.entry], desk) for mark in marks if mark.entry in entries],
            joined=list(_joined(words, desk)),
        )
    )


def _joined(corrections: Sequence[Correction], desk: Desk) -> Iterator[dict[str, Any]]:
    """Yield merges and splits: what was said about which reports, and the form that undoes it."""
    ids = {entry for one in corrections for entry in (*one.entries, *one.others)}
    found = {entry.id: entry for entry in desk.store.entries.get_many(ids, whole=False)}
    for one in corrections:
        sides = [[found[entry] for entry in side if entry in found] for side in (one.entries, one.others)]
        if all(sides):
            yield {
                "what": desk.text("web_merged" if one.together else "web_split"),
                "when": desk.site.words.moment(desk.site.local(one.made_at)),
                "titles": [title(side[0].title) for side in sides],
                **_undoing(corrections_of.contrary(*sides, together=one.together)),
            }


def _undoing(contrary: corrections_of.Contrary | None) -> dict[str, Any]:
    """Return the form that takes a merge or a split back."""
    if contrary is None:
        return {"action": "", "fields": {}}
    if contrary.other:
        return {"action": "/merge", "fields": {"story": f"s{contrary.story}", "other": f"s{contrary.other}"}}
    which = " ".join(f"e{entry}" for entry in contrary.entries)
    return {"action": "/split", "fields": {"story": f"s{contrary.story}", "which": which}}


def _html(page: str) -> Response:
    # A title may hold half of a surrogate pair, which UTF-8 has no bytes for.
    return HTMLResponse(page.encode("utf-8", "replace"))
