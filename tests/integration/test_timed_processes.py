"""Processes that fire are killed, stand still and come back: every due time still happens once."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import monotonic
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from app.context import Context, build_context
from app.db import notify
from app.db.engine import Database
from app.domain.schedule import CatchUp, Overlap, Schedule
from app.scheduler.clock import Clock
from app.scheduler.timed import Timed as Alarm
from tests.support.database import PostgresForTests, postgres_for_tests
from tests.support.firers import alarm_with_clock, firer
from tests.support.timed import Timed, make_timed
from tests.support.web import settings_for_tests

SCHEDULES = 100
TIMES = 100


@pytest.fixture
def context(database: Database, tmp_path: Path) -> Context:
    return build_context(settings_for_tests(tmp_path), database)


async def number(database: Database, query: str) -> int:
    async with database.read() as connection:
        found: int = (await connection.execute(text(query))).scalar_one()
    return found


async def until(database: Database, query: str, enough: Callable[[int], bool]) -> int:
    deadline = monotonic() + 300
    while not enough(found := await number(database, query)):
        assert monotonic() < deadline, f"it stays at {found}: {query}"
        await asyncio.sleep(0.02)
    return found


async def past(context: Context, wanted: list[Schedule]) -> Timed:
    """Schedules whose last hundred due times, a minute apart, were all missed."""
    timed = await make_timed(context, wanted)
    async with context.database.transaction() as connection:
        await connection.execute(
            text("""
                UPDATE schedules SET anchor = past.began, handled_until = past.began,
                                     next_at = past.began + interval '1 minute'
                FROM (SELECT date_trunc('minute', now()) - interval '100 minutes' AS began) AS past
            """)
        )
    return timed


def minutely(catch_up: CatchUp) -> Schedule:
    return Schedule(interval=timedelta(minutes=1), overlap=Overlap.ALLOW, catch_up=catch_up, catch_up_limit=100)


@pytest.fixture
def own_postgres() -> Iterator[PostgresForTests]:
    """One that may be killed: the session's has other guests."""
    with postgres_for_tests() as running:
        yield running


async def test_ten_thousand_due_times_while_firers_and_the_database_are_killed(
    own_postgres: PostgresForTests, tmp_path: Path
) -> None:
    # What was committed has to be there after its death, as on a real server.
    await own_postgres.run("ALTER SYSTEM SET synchronous_commit = on", "SELECT pg_reload_conf()")
    async with own_postgres.fresh() as url:
        database = Database(url)
        try:
            await _fired_by_those_who_are_killed(own_postgres, database, tmp_path)
        finally:
            await database.close()


async def _fired_by_those_who_are_killed(postgres: PostgresForTests, database: Database, tmp_path: Path) -> None:
    half = SCHEDULES // 2
    context = build_context(settings_for_tests(tmp_path), database)
    await past(context, [minutely(CatchUp.ALL)] * half + [minutely(CatchUp.SKIP)] * half)
    rows = "SELECT count(*) FROM due_times"
    processes = [firer(database.url, tmp_path, most=2) for _ in range(3)]
    try:
        done = 0
        for turn in range(8):
            done = await until(database, rows, lambda found, before=done: found > before or found >= SCHEDULES * TIMES)
            if turn == 4:
                assert done < SCHEDULES * TIMES  # it is in the middle of it
                await asyncio.to_thread(postgres.crash)
            victim = processes[turn % 3]
            victim.kill()
            victim.join()
            processes[turn % 3] = firer(database.url, tmp_path, most=2)
        # Not a number of rows: every minute that this takes brings more of them.
        behind = f"SELECT count(*) FROM schedules WHERE handled_until < anchor + interval '{TIMES} minutes'"
        await until(database, behind, lambda found: found == 0)
    finally:
        for process in processes:
            process.kill()
            process.join()
    # A minute may have passed meanwhile: then there are more due times, and each of them has its row too.
    doubled = "SELECT count(*) - count(DISTINCT (project_id, scheduled_for)) FROM trainings"
    assert await number(database, doubled) == 0
    lost = """
        SELECT count(*) FROM schedules s CROSS JOIN LATERAL
            generate_series(s.anchor + interval '1 minute', s.handled_until, interval '1 minute') AS due
        WHERE NOT EXISTS (SELECT FROM due_times d WHERE d.project_id = s.project_id AND d.due_at = due)
    """
    assert await number(database, lost) == 0
    unexplained = "SELECT count(*) FROM due_times WHERE training_id IS NULL AND message = ''"
    assert await number(database, unexplained) == 0
    pairs = """
        SELECT count(*) FROM due_times d FULL JOIN trainings t
            ON t.id = d.training_id AND t.project_id = d.project_id AND t.scheduled_for = d.due_at
        WHERE d.outcome = 'started' AND t.id IS NULL OR d.project_id IS NULL
    """
    assert await number(database, pairs) == 0
    assert await number(database, "SELECT count(*) FROM trainings") >= half * TIMES
    tasks = "SELECT count(*) - 2 * (SELECT count(*) FROM trainings) FROM tasks"
    assert await number(database, tasks) == 0


