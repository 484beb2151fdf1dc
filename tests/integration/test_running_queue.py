"""The limits on running trainings: first in first out, and never one too many, whoever asks."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from app.context import Context, build_context
from app.db import claims, reconcile, running_queue
from app.db.claims import Claimed
from app.db.engine import Database
from app.db.reconcile import Admission, Holder, Outcome
from app.domain.decision import Status
from app.domain.training import State
from tests.support.trainings import Maker
from tests.support.web import settings_for_tests

Make = Callable[[int | None], Coroutine[Any, Any, Maker]]


@pytest.fixture
async def make(database: Database, tmp_path: Path) -> Make:
    context: Context = build_context(settings_for_tests(tmp_path), database)
    return lambda limit: Maker.create(context, running_limit=limit)


async def start(database: Database, claimed: Claimed, worker: str, limit: int) -> bool:
    """Whether it got a place."""
    status = replace(Status.of(claimed.training), state=State.STARTING)
    async with database.transaction() as connection:
        written = await reconcile.write(
            connection,
            claimed.training,
            Outcome(status),
            holder=Holder(worker, claimed.epoch),
            now=claimed.now,
            admission=Admission(limit),
        )
        assert written is not None
        await reconcile.release(
            connection, written, holder=Holder(worker, claimed.epoch), wake_at=claimed.now.replace(year=2100)
        )
    return written.state is State.STARTING


async def run_worker(database: Database, worker: str, limit: int) -> set[UUID]:
    """Claim and start until nothing is due; which ones started."""
    started: set[UUID] = set()
    while True:
        async with database.transaction() as connection:
            claimed = await claims.claim(connection, worker=worker, seconds=60, most=3)
        if not claimed:
            return started
        for one in claimed:
            if await start(database, one, worker, limit):
                started.add(one.training.id)


async def end(database: Database, training_id: UUID) -> None:
    async with database.transaction() as connection:
        await connection.execute(text("UPDATE trainings SET state = 'succeeded' WHERE id = :id"), {"id": training_id})


async def test_many_workers_never_start_too_many_and_keep_the_order(database: Database, make: Make) -> None:
    maker = await make(None)
    ids = [await maker.start() for _ in range(30)]
    started = await asyncio.gather(*(run_worker(database, f"w{n}", 5) for n in range(5)))
    assert set.union(*started) == set(ids[:5])
    waiting = await maker.get(ids[5])
    assert waiting.state is State.QUEUED
    assert waiting.message.startswith("5 of at most 5 trainings are running:")


async def test_an_end_wakes_the_next_one_only(database: Database, make: Make) -> None:
    maker = await make(None)
    ids = [await maker.start() for _ in range(6)]
    assert await run_worker(database, "a", 2) == set(ids[:2])
    async with database.transaction() as connection:
        assert await running_queue.wake(connection, 2) == 0
    await end(database, ids[0])
    async with database.transaction() as connection:
        assert await running_queue.wake(connection, 2) == 1
    assert await run_worker(database, "a", 2) == {ids[2]}


async def test_a_full_project_does_not_hold_up_the_others(database: Database, make: Make) -> None:
    small, other = await make(1), await make(None)
    first, second = await small.start(), await small.start()
    third = await other.start()
    assert await run_worker(database, "a", 10) == {first, third}
    assert (await small.get(second)).message.startswith("Another training of this project is running, and only one may")
    await end(database, first)
    async with database.transaction() as connection:
        assert await running_queue.wake(connection, 10) == 1
    assert await run_worker(database, "a", 10) == {second}


async def test_who_asks_before_those_before_it_is_told_of_them(database: Database, make: Make) -> None:
    maker = await make(1)
    _first, second = await maker.start(), await maker.start()
    async with database.transaction() as connection:
        answer = await running_queue.ask(connection, second, 10)
    assert not answer.admitted
    assert answer.message.startswith("Another training of this project is running, and only one may")


async def test_who_is_to_be_stopped_takes_no_place(database: Database, make: Make) -> None:
    maker = await make(None)
    stopped, second = await maker.start(), await maker.start()
    await maker.stop(stopped)
    async with database.transaction() as connection:
        assert (await running_queue.ask(connection, second, 1)).admitted
