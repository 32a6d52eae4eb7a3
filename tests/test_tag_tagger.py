from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tagging import entry

from monitor.tag import GrammarError, Rules, Tagger, load, matcher
from monitor.tag.grammar import parse_rule

if TYPE_CHECKING:
    from collections.abc import Sequence

    from monitor.models import Entry

STARTER = load(
    (Path(__file__).parent.parent / "monitor" / "topic" / "themes.toml").read_text(encoding="utf-8"),
    file="themes.toml",
)
TAGGER = Tagger(STARTER)


def rules(
    *, sure: list[str], likely: Sequence[str] = (), against: Sequence[str] = (), extra: str = ""
) -> Rules:
    return load(
        f"""
        [grades]
        sure = 1.0
        likely = 0.6
        against = -0.6
        [fields]
        title = 1.25
        summary = 1.0
        content = 0.5
        lead_words = 5
        words = 30
        {extra}
        [beat.b]
        label = {{ en = "B", de = "B" }}
        any.sure = {json.dumps(sure)}
        any.likely = {json.dumps(list(likely))}
        any.against = {json.dumps(list(against))}
        [theme.t]
        label = {{ en = "T", de = "T" }}
        any.sure = ["themed"]
        """,
        file="themes.toml",
    )


def holds(rule: str, text: Entry, extra: str = "") -> bool:
    return Tagger(rules(sure=[rule], extra=extra)).tag(text).relevant


@pytest.mark.parametrize(
    ("rule", "text", "expected"),
    [
        ("open letter", "An Open-Letter today", True),
        ("open letter", "open the letter", False),
        ("petition*", "petitioners", True),
        ("*klage", "Urheberrechtsklage", True),
        ("*klage", "klagen", False),
        ("*streik*", "bestreikte Studios", True),
        ("~protest", "protesting", True),
        ("~protest", "protector", False),
        ("# artists", "over 400 artists", True),
        ("# artists", "many artists", False),
        ("sue|sues OpenAI", "authors sues OpenAI", True),
        ("unpaid NEAR/2 work", "work that is unpaid", True),
        ("unpaid NEAR/2 work", "work that is still very unpaid", False),
        ("unpaid NEAR/2 work", "unpaid x x work", True),
        ("unpaid NEAR/2 work", "unpaid x x x work", False),
        ("unpaid NEAR/2 work", "work x x unpaid", True),
        ("unpaid NEAR/2 work", "work x x x unpaid", False),
        ("unpaid THEN/2 work", "unpaid test work", True),
        ("unpaid THEN/2 work", "work unpaid", False),
        ("a1 NEAR b1 NEAR c1", "c1 x b1 x a1", True),
        ("unpaid AND testers", "unpaid hours of testers", True),
        ("unpaid AND testers", "unpaid hours", False),
        ("Sora NOT airline", "Sora flies", True),
        ("Sora NOT airline", "Sora, the airline", False),
        ("often: Sora", "Sora, Sora", False),
        ("often: Sora", "Sora, Sora and Sora", True),
        ("Künstler", "Die Künstler:innen", True),
        ("Künstler NEAR/0 warnen", "Künstlerinnen und Künstler warnen", True),
    ],
)
def test_the_language_of_rules(rule: str, text: str, expected: bool) -> None:
    assert holds(rule, entry(summary=text)) is expected


def test_title_and_lead_say_where() -> None:
    assert holds("title: Sora", entry("Sora", "x"))
    assert not holds("title: Sora", entry("x", "Sora"))
    assert holds("lead: Sora", entry("x", "one two Sora"))
    assert not holds("lead: Sora", entry("x", "one two three four five Sora"))
    assert holds(
        "title: {name} AND {name} NOT title: x", entry("Sora", ""), '[glossary.any]\nname = ["Sora"]'
    )
    assert not holds("lead: Sora", entry("x", "a summary", "Sora"))
    assert holds("title: Sora AND lead: Sora", entry("Sora"))


def test_nothing_is_near_across_fields() -> None:
    assert not holds("unpaid NEAR/50 work", entry("unpaid", "work"))


