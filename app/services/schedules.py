"""Schedules of timed projects: paused and resumed, and what became or will become of their due times."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from app.db import audit, calendar, due_times, projects, schedule_changes, schedules
from app.db.engine import Database
from app.domain.access import Principal
from app.domain.firing import failures_in_row
from app.domain.paging import Page, PageRequest
from app.domain.project import Project
from app.domain.schedule import HORIZON, CatchUp, Schedule, due_between, next_due
from app.domain.timed import PausedBy, Run, ScheduleChange, ScheduleState
from app.domain.topology import rfc3339
from app.domain.validate_schedule import EARLIEST
from app.errors import Conflict, FieldError, InvalidInput
from app.services.projects import may_change, unknown_project
from app.services.timing import timing_of

RANGE_MAX = timedelta(days=62)
RUNS_MAX = 5_000
CHANGES_MAX = 100
PER_PROJECT_MAX = 1_500
"""Coming runs of one project in a calendar: one that runs every minute has a day of them, and hides no other."""


@dataclass(frozen=True, slots=True)
class Calendar:
    """Runs by time. `complete` false: there are more of them than are shown."""

    past: tuple[Run, ...]
    coming: tuple[Run, ...]
    complete: bool


class ScheduleService:
    """Everybody sees schedules; the project's owner and admins pause and resume them."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def pause(self, principal: Principal, name: str) -> Project:
        """Nothing is due from now on; pausing again changes nothing. Raises `NotFound`, `NotAllowed`, `Conflict`."""

        def paused(state: ScheduleState, schedule: Schedule, now: datetime) -> ScheduleState:
            if state.paused:
                return state
            # What an earlier pause covers and is not handled yet stays covered.
            earlier = state.paused_at if state.resumed_at and state.handled_until < state.resumed_at else None
            return replace(
                state,
                next_at=None,
                paused_at=earlier or now,
                paused_by=principal.name,
                paused_reason=PausedBy.PERSON,
                resumed_at=None,
            )

        async def told(connection: AsyncConnection, state: ScheduleState) -> None:
            await schedule_changes.paused(connection, state.project_id, by=principal.name)

        return await self._change(principal, name, "schedule.pause", paused, told)

    async def resume(self, principal: Principal, name: str, catch_up: CatchUp = CatchUp.SKIP) -> Project:
        """Go on. What was due meanwhile gets its rows, and starts something only as `catch_up` says.

        Raises `NotFound`, `NotAllowed` and `Conflict` (it is not timed).
        """

        def resumed(state: ScheduleState, schedule: Schedule, now: datetime) -> ScheduleState:
            if not state.paused:
                return state
            return replace(
                state,
                next_at=next_due(schedule, state.handled_until, state.anchor),
                resumed_at=now,
                pause_catch_up=catch_up,
                failures_from=now,
            )

        async def told(connection: AsyncConnection, state: ScheduleState) -> None:
            await schedule_changes.resumed(connection, state.project_id, by=principal.name, catch_up=catch_up)

        return await self._change(principal, name, "schedule.resume", resumed, told)

    async def failures_in_row(self, project_id: UUID) -> int:
        """How near a schedule with a limit of them is to its pause, counted as what pauses it counts."""
        async with self._database.read() as connection:
            ends = await schedules.latest_ends(connection, [project_id])
        return failures_in_row(ends[project_id])

    async def changes(self, principal: Principal, name: str, request: PageRequest) -> Page[ScheduleChange]:
        """Its pauses and when it went on, the newest first. Raises `NotFound`."""
        async with self._database.read() as connection:
            return await schedule_changes.page(connection, await _id_of(connection, name), request)

    async def changes_between(
        self, principal: Principal, name: str, after: datetime | None, before: datetime | None
    ) -> tuple[list[ScheduleChange], bool]:
        """The same from `after` up to (not with) `before`; whether these are all. Raises `NotFound`."""
        async with self._database.read() as connection:
            project_id = await _id_of(connection, name)
            found = await schedule_changes.between(connection, project_id, after, before, CHANGES_MAX + 1)
        return found[:CHANGES_MAX], len(found) <= CHANGES_MAX

    async def due_times(self, principal: Principal, name: str, request: PageRequest) -> Page[Run]:
        """What became of a project's due times, the newest first. Raises `NotFound`."""
        async with self._database.read() as connection:
            return await due_times.page(connection, await _id_of(connection, name), request)

    async def calendar(
        self, principal: Principal, start: datetime, end: datetime, project: str | None = None
    ) -> Calendar:
        """Past and coming runs of all projects or of one, from `start` up to (not with) `end`.

        Raises `InvalidInput`.
        """
        if not timedelta(0) < end - start <= RANGE_MAX:
            detail = f"Give a range of up to {RANGE_MAX.days} days whose end is after its start."
            raise InvalidInput(detail, errors=[FieldError("/to", detail)])
        if not EARLIEST <= start <= end <= HORIZON:
            detail = f"Give times from {rfc3339(EARLIEST)} to {rfc3339(HORIZON)}."
            raise InvalidInput(detail, errors=[FieldError("/from", detail)])
        async with self._database.read() as connection:
            now = await schedules.database_now(connection)
            past = await due_times.between(connection, start, end, RUNS_MAX, project)
            past += await calendar.other_runs(connection, start, end, RUNS_MAX, project)
            timed = await calendar.timed_until(connection, end, RUNS_MAX, project)
        coming, complete = _coming(timed, max(start, now), end)
        shown = sorted(past, key=lambda run: run.at)[:RUNS_MAX]
        complete = complete and len(past) < RUNS_MAX and len(timed) < RUNS_MAX
        return Calendar(tuple(shown), tuple(coming), complete)

    async def coming(self, principal: Principal, most: int, *, own: bool) -> list[Run]:
        """The next `most` runs of the caller's `own` projects, or of all: they are of the `most` that are due first."""
        async with self._database.read() as connection:
            now = await schedules.database_now(connection)
            owner_id = principal.user_id if own else None
            timed = await calendar.timed_until(connection, HORIZON, most, owner_id=owner_id)
        runs = [
            Run(one.project, moment, None)
            for one in timed
            for moment in due_between(
                one.schedule, max(now, one.next_at) - datetime.resolution, HORIZON, one.anchor, most
            )
        ]
        return sorted(runs, key=lambda run: run.at)[:most]

    async def _change(
        self,
        principal: Principal,
        name: str,
        action: str,
        change: Callable[[ScheduleState, Schedule, datetime], ScheduleState],
        told: Callable[[AsyncConnection, ScheduleState], Awaitable[None]],
    ) -> Project:
        async with self._database.transaction() as connection:
            project = await projects.by_name(connection, name, lock=True)
            if project is None:
                raise unknown_project(name)
            may_change(principal, project)
            state = await schedules.get(connection, project.id, lock=True)
            if state is None or project.spec.schedule is None:
                raise Conflict(f"{name} has no schedule: only timed projects are paused and resumed.")
            now = await schedules.database_now(connection)
            changed = change(state, project.spec.schedule, now)
            if changed != state:
                await schedules.put(connection, changed)
                await told(connection, changed)
                await audit.record(connection, principal.name, action, f"project/{name}")
        return replace(project, timing=timing_of(changed))


async def _id_of(connection: AsyncConnection, name: str) -> UUID:
    project = await projects.by_name(connection, name)
    if project is None:
        raise unknown_project(name)
    return project.id


def _coming(timed: list[calendar.TimedProject], start: datetime, end: datetime) -> tuple[list[Run], bool]:
    runs: list[Run] = []
    complete = True
    for one in timed:
        after = max(start, one.next_at) - datetime.resolution
        found = due_between(one.schedule, after, end - datetime.resolution, one.anchor, PER_PROJECT_MAX)
        complete = complete and len(found) < PER_PROJECT_MAX and len(runs) < RUNS_MAX
        runs += [Run(one.project, moment, None) for moment in found]
        if len(runs) >= RUNS_MAX:
            break
    return sorted(runs, key=lambda run: run.at)[:RUNS_MAX], complete
