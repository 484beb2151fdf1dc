"""What people did, kept with the change itself: one row in the same transaction."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy import Row, insert, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from app.db.ids import new_id
from app.db.keyset import fetch_page
from app.db.tables import audit_log
from app.domain.audit import AuditEntry, AuditFilter
from app.domain.paging import Page, PageRequest
from app.domain.retention import GoingEntries

_GOING = text("SELECT count(*) AS entries, min(at) AS oldest FROM audit_log WHERE at < now() - CAST(:keep AS interval)")
# Their ids grow with time: the oldest are first.
_FORGET = text("""
    DELETE FROM audit_log WHERE id IN (
        SELECT id FROM audit_log WHERE at < now() - CAST(:keep AS interval) ORDER BY id LIMIT :most)
""")


async def record(connection: AsyncConnection, actor: str, action: str, object_: str, **detail: Any) -> None:
    """`action` is such as `project.update`, `object_` such as `project/digits`; never put a secret into `detail`."""
    await connection.execute(
        insert(audit_log).values(id=new_id(), actor=actor, action=action, object=object_, detail=detail)
    )


async def going(connection: AsyncConnection, keep: timedelta) -> GoingEntries:
    """Entries older than `keep`."""
    row = (await connection.execute(_GOING, {"keep": keep})).one()
    return GoingEntries(row.entries, row.oldest)


async def forget(connection: AsyncConnection, keep: timedelta, *, most: int) -> int:
    """Remove the oldest of those older than `keep`; how many went."""
    return (await connection.execute(_FORGET, {"keep": keep, "most": most})).rowcount


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
