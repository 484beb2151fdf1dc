"""Rows of trainings as tests of the API look at them, and what a worker would write into them."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import func, select, update

from app.db import notify
from app.db.tables import trainings
from tests.support.web import Web


async def set_state(web: Web, training: dict[str, Any], state: str, *, hint: bool = True) -> None:
    """What a worker would write."""
    async with web.context.database.transaction() as connection:
        await connection.execute(
            update(trainings)
            .where(trainings.c.id == UUID(training["id"]))
            .values(state=state, status_gen=trainings.c.status_gen + 1)
        )
        if hint:
            notify.publish(connection, "trainings", training["id"])


async def row_of(web: Web, training: dict[str, Any]) -> dict[str, Any]:
    async with web.context.database.read() as connection:
        row = (await connection.execute(select(trainings).where(trainings.c.id == UUID(training["id"])))).one()
    return dict(row._mapping)


async def count(web: Web, table: Any) -> int:
    async with web.context.database.read() as connection:
        return int((await connection.execute(select(func.count()).select_from(table))).scalar_one())
