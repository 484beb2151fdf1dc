"""Rows of schedules' pauses and of their going on, written with the change itself."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, insert, select, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.sql import bindparam
from sqlalchemy.types import Uuid

from app.db.ids import new_id
from app.db.keyset import fetch_page
from app.db.tables import schedule_changes
from app.domain.paging import Page, PageRequest
from app.domain.pauses import Spell
from app.domain.schedule import CatchUp
from app.domain.timed import PausedBy, ScheduleChange, Switch

# A pause ends with the change after it. Left out are those over before the due times that are still to be handled, and
# those older than what the row calls paused: a schedule that was taken away while it was paused has no end in here.
_SPELLS = text("""
    SELECT c.* FROM schedules s CROSS JOIN LATERAL (
        SELECT project_id, at, by, change, lead(at) OVER later AS until, lead(by) OVER later AS ended_by
        FROM schedule_changes WHERE project_id = s.project_id WINDOW later AS (ORDER BY at, id)) c
    WHERE s.project_id = ANY(:projects) AND c.change = 'paused' AND c.at >= s.paused_at
          AND (c.until IS NULL OR c.until > s.handled_until)
    ORDER BY c.at
""").bindparams(bindparam("projects", type_=ARRAY(Uuid)))


async def paused(
    connection: AsyncConnection, project_id: UUID, *, by: str, reason: PausedBy = PausedBy.PERSON, message: str = ""
) -> None:
    """Nothing of it is due from now on."""
    await _add(connection, project_id, by=by, change=Switch.PAUSED, reason=reason, message=message)


async def resumed(connection: AsyncConnection, project_id: UUID, *, by: str, catch_up: CatchUp) -> None:
    """It goes on."""
    await _add(connection, project_id, by=by, change=Switch.RESUMED, catch_up=catch_up)


async def page(connection: AsyncConnection, project_id: UUID, request: PageRequest) -> Page[ScheduleChange]:
    """The newest first."""
    query = select(schedule_changes).where(schedule_changes.c.project_id == project_id)
    key = (schedule_changes.c.at, schedule_changes.c.id)
    return await fetch_page(connection, query, request, key=key, make=_change_of, descending=True)


async def between(
    connection: AsyncConnection, project_id: UUID, after: datetime | None, before: datetime | None, most: int
) -> list[ScheduleChange]:
    """Those from `after` up to (not with) `before`, the newest first; None: without that bound."""
    query = select(schedule_changes).where(schedule_changes.c.project_id == project_id)
    if after is not None:
        query = query.where(schedule_changes.c.at >= after)
    if before is not None:
        query = query.where(schedule_changes.c.at < before)
    query = query.order_by(schedule_changes.c.at.desc(), schedule_changes.c.id.desc()).limit(most)
    return [_change_of(row) for row in await connection.execute(query)]


async def spells(connection: AsyncConnection, project_ids: Sequence[UUID]) -> dict[UUID, list[Spell]]:
    """The pauses of each schedule that reach into what is not handled yet, the oldest first."""
    found: dict[UUID, list[Spell]] = defaultdict(list)
    for row in await connection.execute(_SPELLS, {"projects": list(project_ids)}):
        found[row.project_id].append(Spell(row.at, row.until, row.by, row.ended_by))
    return found


async def _add(connection: AsyncConnection, project_id: UUID, **values: Any) -> None:
    await connection.execute(insert(schedule_changes).values(id=new_id(), project_id=project_id, **values))


def _change_of(row: Row[Any]) -> ScheduleChange:
    return ScheduleChange(
        row.at,
        row.by,
        Switch(row.change),
        PausedBy(row.reason) if row.reason else None,
        CatchUp(row.catch_up) if row.catch_up else None,
        row.message,
    )
