"""Firing: every due time once, whoever fires, and a row for each that started nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, insert, text, update

from app.context import Context, build_context
from app.db.engine import Database
from app.db.ids import new_id
from app.db.tables import schedule_changes, schedules
from app.domain.backlog import FOLD, ROWS
from app.domain.schedule import CatchUp, Overlap, Schedule
from tests.support.timed import DAY, MINUTE, Timed, every, make_timed
from tests.support.web import settings_for_tests

Make = Callable[..., Coroutine[Any, Any, Timed]]


@pytest.fixture
def context(database: Database, tmp_path: Path) -> Context:
    return build_context(settings_for_tests(tmp_path), database)


async def test_a_due_time_becomes_one_queued_training(context: Context) -> None:
    timed = await make_timed(context, [every(5)], next_at=DAY + 5 * MINUTE)
    assert await timed.fire(DAY + 4 * MINUTE) == 0
    assert await timed.fire(DAY + 5 * MINUTE) == 1
    assert await timed.fire(DAY + 5 * MINUTE) == 0
    [training] = await timed.trainings()
    assert (training["state"], training["trigger"], training["number"]) == ("queued", "schedule", 1)
    assert training["scheduled_for"] == DAY + 5 * MINUTE
    assert training["spec"]["scheduled_for"] == "2026-03-02T00:05:00Z"
    [row] = await timed.due_times()
    assert (row["outcome"], row["training_id"], row["due_at"]) == ("started", training["id"], DAY + 5 * MINUTE)
    state = await timed.schedule()
    assert (state["next_at"], state["handled_until"]) == (DAY + 10 * MINUTE, DAY + 5 * MINUTE)
    assert len(await timed.maker.tasks(training["id"])) == 2
    [told] = await timed.maker.events(training["id"])
    assert told["message"] == "Started by its schedule, due at 2026-03-02T00:05:00Z."


async def test_three_who_fire_at_once_double_and_lose_nothing(context: Context) -> None:
    timed = await make_timed(context, [every(1)] * 60)
    await asyncio.gather(*(timed.fire(DAY + minute * MINUTE, most=7) for minute in (1, 2, 3, 3, 2, 1)))
    await timed.fire(DAY + 3 * MINUTE)
    rows = [(row["project_id"], row["due_at"]) for row in await timed.due_times()]
    assert len(rows) == len(set(rows)) == 180
    started = [(row["project_id"], row["scheduled_for"]) for row in await timed.trainings()]
    assert len(started) == len(set(started))
    numbers: dict[Any, list[int]] = {}
    for row in await timed.trainings():
        numbers.setdefault(row["project_id"], []).append(row["number"])
    assert all(sorted(found) == list(range(1, len(found) + 1)) for found in numbers.values())


async def test_a_cut_in_the_middle_leaves_nothing_behind(context: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    timed = await make_timed(context, [every(1)] * 5)

    async def broken(*_: object) -> None:
        raise ConnectionError

    with monkeypatch.context() as cut:
        cut.setattr("app.db.schedules.advance", broken)
        with pytest.raises(ConnectionError):
            await timed.fire(DAY + MINUTE)
    assert (await timed.trainings(), await timed.due_times()) == ([], [])
    assert await timed.fire(DAY + MINUTE) == 5


async def test_as_many_statements_for_forty_schedules_as_for_one(context: Context, database: Database) -> None:
    timed = await make_timed(context, [every(1, overlap=Overlap.REPLACE)] * 41)
    counted: list[str] = []
    listen = database._engine.sync_engine
    event.listen(listen, "before_cursor_execute", lambda *args: counted.append(args[2]))

    def statements() -> int:
        """Without the hints, which are sent together some time after the commit."""
        return sum("pg_notify" not in statement for statement in counted)

    await context.firing.fire(now=DAY + MINUTE, most=1)
    one = statements()
    counted.clear()
    await context.firing.fire(now=DAY + MINUTE, most=40)
    assert statements() == one
    assert len(await timed.trainings()) == 41


async def test_the_database_s_clock_decides(context: Context) -> None:
    """A schedule is due when the database says so: no process' own time is ever asked."""
    past, future = every(1), every(1)
    timed = await make_timed(context, [past, future])
    async with context.database.transaction() as connection:
        await connection.execute(
            text(
                "UPDATE schedules SET next_at = now() + interval '1 hour', handled_until = now() WHERE project_id = :id"
            ),
            {"id": timed.ids[1]},
        )
    seconds = await context.firing.seconds_to_next()
    assert seconds is not None
    assert seconds < 0
    assert (await context.firing.fire()).schedules == 1
    rows = await timed.due_times()
    assert {row["project_id"] for row in rows} == {timed.ids[0]}


async def test_what_cannot_be_started_says_why_and_holds_up_nobody(context: Context) -> None:
    timed = await make_timed(context, [every(1)] * 3)
    async with context.database.transaction() as connection:
        await connection.execute(
            text("UPDATE projects SET spec = jsonb_set(spec, '{run,storage}', '\"gone\"') WHERE id = :id"),
            {"id": timed.ids[0]},
        )
        await connection.execute(
            text("UPDATE projects SET spec = jsonb_set(spec, '{schedule}', '{\"cron\": \"* * *\"}') WHERE id = :id"),
            {"id": timed.ids[1]},
        )
    assert await timed.fire(DAY + MINUTE) == 1
    rows = {row["project_id"]: row for row in await timed.due_times()}
    assert rows[timed.ids[0]]["message"] == "storage: The storage gone is gone; give the project another one."
    assert [rows[id_]["outcome"] for id_ in timed.ids] == ["refused", "refused", "started"]
    assert len({row["message"] for row in rows.values()}) == 3


