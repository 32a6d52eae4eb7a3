from __future__ import annotations

from dataclasses import replace
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tagging import entry

from monitor import encoder
from monitor.errors import ConfigError
from monitor.tag import Rules, Tagger, load
from monitor.tag.features import Features, Quote, Stems, halves
from monitor.tag.judge import Judge, fingerprint, log_odds, probability, shipped

if TYPE_CHECKING:
    from monitor.models import Entry

STARTER = load(
    (Path(__file__).parent.parent / "monitor" / "topic" / "themes.toml").read_text(encoding="utf-8"),
    file="themes.toml",
)
TAGGERS = (Tagger(STARTER), Tagger(replace(STARTER, learned=False)))
RULES = """
    learned = true
    [grades]
    sure = 1.0
    hint = 0.4
    never = -9.0
    [fields]
    title = 1.0
    [beat.b]
    label = { en = "B", de = "B" }
    any.sure = ["Sora"]
    any.hint = ["clips"]
    any.never = ["airline"]
    [theme.t]
    label = { en = "T", de = "T" }
    any.sure = ["letter"]
    [theme.u]
    label = { en = "U", de = "U" }
    any.sure = ["money"]
    """
HEAD = [
    "# a note",
    "made of\tx",
    "parts\tautor",
    "columns\trelevant\tb\tt",
    "base\t-1000\t500\t-200",
    "prior\tgeneral\t-1500",
    "sum\tb\t0:1000 1:1000",
    "passes\tb\t0:300",
    "sum\tt\t2:1000",
]


def judge(rules: Rules, *words: str) -> Judge:
    known = [f"known\t{t.slug}\t{' '.join(map(fingerprint, t.rules))}" for t in rules.targets]
    return Judge("\n".join([*HEAD, *known, *(f"w\t{word}" for word in sorted(words))]))


def tagger(*words: str, text: str = RULES, **options: Any) -> Tagger:
    known = load(RULES, file="themes.toml")
    return Tagger(load(text, file="themes.toml"), judge=judge(known, *words), **options)


def certainty(of: Tagger, text: Entry, kind: str = "") -> float:
    return of.tag(text, kind=kind).certainty


def total(of: Tagger, text: Entry, slug: str) -> float:
    return next(v.total for v in of.explain(text).verdicts if v.slug == slug)


def test_rules_and_words_add_up_to_log_odds_of_relevance() -> None:
    knowing = tagger("actor\t0:500", "actor strike\t0:400 2:100")
    plain = -1.0 + 1.0 + 0.3
    assert certainty(knowing, entry("Sora")) == pytest.approx(probability(plain), abs=1e-4)
    both = plain + (0.5 + 0.4) * 3 / 3**0.5
    assert certainty(knowing, entry("Sora actors strike")) == pytest.approx(probability(both), abs=1e-4)
    apart = plain + 0.5 * 3 / 3**0.5
    assert certainty(knowing, entry("Sora strike actors")) == pytest.approx(probability(apart), abs=1e-4)


def test_a_pair_does_not_reach_from_one_field_into_the_next() -> None:
    knowing = tagger("actor strike\t0:4000")
    assert certainty(knowing, entry("Sora actors", "strike")) == certainty(knowing, entry("Sora", ""))


def test_certainty_decides_which_shelf_an_entry_is_on() -> None:
    knowing = tagger("good\t0:1000", "dull\t0:-300", "bad\t0:-950")
    found = {word: knowing.tag(entry(f"Sora {word}")) for word in ("good", "dull", "bad")}
    assert [found[word].shelf for word in found] == ["sure", "perhaps", ""]
    assert [found[word].beats for word in found] == [("b",), ("b",), ()]
    assert found["dull"].score >= 1 > found["bad"].score
    assert found["bad"].near.startswith("b 0.15 of 0.30 (“Sora”")
    assert tagger("good\t0:1000", text="sure = 0.99\n" + RULES).tag(entry("Sora good")).shelf == "perhaps"


def test_the_kind_of_feed_is_a_prior() -> None:
    feed = entry("Sora")
    assert certainty(tagger(), feed, "general") == pytest.approx(probability(0.3 - 1.5), abs=1e-4)
    known = tagger(kinds={"f": "general"})
    assert certainty(known, feed) == certainty(tagger(), feed, "general") < certainty(tagger(), feed)


