"""What needs a person: a dead program never looks quiet, and no feed is blamed for polls that did not happen."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from editions import freeze
from newsroom import SETTINGS, Desk, at, logged

from monitor import digest_input, health, languages
from monitor.models import Delivery, FeedPoll, FeedState, Window, alert_key

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from monitor.store import Store

URLS = ("https://a.test/feed", "https://b.test/feed")
MAIL = '[email]\nhost = "x.test"\nfrom = "m@news.test"\nto = ["a@news.test", "b@news.test"]\n'


@pytest.fixture
def desk(tmp_path) -> Desk:
    return Desk(tmp_path / "desk", URLS, settings=SETTINGS + MAIL)


@pytest.fixture
def opened(desk: Desk) -> Iterator[Store]:
    """A store that was polled at six and had its digest at seven."""
    with desk.store() as one:
        one.feeds.sync(desk.config.feeds, at(6))
        one.install(at(6))
        polled(one, at(6))
        for url in URLS:
            one.feeds.save_state(state(url))
        freeze(one, at(7), start=at(0))
        yield one


def state(url: str, **changes: Any) -> FeedState:
    whole = FeedState(
        url=url, first_success_at=at(6), last_success_at=at(6), last_poll_at=at(6), next_poll_at=at(6.5),
        newest_entry_at=at(6), last_status=200,
    )  # fmt: skip
    return replace(whole, **changes)


def polled(store: Store, now, **changes: Any) -> None:
    store.polls.log(logged(now, **{"feeds": 2, "ok": 2, **changes}))


def delivery(recipient: str = "a@news.test", **changes: Any) -> Delivery:
    whole = Delivery(
        edition="digest:2024-12-02", channel="email", recipient=recipient, payload=b"x", created_at=at(7)
    )
    return replace(whole, **changes)


def problems(desk: Desk, store: Store, now) -> list[str]:
    return [problem.what for problem in health.status(desk.config, store, now=now).problems]


def test_a_file_in_the_place_of_the_digests_folder_is_said_before_a_digest_fails(desk, opened):
    desk.config.files.output_dir.write_text("notes")
    (problem,) = health.status(desk.config, opened, now=at(7.5)).problems
    assert problem.what == f"digests cannot be written: {desk.config.files.output_dir} is not a folder"
    assert problem.ours


def test_all_is_well(desk, opened):
    found = health.status(desk.config, opened, now=at(7.5))
    assert (found.problems, found.delivers) == ((), True)
    assert (found.next_digest_at, found.next_poll_at) == (at(7, 1), at(6.5))


def test_nothing_ever_polled_is_a_problem(desk):
    with desk.store() as empty:
        found = health.status(desk.config, empty, now=at(7))
    assert [problem.what for problem in found.problems] == ["nothing has ever been polled"]
    assert not found.delivers


def test_a_poll_with_nothing_due_does_not_hide_what_the_last_one_found(desk, opened):
    polled(opened, at(6.2), feeds=0, ok=0)
    found = health.status(desk.config, opened, now=at(6.3))
    assert (found.last_poll.feeds, found.last_poll.finished_at, found.last_look_at) == (2, at(6), at(6.2))
    polled(opened, at(6.3), outage=True)
    polled(opened, at(6.4), feeds=0, ok=0)
    assert "our network is down" in problems(desk, opened, at(6.5))[0]


def test_a_first_poll_that_was_stopped_halfway_was_a_poll(desk):
    with desk.store() as one:
        one.feeds.sync(desk.config.feeds, at(6))
        one.install(at(6))
        one.feeds.save_state(state(URLS[0]))
        assert "nothing has ever been polled" not in problems(desk, one, at(6.1))


def test_polls_that_never_end_are_reported_and_hold_no_digest_back(desk, opened):
    for hour in (8, 9, 10):
        assert "cut off" not in " ".join(problems(desk, opened, at(hour)))
        opened.polls.log_feed(FeedPoll(feed=URLS[0], at=at(hour), status=200))
        opened.feeds.save_state(state(URLS[0], last_poll_at=at(hour)))
    found = health.status(desk.config, opened, now=at(10.5)).problems
    assert [(one.what, one.since, one.ours) for one in found] == [
        ("the last 3 polls were cut off before their end", at(6), True)
    ]
    assert digest_input.collect(desk.config, opened, Window(start=at(7), end=at(11)), now=at(11)).polls == 3
    polled(opened, at(11))
    assert problems(desk, opened, at(11.1)) == []


def test_the_first_digest_waits_an_hour_for_a_first_poll_that_never_ends(desk):
    with desk.store() as one:
        one.feeds.sync(desk.config.feeds, at(6.5))
        one.install(at(6.5))
        one.feeds.save_state(state(URLS[0], last_poll_at=at(6.5)))
        assert digest_input.due_digest(desk.config, one, now=at(7.4)) is None
        assert digest_input.due_digest(desk.config, one, now=at(7.6)) is not None
        assert problems(desk, one, at(8)) == []
        assert problems(desk, one, at(9.6)) == ["the digest of 2024-12-02 was not made yet"]


def test_a_feed_that_asks_us_to_wait_is_tried_again_and_one_that_is_gone_is_reported_once(desk, opened):
    fails = {"consecutive_failures": 9, "last_poll_at": at(7, 4)}
    opened.feeds.save_state(state(URLS[0], last_status=429, last_error="HTTP 429", **fails))
    opened.feeds.save_state(state(URLS[1], last_status=410, last_error="HTTP 410", gone=True, **fails))
    polled(opened, at(7, 4))
    found = health.status(desk.config, opened, now=at(7.1, 4)).problems
    waits = next(one for one in found if "HTTP 429" in one.what)
    assert "tried again automatically" in waits.do
    gone = next(one for one in found if "HTTP 410" in one.what)
    assert gone.what.count("HTTP 410") == 1


def test_no_feeds_at_all_is_a_problem(desk, opened):
    desk.follow([])
    assert problems(desk, opened, at(7.5)) == ["no feed is followed"]


def test_a_dead_service_comes_first_and_no_publisher_is_accused(desk, opened):
    assert problems(desk, opened, at(7, 1)) == []
    found = health.status(desk.config, opened, now=at(9.1, 6))
    assert [problem.what for problem in found.problems] == [
        "nothing was polled for 6 days",
        "the digest of 2024-12-08 was not made yet",
    ]
    assert "monitor run" in found.problems[0].do
    assert found.problems[0].since == at(6)
    assert found.next_digest_at == at(7, 6)
    assert {feed.state for feed in found.feeds} == {"ok"}


def test_an_outage_is_ours(desk, opened):
    polled(opened, at(8), outage=True, ok=0, failed=2)
    (problem,) = health.status(desk.config, opened, now=at(8.1)).problems
    assert "our network is down" in problem.what
    assert problem.ours


def test_an_outage_is_counted_from_when_a_feed_was_last_reached(desk, opened):
    for hour in (6.2, 6.4, 6.6):
        polled(opened, at(hour), outage=True, ok=0, failed=2)
    (problem,) = health.status(desk.config, opened, now=at(6.7)).problems
    assert problem.since == at(6)


def test_a_feed_that_fails_for_a_day_of_looking_is_named_with_its_reason(desk, opened):
    failing = state(URLS[0], consecutive_failures=11, last_error="not a feed: an HTML page")
    opened.feeds.save_state(replace(failing, last_poll_at=at(6, 1)))
    polled(opened, at(6, 1))
    assert problems(desk, opened, at(7, 1)) == []
    opened.feeds.save_state(replace(failing, last_poll_at=at(6.1, 1)))
    found = health.status(desk.config, opened, now=at(7, 1))
    (problem,) = found.problems
    assert problem.what.endswith("failing 11 times in a row since 2024-12-02; not a feed: an HTML page")
    assert found.delivers


def test_many_feeds_with_one_trouble_are_one_problem_that_names_the_first(tmp_path):
    silent, missing, busy = ([f"https://{kind}{n}.test/feed" for n in range(10)] for kind in "smb")
    fails: dict[str, Any] = {
        "consecutive_failures": 2,
        "last_poll_at": at(8, 20),
        "last_success_at": at(6, 18),
    }
    states = [
        *(state(url, last_poll_at=at(8, 20), last_success_at=at(8, 20)) for url in silent),
        *(state(url, last_error="HTTP 404", **fails) for url in missing),
        *(state(url, last_error="HTTP 429", last_status=429, **fails) for url in busy),
    ]

    def found(directory: str, kept: Sequence[FeedState]) -> list[health.Problem]:
        desk = Desk(tmp_path / directory, [one.url for one in kept])
        with desk.store() as store:
            store.feeds.sync(desk.config.feeds, at(6))
            for one in kept:
                store.feeds.save_state(one)
            polled(store, at(8, 20))
            shown = health.status(desk.config, store, now=at(8.1, 20)).problems
        return [problem for problem in shown if not problem.ours]

    assert len(found("few", [*states[:3], *states[10:13], *states[20:23]])) == 9
    quiet, gone, asked = found("many", states)
    assert quiet.what.endswith("https://s7.test/feed (+2): nothing new for a week or more")
    assert (quiet.since, "`monitor feeds list`" in quiet.do) == (at(6), True)
    assert gone.what.endswith("(+2): HTTP 404")
    assert asked.do.startswith("it is tried again automatically")


def test_refused_log_ins_are_one_problem_at_once(desk, opened):
    refused: dict[str, Any] = {
        "last_error": "log-in refused: 535",
        "blocked": True,
        "next_attempt_at": at(13),
    }
    opened.deliveries.add([delivery(**refused), delivery("b@news.test", **refused)], at(7))
    found = health.status(desk.config, opened, now=at(7.1))
    (problem,) = found.problems
    assert problem.what == "email to 2 recipients waiting: log-in refused: 535"
    assert "monitor digest --send" in problem.do
    assert not found.delivers


def test_digests_and_alerts_that_wait_are_counted_as_what_they_are(desk, opened):
    refused = delivery(last_error="log-in refused: 535", blocked=True, next_attempt_at=at(13))
    alert = replace(refused, edition=alert_key(3))
    opened.deliveries.add([refused, alert, replace(alert, edition=alert_key(4))], at(7))
    (problem,) = health.status(desk.config, opened, now=at(7.1)).problems
    assert problem.what.startswith("email to a@news.test (1 digest, 2 alerts) waiting: ")


def test_a_mail_that_waits_for_an_hour_is_a_problem_and_says_when_it_is_tried(desk, opened):
    opened.deliveries.add([delivery(last_error="refused: 451 later", next_attempt_at=at(8.5))], at(7))
    assert problems(desk, opened, at(7.9)) == []
    (problem,) = health.status(desk.config, opened, now=at(8.1)).problems
    assert (problem.what, problem.since) == ("email to a@news.test waiting: refused: 451 later", at(7))
    assert problem.do == "it is tried again at 2024-12-02 08:30"
    (problem,) = health.status(desk.config, opened, now=at(8.6)).problems
    assert problem.do == "start the service, or run `monitor digest --send`", "nobody was there to try"


def test_a_mail_of_a_clock_that_ran_ahead_waits_and_one_that_is_held_until_tonight_does_not(desk, opened):
    opened.deliveries.add([delivery(created_at=at(7, 400), last_error="refused: 451 later")], at(7, 400))
    assert problems(desk, opened, at(7.1)) == ["email to a@news.test waiting: refused: 451 later"]
    opened.deliveries.add([delivery("b@news.test", created_at=at(19), next_attempt_at=at(19))], at(7))
    assert problems(desk, opened, at(7.1)) == ["email to a@news.test waiting: refused: 451 later"]


def test_a_mail_that_was_given_up_says_how_to_send_it_again(desk, opened):
    opened.deliveries.add([delivery(state="failed", last_error="refused: 550 no such user")], at(7))
    (problem,) = health.status(desk.config, opened, now=at(8)).problems
    assert problem.what == "email to a@news.test given up: refused: 550 no such user"
    assert "--resend" in problem.do


def test_a_delivery_given_up_is_past_once_the_next_digest_got_through(desk, opened):
    opened.deliveries.add([delivery(state="failed", last_error="550 no such user")], at(7))
    polled(opened, at(7, 1))
    freeze(opened, at(7, 1), start=at(7))
    tomorrow = {"edition": "digest:2024-12-03", "created_at": at(7, 1)}
    (sent,) = opened.deliveries.add([delivery("b@news.test", state="sent", **tomorrow)], at(7, 1))
    assert problems(desk, opened, at(7.5, 1)) == []
    opened.deliveries.add([delivery(state="failed", edition="alert:1", created_at=at(7.2, 1))], at(7.2, 1))
    (problem,) = health.status(desk.config, opened, now=at(7.5, 1)).problems
    assert "--resend" not in problem.do, "that would send the digest again, and not this"
    assert "once more" not in problem.do, "nothing tries an alert again"
    opened.deliveries.save(replace(sent, state="failed", last_error="550 no such user"), at(7.3, 1))
    assert "email to 2 recipients given up: 550 no such user" in problems(desk, opened, at(7.5, 1))


@pytest.mark.parametrize(
    ("changes", "is_tried_again"), [({}, True), ({"reopened": True}, False), ({"payload": b""}, False)]
)
def test_a_second_try_is_promised_only_where_there_is_one(desk, opened, changes, is_tried_again):
    opened.deliveries.add([delivery(state="failed", last_error="550 no such user", **changes)], at(7))
    polled(opened, at(7, 1))
    freeze(opened, at(7, 1), start=at(7))
    (problem,) = health.status(desk.config, opened, now=at(7.5, 1)).problems
    assert ("it comes when a later one has got through" in problem.do) is is_tried_again
    assert "arrive" not in languages.load("de").reason(problem.do)


def test_a_channel_that_was_switched_off_is_no_problem(desk, opened):
    opened.deliveries.add([delivery(channel="apprise", last_error="no")], at(7))
    assert problems(desk, opened, at(12)) == []


def test_what_stops_the_service_and_a_leap_of_the_clock_are_reported(desk, opened):
    opened.set_note(health.TROUBLES, '{"publish": "the disk is full"}')
    opened.clock.observe(at(9, 365))
    opened.clock.observe(at(8))
    found = problems(desk, opened, at(8.1))
    assert found[0] == "publish: the disk is full"
    assert found[1].startswith("the clock went back from 2025-12-02 09:00")
    assert health.status(desk.config, opened, now=at(8, 1) + timedelta(hours=1)).problems[0].ours


def test_a_database_that_cannot_be_written_is_reported(desk, opened, monkeypatch):
    monkeypatch.setattr("os.access", lambda path, mode: False)
    assert problems(desk, opened, at(7.5))[0].endswith("monitor.db is read-only for this user")
