from __future__ import annotations

import json
import shutil
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from newsroom import THEMES, Desk, at, item, page, polled, run, serving

from monitor import corrections, encoder, store, tag
from monitor.tag.features import Features
from monitor.tag.personal import Own

if TYPE_CHECKING:
    from pathlib import Path

LEAK = "Testers leak OpenAI tool Sora in protest"


@pytest.fixture(scope="module")
def polled_desk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return polled(tmp_path_factory.mktemp("desk"))


@pytest.fixture
def desk(polled_desk: Path, tmp_path: Path) -> Path:
    return shutil.copytree(polled_desk, tmp_path / "copy")


def number(desk: Path, guid: str) -> int:
    return next(e["id"] for e in run(desk, "entries", "--all", "--json").json if e["guid"] == guid)


def beats(desk: Path) -> dict[str, list[str]]:
    return {e["guid"]: e["beats"] for e in run(desk, "entries", "--all", "--json").json}


def test_a_text_is_explained_by_its_terms(polled_desk: Path) -> None:
    assert "Sora" in run(polled_desk, "explain", "OpenAI shows Sora").out
    found = run(polled_desk, "explain", "OpenAI shows Sora", "--json").json
    assert found["title"] == "OpenAI shows Sora"
    assert "story" not in found


def test_a_stored_entry_is_explained_with_its_story(polled_desk: Path) -> None:
    entry = number(polled_desk, "leak")
    by_id = run(polled_desk, "explain", "--entry", entry, "--json").json
    assert by_id == run(polled_desk, "explain", "--url", "https://news.test/leak?utm_source=x", "--json").json
    assert by_id["entry"]["id"] == entry
    assert by_id["story"]["reason"]
    assert "story " in run(polled_desk, "explain", "--entry", entry).out
    assert run(polled_desk, "explain", "--entry", 999).code == 1
    assert run(polled_desk, "explain", "--url", "https://nowhere.test/").code == 1


def test_what_holds_for_an_entry_is_shown_first(desk: Path) -> None:
    leak, river = number(desk, "leak"), number(desk, "river")
    assert run(desk, "explain", leak).out.splitlines()[1].startswith("sure: certainty 0.")
    run(desk, "mark", leak, "--not-relevant")
    run(desk, "mark", river, "--beat", "sora", "--theme", "unpaid-labour")
    lines = run(desk, "explain", leak).out.splitlines()
    assert lines[1] == "not relevant, by your mark"
    assert lines[2].startswith("without it sure: certainty 0.")
    lines = run(desk, "explain", river).out.splitlines()
    assert lines[1] == "relevant, by your mark: sora, unpaid-labour"
    assert lines[2].startswith("without it not chosen: certainty 0.00")
    run(desk, "mark", leak, "--clear")
    (desk / "themes.toml").write_text(THEMES.replace("Sora AND OpenAI", "Zebra"))
    lines = run(desk, "explain", leak).out.splitlines()
    assert lines[1] == "sure when it was tagged: sora, leak-protest, unpaid-labour"
    assert lines[2].startswith("asked anew today not chosen: certainty 0.00")


def test_a_mark_without_themes_keeps_the_tagger_s(desk: Path) -> None:
    leak = number(desk, "leak")
    assert run(desk, "mark", leak, "--relevant").out == f"e{leak}: sora, leak-protest, unpaid-labour\n"


def test_a_text_is_judged_as_the_service_would(desk: Path) -> None:
    # With a decomposed letter (A and its ring), as some terminals paste it.
    (desk / "themes.toml").write_text(THEMES.replace("Sora AND OpenAI", "\u00e5ngstr\u00f6m"))
    plain = run(desk, "explain", "A\u030angstro\u0308m").out.splitlines()[1]
    assert plain.startswith("sure: certainty 0.83")
    with store.open(desk / "data" / "monitor.db") as opened:
        opened.set_note(tag.PERSONAL, tag.Personal(own={"sora": Own(3.0, {})}, marks=20).to_json())
    assert run(desk, "explain", "\u00e5ngstr\u00f6m").out.splitlines()[1].startswith("sure: certainty 0.95")