def test_fields_weigh_and_the_rest_of_a_summary_weighs_as_content() -> None:
    tagger = Tagger(rules(sure=["Sora"]))
    assert tagger.tag(entry("Sora")).score == 1.25
    assert tagger.tag(entry("x", "Sora")).score == 1.0
    assert tagger.tag(entry("x", "1 2 3 4 5 Sora")).score == 0.5
    assert tagger.tag(entry("x", "", "Sora")).score == 0.5
    assert tagger.tag(entry("Sora", "Sora", "Sora")).score == 1.25
    assert tagger.tag(entry("x", "", "word " * 60 + "Sora")).score == 0.0


def test_a_rule_across_fields_weighs_as_its_weakest_place() -> None:
    (found,) = Tagger(rules(sure=["Sora AND artists"])).tag(
        entry("Sora", "1 2 3 4 5 6 artists")
    ).evidence or (None,)
    assert found is None
    tagging = Tagger(rules(sure=["Sora AND artists"])).tag(entry("Sora", "artists"))
    assert [(e.term, e.field, e.weight) for e in tagging.evidence] == [("Sora … artists", "summary", 1.0)]


def test_the_name_of_who_reported_it_is_not_read() -> None:
    assert not holds("Sora", entry("Dinner (Sora Abe/The Paper)"))
    assert holds("Sora", entry("Sora (Ada Lovelace/The Paper)"))
    tagger = Tagger(replace(rules(sure=["paper", "source", "Sora"]), outlets=("The Paper",)))
    for title in ("Dinner (The Paper)", "Dinner (Source: The Paper)"):
        assert not tagger.tag(entry(title)).relevant


def test_what_a_title_says_in_brackets_is_read() -> None:
    for outlets in ((), ("The Paper",)):
        tagger = Tagger(replace(rules(sure=["Sora"]), outlets=outlets))
        assert tagger.tag(entry("OpenAI closes its video generator (Sora)")).relevant
    assert TAGGER.tag(entry("Studio leaves after dispute (OpenAI Sora)")).shelf == "sure"
    # Neither an author with an outlet, nor an outlet that reports.
    assert TAGGER.tag(entry("Video generators compared (Sora/Veo)")).shelf == "sure"
    assert TAGGER.tag(entry("Judge rules on AI training (New York Times v. OpenAI)")).relevant


def test_hidden_phrases_hide_what_is_within_them() -> None:
    extra = '[hidden]\nany = ["air strike*"]'
    assert not holds("strike*", entry("Air strikes reported"), extra)
    assert holds("strike*", entry("Air strikes reported; actors strike"), extra)
    assert holds("air strikes", entry("Air strikes reported"), extra)


def test_weights_add_up_and_may_speak_against() -> None:
    tagger = Tagger(rules(sure=[], likely=["leak", "letter"], against=["stock"]))
    assert not tagger.tag(entry(summary="a leak")).relevant
    assert tagger.tag(entry(summary="a leak, a letter")).relevant
    tagging = tagger.tag(entry(summary="leak, letter, the stock"))
    assert (tagging.relevant, tagging.score) == (False, 0.6)
    assert tagging.near == "b 0.60 of 1.00 (“leak”, “letter”)"
    assert tagger.tag(entry(summary="the stock")).score == 0.0


def test_a_theme_needs_a_beat() -> None:
    tagger = Tagger(rules(sure=["Sora"]))
    assert tagger.tag(entry("themed")).themes == ()
    assert tagger.tag(entry("Sora themed")).themes == ("t",)


def test_rules_count_in_their_language_and_in_unknown_ones() -> None:
    text = """
        [grades]
        sure = 1.0
        [glossary.en]
        word = ["gift"]
        [glossary.de]
        word = ["geschenk"]
        [beat.b]
        label = { en = "B", de = "B" }
        en.sure = ["{word}"]
        de.sure = ["art"]
        """
    tagger = Tagger(load(text, file="themes.toml"))
    given = {
        language: [
            tagger.tag(entry(word, language=language)).relevant for word in ("gift", "art", "geschenk")
        ]
        for language in ("en", "de-AT", "")
    }
    assert given == {"en": [True, False, False], "de-AT": [False, True, False], "": [True, True, True]}


