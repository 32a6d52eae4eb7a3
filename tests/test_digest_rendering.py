"""An edition in both languages, against the golden files beside its digest; `python <this file>` writes them anew."""

from __future__ import annotations

import quopri
import re
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from monitor import languages
from monitor.digest import archive_files, from_json, render, render_alert, render_all, summarise, to_json
from monitor.digest.formats import _LIMIT

DATA = Path(__file__).parent / "data" / "digests"
DIGESTS = {code: from_json((DATA / f"{code}.json").read_text("utf-8")) for code in ("de", "en")}
DAY = timedelta(days=1)


def past(code):
    """Return the two days before the sample: one broken, one that caught up."""
    digest = DIGESTS[code]
    deaf = replace(digest.receipt, polls=0, stories=0, reports=0, sources=0)
    before = (
        replace(
            digest, date=digest.date - 2 * DAY, made_at=digest.made_at - 2 * DAY, stories=(), receipt=deaf
        ),
        replace(digest, date=digest.date - DAY, made_at=digest.made_at - DAY, catches_up=True),
    )
    return [summarise(day, languages.load(code)) for day in before]


def documents(code):
    language = languages.load(code)
    made = render_all(DIGESTS[code], language)
    pages = archive_files(
        [*past(code), summarise(DIGESTS[code], language)], language, {"md": "md", "html": "html"}
    )
    shown = {f"{code}.{format_}": text for format_, text in made.renderings.items() if format_ != "json"}
    return shown | {f"{code}-{name}": text for name, text in pages.items()}


def without_styles(document):
    """Return HTML without what another release of the style inliner may write otherwise."""
    return re.sub(r'<style>.*?</style>| style="[^"]*"', "", document, flags=re.DOTALL)


@pytest.mark.parametrize("code", DIGESTS)
def test_all_documents_are_the_golden_ones(code):
    for name, document in documents(code).items():
        assert without_styles(document) == without_styles((DATA / name).read_text("utf-8")), name


@pytest.mark.parametrize("code", DIGESTS)
def test_an_edition_made_again_from_the_stored_digest_is_the_same_bytes(code):
    language = languages.load(code)
    made = render_all(DIGESTS[code], language)
    assert render_all(from_json(made.renderings["json"]), language) == made
    assert {
        format_: render(DIGESTS[code], language, format_) for format_ in made.renderings
    } == made.renderings


def test_an_edition_knows_its_key_its_subject_and_its_headlines():
    made = render_all(DIGESTS["en"], languages.load("en"))
    assert made.key == "digest:2026-11-23"
    assert made.subject == (
        "Sora monitor, 23 Nov 2026: 5 stories – Testers share access to Sora in protest; the company pauses it"
    )
    assert made.preheader.startswith("5 stories, 8 reports, 4 sources. Also: Voice actors vote")
    assert made.headlines[0].url == "https://outlet0.example/story/1"
    assert made.renderings["json"] == to_json(DIGESTS["en"])


def test_an_unknown_format_is_refused():
    with pytest.raises(KeyError):
        render(DIGESTS["en"], languages.load("en"), "pdf")


def crowded(stories, reports, words=40):
    """Return a digest of that many stories with long texts and links."""
    digest = DIGESTS["en"]
    story = digest.stories[0]
    report = replace(story.reports[1], title="A long headline " * 8, url="https://a.example/" + "x" * 200)
    large = replace(story, reports=(report,) * reports, summary="Wörter über Wörter " * words)
    crowd = tuple(replace(large, id=number) for number in range(stories))
    return replace(digest, stories=crowd, max_stories=stories)


@pytest.mark.parametrize(("stories", "reports"), [(1, 1), (20, 5), (60, 30), (400, 3), (1, 500)])
def test_text_and_html_together_fit_into_a_message(stories, reports):
    language = languages.load("en")
    made = render_all(crowded(stories, reports), language)
    bodies = made.renderings["text"], made.renderings["html"]
    assert sum(len(quopri.encodestring(body.encode())) for body in bodies) <= _LIMIT
    pointer = "monitor digest --date 2026-11-23 --format md"
    assert all((pointer in " ".join(body.split())) == (stories > 10) for body in bodies)
    assert pointer not in made.renderings["md"]


def test_text_and_html_have_equal_content():
    made = render_all(DIGESTS["en"], languages.load("en"))
    links = [re.findall(r"https://[^\s\"<]+", made.renderings[format_]) for format_ in ("text", "html")]
    assert set(links[0]) == set(links[1])


def test_the_html_stands_alone():
    html = render_all(DIGESTS["en"], languages.load("en")).renderings["html"]
    assert html.startswith("<!DOCTYPE html>")
    assert "default-src 'none'" in html
    assert '<html lang="en"' in html
    assert "prefers-color-scheme: dark" in html
    assert 'role="article"' in html
    assert "max-width:640px" in html
    assert not re.search(r"<(img|script|link|iframe|form)\b|\bsrc=|url\(|@import", html)


def test_an_alert_is_one_story_and_nothing_else():
    digest = DIGESTS["de"]
    made = render_alert(
        digest.stories[0],
        languages.load("de"),
        labels=digest.labels,
        timezone=digest.timezone,
        now=digest.made_at,
    )
    assert made.key == "alert:17"
    assert made.subject.startswith("Sora-Monitor, Eilmeldung: Testers share access")
    assert len(made.headlines) == 1
    assert "3 Quellen, 4 Berichte" in made.renderings["text"]
    assert "Leaks &amp; Protest" in made.renderings["html"]
    assert "Nachweis" not in made.renderings["md"]
    assert from_json(made.renderings["json"]).stories == (digest.stories[0],)


if __name__ == "__main__":
    for language in DIGESTS:
        for name, document in documents(language).items():
            (DATA / name).write_text(document, "utf-8")
