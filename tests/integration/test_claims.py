"""Claims under an epoch: one worker at a time, nothing written without the claim, no wake-up lost."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from app.context import build_context
from app.db import claims, reconcile
from app.db.claims import Claimed
from app.db.engine import Database
from app.db.reconcile import Holder, Outcome
from app.domain.decision import Status
from app.domain.training import State, Training
from tests.support.trainings import Maker, run_spec
from tests.support.web import settings_for_tests


@pytest.fixture
async def maker(database: Database, tmp_path: Path) -> Maker:
    return await Maker.create(build_context(settings_for_tests(tmp_path), database))


async def claim(database: Database, worker: str = "a", *, seconds: float = 60, most: int = 100) -> list[Claimed]:
    async with database.transaction() as connection:
        return await claims.claim(connection, worker=worker, seconds=seconds, most=most)


async def write(database: Database, claimed: Claimed, worker: str, **changes: object) -> Training | None:
    status = replace(Status.of(claimed.training), **changes)  # type: ignore[arg-type]
    async with database.transaction() as connection:
        return await reconcile.write(
            connection, claimed.training, Outcome(status), holder=Holder(worker, claimed.epoch), now=claimed.now
        )


async def release(database: Database, claimed: Claimed, worker: str, *, after: timedelta | None) -> bool:
    wake_at = None if after is None else claimed.now + after
    async with database.transaction() as connection:
        return await reconcile.release(
            connection, claimed.training, holder=Holder(worker, claimed.epoch), wake_at=wake_at
        )


async def run_out(database: Database) -> None:
    """As if every claim's time were over."""
    async with database.transaction() as connection:
        await connection.execute(text("UPDATE trainings SET claimed_until = now() WHERE claimed_until IS NOT NULL"))


async def test_two_workers_share_the_due_trainings_without_overlap(database: Database, maker: Maker) -> None:
    made = {await maker.start() for _ in range(20)}
    takes = await asyncio.gather(*(claim(database, f"w{n}", most=4) for n in range(6)))
    taken = [one.training.id for take in takes for one in take]
    assert len(taken) == len(set(taken)) == 20
    assert set(taken) == made
    assert await claim(database, "late") == []


async def test_a_stale_worker_writes_nothing(database: Database, maker: Maker) -> None:
    await maker.start()
    [stale] = await claim(database, "a")
    await run_out(database)
    [fresh] = await claim(database, "b")
    assert fresh.epoch > stale.epoch
    assert await write(database, stale, "a", state=State.STARTING) is None
    assert await write(database, fresh, "b", message="mine") is not None
    assert not await release(database, stale, "a", after=None)
    training = await maker.get(stale.training.id)
    assert (training.state, training.message) == (State.QUEUED, "mine")


async def test_a_claim_is_renewed_only_by_its_holder(database: Database, maker: Maker) -> None:
    await maker.start()
    [mine] = await claim(database, "a", seconds=0.01)
    async with database.transaction() as connection:
        held = await claims.renew(connection, mine.training.id, epoch=mine.epoch, worker="a", seconds=60)
        assert held
    assert await claim(database, "b") == []
    await run_out(database)
    [theirs] = await claim(database, "b")
    async with database.transaction() as connection:
        assert not await claims.renew(connection, mine.training.id, epoch=mine.epoch, worker="a", seconds=60)
    assert await release(database, theirs, "b", after=timedelta(hours=1))


@pytest.mark.parametrize("what", ["stop", "hint"])
async def test_what_arrives_while_deciding_is_not_lost(database: Database, maker: Maker, what: str) -> None:
    training_id = await maker.start()
    [mine] = await claim(database)
    if what == "stop":
        await maker.stop(training_id)
    else:
        async with database.transaction() as connection:
            await claims.hint(connection, [training_id])
    assert await claim(database, "b") == []  # still held
    assert await release(database, mine, "a", after=timedelta(hours=1))
    [again] = await claim(database, "b")
    assert (again.training.stop_requested_at is not None) is (what == "stop")


async def test_released_means_not_due_until_its_time(database: Database, maker: Maker) -> None:
    await maker.start()
    [mine] = await claim(database)
    await release(database, mine, "a", after=timedelta(hours=1))
    assert await claim(database) == []
    async with database.transaction() as connection:
        await connection.execute(text("UPDATE trainings SET wake_at = now()"))
    assert len(await claim(database)) == 1


async def test_an_ended_training_is_never_due_by_the_clock(database: Database, maker: Maker) -> None:
    training_id = await maker.start()
    [mine] = await claim(database)
    await write(database, mine, "a", state=State.STOPPED)
    await release(database, mine, "a", after=None)
    async with database.transaction() as connection:
        await connection.execute(text("UPDATE trainings SET wake_at = now()"))
    assert await claim(database) == []
    assert (await maker.get(training_id)).state is State.STOPPED


async def test_a_write_that_changes_nothing_tells_nobody(database: Database, maker: Maker) -> None:
    await maker.start(run_spec({"worker": 3}))
    [mine] = await claim(database)
    [before] = await maker.all_rows()
    assert await write(database, mine, "a") is not None
    [after] = await maker.all_rows()
    assert after["status_gen"] == before["status_gen"]
    assert await write(database, mine, "a", message="new") is not None
    [told] = await maker.all_rows()
    assert told["status_gen"] > after["status_gen"]