def test_what_was_lacking_is_the_one_missing_term_of_the_weightiest_rule() -> None:
    found = Tagger(rules(sure=["Sora AND artists AND strike", "Sora AND money"], likely=["Sora AND actors"]))
    assert found.explain(entry("Sora")).verdicts[0].lacking.endswith("`Sora AND money` (+1) lacks money")


def test_explain_says_what_was_found_and_what_was_lacking() -> None:
    tagger = Tagger(rules(sure=["Sora AND artists"], likely=["Sora"]))
    explanation = tagger.explain(entry(summary="Sora themed"))
    nearest = explanation.nearest
    assert nearest is not None
    assert (nearest.slug, nearest.lacking) == (
        "b",
        "0.40 points short; `Sora AND artists` (+1) lacks artists",
    )
    assert explanation.verdicts[1].lacking == "enough for the theme, but the entry is on no beat"
    assert explanation.lines() == [
        "not chosen: certainty 0.41 (no beat reaches its own bar)",
        "for it: “Sora”",
        "nearest not given: b: 0.40 points short; `Sora AND artists` (+1) lacks artists",
    ]
    assert explanation.arithmetic() == [
        "beat b: not given, +0.60 points, needed 1.00",
        "  +0.60  “Sora” in the summary (likely: Sora)",
        "theme t: not given, +1.00 points, needed 1.00",
        "  +1.00  “themed” in the summary (sure: themed)",
    ]
    as_json = json.loads(json.dumps(explanation.to_dict()))
    assert as_json["nearest"]["slug"] == "b"
    assert as_json["targets"][0]["evidence"][0]["term"] == "Sora"


def test_explain_agrees_with_tag_and_ends_when_all_is_given() -> None:
    tagger = Tagger(rules(sure=["Sora"]))
    explanation = tagger.explain(entry("Sora themed"))
    assert explanation.tagging == tagger.tag(entry("Sora themed"))
    assert explanation.nearest is None
    assert explanation.to_dict()["nearest"] is None
    assert explanation.lines() == [
        "sure: certainty 0.83 (perhaps from 0.30, sure from 0.60)",
        "for it: “Sora”",
        "given: b (“Sora”), t (“themed”)",
    ]


def test_try_phrase_tells_gains_and_losses() -> None:
    tagger = Tagger(rules(sure=["Sora"]))
    news = [entry("Sora walkout"), entry("Sora"), entry("a walkout")]
    (change,) = tagger.try_phrase("walkout", "t", news)
    assert (change.entry.title, change.gains, change.losses) == ("Sora walkout", ("t",), ())
    (loss,) = Tagger(rules(sure=["Sora"])).try_phrase("walkout", "b", news[:2], grade="against")
    assert (loss.gains, loss.losses) == ((), ("b",))
    assert tagger.try_phrase("walkout", "t", news, language="de") == []


@pytest.mark.parametrize(
    ("phrase", "target", "grade", "message"),
    [
        ("x", "q", "sure", "unknown beat"),
        ("x", "t", "q", "unknown grade"),
        ("{q}", "t", "sure", "unknown list"),
    ],
)
def test_try_phrase_refuses_what_the_file_would(phrase: str, target: str, grade: str, message: str) -> None:
    with pytest.raises(GrammarError, match=message):
        Tagger(rules(sure=["Sora"])).try_phrase(phrase, target, [], grade=grade)


WORDS = st.sampled_from(
    [
        *("Sora", "OpenAI", "AI", "KI", "artists", "Künstler:innen", "Streik", "unpaid", "work", "copyright"),
        *("klage", "Urheber*innen", "'s", "A.I.", "\n", "—", "„", "(", "12", ":in", "und", "Autorinnen"),
    ]
)