def test_a_title_without_a_teaser_has_a_prior_of_its_own() -> None:
    known = load(RULES, file="themes.toml")
    table = judge(known)
    table.priors["title alone"] = 1.2
    alone, with_teaser = (certainty(Tagger(known, judge=table), entry("Sora", below)) for below in ("", "."))
    assert alone == pytest.approx(probability(0.3 + 1.2), abs=1e-4)
    assert with_teaser == pytest.approx(probability(0.3), abs=1e-4)


@pytest.mark.skipif(not encoder.available(), reason="without the extra nothing is looked at twice")
def test_a_title_without_a_teaser_has_one_more_prior_for_the_second_look() -> None:
    known = load(RULES, file="themes.toml")
    table = judge(known)
    looked = {
        below: certainty(Tagger(known, judge=table, semantic=True), entry("Sora", below))
        for below in ("", ".")
    }
    table.priors["title alone, looked at"] = -0.8
    for below, total in (("", -0.8), (".", 0.0)):
        by_words = certainty(Tagger(known, judge=table), entry("Sora", below))
        found = certainty(Tagger(known, judge=table, semantic=True), entry("Sora", below))
        assert by_words == pytest.approx(probability(0.3), abs=1e-4)
        assert log_odds(found) == pytest.approx(log_odds(looked[below]) + total, abs=1e-2)


def test_the_weightiest_words_are_named_first_and_the_others_summed_up() -> None:
    words = ("small\t0:100", "big\t0:-900", "mid\t0:500")
    found = tagger(*words).explain(entry("Sora small big mid"), shown=2).relevance.evidence
    assert [e.term for e in found if e.rule == "learned"] == ["big", "mid"]
    assert sum(e.weight for e in found) == pytest.approx(
        tagger(*words).explain(entry("Sora small big mid")).relevance.total, abs=0.01
    )


def test_an_entry_that_does_not_mention_ai_has_a_prior_of_its_own() -> None:
    known = load(
        RULES + '\n    [glossary.any]\n    named = ["AI", "{firm}"]\n    firm = ["Suno"]', file="themes.toml"
    )
    table = judge(known)
    table.priors["unnamed"] = -2.0
    for below, total in (("clips", -2.0), ("clips by AI", 0.0), ("of Suno", 0.0)):
        found = certainty(Tagger(known, judge=table), entry("Sora", below))
        assert found == pytest.approx(probability(0.3 + total + 0.4 * ("clips" in below)), abs=1e-4), below
    # A title alone often has no room to mention it.
    table.priors["unnamed title"] = -1.0
    assert certainty(Tagger(known, judge=table), entry("Sora")) == pytest.approx(probability(-0.7), abs=1e-4)
    reason = Tagger(known, judge=table).explain(entry("Sora", ".")).relevance.evidence
    assert ("the kind of feed, a missing teaser, no mention of AI", -2.0) in [
        (e.rule, e.weight) for e in reason
    ]


@pytest.mark.parametrize(
    ("title", "teaser"),
    [
        (
            "Songwriter tells MPs the streaming model is unethical",
            "Composers make little money from streamed music.",
        ),
        (
            "One-man choir of nine singers",
            "A musician uses technology to turn himself into a choir in lockdown.",
        ),
        (
            "How AI helps me waste con artists' time",
            "He wants to stop them from stealing, says the streamer.",
        ),
    ],
)
def test_no_story_of_another_matter_is_sure(title: str, teaser: str) -> None:
    assert TAGGERS[0].tag(entry(title, teaser), kind="general").shelf != "sure"


def test_the_gate_is_not_opened_by_words() -> None:
    knowing = tagger("studio\t0:9000")
    assert knowing.tag(entry("studio")).certainty == pytest.approx(0, abs=1e-9)
    assert knowing.tag(entry("studio clips")).beats == ("b",)
    assert knowing.tag(entry("studio clips airline")).beats == ()


def test_the_table_can_take_beat_and_theme_back() -> None:
    knowing = tagger("loud\t2:-2000", "dull\t0:-9000")
    assert knowing.tag(entry("Sora letter")).themes == ("t",)
    assert knowing.tag(entry("Sora letter loud")).themes == ()
    assert knowing.tag(entry("Sora letter dull")).beats == ()


def test_explain_agrees_with_tag_to_the_last_digit() -> None:
    text = entry("Sora actors one two three four five six seven eight nine ten eleven")
    given = []
    for weight in range(230, 260):
        knowing = tagger(f"actor\t2:{weight}")
        tagging = knowing.tag(text)
        assert knowing.explain(text).tagging == tagging
        given.append(tagging.themes)
    assert set(given) == {(), ("t",)}


