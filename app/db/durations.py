"""How long a project's last trainings took, for forecasts."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from app.db.tables import trainings
from app.domain.training import State

_LOOKED_AT = 200
"""Trainings that failed or were stopped say nothing; this many are looked at for others."""


async def latest(connection: AsyncConnection, project_id: UUID, count: int) -> list[timedelta]:
    """From leaving the queue to the end, of the last `count` trainings that succeeded, newest first."""
    active_from = func.coalesce(trainings.c.starting_at, trainings.c.started_at)
    last = (
        select(trainings.c.id, trainings.c.state, (trainings.c.finished_at - active_from).label("took"))
        .where(trainings.c.project_id == project_id)
        .order_by(trainings.c.id.desc())
        .limit(_LOOKED_AT)
        .subquery()
    )
    query = (
        select(last.c.took)
        .where(last.c.state == State.SUCCEEDED, last.c.took.is_not(None))
        .order_by(last.c.id.desc())
        .limit(count)
    )
    return list((await connection.execute(query)).scalars())
