"""Which trainings still own something in the cluster."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from app.db.tables import trainings
from app.db.tables.trainings import LIVE


async def live(connection: AsyncConnection, ids: Sequence[UUID]) -> dict[UUID, str | None]:
    """Those of `ids` that live, each with the UID of its namespace where that is known already."""
    query = select(trainings.c.id, trainings.c.namespace_uid).where(trainings.c.id.in_(ids), text(f"({LIVE})"))
    return {row.id: row.namespace_uid for row in await connection.execute(query)}
