"""Judge how well a feed works, from its state alone. Pure.

How long a feed has been silent is counted up to the last poll that was answered, since a time in which we did
not look says nothing about the feed.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from monitor.fetch.schedule import GAP_MEMORY, leads_elsewhere, silence
from monitor.models import FeedHealth
from monitor.text import span_in_words
from monitor.url import redact_url

if TYPE_CHECKING:
    from datetime import datetime

    from monitor.fetch.settings import Settings
    from monitor.models import Feed, FeedState, FeedStateName

_SILENT_AFTER = timedelta(days=7)
# A feed is silent if it brings nothing for a week, and for this many times its usual interval between
# entries.
_SILENT_RHYTHMS = 8
# After this many failures in a row a person should look at the feed.
_OFTEN = 3


def health(feed: Feed, state: FeedState, *, now: datetime, entries: int, settings: Settings) -> FeedHealth:
    """Judge a feed as of `now`. `entries` is the number of its entries in the store."""
    name = _name(feed, state, settings)
    return FeedHealth(
        url=redact_url(feed.url),
        title=feed.title or state.title,
        state=name,
        last_status=state.last_status,
        last_error=state.last_error,
        consecutive_failures=state.consecutive_failures,
        last_poll_at=state.last_poll_at,
        last_success_at=state.last_success_at,
        next_poll_at=None if name == "disabled" else state.next_poll_at,
        newest_entry_at=state.newest_entry_at,
        entries=entries,
        rhythm=state.rhythm,
        note=_note(name, state, now),
        faults=state.faults,
    )


def _name(feed: Feed, state: FeedState, settings: Settings) -> FeedStateName:
    if not feed.enabled:
        return "disabled"
    if state.gone:
        return "gone"
    if state.consecutive_failures:
        return "failing"
    if state.last_success_at is None:
        return "new"
    return "silent" if silence(state, state.last_success_at) > _patience(state, settings) else "ok"


def _patience(state: FeedState, settings: Settings) -> timedelta:
    return max(_SILENT_AFTER, _SILENT_RHYTHMS * (state.rhythm or timedelta(0)), 2 * settings.max_interval)


def _note(name: FeedStateName, state: FeedState, now: datetime) -> str:
    """Return one line for the user, "" if there is nothing to say."""
    if name == "gone":
        return "ended by its publisher (HTTP 410); asked again once a week"
    if name == "failing" and state.consecutive_failures >= _OFTEN:
        since = f" since {state.last_success_at:%Y-%m-%d}" if state.last_success_at else ", never reached"
        return f"failing {state.consecutive_failures} times in a row{since}"
    notes = []
    if name == "silent":
        usual = (
            f"; usually one every {span_in_words(state.rhythm).removeprefix('1 ')}" if state.rhythm else ""
        )
        notes.append(f"nothing new for {span_in_words(silence(state, state.last_success_at or now))}{usual}")
    # If another feed is found at the address, both are said: why it is silent, and that its own entries are
    # gone.
    stranger = state.moving_to if leads_elsewhere(state) else ""
    if name != "disabled" and (there := redact_url(state.location or stranger)):
        told = f"moved for good to {there}" if state.location else f"leads to another feed, {there}"
        notes.append(f"{told}: `monitor feeds move` takes it over")
    if state.last_gap_at and abs(now - state.last_gap_at) < GAP_MEMORY:
        notes.append(f"entries fell through between two polls, last on {state.last_gap_at:%Y-%m-%d}")
    if notes:
        return "; ".join(notes)
    begun = state.breaks_off_since
    breaks_off = f"breaks off before its end, since {begun:%Y-%m-%d %H:%M} UTC" if begun else ""
    return "; ".join(filter(None, (state.faults, state.note))) or breaks_off if name == "ok" else ""