async def test_who_stood_still_in_the_middle_has_no_stale_effect(context: Context, tmp_path: Path) -> None:
    database = context.database
    timed = await past(context, [minutely(CatchUp.LATEST)])
    held = (
        "SELECT count(*) FROM pg_stat_activity WHERE state = 'idle in transaction' AND query LIKE '%UPDATE schedules%'"
    )
    process = firer(database.url, tmp_path, most=1, still=True)
    try:
        await until(database, held, lambda found: found == 1)
        assert (await context.firing.fire()).schedules == 0  # held: passed by, not waited for
        # What PostgreSQL does by itself to a transaction that stands still for eight seconds.
        cut = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE state = 'idle in transaction'"
        assert await number(database, cut) == 1
        await until(database, held, lambda found: found == 0)
        assert (await context.firing.fire()).trainings == 1
        before = await timed.schedule()
        os.kill(process.pid or 0, signal.SIGCONT)
        # It goes on, and handles the next one that is due: so it has got over the one that it had in hand.
        async with database.transaction() as connection:
            await connection.execute(text("UPDATE schedules SET next_at = handled_until"))
        await until(database, "SELECT count(*) FROM schedules WHERE next_at > now()", lambda found: found == 1)
    finally:
        process.kill()
        process.join()
    assert len([row for row in await timed.due_times() if row["due_at"] <= before["handled_until"]]) == TIMES
    assert len(await timed.trainings()) <= 2
    assert len({row["scheduled_for"] for row in await timed.trainings()}) == len(await timed.trainings())


async def test_the_alarm_rings_by_the_database_s_clock_and_for_new_schedules(context: Context) -> None:
    database = context.database
    listener = notify.Listener(database)
    await listener.start()
    await listener.connected()
    clock = Clock()
    alarm = Alarm(context.firing, listener, clock, sweep_seconds=3600)
    clock.start()
    task = asyncio.create_task(alarm.run())
    try:
        await make_timed(context, [minutely(CatchUp.LATEST)] * 2)
        async with database.transaction() as connection:
            soon = "UPDATE schedules SET handled_until = now(), anchor = now() - interval '59 s', next_at = {}"
            await connection.execute(text(soon.format("date_trunc('second', now()) + interval '1 s'")))
            [any_id] = (await connection.execute(text("SELECT project_id FROM schedules LIMIT 1"))).scalars()
            notify.publish(connection, "schedules", any_id)
        await until(database, "SELECT count(*) FROM trainings", lambda found: found == 2)
        late: Any = "SELECT count(*) FROM due_times WHERE handled_at < due_at"
        assert await number(database, late) == 0
    finally:
        task.cancel()
        await asyncio.wait({task})
        clock.stop()
        await listener.close()


@pytest.mark.parametrize("offset", ["+1h", "-1h"])
async def test_a_worker_whose_own_clock_is_an_hour_off(context: Context, tmp_path: Path, offset: str) -> None:
    """Of schedules due at once, in half an hour and in a moment, only the first and the last fire, and in time."""
    database = context.database
    now, later, soon = (await make_timed(context, [minutely(CatchUp.LATEST)] * 3)).ids

    async def due_in(project_id: UUID, seconds: int) -> None:
        async with database.transaction() as connection:
            due = """
                UPDATE schedules SET anchor = t.due, handled_until = t.due - interval '1 minute', next_at = t.due
                FROM (SELECT now() + make_interval(secs => :seconds) AS due) t WHERE project_id = :project
            """
            await connection.execute(text(due), {"seconds": seconds, "project": project_id})
            notify.publish(connection, "schedules", project_id)

    await due_in(later, 1800)
    async with alarm_with_clock(database.url, tmp_path, offset) as its_time:
        assert timedelta(minutes=50) < abs(its_time - datetime.now(UTC)) < timedelta(minutes=70)
        for number_of, (project_id, seconds) in enumerate(((now, 0), (soon, 1)), start=1):
            await due_in(project_id, seconds)
            query = f"SELECT count(DISTINCT project_id) FROM trainings WHERE project_id <> '{later}'"
            await until(database, query, lambda found, wanted=number_of: found == wanted)
    assert await number(database, f"SELECT count(*) FROM due_times WHERE project_id = '{later}'") == 0
    assert await number(database, "SELECT count(*) FROM due_times WHERE handled_at < due_at") == 0
    wrong = "SELECT count(*) FROM trainings WHERE abs(extract(epoch FROM now() - created_at)) > 1800"
    assert await number(database, wrong) == 0