def test_a_headline_is_read_in_its_language(desk: Path) -> None:
    (desk / "themes.toml").write_text(THEMES.replace("any.sure", "de.sure"))
    german = "Das Werkzeug Sora von OpenAI steht ku\u0308nftig allen zur Verf\u00fcgung"
    english = "The tool Sora that OpenAI has made will be there for everybody"
    for command in ("explain", "why"):
        assert "Sora … OpenAI" in run(desk, command, german).out
        assert "Sora … OpenAI" not in run(desk, command, english).out


@pytest.mark.parametrize(
    "arguments", [[], ["x", "--entry", "1"], ["--entry", "1", "--url", "https://x.test/"]]
)
def test_one_thing_is_explained_at_a_time(polled_desk: Path, arguments: list[str]) -> None:
    result = run(polled_desk, "explain", *arguments)
    assert (result.code, result.err.count("\n")) == (2, 1)


def test_marks_hold_against_retagging_until_they_are_cleared(desk: Path) -> None:
    leak, river = number(desk, "leak"), number(desk, "river")
    assert run(desk, "mark", leak, "--not-relevant").out == f"e{leak}: not relevant\n"
    assert run(desk, "mark", river, "--beat", "sora", "--theme", "unpaid-labour").code == 0
    expected = {"leak": [], "choir": ["ai-creative-labour"], "river": ["sora"]}
    assert beats(desk) == expected
    assert run(desk, "retag", now=at(10)).out.startswith("3 entries tagged again: 0 changed")
    assert beats(desk) == expected
    shown = run(desk, "digest", "--format", "json", now=at(7, 1)).json["stories"]
    assert {story["title"] for story in shown} == {
        "AI choir angers artists in Graz",
        "River bridge closed for repairs",
    }
    assert len(run(desk, "entries", "--marked", "--json").json) == 2
    of_theme = run(desk, "entries", "--marked", "--theme", "unpaid-labour", "--json").json
    assert [entry["id"] for entry in of_theme] == [river]
    assert len(run(desk, "entries", "--marked", "--limit", "1", "--json").json) == 1
    assert run(desk, "entries", "--marked", "--since", "2024-12-09", "--json").json == []
    for entry in (leak, river):
        assert run(desk, "mark", entry, "--clear").code == 0
    assert beats(desk) == {"leak": ["sora"], "choir": ["ai-creative-labour"], "river": []}


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["1"], 2),
        (["1", "--relevant", "--not-relevant"], 2),
        (["1", "--clear", "--theme", "unpaid-labour"], 2),
        (["1", "--theme", "nonsense"], 2),
        (["x", "--relevant"], 2),
        (["999", "--relevant"], 1),
    ],
)
def test_marks_that_make_no_sense_are_refused(polled_desk: Path, arguments: list[str], code: int) -> None:
    result = run(polled_desk, "mark", *arguments)
    assert (result.code, result.out) == (code, "")
    assert "Traceback" not in result.err


def test_retag_applies_the_present_themes_and_says_what_changed(desk: Path) -> None:
    (desk / "themes.toml").write_text(THEMES.replace('"AI AND artists"', '"river bridge"'))
    result = run(desk, "retag", now=at(10))
    assert "  e2  -ai-creative-labour" in result.out
    assert "3 entries tagged again: 2 changed, 1 became relevant, 1 no longer are" in result.out
    assert beats(desk) == {"leak": ["sora"], "choir": [], "river": ["ai-creative-labour"]}
    assert run(desk, "retag", "--since", "2024-12-03", now=at(10)).out.startswith("0 entries")


def test_a_phrase_is_tried_before_it_is_written_down(polled_desk: Path) -> None:
    before = (polled_desk / "themes.toml").read_bytes()
    tried = run(polled_desk, "themes", "test", "river bridge", "--target", "sora")
    assert "River bridge closed" in tried.out
    assert tried.out.endswith("1 entry would gain, 0 would lose\n")
    assert (polled_desk / "themes.toml").read_bytes() == before
    near = run(polled_desk, "themes", "test", "x", "--target", "leak-protests")
    assert "no such beat or theme: 'leak-protests'; did you mean 'leak-protest'?" in near.err
    for wrong in (["(", "--target", "sora"], ["x", "--target", "nothing"], ["x NEAR", "--target", "sora"]):
        result = run(polled_desk, "themes", "test", *wrong)
        assert (result.code, result.out) == (2, ""), wrong


