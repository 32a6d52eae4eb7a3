"""The log: lines for people on a terminal, JSON lines elsewhere, and never secrets or control characters."""

from __future__ import annotations

import io
import json
import logging
from datetime import datetime, timedelta, timezone

import pytest
import structlog

from monitor.service import log


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def _restored():
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:], root.level = handlers, level
    structlog.reset_defaults()


def written(stream, **options):
    log.set_up(stream, **options)
    return structlog.get_logger("monitor.test")


def test_json_lines_away_from_a_terminal():
    stream = io.StringIO()
    written(stream).info("polled", feeds=42, title="Künstler\nklagen")
    line = json.loads(stream.getvalue())
    assert line.pop("time").endswith("Z")
    assert line == {"level": "info", "event": "polled", "feeds": 42, "title": "Künstler klagen"}
    assert list(json.loads(stream.getvalue()))[:3] == ["time", "level", "event"]


def test_readable_lines_on_a_terminal():
    stream = Terminal()
    written(stream).info("polled", feeds=42)
    assert stream.getvalue().endswith("Z [info] polled feeds=42\n")


def test_people_read_times_of_their_zone_and_machines_utc():
    zone, for_people, for_machines = timezone(timedelta(hours=13)), io.StringIO(), io.StringIO()
    written(for_people, for_people=True, timezone=zone).info("polled")
    written(for_machines, for_people=False, timezone=zone).info("polled")
    local, utc = for_people.getvalue().split()[0], json.loads(for_machines.getvalue())["time"]
    assert (local[-6:], utc[-1]) == ("+13:00", "Z")
    assert datetime.fromisoformat(utc) - datetime.fromisoformat(local) < timedelta(minutes=1)


def test_an_event_with_a_sentence_is_that_sentence_for_people_and_all_its_fields_for_machines():
    for_people, for_machines = io.StringIO(), Terminal()
    written(for_people, for_people=True).info("polled", message="polled 42 feeds", feeds=42)
    written(for_machines, for_people=False).info("polled", message="polled 42 feeds", feeds=42)
    assert for_people.getvalue().endswith("Z [info] polled 42 feeds\n")
    line = json.loads(for_machines.getvalue())
    assert (line["event"], line["message"], line["feeds"]) == ("polled", "polled 42 feeds", 42)


@pytest.mark.parametrize("stream", [io.StringIO(), Terminal()])
def test_no_credentials_in_urls_wherever_they_stand(stream):
    logger = written(stream)
    logger.warning("failed at https://me:hunter2@feeds.example/x", url="https://me:hunter2@feeds.example/")
    logging.getLogger("apscheduler").warning("job %s", "https://me:hunter2@feeds.example/")
    try:
        int("https://me:hunter2@feeds.example/")
    except ValueError:
        logger.exception("broken")
        logging.getLogger("other").exception("broken")
    assert "hunter2" not in stream.getvalue()
    assert stream.getvalue().count("feeds.example") == 7
    assert stream.getvalue().count("Traceback") == 2


def test_no_feed_can_control_the_terminal():
    stream = Terminal()
    written(stream).info("polled", title="\x1b]0;owned\x07\u202eabc")
    assert "\x1b" not in stream.getvalue()
    assert "\u202e" not in stream.getvalue()


def test_the_libraries_are_quiet_and_the_level_is_kept():
    stream = io.StringIO()
    logger = written(stream, level=logging.WARNING)
    logger.info("no")
    logging.getLogger("httpx").info("no")
    logging.getLogger("apscheduler.scheduler").warning("skipped: maximum number of running instances")
    logger.warning("yes")
    assert [json.loads(line)["event"] for line in stream.getvalue().splitlines()] == ["yes"]


def test_set_up_again_it_writes_to_the_new_place_alone():
    first, second = io.StringIO(), io.StringIO()
    written(first)
    written(second).info("here")
    assert not first.getvalue()
    assert "here" in second.getvalue()
