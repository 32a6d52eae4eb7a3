"""A digest in both languages, compared with the golden files next to it; `python <this file>` writes them
again.
"""

from __future__ import annotations

import quopri
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest

from monitor import languages
from monitor.digest import render, render_alert, render_all
from monitor.digest.formats import _LIMIT, message
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
    """Return HTML without what other releases of the style inliner may write differently."""
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


def test_a_digest_bears_the_name_that_its_user_gave_it():
    named = replace(DIGESTS["de"], title="Renten & *Streiks*")
    assert from_json(to_json(named)).title == named.title
    made = render_all(named, languages.load("de", named.title))
    assert made.subject.endswith(" – Renten & *Streiks*, 23. Nov. 2026")
    assert made.renderings["text"].startswith("Renten & *Streiks* · Montag")
    assert "# Renten & \\*Streiks\\* · " in made.renderings["md"]
    assert "Renten &amp; *Streiks* · Montag" in made.mail_html
    assert "Sora-Monitor" not in "".join(made.renderings.values()) + made.mail_html
    assert languages.load("de").text("brand") == "Sora-Monitor"


def test_an_unknown_format_is_refused():
    with pytest.raises(KeyError):
        render(DIGESTS["en"], languages.load("en"), "pdf")


def crowded(stories, reports, words=40):
    """Return a digest of this many stories with long texts and links."""
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


def test_a_message_says_where_the_stories_stand_that_have_no_line_in_it():
    for stories, cut in ((50, False), (60, True)):
        bodies = message(replace(crowded(stories, 1, words=1), max_stories=20), languages.load("en"))
        assert all(
            ("and 10 more" in body, "in the file 2026-11-23.md" in body) == (cut, cut) for body in bodies
        )


def test_text_and_html_have_equal_content():
    made = render_all(DIGESTS["en"], languages.load("en"))
    for bodies in ((made.mail_text, made.mail_html), (made.renderings["text"], made.renderings["html"])):
        links = [re.findall(r"https://[^\s\"<]+", body) for body in bodies]
        assert set(links[0]) == set(links[1])
    # The pages are next to the file; plain text has no links that could be clicked.
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


class Mail(HTMLParser):
    """The tags of a mail with their attributes and styles, and the rules of its style sheets."""

    def __init__(self, html):
        super().__init__()
        self.tags, self.sheet = [], ""
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        attributes = dict(attrs)
        pairs = (pair.partition(":") for pair in attributes.get("style", "").split(";"))
        self.tags.append(
            (tag, attributes, {name.strip(): value.strip() for name, _, value in pairs if value})
        )

    def handle_data(self, data):
        if self.tags[-1][0] == "style":
            self.sheet += data


# What Word, which renders mail in Outlook for Windows, does not know or gets wrong (caniemail.com, and
# Microsoft's "Word HTML and CSS rendering capabilities in Outlook").
UNKNOWN_TAGS = re.compile("img|svg|picture|video|audio|button|input|form|iframe|object|script|link|base")
UNKNOWN_STYLES = re.compile(
    "position|float|clear|flex.*|grid.*|gap|transform|opacity|box-shadow|border-radius|background(-image|-size)?|inset"
    "|object-fit|columns|animation|transition|filter|order|align-items|justify-content"
)
UNKNOWN_VALUES = re.compile(
    r"flex|grid|inline-block|var\(|calc\(|min\(|max\(|clamp\(|url\(|rgba?\(|hsla?\(|gradient|\d(rem|vw|vh|ch)\b"
)
TABLES = {"table", "td", "th"}


def faults_for_word(html):
    """Return what Word would render wrongly in a mail's HTML, each by a name that says what it is."""
    mail = Mail(html)
    faults = [f"<{tag}>" for tag, _, _ in mail.tags if UNKNOWN_TAGS.fullmatch(tag)]
    ghost = re.search(
        r"<!--\[if mso\]><table[^>]* width=\"640\"[^>]*><tr><td><!\[endif\]-->\s*<table[^>]*class=\"sheet\"",
        html,
    )
    closed = re.search(r"</table>\s*<!--\[if mso\]></td></tr></table><!\[endif\]-->", html)
    for tag, attributes, style in mail.tags:
        faults += [f"{name} on <{tag}>" for name in style if UNKNOWN_STYLES.fullmatch(name)]
        faults += [f"{value} on <{tag}>" for value in style.values() if UNKNOWN_VALUES.search(value)]
        if tag not in TABLES and re.search(r"[1-9]", style.get("padding", "")):
            faults.append(f"padding on <{tag}>")
        if any(name.startswith("padding-") for name in style) and tag not in TABLES:
            faults.append(f"padding on <{tag}>")
        if style.get("width") and "width" not in attributes:
            faults.append(f"width without an attribute on <{tag}>")
        if style.keys() & {"max-width", "min-width"} and not (
            ghost and closed and "sheet" in attributes.get("class", "")
        ):
            faults.append(f"max-width on <{tag}>")
        if style.get("display", "none") != "none" or (
            style.get("display") and style.get("mso-hide") != "all"
        ):
            faults.append(f"display on <{tag}>")
        if tag == "table" and not {"cellpadding", "cellspacing", "border"} <= attributes.keys():
            faults.append("a table with Word's own padding")
        if (
            "background-color" in style
            and attributes.get("class") in {"sheet", None}
            and "bgcolor" not in attributes
        ):
            faults.append(f"background without an attribute on <{tag}>")
    faults += re.findall(r"@import|@font-face|:hover|--[a-z]+\s*:|\[[a-z]+[~|^$*]?=", mail.sheet)
    return faults


def test_the_mail_keeps_to_what_word_draws():
    for code, digest in DIGESTS.items():
        language = languages.load(code)
        quiet = replace(digest, stories=(), perhaps=(), catches_up=True)
        bodies = [
            render_all(made, language).mail_html for made in (digest, quiet, replace(quiet, overview=True))
        ]
        assert [faults_for_word(body) for body in bodies] == [[], [], []]


@pytest.mark.parametrize(
    ("wrong", "fault"),
    [
        ('<div style="display:flex">', "flex"),
        ('<p style="background-image:url(x)">', "background-image"),
        ('<p style="padding:0 0 4px">', "padding"),
        ('<div style="max-width:300px">', "max-width"),
        ('<td style="width:300px">', "width without"),
        ('<p style="color:var(--ink)">', "var("),
        ("<table>", "padding"),
        ("<svg>", "<svg>"),
        ("<style>@import 'x';</style>", "@import"),
    ],
)
def test_what_word_does_not_draw_is_found(wrong, fault):
    html = render_all(DIGESTS["en"], languages.load("en")).mail_html
    assert any(fault in found for found in faults_for_word(html.replace("<h1", f"{wrong}<h1", 1)))


def test_files_link_to_the_archive_beside_them_and_mail_to_the_web_if_it_is_there():
    english, german = (render_all(DIGESTS[code], languages.load(code)) for code in ("en", "de"))
    assert '"stories/s17.html"' in english.renderings["html"]
    assert "(stories/s17.html)" in english.renderings["md"]
    assert "https://archive.example/monitor/stories/s17.html" in english.mail_text
    assert '"https://archive.example/monitor/stories/s17.html"' in english.mail_html
    assert "stories/" not in german.mail_text + german.mail_html
    assert "s17 e1 e2 e3 e4" in german.mail_text


def test_a_digest_of_version_1_0_is_still_reported():
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
