"""Rows of backfills and of their times."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, func, insert, select, text, update
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.sql import bindparam
from sqlalchemy.types import DateTime, Uuid

from app.db import notify
from app.db.keyset import fetch_page
from app.db.tables import backfill_times, backfills, trainings
from app.domain.backfill import Backfill, BackfillCounts, BackfillOutcome, BackfillState, BackfillTime
from app.domain.paging import Page, PageRequest
from app.domain.training import ENDED, Reason, State

CHANNEL = "backfills"
_ENDED = [state.value for state in ENDED]
_ADD_TIMES = text("INSERT INTO backfill_times (backfill_id, due_at) SELECT :id, unnest(:times)").bindparams(
    bindparam("times", type_=ARRAY(DateTime(timezone=True)))
)
# The project's row is taken too, so that its numbers can be given out.
_LOCK = text("""
    SELECT b.id, b.project_id, b.concurrency, b.request, b.created_by, p.deleted_at, now() AS db_now,
           (SELECT count(*) FROM trainings t WHERE t.backfill_id = b.id
            AND t.state NOT IN ('succeeded', 'failed', 'stopped', 'timed_out')) AS active,
           (SELECT count(*) FROM backfill_times w WHERE w.backfill_id = b.id AND w.outcome = 'waiting') AS waiting
    FROM backfills b JOIN projects p ON p.id = b.project_id
    WHERE b.state = 'running' AND b.id > :after ORDER BY b.id LIMIT 1 FOR NO KEY UPDATE OF b, p SKIP LOCKED
""")
_SET_TIMES = text("""
    UPDATE backfill_times t SET outcome = r.outcome, message = r.message, training_id = r.training_id
    FROM jsonb_to_recordset(:rows) AS r(due_at timestamptz, outcome text, message text, training_id uuid)
    WHERE t.backfill_id = :id AND t.due_at = r.due_at
""").bindparams(bindparam("rows", type_=JSONB))
_COUNTS = text("""
    SELECT w.backfill_id, count(*) FILTER (WHERE w.outcome = 'waiting') AS waiting,
           count(*) FILTER (WHERE w.outcome = 'started'
                            AND t.state IN ('queued', 'starting', 'running', 'stopping')) AS active,
           count(*) FILTER (WHERE w.outcome = 'started' AND t.state = 'succeeded') AS succeeded,
           count(*) FILTER (WHERE w.outcome = 'refused' OR t.state IN ('failed', 'timed_out')) AS failed,
           count(*) FILTER (WHERE w.outcome = 'started' AND t.state = 'stopped') AS stopped,
           count(*) FILTER (WHERE w.outcome = 'cancelled') AS cancelled
    FROM backfill_times w LEFT JOIN trainings t ON t.id = w.training_id
    WHERE w.backfill_id = ANY(:ids) GROUP BY w.backfill_id