async def test_an_edit_is_seen_by_who_fired_the_project_before(context: Context) -> None:
    timed = await make_timed(context, [every(1)])
    edit = """
        UPDATE projects SET revision = revision + 1,
                            spec = jsonb_set(spec, '{run,image}', to_jsonb(CAST(:image AS text)))
    """
    for minute, image in enumerate(("a:1", "a:2", "", "a:3"), start=1):
        async with context.database.transaction() as connection:
            await connection.execute(text(edit), {"image": image})
        await timed.fire(DAY + minute * MINUTE)
    words = [row["message"].partition(";")[0][:30] for row in await timed.due_times()]
    assert words == ["", "", "image: Give an image reference", ""]
    assert [row["spec"]["run"]["image"] for row in await timed.trainings()] == ["a:1", "a:2", "a:3"]


@pytest.mark.parametrize(
    ("catch_up", "expected"),
    [
        (CatchUp.SKIP, ["no_catch_up"] * 6),
        (CatchUp.LATEST, ["not_the_latest"] * 5 + ["started"]),
        (CatchUp.ALL, ["over_limit"] * 3 + ["started"] * 3),
    ],
)
async def test_after_downtime(context: Context, catch_up: CatchUp, expected: list[str]) -> None:
    timed = await make_timed(context, [every(60, catch_up=catch_up, catch_up_limit=3)], next_at=DAY + 60 * MINUTE)
    await timed.fire(DAY + 395 * MINUTE)
    assert await timed.outcomes() == expected
    assert (await timed.schedule())["next_at"] == DAY + 420 * MINUTE
    assert all(row["message"] for row in await timed.due_times() if row["outcome"] != "started")


async def test_a_month_of_lost_minutes_is_bounded_and_honest(context: Context) -> None:
    timed = await make_timed(context, [Schedule(cron="* * * * *", overlap=Overlap.SKIP)])
    down = timedelta(days=30)
    assert await timed.fire(DAY + down) == 1
    rows = await timed.due_times()
    assert sum(row["folded"] + 1 for row in rows) == 30 * 24 * 60
    assert len(rows) < ROWS + 200 + 30 * 24 * 60 / FOLD + 1
    folded = [row for row in rows if row["folded"]]
    assert all(
        row["outcome"] == "missed" and f"{row['folded']:,} due times before it" in row["message"] for row in folded
    )
    assert rows[-1]["outcome"] == "started"


async def test_failures_in_a_row_pause_it(context: Context) -> None:
    timed = await make_timed(context, [every(1, stop_after_failures=2)])
    for minute, state in enumerate(["failed", "succeeded", "failed", "stopped", "timed_out"], start=1):
        assert await timed.fire(DAY + minute * MINUTE) == 1
        await timed.set_state((await timed.trainings())[-1]["id"], state)
        paused = await context.firing.pause_failing()
        assert paused == (state == "timed_out")
    state = await timed.schedule()
    assert (state["paused_reason"], state["paused_by"], state["next_at"]) == ("failures", "TaaS", None)
    assert await timed.fire(DAY + 9 * MINUTE) == 0


async def test_failures_in_a_row_are_told_as_they_are_counted(context: Context) -> None:
    """However many there may be, and those before it was resumed are forgiven."""
    timed = await make_timed(context, [every(1, stop_after_failures=20)])
    for minute in range(1, 13):
        await timed.fire(DAY + minute * MINUTE)
        await timed.set_state((await timed.trainings())[-1]["id"], "stopped" if minute == 5 else "failed")
    assert await context.schedules.failures_in_row(timed.project) == 11
    async with context.database.transaction() as connection:
        await connection.execute(update(schedules).values(failures_from=text("now()")))
    assert await context.schedules.failures_in_row(timed.project) == 0


async def test_failures_are_seen_before_the_next_start_too(context: Context) -> None:
    timed = await make_timed(context, [every(1, stop_after_failures=1)])
    await timed.fire(DAY + MINUTE)
    await timed.set_state((await timed.trainings())[0]["id"], "failed")
    assert await timed.fire(DAY + 2 * MINUTE) == 0
    assert (await timed.schedule())["paused_at"] == DAY + 2 * MINUTE


async def test_what_was_due_in_a_pause_because_of_failures_names_it(context: Context) -> None:
    """It begins with the due time that it stops, which is a moment before the history has it."""
    timed = await make_timed(context, [every(1, stop_after_failures=1)])
    await timed.fire(DAY + MINUTE)
    await timed.set_state((await timed.trainings())[0]["id"], "failed")
    await timed.fire(DAY + 2 * MINUTE)
    async with context.database.transaction() as connection:
        row = {"id": new_id(), "project_id": timed.project, "at": DAY + 4 * MINUTE, "by": "ada", "change": "resumed"}
        await connection.execute(update(schedule_changes).values(at=DAY + 2 * MINUTE + timedelta(seconds=1)))
        await connection.execute(insert(schedule_changes).values(row))
        going_on = {"resumed_at": DAY + 4 * MINUTE, "next_at": DAY + 2 * MINUTE, "failures_from": text("now()")}
        await connection.execute(update(schedules).values(going_on))
    assert await timed.fire(DAY + 4 * MINUTE) == 1
    paused = "The schedule was paused from 2026-03-02T00:02:00Z (by TaaS) to 2026-03-02T00:04:00Z (ended by ada)."
    assert [row["message"] for row in await timed.due_times()] == ["", paused, paused, ""]
