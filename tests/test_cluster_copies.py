from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from monitor.cluster.copies import Copies, Sources, copies
from monitor.models import Entry, Feed

NOW = datetime(2026, 1, 1, tzinfo=UTC)
WIRE = (
    "Actors in three cities walked out on Monday after talks over the use of synthetic voices broke down, "
    "their union said, adding that studios had refused to name the productions in which voices were cloned."
)


def entry(number: int, **fields) -> Entry:
    given = {
        "feed": f"https://f{number}.example/rss",
        "url": f"https://www.f{number}.example/a",
        "title": f"Title {number}",
    }
    return Entry(id=number, published=NOW, first_seen=NOW, **(given | fields))


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ({"url": "https://x.example/1"}, {"url": "https://x.example/1"}, True),
        ({"guid": "https://x.example/?p=1"}, {"guid": "https://x.example/?p=1"}, True),
        ({"guid": "urn:uuid:8d1c"}, {"guid": "urn:uuid:8d1c"}, True),
        ({"guid": "1"}, {"guid": "1"}, False),
        ({"summary": WIRE}, {"summary": WIRE.replace("Monday", "Tuesday")}, True),
        ({"summary": WIRE}, {"summary": WIRE[: len(WIRE) // 2]}, True),
        (
            {"summary": WIRE},
            {"summary": "Something else altogether, of which no three words in a row are there."},
            False,
        ),
        ({"title": "Open thread"}, {"title": "Open thread"}, False),
        ({"url": ""}, {"url": ""}, False),
        ({"url": "https://x.example/"}, {"url": "https://x.example/"}, False),
        ({"url": "https://x.example/?p=1"}, {"url": "https://x.example/?p=1"}, True),
        # A link like this was once stored, and stopped all clustering and with it every digest.
        ({"url": "http://[https:]//x"}, {"url": "http://[https:]//x"}, False),
    ],
)
def test_what_makes_two_entries_one_report(one, other, same):
    known = Copies()
    known.add(entry(1, **one), 7)
    assert known.groups(entry(2, **other)) == ([7] if same else [])


def test_the_surest_copy_comes_first():
    known = Copies()
    known.add(entry(1, summary=WIRE), 1)
    known.add(entry(2, url="https://x.example/1"), 2)
    assert known.groups(entry(3, url="https://x.example/1", summary=WIRE)) == [2, 1]


FEEDS = {
    "https://f1.example/rss": Feed(url="https://f1.example/rss", title="Daily One", family="Verlag"),
    "https://f2.example/rss": Feed(url="https://f2.example/rss", title="The Two"),
}


@pytest.mark.parametrize(
    ("fields", "speaks"),
    [
        ({}, "family:verlag"),
        ({"outlet": "The Paper"}, "outlet:the paper"),
        ({"outlet": "DAILY ONE", "feed": "https://news.example/"}, "family:verlag"),
        ({"outlet": "The Two", "feed": "https://news.example/"}, "site:f2.example"),
        ({"feed": "https://f2.example/rss", "url": "https://www.f2.example/9"}, "site:f2.example"),
        ({"feed": "https://planet.example/", "url": "https://blog.example/9"}, "site:blog.example"),
        ({"feed": "https://planet.example/", "url": ""}, "site:planet.example"),
        ({"feed": "radar", "url": ""}, "site:radar"),
        ({"feed": "https://blog.example/", "url": "https://news.blog.example/9"}, "site:blog.example"),
        ({"feed": "https://ann.substack.com/feed", "url": ""}, "site:ann.substack.com"),
    ],
)
def test_who_speaks(fields, speaks):
    assert Sources(FEEDS).of(entry(1, **fields)) == speaks


def test_copies_bind_sources_together_even_in_a_chain():
    entries = [
        entry(1),
        entry(2),
        entry(3, url="https://www.f1.example/b", summary=WIRE),
        entry(4, url="https://www.f2.example/b", summary=WIRE),
        entry(5),
    ]
    assert Sources({}).independent(entries) == 2
    assert Sources({}).independent(entries[:2]) == 2
    assert Sources({}).independent([]) == 0


def test_one_feed_may_give_one_link_to_each_days_briefing():
    link, feed = "https://herald.example/briefing/today", "https://herald.example/rss"
    briefings = [entry(n, url=link, feed=feed, title=title) for n, title in enumerate(("A deal", "A ban"), 1)]
    assert copies(briefings) == {}
    assert copies(
        [*briefings, entry(3, url=link, title="Elsewhere"), entry(4, url=link, feed=feed, title="A deal")]
    ) == {
        3: 1,
        4: 1,
    }


def test_one_link_and_title_may_have_another_text_each_day():
    def issue(number: int, day: int, text: str, **fields) -> Entry:
        given = {
            "url": "https://herald.example/briefing",
            "feed": "https://herald.example/rss",
            "title": "Briefing",
        }
        made = entry(number, summary=text, **(given | fields))
        return replace(made, published=NOW + timedelta(days=day))

    monday, tuesday = issue(1, 0, "A deal."), issue(2, 1, "A ban.")
    assert copies([monday, tuesday, issue(3, 1, "A ban, told again.", feed="https://herald.example/ai")]) == {
        3: 2
    }
    assert copies([monday, issue(2, 1, "A deal.")]) == {2: 1}
    assert copies([monday, issue(2, 0, "A ban.")]) == {}
    article = {"url": "https://herald.example/2026/01/01/deal"}
    assert copies([issue(1, 0, "A deal.", **article), issue(2, 1, "More of it.", **article)]) == {2: 1}


def test_two_feeds_may_give_one_link_to_each_days_briefing():
    today, all_, ai = (
        "https://herald.example/briefing/today",
        "https://herald.example/rss",
        "https://herald.example/ai",
    )
    monday = [entry(1, url=today, feed=all_, title="A deal"), entry(2, url=today, feed=ai, title="A deal")]
    assert copies([*monday, entry(3, url=today, feed=ai, title="A ban")]) == {2: 1}
    tuesday = [entry(3, url=today, feed=all_, title="A ban"), entry(4, url=today, feed=ai, title="A ban")]
    assert copies([*monday, *tuesday]) == {2: 1, 4: 3}
    article = "https://herald.example/2026/01/01/deal"
    news = [entry(1, url=article, title="A deal"), entry(2, url=article, feed=ai, title="Deal done")]
    assert copies([*news, entry(3, url=article, feed=ai, title="Deal discussed")]) == {2: 1, 3: 1}


def test_what_one_feed_brings_under_another_title_is_no_copy_though_another_feed_has_its_link_too():
    here, link = "https://daily.example/feed", "https://daily.example/today"
    monday = entry(1, feed=here, url=link, title="Monday's letter", summary=WIRE)
    echo = entry(2, url=link, title="Monday's letter", summary=WIRE)
    tuesday = entry(3, feed=here, url=link, title="Tuesday's letter", summary=WIRE)
    assert copies([monday, echo, tuesday]) == {2: 1}


@pytest.mark.parametrize("feed", ["https://f1.example/rss", "https://f2.example/rss"])
def test_texts_under_one_title_that_differ_by_a_digit_are_one_source(feed):
    text = "The court in Graz heard {} painters about models."
    ones = [entry(n, url=f"https://h{n}.example/a", title="T", summary=text.format(n)) for n in range(1, 5)]
    ones = [ones[0], *(replace(one, feed=feed) for one in ones[1:])]
    ones.append(replace(ones[1], id=5, url="", feed="https://f1.example/rss"))
    assert set(copies(ones)) == {2, 3, 4, 5}
    assert Sources({}).independent(ones) == 1


def test_different_texts_under_one_standing_title_are_no_copies():
    texts = (
        "The court in Graz heard painters about models.",
        "A studio in Kiel lets its dubbing actors go.",
        "The court in Wien heard painters about models.",
    )
    ones = [entry(n, title="News in brief", summary=text) for n, text in enumerate(texts)]
    assert copies(ones) == {}


def test_a_column_with_a_standing_title_and_teaser_is_another_each_week():
    feed = "https://herald.example/rss"

    def edition(number: int, days: float, **fields) -> Entry:
        url = f"https://herald.example/{number}"
        made = entry(number, feed=feed, url=url, title="The week in AI", summary=WIRE)
        return replace(made, **{"published": NOW + timedelta(days=days)} | fields)

    first, second, third = (edition(week, 7 * week) for week in (1, 2, 3))
    assert copies([first, second, third]) == {}
    echo = replace(entry(4, title="The week in AI", summary=WIRE), published=NOW + timedelta(days=14.5))
    assert copies([first, second, echo]) == {4: 2}
    # The one who had it first may be another; what is published again within hours, or with a new date, is
    # the same.
    assert copies([replace(echo, published=NOW), first, second]) == {1: 4}
    assert copies([first, edition(2, 7.5)]) == {2: 1}
    assert copies([first, edition(2, 9, url=f"{first.url}?visit=2")]) == {2: 1}
    assert copies([first, edition(2, 9, dated="missing")]) == {2: 1}


def test_many_texts_that_share_a_paragraph_are_no_copies_and_cost_little():
    own = [" ".join(f"w{n}x{place}" for place in range(30)) for n in range(400)]
    assert copies([entry(n, summary=f"{WIRE} {text}") for n, text in enumerate(own)]) == {}


def test_one_feed_that_puts_one_paragraph_under_each_title_gives_no_copies():
    own = [
        entry(n, feed="https://f.example/rss", summary=WIRE, title=f"Other news {n}") for n in range(1, 1001)
    ]
    elsewhere = entry(1001, summary=WIRE, title="Other news")
    assert copies(own[:5]) == {}
    assert copies([own[0], elsewhere]) == {1001: 1}
    corrected = replace(own[1], title=own[0].title, summary=WIRE.replace("Monday", "Tuesday"))
    assert copies([own[0], corrected]) == {2: 1}
    assert copies([replace(own[0], outlet="The Herald"), replace(own[1], outlet="The Times")]) == {2: 1}
    assert copies(own) == {}
