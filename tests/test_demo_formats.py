from __future__ import annotations

from datetime import UTC, datetime
from xml.etree import ElementTree as ET

import pytest

from monitor.demo import outlet as outlets
from monitor.demo.formats import FORMATS
from monitor.models import Feed
from monitor.parse import reader

FRIDAY = datetime(2024, 12, 6, 20, tzinfo=UTC)
FEED = Feed(url="https://outlet.example/feed")


def document(outlet: outlets.Outlet, now: datetime = FRIDAY):
    write, media_type = FORMATS[outlet.format]
    body = write(outlet, outlet.entries_at(now)).encode()
    return reader.read(
        body, url=FEED.url, content_type=f"{media_type}; charset=utf-8", feed=FEED, now=now, max_entries=100
    )


@pytest.mark.parametrize("outlet", outlets.load(), ids=lambda outlet: outlet.slug)
def test_the_monitor_reads_exactly_what_an_outlet_publishes(outlet: outlets.Outlet) -> None:
    read = document(outlet)
    assert (read.title, read.language, read.link) == (outlet.name, outlet.language, outlet.home)
    assert [(entry.title, entry.summary, entry.url, entry.published) for entry in read.entries] == [
        (entry.title, entry.summary, entry.url, entry.at) for entry in outlet.entries_at(FRIDAY)
    ]
    assert {entry.language for entry in read.entries} == {outlet.language}
    assert (read.complete, read.note) == (True, "")


@pytest.mark.parametrize("format_", FORMATS)
def test_every_format_escapes_what_it_must(format_: str) -> None:
    odd = outlets.SampleEntry(
        at=FRIDAY,
        title='Less < more & "quotes" ]]>',
        summary="a < b && c",
        url="https://odd.example/?a=1&b=2",
        updated=FRIDAY,
    )
    outlet = outlets.Outlet(
        slug="odd",
        name="Odd & Even",
        language="en",
        format=format_,
        home="https://odd.example/",
        about="<>",
        entries=(odd,),
    )
    write, _ = FORMATS[format_]
    if format_ != "json":
        titles = [
            node.text
            for node in ET.fromstring(write(outlet, [odd])).iter()
            if node.tag.rpartition("}")[2] == "title"
        ]
        assert titles == ["Odd & Even", odd.title]
    read = document(outlet)
    assert read.title == "Odd & Even"
    assert [(entry.title, entry.url) for entry in read.entries] == [(odd.title, odd.url)]
    assert read.entries[0].summary == odd.summary


@pytest.mark.parametrize("format_", FORMATS)
def test_every_format_can_be_empty(format_: str) -> None:
    outlet = outlets.Outlet(
        slug="new",
        name="New",
        language="de",
        format=format_,
        home="https://new.example/",
        about="",
        entries=(),
    )
    assert (document(outlet).title, document(outlet).entries) == ("New", ())


def test_an_edit_keeps_the_guid_and_moves_the_date_of_change() -> None:
    (outlet,) = [outlet for outlet in outlets.load() if outlet.slug == "bytewise"]
    (edited,) = [entry for entry in outlet.entries if entry.edits]
    ((when, title),) = edited.edits
    before, after = (
        next(entry for entry in document(outlet, now).entries if entry.url == edited.url)
        for now in (edited.at, when)
    )
    assert (before.title, before.updated) == (edited.title, None)
    assert (after.title, after.updated, after.guid) == (title, when, before.guid)
