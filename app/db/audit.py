"""What people did, kept with the change itself: one row in the same transaction."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Row, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from app.db.ids import new_id
from app.db.keyset import fetch_page
from app.db.tables import audit_log
from app.domain.audit import AuditEntry, AuditFilter
from app.domain.paging import Page, PageRequest


async def record(connection: AsyncConnection, actor: str, action: str, object_: str, **detail: Any) -> None:
    """`action` is such as `project.update`, `object_` such as `project/digits`; never put a secret into `detail`."""
    await connection.execute(
        insert(audit_log).values(id=new_id(), actor=actor, action=action, object=object_, detail=detail)
    )


async def page(connection: AsyncConnection, which: AuditFilter, request: PageRequest) -> Page[AuditEntry]:
    """The newest first."""
    query = select(audit_log)
    for column, wanted in (
        (audit_log.c.actor, which.actor),
        (audit_log.c.action, which.action),
        (audit_log.c.object, which.object),
    ):
        if wanted is not None:
            query = query.where(column == wanted)
    return await fetch_page(connection, query, request, key=(audit_log.c.id,), make=_entry_of, descending=True)


def _entry_of(row: Row[Any]) -> AuditEntry:
    return AuditEntry(row.id, row.at, row.actor, row.action, row.object, row.detail)
