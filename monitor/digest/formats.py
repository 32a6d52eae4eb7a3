"""Digests and alerts in every format that a channel may want; only FORMATS knows the formats. Pure.

Rendering again gives the same bytes. To add a format: a module that renders, and a line in FORMATS. The
channels, the command line and the check of `[digest] formats` ask here.
"""

from __future__ import annotations

import quopri
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, NamedTuple
from zoneinfo import ZoneInfo

from monitor.digest import atom, html, markdown, plain
from monitor.digest.headline import coverage, summarise
from monitor.digest.importance import order
from monitor.digest.page import Caps
from monitor.digest.safe import link, title
from monitor.digest.view import alert_view, view
from monitor.models import (
    Digest,
    Headline,
    Receipt,
    RenderedDigest,
    Window,
    alert_key,
    digest_key,
    digest_to_json,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from monitor.digest.page import View
    from monitor.digest.wording import Wording
    from monitor.models import DigestStory

# How many encoded bytes text and HTML may take in a mail; with its headers it then stays below 100 kB.
_LIMIT: Final = 97_000
# From what most days need to what fits any day: Gmail cuts a message at 102 kB and hides the rest.
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
    """One format: how it renders a digest and, if it can, an alert."""

    render: Callable[[Digest, Wording], str]
    suffix: str
    """The end of a file's name, without the dot."""
    alert: Callable[[Digest, Wording], str] | None = None


class Bodies(NamedTuple):
    """One message in both forms, of equal content."""

    text: str
    html: str


def message(digest: Digest, language: Wording) -> Bodies:
    """Return a digest as complete as one message can hold."""
    for caps in _MEASURES:
        page = view(digest, language, caps, archive=digest.archive_url or None)
        bodies = Bodies(plain.render(page), html.render(page))
        # As it will be sent: quoted-printable makes three bytes of each one outside ASCII.
        if sum(len(quopri.encodestring(body.encode())) for body in bodies) <= _LIMIT:
            break
    return bodies


def whole(digest: Digest, language: Wording) -> View:
    """Return everything that a digest says, as a page in the archive's folder."""
    return view(digest, language, _WHOLE, archive="")


def alert_page(alert: Digest, language: Wording) -> View:
    """Return the page of an alert, which has one story."""
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


def render_all(digest: Digest, language: Wording) -> RenderedDigest:
    """Return the digest as the channels take it."""
    renderings = {name: format_.render(digest, language) for name, format_ in FORMATS.items()}
    return replace(render_mail(digest, language), renderings=renderings)


def render_mail(digest: Digest, language: Wording) -> RenderedDigest:
    """Return the digest as mail takes it, without files."""
    page = whole(digest, language)
    mail = message(digest, language)
    return RenderedDigest(
        key=digest_key(digest.date),
        date=digest.date,
        made_at=digest.made_at,
        language=digest.language,
        subject=page.subject,
        preheader=page.preheader,
        headlines=_headlines(digest),
        conclusive=coverage(digest.receipt).conclusive,
        renderings={},
        mail_text=mail.text,
        mail_html=mail.html,
    )


def render_alert(
    story: DigestStory, language: Wording, *, labels: Sequence[tuple[str, str]], timezone: str, now: datetime
) -> RenderedDigest:
    """Return one story as a message of its own, for a user who should not wait for the digest."""
    # A digest of one story, so that every format for digests can render it.
    alert = Digest(
        date=now.astimezone(ZoneInfo(timezone)).date(),
        window=Window(start=story.first_seen, end=now),
        language=language.code,
        timezone=timezone,
        made_at=now,
        stories=(story,),
        max_stories=1,
        labels=tuple(labels),
        trends=(),
        receipt=_receipt(story),
    )
    page = alert_page(alert, language)
    renderings = {name: format_.alert(alert, language) for name, format_ in FORMATS.items() if format_.alert}
    return RenderedDigest(
        key=alert_key(story.id),
        date=alert.date,
        made_at=now,
        language=language.code,
        subject=page.subject,
        preheader=page.preheader,
        headlines=_headlines(alert),
        renderings=renderings,
        mail_text=renderings["text"],
        mail_html=renderings["html"],
    )


def render(digest: Digest, language: Wording, format_: str) -> str:
    """Return the digest in one of FORMATS; raise KeyError for another."""
    return FORMATS[format_].render(digest, language)


def _headlines(digest: Digest) -> tuple[Headline, ...]:
    return tuple(
        Headline(title=title(story.title), url=link(story.url), score=story.score)
        for story in sorted(digest.stories, key=order)
    )


def _receipt(story: DigestStory) -> Receipt:
    return Receipt(
        feeds=(),
        polls=0,
        entries=0,
        relevant=0,
        stories=1,
        reports=len(story.reports),
        sources=story.sources,
    )