def test_a_target_that_the_table_does_not_know_is_left_to_the_rules() -> None:
    assert total(tagger(), entry("Sora", "some money"), "u") == 1.0
    assert tagger().tag(entry("Sora", "some money")).themes == ("u",)


def test_a_beat_of_the_user_s_own_is_decided_by_its_rules() -> None:
    text = RULES + '[beat.mine]\nlabel = { en = "M", de = "M" }\nany.sure = ["river"]\nany.hint = ["bridge"]'
    tagging = tagger(text=text).tag(entry("river"))
    assert (tagging.beats, tagging.shelf) == (("mine",), "sure")
    assert tagger(text=text).tag(entry("bridge")).beats == ()
    assert tagger(text=text).tag(entry("Sora river")).beats == ("b", "mine")


def test_rules_newer_than_the_table_hold_by_themselves() -> None:
    newer = RULES.replace('any.sure = ["letter"]', 'any.sure = ["letter", "walkout"]', 1)
    newer = newer.replace('any.sure = ["Sora"]', 'any.sure = ["Sora", "choir"]', 1)
    knowing = tagger("walkout\t2:-900", "choir\t0:-900", text=newer)
    assert knowing.tag(entry("Sora walkout")).themes == ("t",)
    assert knowing.tag(entry("choir")).shelf == "sure"
    assert tagger("walkout\t2:-900").tag(entry("Sora walkout")).themes == ()