""").bindparams(bindparam("ids", type_=ARRAY(Uuid)))


@dataclass(frozen=True, slots=True)
class Running:
    """A backfill that may go on, locked. `request` as it was stored."""

    id: UUID
    project_id: UUID
    concurrency: int
    request: Any
    created_by: str
    active: int
    waiting: int
    project_deleted: bool
    now: datetime


async def add(connection: AsyncConnection, backfill: Backfill, request: Any, times: Sequence[datetime]) -> None:
    values = {
        "id": backfill.id,
        "project_id": backfill.project_id,
        "project": backfill.project,
        "owner_id": backfill.owner_id,
        "from_at": backfill.from_at,
        "to_at": backfill.to_at,
        "concurrency": backfill.concurrency,
        "request": request,
        "created_by": backfill.created_by,
        "created_at": backfill.created_at,
    }
    await connection.execute(insert(backfills).values(**values))
    await connection.execute(_ADD_TIMES, {"id": backfill.id, "times": list(times)})
    notify.publish(connection, CHANNEL, backfill.id)


async def by_id(connection: AsyncConnection, backfill_id: UUID, *, lock: bool = False) -> Backfill | None:
    query = select(backfills).where(backfills.c.id == backfill_id)
    row = (await connection.execute(query.with_for_update() if lock else query)).first()
    return (await _counted(connection, [row]))[0] if row else None


async def page(connection: AsyncConnection, project_id: UUID | None, request: PageRequest) -> Page[Backfill]:
    """The newest first; of one project, or of all (None)."""
    query = select(backfills)
    if project_id is not None:
        query = query.where(backfills.c.project_id == project_id)
    found: Page[Row[Any]] = await fetch_page(
        connection, query, request, key=(backfills.c.id,), make=lambda row: row, descending=True
    )
    return Page(tuple(await _counted(connection, found.items)), found.next)


async def times_page(connection: AsyncConnection, backfill_id: UUID, request: PageRequest) -> Page[BackfillTime]:
    """Its times, the oldest first."""
    query = (
        select(backfill_times, trainings.c.number, trainings.c.state, trainings.c.reason)
        .select_from(backfill_times.outerjoin(trainings, trainings.c.id == backfill_times.c.training_id))
        .where(backfill_times.c.backfill_id == backfill_id)
    )
    return await fetch_page(connection, query, request, key=(backfill_times.c.due_at,), make=_time_of)


async def lock_running(connection: AsyncConnection, after: UUID) -> Running | None:
    """The first running one after that id that nobody else holds."""
    row = (await connection.execute(_LOCK, {"after": after})).first()
    if row is None:
        return None
    return Running(
        row.id,
        row.project_id,
        row.concurrency,
        row.request,
        row.created_by,
        row.active,
        row.waiting,
        row.deleted_at is not None,
        row.db_now,
    )


async def waiting_times(connection: AsyncConnection, backfill_id: UUID, most: int) -> list[datetime]:
    """The oldest of its times that have not been started."""
    query = (
        select(backfill_times.c.due_at)
        .where(backfill_times.c.backfill_id == backfill_id, backfill_times.c.outcome == "waiting")
        .order_by(backfill_times.c.due_at)
        .limit(most)
    )
    return list((await connection.execute(query)).scalars())


async def set_times(connection: AsyncConnection, backfill_id: UUID, times: Sequence[BackfillTime]) -> None:
    """Write what became of some of them."""
    rows = [
        {
            "due_at": time.at.isoformat(),
            "outcome": time.outcome,
            "message": time.message,
            "training_id": str(time.training_id) if time.training_id else None,
        }
        for time in times
    ]
    await connection.execute(_SET_TIMES, {"id": backfill_id, "rows": rows})
    notify.publish(connection, CHANNEL, backfill_id)


async def finish(
    connection: AsyncConnection, backfill_id: UUID, state: BackfillState, *, by: str | None = None
) -> None:
    """It is over; what still waits is cancelled."""
    values = {"state": state, "finished_at": func.now(), "cancelled_by": by}
    await connection.execute(update(backfills).where(backfills.c.id == backfill_id).values(**values))
    waiting = (backfill_times.c.backfill_id == backfill_id) & (backfill_times.c.outcome == "waiting")
    await connection.execute(update(backfill_times).where(waiting).values(outcome="cancelled"))
    notify.publish(connection, CHANNEL, backfill_id)


async def active_trainings(connection: AsyncConnection, backfill_id: UUID) -> list[UUID]:
    """Its trainings that have not ended."""
    query = select(trainings.c.id).where(trainings.c.backfill_id == backfill_id, trainings.c.state.not_in(_ENDED))
    return list((await connection.execute(query.order_by(trainings.c.id))).scalars())


async def _counted(connection: AsyncConnection, rows: Sequence[Row[Any]]) -> list[Backfill]:
    found = await connection.execute(_COUNTS, {"ids": [row.id for row in rows]})
    counts = {
        row.backfill_id: BackfillCounts(row.waiting, row.active, row.succeeded, row.failed, row.stopped, row.cancelled)
        for row in found
    }
    return [_backfill_of(row, counts.get(row.id, BackfillCounts())) for row in rows]


def _backfill_of(row: Row[Any], counts: BackfillCounts) -> Backfill:
    return Backfill(
        id=row.id,
        project_id=row.project_id,
        project=row.project,
        owner_id=row.owner_id,
        from_at=row.from_at,
        to_at=row.to_at,
        concurrency=row.concurrency,
        state=BackfillState(row.state),
        created_by=row.created_by,
        created_at=row.created_at,
        cancelled_by=row.cancelled_by,
        finished_at=row.finished_at,
        counts=counts,
    )


def _time_of(row: Row[Any]) -> BackfillTime:
    return BackfillTime(
        at=row.due_at,
        outcome=BackfillOutcome(row.outcome),
        message=row.message,
        training_id=row.training_id,
        number=row.number,
        state=State(row.state) if row.state else None,
        reason=Reason(row.reason) if row.reason else None,
    )
