"""The forms of a digest and of an alert: FORMATS is the only place that knows them. Pure.

To add one: a module that renders, and a line in FORMATS. The edition, the files, the command line and the
check of `[digest] formats` ask here.
"""

from __future__ import annotations

import quopri
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from monitor.digest import atom, html, markdown, plain
from monitor.digest.headline import summarise
from monitor.digest.page import Caps
from monitor.digest.view import alert_view, view
from monitor.models import digest_to_json

if TYPE_CHECKING:
    from collections.abc import Callable

    from monitor.digest.page import View
    from monitor.digest.wording import Wording
    from monitor.models import Digest

# Bytes that text and HTML take in a mail, encoded; with its headers it then stays below 100 kB.
_LIMIT: Final = 97_000
# From what most days need to what no day exceeds: Gmail cuts a message at 102 kB, and hides the end of it.
_MEASURES: Final = (
    Caps(stories=200, reports=12, lines=30, summary=400),
    Caps(stories=200, reports=5, lines=15, summary=280, shortened=True),
    Caps(stories=10, reports=4, lines=10, summary=280, shortened=True),
    Caps(stories=5, reports=3, lines=6, summary=240, shortened=True),
    Caps(stories=2, reports=2, lines=3, summary=200, shortened=True),
)
_WHOLE: Final = Caps(stories=200, reports=200, lines=500, summary=400)


@dataclass(frozen=True, slots=True)
class Format:
    """One form: how a digest becomes its text, and an alert, where it has a form of it."""

    render: Callable[[Digest, Wording], str]
    suffix: str
    """The end of a file's name, without the dot."""
    alert: Callable[[Digest, Wording], str] | None = None


def message(digest: Digest, language: Wording) -> tuple[str, str]:
    """Return text and HTML of equal content, as full as one message can hold."""
    for caps in _MEASURES:
        page = view(digest, language, caps, archive=digest.archive_url or None)
        bodies = plain.render(page), html.render(page)
        # As it will be sent: quoted-printable makes three bytes of each one outside ASCII.
        if sum(len(quopri.encodestring(body.encode())) for body in bodies) <= _LIMIT:
            break
    return bodies


def whole(digest: Digest, language: Wording) -> View:
    """Return everything that a digest has to say, as it lies in the archive's folder."""
    return view(digest, language, _WHOLE, archive="")


def alert_page(alert: Digest, language: Wording) -> View:
    """Return one story as it is told at once."""
    return alert_view(alert, language, _MEASURES[0])


def _markdown(digest: Digest, language: Wording) -> str:
    page = whole(digest, language)
    return markdown.render(page, markdown.front_matter(digest, page))


def _atom(digest: Digest, language: Wording) -> str:
    return atom.one_day(summarise(digest, language), language, digest.origin)


FORMATS: Final[dict[str, Format]] = {
    "md": Format(_markdown, "md", lambda alert, words: markdown.render(alert_page(alert, words))),
    "html": Format(
        lambda digest, words: html.render(whole(digest, words)),
        "html",
        lambda alert, words: html.render(alert_page(alert, words)),
    ),
    "text": Format(
        lambda digest, words: plain.render(whole(digest, words)),
        "txt",
        lambda alert, words: plain.render(alert_page(alert, words)),
    ),
    "json": Format(lambda digest, _: digest_to_json(digest), "json", lambda alert, _: digest_to_json(alert)),
    "atom": Format(_atom, "atom"),
}
"""Every form by the name that `[digest] formats` and `--format` know it by."""
