"""A digest, or an alert, in every form that a channel may want. Pure: made again, it is the same bytes."""

from __future__ import annotations

from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from monitor.digest.formats import FORMATS, alert_page, message, whole
from monitor.digest.importance import order
from monitor.digest.safe import link, title
from monitor.models import Digest, Headline, Receipt, RenderedDigest, Window, alert_key, digest_key

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from monitor.digest.wording import Wording
    from monitor.models import DigestStory


def render_all(digest: Digest, language: Wording) -> RenderedDigest:
    """Return the digest as the channels take it."""
    page = whole(digest, language)
    mail_text, mail_html = message(digest, language)
    return RenderedDigest(
        key=digest_key(digest.date),
        date=digest.date,
        made_at=digest.made_at,
        language=digest.language,
        subject=page.subject,
        preheader=page.preheader,
        headlines=_headlines(digest),
        renderings={name: format_.render(digest, language) for name, format_ in FORMATS.items()},
        mail_text=mail_text,
        mail_html=mail_html,
    )


def render_alert(
    story: DigestStory, language: Wording, *, labels: Sequence[tuple[str, str]], timezone: str, now: datetime
) -> RenderedDigest:
    """Return one story as a message of its own, for a user who is not to wait for the digest."""
    # A digest of one story, so that every form that a digest has takes it as it is.
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
