"""A part of the worker is kept up whatever happens, until the worker is told to end."""

from __future__ import annotations

import asyncio
from collections import deque

import pytest

from app.scheduler import worker
from app.scheduler.worker import _ended, _started

FAULTS: list[type[Exception]] = [RuntimeError, TimeoutError]


@pytest.mark.parametrize("fault", FAULTS)
async def test_it_starts_again_after_a_fault_and_ends_when_told(
    fault: type[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "RESTART_SECONDS", 0.01)
    runs = asyncio.Event()
    faults = deque([fault("at first")])

    async def part() -> None:
        if faults:
            raise faults.popleft()
        runs.set()
        await asyncio.Event().wait()

    async with asyncio.timeout(10):
        task = _started(part)
        await runs.wait()
        await _ended([task])
    assert task.cancelled()


async def test_one_that_fails_as_it_is_told_to_end_does_not_start_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "RESTART_SECONDS", 0.01)
    begun = asyncio.Event()
    starts = 0

    async def part() -> None:
        nonlocal starts
        starts += 1
        begun.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError as exc:
            raise RuntimeError("something went wrong on the way out") from exc

    async with asyncio.timeout(10):
        task = _started(part)
        await begun.wait()
        await _ended([task])
    assert starts == 1
