"""Rows of due times: what became of each, for good. Their key is what makes a due time happen once."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Row, select, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.sql import bindparam
from sqlalchemy.types import DateTime, Uuid

from app.db.keyset import fetch_page
from app.db.tables import due_times, projects, trainings
from app.domain.firing import Cause
from app.domain.paging import Page, PageRequest
from app.domain.timed import DueOutcome, DueTime, Run
from app.domain.training import Reason, State

_ADD = text("""
    INSERT INTO due_times (project_id, due_at, outcome, cause, message, training_id, folded, watched)
    SELECT project_id, due_at, outcome, cause, message, training_id, folded, outcome = 'started'
    FROM jsonb_to_recordset(:rows) AS r(project_id uuid, due_at timestamptz, outcome text, cause text, message text,
                                        training_id uuid, folded int)
""").bindparams(bindparam("rows", type_=JSONB))
_HANDLED = text("""
    SELECT d.project_id, d.due_at FROM due_times d
    JOIN unnest(:projects, :moments) AS w(project_id, due_at) USING (project_id, due_at)
""").bindparams(bindparam("projects", type_=ARRAY(Uuid)), bindparam("moments", type_=ARRAY(DateTime(timezone=True))))
# Not younger than what is still unhandled: else an old due time could happen again.
_FORGET = text("""
    DELETE FROM due_times WHERE (project_id, due_at) IN (
        SELECT d.project_id, d.due_at FROM due_times d LEFT JOIN schedules s ON s.project_id = d.project_id
        WHERE d.handled_at < now() - CAST(:keep AS interval) AND (s.project_id IS NULL OR d.due_at <= s.handled_until)
        ORDER BY d.handled_at LIMIT :most)
""")


async def add(connection: AsyncConnection, rows: Sequence[DueTime]) -> None:
    """All of them in one statement. One that is there already makes it fail: it must not happen twice."""
    values = [
        {
            "project_id": str(row.project_id),
            "due_at": row.due_at.isoformat(),
            "outcome": row.outcome,
            "cause": row.cause,
            "message": row.message,
            "training_id": str(row.training_id) if row.training_id else None,
            "folded": row.folded,
        }
        for row in rows
    ]
    await connection.execute(_ADD, {"rows": values})


async def handled(connection: AsyncConnection, wanted: Sequence[tuple[UUID, datetime]]) -> set[tuple[UUID, datetime]]:
    """Those of the due times that have their row."""
    values = {"projects": [project_id for project_id, _ in wanted], "moments": [moment for _, moment in wanted]}
    return {(row.project_id, row.due_at) for row in await connection.execute(_HANDLED, values)}


async def page(connection: AsyncConnection, project_id: UUID, request: PageRequest) -> Page[Run]:
    """A project's due times, the newest first."""
    query = _query().where(due_times.c.project_id == project_id)
    return await fetch_page(connection, query, request, key=(due_times.c.due_at,), make=_run_of, descending=True)


async def between(
    connection: AsyncConnection, start: datetime, end: datetime, most: int, project: str | None = None
) -> list[Run]:
    """The first `most` due times from `start` up to (not with) `end`: of all projects, or of those of one name."""
    query = _query().where(due_times.c.due_at >= start, due_times.c.due_at < end)
    if project is not None:
        query = query.where(projects.c.name == project)
    query = query.order_by(due_times.c.due_at, due_times.c.project_id).limit(most)
    return [_run_of(row) for row in await connection.execute(query)]


async def forget(connection: AsyncConnection, keep: timedelta, *, most: int) -> int:
    """Remove the oldest of those handled longer ago than `keep`; how many went."""
    return (await connection.execute(_FORGET, {"keep": keep, "most": most})).rowcount


def _query() -> Any:
    columns = (trainings.c.number, trainings.c.state, trainings.c.reason)
    joined = due_times.join(projects, projects.c.id == due_times.c.project_id)
    joined = joined.outerjoin(trainings, trainings.c.id == due_times.c.training_id)
    return select(due_times, projects.c.name.label("project"), *columns).select_from(joined)


def _run_of(row: Row[Any]) -> Run:
    return Run(
        project=row.project,
        at=row.due_at,
        outcome=DueOutcome(row.outcome),
        cause=Cause(row.cause) if row.cause else None,
        message=row.message,
        folded=row.folded,
        training_id=row.training_id,
        number=row.number,
        state=State(row.state) if row.state else None,
        reason=Reason(row.reason) if row.reason else None,
    )
