"""A worker that begins decides about due times only once it knows which trainings have ended meanwhile."""

from __future__ import annotations

from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import text

from app.context import Context, build_context
from app.db import schedules
from app.db.engine import Database
from app.domain.firing import Sight
from app.domain.schedule import Overlap
from app.scheduler.clock import Clock
from app.scheduler.timed import PATIENCE_SECONDS, SETTLED_SECONDS, Timed
from tests.support.timed import DAY, MINUTE, every, make_timed
from tests.support.web import settings_for_tests


@pytest.fixture
def context(database: Database, tmp_path: Path) -> Context:
    return build_context(settings_for_tests(tmp_path), database)


async def looked_at(context: Context, training_id: UUID, *, ago: str) -> None:
    """Some worker looks at it again so long before now (negative: after)."""
    async with context.database.transaction() as connection:
        statement = "UPDATE trainings SET wake_at = now() - CAST(:ago AS text)::interval WHERE id = :id"
        await connection.execute(text(statement), {"ago": ago, "id": training_id})


@pytest.mark.parametrize("overlap", [Overlap.SKIP, Overlap.REPLACE, Overlap.QUEUE])
async def test_a_due_time_waits_for_the_look_at_a_training_that_may_have_ended(
    context: Context, overlap: Overlap
) -> None:
    timed = await make_timed(context, [every(1, overlap=overlap)])
    await timed.fire(DAY + MINUTE)
    [first] = await timed.trainings()
    await timed.set_state(first["id"], "running")
    due = DAY + 2 * MINUTE

    await looked_at(context, first["id"], ago="8 minutes")
    for sight in (Sight.BLIND, Sight.CATCHING_UP):
        assert (await context.firing.fire(now=due, sight=sight)).schedules == 0
    await looked_at(context, first["id"], ago="-20 seconds")
    assert (await context.firing.fire(now=due, sight=Sight.BLIND)).schedules == 0, "it was looked at without seeing"
    assert len(await timed.due_times()) == 1

    await timed.set_state(first["id"], "succeeded")
    assert (await context.firing.fire(now=due, sight=Sight.CATCHING_UP)).trainings == 1
    assert await timed.outcomes() == ["started", "started"]
    second = (await timed.trainings())[1]
    assert second["replaces"] is None


@pytest.mark.parametrize("sight", [Sight.BLIND, Sight.CATCHING_UP])
async def test_a_project_is_not_held_against_all_that_runs(context: Context, sight: Sight) -> None:
    """Statistics of a quiet hour say that nothing runs; a join by them took 15 s for 10,000 projects."""
    async with context.database.transaction() as connection:
        await connection.execute(text("ANALYZE"))
        explained = await connection.execute(
            text(f"EXPLAIN {schedules._DUE_IN[sight].text}"), {"now": None, "most": 500}
        )
        plan = "\n".join(explained.scalars())
    assert "SubPlan" in plan
    assert "Anti Join" not in plan


async def test_what_still_runs_once_it_was_looked_at_counts_as_ever(context: Context) -> None:
    timed = await make_timed(context, [every(1, overlap=Overlap.SKIP)])
    await timed.fire(DAY + MINUTE)
    [first] = await timed.trainings()
    await timed.set_state(first["id"], "running")
    await looked_at(context, first["id"], ago="-20 seconds")
    assert (await context.firing.fire(now=DAY + 2 * MINUTE, sight=Sight.CATCHING_UP)).schedules == 1
    assert await timed.outcomes() == ["started", "still_active"]


async def test_others_do_not_wait(context: Context) -> None:
    """Who has nothing that runs, or lets trainings run beside each other."""
    timed = await make_timed(context, [every(1, overlap=Overlap.SKIP), every(1, overlap=Overlap.ALLOW)])
    await timed.fire(DAY + MINUTE)
    for training in await timed.trainings():
        state = "running" if training["project_id"] == timed.ids[1] else "succeeded"
        await timed.set_state(training["id"], state)
        await looked_at(context, training["id"], ago="8 minutes")
    assert (await context.firing.fire(now=DAY + 2 * MINUTE, sight=Sight.BLIND)).trainings == 2


async def test_how_a_worker_comes_to_see(context: Context) -> None:
    now, sees = 100.0, False
    timed = Timed(context.firing, context.listener, Clock(), sweep_seconds=1, sees=lambda: sees, now=lambda: now)
    assert timed.sight() is Sight.BLIND
    sees = True
    assert timed.sight() is Sight.BLIND
    now += SETTLED_SECONDS
    assert timed.sight() is Sight.CATCHING_UP
    sees = False
    assert timed.sight() is Sight.BLIND
    now = 100.0 + PATIENCE_SECONDS
    assert timed.sight() is Sight.CLEAR, "due times do not wait for ever for a cluster that cannot be reached"
