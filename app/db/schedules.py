"""Rows of schedules: where each timed project stands, and which are due.

Who fires takes a schedule's row and its project's row together, and passes by what another one holds.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, delete, select, text, update
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, insert
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.sql import bindparam
from sqlalchemy.types import Uuid

from app.db import notify
from app.db.codec import from_json
from app.db.tables import schedules
from app.domain.firing import Sight
from app.domain.project import ProjectSpec
from app.domain.schedule import CatchUp
from app.domain.timed import PausedBy, ScheduleState
from app.domain.training import State

CHANNEL = "schedules"

_DUE = """
    SELECT s.*, p.name, p.owner_id, p.spec, p.revision, p.last_number,
           coalesce(CAST(:now AS timestamptz), now()) AS db_now
    FROM schedules s JOIN projects p ON p.id = s.project_id
    WHERE s.next_at <= coalesce(CAST(:now AS timestamptz), now()) AND p.deleted_at IS NULL {but}
    ORDER BY s.next_at LIMIT :most FOR NO KEY UPDATE OF s, p SKIP LOCKED
"""
_BUT = """
    AND NOT EXISTS (SELECT 1 FROM trainings t WHERE t.project_id = s.project_id AND t.exclusive
                    AND t.archived_at IS NULL AND t.state <> 'queued' {unseen} OFFSET 0)
"""
# OFFSET 0 keeps that a look at each project's own few trainings. A join is planned by how many trainings were live
# when statistics were last taken: when there were none, each project was held against all that had come since.
_DUE_IN = {
    Sight.CLEAR: text(_DUE.format(but="")),
    Sight.CATCHING_UP: text(_DUE.format(but=_BUT.format(unseen="AND t.wake_at <= now()"))),
    Sight.BLIND: text(_DUE.format(but=_BUT.format(unseen=""))),
}
_WAIT = text("SELECT extract(epoch FROM min(next_at) - clock_timestamp()) FROM schedules WHERE next_at IS NOT NULL")
_ADVANCE = text("""
    UPDATE schedules s SET next_at = r.next_at, handled_until = r.handled_until
    FROM jsonb_to_recordset(:rows) AS r(project_id uuid, next_at timestamptz, handled_until timestamptz)
    WHERE s.project_id = r.project_id
""").bindparams(bindparam("rows", type_=JSONB))
# Timed projects of which a training has ended a moment ago: only these can have failed once too often.
_SUSPECTS = text("""
    SELECT s.*, p.name, p.owner_id, p.spec, p.revision, p.last_number, now() AS db_now
    FROM schedules s JOIN projects p ON p.id = s.project_id
    WHERE s.next_at IS NOT NULL AND p.deleted_at IS NULL AND s.project_id IN (
        SELECT project_id FROM trainings
        WHERE trigger = 'schedule' AND state <> 'succeeded' AND finished_at > now() - interval '5 minutes')
    ORDER BY s.project_id FOR NO KEY UPDATE OF s, p SKIP LOCKED
