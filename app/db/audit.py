"""What people did, kept with the change itself: one row in the same transaction."""

from __future__ import annotations

from typing import Any

from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from app.db.ids import new_id
from app.db.tables import audit_log


async def record(connection: AsyncConnection, actor: str, action: str, object_: str, **detail: Any) -> None:
    """`action` is such as `project.update`, `object_` such as `project/digits`; never put a secret into `detail`."""
    await connection.execute(
        insert(audit_log).values(id=new_id(), actor=actor, action=action, object=object_, detail=detail)
    )