def test_without_the_switch_the_rules_decide_alone() -> None:
    off = tagger("actor\t0:9000", text=RULES.replace("learned = true", "learned = false"))
    assert off.tag(entry("actors")).beats == ()
    assert (off.tag(entry("Sora letter")).themes, off.tag(entry("Sora")).shelf) == (("t",), "sure")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('learned = "yes"', "must be true or false"),
        ("sure = 0.1", "must rise between 0 and 1"),
        ("perhaps = 2", "must rise between 0 and 1"),
        ('near = "x"', "must be a number"),
        ('outlets = "The Post"', "must be a list of texts"),
    ],
)
def test_switches_and_bars_are_checked(line: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        load(line + RULES.replace("learned = true", ""), file="themes.toml")


def test_the_outlet_that_reported_it_is_not_involved() -> None:
    text = 'outlets = ["Morning Post"]' + RULES.replace('"Sora"', '"Morning Post"')
    off = Tagger(load(text.replace("learned = true", ""), file="themes.toml"))
    for reported in (
        "It sold, according to the Morning Post.",
        "Das Werk schließt, wie die Morning Post berichtet.",
        "The deal is off, the Morning Post reports",
        "Laut Morning Post ist es vorbei",
    ):
        assert not off.tag(entry("A sale", reported)).relevant, reported
    assert off.tag(entry("Morning Post sues a start-up")).relevant


def test_five_lines_say_why_and_all_lines_say_how() -> None:
    knowing = tagger("actor\t0:800 2:600", "from\t0:-20", "dull\t0:-400")
    explanation = knowing.explain(entry("Sora actors letter from dull people"))
    lines = explanation.lines()
    assert len(lines) <= 5
    assert lines[0].startswith("sure: certainty 0.")
    assert lines[1].startswith("for it: “actors”")
    assert "against it: “dull”" in lines[1]
    assert lines[2].startswith("given: b (“Sora”), t (“letter”)")
    everything = explanation.arithmetic()
    assert any("“dull” in the title (learned)" in line for line in everything)
    assert any("b (the sum of its rules)" in line for line in everything)


def test_long_texts_are_seen_at_their_opening() -> None:
    knowing = tagger("actor\t2:9000")
    assert knowing.tag(entry("Sora", "one " * 79 + "actors")).themes == ("t",)
    assert knowing.tag(entry("Sora", "one " * 80 + "actors")).themes == ()
    assert knowing.tag(entry("Sora", "", "actors")).themes == ("t",)
    assert knowing.tag(entry("Sora", "a summary", "actors")).themes == ()


def test_the_memory_of_words_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("monitor.tag.features._REMEMBERED", 3)
    stems = Stems("en")
    words = {"title": [f"w{number}" for number in range(40)]}
    assert stems.features(words) == stems.features(words)
    assert len(stems._known) <= 3


def test_german_compounds_are_also_seen_by_their_parts() -> None:
    parts = frozenset({"drehbuch", "autor", "verlag", "musik", "kunst", "unterkunft"})
    for stem, found in (
        ("drehbuchautor", ("drehbuch", "autor")),
        ("verlagsautor", ("verlag", "autor")),
        ("synchronautor", ("autor",)),
        ("musikbranche", ("musik",)),
        ("unterkunft", ()),
        ("autor", ()),
        ("wegkunst", ()),
    ):
        assert halves(stem, parts) == found, stem
    knowing = tagger("autor\t2:9000")
    assert knowing.tag(entry("Sora", "Drehbuchautoren", language="de")).themes == ("t",)
    assert knowing.tag(entry("Sora", "Drehbuchautoren", language="en")).themes == ()


def test_an_entry_that_mentions_ai_and_creative_work_passes_the_gate() -> None:
    """If AI and creative work are both mentioned, the table decides, whether or not a phrase of a beat
    foresaw it.
    """
    for text, language, asked in (
        ("A newspaper tries out an LLM", "en", True),
        ("Zeitung erprobt künstliche Intelligenz", "de", True),
        ("An LLM for dentists", "en", False),
        ("Newspaper moves to a new house", "en", False),
    ):
        found = TAGGERS[0].tag(entry(text, language=language))
        assert (found.certainty > 0) is asked, text


def test_a_table_with_an_unknown_row_is_refused() -> None:
    with pytest.raises(ValueError, match="unknown row 'words'"):
        Judge("words\tx\t1")


def test_every_word_of_a_table_is_found_and_no_other() -> None:
    for many in (0, 1, 2, *range(100, 150)):
        words = [f"{n:03}{'ä ' * (n % 5)}" for n in range(many)]
        others = {"", "0", "zz", *(word[:2] for word in words), *(f"{word}x" for word in words)}
        for end in ("", "\n"):
            table = Judge("\n".join([*HEAD, *(f"w\t{word}\t0:1" for word in words)]) + end)
            found = table.read(Features({w: Quote(w, "title") for w in {*words, *others}}, 1.0))
            assert {quote.text for quote, _ in found.rows} == set(words)


def test_each_word_of_the_shipped_table_is_where_it_is_looked_for() -> None:
    text = resources.files("monitor.tag").joinpath("weights.tsv").read_text(encoding="utf-8")
    words = [line.split("\t")[1] for line in text.splitlines() if line.startswith("w\t")]
    assert words == sorted(words)
    every = Features({word: Quote(word, "title") for word in words[::50]}, 1.0)
    assert len(shipped().read(every).rows) == len(every.quotes)


def test_the_shipped_table_covers_the_starter_and_both_languages() -> None:
    assert STARTER.learned
    assert all(shipped().covers(target.slug) for target in STARTER.targets)
    for text, language in (
        ("Novelists sue OpenAI over copyright of their books used for AI training", "en"),
        ("Autoren verklagen OpenAI: Urheberrecht an Büchern beim KI-Training verletzt", "de"),
    ):
        found = TAGGERS[0].tag(entry(text, language=language))
        assert (found.shelf, "copyright" in found.themes) == ("sure", True)


WORDS = st.sampled_from(
    "Sora AI actors strike unpaid licence deepfake studio launch the of Künstler 2026 .".split()
)


@given(
    title=st.lists(WORDS, max_size=8),
    summary=st.lists(WORDS, max_size=20),
    language=st.sampled_from(["en", "de", ""]),
)
def test_evidence_adds_up_to_the_total(title: list[str], summary: list[str], language: str) -> None:
    text = entry(" ".join(title), " ".join(summary), language=language)
    for of in TAGGERS:
        explanation = of.explain(text, shown=100)
        for verdict in (explanation.relevance, *explanation.verdicts):
            if not verdict.evidence:
                continue
            by_rules = [e for e in verdict.evidence if ": " in e.rule]
            rest = [e for e in verdict.evidence if ": " not in e.rule]
            counted = by_rules if verdict.unit == "points" else rest
            assert sum(e.weight for e in counted) == pytest.approx(verdict.total, abs=0.06)


@pytest.mark.parametrize(
    "title",
    ["Goodbye to Sora", "Sora is being discontinued", "The sudden fall of Sora", "Das Ende von Sora", "Sora 2 is here"],
)  # fmt: skip
def test_a_bare_sora_in_a_title_is_the_model(title: str) -> None:
    found = TAGGERS[0].tag(entry(title), kind="technology")
    assert "sora" in found.beats
    assert found.certainty > TAGGERS[0].tag(entry(title), kind="general").certainty


@pytest.mark.parametrize(
    "title",
    ["Kingdom Hearts 4: Sora returns", "Sora Ventures launches bitcoin treasury fund", "Der Vogel Sora wurde gesichtet"],
)  # fmt: skip
def test_another_sora_is_not(title: str) -> None:
    assert not TAGGERS[0].tag(entry(title), kind="technology").relevant


@pytest.mark.parametrize(
    ("title", "sure"),
    [
        ("Show HN: Sora, a static site generator", False),
        ("Sora 1.0, a web framework in Go", False),
        ("Show HN: Sora – self-hosted wiki", False),
        ("Sora, eine kleine Datenbank in Rust", False),
        ("Show HN: I built a search engine for Sora videos", True),
        ("Sora CLI: generate OpenAI videos from your terminal", True),
        ("Mit Sora gedreht: ein Kurzfilm", True),
    ],
)
def test_a_program_called_sora_is_not_one_made_with_it(title: str, sure: bool) -> None:
    assert (TAGGERS[0].tag(entry(title), kind="technology").shelf == "sure") is sure


class Vector(list[float]):
    def tolist(self) -> list[float]:
        return list(self)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Replace the encoder by two numbers (is there an actor, is there a bird); keep the texts it gets."""
    texts: list[str] = []

    def encode(given: list[str]) -> list[Vector]:
        texts.extend(given)
        return [Vector([float("actor" in text), float("bird" in text)]) for text in given]

    monkeypatch.setattr("monitor.encoder.available", lambda: True)
    monkeypatch.setattr("monitor.encoder.encode", encode)
    return texts


LOOK = "meaning\trelevant\t500 -200 2000 -3000"


def looking(*, semantic: bool = True) -> Tagger:
    known = load(RULES, file="themes.toml")
    table = judge(known)
    table.meanings = Judge(LOOK).meanings
    return Tagger(known, judge=table, semantic=semantic)


def test_an_entry_that_passes_the_gate_is_also_judged_by_its_meaning(asked: list[str]) -> None:
    by_words = -1.0 + 1.0 + 0.3
    for text, meant in (("Sora actors", 2.0), ("Sora birds", -3.0), ("Sora", 0.0)):
        of = by_words * 0.5 - 0.2 + meant
        assert certainty(looking(), entry(text)) == pytest.approx(probability(of), abs=1e-4)
    assert asked == ["Sora actors. ", "Sora birds. ", "Sora. "]


def test_the_meaning_is_that_of_the_title_and_of_the_opening_below_it(asked: list[str]) -> None:
    """As in training: the weights of meaning come from texts of this length."""
    looking().tag(entry("Sora", "one " * 400, "two"))
    looking().tag(entry("Sora", "", "two"))
    assert asked == ["Sora. " + ("one " * 140).rstrip(), "Sora. two"]


def test_nothing_is_encoded_that_the_gate_stops_or_if_meaning_is_off(asked: list[str]) -> None:
    looking().tag(entry("actors"))
    looking(semantic=False).tag(entry("Sora actors"))
    assert looking(semantic=False).tag(entry("Sora actors")) == tagger().tag(entry("Sora actors"))
    assert asked == []


def test_explain_shows_what_the_meaning_added(asked: list[str]) -> None:
    explanation = looking().explain(entry("Sora actors"))
    assert explanation.lines()[0].endswith("; the meaning of the text counts +1.65)")
    relevance = explanation.relevance
    by_meaning = [e.weight for e in relevance.evidence if e.rule == "the meaning of the text"]
    assert by_meaning == [pytest.approx(0.5 * 0.3 - 0.2 + 2.0 - 0.3)]
    assert sum(e.weight for e in relevance.evidence) == pytest.approx(relevance.total, abs=1e-3)


@pytest.mark.skipif(not encoder.available(), reason="the semantic extra is not installed")
def test_the_shipped_look_knows_one_thing_by_other_words() -> None:
    look = Tagger(STARTER, semantic=True)
    relevant = entry("AI songs drive composers out of work", "Film scores now come from a prompt, they say.")
    launch = entry("An AI feature for artists", "The plug-in sorts the layers of a drawing by a prompt.")
    without, with_ = ([certainty(of, text) for text in (relevant, launch)] for of in (TAGGERS[0], look))
    assert with_ != without
    assert with_[0] > 0.6
