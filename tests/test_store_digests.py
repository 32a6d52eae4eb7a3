"""Digests and deliveries in a real file: frozen once, sent by one process, recovered after a crash."""

from __future__ import annotations

import zlib
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import editions
import pytest

from monitor import store
from monitor.errors import StoreError
from monitor.models import Delivery, Entry, Feed, Tagging, Window, digest_to_json

NOW = datetime(2026, 11, 23, 7, 0, tzinfo=UTC)
TODAY = NOW.date()
HOUR = timedelta(hours=1)
WINDOW = Window(start=NOW - timedelta(days=1), end=NOW)
FEED = Feed(url="https://outlet.example/feed")


@pytest.fixture
def opened(tmp_path):
    with store.open(tmp_path / "monitor.db") as opened:
        opened.feeds.sync([FEED], NOW)
        entries = [
            Entry(
                feed=FEED.url,
                guid=str(n),
                title="T",
                published=NOW,
                first_seen=NOW,
                tagging=Tagging(beats=("sora",)),
            )
            for n in range(3)
        ]
        opened.entries.add(entries, lambda _: "")
        yield opened


def delivery(**changes) -> Delivery:
    defaults = {
        "edition": "digest:2026-11-23",
        "channel": "email",
        "recipient": "reader@example.org",
        "payload": b"From: \x00\xff",
        "message_id": "<1@example.org>",
        "created_at": NOW,
    }
    return Delivery(**{**defaults, **changes})


def freeze(opened, day=TODAY, *, window=WINDOW, made_at=NOW, **changes):
    changes = {"reported": (1, 2), **changes}
    return editions.freeze(opened, window.end, start=window.start, day=day, made_at=made_at, **changes)


def test_a_digest_comes_back_as_it_was_frozen(opened):
    assert opened.digests.last_made() is None
    assert opened.digests.get(TODAY) is None
    made = freeze(opened)
    frozen = store.StoredDigest(
        date=TODAY,
        window=WINDOW,
        made_at=NOW,
        summary=editions.summary(TODAY, NOW),
        kept=zlib.compress(digest_to_json(made).encode()),
    )
    assert opened.digests.get(TODAY) == opened.digests.last_made() == frozen
    assert frozen.digest() == made
    assert opened.digests.listing() == (replace(frozen, kept=""),)


def test_the_last_digest_is_that_of_the_latest_window_that_can_have_been(opened):
    for days in (3, 1, 2):
        end = NOW + timedelta(days=days)
        window = Window(start=end - timedelta(days=1), end=end)
        freeze(opened, end.date(), window=window, made_at=NOW - timedelta(days=days))
    assert opened.digests.last(NOW + timedelta(days=9)).date == date(2026, 11, 26)
    assert opened.digests.last(NOW + timedelta(days=2)).date == date(2026, 11, 25)
    assert opened.digests.last(NOW) is None
    assert opened.digests.last_made().date == date(2026, 11, 25)
    assert [one.date.day for one in opened.digests.listing(limit=2)] == [26, 25]


def test_a_day_has_one_digest_and_a_second_changes_nothing(opened):
    made = freeze(opened, deliveries=[delivery()])
    with pytest.raises(StoreError, match="2026-11-23 was made already"):
        freeze(opened, version="other", reported=[3], deliveries=[delivery(recipient="other@example.org")])
    assert opened.digests.last_made().digest() == made
    assert opened.stories.news(WINDOW) == {3}
    assert len(opened.deliveries.listing()) == 1


def test_freezing_is_all_or_nothing(opened):
    broken = delivery(state="lost")
    with pytest.raises(StoreError, match="refused"):
        freeze(opened, deliveries=[delivery(), broken])
    assert opened.digests.last_made() is None
    assert opened.stories.news(WINDOW) == {1, 2, 3}
    assert opened.deliveries.listing() == ()


