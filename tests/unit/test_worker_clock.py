"""When the worker's jobs by the clock are done for the first time."""

from __future__ import annotations

import asyncio

from app.scheduler.clock import Clock

HOUR = 3600


async def test_a_rare_job_can_be_done_soon_after_the_start() -> None:
    clock, done, early = Clock(), asyncio.Event(), asyncio.Event()

    async def soon() -> None:
        done.set()

    async def later() -> None:
        early.set()

    clock.every(HOUR, soon, "soon", first=0)
    clock.every(HOUR, later, "later")
    clock.start()
    try:
        await asyncio.wait_for(done.wait(), 60)
    finally:
        clock.stop()
    assert not early.is_set()