@given(
    st.one_of(st.text(), st.lists(WORDS, max_size=40).map(" ".join)),
    st.one_of(st.text(), st.lists(WORDS, max_size=60).map(" ".join)),
    st.sampled_from(["en", "de", "fr", ""]),
)
def test_any_text_is_tagged_and_its_evidence_stands_in_it(title: str, summary: str, language: str) -> None:
    news = entry(title, summary, language=language)
    tagging = TAGGER.tag(news)
    for found in tagging.evidence:
        for piece in found.term.split(" … ") if found.field else ():
            assert piece in title + "\0" + summary
    assert TAGGER.explain(news).tagging == tagging


def test_a_hostile_text_stays_cheap() -> None:
    hostile = entry("AI artists " * 5_000, "OpenAI unpaid artists copyright strike " * 5_000)
    assert TAGGER.tag(hostile).relevant


@pytest.mark.parametrize(
    ("title", "summary", "language"),
    [
        (
            "Kingdom Hearts fans vote Sora their favourite hero",
            "The Keyblade bearer leaves Mickey far behind.",
            "en",
        ),
        (
            "SORA rate slips again as banks reprice home loans",
            "Singapore's overnight rate fell to 1.2 per cent.",
            "en",
        ),
        ("A sora at the reservoir delights birders", "The small rail hid in the reeds all week.", "en"),
        ("Sora, the free typeface, gets italics", "The font now has eight weights.", "en"),
        ("Neue Fluglinie Sora startet ab Köln", "Die Airline fliegt zweimal die Woche nach Kreta.", "de"),
        ("Restaurant Sora kocht um einen Stern", "Sushi und Sake im Hafen von Kiel.", "de"),
        ("Sora Tanaka wins bronze on the beam", "The gymnast, 17, trains in Osaka.", "en"),
        (
            "Rival lab shows a video model",
            "Its clips look much like OpenAI's Sora, reviewers say of the start-up.",
            "en",
        ),
        ("Authors read for the library", "Three novelists protest against its closing.", "en"),
        (
            "Chipmaker's profit doubles on AI demand",
            "Shares rose nine per cent after the quarterly results.",
            "en",
        ),
        ("Drehbuchautoren streiken für höhere Gagen", "Die Studios bieten drei Prozent.", "de"),
        ("Bank will Stellen durch KI ersetzen", "Betroffen sind Sachbearbeiter im Kundendienst.", "de"),
    ],
)
def test_what_is_out_of_scope_stays_out(title: str, summary: str, language: str) -> None:
    assert TAGGER.tag(entry(title, summary, language=language)).beats == ()


@pytest.mark.parametrize(
    ("title", "summary", "language"),
    [
        (
            "Last days to book your exhibit table: AI meets illustrators",
            "Artists, authors and AI firms talk copyright and licences on our stage.",
            "en",
        ),
        (
            "Frühbucherrabatt endet: unser Kongress zu KI und Urheberrecht",
            "Autorinnen, Verlage und OpenAI streiten auf der Bühne über Vergütung.",
            "de",
        ),
        (
            "Apply to speak: OpenAI's Sora and filmmakers at TechCrunch Sessions",
            "Show what your startup does with the video model.",
            "en",
        ),
    ],
)
def test_advertising_for_an_outlets_own_events_is_not_news(title: str, summary: str, language: str) -> None:
    assert TAGGER.tag(entry(title, summary, language=language)).beats == ()


@pytest.mark.parametrize(
    ("title", "summary", "language", "beat"),
    [
        ("Sora's makers widen the invite list", "OpenAI lets 20,000 more people into the app.", "en", "sora"),
        ("OpenAI macht Sora zu", "Die App verschwindet im April.", "de", "sora"),
        ("Judges side with GEMA against OpenAI", "The song lyrics must go.", "en", "ai-creative-labour"),
        (
            "Sprecherinnen lehnen Klausel ab",
            "Ihre Stimmen sollen keine Klone trainieren.",
            "de",
            "ai-creative-labour",
        ),
        (
            "Voice actors refuse to sign",
            "The clause would let studios clone their voices.",
            "en",
            "ai-creative-labour",
        ),
        ("Illustrator:innen protestieren gegen Bildgeneratoren", "", "de", "ai-creative-labour"),
    ],
)
def test_what_is_in_scope_comes_in(title: str, summary: str, language: str, beat: str) -> None:
    assert beat in TAGGER.tag(entry(title, summary, language=language)).beats


