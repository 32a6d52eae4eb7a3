"""What the reading process does, without the process: jobs in, answers out."""

from __future__ import annotations

import io
import pickle
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from monitor.models import Document, Feed
from monitor.parse import child
from monitor.parse.child import serve
from monitor.parse.pipe import LENGTH, Job

if TYPE_CHECKING:
    import pytest

NOW = datetime(2024, 12, 12, 12, tzinfo=UTC)
GOOD = b'<rss version="2.0"><channel><title>T</title></channel></rss>'


def job(body: bytes) -> bytes:
    made = Job(body, "https://x.example/feed", "text/xml", Feed(url="https://x.example/feed"), NOW, 10)
    message = pickle.dumps(tuple(made))
    return LENGTH.pack(len(message)) + message


def answers(*jobs: bytes) -> list[object]:
    sink = io.BytesIO()
    serve(io.BytesIO(b"".join(jobs)), sink, 60.0)
    sink.seek(0)
    found = []
    while header := sink.read(LENGTH.size):
        found.append(pickle.loads(sink.read(LENGTH.unpack(header)[0])))
    return found


def test_each_job_is_answered_in_turn() -> None:
    document, error = answers(job(GOOD), job(b"nonsense"))
    assert isinstance(document, Document)
    assert document.title == "T"
    assert error == "not a feed: plain text (nonsense)"


def test_no_jobs_no_answers() -> None:
    assert answers() == []


def test_a_lack_of_memory_is_an_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    def swell(*_: object, **__: object) -> Document:
        raise MemoryError

    monkeypatch.setattr(child, "read", swell)
    assert answers(job(GOOD)) == ["needs too much memory to read"]


def test_a_bug_of_ours_is_an_answer_that_says_where(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> Document:
        raise KeyError("planted")

    monkeypatch.setattr(child, "read", broken)
    bug, document = answers(job(GOOD), job(GOOD))
    assert str(bug).startswith("internal error: KeyError at test_parse_child.py:")
    assert document == bug