def test_records_are_tagged_line_by_line_and_keep_what_is_unknown(polled_desk: Path) -> None:
    lines = [
        {"id": "1", "title": LEAK, "published": "2024-11-26", "mine": 7},
        {"id": "2", "title": "River bridge closed"},
        {"id": "3", "title": LEAK, "published": "2024-11-26"},
    ]
    result = run(polled_desk, "tag", "--jsonl", stdin="\n".join(map(json.dumps, lines)) + "\n\n")
    one, two, three = map(json.loads, result.out.splitlines())
    assert set(one) >= {"id", "title", "beats", "themes", "story", "score", "evidence", "mine"}
    assert (one["beats"], one["themes"], two["beats"], two["story"]) == (["sora"], ["leak-protest"], [], None)
    assert one["story"] == three["story"] is not None


@pytest.mark.skipif(not encoder.available(), reason="without the extra nothing is looked at twice")
@pytest.mark.parametrize("command", [["tag"], ["evaluate", "-", "--json"]])
def test_records_get_a_second_look_unless_the_settings_switch_it_off(
    tmp_path: Path, command: list[str]
) -> None:
    line = json.dumps({"title": LEAK, "beats": ["sora"], "published": "2024-11-26"})

    def answer(switch: str) -> str:
        (tmp_path / "monitor.toml").write_text(f"[stories]\nsemantic = {switch}\n")
        return run(tmp_path, *command, stdin=line).out

    assert answer("false") != answer("true")


def test_lines_that_are_no_records_are_named_by_their_number(polled_desk: Path) -> None:
    result = run(polled_desk, "tag", stdin='{"title": "x"}\n{\n[]\n')
    assert (result.code, result.out) == (2, "")
    assert [line.split(":")[1].strip() for line in result.err.splitlines()] == ["line 2", "line 3"]


def test_figures_have_the_shape_of_the_contract(polled_desk: Path, tmp_path: Path) -> None:
    file = tmp_path / "labelled.jsonl"
    records = [
        {"id": "1", "title": LEAK, "beats": ["sora"], "themes": ["leak-protest"], "story": "a"},
        {"id": "2", "title": "OpenAI and Sora", "beats": [], "themes": [], "story": None},
    ]
    file.write_text("\n".join(map(json.dumps, records)))
    found = run(polled_desk, "evaluate", file, "--json").json
    relevance = found["relevance"]
    assert (relevance["precision"], relevance["recall"], relevance["f1"]) == (0.5, 1.0, 0.6667)
    assert found["records"] == 2
    assert set(found["beats"]) >= {"sora", "ai-creative-labour"}
    assert set(found["themes"]) >= {"micro", "macro", "leak-protest"}
    assert set(found["stories"]) >= {"bcubed", "pairwise"}
    assert "OpenAI and Sora" in run(polled_desk, "evaluate", file).out


def test_labelled_lines_come_through_a_pipe(polled_desk: Path) -> None:
    line = json.dumps({"title": LEAK, "beats": ["sora"], "themes": ["leak-protest"]})
    assert run(polled_desk, "evaluate", "-", "--json", stdin=line).json["records"] == 1
    assert "standard input: line 1: " in run(polled_desk, "evaluate", "-", stdin="no line").err


def test_evaluate_without_anything_to_score_is_wrong_usage(polled_desk: Path, tmp_path: Path) -> None:
    assert run(polled_desk, "evaluate").code == 2
    assert run(polled_desk, "evaluate", tmp_path / "missing.jsonl").code == 2
    (tmp_path / "x.jsonl").write_text('{"title": "x", "beats": ["nonsense"]}')
    result = run(polled_desk, "evaluate", tmp_path / "x.jsonl")
    assert (result.code, result.err.count("\n")) == (2, 1)


def test_marks_by_address_and_story_and_what_is_learned_of_them(desk: Path) -> None:
    leak = number(desk, "leak")
    story = next(e["story"] for e in run(desk, "entries", "--json").json if e["id"] == leak)
    assert run(desk, "mark", "--url", "https://news.test/leak", "--relevant").out.startswith(f"e{leak}: sora")
    assert f"e{leak}: not relevant" in run(desk, "mark", f"s{story}", "--not-relevant").out
    assert run(desk, "mark", f"e{leak}", "--relevant", "--beat", "sora").code == 0
    assert run(desk, "mark", "s999", "--relevant").code == 1
    assert run(desk, "learn", "--show").out.startswith("nothing is learned yet")
    assert run(desk, "learn").out.startswith("learned from 1 mark;")
    assert run(desk, "learn", "--show", "--json").json["marks"] == 1
    assert run(desk, "learn", "--forget").out.startswith("forgotten")
    assert run(desk, "learn", "--show", "--forget").code == 2
    assert run(desk, "learn", "--show", "--json").json["marks"] == 0