""")
_ENDS = text("""
    SELECT s.project_id, t.state FROM schedules s JOIN projects p ON p.id = s.project_id CROSS JOIN LATERAL (
        SELECT id, state FROM trainings t
        WHERE t.project_id = s.project_id AND t.trigger = 'schedule' AND t.finished_at > s.failures_from
              AND t.state IN ('succeeded', 'failed', 'timed_out')
        ORDER BY t.id DESC LIMIT CAST(p.spec #>> '{schedule,stop_after_failures}' AS int)) t
    WHERE s.project_id = ANY(:projects) ORDER BY t.id DESC
""").bindparams(bindparam("projects", type_=ARRAY(Uuid)))
_NOW = text("SELECT now()")


@dataclass(frozen=True, slots=True)
class DueProject:
    """A timed project that is due, locked. `now` is by the database's clock."""

    state: ScheduleState
    name: str
    owner_id: UUID
    spec: ProjectSpec
    revision: int
    last_number: int
    now: datetime


@dataclass(frozen=True, slots=True)
class Advance:
    """Where a schedule stands after it was fired."""

    project_id: UUID
    next_at: datetime | None
    handled_until: datetime


async def lock_due(
    connection: AsyncConnection, *, most: int, now: datetime | None = None, sight: Sight = Sight.CLEAR
) -> list[DueProject]:
    """At most `most` schedules that are due and that nobody else holds, those due longest first.

    Without a clear sight those are left out that have a training of which it is not known whether it has ended.
    `now` is for tests; without it the database's clock decides.
    """
    return [_due_of(row) for row in await connection.execute(_DUE_IN[sight], {"most": most, "now": now})]


async def seconds_to_next(connection: AsyncConnection) -> float | None:
    """How long until the next due time, by the database's clock (negative: it is past); None when nothing is due."""
    seconds = (await connection.execute(_WAIT)).scalar_one()
    return None if seconds is None else float(seconds)


async def database_now(connection: AsyncConnection) -> datetime:
    """The transaction's moment by the database's clock."""
    now: datetime = (await connection.execute(_NOW)).scalar_one()
    return now


async def lock_suspects(connection: AsyncConnection) -> list[DueProject]:
    """Schedules that may have to be paused because of failures."""
    return [_due_of(row) for row in await connection.execute(_SUSPECTS)]


async def latest_ends(connection: AsyncConnection, project_ids: Sequence[UUID]) -> dict[UUID, list[State]]:
    """How the latest trainings of each schedule ended, newest first, as many as `stop_after_failures` asks about.

    What somebody stopped is left out.
    """
    found: dict[UUID, list[State]] = defaultdict(list)
    for row in await connection.execute(_ENDS, {"projects": list(project_ids)}):
        found[row.project_id].append(State(row.state))
    return found


async def advance(connection: AsyncConnection, rows: Sequence[Advance]) -> None:
    """Write where schedules stand now, in one statement."""
    values = [
        {
            "project_id": str(row.project_id),
            "next_at": row.next_at.isoformat() if row.next_at else None,
            "handled_until": row.handled_until.isoformat(),
        }
        for row in rows
    ]
    await connection.execute(_ADVANCE, {"rows": values})


async def get(connection: AsyncConnection, project_id: UUID, *, lock: bool = False) -> ScheduleState | None:
    """None when the project is not timed."""
    query = select(schedules).where(schedules.c.project_id == project_id)
    row = (await connection.execute(query.with_for_update() if lock else query)).first()
    return _state_of(row) if row else None


async def of_projects(connection: AsyncConnection, project_ids: Sequence[UUID]) -> dict[UUID, ScheduleState]:
    """Those of the projects that are timed."""
    rows = await connection.execute(select(schedules).where(schedules.c.project_id.in_(project_ids)))
    return {row.project_id: _state_of(row) for row in rows}


async def put(connection: AsyncConnection, state: ScheduleState) -> None:
    """Write the whole row; who waits for the next due time is told."""
    values = {
        "next_at": state.next_at,
        "handled_until": state.handled_until,
        "anchor": state.anchor,
        "paused_at": state.paused_at,
        "paused_by": state.paused_by,
        "paused_reason": state.paused_reason,
        "resumed_at": state.resumed_at,
        "pause_catch_up": state.pause_catch_up,
    }
    if state.failures_from is not None:
        values["failures_from"] = state.failures_from
    statement = insert(schedules).values(project_id=state.project_id, **values)
    await connection.execute(statement.on_conflict_do_update(index_elements=["project_id"], set_=values))
    notify.publish(connection, CHANNEL, state.project_id)


async def pause(
    connection: AsyncConnection, project_ids: Sequence[UUID], *, since: datetime, by: str, reason: PausedBy
) -> None:
    """Nothing of them is due from now on."""
    statement = update(schedules).where(schedules.c.project_id.in_(project_ids))
    values = {"paused_at": since, "paused_by": by, "paused_reason": reason, "resumed_at": None, "next_at": None}
    await connection.execute(statement.values(**values))
    for project_id in project_ids:
        notify.publish(connection, CHANNEL, project_id)


async def remove(connection: AsyncConnection, project_id: UUID) -> None:
    """The project is not timed any more; what became of its due times stays."""
    await connection.execute(delete(schedules).where(schedules.c.project_id == project_id))


def _due_of(row: Row[Any]) -> DueProject:
    spec = from_json(row.spec, ProjectSpec)
    return DueProject(_state_of(row), row.name, row.owner_id, spec, row.revision, row.last_number, row.db_now)


def _state_of(row: Row[Any]) -> ScheduleState:
    return ScheduleState(
        project_id=row.project_id,
        next_at=row.next_at,
        handled_until=row.handled_until,
        anchor=row.anchor,
        paused_at=row.paused_at,
        paused_by=row.paused_by,
        paused_reason=PausedBy(row.paused_reason) if row.paused_reason else None,
        resumed_at=row.resumed_at,
        pause_catch_up=CatchUp(row.pause_catch_up),
        failures_from=row.failures_from,
    )
