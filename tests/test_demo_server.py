from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

import pytest

from monitor import fetch
from monitor.demo import outlet as outlets
from monitor.demo.server import Newsstand, reply
from monitor.models import Feed, FeedState, Response

TUESDAY = datetime(2024, 12, 3, 12, tzinfo=UTC)
OUTLETS = {outlet.slug: outlet for outlet in outlets.load()}
SETTINGS = fetch.Settings(
    user_agent="test",
    timeout=timedelta(seconds=10),
    max_bytes=10**6,
    concurrency=8,
    per_host=8,
    allow_private_addresses=True,
    interval=timedelta(hours=1),
    min_interval=timedelta(minutes=1),
    max_interval=timedelta(days=1),
)


def get(stand: Newsstand, url: str, state: FeedState | None = None) -> Response:
    async def one() -> Response:
        async with fetch.Fetcher(SETTINGS) as fetcher:
            pairs = [(Feed(url=url), state or FeedState(url=url))]
            (response,) = [response async for response in fetcher.fetch_all(pairs)]
            return response

    with stand:
        return asyncio.run(one())


@pytest.mark.parametrize("outlet", OUTLETS.values(), ids=lambda outlet: outlet.slug)
@pytest.mark.parametrize("header", ["etag", "last_modified"])
def test_an_outlet_does_not_repeat_what_the_client_has(outlet: outlets.Outlet, header: str) -> None:
    stand = Newsstand([outlet], TUESDAY)
    url = stand.url(outlet)
    first = reply(outlet, TUESDAY, {})
    validator = first.headers[{"etag": "ETag", "last_modified": "Last-Modified"}[header]]
    known: dict[str, Any] = {header: validator}
    again = get(stand, url, replace(FeedState(url=url, validators_url=url), **known))
    assert (again.status, again.not_modified, again.body) == (304, True, b"")


def test_what_is_new_is_sent_whole() -> None:
    outlet = OUTLETS["callsheet"]
    old = reply(outlet, TUESDAY, {}).headers
    asked = {"if-none-match": old["ETag"], "if-modified-since": old["Last-Modified"]}
    new = reply(outlet, TUESDAY + timedelta(days=1), asked)
    assert new.status == 200
    assert new.body
    assert new.headers["ETag"] != old["ETag"]


def test_an_edit_alone_gives_new_validators() -> None:
    outlet = OUTLETS["bytewise"]
    ((when, title),) = next(entry.edits for entry in outlet.entries if entry.edits)
    before, after = (reply(outlet, now, {}) for now in (when - timedelta(seconds=1), when))
    assert title in after.body.decode()
    assert before.headers["ETag"] != after.headers["ETag"]
    assert parsedate_to_datetime(after.headers["Last-Modified"]) == when


def test_the_stand_serves_its_clocks_hour() -> None:
    outlet = OUTLETS["kulturwerk"]
    stand = Newsstand([outlet], TUESDAY)
    stand.now = TUESDAY + timedelta(days=2)
    response = get(stand, stand.url(outlet))
    assert response.body == reply(outlet, stand.now, {}).body
    assert response.content_type == "application/rdf+xml; charset=utf-8"


def test_a_failing_outlet_is_down_first_and_answers_nonsense_later() -> None:
    outlet = OUTLETS["stimme-und-recht"]
    down, broken = (
        get(stand := Newsstand([outlet], TUESDAY + timedelta(days=days)), stand.url(outlet))
        for days in (2, 3)
    )
    assert (down.status, bool(down.error)) == (503, True)
    assert (broken.status, broken.body[:9]) == (200, b"<!doctype")


def test_a_slow_outlet_is_slow() -> None:
    stand = Newsstand([OUTLETS["tagesrundschau"]], TUESDAY)
    started = time.monotonic()
    assert stand.answer("/tagesrundschau/feed", {}).status == 200
    assert time.monotonic() - started >= 0.3
    stand._server.server_close()


def test_an_unknown_path_is_not_found() -> None:
    stand = Newsstand([], TUESDAY)
    assert get(stand, stand.url(OUTLETS["callsheet"])).status == 404


def test_an_outlet_without_entries_has_no_date() -> None:
    outlet = OUTLETS["callsheet"]
    long_ago = datetime(2000, 1, 1, tzinfo=UTC)
    assert "Last-Modified" not in reply(outlet, long_ago, {}).headers
    assert reply(outlet, long_ago, {"if-modified-since": "never"}).status == 200