def test_several_entries_are_marked_at_once_and_unmarked_as_the_output_says(desk: Path) -> None:
    some = [f"e{number(desk, guid)}" for guid in ("leak", "choir")]
    before = run(desk, "entries", "--json").json
    done = run(desk, "mark", *some, some[0], "--not-relevant")
    assert done.out == f"{some[0]}: not relevant\n{some[1]}: not relevant\n"
    command = done.err.partition("monitor ")[2].split()
    assert run(desk, *command).code == 0
    assert [e["id"] for e in run(desk, "entries", "--json").json] == [e["id"] for e in before]
    missing = run(desk, "mark", some[0], "e999", "--not-relevant")
    assert (missing.code, missing.err) == (1, "monitor: no such entry is stored: e999\n")
    assert run(desk, "entries", "--marked").out == "", "one is missing: none is marked"


def test_what_was_learned_about_a_feed_is_shown_under_its_title(desk: Path) -> None:
    for guid in ("leak", "choir"):
        run(desk, "mark", number(desk, guid), "--not-relevant")
    told = run(desk, "learn").out
    assert "less relevant, feeds: The Paper (-" in told, told


def test_all_that_was_counted_is_shown_when_asked_for(polled_desk: Path) -> None:
    short = run(polled_desk, "explain", "OpenAI shows Sora").out
    assert len(short.splitlines()) <= 6
    assert "beat sora: given" in run(polled_desk, "explain", "OpenAI shows Sora", "--all").out
    handle = f"e{number(polled_desk, 'leak')}"
    assert run(polled_desk, "explain", handle).out == run(polled_desk, "explain", "--entry", handle).out


def test_a_bare_number_is_explained_as_the_entry_that_has_it(polled_desk: Path) -> None:
    entry = number(polled_desk, "leak")
    by_option = run(polled_desk, "explain", "--entry", entry, "--json").json
    assert run(polled_desk, "explain", entry, "--json").json == by_option
    assert run(polled_desk, "explain", "1984", "--json").json["title"] == "1984"


def test_a_mark_is_taken_back_as_why_says_and_only_once(desk: Path) -> None:
    leak = number(desk, "leak")
    assert "no marks yet" in run(desk, "evaluate", "--marked").err
    assert "no mark to take back" in run(desk, "mark", leak, "--clear").out
    run(desk, "mark", leak, "--not-relevant")
    shown = run(desk, "why", f"e{leak}").out
    assert f"monitor mark e{leak} --clear" in shown
    assert "--not-relevant" not in shown
    assert "leak-protest" in run(desk, "mark", leak, "--clear").out or beats(desk)["leak"]


def test_a_phrase_in_a_language_that_there_is_no_list_of(polled_desk: Path) -> None:
    result = run(polled_desk, "themes", "test", "x", "--target", "sora", "--language", "xx")
    assert (result.code, result.out, result.err.count("\n")) == (2, "", 1)


def test_what_is_learned_of_a_feed_tells_none_of_its_secrets(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(corrections, "_EACH", 3)
    with serving() as server:
        choirs = [item(f"n{n}", f"AI choir number {n} angers artists") for n in range(3)]
        url = server.on("/feed", page(*choirs)).replace("//", "//reader:hunter2@")
        desk = Desk(tmp_path / "desk", [url]).directory
        assert run(desk, "poll", now=at(9)).code == 0
    for number in (1, 2, 3):
        marked = run(desk, "mark", f"e{number}", "--not-relevant", now=at(10))
    assert "learned from 3 marks" in marked.err
    shown, kept = run(desk, "learn", "--show").out, run(desk, "learn", "--show", "--json").out
    assert "***@127.0.0.1" in kept
    assert "The Paper" in shown
    assert "hunter2" not in shown + kept
    assert all(b"hunter2" not in file.read_bytes() for file in (desk / "data").iterdir())
    # What is learned about it counts for it as well.
    with store.open(desk / "data" / "monitor.db") as opened:
        layer = tag.Personal.from_json(opened.note(tag.PERSONAL))
    assert replace(layer, words={}).delta(Features({}, 1.0), url) < -0.01
