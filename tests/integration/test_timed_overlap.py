"""One training at a time: the overlap rule for due times and people alike, handovers, and who may start when."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from app.context import Context, build_context
from app.db import running_queue
from app.db.engine import Contended, Database
from app.db.running_queue import Answer
from app.domain.access import Principal, UserRole
from app.domain.schedule import CatchUp, Overlap
from app.errors import Conflict
from app.services.freeze import LaunchRequest
from tests.support.timed import DAY, MINUTE, Timed, every, make_timed
from tests.support.web import settings_for_tests

ADA = Principal(UUID(int=1), "ada", UserRole.ADMIN)


@pytest.fixture
def context(database: Database, tmp_path: Path) -> Context:
    return build_context(settings_for_tests(tmp_path), database)


async def ask(context: Context, training_id: UUID) -> Answer:
    async with context.database.transaction() as connection:
        return await running_queue.ask(connection, training_id, 100)


async def start(timed: Timed) -> UUID:
    name = f"t{timed.project.hex}"
    return (await timed.context.launching.start(ADA, name, LaunchRequest())).training.id


async def by_number(timed: Timed) -> dict[int, Any]:
    return {row["number"]: row for row in await timed.trainings()}


async def test_replace_hands_over_and_links_both_ways(context: Context) -> None:
    timed = await make_timed(context, [every(1, overlap=Overlap.REPLACE)])
    await timed.fire(DAY + MINUTE)
    first = (await by_number(timed))[1]["id"]
    await timed.set_state(first, "running")
    await timed.fire(DAY + 2 * MINUTE)
    rows = await by_number(timed)
    assert (rows[1]["stop_reason"], rows[1]["replaced_by"]) == ("replaced", rows[2]["id"])
    assert (rows[2]["replaces"], rows[2]["state"]) == (first, "queued")
    assert [row["message"] for row in await timed.due_times()][1].startswith("It replaces #1 and starts when nothing")
    assert {event["reason"] for event in await timed.maker.events(first)} == {"Queued", "StopRequested"}

    # The next due time finds the handover under way: who waits is itself replaced.
    await timed.set_state(first, "stopping")
    await timed.fire(DAY + 3 * MINUTE)
    rows = await by_number(timed)
    assert (rows[2]["stop_reason"], rows[2]["replaced_by"]) == ("replaced", rows[3]["id"])
    assert (rows[3]["replaces"], rows[1]["replaced_by"]) == (rows[2]["id"], rows[2]["id"])

    waits = await ask(context, rows[3]["id"])
    assert not waits.admitted
    assert waits.message == f"It starts when nothing of {rows[1]['project']} #1 runs any more."
    await timed.set_state(first, "stopped", archived=False)
    waits = await ask(context, rows[3]["id"])
    assert waits.message == f"{rows[1]['project']} #1 has ended; it starts as soon as the logs of #1 are stored."
    await timed.set_state(first, "stopped")
    assert (await ask(context, rows[3]["id"])).admitted


async def test_a_person_s_start_replaces_as_a_due_time_does(context: Context) -> None:
    timed = await make_timed(context, [every(1, overlap=Overlap.REPLACE)])
    await timed.fire(DAY + MINUTE)
    [first] = await timed.trainings()
    await timed.set_state(first["id"], "running")
    preview = await context.launching.preview(ADA, first["project"], LaunchRequest())
    assert preview.handover is not None
    assert (preview.handover.replaces, preview.handover.verdict) == ((first["id"],), "replace")
    second = await start(timed)
    rows = await by_number(timed)
    assert (rows[1]["replaced_by"], rows[1]["stop_requested_by"]) == (second, "ada")
    assert (rows[2]["replaces"], rows[2]["exclusive"]) == (first["id"], True)


async def test_skip_refuses_a_person_and_skips_a_due_time(context: Context) -> None:
    timed = await make_timed(context, [every(1, overlap=Overlap.SKIP)])
    await timed.fire(DAY + MINUTE)
    [first] = await timed.trainings()
    await timed.set_state(first["id"], "running")
    assert await timed.fire(DAY + 2 * MINUTE) == 0
    assert (await timed.due_times())[1]["message"].startswith("Training #1 had not ended")
    with pytest.raises(Conflict, match=f"{first['project']} #1 has not ended"):
        await start(timed)
    preview = await context.launching.preview(ADA, first["project"], LaunchRequest())
    assert preview.handover is not None
    assert (preview.handover.verdict, preview.handover.message[-30:]) == ("skipped", "it first, or wait for its end.")
    await timed.set_state(first["id"], "succeeded")
    assert await timed.fire(DAY + 3 * MINUTE) == 1


async def test_a_queue_is_bounded_and_goes_in_order(context: Context) -> None:
    timed = await make_timed(
        context, [every(1, overlap=Overlap.QUEUE, queue_limit=2, catch_up=CatchUp.ALL, catch_up_limit=9)]
    )
    await timed.fire(DAY + MINUTE)
    await timed.set_state((await timed.trainings())[0]["id"], "running")
    for minute in (2, 3, 4):
        await timed.fire(DAY + minute * MINUTE)
    assert await timed.outcomes() == ["started", "started", "started", "queue_full"]
    with pytest.raises(Conflict, match=r"2 trainings of .* wait already"):
        await start(timed)
    rows = await by_number(timed)
    await timed.set_state(rows[1]["id"], "failed")
    assert (await ask(context, rows[2]["id"])).admitted
    waits = await ask(context, rows[3]["id"])
    assert (waits.admitted, "#2 is before it" in waits.message) == (False, True)


async def test_the_database_itself_refuses_a_second_active_one(context: Context) -> None:
    timed = await make_timed(context, [every(1, overlap=Overlap.QUEUE)])
    await timed.fire(DAY + MINUTE)
    await timed.fire(DAY + 2 * MINUTE)
    first, second = await timed.trainings()
    await timed.set_state(first["id"], "running")
    with pytest.raises(IntegrityError):
        await timed.set_state(second["id"], "starting")


async def test_allow_runs_beside_each_other(context: Context) -> None:
    timed = await make_timed(context, [every(1, overlap=Overlap.ALLOW)])
    for minute in (1, 2):
        await timed.fire(DAY + minute * MINUTE)
    for row in await timed.trainings():
        assert (await ask(context, row["id"])).admitted
        await timed.set_state(row["id"], "running")
    await start(timed)
    assert all(row["stop_requested_at"] is None for row in await timed.trainings())


async def test_retries_replace_nothing_and_run_one_at_a_time(context: Context) -> None:
    timed = await make_timed(context, [every(1, overlap=Overlap.REPLACE)])
    await timed.fire(DAY + MINUTE)
    [first] = await timed.trainings()
    await timed.set_state(first["id"], "failed")
    retries = [(await context.launching.retry(ADA, first["id"])).training for _ in range(2)]
    assert [one.spec.scheduled_for for one in retries] == [DAY + MINUTE] * 2
    await timed.fire(DAY + 2 * MINUTE)
    running = (await by_number(timed))[4]
    await timed.set_state(running["id"], "running")
    assert (await ask(context, retries[0].id)).admitted
    await timed.set_state(retries[0].id, "running")
    assert not (await ask(context, retries[1].id)).admitted
    await timed.set_state(retries[0].id, "failed")
    assert (await ask(context, retries[1].id)).admitted
    assert running["replaces"] is None


async def test_a_start_that_others_get_in_the_way_of_is_tried_again(context: Context) -> None:
    """Somebody holds the second of those that it replaces and wants the first, which the start holds by then."""
    timed = await make_timed(context, [every(1, overlap=Overlap.REPLACE)])
    first = await start(timed)
    await timed.set_state(first, "running")
    second = await start(timed)
    lock = text("SELECT 1 FROM trainings WHERE id = :id FOR UPDATE")
    waits = text("SELECT count(*) FROM pg_locks WHERE NOT granted")
    with suppress(Contended):  # PostgreSQL chooses whom of the two it sends away
        async with timed.database.transaction() as other:
            await other.execute(lock, {"id": second})
            starting = asyncio.create_task(start(timed))
            async with asyncio.timeout(60):
                while not (await other.execute(waits)).scalar_one():
                    await asyncio.sleep(0.02)
            await other.execute(lock, {"id": first})
    third = await starting
    rows = {row["id"]: row for row in await timed.trainings()}
    assert [row["number"] for row in rows.values()] == [1, 2, 3]
    assert (rows[second]["replaced_by"], rows[second]["stop_reason"]) == (third, "replaced")
    assert rows[third]["replaces"] == second