def test_an_entry_was_reported_by_the_digest_that_reported_it_first(opened):
    freeze(opened, reported=[1])
    freeze(opened, TODAY + timedelta(days=1), reported=[1, 2])
    shown = opened._db.rows("select reported_in from entries order by id")
    assert [row[0] for row in shown] == ["2026-11-23", "2026-11-24", None]


def test_a_delivery_comes_back_and_is_stored_once(opened):
    freeze(opened, deliveries=[delivery()])
    (first,) = opened.deliveries.listing()
    assert first == delivery(id=1)
    again = opened.deliveries.add([delivery(payload=b"other"), delivery(channel="files")], NOW)
    assert again == (first, delivery(id=2, channel="files"))
    assert opened.deliveries.get(1) == first
    assert opened.deliveries.get(3) is None


def test_due_are_the_pending_ones_whose_time_has_come(opened):
    one, two, three = opened.deliveries.add(
        [
            delivery(recipient="a", next_attempt_at=NOW + HOUR),
            delivery(recipient="b"),
            delivery(recipient="c", created_at=NOW - HOUR, next_attempt_at=NOW),
        ],
        NOW,
    )
    assert opened.deliveries.due(NOW) == (three, two)
    opened.deliveries.save(replace(two, state="sent", attempts=1, sent_at=NOW), NOW)
    assert opened.deliveries.due(NOW + HOUR) == (three, one)


def test_only_one_sender_gets_a_delivery(opened):
    (one,) = opened.deliveries.add([delivery()], NOW)
    assert opened.deliveries.claim(one.id, NOW) == replace(one, state="sending")
    assert opened.deliveries.claim(one.id, NOW) is None
    assert opened.deliveries.claim(99, NOW) is None
    assert opened.deliveries.due(NOW) == ()


def test_the_result_of_a_try_is_stored_but_never_another_payload(opened):
    (one,) = opened.deliveries.add([delivery()], NOW)
    opened.deliveries.claim(one.id, NOW)
    later = replace(
        one,
        payload=b"changed",
        message_id="<changed>",
        state="pending",
        attempts=1,
        next_attempt_at=NOW + HOUR,
        last_error="451 try later smtp://user:hunter2@host",
    )
    opened.deliveries.save(later, NOW + timedelta(seconds=3))
    stored = opened.deliveries.get(one.id)
    assert stored == replace(
        later, payload=one.payload, message_id=one.message_id, last_error="451 try later smtp://***@host"
    )
    opened.deliveries.claim(one.id, NOW + HOUR)
    opened.deliveries.save(
        replace(stored, state="sent", attempts=2, last_error="", sent_at=NOW + HOUR), NOW + HOUR
    )
    assert opened.deliveries.get(one.id).state == "sent"


def test_what_a_dead_sender_left_is_found(opened):
    one, _two = opened.deliveries.add([delivery(), delivery(recipient="b")], NOW)
    claimed = opened.deliveries.claim(one.id, NOW)
    assert opened.deliveries.sending() == (claimed,)
    opened.deliveries.save(replace(claimed, state="pending"), NOW)
    assert opened.deliveries.sending() == ()


def test_a_next_try_that_cannot_be_is_due_and_what_waits_for_the_user_is_asked_for(opened):
    soon, never, blocked = opened.deliveries.add(
        [
            delivery(next_attempt_at=NOW + HOUR),
            delivery(recipient="b", next_attempt_at=NOW + timedelta(days=365)),
            delivery(recipient="c", next_attempt_at=NOW + 6 * HOUR, blocked=True),
        ],
        NOW,
    )
    assert opened.deliveries.due(NOW) == (never,)
    assert opened.deliveries.due(NOW, blocked=True) == (never, blocked)
    assert opened.deliveries.due(NOW + HOUR) == (soon, never)


