from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from monitor.cluster import kinds
from monitor.cluster.affairs import kind
from monitor.models import EVENT_KINDS, Entry

NOW = datetime(2026, 1, 1, tzinfo=UTC)
LABELLED = Path(__file__).parents[1] / "training" / "kinds.jsonl"


def entry(title: str, summary: str = "") -> Entry:
    return Entry(feed="f", title=title, summary=summary, language="en", published=NOW, first_seen=NOW)


@pytest.mark.parametrize(
    ("title", "told"),
    [
        ("Sora 2 is here", "launch"),
        ("OpenAI plans to shut down its Sora app", "shutdown"),
        ("OpenAI will die Sora-App einstellen", "shutdown"),
        ("GEMA verklagt Suno", "filing"),
        ("Judge dismisses authors' suit against Meta", "ruling"),
        ("OpenAI legt Berufung gegen das Urteil ein", "appeal"),
        ("Voice actors vote to strike over AI", "vote"),
        ("Warner Music settles with Suno", "settlement"),
        ("Künstlerinnen rufen zum Boykott der Messe auf", "protest"),
        ("Universal licenses its catalogue to Klay", "deal"),
        ("Umfrage: Jeder dritte Übersetzer verliert Aufträge", "study"),
    ],
)
def test_what_titles_tell(title, told):
    assert kind([entry(title)]) == told


def test_an_unlikely_kind_is_not_reported():
    assert kind([entry("Mirelle")]) == kinds.NONE
    assert kind([]) == kinds.NONE


def test_reports_tell_together_what_none_of_them_tells_alone():
    doubtful = [entry("Artists against Sora"), entry("Open letter to OpenAI"), entry("Artists sign letter")]
    together = kinds.together([kinds.chances(one.title, one.summary) for one in doubtful])
    assert kinds.told(together) == "protest"
    assert max(together) > max(kinds.chances("Artists against Sora", ""))


def test_reports_that_repeat_each_other_are_no_independent_witnesses():
    assert kinds.together([(0.6, 0.4)]) == pytest.approx((0.6, 0.4))
    assert kinds.together([(0.6, 0.4)] * 4) == pytest.approx((0.36 / 0.52, 0.16 / 0.52))


def test_the_first_report_alone_does_not_decide():
    assert kind([entry("Mirelle"), entry("OpenAI plans to shut down its Sora app")]) == "shutdown"


def test_the_table_reads_titles_and_teasers_as_its_training_did():
    """The table was made from these; if they were read in another way (shorter stems, no teaser), fewer would
    be right.
    """
    rows = [json.loads(line) for line in LABELLED.read_text("utf-8").splitlines()[::4]]
    right = [kinds.told(kinds.chances(row["title"], row["summary"])) == row["kind"] for row in rows]
    assert sum(right) >= 0.97 * len(right)


def test_chances_are_of_the_kinds_that_are_and_add_up():
    assert kinds.model().kinds == (kinds.NONE, *EVENT_KINDS)
    assert sum(kinds.chances("Sora", "")) == pytest.approx(1)
    assert sum(kinds.chances("", "")) == pytest.approx(1)


def test_an_answer_after_a_protest_is_none():
    assert kinds.phrases("OpenAI apologises after protest") == kinds.phrases("OpenAI apologises")
