"""Subscriptions and deliveries straight from the rows, for tests of what is told and sent."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import insert, select

from app.db.engine import Database
from app.db.ids import new_id
from app.db.tables import deliveries, notices, subscriptions
from app.domain.notice import CHOOSABLE


async def subscribe(database: Database, owner_id: UUID, *, project_id: UUID | None = None, **values: Any) -> UUID:
    """Somebody who wants to be told everything about one project, or about all of the owner's."""
    row = {
        "id": new_id(),
        "channel": "mail",
        "owner_id": owner_id,
        "scope": "project" if project_id else "own",
        "project_id": project_id,
        "kinds": [kind.value for kind in CHOOSABLE],
        "target": "ada@example.com",
        "place": "mail",
        **values,
    }
    async with database.transaction() as connection:
        await connection.execute(insert(subscriptions).values(**row))
    id_: UUID = row["id"]
    return id_


async def told(database: Database, subscription_id: UUID | None = None) -> list[Any]:
    """Each delivery with its notice, the oldest first."""
    query = select(notices, deliveries).join_from(deliveries, notices).order_by(notices.c.id)
    if subscription_id is not None:
        query = query.where(deliveries.c.subscription_id == subscription_id)
    async with database.read() as connection:
        return list((await connection.execute(query)).mappings())
