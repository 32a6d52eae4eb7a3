"""A digest, or an alert, in every form that a channel may want. Pure: made again, it is the same bytes."""

from __future__ import annotations

import quopri
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

from monitor.digest import archive, atom, codec, html, markdown, plain
from monitor.digest.safe import link, title
from monitor.digest.view import Caps, alert_view, view
from monitor.models import Digest, Headline, Receipt, RenderedDigest, Window, alert_key, digest_key

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from monitor.digest.wording import Wording
    from monitor.models import DigestStory

_LIMIT: Final = 97_000
"""Bytes that text and HTML take in a mail, encoded; with its headers it then stays below 100 kB."""
_MEASURES: Final = (
    Caps(stories=1000, reports=12, lines=30, summary=700),
    Caps(stories=1000, reports=5, lines=15, summary=500, shortened=True),
    Caps(stories=10, reports=4, lines=10, summary=400, shortened=True),
    Caps(stories=5, reports=3, lines=6, summary=300, shortened=True),
    Caps(stories=2, reports=2, lines=3, summary=200, shortened=True),
)
_WHOLE: Final = Caps(stories=1000, reports=200, lines=500, summary=2000)


def render_all(digest: Digest, language: Wording) -> RenderedDigest:
    """Return the digest as the channels take it."""
    plain_text, rich = _message(digest, language)
    page = view(digest, language, _WHOLE)
    return RenderedDigest(
        key=digest_key(digest.date),
        date=digest.date,
        made_at=digest.made_at,
        language=digest.language,
        subject=page.subject,
        preheader=page.preheader,
        headlines=_headlines(digest),
        renderings={
            "md": _markdown(digest, language),
            "html": rich,
            "text": plain_text,
            "json": codec.to_json(digest),
            "atom": _atom(digest, language),
        },
    )


def render_alert(
    story: DigestStory, language: Wording, *, labels: Sequence[tuple[str, str]], timezone: str, now: datetime
) -> RenderedDigest:
    """Return one story as a message of its own, for a reader who is not to wait for the digest."""
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
    page = alert_view(alert, language, _MEASURES[0])
    return RenderedDigest(
        key=alert_key(story.id),
        date=alert.date,
        made_at=now,
        language=language.code,
        subject=page.subject,
        preheader=page.preheader,
        headlines=_headlines(alert),
        renderings={
            "md": markdown.render(page),
            "html": html.render(page),
            "text": plain.render(page),
            "json": codec.to_json(alert),
        },
    )


def render(digest: Digest, language: Wording, format_: str) -> str:
    """Return the digest as "md", "html", "text", "json" or "atom"; raise KeyError for another format."""
    return _RENDERERS[format_](digest, language)


def _message(digest: Digest, language: Wording) -> tuple[str, str]:
    """Return text and HTML of equal content, as full as one message can hold."""
    for caps in _MEASURES:
        page = view(digest, language, caps)
        bodies = plain.render(page), html.render(page)
        if sum(len(quopri.encodestring(body.encode())) for body in bodies) <= _LIMIT:
            break
    return bodies


def _markdown(digest: Digest, language: Wording) -> str:
    page = view(digest, language, _WHOLE)
    return markdown.render(page, markdown.front_matter(digest, page))


def _atom(digest: Digest, language: Wording) -> str:
    day = archive.summarise(digest, language)
    return atom.one_day(day, language)


_RENDERERS: Final[dict[str, Callable[[Digest, Wording], str]]] = {
    "md": _markdown,
    "html": lambda digest, language: _message(digest, language)[1],
    "text": lambda digest, language: _message(digest, language)[0],
    "json": lambda digest, _: codec.to_json(digest),
    "atom": _atom,
}


def _headlines(digest: Digest) -> tuple[Headline, ...]:
    return tuple(
        Headline(title=title(story.title), url=link(story.url), score=story.score) for story in digest.stories
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
