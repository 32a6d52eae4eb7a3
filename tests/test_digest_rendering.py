"""An edition in both languages, against the golden files beside its digest; `python <this file>` writes them anew."""

from __future__ import annotations

import quopri
import re
from dataclasses import replace
from pathlib import Path

import pytest

from monitor import languages
from monitor.digest import render, render_alert, render_all
from monitor.digest.formats import _LIMIT
from monitor.models import digest_from_json as from_json
from monitor.models import digest_to_json as to_json

DATA = Path(__file__).parent / "data" / "digests"
DIGESTS = {code: from_json((DATA / f"{code}.json").read_text("utf-8")) for code in ("de", "en")}


def documents(code):
    language = languages.load(code)
    made = render_all(DIGESTS[code], language)
    return {f"{code}.{format_}": text for format_, text in made.renderings.items() if format_ != "json"} | {
        f"{code}-mail.text": made.mail_text,
        f"{code}-mail.html": made.mail_html,
    }


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
    assert made.subject == ("Autorinnen klagen weiter: 1. Instanz lässt Klage zu – Sora monitor, 23 Nov 2026")
    assert made.preheader.startswith("ruling · 3 sources · 2 languages. Das Gericht lässt die Klage")
    assert made.headlines[0].url == "https://outlet3.example/story/6"
    assert made.renderings["json"] == to_json(DIGESTS["en"])


def test_an_unknown_format_is_refused():
    with pytest.raises(KeyError):
        render(DIGESTS["en"], languages.load("en"), "pdf")


def crowded(stories, reports, words=40):
    """Return a digest of that many stories with long texts and links."""
    digest = DIGESTS["en"]
    story = next(story for story in digest.stories if story.id == 17)
    report = replace(story.reports[1], title="A long headline " * 8, url="https://a.example/" + "x" * 200)
    large = replace(story, reports=(report,) * reports, summary="Wörter über Wörter " * words)
    crowd = tuple(replace(large, id=number) for number in range(stories))
    return replace(digest, stories=crowd, max_stories=stories)


@pytest.mark.parametrize(("stories", "reports"), [(1, 1), (20, 5), (60, 30), (400, 3), (1, 500)])
def test_text_and_html_together_fit_into_a_message(stories, reports):
    language = languages.load("en")
    made = render_all(crowded(stories, reports), language)
    bodies = made.mail_text, made.mail_html
    assert sum(len(quopri.encodestring(body.encode())) for body in bodies) <= _LIMIT
    pointer = "monitor digest --date 2026-11-23 --format md"
    assert all((pointer in " ".join(body.split())) == (stories > 10) for body in bodies)
    assert not any(pointer in made.renderings[form] for form in ("md", "html", "text"))


def test_text_and_html_have_equal_content():
    made = render_all(DIGESTS["en"], languages.load("en"))
    for bodies in ((made.mail_text, made.mail_html), (made.renderings["text"], made.renderings["html"])):
        links = [re.findall(r"https://[^\s\"<]+", body) for body in bodies]
        assert set(links[0]) == set(links[1])
    # Pages beside the file: in plain text there is nothing to click.
    assert " stories/" not in made.renderings["text"]


def test_the_html_stands_alone():
    html = render_all(DIGESTS["en"], languages.load("en")).mail_html
    assert html.startswith("<!DOCTYPE html>")
    assert "default-src 'none'" in html
    assert '<html lang="en"' in html
    assert "prefers-color-scheme: dark" in html
    assert 'role="article"' in html
    assert "max-width:640px" in html
    assert not re.search(r"<(img|script|link|iframe|form)\b|\bsrc=|url\(|@import", html)


def test_files_link_to_the_archive_beside_them_and_mail_to_the_web_if_it_is_there():
    english, german = (render_all(DIGESTS[code], languages.load(code)) for code in ("en", "de"))
    assert '"stories/s17.html"' in english.renderings["html"]
    assert "(stories/s17.html)" in english.renderings["md"]
    assert "https://archive.example/monitor/stories/s17.html" in english.mail_text
    assert '"https://archive.example/monitor/stories/s17.html"' in english.mail_html
    assert "stories/" not in german.mail_text + german.mail_html
    assert "s17 e1 e2 e3 e4" in german.mail_text


def test_a_digest_of_version_1_0_is_still_told():
    stored = from_json((DATA / "stored-by-1.0.json").read_text("utf-8"))
    made = render_all(stored, languages.load("en"))
    assert made.subject.startswith("Testers share access to Sora in protest")
    for form in ("text", "md", "html", "atom", "json"):
        assert all(escaped.partition(" ")[0] in made.renderings[form] for escaped in titles(stored)), form
    assert "tag:monitor.invalid,2026:story:17" in made.renderings["atom"]


def titles(digest):
    return [story.title for story in digest.stories]


def test_an_alert_is_one_story_and_nothing_else():
    digest = DIGESTS["de"]
    made = render_alert(
        digest.stories[1],
        languages.load("de"),
        labels=digest.labels,
        timezone=digest.timezone,
        now=digest.made_at,
    )
    assert made.key == "alert:17"
    assert made.subject.startswith("Sora-Monitor, Eilmeldung: Testers share access")
    assert len(made.headlines) == 1
    assert "Leak · 3 Quellen · 2 Sprachen · 4 Berichte" in made.mail_text
    assert "stories/" not in made.mail_html
    assert "Nachweis" not in made.renderings["md"]
    assert from_json(made.renderings["json"]).stories == (digest.stories[1],)


if __name__ == "__main__":
    for language in DIGESTS:
        for name, document in documents(language).items():
            (DATA / name).write_text(document, "utf-8")
