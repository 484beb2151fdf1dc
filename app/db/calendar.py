"""What the calendar shows besides due times: trainings that no schedule started, and which projects will be due."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from app.db.codec import from_json
from app.db.tables import projects, schedules, trainings
from app.domain.project import ProjectSpec
from app.domain.schedule import Schedule
from app.domain.timed import Run
from app.domain.training import Reason, State, Trigger


@dataclass(frozen=True, slots=True)
class TimedProject:
    """A project that will be due, for the first time at `next_at`."""

    project: str
    schedule: Schedule
    anchor: datetime
    next_at: datetime


async def other_runs(
    connection: AsyncConnection, start: datetime, end: datetime, most: int, project: str | None = None
) -> list[Run]:
    """The first `most` trainings by anything but a schedule that were made from `start` up to (not with) `end`.

    Of all projects, or of those of one name.
    """
    query = (
        select(trainings)
        .where(
            trainings.c.created_at >= start,
            trainings.c.created_at < end,
            trainings.c.trigger != Trigger.SCHEDULE.value,
        )
        .order_by(trainings.c.created_at)
        .limit(most)
    )
    if project is not None:
        query = query.where(trainings.c.project == project)
    return [
        Run(
            project=row.project,
            at=row.created_at,
            outcome=None,
            message=row.message,
            training_id=row.id,
            number=row.number,
            state=State(row.state),
            reason=Reason(row.reason) if row.reason else None,
        )
        for row in await connection.execute(query)
    ]


async def timed_until(
    connection: AsyncConnection, end: datetime, most: int, project: str | None = None, *, owner_id: UUID | None = None
) -> list[TimedProject]:
    """The first `most` projects that are due before `end`, those due first before the others.

    `project` means only that one, `owner_id` only those of that person.
    """
    query = (
        select(projects.c.name, projects.c.spec, schedules.c.anchor, schedules.c.next_at)
        .join_from(schedules, projects)
        .where(schedules.c.next_at < end)
        .order_by(schedules.c.next_at)
        .limit(most)
    )
    if project is not None:
        query = query.where(projects.c.name == project)
    if owner_id is not None:
        query = query.where(projects.c.owner_id == owner_id)
    return [
        TimedProject(row.name, schedule, row.anchor, row.next_at)
        for row in await connection.execute(query)
        if (schedule := from_json(row.spec, ProjectSpec).schedule) is not None
    ]