def test_the_bytes_of_what_was_settled_long_ago_go_but_the_last_digests_stay(opened):
    old, waiting, last = opened.deliveries.add(
        [
            delivery(edition="digest:2026-11-22", state="sent"),
            delivery(edition="digest:2026-11-22", recipient="b"),
            delivery(state="sent"),
        ],
        NOW,
    )
    freeze(opened, date(2026, 11, 23), window=Window(start=NOW - HOUR, end=NOW), reported=())
    assert opened.upkeep.let_go(NOW) == 0
    assert opened.upkeep.let_go(NOW + HOUR) == 1
    assert opened.deliveries.get(old.id).payload == b""
    assert opened.deliveries.get(waiting.id) == waiting
    assert opened.deliveries.get(last.id) == last
    assert opened.deliveries.reopen("digest:2026-11-22", NOW) == 1
    # A digest whose day cannot be read is not the last one.
    opened._db.change("update digests set date = '2026-02-31'")
    assert opened.upkeep.let_go(NOW + HOUR) == 1


def test_failed_since_goes_by_when_it_failed(opened):
    one, two = opened.deliveries.add([delivery(), delivery(recipient="b")], NOW)
    opened.deliveries.save(replace(one, state="failed", last_error="550 no"), NOW + HOUR)
    opened.deliveries.save(replace(two, state="pending"), NOW + HOUR)
    assert [d.id for d in opened.deliveries.failed_since(NOW)] == [one.id]
    assert [d.id for d in opened.deliveries.failed_since(NOW + HOUR)] == [one.id]
    assert opened.deliveries.failed_since(NOW + 2 * HOUR) == ()


def test_a_newer_edition_supersedes_what_is_still_pending(opened):
    old, sent, other, new = opened.deliveries.add(
        [
            delivery(edition="digest:2026-11-21"),
            delivery(edition="digest:2026-11-20", state="sent"),
            delivery(edition="digest:2026-11-21", recipient="b"),
            delivery(),
        ],
        NOW,
    )
    assert opened.deliveries.supersede(new, NOW) == 1
    assert opened.deliveries.supersede(old, NOW) == 0
    states = {d.id: d.state for d in opened.deliveries.listing()}
    assert states == {
        old.id: "superseded",
        sent.id: "sent",
        other.id: "pending",
        new.id: "pending",
    }


def test_an_edition_is_sent_again_to_all_who_had_it(opened):
    one, two, waiting, three, under_way = opened.deliveries.add(
        [
            delivery(state="sent"),
            delivery(recipient="b", state="failed", last_error="550 no"),
            delivery(recipient="c", next_attempt_at=NOW + HOUR, last_error="535 no", blocked=True),
            delivery(edition="digest:2026-11-22", state="sent"),
            delivery(recipient="d", state="sending"),
        ],
        NOW,
    )
    assert opened.deliveries.reopen("digest:2026-11-23", NOW) == 3
    assert opened.deliveries.due(NOW) == (
        replace(one, state="pending"),
        replace(two, state="pending", last_error=""),
        replace(waiting, next_attempt_at=None, last_error="", blocked=False),
    )
    assert opened.deliveries.get(three.id) == three
    assert opened.deliveries.get(under_way.id) == under_way, "or it would go out twice"


def test_listing_is_by_edition_latest_first(opened):
    opened.deliveries.add([delivery(), delivery(edition="alert:1", created_at=NOW + HOUR)], NOW)
    assert [d.edition for d in opened.deliveries.listing()] == ["alert:1", "digest:2026-11-23"]
    assert [d.id for d in opened.deliveries.listing(edition="digest:2026-11-23")] == [1]
    assert len(opened.deliveries.listing(limit=1)) == 1


def test_a_story_is_alerted_of_once(opened):
    (first,) = opened.deliveries.alert(17, [delivery(edition="alert:17")], NOW)
    assert first.id == 1
    assert opened.deliveries.alert(17, [delivery(edition="alert:17b")], NOW) == ()
    assert opened.deliveries.alerted([16, 17]) == {17}
    assert len(opened.deliveries.listing()) == 1


def test_an_alert_that_no_channel_takes_is_not_used_up(opened):
    assert opened.deliveries.alert(17, [], NOW) == ()
    assert opened.deliveries.alerted([17]) == frozenset()
