"""What servings with a rule have made of the newer models of their projects."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from app.db.keyset import fetch_page
from app.db.metric_series import names
from app.db.tables import serving_verdicts, trainings
from app.domain.access import Principal, UserRole
from app.domain.endpoints.promotion import Promotion, Verdict
from app.domain.paging import Page, PageRequest

# The newest training of the project that ended well after the serving was made, once all of its metrics are read.
_DUE = text("""
    SELECT e.id AS serving_id, newest.id AS training_id,
           e.owner_id, u.name, u.role, u.disabled_at IS NOT NULL AS disabled
    FROM endpoints e
    JOIN users u ON u.id = e.owner_id
    JOIN LATERAL (
        SELECT t.id FROM trainings t JOIN metric_readings m ON m.training_id = t.id
        WHERE t.project_id = e.project_id AND t.state = 'succeeded' AND m.complete AND t.id > e.id
        ORDER BY t.id DESC LIMIT 1) newest ON true
    WHERE e.kind = 'serving' AND e.state = 'running' AND e.desired = 'running'
      AND jsonb_typeof(e.spec -> 'promotion') = 'object'
      AND NOT EXISTS (
        SELECT 1 FROM serving_verdicts v WHERE v.serving_id = e.id AND v.training_id = newest.id)
    LIMIT 20
""")


@dataclass(frozen=True, slots=True)
class Due:
    """A serving that may take over a training's model, with the rights of who made it."""

    serving_id: UUID
    training_id: UUID
    owner: Principal
    owner_disabled: bool


@dataclass(frozen=True, slots=True)
class Judged:
    """What became of a training's model."""

    training_id: UUID
    project: str
    number: int
    at: datetime
    promoted: bool
    message: str


async def due(connection: AsyncConnection) -> list[Due]:
    """Some of what is to be judged."""
    rows = await connection.execute(_DUE)
    return [
        Due(row.serving_id, row.training_id, Principal(row.owner_id, row.name, UserRole(row.role)), row.disabled)
        for row in rows
    ]


async def value(connection: AsyncConnection, training_id: UUID, rule: Promotion) -> float | None:
    """The last value of the rule's metric in a training; None when it has none."""
    wanted = [
        one.last
        for one in await names(connection, training_id)
        if one.tag == rule.metric and rule.run in (None, one.run) and one.last is not None
    ]
    return max(wanted, key=lambda point: point.at).value if wanted else None


async def add(connection: AsyncConnection, due: Due, verdict: Verdict) -> None:
    """Judged once: of two workers that did, the first one's words stay."""
    values = {
        "serving_id": due.serving_id,
        "training_id": due.training_id,
        "promoted": verdict.promoted,
        "message": verdict.message,
    }
    await connection.execute(insert(serving_verdicts).values(values).on_conflict_do_nothing())


async def page(connection: AsyncConnection, serving_id: UUID, request: PageRequest) -> Page[Judged]:
    """What became of each model, the newest first."""
    query = (
        select(serving_verdicts, trainings.c.project, trainings.c.number)
        .join(trainings, trainings.c.id == serving_verdicts.c.training_id)
        .where(serving_verdicts.c.serving_id == serving_id)
    )
    return await fetch_page(
        connection,
        query,
        request,
        key=(serving_verdicts.c.training_id,),
        make=lambda row: Judged(row.training_id, row.project, row.number, row.at, row.promoted, row.message),
        descending=True,
    )
