"""A run never overlaps itself, survives whatever its work raises, and stops when it is asked to."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from monitor.errors import StoreError
from monitor.service.runs import Run

LONG = timedelta(seconds=5)


class Work:
    """Work that waits for a permit, then ends or raises."""

    def __init__(self, *errors: Exception) -> None:
        self.errors = list(errors)
        self.begun = 0
        self.ended = 0
        self.permit = asyncio.Event()

    async def __call__(self) -> None:
        self.begun += 1
        await self.permit.wait()
        if self.errors:
            raise self.errors.pop(0)
        self.ended += 1


async def test_it_is_not_started_twice_at_a_time():
    work = Work()
    run = Run("poll", work, lambda *_: None)
    run.start()
    await asyncio.sleep(0)
    run.start()
    await asyncio.sleep(0)
    assert work.begun == 1
    work.permit.set()
    await run.stop(grace=LONG)
    run.start()
    await run.stop(grace=LONG)
    assert work.ended == 2


@pytest.mark.parametrize("error", [StoreError("database is locked"), RuntimeError("a bug")])
async def test_an_error_is_reported_and_the_next_start_waits(monkeypatch, error):
    reports = []
    work = Work(error)
    work.permit.set()
    run = Run("poll", work, lambda name, reason: reports.append((name, reason)))
    run.start()
    await run.stop(grace=LONG)
    run.start()
    assert not run.busy
    assert work.begun == 1
    loop = asyncio.get_running_loop()
    now = loop.time()
    monkeypatch.setattr(loop, "time", lambda: now + 61)
    run.start()
    assert run.busy
    await run.stop(grace=LONG)
    assert [name for name, _ in reports] == ["poll", "poll"]
    assert str(error) in reports[0][1]
    assert reports[1][1] == ""


async def wait_of(run: Run, clock: list[float]) -> float:
    """Move the clock until the run starts again, let it end, and return how many seconds that took."""
    before = clock[0]
    while not run.busy:
        clock[0] += 30
        run.start()
    await run.stop(grace=LONG)
    return clock[0] - before


async def test_the_waits_double_up_to_an_hour(monkeypatch):
    loop = asyncio.get_running_loop()
    clock = [1000.0]
    monkeypatch.setattr(loop, "time", lambda: clock[0])
    work = Work(*[RuntimeError("a bug")] * 9)
    work.permit.set()
    run = Run("poll", work, lambda *_: None)
    waits = [await wait_of(run, clock) for _ in range(9)]
    assert waits == [30, 60, 120, 240, 480, 960, 1920, 3600, 3600]


async def test_errors_that_were_put_off_until_all_else_was_done_hold_it_up_for_minutes_and_no_hour(
    monkeypatch,
):
    loop, clock = asyncio.get_running_loop(), [1000.0]
    monkeypatch.setattr(loop, "time", lambda: clock[0])
    work, reports = Work(), []
    work.errors = [ExceptionGroup("polling met errors", [ZeroDivisionError("poison")]) for _ in range(5)]
    work.permit.set()
    run = Run("poll", work, lambda _, reason: reports.append(reason))
    waits = [await wait_of(run, clock) for _ in range(5)]
    assert waits == [30, 60, 120, 240, 300]
    assert set(reports) == {"polling met errors: internal error: ZeroDivisionError"}


async def test_after_a_success_the_waits_begin_anew(monkeypatch):
    loop = asyncio.get_running_loop()
    clock = [1000.0]
    monkeypatch.setattr(loop, "time", lambda: clock[0])
    work = Work(RuntimeError("a bug"), RuntimeError("a bug"))
    work.permit.set()
    run = Run("poll", work, lambda *_: None)
    for _ in range(3):
        clock[0] += 3600
        run.start()
        await run.stop(grace=LONG)
    assert work.ended == 1
    work.errors = [RuntimeError("another")]
    run.start()
    await run.stop(grace=LONG)
    clock[0] += 61
    run.start()
    assert run.busy
    await run.stop(grace=LONG)


async def test_a_store_that_refuses_the_report_is_survived():
    def refuse(*_: object) -> None:
        raise StoreError("disk full")

    work = Work(StoreError("disk full"))
    work.permit.set()
    run = Run("poll", work, refuse)
    run.start()
    await run.stop(grace=LONG)
    assert work.begun == 1


async def test_stopping_cancels_at_once_or_after_a_grace():
    for grace, ends in ((timedelta(0), 0), (LONG, 1)):
        work = Work()
        run = Run("publish", work, lambda *_: None)
        run.start()
        await asyncio.sleep(0)
        asyncio.get_running_loop().call_later(0.05, work.permit.set)
        await asyncio.wait_for(run.stop(grace=grace), 3)
        assert (run.busy, work.ended) == (False, ends)


async def test_stopping_what_never_ran():
    work = Work()
    run = Run("poll", work, lambda *_: None)
    await asyncio.wait_for(run.stop(), 3)
    assert (run.busy, work.ended) == (False, 0)
