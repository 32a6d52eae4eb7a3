"""When a feed is due next and what its state remembers: tables for the rules, properties for the guarantees."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.fetch import Settings, schedule
from monitor.models import Document, Entry, Feed, FeedState, Findings, Hints, Response

NOW = datetime(2026, 11, 23, 12, 20, tzinfo=UTC)  # a Monday
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
SETTINGS = Settings(interval=30 * MINUTE, min_interval=10 * MINUTE, max_interval=DAY)
FEED = Feed(url="https://feed.example/rss")
NEW = FeedState(url=FEED.url)
KNOWN = FeedState(
    url=FEED.url,
    first_success_at=NOW - 30 * DAY,
    newest_entry_at=NOW - HOUR,
    last_poll_at=NOW - HOUR,
    last_success_at=NOW - HOUR,
    etag='"old"',
    last_modified="old",
    validators_url=FEED.url,
    body_hash="old",
    polls=7,
)


def ok(**values) -> Response:
    usual = Response(feed=FEED, url=FEED.url, status=200, body=b"<rss/>")
    return replace(usual, **values)


def unchanged(**values) -> Response:
    return ok(status=304, not_modified=True, body=b"", **values)


def failed(error: str = "HTTP 500 Internal Server Error", **values) -> Response:
    usual = Response(feed=FEED, url=FEED.url, status=500, error=error)
    return replace(usual, **values)


def document(*ages: timedelta, **values) -> Document:
    entries = tuple(Entry(feed=FEED.url, title="t", published=NOW - age, first_seen=NOW) for age in ages)
    return Document(entries=entries, **values)


def brought(*, new: int = 0, **values) -> Findings:
    entry = Entry(feed=FEED.url, title="t", published=NOW, first_seen=NOW)
    return Findings(new=(entry,) * new, **values)


def success(state=KNOWN, response=None, found=None, *, feed=FEED, settings=SETTINGS, now=NOW, jitter=0.0):
    response = replace(response or unchanged(), feed=feed)
    found = found or brought()
    return schedule.after_success(state, response, found, settings=settings, now=now, jitter=jitter)


def failure(state=KNOWN, response=None, *, feed=FEED, settings=SETTINGS, now=NOW, jitter=0.0):
    response = replace(response or failed(), feed=feed)
    return schedule.after_failure(state, response, settings=settings, now=now, jitter=jitter)


def wait(state: FeedState) -> timedelta:
    assert state.next_poll_at is not None
    return state.next_poll_at - NOW


# --- due -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("feed", "state", "due"),
    [
        (FEED, NEW, True),
        (FEED, replace(NEW, next_poll_at=NOW), True),
        (FEED, replace(NEW, next_poll_at=NOW - DAY), True),
        (FEED, replace(NEW, next_poll_at=NOW + timedelta(seconds=1)), False),
        (FEED, replace(NEW, next_poll_at=NOW + 7 * DAY), False),
        (FEED, replace(NEW, next_poll_at=NOW + 365 * DAY), True),
        (FEED, replace(NEW, gone=True, next_poll_at=NOW + 6 * DAY), False),
        (FEED, replace(NEW, gone=True, next_poll_at=NOW), True),
        (replace(FEED, enabled=False), NEW, False),
    ],
)
def test_a_feed_is_due_when_its_time_has_come(feed, state, due):
    assert schedule.is_due(feed, state, NOW, SETTINGS) is due


# --- the interval --------------------------------------------------------------------------------------------


def test_a_new_feed_starts_at_the_general_interval():
    assert wait(success(NEW, ok(), brought(new=3, first=True))) == 30 * MINUTE


@pytest.mark.parametrize(
    ("state", "feed", "expected"),
    [
        ({"rhythm": 40 * MINUTE}, {}, 20 * MINUTE),
        ({"rhythm": 5 * MINUTE, "newest_entry_at": NOW}, {}, 10 * MINUTE),
        ({"rhythm": 2 * DAY}, {}, 30 * MINUTE),
        ({"rhythm": 2 * DAY}, {"interval": 2 * HOUR}, 2 * HOUR),
        ({"rhythm": 40 * MINUTE}, {"interval": 2 * HOUR}, 20 * MINUTE),
        ({}, {"interval": MINUTE}, 10 * MINUTE),
        ({}, {"interval": 3 * DAY}, DAY),
        ({"newest_entry_at": NOW - DAY}, {}, HOUR),
        ({"newest_entry_at": NOW - 7 * DAY}, {}, 7 * HOUR),
        ({"newest_entry_at": NOW - 90 * DAY}, {}, DAY),
        ({"newest_entry_at": NOW - 90 * DAY}, {"interval": 45 * MINUTE}, 45 * MINUTE),
        ({"newest_entry_at": NOW - 7 * DAY, "rhythm": 2 * HOUR}, {}, 3.5 * HOUR),
        ({"newest_entry_at": None, "first_success_at": NOW - 2 * DAY}, {}, 2 * HOUR),
        ({"newest_entry_at": NOW + DAY}, {}, 30 * MINUTE),
        ({"last_gap_at": NOW - DAY}, {}, 15 * MINUTE),
        ({"last_gap_at": NOW - 8 * DAY}, {}, 30 * MINUTE),
        ({"last_gap_at": NOW - DAY}, {"interval": 2 * HOUR}, HOUR),
    ],
)
def test_the_interval_follows_the_feed(state, feed, expected):
    found = wait(success(replace(KNOWN, **state), feed=replace(FEED, **feed)))
    assert expected <= found < expected + 2 * MINUTE


def test_a_gap_is_recorded_and_the_feed_is_polled_faster():
    state = success(KNOWN, ok(), brought(new=1, gap=True))
    assert (state.gaps, state.last_gap_at) == (1, NOW)
    assert wait(state) < wait(success(KNOWN, ok(), brought(new=1)))


@pytest.mark.parametrize(
    ("response", "hints", "expected"),
    [
        ({"max_age": 2 * HOUR}, Hints(), 2 * HOUR),
        ({"max_age": MINUTE}, Hints(), 30 * MINUTE),
        ({"max_age": 365 * DAY}, Hints(), DAY),
        ({}, Hints(period=3 * HOUR), 3 * HOUR),
        ({}, Hints(period=MINUTE), 30 * MINUTE),
        ({}, Hints(period=9 * DAY), DAY),
        ({"max_age": 2 * HOUR}, Hints(period=3 * HOUR), 3 * HOUR),
        ({}, Hints(skip_hours=frozenset({12})), 40 * MINUTE),
        ({}, Hints(skip_hours=frozenset(range(24)) - {11}), 22 * HOUR + 40 * MINUTE),
        ({}, Hints(skip_days=frozenset({0})), 11 * HOUR + 40 * MINUTE),
        ({}, Hints(skip_days=frozenset({0}), skip_hours=frozenset({0, 1})), 13 * HOUR + 40 * MINUTE),
        ({}, Hints(skip_hours=frozenset(range(24))), DAY),
        ({}, Hints(skip_days=frozenset(range(7))), DAY),
        ({}, Hints(skip_hours=frozenset({13})), 30 * MINUTE),
    ],
)
def test_the_publishers_wishes_make_polls_rarer_and_never_more_frequent(response, hints, expected):
    after = success(KNOWN, ok(**response), brought(document=document(hints=hints)))
    assert wait(after) == expected
    kept = success(replace(KNOWN, hints=hints), unchanged(**response))
    assert wait(kept) == expected


def test_a_longer_max_interval_gives_publishers_more_room():
    assert (
        wait(success(response=ok(max_age=9 * DAY), settings=replace(SETTINGS, max_interval=3 * DAY)))
        == 3 * DAY
    )


def test_hints_of_the_newest_document_hold():
    state = replace(KNOWN, hints=Hints(period=5 * HOUR))
    assert success(state, ok(), brought()).hints == Hints(period=5 * HOUR)
    assert success(state, ok(), brought(document=document())).hints == Hints()


# --- the rhythm ----------------------------------------------------------------------------------------------


def test_the_dates_of_the_first_document_give_the_rhythm():
    ages = (HOUR, 3 * HOUR, 5 * HOUR, 50 * HOUR)
    state = success(NEW, ok(), brought(new=4, first=True, document=document(*ages)))
    assert (state.rhythm, state.newest_entry_at) == (2 * HOUR, NOW)


@pytest.mark.parametrize("ages", [(), (HOUR,), (HOUR, 2 * HOUR), (HOUR, HOUR, HOUR)])
def test_too_few_or_equal_dates_give_no_rhythm(ages):
    assert success(NEW, ok(), brought(new=3, first=True, document=document(*ages))).rhythm is None


def test_dates_that_the_publisher_did_not_give_say_nothing_of_the_rhythm():
    undated = document(HOUR, 2 * HOUR, 3 * HOUR, 4 * HOUR)
    undated = replace(undated, entries=tuple(replace(entry, dated="missing") for entry in undated.entries))
    assert success(NEW, ok(), brought(new=4, first=True, document=undated)).rhythm is None


def test_later_documents_give_the_rhythm_by_what_came_in():
    state = success(replace(KNOWN, newest_entry_at=NOW - 4 * HOUR), ok(), brought(new=2))
    assert state.rhythm == 2 * HOUR
    state = success(replace(KNOWN, newest_entry_at=NOW - 4 * HOUR, rhythm=HOUR), ok(), brought(new=2))
    assert state.rhythm == HOUR + 0.3 * HOUR
    assert success(replace(KNOWN, rhythm=HOUR)).rhythm == HOUR
    assert success(KNOWN, ok(), brought(new=10_000)).rhythm == MINUTE


@pytest.mark.parametrize(("every", "shortest", "longest"), [(40, 15, 30), (300, 30, 31), (4, 10, 11)])
def test_polls_keep_pace_with_the_feed_in_the_long_run(every, shortest, longest):
    now, published, state = NOW, NOW, NEW
    for number in range(200):
        new = int((now - published) / (every * MINUTE))
        published += new * every * MINUTE
        found = brought(new=new, first=not number)
        state = success(state, ok() if new else unchanged(), found, now=now, jitter=0.5)
        now = state.next_poll_at
    assert shortest * MINUTE <= now - state.last_poll_at <= longest * 1.1 * MINUTE


# --- failures ------------------------------------------------------------------------------------------------


def test_failures_back_off_to_a_day_and_never_end():
    state, waits = KNOWN, []
    for _ in range(60):
        state = failure(state)
        waits.append(wait(state))
    assert waits[:7] == [30 * MINUTE, HOUR, 2 * HOUR, 4 * HOUR, 8 * HOUR, 16 * HOUR, DAY]
    assert set(waits[6:]) == {DAY}
    assert state.consecutive_failures == 60
    assert schedule.is_due(FEED, state, NOW + DAY, SETTINGS)


def test_a_failure_is_reported_in_one_line_and_forgets_nothing():
    state = failure(KNOWN, failed("HTTP 404\n Not Found", status=404))
    assert state == replace(
        KNOWN,
        last_poll_at=NOW,
        last_status=404,
        last_error="HTTP 404 Not Found",
        consecutive_failures=1,
        polls=8,
        next_poll_at=NOW + 30 * MINUTE,
    )


def test_a_success_ends_a_row_of_failures():
    state = success(failure(failure(KNOWN)))
    assert (state.consecutive_failures, state.last_error, state.last_success_at) == (0, "", NOW)
    assert wait(state) == 30 * MINUTE


@pytest.mark.parametrize(
    ("asked", "expected"),
    [(None, 30 * MINUTE), (MINUTE, 30 * MINUTE), (5 * HOUR, 5 * HOUR), (3 * DAY, DAY)],
)
def test_retry_after_is_obeyed_and_capped(asked, expected):
    assert wait(failure(response=failed(status=503, retry_after=asked))) == expected


def test_a_feed_that_was_not_asked_waits_and_does_not_fail():
    held = failed("not asked: ...", status=None, asked=False, retry_after=2 * HOUR)
    assert failure(KNOWN, held) == replace(KNOWN, next_poll_at=NOW + 2 * HOUR)
    assert wait(failure(KNOWN, held, jitter=1.0)) == 2.2 * HOUR


def test_a_feed_that_could_not_be_polled_for_a_day_counts_as_failing():
    held = failed("not asked: ...", status=None, asked=False, retry_after=2 * HOUR)
    seen = replace(KNOWN, last_success_at=NOW - DAY)
    assert failure(replace(seen, last_success_at=NOW - 23 * HOUR), held).consecutive_failures == 0
    after = failure(failure(seen, held), held)
    assert (after.consecutive_failures, after.last_error, after.last_poll_at) == (
        2,
        "not asked: ...",
        seen.last_poll_at,
    )
    ahead = replace(KNOWN, last_success_at=NOW + 365 * DAY)
    assert failure(ahead, held).consecutive_failures == 1, "by a clock that leapt"
    new = FeedState(url=FEED.url)
    assert failure(new, held) == replace(new, next_poll_at=NOW + 2 * HOUR)


@pytest.mark.parametrize(
    ("feed", "state", "expected"),
    [
        ({}, {"next_poll_at": NOW + MINUTE}, NOW + 2 * HOUR),
        ({}, {"next_poll_at": None}, NOW + 2 * HOUR),
        ({}, {"next_poll_at": NOW + 3 * HOUR}, None),
        ({"url": "https://FEED.example./other"}, {}, NOW + 2 * HOUR),
        ({"url": "https://other.example/"}, {}, None),
        ({"url": "https://other.example/"}, {"location": "https://feed.example/new"}, NOW + 2 * HOUR),
        ({}, {"location": "https://other.example/"}, None),
        ({"private_host": "feed.example"}, {}, None),
        ({"url": "http://10.0.0.1/feed"}, {}, None),
    ],
)
def test_the_other_feeds_of_a_public_host_wait_too(feed, state, expected):
    feed = replace(FEED, **feed)
    state = FeedState(**{"url": feed.url, "next_poll_at": NOW} | state)
    responses = [
        ok(url="https://other.example/"),
        failed(status=429, retry_after=2 * HOUR),
        failed(status=503, url="http://10.0.0.1/", retry_after=2 * HOUR),
        failed(status=None, url="", retry_after=9 * HOUR),
    ]
    after = schedule.defer_host([(feed, state)], responses, NOW)
    assert after == (() if expected is None else (replace(state, next_poll_at=expected),))


def test_a_feed_that_is_gone_is_asked_again_after_a_week():
    state = failure(KNOWN, failed("HTTP 410 Gone", status=410))
    assert state.gone
    assert wait(state) == 7 * DAY
    assert wait(failure(state, failed("HTTP 410 Gone", status=410))) == 7 * DAY
    assert not failure(KNOWN, failed("HTTP 404 Not Found", status=404)).gone
    assert not success(state, ok()).gone


# --- outages -------------------------------------------------------------------------------------------------


def test_an_outage_counts_against_no_feed_and_is_tried_again_soon():
    state = schedule.after_outage(KNOWN, failed(), settings=SETTINGS, now=NOW, jitter=0.0)
    assert state == replace(KNOWN, next_poll_at=NOW + 10 * MINUTE)


OTHER = Feed(url="https://b.example/rss")
DOWN, ANSWERED = failed(status=None, unreachable=True), failed()
HELD = failed("not asked: ...", status=None, asked=False, retry_after=HOUR)
GATE = failed("not a feed: an HTML page titled “Hotel”", status=200, body=b"<html>")


@pytest.mark.parametrize(
    ("responses", "silent", "outage"),
    [
        ([], (), False),
        ([DOWN], (), False),
        ([DOWN], (FEED.url,), False),
        ([DOWN], (OTHER.url,), True),
        ([DOWN, replace(DOWN, feed=OTHER)], (), True),
        ([DOWN, replace(DOWN, feed=OTHER), HELD], (), True),
        ([DOWN, replace(DOWN, feed=OTHER), ANSWERED], (), False),
        ([DOWN, replace(DOWN, feed=OTHER), failed("refused: ...", status=None)], (), False),
        ([ANSWERED, replace(ANSWERED, feed=OTHER)], (OTHER.url,), False),
        ([HELD], (FEED.url, OTHER.url), False),
        ([GATE, replace(GATE, feed=OTHER)], (), True),
        ([GATE, replace(GATE, feed=OTHER, body=b"<html>else")], (), False),
        ([GATE, GATE], (), False),
    ],
)
def test_only_when_nobody_answers_it_is_our_network(responses, silent, outage):
    assert schedule.is_outage(responses, silent) is outage


def test_when_one_feed_is_out_of_reach_two_others_are_asked():
    others = [
        (replace(OTHER, url=f"https://{n}.example/"), replace(KNOWN, last_success_at=NOW - n * HOUR))
        for n in range(4)
    ]
    others[1] = (others[1][0], replace(others[1][1], consecutive_failures=1))
    pairs = [(FEED, KNOWN), *others, (OTHER, NEW)]
    assert schedule.witnesses(pairs, [DOWN]) == [others[0], others[2]]
    assert schedule.witnesses(pairs, [ANSWERED]) == []
    assert schedule.witnesses(pairs, [DOWN, replace(DOWN, feed=OTHER, url=OTHER.url)]) == []


def test_feeds_of_one_host_out_of_reach_are_no_witnesses_for_each_other():
    siblings = [replace(FEED, url=f"{FEED.url}/{n}") for n in range(3)]
    pairs = [(OTHER, replace(KNOWN, last_success_at=NOW - DAY)), *((one, KNOWN) for one in siblings)]
    assert schedule.witnesses(pairs, [DOWN])[0][0] == OTHER
    moved = replace(OTHER, url="https://moved.example/feed")
    there = (moved, replace(KNOWN, location=siblings[0].url))
    assert schedule.witnesses([there, *pairs], [DOWN])[0][0] == OTHER, "that one is at the same host by now"
    together = [DOWN, *(replace(DOWN, feed=one, url=one.url) for one in siblings)]
    assert schedule.witnesses(pairs, together) == pairs[:1]


def test_the_first_failure_of_an_outage_is_forgiven_and_older_trouble_is_not():
    state = failure(KNOWN, DOWN)
    assert schedule.pardoned(state, SETTINGS, NOW) == replace(
        state, consecutive_failures=0, last_error="", next_poll_at=NOW + 10 * MINUTE
    )
    again = failure(state, DOWN)
    assert schedule.pardoned(again, SETTINGS, NOW) == again


# --- validators and bytes ------------------------------------------------------------------------------------


def kept(state: FeedState) -> tuple[str, str, str]:
    return state.etag, state.last_modified, state.validators_url


OLD = kept(KNOWN)


@pytest.mark.parametrize(
    ("response", "found", "expected"),
    [
        (
            ok(etag='W/"1"', last_modified="x", url="https://b.example/"),
            brought(),
            ('W/"1"', "x", "https://b.example/"),
        ),
        (ok(etag='"1"'), brought(), ('"1"', "", FEED.url)),
        (ok(), brought(), ("", "", "")),
        (ok(complete=False, etag='"1"'), brought(), OLD),
        (ok(etag='"1"'), brought(document=document(complete=False)), OLD),
        (ok(etag='"1"'), brought(document=document()), ('"1"', "", FEED.url)),
        (unchanged(), brought(), OLD),
        (unchanged(etag='"2"'), brought(), ('"2"', "old", FEED.url)),
        (unchanged(last_modified="2"), brought(), ('"old"', "2", FEED.url)),
    ],
)
def test_validators_are_kept_of_whole_documents_alone(response, found, expected):
    assert kept(success(KNOWN, response, found)) == expected


def test_when_a_document_last_came_is_remembered_and_what_was_lost_of_it():
    read = replace(document(), losses="7 older entries over the limit left out")
    state = success(KNOWN, ok(), brought(document=read))
    assert (state.last_document_at, state.note) == (NOW, read.losses)
    later = success(state, unchanged(), now=NOW + DAY)
    assert (later.last_document_at, later.note) == (NOW, read.losses)
    assert success(state, ok(), brought(document=document(HOUR))).note == ""


def test_a_feed_that_had_entries_and_is_empty_says_so():
    assert success(KNOWN, ok(), brought(document=document())).note == "holds no entries"
    begun = replace(KNOWN, newest_entry_at=None)
    assert success(begun, ok(), brought(document=document())).note == ""


def test_validators_survive_a_failure():
    assert kept(failure(KNOWN)) == OLD


def test_bytes_are_remembered_when_they_were_whole():
    assert success(KNOWN, ok()).body_hash == schedule.body_hash(b"<rss/>") != schedule.body_hash(b"<rss />")
    assert success(KNOWN, unchanged()).body_hash == "old"
    assert success(KNOWN, ok(complete=False)).body_hash == "old"


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (b"<rss/><!-- page 1 -->", b"<rss/><!-- page 22 -->", True),
        (b"<lastBuildDate>Sat</lastBuildDate><item/>", b"<lastBuildDate>Sun</lastBuildDate><item/>", True),
        (b"<item/><!-- one", b"<item/><!-- two", False),
        (b"&lt;<!-- <item>one</item> -->", b"&lt;<!-- <item>two</item> -->", False),
        (b"<pubDate>Sat</pubDate>", b"<pubDate>Sun</pubDate>", False),
    ],
)
def test_comments_and_the_date_of_writing_do_not_make_another_document(one, other, same):
    assert (schedule.body_hash(one) == schedule.body_hash(other)) is same


def test_comments_without_an_end_cost_linear_time():
    started = time.process_time()
    schedule.body_hash(b"<!-- " * 400_000 + b"<!--" + b"x" * 2_000_000)
    assert time.process_time() - started < 2


def test_the_publishers_title_is_kept_until_it_has_another():
    state = success(NEW, ok(), brought(document=document(title="Feed")))
    assert state.title == "Feed"
    assert success(state, ok(), brought(document=document())).title == "Feed"
    assert success(state).title == "Feed"


# --- moves ---------------------------------------------------------------------------------------------------

A, B = "https://a.example/", "https://b.example/"


@pytest.mark.parametrize(
    ("moves", "location"),
    [
        ([A, A], ""),
        ([A, A, A], A),
        ([A, A, B], ""),
        ([A, A, "", A], ""),
        ([A, A, B, B, B], B),
        ([A, "", A, A, A], A),
    ],
)
def test_a_permanent_redirect_is_believed_after_three_agreeing_polls(moves, location):
    state = KNOWN
    for moved_to in moves:
        state = success(state, ok(moved_to=moved_to))
    assert state.location == location


def test_a_permanent_redirect_to_another_feed_is_followed_but_never_taken_over():
    state = success(KNOWN, ok(moved_to=A), brought(new=1, document=document(HOUR)))
    for target in (A, B):
        state = failure(state)  # which resets a count
        for _ in range(9):
            state = success(state, ok(moved_to=target), brought(document=document(HOUR)))
        assert (state.location, schedule.leads_elsewhere(state)) == ("", True)
    state = success(state, ok())
    assert (state.moving_to, schedule.leads_elsewhere(state)) == ("", False)
    # Some known entries are there, or it is the very first document.
    for found in (
        brought(new=1, document=document(HOUR, HOUR)),
        brought(new=1, document=document(HOUR), first=True),
    ):
        assert success(KNOWN, ok(moved_to=A), found).moving_seen == 1


def test_a_failure_in_between_restarts_the_count():
    state = success(success(KNOWN, ok(moved_to=A)), ok(moved_to=A))
    state = success(failure(state), ok(moved_to=A))
    assert (state.location, state.moving_to, state.moving_seen) == ("", A, 1)


def test_a_feed_that_moved_back_is_at_its_own_address_again():
    state = replace(KNOWN, location=A, moving_to=FEED.url, moving_seen=2)
    state = success(state, ok(moved_to=FEED.url))
    assert (state.location, state.moving_to, state.moving_seen) == ("", "", 0)


def test_a_location_that_fails_three_times_is_given_up():
    state = failure(failure(replace(KNOWN, location=A)))
    assert state.location == A
    assert failure(state).location == ""


# --- guarantees
# ----------------------------------------------------------------------------------------------

SPANS = st.none() | st.timedeltas(timedelta(0), 800 * DAY)
INSTANTS = st.none() | st.timedeltas(timedelta(0), 800 * DAY).map(lambda age: NOW - age)
STATES = st.builds(
    FeedState,
    url=st.just(FEED.url),
    newest_entry_at=INSTANTS,
    first_success_at=INSTANTS,
    last_gap_at=INSTANTS,
    rhythm=SPANS,
    consecutive_failures=st.integers(0, 10**6),
    location=st.sampled_from(["", A]),
    hints=st.builds(
        Hints,
        period=SPANS,
        skip_hours=st.frozensets(st.integers(0, 23)),
        skip_days=st.frozensets(st.integers(0, 6)),
    ),
)
FEEDS = st.builds(Feed, url=st.just(FEED.url), interval=st.none() | st.timedeltas(MINUTE, 30 * DAY))
JITTERS = st.floats(0, 1)


@given(STATES, FEEDS, JITTERS, SPANS, st.builds(brought, new=st.integers(0, 50), gap=st.booleans()))
def test_a_success_is_never_followed_too_soon_or_too_late(state, feed, jitter, max_age, found):
    after = success(state, ok(max_age=max_age), found, feed=feed, jitter=jitter)
    floor = max(10 * MINUTE, min(max_age or MINUTE, DAY), min(state.hints.period or MINUTE, DAY))
    assert floor <= wait(after) <= DAY
    if wait(after) < DAY:
        assert after.next_poll_at.hour not in state.hints.skip_hours
        assert after.next_poll_at.weekday() not in state.hints.skip_days


@given(STATES, FEEDS, JITTERS, SPANS)
def test_a_failure_is_followed_by_a_poll_within_a_day_but_not_at_once(state, feed, jitter, retry_after):
    after = failure(state, failed(retry_after=retry_after), feed=feed, jitter=jitter)
    assert max(10 * MINUTE, min(retry_after or MINUTE, DAY)) <= wait(after) <= DAY
    assert after.consecutive_failures == state.consecutive_failures + 1


@given(JITTERS)
def test_jitter_adds_up_to_a_tenth(jitter):
    for after in (success(jitter=jitter), failure(jitter=jitter)):
        assert 30 * MINUTE <= wait(after) <= 33 * MINUTE
    assert wait(success(jitter=1.0)) == 32 * MINUTE
    assert wait(failure(jitter=1.0)) == 33 * MINUTE


def test_feeds_fall_due_together():
    due = {success(now=NOW + n * timedelta(seconds=7), jitter=n / 40).next_poll_at for n in range(40)}
    assert len(due) <= 10
    assert {at.minute % 2 + at.second for at in due} == {0}


@given(JITTERS)
def test_polls_after_skipped_hours_are_spread(jitter):
    state = replace(KNOWN, hints=Hints(skip_hours=frozenset({12})))
    assert 40 * MINUTE <= wait(success(state, jitter=jitter)) <= 46 * MINUTE


def test_the_rest_of_a_document_that_breaks_off_is_waited_for_for_some_hours():
    cut, whole = brought(document=document(complete=False)), brought(document=document())
    broken = success(FeedState(url=FEED.url), ok(max_age=DAY), cut)
    assert broken.breaks_off_since == NOW
    assert broken.next_poll_at <= NOW + SETTINGS.min_interval * 1.1
    assert schedule.awaits_rest(broken, NOW + 5 * HOUR)
    assert not schedule.awaits_rest(broken, NOW + 6 * HOUR)
    assert schedule.followed_since(broken, NOW + 5 * HOUR) is None, "the rest is backlog as the first half is"
    late = success(broken, ok(), cut, now=NOW + 7 * HOUR)
    assert not schedule.awaits_rest(late, NOW + 7 * HOUR)
    assert schedule.followed_since(late, NOW + 7 * HOUR) == NOW
    assert late.next_poll_at > NOW + 7 * HOUR + SETTINGS.min_interval * 1.1
    for found in (success(late, ok(), whole), success(late, unchanged())):
        assert found.breaks_off_since is None
    known = success(success(FeedState(url=FEED.url), ok(), whole), ok(), cut, now=NOW + HOUR)
    assert schedule.followed_since(known, NOW + HOUR) == NOW
    assert not schedule.awaits_rest(replace(known, breaks_off_since=NOW + DAY), NOW), "by a clock that leapt"
    ahead = schedule.followed_since(replace(known, first_success_at=NOW + DAY), NOW)
    assert ahead is not None
    assert ahead < NOW - 365 * DAY