@pytest.mark.parametrize("report", ["according to the {}", "in a {}'s report", "as {} reported", "laut {}"])
def test_who_reports_is_looked_for_wherever_an_outlet_is_named(report: str) -> None:
    reporting = matcher._reporting(STARTER.outlets)
    assert reporting
    for outlet in STARTER.outlets:
        text = f"Nothing is known, {report.format(outlet)}."
        assert matcher._words(text, 100, reporting).text == reporting.phrase.sub(" ", text)


@pytest.mark.parametrize("title", ["Nothing of it", "Kunst und Krempel", ""])
def test_the_short_way_out_gives_what_the_long_one_would(title: str) -> None:
    text = entry(title)
    found = TAGGER._matcher(text)
    scoring = TAGGER._scoring(text, found, found.read(text), "", personal=None)
    assert not scoring.sums
    assert TAGGER.tag(text) == TAGGER._by_rules(scoring, scoring.beats(chosen=False))


def test_a_hint_of_a_beat_of_the_user_s_own_chooses_nothing_on_a_shipped_one() -> None:
    text = (Path(__file__).parent.parent / "monitor" / "topic" / "themes.toml").read_text(encoding="utf-8")
    own = '[beat.gardens]\nlabel = { en = "Gardens" }\nany.sure = ["rhododendron"]\nany.likely = ["garden"]\n'
    tagger = Tagger(load(f"{text}\n{own}", file="themes.toml"))
    refused = "Garden designers use AI images"
    alone, beside = TAGGER.tag(entry(refused)), tagger.tag(entry(refused))
    assert (beside.beats, beside.certainty) == (alone.beats, alone.certainty) == ((), beside.certainty)
    # It is on the user's own beat, and only on that one.
    both = entry("Rhododendron: garden designers use AI images")
    assert tagger.tag(both).beats == tagger.explain(both).tagging.beats == ("gardens",)
    assert tagger.tag(both).shelf == "sure"
    # The parts that are listed add up to the total.
    relevance = tagger.explain(both).relevance
    assert sum(e.weight for e in relevance.evidence) == pytest.approx(relevance.total, abs=0.02)
    assert "a beat of your own" in {e.rule for e in relevance.evidence}


def test_a_long_text_without_blanks_is_read() -> None:
    assert holds("{n}", entry("", "Sora\n" + "\u3042" * 10_000), extra='[glossary.any]\nn = ["Sora"]')


def test_other_languages_share_what_is_remembered_of_words() -> None:
    french, finnish = (TAGGER._stemmer(entry("x", language=code)) for code in ("fr", "fi"))
    assert french is finnish
    assert TAGGER._stemmer(entry("x", language="de-AT")) is not french


def test_points_that_come_to_the_bar_reach_it() -> None:
    tenths = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j"]
    text = f'[grades]\ntenth = 0.1\n[beat.b]\nlabel = {{ en = "B" }}\nany.tenth = {json.dumps(tenths)}\n'
    assert sum([0.1] * 10) < 1
    assert Tagger(load(text, file="themes.toml")).tag(entry("", " ".join(tenths))).beats == ("b",)


def test_a_hint_of_the_user_s_own_adds_to_what_the_table_says() -> None:
    text = (Path(__file__).parent.parent / "monitor" / "topic" / "themes.toml").read_text(encoding="utf-8")
    beat = next(target for target in STARTER.targets if target.slug == "ai-creative-labour")
    rule = replace(
        beat.rules[0], text="zeppelin", grade="hint", weight=0.35, condition=parse_rule("zeppelin")
    )
    targets = [replace(t, rules=(*t.rules, rule)) if t is beat else t for t in STARTER.targets]
    assert "zeppelin" not in text
    title = entry("", "Illustrators sue an AI firm over a zeppelin")
    before = TAGGER.explain(title).relevance.total
    after = Tagger(replace(STARTER, targets=tuple(targets))).explain(title).relevance.total
    assert after == pytest.approx(before + 2 * 0.35, abs=0.01)
