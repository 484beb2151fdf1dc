"""Due trainings that are late, overdue or slow are found by one look over all of them, each once."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, text

from app.context import Context, build_context
from app.db import dead_man
from app.db.engine import Database
from app.db.tables import events
from app.domain.schedule import CatchUp
from tests.support.notices import subscribe, told
from tests.support.timed import DAY, MINUTE, Timed, every, make_timed
from tests.support.web import settings_for_tests


@pytest.fixture
def context(database: Database, tmp_path: Path) -> Context:
    return build_context(settings_for_tests(tmp_path), database)


async def look(context: Context, now: datetime) -> list[tuple[str, ...]]:
    async with context.database.transaction() as connection:
        return sorted(tuple(alarm.over) for alarm in await dead_man.find(connection, now))


async def ran(timed: Timed, training: Any, state: str, start: datetime, end: datetime | None) -> None:
    statement = "UPDATE trainings SET state = :state, started_at = :start, finished_at = :end WHERE id = :id"
    values = {"id": training["id"], "state": state, "start": start, "end": end}
    async with timed.database.transaction() as connection:
        await connection.execute(text(statement), values)


async def watched(timed: Timed) -> list[bool]:
    return [row["watched"] for row in await timed.due_times()]


async def test_late_and_overdue_are_told_once(context: Context) -> None:
    timed = await make_timed(context, [every(60, start_tolerance=5 * MINUTE, succeed_within=30 * MINUTE)])
    due = DAY + 60 * MINUTE
    await timed.fire(due)
    assert await look(context, due + 4 * MINUTE) == []
    assert await look(context, due + 6 * MINUTE) == [("late",)]
    assert await look(context, due + 7 * MINUTE) == []
    assert await look(context, due + 31 * MINUTE) == [("overdue",)]
    assert await look(context, due + 32 * MINUTE) == []
    assert await watched(timed) == [True]
    [training] = await timed.trainings()
    await ran(timed, training, "failed", due + 6 * MINUTE, due + 40 * MINUTE)
    assert await look(context, due + 41 * MINUTE) == []
    assert await watched(timed) == [False]


async def test_in_time_is_told_to_nobody(context: Context) -> None:
    timed = await make_timed(context, [every(60, start_tolerance=5 * MINUTE, succeed_within=30 * MINUTE)])
    due = DAY + 60 * MINUTE
    await timed.fire(due)
    [training] = await timed.trainings()
    await ran(timed, training, "succeeded", due + MINUTE, due + 20 * MINUTE)
    assert await look(context, due + 90 * MINUTE) == []
    assert await watched(timed) == [False]


async def test_who_failed_early_is_told_at_the_deadline_unless_a_retry_makes_it(context: Context) -> None:
    timed = await make_timed(context, [every(60, succeed_within=30 * MINUTE)] * 2)
    due = DAY + 60 * MINUTE
    await timed.fire(due)
    for training in await timed.trainings():
        await ran(timed, training, "failed", due + MINUTE, due + 2 * MINUTE)
    assert await look(context, due + 10 * MINUTE) == []
    first = (await timed.trainings())[0]
    async with timed.database.transaction() as connection:
        await connection.execute(
            text("""
                INSERT INTO trainings (id, project_id, project, owner_id, number, spec, version_id, trigger, created_by,
                                       tasks_total, scheduled_for, state, started_at, finished_at)
                SELECT gen_random_uuid(), project_id, project, owner_id, 2, spec, version_id, 'retry', 'ada', 1,
                       scheduled_for, 'succeeded', started_at, finished_at FROM trainings WHERE id = :id
            """),
            {"id": first["id"]},
        )
    assert await look(context, due + 31 * MINUTE) == [("overdue",)]


async def test_slow_means_longer_than_its_own_kind(context: Context) -> None:
    timed = await make_timed(context, [every(60, notice_slow=True)])
    for hour in range(1, 7):
        due = DAY + hour * 60 * MINUTE
        await timed.fire(due)
        training = (await timed.trainings())[-1]
        await ran(timed, training, "running", due, None)
        # Nothing is slow as long as hardly anything is known.
        assert await look(context, due + 12 * MINUTE) == ([("slow",)] if hour == 6 else [])
        await ran(timed, training, "succeeded", due, due + timedelta(minutes=10))


async def test_it_is_told_and_on_record(context: Context) -> None:
    timed = await make_timed(context, [every(60, start_tolerance=5 * MINUTE)])
    await timed.fire(DAY + 60 * MINUTE)
    await subscribe(context.database, timed.maker.owner_id)
    assert await context.dead_man.look(now=DAY + 70 * MINUTE) == 1
    assert await context.dead_man.look(now=DAY + 70 * MINUTE) == 0
    [training] = await timed.trainings()
    async with context.database.read() as connection:
        found = await connection.execute(
            select(events).where(events.c.training_id == training["id"]).order_by(events.c.id)
        )
        written = [(row.severity, row.reason, row.message) for row in found]
    assert written[1:] == [
        ("warning", "Late", f"{training['project']} #1 did not start within 5 min after its due time.")
    ]
    [notice] = await told(context.database)
    assert (notice["kind"], notice["data"]["scheduled_for"]) == ("late", "2026-03-02T01:00:00Z")


async def test_what_was_missed_at_once_is_told_at_once_by_its_reason(context: Context) -> None:
    """Nobody wants a letter for each minute of a pause."""
    timed = await make_timed(context, [every(60, catch_up=CatchUp.ALL, catch_up_limit=1)], next_at=DAY + 60 * MINUTE)
    await subscribe(context.database, timed.maker.owner_id)
    await timed.fire(DAY + 64 * MINUTE)
    await timed.fire(DAY + 350 * MINUTE)
    await timed.fire(DAY + 364 * MINUTE)
    await timed.fire(DAY + 484 * MINUTE)
    missed = [one["data"] for one in await told(context.database) if one["kind"] == "missed"]
    assert [(one["scheduled_for"], one.get("last_scheduled_for"), one.get("times")) for one in missed] == [
        ("2026-03-02T02:00:00Z", "2026-03-02T04:00:00Z", 3),
        ("2026-03-02T07:00:00Z", None, None),
    ]
    assert "newest 1 missed" in missed[0]["message"]
